package woo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
)

// Reference is the caller's own name for a record that is to be made once, whatever becomes of the answers: the number of a receipt, the
// id of a message. It is stored with the record, so that it can be looked for. One call at a time may use a reference.
type Reference struct {
	// Value is the name. It is of at most 200 bytes, and not used for another record of the shop. Required.
	Value string
	// Key is the key in meta_data. One that begins with an underscore is not shown to shop managers. Default: "_tillwire_reference".
	Key string
	// Since is when the first of the earlier calls with this reference began, in this or another process; the time a job was made
	// will do. Then CreateOnce looks before it sends anything. Zero: there was no earlier call.
	Since time.Time
	// Ended is when the last of the earlier calls ended. Default, when Since is set: just now.
	Ended time.Time
	// Settle is how long after a lost answer the shop may still be carrying the request out. Nothing is sent again before. Default: 2 minutes.
	Settle time.Duration
}

const (
	referenceKey  = "_tillwire_reference"
	referenceMax  = 200
	defaultSettle = 2 * time.Minute
	firstLook     = 5 * time.Second // between the first looks; doubled for each further one
	maxSends      = 3               // of one call
	clockMargin   = time.Hour       // by which the shop's clock may differ from that of its web server
)

func (r Reference) check() (Reference, error) {
	switch {
	case r.Value == "" || strings.TrimSpace(r.Value) != r.Value:
		return r, errors.New("Reference.Value: is empty, or begins or ends with a space, which the shop would cut off")
	case len(r.Value) > referenceMax:
		return r, fmt.Errorf("Reference.Value: is longer than %d bytes", referenceMax)
	case strings.ContainsFunc(r.Value, func(c rune) bool { return c < ' ' || strings.ContainsRune(`<>&\`, c) }):
		return r, errors.New("Reference.Value: holds a control character, <, >, & or a backslash, which the shop would change")
	case r.Settle < 0:
		return r, errors.New("Reference.Settle: is negative")
	}
	if r.Key == "" {
		r.Key = referenceKey
	}
	if r.Settle == 0 {
		r.Settle = defaultSettle
	}
	if now := time.Now(); !r.Since.IsZero() && (r.Ended.IsZero() || r.Ended.After(now)) {
		r.Ended = now
	}
	return r, nil
}

// once is a CreateOnce on its way.
type once[T any, ID Identifier, Q any] struct {
	r     resource[T, ID, Q]
	ref   Reference
	call  rest.Call // the create
	rules rules
	want  map[string]int // values of references that are looked for, and their places
	got   map[int]*T     // what was found
	doubt error          // why it is not known what became of the last request
	skew  time.Duration  // what the shop's clock shows beyond ours
	timed bool           // skew is known
	dated bool           // the records may bring dates of creation of their own
}

// lookups are the lists in which a reference may be found.
type lookups struct {
	first url.Values   // always
	more  []url.Values // before a request is sent again: what the list leaves out
}

func createOnce[T any, ID Identifier, Q, W any](ctx context.Context, r resource[T, ID, Q], ref Reference, w W) (*T, error) {
	o := &once[T, ID, Q]{r: r, call: r.call("CreateOnce", http.MethodPost), rules: rulesOf(w)}
	var err error
	if o.ref, err = ref.check(); err != nil {
		return nil, invalid(o.call.Op, err)
	}
	if err = mark(&w, r.place.name, o.ref); err != nil {
		return nil, invalid(o.call.Op, err)
	}
	o.want, o.got = map[string]int{o.ref.Value: 0}, map[int]*T{}
	if o.call.Body, err = encode(w); err != nil {
		return nil, invalid(o.call.Op, err)
	}
	o.call.Kind = rest.Effect
	return o.run(ctx)
}

// mark puts the reference into what is written.
func mark(w any, name string, ref Reference) error {
	switch name {
	case "orders", "products", "variations", "customers", "coupons", "refunds":
	case "notes":
		note, ok := w.(*OrderNoteFields)
		if text, _ := note.Note.Get(); !ok || !strings.Contains(text, ref.Value) {
			return errors.New("note: does not hold the reference, and has no other place for it")
		}
		return nil
	default:
		return fmt.Errorf("%s carry no meta data, so no reference can be looked for", name)
	}
	meta, ok := reflect.ValueOf(w).Elem().FieldByName("MetaData").Addr().Interface().(*Field[[]MetaFields])
	if !ok {
		return fmt.Errorf("%s carry no meta data, so no reference can be looked for", name)
	}
	entries, _ := meta.Get()
	for _, entry := range entries {
		if key, _ := entry.Key.Get(); key == ref.Key {
			return fmt.Errorf("meta_data: has the key of the reference, %s", ref.Key)
		}
	}
	*meta = Set(append(slices.Clone(entries), SetMeta(ref.Key, ref.Value)))
	return nil
}

// run sends the create, and again only when it is sure that what was sent before had no effect.
func (o *once[T, ID, Q]) run(ctx context.Context) (*T, error) {
	since, ended := o.ref.Since, o.ref.Ended
	unsure := !since.IsZero()
	for sends := 0; ; {
		if unsure {
			if err := o.settle(ctx, since, ended); err != nil || o.found() {
				return o.got[0], err
			}
		}
		if sends++; sends > maxSends {
			return nil, o.ambiguous("sent three times without an answer")
		}
		if since.IsZero() {
			since = time.Now()
		}
		item, err := written(ctx, o.r, o.call, o.rules)
		var e *Error
		switch errors.As(err, &e); {
		case item != nil:
			return item, o.kept(item, err)
		case e != nil && e.ambiguous:
			o.doubt, ended, unsure = err, time.Now(), true
		case errors.Is(err, ErrDuplicate): // perhaps of ourselves: a proxy sent the request twice, or an earlier one came late
			if trouble := o.find(ctx, since, true); trouble != nil {
				o.doubt = trouble
				return nil, o.ambiguous("the shop has one like this, and does not say whose it is")
			}
			if o.found() {
				return o.got[0], nil
			}
			return nil, err
		default:
			return nil, err
		}
	}
}

// found reports whether all that is looked for is there.
func (o *once[T, ID, Q]) found() bool { return len(o.got) == len(o.want) }

// settle looks until all is found, or until the shop has surely given up what is not. With neither it is an error.
func (o *once[T, ID, Q]) settle(ctx context.Context, since, ended time.Time) error {
	until := ended.Add(o.ref.Settle)
	for wait := firstLook; ; wait *= 2 {
		last := !time.Now().Before(until)
		err := o.find(ctx, since, last)
		end, bounded := ctx.Deadline()
		switch {
		case o.found():
			return nil
		case !last && (ctx.Err() != nil || bounded && end.Before(until)):
			return o.ambiguous("the context ends before the shop has surely given it up")
		case last && err != nil:
			o.doubt = err
			return o.ambiguous("the shop does not say whether it is there")
		case last:
			return nil
		}
		timer := time.NewTimer(min(wait, time.Until(until)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// ambiguous is the end in doubt.
func (o *once[T, ID, Q]) ambiguous(why string) *Error {
	e := &Error{Op: o.call.Op, Method: o.call.Method, Route: o.call.Route, kind: ErrUnavailable}
	var last *Error
	if errors.As(o.doubt, &last) {
		copied := *last
		e = &copied
	}
	e.Op, e.ambiguous, e.systemic = o.call.Op, true, false
	if e.text == "" && e.Err == nil {
		e.text = "the outcome of an earlier call is not known"
	}
	e.text = strings.TrimPrefix(e.text+"; "+why+": call again with Reference.Since", "; ")
	return e
}

// find looks for what is not found yet, also among what lists leave out when everywhere is true.
func (o *once[T, ID, Q]) find(ctx context.Context, since time.Time, everywhere bool) error {
	if !o.timed {
		o.time(ctx)
	}
	l := o.lookups(since.Add(o.skew - clockMargin))
	queries := []url.Values{l.first}
	if everywhere {
		queries = append(queries, l.more...)
	}
	for _, q := range queries {
		if err := o.look(ctx, q); err != nil || o.found() {
			return err
		}
	}
	return nil
}

// look walks through one list.
func (o *once[T, ID, Q]) look(ctx context.Context, q url.Values) error {
	list := o.r
	list.values = func(Q) (url.Values, error) { return q, nil }
	for item, err := range list.all(ctx, *new(Q)) {
		if errors.Is(err, ErrMalformed) {
			continue
		}
		if err != nil {
			return err
		}
		at, ours := o.place(item)
		if !ours || o.got[at] != nil {
			continue
		}
		if q.Has("_fields") {
			if item, err = o.r.get(ctx, o.r.id(item)); err != nil {
				return err
			}
		}
		if o.got[at] = item; o.found() {
			return nil
		}
	}
	return nil
}

// time learns how the shop's clock goes, by the Date of an answer.
func (o *once[T, ID, Q]) time(ctx context.Context) {
	call := o.r.call("CreateOnce", http.MethodGet)
	call.Query = url.Values{"per_page": {"1"}, "_fields": {"id"}}
	res, err := o.r.c.send(ctx, call)
	if err != nil {
		return
	}
	defer res.Release()
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		o.skew = time.Until(at)
	}
	o.timed = true
}

// lookups are by a key that the shop keeps unique, else by time. They carry a parameter that no shop knows, so that no cache answers.
func (o *once[T, ID, Q]) lookups(since time.Time) lookups {
	query := func(more url.Values) url.Values {
		q := url.Values{"_": {time.Now().UTC().Format("150405.000000")}}
		if len(o.want) == 1 { // of many the whole records are read at once
			q.Set("_fields", "id,meta_data")
		}
		maps.Copy(q, more)
		return q
	}
	sent := func(name string) (text string) {
		if len(o.call.Body) == 0 {
			return ""
		}
		if raw := member(o.call.Body, name); raw != nil {
			text = plainScalar(raw)
		}
		return text
	}
	by, trash := "after", "trash"
	switch o.r.place.name {
	case "customers": // they have no filter by date
		all := query(url.Values{"role": {"all"}})
		if email := sent("email"); email != "" {
			all.Set("email", email)
		}
		return lookups{first: all}
	case "coupons":
		if code := sent("code"); code != "" {
			return lookups{first: query(url.Values{"code": {code}})}
		}
	case "notes":
		return lookups{first: url.Values{}}
	case "refunds": // few, below their order
		return lookups{first: query(nil)}
	case "orders":
		trash = "trash,checkout-draft" // where an order stays of which only a part was made
	default:
		if sku := sent("sku"); sku != "" && !strings.Contains(sku, "<") {
			return lookups{first: query(url.Values{"sku": {sku}})}
		}
		if o.dated || sent("date_created_gmt") != "" || sent("date_created") != "" { // then only the date of the change tells
			by = "modified_after"
		}
	}
	recent := url.Values{by: {since.UTC().Format(wireTime)}, "dates_are_gmt": {"true"}}
	late := maps.Clone(recent)
	late.Set("status", trash)
	return lookups{first: query(recent), more: []url.Values{query(late)}}
}

// place reports whose reference a record carries.
func (o *once[T, ID, Q]) place(item *T) (at int, ours bool) {
	if note, ok := any(item).(*OrderNote); ok {
		for value, at := range o.want {
			if strings.Contains(note.Note, value) {
				return at, true
			}
		}
		return 0, false
	}
	meta, _ := reflect.ValueOf(item).Elem().FieldByName("MetaData").Interface().(MetaData)
	for _, m := range meta {
		if at, ours = o.want[m.String()]; ours && m.Key == o.ref.Key {
			return at, true
		}
	}
	return 0, false
}

// kept says when the shop did not keep the reference: then it could not be found after a lost answer.
func (o *once[T, ID, Q]) kept(item *T, err error) error {
	if _, ours := o.place(item); ours {
		return err
	}
	missing := notApplied(o.call, http.StatusCreated, 1, int64(numberOf(o.r.id(item))), []difference{{"meta_data", o.ref.Key, ""}})
	return errors.Join(err, missing)
}
