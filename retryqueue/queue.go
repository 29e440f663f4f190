package retryqueue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config of a Queue. Only Store is required.
type Config struct {
	// Store keeps the jobs. Required.
	Store Store
	// Concurrency is how many jobs of each kind one process works on at a time, where Kind.Concurrency does not say. Default 4.
	Concurrency int
	// Lease is how long a claim holds unless it is extended, which happens every third of it: so long after a crash its jobs are
	// taken up again. Default 30 s.
	Lease time.Duration
	// Drain is how long jobs in hand may go on after Run's context has ended. Default 30 s; negative: not at all.
	Drain time.Duration
	// SystemicPause is how long a systemic error pauses its kind when it has no RetryAfter. Default 5 min.
	SystemicPause time.Duration
	// Poll is how long a sleeping Run may overlook jobs that other processes enqueued; its own it sees at once. Default 5 s.
	Poll time.Duration
	// Waker tells this process at once of jobs that others enqueued, and others of this one's. Default: none, see Poll.
	Waker Waker
	// Keep is how long payload, history and error of a job are kept after it has succeeded or was discarded; then the store prunes it.
	// Of a kind with Once its key, state and result stay for ever, so that a late webhook delivers nothing twice; a job of a kind
	// with Latest is removed. Failed jobs are kept: they wait for a person. Default 90 days; negative: for ever.
	Keep time.Duration
	// Logger gets failed attempts (warn), jobs given up and store failures (error). Default: silent.
	Logger *slog.Logger
	// Observe is told of each attempt when it has ended, for metrics, by the goroutine that made it; it must be quick. How many jobs
	// wait [Queue.List] tells (Query.Count, then Found.ByState). Default: nobody.
	Observe func(Observation)
}

// Queue runs the kinds registered with it on the jobs of its store. It is safe for concurrent use. [New] makes it.
type Queue struct {
	store         Store
	concurrency   int
	lease         time.Duration
	drain         time.Duration
	systemicPause time.Duration
	poll          time.Duration
	keep          time.Duration
	waker         Waker
	log           *slog.Logger
	observe       func(Observation) // nil: nobody

	wake    chan struct{} // holds one: look again
	running atomic.Bool   // a Run is under way
	pruned  atomic.Int64  // when the store was last asked to prune, in Unix time

	mu       sync.RWMutex
	handlers map[string]*handler
}

// handler is a registered kind without its payload type.
type handler struct {
	name        string
	again       Again
	work        func(context.Context, *attempt) error
	probe       func(context.Context, *attempt) (bool, error) // nil: none
	describe    func(*Record) (label, url, warning string)
	resend      func(json.RawMessage) (json.RawMessage, error) // nil: the payload as it was
	schedule    Schedule
	maxAttempts int           // negative: no limit
	maxAge      time.Duration // negative: no limit
	timeout     time.Duration // negative: no limit
	concurrency int
}

// New makes a queue. It starts nothing: register kinds, then call Run. The error names the field of Config that is wrong.
func New(c Config) (*Queue, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("retryqueue: Config.Store is missing")
	case c.Concurrency < 0:
		return nil, errors.New("retryqueue: Config.Concurrency is negative")
	case c.Lease < 0:
		return nil, errors.New("retryqueue: Config.Lease is negative")
	case c.SystemicPause < 0:
		return nil, errors.New("retryqueue: Config.SystemicPause is negative")
	case c.Poll < 0:
		return nil, errors.New("retryqueue: Config.Poll is negative")
	}
	log := c.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Queue{
		store:         c.Store,
		concurrency:   cmp.Or(c.Concurrency, 4),
		lease:         cmp.Or(c.Lease, 30*time.Second),
		drain:         max(0, cmp.Or(c.Drain, 30*time.Second)),
		systemicPause: cmp.Or(c.SystemicPause, 5*time.Minute),
		poll:          cmp.Or(c.Poll, 5*time.Second),
		keep:          cmp.Or(c.Keep, 90*24*time.Hour),
		waker:         c.Waker,
		log:           log,
		observe:       c.Observe,
		wake:          make(chan struct{}, 1),
		handlers:      map[string]*handler{},
	}, nil
}

func (q *Queue) register(h *handler) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, taken := q.handlers[h.name]; taken {
		return fmt.Errorf("%w: %s is registered already", ErrKind, h.name)
	}
	q.handlers[h.name] = h
	q.Wake()
	return nil
}

func (q *Queue) handler(kind string) *handler {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return q.handlers[kind]
}

// Kinds are the names of the kinds registered here, in order.
func (q *Queue) Kinds() []string {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return slices.Sorted(maps.Keys(q.handlers))
}

// Wake makes a sleeping Run look for due jobs now. Enqueue does it by itself; call it after the commit of an EnqueueTx.
// It is this process's: where a [Waker] is to tell others of an EnqueueTx, the host notifies in its own transaction or after it.
func (q *Queue) Wake() { poke(q.wake) }

// List reads jobs of all kinds, whether registered here or not.
func (q *Queue) List(ctx context.Context, query Query) (Found, error) {
	found, err := q.store.Find(ctx, query)
	if err != nil {
		return Found{}, fmt.Errorf("retryqueue: list: %w", err)
	}
	return found, nil
}

// allPage is how many records All holds at a time.
const allPage = 500

// All reads all jobs that query selects, in the order of their IDs, holding one page in memory. Query's After, Sort, Desc, Count,
// Limit and Offset do not matter here. Jobs may be moved while it runs: none is skipped for it, none comes twice.
func (q *Queue) All(ctx context.Context, query Query) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		page := query
		page.After, page.Sort, page.Desc, page.Count, page.Limit, page.Offset = "", "", false, false, allPage, 0
		for {
			found, err := q.List(ctx, page)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, r := range found.Records {
				if !yield(r, nil) {
					return
				}
			}
			if len(found.Records) < allPage {
				return
			}
			page.After = found.Records[allPage-1].ID
		}
	}
}

// Retry tries retrying and failed jobs now, by hand: the limits do not matter and the automatic count is not raised. If it fails,
// a failed job stays failed and a retrying one keeps its old schedule. The error wraps ErrNotMoved when some of the jobs are in
// another state; the others are tried all the same.
func (q *Queue) Retry(ctx context.Context, ids ...ID) error {
	return q.move(ctx, "retry", Move{IDs: ids, From: []State{Retrying, Failed}, To: Queued})
}

// Discard gives up jobs that wait or have failed: they are kept, and no longer wanted. The error wraps ErrNotMoved when some of
// the jobs run or have ended otherwise; the others are discarded all the same.
func (q *Queue) Discard(ctx context.Context, ids ...ID) error {
	return q.move(ctx, "discard", Move{IDs: ids, From: []State{Queued, Retrying, Failed}, To: Discarded})
}

func (q *Queue) move(ctx context.Context, verb string, m Move) error {
	asked := map[ID]bool{}
	for _, id := range m.IDs {
		asked[id] = true
	}
	if len(asked) == 0 {
		return nil
	}
	moved, err := q.store.Move(ctx, m)
	if err != nil {
		return fmt.Errorf("retryqueue: %s: %w", verb, err)
	}
	q.Wake()
	if moved < len(asked) {
		return fmt.Errorf("%w: %s: %d of %d", ErrNotMoved, verb, moved, len(asked))
	}
	return nil
}

// Pause keeps a kind from being claimed, in every process, for so long, or resumes it with For 0. Jobs in hand go on. Paused
// time does not count in the lifetime of the kind's jobs.
func (q *Queue) Pause(ctx context.Context, p KindPause) error {
	p.For = max(0, p.For)
	if err := q.store.Pause(ctx, p); err != nil {
		return fmt.Errorf("retryqueue: pause %s: %w", p.Kind, err)
	}
	q.Wake()
	return nil
}

// Describe names a job for people with its kind's Describe. The label is the key where the kind is not registered here, has no
// Describe, or its payload does not decode.
func (q *Queue) Describe(r *Record) (label, url, warning string) {
	if h := q.handler(r.Kind); h != nil {
		return h.describe(r)
	}
	return r.Key, "", ""
}
