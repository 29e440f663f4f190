// Stock-master keeps one stock equal in many stores: some run the plugin Kitgenix Stock Sync for WooCommerce, one is a plain
// WooCommerce store, and the host sells too. Run it with -h for its settings; without any it brings its own stores, which all sell.
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
	"github.com/tillwire/tillwire/stocksync/woopeer"
	"github.com/tillwire/tillwire/woo"
)

func main() {
	s, err := parse(os.Args[1:], os.Getenv, os.Stderr)
	if err == nil {
		err = run(context.Background(), s)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "stock-master: "+chain.Sentence(err))
		os.Exit(1)
	}
}

func run(ctx context.Context, s *settings) error {
	var world *world // nil with real stores
	if len(s.wire.Pairs) == 0 {
		var err error
		if world, err = newWorld(s); err != nil {
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
	state, err := sqlstock.Open(ctx, db, sqlstock.Config{})
	if err != nil {
		return err
	}
	queue, err := retryqueue.New(retryqueue.Config{Store: jobs, Logger: s.logger})
	if err != nil {
		return err
	}
	wire, err := kitgenix.New(s.wire)
	if err != nil {
		return err
	}
	config, mux := s.master, http.NewServeMux()
	config.Self, config.Store, config.Queue, config.Peers = s.wire.Self, state, queue, wire.Peers()
	if s.shop.URL != "" {
		shop, err := woo.New(s.shop)
		if err != nil {
			return err
		}
		s.plain.Shop, s.plain.Ledger = shop, state
		plain, err := woopeer.New(s.plain)
		if err != nil {
			return err
		}
		config.Peers, config.Source = append(config.Peers, plain), plain
		mux.Handle("POST "+hooks, plain.WebhookHandler(s.hookSecret))
	}
	master, err := stocksync.NewMaster(config)
	if err != nil {
		return err
	}
	mux.Handle("/wp-json/kitgenix-stock-sync/v1/", wire.Handler(master))
	parts := []func(context.Context) error{master.Run, queue.Run}
	if world != nil {
		world.join(mux)
		parts = append(parts, world.run, chain.Table(func() []string { return world.table(ctx, master) }))
	} else {
		parts = append(parts, host.Serve(s.listen, mux), chain.Table(func() []string { return health(ctx, master) }))
	}
	if err := begin(ctx, master, state, s); err != nil {
		return err
	}
	if !s.once {
		return host.Run(ctx, parts...)
	}

	// One pass: all stores are brought into line; in the demonstration they sell then, and an audit finds what they did not report.
	began := time.Now()
	var before, result summary
	pass, done := context.WithCancel(ctx)
	err = host.Run(pass, append(parts, func(ctx context.Context) error {
		defer done()
		if world == nil {
			report, err := master.Reconcile(ctx, stocksync.ReconcileOptions{})
			result = reconciled(report)
			return err
		}
		if err := world.trade(ctx, master); err != nil {
			return err
		}
		before = world.settle(ctx, master)
		_, err := master.Audit(ctx, stocksync.AuditOptions{Adopt: true}) // Run makes one every day
		result = world.settle(ctx, master)
		return err
	})...)
	if err != nil {
		return err
	}
	result.Mode, result.Children = config.Mode, len(config.Peers)
	result.print(os.Stderr, before, time.Since(began))
	if s.json {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	return errors.Join(err, result.verdict())
}

// begin takes what is on hand, once for each product: from then on the ledger has it. Stores that lack it get it from the queue.
func begin(ctx context.Context, master *stocksync.Master, state stocksync.Store, s *settings) error {
	fresh, err := master.Seed(ctx, s.stock)
	if err == nil && s.shop.URL != "" {
		var more int
		more, err = master.Import(ctx)
		fresh += more
	}
	if err != nil {
		return fmt.Errorf("taking what is on hand: %w", err)
	}
	known, err := state.Find(ctx, "", 1)
	if err == nil && len(known) == 0 {
		err = errors.New("no product is known here: set TILLWIRE_STOCK, or WOO_URL and its keys, to say what is on hand")
	}
	stores, unknown := master.Health(ctx)
	for _, h := range stores { // one that does not answer now may do so later: it is told of, and waited for
		if _, err := master.TestConnection(ctx, h.Peer); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", h.Peer, err)
		}
	}
	fmt.Fprintf(os.Stderr, "stores: %d, products that are new here: %d\n", len(stores), fresh)
	return errors.Join(err, unknown)
}
