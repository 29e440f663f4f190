package kitgenix

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/tillwire/tillwire/stocksync"
)

// The codes of refusals: the second generation's where it has one, ours where it has none.
const (
	codeAuthFailed  = "kss_auth_failed" // 401: whatever was wrong
	codeRateLimited = "kss_rate_limited"
	codeTooLarge    = "kss_payload_too_large"
	codeBadJSON     = "kss_bad_json"
	codeBadPayload  = "kss_bad_payload"
	codeEventType   = "kss_event_type"
	codeNotMaster   = "kss_not_master"
	codeNoRoute     = "rest_no_route"
	codeForbidden   = "kss_forbidden"   // ours, 403: the pair is disabled, or is not the child's master
	codeUnavailable = "kss_unavailable" // ours, 503
	codeRefused     = "kss_refused"     // ours, 408 and 415
)

// refusal is WordPress's error. Peers match on its code.
type refusal struct {
	Code    string      `json:"code"`
	Message string      `json:"message"`
	Data    refusalData `json:"data"`
}

type refusalData struct {
	Status int `json:"status"`
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, refusal{code, message, refusalData{status}})
}

func refuseFor(w http.ResponseWriter, wait time.Duration, status int, code, message string) {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	refuse(w, status, code, message)
}

// answer writes JSON as PHP does.
func answer(w http.ResponseWriter, status int, v any) {
	body, err := marshal(v)
	if err != nil { // of our own structs: cannot fail
		status, body = http.StatusInternalServerError, []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone, or not
}

// gate stands between the verifier and the client. What the verifier answers is a refusal, and is worded as the plugin would; what
// comes after it has let the request in goes through as it is.
type gate struct {
	http.ResponseWriter
	wire    *Wire
	from    string // address of the caller
	open    bool
	refused bool
}

// Unwrap is for [http.ResponseController]: the verifier ends reads that wait.
func (g *gate) Unwrap() http.ResponseWriter { return g.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (g *gate) WriteHeader(status int) {
	if g.open {
		g.ResponseWriter.WriteHeader(status)
		return
	}
	g.refused = true
	w := g.ResponseWriter
	w.Header().Del("Allow")
	switch status {
	case http.StatusUnauthorized:
		if wait := g.wire.locks.failed(g.from, time.Now()); wait > 0 {
			refuseFor(w, wait, http.StatusTooManyRequests, codeRateLimited, "Too many failed attempts")
			return
		}
		refuse(w, status, codeAuthFailed, "Authentication failed")
	case http.StatusRequestEntityTooLarge:
		refuse(w, status, codeTooLarge, "Request body too large")
	case http.StatusServiceUnavailable: // Retry-After is set
		refuse(w, status, codeUnavailable, http.StatusText(status))
	default:
		refuse(w, status, codeRefused, http.StatusText(status))
	}
}

func (g *gate) Write(p []byte) (int, error) {
	if g.refused { // the verifier's own words
		return len(p), nil
	}
	return g.ResponseWriter.Write(p)
}

type (
	permanent interface{ Permanent() bool }
	waiting   interface{ RetryAfter() time.Duration }
)

// nodeWait is how long a sender should wait when the node could not say.
const nodeWait = 30 * time.Second

// refuseNode answers for a node that failed: 403 to one who is not the child's master, 400 for what it will never take, else 503,
// so that the sender comes again.
func refuseNode(w http.ResponseWriter, err error) {
	var never permanent
	switch {
	case errors.Is(err, stocksync.ErrNotMaster):
		refuse(w, http.StatusForbidden, codeForbidden, "This store has another master")
		return
	case errors.As(err, &never) && never.Permanent():
		refuse(w, http.StatusBadRequest, codeBadPayload, "The event was not accepted")
		return
	}
	wait := nodeWait
	var later waiting
	if errors.As(err, &later) && later.RetryAfter() > 0 {
		wait = later.RetryAfter()
	}
	refuseFor(w, wait, http.StatusServiceUnavailable, codeUnavailable, "Try again later")
}
