package stocksync

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// Master is the authority over one stock that many stores sell. It is a [Node]. It is safe for concurrent use, and several processes
// may share its Store and Queue.
type Master struct {
	c      MasterConfig
	peers  map[StoreID]Peer
	order  []StoreID // of peers
	jobs   *retryqueue.Producer[struct{}]
	health *healths

	mu   sync.Mutex
	down map[StoreID]time.Time // peers that could not be reached, and until when they are left alone
}

// NewMaster checks c and registers the kind "<Name>.push" with c.Queue. It calls nobody.
func NewMaster(c MasterConfig) (*Master, error) {
	c, err := c.checked()
	if err != nil {
		return nil, err
	}
	m := &Master{c: c, peers: map[StoreID]Peer{}, health: newHealths(), down: map[StoreID]time.Time{}}
	for _, p := range c.Peers {
		m.peers[p.ID()] = p
		m.order = append(m.order, p.ID())
	}
	m.jobs, err = retryqueue.Register(c.Queue, retryqueue.Kind[struct{}]{
		Name:        c.Name + ".push",
		Work:        m.work,
		Again:       retryqueue.Latest,
		Schedule:    retryqueue.Steps(0), // each peer has its own: see paced
		MaxAttempts: -1,
		MaxAge:      -1,
		Concurrency: max(1, len(c.Peers)),
	})
	if err != nil {
		return nil, fmt.Errorf("stocksync: %w", err)
	}
	return m, nil
}

// ID implements [Node].
func (m *Master) ID() StoreID { return m.c.Self.StoreID }

// Role implements [Node].
func (m *Master) Role() Role { return RoleMaster }

// Exact implements [Exact]: a master books a report's Item.Was once for each event.
func (m *Master) Exact(context.Context) bool { return true }

// Run watches the peers that must be asked for changes, and wakes what waits in the outbox at the start and every minute, until ctx
// ends; then it returns nil. Pushes are made by the queue: run it too.
func (m *Master) Run(ctx context.Context) error {
	var watching sync.WaitGroup
	defer watching.Wait()
	for _, p := range m.c.Peers {
		if w, ok := p.(Watcher); ok {
			watching.Go(func() { m.watch(ctx, w) })
		}
	}
	if m.c.AuditEvery > 0 {
		watching.Go(func() { m.audits(ctx) })
	}
	for ctx.Err() == nil {
		if err := m.sweep(ctx); err != nil && ctx.Err() == nil {
			m.c.Logger.ErrorContext(ctx, "the outbox cannot be swept", "error", err)
		}
		wait(ctx, sweepEvery)
	}
	return nil
}

// audits adopts, now and then, what peers have sold and not reported.
func (m *Master) audits(ctx context.Context) {
	for wait(ctx, m.c.AuditEvery); ctx.Err() == nil; wait(ctx, m.c.AuditEvery) {
		report, err := m.Audit(ctx, AuditOptions{Adopt: true})
		if ctx.Err() != nil {
			return
		}
		e := Event{At: time.Now(), Level: "info", Action: "audit", Text: fmt.Sprintf(
			"audit: %d compared, %d differences, %d conflicts, %d adopted", report.Products, len(report.Differences), len(report.Conflicts), report.Adopting)}
		if err != nil {
			e.Level, e.Text = "warn", e.Text+": "+err.Error()
		}
		m.tell(ctx, []Event{e})
	}
}

// watch keeps a watcher watching.
func (m *Master) watch(ctx context.Context, w Watcher) {
	for ctx.Err() == nil {
		err := w.Watch(ctx, m)
		if ctx.Err() != nil {
			return
		}
		m.tell(ctx, []Event{{At: time.Now(), Level: "error", Peer: w.ID(), Action: "watch",
			Text: fmt.Sprintf("the store is not watched, again in %s: %v", rewatch, err)}})
		wait(ctx, rewatch)
	}
}

const (
	sweepEvery = time.Minute
	rewatch    = 5 * time.Minute
)

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// capture is how a peer's changes are found.
func (m *Master) capture(peer StoreID) Capture {
	if c, ok := m.c.Capture[peer]; ok {
		return c
	}
	return Shadow
}

// Lookup implements [Node]: nil where a product is not known, excluded, or one of several with its SKU. Who is no peer sees the
// authority's own figures.
func (m *Master) Lookup(ctx context.Context, from StoreID, refs []Ref) ([]*Item, error) {
	found, err := lookAt(ctx, m.c.Store, refs)
	if err != nil {
		return nil, fmt.Errorf("stocksync: looking up the products: %w", err)
	}
	items := make([]*Item, len(refs))
	for i, rows := range found {
		if len(rows) != 1 || m.c.Exclude.Has(rows[0].SKU) {
			continue
		}
		item := rows[0].Item
		if m.peers[from] != nil {
			item.Stock = m.shown(rows[0], from)
		}
		items[i] = &item
	}
	return items, nil
}

// read is what the rows are, together.
func (m *Master) read(ctx context.Context, gids []GID) (rows []*Row, err error) {
	err = m.c.Store.Update(ctx, gids, func(found []*Row) (Commit, error) {
		rows = found
		return Commit{}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("stocksync: reading the products: %w", err)
	}
	return rows, nil
}

// rows walks all products, by GID.
func (m *Master) rows(ctx context.Context) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		const page = 500
		for after := GID(""); ; {
			rows, err := m.c.Store.Find(ctx, after, page)
			if err != nil {
				yield(nil, fmt.Errorf("stocksync: listing the products: %w", err))
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
				after = r.GID
			}
			if len(rows) < page {
				return
			}
		}
	}
}

func slogLevel(level string) slog.Level {
	switch level {
	case "info":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	}
	return slog.LevelError
}
