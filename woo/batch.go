package woo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
)

const (
	// maxBatch is the most items WooCommerce takes in a batch, unless a filter of the shop allows other numbers.
	maxBatch = 100
	// maxBytes is the longest body of a batch: web servers refuse more than 1 MiB unless told otherwise.
	maxBytes = 900 << 10
	// maxInRow is how many requests of a batch may fail one after another. Finding the one bad item among a hundred takes seven.
	maxInRow = 9
)

// Result is what became of one item of a batch: an Item, or an Err. It has both after a write that the shop did not do all of
// (ErrNotApplied), and neither where nothing had to be done (see Client.PlanStock).
type Result[T any] struct {
	Item *T
	// Err is mostly an *Error with the status and code of the item. ErrAmbiguous: the shop did not say what became of it.
	// ErrNotSent: it never went out, because a request before it failed.
	Err error
}

// Change is an update of one record.
type Change[ID Identifier, W any] struct {
	ID  ID
	Set W
}

// ChangeOf makes a Change, with both types inferred.
func ChangeOf[ID Identifier, W any](id ID, w W) Change[ID, W] { return Change[ID, W]{id, w} }

// batch sends any number of items to one or several places, 100 per request and fewer where the shop finds that too many.
type batch[T any] struct {
	c       *Client
	op      string // "products.UpdateAll"
	group   string // "update"
	kind    rest.Kind
	rules   rules // how an item is compared with its answer, nil when it cannot be
	lanes   int   // requests at once
	encode  func(index int) ([]byte, error)
	decode  func(answer []byte) (*T, error) // of an object in valid JSON
	name    func(index int, record *T)      // fills in what the answer does not hold
	results []Result[T]
	told    func(Progress)

	mu      sync.Mutex
	left    []*unit // what is to be sent; the last is next
	most    int     // items per request, as far as this shop bears it
	ceiling int     // what most may grow to again
	inRow   int     // requests that failed, one after another
	stopped error
	so      Progress
}

// unit is a run of items for one place.
type unit struct {
	place  place
	parent ProductID // of variations in a plan of stock
	items  []item
	again  bool // it was sent before, and nobody knows what became of it
}

// part is a unit of some of u's items.
func (u *unit) part(items []item, again bool) *unit { return &unit{u.place, u.parent, items, again} }

// item is what is sent, and where its result belongs.
type item struct {
	index int
	id    lenientID // 0 in a create
	body  []byte    // nil: encode makes it when its turn comes
}

func newBatch[T any](c *Client, name, verb, group string, n int) *batch[T] {
	return &batch[T]{
		c: c, op: name + "." + verb, group: group, kind: rest.Write, results: make([]Result[T], n), lanes: c.lanes.width(),
		most: maxBatch, ceiling: maxBatch, decode: func(answer []byte) (*T, error) { return decodeValid[T](answer, -1) },
	}
}

func createAll[T any, ID Identifier, Q, W any](r resource[T, ID, Q], ws []W) *batch[T] {
	b := newBatch[T](r.c, r.place.name, "CreateAll", "create", len(ws))
	b.kind, b.lanes = rest.Effect, 1 // records are made in the caller's order
	u := &unit{place: r.place}
	for i, w := range ws {
		body, err := encode(w)
		if err == nil {
			err = checkInBatch(w)
		}
		b.add(u, i, 0, body, err)
	}
	b.rules = rulesOf(*new(W))
	return b.plan(u)
}

func updateAll[T any, ID Identifier, Q, W any](r resource[T, ID, Q], changes []Change[ID, W]) *batch[T] {
	b := newBatch[T](r.c, r.place.name, "UpdateAll", "update", len(changes))
	u := &unit{place: r.place}
	met := make(map[ID]bool, len(changes))
	for i, c := range changes {
		body, err := encode(c.Set)
		if err == nil {
			err = checkInBatch(c.Set)
		}
		if err == nil {
			err = usable(c.ID)
		}
		if err == nil && kindOf(body) == rest.Effect {
			b.kind = rest.Effect
		}
		if err == nil {
			body, err = withID(c.ID, body)
		}
		if met[c.ID] {
			b.lanes = 1 // a later change of a record must come later
		}
		met[c.ID] = true
		b.add(u, i, numberOf(c.ID), body, err)
	}
	if b.kind == rest.Effect {
		b.lanes = 1
	}
	b.rules = rulesOf(*new(W))
	return b.plan(u)
}

func deleteAll[T any, ID Identifier, Q any](r resource[T, ID, Q], ids []ID) *batch[T] {
	b := newBatch[T](r.c, r.place.name, "DeleteAll", "delete", len(ids))
	u := &unit{place: r.place}
	for i, id := range ids {
		err := usable(id) // the shop passes over a 0, and all results after it would stand one place too early
		body, _ := json.Marshal(id)
		b.add(u, i, numberOf(id), body, err)
	}
	return b.plan(u)
}

// withID puts the id in front of a write's members.
func withID[ID Identifier](id ID, body []byte) ([]byte, error) {
	text, err := json.Marshal(id)
	if err != nil {
		return nil, err
	}
	out := append([]byte(`{"id":`), text...)
	if len(body) > len("{}") {
		out = append(out, ',')
	}
	return append(out, body[1:]...), nil
}

// numberOf is an id as a number, 0 for a slug.
func numberOf[ID Identifier](id ID) lenientID {
	n, _ := strconv.ParseInt(fmt.Sprint(id), 10, 64)
	return lenientID(n)
}

// add takes an item in, or refuses it at its index.
func (b *batch[T]) add(u *unit, index int, id lenientID, body []byte, err error) {
	if err != nil {
		b.results[index].Err = invalid(b.op, fmt.Errorf("item %d: %w", index, err))
		return
	}
	u.items = append(u.items, item{index, id, body})
}

// plan takes the units in the order in which they are to be sent, and counts their requests.
func (b *batch[T]) plan(units ...*unit) *batch[T] {
	for _, u := range slices.Backward(units) {
		if len(u.items) > 0 {
			b.left = append(b.left, u)
		}
	}
	for _, u := range b.left {
		b.so.Total += len(u.items)
		for items := u.items; len(items) > 0; items = items[fitting(items, maxBatch):] {
			b.so.Planned++
		}
	}
	return b
}

// fitting is how many of the items go into one request.
func fitting(items []item, most int) int {
	bytes := 0
	for i, it := range items[:min(most, len(items))] {
		if bytes += len(it.body) + 1; bytes > maxBytes && i > 0 {
			return i
		}
	}
	return min(most, len(items))
}

// run sends what is left, in as many lanes as the batch and the shop bear.
func (b *batch[T]) run(ctx context.Context) ([]Result[T], error) {
	var workers sync.WaitGroup
	for range min(b.lanes, b.so.Planned) {
		workers.Go(func() { b.work(ctx) })
	}
	workers.Wait()
	for _, u := range b.left {
		b.fail(u.items, &Error{Op: b.op, kind: ErrNotSent, text: "not sent, because a request before it failed"})
	}
	b.left = nil
	return b.results, b.stopped
}

// work sends one unit after another until none is left.
func (b *batch[T]) work(ctx context.Context) {
	lanes := b.c.lanes
	for {
		if !b.more() {
			return
		}
		if err := lanes.enter(ctx); err != nil {
			b.stop(&Error{Op: b.op, Err: err, text: "stopped: " + err.Error() + " before all was sent"})
			return
		}
		u := b.take()
		if u == nil {
			lanes.pass()
			return
		}
		began := time.Now()
		troubled := b.send(ctx, u)
		lanes.leave(began, troubled)
	}
}

func (b *batch[T]) more() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stopped == nil && len(b.left) > 0
}

// take cuts the next request off what is left.
func (b *batch[T]) take() *unit {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped != nil || len(b.left) == 0 {
		return nil
	}
	u := b.left[len(b.left)-1]
	b.left = b.left[:len(b.left)-1]
	if n := fitting(u.items, b.most); n < len(u.items) {
		b.left = append(b.left, u.part(u.items[n:], u.again))
		u = u.part(u.items[:n], u.again)
	}
	return u
}

// push puts units back, to be sent next, the first one first.
func (b *batch[T]) push(units ...*unit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range slices.Backward(units) {
		if len(u.items) > 0 {
			b.left = append(b.left, u)
		}
	}
}

// stop lets nothing more go out. The first error is the one that counts.
func (b *batch[T]) stop(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped == nil {
		b.stopped = err
	}
}

func (b *batch[T]) fail(items []item, err error) {
	for _, it := range items {
		b.results[it.index].Err = err
	}
}

// call is the request for a unit.
func (b *batch[T]) call(u *unit) (rest.Call, error) {
	body := make([]byte, 0, 64*len(u.items))
	body = append(body, `{"`+b.group+`":[`...)
	kind := b.kind
	if kind == rest.Effect && b.group == "update" && !slices.ContainsFunc(u.items, func(it item) bool { return kindOf(it.body) == rest.Effect }) {
		kind = rest.Write // only others add something
	}
	for i, it := range u.items {
		if i > 0 {
			body = append(body, ',')
		}
		one := it.body
		if one == nil {
			var err error
			if one, err = b.encode(it.index); err != nil {
				return rest.Call{}, err
			}
		}
		body = append(body, one...)
	}
	return rest.Call{
		Op: b.op, Method: http.MethodPost, Path: api + u.place.path + "/batch", Route: api + u.place.route + "/batch",
		Kind: kind, Body: append(body, "]}"...), Divisible: kind == rest.Write,
	}, nil
}

// send makes one request, and sees to what it left undone. It reports whether the shop had trouble with it.
func (b *batch[T]) send(ctx context.Context, u *unit) (troubled bool) {
	call, err := b.call(u)
	if err != nil {
		err = invalid(b.op, err)
		b.fail(u.items, err)
		b.stop(err)
		return false
	}
	began := time.Now()
	res, err := b.c.send(ctx, call)
	took := time.Since(began)
	if err == nil {
		var answers [][]byte
		if answers, err = b.answers(res.Body); err != nil {
			err = b.c.unreadable(call, res, err)
		} else {
			unknown := b.settle(u, call, res, answers)
			troubled = took > slowAnswer || res.Attempts > 1
			b.learn(took, len(u.items))
			res.Release()
			b.progress(len(u.items)-len(unknown.items), res.Attempts)
			b.push(unknown)
			return troubled
		}
	}
	return b.failed(ctx, u, call, err)
}

// learn adapts how many items go into a request to how long the shop takes for them.
func (b *batch[T]) learn(took time.Duration, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inRow = 0
	switch {
	case took > slowAnswer && n > 1:
		b.most = max(1, min(b.most, int(float64(n)*float64(slowAnswer)/float64(took))))
	case took < slowAnswer/2 && b.most < b.ceiling && n >= b.most:
		b.most = min(b.ceiling, b.most+max(1, b.most/10))
	}
}

// failed decides what a failed request means for its items and for all that follow.
func (b *batch[T]) failed(ctx context.Context, u *unit, call rest.Call, err error) (troubled bool) {
	var e *Error
	if !errors.As(err, &e) || e.ambiguous || ctx.Err() != nil {
		b.fail(u.items, err)
		b.stop(err)
		return true
	}
	b.mu.Lock()
	b.inRow++
	hopeless := b.inRow >= maxInRow
	b.mu.Unlock()
	b.progress(0, e.Attempts)
	n := len(u.items)
	slow := e.Status == 408 || e.Status == 504 || e.Status == 524 || e.Status == 0 && rest.TimedOut(e.Err)
	crashed := call.Kind == rest.Write && (e.Status == 500 || e.kind == ErrNotJSON && e.Status == 200) //nolint:errorlint // sentinels, compared by identity
	refused := e.kind == ErrValidation || e.kind == ErrHostBlocked                                     //nolint:errorlint // sentinels, compared by identity
	switch {
	case e.kind == ErrTooLarge && n > 1: //nolint:errorlint // sentinels, compared by identity
		b.halve(n, true)
		b.push(u)
	case e.kind == ErrTooLarge: //nolint:errorlint // one item alone is too large: that is its own trouble
		b.fail(u.items, err)
	case (slow || crashed) && call.Kind == rest.Write && !hopeless:
		b.resume(ctx, u, err, slow)
	case refused && !hopeless && n > 1:
		b.push(u.part(u.items[:n/2], u.again), u.part(u.items[n/2:], u.again))
	case refused && !hopeless:
		b.fail(u.items, err)
	default:
		b.fail(u.items, err)
		b.stop(err)
	}
	return slow || e.Status == 429 || e.Status == 503 || e.Status == 502
}

// halve makes requests smaller than one that was too large or took too long. What was too large once is too large for good.
func (b *batch[T]) halve(n int, forGood bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.most = max(1, min(b.most, n/2))
	if forGood {
		b.ceiling = b.most
	}
}

// resume goes on after a request that was cut off: the shop works a batch off one by one, and has done a first part of it. What was
// done is read back in one request, and not sent again. After a crash the first item that was not done is the one that caused it.
func (b *batch[T]) resume(ctx context.Context, u *unit, err error, slow bool) {
	rest, known, ill := b.readBack(ctx, u)
	n := len(rest.items)
	if slow {
		b.halve(len(u.items), false)
	}
	switch {
	case n == 0:
	case ill: // it does not even answer a read
		b.fail(rest.items, err)
		b.stop(err)
	case slow && len(u.items) == 1: // nothing smaller can be sent
		b.fail(rest.items, err)
		b.stop(err)
	case slow:
		b.push(rest)
	case n == 1:
		b.fail(rest.items, err)
	case known:
		b.fail(rest.items[:1], err)
		rest.items = rest.items[1:]
		b.push(rest)
	default:
		b.push(rest.part(rest.items[:n/2], true), rest.part(rest.items[n/2:], true))
	}
}

// readBack asks the shop for the records of a unit of updates, settles those that are as they were wanted, and returns the others. known
// is false when the records do not tell, ill when the shop did not give them.
func (b *batch[T]) readBack(ctx context.Context, u *unit) (undone *unit, known, ill bool) {
	undone = u.part(slices.Clone(u.items), true)
	if b.group != "update" || b.rules == nil {
		return undone, false, false
	}
	ids := make([]string, len(u.items))
	for i, it := range u.items {
		ids[i] = strconv.FormatInt(int64(it.id), 10)
	}
	call := rest.Call{
		Op: b.op, Method: http.MethodGet, Path: api + u.place.path, Route: api + u.place.route,
		Query: url.Values{"include": {strings.Join(ids, ",")}, "per_page": {strconv.Itoa(maxBatch)}},
	}
	res, err := b.c.send(ctx, call)
	if err != nil {
		return undone, false, true
	}
	defer res.Release()
	b.progress(0, res.Attempts)
	have := map[lenientID][]byte{}
	body := bytes.TrimSpace(res.Body)
	if body[0] != '[' {
		return undone, false, true
	}
	for e := elementsOf(body); e.next(); {
		if e.value[0] != '{' {
			continue
		}
		var id lenientID
		if raw := member(e.value, "id"); raw != nil && id.UnmarshalJSON(raw) == nil {
			have[id] = e.value
		}
	}
	undone.items, known = undone.items[:0], true
	done := 0
	for _, it := range u.items {
		sent := it.body
		if sent == nil {
			sent, _ = b.encode(it.index)
		}
		answer, listed := have[it.id]
		found, whole := b.rules.compare(sent, answer)
		var record *T
		if listed && whole && len(found) == 0 {
			record, _ = b.decode(answer)
		}
		if record == nil {
			undone.items = append(undone.items, it)
			known = known && (whole || !listed)
			continue
		}
		b.results[it.index] = Result[T]{Item: b.named(it, record)}
		done++
	}
	b.progress(done, 0)
	return undone, known, false
}

// settle puts the answers at their indexes. What the shop did not speak of is returned to be sent again, once, where that does no harm.
func (b *batch[T]) settle(u *unit, call rest.Call, res *rest.Response, answers [][]byte) *unit {
	unknown := u.part(nil, true)
	for i, it := range u.items {
		var answer []byte
		if i < len(answers) && (b.group != "create" || len(answers) == len(u.items)) {
			answer = answers[i]
		}
		result, told := b.result(call, res, u, it, answer)
		if !told && call.Kind == rest.Write && !u.again {
			unknown.items = append(unknown.items, it)
			continue
		}
		b.results[it.index] = result
	}
	return unknown
}

// named completes a record.
func (b *batch[T]) named(it item, record *T) *T {
	if b.name != nil {
		b.name(it.index, record)
	}
	return record
}

// answers takes the results out of {"update":[…]}. A batch of which nothing is left to show is [], as PHP writes an
// empty map: then it was worked off, but nobody knows how. body is valid JSON, which was looked at on arrival.
func (b *batch[T]) answers(body []byte) (answers [][]byte, err error) {
	body = bytes.TrimSpace(body)
	switch {
	case isEmpty(body):
		return nil, nil
	case body[0] != '{':
		return nil, mismatch("an object", body)
	}
	group := member(body, b.group)
	switch {
	case group == nil:
		return nil, nil
	case group[0] != '[' && !isNumbered(group):
		return nil, mismatch("a list of results", group)
	}
	for e := elementsOf(group); e.next(); {
		answers = append(answers, e.value)
	}
	return answers, nil
}

// result reads one item's answer: the record, or {"id", "error": {"code", "message", "data"}}. Its id, where there is
// one, must be the one that was sent, or the answers have slipped out of step. told is false when it does not say what became of the item.
func (b *batch[T]) result(call rest.Call, res *rest.Response, u *unit, it item, answer []byte) (r Result[T], told bool) {
	e := &Error{Op: call.Op, Method: call.Method, Route: call.Route, Attempts: res.Attempts, ResourceID: int64(it.id)}
	at := "item " + strconv.Itoa(it.index) + ": "
	unknown := func(why string) (Result[T], bool) {
		e.kind, e.ambiguous, e.text = ErrNotJSON, true, at+why
		return Result[T]{Err: e}, false
	}
	if len(answer) == 0 || answer[0] != '{' {
		return unknown("the shop did not say what became of it")
	}
	var id lenientID
	if raw := member(answer, "id"); raw != nil {
		_ = id.UnmarshalJSON(raw) // what is none stays 0
	}
	if it.id != 0 && id != 0 && id != it.id {
		return unknown(fmt.Sprintf("the shop answered with record %d in its place", id))
	}
	if refusal := member(answer, "error"); refusal != nil && refusal[0] == '{' {
		var env envelope
		_ = json.Unmarshal(refusal, &env) // an envelope takes any object
		e.fill(env)
		e.kind = e.fromWordPress()
		if b.group == "delete" && e.kind == ErrNotFound && (u.again || res.Attempts > 1) { //nolint:errorlint // sentinels, compared by identity
			if record, err := b.decode(fmt.Appendf(nil, `{"id":%d}`, it.id)); err == nil {
				return Result[T]{Item: record}, true // an earlier try did it, and its answer was lost
			}
		}
		e.Body = b.c.redact(answer)
		e.text = at + e.sentence(e.kind, b.c.oauth)
		return Result[T]{Err: e}, true
	}
	if before := member(answer, "previous"); b.group == "delete" && before != nil {
		answer = before // reviews: {"deleted":true,"previous":{…}}
	}
	record, err := b.decode(answer)
	if err != nil {
		return unknown("its record cannot be read: " + reason(err))
	}
	r.Item = b.named(it, record)
	if b.rules != nil {
		sent := it.body
		if sent == nil {
			sent, _ = b.encode(it.index)
		}
		found, _ := b.rules.compare(sent, answer)
		if e := notApplied(call, res.Status, res.Attempts, int64(id), found); e != nil {
			e.text = at + e.text
			r.Err = e
		}
	}
	return r, true
}
