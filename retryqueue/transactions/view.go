package transactions

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/tillwire/tillwire/retryqueue"
)

// status is what people call one or more states of a job.
type status struct {
	Code, Name string
	States     []retryqueue.State
}

// statuses are the filter's choices. The first is the default: everything but what was discarded.
var statuses = []status{
	{"all", "All", []retryqueue.State{
		retryqueue.Queued, retryqueue.Running, retryqueue.Retrying, retryqueue.Failed, retryqueue.Succeeded,
	}},
	{"success", "Success", []retryqueue.State{retryqueue.Succeeded}},
	{"retrying", "Retrying", []retryqueue.State{retryqueue.Queued, retryqueue.Running, retryqueue.Retrying}},
	{"failed", "Failed", []retryqueue.State{retryqueue.Failed}},
	{"discarded", "Discarded", []retryqueue.State{retryqueue.Discarded}},
}

// statusOf names a state by the filter that shows it.
func statusOf(state retryqueue.State) string {
	for _, s := range statuses[1:] {
		if slices.Contains(s.States, state) {
			return s.Code
		}
	}
	return statuses[0].Code
}

// column is one column of the list.
type column struct {
	Code, Name string
	Sort       string // the store's name for it; empty: cannot be sorted by
	Hideable   bool
}

var columns = []column{
	{"order", "Order", "key", false},
	{"type", "Type", "kind", true},
	{"status", "Status", "state", false},
	{"attempts", "Attempts", "", true},
	{"created", "Created at", "created", true},
	{"next", "Next retry", "next", true},
	{"error", "Last error", "", true},
}

const (
	defaultRows = 25
	maxRows     = 999
	maxPage     = 1_000_000
	maxAttempts = 1_000_000
	maxText     = 200 // bytes of the search in errors
)

// view is what of the queue a request wants to see. What a query says wrongly is read as if it had not been said.
type view struct {
	Status   string    // a status' code
	Kind     string    // empty: all
	Attempts int       // exactly so many; negative: any
	Created  time.Time // midnight UTC of a calendar day, whatever the location; zero: any
	Next     time.Time // the same for the next attempt
	Error    string    // contained in the last error; empty: any
	Sort     string    // a column's code
	Asc      bool
	Page     int // from 1
	Rows     int // 0: not said
}

// parseView reads a query.
func parseView(q url.Values) view {
	v := view{
		Status: statuses[0].Code, Kind: plain(q.Get("kind"), retryqueue.MaxKind), Error: plain(q.Get("error"), maxText), Sort: "created",
		Attempts: within(q.Get("attempts"), 0, maxAttempts, -1), Page: within(q.Get("page"), 1, maxPage, 1), Rows: within(q.Get("rows"), 1, maxRows, 0),
		Created: parseDay(q.Get("created")), Next: parseDay(q.Get("next")), Asc: q.Get("order") == "asc",
	}
	if slices.ContainsFunc(statuses, func(s status) bool { return s.Code == q.Get("status") }) {
		v.Status = q.Get("status")
	}
	if slices.ContainsFunc(columns, func(c column) bool { return c.Sort != "" && c.Code == q.Get("sort") }) {
		v.Sort = q.Get("sort")
	}
	return v
}

// values writes a view as a query, defaults left out.
func (v view) values() url.Values {
	q := url.Values{}
	set := func(name, value string, said bool) {
		if said {
			q.Set(name, value)
		}
	}
	set("status", v.Status, v.Status != statuses[0].Code)
	set("kind", v.Kind, v.Kind != "")
	set("attempts", strconv.Itoa(v.Attempts), v.Attempts >= 0)
	set("created", v.Created.Format(time.DateOnly), !v.Created.IsZero())
	set("next", v.Next.Format(time.DateOnly), !v.Next.IsZero())
	set("error", v.Error, v.Error != "")
	set("sort", v.Sort, v.Sort != "created")
	set("order", "asc", v.Asc)
	set("page", strconv.Itoa(v.Page), v.Page > 1)
	set("rows", strconv.Itoa(v.Rows), v.Rows > 0)
	return q
}

// href is the list as this view shows it, from a page of the list's own folder.
func (v view) href() string {
	if q := v.values().Encode(); q != "" {
		return "./?" + q
	}
	return "./"
}

// filtered reports whether an advanced filter is set.
func (v view) filtered() bool {
	return v.Kind != "" || v.Attempts >= 0 || !v.Created.IsZero() || !v.Next.IsZero() || v.Error != ""
}

// query asks the store for a view's page of so many rows, calendar days being those of loc.
func (v view) query(loc *time.Location, rows int) retryqueue.Query {
	q := retryqueue.Query{ErrorContains: v.Error, Desc: !v.Asc, Count: true, Limit: rows, Offset: (v.Page - 1) * rows}
	for _, s := range statuses {
		if s.Code == v.Status {
			q.States = s.States
		}
	}
	for _, c := range columns {
		if c.Code == v.Sort {
			q.Sort = c.Sort
		}
	}
	if v.Kind != "" {
		q.Kinds = []string{v.Kind}
	}
	if v.Attempts >= 0 {
		q.Attempts = &v.Attempts
	}
	if !v.Created.IsZero() {
		q.CreatedFrom, q.CreatedTo = day(v.Created, loc)
	}
	if !v.Next.IsZero() {
		q.NextFrom, q.NextTo = day(v.Next, loc)
	}
	return q
}

// plain cuts a text to so many bytes, without what no store need bear.
func plain(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.TrimSpace(s)
	if len(s) > most {
		s = strings.TrimSpace(strings.ToValidUTF8(s[:most], ""))
	}
	return s
}

func within(s string, least, most, otherwise int) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < least || n > most {
		return otherwise
	}
	return n
}

// parseDay reads a calendar day, strictly; zero if it is none that a store can compare with.
func parseDay(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1971 || t.Year() > 9998 {
		return time.Time{}
	}
	return t
}

// day is a calendar day of loc, from inclusive, to exclusive.
func day(d time.Time, loc *time.Location) (from, to time.Time) {
	return midnight(d, loc).UTC(), midnight(d.AddDate(0, 0, 1), loc).UTC()
}

// midnight is the first moment of a calendar day. Where clocks go forward at midnight there is no 00:00, and where they go back to it
// there are two: time.Date promises neither which side nor which one it takes.
func midnight(d time.Time, loc *time.Location) time.Time {
	t := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, loc)
	start, end := t.ZoneBounds()
	switch {
	case t.Day() != d.Day(): // it took the hour before the gap
		return end
	case t.Hour() != 0: // it took the hour behind the gap
		return start
	case !start.IsZero():
		_, offset := t.Zone()
		_, before := start.Add(-time.Nanosecond).Zone()
		if first := t.Add(time.Duration(offset-before) * time.Second); first.Before(start) && first.Day() == d.Day() {
			return first
		}
	}
	return t
}

// prefs are what a visitor likes the list to look like.
type prefs struct {
	Rows   int
	Hidden []string // codes of columns
}

const prefsCookie = "tillwire_transactions"

// readPrefs reads the cookie; what it says wrongly is left out.
func readPrefs(r *http.Request) prefs {
	p := prefs{Rows: defaultRows}
	c, err := r.Cookie(prefsCookie)
	if err != nil {
		return p
	}
	rows, hidden, _ := strings.Cut(c.Value, ".")
	p.Rows = within(rows, 1, maxRows, defaultRows)
	for code := range strings.SplitSeq(hidden, ".") {
		if hideable(code) && !slices.Contains(p.Hidden, code) {
			p.Hidden = append(p.Hidden, code)
		}
	}
	return p
}

func hideable(code string) bool {
	return slices.ContainsFunc(columns, func(c column) bool { return c.Hideable && c.Code == code })
}

// columns remembers which columns are shown and how many rows. The cookie names no path: that makes it the folder's own, wherever
// the screen is mounted.
func (s *screen) columns(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil {
		s.fail(w, r, http.StatusBadRequest, "The form could not be read.")
		return
	}
	p := prefs{Rows: within(r.PostForm.Get("rows"), 1, maxRows, defaultRows)}
	for _, c := range columns {
		if c.Hideable && !slices.Contains(r.PostForm["show"], c.Code) {
			p.Hidden = append(p.Hidden, c.Code)
		}
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // no secret, and a screen on plain http keeps it too
		Name: prefsCookie, Value: strings.Join(append([]string{strconv.Itoa(p.Rows)}, p.Hidden...), "."),
		MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
	v := backTo(r)
	v.Rows, v.Page = 0, 1
	redirect(w, "./", v.values())
}

// backTo is the view that a form was sent from. Only what a view can say comes through.
func backTo(r *http.Request) view {
	q, _ := url.ParseQuery(r.Form.Get("back")) // what could be read counts
	return parseView(q)
}

// rows is how many rows a page of the view has.
func (p prefs) rows(v view) int { return cmp.Or(v.Rows, p.Rows) }
