package orderfeed_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/wootest"
)

const day = 24 * time.Hour

// bench is a feed as the link service of the re-check has it: once per order, with a shop that cannot tell what was modified, so
// that the night has nothing but the re-check.
type bench struct {
	t      *testing.T
	shop   *ledger
	taken  *taken
	store  orderfeed.Store
	feed   *orderfeed.Feed
	alarms []error
}

func newBench(t *testing.T, c orderfeed.Config) *bench {
	t.Helper()
	b := &bench{t: t, shop: newLedger(), taken: newTaken(), store: orderfeed.NewMemoryStore()}
	c.Source, c.Store, c.Once, c.Recheck.NoInventory = b.shop, b.store, orderfeed.PerOrder, true
	if c.Handle == nil {
		c.Handle = b.taken.handle
	}
	c.Since = time.Now().Add(-time.Hour)
	c.Alarm = func(_ context.Context, err error) { b.alarms = append(b.alarms, err) }
	b.feed = newFeed(t, c)
	return b
}

// fetch lets the feed see the orders that there are, and the shop go blind.
func (b *bench) fetch() {
	b.t.Helper()
	b.shop.blind = false
	runOnce(b.t, b.feed)
	b.shop.blind = true
	b.shop.gets, b.shop.lists, b.shop.asked = 0, nil, nil
}

// bulkLists counts the lists of completed orders.
func (b *bench) bulkLists() (n int) {
	for _, q := range b.shop.lists {
		if len(q.Status) == 1 && q.Status[0] == woo.OrderCompleted {
			n++
		}
	}
	return n
}

// The boundary table of the re-check, row by row.
func TestRecheckTable(t *testing.T) {
	t.Parallel()
	completed := []woo.OrderStatus{woo.OrderCompleted}
	processing := []woo.OrderStatus{woo.OrderProcessing}
	for _, row := range []struct {
		id, name string
		config   orderfeed.Config
		test     func(t *testing.T, b *bench)
	}{
		{"E3.4-1", "149 candidates: one by one", orderfeed.Config{Statuses: completed}, func(t *testing.T, b *bench) {
			b.shop.open(1, 149)
			b.fetch()
			b.shop.slip(149, woo.OrderCompleted)
			report := night(t, b.feed)
			require.Equal(t, 149, b.shop.gets)
			require.Zero(t, b.bulkLists())
			require.Equal(t, orderfeed.Report{Handled: 1, Candidates: 149, Checked: 149, Forwarded: 1, Open: 148}, report)
			require.Empty(t, b.alarms)
		}},
		{"E3.4-2", "150 candidates: bulk", orderfeed.Config{Statuses: completed}, func(t *testing.T, b *bench) {
			b.shop.open(1, 150)
			b.fetch()
			b.shop.slip(150, woo.OrderCompleted)
			report := night(t, b.feed)
			require.Zero(t, b.shop.gets)
			require.Equal(t, 1, b.bulkLists())
			require.Equal(t, orderfeed.Report{Read: 1, Handled: 1, Candidates: 150, Checked: 1, Forwarded: 1, Bulk: true, Open: 149}, report)
		}},
		{"E3.4-3", "no candidates: no shop call", orderfeed.Config{Statuses: completed}, func(t *testing.T, b *bench) {
			b.shop.set(1, woo.OrderCompleted)
			b.shop.open(2, 3)
			b.fetch()
			require.NoError(t, b.feed.Ignore(t.Context(), 2, 3, 4))
			report := night(t, b.feed)
			require.Zero(t, b.shop.gets)
			require.Len(t, b.shop.lists, 1, "catching up")
			require.Equal(t, orderfeed.Report{}, report)
		}},
		{"E3.4-4", "webhooks, 80 days old: checked", orderfeed.Config{Statuses: completed, Webhooks: true}, func(t *testing.T, b *bench) {
			b.shop.open(1, 1)
			b.fetch()
			time.Sleep(80 * day)
			b.shop.slip(1, woo.OrderCompleted)
			require.Equal(t, 1, night(t, b.feed).Forwarded)
		}},
		{"E3.4-5", "no webhooks, 22 days old: not checked, stays open", orderfeed.Config{Statuses: completed}, func(t *testing.T, b *bench) {
			b.shop.open(1, 1)
			b.fetch()
			time.Sleep(22 * day)
			b.shop.slip(1, woo.OrderCompleted)
			require.Equal(t, orderfeed.Report{Open: 1}, night(t, b.feed))
			require.Zero(t, b.shop.gets)
			require.Equal(t, []woo.OrderID{1}, openIDs(t, b.feed))
		}},
		{"E3.4-6", "exactly 21 days old: checked", orderfeed.Config{Statuses: completed}, func(t *testing.T, b *bench) {
			b.shop.open(1, 1)
			time.Sleep(time.Second)
			b.shop.open(2, 1)
			b.fetch()
			time.Sleep(21 * day)
			b.shop.slip(1, woo.OrderCompleted)
			b.shop.slip(2, woo.OrderCompleted)
			require.Equal(t, 1, night(t, b.feed).Forwarded)
			require.Equal(t, []woo.OrderID{2}, b.shop.asked)
		}},
		{"E3.4-7", "bulk, became processing: not found", orderfeed.Config{Statuses: append(processing, completed...)}, func(t *testing.T, b *bench) {
			b.shop.open(1, 150)
			b.fetch()
			b.shop.slip(7, woo.OrderProcessing)
			report := night(t, b.feed)
			require.Zero(t, report.Forwarded)
			require.Equal(t, 150, report.Open)
			require.Contains(t, openIDs(t, b.feed), woo.OrderID(7))
			require.Equal(t, woo.OrderPending, entryOf(t, b.store, 7).Status)
		}},
		{"E3.4-8", "bulk, completed not wanted: the job says so", orderfeed.Config{Statuses: processing}, func(t *testing.T, b *bench) {
			b.shop.open(1, 150)
			b.fetch()
			b.shop.slip(7, woo.OrderProcessing)
			b.shop.slip(8, woo.OrderCompleted)
			report := night(t, b.feed)
			require.Zero(t, report.Forwarded)
			require.Equal(t, 150, report.Open)
			require.Equal(t, woo.OrderCompleted, entryOf(t, b.store, 8).Status, "refreshed")
			require.Len(t, b.alarms, 1)
			require.ErrorIs(t, b.alarms[0], orderfeed.ErrBulkUseless)
		}},
		{"E3.4-9", "bulk, completed more than 14 days ago: not found", orderfeed.Config{Statuses: completed}, func(t *testing.T, b *bench) {
			b.shop.open(1, 150)
			b.fetch()
			b.shop.slip(9, woo.OrderCompleted)
			time.Sleep(14*day + time.Second)
			report := night(t, b.feed)
			require.Zero(t, report.Forwarded)
			require.Contains(t, openIDs(t, b.feed), woo.OrderID(9))
		}},
		{"E3.4-10", "one by one, not wanted: refreshed, stays open", orderfeed.Config{Statuses: completed}, func(t *testing.T, b *bench) {
			b.shop.open(1, 1)
			b.fetch()
			b.shop.slip(1, woo.OrderOnHold)
			report := night(t, b.feed)
			require.Equal(t, orderfeed.Report{Candidates: 1, Checked: 1, Open: 1}, report)
			e := entryOf(t, b.store, 1)
			require.Equal(t, woo.OrderOnHold, e.Status)
			require.True(t, e.Checked.Equal(time.Now().Truncate(time.Second)))
		}},
		{"E3.4-11", "forwarded by a webhook before its turn: skipped", orderfeed.Config{Statuses: completed}, func(t *testing.T, b *bench) {
			b.shop.open(1, 3)
			b.fetch()
			time.Sleep(time.Hour)
			for id := range woo.OrderID(3) {
				b.shop.set(id+1, woo.OrderCompleted)
			}
			hook := b.feed.WebhookHandler(secret)
			var hooks sync.WaitGroup
			b.shop.onGet = func(id woo.OrderID) {
				if id == 1 {
					hooks.Go(func() { require.Equal(t, 200, deliver(hook, "order.updated", body(t, b.shop.order(3)))) })
				}
				time.Sleep(time.Second)
			}
			report := night(t, b.feed)
			hooks.Wait()
			require.Equal(t, []woo.OrderID{1, 2}, b.shop.asked)
			require.Equal(t, 2, report.Forwarded)
			require.Equal(t, map[string]int{"1 completed": 1, "2 completed": 1, "3 completed": 1}, b.taken.got)
		}},
	} {
		t.Run(row.id+" "+row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { row.test(t, newBench(t, row.config)) })
		})
	}
}

// E3.6-1: two workers meet on a night: one of them makes it, and the other finds it made.
func TestRecheckOverlap(t *testing.T) {
	t.Parallel()
	t.Run("E3.6-1", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
			shop.open(1, 20)
			shop.onGet = func(woo.OrderID) { time.Sleep(5 * time.Second) }
			ctx, cancel := context.WithCancel(t.Context())
			var work sync.WaitGroup
			for range 3 {
				feed := newFeed(t, orderfeed.Config{
					Source: shop, Store: store, Handle: k.handle, Once: orderfeed.PerOrder, Webhooks: true, Lease: 10 * time.Second,
					Recheck: orderfeed.Recheck{NoInventory: true, Spread: -1},
				})
				work.Go(func() { _ = feed.Run(ctx) })
			}
			time.Sleep(90 * time.Minute)
			shop.goBlind()
			shop.slip(3, woo.OrderCompleted)
			time.Sleep(2 * time.Hour)
			require.Equal(t, 20, shop.reads(), "one night's run over all machines")
			require.Equal(t, 1, k.count(3, woo.OrderCompleted))
			require.Equal(t, 1, k.total())
			time.Sleep(day)
			require.Equal(t, 20+19, shop.reads())
			cancel()
			work.Wait()
		})
	})
}

// E3.6-2: the process dies in the middle of a night. The next one begins the night again and repeats nothing.
func TestRecheckCrash(t *testing.T) {
	t.Parallel()
	t.Run("E3.6-2", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			shop, k, store := newLedger(), newTaken(), orderfeed.NewMemoryStore()
			shop.open(1, 40)
			c := orderfeed.Config{
				Source: shop, Store: store, Handle: k.handle, Once: orderfeed.PerOrder, Lease: 10 * time.Second,
				Recheck: orderfeed.Recheck{NoInventory: true, Spread: -1},
			}
			runOnce(t, newFeed(t, c))
			shop.blind = true
			for id := range woo.OrderID(40) {
				shop.slip(id+1, woo.OrderCompleted)
			}
			ctx, kill := context.WithCancel(t.Context())
			shop.onGet = func(id woo.OrderID) {
				time.Sleep(300 * time.Millisecond)
				if id == 25 {
					kill()
				}
			}
			_, err := newFeed(t, c).Night(ctx)
			require.ErrorIs(t, err, context.Canceled)
			require.Less(t, k.total(), 40)
			require.NotZero(t, k.total())
			shop.onGet, shop.asked = nil, nil
			before := k.total()
			time.Sleep(2*time.Hour + time.Minute)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			next := newFeed(t, c)
			go func() { _ = next.Run(ctx) }() // the night is due
			time.Sleep(time.Minute)
			require.Equal(t, 40, k.total())
			require.Len(t, k.got, 40)
			require.Len(t, shop.asked, 40-before)
			cancel()
			synctest.Wait()
		})
	})
}

// moving lets an order leave the list of completed ones while it is read, so that those behind it move up across a page border.
type moving struct {
	orderfeed.Source
	at    int
	leave func()
}

func (m *moving) All(ctx context.Context, q woo.OrderQuery) iter.Seq2[*woo.Order, error] {
	if q.Status == nil { // blind
		return func(func(*woo.Order, error) bool) {}
	}
	q.PerPage = 5
	return func(yield func(*woo.Order, error) bool) {
		n := 0
		for o, err := range m.Source.All(ctx, q) {
			if n++; n == m.at {
				m.leave()
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// E3.6-3: orders shift pages during the bulk run: none is missed, none is taken twice.
func TestRecheckShiftingPages(t *testing.T) {
	t.Parallel()
	t.Run("E3.6-3", func(t *testing.T) {
		t.Parallel()
		for at := 1; at <= 12; at++ {
			synctest.Test(t, func(t *testing.T) {
				shop, err := wootest.New(wootest.Config{})
				require.NoError(t, err)
				defer shop.Close()
				client, err := woo.New(shop.Config())
				require.NoError(t, err)
				var ids []int64
				for range 30 {
					id, err := shop.AddOrder([]byte(`{"status":"pending"}`))
					require.NoError(t, err)
					ids = append(ids, id)
				}
				k, store := newTaken(), orderfeed.NewMemoryStore()
				source := &moving{Source: client.Orders, at: at, leave: func() {
					require.NoError(t, shop.SetStatus(ids[0], "refunded"))
					require.NoError(t, shop.SetStatus(ids[1], "refunded"))
				}}
				c := orderfeed.Config{
					Source: client.Orders, Store: store, Statuses: []woo.OrderStatus{"completed"}, Handle: k.handle, Once: orderfeed.PerOrder,
					Recheck: orderfeed.Recheck{BulkFrom: 10, NoInventory: true},
				}
				runOnce(t, newFeed(t, c))
				for _, id := range ids {
					require.NoError(t, shop.SetStatus(id, "completed"))
				}
				c.Source = source
				report := night(t, newFeed(t, c))
				require.True(t, report.Bulk)
				for _, id := range ids[2:] {
					require.Equal(t, 1, k.count(woo.OrderID(id), "completed"), "order %d, shift at %d", id, at)
				}
				require.LessOrEqual(t, k.count(woo.OrderID(ids[0]), "completed"), 1)
			})
		}
	})
}

// E3.6-4: a delivery and the night take up the same order at the same moment: Handle is called once.
func TestRecheckMeetsWebhook(t *testing.T) {
	t.Parallel()
	t.Run("E3.6-4", func(t *testing.T) {
		t.Parallel()
		for after := range 20 {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, orderfeed.Config{Statuses: []woo.OrderStatus{woo.OrderCompleted}})
				b.shop.open(1, 1)
				b.fetch()
				b.shop.slip(1, woo.OrderCompleted)
				b.shop.onGet = func(woo.OrderID) { time.Sleep(50 * time.Millisecond) }
				b.taken.fail = func(*woo.Order) error { time.Sleep(50 * time.Millisecond); return nil }
				hook := b.feed.WebhookHandler(secret)
				var work sync.WaitGroup
				work.Go(func() {
					time.Sleep(time.Duration(after) * 10 * time.Millisecond)
					require.Equal(t, 200, deliver(hook, "order.updated", body(t, b.shop.order(1))))
				})
				night(t, b.feed)
				work.Wait()
				require.Equal(t, map[string]int{"1 completed": 1}, b.taken.got)
			})
		}
	})
}

// Edge cases of the re-check, E3.6-5 to E3.6-14.
func TestRecheckEdges(t *testing.T) {
	t.Parallel()
	completed := []woo.OrderStatus{woo.OrderCompleted}
	for _, row := range []struct {
		id, name string
		config   orderfeed.Config
		test     func(t *testing.T, b *bench)
	}{
		{"E3.6-5", "an older delivery overwrites nothing", orderfeed.Config{Statuses: completed}, func(t *testing.T, b *bench) {
			hook := b.feed.WebhookHandler(secret)
			b.shop.set(1, woo.OrderPending)
			old := body(t, b.shop.order(1))
			time.Sleep(time.Minute)
			b.shop.set(1, woo.OrderOnHold)
			require.Equal(t, 200, deliver(hook, "order.updated", body(t, b.shop.order(1))))
			require.Equal(t, 200, deliver(hook, "order.created", old))
			require.Equal(t, woo.OrderOnHold, entryOf(t, b.store, 1).Status)
			require.Equal(t, []woo.OrderID{1}, openIDs(t, b.feed))

			b.shop.set(1, woo.OrderProcessing) // two changes of one second, delivered the wrong way round
			first := body(t, b.shop.order(1))
			b.shop.set(1, woo.OrderCancelled)
			require.Equal(t, 200, deliver(hook, "order.updated", body(t, b.shop.order(1))))
			require.Equal(t, 200, deliver(hook, "order.updated", first))
			require.Equal(t, woo.OrderCancelled, entryOf(t, b.store, 1).Status)
		}},
		{"E3.6-6", "a delivery for an order older than the window is handled at once", orderfeed.Config{Statuses: completed},
			func(t *testing.T, b *bench) {
				b.shop.open(1, 1)
				b.fetch()
				time.Sleep(200 * day)
				b.shop.set(1, woo.OrderCompleted)
				require.Equal(t, 200, deliver(b.feed.WebhookHandler(secret), "order.updated", body(t, b.shop.order(1))))
				require.Equal(t, 1, b.taken.total())
				require.Empty(t, openIDs(t, b.feed))
			}},
		{"E3.6-8", "the shop fails for all: the job fails as a whole, nothing moves", orderfeed.Config{Statuses: completed},
			func(t *testing.T, b *bench) {
				b.shop.open(1, 3)
				b.fetch()
				before := entryOf(t, b.store, 2)
				for _, fault := range []error{errors.New("500"), systemic{errors.New("429")}, woo.ErrAuth, woo.ErrPermission} {
					b.shop.onGet = func(woo.OrderID) { b.shop.fail(fault) }
					_, err := b.feed.Night(t.Context())
					b.shop.fail(nil)
					require.ErrorIs(t, err, fault)
					require.Equal(t, before, entryOf(t, b.store, 2))
				}
				require.Len(t, b.shop.asked, 3+1+1+1, "what all would meet is asked once")
				b.shop.onGet = nil
				b.shop.broken[2] = true // one alone keeps nobody waiting
				b.shop.slip(3, woo.OrderCompleted)
				report := night(t, b.feed)
				require.Equal(t, orderfeed.Report{Handled: 1, Failed: 1, Candidates: 3, Checked: 2, Forwarded: 1, Open: 2}, report)
				require.Equal(t, before, entryOf(t, b.store, 2), "open, and asked for again the next night")
			}},
		{"E3.6-9", "what the target refuses is failed, not open; others go on", orderfeed.Config{Statuses: completed},
			func(t *testing.T, b *bench) {
				b.shop.open(1, 3)
				b.fetch()
				for id := range woo.OrderID(3) {
					b.shop.slip(id+1, woo.OrderCompleted)
				}
				b.taken.fail = func(o *woo.Order) error {
					if o.ID == 2 {
						return errors.New("no VAT number")
					}
					return nil
				}
				report := night(t, b.feed)
				require.Equal(t, 2, report.Forwarded)
				require.Equal(t, 1, report.Failed)
				require.Empty(t, openIDs(t, b.feed))
				for e, err := range b.feed.Failed(t.Context()) {
					require.NoError(t, err)
					require.Equal(t, woo.OrderID(2), e.ID)
					require.Equal(t, "no VAT number", e.Error)
				}
				b.taken.fail = nil
				runOnce(t, b.feed)
				require.Equal(t, 3, b.taken.total())
			}},
		{"E3.6-10", "a backlog is told, and ignoring it helps", orderfeed.Config{}, func(t *testing.T, b *bench) {
			b.shop.open(1, 200)
			b.fetch()
			b.shop.slip(200, woo.OrderProcessing)
			require.Zero(t, night(t, b.feed).Forwarded)
			require.Len(t, b.alarms, 1)
			require.ErrorIs(t, b.alarms[0], orderfeed.ErrBacklog)
			require.ErrorContains(t, b.alarms[0], "there are 200")
			require.ErrorContains(t, b.alarms[0], "ignore the old ones")
			for id := range woo.OrderID(51) {
				require.NoError(t, b.feed.Ignore(t.Context(), id+1))
			}
			require.Equal(t, 1, night(t, b.feed).Forwarded)
		}},
		{"E3.6-11", "completed exactly 14 days ago is found", orderfeed.Config{Statuses: completed}, func(t *testing.T, b *bench) {
			b.shop.open(1, 150)
			b.fetch()
			b.shop.slip(9, woo.OrderCompleted)
			time.Sleep(14 * day)
			require.Equal(t, 1, night(t, b.feed).Forwarded)
		}},
		{"E3.6-13", "an ignored order stays ignored", orderfeed.Config{Statuses: completed}, func(t *testing.T, b *bench) {
			b.shop.open(1, 2)
			b.fetch()
			require.NoError(t, b.feed.Ignore(t.Context(), 1))
			b.shop.set(1, woo.OrderCompleted)
			b.shop.set(2, woo.OrderCompleted)
			require.Equal(t, 200, deliver(b.feed.WebhookHandler(secret), "order.updated", body(t, b.shop.order(1))))
			night(t, b.feed)
			b.shop.blind = false
			runOnce(t, b.feed)
			require.Equal(t, map[string]int{"2 completed": 1}, b.taken.got)
			require.Equal(t, woo.OrderCompleted, entryOf(t, b.store, 1).Status, "what becomes of it is known all the same")
		}},
	} {
		t.Run(row.id+" "+row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { row.test(t, newBench(t, row.config)) })
		})
	}
	t.Run("E3.6-7 statuses changed during the run", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			statuses := []woo.OrderStatus{woo.OrderCompleted}
			b := newBench(t, orderfeed.Config{Statuses: statuses})
			b.shop.open(1, 3)
			b.fetch()
			b.shop.slip(2, woo.OrderCompleted)
			b.shop.slip(3, woo.OrderOnHold)
			b.shop.onGet = func(woo.OrderID) { statuses[0] = woo.OrderOnHold }
			night(t, b.feed)
			require.Equal(t, map[string]int{"2 completed": 1}, b.taken.got)
		})
	})
	t.Run("E3.6-12 clocks differ", func(t *testing.T) {
		t.Parallel()
		for _, skew := range []time.Duration{-20 * time.Hour, -time.Minute, time.Minute, 20 * time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, orderfeed.Config{Statuses: completed, Recheck: orderfeed.Recheck{BulkFrom: 4}})
				time.Sleep(2 * day) // the feed began by now, whatever the shop thinks
				b.shop.skew = skew
				b.shop.open(1, 3)
				b.fetch()
				require.Len(t, openIDs(t, b.feed), 3, skew)
				b.shop.slip(1, woo.OrderCompleted)
				require.Equal(t, 1, night(t, b.feed).Forwarded, skew)
				b.shop.open(4, 2)
				b.fetch()
				b.shop.slip(5, woo.OrderCompleted)
				require.Equal(t, 1, night(t, b.feed).Forwarded, "%v, in bulk", skew)
			})
		}
	})
	t.Run("E3.6-14 no wanted status", func(t *testing.T) {
		t.Parallel()
		_, err := orderfeed.New(orderfeed.Config{Source: newLedger(), Store: orderfeed.NewMemoryStore(), Handle: newTaken().handle})
		require.ErrorContains(t, err, "Config.Statuses is empty")
	})
}

// Three calendar months, clamped to the last day of a month that has no such day, in the feed's zone.
func TestCalendarMonths(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ now, edge string }{
		{"2001-05-31T12:00:00Z", "2001-02-28T12:00:00Z"},
		{"2000-05-31T12:00:00Z", "2000-02-29T12:00:00Z"},
		{"2000-05-30T12:00:00Z", "2000-02-29T12:00:00Z"},
		{"2000-12-15T12:00:00Z", "2000-09-15T12:00:00Z"},
		{"2001-01-31T12:00:00Z", "2000-10-31T12:00:00Z"},
	} {
		synctest.Test(t, func(t *testing.T) {
			at := func(s string) time.Time {
				v, err := time.Parse(time.RFC3339, s)
				require.NoError(t, err)
				return v
			}
			b := newBench(t, orderfeed.Config{Statuses: []woo.OrderStatus{woo.OrderCompleted}, Webhooks: true})
			time.Sleep(time.Until(at(tt.edge).Add(-time.Second)))
			b.shop.open(1, 1)
			time.Sleep(time.Second)
			b.shop.open(2, 1)
			b.fetch()
			time.Sleep(time.Until(at(tt.now)))
			night(t, b.feed)
			require.Equal(t, []woo.OrderID{2}, b.shop.asked, tt.now)
		})
	}
}

// Every number is the host's to change.
func TestRecheckNumbers(t *testing.T) {
	t.Parallel()
	all := orderfeed.Recheck{Months: 1, Days: 2, BulkFrom: 3, BulkDays: 4}
	for name, tt := range map[string]struct {
		change func(c *orderfeed.Config)
		open   int
		age    time.Duration
		slip   woo.OrderStatus
		want   int
	}{
		"Days":                     {nil, 2, 2 * day, "completed", 1},
		"Days, too old":            {nil, 2, 2*day + time.Second, "completed", 0},
		"Months":                   {func(c *orderfeed.Config) { c.Webhooks = true }, 2, 30 * day, "completed", 1},
		"Months, too old":          {func(c *orderfeed.Config) { c.Webhooks = true }, 2, 32 * day, "completed", 0},
		"BulkFrom":                 {nil, 3, day, "processing", 0},
		"BulkDays":                 {func(c *orderfeed.Config) { c.Webhooks = true }, 3, 4 * day, "completed", 1},
		"BulkDays, too old":        {func(c *orderfeed.Config) { c.Webhooks = true }, 3, 4*day + time.Second, "completed", 0},
		"BulkStatuses":             {func(c *orderfeed.Config) { c.Recheck.BulkStatuses = wanted }, 3, day, "processing", 1},
		"Off":                      {func(c *orderfeed.Config) { c.Recheck.Off = true }, 2, day, "completed", 0},
		"BySeen":                   {func(c *orderfeed.Config) { c.Recheck.BySeen = true }, 2, 2*day + 30*time.Minute, "completed", 1},
		"CountAll: old ones count": {func(c *orderfeed.Config) { c.Recheck.CountAll = true }, 3, 10 * day, "completed", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := orderfeed.Config{Recheck: all}
				if tt.change != nil {
					tt.change(&c)
				}
				b := newBench(t, c)
				b.shop.open(1, tt.open)
				if c.Recheck.BySeen {
					time.Sleep(time.Hour)
					tt.age -= time.Hour
				}
				b.fetch()
				time.Sleep(tt.age)
				b.shop.slip(1, tt.slip)
				report := night(t, b.feed)
				require.Equal(t, tt.want, report.Forwarded)
				if c.Recheck.CountAll {
					require.True(t, report.Bulk)
				}
			})
		})
	}
	for field, r := range map[string]orderfeed.Recheck{
		"Recheck.At": {At: -1}, "Recheck.At: 24h": {At: 24 * time.Hour}, "Recheck.Months": {Months: -1}, "Recheck.Days": {Days: -1},
		"Recheck.BulkFrom": {BulkFrom: -1}, "Recheck.BulkDays": {BulkDays: -1}, "Recheck.BulkStatuses": {BulkStatuses: []woo.OrderStatus{"wc-completed"}},
	} {
		_, err := orderfeed.New(orderfeed.Config{
			Source: newLedger(), Store: orderfeed.NewMemoryStore(), Handle: newTaken().handle, Statuses: wanted, Recheck: r,
		})
		require.ErrorContains(t, err, field)
	}
}
