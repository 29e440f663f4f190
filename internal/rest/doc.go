// Package rest is the one HTTP core under the four clients of Tillwire.
//
// A client describes its account once, and each call by what a repeat of it would mean:
//
//	core, err := rest.New(rest.Config{System: "woo", Base: base, Authorize: sign})
//	answer, err := core.Do(ctx, rest.Call{
//		Op: "orders.Create", Kind: rest.Effect, Method: "POST", Path: "orders", Body: body,
//	})
//	if err != nil {
//		var f *rest.Failure // always
//		errors.As(err, &f)
//	}
//	defer answer.Release()
//
// # Sending again
//
// A [Read] or [Write] is sent again after a passing failure: no answer, an answer cut off, or the statuses 408, 425, 429,
// 502, 503, 504, 508 and 52x. A 500 and a broken 200 are worth one repeat: PHP's fatal errors come back each time. An
// [Effect] is sent again only when it surely did not arrive: no connection was made (DNS, dial, TLS), 429, or an answer that
// [Call.Nothing] knows. Else it ends as a [Failure] with Ambiguous set after anything that may have come behind the effect:
// a time-out, a reset, the end of the context, 5xx, 408, 425, 303, and a 2xx that cannot be read.
//
// A [Call] that is Divisible ends at once after what its size may have caused, so that its caller sends less.
//
// net/http repeats requests by itself too. It does so for a POST only if it wrote nothing of it; an Idempotency-Key, which
// would widen that, is spelled so that it does not notice, and an Effect by GET is refused. Every try, and every hop of a
// redirect, gets fresh credentials.
//
// # Waiting
//
// Between tries lies 0.5 s, doubled each time, with jitter, or what Retry-After asks for (seconds or a date). What is longer
// than Config.MaxWait, or than the context's deadline, is not waited for: the call ends at once with the last real failure,
// whose RetryAfter is for the caller's queue. All waits end with the context.
//
// The calls of a [Client] share what they learn. After a 429, or a 503 with Retry-After, none goes out before that moment,
// for at most ten minutes, and a *rate.Limiter is halved, to a tenth at least; each success gives back 2 %. Clients that
// share a limiter give back what each took. Repeats come out of a budget of ten; a call that succeeds refills what it spent
// and a tenth more, so a dead host is not asked three times by each worker.
//
// # Answers
//
// A [Response] is complete, under Config.MaxBody also after unzipping, and holds JSON unless the call is Raw. On a Read a byte
// order mark and PHP notices before the JSON are cut off and kept in Response.Cut; on Write and Effect they are a failure.
// HTML is recognised whatever its status and content type, and named. The head of a failed answer is kept.
//
// A Read follows at most three redirects within its scheme and host and with its verb. Everything else ends as a [Redirect],
// so no credential goes to another host or from http to https and back, and no POST becomes a GET.
//
// # Secrets
//
// No sentence, log line, Header, Target or Page of a Failure holds a query, user information or a credential, and no
// *url.Error can be got out of one. Body is what the server wrote, as it is.
//
// # Limits
//
// The per-try time-out is that of Config.HTTPClient; a client without one waits as long as the context. When a kept
// connection dies, net/http may send a GET once more past the limiter, with the same nonce; a 401 to that is tried again.
// Two processes share no gate and no budget.
package rest
