package woo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/tillwire/tillwire/internal/rest"
)

// maxBatch is the most items WooCommerce takes in a batch, unless a filter of the shop allows other numbers.
const maxBatch = 100

// Result is what became of one item of a batch. It has an Item or an Err, never both and never neither.
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

func createAll[T any, ID Identifier, Q, W any](ctx context.Context, r resource[T, ID, Q], ws []W) ([]Result[T], error) {
	b := newBatch(r, "CreateAll", "create", len(ws))
	for i, w := range ws {
		body, err := encode(w)
		if err == nil {
			err = checkInBatch(w)
		}
		b.add(i, *new(ID), body, err)
	}
	b.kind = rest.Effect
	return b.run(ctx)
}

func updateAll[T any, ID Identifier, Q, W any](ctx context.Context, r resource[T, ID, Q], changes []Change[ID, W]) ([]Result[T], error) {
	b := newBatch(r, "UpdateAll", "update", len(changes))
	for i, c := range changes {
		body, err := encode(c.Set)
		if err == nil {
			err = checkInBatch(c.Set)
		}
		if err == nil {
			err = usable(c.ID)
		}
		if err == nil {
			body, err = withID(c.ID, body)
		}
		b.add(i, c.ID, body, err)
	}
	return b.run(ctx)
}

func deleteAll[T any, ID Identifier, Q any](ctx context.Context, r resource[T, ID, Q], ids []ID) ([]Result[T], error) {
	b := newBatch(r, "DeleteAll", "delete", len(ids))
	for i, id := range ids {
		err := usable(id) // the shop passes over a 0, and all results after it would stand one place too early
		body, _ := json.Marshal(id)
		b.add(i, id, body, err)
	}
	return b.run(ctx)
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

// batch is a call of CreateAll, UpdateAll or DeleteAll on its way.
type batch[T any, ID Identifier, Q any] struct {
	r       resource[T, ID, Q]
	op      string // "UpdateAll"
	group   string // "update"
	kind    rest.Kind
	items   []item[ID]
	results []Result[T]
}

// item is what is sent, and where its result belongs.
type item[ID Identifier] struct {
	index int
	id    ID // zero in a create
	body  []byte
}

func newBatch[T any, ID Identifier, Q any](r resource[T, ID, Q], op, group string, n int) *batch[T, ID, Q] {
	return &batch[T, ID, Q]{r: r, op: op, group: group, kind: rest.Write, results: make([]Result[T], n)}
}

// add takes an item in, or refuses it at its index.
func (b *batch[T, ID, Q]) add(index int, id ID, body []byte, err error) {
	if err != nil {
		b.results[index].Err = invalid(b.r.place.name+"."+b.op, fmt.Errorf("item %d: %w", index, err))
		return
	}
	b.items = append(b.items, item[ID]{index, id, body})
}

// run sends the items, at most maxBatch at once and fewer when the shop finds that too many.
func (b *batch[T, ID, Q]) run(ctx context.Context) ([]Result[T], error) {
	most := maxBatch
	for left := b.items; len(left) > 0; {
		chunk := left[:min(most, len(left))]
		err := b.send(ctx, chunk)
		if errors.Is(err, ErrTooLarge) && len(chunk) > 1 && !errors.Is(err, ErrAmbiguous) {
			most = len(chunk) / 2
			continue
		}
		left = left[len(chunk):]
		if err == nil || errors.Is(err, ErrTooLarge) { // one item alone is too large: that is its own trouble
			b.fail(chunk, err)
			continue
		}
		b.fail(chunk, err)
		b.fail(left, &Error{Op: b.r.place.name + "." + b.op, kind: ErrNotSent, text: "not sent, because a request before it failed"})
		return b.results, err
	}
	return b.results, nil
}

func (b *batch[T, ID, Q]) fail(chunk []item[ID], err error) {
	for _, it := range chunk {
		if err != nil {
			b.results[it.index].Err = err
		}
	}
}

// send makes one request, and puts its results at their indexes.
func (b *batch[T, ID, Q]) send(ctx context.Context, chunk []item[ID]) error {
	call := b.r.call(b.op, http.MethodPost)
	call.Path += "/batch"
	call.Route += "/batch"
	call.Kind = b.kindOf(chunk)
	call.Body = b.body(chunk)
	res, err := b.r.c.send(ctx, call)
	if err != nil {
		return err
	}
	defer res.Release()
	answers, err := b.answers(res.Body)
	if err != nil {
		return b.r.c.unreadable(call, res, err)
	}
	for i, it := range chunk {
		var answer json.RawMessage
		if i < len(answers) && (b.group != "create" || len(answers) == len(chunk)) {
			answer = answers[i]
		}
		b.results[it.index] = b.result(call, res, it, answer)
	}
	return nil
}

// kindOf is Effect when a single item does something new each time it arrives.
func (b *batch[T, ID, Q]) kindOf(chunk []item[ID]) rest.Kind {
	kind := b.kind
	for _, it := range chunk {
		if b.group == "update" && kindOf(it.body) == rest.Effect {
			kind = rest.Effect
		}
	}
	return kind
}

func (b *batch[T, ID, Q]) body(chunk []item[ID]) []byte {
	var body bytes.Buffer
	body.WriteString(`{"` + b.group + `":[`)
	for i, it := range chunk {
		if i > 0 {
			body.WriteByte(',')
		}
		body.Write(it.body)
	}
	body.WriteString("]}")
	return body.Bytes()
}

// answers takes the results out of {"update":[…]}. A batch of which nothing is left to show is [], as PHP writes an
// empty map: then it was worked off, but nobody knows how.
func (b *batch[T, ID, Q]) answers(body []byte) ([]json.RawMessage, error) {
	if string(bytes.TrimSpace(body)) == "[]" {
		return nil, nil
	}
	var groups map[string]json.RawMessage
	if err := json.Unmarshal(body, &groups); err != nil {
		return nil, err
	}
	var answers []json.RawMessage
	if group, ok := groups[b.group]; ok {
		if err := json.Unmarshal(group, &answers); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// result reads one item's answer: the record, or {"id", "error": {"code", "message", "data"}}. Its id, where there is
// one, must be the one that was sent, or the answers have slipped out of step.
func (b *batch[T, ID, Q]) result(call rest.Call, res *rest.Response, it item[ID], answer json.RawMessage) Result[T] {
	e := &Error{Op: call.Op, Method: call.Method, Route: call.Route, Attempts: res.Attempts, ResourceID: int64(number(it.id))}
	var probe struct {
		ID    lenientID `json:"id"`
		Error *envelope `json:"error"`
	}
	unknown := func(why string) Result[T] {
		e.kind, e.ambiguous, e.text = ErrNotJSON, true, "item "+strconv.Itoa(it.index)+": "+why
		return Result[T]{Err: e}
	}
	if len(answer) == 0 || json.Unmarshal(answer, &probe) != nil {
		return unknown("the shop did not say what became of it")
	}
	if sent := number(it.id); sent != 0 && probe.ID != 0 && probe.ID != sent {
		return unknown(fmt.Sprintf("the shop answered with record %d in its place", probe.ID))
	}
	if probe.Error != nil {
		e.fill(*probe.Error)
		e.Body = b.r.c.redact(answer)
		e.kind = e.fromWordPress()
		e.text = "item " + strconv.Itoa(it.index) + ": " + e.sentence(e.kind, b.r.c.oauth)
		return Result[T]{Err: e}
	}
	record, err := decodeOne[T](answer)
	if err != nil {
		return unknown("its record cannot be read: " + reason(err))
	}
	return Result[T]{Item: record}
}

// number is an id as one, 0 for a slug.
func number[ID Identifier](id ID) lenientID {
	n, _ := strconv.ParseInt(fmt.Sprint(id), 10, 64)
	return lenientID(n)
}
