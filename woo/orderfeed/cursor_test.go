package orderfeed_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
)

// An order is paid behind the back of a walk: the walk has passed its place, and then meets another, of a higher id, that was
// changed even later. A cursor that takes the newest stamp it met loses the first one for ever. At any walk, the first or a later
// one, whatever the shop's clock says.
func TestChangeBehindTheWalk(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{0, 20 * time.Hour, -20 * time.Hour, 90 * time.Second, -90 * time.Second} {
		for _, at := range []int{1, 2, 3} {
			t.Run(fmt.Sprintf("skew %v, walk %d", skew, at), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					shop, k := newLedger(), newTaken()
					shop.skew = skew
					shop.set(7, woo.OrderPending)
					for id := range woo.OrderID(250) {
						shop.set(id+10, woo.OrderProcessing)
					}
					shop.onPage = func(walk, page int) {
						time.Sleep(2 * time.Minute) // slow pages: no overlap helps
						switch {
						case walk == at && page == 2:
							shop.set(7, woo.OrderProcessing)
						case walk == at && page == 3:
							shop.set(250, woo.OrderCompleted)
						}
					}
					feed := newFeed(t, orderfeed.Config{Source: shop, Handle: k.handle})
					for walk := range 6 {
						runOnce(t, feed)
						if walk < 5 && walk+1 != at {
							for id := range woo.OrderID(250) { // so that later walks have three pages too
								shop.edit(id+10, func(o *woo.Order) { o.DateModified = shop.now() })
							}
						}
						time.Sleep(time.Hour)
					}
					require.Equal(t, 1, k.count(7, woo.OrderProcessing))
					require.Equal(t, 1, k.count(250, woo.OrderCompleted))
					if at == 1 { // then order 250 was met as completed first
						require.Equal(t, 251, k.total())
						return
					}
					require.Equal(t, 252, k.total())
				})
			})
		}
	}
}

// Two orders change in one second, one before a walk looks and one after.
func TestEqualSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k := newLedger(), newTaken()
		feed := newFeed(t, orderfeed.Config{Source: shop, Handle: k.handle})
		for i := range woo.OrderID(20) {
			shop.set(2*i+1, woo.OrderProcessing)
			for range 3 { // within the second
				runOnce(t, feed)
			}
			shop.set(2*i+2, woo.OrderProcessing)
			time.Sleep(time.Hour)
		}
		runOnce(t, feed)
		require.Equal(t, 40, k.total())
	})
}

// A save may take a while between its stamp and the moment it is seen.
func TestLateCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k := newLedger(), newTaken()
		feed := newFeed(t, orderfeed.Config{Source: shop, Handle: k.handle})
		for i := range woo.OrderID(20) {
			stamped := shop.now()
			time.Sleep(2 * time.Second)
			shop.set(100+i, woo.OrderProcessing) // stamped later, seen sooner
			runOnce(t, feed)
			time.Sleep(2 * time.Second)
			runOnce(t, feed)
			shop.set(10+i, woo.OrderProcessing)
			shop.edit(10+i, func(o *woo.Order) { o.DateModified = stamped })
			runOnce(t, feed)
			time.Sleep(time.Hour)
			runOnce(t, feed)
		}
		require.Equal(t, 40, k.total())
	})
}

// One order stamped far ahead must not end the feed until that day.
func TestStampFromTheFuture(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{time.Hour, 20 * time.Hour, 365 * 24 * time.Hour} {
		for _, skew := range []time.Duration{0, -20 * time.Hour, 20 * time.Hour} {
			if skew < 0 && by < 24*time.Hour {
				continue // soon it lies in our past, and still in the shop's future: then nobody can tell
			}
			t.Run(fmt.Sprintf("%v, skew %v", by, skew), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					shop, k := newLedger(), newTaken()
					shop.skew = skew
					feed := newFeed(t, orderfeed.Config{Source: shop, Handle: k.handle})
					for i := range woo.OrderID(10) {
						shop.set(i+1, woo.OrderProcessing)
						if i == 4 {
							shop.edit(i+1, func(o *woo.Order) { o.DateModified = time.Now().UTC().Truncate(time.Second).Add(by) })
						}
						runOnce(t, feed)
						time.Sleep(time.Hour)
					}
					require.Equal(t, 10, k.total())
					shop.set(5, woo.OrderCompleted) // its stamp goes back in time
					runOnce(t, feed)
					require.Equal(t, 1, k.count(5, woo.OrderCompleted))
				})
			})
		}
	}
}

// A shop's clock is set, forth and back, while the feed runs.
func TestClockThatIsSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k := newLedger(), newTaken()
		feed := newFeed(t, orderfeed.Config{Source: shop, Handle: k.handle})
		for i, skew := range []time.Duration{0, 10 * time.Hour, 0, 3 * time.Minute, 0, -10 * time.Hour, 0} {
			shop.skew = skew
			for n := range woo.OrderID(3) {
				shop.set(woo.OrderID(10*i)+n+1, woo.OrderProcessing)
				runOnce(t, feed)
				time.Sleep(20 * time.Hour)
			}
		}
		require.Equal(t, 21, k.total())
	})
}

// The cursor costs little: in a quiet shop a run reads what came in the last minute before the newest change, in a busy one what
// came since the run before the last.
func TestReadsLittle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop := newLedger()
		feed := newFeed(t, orderfeed.Config{Source: shop})
		for id := range woo.OrderID(100) {
			shop.set(id+1, woo.OrderProcessing)
			time.Sleep(time.Hour)
		}
		for range 4 {
			runOnce(t, feed)
		}
		require.Equal(t, 1, runOnce(t, feed).Read)
		shop.set(200, woo.OrderProcessing)
		time.Sleep(time.Hour)
		require.Equal(t, 2, runOnce(t, feed).Read)
		shop.set(201, woo.OrderProcessing)
		time.Sleep(time.Hour)
		require.Equal(t, 3, runOnce(t, feed).Read)
		require.Equal(t, 2, runOnce(t, feed).Read)
		require.Equal(t, 1, runOnce(t, feed).Read)
	})
}

// After the shop's clock was set back, a failure has an older stamp than what is known of its order. It must wait all the same.
func TestFailureAfterClockWasSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k := newLedger(), newTaken()
		feed := newFeed(t, orderfeed.Config{Source: shop, Handle: k.handle})
		shop.skew = 10 * time.Hour
		shop.set(1, woo.OrderProcessing)
		runOnce(t, feed)
		shop.skew = 0
		shop.set(1, woo.OrderCompleted)
		k.fail = func(*woo.Order) error { return errors.New("no") }
		require.Equal(t, 1, runOnce(t, feed).Failed)
		for day := range 3 {
			time.Sleep(24 * time.Hour)
			k.fail = func(o *woo.Order) error {
				if o.ID == 1 {
					return errors.New("no")
				}
				return nil
			}
			shop.set(woo.OrderID(10+day), woo.OrderProcessing)
			require.Equal(t, 1, runOnce(t, feed).Failed)
		}
		k.fail = nil
		runOnce(t, feed)
		require.Equal(t, 1, k.count(1, woo.OrderCompleted))
	})
}

// Deliveries are noted beside the cursor while a walk goes on. They must not keep it from being advanced, or a busy shop would be read
// from the same point for ever.
func TestDeliveryDuringAWalk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, store := newLedger(), orderfeed.NewMemoryStore()
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Webhooks: true})
		hook := feed.WebhookHandler(secret)
		shop.onPage = func(walk, _ int) {
			time.Sleep(2 * time.Minute)
			shop.set(woo.OrderID(walk), woo.OrderProcessing)
			if code := deliver(hook, "order.updated", body(t, shop.order(woo.OrderID(walk)))); code != 200 {
				t.Errorf("answered %d", code)
			}
		}
		var last orderfeed.Cursor
		for range 5 {
			runOnce(t, feed)
			time.Sleep(time.Hour)
			c, err := store.Cursor(t.Context(), orderfeed.DefaultName)
			require.NoError(t, err)
			require.True(t, c.Seen.After(last.Seen), "%v, then %v", last, c)
			require.True(t, c.LastDelivery.After(last.LastDelivery))
			last = c
		}
	})
}

// A run has a page in hand, and meanwhile another process takes one of its orders: it is not handed over again.
func TestTakenElsewhereMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		other := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle}).WebhookHandler(secret)
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: func(ctx context.Context, o *woo.Order) error {
			if o.ID == 1 {
				require.Equal(t, 200, deliver(other, "order.updated", body(t, shop.order(2))))
			}
			return k.handle(ctx, o)
		}})
		shop.set(1, woo.OrderProcessing)
		shop.set(2, woo.OrderProcessing)
		runOnce(t, feed)
		require.Equal(t, map[string]int{"1 processing": 1, "2 processing": 1}, k.got)
	})
}
