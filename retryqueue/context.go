package retryqueue

import (
	"context"
	"sync"
	"time"
)

// attemptContext is the context of one attempt. A quick Work never looks at it, so its channel and its timer are made when
// somebody looks for the first time: it is a context of the standard library's from then on, to those derived from it too.
type attemptContext struct {
	parent   context.Context
	deadline time.Time // by Kind.Timeout; zero: none. Set before anybody looks

	mu    sync.Mutex
	made  context.Context // nil: nobody has looked yet
	stop  context.CancelCauseFunc
	over  bool  // end was called
	cause error // with this, see context.Cause
}

// Deadline implements context.Context.
func (c *attemptContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

// Done implements context.Context.
func (c *attemptContext) Done() <-chan struct{} { return c.look().Done() }

// Err implements context.Context.
func (c *attemptContext) Err() error { return c.look().Err() }

// Value implements context.Context. Through it package context finds what it knows, so that deriving from this one costs no more.
func (c *attemptContext) Value(key any) any { return c.look().Value(key) }

func (c *attemptContext) look() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil {
		c.made, c.stop = context.WithCancelCause(c.parent)
		if !c.deadline.IsZero() {
			stop := c.stop
			made, cancel := context.WithDeadline(c.made, c.deadline)
			c.made, c.stop = made, func(cause error) { stop(cause); cancel() }
		}
		if c.over {
			c.stop(c.cause)
		}
	}
	return c.made
}

// end cancels the context. The first cause stands.
func (c *attemptContext) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.over, c.cause = true, cause
	if c.stop != nil {
		c.stop(cause)
	}
}

// ended is the cause with which the context was ended before its deadline; nil: it was not.
func (c *attemptContext) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return c.cause
	}
	return context.Cause(c.parent)
}
