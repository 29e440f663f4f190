package transactions

import (
	"cmp"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// Action is what a request is about to do. [Config.Authorize] is asked about each.
type Action string

// The actions. View is asked of every request, the others beside it.
const (
	View         Action = "view"          // see the list and the jobs, personal data masked
	ViewPersonal Action = "view-personal" // see payloads and results as they are
	Retry        Action = "retry"         // try a retrying or failed job now
	Resend       Action = "resend"        // send again what has succeeded or was discarded
	Discard      Action = "discard"       // give up a job that waits or has failed
)

// Config of a screen. Only Authorize is required.
type Config struct {
	// Authorize says whether a request may do something; nil: it may. The error itself is shown to nobody. It is asked several
	// times for one page (what may not be done is not offered), so it must be quick and have no effect. Required.
	Authorize func(r *http.Request, a Action) error
	// Location decides which hour is shown and what a calendar day is. Default UTC.
	Location *time.Location
	// Title heads every page. Default "Transactions".
	Title string
	// Kinds are the names that people know kinds by ("kledo.invoice" to "Invoice") and the choices of the filter by type. A kind
	// that is not among them goes by its own name. Default: every kind by its own name, to be typed into the filter.
	Kinds map[string]string
	// Mask hides personal data in a payload or result from those who may not ViewPersonal. What it returns should be JSON. Default: only
	// numbers, dates and codes under well-known names are left to be seen, and of names of fields only those that are identifiers.
	Mask func(kind string, payload json.RawMessage) json.RawMessage
	// CrossOrigin decides which requests of other origins may act. Default http.NewCrossOriginProtection(): none.
	CrossOrigin *http.CrossOriginProtection
	// Logger gets failures of the store and of the templates. Default: silent.
	Logger *slog.Logger
}

// Handler makes the screen of a queue, to be mounted with http.StripPrefix under any prefix that ends in a slash. The error names
// what is missing.
func Handler(queue *retryqueue.Queue, c Config) (http.Handler, error) {
	switch {
	case queue == nil:
		return nil, errors.New("transactions: the queue is missing")
	case c.Authorize == nil:
		return nil, errors.New("transactions: Config.Authorize is missing")
	}
	s := &screen{
		queue:     queue,
		authorize: c.Authorize,
		location:  cmp.Or(c.Location, time.UTC),
		title:     cmp.Or(c.Title, "Transactions"),
		kinds:     c.Kinds,
		mask:      c.Mask,
		origins:   c.CrossOrigin,
		log:       c.Logger,
		mux:       http.NewServeMux(),
	}
	if s.mask == nil {
		s.mask = func(_ string, payload json.RawMessage) json.RawMessage { return mask(payload) }
	}
	if s.origins == nil {
		s.origins = http.NewCrossOriginProtection()
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.mux.HandleFunc("GET /{$}", s.viewer(s.list))
	s.mux.HandleFunc("POST /{$}", s.viewer(s.act))
	s.mux.HandleFunc("GET /jobs/{id}", s.viewer(s.job))
	s.mux.HandleFunc("GET /confirm", s.viewer(s.confirm))
	s.mux.HandleFunc("POST /columns", s.viewer(s.columns))
	s.mux.HandleFunc("GET /style.css", asset("text/css; charset=utf-8", style))
	s.mux.HandleFunc("GET /script.js", asset("text/javascript; charset=utf-8", script))
	s.mux.HandleFunc("/", s.viewer(s.missing))
	return s, nil
}

// screen is the Handler.
type screen struct {
	queue     *retryqueue.Queue
	authorize func(*http.Request, Action) error
	location  *time.Location
	title     string
	kinds     map[string]string
	mask      func(string, json.RawMessage) json.RawMessage
	origins   *http.CrossOriginProtection
	log       *slog.Logger
	mux       *http.ServeMux
}

// maxForm bounds what a form may send: a thousand ids and a query.
const maxForm = 1 << 20

// ServeHTTP implements http.Handler.
func (s *screen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "+
		"form-action 'self'; frame-ancestors 'self'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // not stricter: browsers would send Origin: null with our own forms
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept")
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)

	switch p := r.URL.Path; {
	case p == "": // mounted without a slash: only with it do relative links hold
		asked, _, _ := strings.Cut(r.RequestURI, "?")
		redirect(w, "./"+path.Base("/"+asked)+"/", r.URL.Query())
	case p != path.Clean(p): // the mux would redirect to a path that lacks the prefix
		s.viewer(s.missing)(w, r)
	case s.origins.Check(r) != nil:
		s.fail(w, r, http.StatusForbidden, "This request came from another site and was not carried out.")
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// viewer lets only those in who may view.
func (s *screen) viewer(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.may(r, View) {
			s.forbid(w, r)
			return
		}
		next(w, r)
	}
}

func (s *screen) may(r *http.Request, a Action) bool { return s.authorize(r, a) == nil }

func (s *screen) forbid(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, http.StatusForbidden, "You are not allowed to do this. Ask whoever looks after this shop's connections.")
}

func (s *screen) missing(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, http.StatusNotFound, "There is no such transaction or page. It may have been removed meanwhile.")
}

// away answers for a store that failed.
func (s *screen) away(w http.ResponseWriter, r *http.Request, err error) {
	s.log.ErrorContext(r.Context(), "transactions: the queue's store failed", "error", err)
	s.fail(w, r, http.StatusServiceUnavailable, "The transactions cannot be reached right now. Nothing is lost: try again in a minute.")
}

// redirect answers a form with the page to show next. http.Redirect would make the address absolute, without the prefix.
func redirect(w http.ResponseWriter, to string, query url.Values) {
	if q := query.Encode(); q != "" {
		to += "?" + q
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// wantsJSON reads the format from the query, else from which of the two is accepted first.
func wantsJSON(r *http.Request) bool {
	if f := r.URL.Query().Get("format"); f != "" {
		return f == "json"
	}
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, _, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "application/json":
			return true
		case "text/html", "application/xhtml+xml", "*/*", "text/*":
			return false
		}
	}
	return false
}
