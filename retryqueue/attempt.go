package retryqueue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// attempt is one claimed job in hand.
type attempt struct {
	queue   *Queue
	record  *Record
	handler *handler
	lane    *lane
	claimed time.Time
	ctx     attemptContext

	// Of the goroutine that makes the attempt.
	unsure  bool // what Work is told; false once Probe has said that nothing was done
	probing bool // the error is Probe's

	// Guarded by runner.mu.
	began    time.Time
	until    time.Time // when the lease ends
	finished bool
	outcome  Outcome

	mu         sync.Mutex
	begun      bool // Work was called: from here on an effect is possible
	result     json.RawMessage
	completing bool // CompleteTx was called: the row is the host transaction's
}

// errGone is the error of a Work that ended its goroutine instead of returning.
var errGone = Ambiguous(errors.New("the attempt ended its goroutine"))

// begin starts the attempt's time.
func (a *attempt) begin(now time.Time) {
	a.began = now
	if a.handler.timeout > 0 {
		a.ctx.deadline = now.Add(a.handler.timeout)
	}
}

// run makes the attempt. It does not return when Work ends its goroutine.
func (a *attempt) run() Outcome {
	if o, over := a.overLimit(); over {
		return o
	}
	return a.conclude(a.work())
}

// overLimit ends a job whose last attempts never reported back and used up its limits: one that kills its process, say.
func (a *attempt) overLimit() (Outcome, bool) {
	r, h := a.record, a.handler
	var why string
	switch {
	case r.ByHand:
		return Outcome{}, false
	case h.maxAttempts >= 0 && r.Attempts > h.maxAttempts:
		why = fmt.Sprintf("gave up after %d attempts", r.Attempts-1)
	case r.Lapsed && h.maxAge >= 0 && r.Age > h.maxAge:
		why = fmt.Sprintf("gave up after %s", h.maxAge)
	default:
		return Outcome{}, false
	}
	if r.LastError != "" {
		why += ": " + r.LastError
	}
	o := Outcome{
		Lease: r.Lease, State: Failed, Unsure: r.Unsure, Probed: true, Uncounted: true, Error: plainText(why),
	}
	a.report(o)
	return o, true
}

// work asks Probe and calls Work. A panic in one of them is an ambiguous error.
func (a *attempt) work() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Ambiguous(fmt.Errorf("panic: %v", p))
			a.queue.log.Error("attempt panicked", append(a.attrs(), "panic", cut(fmt.Sprint(p), maxError), "stack", string(debug.Stack()))...)
		}
	}()
	if cause := a.ctx.ended(); cause != nil {
		return cause // shut down, or the lease ended, before anything was begun
	}
	if a.unsure && a.handler.probe != nil {
		a.probing = true
		done, err := a.handler.probe(&a.ctx, a)
		if done || err != nil {
			return err
		}
		a.probing, a.unsure = false, false
	}
	a.mu.Lock()
	a.begun = true
	a.mu.Unlock()
	return a.handler.work(&a.ctx, a)
}

// conclude turns an error into an outcome and reports it.
func (a *attempt) conclude(err error) Outcome {
	o := a.judge(err)
	a.report(o)
	return o
}

// judge reads an error in the order that the package's documentation gives.
func (a *attempt) judge(err error) Outcome {
	r, h := a.record, a.handler
	a.mu.Lock()
	begun, result := a.begun, a.result
	a.mu.Unlock()
	if err == nil {
		return Outcome{Lease: r.Lease, State: Succeeded, Result: result}
	}
	cause := a.ctx.ended()
	if errors.Is(cause, errShutdown) || cause != nil && !begun && !a.probing {
		return a.handBack(begun)
	}

	says := read(err)
	effect := begun && (says.ambiguous || cause != nil || a.late()) // a cut-off Work may have come as far as its effect
	o := Outcome{
		Lease: r.Lease, State: Retrying, Error: plainText(err.Error()), Result: result,
		Unsure: effect || a.unsure, Probed: !effect,
	}
	switch c := says.control; {
	case c != nil && c.verb == more:
		o.State, o.Reset, o.Error, o.Unsure = Queued, true, "", says.ambiguous
	case c != nil && c.verb == stale:
		o.State = Discarded
	case c != nil: // snooze
		if o.Wait = max(0, c.wait); a.outlives(o.Wait) {
			o.State, o.Wait, o.Error = a.givenUp(), 0, fmt.Sprintf("put off beyond its lifetime of %s", h.maxAge)
		} else {
			o.State, o.Uncounted, o.Error = a.before(), true, ""
		}
	case says.permanent:
		o.State = Failed
	case says.systemic:
		o.State, o.Uncounted, o.Pause = a.before(), true, cmp.Or(says.after, a.queue.systemicPause)
	default:
		delay := h.schedule.Delay(max(1, r.Attempts))
		o.Wait = max(delay, says.after)
		if delay < 0 || a.outlives(o.Wait) || h.maxAttempts >= 0 && r.Attempts >= h.maxAttempts {
			o.State, o.Wait = a.givenUp(), 0
		}
	}
	return o
}

// outlives reports whether an attempt after wait would fall after the job's lifetime.
func (a *attempt) outlives(wait time.Duration) bool {
	return a.handler.maxAge >= 0 && a.record.Age+time.Since(a.claimed)+wait > a.handler.maxAge
}

// givenUp is the state of a job whose limits are spent. Those do not bind an attempt by hand: Retrying makes the store put back
// what was before it.
func (a *attempt) givenUp() State {
	if a.record.ByHand {
		return Retrying
	}
	return Failed
}

// before is the state to which a job returns whose attempt does not count.
func (a *attempt) before() State {
	if a.record.ByHand || a.record.Attempts <= 1 {
		return Queued
	}
	return Retrying
}

// late reports whether the attempt ran beyond its Kind.Timeout.
func (a *attempt) late() bool { return !a.ctx.deadline.IsZero() && !time.Now().Before(a.ctx.deadline) }

// handBack returns a job that was cut off: due now, not counted, and unsure where Work had begun.
func (a *attempt) handBack(begun bool) Outcome {
	return Outcome{
		Lease: a.record.Lease, State: a.before(), Uncounted: true,
		Unsure: begun || a.unsure, Probed: !begun,
	}
}

func (a *attempt) report(o Outcome) {
	a.tell(o)
	level, text := slog.LevelDebug, "job done"
	var more []any
	switch {
	case o.State == Failed:
		level, text = slog.LevelError, "job failed"
	case o.State == Discarded:
		level, text = slog.LevelInfo, "job discarded"
	case o.Pause > 0:
		level, text = slog.LevelWarn, "kind paused"
		more = []any{"for", o.Pause}
	case o.Uncounted:
		text = "job put back"
	case o.State == Retrying:
		level, text = slog.LevelWarn, "attempt failed"
		more = []any{"next_in", o.Wait, "unsure", o.Unsure}
	}
	if o.Error != "" {
		more = append(more, "error", o.Error)
	}
	ctx := context.Background()
	if log := a.queue.log; log.Enabled(ctx, level) {
		log.Log(ctx, level, text, append(a.attrs(), more...)...)
	}
}

func (a *attempt) attrs() []any {
	return []any{"kind", a.record.Kind, "key", a.record.Key, "id", string(a.record.ID), "attempt", a.record.Attempts}
}
