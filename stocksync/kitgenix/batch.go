package kitgenix

import (
	"errors"
	"sync"
	"time"
)

// batch finds how many items a peer takes well in one event.
type batch struct {
	mu sync.Mutex
	n  int
}

const (
	firstBatch = 40
	leastBatch = 10
	mostBatch  = 200
	aim        = 5 * time.Second // of the receiver's work
)

func (b *batch) init() { b.n = firstBatch }

func (b *batch) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

// took notes what became of an event of n items. One that was too long, too large or made the peer fail halves the size, below the
// least one too, until the item that does it stands alone; a quick one of full size lets it grow by a quarter.
func (b *batch) took(n int, took time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var e *Error
	switch {
	case err == nil && took > aim:
		b.n = min(max(leastBatch, n/2), max(b.n, leastBatch))
	case err == nil && n >= b.n && took < aim/2:
		b.n = min(mostBatch, b.n+max(1, b.n/4))
	case errors.As(err, &e) && (e.ambiguous || errors.Is(e, ErrTooLarge)):
		b.n = max(1, min(b.n, n)/2)
	}
}
