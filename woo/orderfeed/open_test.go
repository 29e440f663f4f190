package orderfeed_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/wootest"
)

// An order that passes two wanted statuses, as a documents' feed and as a link service sees it.
func TestOnceOverTwoWantedStatuses(t *testing.T) {
	t.Parallel()
	for once, want := range map[orderfeed.Once]map[string]int{
		orderfeed.PerStatus: {"1 processing": 1, "1 completed": 1},
		orderfeed.PerOrder:  {"1 processing": 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
			feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle, Once: once})
			hook := feed.WebhookHandler(secret)
			shop.set(1, woo.OrderPending)
			runOnce(t, feed)
			require.Equal(t, []woo.OrderID{1}, openIDs(t, feed))
			for i, status := range []woo.OrderStatus{woo.OrderProcessing, woo.OrderOnHold, woo.OrderProcessing, woo.OrderCompleted, woo.OrderProcessing} {
				time.Sleep(time.Hour)
				shop.set(1, status)
				if i%2 == 0 {
					require.Equal(t, 200, deliver(hook, "order.updated", body(t, shop.order(1))))
				}
				runOnce(t, feed)
				night(t, feed)
				open := once == orderfeed.PerStatus && i < 3 // until it was handed over at the last wanted status
				require.Equal(t, open, len(openIDs(t, feed)) == 1, "%v, step %d", once, i)
			}
			require.Equal(t, want, k.got)
			require.True(t, entryOf(t, store, 1).Done)
		})
	}
}

// The re-check looks at what was handed over at one wanted status and may have reached the next unseen.
func TestRecheckPerStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k := newLedger(), newTaken()
		feed := newFeed(t, orderfeed.Config{Source: shop, Handle: k.handle})
		shop.set(1, woo.OrderProcessing)
		shop.set(2, woo.OrderCompleted)
		runOnce(t, feed)
		shop.blind = true
		shop.slip(1, woo.OrderCompleted)
		require.Equal(t, 1, night(t, feed).Forwarded)
		require.Equal(t, []woo.OrderID{1}, shop.asked)
		require.Equal(t, map[string]int{"1 processing": 1, "1 completed": 1, "2 completed": 1}, k.got)
	})
}

func TestOpenList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle, Once: orderfeed.PerOrder})
		shop.open(1, 250)
		shop.edit(1, func(o *woo.Order) { o.Number = "2000-0001" })
		shop.set(5, woo.OrderCompleted)
		shop.set(6, woo.OrderCheckoutDraft)
		runOnce(t, feed)
		ids := openIDs(t, feed)
		require.Len(t, ids, 248)
		require.IsIncreasing(t, ids)
		require.NotContains(t, ids, woo.OrderID(5))
		require.NotContains(t, ids, woo.OrderID(6), "a cart")
		for e, err := range feed.Open(t.Context()) {
			require.NoError(t, err)
			require.Equal(t, "2000-0001", e.Number)
			require.Equal(t, time.Now().UTC(), e.Seen)
			require.Equal(t, woo.OrderPending, e.Status)
			break
		}
		for _, err := range newFeed(t, orderfeed.Config{Source: shop, Store: failing{store}}).Open(t.Context()) {
			require.ErrorContains(t, err, "disk full")
		}
	})
}

type failing struct{ orderfeed.Store }

func (failing) Find(context.Context, string, orderfeed.Query) ([]orderfeed.Entry, error) {
	return nil, errors.New("disk full")
}

func TestIgnore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle, Once: orderfeed.PerOrder})
		shop.open(1, 4)
		runOnce(t, feed)
		require.ErrorContains(t, feed.Ignore(t.Context(), 1, 99), "order 99 is not known")
		require.Len(t, openIDs(t, feed), 4, "all or nothing")
		require.NoError(t, feed.Ignore(t.Context(), 1, 2, 3))
		require.NoError(t, feed.Ignore(t.Context(), 1), "again")
		require.NoError(t, feed.Ignore(t.Context()))
		require.Equal(t, []woo.OrderID{4}, openIDs(t, feed))

		// What becomes of an ignored order is noted; the note does not take the mark away, however often.
		time.Sleep(time.Hour)
		shop.set(1, woo.OrderCompleted)
		runOnce(t, feed)
		night(t, feed)
		require.Zero(t, k.total())
		e := entryOf(t, store, 1)
		require.True(t, e.Ignored)
		require.Equal(t, woo.OrderCompleted, e.Status)

		require.NoError(t, feed.Unignore(t.Context(), 1, 2))
		require.Equal(t, map[string]int{"1 completed": 1}, k.got, "it is wanted by now")
		require.Equal(t, []woo.OrderID{2, 4}, openIDs(t, feed))
		require.NoError(t, feed.Unignore(t.Context(), 2), "again")

		// The shop is down when it is taken back: the next night, or start, hands it over, whatever its age.
		shop.set(3, woo.OrderCompleted)
		runOnce(t, feed)
		time.Sleep(300 * day)
		shop.fail(errors.New("maintenance"))
		require.ErrorContains(t, feed.Unignore(t.Context(), 3), "maintenance")
		shop.fail(nil)
		runOnce(t, feed)
		require.Equal(t, 1, k.count(3, woo.OrderCompleted))
	})
}

// A run that had read the entry before a person ignored the order does not bring it back.
func TestIgnoreDuringARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		c := orderfeed.Config{Source: shop, Store: store, Handle: k.handle, Once: orderfeed.PerOrder}
		feed, other := newFeed(t, c), newFeed(t, c) // another process
		shop.open(1, 1)
		runOnce(t, feed)
		shop.blind = true
		time.Sleep(time.Hour)
		shop.set(1, woo.OrderOnHold)
		shop.onGet = func(woo.OrderID) {
			shop.onGet = nil
			require.NoError(t, other.Ignore(t.Context(), 1))
		}
		night(t, feed)
		require.True(t, entryOf(t, store, 1).Ignored)
		require.Equal(t, woo.OrderOnHold, entryOf(t, store, 1).Status)
		require.Empty(t, openIDs(t, feed))
	})
}

func TestForward(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		shop.set(7, woo.OrderCompleted) // before the feed began
		time.Sleep(48 * time.Hour)
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Handle: k.handle, Once: orderfeed.PerOrder})
		shop.open(1, 3)
		runOnce(t, feed)
		require.NoError(t, feed.Forward(t.Context(), 1))
		require.Equal(t, map[string]int{"1 pending": 1}, k.got, "whatever its status")
		require.Equal(t, []woo.OrderID{2, 3}, openIDs(t, feed))
		require.NoError(t, feed.Forward(t.Context(), 1))
		shop.set(1, woo.OrderCompleted)
		runOnce(t, feed)
		require.Equal(t, 1, k.total(), "once is once")

		require.NoError(t, feed.Ignore(t.Context(), 2))
		require.NoError(t, feed.Forward(t.Context(), 2))
		require.NoError(t, feed.Forward(t.Context(), 7))
		require.Equal(t, 3, k.total(), "ignored ones, and ones the feed never saw")
		require.Equal(t, []woo.OrderStatus{woo.OrderCompleted}, entryOf(t, store, 7).Handled)

		k.fail = func(*woo.Order) error { return errors.New("no VAT number") }
		require.ErrorContains(t, feed.Forward(t.Context(), 3), "no VAT number")
		k.fail = nil
		require.ErrorIs(t, feed.Forward(t.Context(), 99), woo.ErrNotFound)
		require.Zero(t, entryOf(t, store, 99))
		shop.remove(3)
		require.ErrorIs(t, feed.Forward(t.Context(), 3), woo.ErrNotFound)
		require.True(t, entryOf(t, store, 3).Missing)
	})
}

// A changed set of wanted statuses is applied to the open list at the next start, without a list of the shop's orders.
func TestChangedStatuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
		start := func(statuses ...woo.OrderStatus) *orderfeed.Feed {
			return newFeed(t, orderfeed.Config{
				Source: shop, Store: store, Handle: k.handle, Once: orderfeed.PerOrder, Statuses: statuses,
				Recheck: orderfeed.Recheck{NoInventory: true},
			})
		}
		shop.open(1, 120)
		shop.set(3, woo.OrderOnHold)
		shop.set(4, woo.OrderOnHold)
		shop.set(5, "packed")
		runOnce(t, start(woo.OrderCompleted))
		require.Zero(t, k.total())
		time.Sleep(100 * day) // far out of every window
		shop.slip(4, woo.OrderCancelled)
		runOnce(t, start(woo.OrderOnHold, woo.OrderCompleted))
		require.Equal(t, map[string]int{"3 on-hold": 1}, k.got, "as the shop has them now")
		require.Equal(t, []woo.OrderID{3, 4}, shop.asked)
		require.Equal(t, woo.OrderCancelled, entryOf(t, store, 4).Status)
		runOnce(t, start(woo.OrderOnHold, woo.OrderCompleted))
		require.Len(t, shop.asked, 2, "nothing more to do")
		night(t, start("packed"))
		require.Equal(t, 1, k.count(5, "packed"))
	})
}

// Once per status: an order that waits for a status no longer wanted is off the open list at the next start.
func TestStatusNoLongerWanted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, store := newLedger(), orderfeed.NewMemoryStore()
		shop.set(1, woo.OrderProcessing)
		both := newFeed(t, orderfeed.Config{Source: shop, Store: store})
		runOnce(t, both)
		require.Equal(t, []woo.OrderID{1}, openIDs(t, both))
		one := newFeed(t, orderfeed.Config{Source: shop, Store: store, Statuses: wanted[:1]})
		require.Empty(t, openIDs(t, one))
		runOnce(t, one)
		require.True(t, entryOf(t, store, 1).Done)
	})
}

// follower is a Follow that remembers.
type follower struct {
	got  []string
	fail error
}

func (f *follower) follow(_ context.Context, o *woo.Order) error {
	if f.fail != nil {
		return f.fail
	}
	f.got = append(f.got, fmt.Sprint(o.ID, " ", o.Status))
	return nil
}

func TestFollow(t *testing.T) {
	t.Parallel()
	for once, want := range map[orderfeed.Once][]string{
		orderfeed.PerStatus: {"1 on-hold", "1 processing", "1 refunded"},
		orderfeed.PerOrder:  {"1 on-hold", "1 processing", "1 completed", "1 refunded"},
	} {
		synctest.Test(t, func(t *testing.T) {
			shop, f := newLedger(), new(follower)
			feed := newFeed(t, orderfeed.Config{Source: shop, Once: once, Follow: f.follow})
			hook := feed.WebhookHandler(secret)
			shop.set(2, woo.OrderPending)
			for i, status := range []woo.OrderStatus{"pending", "processing", "on-hold", "processing", "completed", "refunded"} {
				shop.set(1, status)
				if i%2 == 0 {
					require.Equal(t, 200, deliver(hook, "order.updated", body(t, shop.order(1))))
				}
				runOnce(t, feed)
				runOnce(t, feed)
				time.Sleep(time.Hour)
				shop.edit(1, func(o *woo.Order) { o.DateModified = shop.now() }) // no change of status
				runOnce(t, feed)
			}
			shop.set(2, woo.OrderCancelled) // never handed over: nobody's to follow
			runOnce(t, feed)
			require.Equal(t, want, f.got)
		})
	}
}

// A change that could not be followed is told again until it was, and only the latest one.
func TestFollowIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, f, store := newLedger(), new(follower), orderfeed.NewMemoryStore()
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Follow: f.follow, Once: orderfeed.PerOrder})
		shop.set(1, woo.OrderProcessing)
		runOnce(t, feed)
		f.fail = errors.New("books closed")
		time.Sleep(time.Hour)
		shop.set(1, woo.OrderCompleted)
		require.Equal(t, 1, runOnce(t, feed).Failed)
		require.Equal(t, "books closed", entryOf(t, store, 1).Error)
		time.Sleep(5 * day)
		shop.set(1, woo.OrderRefunded)
		require.Equal(t, 500, deliver(feed.WebhookHandler(secret), "order.updated", body(t, shop.order(1))))
		f.fail = nil
		require.Equal(t, 1, runOnce(t, feed).Followed)
		require.Zero(t, runOnce(t, feed).Followed)
		require.Equal(t, []string{"1 refunded"}, f.got)
		require.Empty(t, entryOf(t, store, 1).Error)
	})
}

// Orders vanish from a shop without a word: the night compares ids, against a shop that answers like the real ones.
func TestInventory(t *testing.T) {
	t.Parallel()
	for _, location := range []*time.Location{time.FixedZone("", 13*3600), time.FixedZone("", -8*3600)} {
		synctest.Test(t, func(t *testing.T) {
			shop, err := wootest.New(wootest.Config{Location: location})
			require.NoError(t, err)
			defer shop.Close()
			client, err := woo.New(shop.Config())
			require.NoError(t, err)
			k, store := newTaken(), orderfeed.NewMemoryStore()
			var gone []string
			var refuse error
			feed := newFeed(t, orderfeed.Config{
				Source: client.Orders, Store: store, Handle: k.handle, Once: orderfeed.PerOrder, Statuses: []woo.OrderStatus{"completed"},
				Gone: func(_ context.Context, e orderfeed.Entry) error {
					if refuse != nil {
						return refuse
					}
					gone = append(gone, fmt.Sprint(e.ID, " ", e.Status))
					return nil
				},
				Recheck: orderfeed.Recheck{Off: true},
			})
			var ids []int64
			for i := range 230 {
				id, err := shop.AddOrder([]byte(`{"status":"` + []string{"pending", "completed"}[i%2] + `"}`))
				require.NoError(t, err)
				ids = append(ids, id)
			}
			runOnce(t, feed)
			entry := func(i int) orderfeed.Entry { return entryOf(t, store, woo.OrderID(ids[i])) }
			gets := func() (n int) {
				for _, r := range shop.Requests() {
					if r.Method == http.MethodGet && r.Path != "/wp-json/wc/v3/orders" {
						n++
					}
				}
				shop.ForgetRequests()
				return n
			}
			night(t, feed)
			require.Zero(t, gets(), "nothing is odd")
			require.NoError(t, shop.RemoveOrder(ids[0]))   // open, the first
			require.NoError(t, shop.RemoveOrder(ids[101])) // handed over
			require.NoError(t, shop.TrashOrder(ids[229]))  // handed over, the last
			require.Equal(t, 3, night(t, feed).Missing)
			require.Equal(t, 3, gets())
			require.Equal(t, []string{
				fmt.Sprint(ids[0], " pending"), fmt.Sprint(ids[101], " completed"), fmt.Sprint(ids[229], " trash"),
			}, gone)
			require.True(t, entry(0).Missing)
			require.True(t, entry(0).Open(), "flagged, and kept on the open list")
			require.True(t, entry(101).Missing)
			require.Equal(t, woo.OrderTrash, entry(229).Status)

			night(t, feed)
			require.Zero(t, gets(), "once")
			require.Len(t, gone, 3)

			// Out of the trash: there again.
			_, err = client.Orders.Update(t.Context(), woo.OrderID(ids[229]), woo.OrderFields{Status: woo.Set(woo.OrderCompleted)})
			require.NoError(t, err)
			night(t, feed)
			require.False(t, entry(229).Missing)

			// Whoever is to be told and refuses is told again.
			refuse = errors.New("books closed")
			require.NoError(t, shop.RemoveOrder(ids[7]))
			require.Equal(t, 1, night(t, feed).Failed)
			refuse = nil
			runOnce(t, feed)
			require.Contains(t, gone, fmt.Sprint(ids[7], " completed"))
			require.Empty(t, entry(7).Error)
		})
	}
}

// A shop without orders that the feed knows is not listed; a source that cannot list ids alone is listed whole.
func TestInventoryAsksForNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop := newLedger()
		feed := newFeed(t, orderfeed.Config{Source: shop})
		night(t, feed)
		require.Len(t, shop.lists, 1, "catching up")
		shop.open(1, 3)
		night(t, feed)
		require.Len(t, shop.lists, 3)
		require.Equal(t, []string{"id"}, shop.lists[2].Fields)
		require.Equal(t, time.Now().AddDate(0, 0, -21).Add(-time.Second).UTC(), shop.lists[2].After)

		shop.noFields = true
		shop.remove(2)
		require.Equal(t, 1, night(t, feed).Missing)
	})
}

// An order in the trash, as a delivery tells it.
func TestDeletedDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, store := newLedger(), orderfeed.NewMemoryStore()
		var gone []woo.OrderID
		feed := newFeed(t, orderfeed.Config{Source: shop, Store: store, Gone: func(_ context.Context, e orderfeed.Entry) error {
			gone = append(gone, e.ID)
			return nil
		}})
		shop.set(1, woo.OrderProcessing)
		shop.set(2, woo.OrderProcessing)
		runOnce(t, feed)
		shop.set(1, woo.OrderTrash)
		shop.remove(2)
		for range 2 {
			for _, id := range []string{`{"id":1}`, `{"id":2}`, `{"id":3}`} {
				require.Equal(t, 200, deliver(feed.WebhookHandler(secret), "order.deleted", id))
			}
		}
		require.Equal(t, []woo.OrderID{1, 2}, gone)
		require.True(t, entryOf(t, store, 1).Missing)
		require.True(t, entryOf(t, store, 2).Missing)
		require.Zero(t, entryOf(t, store, 3))
	})
}

func TestReport(t *testing.T) {
	t.Parallel()
	require.Equal(t, "nothing read", orderfeed.Report{}.String())
	require.Equal(t, "read 3, handled 2, failed 1, in bulk", orderfeed.Report{Read: 3, Handled: 2, Failed: 1, Bulk: true}.String())
}
