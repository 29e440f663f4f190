package rest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// passing reports whether a status speaks of a moment rather than of the request.
func passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusLoopDetected: // 508 is
		// what hosts answer when an account has used up its processes
		return true
	}
	return status >= 520 && status <= 529 // a CDN could not reach the shop
}

// onceOnly reports a failure that most likely repeats: a PHP fatal error is a 500 or an empty or broken 200 each time. It is
// worth one more try, not three.
func onceOnly(f *Failure) bool {
	return f.Class == NotJSON || f.Status == http.StatusInternalServerError
}

// heavy reports a failure that may come of how much was asked for at once: too long, too much memory, a limit on the way.
func heavy(f *Failure) bool {
	switch f.Status {
	case http.StatusRequestTimeout, http.StatusGatewayTimeout, 524:
		return true
	}
	return onceOnly(f) || TimedOut(f.Err)
}

// ambiguous reports whether an Effect that ended in f may have had its effect.
func (r *run) ambiguous(f *Failure, sent bool) bool {
	if r.call.Kind != Effect {
		return false
	}
	if f.Status == 0 {
		return sent
	}
	if r.call.Nothing != nil && r.call.Nothing(f.Status, f.Body) {
		return false
	}
	switch f.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusSeeOther: // 303 points to what was done
		return true
	}
	return f.Status < 300 || f.Status >= 500 // other 4xx, 429 among them, and 3xx refuse
}

// sent reports whether a try that got no answer may have arrived. It surely did not when a connection was sought and not
// found; httptrace knows. A round tripper that tells httptrace nothing is believed only for DNS and dial errors.
func (r *run) sent(err error) bool {
	if r.trace.sought.Load() {
		return r.trace.found.Load() > 0
	}
	var (
		dns *net.DNSError
		op  *net.OpError
	)
	return !errors.As(err, &dns) && !(errors.As(err, &op) && op.Op == "dial")
}

// check is retryablehttp's CheckRetry: it reads the answer while it can be read, and decides.
func (r *run) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	r.response, r.failure = r.outcome(ctx, resp, err)
	r.busy += time.Since(r.began)
	r.client.log(ctx, r)
	if r.failure == nil {
		r.client.pace.succeeded(r.attempts-1, r.client.config.Limiter)
		return false, nil
	}
	r.wait = r.pause()
	r.yield(ctx)
	if r.failure.Blocked() {
		r.client.warn(ctx, "a firewall turned the request away", r, slog.String("page", r.failure.Page))
	}
	return r.again(ctx), nil
}

// pause is how long to wait before the next try: what the host asks for and a little more, or the back-off.
func (r *run) pause() time.Duration {
	if d := r.failure.RetryAfter; d > 0 {
		return d + jitter(min(d/10, time.Second))
	}
	return backoff(r.attempts, r.client.config.MaxWait)
}

// yield slows this client down when the host says that it is too busy.
func (r *run) yield(ctx context.Context) {
	f, c := r.failure, r.client
	if f.Status != http.StatusTooManyRequests && f.Status != http.StatusServiceUnavailable {
		return
	}
	var told []slog.Attr
	if limit := c.pace.slow(c.config.Limiter, r.began); limit > 0 {
		told = append(told, slog.Float64("limit", float64(limit)))
	}
	hold := f.RetryAfter
	if hold == 0 && f.Status == http.StatusTooManyRequests {
		hold = r.wait
	}
	if hold > 0 {
		told = append(told, slog.Duration("hold", c.pace.hold(f.Status, hold)))
	}
	c.warn(ctx, "the host is busy", r, told...)
}

// again decides whether the call is sent once more, after r.wait. An ambiguous failure never is.
func (r *run) again(ctx context.Context) bool {
	f := r.failure
	stale := r.call.Kind == Read && f.Status == http.StatusUnauthorized && r.trace.found.Load() > 1 // see trace
	switch {
	case f.Ambiguous || f.Class == Ended || !f.Passing() && !stale:
		return false
	case r.call.Final != nil && f.Status != 0 && r.call.Final(f.Status, f.Body):
		return false
	case r.call.Divisible && heavy(f):
		return false
	case onceOnly(f) && r.broken, r.attempts >= r.client.config.MaxTries:
		return false
	case f.RetryAfter > r.client.config.MaxWait, !reaches(ctx, r.wait):
		return false
	}
	r.broken = r.broken || onceOnly(f)
	return r.client.pace.spend()
}
