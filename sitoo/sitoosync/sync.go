package sitoosync

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo/webhook"
)

// Sync keeps a shop and a till in step. [New] makes it. It is safe for concurrent use; one process per pair of shop and site may
// Run it.
type Sync struct {
	c   Config
	log *slog.Logger
	up  map[upKind]*producer

	work  gate // of what works on the till for long: jobs of autosync and full syncs never overlap (trap 64)
	stock gate // of what compares both sides' stock and then writes
	order gate // of what takes an order of the shop up: two at once would each deliver what is left

	begun beginnings // what is being made in the shop

	rehearses bool // changes nothing: see rehearsal

	mu        sync.Mutex
	warehouse *sitoo.Warehouse // as it was last read
	hook      *webhook.Handler // nil: none is taken
}

// New checks c and registers its kinds with c.Queue. It calls nobody: see [Sync.Connect].
func New(c Config) (*Sync, error) {
	c, err := c.checked()
	if err != nil {
		return nil, err
	}
	s := &Sync{c: c, log: c.Logger, up: map[upKind]*producer{}, work: newGate(), stock: newGate(), order: newGate()}
	for kind, work := range upwards() {
		if s.up[kind], err = s.register(kind, work); err != nil {
			return nil, fmt.Errorf("sitoosync: %w", err)
		}
	}
	return s, nil
}

// gate lets one at a time through, and gives up waiting when a context ends.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g gate) leave() { <-g }

// path is the way stock goes up. The warehouse is read when this is first asked, and by Connect.
func (s *Sync) path(ctx context.Context) (StockPath, error) {
	s.mu.Lock()
	w := s.warehouse
	s.mu.Unlock()
	if w == nil {
		if err := s.readWarehouse(ctx); err != nil {
			return 0, err
		}
		return s.path(ctx)
	}
	return PathOf(w.Type, s.c.ForceInstant), nil
}

// find returns the links of a kind by their id on a side.
func (s *Sync) find(ctx context.Context, kind LinkKind, side Side, ids ...string) (map[string]Link, error) {
	found, err := s.c.Links.Find(ctx, kind, side, ids)
	if err != nil {
		return nil, fmt.Errorf("sitoosync: reading links: %w", err)
	}
	by := make(map[string]Link, len(found))
	for _, l := range found {
		if side == Woo {
			by[l.Woo] = l
		} else {
			by[l.Sitoo] = l
		}
	}
	return by, nil
}

// put stores links: new ones, or known ones with a new Sum.
func (s *Sync) put(ctx context.Context, links ...Link) error {
	if err := s.c.Links.Put(ctx, links); err != nil {
		return fmt.Errorf("sitoosync: keeping links: %w", err)
	}
	return nil
}

// load reads a state into v, which stays as it is when there is none.
func (s *Sync) load(ctx context.Context, name string, v any) error {
	b, err := s.c.State.Load(ctx, s.c.Name+"."+name)
	if err == nil && len(b) > 0 {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return fmt.Errorf("sitoosync: reading the state %s: %w", name, err)
	}
	return nil
}

// save keeps v as a state; nil empties it.
func (s *Sync) save(ctx context.Context, name string, v any) error {
	var b []byte
	var err error
	if v != nil {
		b, err = json.Marshal(v)
	}
	if err == nil {
		err = s.c.State.Save(ctx, s.c.Name+"."+name, b)
	}
	if err != nil {
		return fmt.Errorf("sitoosync: keeping the state %s: %w", name, err)
	}
	return nil
}
