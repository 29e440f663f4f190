package wootest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// These methods reach into the store as its staff and customers do: without a request, a key or a fault, but with webhooks.

// AddOrder adds an order as checkout does: body is JSON, either the fields of a create, or a whole document as the store sends
// it (one with "order_key"), which is then taken as it is but for the ids that are already in use. It returns the order's id.
func (s *Shop) AddOrder(body []byte) (id int64, err error) {
	doc, err := parseObject(body)
	if err != nil {
		return 0, fmt.Errorf("wootest: AddOrder: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if doc.text("order_key") == "" {
		out := s.createOrder(doc, true)
		made, _ := out.body.(*object)
		if out.status >= 300 || made == nil {
			return 0, fmt.Errorf("wootest: AddOrder: %s", encode(nil, out.body))
		}
		return made.int("id"), nil
	}
	id = doc.int("id")
	if id <= 0 || s.orders.rows[id] != nil {
		id = s.next.post
		doc.set("id", number(id))
	}
	s.next.post = max(s.next.post, id+1)
	doc.del("_links")
	r := &record{id: id, doc: doc, status: doc.text("status"), customer: doc.int("customer_id")}
	r.created, r.modified = getDate(doc, "date_created"), getDate(doc, "date_modified")
	if r.created.IsZero() {
		r.created = now()
	}
	if r.modified.IsZero() {
		r.modified = r.created
	}
	s.setDate(doc, "date_created", r.created)
	s.setDate(doc, "date_modified", r.modified)
	s.orders.add(r)
	s.emit("order", "created", id)
	s.emit("order", "updated", id)
	return id, nil
}

// AddProduct adds a product from the fields of a create.
func (s *Shop) AddProduct(body []byte) (id int64, err error) {
	doc, err := parseObject(body)
	if err != nil {
		return 0, fmt.Errorf("wootest: AddProduct: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.createProduct(0, doc, true)
	made, _ := out.body.(*object)
	if out.status >= 300 || made == nil {
		return 0, fmt.Errorf("wootest: AddProduct: %s", encode(nil, out.body))
	}
	return made.int("id"), nil
}

// SetStatus moves an order, with its dates, stock, note and webhooks.
func (s *Shop) SetStatus(id int64, status string) error {
	return s.edit(id, obj(field{"status", status}))
}

// EditOrder changes an order by the JSON fields of an update.
func (s *Shop) EditOrder(id int64, body []byte) error {
	doc, err := parseObject(body)
	if err != nil {
		return fmt.Errorf("wootest: EditOrder: %w", err)
	}
	return s.edit(id, doc)
}

func (s *Shop) edit(id int64, body *object) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.orders.rows[id]
	if r == nil {
		return fmt.Errorf("wootest: %w %d", ErrNoOrder, id)
	}
	if out := s.updateOrder(r, body, false); out.status >= 300 {
		return fmt.Errorf("wootest: order %d: %s", id, encode(nil, out.body))
	}
	return nil
}

// ErrNoOrder is an id that the store does not know.
var ErrNoOrder = errors.New("no order")

// TrashOrder moves an order to the trash.
func (s *Shop) TrashOrder(id int64) error { return s.removeByID(id, false) }

// RemoveOrder deletes an order for good, without any webhook, as the store does.
func (s *Shop) RemoveOrder(id int64) error { return s.removeByID(id, true) }

func (s *Shop) removeByID(id int64, force bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.orders.rows[id]
	if r == nil {
		return fmt.Errorf("wootest: %w %d", ErrNoOrder, id)
	}
	s.removeOrder(r, force)
	return nil
}

// RemoveProduct deletes a product or variation for good: orders that name it then name nothing.
func (s *Shop) RemoveProduct(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.products.rows[id]; r != nil {
		s.removeProduct(r, true)
	}
}

// Order returns an order as a GET would show it; nil when there is none.
func (s *Shop) Order(id int64) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.orders.rows[id]
	if r == nil {
		return nil
	}
	return s.json(s.renderOrder(r))
}

// Product returns a product or variation as a GET would show it; nil when there is none.
func (s *Shop) Product(id int64) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.products.rows[id]
	if r == nil {
		return nil
	}
	return s.json(s.renderProduct(r))
}

func (s *Shop) json(doc *object) json.RawMessage {
	return bytes.ReplaceAll(encode(nil, doc), []byte(`https:\/\/shop.invalid`), []byte(strings.ReplaceAll(s.base(), "/", `\/`)))
}

// OrderInfo is what the store knows of an order, in short.
type OrderInfo struct {
	ID     int64
	Status string
}

// Orders returns all orders in short, ids ascending, trashed ones included.
func (s *Shop) Orders() []OrderInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]OrderInfo, len(s.orders.all))
	for i, r := range s.orders.all {
		list[i] = OrderInfo{r.id, r.status}
	}
	return list
}

// Note is an order note.
type Note struct {
	ID         int64
	Text       string
	ToCustomer bool
}

// Notes returns the notes of an order, oldest first; those that the store wrote itself too.
func (s *Shop) Notes(order int64) []Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Note
	for _, r := range s.notes.children[order] {
		toCustomer, _ := r.doc.get("customer_note").(bool)
		list = append(list, Note{r.id, r.doc.text("note"), toCustomer})
	}
	return list
}

// Meta returns a meta value of an order, the first with that key, as JSON; nil when there is none.
func (s *Shop) Meta(order int64, key string) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.orders.rows[order]
	if r == nil {
		return nil
	}
	for _, v := range r.document().list("meta_data") {
		if m, isObject := v.(*object); isObject && m.text("key") == key {
			return encode(nil, m.get("value"))
		}
	}
	return nil
}
