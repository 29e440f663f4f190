package transactions_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/transactions"
)

// task is a payload as a host might have it.
type task struct {
	OrderID int      `json:"order_id"`
	Total   string   `json:"total"`
	Billing *billing `json:"billing,omitempty"`

	// What the attempt at it does.
	Fails     string `json:"fails,omitempty"` // the error, none if empty
	For       int    `json:"for,omitempty"`   // so many attempts fail; 0: all
	Permanent bool   `json:"permanent,omitempty"`

	// What Describe says, where the order's number will not do.
	Label, Link string `json:",omitempty"`
}

type billing struct {
	FirstName string `json:"first_name"`
	Email     string `json:"email"`
	Phone     string `json:"phone"`
}

const warning = "Kledo may then have two documents for this order."

// world is a queue with two kinds over a memory store.
type world struct {
	t        *testing.T
	queue    *retryqueue.Queue
	invoices *retryqueue.Producer[task]
	orders   *retryqueue.Producer[task]
}

func newWorld(t *testing.T, store retryqueue.Store) *world {
	w := &world{t: t}
	var err error
	w.queue, err = retryqueue.New(retryqueue.Config{Store: store})
	require.NoError(t, err)
	kind := func(name string) *retryqueue.Producer[task] {
		p, err := retryqueue.Register(w.queue, retryqueue.Kind[task]{
			Name: name,
			Work: func(_ context.Context, job retryqueue.Job[task]) error {
				p := job.Payload
				switch {
				case p.Fails == "" || p.For > 0 && job.Attempt > p.For:
					return job.SetResult(map[string]any{"id": 77, "number": "INV-77", "contact": "Siti"})
				case p.Permanent:
					return retryqueue.Permanent(errors.New(p.Fails))
				}
				return errors.New(p.Fails)
			},
			Describe: func(p task) (label, url, warn string) {
				if p.Label != "" {
					return p.Label, p.Link, warning
				}
				return fmt.Sprintf("#%d", p.OrderID), fmt.Sprintf("https://shop.example/wp-admin/order=%d", p.OrderID), warning
			},
		})
		require.NoError(t, err)
		return p
	}
	w.invoices, w.orders = kind("kledo.invoice"), kind("kledo.order")
	return w
}

// kinds are their names for people.
var kinds = map[string]string{"kledo.invoice": "Invoice", "kledo.order": "Sales order"}

// add enqueues a task under the key order:<number> and works on what is due.
func (w *world) add(p *retryqueue.Producer[task], job task) retryqueue.ID {
	w.t.Helper()
	receipt, err := p.Enqueue(w.t.Context(), fmt.Sprintf("order:%d", job.OrderID), job)
	require.NoError(w.t, err)
	require.NoError(w.t, w.queue.RunDue(w.t.Context()))
	return receipt.ID
}

// get reads a job.
func (w *world) get(id retryqueue.ID) *retryqueue.Record {
	w.t.Helper()
	found, err := w.queue.List(w.t.Context(), retryqueue.Query{IDs: []retryqueue.ID{id}, History: true})
	require.NoError(w.t, err)
	require.Len(w.t, found.Records, 1)
	return found.Records[0]
}

// handler makes a screen. deny are the actions that are not allowed.
func (w *world) handler(c transactions.Config, deny ...transactions.Action) http.Handler {
	w.t.Helper()
	if c.Authorize == nil {
		c.Authorize = denying(deny...)
	}
	h, err := transactions.Handler(w.queue, c)
	require.NoError(w.t, err)
	return h
}

func denying(deny ...transactions.Action) func(*http.Request, transactions.Action) error {
	return func(_ *http.Request, a transactions.Action) error {
		for _, d := range deny {
			if a == d {
				return errors.New("the secret reason")
			}
		}
		return nil
	}
}

// longError is longer than the list shows.
const longError = "HTTP 422 from Kledo: contact_id: the contact of this order is archived in Kledo, so no invoice can be booked to it; " +
	"restore the contact or choose another one, then retry"

// shopDays fills a queue with three days of a shop in virtual time, and moves them to now, for browsers, which cannot live in
// virtual time.
func shopDays(t *testing.T) *world {
	store := retryqueue.NewMemoryStore()
	var shift time.Duration
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = w.queue.Run(ctx) })
		add := func(p *retryqueue.Producer[task], job task) retryqueue.ID {
			job.Total = fmt.Sprintf("%d000.00", 100+job.OrderID%90)
			if job.Label == "" {
				name := strings.Fields("Siti Budi Ayu Dewi Rizky Putri Agus Wayan")[job.OrderID%8] + " " +
					strings.Fields("Rahma Santoso Lestari Pratama Wijaya")[job.OrderID%5]
				job.Label, job.Link = fmt.Sprintf("#%d %s", job.OrderID, name), fmt.Sprintf("https://shop.example/wp-admin/admin.php?page=wc-orders&id=%d", job.OrderID)
				job.Billing = &billing{FirstName: name, Email: "customer@mail.example", Phone: "+6281234567890"}
			}
			receipt, err := p.Enqueue(t.Context(), fmt.Sprintf("order:%d", job.OrderID), job)
			require.NoError(t, err)
			return receipt.ID
		}
		for i := range 23 {
			add(w.orders, task{OrderID: 1001 + i})
			time.Sleep(97 * time.Minute)
			invoice := task{OrderID: 1001 + i}
			if i%4 == 3 {
				invoice.Fails, invoice.For = "HTTP 502 from Kledo: bad gateway", 2
			}
			add(w.invoices, invoice)
			time.Sleep(11 * time.Minute)
		}
		add(w.invoices, task{OrderID: 1030, Fails: longError, Permanent: true})
		time.Sleep(3 * time.Minute)
		add(w.invoices, task{OrderID: 1031, Fails: "HTTP 401 from Kledo: the API key was refused", Permanent: true})
		gone := add(w.orders, task{OrderID: 1032, Fails: "order 1032 was moved to the bin", Permanent: true})
		time.Sleep(40 * time.Minute)
		require.NoError(t, w.queue.Discard(t.Context(), gone))
		add(w.invoices, task{OrderID: 1033, Fails: "dial tcp 203.0.113.7:443: connection timed out"})
		time.Sleep(50 * time.Minute)
		add(w.orders, task{OrderID: 1034, Fails: "HTTP 503 from Kledo: maintenance, back at 14:00"})
		time.Sleep(9 * time.Minute)
		add(w.orders, task{OrderID: 1035})
		add(w.invoices, task{OrderID: 1035})
		time.Sleep(4 * time.Minute)
		_, err := w.orders.Enqueue(t.Context(), "order:1036", task{OrderID: 1036, Label: "#1036 Ketut Wijaya"}, retryqueue.At(time.Now().Add(30*time.Minute)))
		require.NoError(t, err)
		synctest.Wait()
		cancel()
		running.Wait()
		shift = -time.Duration(time.Now().UnixNano())
	})
	shift += time.Duration(time.Now().UnixNano())
	return newWorld(t, &shifted{store, shift})
}

// shifted shows times of virtual years as if they were so much later.
type shifted struct {
	retryqueue.Store
	by time.Duration
}

func (s *shifted) Find(ctx context.Context, q retryqueue.Query) (retryqueue.Found, error) {
	move := func(by time.Duration, times ...*time.Time) {
		for _, t := range times {
			if !t.IsZero() {
				*t = t.Add(by)
			}
		}
	}
	move(-s.by, &q.CreatedFrom, &q.CreatedTo, &q.NextFrom, &q.NextTo)
	found, err := s.Store.Find(ctx, q)
	for _, r := range found.Records {
		for _, t := range []*time.Time{&r.CreatedAt, &r.NextAttemptAt} {
			if t.Year() < 2020 {
				move(s.by, t)
			}
		}
		for i := range r.History {
			move(s.by, &r.History[i].Start, &r.History[i].End)
		}
	}
	return found, err
}

// broken is a store whose server is away.
type broken struct{ retryqueue.Store }

func (broken) Find(context.Context, retryqueue.Query) (retryqueue.Found, error) {
	return retryqueue.Found{}, errors.New("dial tcp db.internal:5432: connection refused")
}
