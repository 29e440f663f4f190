package rest

import (
	"context"
	"time"
)

// Observation is one call to a remote system when it is over, for metrics: what it was, how it ended, and where its time went. It holds
// neither query nor body, so that all of it may be a label; Op and Route take few values.
type Observation struct {
	System   string        // "woo", "kledo", "sitoo", "eurofaktura"
	Op       string        // "orders.Create"
	Method   string        // GET, POST, …
	Route    string        // template of the path: "orders/{id}"
	Status   int           // of the last answer; 0 when none came
	Attempts int           // requests that went out; 0: the call ended before its turn came
	Took     time.Duration // all of it, from the call to its answer or error
	Waited   time.Duration // the part of Took that was spent waiting: for the limiter, a busy host, and before repeats
	Err      error         // nil: it succeeded
}

// observe reports a call's end to Config.Observe.
func (r *run) observe(ctx context.Context, began time.Time, err error) {
	o := Observation{
		System: r.client.config.System, Op: r.call.Op, Method: r.call.Method, Route: r.call.Route,
		Attempts: r.attempts, Took: time.Since(began), Err: err,
	}
	o.Waited = min(o.Took, max(0, o.Took-r.busy)+time.Duration(r.idle.Load()))
	switch {
	case r.response != nil:
		o.Status = r.response.Status
	case r.failure != nil:
		o.Status = r.failure.Status
	}
	r.client.config.Observe(ctx, o)
}

// Idle tells the call whose context this is that its round tripper waited for d before it sent anything, so that it counts as waiting.
func Idle(ctx context.Context, d time.Duration) {
	if r, ok := ctx.Value(runKey{}).(*run); ok {
		r.idle.Add(int64(d))
	}
}
