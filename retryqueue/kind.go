package retryqueue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of a kind that sets none, and whose schedule brings none.
const (
	DefaultMaxAttempts = 20
	DefaultMaxAge      = 48 * time.Hour
	DefaultTimeout     = 10 * time.Minute
)

// Kind describes one sort of job with payload T, which travels as JSON: what Work gets is what Marshal and Unmarshal make of it.
type Kind[T any] struct {
	// Name is kept with every job and must never change. At most MaxKind bytes. Required.
	Name string

	// Work makes one attempt. nil: done. Any error: try again as the schedule says, unless the error says more: see "How an
	// error is read" in the package's documentation. Its context ends with the attempt's time, its lease, or the drain. A panic
	// is an ambiguous error. Required.
	Work func(ctx context.Context, job Job[T]) error

	// Probe is asked before Work when the job is Unsure: is what an earlier attempt may have done really there? True: the job
	// succeeded. False: Work runs. An error is read like Work's, and Work does not run. Absence is no proof until the target has
	// settled: return Snooze while job.UnsureFor is too short. Default: Work runs, and sees job.Unsure itself.
	Probe func(ctx context.Context, job Job[T]) (done bool, err error)

	// Again says what a known key means. Default Once.
	Again Again

	// Describe names a job for people: a label ("Order 1042"), a link and a warning to show before it is sent again, each of
	// which may be empty. Default: the label is the key.
	Describe func(payload T) (label, url, warning string)

	// Resend makes the payload that is delivered when a person sends a job again that has succeeded or was discarded (Queue.Resend):
	// where a kind notes that a second delivery is wanted, and no mistake. Such a job is enqueued anew, as with Forced. Default:
	// one attempt by hand with the payload as it was.
	Resend func(payload T) T

	// Schedule says how long to wait after a failed attempt. Default Progressive().
	Schedule Schedule
	// MaxAttempts is how many attempts are made, the first included. Default the schedule's, else 20; negative: no limit.
	MaxAttempts int
	// MaxAge is the lifetime: a job whose next attempt would fall after it fails at once. Time in which the kind is paused does
	// not count. Default the schedule's, else 48 h; negative: no limit.
	MaxAge time.Duration
	// Timeout bounds one attempt: its context ends, and if it does not return then, its lease is no longer extended, so that a
	// hung Work is not taken for a live one. Default 10 min; negative: no limit.
	Timeout time.Duration
	// Concurrency is how many jobs of this kind one process works on at a time. Kinds do not take each other's places: a target
	// that hangs starves nobody. Default Config.Concurrency.
	Concurrency int
}

// Producer enqueues the jobs of one kind. [Register] makes it.
type Producer[T any] struct {
	q     *Queue
	kind  string
	again Again
}

// Register makes a kind known to this process: its jobs are claimed here from now on, those of other kinds never. The error wraps
// ErrKind when the kind is incomplete or its name is taken.
func Register[T any](q *Queue, k Kind[T]) (*Producer[T], error) {
	if err := checkName(k.Name, MaxKind); err != nil || k.Name == "" {
		return nil, fmt.Errorf("%w: Kind.Name %q: %w", ErrKind, k.Name, orElse(err, errors.New("is empty")))
	}
	if k.Work == nil {
		return nil, fmt.Errorf("%w: %s: Kind.Work is missing", ErrKind, k.Name)
	}
	if k.Again != Once && k.Again != Latest {
		return nil, fmt.Errorf("%w: %s: Kind.Again is neither Once nor Latest", ErrKind, k.Name)
	}
	if k.Concurrency < 0 {
		return nil, fmt.Errorf("%w: %s: Kind.Concurrency is negative", ErrKind, k.Name)
	}
	h := &handler{
		name:        k.Name,
		again:       k.Again,
		schedule:    orElse(k.Schedule, Progressive()),
		concurrency: orElse(k.Concurrency, q.concurrency),
		timeout:     orElse(k.Timeout, DefaultTimeout),
		work: func(ctx context.Context, a *attempt) error {
			job, err := typed[T](a)
			if err != nil {
				return err
			}
			return k.Work(ctx, job)
		},
		describe: func(r *Record) (label, url, warning string) {
			var payload T
			if k.Describe == nil || json.Unmarshal(r.Payload, &payload) != nil {
				return r.Key, "", ""
			}
			return k.Describe(payload)
		},
	}
	var attempts int
	var age time.Duration
	if l, ok := h.schedule.(Limited); ok {
		attempts, age = l.Limits()
	}
	h.maxAttempts = orElse(k.MaxAttempts, orElse(attempts, DefaultMaxAttempts))
	h.maxAge = orElse(k.MaxAge, orElse(age, DefaultMaxAge))
	if k.Probe != nil {
		h.probe = func(ctx context.Context, a *attempt) (bool, error) {
			job, err := typed[T](a)
			if err != nil {
				return false, err
			}
			return k.Probe(ctx, job)
		}
	}
	if k.Resend != nil {
		h.resend = func(payload json.RawMessage) (json.RawMessage, error) {
			var p T
			if err := json.Unmarshal(payload, &p); err != nil {
				return nil, err
			}
			return json.Marshal(k.Resend(p))
		}
	}
	if err := q.register(h); err != nil {
		return nil, err
	}
	return &Producer[T]{q: q, kind: k.Name, again: k.Again}, nil
}

// Option changes one enqueued job.
type Option func(*NewJob)

// At makes the first attempt no earlier than t. The lifetime begins then.
func At(t time.Time) Option { return func(j *NewJob) { j.Delay = max(0, time.Until(t)) } }

// Forced makes a job that has ended due again, a succeeded one too, and one that runs due once more: deliver again.
func Forced() Option { return func(j *NewJob) { j.Forced = true } }

// Group makes jobs that share a name, whatever their kinds, run one after another in the order in which they were first enqueued:
// none begins before the one before it has succeeded, failed or been discarded. The group of a known key does not change.
func Group(name string) Option { return func(j *NewJob) { j.Group = name } }

// Enqueue accepts a job: once it returns nil the job is durable, and it will be done or visibly failed. The first attempt starts
// at once where a Run of this queue has a worker free. A known key is no error: Kind.Again says what becomes of it, the receipt
// says where the job stands. An empty key becomes the job's ID. Keys and groups are UTF-8 of at most MaxKey bytes,
// payloads have at most MaxPayload.
func (p *Producer[T]) Enqueue(ctx context.Context, key string, payload T, opts ...Option) (Receipt, error) {
	return p.enqueue(key, payload, opts, func(jobs []NewJob) ([]Receipt, error) {
		receipts, err := p.q.store.Insert(ctx, jobs)
		if err == nil {
			p.q.notify(ctx)
		}
		return receipts, err
	})
}

// EnqueueTx accepts a job inside the host's transaction: it is there if and only if tx commits. Call Queue.Wake after the commit,
// else the job waits for the next look. It fails with a Store that is no TxStore.
func (p *Producer[T]) EnqueueTx(ctx context.Context, tx *sql.Tx, key string, payload T, opts ...Option) (Receipt, error) {
	store, ok := p.q.store.(TxStore)
	if !ok {
		return Receipt{}, fmt.Errorf("retryqueue: enqueue %s: %w", p.kind, errNoTx)
	}
	return p.enqueue(key, payload, opts, func(jobs []NewJob) ([]Receipt, error) { return store.InsertTx(ctx, tx, jobs) })
}

var errNoTx = errors.New("this store does not share the host's transactions")

func (p *Producer[T]) enqueue(key string, payload T, opts []Option, insert func([]NewJob) ([]Receipt, error)) (Receipt, error) {
	refuse := func(err error) (Receipt, error) {
		return Receipt{}, fmt.Errorf("retryqueue: enqueue %s %q: %w", p.kind, key, err)
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		return refuse(err)
	}
	if len(raw) > MaxPayload {
		return refuse(fmt.Errorf("payload: is longer than %d bytes", MaxPayload))
	}
	job := NewJob{Kind: p.kind, Key: key, Payload: raw, Again: p.again}
	for _, o := range opts {
		o(&job)
	}
	if err := checkName(job.Key, MaxKey); err != nil {
		return refuse(fmt.Errorf("key: %w", err))
	}
	if err := checkName(job.Group, MaxKey); err != nil {
		return refuse(fmt.Errorf("group: %w", err))
	}
	receipts, err := insert([]NewJob{job})
	if err != nil {
		return refuse(err)
	}
	if len(receipts) != 1 {
		return refuse(fmt.Errorf("the store answered %d receipts for 1 job", len(receipts)))
	}
	return receipts[0], nil
}

func checkName(name string, most int) error {
	switch {
	case len(name) > most:
		return fmt.Errorf("is longer than %d bytes", most)
	case !utf8.ValidString(name):
		return errors.New("is not UTF-8")
	case strings.ContainsRune(name, 0):
		return errors.New("has a NUL")
	}
	return nil
}

// orElse is v, or other where v is the zero value.
func orElse[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}
