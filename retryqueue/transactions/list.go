package transactions

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// listPage is the list, as template and as JSON.
type listPage struct {
	frame `json:"-"`

	Transactions []transaction  `json:"transactions"`
	Total        int            `json:"total"` // all that the filters select
	Page         int            `json:"page"`
	Rows         int            `json:"rows"`
	Counts       map[string]int `json:"counts"` // per status; of the kind filtered by, before the other filters
	Paused       []paused       `json:"paused"`

	View    view        `json:"-"`
	Columns []column    `json:"-"`
	Prefs   prefs       `json:"-"`
	May     permissions `json:"-"`
	Types   []kindName  `json:"-"`
}

// paused is a kind that rests.
type paused struct {
	Kind   string    `json:"kind"`
	Type   string    `json:"type"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason,omitempty"`
}

type kindName struct{ Kind, Name string }

func (s *screen) list(w http.ResponseWriter, r *http.Request) {
	v, p := parseView(r.URL.Query()), readPrefs(r)
	found, err := s.queue.List(r.Context(), v.query(s.location, p.rows(v)))
	if err != nil {
		s.away(w, r, err)
		return
	}
	page := listPage{
		frame: s.frame("", s.title), Transactions: []transaction{}, Total: found.Total, Page: v.Page, Rows: p.rows(v),
		Counts: map[string]int{}, Paused: []paused{}, View: v, Columns: columns, Prefs: p, May: s.permissions(r), Types: s.types(v),
	}
	page.Notice = readNotice(r.URL.Query().Get("notice"))
	for _, rec := range found.Records {
		page.Transactions = append(page.Transactions, s.transaction(rec, page.May))
	}
	for _, st := range statuses {
		for _, state := range st.States {
			page.Counts[st.Code] += found.ByState[state]
		}
	}
	for _, k := range found.Paused {
		until := page.now.Add(k.For).UTC().Truncate(time.Second)
		page.Paused = append(page.Paused, paused{Kind: k.Kind, Type: s.kindName(k.Kind), Until: until, Reason: shorten(k.Reason)})
	}
	s.answer(w, r, http.StatusOK, "list", page)
}

// types are the choices of the filter by type, none if the host named none.
func (s *screen) types(v view) []kindName {
	if len(s.kinds) == 0 {
		return nil
	}
	names := []kindName{}
	for kind := range maps.Keys(s.kinds) {
		names = append(names, kindName{kind, s.kinds[kind]})
	}
	if _, known := s.kinds[v.Kind]; !known && v.Kind != "" {
		names = append(names, kindName{v.Kind, v.Kind})
	}
	slices.SortFunc(names, func(a, b kindName) int { return strings.Compare(a.Name+"\x00"+a.Kind, b.Name+"\x00"+b.Kind) })
	return names
}

// tab is one choice of the filter by status.
type tab struct {
	status

	Href    string
	Count   int
	Current bool
}

// Tabs are the filter by status. Other filters and the order stay.
func (p listPage) Tabs() []tab {
	var tabs []tab
	for _, s := range statuses {
		v := p.View
		v.Status, v.Page = s.Code, 1
		tabs = append(tabs, tab{s, v.href(), p.Counts[s.Code], s.Code == p.View.Status})
	}
	return tabs
}

// Shows reports whether a column is shown.
func (p listPage) Shows(code string) bool { return !slices.Contains(p.Prefs.Hidden, code) }

// Bulk reports whether rows can be selected.
func (p listPage) Bulk() bool {
	return slices.ContainsFunc(p.Transactions, func(t transaction) bool { return t.Can(Retry) || t.Can(Discard) })
}

// SortHref sorts by a column, or the other way round where it is sorted by already.
func (p listPage) SortHref(code string) string {
	v := p.View
	v.Asc = v.Sort == code && !v.Asc
	v.Sort, v.Page = code, 1
	return v.href()
}

// Sorted is a column's aria-sort.
func (p listPage) Sorted(code string) string {
	switch {
	case p.View.Sort != code:
		return "none"
	case p.View.Asc:
		return "ascending"
	}
	return "descending"
}

// Pages is how many there are, at least one.
func (p listPage) Pages() int { return max(1, (p.Total+p.Rows-1)/p.Rows) }

// PageHref is another page of the same view.
func (p listPage) PageHref(n int) string {
	v := p.View
	v.Page = n
	return v.href()
}

// Previous and Next are the pages beside this one.
func (p listPage) Previous() int { return p.Page - 1 }

// Next is described with Previous.
func (p listPage) Next() int { return p.Page + 1 }

// First and Last are the places of the rows shown, from 1; both 0 on an empty page.
func (p listPage) First() int {
	if len(p.Transactions) == 0 {
		return 0
	}
	return (p.Page-1)*p.Rows + 1
}

// Last is described with First.
func (p listPage) Last() int { return max(0, p.First()+len(p.Transactions)-1) }

// Back is the view as a query, for forms to come back to.
func (p listPage) Back() string { return p.View.values().Encode() }

// Filtered reports whether an advanced filter is set; Clear is the view without any.
func (p listPage) Filtered() bool { return p.View.filtered() }

// Clear is described with Filtered.
func (p listPage) Clear() string {
	v := parseView(nil)
	v.Status, v.Sort, v.Asc, v.Rows = p.View.Status, p.View.Sort, p.View.Asc, p.View.Rows
	return v.href()
}

// Empty says why there is nothing to see.
func (p listPage) Empty() string {
	switch {
	case p.Total > 0:
		return "There is no page this far."
	case p.Filtered():
		return "No transaction matches these filters."
	case p.View.Status == "failed":
		return "Nothing has failed."
	case p.View.Status != "all":
		return "No transaction has this status."
	}
	return "There are no transactions yet. They appear here as soon as an order is sent."
}
