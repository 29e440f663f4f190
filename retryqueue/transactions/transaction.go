package transactions

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tillwire/tillwire/retryqueue"
)

// transaction is a job as people see it.
type transaction struct {
	ID            retryqueue.ID    `json:"id"`
	Kind          string           `json:"kind"`
	Type          string           `json:"type"` // what people call the kind
	Key           string           `json:"key"`
	Label         string           `json:"label"`
	URL           string           `json:"url,omitempty"` // http or https only
	Status        string           `json:"status"`        // success, retrying, failed, discarded
	State         retryqueue.State `json:"state"`
	Attempts      int              `json:"attempts"`
	CreatedAt     time.Time        `json:"created_at"`
	NextAttemptAt time.Time        `json:"next_attempt_at,omitzero"` // only while one is to come
	LastError     string           `json:"last_error,omitempty"`
	Unsure        bool             `json:"unsure"`
	ByHand        bool             `json:"by_hand"`
	Pruned        bool             `json:"pruned"`  // payload, attempts and error are not kept any more
	Actions       []Action         `json:"actions"` // what this visitor may do with it now

	warning string
}

// permissions are what a visitor may do, asked once per page.
type permissions map[Action]bool

func (s *screen) permissions(r *http.Request) permissions {
	p := permissions{}
	for _, a := range []Action{Retry, Resend, Discard} {
		p[a] = s.may(r, a)
	}
	return p
}

// Allow reports one of them, for templates.
func (p permissions) Allow(a Action) bool { return p[a] }

// possible is from which states an action moves a job.
var possible = map[Action][]retryqueue.State{
	Retry:   {retryqueue.Retrying, retryqueue.Failed},
	Resend:  {retryqueue.Succeeded, retryqueue.Discarded},
	Discard: {retryqueue.Queued, retryqueue.Retrying, retryqueue.Failed},
}

// can reports whether an action makes sense for a job.
func can(a Action, r *retryqueue.Record) bool {
	if a == Resend && (r.Pruned || len(r.Payload) == 0) {
		return false // there is nothing to send
	}
	for _, state := range possible[a] {
		if r.State == state {
			return true
		}
	}
	return false
}

func (s *screen) transaction(r *retryqueue.Record, may permissions) transaction {
	label, link, warning := s.queue.Describe(r)
	t := transaction{
		ID: r.ID, Kind: r.Kind, Type: s.kindName(r.Kind), Key: r.Key, Label: cmp.Or(shown(label), shown(r.Key), string(r.ID)),
		URL: webLink(link), Status: statusOf(r.State), State: r.State, Attempts: r.Attempts, CreatedAt: r.CreatedAt,
		LastError: r.LastError, Unsure: r.Unsure, ByHand: r.ByHand, Pruned: r.Pruned, Actions: []Action{}, warning: warning,
	}
	if r.State == retryqueue.Queued || r.State == retryqueue.Retrying { // while it runs, the store's time is the lease's
		t.NextAttemptAt = r.NextAttemptAt
	}
	for _, a := range []Action{Retry, Resend, Discard} {
		if may[a] && can(a, r) {
			t.Actions = append(t.Actions, a)
		}
	}
	return t
}

func (s *screen) kindName(kind string) string { return cmp.Or(s.kinds[kind], kind) }

// Can reports whether an action is offered.
func (t transaction) Can(a Action) bool {
	for _, offered := range t.Actions {
		if offered == a {
			return true
		}
	}
	return false
}

// Badge is the status in one word, finer than the filter's.
func (t transaction) Badge() string {
	return map[retryqueue.State]string{
		retryqueue.Queued: "Queued", retryqueue.Running: "Running", retryqueue.Retrying: "Retrying",
		retryqueue.Succeeded: "Success", retryqueue.Failed: "Failed", retryqueue.Discarded: "Discarded",
	}[t.State]
}

// Path is the job's page, from the list's folder.
func (t transaction) Path() string { return "jobs/" + url.PathEscape(string(t.ID)) }

// Confirm is the page that asks before an action, from the list's folder.
func (t transaction) Confirm(a Action) string {
	return "confirm?" + url.Values{"act": {string(a)}, "id": {string(t.ID)}}.Encode()
}

// Short is the last error as the list shows it.
func (t transaction) Short() string { return shorten(t.LastError) }

// shorten cuts what is longer than 120 characters to 117 and a mark.
func shorten(s string) string {
	if utf8.RuneCountInString(s) <= 120 {
		return s
	}
	return string([]rune(s)[:117]) + "…"
}

// shown makes a text that a host composed fit for one line: no control characters, nothing that turns the text's direction around.
func shown(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return shorten(strings.TrimSpace(s))
}

// webLink lets only absolute http and https addresses through.
func webLink(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return u.String()
}
