package woo

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The files testdata/routes-*.txt are the route indexes of the recorded stores, a line for each endpoint: methods, pattern,
// parameters.

// endpoint is such a line.
type endpoint struct {
	methods    []string
	pattern    string // "/orders/(?P<id>[\d]+)"
	parameters []string
}

var group = regexp.MustCompile(`\(\?P<\w+>[^)]*\)`)

// path is the pattern with its ids blanked: "/orders/{}".
func (e endpoint) path() string { return group.ReplaceAllString(e.pattern, "{}") }

// endpoints are those of both stores, with the parameters of both.
func endpoints(t *testing.T) map[string]*endpoint {
	t.Helper()
	all := map[string]*endpoint{}
	files, err := filepath.Glob("testdata/routes-*.txt")
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		require.Greater(t, len(lines), 140, name)
		for _, line := range lines {
			part := append(strings.Split(line, "\t"), "")
			key := part[0] + " " + part[1]
			if all[key] == nil {
				all[key] = &endpoint{methods: strings.Split(part[0], ","), pattern: part[1]}
			}
			for _, p := range strings.Fields(part[2]) {
				if !slices.Contains(all[key].parameters, p) {
					all[key].parameters = append(all[key].parameters, p)
				}
			}
		}
	}
	return all
}

// notOurs are the routes without a typed method: what their patterns match, each with the reason.
var notOurs = map[string]string{
	`^/$`:                "the index itself",
	`^/marketplace/`:     "the shop's way to buy from WooCommerce.com, for its own pages",
	`^/paypal-`:          "what PayPal calls",
	`^/layout-templates`: "forms of an editor in the shop's own pages, gone in newer shops",
}

// typedCall calls one route.
type typedCall struct {
	name  string // of the method
	do    func(ctx context.Context, c *Client)
	sends reflect.Type // the struct whose tags name the parameters, nil for none
}

// typedCalls are all typed methods, by verb and path.
func typedCalls(t *testing.T) map[string][]typedCall {
	t.Helper()
	all := map[string][]typedCall{}
	for path, of := range map[string]func(c *Client) any{
		"/orders":                       func(c *Client) any { return c.Orders },
		"/orders/{}/notes":              func(c *Client) any { return c.OrderNotes(7) },
		"/orders/{}/refunds":            func(c *Client) any { return c.Refunds(7) },
		"/refunds":                      func(c *Client) any { return c.AllRefunds },
		"/customers":                    func(c *Client) any { return c.Customers },
		"/coupons":                      func(c *Client) any { return c.Coupons },
		"/products":                     func(c *Client) any { return c.Products },
		"/products/{}/variations":       func(c *Client) any { return c.Variations(7) },
		"/variations":                   func(c *Client) any { return c.AllVariations },
		"/products/categories":          func(c *Client) any { return c.Categories },
		"/products/tags":                func(c *Client) any { return c.Tags },
		"/products/brands":              func(c *Client) any { return c.Brands },
		"/products/attributes":          func(c *Client) any { return c.Attributes },
		"/products/attributes/{}/terms": func(c *Client) any { return c.AttributeTerms(7) },
		"/products/shipping_classes":    func(c *Client) any { return c.ShippingClasses },
		"/products/reviews":             func(c *Client) any { return c.Reviews },
		"/taxes":                        func(c *Client) any { return c.TaxRates },
		"/taxes/classes":                func(c *Client) any { return c.TaxClasses },
		"/shipping/zones":               func(c *Client) any { return c.ShippingZones },
		"/shipping/zones/{}/methods":    func(c *Client) any { return c.ShippingZoneMethods(0) },
		"/shipping_methods":             func(c *Client) any { return c.ShippingMethods },
		"/payment_gateways":             func(c *Client) any { return c.PaymentGateways },
		"/settings/{}":                  func(c *Client) any { return c.Settings("general") },
		"/webhooks":                     func(c *Client) any { return c.Webhooks },
		"/system_status/tools":          func(c *Client) any { return c.SystemTools },
		"/data/continents":              func(c *Client) any { return c.Continents },
		"/data/countries":               func(c *Client) any { return c.Countries },
		"/data/currencies":              func(c *Client) any { return c.Currencies },
	} {
		for verb, call := range verbsOf(of) {
			key := strings.Replace(verb, " ", " "+path, 1)
			all[key] = append(all[key], call...)
		}
	}
	one := func(key string, sends any, do func(ctx context.Context, c *Client)) {
		call := typedCall{name: key, do: do}
		if sends != nil {
			call.sends = reflect.TypeOf(sends)
		}
		all[key] = append(all[key], call)
	}
	one("GET /orders/statuses", nil, func(ctx context.Context, c *Client) { _, _ = c.OrderStatuses(ctx) })
	one("GET /orders/{}/receipt", nil, func(ctx context.Context, c *Client) { _, _ = c.Receipt(ctx, 7) })
	one("POST /orders/{}/receipt", ReceiptFields{}, func(ctx context.Context, c *Client) { _, _ = c.CreateReceipt(ctx, 7, ReceiptFields{}) })
	one("GET /orders/{}/actions/email_templates", nil, func(ctx context.Context, c *Client) { _, _ = c.EmailTemplates(ctx, 7) })
	one("POST /orders/{}/actions/send_email", EmailFields{}, func(ctx context.Context, c *Client) { _, _ = c.SendEmail(ctx, 7, EmailFields{}) })
	one("POST /orders/{}/actions/send_order_details", EmailFields{}, func(ctx context.Context, c *Client) {
		_, _ = c.SendOrderDetails(ctx, 7, EmailFields{})
	})
	one("GET /customers/{}/downloads", nil, func(ctx context.Context, c *Client) { _, _ = c.CustomerDownloads(ctx, 7) })
	one("POST /products/{}/duplicate", nil, func(ctx context.Context, c *Client) { _, _ = c.DuplicateProduct(ctx, 7) })
	one("GET /products/{}/related", nil, func(ctx context.Context, c *Client) { _, _ = c.RelatedProducts(ctx, 7) })
	one("GET /products/suggested-products", SuggestedProductQuery{}, func(ctx context.Context, c *Client) {
		_, _ = c.SuggestedProducts(ctx, SuggestedProductQuery{})
	})
	one("GET /products/custom-fields/names", CustomFieldQuery{}, func(ctx context.Context, c *Client) {
		_, _, _ = c.CustomFieldNames(ctx, CustomFieldQuery{})
	})
	one("GET /products/shipping_classes/slug-suggestion", nil, func(ctx context.Context, c *Client) { _, _ = c.SuggestShippingClassSlug(ctx, "Big") })
	one("POST /products/{}/variations/generate", GenerateFields{}, func(ctx context.Context, c *Client) {
		_, _ = c.GenerateVariations(ctx, 7, GenerateFields{})
	})
	one("GET /shipping/zones/{}/locations", nil, func(ctx context.Context, c *Client) { _, _ = c.ShippingZoneLocations(ctx, 7) })
	one("PUT /shipping/zones/{}/locations", ShippingZoneLocation{}, func(ctx context.Context, c *Client) {
		_, _ = c.SetShippingZoneLocations(ctx, 7, nil)
	})
	one("GET /settings", nil, func(ctx context.Context, c *Client) { _, _ = c.SettingsGroups(ctx) })
	one("POST /settings/{}/batch", SettingFields{}, func(ctx context.Context, c *Client) {
		_, _ = c.UpdateSettings(ctx, []SettingChange{{"general", "woocommerce_currency", "EUR"}})
	})
	one("POST /settings/batch", settingOf{}, func(ctx context.Context, c *Client) {
		_, _ = c.UpdateSettings(ctx, []SettingChange{{"general", "woocommerce_currency", "EUR"}, {"tax", "woocommerce_prices_include_tax", "no"}})
	})
	one("GET /reports", nil, func(ctx context.Context, c *Client) { _, _ = c.Reports(ctx) })
	one("GET /reports/sales", ReportQuery{}, func(ctx context.Context, c *Client) { _, _ = c.Sales(ctx, ReportQuery{}) })
	one("GET /reports/top_sellers", ReportQuery{}, func(ctx context.Context, c *Client) { _, _ = c.TopSellers(ctx, ReportQuery{}) })
	for _, of := range []Counted{CountedOrders, CountedProducts, CountedCustomers, CountedCoupons, CountedReviews} {
		one("GET /reports/"+string(of)+"/totals", nil, func(ctx context.Context, c *Client) { _, _ = c.Totals(ctx, of) })
	}
	one("GET /system_status", nil, func(ctx context.Context, c *Client) { _, _ = c.SystemStatus(ctx) })
	one("PUT /system_status/tools/{}", SystemTool{}, func(ctx context.Context, c *Client) { _, _ = c.RunTool(ctx, "clear_transients") })
	one("GET /data", nil, func(ctx context.Context, c *Client) { _, _ = c.Data(ctx) })
	one("GET /data/currencies/current", nil, func(ctx context.Context, c *Client) { _, _ = c.CurrentCurrency(ctx) })
	return all
}

// verbsOf are the methods a collection has, whatever its type, by the verb and what follows the collection's path.
func verbsOf(of func(c *Client) any) map[string][]typedCall {
	all := map[string][]typedCall{}
	typ := reflect.TypeOf(of(&Client{}))
	for method, verb := range map[string]string{
		"List": "GET ", "All": "GET ", "Get": "GET /{}", "Create": "POST ", "Update": "PUT /{}", "Delete": "DELETE /{}",
		"CreateAll": "POST /batch", "UpdateAll": "POST /batch", "DeleteAll": "POST /batch",
	} {
		m, ok := typ.MethodByName(method)
		if !ok {
			continue
		}
		call := typedCall{name: typ.String() + "." + method}
		switch method {
		case "List", "Create":
			call.sends = m.Type.In(2)
		case "Update":
			call.sends = m.Type.In(3)
		case "CreateAll":
			call.sends = m.Type.In(2).Elem()
		}
		call.do = func(ctx context.Context, c *Client) {
			in := []reflect.Value{reflect.ValueOf(ctx)}
			for i := 2; i < m.Type.NumIn(); i++ {
				in = append(in, sample(m.Type.In(i)))
			}
			out := reflect.ValueOf(of(c)).MethodByName(method).Call(in)
			if method == "All" {
				for range out[0].Seq2() {
				}
			}
		}
		all[verb] = append(all[verb], call)
	}
	return all
}

// sample is an argument: an id, a list of one, or the zero value.
func sample(typ reflect.Type) reflect.Value {
	v := reflect.New(typ).Elem()
	switch {
	case typ.Kind() == reflect.Int64:
		v.SetInt(7)
	case typ.Kind() == reflect.String:
		v.SetString("abc")
	case typ.Kind() == reflect.Slice:
		return reflect.Append(v, sample(typ.Elem()))
	case strings.HasPrefix(typ.Name(), "Change["):
		v.Field(0).Set(sample(typ.Field(0).Type))
	}
	return v
}

// sent is what a call put on the wire.
func (call typedCall) sent(t *testing.T) []string {
	t.Helper()
	var mu sync.Mutex
	var sent []string
	c := directClient(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, r.Method+" "+r.URL.Path)
		answer(w, 404, `{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID.","data":{"status":404}}`)
	})
	call.do(t.Context(), c)
	return sent
}

// TestEveryRoute wants a typed method for each route of the recorded stores, and a route for each typed method. Do does not count.
func TestEveryRoute(t *testing.T) {
	t.Parallel()
	calls, unused := typedCalls(t), map[string]bool{}
	for key := range calls {
		unused[key] = true
	}
	left := map[string]int{}
	routes := 0
	for key, e := range endpoints(t) {
		found := 0
		for _, method := range e.methods {
			for _, call := range calls[method+" "+e.path()] {
				found++
				delete(unused, method+" "+e.path())
				sent := call.sent(t)
				require.Len(t, sent, 1, "%s for %s: requests", call.name, key)
				verb, path, _ := strings.Cut(sent[0], " ")
				require.Equal(t, method, verb, call.name)
				require.Regexp(t, `^/wp-json/wc/v3`+strings.TrimSuffix(e.pattern, "/")+`$`, path, call.name)
			}
		}
		listed := false
		for pattern := range notOurs {
			if regexp.MustCompile(pattern).MatchString(e.pattern) {
				listed = true
				left[pattern]++
			}
		}
		if listed {
			require.Zero(t, found, "%s is listed in notOurs, but has a typed method", key)
			continue
		}
		routes++
		require.NotZero(t, found, "no typed method for %s", key)
	}
	require.Empty(t, unused, "typed methods whose route no recorded store has")
	for pattern, reason := range notOurs {
		require.NotZero(t, left[pattern], "notOurs lists %s (%s), which no recorded store has", pattern, reason)
	}
	t.Logf("%d routes called; left out: %v", routes, left)
}

// untyped are the parameters without a field, each with the reason: of one endpoint, all of one endpoint, or wherever they are.
var untyped = map[string]string{
	"context":       "says how much is shown, and selects nothing: Extra sends it",
	"dates_are_gmt": "goes with every date",
	"force":         "is what Delete and DeleteAll differ in",
	"reassign":      "is about the articles of a blog's author",
	"product_name":  "is the product's, not the review's",
	"group":         "is part of the path, whose name the store misspells",

	"GET /webhooks offset":                           "is ignored",
	"GET /products/suggested-products":               "takes what /products takes, by SuggestedProductQuery.Extra",
	"GET /products/shipping_classes/slug-suggestion": "looks at the name alone",
	"POST /products/{}/duplicate":                    "has all of a product's members for arguments and looks at none",
	"POST /products/{}/variations/generate":          "has all of a variation's members for arguments; GenerateFields.Default has them",
	"POST /orders/{}/refunds shipping_lines":         "are given back as line_items, which takes the id of any line",
	"POST /orders/{}/refunds fee_lines":              "are given back as line_items, which takes the id of any line",
}

// TestEveryParameter wants a field for each parameter of a list and each member of a write.
func TestEveryParameter(t *testing.T) {
	t.Parallel()
	calls, used, checked := typedCalls(t), map[string]bool{}, 0
	for _, e := range endpoints(t) {
		if e.methods[0] == "GET" && strings.HasSuffix(e.pattern, ")") && !strings.Contains(e.pattern, "group_id") {
			continue // one record
		}
		known, endpoint := map[string]bool{}, ""
		for _, method := range e.methods {
			for _, call := range calls[method+" "+e.path()] {
				endpoint = method + " " + e.path()
				if call.sends == nil {
					continue
				}
				for i := range call.sends.NumField() {
					tag := call.sends.Field(i).Tag
					name, _, _ := strings.Cut(tag.Get("json")+tag.Get("query"), ",")
					known[name] = true
				}
			}
		}
		for _, p := range e.parameters {
			if endpoint == "" || known[p] || known[p+"_gmt"] { // a date is written in UTC
				checked++
				continue
			}
			reasons := []string{p, endpoint, endpoint + " " + p}
			i := slices.IndexFunc(reasons, func(what string) bool { return untyped[what] != "" })
			if i < 0 {
				t.Errorf("%s: no field for %s", endpoint, p)
				continue
			}
			used[reasons[i]] = true
		}
	}
	for what := range untyped {
		require.True(t, used[what], "untyped lists %s without need", what)
	}
	t.Logf("%d parameters have a field", checked)
}
