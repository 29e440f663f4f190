package stocksync

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Reader is a store that can be looked at: any [Peer], and any [Upstream].
type Reader interface {
	ID() StoreID
	// Read returns what the store has, in order; nil where it has no such product.
	Read(ctx context.Context, refs []Ref) ([]*Stock, error)
}

// MonitorConfig describes a monitor. The zero value of a field is its default, unless it is called required.
type MonitorConfig struct {
	// Master is required: it says what the stock should be. The monitor has a pair with it like a child's; mark it as disabled there, so
	// that it is pushed nothing.
	Master Reader
	// Children are looked at. A child that runs the plugin talks only to its master: use the pair of those two.
	Children []Reader
	// Every is how long after a request to a store the next one may go to it; default 10 s, negative no wait. A plugin of the second
	// generation locks out whoever fails too often, with all who share the address.
	Every time.Duration
	// Batch is how many products one request names; default 100.
	Batch int
	// Exclude are SKUs that nobody compares.
	Exclude Exclusions
}

// Monitor looks at stores and changes nothing. [NewMonitor] makes it. It is safe for concurrent use.
type Monitor struct {
	c     MonitorConfig
	paces map[StoreID]*rate.Limiter
}

// NewMonitor makes a monitor.
func NewMonitor(c MonitorConfig) (*Monitor, error) {
	if c.Master == nil {
		return nil, errors.New("stocksync: MonitorConfig.Master is missing: what should the stock be?")
	}
	if c.Every == 0 {
		c.Every = 10 * time.Second
	}
	if c.Batch <= 0 {
		c.Batch = 100
	}
	m := &Monitor{c: c, paces: map[StoreID]*rate.Limiter{}}
	for _, store := range append([]Reader{c.Master}, c.Children...) {
		if store == nil || m.paces[store.ID()] != nil {
			return nil, errors.New("stocksync: MonitorConfig.Children: a store is nil, or there twice")
		}
		m.paces[store.ID()] = rate.NewLimiter(rate.Every(max(0, c.Every)), 1)
	}
	return m, nil
}

// DriftReport tells how far stores are from their master.
type DriftReport struct {
	At       time.Time // when it was begun
	Products int
	Master   Drift
	Stores   []Drift // as in MonitorConfig.Children
}

// Drift is one store's part of a report.
type Drift struct {
	Store       StoreID
	Read        int // products; the others could not be read, see Err
	Differ      int // products that differ
	Differences []Difference
	Pong        *Pong // its version, and how far its clock is ahead of ours; nil when it cannot be pinged
	Err         error // why the report is not whole; nothing more was asked of this store then
}

// Drift compares the stores with their master. A product differs only if it does so twice, both stores read anew: a push may have been
// on its way. The stores are asked side by side, each at its pace: a report over N products takes about N/Batch × Every, and up to as
// long again for what differs. The error is the master's, or ctx's; what a single child could not tell stands in the report.
func (m *Monitor) Drift(ctx context.Context, refs []Ref, progress func(Progress)) (DriftReport, error) {
	var compared []Ref
	for _, ref := range refs {
		if !m.c.Exclude.Has(ref.SKU) {
			compared = append(compared, ref)
		}
	}
	report := DriftReport{At: time.Now().UTC(), Products: len(compared), Stores: make([]Drift, len(m.c.Children))}
	report.Master = m.greet(ctx, m.c.Master)
	want, err := m.read(ctx, m.c.Master, compared)
	report.Master.Read, report.Master.Err = len(want), err
	if err != nil {
		return report, fmt.Errorf("stocksync: reading the master %s: %w", m.c.Master.ID(), err)
	}
	var mu sync.Mutex
	done := 0
	var asking sync.WaitGroup
	for i, store := range m.c.Children {
		asking.Go(func() {
			report.Stores[i] = m.look(ctx, store, compared, want)
			mu.Lock()
			defer mu.Unlock()
			if done++; progress != nil {
				progress(Progress{Step: "read", Done: done * len(compared), Total: len(m.c.Children) * len(compared)})
			}
		})
	}
	asking.Wait()
	return report, ctx.Err()
}

// look compares one store.
func (m *Monitor) look(ctx context.Context, store Reader, refs []Ref, want []*Stock) Drift {
	drift := m.greet(ctx, store)
	if drift.Err != nil {
		return drift
	}
	have, err := m.read(ctx, store, refs)
	drift.Read, drift.Err = len(have), err
	var again []Ref
	for i := range have {
		if len(compare(store.ID(), refs[i], want[i], have[i])) > 0 {
			again = append(again, refs[i])
		}
	}
	if err != nil || len(again) == 0 {
		return drift
	}
	if want, err = m.read(ctx, m.c.Master, again); err == nil {
		have, err = m.read(ctx, store, again)
	}
	if err != nil {
		drift.Read, drift.Err = drift.Read-len(again), err
		return drift
	}
	for i, ref := range again {
		if found := compare(store.ID(), ref, want[i], have[i]); len(found) > 0 {
			drift.Differ++
			drift.Differences = append(drift.Differences, found...)
		}
	}
	return drift
}

// greet pings a store, if that is possible.
func (m *Monitor) greet(ctx context.Context, store Reader) Drift {
	drift := Drift{Store: store.ID()}
	pinger, ok := store.(Pinger)
	if !ok {
		return drift
	}
	if drift.Err = m.paces[store.ID()].Wait(ctx); drift.Err != nil {
		return drift
	}
	pong, err := pinger.Ping(ctx)
	if drift.Err = err; err == nil {
		drift.Pong = &pong
	}
	return drift
}

// read reads products at the store's pace. After an error nothing more is asked; what was read before it is returned.
func (m *Monitor) read(ctx context.Context, store Reader, refs []Ref) ([]*Stock, error) {
	var read []*Stock
	for len(read) < len(refs) {
		batch := refs[len(read):min(len(refs), len(read)+m.c.Batch)]
		if err := m.paces[store.ID()].Wait(ctx); err != nil {
			return read, err
		}
		stocks, err := store.Read(ctx, batch)
		if err = all(stocks, len(batch), err); err != nil {
			return read, err
		}
		read = append(read, stocks...)
	}
	return read, nil
}
