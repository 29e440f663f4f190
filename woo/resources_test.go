package woo

import (
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// scripted answers by "METHOD path" below /wp-json/wc/v3, and keeps what was asked.
func scripted(t *testing.T, answers map[string]string) (*Client, *journalOf) {
	t.Helper()
	j := &journalOf{}
	c := directClient(t, func(w http.ResponseWriter, r *http.Request) {
		j.note(r)
		body, ok := answers[r.Method+" "+strings.TrimPrefix(r.URL.Path, "/wp-json/wc/v3/")]
		if !ok {
			t.Errorf("not expected: %s %s", r.Method, r.URL.Path)
			answer(w, 404, `{"code":"rest_no_route","message":"No route","data":{"status":404}}`)
			return
		}
		answer(w, 200, body)
	})
	return c, j
}

// The zone of the rest of the world has the id 0, like no other record.
func TestZoneZero(t *testing.T) {
	t.Parallel()
	c, j := scripted(t, map[string]string{
		"GET shipping/zones/0":              `{"id":0,"name":"Rest of the world","order":0}`,
		"PUT shipping/zones/0":              `{"id":0,"name":"Elsewhere","order":0}`,
		"GET shipping/zones/0/methods":      `[{"id":4,"instance_id":4,"title":"Post","settings":{"cost":{"id":"cost","value":"9.90"}}}]`,
		"POST shipping/zones/0/methods":     `{"id":5,"instance_id":5,"method_id":"flat_rate","settings":[]}`,
		"GET shipping/zones":                `[{"id":0,"name":"Rest of the world"},{"id":1,"name":"Slovenia"}]`,
		"GET shipping/zones/3/locations":    `[{"code":"SI","type":"country"}]`,
		"PUT shipping/zones/3/locations":    `[{"code":"US:NY","type":"state"}]`,
		"DELETE shipping/zones/0/methods/5": `{"id":5,"instance_id":5}`,
	})
	ctx := t.Context()
	zone, err := c.ShippingZones.Get(ctx, RestOfWorld)
	require.NoError(t, err)
	require.Equal(t, "Rest of the world", zone.Name)
	_, err = c.ShippingZones.Update(ctx, RestOfWorld, ShippingZoneFields{Name: Set("Elsewhere")})
	require.NoError(t, err)
	zones, page, err := c.ShippingZones.List(ctx, Everything{})
	require.NoError(t, err)
	require.Len(t, zones, 2)
	require.Equal(t, &Page{2, 1}, page)
	methods := c.ShippingZoneMethods(RestOfWorld)
	for m, err := range methods.All(ctx, Everything{}) {
		require.NoError(t, err)
		require.Equal(t, "9.90", m.Settings["cost"].Text())
	}
	made, err := methods.Create(ctx, ShippingZoneMethodFields{MethodID: Set("flat_rate"), Settings: Set(map[string]string{"cost": "4.10"})})
	require.NoError(t, err)
	require.Equal(t, ShippingZoneMethodID(5), made.ID)
	require.Empty(t, made.Settings)
	require.JSONEq(t, `{"method_id":"flat_rate","settings":{"cost":"4.10"}}`, j.body[j.len()-1])
	require.NoError(t, methods.Delete(ctx, made.ID))
	require.Equal(t, "force=true", j.seen[j.len()-1].URL.RawQuery)

	places, err := c.ShippingZoneLocations(ctx, 3)
	require.NoError(t, err)
	require.Equal(t, CountryLocation, places[0].Type)
	places, err = c.SetShippingZoneLocations(ctx, 3, []ShippingZoneLocation{{Code: "US:NY", Type: StateLocation}})
	require.NoError(t, err)
	require.Equal(t, "US:NY", places[0].Code)
	require.JSONEq(t, `[{"code":"US:NY","type":"state"}]`, j.body[j.len()-1])
	_, err = c.SetShippingZoneLocations(ctx, 3, nil)
	require.NoError(t, err)
	require.Equal(t, `[]`, j.body[j.len()-1])

	n := j.len()
	_, err = c.Products.Get(ctx, 0)
	require.ErrorIs(t, err, ErrValidation, "0 is an id of zones only")
	require.Equal(t, n, j.len())
}

func TestSettings(t *testing.T) {
	t.Parallel()
	c, j := scripted(t, map[string]string{
		"PUT settings/general/woocommerce_currency": `{"id":"woocommerce_currency","value":"EUR","group_id":"general"}`,
		"POST settings/general/batch": `{"update":[{"id":"woocommerce_currency","value":"EUR"},` +
			`{"id":"nonsense","error":{"code":"rest_setting_setting_invalid","message":"Invalid setting.","data":{"status":404}}}]}`,
		"POST settings/batch": `{"update":[{"id":"woocommerce_currency","value":"EUR"},{"id":"woocommerce_prices_include_tax","value":"no"}]}`,
	})
	ctx := t.Context()
	s, err := c.Settings("general").Update(ctx, "woocommerce_currency", SettingFields{Value: Set[any]("EUR")})
	require.NoError(t, err)
	require.Equal(t, "EUR", s.Text())
	require.JSONEq(t, `{"value":"EUR"}`, j.body[0])

	results, err := c.UpdateSettings(ctx, []SettingChange{{"general", "woocommerce_currency", "EUR"}, {"general", "nonsense", true}})
	require.NoError(t, err)
	require.Equal(t, "EUR", results[0].Item.Text())
	require.ErrorIs(t, results[1].Err, ErrNotFound)
	require.JSONEq(t, `{"update":[{"id":"woocommerce_currency","value":"EUR"},{"id":"nonsense","value":true}]}`, j.body[1])

	results, err = c.UpdateSettings(ctx, []SettingChange{
		{"general", "woocommerce_currency", "EUR"}, {"tax", "woocommerce_prices_include_tax", "no"}})
	require.NoError(t, err)
	require.Equal(t, "no", results[1].Item.Text())
	require.JSONEq(t, `{"update":[{"id":"woocommerce_currency","group_id":"general","value":"EUR"},
		{"id":"woocommerce_prices_include_tax","group_id":"tax","value":"no"}]}`, j.body[2])

	_, err = c.UpdateSettings(ctx, []SettingChange{{ID: "woocommerce_currency"}})
	require.ErrorIs(t, err, ErrValidation)
	results, err = c.UpdateSettings(ctx, nil)
	require.NoError(t, err)
	require.Empty(t, results)
	require.Equal(t, 3, j.len())
	_, err = c.Settings("").Get(ctx, "x")
	require.ErrorIs(t, err, ErrValidation, "a group without a name would be another route")
}

func TestSettingChoices(t *testing.T) {
	t.Parallel()
	gateways, _, err := decodeList[PaymentGateway](recorded(t, "payment_gateways/list.http"))
	require.NoError(t, err)
	i := slices.IndexFunc(gateways, func(g *PaymentGateway) bool { return g.ID == "cod" })
	choices := gateways[i].Settings["enable_for_methods"].Choices()
	require.Contains(t, choices, Choice{"flat_rate", "Any &quot;Flat rate&quot; method", "Flat rate"})
	require.Equal(t, "Flat rate", choices[0].Group)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", gateways[i], *gateways[i], *gateways[i]), "Instructions", "settings may hold secrets")

	currency, err := decodeOne[Setting](recorded(t, "settings/currency.http"))
	require.NoError(t, err)
	require.Equal(t, "EUR", currency.Text())
	choices = currency.Choices()
	require.Greater(t, len(choices), 100)
	require.Equal(t, "AED", choices[0].Value, "in the shop's order")
	require.Nil(t, Setting{}.Choices())
}

func TestOrderActions(t *testing.T) {
	t.Parallel()
	c, j := scripted(t, map[string]string{
		"GET orders/7/receipt":                     `{"receipt_url":"https://shop.example/wc/file/transient/1","expiration_date":"2026-11-22"}`,
		"POST orders/7/receipt":                    `{"receipt_url":"https://shop.example/wc/file/transient/1","expiration_date":"2026-12-01"}`,
		"GET orders/7/actions/email_templates":     `[{"id":"customer_invoice","title":"Order details","description":""}]`,
		"POST orders/7/actions/send_email":         `{"message":"Sent."}`,
		"POST orders/7/actions/send_order_details": string(recorded(t, "misc/order-actions-send-details.http")),
		"GET orders/statuses":                      `[{"slug":"pending","name":"Pending payment"},{"slug":"packed","name":"Packed"}]`,
	})
	ctx := t.Context()
	receipt, err := c.Receipt(ctx, 7)
	require.NoError(t, err)
	require.Equal(t, "2026-11-22", receipt.ExpirationDate)
	_, err = c.CreateReceipt(ctx, 7, ReceiptFields{ExpirationDate: Set("2026-12-01")})
	require.NoError(t, err)
	require.JSONEq(t, `{"expiration_date":"2026-12-01"}`, j.body[1])
	_, err = c.CreateReceipt(ctx, 7, ReceiptFields{ExpirationDate: Set("1.12.2026")})
	require.ErrorIs(t, err, ErrValidation)
	templates, err := c.EmailTemplates(ctx, 7)
	require.NoError(t, err)
	require.Equal(t, "customer_invoice", templates[0].ID)
	message, err := c.SendEmail(ctx, 7, EmailFields{TemplateID: Set("customer_invoice")})
	require.NoError(t, err)
	require.Equal(t, "Sent.", message)
	require.JSONEq(t, `{"template_id":"customer_invoice"}`, j.body[3])
	message, err = c.SendOrderDetails(ctx, 7, EmailFields{})
	require.NoError(t, err)
	require.Contains(t, message, "Order details sent to")
	statuses, err := c.OrderStatuses(ctx)
	require.NoError(t, err)
	require.Equal(t, OrderStatus("packed"), statuses[1].Slug)
	n := j.len()
	_, err = c.SendEmail(ctx, 0, EmailFields{})
	require.ErrorIs(t, err, ErrValidation)
	require.Equal(t, n, j.len())
}

// What does something anew each time it arrives is on the wire once.
func TestActionsAreSentOnce(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(c *Client) error{
		"mail":    func(c *Client) error { _, err := c.SendEmail(t.Context(), 7, EmailFields{}); return err },
		"details": func(c *Client) error { _, err := c.SendOrderDetails(t.Context(), 7, EmailFields{}); return err },
		"copy":    func(c *Client) error { _, err := c.DuplicateProduct(t.Context(), 7); return err },
		"tool":    func(c *Client) error { _, err := c.RunTool(t.Context(), "clear_transients"); return err },
		"new copy": func(c *Client) error {
			_, err := c.CreateReceipt(t.Context(), 7, ReceiptFields{ForceNew: Set(true)})
			return err
		},
		"make many": func(c *Client) error { _, err := c.GenerateVariations(t.Context(), 7, GenerateFields{}); return err },
		"zone": func(c *Client) error {
			_, err := c.ShippingZones.Create(t.Context(), ShippingZoneFields{Name: Set("EU")})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := 0
			c := directClient(t, func(w http.ResponseWriter, _ *http.Request) {
				sent++
				answer(w, 502, `{"code":"bad_gateway","message":"x"}`)
			})
			require.ErrorIs(t, call(c), ErrAmbiguous)
			require.Equal(t, 1, sent)
		})
	}
}

func TestProductActions(t *testing.T) {
	t.Parallel()
	c, j := scripted(t, map[string]string{
		"POST products/7/duplicate":                     string(recorded(t, "products/duplicate.http")),
		"GET products/7/related":                        `[12,{"id":13,"name":"x"},"14"]`,
		"GET products/suggested-products":               string(recorded(t, "products/suggested.http")),
		"GET products/custom-fields/names":              string(recorded(t, "products/custom-fields-names.http")),
		"GET products/shipping_classes/slug-suggestion": `"bulky-2"`,
		"POST products/7/variations/generate":           `{"count":4,"deleted_count":1}`,
		"GET customers/7/downloads": `[{"download_id":"a1","download_url":"https://shop.example/?download_file=1","product_id":3,"product_name":"Book",
			"download_name":"EPUB","order_id":9,"order_key":"wc_order_x","downloads_remaining":"unlimited","access_expires":"never",
			"access_expires_gmt":"never","file":{"name":"EPUB","file":"https://shop.example/book.epub"}},
			{"download_id":"a2","downloads_remaining":3,"access_expires":"2026-12-24T01:00:00","access_expires_gmt":"2026-12-24T00:00:00"}]`,
		"POST products/reviews/batch": `{"delete":[{"deleted":true,"previous":{"id":5,"review":"Good","rating":5}}]}`,
		"DELETE products/reviews/5":   `{"id":5,"status":"trash"}`,
	})
	ctx := t.Context()
	id, err := c.DuplicateProduct(ctx, 7)
	require.NoError(t, err)
	require.Equal(t, ProductID(577), id)
	related, err := c.RelatedProducts(ctx, 7)
	require.NoError(t, err)
	require.Equal(t, []ProductID{12, 13, 14}, related)
	suggested, err := c.SuggestedProducts(ctx, SuggestedProductQuery{Categories: []CategoryID{16}, Limit: 2})
	require.NoError(t, err)
	require.NotEmpty(t, suggested)
	require.Equal(t, "categories=16&limit=2", j.seen[2].URL.RawQuery)
	names, _, err := c.CustomFieldNames(ctx, CustomFieldQuery{})
	require.NoError(t, err)
	require.Equal(t, []string{"erp_data", "erp_id", "total_sales"}, names)
	slug, err := c.SuggestShippingClassSlug(ctx, "Bulky")
	require.NoError(t, err)
	require.Equal(t, "bulky-2", slug)
	_, err = c.SuggestShippingClassSlug(ctx, " ")
	require.ErrorIs(t, err, ErrValidation)
	made, err := c.GenerateVariations(ctx, 7, GenerateFields{Default: Set(VariationFields{RegularPrice: Set(decimal.RequireFromString("9.90"))})})
	require.NoError(t, err)
	require.Equal(t, 4, made.Count)
	require.JSONEq(t, `{"default_values":{"regular_price":"9.90"}}`, j.body[j.len()-1])

	downloads, err := c.CustomerDownloads(ctx, 7)
	require.NoError(t, err)
	require.True(t, downloads[0].AccessExpires.IsZero())
	require.Equal(t, "https://shop.example/book.epub", downloads[0].File.File)
	require.Equal(t, "3", downloads[1].DownloadsRemaining)
	require.Equal(t, time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC), downloads[1].AccessExpires)

	results, err := c.Reviews.DeleteAll(ctx, []ReviewID{5})
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
	require.Equal(t, "Good", results[0].Item.Review)
	require.NoError(t, c.Reviews.Delete(ctx, 5))
	require.Empty(t, j.seen[j.len()-1].URL.RawQuery, "reviews have a trash")
}

func TestReports(t *testing.T) {
	t.Parallel()
	c, j := scripted(t, map[string]string{
		"GET reports/sales":         string(recorded(t, "reports/sales-range.http")),
		"GET reports/top_sellers":   string(recorded(t, "reports/top_sellers.http")),
		"GET reports/orders/totals": string(recorded(t, "reports/orders-totals.http")),
		"GET reports":               string(recorded(t, "reports/index.http")),
	})
	ctx := t.Context()
	report, err := c.Sales(ctx, ReportQuery{DateMin: "2026-10-01", DateMax: "2026-10-31"})
	require.NoError(t, err)
	require.Equal(t, "date_max=2026-10-31&date_min=2026-10-01", j.seen[0].URL.RawQuery)
	require.Equal(t, "day", report.TotalsGroupedBy)
	require.Len(t, report.Totals, 31)
	sum := decimal.Zero
	for _, day := range report.Totals {
		sum = sum.Add(day.Sales.Decimal)
	}
	require.True(t, sum.Equal(report.TotalSales.Decimal), "%s and %s", sum, report.TotalSales)
	top, err := c.TopSellers(ctx, ReportQuery{Period: ReportMonth})
	require.NoError(t, err)
	require.NotEmpty(t, top)
	totals, err := c.Totals(ctx, CountedOrders)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(totals, func(x *Total) bool { return x.Slug == "completed" && x.Total > 0 }))
	_, err = c.Totals(ctx, "stock")
	require.ErrorIs(t, err, ErrValidation)
	_, err = c.Sales(ctx, ReportQuery{DateMin: "yesterday"})
	require.ErrorIs(t, err, ErrValidation)
	reports, err := c.Reports(ctx)
	require.NoError(t, err)
	require.Equal(t, "sales", reports[0].Slug)
}

func TestSystemStatus(t *testing.T) {
	t.Parallel()
	c, j := scripted(t, map[string]string{
		"GET system_status":                        string(recorded(t, "system_status/full.http")),
		"GET system_status/tools":                  string(recorded(t, "system_status/tools.http")),
		"PUT system_status/tools/clear_transients": `{"id":"clear_transients","name":"x","success":true,"message":"Product transients cleared"}`,
		"GET data/currencies/current":              string(recorded(t, "data/currencies-current.http")),
	})
	ctx := t.Context()
	s, err := c.SystemStatus(ctx)
	require.NoError(t, err)
	require.Equal(t, "11.0.1", s.Environment.Version)
	require.True(t, s.Settings.HPOSEnabled)
	require.Nil(t, s.Environment.ExternalObjectCache)
	require.Equal(t, "0.02", s.Database.DatabaseTables.WooCommerce["wp_woocommerce_sessions"].Data.String())
	require.True(t, slices.ContainsFunc(s.ActivePlugins, func(p Plugin) bool { return p.Name == "WooCommerce Legacy REST API" }))
	_, err = c.SystemStatus(ctx, "environment.version", "settings")
	require.NoError(t, err)
	require.Equal(t, "_fields=environment.version%2Csettings", j.seen[1].URL.RawQuery)

	tools, page, err := c.SystemTools.List(ctx, Everything{})
	require.NoError(t, err)
	require.Len(t, tools, page.Total)
	ran, err := c.RunTool(ctx, "clear_transients")
	require.NoError(t, err)
	require.True(t, ran.Success)
	_, err = c.RunTool(ctx, "")
	require.ErrorIs(t, err, ErrValidation)
	euro, err := c.CurrentCurrency(ctx)
	require.NoError(t, err)
	require.Equal(t, "&euro;", euro.Symbol)
}

// Lists without pages come whole and in the shop's order, whatever their ids.
func TestListsWithoutPages(t *testing.T) {
	t.Parallel()
	c, j := scripted(t, map[string]string{
		"GET payment_gateways":    `[{"id":"cod"},{"id":"bacs"}]`,
		"GET taxes/classes":       `[{"slug":"standard","name":"Standard"},{"slug":"a-rate","name":"A"}]`,
		"GET data/countries":      `[{"code":"SI","name":"Slovenia","states":[]},{"code":"AT","name":"Austria","states":[{"code":9,"name":"Wien"}]}]`,
		"GET products/attributes": `[{"id":9,"name":"Size","slug":"pa_size"},{"id":2,"name":"Colour","slug":"pa_colour"}]`,
		"GET settings/general":    `[{"id":"b","value":["x"]},{"id":"a","value":false}]`,
	})
	ctx := t.Context()
	var got []string
	for g, err := range c.PaymentGateways.All(ctx, Everything{}) {
		require.NoError(t, err)
		got = append(got, g.ID)
	}
	for x, err := range c.TaxClasses.All(ctx, Everything{}) {
		require.NoError(t, err)
		got = append(got, x.Slug)
	}
	for x, err := range c.Countries.All(ctx, Everything{}) {
		require.NoError(t, err)
		got = append(got, x.Code)
		for _, state := range x.States {
			got = append(got, state.Code)
		}
	}
	for a, err := range c.Attributes.All(ctx, Everything{}) {
		require.NoError(t, err)
		got = append(got, a.Slug)
	}
	for s, err := range c.Settings("general").All(ctx, Everything{}) {
		require.NoError(t, err)
		got = append(got, s.Text())
	}
	require.Equal(t, []string{"cod", "bacs", "standard", "a-rate", "SI", "AT", "9", "pa_size", "pa_colour", `["x"]`, "false"}, got)
	require.Equal(t, 5, j.len())
	for _, r := range j.seen {
		require.Empty(t, r.URL.RawQuery)
	}
}

func TestSecretsOfWritesAreNotPrinted(t *testing.T) {
	t.Parallel()
	w := WebhookFields{Topic: Set("order.created"), Secret: Set("s3cr&t")}
	g := PaymentGatewayFields{Settings: Set(map[string]string{"api_key": "s3cr&t"})}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", w, w, w, w), "s3cr")
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", g, g, g, g), "s3cr")
}

// Below a record 0 the shop lists nothing, as if that were true.
func TestParentsWithoutIDAreRefused(t *testing.T) {
	t.Parallel()
	c, j := scripted(t, nil)
	ctx := t.Context()
	for _, err := range []error{
		lastOf(c.Variations(0).All(ctx, VariationQuery{})),
		lastOf(c.AttributeTerms(-1).All(ctx, TermQuery[AttributeTermID]{})),
		lastOf(c.OrderNotes(0).All(ctx, OrderNoteQuery{})),
		lastOf(c.Settings("..").All(ctx, Everything{})),
	} {
		require.ErrorIs(t, err, ErrValidation)
		require.ErrorContains(t, err, "id: is not a record's")
	}
	_, err := c.Refunds(0).Create(ctx, RefundFields{Reason: Set("Broken")})
	require.ErrorIs(t, err, ErrValidation)
	_, err = c.Variations(0).Get(ctx, 7)
	require.ErrorIs(t, err, ErrValidation)
	results, _ := c.Variations(0).UpdateAll(ctx, []Change[VariationID, VariationFields]{{7, VariationFields{SKU: Set("A")}}})
	require.ErrorIs(t, results[0].Err, ErrValidation)
	_, err = c.CustomerDownloads(ctx, 0)
	require.ErrorIs(t, err, ErrValidation)
	require.Zero(t, j.len())
}

func lastOf[T any](seq iter.Seq2[*T, error]) (last error) {
	for _, err := range seq {
		last = err
	}
	return last
}
