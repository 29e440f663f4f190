package legacy

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
)

// The recordings hold the same records of the same stores in both forms. So each member of wc/v3's is either the same when it
// was read through the legacy API, or named here as one that the legacy API does not have, or has otherwise.

// absent are the members that the legacy API does not have; the fields are zero. The package documentation lists them.
var absent = map[string][]string{
	"order": {
		"parent_id", "created_via", "version", "currency_symbol", "prices_include_tax", "date_created", "date_modified", "date_paid",
		"date_paid_gmt", "date_completed", "discount_tax", "transaction_id", "cart_hash", "payment_url", "is_editable", "needs_payment",
		"needs_processing", "meta_data", "refunds", "_links", "shipping.phone",
		"line_items.taxes", "line_items.global_unique_id", "line_items.image", "line_items.parent_name", "line_items.variation_id",
		"line_items.meta_data", // entries whose key begins with an underscore, ids, and display values
		"shipping_lines.instance_id", "shipping_lines.total_tax", "shipping_lines.taxes", "shipping_lines.tax_status", "shipping_lines.meta_data",
		"fee_lines.tax_status", "fee_lines.amount", "fee_lines.taxes", "fee_lines.meta_data",
		"coupon_lines.discount_tax", "coupon_lines.meta_data", "coupon_lines.discount_type", "coupon_lines.nominal_amount", "coupon_lines.free_shipping",
	},
	"product": {
		"slug", "date_created", "date_modified", "date_on_sale_from", "date_on_sale_from_gmt", "date_on_sale_to", "date_on_sale_to_gmt",
		"global_unique_id", "backorders", "low_stock_amount", "brands", "default_attributes", "has_options", "post_password", "meta_data",
		"related_ids", "_links", "attributes.id", "categories.id", "categories.slug", "price_html",
	},
	"coupon":   {"status", "date_created", "date_modified", "date_expires", "used_by", "meta_data", "_links"},
	"customer": {"date_created", "date_created_gmt", "date_modified", "is_paying_customer", "meta_data", "_links", "shipping.phone"},
}

// otherwise are members that both have, with another content; each with what it is.
var otherwise = map[string]map[string]string{
	"order": {
		"line_items.product_id": "of a variation its own id instead of its product's",
		"line_items.price":      "rounded to cents, as text",
		"tax_lines":             "one of each code: those of one code are added up; without tax_total and shipping_tax_total, whose sum is in Extra",
	},
	"product": {
		"shipping_class_id": "text, which woo's decoder converts and keeps",
		"attributes.slug":   "without the pa_ of shop-wide attributes",
		"total_sales":       "the same, but it moves without date_modified, and the two were recorded minutes apart",
	},
}

func TestRecordedOrders(t *testing.T) {
	t.Parallel()
	compare(t, "order", []string{"orders", "orders-batch", "misc"}, func(src []byte) (any, error) { return decode[woo.Order](src, order) }, 25)
}

func TestRecordedProducts(t *testing.T) {
	t.Parallel()
	compare(t, "product", []string{"products", "products-stock", "products-batch"},
		func(src []byte) (any, error) { return decode[woo.Product](src, product) }, 15)
}

func TestRecordedCustomers(t *testing.T) {
	t.Parallel()
	compare(t, "customer", []string{"customers"}, func(src []byte) (any, error) { return decode[woo.Customer](src, customer) }, 2)
}

func TestRecordedCoupons(t *testing.T) {
	t.Parallel()
	compare(t, "coupon", []string{"coupons"}, func(src []byte) (any, error) { return decode[woo.Coupon](src, coupon) }, 4)
}

// compare reads every recorded record of a kind through the legacy decoder and, where the store showed it through wc/v3 too in the
// same state, compares member by member.
func compare(t *testing.T, kind string, folders []string, read func([]byte) (any, error), atLeast int) {
	t.Helper()
	compared, decoded := 0, 0
	seen := map[string]bool{} // members with a value on either side
	for _, store := range stores {
		modern := map[string]map[string]any{} // by id and time of change
		for _, folder := range folders {
			eachRecord(t, filepath.Join("..", "testdata", "recorded", store, folder), "", func(src json.RawMessage) {
				doc := open(t, src)
				if stamp, ok := doc["date_modified_gmt"]; ok && doc["date_created"] != nil {
					modern[fmt.Sprint(doc["id"], " ", stamp)] = doc
				}
			})
		}
		eachRecord(t, filepath.Join("testdata", "recorded", store), kind, func(src json.RawMessage) {
			legacyDoc := open(t, src)
			if legacyDoc["created_at"] == nil || legacyDoc["error"] != nil {
				return // asked for with fields
			}
			item, err := read(src)
			require.NoError(t, err)
			decoded++
			got := wire(t, item)
			require.Equal(t, wire(t, item), rewire(t, item), "JSON there and back loses nothing")
			want := modern[fmt.Sprint(got["id"], " ", got["date_modified_gmt"])]
			if want == nil {
				return
			}
			compared++
			sameMembers(t, kind, "", want, got, seen)
		})
	}
	t.Logf("%s: %d recorded, %d of them compared with wc/v3", kind, decoded, compared)
	require.GreaterOrEqual(t, compared, atLeast)
	for _, name := range absent[kind] { // a name that nothing needs would hide a fault later
		require.True(t, seen[name] || strings.Contains(name, "_links"), "absent[%q] names %s, which the recordings do not have", kind, name)
	}
}

func rewire(t *testing.T, item any) map[string]any {
	t.Helper()
	src, err := json.Marshal(item)
	require.NoError(t, err)
	again := reflect.New(reflect.TypeOf(item).Elem()).Interface()
	require.NoError(t, json.Unmarshal(src, again))
	return wire(t, again)
}

// sameMembers compares what wc/v3 shows with what was made of the legacy form.
func sameMembers(t *testing.T, kind, under string, want, got map[string]any, seen map[string]bool) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		full := under + name
		seen[full] = true
		if slices.Contains(absent[kind], full) || otherwise[kind][full] != "" {
			continue
		}
		sameValue(t, kind, full, want[name], got[name], seen)
	}
}

func sameValue(t *testing.T, kind, name string, want, got any, seen map[string]bool) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		inner, ok := got.(map[string]any)
		require.True(t, ok, "%s %s: %v", kind, name, got)
		sameMembers(t, kind, name+".", want, inner, seen)
		return
	case []any:
		list, _ := got.([]any)
		require.Len(t, list, len(want), "%s %s", kind, name)
		for i := range want {
			sameValue(t, kind, name, want[i], list[i], seen)
		}
		return
	}
	a, errA := decimal.NewFromString(fmt.Sprint(want))
	b, errB := decimal.NewFromString(fmt.Sprint(got))
	if errA == nil && errB == nil {
		require.True(t, a.Equal(b), "%s %s: %v in wc/v3, %v in legacy", kind, name, want, got)
		return
	}
	require.Equal(t, want, got, "%s %s", kind, name)
}

// eachRecord calls f for every record in the answers below a folder: of wc/v3 when kind is empty, else in its envelope.
func eachRecord(t *testing.T, dir, kind string, f func(json.RawMessage)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".http" {
			return err
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		_, text, _ := strings.Cut(string(raw), "\n\n")
		src := json.RawMessage(text)
		if !json.Valid(src) {
			return nil
		}
		if kind != "" {
			var doc members
			if json.Unmarshal(src, &doc) != nil {
				return nil //nolint:nilerr // not every answer is an object
			}
			if one, ok := doc[kind]; ok {
				f(one)
			}
			src = doc[kind+"s"]
		}
		var batch map[string][]json.RawMessage
		if json.Unmarshal(src, &batch) == nil && batch != nil {
			for _, list := range batch {
				for _, one := range list {
					f(one)
				}
			}
			return nil
		}
		var list []json.RawMessage
		if json.Unmarshal(src, &list) != nil {
			list = []json.RawMessage{src}
		}
		for _, one := range list {
			if len(one) > 0 && one[0] == '{' {
				f(one)
			}
		}
		return nil
	}))
}
