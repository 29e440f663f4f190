// Eurofaktura-import books a WooCommerce shop's orders in Eurofaktura: by polling or by webhooks with a nightly catch-up, each once. Run
// it with -h for its settings; without any it shows itself on a fake shop and a fake Eurofaktura that fails.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/eurofaktura/eurofakturasync"
	"github.com/tillwire/tillwire/eurofaktura/eurofakturasync/sqlhooks"
	"github.com/tillwire/tillwire/examples/internal/cli"
	"github.com/tillwire/tillwire/examples/internal/host"
	"github.com/tillwire/tillwire/examples/internal/progress"
	"github.com/tillwire/tillwire/examples/internal/setup"
	"github.com/tillwire/tillwire/examples/internal/speed"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/sqlstore"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/orderfeed/sqlfeed"
)

var app = cli.Program[*settings]{Name: "eurofaktura-import", Parse: parse, Run: run, Sentence: sentence}

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
	seen, err := sqlfeed.Open(ctx, db, sqlfeed.Config{})
	if err != nil {
		return err
	}
	addresses, err := sqlhooks.Open(ctx, db, sqlhooks.Config{})
	if err != nil {
		return err
	}
	shop, err := eurofakturasync.Connect(s.shop)
	if err != nil {
		return err
	}
	books, err := eurofaktura.New(s.books)
	if err != nil {
		return err
	}
	queue, err := retryqueue.New(retryqueue.Config{Store: speed.Store(jobs, s.speed, setup.Lease), Lease: setup.Lease, Logger: s.logger})
	if err != nil {
		return err
	}
	toBooks, err := eurofakturasync.New(eurofakturasync.Config{
		Books: books, Queue: queue, Shop: shop, Warehouse: s.warehouse, CostCentre: s.centre, ShopURL: eurofakturasync.ShopURL(s.shop.URL),
		StatusSync: len(s.statuses) > 0, StatusMap: s.statuses, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	count := &counter{}
	config := toBooks.Feed(orderfeed.Config{Store: seen, Since: s.since, Logger: s.logger})
	config.Handle = count.counted(config.Handle)
	feed, err := feedOf(config, s.hooks != "" && world == nil) // the demonstration begins with polling
	if err != nil {
		return err
	}
	if err := check(ctx, shop, books); err != nil {
		return err
	}

	parts := []func(context.Context) error{queue.Run}
	if s.hooks != "" && world == nil {
		hooks, guard, err := connect(ctx, s, addresses, shop, feed)
		if err != nil {
			return err
		}
		parts = append(parts, host.Serve(s.listen, hooks), guard.Run)
	}
	if !s.once {
		return host.Run(ctx, append(parts, func(ctx context.Context) error { return feed.Run(by(ctx, "polled")) })...)
	}

	// One pass: read everything, then wait for the documents.
	began := time.Now()
	pass, done := context.WithCancel(ctx)
	err = host.Run(pass, append(parts, progress.Bar(queue, "sales orders"), func(ctx context.Context) error {
		defer done()
		if _, err := feed.RunOnce(by(ctx, "polled")); err != nil {
			return err
		}
		if world != nil { // the shop switches to webhooks and goes on trading; then it is night
			if feed, err = feedOf(config, true); err != nil {
				return err
			}
			hooks, guard, err := connect(ctx, s, addresses, shop, feed)
			if err == nil {
				err = world.aDay(ctx, hooks, guard, feed)
			}
			if err != nil {
				return err
			}
		}
		return progress.Finished(ctx, queue)
	})...)
	if err != nil {
		return err
	}
	result, err := summarize(ctx, queue, feed, count, os.Stderr)
	if err != nil {
		return err
	}
	if world != nil {
		twice := world.books.Duplicates()
		result.Duplicates, err = &twice, world.check(toBooks.Statuses())
	}
	result.print(os.Stderr, time.Since(began))
	if s.json {
		err = errors.Join(err, json.NewEncoder(os.Stdout).Encode(result))
	}
	return err
}
