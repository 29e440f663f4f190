package orderfeedtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
)

// Run checks every must of the interface. newStore returns an empty store, or one in which nobody uses feeds of the names "a" and "b";
// it is called once per subtest.
func Run(t *testing.T, newStore func(t *testing.T) orderfeed.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s orderfeed.Store)
	}{
		{"EmptyFeed", emptyFeed},
		{"Get1LeavesOutUnknown", getLeavesOutUnknown},
		{"GetGivesBackWhatWasPut", getGivesBack},
		{"Put1AllEntries", putAllEntries},
		{"Put2UnionOfHandled", putUnion},
		{"Put2UnionUnderContention", putContention},
		{"Put2DoneStays", putDone},
		{"Put3OlderReplacesNothing", putOlder},
		{"Put3NewerReplaces", putNewer},
		{"Put4SameIDTwice", putTwice},
		{"Put5IgnoredByTurns", putIgnored},
		{"Put5IgnoredUnderContention", putIgnoredContention},
		{"Find1Pages", findPages},
		{"Find1Failed", findFailed},
		{"Find1Open", findOpen},
		{"Find1CreatedSince", findCreated},
		{"Advance1ComparesAndSets", advance},
		{"Advance1OneOfManyWins", advanceContention},
		{"Lease1Grants", leaseGrants},
		{"Lease1Ends", leaseEnds},
		{"Lease1OneOfManyGetsIt", leaseContention},
		{"Lease2Frees", leaseFrees},
		{"FeedsAreApart", feedsApart},
		{"EndedContext", endedContext},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, newStore(t))
		})
	}
}

// noon is a moment as a shop gives it.
var noon = time.Date(2026, time.March, 29, 1, 30, 7, 0, time.UTC)

func entry(id woo.OrderID) orderfeed.Entry {
	return orderfeed.Entry{ID: id, Status: "processing", Created: noon, Modified: noon.Add(time.Hour)}
}

func emptyFeed(t *testing.T, s orderfeed.Store) {
	got, err := s.Get(t.Context(), "a", []woo.OrderID{1, 2})
	check(t, err)
	if len(got) != 0 {
		t.Errorf("Get of an unknown feed: %v", got)
	}
	got, err = s.Get(t.Context(), "a", nil)
	check(t, err)
	if len(got) != 0 {
		t.Errorf("Get of nothing: %v", got)
	}
	check(t, s.Put(t.Context(), "a", nil))
	got, err = s.Find(t.Context(), "a", orderfeed.Query{})
	check(t, err)
	if len(got) != 0 {
		t.Errorf("Find in an unknown feed: %v", got)
	}
	if c := cursor(t, s); !c.Equal(orderfeed.Cursor{}) || !c.Since.IsZero() || !c.LastDelivery.IsZero() {
		t.Errorf("the first cursor is %v", c)
	}
}

func getLeavesOutUnknown(t *testing.T, s orderfeed.Store) {
	put(t, s, entry(1), entry(3))
	got, err := s.Get(t.Context(), "a", []woo.OrderID{3, 2, 1})
	check(t, err)
	if ids := idsOf(got); !slices.Equal(ids, []woo.OrderID{1, 3}) {
		t.Errorf("Get(3, 2, 1) of 1 and 3 gave %v", ids)
	}
}

func getGivesBack(t *testing.T, s orderfeed.Store) {
	zone := time.FixedZone("UTC+13", 13*60*60)
	want := orderfeed.Entry{
		ID: 1<<53 + 1, Number: "Št. 2026/1'", Status: "на-складе", Created: noon.In(zone), Modified: noon.Add(time.Second).In(zone),
		Seen: noon.Add(2 * time.Second).In(zone), Checked: noon.Add(3 * time.Second).In(zone),
		Handled: []woo.OrderStatus{"completed", "processing"}, Done: true, Ignored: true, Turns: 3, Missing: true,
		Error: strings.Repeat("ž'\";--\n", 60),
	}
	put(t, s, want)
	got := get(t, s, want.ID)
	if !equal(got, want) {
		t.Errorf("put %+v\ngot %+v", want, got)
	}
	for _, at := range []time.Time{got.Created, got.Modified, got.Seen, got.Checked} {
		if at.Location() != time.UTC {
			t.Errorf("a time is in %v, want UTC", at.Location())
		}
	}
	put(t, s, orderfeed.Entry{ID: 1}) // times that are not set stay so
	if e := get(t, s, 1); !e.Created.IsZero() || !e.Modified.IsZero() || !e.Seen.IsZero() || !e.Checked.IsZero() {
		t.Errorf("times that were not set came back as %v, %v, %v, %v", e.Created, e.Modified, e.Seen, e.Checked)
	}
	// What the caller does with an answer, or with what it gave, is no business of the store's.
	want.Handled[0], got.Handled[0] = "spoiled", "spoiled"
	if again := get(t, s, want.ID); again.Handled[0] != "completed" {
		t.Errorf("the store shares memory with its caller: %v", again.Handled)
	}
}

func putAllEntries(t *testing.T, s orderfeed.Store) {
	var all []orderfeed.Entry
	var ids []woo.OrderID
	for i := range 250 {
		all = append(all, entry(woo.OrderID(i+1)))
		ids = append(ids, woo.OrderID(i+1))
	}
	put(t, s, all...)
	got, err := s.Get(t.Context(), "a", ids)
	check(t, err)
	if !slices.Equal(idsOf(got), ids) {
		t.Errorf("put 250 entries, got %d back", len(got))
	}
}

func putUnion(t *testing.T, s orderfeed.Store) {
	first, second := entry(1), entry(1)
	first.Handled = []woo.OrderStatus{"processing"}
	second.Handled = []woo.OrderStatus{"completed"}
	second.Modified = first.Modified.Add(-time.Hour) // even an older one
	put(t, s, first)
	put(t, s, second)
	put(t, s, entry(1)) // or one without any
	if got := get(t, s, 1).Handled; !slices.Equal(got, []woo.OrderStatus{"completed", "processing"}) {
		t.Errorf("handled is %v, want both, sorted", got)
	}
}

func putContention(t *testing.T, s orderfeed.Store) {
	const orders, workers = 20, 8
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			var all []orderfeed.Entry
			for i := range orders {
				e := entry(woo.OrderID(i + 1))
				e.Handled = []woo.OrderStatus{woo.OrderStatus(fmt.Sprintf("s%d", w))}
				e.Modified = e.Modified.Add(time.Duration(w) * time.Second)
				all = append(all, e)
			}
			if w%2 == 1 {
				slices.Reverse(all)
			}
			if err := s.Put(t.Context(), "a", all); err != nil {
				t.Errorf("Put: %v", err)
			}
		})
	}
	wg.Wait()
	for i := range orders {
		got := get(t, s, woo.OrderID(i+1))
		if len(got.Handled) != workers {
			t.Fatalf("order %d: of %d statuses put at once %v are left", i+1, workers, got.Handled)
		}
		if want := entry(1).Modified.Add((workers - 1) * time.Second); !got.Modified.Equal(want) {
			t.Fatalf("order %d: modified %v, want the newest, %v", i+1, got.Modified, want)
		}
	}
}

func putDone(t *testing.T, s orderfeed.Store) {
	done, seen := entry(1), entry(1)
	done.Done, done.Checked, done.Seen = true, noon.Add(time.Hour), noon
	seen.Seen, seen.Checked, seen.Modified = noon.Add(-time.Hour), noon, done.Modified.Add(time.Hour)
	put(t, s, done)
	put(t, s, seen) // newer, and knows nothing of it
	want := seen
	want.Done, want.Checked = true, done.Checked
	if got := get(t, s, 1); !equal(got, want) {
		t.Errorf("want %+v\ngot %+v", want, got)
	}
	if found := find(t, s, orderfeed.Query{OpenOnly: true}); len(found) != 0 {
		t.Errorf("what is done is on the open list: %v", found)
	}
}

// putIgnored: a run that had read an entry before a person turned it does not turn it back, however new its news.
func putIgnored(t *testing.T, s orderfeed.Store) {
	news := entry(1)
	put(t, s, news)
	ignored := news
	ignored.Ignored, ignored.Turns = true, 1
	put(t, s, ignored)
	news.Status, news.Modified = "completed", news.Modified.Add(time.Hour)
	put(t, s, news)
	want := news
	want.Ignored, want.Turns = true, 1
	if got := get(t, s, 1); !equal(got, want) {
		t.Errorf("want %+v\ngot %+v", want, got)
	}
	if found := find(t, s, orderfeed.Query{OpenOnly: true}); len(found) != 0 {
		t.Errorf("what is ignored is on the open list: %v", found)
	}
	back := ignored // older, and knows better
	back.Ignored, back.Turns = false, 2
	put(t, s, back)
	want.Ignored, want.Turns = false, 2
	if got := get(t, s, 1); !equal(got, want) {
		t.Errorf("want %+v\ngot %+v", want, got)
	}
	if found := find(t, s, orderfeed.Query{OpenOnly: true}); len(found) != 1 {
		t.Errorf("what was taken back is not on the open list: %v", found)
	}
}

func putIgnoredContention(t *testing.T, s orderfeed.Store) {
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			e := entry(1)
			e.Modified = e.Modified.Add(time.Duration(w) * time.Second)
			if w == 3 {
				e.Ignored, e.Turns = true, 1
			}
			if err := s.Put(t.Context(), "a", []orderfeed.Entry{e}); err != nil {
				t.Errorf("Put: %v", err)
			}
		})
	}
	wg.Wait()
	if got := get(t, s, 1); !got.Ignored || got.Turns != 1 {
		t.Errorf("ignored by one of eight at once: %+v", got)
	}
}

func putOlder(t *testing.T, s orderfeed.Store) {
	want, older := entry(1), entry(1)
	want.Status, want.Error = "completed", "no"
	older.Modified = want.Modified.Add(-time.Second)
	older.Created, older.Missing = noon.Add(-time.Hour), true
	put(t, s, want)
	put(t, s, older)
	if got := get(t, s, 1); !equal(got, want) {
		t.Errorf("an older entry replaced %+v\nby %+v", want, got)
	}
}

func putNewer(t *testing.T, s orderfeed.Store) {
	put(t, s, orderfeed.Entry{ID: 1, Error: "never read"})
	old := entry(1)
	old.Error, old.Missing = "no", true
	put(t, s, old)
	for _, by := range []time.Duration{0, time.Second} {
		want := entry(1)
		want.Status, want.Created, want.Modified = "completed", noon.Add(time.Minute), old.Modified.Add(by)
		put(t, s, old)
		put(t, s, want)
		if got := get(t, s, 1); !equal(got, want) {
			t.Errorf("an entry newer by %v: want %+v\ngot %+v", by, want, got)
		}
	}
}

func putTwice(t *testing.T, s orderfeed.Store) {
	first, second := entry(1), entry(1)
	first.Handled, first.Status, first.Modified = []woo.OrderStatus{"completed"}, "completed", noon.Add(2*time.Hour)
	second.Handled = []woo.OrderStatus{"processing"}
	put(t, s, first, second)
	want := first
	want.Handled = []woo.OrderStatus{"completed", "processing"}
	if got := get(t, s, 1); !equal(got, want) {
		t.Errorf("want %+v\ngot %+v", want, got)
	}
}

func findPages(t *testing.T, s orderfeed.Store) {
	var want []woo.OrderID
	for _, id := range []woo.OrderID{30, 9, 100, 2, 11, 1, 20} {
		put(t, s, entry(id))
		want = append(want, id)
	}
	slices.Sort(want)
	var got []woo.OrderID
	q := orderfeed.Query{Limit: 3}
	for range 4 {
		page, err := s.Find(t.Context(), "a", q)
		check(t, err)
		if len(page) > 3 {
			t.Fatalf("Find with Limit 3 gave %d", len(page))
		}
		for _, e := range page {
			got = append(got, e.ID)
			q.AfterID = e.ID
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages of 3 gave %v, want %v", got, want)
	}
	for i := range orderfeed.DefaultLimit {
		put(t, s, entry(woo.OrderID(1000+i)))
	}
	all, err := s.Find(t.Context(), "a", orderfeed.Query{})
	check(t, err)
	if len(all) != orderfeed.DefaultLimit {
		t.Errorf("Find without a Limit gave %d, want %d", len(all), orderfeed.DefaultLimit)
	}
}

func findFailed(t *testing.T, s orderfeed.Store) {
	bad := entry(2)
	bad.Error = "no"
	cured := entry(3)
	cured.Error = "no"
	put(t, s, entry(1), bad, cured)
	put(t, s, entry(3))
	got, err := s.Find(t.Context(), "a", orderfeed.Query{Failed: true})
	check(t, err)
	if len(got) != 1 || !equal(got[0], bad) {
		t.Errorf("want the one that failed, got %+v", got)
	}
}

func findOpen(t *testing.T, s orderfeed.Store) {
	var want []woo.OrderID
	for id := range woo.OrderID(120) {
		e := entry(id + 1)
		switch id % 5 {
		case 0:
			e.Done = true
		case 1:
			e.Ignored, e.Turns = true, 1
		case 2:
			e.Error = "no"
		case 3:
			e.Missing, e.Handled = true, []woo.OrderStatus{"processing"}
			want = append(want, e.ID)
		default:
			want = append(want, e.ID)
		}
		put(t, s, e)
	}
	got := idsOf(find(t, s, orderfeed.Query{OpenOnly: true}))
	if !slices.Equal(got, want) {
		t.Errorf("open are %v, want %v", got, want)
	}
	got = idsOf(find(t, s, orderfeed.Query{OpenOnly: true, AfterID: want[9], Limit: 5}))
	if !slices.Equal(got, want[10:15]) {
		t.Errorf("the third page of five is %v, want %v", got, want[10:15])
	}
	cured := entry(3) // had failed
	cured.Modified = cured.Modified.Add(time.Second)
	put(t, s, cured)
	if got := idsOf(find(t, s, orderfeed.Query{OpenOnly: true, Limit: 1})); !slices.Equal(got, []woo.OrderID{3}) {
		t.Errorf("what does not fail any more is not open again: %v", got)
	}
}

func findCreated(t *testing.T, s orderfeed.Store) {
	for id := range woo.OrderID(5) {
		e := entry(id + 1)
		e.Created = noon.Add(time.Duration(4-id) * time.Hour)
		e.Done = id == 1
		put(t, s, e)
	}
	q := orderfeed.Query{CreatedSince: noon.Add(2 * time.Hour)}
	if got := idsOf(find(t, s, q)); !slices.Equal(got, []woo.OrderID{1, 2, 3}) {
		t.Errorf("created since %v are %v, want 1, 2, 3: the bound counts", q.CreatedSince, got)
	}
	q.OpenOnly, q.AfterID = true, 1
	if got := idsOf(find(t, s, q)); !slices.Equal(got, []woo.OrderID{3}) {
		t.Errorf("conditions add up to %v, want 3", got)
	}
}

func advance(t *testing.T, s orderfeed.Store) {
	zone := time.FixedZone("UTC-8", -8*60*60)
	one := orderfeed.Cursor{Since: noon.In(zone), ModifiedAfter: noon.Add(time.Second), Seen: noon.Add(time.Hour)}
	two := orderfeed.Cursor{
		Since: noon, ModifiedAfter: noon.Add(time.Minute), Seen: noon.Add(2 * time.Hour),
		LastDelivery: noon.Add(time.Hour).In(zone), Suspect: true, LastNight: "2026-03-29",
	}
	delivered, trusted, slept := two, two, two
	delivered.LastDelivery = noon
	trusted.Suspect = false
	slept.LastNight = "2026-03-30"
	for _, step := range []struct {
		name       string
		from, to   orderfeed.Cursor
		ok         bool
		wantCursor orderfeed.Cursor
	}{
		{"from what is not there", one, two, false, orderfeed.Cursor{}},
		{"from nothing", orderfeed.Cursor{}, one, true, one},
		{"from nothing again", orderfeed.Cursor{}, two, false, one},
		{"to the same", one, one, true, one},
		{"on", one, two, true, two},
		{"from an old one", one, one, false, two},
		{"from another delivery", delivered, one, false, two},
		{"from another trust", trusted, one, false, two},
		{"from another night", slept, one, false, two},
	} {
		ok, err := s.Advance(t.Context(), "a", step.from, step.to)
		check(t, err)
		if ok != step.ok {
			t.Errorf("%s: ok is %v", step.name, ok)
		}
		if got := cursor(t, s); !got.Equal(step.wantCursor) {
			t.Errorf("%s: cursor is %v, want %v", step.name, got, step.wantCursor)
		}
	}
	if c := cursor(t, s); c.Since.Location() != time.UTC || c.LastDelivery.Location() != time.UTC {
		t.Errorf("times are in %v and %v, want UTC", c.Since.Location(), c.LastDelivery.Location())
	}
}

func advanceContention(t *testing.T, s orderfeed.Store) {
	for round := range 5 {
		from := cursor(t, s)
		n := together(8, func(w int) bool {
			to := orderfeed.Cursor{Since: noon, ModifiedAfter: noon.Add(time.Duration(round*100+w+1) * time.Second), Seen: noon}
			ok, err := s.Advance(t.Context(), "a", from, to)
			if err != nil {
				t.Errorf("Advance: %v", err)
			}
			return ok
		})
		if n != 1 {
			t.Fatalf("%d of 8 advanced from one cursor", n)
		}
	}
}

func leaseGrants(t *testing.T, s orderfeed.Store) {
	lease(t, s, "one", time.Minute, true)
	lease(t, s, "two", time.Minute, false)
	lease(t, s, "one", time.Minute, true)
	if c := cursor(t, s); !c.Equal(orderfeed.Cursor{}) {
		t.Errorf("a lease moved the cursor to %v", c)
	}
}

func leaseEnds(t *testing.T, s orderfeed.Store) {
	lease(t, s, "one", time.Hour, true)
	lease(t, s, "one", 20*time.Millisecond, true) // its own may be made shorter
	for range 50 {
		ok, err := s.Lease(t.Context(), "a", "two", time.Minute)
		check(t, err)
		if ok {
			lease(t, s, "one", time.Minute, false)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a lease of 20 ms has not ended after half a second")
}

func leaseContention(t *testing.T, s orderfeed.Store) {
	n := together(8, func(w int) bool {
		ok, err := s.Lease(t.Context(), "a", fmt.Sprintf("holder %d", w), time.Minute)
		if err != nil {
			t.Errorf("Lease: %v", err)
		}
		return ok
	})
	if n != 1 {
		t.Errorf("%d of 8 hold one lease", n)
	}
}

func leaseFrees(t *testing.T, s orderfeed.Store) {
	lease(t, s, "one", time.Minute, true)
	_, err := s.Lease(t.Context(), "a", "two", 0)
	check(t, err)
	lease(t, s, "two", time.Minute, false) // two had nothing to free
	_, err = s.Lease(t.Context(), "a", "one", 0)
	check(t, err)
	lease(t, s, "two", time.Minute, true)
}

func feedsApart(t *testing.T, s orderfeed.Store) {
	put(t, s, entry(1))
	lease(t, s, "one", time.Minute, true)
	if _, err := s.Advance(t.Context(), "a", orderfeed.Cursor{}, orderfeed.Cursor{Since: noon}); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"b", "A", "a "} {
		got, err := s.Get(t.Context(), other, []woo.OrderID{1})
		check(t, err)
		found, err := s.Find(t.Context(), other, orderfeed.Query{})
		check(t, err)
		c, err := s.Cursor(t.Context(), other)
		check(t, err)
		ok, err := s.Lease(t.Context(), other, "two", time.Millisecond)
		check(t, err)
		if len(got)+len(found) > 0 || !c.Equal(orderfeed.Cursor{}) || !ok {
			t.Errorf("feed %q sees what is feed \"a\"'s: %v %v %v, lease %v", other, got, found, c, ok)
		}
	}
}

func endedContext(t *testing.T, s orderfeed.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, get := s.Get(ctx, "a", []woo.OrderID{1})
	_, find := s.Find(ctx, "a", orderfeed.Query{})
	_, cursor := s.Cursor(ctx, "a")
	_, advance := s.Advance(ctx, "a", orderfeed.Cursor{}, orderfeed.Cursor{Since: noon})
	_, lease := s.Lease(ctx, "a", "one", time.Minute)
	for name, err := range map[string]error{
		"Get": get, "Put": s.Put(ctx, "a", []orderfeed.Entry{entry(1)}), "Find": find, "Cursor": cursor, "Advance": advance, "Lease": lease,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
	}
	emptyFeed(t, s)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, s orderfeed.Store, entries ...orderfeed.Entry) {
	t.Helper()
	check(t, s.Put(t.Context(), "a", entries))
}

func get(t *testing.T, s orderfeed.Store, id woo.OrderID) orderfeed.Entry {
	t.Helper()
	got, err := s.Get(t.Context(), "a", []woo.OrderID{id})
	check(t, err)
	if len(got) != 1 {
		t.Fatalf("Get(%d) gave %d entries", id, len(got))
	}
	return got[0]
}

func cursor(t *testing.T, s orderfeed.Store) orderfeed.Cursor {
	t.Helper()
	c, err := s.Cursor(t.Context(), "a")
	check(t, err)
	return c
}

func find(t *testing.T, s orderfeed.Store, q orderfeed.Query) []orderfeed.Entry {
	t.Helper()
	found, err := s.Find(t.Context(), "a", q)
	check(t, err)
	return found
}

func lease(t *testing.T, s orderfeed.Store, holder string, d time.Duration, want bool) {
	t.Helper()
	ok, err := s.Lease(t.Context(), "a", holder, d)
	check(t, err)
	if ok != want {
		t.Errorf("lease of %v for %q: %v, want %v", d, holder, ok, want)
	}
}

// together runs try n times at once and counts who succeeded.
func together(n int, try func(i int) bool) (succeeded int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if try(i) {
				mu.Lock()
				succeeded++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return succeeded
}

func idsOf(entries []orderfeed.Entry) []woo.OrderID {
	var ids []woo.OrderID
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	return ids
}

func equal(a, b orderfeed.Entry) bool {
	return a.ID == b.ID && a.Number == b.Number && a.Status == b.Status && a.Created.Equal(b.Created) && a.Modified.Equal(b.Modified) &&
		a.Seen.Equal(b.Seen) && a.Checked.Equal(b.Checked) && slices.Equal(a.Handled, b.Handled) && a.Done == b.Done &&
		a.Ignored == b.Ignored && a.Turns == b.Turns && a.Missing == b.Missing && a.Error == b.Error
}
