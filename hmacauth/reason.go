package hmacauth

import (
	"fmt"
	"net/http"
	"time"
)

// Reason is why a request was refused, for logs and counters: the sender is not told. It is an error, so that
// errors.Is(err, hmacauth.ErrReplay) works on what [Verifier.Verify] returns.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	ErrMethod       Reason = "method not allowed"                              // 405
	ErrMissing      Reason = "authentication header missing"                   // 401, as all that follow without a number
	ErrMalformed    Reason = "authentication header malformed"                 // also given twice, or joined by a proxy
	ErrUncovered    Reason = "signature does not cover what it must"           // RFC9421
	ErrStale        Reason = "signed too long ago"                             //
	ErrFuture       Reason = "signed in the future"                            //
	ErrTooLarge     Reason = "body too large"                                  // 413
	ErrEncoding     Reason = "content encoding not allowed"                    // 415
	ErrBusy         Reason = "no memory for the body within the budget"        // 503
	ErrSlow         Reason = "body too slow"                                   // 408
	ErrBody         Reason = "body could not be read"                          // 400
	ErrKeys         Reason = "keys could not be looked up"                     // 503
	ErrUnknown      Reason = "unknown sender"                                  //
	ErrDigest       Reason = "content digest missing, weak or wrong"           // RFC9421
	ErrSignature    Reason = "signature wrong"                                 //
	ErrStarting     Reason = "signed when the nonce store has no memory of it" // 503: after a start, or a clock set back; see Forgetful
	ErrNonces       Reason = "nonce store failed, was too slow or is full"     // 503
	ErrReplay       Reason = "replayed"                                        //
	ErrReflected    Reason = "sent by ourselves"                               //
	ErrPayload      Reason = "payload does not fit the route"                  // 400, see Route.Fits
	ErrPlain        Reason = "address is not https"                            // of a Signer
	ErrRedirected   Reason = "redirected: a signed request is sent only where it was meant to go"
	ErrUnverified   Reason = "answer is not signed, or wrongly" // of a Transport
	ErrPrivate      Reason = "address is private"               // of a DialGuard
	ErrNonceFull    Reason = "nonce store is full"              // of a NonceStore
	ErrUnsignedPath Reason = "route has no verifier"            // of NewRoutes
)

// Error implements error.
func (r Reason) Error() string { return "hmacauth: " + string(r) }

// status is what the sender sees.
func (r Reason) status() int {
	switch r {
	case ErrMethod:
		return http.StatusMethodNotAllowed
	case ErrTooLarge:
		return http.StatusRequestEntityTooLarge
	case ErrEncoding:
		return http.StatusUnsupportedMediaType
	case ErrSlow:
		return http.StatusRequestTimeout
	case ErrBody, ErrPayload:
		return http.StatusBadRequest
	case ErrBusy, ErrKeys, ErrStarting, ErrNonces:
		return http.StatusServiceUnavailable
	default:
		return http.StatusUnauthorized
	}
}

// Refusal is the error of [Verifier.Verify].
type Refusal struct {
	Status int           // to answer with
	Reason Reason        // for the log, never for the sender
	Wait   time.Duration // for Retry-After, with 503; otherwise 0
	Cause  error         // of ErrKeys, ErrNonces, ErrBody and ErrPayload; may be nil
}

func refuse(r Reason, cause error) *Refusal {
	f := &Refusal{Status: r.status(), Reason: r, Cause: cause}
	if f.Status == http.StatusServiceUnavailable {
		f.Wait = retryAfter
	}
	return f
}

// Error implements error. It contains no secret, no MAC and nothing that the sender chose.
func (f *Refusal) Error() string {
	if f.Cause != nil {
		return fmt.Sprintf("%v: %v", f.Reason, f.Cause)
	}
	return f.Reason.Error()
}

// Unwrap makes errors.Is find the Reason and the cause.
func (f *Refusal) Unwrap() []error {
	if f.Cause != nil {
		return []error{f.Reason, f.Cause}
	}
	return []error{f.Reason}
}
