package retryqueue

import (
	"errors"
	"fmt"
	"time"
)

// Sentinels for errors.Is.
var (
	// ErrLostLease is at an outcome's index when its lease is no longer the live one: another worker has the job. It is also the
	// cause (context.Cause) with which the context of an attempt ends when its lease could not be kept.
	ErrLostLease = errors.New("retryqueue: lease lost: the job was claimed again or moved")
	// ErrNotMoved says that not every job could be retried or discarded: it runs, or has ended otherwise, or is gone.
	ErrNotMoved = errors.New("retryqueue: not every job could be moved")
	// ErrKind says that a kind cannot be registered, or that its name is taken.
	ErrKind = errors.New("retryqueue: kind refused")
	// ErrRunning is returned by a second Run of the same Queue.
	ErrRunning = errors.New("retryqueue: the queue runs already")
)

// The four behaviours through which Work's error tells the queue what to do. Clients implement them as methods of their error
// type and need not import this package; the helpers below put them on any error.
type (
	permanent interface{ Permanent() bool }
	waiting   interface{ RetryAfter() time.Duration }
	ambiguous interface{ Ambiguous() bool }
	systemic  interface{ Systemic() bool }
)

// Permanent says that trying again is useless: the job fails at once. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanentError{err}
}

// Ambiguous says that the attempt may have had its effect, although it failed: the next one is Unsure and its kind's Probe runs
// first. Ambiguous(nil) is nil.
func Ambiguous(err error) error {
	if err == nil {
		return nil
	}
	return ambiguousError{err}
}

// After says that the next attempt is to be made no earlier than d from now. After(d, nil) is nil.
func After(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return afterError{err, d}
}

// Snooze puts the job off for d without an attempt being counted: not yet, rather than not. The job's lifetime still holds.
func Snooze(d time.Duration) error { return &control{verb: snooze, wait: d} }

// More says that progress was made and more is to be done: the job is due now, attempts and age start again.
func More() error { return &control{verb: more} }

// Stale says that the job is no longer wanted (order gone, already synced): it becomes Discarded, with reason as its LastError.
func Stale(reason string) error { return &control{verb: stale, reason: reason} }

type permanentError struct{ error }

func (e permanentError) Unwrap() error   { return e.error }
func (e permanentError) Permanent() bool { return true }

type ambiguousError struct{ error }

func (e ambiguousError) Unwrap() error   { return e.error }
func (e ambiguousError) Ambiguous() bool { return true }

type afterError struct {
	error
	d time.Duration
}

func (e afterError) Unwrap() error             { return e.error }
func (e afterError) RetryAfter() time.Duration { return e.d }

type verb int

const (
	snooze verb = iota
	more
	stale
)

// control is a returned value that steers the queue and is no failure.
type control struct {
	verb   verb
	wait   time.Duration
	reason string
}

func (c *control) Error() string {
	switch c.verb {
	case snooze:
		return fmt.Sprintf("retryqueue: snooze %s", c.wait)
	case more:
		return "retryqueue: more to do"
	default:
		return c.reason
	}
}

// reading is what an error tells the queue, in the order in which it is asked:
// a control value, then ambiguity anywhere in the tree, then the outermost error that has the method.
type reading struct {
	control   *control
	ambiguous bool
	permanent bool
	systemic  bool
	after     time.Duration
}

func read(err error) reading {
	var r reading
	r.ambiguous = anywhereAmbiguous(err)
	if errors.As(err, &r.control) {
		return r
	}
	// errors.As walks depth first from the outside, so it stops at the outermost error that has the method, whatever it answers.
	var p permanent
	if errors.As(err, &p) {
		r.permanent = p.Permanent()
	}
	var s systemic
	if errors.As(err, &s) {
		r.systemic = s.Systemic()
	}
	var w waiting
	if errors.As(err, &w) {
		r.after = max(0, w.RetryAfter())
	}
	return r
}

// anywhereAmbiguous does not stop at the first error that has the method: a wrapper that knows nothing of the effect must not
// hide a deeper one that does.
func anywhereAmbiguous(err error) bool {
	if err == nil {
		return false
	}
	if a, ok := err.(ambiguous); ok && a.Ambiguous() { //nolint:errorlint // this walks the tree itself
		return true
	}
	switch x := err.(type) { //nolint:errorlint // this walks the tree itself
	case interface{ Unwrap() error }:
		return anywhereAmbiguous(x.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range x.Unwrap() {
			if anywhereAmbiguous(e) {
				return true
			}
		}
	}
	return false
}
