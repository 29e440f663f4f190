// Orders-to-kledo books a WooCommerce shop's orders in Kledo: a sales order at processing, an invoice at completed, nothing lost and
// nothing twice. Run it with -h for its settings; without any it shows itself on a fake shop and a fake Kledo that fails.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/tillwire/tillwire/examples/internal/cli"
	"github.com/tillwire/tillwire/examples/internal/demo"
	"github.com/tillwire/tillwire/examples/internal/host"
	"github.com/tillwire/tillwire/examples/internal/progress"
	"github.com/tillwire/tillwire/examples/internal/setup"
	"github.com/tillwire/tillwire/examples/internal/speed"
	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/kledo/kledosync"
	"github.com/tillwire/tillwire/kledo/sqltokens"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/sqlstore"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/orderfeed/sqlfeed"
)

var app = cli.Program[*setup.Settings]{Name: "orders-to-kledo", Parse: setup.Parse, Run: run, Sentence: setup.Sentence}

func main() { app.Main() }

func run(ctx context.Context, s *setup.Settings) error {
	var world *demo.World // nil against real systems
	if s.Shop.URL == "" {
		var err error
		if world, err = demo.New(s.Seed); err != nil {
			return err
		}
		defer world.Close()
		s.Shop, s.Books, s.Since = world.Shop.Config(), world.Books.Config(), time.Unix(0, 0)
	}
	s.Hurry()
	db, closeDB, err := setup.OpenSQLite(s.DB)
	if err != nil {
		return err
	}
	defer closeDB()

	// The composition: what a host of one's own would write.
	jobs, err := sqlstore.Open(ctx, db, sqlstore.Config{})
	if err != nil {
		return fmt.Errorf("the database file (TILLWIRE_DB): %w", err)
	}
	seen, err := sqlfeed.Open(ctx, db, sqlfeed.Config{})
	if err != nil {
		return err
	}
	if s.Books.Tokens, err = sqltokens.Open(ctx, db, sqltokens.Config{}); err != nil {
		return err
	}
	shop, err := woo.New(s.Shop)
	if err != nil {
		return err
	}
	books, err := kledo.New(s.Books)
	if err != nil {
		return err
	}
	queue, err := retryqueue.New(retryqueue.Config{
		Store: speed.Store(jobs, s.Speed, setup.Lease), Lease: setup.Lease, Logger: s.Logger,
	})
	if err != nil {
		return err
	}
	toKledo, err := kledosync.New(kledosync.Config{
		Books: books, Shop: shop, ShopURL: s.Shop.URL, Queue: queue, Logger: s.Logger,
		SalesOrders: s.Kledo, Invoices: s.Kledo, PluginCompatible: s.Compatible,
	})
	if err != nil {
		return err
	}
	feed, err := orderfeed.New(orderfeed.Config{
		Source: shop.Orders, Store: seen, Statuses: toKledo.Statuses(), Handle: toKledo.Accept,
		Since: s.Since, Lease: 2 * time.Second, Logger: s.Logger,
	})
	if err != nil {
		return err
	}
	if err := setup.Check(ctx, shop, books); err != nil {
		return err
	}

	var parts []func(context.Context) error
	if s.Listen != "" {
		mux := http.NewServeMux()
		mux.Handle("POST /hooks/orders", feed.WebhookHandler(s.WebhookSecret))
		parts = append(parts, host.Serve(s.Listen, mux))
	}
	if !s.Now {
		parts = append(parts, queue.Run)
	}
	if !s.Once && !s.Now {
		return host.Run(ctx, append(parts, feed.Run)...)
	}

	// One pass: read everything, then wait for the documents.
	began, read := time.Now(), 0
	pass, done := context.WithCancel(ctx)
	err = host.Run(pass, append(parts, progress.Bar(queue, "documents"), func(ctx context.Context) (err error) {
		defer done()
		if read, err = setup.ReadAll(ctx, feed, s.Speed); err == nil && world != nil {
			err = world.Trade(func() error { // the shop goes on trading
				_, err := setup.ReadAll(ctx, feed, s.Speed)
				return err
			})
		}
		switch {
		case err != nil:
			return err
		case s.Now:
			return queue.RunDue(ctx)
		}
		return progress.Finished(ctx, queue)
	})...)
	if err != nil {
		return err
	}
	summary, err := progress.Summarize(ctx, queue, read)
	if err != nil {
		return err
	}
	if world != nil {
		world.Tell(&summary)
		err = world.Check()
	}
	summary.Print(os.Stderr, time.Since(began))
	if s.JSON {
		err = errors.Join(err, json.NewEncoder(os.Stdout).Encode(summary))
	}
	return err
}
