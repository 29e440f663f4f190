package wootest

import (
	"cmp"
	"slices"
	"time"
)

// record is one resource. What lists filter and sort by stands beside the document, so that a list of many need not make them.
type record struct {
	id, parent        int64
	doc               *object     // nil: made on demand by made
	made              *generation // of a seeded order that nobody has changed yet
	status            string
	created, modified time.Time // whole seconds, UTC
	customer          int64     // of an order
	reduced           bool      // the order has taken its stock
	untrashed         string    // status before the trash
}

// document returns the resource's document, to be read only.
func (r *record) document() *object {
	if r.doc == nil {
		return r.made.document(r)
	}
	return r.doc
}

// own returns the resource's document to be changed.
func (r *record) own() *object {
	if r.doc == nil {
		r.doc, r.made = r.made.document(r), nil
	}
	return r.doc
}

// table holds the records of one kind.
type table struct {
	rows     map[int64]*record
	all      []*record           // ascending by id
	children map[int64][]*record // of a parent, ascending by id
}

func newTable() *table { return &table{rows: map[int64]*record{}, children: map[int64][]*record{}} }

func (t *table) add(r *record) {
	t.rows[r.id] = r
	t.all = insert(t.all, r)
	if r.parent != 0 {
		t.children[r.parent] = insert(t.children[r.parent], r)
	}
}

func (t *table) remove(r *record) {
	delete(t.rows, r.id)
	t.all = drop(t.all, r)
	t.children[r.parent] = drop(t.children[r.parent], r)
}

func place(list []*record, id int64) (at int, found bool) {
	return slices.BinarySearchFunc(list, id, func(r *record, id int64) int { return cmp.Compare(r.id, id) })
}

func insert(list []*record, r *record) []*record {
	at, _ := place(list, r.id)
	return slices.Insert(list, at, r)
}

func drop(list []*record, r *record) []*record {
	if at, found := place(list, r.id); found {
		return slices.Delete(list, at, at+1)
	}
	return list
}
