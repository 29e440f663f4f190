package eurofakturasync

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/eurofaktura/eurofakturatest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
)

// faultMatrix is every way in which a request goes wrong.
var faultMatrix = []eurofakturatest.Fault{
	eurofakturatest.TooMany, eurofakturatest.ServerError, eurofakturatest.BadGateway, eurofakturatest.Unavailable, eurofakturatest.Page,
	eurofakturatest.Dropped, eurofakturatest.Lost, eurofakturatest.Cut, eurofakturatest.Truncated, eurofakturatest.GatewayTimeout,
	eurofakturatest.Hang,
}

// TestNeverTwice: under faults of every kind each order is booked once, whether the server knows apiTransactionId or not, answers a
// repeat with the first result or with an error, shows what it booked at once or minutes later, and tells references in lists or not.
func TestNeverTwice(t *testing.T) {
	t.Parallel()
	n := long(500)
	lost, faults, orders := 0, 0, 0
	for seed := range n {
		c := eurofakturatest.Config{NoTransactionIDs: seed%2 == 0, RefuseRepeats: seed%4 == 1, NoReferencesInLists: seed%5 == 0}
		if seed%3 == 0 {
			c.BookAfter = 8 * time.Minute
		}
		inWorld(t, c, synced, func(t *testing.T, w *world) {
			w.books.SetFaults(eurofakturatest.Faults{Rate: 0.35, Kinds: faultMatrix, Seed: uint64(seed), RetryAfter: 20 * time.Second})
			var ids []woo.OrderID
			for range 3 {
				o := w.order("processing")
				ids = append(ids, o.ID)
				w.accept(o)
			}
			w.later(time.Hour)
			for _, id := range ids {
				w.accept(w.moved(id, "completed")) // it comes again, as orders do
			}
			w.settled()
			for _, id := range ids {
				require.Equal(t, retryqueue.Succeeded, w.job("myshop.order", id).State, "seed %d: %s", seed, w.job("myshop.order", id).LastError)
				require.Len(t, w.booked(id), 1, "seed %d", seed)
				require.Equal(t, "Done", w.the(id).Text("status"), "seed %d", seed)
			}
			require.Zero(t, w.books.Duplicates(), "seed %d", seed)
			stats := w.books.Stats()
			lost, faults, orders = lost+stats.AnswersLost, faults+stats.Faults, orders+len(ids)
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d seeds, %d orders, %d faults, %d of them lost answers; none booked twice, none missing", n, orders, faults, lost)
	require.Positive(t, lost)
}

// TestAnUnclearOutcomeIsLookedFor: the answer of a create is lost; the next attempt lists before it sends anything.
func TestAnUnclearOutcomeIsLookedFor(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{NoTransactionIDs: true}, nil, func(t *testing.T, w *world) {
		creates := 0
		w.books.SetScript(func(c eurofakturatest.Call) *eurofakturatest.Answer {
			if c.Method != "SalesOrderCreate" {
				return nil
			}
			creates++
			return &eurofakturatest.Answer{Status: 502, Body: "gone", Type: "text/plain", Do: true}
		})
		o := w.order("processing")
		w.accept(o)
		w.later(time.Hour)
		require.Equal(t, 1, creates)
		job := w.job("myshop.order", o.ID)
		require.Equal(t, retryqueue.Succeeded, job.State)
		require.Contains(t, string(job.Result), w.the(o.ID).ID)
	})
}

// TestARefusedOrderIsSeen: what the books refuse fails at once with their words, and the other orders go on.
func TestARefusedOrderIsSeen(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{}, nil, func(t *testing.T, w *world) {
		bad, good := w.order("processing"), w.order("processing")
		w.books.SetScript(func(c eurofakturatest.Call) *eurofakturatest.Answer {
			if c.Method == "SalesOrderCreate" && fmt.Sprint(c.Parameters["apiTransactionId"]) == w.sync.c.transaction(bad.ID) {
				return &eurofakturatest.Answer{Error: "Error nr: 1 #buyerTaxNumber - VAT number is required;\r\n"}
			}
			return nil
		})
		w.accept(bad)
		w.accept(good)
		w.later(time.Minute)
		job := w.job("myshop.order", bad.ID)
		require.Equal(t, retryqueue.Failed, job.State)
		require.Contains(t, job.LastError, "VAT number is required")
		require.Len(t, w.booked(good.ID), 1)

		odd := w.order("processing")
		odd.Total = shown("1.00") // a gift card that is no line
		w.accept(odd)
		w.later(time.Minute)
		job = w.job("myshop.order", odd.ID)
		require.Equal(t, retryqueue.Failed, job.State)
		require.Contains(t, job.LastError, string(ReasonTotals))
		label, _, warning := w.queue.Describe(job)
		require.Contains(t, label, "Мария Иванова")
		require.NotEmpty(t, warning)
	})
}

// TestAWrongKeyLosesNothing: all wait, uncounted, until the key is right.
func TestAWrongKeyLosesNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{}, nil, func(t *testing.T, w *world) {
		var wrong atomic.Bool
		wrong.Store(true)
		w.books.SetScript(func(eurofakturatest.Call) *eurofakturatest.Answer {
			if wrong.Load() {
				return &eurofakturatest.Answer{Error: "Invalid web services token"}
			}
			return nil
		})
		o := w.order("processing")
		w.accept(o)
		w.later(50 * time.Hour)
		wrong.Store(false)
		w.later(time.Hour)
		require.Len(t, w.booked(o.ID), 1)
		require.Equal(t, retryqueue.Succeeded, w.job("myshop.order", o.ID).State)
	})
}

// TestAnOrderThatIsGone is not booked, unless it was before it went.
func TestAnOrderThatIsGone(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{}, nil, func(t *testing.T, w *world) {
		w.books.StartOutage(time.Hour, eurofakturatest.BadGateway)
		o := w.order("processing")
		w.accept(o)
		w.later(time.Minute)
		require.NoError(t, w.shop.TrashOrder(int64(o.ID)))
		w.later(3 * time.Hour)
		require.Empty(t, w.booked(o.ID))
		require.Equal(t, retryqueue.Discarded, w.job("myshop.order", o.ID).State)
	})
}

// TestTwoShopsShareABookkeeper: same ids, two names, two documents.
func TestTwoShopsShareABookkeeper(t *testing.T) {
	t.Parallel()
	inWorld(t, eurofakturatest.Config{}, nil, func(t *testing.T, w *world) {
		books, err := eurofaktura.New(w.books.Config())
		require.NoError(t, err)
		c := Config{Name: "other", Books: books, Queue: w.queue, Warehouse: "02", CostCentre: "WEB"}
		other, err := New(c)
		require.NoError(t, err)
		_, err = New(c)
		require.Error(t, err, "a name is registered once")
		o := w.order("processing")
		w.accept(o)
		require.NoError(t, other.Accept(t.Context(), o))
		require.NoError(t, other.Follow(t.Context(), o), "without StatusSync nothing is followed")
		w.later(time.Minute)
		require.Equal(t, 2, w.books.Count(eurofakturatest.SalesOrder, ""))
		require.Error(t, other.Accept(t.Context(), &woo.Order{}))
	})
}
