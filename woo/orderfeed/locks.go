package orderfeed

import (
	"context"
	"slices"
	"sync"

	"github.com/tillwire/tillwire/woo"
)

// locks lets one goroutine at a time deal with an order.
type locks struct {
	mu   *sync.Mutex
	held map[woo.OrderID]chan struct{} // closed when freed
}

func newLocks() locks {
	return locks{mu: new(sync.Mutex), held: map[woo.OrderID]chan struct{}{}}
}

// lock waits for all of these orders, in the order of their ids so that two callers cannot wait for each other.
func (l locks) lock(ctx context.Context, ids []woo.OrderID) (unlock func(), err error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for i, id := range ids {
		if err := l.lockOne(ctx, id); err != nil {
			l.free(ids[:i])
			return nil, err
		}
	}
	return func() { l.free(ids) }, nil
}

func (l locks) lockOne(ctx context.Context, id woo.OrderID) error {
	for {
		l.mu.Lock()
		freed, taken := l.held[id]
		if !taken {
			l.held[id] = make(chan struct{})
		}
		l.mu.Unlock()
		if !taken {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l locks) free(ids []woo.OrderID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		close(l.held[id])
		delete(l.held, id)
	}
}
