package sitoosynctest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tillwire/tillwire/sitoo/sitoosync"
)

// RunLinkStore runs the suite; open returns an empty store for each case. Cases are named after the method and the number of the must
// in the interface's comment.
func RunLinkStore(t *testing.T, open func(t *testing.T) sitoosync.LinkStore) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, sitoosync.LinkStore){
		"Find/1_both_sides":          findBothSides,
		"Find/2_byte_by_byte":        findByteByByte,
		"Find/3_any_number":          findAnyNumber,
		"Put/1_replaces_the_sum":     putReplacesSum,
		"Put/2_one_counterpart":      putOneCounterpart,
		"Put/2_among_themselves":     putAmongThemselves,
		"Put/2_only_one_of_many_won": putRace,
		"Put/refuses_empty_ids":      putRefuses,
		"Remove/1_by_both_ids":       removeByBoth,
		"All/1_every_link_once":      allOnce,
		"All/3_changes_meanwhile":    allWhileChanging,
		"ends_with_the_context":      endsWithContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func product(w, s string) sitoosync.Link {
	return sitoosync.Link{Kind: sitoosync.ProductLink, Woo: w, Sitoo: s}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, s sitoosync.LinkStore, side sitoosync.Side, ids ...string) []sitoosync.Link {
	t.Helper()
	links, err := s.Find(t.Context(), sitoosync.ProductLink, side, ids)
	must(t, err)
	slices.SortFunc(links, func(a, b sitoosync.Link) int { return strings.Compare(a.Woo, b.Woo) })
	return links
}

func same(t *testing.T, got []sitoosync.Link, want ...sitoosync.Link) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func findBothSides(t *testing.T, s sitoosync.LinkStore) {
	a, b := product("1", "100"), product("2", "200")
	other := sitoosync.Link{Kind: sitoosync.CategoryLink, Woo: "1", Sitoo: "900", Sum: "x"}
	must(t, s.Put(t.Context(), []sitoosync.Link{a, b, other}))
	same(t, find(t, s, sitoosync.Woo, "1", "2", "3", "1"), a, b)
	same(t, find(t, s, sitoosync.Sitoo, "200", "2"), b)
	same(t, find(t, s, sitoosync.Sitoo, "900"))
	same(t, find(t, s, sitoosync.Woo))
}

func findByteByByte(t *testing.T, s sitoosync.LinkStore) {
	links := []sitoosync.Link{product("a", "x"), product("A", "X"), product("a ", "x "), product("ä", "12/34")}
	must(t, s.Put(t.Context(), links))
	for _, l := range links {
		same(t, find(t, s, sitoosync.Woo, l.Woo), l)
		same(t, find(t, s, sitoosync.Sitoo, l.Sitoo), l)
	}
}

func findAnyNumber(t *testing.T, s sitoosync.LinkStore) {
	links, ids := many(1201)
	must(t, s.Put(t.Context(), links))
	if n := len(find(t, s, sitoosync.Sitoo, ids...)); n != len(links) {
		t.Fatalf("%d of %d links were found", n, len(links))
	}
}

func many(n int) (links []sitoosync.Link, ids []string) {
	for i := range n {
		l := product(fmt.Sprint(i), fmt.Sprint(100_000+i))
		links, ids = append(links, l), append(ids, l.Sitoo)
	}
	return links, ids
}

func putReplacesSum(t *testing.T, s sitoosync.LinkStore) {
	l := product("1", "100")
	must(t, s.Put(t.Context(), []sitoosync.Link{l}))
	l.Sum = "5f"
	must(t, s.Put(t.Context(), []sitoosync.Link{l, l}))
	must(t, s.Put(t.Context(), []sitoosync.Link{l}))
	same(t, find(t, s, sitoosync.Woo, "1"), l)
}

func putOneCounterpart(t *testing.T, s sitoosync.LinkStore) {
	l := product("1", "100")
	must(t, s.Put(t.Context(), []sitoosync.Link{l}))
	for _, wrong := range []sitoosync.Link{product("1", "200"), product("2", "100")} {
		if err := s.Put(t.Context(), []sitoosync.Link{product("7", "700"), wrong}); !errors.Is(err, sitoosync.ErrLinked) {
			t.Fatalf("%v: the error is %v, not ErrLinked", wrong, err)
		}
	}
	same(t, find(t, s, sitoosync.Woo, "1", "2", "7"), l)
	must(t, s.Put(t.Context(), []sitoosync.Link{{Kind: sitoosync.VoucherLink, Woo: "1", Sitoo: "200"}})) // another kind
}

func putAmongThemselves(t *testing.T, s sitoosync.LinkStore) {
	if err := s.Put(t.Context(), []sitoosync.Link{product("1", "100"), product("2", "100")}); !errors.Is(err, sitoosync.ErrLinked) {
		t.Fatalf("the error is %v, not ErrLinked", err)
	}
	same(t, find(t, s, sitoosync.Woo, "1", "2"))
}

func putRace(t *testing.T, s sitoosync.LinkStore) {
	const n = 8
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Add(1)
		go func() {
			defer all.Done()
			errs[i] = s.Put(t.Context(), []sitoosync.Link{product(fmt.Sprint(i), "100")})
		}()
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, sitoosync.ErrLinked) {
			t.Fatal(err)
		}
	}
	if won != 1 {
		t.Fatalf("%d of %d writers joined the same record", won, n)
	}
	if links := find(t, s, sitoosync.Sitoo, "100"); len(links) != 1 {
		t.Fatalf("%v", links)
	}
}

func putRefuses(t *testing.T, s sitoosync.LinkStore) {
	for _, wrong := range []sitoosync.Link{{}, product("", "1"), product("1", ""), product(strings.Repeat("x", 1000), "1")} {
		if s.Put(t.Context(), []sitoosync.Link{wrong}) == nil {
			t.Fatalf("%v was taken", wrong)
		}
	}
	must(t, s.Put(t.Context(), nil))
}

func removeByBoth(t *testing.T, s sitoosync.LinkStore) {
	a, b := product("1", "100"), product("2", "200")
	must(t, s.Put(t.Context(), []sitoosync.Link{a, b}))
	must(t, s.Remove(t.Context(), []sitoosync.Link{product("1", "200"), product("9", "900")}))
	same(t, find(t, s, sitoosync.Woo, "1", "2"), a, b)
	must(t, s.Remove(t.Context(), []sitoosync.Link{a, a}))
	same(t, find(t, s, sitoosync.Woo, "1", "2"), b)
	must(t, s.Put(t.Context(), []sitoosync.Link{product("3", "100")})) // free again
	must(t, s.Remove(t.Context(), nil))
}

func allOnce(t *testing.T, s sitoosync.LinkStore) {
	links, _ := many(730)
	must(t, s.Put(t.Context(), links))
	must(t, s.Put(t.Context(), []sitoosync.Link{{Kind: sitoosync.OrderLink, Woo: "1", Sitoo: "1"}}))
	seen := map[sitoosync.Link]int{}
	for l, err := range s.All(t.Context(), sitoosync.ProductLink) {
		must(t, err)
		seen[l]++
	}
	for _, l := range links {
		if seen[l] != 1 {
			t.Fatalf("%v was seen %d times", l, seen[l])
		}
	}
	if len(seen) != len(links) {
		t.Fatalf("%d links were seen, there are %d", len(seen), len(links))
	}
	for _, err := range s.All(t.Context(), sitoosync.ProductLink) {
		must(t, err)
		break
	}
}

func allWhileChanging(t *testing.T, s sitoosync.LinkStore) {
	links, _ := many(320)
	must(t, s.Put(t.Context(), links))
	seen := map[string]int{}
	for l, err := range s.All(t.Context(), sitoosync.ProductLink) {
		must(t, err)
		if l.Sum != "added" {
			seen[l.Woo]++
		}
		if len(seen)%40 == 1 {
			must(t, s.Remove(t.Context(), []sitoosync.Link{l}))
			must(t, s.Put(t.Context(), []sitoosync.Link{
				{Kind: sitoosync.ProductLink, Woo: "new" + l.Woo, Sitoo: "new" + l.Sitoo, Sum: "added"},
			}))
		}
	}
	for _, l := range links {
		if seen[l.Woo] != 1 {
			t.Fatalf("%v was seen %d times", l, seen[l.Woo])
		}
	}
}

func endsWithContext(t *testing.T, s sitoosync.LinkStore) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Find(ctx, sitoosync.ProductLink, sitoosync.Woo, []string{"1"})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Find: %v", err)
	}
	if err := s.Put(ctx, []sitoosync.Link{product("1", "100")}); !errors.Is(err, context.Canceled) {
		t.Fatalf("Put: %v", err)
	}
	same(t, find(t, s, sitoosync.Woo, "1"))
}

// RunStateStore runs the suite; open returns a store over the same storage each time it is called within a case, as a process that
// starts again would.
func RunStateStore(t *testing.T, storage func(t *testing.T) (open func() sitoosync.StateStore)) {
	t.Helper()
	t.Run("Load/1_what_was_saved_last", func(t *testing.T) {
		t.Parallel()
		open := storage(t)
		s := open()
		b, err := s.Load(t.Context(), "orders")
		must(t, err)
		if b != nil {
			t.Fatalf("%q was never saved", b)
		}
		for _, value := range []string{"1", "", "{\"a\":\"\x00\"}", strings.Repeat("x", 100_000)} {
			must(t, s.Save(t.Context(), "orders", []byte(value)))
			must(t, s.Save(t.Context(), "stock", []byte("other")))
			b, err := s.Load(t.Context(), "orders")
			must(t, err)
			if !bytes.Equal(b, []byte(value)) {
				t.Fatalf("%.20q came back as %.20q", value, b)
			}
		}
	})
	t.Run("Save/1_durable", func(t *testing.T) {
		t.Parallel()
		open := storage(t)
		must(t, open().Save(t.Context(), "orders", []byte("7")))
		b, err := open().Load(t.Context(), "orders")
		must(t, err)
		if string(b) != "7" {
			t.Fatalf("a new process reads %q", b)
		}
	})
	t.Run("ends_with_the_context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := storage(t)().Save(ctx, "orders", []byte("7")); !errors.Is(err, context.Canceled) {
			t.Fatalf("Save: %v", err)
		}
	})
}
