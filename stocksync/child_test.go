package stocksync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
)

func TestExclusions(t *testing.T) {
	t.Parallel()
	e := ParseExclusions(" A-1,B-2\r\nC 3 ,, \n,sku-0028")
	require.Len(t, e, 4)
	for _, sku := range []SKU{"A-1", "B-2", "C 3", "sku-0028", " A-1 "} {
		require.True(t, e.Has(sku), sku)
	}
	for _, sku := range []SKU{"a-1", "SKU-0028", "", "C", "3"} {
		require.False(t, e.Has(sku), sku)
	}
	require.False(t, Exclusions(nil).Has("A-1"))
}

func TestNewChild(t *testing.T) {
	t.Parallel()
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	require.NoError(t, err)
	whole := ChildConfig{Self: Self{StoreID: "child"}, Store: NewMemoryStore(), Queue: queue, Master: newHub(), Shelf: newTill()}
	for field, spoil := range map[string]func(*ChildConfig){
		"Self.StoreID":      func(c *ChildConfig) { c.Self.StoreID = "" },
		"Store":             func(c *ChildConfig) { c.Store = nil },
		"Queue":             func(c *ChildConfig) { c.Queue = nil },
		"Master":            func(c *ChildConfig) { c.Master = nil },
		"Shelf":             func(c *ChildConfig) { c.Shelf = nil },
		"Master is":         func(c *ChildConfig) { c.Self.StoreID = "master" },
		"Checkout.Strategy": func(c *ChildConfig) { c.Checkout.Strategy = "open" },
		"Checkout: MaxAge":  func(c *ChildConfig) { c.Checkout.MaxAge = -1 },
	} {
		broken := whole
		spoil(&broken)
		_, err := NewChild(broken)
		require.ErrorContains(t, err, "ChildConfig."+field)
	}
	child, err := NewChild(whole)
	require.NoError(t, err)
	require.Equal(t, StoreID("child"), child.ID())
	require.Equal(t, RoleChild, child.Role())
	_, err = NewChild(whole)
	require.ErrorIs(t, err, retryqueue.ErrKind, "two children in one queue need two names")
}

// TestChildRows holds the child to the rows of what receivers and senders do, where it is one.
func TestChildRows(t *testing.T) {
	t.Parallel()

	t.Run("3.1_matching", func(t *testing.T) {
		t.Parallel()
		inBranch(t, newHub("A", "B"), newTill("A", "B"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g1", "A", 7, 1), item("g2", "B", 8, 1))
			b.rest(time.Second)
			b.push("e2", item("g2", "A", 5, 2)) // the GID decides, and the SKU follows it
			require.Equal(t, "5", b.row("g2").Quantity.String())
			require.Equal(t, "7", b.row("g1").Quantity.String())
		})
		inBranch(t, newHub("A"), newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g1", "A", 7, 1))
			b.sale("r1", "A", 1)
			b.push("e2", item("g9", "A", 6, 1)) // the master was rebuilt: the GID it gives now is the product's
			row := b.row("g9")
			require.Equal(t, "6", row.Quantity.String())
			require.Empty(t, b.row("g1").SKU)
			b.rest(time.Minute)
			b.whole()
			require.EqualValues(t, 9, b.hub.has("A"), "the sale went with the product")
		})
	})

	t.Run("3.2_kinds", func(t *testing.T) {
		t.Parallel()
		inBranch(t, newHub("A"), newTill("A"), nil, func(t *testing.T, b *branch) {
			err := b.Receive(t.Context(), Report{EventID: "e", Kind: "price_state", From: "master", Items: []Item{item("g", "A", 1, 1)}})
			var conflict *Conflict
			require.ErrorAs(t, err, &conflict)
			require.True(t, conflict.Permanent())
			require.Nil(t, b.row("g"))
			require.Len(t, b.events(EventQuery{Action: "receive"}), 1)
			b.sale("r1", "A", 1)
			b.rest(time.Minute)
			require.Len(t, b.hub.got(), 1)
			require.Equal(t, StockState, b.hub.got()[0].Kind)
		})
	})

	t.Run("3.2_only_from_the_master", func(t *testing.T) {
		t.Parallel()
		inBranch(t, newHub("A"), newTill("A"), nil, func(t *testing.T, b *branch) {
			err := b.Receive(t.Context(), Report{EventID: "e", From: "other", Items: []Item{item("g", "A", 1, 1)}})
			require.ErrorIs(t, err, ErrNotMaster)
			require.Nil(t, b.row("g"))
			require.Len(t, b.events(EventQuery{Level: "security", Peer: "other"}), 1)
		})
	})

	t.Run("3.3_mark_with_the_work", func(t *testing.T) {
		t.Parallel()
		failing := &brokenStore{}
		failing.full.Store(true)
		full := func(c *ChildConfig) { failing.Store, c.Store = c.Store, failing }
		inBranch(t, newHub("A"), newTill("A"), full, func(t *testing.T, b *branch) {
			r := Report{EventID: "e1", From: "master", At: time.Now(), Items: []Item{item("g", "A", 4, 1)}}
			require.ErrorIs(t, b.Receive(t.Context(), r), errFull)
			failing.full.Store(false)
			require.NoError(t, b.Receive(t.Context(), r), "not a known event: nothing was done")
			b.rest(time.Second)
			require.EqualValues(t, 4, b.till.has("A"))
			b.push("e1", item("g", "A", 3, 2))
			b.rest(time.Second)
			require.EqualValues(t, 4, b.till.has("A"), "the same event with another content is the same event")
		})
	})

	t.Run("3.3_fresh_event_after_doubt", func(t *testing.T) {
		t.Parallel()
		for _, arrived := range []bool{true, false} {
			t.Run("arrived="+strconv.FormatBool(arrived), func(t *testing.T) {
				t.Parallel()
				h := newHub("A")
				once := func(ask string) error {
					if ask == "report" && h.refuse != nil || ask == "report" && h.lose != nil {
						h.refuse, h.lose = nil, nil
						return errLost
					}
					return nil
				}
				if h.lose = once; !arrived {
					h.lose, h.refuse = nil, once
				}
				inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
					b.push("e1", item("g", "A", 10, 1))
					b.rest(time.Second)
					b.sale("r1", "A", 2)
					b.rest(time.Minute)
					require.EqualValues(t, 8, h.has("A"), "neither lost nor told twice")
					require.EqualValues(t, 8, b.till.has("A"))
					require.Empty(t, b.row("g").Held)
					require.Len(t, h.got(), 1)
					b.whole()
				})
			})
		}
	})

	t.Run("3.3_fresh_state_after_doubt", func(t *testing.T) {
		t.Parallel()
		h := newHub("A")
		h.refuse = func(ask string) error {
			if ask == "report" {
				return errLost
			}
			return nil
		}
		inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 10, 1))
			b.sale("r1", "A", 2)
			b.rest(time.Second)
			h.sell("A", 3) // meanwhile
			h.set(func(h *hub) { h.refuse = nil })
			b.rest(time.Minute)
			require.EqualValues(t, 5, h.has("A"), "the report was made anew from what the master had then")
			require.EqualValues(t, 5, b.till.has("A"))
		})
	})

	t.Run("3.4_version_fence", func(t *testing.T) {
		t.Parallel()
		inBranch(t, newHub("A"), newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 7, 5))
			b.push("e2", item("g", "A", 6, 5))
			b.push("e3", item("g", "A", 5, 4))
			require.Equal(t, "7", b.row("g").Quantity.String())
			b.rest(time.Millisecond)
			b.push("e4", item("g", "A", 4, 0)) // without a version it passes, if it is not older
			require.Equal(t, "4", b.row("g").Quantity.String())
			require.EqualValues(t, 5, b.row("g").Version, "the fence never goes back")
			b.pushed(time.Now().Add(-time.Hour), "e5", item("g", "A", 3, 0))
			require.Equal(t, "4", b.row("g").Quantity.String())
			history, err := b.store.History(t.Context(), "g", 0)
			require.NoError(t, err)
			require.Len(t, history, 5, "I8: each event has its line")
		})
	})

	t.Run("3.4_read_after_a_push_without_version", func(t *testing.T) {
		t.Parallel()
		h := newHub("A")
		inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 0, 0)) // what a first-generation master sends in between
			h.set(func(h *hub) { h.stock["A"] = stocked(9) })
			b.rest(time.Minute)
			require.EqualValues(t, 9, b.till.has("A"))
		})
	})

	t.Run("3.5_never_a_version", func(t *testing.T) {
		t.Parallel()
		for _, exact := range []bool{true, false} {
			h := newHub("A")
			h.exact = exact
			inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
				b.push("e1", item("g", "A", 10, 7))
				b.sale("r1", "A", 1)
				b.rest(time.Minute)
				for _, r := range h.got() {
					require.Zero(t, r.Items[0].Version)
					require.Equal(t, GID("g"), r.Items[0].GID)
				}
				require.Len(t, h.got(), 1)
			})
		}
	})

	t.Run("3.6_fence_freeze", func(t *testing.T) {
		t.Parallel()
		h := newHub("A")
		inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 10, 60))
			b.rest(time.Hour)
			h.set(func(h *hub) { h.stock["A"] = stocked(42) }) // restored from a backup: the counter is low again
			b.push("e2", item("g", "A", 42, 12))
			b.rest(time.Minute)
			require.EqualValues(t, 42, b.till.has("A"), "read, since the fence holds the push back")
			require.EqualValues(t, 60, b.row("g").Version)
			require.NotEmpty(t, b.events(EventQuery{Level: "warn", Action: "receive"}))
			b.push("e3", item("g", "A", 41, 61))
			b.rest(time.Second)
			require.EqualValues(t, 41, b.till.has("A"))
		})
	})

	t.Run("3.7_unmanaged_and_parent", func(t *testing.T) {
		t.Parallel()
		h := newHub("A", "V")
		h.stock["A"] = &Stock{Manage: Unmanaged, Status: InStock}
		inBranch(t, h, newTill("A", "V"), nil, func(t *testing.T, b *branch) {
			unmanaged := Item{Ref: Ref{GID: "g1", SKU: "A"}, Stock: Stock{Manage: Unmanaged, Status: InStock}, Version: 1}
			parent := item("g2", "V", 6, 1)
			parent.Manage = ByParent
			b.push("e1", unmanaged, parent)
			b.rest(time.Second)
			written := map[SKU]Item{}
			for _, w := range b.till.written() {
				written[w.SKU] = w
			}
			require.Equal(t, Unmanaged, written["A"].Manage)
			require.Equal(t, InStock, written["A"].Status, "no zero is invented")
			require.Equal(t, ByParent, written["V"].Manage)
			b.told("r1", "A", 1)
			b.rest(time.Minute)
			require.Empty(t, h.got(), "what nobody counts is not reported")
		})
	})

	t.Run("3.8_status_follows", func(t *testing.T) {
		t.Parallel()
		inBranch(t, newHub("A"), newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 1, 1))
			b.sale("r1", "A", 10) // the till had more
			b.rest(time.Minute)
			require.Equal(t, OutOfStock, b.hub.got()[0].Items[0].Status)
			odd := item("g", "A", 5, 9)
			odd.Status = OutOfStock // this master has a threshold of its own
			writes := len(b.till.written())
			b.till.stock["A"] = stocked(5)
			b.push("e2", odd)
			b.rest(time.Second)
			require.Len(t, b.till.written(), writes, "a status that is worked out differently is no difference")
		})
	})

	t.Run("3.9_late_echo", func(t *testing.T) {
		t.Parallel()
		h := newHub("A")
		inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 10, 1))
			b.rest(time.Minute)
			b.sale("r1", "A", 1)
			h.set(func(h *hub) { h.refuse = func(string) error { return errors.New("no route to host") } })
			b.rest(time.Second)
			b.sale("r2", "A", 1)
			b.push("e2", item("g", "A", 10, 2)) // knows of neither sale
			b.rest(time.Second)
			require.EqualValues(t, 8, b.till.has("A"), "own sales that the master does not know stay")
			h.set(func(h *hub) { h.refuse = nil })
			b.rest(10 * time.Minute)
			require.EqualValues(t, 8, h.has("A"))
			at := time.Now()
			b.rest(time.Minute)
			b.pushed(at.Add(-11*time.Minute), "e3", item("g", "A", 9, 3))
			b.rest(time.Second)
			require.EqualValues(t, 8, b.till.has("A"), "an echo from before the master was read changes nothing: it is read again")
			b.whole()
		})
	})
}

// brokenStore is a store whose disk can be full.
type brokenStore struct {
	Store
	full atomic.Bool
}

var errFull = errors.New("the disk is full")

func (s *brokenStore) Update(ctx context.Context, gids []GID, change func([]*Row) (Commit, error)) error {
	if s.full.Load() {
		return errFull
	}
	return s.Store.Update(ctx, gids, change)
}

func TestChildCheckout(t *testing.T) {
	t.Parallel()
	cart := func(skus ...string) []Line {
		var lines []Line
		for _, s := range skus {
			sku, n, _ := strings.Cut(s, "*")
			lines = append(lines, Line{Ref: Ref{SKU: SKU(sku)}, Quantity: decimal.RequireFromString(n)})
		}
		return lines
	}
	shop := func() *hub {
		h := newHub("TEN")
		h.stock["ONE"], h.stock["NONE"], h.stock["BACK"] = stocked(1), stocked(0), stocked(-2)
		h.stock["BACK"].Backorders, h.stock["BACK"].Status = BackordersNotify, OnBackorder
		h.stock["HELD"] = stocked(5)
		h.stock["HELD"].Status = OnBackorder
		h.stock["FREE"] = &Stock{Manage: Unmanaged, Status: InStock}
		return h
	}
	silent := func(ask string) error {
		if ask == "query" {
			return errors.New("503")
		}
		return nil
	}

	t.Run("3.11_rules", func(t *testing.T) {
		t.Parallel()
		inBranch(t, shop(), newTill(), func(c *ChildConfig) { c.Exclude = ParseExclusions("OUT") }, func(t *testing.T, b *branch) {
			v := b.CheckCheckout(t.Context(), cart("TEN*10", "ONE*2", "NONE*1", "BACK*5", "HELD*1", "FREE*9", "WHAT*9", "OUT*9"))
			var why []Why
			for _, line := range v.Lines {
				why = append(why, line.Why)
				require.Equal(t, line.Why != WhyTooFew && line.Why != WhyOutOfStock, line.OK, line.SKU)
			}
			require.Equal(t, []Why{WhyEnough, WhyTooFew, WhyOutOfStock, WhyBackorders, WhyOutOfStock, WhyUnknown, WhyUnknown, WhyExcluded}, why)
			require.False(t, v.OK)
			require.Equal(t, "1", v.Lines[1].Available.String())
			require.Contains(t, b.hub.requests(), "query 7", "what is excluded is not asked")
		})
	})

	t.Run("3.11_lines_of_one_product", func(t *testing.T) {
		t.Parallel()
		inBranch(t, shop(), newTill(), nil, func(t *testing.T, b *branch) {
			require.True(t, b.CheckCheckout(t.Context(), cart("TEN*6", "TEN*4")).OK)
			require.False(t, b.CheckCheckout(t.Context(), cart("TEN*6", "TEN*5")).OK)
		})
	})

	t.Run("3.11_own_sales", func(t *testing.T) {
		t.Parallel()
		h := shop()
		h.refuse = func(ask string) error {
			if ask == "report" {
				return errors.New("no")
			}
			return nil
		}
		inBranch(t, h, newTill("ONE"), nil, func(t *testing.T, b *branch) {
			b.sale("r1", "ONE", 1)
			require.False(t, b.CheckCheckout(t.Context(), cart("ONE*1")).OK, "it was sold here a moment ago")
		})
	})

	for strategy, want := range map[Strategy]struct {
		known, unknown, old Why
	}{
		"":           {WhyUnchecked, WhyUnchecked, WhyUnchecked},
		FailClosed:   {WhyUnverified, WhyUnverified, WhyUnverified},
		FromSnapshot: {WhyTooFew, WhyUnchecked, WhyUnchecked},
	} {
		t.Run("3.11_master_away_"+string(strategy), func(t *testing.T) {
			t.Parallel()
			inBranch(t, shop(), newTill(), func(c *ChildConfig) { c.Checkout.Strategy = strategy }, func(t *testing.T, b *branch) {
				require.False(t, b.CheckCheckout(t.Context(), cart("ONE*2")).OK)
				b.hub.set(func(h *hub) { h.refuse = silent })
				b.rest(29 * time.Minute)
				v := b.CheckCheckout(t.Context(), cart("ONE*2", "TEN*1"))
				require.Error(t, v.Err)
				require.Equal(t, want.known, v.Lines[0].Why)
				require.Equal(t, want.unknown, v.Lines[1].Why)
				require.Equal(t, want.known == WhyUnchecked, v.OK)
				b.rest(2 * time.Minute)
				require.Equal(t, want.old, b.CheckCheckout(t.Context(), cart("ONE*2")).Lines[0].Why, "older than half an hour")
				b.push("e1", item("g", "ONE", 1, 1))
				if strategy == FromSnapshot {
					require.Equal(t, WhyTooFew, b.CheckCheckout(t.Context(), cart("ONE*2")).Lines[0].Why, "a push is heard as well")
				}
			})
		})
	}

	t.Run("3.11_a_silent_master_holds_no_shopper", func(t *testing.T) {
		t.Parallel()
		alter := func(c *ChildConfig) { c.Master, c.Checkout.Timeout = deaf{c.Master}, 3*time.Second }
		inBranch(t, shop(), newTill(), alter, func(t *testing.T, b *branch) {
			begin := time.Now()
			require.True(t, b.CheckCheckout(t.Context(), cart("ONE*2")).OK)
			require.Equal(t, 3*time.Second, time.Since(begin))
		})
	})
}

// deaf is a master that never answers.
type deaf struct{ Upstream }

func (deaf) Query(ctx context.Context, _ []Ref) ([]*Stock, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestChildSales(t *testing.T) {
	t.Parallel()

	t.Run("SS-02_concurrent_sales", func(t *testing.T) {
		t.Parallel()
		h := newHub("A")
		inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 10, 1))
			b.rest(time.Minute)
			h.sell("A", 1) // at the master, not pushed yet
			b.sale("r1", "A", 1)
			b.rest(time.Minute)
			require.EqualValues(t, 8, h.has("A"), "an absolute 9 would have lost the master's sale")
			require.EqualValues(t, 8, b.till.has("A"))
			b.whole()
		})
	})

	t.Run("SS-08_offline_day", func(t *testing.T) {
		t.Parallel()
		h := newHub("A", "B")
		inBranch(t, h, newTill("A", "B"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g1", "A", 10, 1), item("g2", "B", 10, 1))
			b.rest(time.Minute)
			h.set(func(h *hub) { h.refuse = func(string) error { return errors.New("no route to host") } })
			for i := range 30 {
				b.sale(fmt.Sprintf("r%d", i), "A", 1)
				b.rest(48 * time.Minute)
				if i == 15 {
					b.restart()
				}
			}
			h.set(func(h *hub) { h.refuse, h.asked = nil, nil })
			b.rest(12 * time.Minute)
			require.EqualValues(t, -20, h.has("A"))
			require.EqualValues(t, 10, h.has("B"))
			require.Len(t, h.got(), 1, "what was sold goes as the state of now, not as history")
			require.EqualValues(t, -20, b.till.has("A"))
			b.whole()
		})
	})

	t.Run("SS-11_one_bad_product", func(t *testing.T) {
		t.Parallel()
		h := newHub("A", "B", "C")
		inBranch(t, h, newTill("A", "B", "C"), func(c *ChildConfig) { c.Master = choosy{h} }, func(t *testing.T, b *branch) {
			b.push("e1", item("g1", "A", 10, 1), item("g2", "B", 10, 1), item("g3", "C", 10, 1))
			for _, sku := range []SKU{"A", "B", "C"} {
				b.till.sells(sku, 1)
			}
			require.NoError(t, b.Sold(t.Context(), "r1", []Line{
				{Ref{SKU: "A"}, decimal.NewFromInt(1)}, {Ref{SKU: "B"}, decimal.NewFromInt(1)}, {Ref{SKU: "C"}, decimal.NewFromInt(1)}}))
			b.rest(time.Minute)
			require.EqualValues(t, 9, h.has("A"))
			require.EqualValues(t, 10, h.has("B"))
			require.EqualValues(t, 9, h.has("C"), "the one that is refused keeps no other back")
			health, err := b.Health(t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, health.Waiting)
			require.Contains(t, health.Error, "500")
		})
	})

	t.Run("SS-04_yes_and_not_done", func(t *testing.T) {
		t.Parallel()
		h := newHub("A")
		h.ignore["A"] = true
		inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 10, 1))
			b.sale("r1", "A", 1)
			b.rest(10 * time.Minute)
			require.Len(t, h.got(), 3)
			require.Equal(t, NotApplied, b.row("g").Peers["master"].Conflict.Reason)
			require.EqualValues(t, 9, b.till.has("A"), "it is sold, whatever the master says")
			h.set(func(h *hub) { delete(h.ignore, "A") })
			b.rest(2 * time.Hour)
			require.EqualValues(t, 9, h.has("A"))
			require.Nil(t, b.row("g").Peers["master"].Conflict)
			ids := map[string]bool{}
			for _, r := range h.got() {
				ids[r.EventID] = true
			}
			require.Len(t, ids, len(h.got()), "each a new event")
		})
	})

	t.Run("SS-14_backorders_and_returns", func(t *testing.T) {
		t.Parallel()
		h := newHub("A")
		h.stock["A"].Backorders = BackordersNotify
		inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
			back := item("g", "A", 10, 1)
			back.Backorders = BackordersNotify
			b.push("e1", back)
			b.sale("r1", "A", 12)
			b.rest(time.Minute)
			require.EqualValues(t, -2, h.has("A"))
			require.Equal(t, OnBackorder, h.got()[0].Items[0].Status)
			require.Equal(t, BackordersNotify, h.got()[0].Items[0].Backorders)
			b.sale("r1-return", "A", -5)
			b.rest(time.Minute)
			require.EqualValues(t, 3, h.has("A"))
			require.Equal(t, "order_restore", h.got()[1].Context)
			require.EqualValues(t, 3, b.till.has("A"))
		})
	})

	t.Run("I2_once_by_key", func(t *testing.T) {
		t.Parallel()
		h := newHub("A")
		inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 10, 1))
			for range 3 {
				b.told("r1", "A", 1)
				b.rest(time.Minute)
			}
			require.EqualValues(t, 9, h.has("A"))
			require.Error(t, b.Sold(t.Context(), "", nil))
			require.Error(t, b.Sold(t.Context(), strings.Repeat("k", 201), nil))
			var conflict *Conflict
			require.ErrorAs(t, b.Sold(t.Context(), "r2", []Line{{}}), &conflict)
		})
	})

	t.Run("I9_one_in_flight", func(t *testing.T) {
		t.Parallel()
		h := newHub("A")
		h.during = func(string) { time.Sleep(700 * time.Millisecond) }
		inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 10, 1))
			for i := range 20 {
				b.sale(fmt.Sprintf("r%d", i), "A", 1)
				b.rest(300 * time.Millisecond)
			}
			b.rest(time.Minute)
			require.Equal(t, 1, h.most)
			require.EqualValues(t, -10, h.has("A"))
			require.EqualValues(t, -10, b.till.has("A"))
			require.Less(t, len(h.got()), 20, "sales of a moment go together")
			b.whole()
		})
	})

	t.Run("wire_25_products", func(t *testing.T) {
		t.Parallel()
		h, shelf := newHub(), newTill()
		var items []Item
		var lines []Line
		for i := range 60 {
			sku := SKU(fmt.Sprintf("S%d", i))
			h.stock[sku], shelf.stock[sku] = stocked(10), stocked(9)
			items = append(items, item(GID("g"+string(sku)), sku, 10, 1))
			lines = append(lines, Line{Ref{SKU: sku}, decimal.NewFromInt(1)})
		}
		inBranch(t, h, shelf, func(c *ChildConfig) { c.Exclude = ParseExclusions("S7") }, func(t *testing.T, b *branch) {
			b.push("e1", items...)
			require.NoError(t, b.Sold(t.Context(), "r1", lines))
			b.rest(time.Minute)
			sum := 0
			for _, r := range h.got() {
				require.LessOrEqual(t, len(r.Items), 25)
				require.Equal(t, "order_processing", r.Context)
				sum += len(r.Items)
			}
			require.Equal(t, 59, sum, "the excluded one is not reported")
			require.EqualValues(t, 10, h.has("S7"))
			require.EqualValues(t, 9, h.has("S8"))
			b.whole()
		})
	})

	t.Run("sold_before_the_first_push", func(t *testing.T) {
		t.Parallel()
		h := newHub("A")
		h.refuse = func(string) error { return errors.New("no route to host") }
		inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
			b.sale("r1", "A", 1)
			b.rest(time.Minute)
			b.push("e1", item("g", "A", 10, 1))
			b.rest(time.Second)
			require.EqualValues(t, 9, b.till.has("A"))
			b.sale("r2", "A", 1)
			b.told("r1", "A", 1) // again: the key is known under the old GID
			h.set(func(h *hub) { h.refuse = nil })
			b.rest(10 * time.Minute)
			require.EqualValues(t, 8, h.has("A"))
			require.EqualValues(t, 8, b.till.has("A"))
			require.Equal(t, GID("g"), h.got()[0].Items[0].GID)
			b.whole()
		})
	})

	t.Run("unknown_to_the_master", func(t *testing.T) {
		t.Parallel()
		h := newHub()
		inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
			b.sale("r1", "A", 1)
			b.rest(time.Minute)
			row := b.row(provisional("A"))
			require.Equal(t, MissingProduct, row.Peers["master"].Conflict.Reason)
			require.Len(t, b.events(EventQuery{Level: "error"}), 1)
			h.set(func(h *hub) { h.stock["A"] = stocked(10) })
			b.rest(2 * time.Hour)
			require.EqualValues(t, 9, h.has("A"), "kept until the product is there")
			require.Empty(t, h.got()[0].Items[0].GID, "a GID of our own is nobody's business")
		})
	})
}

// choosy is a master that breaks at one product.
type choosy struct{ *hub }

func (c choosy) Report(ctx context.Context, r Report) error {
	for _, item := range r.Items {
		if item.SKU == "B" {
			return errors.New("500 Internal Server Error")
		}
	}
	return c.hub.Report(ctx, r)
}

func TestChildShelf(t *testing.T) {
	t.Parallel()

	t.Run("SS-01_skip_equal", func(t *testing.T) {
		t.Parallel()
		inBranch(t, newHub("A"), newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 10, 1))
			b.rest(time.Minute)
			require.Empty(t, b.till.written(), "it had it already")
			require.Empty(t, b.hub.got(), "a push is no change of the child's")
			b.push("e2", item("g", "A", 9, 2))
			b.rest(time.Minute)
			require.Len(t, b.till.written(), 1)
		})
	})

	t.Run("SS-03_newest_wins", func(t *testing.T) {
		t.Parallel()
		inBranch(t, newHub("A"), newTill("A"), nil, func(t *testing.T, b *branch) {
			b.till.broken = errors.New("the till is off")
			for v := int64(1); v <= 5; v++ {
				b.push(fmt.Sprintf("e%d", v), item("g", "A", 20-v, v))
				b.rest(time.Second)
			}
			b.till.mu.Lock()
			b.till.broken = nil
			b.till.mu.Unlock()
			b.rest(10 * time.Minute)
			require.Len(t, b.till.written(), 1, "five pushes, one write")
			require.EqualValues(t, 15, b.till.has("A"))
		})
	})

	t.Run("SS-04_read_back", func(t *testing.T) {
		t.Parallel()
		inBranch(t, newHub("A"), newTill("A"), nil, func(t *testing.T, b *branch) {
			b.till.outcome = func(Item) Applied { return Applied{Outcome: Accepted} } // and does nothing
			b.push("e1", item("g", "A", 4, 1))
			b.rest(10 * time.Minute)
			require.Len(t, b.till.written(), 3)
			require.Equal(t, NotApplied, b.row("g").Peers["child"].Conflict.Reason)
			require.Len(t, b.events(EventQuery{Action: "conflict"}), 1)
			b.till.mu.Lock()
			b.till.outcome = nil
			b.till.mu.Unlock()
			b.push("e2", item("g", "A", 3, 2))
			b.rest(time.Minute)
			require.EqualValues(t, 3, b.till.has("A"))
			require.Nil(t, b.row("g").Peers["child"].Conflict)
		})
	})

	t.Run("SS-11_outcome_per_product", func(t *testing.T) {
		t.Parallel()
		inBranch(t, newHub("A", "B", "C"), newTill("A", "B"), nil, func(t *testing.T, b *branch) {
			b.till.outcome = func(i Item) Applied {
				if i.SKU == "B" {
					return Applied{Refused, &Conflict{Reason: UnsupportedType, Detail: "a simple product has no parent"}}
				}
				b.till.stock[i.SKU] = &i.Stock
				return Applied{Outcome: Accepted}
			}
			b.push("e1", item("g1", "A", 4, 1), item("g2", "B", 4, 1), item("g3", "C", 4, 1))
			b.rest(time.Minute)
			require.EqualValues(t, 4, b.till.has("A"))
			require.Equal(t, UnsupportedType, b.row("g2").Peers["child"].Conflict.Reason)
			require.Equal(t, MissingProduct, b.row("g3").Peers["child"].Conflict.Reason)
			backlog, err := b.store.Backlog(t.Context())
			require.NoError(t, err)
			require.Zero(t, backlog["child"].Count)
		})
	})

	t.Run("SS-05_rename", func(t *testing.T) {
		t.Parallel()
		for name, renames := range map[string]bool{"shelf_follows": true, "shelf_keeps_its_own": false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				shelf := newTill("A", "X")
				inBranch(t, newHub("B"), shelf, func(c *ChildConfig) {
					if renames {
						c.Shelf = renamingTill{shelf}
					}
				}, func(t *testing.T, b *branch) {
					b.push("e1", item("g", "A", 7, 1))
					b.rest(time.Minute)
					require.NoError(t, b.Receive(t.Context(), Report{EventID: "e2", Kind: SKURename, From: "master", At: time.Now(),
						Items: []Item{{Ref: Ref{GID: "g", SKU: "B", OldSKU: "A"}}}}))
					b.push("e3", item("g", "B", 6, 2))
					b.rest(time.Minute)
					at := SKU("A")
					if renames {
						at = "B"
					}
					require.EqualValues(t, 6, b.till.has(at))
					require.Equal(t, SKU("B"), b.row("g").SKU)
					found, err := b.Lookup(t.Context(), "master", []Ref{{GID: "g", SKU: "B"}})
					require.NoError(t, err)
					require.Equal(t, "6", found[0].Quantity.String())
				})
			})
		}
	})

	t.Run("SS-05_rename_to_a_taken_SKU", func(t *testing.T) {
		t.Parallel()
		shelf := newTill("A", "B")
		inBranch(t, newHub(), shelf, func(c *ChildConfig) { c.Shelf = renamingTill{shelf} }, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 7, 1))
			b.rest(time.Minute)
			require.NoError(t, b.Receive(t.Context(), Report{EventID: "e2", Kind: SKURename, From: "master", At: time.Now(),
				Items: []Item{{Ref: Ref{GID: "g", SKU: "B", OldSKU: "A"}}}}))
			b.push("e3", item("g", "B", 3, 2))
			b.rest(time.Minute)
			require.EqualValues(t, 10, b.till.has("B"), "the other product is not touched")
			require.Equal(t, SKUTaken, b.row("g").Peers["child"].Conflict.Reason)
		})
	})

	t.Run("SS-05_duplicate_SKU", func(t *testing.T) {
		t.Parallel()
		inBranch(t, newHub(), newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1", item("g1", "A", 7, 1))
			require.NoError(t, b.store.Update(t.Context(), []GID{"g2"}, func([]*Row) (Commit, error) {
				return Commit{Rows: []*Row{{Item: item("g2", "a", 3, 1)}}}, nil
			}))
			b.push("e2", item("", "A", 1, 9))
			require.Equal(t, "7", b.row("g1").Quantity.String())
			require.Equal(t, "3", b.row("g2").Quantity.String())
			require.Len(t, b.events(EventQuery{Level: "error"}), 1)
			var conflict *Conflict
			require.ErrorAs(t, b.Sold(t.Context(), "r1", []Line{{Ref{SKU: "A"}, decimal.NewFromInt(1)}}), &conflict)
			require.Equal(t, DuplicateSKU, conflict.Reason)
			require.NoError(t, b.Sold(t.Context(), "r1", []Line{{Ref{GID: "g1"}, decimal.NewFromInt(1)}}))
		})
	})

	t.Run("I8_empty_and_nonsense", func(t *testing.T) {
		t.Parallel()
		inBranch(t, newHub("A"), newTill("A"), nil, func(t *testing.T, b *branch) {
			b.push("e1")
			b.push("e2", Item{})
			require.Len(t, b.events(EventQuery{Action: "receive"}), 3)
			odd := item("g", "A", 5, 1)
			odd.Backorders, odd.Status = "perhaps", "gone"
			b.push(strings.Repeat("long", 60), odd, Item{})
			require.Len(t, b.events(EventQuery{Action: "receive"}), 4)
			require.Equal(t, Stock{Quantity: decimal.NewFromInt(5), Manage: Managed}, b.row("g").Stock)
		})
	})

	t.Run("excluded", func(t *testing.T) {
		t.Parallel()
		inBranch(t, newHub("A"), newTill("A"), func(c *ChildConfig) { c.Exclude = ParseExclusions("A") }, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 5, 1))
			b.sale("r1", "A", 1)
			b.rest(time.Minute)
			require.Empty(t, b.till.written())
			require.Empty(t, b.hub.requests())
			found, err := b.Lookup(t.Context(), "master", []Ref{{SKU: "A"}})
			require.NoError(t, err)
			require.Equal(t, "9", found[0].Quantity.String(), "2.4: excluded products are still answered")
			history, err := b.store.History(t.Context(), "g", 0)
			require.NoError(t, err)
			require.Equal(t, noteExcluded, history[0].Note)
		})
	})
}

func TestChildPull(t *testing.T) {
	t.Parallel()
	shelf := newTill("A", "B", "C", "E")
	inBranch(t, newHub("A", "B", "C", "D"), shelf, func(c *ChildConfig) { c.Shelf = catalog{shelf} }, func(t *testing.T, b *branch) {
		b.push("e1", item("gA", "A", 10, 1), item("gB", "B", 10, 1), item("gD", "D", 10, 1))
		b.rest(time.Minute)
		b.hub.sell("A", 3) // a push that never came
		b.hub.sell("C", 1)
		var seen []string
		var steps []Progress
		o := PullOptions{DryRun: true, Progress: func(p Progress) { steps = append(steps, p) }}
		o.Each = func(d Difference) { seen = append(seen, d.String()) }
		report, err := b.Pull(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, PullReport{Products: 5, Equal: 1, Differ: 3, Missing: 1, Requests: 2}, report)
		require.Equal(t, "A at child: quantity is 10, should be 7", seen[0])
		require.Contains(t, seen, "D at child: product is missing, should be there")
		require.Equal(t, []Progress{{Step: "pull", Done: 5}}, steps)
		b.rest(time.Minute)
		require.EqualValues(t, 10, b.till.has("A"), "a dry run changes nothing")

		report, err = b.Pull(t.Context(), PullOptions{SKUs: []SKU{"C"}})
		require.NoError(t, err)
		require.Equal(t, PullReport{Products: 1, Differ: 1, Taken: 1, Requests: 2}, report)
		b.rest(time.Minute)
		require.EqualValues(t, 9, b.till.has("C"), "which the master has never pushed")

		report, err = b.Pull(t.Context(), PullOptions{})
		require.NoError(t, err)
		require.Equal(t, 2, report.Differ)
		b.rest(time.Minute)
		require.EqualValues(t, 7, b.till.has("A"))
		require.Len(t, b.till.written(), 2, "only what differs is written")
		b.whole()

		audit, err := b.Audit(t.Context())
		require.NoError(t, err)
		require.Len(t, audit, 1)
		require.Equal(t, "D at child: product is missing, should be there", audit[0].String())
	})
}

func TestChildRun(t *testing.T) {
	t.Parallel()
	t.Run("SS-12_pulls_by_itself", func(t *testing.T) {
		t.Parallel()
		inBranch(t, newHub("A"), newTill("A"), func(c *ChildConfig) { c.PullEvery = time.Hour }, func(t *testing.T, b *branch) {
			b.push("e1", item("g", "A", 10, 1))
			b.hub.sell("A", 3)
			b.rest(2 * time.Minute)
			require.EqualValues(t, 7, b.till.has("A"))
			b.hub.sell("A", 1)
			b.rest(50 * time.Minute)
			require.EqualValues(t, 7, b.till.has("A"))
			b.rest(20 * time.Minute)
			require.EqualValues(t, 6, b.till.has("A"))
		})
	})

	t.Run("SS-09_clock", func(t *testing.T) {
		t.Parallel()
		h := newHub("A")
		h.pong.Offset = 70 * time.Second
		inBranch(t, h, newTill("A"), nil, func(t *testing.T, b *branch) {
			b.rest(time.Minute)
			health, err := b.Health(t.Context())
			require.NoError(t, err)
			require.Equal(t, 70*time.Second, health.Offset)
			require.Equal(t, "2.0.0", health.Version)
			require.False(t, health.OK())
			h.set(func(h *hub) { h.pong.StoreID = "another" })
			_, err = b.TestConnection(t.Context())
			require.ErrorContains(t, err, "another")
			h.set(func(h *hub) { h.pong = Pong{StoreID: "master", Role: RoleChild} })
			_, err = b.TestConnection(t.Context())
			require.ErrorContains(t, err, "is a child")
		})
	})
}
