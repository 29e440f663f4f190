package wootest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// What a store brings along and knows by names, not numbers: settings, gateways, shipping methods, countries, tools. It can be read
// and partly changed, but (tax classes apart) not added to.

// loadFixed reads the recorded documents, each under the path of its list.
func loadFixed() (*object, error) {
	data, err := recorded.ReadFile("testdata/fixed.json.gz")
	if err != nil {
		return nil, fmt.Errorf("wootest: %w", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("wootest: %w", err)
	}
	if data, err = io.ReadAll(z); err != nil {
		return nil, fmt.Errorf("wootest: %w", err)
	}
	return parseObject(data)
}

// fixedRoute answers below what a store brings along.
func (s *Shop) fixedRoute(c *call, path []string) (run func() *reply, batch bool) {
	read := c.method == http.MethodGet || c.method == http.MethodHead
	write := c.method == http.MethodPost || c.method == http.MethodPut || c.method == http.MethodPatch
	all, last := strings.Join(path, "/"), path[len(path)-1]
	switch {
	case path[0] == "settings" && last == "batch" && write:
		return func() *reply { return s.settingsBatch(c, path[1:len(path)-1]) }, true
	case path[0] == "settings" && len(path) == 2 && read:
		return func() *reply {
			if list, known := s.fixed().get(all).([]any); known {
				return s.whole(clone(list).([]any), false)
			}
			if s.group(last) == nil {
				return fail(http.StatusNotFound, "rest_setting_setting_group_invalid", "Invalid setting group.")
			}
			return ok([]any{})
		}, false
	case all == "data/currencies/current" && read:
		return func() *reply { return s.one("data/currencies", s.templates.order.text("currency")) }, false
	case all == "taxes/classes" && c.method == http.MethodPost:
		return func() *reply { return s.addTaxClass(c.body) }, false
	case strings.HasPrefix(all, "taxes/classes/") && c.method == http.MethodDelete:
		return func() *reply { return s.removeTaxClass(c, last) }, false
	}
	if whole := s.fixed().get(all); whole != nil && read {
		return func() *reply {
			list, isList := whole.([]any)
			if !isList {
				return ok(clone(whole))
			}
			return s.whole(clone(list).([]any), slices.Contains([]string{"payment_gateways", "shipping_methods", "taxes/classes"}, all))
		}, false
	}
	list := strings.Join(path[:len(path)-1], "/")
	if _, isList := s.fixed().get(list).([]any); !isList || len(path) < 2 {
		return nil, false
	}
	switch {
	case read:
		return func() *reply { return s.one(list, last) }, false
	case write && (path[0] == "settings" || path[0] == "payment_gateways" || list == "system_status/tools"):
		return func() *reply { return s.writeFixed(list, last, c.body) }, false
	}
	return nil, false
}

// fixed is read when it is first needed: most tests have no use for it.
func (s *Shop) fixed() *object {
	if s.things == nil {
		o, err := loadFixed()
		if err != nil {
			panic(err) // this package's own data are broken
		}
		s.things = o
		s.describe(o.object("system_status"))
	}
	return s.things
}

// describe lets the system status tell of this store and not of the recorded one.
func (s *Shop) describe(status *object) {
	status.object("environment").set("version", s.config.Version)
	settings := status.object("settings")
	store := `Automattic\WooCommerce\Internal\DataStores\Orders\OrdersTableDataStore`
	if s.config.PostsStorage {
		store = "WC_Order_Data_Store_CPT"
	}
	for _, f := range []field{{"order_datastore", store}, {"HPOS_enabled", !s.config.PostsStorage}, {"HPOS_sync_enabled", !s.config.PostsStorage}} {
		if settings.has(f.key) {
			settings.set(f.key, f.value)
		}
	}
}

// lookup finds a document by its name.
func (s *Shop) lookup(list, name string) *object {
	for _, v := range s.fixed().list(list) {
		o := v.(*object)
		for _, key := range []string{"id", "slug", "code"} {
			if o.has(key) && strings.EqualFold(o.text(key), name) {
				return o
			}
		}
	}
	return nil
}

func (s *Shop) group(id string) *object { return s.lookup("settings", id) }

// one answers with one document of a list.
func (s *Shop) one(list, name string) *reply {
	o := s.lookup(list, name)
	if o == nil {
		return s.unknown(list)
	}
	o = o.clone()
	if group, isSetting := strings.CutPrefix(list, "settings/"); isSetting && !o.has("group_id") {
		links := o.get("_links")
		o.del("_links")
		o.set("group_id", group)
		o.set("_links", links)
	}
	return one(http.StatusOK, o)
}

// unknown is what each list says of a name it does not have.
func (s *Shop) unknown(list string) *reply {
	code, message := "woocommerce_rest_data_invalid_location", "There are no locations matching these parameters."
	switch {
	case strings.HasPrefix(list, "settings/"):
		code, message = "rest_setting_setting_invalid", "Invalid setting."
	case list == "payment_gateways":
		code, message = "woocommerce_rest_payment_gateway_invalid", noResource
	case list == "shipping_methods":
		code, message = "woocommerce_rest_shipping_method_invalid", noResource
	case list == "system_status/tools":
		code, message = "woocommerce_rest_system_status_tool_invalid_id", "Invalid tool ID."
	case list == "data/currencies":
		code, message = "woocommerce_rest_data_invalid_currency", "There are no currencies matching these parameters."
	}
	return fail(http.StatusNotFound, code, message)
}

// writeFixed changes a setting's value or a gateway, or runs a tool.
func (s *Shop) writeFixed(list, name string, body *object) *reply {
	o := s.lookup(list, name)
	if o == nil {
		return s.unknown(list)
	}
	switch list {
	case "payment_gateways":
		for _, key := range []string{"title", "description", "order", "enabled"} {
			if body.has(key) {
				o.set(key, clone(body.get(key)))
			}
		}
		for _, f := range body.object("settings").fields {
			if set := o.object("settings").object(f.key); set.has("value") {
				set.set("value", f.value)
			}
		}
	case "system_status/tools":
		ran := o.clone()
		ran.set("success", true)
		ran.set("message", "Done.")
		return one(http.StatusOK, ran)
	default:
		if options := o.object("options"); body.has("value") && len(options.fields) > 0 && isText(body.get("value")) && !options.has(body.text("value")) {
			return fail(http.StatusBadRequest, "rest_setting_value_invalid", "An invalid setting value was passed.")
		}
		if body.has("value") {
			o.set("value", clone(body.get("value")))
		}
	}
	return s.one(list, name)
}

// settingsBatch updates settings of one group, or of those that each item names.
func (s *Shop) settingsBatch(c *call, within []string) *reply {
	updates := c.body.list("update")
	if len(updates) > batchLimit {
		return tooMany()
	}
	var list []any
	for _, v := range updates {
		item, _ := v.(*object)
		if item == nil {
			item = obj()
		}
		group := item.text("group_id")
		if len(within) > 0 {
			group = within[0]
		}
		out := s.writeFixed("settings/"+group, item.text("id"), item)
		doc, _ := out.body.(*object)
		if out.status >= 300 {
			doc = obj(field{"id", item.get("id")}, field{"error", doc})
		}
		list = append(list, doc)
	}
	if list == nil {
		return ok([]any{})
	}
	return ok(obj(field{"update", list}))
}

func (s *Shop) addTaxClass(body *object) *reply {
	name := body.text("name")
	if name == "" {
		return missing("name")
	}
	if s.lookup("taxes/classes", slug(name)) != nil {
		return fail(http.StatusBadRequest, "woocommerce_rest_tax_class_exists", "Cannot create existing resource.")
	}
	o := obj(field{"slug", slug(name)}, field{"name", name},
		field{"_links", obj(field{"collection", href("taxes/classes")})})
	s.fixed().set("taxes/classes", append(s.fixed().list("taxes/classes"), o))
	return one(http.StatusCreated, o.clone())
}

func (s *Shop) removeTaxClass(c *call, name string) *reply {
	if force := c.query.get("force"); force != "true" && force != "1" {
		return fail(http.StatusNotImplemented, "woocommerce_rest_trash_not_supported", "Taxes do not support trashing.")
	}
	o := s.lookup("taxes/classes", name)
	if o == nil {
		return fail(http.StatusNotFound, "woocommerce_rest_tax_class_invalid_slug", "Invalid slug.")
	}
	s.fixed().set("taxes/classes", slices.DeleteFunc(s.fixed().list("taxes/classes"), func(v any) bool { return v == any(o) }))
	return one(http.StatusOK, o)
}

// zoneLocations are a list that is read and written as a whole.
func (s *Shop) zoneLocations(c *call, zone int64) func() *reply {
	zones := s.kinds["shipping/zones"]
	path := fmt.Sprintf("shipping/zones/%d", zone)
	write := c.method == http.MethodPut || c.method == http.MethodPost || c.method == http.MethodPatch
	if c.method != http.MethodGet && c.method != http.MethodHead && !write {
		return nil
	}
	return func() *reply {
		if zones.table.rows[zone] == nil {
			return fail(http.StatusNotFound, zones.code, zones.message)
		}
		if write {
			if zone == 0 {
				return fail(http.StatusForbidden, "woocommerce_rest_shipping_zone_locations_invalid_zone", "The &quot;locations not covered by your other zones&quot; zone cannot be updated.")
			}
			s.locations[zone] = nil
			for _, v := range c.list {
				if o, isObject := v.(*object); isObject && o.text("code") != "" {
					kind := o.text("type")
					if kind == "" {
						kind = "country"
					}
					s.locations[zone] = append(s.locations[zone], obj(field{"code", o.text("code")}, field{"type", kind}))
				}
			}
		}
		list := []any{}
		for _, o := range s.locations[zone] {
			o = o.clone()
			o.set("_links", obj(field{"collection", href(path + "/locations")}, field{"describes", href(path)}))
			list = append(list, o)
		}
		return s.whole(list, true)
	}
}

func jsonInt(n int) json.Number { return number(int64(n)) }
