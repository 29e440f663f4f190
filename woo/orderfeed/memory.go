package orderfeed

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tillwire/tillwire/woo"
)

// NewMemoryStore returns a [Store] that lives as long as the process: for tests, and for programs that may read everything again
// after a restart. It holds every order it has seen.
func NewMemoryStore() Store { return &memoryStore{feeds: map[string]*memoryFeed{}} }

type memoryStore struct {
	mu    sync.Mutex
	feeds map[string]*memoryFeed
}

type memoryFeed struct {
	entries map[woo.OrderID]Entry
	cursor  Cursor
	holder  string
	until   time.Time
}

// enter locks the store and returns the feed; the caller unlocks.
func (m *memoryStore) enter(ctx context.Context, feed string) (*memoryFeed, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	f := m.feeds[feed]
	if f == nil {
		f = &memoryFeed{entries: map[woo.OrderID]Entry{}}
		m.feeds[feed] = f
	}
	return f, nil
}

func (m *memoryStore) Get(ctx context.Context, feed string, ids []woo.OrderID) ([]Entry, error) {
	f, err := m.enter(ctx, feed)
	if err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var found []Entry
	for _, id := range ids {
		if e, ok := f.entries[id]; ok {
			e.Handled = slices.Clone(e.Handled)
			found = append(found, e)
		}
	}
	return found, nil
}

func (m *memoryStore) Put(ctx context.Context, feed string, entries []Entry) error {
	f, err := m.enter(ctx, feed)
	if err != nil {
		return err
	}
	defer m.mu.Unlock()
	for _, e := range entries {
		e.Created, e.Modified, e.Seen, e.Checked = e.Created.UTC(), e.Modified.UTC(), e.Seen.UTC(), e.Checked.UTC()
		f.entries[e.ID] = e.Merge(f.entries[e.ID])
	}
	return nil
}

func (m *memoryStore) Find(ctx context.Context, feed string, q Query) ([]Entry, error) {
	f, err := m.enter(ctx, feed)
	if err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var found []Entry
	for id, e := range f.entries {
		if id > q.AfterID && (!q.Failed || e.Error != "") && (!q.OpenOnly || e.Open()) && !e.Created.Before(q.CreatedSince) {
			e.Handled = slices.Clone(e.Handled)
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	limit := q.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	return found[:min(limit, len(found))], nil
}

func (m *memoryStore) Cursor(ctx context.Context, feed string) (Cursor, error) {
	f, err := m.enter(ctx, feed)
	if err != nil {
		return Cursor{}, err
	}
	defer m.mu.Unlock()
	return f.cursor, nil
}

func (m *memoryStore) Advance(ctx context.Context, feed string, from, to Cursor) (bool, error) {
	f, err := m.enter(ctx, feed)
	if err != nil {
		return false, err
	}
	defer m.mu.Unlock()
	if !f.cursor.Equal(from) {
		return false, nil
	}
	to.Since, to.ModifiedAfter, to.Seen, to.LastDelivery = to.Since.UTC(), to.ModifiedAfter.UTC(), to.Seen.UTC(), to.LastDelivery.UTC()
	f.cursor = to
	return true, nil
}

func (m *memoryStore) Lease(ctx context.Context, feed, holder string, d time.Duration) (bool, error) {
	f, err := m.enter(ctx, feed)
	if err != nil {
		return false, err
	}
	defer m.mu.Unlock()
	now := time.Now()
	if f.holder != holder && now.Before(f.until) {
		return false, nil
	}
	f.holder, f.until = holder, now.Add(max(d, 0))
	return true, nil
}
