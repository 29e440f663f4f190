package wootest

import (
	"cmp"
	"hash/fnv"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// listing is how one kind of resource is listed.
type listing struct {
	table    *table
	parent   int64                          // list only its children; 0 all
	orderby  []string                       // allowed values, the first is the default
	order    string                         // default "desc"
	statuses []string                       // allowed values of status; nil: there is no such filter
	match    func(r *record) bool           // further filters
	render   func(r *record) *object        // of what is listed
	drafts   bool                           // any status is a checkout draft's too
	lostEnd  bool                           // a page past the end tells totals of 0, as HPOS orders do
	defaults string                         // what the Link header adds to the request's own query
	name     func(r *record) string         // for orderby name, title, slug
	member   func(r *record, by string) any // for what else orderby may be: a member of the document
}

// list answers a collection.
func (s *Shop) list(c *call, l listing) *reply {
	var bad invalid
	whole := func(name string, fallback, low, high int) int {
		text, given := c.query.get(name), c.query[name].values != nil
		if !given {
			return fallback
		}
		n, err := strconv.Atoi(strings.TrimSpace(text))
		switch {
		case err != nil:
			bad.add(name, "rest_invalid_type", name+" is not of type integer.")
		case n < low || n > high:
			text := " must be between " + strconv.Itoa(low) + " (inclusive) and " + strconv.Itoa(high) + " (inclusive)"
			if high == maxInt {
				text = " must be greater than or equal to " + strconv.Itoa(low)
			}
			bad.add(name, "rest_out_of_bounds", name+text)
		}
		return n
	}
	page, perPage := whole("page", 1, 1, maxInt), whole("per_page", 10, 1, 100)
	offset := whole("offset", -1, 0, maxInt)
	match := s.dateFilters(c, &bad)
	if l.match != nil {
		match = append(match, l.match)
	}
	order := l.order
	if order == "" {
		order = "desc"
	}
	order = oneOf(c, &bad, "order", order, []string{"asc", "desc"})
	orderby := oneOf(c, &bad, "orderby", l.orderby[0], l.orderby)
	if l.statuses != nil {
		wanted := c.query.list("status")
		for i, status := range wanted {
			if !slices.Contains(l.statuses, status) {
				bad.add("status", "rest_not_in_enum", "status["+strconv.Itoa(i)+"] is not one of "+enumText(l.statuses)+".")
				break
			}
		}
		match = append(match, statusFilter(wanted, l.drafts))
	}
	if include := ids(c.query.list("include")); len(include) > 0 {
		match = append(match, func(r *record) bool { return slices.Contains(include, r.id) })
	}
	if exclude := ids(c.query.list("exclude")); len(exclude) > 0 {
		match = append(match, func(r *record) bool { return !slices.Contains(exclude, r.id) })
	}
	if out := bad.reply(); out != nil {
		return out
	}

	from := l.table.all
	if l.parent != 0 {
		from = l.table.children[l.parent]
	}
	if offset < 0 {
		offset = min(page-1, 1<<40) * perPage
	}
	matches := func(r *record) bool {
		return !slices.ContainsFunc(match, func(m func(*record) bool) bool { return !m(r) })
	}
	found, total := l.window(from, matches, orderby, order, ids(c.query.list("include")), offset, perPage)
	pages := (total + perPage - 1) / perPage
	items := make([]any, len(found))
	for i, r := range found {
		items[i] = l.render(r)
	}
	if len(found) == 0 && l.lostEnd {
		total, pages = 0, 0
	}
	header := http.Header{}
	header["X-WP-Total"] = []string{strconv.Itoa(total)}
	header["X-WP-TotalPages"] = []string{strconv.Itoa(pages)}
	header["Link"] = links(c, l.defaults, page, pages)
	return &reply{status: http.StatusOK, header: header, body: items}
}

const maxInt = int(^uint(0) >> 1)

// links repeats the query, keys and signatures included, as WordPress does.
func links(c *call, defaults string, page, pages int) []string {
	query := c.r.URL.Query()
	extra, _ := url.ParseQuery(defaults)
	for name, v := range extra {
		if !query.Has(name) && !query.Has(strings.TrimSuffix(name, "[0]")) {
			query[name] = v
		}
	}
	at := func(page int, rel string) string {
		query.Set("page", strconv.Itoa(page))
		return "<" + c.home + c.path + "?" + query.Encode() + `>; rel="` + rel + `"`
	}
	var all []string
	if page > 1 {
		all = append(all, at(min(page-1, pages), "prev"))
	}
	if page < pages {
		all = append(all, at(page+1, "next"))
	}
	if all == nil {
		return nil
	}
	return []string{strings.Join(all, ", ")}
}

func oneOf(c *call, bad *invalid, name, fallback string, allowed []string) string {
	if c.query[name].values == nil {
		return fallback
	}
	v := c.query.get(name)
	if !slices.Contains(allowed, v) {
		bad.add(name, "rest_not_in_enum", name+" is not one of "+enumText(allowed)+".")
	}
	return v
}

// enumText is WordPress's way to list: "a, b, and c", "a and b".
func enumText(values []string) string {
	if len(values) == 2 {
		return values[0] + " and " + values[1]
	}
	last := len(values) - 1
	return strings.Join(values[:last], ", ") + ", and " + values[last]
}

func ids(texts []string) []int64 {
	var list []int64
	for _, t := range texts {
		if n, err := strconv.ParseInt(t, 10, 64); err == nil {
			list = append(list, n)
		}
	}
	return list
}

// statusFilter: no status is any, and any leaves out what is hidden, whatever else is named beside it.
func statusFilter(wanted []string, drafts bool) func(r *record) bool {
	any := len(wanted) == 0 || slices.Contains(wanted, "any")
	return func(r *record) bool {
		if any {
			return r.status != "trash" && r.status != "auto-draft" && (drafts || r.status != "checkout-draft")
		}
		return slices.Contains(wanted, r.status)
	}
}

var isoDate = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:\d\d)?)?$`)

// dateFilters reads after, before, modified_after and modified_before. They exclude their own second. A value without zone is
// store-local, or UTC with dates_are_gmt; a value with a zone is brought to store-local first, which together with
// dates_are_gmt is wrong by the store's offset.
func (s *Shop) dateFilters(c *call, bad *invalid) (match []func(*record) bool) {
	gmt := c.query.get("dates_are_gmt") == "true" || c.query.get("dates_are_gmt") == "1"
	for _, name := range []string{"after", "before", "modified_after", "modified_before"} {
		if c.query[name].values == nil {
			continue
		}
		at, ok := s.parseDate(c.query.get(name), gmt)
		if !ok {
			bad.add(name, "rest_invalid_date", "Invalid date.")
			continue
		}
		modified, after := strings.HasPrefix(name, "modified_"), strings.HasSuffix(name, "after")
		match = append(match, func(r *record) bool {
			when := r.created
			if modified {
				when = r.modified
			}
			if after {
				return when.After(at)
			}
			return when.Before(at)
		})
	}
	return match
}

func (s *Shop) parseDate(text string, gmt bool) (at time.Time, ok bool) {
	m := isoDate.FindStringSubmatch(text)
	if m == nil {
		return at, false
	}
	text = text[:10] + "T" + text[11:]
	if m[2] == "" {
		zone := s.config.Location
		if gmt {
			zone = time.UTC
		}
		at, err := time.ParseInLocation("2006-01-02T15:04:05", text[:19], zone)
		return at.UTC(), err == nil
	}
	layout := "2006-01-02T15:04:05Z07:00"
	if len(m[2]) == 3 {
		layout = "2006-01-02T15:04:05Z07"
	}
	at, err := time.Parse(layout, text)
	if err != nil {
		return at, false
	}
	if gmt { // the local wall clock, taken for UTC
		_, offset := at.In(s.config.Location).Zone()
		at = at.Add(time.Duration(offset) * time.Second)
	}
	return at.UTC().Truncate(time.Second), true
}

// window returns the records of one page and how many there are over all pages.
func (l listing) window(
	from []*record, matches func(*record) bool, orderby, order string, include []int64, offset, perPage int,
) (found []*record, total int) {
	if orderby == "id" { // the way to read a large store: nothing is collected but the page
		for i := range from {
			r := from[i]
			if order == "desc" {
				r = from[len(from)-1-i]
			}
			if !matches(r) {
				continue
			}
			if total >= offset && len(found) < perPage {
				found = append(found, r)
			}
			total++
		}
		return found, total
	}
	for _, r := range from {
		if matches(r) {
			found = append(found, r)
		}
	}
	l.sort(found, orderby, include)
	if order == "desc" && orderby != "include" {
		slices.Reverse(found)
	}
	total = len(found)
	return found[min(offset, total):min(offset+perPage, total)], total
}

// sort puts found into ascending order. Equal dates are in no order that means anything, but the same every time.
func (l listing) sort(found []*record, orderby string, include []int64) {
	scatter := func(r *record) uint64 {
		h := fnv.New64a()
		_, _ = h.Write(strconv.AppendInt(nil, r.id, 10))
		return h.Sum64()
	}
	byTime := func(of func(*record) time.Time) func(a, b *record) int {
		return func(a, b *record) int {
			return cmp.Or(of(a).Compare(of(b)), cmp.Compare(scatter(a), scatter(b)))
		}
	}
	switch orderby {
	case "date", "registered_date":
		slices.SortFunc(found, byTime(func(r *record) time.Time { return r.created }))
	case "modified":
		slices.SortFunc(found, byTime(func(r *record) time.Time { return r.modified }))
	case "include":
		slices.SortFunc(found, func(a, b *record) int {
			return cmp.Compare(slices.Index(include, a.id), slices.Index(include, b.id))
		})
	case "price", "popularity", "rating", "menu_order", "sales", "order", "priority", "count", "description", "term_group", "product":
		slices.SortStableFunc(found, func(a, b *record) int { return compare(l.member(a, orderby), l.member(b, orderby)) })
	default:
		if l.name != nil {
			slices.SortStableFunc(found, func(a, b *record) int { return strings.Compare(l.name(a), l.name(b)) })
		}
	}
}

// compare orders values of a document: numbers and their texts as numbers, all else as text.
func compare(a, b any) int {
	x, errX := decimal.NewFromString(plain(a))
	y, errY := decimal.NewFromString(plain(b))
	if errX == nil && errY == nil {
		return x.Cmp(y)
	}
	return strings.Compare(plain(a), plain(b))
}
