package retryqueue

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// MaxResult is the longest result of a job, in bytes of JSON.
const MaxResult = 64 << 10

// Job is one attempt as Work and Probe see it.
type Job[T any] struct {
	ID      ID
	Key     string
	Payload T

	// Attempt is 1 at the first. An attempt by hand carries the number of the automatic one before it.
	Attempt int
	// ByHand: a person asked for this attempt.
	ByHand bool

	// Unsure: an earlier attempt may have had its effect: it ended ambiguously, was cut off, or its process died. Work sees it
	// false once Probe has said that nothing was done.
	Unsure bool
	// UnsureFor is, while Unsure, how long ago that attempt ended or was found ended.
	UnsureFor time.Duration

	// CreatedAt is when the key was first enqueued, by the store's clock, UTC.
	CreatedAt time.Time
	// Age is how much of its lifetime the job had used when this attempt was claimed.
	Age time.Duration

	attempt *attempt
}

// SetResult keeps v, as JSON, with the job when the attempt ends, whatever its outcome: a document number, say, for the screen.
// At most MaxResult bytes. The last call counts.
func (j Job[T]) SetResult(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("retryqueue: result of %s: %w", j.ID, err)
	}
	if len(raw) > MaxResult {
		return fmt.Errorf("retryqueue: result of %s: longer than %d bytes", j.ID, MaxResult)
	}
	j.attempt.mu.Lock()
	defer j.attempt.mu.Unlock()
	j.attempt.result = raw
	return nil
}

// CompleteTx marks the job as succeeded inside the host's transaction, so that success and the host's own effect are committed
// together: [Job.Do] for hosts who begin and commit themselves. Call it last, commit, and return nil: from here on the lease is no longer extended (the transaction holds the row).
// The error wraps ErrLostLease when another worker has the job: roll back then.
func (j Job[T]) CompleteTx(ctx context.Context, tx *sql.Tx) error {
	store, ok := j.attempt.queue.store.(TxStore)
	if !ok {
		return fmt.Errorf("retryqueue: complete %s: %w", j.ID, errNoTx)
	}
	j.attempt.mu.Lock()
	j.attempt.completing = true
	result := j.attempt.result
	j.attempt.mu.Unlock()
	errs, err := store.SettleTx(ctx, tx, []Outcome{{Lease: j.attempt.record.Lease, State: Succeeded, Result: result}})
	if err == nil && len(errs) > 0 {
		err = errs[0]
	}
	if err != nil {
		return fmt.Errorf("retryqueue: complete %s: %w", j.ID, err)
	}
	return nil
}

// Do has a job's effect in the host's database exactly once: effect and the job's success are one transaction of db, which is the
// database that the store lives in. An attempt that was cut off anywhere, in the commit too, had both or neither: where it had both,
// what comes later finds the job done; where it had neither, the next attempt has them. Return what it returns. In effect call
// nothing of the queue, and of the store only methods that take tx.
func (j Job[T]) Do(ctx context.Context, db *sql.DB, effect func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("retryqueue: do %s: %w", j.ID, err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := effect(tx); err != nil {
		return err
	}
	if err := j.CompleteTx(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("retryqueue: do %s: %w", j.ID, err)
	}
	return nil
}

// typed makes the Job that Work and Probe see. A payload that does not decode never will.
func typed[T any](a *attempt) (Job[T], error) {
	r := a.record
	job := Job[T]{
		ID: r.ID, Key: r.Key, Attempt: max(1, r.Attempts), ByHand: r.ByHand,
		Unsure: a.unsure, CreatedAt: r.CreatedAt, Age: r.Age, attempt: a,
	}
	if a.unsure {
		job.UnsureFor = r.UnsureFor
	}
	if err := json.Unmarshal(r.Payload, &job.Payload); err != nil {
		return job, Permanent(fmt.Errorf("payload does not decode: %w", err))
	}
	return job, nil
}
