package hmacauth

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

const (
	// firstBuffer is what a body of unknown length gets at first.
	firstBuffer = 4 << 10
	// smallBuffer is what a client can make us allocate by words alone. More comes only after as many bytes have.
	smallBuffer = 64 << 10
	// graceTime is how long a body may take before it must flow at minRate.
	graceTime = 2 * time.Second
	minRate   = 1 << 10 // bytes a second
)

// budget is the memory that all bodies under way may have.
type budget struct{ left atomic.Int64 }

func (b *budget) take(n int64) bool {
	if b.left.Add(-n) < 0 {
		b.left.Add(n)
		return false
	}
	return true
}

// reader reads one body.
type reader struct {
	budget  *budget
	taken   int64
	limit   int64
	timeout time.Duration
	// deadline, when not nil, ends reads that wait; a zero time lifts it.
	deadline func(time.Time) error
}

func (b *reader) release() {
	b.budget.left.Add(b.taken)
	b.taken = 0
}

// read returns the whole body: at most limit bytes of it are ever accepted, one more is ever read.
func (b *reader) read(r *http.Request) ([]byte, Reason, error) {
	if r.ContentLength > b.limit {
		return nil, ErrTooLarge, nil
	}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil, "", nil
	}
	size := r.ContentLength + 1 // one more, to see the end without growing
	if r.ContentLength < 0 {
		size = firstBuffer
	}
	size = min(size, smallBuffer, b.limit+1)
	if !b.grow(size) {
		return nil, ErrBusy, nil
	}
	buf := make([]byte, 0, size)
	start := time.Now()
	end := start.Add(b.timeout)
	for {
		if len(buf) == cap(buf) {
			next := int64(smallBuffer)
			if len(buf) >= smallBuffer {
				next = b.limit + 1
				if r.ContentLength >= int64(len(buf)) { // if not, it lied
					next = min(next, r.ContentLength+1)
				}
			}
			next = min(next, b.limit+1)
			if !b.grow(next) {
				return nil, ErrBusy, nil
			}
			buf = append(make([]byte, 0, next), buf...)
			b.shrink(next)
		}
		due := start.Add(graceTime + time.Duration(len(buf))*time.Second/minRate)
		if due.After(end) {
			due = end
		}
		if b.deadline != nil {
			_ = b.deadline(due) // not every ResponseWriter can; the check below is for those
		}
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > b.limit:
			return nil, ErrTooLarge, nil
		case errors.Is(err, io.EOF):
			if b.deadline != nil {
				_ = b.deadline(time.Time{})
			}
			return buf, "", nil
		case errors.Is(err, os.ErrDeadlineExceeded), err == nil && time.Now().After(due):
			return nil, ErrSlow, nil
		case tooLarge(err):
			return nil, ErrTooLarge, nil
		case err != nil:
			return nil, ErrBody, err
		}
	}
}

// tooLarge reports a cap that the host has set itself.
func tooLarge(err error) bool {
	var e *http.MaxBytesError
	return errors.As(err, &e)
}

func (b *reader) grow(n int64) bool {
	if !b.budget.take(n) {
		return false
	}
	b.taken += n
	return true
}

// shrink gives back what the buffer before this one had.
func (b *reader) shrink(n int64) {
	b.budget.left.Add(b.taken - n)
	b.taken = n
}
