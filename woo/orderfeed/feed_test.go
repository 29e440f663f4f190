package orderfeed_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
)

func TestOncePerStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle})
		shop.set(1, woo.OrderPending)
		shop.set(2, woo.OrderProcessing)
		shop.set(3, woo.OrderCompleted)
		require.Equal(t, orderfeed.Report{Read: 3, Handled: 2}, runOnce(t, feed))
		require.Zero(t, runOnce(t, feed).Handled)

		time.Sleep(time.Hour)
		shop.set(1, woo.OrderProcessing)
		shop.set(2, woo.OrderCompleted)
		shop.set(3, woo.OrderProcessing) // reopened
		require.Equal(t, 3, runOnce(t, feed).Handled)
		time.Sleep(time.Hour)
		shop.set(2, woo.OrderProcessing) // and back: it was there
		require.Zero(t, runOnce(t, feed).Handled)
		require.Equal(t, 5, k.total())
		require.Equal(t, wanted[1], entryOf(t, store, 2).Handled[0])
		require.Equal(t, woo.OrderProcessing, entryOf(t, store, 2).Status)
	})
}

func TestOncePerOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k := newLedger(), newTaken()
		feed := newFeed(t, orderfeed.Config{Source: shop, Handle: k.handle, Once: orderfeed.PerOrder})
		shop.set(1, woo.OrderProcessing)
		runOnce(t, feed)
		time.Sleep(time.Hour)
		shop.set(1, woo.OrderCompleted)
		runOnce(t, feed)
		require.Equal(t, map[string]int{"1 processing": 1}, k.got)
	})
}

// While Handle runs nothing is marked; after it has returned nil the mark survives a restart.
func TestMarkAfterHandle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		shop.set(1, woo.OrderProcessing)
		k.fail = func(o *woo.Order) error {
			require.Empty(t, entryOf(t, store, o.ID).Handled, "marked before Handle has returned")
			return nil
		}
		runOnce(t, newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle}))
		require.Equal(t, []woo.OrderStatus{woo.OrderProcessing}, entryOf(t, store, 1).Handled)

		restarted := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle})
		require.Zero(t, runOnce(t, restarted).Handled)
	})
}

// brittle is a Store whose Put fails as long as it is told to: a process that dies before the mark is stored.
type brittle struct {
	orderfeed.Store
	broken bool
}

func (b *brittle) Put(ctx context.Context, feed string, entries []orderfeed.Entry) error {
	if b.broken {
		return errors.New("disk full")
	}
	return b.Store.Put(ctx, feed, entries)
}

func TestLostMarkMeansAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), &brittle{orderfeed.NewMemoryStore(), true}
		shop.set(1, woo.OrderProcessing)
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle})
		_, err := feed.RunOnce(t.Context())
		require.ErrorContains(t, err, "disk full")
		store.broken = false
		runOnce(t, feed)
		require.Equal(t, 2, k.count(1, woo.OrderProcessing))
	})
}

// What fails waits for the next runs, however far the cursor has gone meanwhile, and keeps nobody else waiting.
func TestFailedOrderIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle})
		long := strings.Repeat("ž", 400)
		tries := 0
		k.fail = func(o *woo.Order) error {
			if o.ID != 2 {
				return nil
			}
			tries++
			return errors.New(long)
		}
		for id := range woo.OrderID(3) {
			shop.set(id+1, woo.OrderProcessing)
		}
		require.Equal(t, orderfeed.Report{Read: 3, Handled: 2, Failed: 1}, runOnce(t, feed))
		require.Equal(t, 1, tries)
		require.Equal(t, strings.Repeat("ž", 250), entryOf(t, store, 2).Error)
		for day := range 5 {
			time.Sleep(24 * time.Hour)
			shop.set(woo.OrderID(10+day), woo.OrderProcessing)
			require.Equal(t, 1, runOnce(t, feed).Failed)
			require.Equal(t, day+2, tries, "once in a run")
		}
		k.fail = nil
		require.Equal(t, 1, runOnce(t, feed).Handled)
		require.Empty(t, entryOf(t, store, 2).Error)
		require.Equal(t, 1, k.count(2, woo.OrderProcessing))
		require.Zero(t, runOnce(t, feed).Handled)
	})
}

// An order that failed and is no longer wanted, or no longer there, waits for nothing.
func TestFailedOrderThatWentAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle})
		k.fail = func(*woo.Order) error { return errors.New("no") }
		shop.set(1, woo.OrderProcessing)
		shop.set(2, woo.OrderProcessing)
		require.Equal(t, 2, runOnce(t, feed).Failed)
		shop.set(1, woo.OrderCancelled)
		shop.remove(2)
		require.Zero(t, runOnce(t, feed).Failed)
		require.Empty(t, entryOf(t, store, 1).Error)
		require.Equal(t, woo.OrderCancelled, entryOf(t, store, 1).Status)
		require.True(t, entryOf(t, store, 2).Missing)
		gets := shop.gets
		runOnce(t, feed)
		require.Equal(t, gets, shop.gets)
	})
}

type systemic struct{ error }

func (systemic) Systemic() bool            { return true }
func (systemic) RetryAfter() time.Duration { return 3 * time.Hour }

func TestSystemicFailureEndsTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k := newLedger(), newTaken()
		feed := newFeed(t, orderfeed.Config{Source: shop, Handle: k.handle})
		calls := 0
		k.fail = func(*woo.Order) error { calls++; return systemic{errors.New("the books are closed")} }
		for id := range woo.OrderID(250) {
			shop.set(id+1, woo.OrderProcessing)
		}
		_, err := feed.RunOnce(t.Context())
		require.ErrorContains(t, err, "the books are closed")
		require.Equal(t, 1, calls)
		k.fail = nil
		require.Equal(t, 250, runOnce(t, feed).Handled)
		require.Equal(t, 250, k.total())
	})
}

// One's own mark bumps the order, comes back, and costs nothing.
func TestOwnWritesCauseNoSecondCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: func(ctx context.Context, o *woo.Order) error {
			if err := k.handle(ctx, o); err != nil {
				return err
			}
			time.Sleep(2 * time.Second)
			shop.edit(o.ID, func(o *woo.Order) { o.DateModified = shop.now() })
			return nil
		}})
		shop.set(1, woo.OrderProcessing)
		for range 5 {
			runOnce(t, feed)
			time.Sleep(time.Hour)
		}
		require.Equal(t, 1, k.total())
		require.Equal(t, shop.order(1).DateModified, entryOf(t, store, 1).Modified)
	})
}

func TestSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		shop.set(1, woo.OrderCompleted)  // over and done, but touched again below
		shop.set(2, woo.OrderPending)    // paid later
		shop.set(3, woo.OrderProcessing) // completed later
		time.Sleep(10 * 24 * time.Hour)
		start := shop.now()
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle, Since: start})
		shop.edit(1, func(o *woo.Order) { o.DateModified = shop.now() })
		shop.set(2, woo.OrderProcessing)
		shop.set(3, woo.OrderCompleted)
		shop.set(4, woo.OrderProcessing) // at the very second
		runOnce(t, feed)
		require.Equal(t, map[string]int{"2 processing": 1, "3 completed": 1, "4 processing": 1}, k.got)
		require.Zero(t, entryOf(t, store, 1), "not the feed's")

		// An earlier Since: read again from there, without repeating anything. No Since: the one in force.
		shop.edit(1, func(o *woo.Order) { o.DateModified = o.DateCreated })
		earlier := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle, Since: start.Add(-20 * 24 * time.Hour)})
		require.Equal(t, 1, runOnce(t, earlier).Handled)
		require.Equal(t, 1, k.count(1, woo.OrderCompleted))
		same := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle})
		runOnce(t, same)
		c, err := store.Cursor(t.Context(), orderfeed.DefaultName)
		require.NoError(t, err)
		require.Equal(t, start.Add(-20*24*time.Hour), c.Since)
	})
}

// Without Since the feed begins a day before its first start, whether that run succeeded or not.
func TestSinceDefault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		shop.set(1, woo.OrderProcessing)
		time.Sleep(25 * time.Hour)
		shop.set(2, woo.OrderProcessing)
		time.Sleep(23 * time.Hour)
		shop.down = errors.New("maintenance")
		_, err := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle}).RunOnce(t.Context())
		require.ErrorContains(t, err, "maintenance")
		time.Sleep(48 * time.Hour)
		shop.down = nil
		runOnce(t, newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle}))
		require.Equal(t, map[string]int{"2 processing": 1}, k.got)
	})
}

// An order that cannot be decoded is remembered by its id; one that has none holds the cursor.
func TestUnreadableOrders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle})
		for id := range woo.OrderID(3) {
			shop.set(id+1, woo.OrderProcessing)
		}
		runOnce(t, feed)
		shop.set(2, woo.OrderCompleted)
		shop.broken[2] = true
		for range 4 {
			require.Equal(t, 1, runOnce(t, feed).Failed)
			time.Sleep(48 * time.Hour)
			shop.set(9, woo.OrderProcessing)
		}
		shop.broken[2] = false
		runOnce(t, feed)
		require.Equal(t, 1, k.count(2, woo.OrderCompleted))

		before, err := store.Cursor(t.Context(), orderfeed.DefaultName)
		require.NoError(t, err)
		time.Sleep(48 * time.Hour)
		shop.set(10, woo.OrderProcessing)
		feedNameless := newFeed(t, orderfeed.Config{Source: withNameless{shop}, Store: store, Handle: k.handle})
		_, err = feedNameless.RunOnce(t.Context())
		require.ErrorIs(t, err, woo.ErrMalformed)
		require.Equal(t, 1, k.count(10, woo.OrderProcessing), "the others are handed over all the same")
		after, err := store.Cursor(t.Context(), orderfeed.DefaultName)
		require.NoError(t, err)
		require.Equal(t, before, after)
	})
}

// withNameless yields an order that can neither be read nor named, before the others.
type withNameless struct{ *ledger }

func (w withNameless) All(ctx context.Context, q woo.OrderQuery) iter.Seq2[*woo.Order, error] {
	return func(yield func(*woo.Order, error) bool) {
		if yield(nil, malformedError(0)) {
			w.ledger.All(ctx, q)(yield)
		}
	}
}

// A run that is cut off has marked all it handed over, hands over nothing more, and repeats nothing later.
func TestCancelledRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: func(c context.Context, o *woo.Order) error {
			if o.ID == 150 {
				cancel()
			}
			return k.handle(c, o)
		}})
		for id := range woo.OrderID(250) {
			shop.set(id+1, woo.OrderProcessing)
		}
		_, err := feed.RunOnce(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 150, k.total())
		require.Equal(t, 100, runOnce(t, feed).Handled)
		require.Equal(t, 250, k.total())
	})
}

// counting notes how much is asked of a Store at a time.
type counting struct {
	orderfeed.Store
	most int
}

func (c *counting) Get(ctx context.Context, feed string, ids []woo.OrderID) ([]orderfeed.Entry, error) {
	c.most = max(c.most, len(ids))
	return c.Store.Get(ctx, feed, ids)
}

func TestLongWalkInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), &counting{Store: orderfeed.NewMemoryStore()}
		var steps []orderfeed.Report
		feed := newFeed(t, orderfeed.Config{
			Source: shop, Store: store, Handle: k.handle, Progress: func(r orderfeed.Report) { steps = append(steps, r) },
		})
		for id := range woo.OrderID(1050) {
			shop.set(id+1, woo.OrderProcessing)
		}
		want := orderfeed.Report{Read: 1050, Handled: 1050}
		require.Equal(t, want, runOnce(t, feed))
		require.Equal(t, 100, store.most)
		require.Len(t, steps, 11)
		require.Equal(t, orderfeed.Report{Read: 100, Handled: 100}, steps[0])
		require.Equal(t, want, steps[10])
	})
}

// Slow handling stores marks twice a second, not only at the end of a page.
func TestMarksAreStoredEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, store := newLedger(), orderfeed.NewMemoryStore()
		done := 0
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: func(context.Context, *woo.Order) error {
			found, err := store.Find(t.Context(), orderfeed.DefaultName, orderfeed.Query{})
			require.NoError(t, err)
			require.LessOrEqual(t, done-len(found), 5)
			time.Sleep(100 * time.Millisecond)
			done++
			return nil
		}})
		for id := range woo.OrderID(50) {
			shop.set(id+1, woo.OrderProcessing)
		}
		require.Equal(t, 50, runOnce(t, feed).Handled)
	})
}

func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k := newLedger(), newTaken()
		feed := newFeed(t, orderfeed.Config{Source: shop, Handle: k.handle})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- feed.Run(ctx) }()
		synctest.Wait()
		require.Equal(t, 1, shop.walked(), "at once")
		time.Sleep(59 * time.Minute)
		require.Equal(t, 1, shop.walked())
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Equal(t, 2, shop.walked(), "and every hour")

		shop.fail(errors.New("maintenance"))
		time.Sleep(time.Hour)
		synctest.Wait()
		failed := shop.walked()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		require.Greater(t, shop.walked(), failed, "sooner after a failure")
		shop.fail(systemic{errors.New("come back later")})
		time.Sleep(time.Hour)
		synctest.Wait()
		failed = shop.walked()
		time.Sleep(2 * time.Hour)
		require.Equal(t, failed, shop.walked(), "not before the shop wants to be asked again")
		shop.fail(nil)
		shop.set(1, woo.OrderProcessing)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		require.Equal(t, 1, k.total())
		cancel()
		require.NoError(t, <-ended)
	})
}

// Two processes: one reads at a time, both come to an end, nothing is handed over twice.
func TestOneReaderAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		for id := range woo.OrderID(300) {
			shop.set(id+1, woo.OrderProcessing)
		}
		var mu sync.Mutex
		reading, most := 0, 0
		shop.onPage = func(_, page int) {
			mu.Lock()
			if page == 1 {
				reading++
			}
			most = max(most, reading)
			mu.Unlock()
			time.Sleep(time.Minute) // twice the lease: it must be extended
			mu.Lock()
			if page == 4 {
				reading--
			}
			mu.Unlock()
		}
		var wg sync.WaitGroup
		for range 3 {
			feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle})
			wg.Go(func() { runOnce(t, feed) })
		}
		wg.Wait()
		require.Equal(t, 1, most)
		require.Equal(t, 3, shop.walks)
		require.Equal(t, 300, k.total())
	})
}

// A reader that died is followed by the next one after its lease, no later.
func TestDeadReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, store := newLedger(), orderfeed.NewMemoryStore()
		ok, err := store.Lease(t.Context(), orderfeed.DefaultName, "the dead", 10*time.Second)
		require.NoError(t, err)
		require.True(t, ok)
		start := time.Now()
		runOnce(t, newFeed(t, orderfeed.Config{Source: shop, Store: store, Lease: 10 * time.Second}))
		require.InDelta(t, 10, time.Since(start).Seconds(), 1)

		_, err = store.Lease(t.Context(), orderfeed.DefaultName, "the living", time.Hour)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = newFeed(t, orderfeed.Config{Source: shop, Store: store}).RunOnce(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	good := func() orderfeed.Config {
		return orderfeed.Config{
			Source: newLedger(), Store: orderfeed.NewMemoryStore(), Statuses: wanted, Handle: newTaken().handle,
		}
	}
	for field, spoil := range map[string]func(c *orderfeed.Config){
		"Config.Source":           func(c *orderfeed.Config) { c.Source = nil },
		"Config.Store":            func(c *orderfeed.Config) { c.Store = nil },
		"Config.Handle":           func(c *orderfeed.Config) { c.Handle = nil },
		"Config.Statuses is":      func(c *orderfeed.Config) { c.Statuses = nil },
		`Config.Statuses: ""`:     func(c *orderfeed.Config) { c.Statuses = []woo.OrderStatus{""} },
		`Config.Statuses: "any"`:  func(c *orderfeed.Config) { c.Statuses = []woo.OrderStatus{"any"} },
		`Config.Statuses: "wc-x"`: func(c *orderfeed.Config) { c.Statuses = []woo.OrderStatus{"wc-x"} },
		`Config.Statuses: "Done"`: func(c *orderfeed.Config) { c.Statuses = []woo.OrderStatus{"Done"} },
		"Config.Once":             func(c *orderfeed.Config) { c.Once = 7 },
		"Config.Every":            func(c *orderfeed.Config) { c.Every = -1 },
		"Config.Lease":            func(c *orderfeed.Config) { c.Lease = -1 },
	} {
		c := good()
		spoil(&c)
		_, err := orderfeed.New(c)
		require.ErrorContains(t, err, field)
	}
	_, err := orderfeed.New(good())
	require.NoError(t, err)
}

// Feeds of two shops share a store.
func TestFeedsShareAStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := orderfeed.NewMemoryStore()
		for i := range 2 {
			shop, k := newLedger(), newTaken()
			shop.set(1, woo.OrderProcessing)
			runOnce(t, newFeed(t, orderfeed.Config{Name: fmt.Sprint("shop", i), Source: shop, Store: store, Handle: k.handle}))
			require.Equal(t, 1, k.total())
		}
	})
}
