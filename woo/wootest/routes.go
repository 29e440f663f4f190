package wootest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// resource is one kind of thing behind a collection route. A nil function is a verb that the route lacks.
type resource struct {
	table   *table
	parent  int64  // whose children it holds; 0 for none
	code    string // of the error for an unknown id
	message string
	mine    func(r *record) bool // whether a record of the table belongs here; nil: all do
	list    func() *reply
	create  func(body *object, batch bool) *reply
	update  func(r *record, body *object, batch bool) *reply
	remove  func(r *record, force bool) *reply
	render  func(r *record) *object
	view    func(r *record) *object // of a GET without context=edit; nil: render
	gets    func() *reply           // a GET of an unknown id; nil: 404
	noBatch bool
	puts    int    // status of a PUT to an unknown id; 0: 400
	lax     bool   // finds a record whoever's child it is
	noTrash string // what a DELETE without force is told, also of an unknown id; "" where there is a trash
}

// route finds what a path below wc/v3 means. A nil run is no route.
func (s *Shop) route(c *call, path []string) (run func() *reply, batch bool) {
	at := func(i int) string {
		if i < len(path) {
			return path[i]
		}
		return ""
	}
	id, err := strconv.ParseInt(at(1), 10, 64)
	if err != nil {
		id = 0
	}
	older := s.config.Version == oldest
	switch {
	case len(path) == 0:
		return s.read(c, func() *reply { return ok(obj(field{"namespace", "wc/v3"}, field{"routes", obj()})) }), false
	case at(0) == "orders" && at(2) == "notes" && id != 0:
		return s.serveResource(c, s.noteResource(c, id), path[3:])
	case at(0) == "orders" && at(2) == "refunds" && id != 0:
		return s.serveResource(c, s.refundResource(c, id), path[3:])
	case at(0) == "orders" && at(2) == "actions" && at(3) == "send_order_details" && len(path) == 4 && c.method == http.MethodPost && !older:
		return func() *reply { return s.sendDetails(id) }, false
	case at(0) == "orders":
		return s.serveResource(c, s.orderResource(c), path[1:])
	case at(0) == "refunds" && len(path) == 1 && !older:
		return s.read(c, s.refundResource(c, 0).list), false
	case at(0) == "variations" && len(path) == 1 && !older:
		return s.read(c, s.variationResource(c, 0).list), false
	case at(0) == "customers" && at(2) == "downloads" && len(path) == 3:
		return s.read(c, func() *reply { return s.downloads(id) }), false
	case at(0) == "customers":
		return s.serveResource(c, s.customerResource(c), path[1:])
	case at(0) == "webhooks":
		return s.serveResource(c, s.webhookResource(c), path[1:])
	case at(0) == "reports" && len(path) > 1:
		return s.reports(c, path[1:]), false
	case at(0) == "shipping" && at(3) == "locations" && len(path) == 4:
		zone, isInt := asInt(at(2))
		if !isInt {
			return nil, false
		}
		return s.zoneLocations(c, zone), false
	}
	if k, parent, rest := s.kindRoute(path); k != nil && (k.since == "" || !older) && !(k.path == "taxes" && at(1) == "classes") {
		return s.serveResource(c, s.kindResource(c, k, parent), rest)
	}
	if at(0) == "products" {
		return s.productRoute(c, path, id)
	}
	return s.fixedRoute(c, path)
}

// productRoute is what lies below products and is no kind.
func (s *Shop) productRoute(c *call, path []string, id int64) (run func() *reply, batch bool) {
	switch {
	case len(path) > 2 && path[2] == "variations" && id != 0:
		return s.serveResource(c, s.variationResource(c, id), path[3:])
	case len(path) == 3 && path[2] == "duplicate" && id != 0 && c.method == http.MethodPost:
		return func() *reply { return s.duplicate(id) }, false
	case len(path) == 2 && path[1] == "suggested-products":
		return s.read(c, func() *reply { return s.suggested(c) }), false
	case len(path) == 3 && path[1] == "custom-fields" && path[2] == "names" && s.config.Version == newest:
		return s.read(c, func() *reply { return s.fieldNames(c) }), false
	}
	return s.serveResource(c, s.productResource(c), path[1:])
}

func (s *Shop) read(c *call, run func() *reply) func() *reply {
	if c.method != http.MethodGet && c.method != http.MethodHead {
		return nil
	}
	return run
}

// serveResource is the shape that all collections share.
func (s *Shop) serveResource(c *call, res resource, rest []string) (run func() *reply, batch bool) {
	write := c.method == http.MethodPost || c.method == http.MethodPut || c.method == http.MethodPatch
	switch {
	case len(rest) == 0:
		switch {
		case c.method == http.MethodGet || c.method == http.MethodHead:
			return res.list, false
		case c.method == http.MethodPost && res.create != nil:
			return func() *reply { return res.create(c.body, false) }, false
		}
		return nil, false
	case len(rest) > 1:
		return nil, false
	case rest[0] == "batch" && write && !res.noBatch:
		return func() *reply { return s.batch(c, res) }, true
	}
	id, err := strconv.ParseInt(rest[0], 10, 64)
	if err != nil {
		return nil, false
	}
	switch {
	case c.method == http.MethodGet || c.method == http.MethodHead:
		return func() *reply {
			r := res.find(id)
			if r == nil {
				if res.gets != nil {
					return res.gets()
				}
				return fail(http.StatusNotFound, res.code, res.message)
			}
			if res.view != nil && c.query.get("context") != "edit" {
				return one(http.StatusOK, res.view(r))
			}
			return one(http.StatusOK, res.render(r))
		}, false
	case write && res.update != nil:
		return func() *reply { return res.put(id, c.body, false) }, false
	case c.method == http.MethodDelete && res.remove != nil:
		force := c.query.get("force")
		return func() *reply { return res.erase(id, force == "true" || force == "1") }, false
	}
	return nil, false
}

func (res resource) find(id int64) *record {
	r := res.table.rows[id]
	if r == nil || res.parent != 0 && r.parent != res.parent && !res.lax || res.mine != nil && !res.mine(r) {
		return nil
	}
	return r
}

// put is a merge, whether the verb is PUT, POST or PATCH. An unknown id is 400 here, unlike at GET and DELETE.
func (res resource) put(id int64, body *object, batch bool) *reply {
	r := res.find(id)
	if r == nil {
		message, status := res.message, http.StatusBadRequest
		if !batch && res.code == orderInvalidID {
			message = "ID is invalid."
		}
		if res.puts != 0 {
			status = res.puts
		}
		return fail(status, res.code, message)
	}
	return res.update(r, body, batch)
}

func (res resource) erase(id int64, force bool) *reply {
	if !force && res.noTrash != "" {
		return fail(http.StatusNotImplemented, "woocommerce_rest_trash_not_supported", res.noTrash)
	}
	r := res.find(id)
	if r == nil {
		return fail(http.StatusNotFound, res.code, res.message)
	}
	return res.remove(r, force)
}

// batch runs creates, updates and deletes in this order, one by one, with no transaction and no schema check of the items.
func (s *Shop) batch(c *call, res resource) *reply {
	creates, updates, deletes := c.body.list("create"), c.body.list("update"), c.body.list("delete")
	if len(creates)+len(updates)+len(deletes) > batchLimit {
		return tooMany()
	}
	result := obj()
	collect := func(group string, items []any, run func(item any) (id any, out *reply)) {
		var list []any
		for _, item := range items {
			id, out := run(item)
			if out == nil {
				continue
			}
			doc, isObject := out.body.(*object)
			if isObject && out.status >= 300 {
				doc = obj(field{"id", id}, field{"error", doc})
			}
			list = append(list, doc)
		}
		if list != nil {
			result.set(group, list)
		}
	}
	collect("create", creates, func(item any) (any, *reply) {
		body, _ := item.(*object)
		if body == nil {
			body = obj()
		}
		return number(0), res.create(body, true)
	})
	collect("update", updates, func(item any) (any, *reply) {
		body, _ := item.(*object)
		if body == nil {
			body = obj()
		}
		id, known := asInt(body.get("id"))
		if !known {
			return nil, fail(http.StatusBadRequest, res.code, res.message)
		}
		return number(id), res.put(id, body, true)
	})
	collect("delete", deletes, func(item any) (any, *reply) {
		id, _ := asInt(item)
		if id == 0 {
			return nil, nil // skipped: the results after it move up
		}
		out := res.erase(id, true)
		if res.code == variationInvalidID && s.config.Version == newest {
			return obj(field{"id", number(id)}, field{"product_id", number(res.parent)}, field{"force", true}), out
		}
		return number(id), out
	})
	if len(result.fields) == 0 {
		return ok([]any{})
	}
	return ok(result)
}

// batchLimit is how many items one batch may hold, all groups together.
const batchLimit = 100

func tooMany() *reply {
	return fail(http.StatusRequestEntityTooLarge, "woocommerce_rest_request_entity_too_large",
		"Unable to accept more than 100 items for this request.")
}

// index is /wp-json/.
func (s *Shop) index(_ *call) *object {
	doc := s.templates.index.clone()
	_, offset := time.Now().In(s.config.Location).Zone()
	name := s.config.Location.String()
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		name = "" // a mere offset
	}
	doc.set("gmt_offset", jsonFloat(float64(offset)/3600))
	doc.set("timezone_string", name)
	return doc
}

// withLinks adds the _links of a resource.
func (s *Shop) withLinks(doc *object, self, collection, up string) *object {
	own := href(self)
	if s.config.Version == newest {
		verbs := []any{"GET", "POST", "PUT", "PATCH", "DELETE"}
		if strings.Contains(self, "/notes/") || strings.Contains(self, "/refunds/") {
			verbs = []any{"GET", "DELETE"}
		}
		own[0].(*object).set("targetHints", obj(field{"allow", verbs}))
	}
	l := obj(field{"self", own}, field{"collection", href(collection)})
	if up != "" {
		l.set("up", href(up))
	}
	doc.set("_links", l)
	return doc
}

const wireTime = "2006-01-02T15:04:05"

// setDate writes both forms of a date; a zero time is null.
func (s *Shop) setDate(doc *object, key string, at time.Time) {
	if at.IsZero() {
		doc.set(key, nil)
		doc.set(key+"_gmt", nil)
		return
	}
	doc.set(key, at.In(s.config.Location).Format(wireTime))
	doc.set(key+"_gmt", at.UTC().Format(wireTime))
}

// getDate reads the UTC form.
func getDate(doc *object, key string) time.Time {
	at, err := time.Parse(wireTime, doc.text(key+"_gmt"))
	if err != nil {
		return time.Time{}
	}
	return at
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
