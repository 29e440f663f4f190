package redisstore

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// answer walks through what a script answered. Its first mistake is kept, what comes after it is empty.
type answer struct {
	rest []any
	err  error
}

func read(v any) *answer {
	list, ok := v.([]any)
	if !ok {
		return &answer{err: fmt.Errorf("redisstore: the server answered %T, want a list", v)}
	}
	return &answer{rest: list}
}

func (a *answer) more() bool { return a.err == nil && len(a.rest) > 0 }

func (a *answer) next() any {
	if !a.more() {
		a.fail(fmt.Errorf("redisstore: the server answered too little"))
		return nil
	}
	v := a.rest[0]
	a.rest = a.rest[1:]
	return v
}

func (a *answer) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

func (a *answer) list() *answer {
	l := read(a.next())
	a.fail(l.err)
	return l
}

func (a *answer) text() string {
	switch v := a.next().(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		return ""
	}
}

// raw tells nothing (nil) from an empty text.
func (a *answer) raw() json.RawMessage {
	if v, ok := a.next().(string); ok {
		return json.RawMessage(v)
	}
	return nil
}

func (a *answer) number() int64 {
	n, err := strconv.ParseInt(a.text(), 10, 64)
	if err != nil {
		a.fail(fmt.Errorf("redisstore: the server answered no number: %w", err))
	}
	return n
}

func (a *answer) length() time.Duration { return time.Duration(a.number()) * time.Microsecond }

// instant is the zero time for 0.
func (a *answer) instant() time.Time { return fromMicros(a.number()) }

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// record reads what the function record of common.lua wrote.
func (a *answer) record() *retryqueue.Record {
	r := &retryqueue.Record{
		ID: retryqueue.ID(a.text()), Kind: a.text(), Key: a.text(), Group: a.text(), Payload: a.raw(), Result: a.raw(),
		State: retryqueue.State(a.text()), Attempts: int(a.number()), UnsureFor: a.length(), ByHand: a.number() == 1,
		LastError: a.text(), CreatedAt: a.instant(), NextAttemptAt: a.instant(), Age: a.length(),
	}
	if r.Unsure = r.UnsureFor >= 0; !r.Unsure {
		r.UnsureFor = 0
	}
	history, err := attempts(a.text())
	if r.History = history; err != nil {
		a.fail(fmt.Errorf("redisstore: history of %s: %w", r.ID, err))
	}
	r.Pruned = a.number() == 1
	return r
}

// attempts reads a history: for each attempt N, start, end and the length of the error in a line, then the error.
func attempts(past string) (all []retryqueue.Attempt, err error) {
	for past != "" {
		line, rest, _ := strings.Cut(past, "\n")
		var n int
		var start, end int64
		var length int
		if _, err := fmt.Sscanf(line, "%d %d %d %d", &n, &start, &end, &length); err != nil {
			return nil, err
		}
		if length < 0 || length > len(rest) {
			return nil, fmt.Errorf("an error of %d bytes in %d", length, len(rest))
		}
		all = append(all, retryqueue.Attempt{N: n, Start: fromMicros(start), End: fromMicros(end), Error: rest[:length]})
		past = rest[length:]
	}
	return all, nil
}
