package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// run is one call on its way. Its methods are the hooks of a retryablehttp.Client of its own: that library loops, rewinds
// the body and waits; everything else is decided here.
type run struct {
	client *Client
	call   Call
	url    *url.URL    // as the call has it, before Authorize
	header http.Header // likewise
	trace  trace

	attempts int
	began    time.Time // of the current try
	broken   bool      // a failure that is worth one repeat has had it
	wait     time.Duration
	busy     time.Duration // spent in tries, rather than waiting for them
	idle     atomic.Int64  // nanoseconds of busy in which a round tripper waited, see Idle
	response *Response
	failure  *Failure
}

// Do sends call, again where that is safe, and returns the 2xx answer or a *Failure.
func (c *Client) Do(ctx context.Context, call Call) (*Response, error) {
	if call.Method == "" {
		call.Method = http.MethodGet
	}
	if call.Route == "" {
		call.Route, _, _ = strings.Cut(call.Path, "?")
	}
	r := &run{client: c, call: call}
	if c.config.Observe == nil {
		return r.do(ctx)
	}
	began := time.Now()
	res, err := r.do(ctx)
	r.observe(ctx, began, err)
	return res, err
}

func (r *run) do(ctx context.Context) (*Response, error) {
	c := r.client
	req, err := r.request(ctx)
	if err != nil {
		return nil, r.fail(Refused, err)
	}
	if err := r.prepare(req.Request); err != nil {
		return nil, err
	}
	loop := retryablehttp.Client{
		HTTPClient:   c.http,
		RetryMax:     c.config.MaxTries - 1,
		CheckRetry:   r.check,
		Backoff:      func(time.Duration, time.Duration, int, *http.Response) time.Duration { return r.wait },
		PrepareRetry: r.prepare,
		ErrorHandler: retryablehttp.PassthroughErrorHandler, // the failure is already in r, with the answer's body
	}
	resp, err := loop.Do(req)
	if resp != nil {
		_ = resp.Body.Close() // read and closed by check
	}
	switch {
	case r.response != nil:
		return r.response, nil
	case r.failure == nil: // a body that could not be rewound, which bytes cannot be
		return nil, r.fail(Refused, redacted(err))
	case err != nil && r.failure.Class != Ended && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		_ = r.end(ctx, "while waiting for the next try")
	}
	return nil, r.failure
}

// prepare is what comes before each try: wait for our turn, then sign. It leaves the first try's error, or the failure of
// the last real try, in r.failure and returns it.
func (r *run) prepare(req *http.Request) error {
	ctx := req.Context()
	if err := r.turn(ctx); err != nil {
		return err
	}
	u := *r.url
	req.URL, req.Header = &u, r.header.Clone()
	if err := r.authorize(req); err != nil {
		return r.stop(Refused, err)
	}
	r.attempts++
	r.began = time.Now()
	r.trace.reset()
	return nil
}

// turn waits until the host may be asked again and the limiter agrees.
func (r *run) turn(ctx context.Context) error {
	for paced := false; ; {
		if err := ctx.Err(); err != nil {
			return r.end(ctx, "before sending")
		}
		if d, status := r.client.pace.held(); d > 0 {
			if d > r.client.config.MaxWait || !reaches(ctx, d) {
				err := r.stop(Refused, nil)
				if r.attempts == 0 {
					r.failure.Status = status
				}
				r.failure.RetryAfter = max(r.failure.RetryAfter, d)
				return err
			}
			if sleep(ctx, d+jitter(min(d/10, time.Second))) != nil {
				return r.end(ctx, "while waiting for a busy host")
			}
			continue // another answer may have prolonged it
		}
		if paced || r.client.config.Limiter == nil {
			return nil
		}
		if err := r.client.config.Limiter.Wait(ctx); err != nil {
			return r.unpaced(ctx, err)
		}
		paced = true // and look again whether the host has fallen busy meanwhile
	}
}

// unpaced is the end of a call that the limiter did not let pass: its context ended, or would end before its turn.
func (r *run) unpaced(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return r.end(ctx, "while waiting for the limiter")
	}
	if _, bounded := ctx.Deadline(); bounded {
		err = fmt.Errorf("the limiter's turn would come after the deadline: %w", context.DeadlineExceeded)
		return r.stop(Ended, &cause{text: err.Error(), err: err, ended: true})
	}
	return r.stop(Refused, redacted(err))
}

func (r *run) fail(class Class, err error) *Failure {
	return &Failure{Op: r.call.Op, Method: r.call.Method, Route: r.call.Route, Class: class, Attempts: r.attempts, Err: err}
}

// stop ends a call before a try. After a real try its failure stays: that is the news.
func (r *run) stop(class Class, err error) error {
	if r.failure == nil {
		r.failure = r.fail(class, err)
	}
	return r.failure
}

// end marks that the caller's context ended the call. What the last try had brought stays readable.
func (r *run) end(ctx context.Context, where string) error {
	if r.failure == nil {
		r.failure = r.fail(Ended, nil)
	}
	r.failure.Class, r.failure.Err = Ended, ended(ctx, where)
	return r.failure
}

func ended(ctx context.Context, where string) *cause {
	err := context.Cause(ctx)
	if !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return &cause{text: scrub(err.Error()) + " " + where, err: err, ended: true}
}
