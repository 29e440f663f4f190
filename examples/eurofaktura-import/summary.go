package main

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
)

// route is the way by which an order came in.
type route struct{}

// by marks what is done under ctx.
func by(ctx context.Context, way string) context.Context { return context.WithValue(ctx, route{}, way) }

// counter counts orders by the way they came in.
type counter struct{ polled, webhook, rechecked atomic.Int64 }

// counted is accept, counted.
func (c *counter) counted(accept func(context.Context, *woo.Order) error) func(context.Context, *woo.Order) error {
	return func(ctx context.Context, o *woo.Order) error {
		err := accept(ctx, o)
		if err == nil {
			switch ctx.Value(route{}) {
			case "polled":
				c.polled.Add(1)
			case "night":
				c.rechecked.Add(1)
			default:
				c.webhook.Add(1)
			}
		}
		return err
	}
}

// summary is what a run has to show.
type summary struct {
	Orders      int   `json:"orders"`       // that the feed knows: forwarded and open
	SalesOrders int   `json:"sales_orders"` // documents whose job succeeded
	Open        int   `json:"open"`         // orders that wait for a wanted status
	Forwarded   int64 `json:"forwarded"`    // orders taken over, by whichever way:
	Webhook     int64 `json:"webhook"`
	Polled      int64 `json:"polled"`
	Rechecked   int64 `json:"rechecked"` // at night: what webhooks lost, and what was open
	Failed      int   `json:"failed"`
	Duplicates  *int  `json:"duplicates"` // known of a fake world only
}

// summarize looks at the queue and the open list, which it prints on out.
func summarize(ctx context.Context, q *retryqueue.Queue, feed *orderfeed.Feed, c *counter, out io.Writer) (summary, error) {
	s := summary{Webhook: c.webhook.Load(), Polled: c.polled.Load(), Rechecked: c.rechecked.Load()}
	s.Forwarded = s.Webhook + s.Polled + s.Rechecked
	found, err := q.List(ctx, retryqueue.Query{Kinds: []string{"eurofaktura.order"}, Count: true, Limit: 1})
	if err != nil {
		return s, err
	}
	s.SalesOrders, s.Failed = found.ByState[retryqueue.Succeeded], found.ByState[retryqueue.Failed]
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for e, err := range feed.Open(ctx) {
		if err != nil {
			return s, err
		}
		if s.Open++; s.Open <= 10 {
			fmt.Fprintf(table, "open\t#%s\t%s\tsince %s\n", e.Number, e.Status, e.Created.Format(time.DateOnly)) //nolint:errcheck // a table for people
		}
	}
	if s.Open > 10 {
		fmt.Fprintf(table, "\tand %d more\t\t\n", s.Open-10) //nolint:errcheck // likewise
	}
	s.Orders = int(s.Forwarded) + s.Open
	return s, table.Flush()
}

// print says the same in words.
func (s summary) print(out io.Writer, took time.Duration) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range []struct {
		name string
		n    int64
	}{
		{"orders", int64(s.Orders)}, {"forwarded", s.Forwarded}, {"by polling", s.Polled}, {"by webhook", s.Webhook},
		{"at night", s.Rechecked}, {"sales orders booked", int64(s.SalesOrders)}, {"failed", int64(s.Failed)}, {"still open", int64(s.Open)},
	} {
		fmt.Fprintf(table, "%s\t%d\t\n", row.name, row.n) //nolint:errcheck // a table for people
	}
	if s.Duplicates != nil {
		fmt.Fprintf(table, "booked twice\t%d\t\n", *s.Duplicates) //nolint:errcheck // likewise
	}
	_ = table.Flush()                                         // likewise
	fmt.Fprintf(out, "in %s\n", took.Round(time.Millisecond)) //nolint:errcheck // likewise
}
