// Custom-target sends a shop's orders to a system that Tillwire does not know: here a loyalty programme that loses one answer in four.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tillwire/tillwire/examples/internal/cli"
	"github.com/tillwire/tillwire/examples/internal/host"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/wootest"
)

// loyalty is the target. Yours is a client that says of an error whether the effect may have been had all the same, and can look for it.
type loyalty struct {
	credits map[string]bool
	sent    int
}

func (l *loyalty) credit(_ context.Context, j retryqueue.Job[*woo.Order]) error {
	l.credits[j.Key], l.sent = true, l.sent+1
	if j.Payload.ID%4 == 0 && j.Attempt == 1 {
		return retryqueue.Ambiguous(errors.New("the answer was lost")) // the next attempt asks credited first
	}
	return nil
}

func (l *loyalty) credited(_ context.Context, j retryqueue.Job[*woo.Order]) (bool, error) {
	return l.credits[j.Key], nil
}

var app = cli.Program[struct{}]{Name: "custom-target", Parse: parse, Run: run}

func main() { app.Main() }

func parse(args []string, _ func(string) string, out io.Writer) (none struct{}, err error) {
	flags := cli.Flags("custom-target", "Credits 20 orders of a fake shop in a fake loyalty programme. Flags, as every example has them:\n", out)
	flags.Bool("once", true, "end after two seconds, as it always does; yours runs until it is stopped")
	flags.Bool("json", true, "print a JSON object, as it always does")
	return none, cli.Parse(flags, args)
}

func run(ctx context.Context, _ struct{}) error {
	fake, err1 := wootest.New(wootest.Config{}) // yours: woo.New(woo.Config{URL: …, Key: …, Secret: …})
	for range 20 {
		_, err := fake.AddOrder([]byte(`{"status":"completed"}`))
		err1 = errors.Join(err1, err)
	}
	shop, err2 := woo.New(fake.Config())
	queue, err3 := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()}) // yours: sqlstore.Open(ctx, db, …)
	program := &loyalty{credits: map[string]bool{}}
	credits, err4 := retryqueue.Register(queue, retryqueue.Kind[*woo.Order]{
		Name: "loyalty.credit", Work: program.credit, Probe: program.credited, Concurrency: 1, Schedule: retryqueue.Steps(time.Second / 10),
	})
	feed, err5 := orderfeed.New(orderfeed.Config{
		Source: shop.Orders, Store: orderfeed.NewMemoryStore(), Statuses: []woo.OrderStatus{"completed"}, Since: time.Unix(0, 0),
		Handle: func(ctx context.Context, o *woo.Order) error { _, err := credits.Enqueue(ctx, o.Number, o); return err },
	})
	err := errors.Join(err1, err2, err3, err4, err5)
	if err == nil {
		ctx, done := context.WithTimeout(ctx, 2*time.Second)
		defer done()
		err = host.Run(ctx, feed.Run, queue.Run)
	}
	if err == nil {
		_, err = fmt.Printf("{\"orders\":%d,\"duplicates\":%d}\n", len(program.credits), program.sent-len(program.credits))
	}
	return err
}
