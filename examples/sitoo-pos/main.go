// Sitoo-pos keeps a WooCommerce shop and a Sitoo till in step: products, categories, stock, orders and vouchers, both ways. Run it
// with -h for its settings; without any it shows itself on a fake shop and a fake till.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tillwire/tillwire/examples/internal/cli"
	"github.com/tillwire/tillwire/examples/internal/host"
	"github.com/tillwire/tillwire/examples/internal/setup"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/sqlstore"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitoosync"
	"github.com/tillwire/tillwire/sitoo/sitoosync/sqllinks"
	"github.com/tillwire/tillwire/woo"
)

var app = cli.Program[*settings]{Name: "sitoo-pos", Parse: parse, Run: run, Sentence: sentence}

func main() { app.Main() }

func run(ctx context.Context, s *settings) error {
	var world *demo // nil against real systems
	if s.shop.URL == "" {
		var err error
		if world, err = newDemo(s); err != nil {
			return err
		}
		defer world.close()
	}
	db, closeDB, err := setup.OpenSQLite(s.db)
	if err != nil {
		return err
	}
	defer closeDB()

	// The composition: what a host of one's own would write.
	jobs, err := sqlstore.Open(ctx, db, sqlstore.Config{})
	if err != nil {
		return fmt.Errorf("the database file (TILLWIRE_DB): %w", err)
	}
	links, err := sqllinks.Open(ctx, db, sqllinks.Config{Name: "sitoo-" + s.mode}) // links of the sandbox must not be used live
	if err != nil {
		return err
	}
	shop, err := woo.New(s.shop)
	if err != nil {
		return err
	}
	count := &counter{}
	s.till.HTTPClient = count.client(s.till.HTTPClient)
	till, err := sitoo.New(s.till)
	if err != nil {
		return err
	}
	queue, err := retryqueue.New(retryqueue.Config{Store: jobs, Logger: s.logger})
	if err != nil {
		return err
	}
	pos, err := sitoosync.New(sitoosync.Config{
		Shop: shop, Till: till, Links: links, State: links, Queue: queue, Warehouse: s.warehouse, Live: s.mode == "live",
		Orders: s.orders, SendStock: true, SendProducts: true, SendCoupons: true, Deliver: true, ClickAndCollect: []string{"local_pickup"},
		PricesWithVAT: true, ImageClient: s.pictures, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	p := &program{s, world, shop, pos, queue, &sides{shop: shop, till: till, links: links}, count}
	return p.run(ctx)
}

// program is what is done with the composition: a full sync, then what changes, then the final comparison.
type program struct {
	*settings
	world *demo
	shop  *woo.Client
	pos   *sitoosync.Sync
	queue *retryqueue.Queue
	both  *sides
	count *counter
}

func (p *program) run(ctx context.Context) error {
	connection, err := p.pos.Connect(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s, warehouse %s: stock goes up %s\n", //nolint:errcheck // for people
		connection.Site.URL, connection.Warehouse.Name, connection.Path)
	before, err := p.both.look(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	pass, done := context.WithCancel(ctx)
	defer done()
	var result summary
	err = host.Run(pass, p.queue.Run, func(ctx context.Context) error {
		report, err := fullSync(ctx, p.pos, p.settings)
		if err != nil {
			return err
		}
		if !p.once {
			fmt.Fprintln(os.Stderr, "in step; from here on by what changes. Ctrl-C ends it.") //nolint:errcheck // likewise
			return p.pos.Run(ctx)
		}
		defer done()
		if p.world != nil {
			err = p.world.trade(ctx, p.shop, p.pos, p.queue)
		} else {
			err = errors.Join(p.pos.RunOnce(ctx), settled(ctx, p.queue))
		}
		if err == nil {
			result, err = p.both.compare(ctx, before, report)
		}
		return err
	})
	if err != nil || !p.once {
		return err
	}
	result.Requests = p.count.n.Load()
	result.print(os.Stderr, time.Since(began))
	if p.world != nil {
		err = result.check()
	}
	if p.json {
		err = errors.Join(err, json.NewEncoder(os.Stdout).Encode(result))
	}
	return err
}

// fullSync runs the operations, with a bar for each.
func fullSync(ctx context.Context, pos *sitoosync.Sync, s *settings) (*sitoosync.Report, error) {
	b := &bars{}
	defer b.end()
	report, err := pos.FullSync(ctx, sitoosync.FullSyncOptions{
		Operations: s.operations, DryRun: s.dry, IgnoreErrors: true, Progress: b.draw,
	})
	if err != nil {
		return report, err
	}
	for _, o := range report.Operations {
		for _, planned := range o.Planned {
			fmt.Println(planned)
		}
		for n, skipped := range o.Skipped {
			if n == 5 {
				fmt.Fprintf(os.Stderr, "%s: and %d more\n", o.Operation, len(o.Skipped)-n) //nolint:errcheck // for people
				break
			}
			fmt.Fprintf(os.Stderr, "%s: passed over: %v\n", o.Operation, skipped) //nolint:errcheck // likewise
		}
	}
	return report, nil
}

// settled waits until everything that goes up was tried. What failed comes back on the queue's schedule, when the program runs again.
func settled(ctx context.Context, queue *retryqueue.Queue) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		found, err := queue.List(ctx, retryqueue.Query{Count: true, Limit: 1})
		if err != nil {
			return err
		}
		if found.ByState[retryqueue.Queued]+found.ByState[retryqueue.Running] == 0 {
			if n := found.ByState[retryqueue.Retrying]; n > 0 {
				fmt.Fprintf(os.Stderr, "%d changes could not be sent yet: see -v\n", n) //nolint:errcheck // for people
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
