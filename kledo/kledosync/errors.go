package kledosync

import (
	"errors"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// before is an error of a step that comes before the document is sent, such as creating its contact: whatever became of that step, the
// document itself is not in doubt.
func before(err error) error { return stepError{err} }

type stepError struct{ err error }

func (e stepError) Error() string { return e.err.Error() }

// Is lets errors.Is see through, Unwrap is missing on purpose: an ambiguous step is no ambiguous document.
func (e stepError) Is(target error) bool { return errors.Is(e.err, target) }

func (e stepError) Permanent() bool {
	var p interface{ Permanent() bool }
	return errors.As(e.err, &p) && p.Permanent()
}

func (e stepError) Systemic() bool {
	var s interface{ Systemic() bool }
	return errors.As(e.err, &s) && s.Systemic()
}

func (e stepError) RetryAfter() time.Duration {
	var w interface{ RetryAfter() time.Duration }
	if errors.As(e.err, &w) {
		return w.RetryAfter()
	}
	return 0
}

func permanently(err error) error { return retryqueue.Permanent(err) }
