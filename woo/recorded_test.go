package woo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The folder testdata/recorded holds answers of two real stores, byte for byte: status line, headers, empty line, body.

// recordedKinds says what the folders hold, or the files where a folder holds several kinds. errors and failure-modes belong to
// the tests of the client.
var recordedKinds = map[string]func(t *testing.T, src []byte) (again []byte, extras map[string]string){
	"orders":         roundTrip[Order],
	"orders-batch":   roundTrip[Order],
	"misc":           roundTrip[Order],
	"order-notes":    roundTrip[OrderNote],
	"refunds":        roundTrip[Refund],
	"products":       roundTrip[Product],
	"products-stock": roundTrip[Product],
	"products-batch": roundTrip[Product],
	"variations":     roundTrip[Variation],
	"customers":      roundTrip[Customer],

	"coupons":          roundTrip[Coupon],
	"webhooks":         roundTrip[Webhook],
	"taxes":            roundTrip[TaxRate],
	"taxes/classes":    roundTrip[TaxClass],
	"shipping_methods": roundTrip[ShippingMethod],
	"payment_gateways": roundTrip[PaymentGateway],
	"settings":         roundTrip[Setting],
	"settings/groups":  roundTrip[SettingsGroup],

	"products-taxonomy/attributes":       roundTrip[GlobalAttribute],
	"products-taxonomy/attribute-terms":  roundTrip[AttributeTerm],
	"products-taxonomy/categories":       roundTrip[ProductCategory],
	"products-taxonomy/category-create":  roundTrip[ProductCategory],
	"products-taxonomy/category-exists":  roundTrip[ProductCategory],
	"products-taxonomy/tags":             roundTrip[ProductTag],
	"products-taxonomy/brands":           roundTrip[ProductBrand],
	"products-taxonomy/shipping_classes": roundTrip[ShippingClass],
	"products-taxonomy/reviews":          roundTrip[Review],

	"shipping":                  roundTrip[ShippingZone],
	"shipping/zone-1-locations": roundTrip[ShippingZoneLocation],
	"shipping/zone-1-methods":   roundTrip[ShippingZoneMethod],
	"shipping/zone-1-method-1":  roundTrip[ShippingZoneMethod],

	"reports":                   roundTrip[Total],
	"reports/index":             roundTrip[IndexEntry],
	"reports/sales":             roundTrip[SalesReport],
	"reports/sales-period":      roundTrip[SalesReport],
	"reports/sales-range":       roundTrip[SalesReport],
	"reports/top_sellers":       roundTrip[TopSeller],
	"reports/top-sellers-month": roundTrip[TopSeller],

	"data/index":              roundTrip[IndexEntry],
	"data/continents-eu":      roundTrip[Continent],
	"data/countries":          roundTrip[Country],
	"data/countries-si":       roundTrip[Country],
	"data/countries-us":       roundTrip[Country],
	"data/currencies-current": roundTrip[Currency],
	"data/currencies-eur":     roundTrip[Currency],

	"system_status":       roundTrip[SystemStatus],
	"system_status/tools": roundTrip[SystemTool],

	"customers/downloads": roundTrip[CustomerDownload],
}

// deliveredKinds says the same of webhook deliveries, by X-WC-Webhook-Resource.
var deliveredKinds = map[string]string{"order": "orders", "product": "products", "customer": "customers"}

// notRecords are files that hold no records of these kinds, each with what they hold.
var notRecords = map[string]string{
	"misc/head-orders.http":                "the answer to HEAD has no body",
	"misc/jsonp.http":                      "JavaScript around the JSON",
	"misc/options-orders.http":             "the schema",
	"misc/order-actions-send-details.http": "a message, no record",
	"products/custom-fields-names.http":    "names, no products",
}

// neverRecorded are the kinds of which the stores had none.
var neverRecorded = map[string]string{
	"products-taxonomy/brands":           "an empty list",
	"products-taxonomy/reviews":          "an empty list",
	"products-taxonomy/shipping_classes": "an empty list",
	"products-taxonomy/category-exists":  "an error",
	"customers/downloads":                "an empty list",
}

// unknownMembers are the members that may end up in Extra, each with the reason.
var unknownMembers = map[string]string{
	"_links":    "addresses of the API itself, different by version; whoever needs one reads Extra",
	"_embedded": "sent when asked for with _embed only",
}

// unknownIn are further ones, by file.
var unknownIn = map[string]struct {
	reason string
	names  []string
}{
	"products/duplicate.http": {"the shop lets out its internal object, not the resource", []string{
		"date_created", "date_modified", "low_stock_amount", "length", "width", "height", "category_ids", "tag_ids", "brand_ids",
		"image_id", "gallery_image_ids", "rating_counts", "review_count", "cogs_value",
	}},
	"data/countries.http":     {"PHP makes numbers of the codes that look like them", []string{"code"}},
	"system_status/full.http": {"PHP's 0 stands for a text that there is none of", []string{"version_latest"}},

	"misc/wc-v1-order.http": {"wc/v1 has other members in lines and refunds", []string{"meta", "refund"}},
}

func TestRecorded(t *testing.T) {
	t.Parallel()
	total := map[string]int{}
	walkRecorded(t, func(t *testing.T, version, file string, head, body []byte) {
		dir := path.Dir(file)
		if dir == "errors" || dir == "failure-modes" {
			return
		}
		if _, ok := notRecords[file]; ok {
			return
		}
		if dir == "webhook-deliveries" {
			resource := regexp.MustCompile(`X-WC-Webhook-Resource: (\w+)`).FindSubmatch(head)
			if resource == nil {
				require.Contains(t, string(body), "webhook_id=", "only a ping has no X-WC headers")
				return
			}
			if dir = deliveredKinds[string(resource[1])]; dir == "" {
				require.Equal(t, "action", string(resource[1]))
				return
			}
		}
		kind := strings.TrimSuffix(file, ".http")
		check, ok := recordedKinds[kind]
		if !ok {
			kind = dir
			check, ok = recordedKinds[dir]
		}
		require.True(t, ok, "what does %s hold?", file)
		for _, src := range records(t, body) {
			again, extras := check(t, src)
			requireLossless(t, src, again)
			for place, name := range extras {
				if unknownMembers[name] == "" && !slices.Contains(unknownIn[file].names, name) {
					t.Errorf("%s: the member %s of %s has no field that fits", file, name, place)
				}
			}
			total[version+"/"+kind]++
		}
	})
	// A walk that finds nothing would pass too.
	for _, version := range []string{"wc-11.0.1", "wc-8.9.1"} {
		for dir, atLeast := range map[string]int{
			"orders": 350, "orders-batch": 10, "misc": 5, "order-notes": 7, "refunds": 5, "products": 350, "products-stock": 15,
			"products-batch": 5, "variations": 15, "customers": 10, "coupons": 9, "webhooks": 10, "taxes": 5, "taxes/classes": 3,
			"shipping_methods": 3, "payment_gateways": 4, "settings": 30, "settings/groups": 10, "shipping": 4,
			"products-taxonomy/categories": 5, "reports": 10, "reports/sales": 1, "reports/top_sellers": 1, "data/countries": 200,
			"system_status": 2, "system_status/tools": 10,
		} {
			require.GreaterOrEqual(t, total[version+"/"+dir], atLeast, "records in %s/%s", version, dir)
		}
	}
	for kind := range recordedKinds {
		if total["wc-11.0.1/"+kind] == 0 && neverRecorded[kind] == "" {
			t.Errorf("no record of %s was read", kind)
		}
	}
	t.Logf("records read and written back: %v", total)
}

// walkRecorded calls f for every file, as a subtest.
func walkRecorded(t *testing.T, f func(t *testing.T, version, file string, head, body []byte)) {
	t.Helper()
	root := os.DirFS("testdata/recorded")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".http" {
			return err
		}
		raw, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		version, file, _ := strings.Cut(name, "/")
		head, body, _ := bytes.Cut(raw, []byte("\n\n"))
		t.Run(name, func(t *testing.T) { f(t, version, file, head, body) })
		return nil
	})
	require.NoError(t, err)
}

// records takes the records out of an answer: one, a page, a batch, an envelope. Errors are none.
func records(t *testing.T, body []byte) (found []json.RawMessage) {
	t.Helper()
	var page []json.RawMessage
	if json.Unmarshal(body, &page) == nil {
		return page
	}
	var one map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(body, &one), "%s", body)
	switch {
	case one["code"] != nil && one["message"] != nil, one["error"] != nil, one["action"] != nil:
		return nil
	case one["order"] != nil && len(one) == 1: // a webhook made through the legacy API
		return nil
	case one["body"] != nil:
		return records(t, one["body"])
	}
	if one["create"] == nil && one["update"] == nil && one["delete"] == nil {
		return []json.RawMessage{body}
	}
	for _, group := range []string{"create", "update", "delete"} {
		if one[group] == nil {
			continue
		}
		var items []json.RawMessage
		require.NoError(t, json.Unmarshal(one[group], &items))
		for _, item := range items {
			found = append(found, records(t, item)...)
		}
		delete(one, group)
	}
	require.Empty(t, one)
	return found
}

// roundTrip reads src, writes it, reads that, and wants the same value and the same bytes again. extras are the members that have no
// field: place to name.
func roundTrip[T any](t *testing.T, src []byte) (again []byte, extras map[string]string) {
	t.Helper()
	var first, second T
	require.NoError(t, json.Unmarshal(src, &first), "%s", src)
	again, err := json.Marshal(first)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(again, &second))
	requireSame(t, first, second)
	third, err := json.Marshal(second)
	require.NoError(t, err)
	require.Equal(t, string(again), string(third))

	page, bad, err := decodeList[T](slices.Concat([]byte("["), src, []byte("]")))
	require.NoError(t, err)
	require.Empty(t, bad)
	require.Len(t, page, 1)
	requireSame(t, first, *page[0])

	extras = map[string]string{}
	findExtras(reflect.ValueOf(first), reflect.TypeFor[T]().Name(), extras)
	return again, extras
}

// requireSame compares without printing two whole orders when they differ. Raw JSON is compared without its spaces.
func requireSame(t *testing.T, want, got any) {
	t.Helper()
	if !reflect.DeepEqual(compacted(reflect.ValueOf(want)).Interface(), compacted(reflect.ValueOf(got)).Interface()) {
		require.Equal(t, fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got))
		t.Fatal("values differ where printing shows nothing")
	}
}

// compacted returns a copy of v in which raw JSON has no spaces and texts are escaped alike.
func compacted(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch {
	case v.Type() == rawType:
		if !v.IsNil() {
			b, err := json.Marshal(v.Interface())
			if err == nil {
				out.SetBytes(b)
			}
		}
	case v.Kind() == reflect.Map && !v.IsNil():
		out.Set(reflect.MakeMap(v.Type()))
		for _, key := range v.MapKeys() {
			out.SetMapIndex(key, compacted(v.MapIndex(key)))
		}
	case v.Kind() == reflect.Slice && !v.IsNil():
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(compacted(v.Index(i)))
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		out.Set(reflect.New(v.Type().Elem()))
		out.Elem().Set(compacted(v.Elem()))
	case v.Kind() == reflect.Struct && isObject(v.Type()):
		for i := range v.NumField() {
			out.Field(i).Set(compacted(v.Field(i)))
		}
	}
	return out
}

func findExtras(v reflect.Value, place string, found map[string]string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			findExtras(v.Elem(), place, found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			findExtras(v.Index(i), fmt.Sprintf("%s[%d]", place, i), found)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			findExtras(v.MapIndex(key), fmt.Sprintf("%s[%s]", place, key), found)
		}
	case reflect.Struct:
		if !isObject(v.Type()) {
			return
		}
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if name != extraName {
				findExtras(v.Field(i), place+"."+name, found)
				continue
			}
			for _, member := range slices.Sorted(maps.Keys(v.Field(i).Interface().(map[string]json.RawMessage))) {
				found[place+"+"+member] = member
			}
		}
	}
}

// requireLossless wants every member, number, text and element of src in again, numbers digit by digit. What again has beyond that must
// be nothing: an empty or zero value of a field that src does not have.
func requireLossless(t *testing.T, src, again []byte) {
	t.Helper()
	want, got := generic(t, src), generic(t, again)
	if err := lossless("", want, got); err != nil {
		t.Fatalf("%v\nread:    %s\nwritten: %s", err, src, again)
	}
}

func generic(t *testing.T, src []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	require.NoError(t, d.Decode(&v))
	return v
}

func lossless(place string, want, got any) error {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: an object became %v", place, got)
		}
		for name, v := range want {
			g, ok := got[name]
			if !ok {
				return fmt.Errorf("%s.%s: lost", place, name)
			}
			if err := lossless(place+"."+name, v, g); err != nil {
				return err
			}
		}
		for name, v := range got {
			if _, ok := want[name]; !ok && !isNothing(v) {
				return fmt.Errorf("%s.%s: invented: %v", place, name, v)
			}
		}
		return nil
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return fmt.Errorf("%s: a list of %d became %v", place, len(want), got)
		}
		for i := range want {
			if err := lossless(fmt.Sprintf("%s[%d]", place, i), want[i], got[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if want != got {
		return fmt.Errorf("%s: %T %v became %T %v", place, want, want, got, got)
	}
	return nil
}

func isNothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		for _, member := range v {
			if !isNothing(member) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	case json.Number:
		return v == "0"
	}
	return v == "" || v == false
}

// contractMembers are the members that the shop's contract names, by type.
var contractMembers = map[reflect.Type]string{
	reflect.TypeFor[Order](): `id parent_id number order_key created_via version status currency currency_symbol prices_include_tax
		date_created date_created_gmt date_modified date_modified_gmt date_paid date_paid_gmt date_completed date_completed_gmt
		discount_total discount_tax shipping_total shipping_tax cart_tax total total_tax customer_id customer_ip_address
		customer_user_agent customer_note payment_method payment_method_title transaction_id cart_hash payment_url is_editable
		needs_payment needs_processing billing shipping meta_data line_items tax_lines shipping_lines fee_lines coupon_lines refunds`,
	reflect.TypeFor[Address](): `first_name last_name company address_1 address_2 city state postcode country email phone`,
	reflect.TypeFor[LineItem](): `id name product_id variation_id quantity tax_class subtotal subtotal_tax total total_tax taxes meta_data
		sku global_unique_id price image parent_name cost_of_goods_sold`,
	reflect.TypeFor[LineImage]():     `id src`,
	reflect.TypeFor[Tax]():           `id total subtotal`,
	reflect.TypeFor[TaxLine]():       `id rate_code rate_id label compound tax_total shipping_tax_total rate_percent`,
	reflect.TypeFor[ShippingLine]():  `method_title method_id instance_id total total_tax taxes tax_status`,
	reflect.TypeFor[FeeLine]():       `name tax_class tax_status amount total total_tax taxes`,
	reflect.TypeFor[CouponLine]():    `code discount discount_tax discount_type nominal_amount free_shipping meta_data`,
	reflect.TypeFor[RefundSummary](): `id reason total total_tax`,
	reflect.TypeFor[Refund]():        `id parent_id amount reason refunded_by refunded_payment line_items meta_data`,
	reflect.TypeFor[OrderNote]():     `id author note customer_note date_created date_created_gmt`,
	reflect.TypeFor[Product](): `id name slug permalink date_created date_created_gmt date_modified date_modified_gmt type status featured
		catalog_visibility description short_description sku global_unique_id price regular_price sale_price date_on_sale_from
		date_on_sale_from_gmt date_on_sale_to date_on_sale_to_gmt price_html on_sale purchasable total_sales virtual downloadable downloads
		download_limit download_expiry external_url button_text tax_status tax_class manage_stock stock_quantity stock_status backorders
		backorders_allowed backordered low_stock_amount sold_individually weight dimensions shipping_required shipping_taxable
		shipping_class shipping_class_id reviews_allowed average_rating rating_count related_ids upsell_ids cross_sell_ids parent_id
		purchase_note categories tags brands images attributes default_attributes variations grouped_products menu_order has_options
		post_password meta_data permalink_template generated_slug`,
	reflect.TypeFor[ProductAttribute](): `id name slug position visible variation options`,
	reflect.TypeFor[Variation]():        `id type name parent_id image gallery_image_ids attributes`,
	reflect.TypeFor[AttributeChoice]():  `id name slug option`,
	// Of these the stores had none to record.
	reflect.TypeFor[ProductBrand]():  `id name slug parent description display image menu_order count`,
	reflect.TypeFor[ShippingClass](): `id name slug description count`,
	reflect.TypeFor[Review](): `id date_created date_created_gmt product_id product_name product_permalink status reviewer reviewer_email
		review rating verified reviewer_avatar_urls`,
	reflect.TypeFor[CustomerDownload](): `download_id download_url product_id product_name download_name order_id order_key
		downloads_remaining access_expires access_expires_gmt file`,
	reflect.TypeFor[Receipt]():         `receipt_url expiration_date`,
	reflect.TypeFor[EmailTemplate]():   `id title description`,
	reflect.TypeFor[OrderStatusName](): `slug name`,

	reflect.TypeFor[Customer](): `id email first_name last_name username role is_paying_customer avatar_url billing shipping meta_data
		date_created date_created_gmt date_modified date_modified_gmt`,
}

// TestContractMembers wants a field for each of them, so that TestRecorded finding one in Extra means a value that does not fit.
func TestContractMembers(t *testing.T) {
	t.Parallel()
	for typ, names := range contractMembers {
		for _, name := range strings.Fields(names) {
			require.Contains(t, planOf(typ).byName, name, typ.Name())
		}
	}
}
