package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tillwire/tillwire/stocksync"
)

// summary is the result of one pass.
type summary struct {
	Mode      stocksync.Mode `json:"mode"`
	SKUs      int            `json:"skus"`
	Children  int            `json:"children"` // stores beside the host
	Sales     int            `json:"sales"`
	Lost      int64          `json:"lost"`       // units sold that are not missing at the master
	Oversold  int64          `json:"oversold"`   // units sold that were not there
	Twice     int64          `json:"duplicates"` // units missing at the master that were not sold
	Pushes    int            `json:"pushes"`     // requests that wrote to a store
	Conflicts int            `json:"conflicts"`
	Converged bool           `json:"converged"` // all stores have what they are to have
	Faults    int            `json:"faults_injected"`
}

// reconciled is what is known of real stores.
func reconciled(r stocksync.ReconcileReport) summary {
	return summary{SKUs: r.Products, Pushes: r.Pushed, Conflicts: r.Conflicts, Converged: r.Waiting == 0 && r.Conflicts == 0}
}

// print shows the result to a person, and what the audit has found of it.
func (s summary) print(out io.Writer, before summary, took time.Duration) {
	equal := "all equal"
	if !s.Converged {
		equal = "NOT all equal"
	}
	if before.Sales > 0 {
		//nolint:errcheck // likewise
		fmt.Fprintf(out, "before the audit %d units were lost and %d counted twice\n", before.Lost, before.Twice)
	}
	//nolint:errcheck // a summary that cannot be printed is no summary
	fmt.Fprintf(out, "%s: %d products, %d stores and the host, %d sales, %d units lost, %d counted twice, %d oversold, in %s\n",
		equal, s.SKUs, s.Children, s.Sales, s.Lost, s.Twice, s.Oversold, took.Round(time.Second))
}

// verdict is what a pass must not end with. What the other modes cost is told, not judged.
func (s summary) verdict() error {
	switch {
	case !s.Converged:
		return errors.New("not all stores have what they are to have")
	case s.Mode == stocksync.Allocated && s.Oversold+s.Lost+s.Twice > 0:
		return errors.New("the ledger is not what was sold")
	}
	return nil
}

// health is a line for each real store, and one for all of them.
func health(ctx context.Context, master *stocksync.Master) (lines []string) {
	stores, err := master.Health(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	well, waiting := 0, 0
	for _, h := range stores {
		state := "well"
		if h.OK() {
			well++
		} else {
			state = h.Error
		}
		waiting += h.Waiting
		lines = append(lines, fmt.Sprintf("%-20s %4d products wait for it   %s", h.Peer, h.Waiting, state))
	}
	return append(lines, fmt.Sprintf("%d of %d stores are well, %d products wait", well, len(stores), waiting))
}
