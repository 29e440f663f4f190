package sitoo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/tillwire/tillwire/internal/rest"
)

// Change is what is to be written to one record.
type Change[ID Identifier, W any] struct {
	ID  ID
	Set W
}

// ChangeOf makes a Change, inferring its types.
func ChangeOf[ID Identifier, W any](id ID, w W) Change[ID, W] { return Change[ID, W]{id, w} }

// Result is what became of one item, at the caller's index.
type Result[ID Identifier] struct {
	ID ID // as Sitoo answered it, or as it was given; of rows by SKU what Sitoo answered, often 0
	// Err is nil when Sitoo took the item. Else an *Error with Sitoo's words for this item; ErrNotSent: it never went out, because a
	// request before it failed; ErrAmbiguous: it may have happened.
	Err error
}

// Progress is how far a Plan has come.
type Progress struct {
	Done, Total int   // items, those that are refused before they are sent included
	Requests    int   // sent so far
	Quota       Quota // after the newest answer
}

// batchSize is how many records go into one request: the advice of Sitoo's guide for products, and documented nowhere for the others.
const batchSize = 200

// Plan is a number of writes, cut into requests before the first is sent. Sitoo answers 200 to a request of which single items failed, so each
// item has a [Result].
type Plan[ID Identifier] struct {
	// Progress, when set before Run, hears of each request after it was answered.
	Progress func(Progress)

	c        *Client
	call     rest.Call
	ownID    bool // bare answers stand for all items
	items    []json.RawMessage
	refused  []error // of items that are not sent
	ids      []ID    // known beforehand; empty for creates
	requests [][]int // indexes into items
}

// Items is how many items Run sends.
func (p *Plan[ID]) Items() int {
	n := 0
	for _, group := range p.requests {
		n += len(group)
	}
	return n
}

// Requests is the number of requests that Run sends, repeats aside. It is known before the first one; 0 when there is nothing to do.
func (p *Plan[ID]) Requests() int { return len(p.requests) }

// Run sends the requests one after another. The error is nil when each of them was answered, although items may have been refused. After a failed
// request no further one is sent.
func (p *Plan[ID]) Run(ctx context.Context) ([]Result[ID], error) {
	results := make([]Result[ID], len(p.items))
	for i := range results {
		results[i].Err = p.refused[i]
		if i < len(p.ids) {
			results[i].ID = p.ids[i]
		}
	}
	now := Progress{Total: len(p.items)}
	for _, err := range p.refused {
		if err != nil {
			now.Done++
		}
	}
	for n, group := range p.requests {
		if err := p.send(ctx, group, results); err != nil {
			for _, later := range p.requests[n+1:] {
				for _, i := range later {
					results[i].Err = &Error{Op: p.call.Op, kind: ErrNotSent, advice: "not sent, because a request before it failed"}
				}
			}
			return results, err
		}
		now.Done += len(group)
		now.Requests++
		now.Quota = p.c.Quota()
		if p.Progress != nil {
			p.Progress(now)
		}
	}
	return results, nil
}

// send sends the items of one request and fills their results.
func (p *Plan[ID]) send(ctx context.Context, group []int, results []Result[ID]) error {
	fail := func(err error) error {
		for _, i := range group {
			results[i].Err = err
		}
		return err
	}
	items := make([]json.RawMessage, len(group))
	for n, i := range group {
		items[n] = p.items[i]
	}
	call := p.call
	var err error
	if call.Body, err = json.Marshal(items); err != nil {
		return fail(invalid(call.Op, err))
	}
	res, err := p.c.send(ctx, call)
	if err != nil {
		return fail(err)
	}
	defer res.Release()
	var answers []json.RawMessage
	switch {
	case json.Unmarshal(res.Body, &answers) == nil && len(answers) == len(group):
	case len(answers) == 0 && len(group) == 1: // to one item a bare id or true
		answers = []json.RawMessage{res.Body}
	case len(answers) == 0 && string(res.Body) == "true": // and to deletes a bare true for all
		answers = make([]json.RawMessage, len(group))
		for i := range answers {
			answers[i] = res.Body
		}
	default: // which answer is whose is unknown
		return fail(unread(call, res, fmt.Sprintf("%d items were sent, %d answers came", len(group), len(answers))))
	}
	for n, i := range group {
		id, err := p.result(call, res, answers[n])
		results[i].Err = err
		if len(p.ids) == 0 {
			results[i].ID = id
		}
	}
	return nil
}

// result reads the answer to one item: {"statuscode":200,"return":5101}, {"statuscode":400,"errortext":"..."}, or what stands under return
// alone.
func (p *Plan[ID]) result(call rest.Call, res *rest.Response, answer json.RawMessage) (id ID, err error) {
	fail := func(status int, message string, kind error) error {
		return &Error{
			Op: call.Op, Method: call.Method, Route: call.Route, Status: status, Message: message, Body: head(answer),
			Attempts: res.Attempts, kind: kind, ambiguous: kind == ErrNotJSON && call.Kind == rest.Effect, //nolint:errorlint // sentinel
		}
	}
	var entry struct {
		StatusCode json.RawMessage `json:"statuscode"`
		Return     json.RawMessage `json:"return"`
	}
	if len(answer) > 0 && answer[0] == '{' {
		status := int64(0)
		if json.Unmarshal(answer, &entry) == nil {
			status, err = readInt(entry.StatusCode)
		}
		switch message := words(answer); {
		case err != nil || status == 0:
			return id, fail(res.Status, "", ErrNotJSON)
		case status < 200 || status > 299:
			return id, fail(int(status), message, kindOf(int(status), message))
		}
		answer = entry.Return
	}
	if id, ok := readID[ID](answer); ok {
		return id, nil
	}
	if call.Kind == rest.Effect && !p.ownID { // a create whose id nobody told
		return id, fail(res.Status, "", ErrNotJSON)
	}
	if string(answer) == "false" {
		return id, fail(res.Status, "Sitoo answered false", ErrValidation)
	}
	return id, nil
}

// planned cuts encoded items into requests, those refused left out.
func planned[ID Identifier, T any, Q listQuery](
	r resource[T, Q], verb, method string, kind rest.Kind, items []json.RawMessage, refused []error,
) *Plan[ID] {
	call, _ := r.call(verb, kind, method, "", nil)
	p := &Plan[ID]{c: r.c, call: call, ownID: r.ownID, items: items, refused: refused}
	if refused == nil {
		p.refused = make([]error, len(items))
	}
	var group []int
	for i := range items {
		if p.refused[i] != nil {
			continue
		}
		if group = append(group, i); len(group) == batchSize {
			p.requests, group = append(p.requests, group), nil
		}
	}
	if len(group) > 0 {
		p.requests = append(p.requests, group)
	}
	return p
}

// encodeAll encodes each item on its own, so that one that cannot be sent does not stop the others.
func encodeAll[W any](op string, n int, item func(i int) (W, string, any)) (items []json.RawMessage, refused []error) {
	items, refused = make([]json.RawMessage, n), make([]error, n)
	for i := range n {
		w, member, id := item(i)
		b, err := encode(w)
		if err == nil && member != "" {
			b, err = withMember(b, member, id)
		}
		if err != nil {
			refused[i] = invalid(op, err)
		}
		items[i] = b
	}
	return items, refused
}

func creates[ID Identifier, T any, Q listQuery, W any](r resource[T, Q], ws []W) *Plan[ID] {
	items, refused := encodeAll(r.place.name+".Create", len(ws), func(i int) (W, string, any) { return ws[i], "", nil })
	return planned[ID](r, "Create", http.MethodPost, rest.Effect, items, refused)
}

func updates[ID Identifier, T any, Q listQuery, W any](r resource[T, Q], changes []Change[ID, W]) *Plan[ID] {
	items, refused := encodeAll(r.place.name+".Update", len(changes),
		func(i int) (W, string, any) { return changes[i].Set, r.inside, changes[i].ID })
	p := planned[ID](r, "Update", http.MethodPut, rest.Write, items, refused)
	p.ids = make([]ID, len(changes))
	for i, c := range changes {
		p.ids[i] = c.ID
	}
	return p
}

func deletes[ID Identifier, T any, Q listQuery](r resource[T, Q], ids []ID) *Plan[ID] {
	items, refused := encodeAll(r.place.name+".Delete", len(ids), func(i int) (struct{}, string, any) { return struct{}{}, r.inside, ids[i] })
	p := planned[ID](r, "Delete", http.MethodDelete, rest.Write, items, refused)
	p.ids = ids
	return p
}

func sets[ID Identifier, T any, Q listQuery, W any](r resource[T, Q], rows []W) *Plan[ID] {
	items, refused := encodeAll(r.place.name+".Set", len(rows), func(i int) (W, string, any) { return rows[i], "", nil })
	return planned[ID](r, "Set", http.MethodPut, rest.Write, items, refused)
}

// one is the result of a plan of one item.
func one[ID Identifier](results []Result[ID], err error) (ID, error) {
	if err == nil && len(results) == 1 {
		return results[0].ID, results[0].Err
	}
	var none ID
	if err == nil {
		err = errors.New("sitoo: not one result")
	}
	return none, err
}
