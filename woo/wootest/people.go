package wootest

import (
	"fmt"
	"net/http"
	"net/mail"
	"slices"
	"strings"
)

func (s *Shop) customerResource(c *call) resource {
	return resource{
		table: s.customers, code: "wc_user_invalid_id", message: "Invalid user ID.",
		render: func(r *record) *object {
			return s.withLinks(r.document().clone(), fmt.Sprint("customers/", r.id), "customers", "")
		},
		create: s.createCustomer,
		update: func(r *record, body *object, batch bool) *reply {
			if out := s.applyCustomer(r, body, batch); out != nil {
				return out
			}
			r.modified = now()
			s.setDate(r.doc, "date_modified", r.modified)
			s.emit("customer", "updated", r.id)
			return one(http.StatusOK, s.withLinks(r.doc.clone(), fmt.Sprint("customers/", r.id), "customers", ""))
		},
		noTrash: "Customers do not support trashing.",
		gets: func() *reply {
			if s.config.Version == oldest {
				return fail(http.StatusNotFound, "woocommerce_rest_invalid_id", "Invalid resource ID.")
			}
			return fail(http.StatusNotFound, "wc_user_invalid_id", "Invalid user ID.")
		},
		remove: func(r *record, _ bool) *reply {
			s.customers.remove(r)
			s.emit("customer", "deleted", r.id)
			doc := s.withLinks(r.doc.clone(), fmt.Sprint("customers/", r.id), "customers", "")
			doc.object("_links").list("self")[0].(*object).del("targetHints") // nothing may be done to what is gone
			return one(http.StatusOK, doc)
		},
		list: func() *reply {
			email, role, word := c.query.get("email"), c.query.get("role"), strings.ToLower(c.query.get("search"))
			if role == "" {
				role = "customer"
			}
			return s.list(c, listing{
				table: s.customers, order: "asc", orderby: []string{"name", "id", "include", "registered_date"}, defaults: "context=view&role=customer",
				name: func(r *record) string { return r.doc.text("username") },
				render: func(r *record) *object {
					return s.withLinks(r.doc.clone(), fmt.Sprint("customers/", r.id), "customers", "")
				},
				match: func(r *record) bool {
					return (email == "" || strings.EqualFold(r.doc.text("email"), email)) && (role == "all" || r.doc.text("role") == role) &&
						(word == "" || strings.Contains(strings.ToLower(r.doc.text("email")+" "+r.doc.text("first_name")+" "+r.doc.text("last_name")), word))
				},
			})
		},
	}
}

func (s *Shop) createCustomer(body *object, batch bool) *reply {
	email := body.text("email")
	if email == "" {
		return missing("email")
	}
	doc := s.templates.customer.clone()
	at := now()
	r := &record{id: s.next.customer, doc: doc, created: at, modified: at}
	doc.set("id", number(r.id))
	for _, f := range []string{"first_name", "last_name"} {
		doc.set(f, "")
	}
	doc.set("username", email[:strings.IndexByte(email+"@", '@')])
	doc.set("is_paying_customer", false)
	doc.set("meta_data", []any{})
	for _, name := range []string{"billing", "shipping"} {
		for i := range doc.object(name).fields {
			doc.object(name).fields[i].value = ""
		}
	}
	s.setDate(doc, "date_created", at)
	s.setDate(doc, "date_modified", at)
	if out := s.applyCustomer(r, body, batch); out != nil {
		return out
	}
	if body.text("password") == "" && s.config.Version == newest {
		s.mergeMeta(doc, []any{obj(field{"key", "default_password_nag"}, field{"value", true})})
	}
	s.next.customer++
	s.customers.add(r)
	s.emit("customer", "created", r.id)
	s.emit("customer", "updated", r.id)
	out := one(http.StatusCreated, s.withLinks(doc.clone(), fmt.Sprint("customers/", r.id), "customers", ""))
	out.header = http.Header{"Location": {fmt.Sprint(s.base(), "/wp-json/wc/v3/customers/", r.id)}}
	return out
}

// downloads are none: the store sells no files.
func (s *Shop) downloads(customer int64) *reply {
	if s.customers.rows[customer] == nil {
		return fail(http.StatusNotFound, "wc_user_invalid_id", "Invalid resource ID.")
	}
	return ok([]any{})
}

func (s *Shop) applyCustomer(r *record, body *object, batch bool) *reply {
	if email := body.text("email"); email != "" {
		if _, err := mail.ParseAddress(email); err != nil && !batch {
			var bad invalid
			bad.add("email", "rest_invalid_email", "Invalid email address.")
			return bad.reply()
		}
		for _, other := range s.customers.all {
			if other.id != r.id && strings.EqualFold(other.doc.text("email"), email) {
				return fail(http.StatusBadRequest, "registration-error-email-exists",
					"An account is already registered with "+email+". Please log in or use a different email address.")
			}
		}
	}
	for _, name := range []string{"email", "first_name", "last_name", "username"} {
		if v, isText := body.get(name).(string); isText && (name != "username" || s.customers.rows[r.id] == nil) {
			r.doc.set(name, v)
		}
	}
	for _, name := range []string{"billing", "shipping"} {
		into := r.doc.object(name)
		for _, f := range body.object(name).fields {
			if v, isText := f.value.(string); isText && into.has(f.key) {
				into.set(f.key, v)
			}
		}
	}
	s.mergeMeta(r.doc, body.list("meta_data"))
	return nil
}

func (s *Shop) noteResource(c *call, order int64) resource {
	path := fmt.Sprintf("orders/%d", order)
	render := func(r *record) *object {
		return s.withLinks(r.doc.clone(), fmt.Sprint(path, "/notes/", r.id), path+"/notes", path)
	}
	noOrder := func() *reply {
		if s.orders.rows[order] == nil {
			return fail(http.StatusNotFound, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
		}
		return nil
	}
	return resource{
		table: s.notes, parent: order, code: "woocommerce_rest_invalid_id", message: "Invalid resource ID.", render: render, noBatch: true,
		list: func() *reply { // unpaged, newest first, no totals
			if out := noOrder(); out != nil {
				return out
			}
			list := []any{}
			kind := c.query.get("type")
			for _, r := range slices.Backward(s.notes.children[order]) {
				toCustomer, _ := r.doc.get("customer_note").(bool)
				if kind == "" || kind == "any" || (kind == "customer") == toCustomer {
					list = append(list, render(r))
				}
			}
			return ok(list)
		},
		create: func(body *object, _ bool) *reply {
			if out := noOrder(); out != nil {
				return out
			}
			if body.text("note") == "" {
				return missing("note")
			}
			toCustomer, _ := body.get("customer_note").(bool)
			r := s.addNote(order, body.text("note"), toCustomer)
			out := one(http.StatusCreated, render(r))
			out.header = http.Header{"Location": {fmt.Sprintf("%s/wp-json/wc/v3/%s/notes/%d", s.base(), path, r.id)}}
			return out
		},
		noTrash: "Webhooks do not support trashing.", // so it says
		remove: func(r *record, _ bool) *reply {
			s.notes.remove(r)
			return one(http.StatusOK, render(r))
		},
	}
}

func (s *Shop) addNote(order int64, text string, toCustomer bool) *record {
	doc := s.templates.note.clone()
	at := now()
	r := &record{id: s.next.note, parent: order, doc: doc, created: at, modified: at}
	s.next.note++
	doc.set("id", number(r.id))
	s.setDate(doc, "date_created", at)
	doc.set("note", text)
	doc.set("customer_note", toCustomer)
	s.notes.add(r)
	return r
}

func (s *Shop) refundResource(c *call, order int64) resource {
	render := func(r *record) *object {
		doc := r.document().clone()
		path := fmt.Sprint("orders/", r.parent)
		if order == 0 { // the list over all orders tells whose it is
			doc.fields = slices.Insert(doc.fields, 1, field{"parent_id", number(r.parent)})
		}
		return s.withLinks(doc, fmt.Sprint(path, "/refunds/", r.id), path+"/refunds", path)
	}
	return resource{
		table: s.refunds, parent: order, code: "woocommerce_rest_shop_order_refund_invalid_id", message: "Invalid ID.", render: render, noBatch: true,
		list: func() *reply {
			if order != 0 && s.orders.rows[order] == nil {
				return fail(http.StatusNotFound, orderInvalidID, "Invalid order ID.")
			}
			return s.list(c, listing{
				table: s.refunds, parent: order, render: render, orderby: []string{"date", "id", "include", "title", "slug", "modified"}, defaults: "dp=2",
			})
		},
		create:  func(body *object, _ bool) *reply { return s.createRefund(order, body, render) },
		noTrash: "Webhooks do not support trashing.", // so it says
		remove: func(r *record, _ bool) *reply {
			s.refunds.remove(r)
			doc := s.orders.rows[r.parent].own()
			doc.set("refunds", slices.DeleteFunc(slices.Clone(doc.list("refunds")), func(v any) bool { return v.(*object).int("id") == r.id }))
			return one(http.StatusOK, render(r))
		},
	}
}
