// Stock-child puts a till under a stock master that runs the plugin Kitgenix Stock Sync for WooCommerce: the master's pushes go to the
// till, the till's sales to the master. Run it with -h for its settings; without any it brings its own master.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/tillwire/tillwire/examples/internal/chain"
	"github.com/tillwire/tillwire/examples/internal/host"
	"github.com/tillwire/tillwire/examples/internal/setup"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/sqlstore"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
	"github.com/tillwire/tillwire/stocksync/sqlstock"
)

func main() {
	s, err := parse(os.Args[1:], os.Getenv, os.Stderr)
	if err == nil {
		err = run(context.Background(), s)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "stock-child: "+chain.Sentence(err))
		os.Exit(1)
	}
}

func run(ctx context.Context, s *settings) error {
	till := newTill(s.skus)
	wiring := s.wire
	var world *world // nil with a real master
	if len(wiring.Pairs) == 0 {
		world = newWorld(s.seed, till)
		defer world.close()
		wiring.Self.StoreID, wiring.Pairs = childID, world.pairs
		wiring.HTTPClient, wiring.Nonces = &http.Client{Transport: world.network}, world.nonces
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
	state, err := sqlstock.Open(ctx, db, sqlstock.Config{})
	if err != nil {
		return err
	}
	queue, err := retryqueue.New(retryqueue.Config{Store: jobs, Logger: s.logger})
	if err != nil {
		return err
	}
	wire, err := kitgenix.New(wiring)
	if err != nil {
		return err
	}
	child, err := stocksync.NewChild(stocksync.ChildConfig{
		Self: wiring.Self, Store: state, Queue: queue, Master: wire.Upstream(wiring.Pairs[0].StoreID), Shelf: till, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	if _, err := child.TestConnection(ctx); err != nil { // a wrong setting is told at once
		return fmt.Errorf("the master: %w", err)
	}

	mux := http.NewServeMux()
	mux.Handle("/wp-json/kitgenix-stock-sync/v1/", wire.Handler(child))
	parts := []func(context.Context) error{child.Run, queue.Run}
	if world == nil {
		parts = append(parts, host.Serve(s.listen, mux))
	}
	if !s.once {
		return host.Run(ctx, parts...)
	}

	// One pass: everything is asked of the master; in the demonstration both sell then.
	began := time.Now()
	var result summary
	pass, done := context.WithCancel(ctx)
	err = host.Run(pass, append(parts, func(ctx context.Context) error {
		defer done()
		if world != nil {
			world.join(mux)
			world.stock(ctx)
		}
		report, err := child.Pull(ctx, stocksync.PullOptions{})
		if err != nil {
			return fmt.Errorf("asking the master for everything: %w", err)
		}
		if world != nil {
			result, err = world.trade(ctx, child)
			return err
		}
		result = summary{SKUs: till.count(), Converged: true}
		fmt.Fprintf(os.Stderr, "%+v\n", report)
		return nil
	})...)
	if err != nil {
		return err
	}
	result.print(os.Stderr, time.Since(began))
	if s.json {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	return errors.Join(err, result.verdict())
}
