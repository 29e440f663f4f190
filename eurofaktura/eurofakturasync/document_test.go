package eurofakturasync

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/woo"
)

const wholeOrder = `{"id":4711,"number":"2026/4711","status":"processing","currency":"BGN","date_created_gmt":"2026-02-02T22:30:00","total":"59.90",
	"total_tax":"9.98","customer_id":7,"customer_note":" Звънете ","payment_method":"cod",
	"billing":{"first_name":"Мария","last_name":"Иванова","company":"","address_1":"ул. Шипка 5","address_2":"ет. 2","city":"София","postcode":"1504","country":"BG","email":"maria@example.bg","phone":"0888"},
	"shipping":{"first_name":"Петър","last_name":"Петров","address_1":"бул. Витоша 1","city":"София","postcode":"1000","country":"BG"},
	"line_items":[{"id":1,"name":"Тениска червена M","sku":"TS RED","quantity":2,"total":"41.58","total_tax":"8.32","taxes":[{"id":1,"total":"8.316"}]}],
	"shipping_lines":[{"id":2,"method_title":"Доставка","total":"12.50","total_tax":"2.50","taxes":[{"id":1,"total":"2.5"}]}],
	"fee_lines":[{"id":3,"name":"Отстъпка","total":"-4.17","total_tax":"-0.83","taxes":[{"id":1,"total":"-0.834"}]}],
	"tax_lines":[{"id":4,"rate_id":1,"rate_percent":20}],"meta_data":[]}`

func composed(t *testing.T, c Config, change func(*woo.Order)) map[string]any {
	t.Helper()
	o := new(woo.Order)
	require.NoError(t, json.Unmarshal([]byte(wholeOrder), o))
	if change != nil {
		change(o)
	}
	c.Warehouse, c.CostCentre, c.Name = "01", "WEB", "demoshop"
	f, err := c.filled().compose(o)
	require.NoError(t, err)
	raw, err := json.Marshal(f)
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(raw, &fields))
	return fields
}

// TestMapping holds the table of the package's page, field by field.
func TestMapping(t *testing.T) {
	t.Parallel()
	code := ProductCode("TS RED")
	sofia := time.FixedZone("Europe/Sofia", 2*3600)
	require.Equal(t, map[string]any{
		"date": "2026-02-03", "type": "Retail", "currency": "BGN", "documentLanguage": "Bulgarian", "costPosition": "WEB", "warehouseCode": "01",
		"referenceDocumentNumber": "2026/4711", "orderReference": "demoshop-order-4711", "remarks": "Звънете", "introductionText": "Web order 2026/4711",
		"methodOfPayment": "CashOnDelivery", "vatTransactionType": "0", "buyerCode": "WEB-7", "buyerName": "Мария Иванова", "buyerFirstName": "Мария",
		"buyerLastName": "Иванова", "buyerStreet": "ул. Шипка 5 ет. 2", "buyerPostalCode": "1504", "buyerCity": "София", "buyerCountry": "BG",
		"buyerEMail": "maria@example.bg", "buyerPhone": "0888",
		"Address": map[string]any{"type": "Delivery", "firstAddressLine": "Петър Петров", "street": "бул. Витоша 1", "postalCode": "1000", "city": "София", "country": "BG"},
		"Items": []any{
			map[string]any{"productCode": code, "productName": "Тениска червена M", "quantity": 2.0, "unit": "бр.", "price": 24.95, "vatPercentage": 20.0},
			map[string]any{"description": "Доставка", "quantity": 1.0, "price": 15.0, "vatPercentage": 20.0},
			map[string]any{"description": "Отстъпка", "quantity": 1.0, "price": -5.0, "vatPercentage": 20.0},
		},
	}, composed(t, Config{
		Location: sofia, Language: "Bulgarian", Unit: "бр.", VATTransactionType: func(*woo.Order) string { return "0" },
	}, nil))

	business := composed(t, Config{FeeProduct: "FEE", ShippingProduct: "SHIP"}, func(o *woo.Order) {
		o.MetaData = woo.MetaData{{Key: "_billing_vat_number", Value: json.RawMessage(`"BG123456789"`)}}
		o.Billing.Company = "Пример ООД"
		o.PaymentMethod, o.CustomerID, o.Number = "crypto", 0, ""
		o.Shipping = o.Billing
	})
	require.Equal(t, "Gross", business["type"])
	require.Equal(t, "BG123456789", business["buyerTaxNumber"])
	require.Equal(t, "Пример ООД", business["buyerName"])
	require.Equal(t, "Other", business["methodOfPayment"])
	require.Equal(t, "4711", business["referenceDocumentNumber"])
	require.Equal(t, "2026-02-02", business["date"], "UTC's day, without a zone of the organisation")
	require.Regexp(t, `^WEB-[0-9A-F]{10}$`, business["buyerCode"])
	require.NotContains(t, business, "Address")
	items := business["Items"].([]any)
	require.Equal(t, map[string]any{"productCode": code, "productName": "Тениска червена M", "quantity": 2.0, "unit": "pcs", "netPrice": 20.79, "vatPercentage": 20.0}, items[0])
	require.Equal(t, "SHIP", items[1].(map[string]any)["productCode"])
	require.Equal(t, "FEE", items[2].(map[string]any)["productCode"])
	require.InDelta(t, -4.17, items[2].(map[string]any)["netPrice"], 1e-9)
	require.Equal(t, map[string]any{"description": "Rounding", "quantity": 1.0, "netPrice": 0.01, "vatPercentage": 0.0}, items[3])

	require.Equal(t, "In work", composed(t, Config{StatusMap: map[woo.OrderStatus]string{"processing": "In work"}}, nil)["status"])
	changed := composed(t, Config{Compose: func(_ *woo.Order, f *eurofaktura.SalesOrderFields) error {
		f.City = eurofaktura.Set("Пловдив")
		return nil
	}}, nil)
	require.Equal(t, "Пловдив", changed["city"])
	require.NotContains(t, composed(t, Config{NoBuyers: true}, nil), "buyerCode")
	fallback := composed(t, Config{FallbackProduct: "WEB"}, func(o *woo.Order) { o.LineItems[0].SKU = nil })
	require.Equal(t, "WEB", fallback["Items"].([]any)[0].(map[string]any)["productCode"])
}

// TestRefusals names the reason of each.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for reason, change := range map[Reason]func(*woo.Order){
		ReasonTotals:   func(o *woo.Order) { o.Total = shown("34.90") },
		ReasonCurrency: func(o *woo.Order) { o.Currency = "" },
		ReasonDate:     func(o *woo.Order) { o.DateCreated = time.Time{} },
		ReasonQuantity: func(o *woo.Order) { o.LineItems[0].Quantity = shown("30001") },
		ReasonRate:     func(o *woo.Order) { o.LineItems[0].Total = shown("0.00") },
	} {
		o := new(woo.Order)
		require.NoError(t, json.Unmarshal([]byte(wholeOrder), o))
		change(o)
		c := Config{VATNumber: func(*woo.Order) string {
			if reason == ReasonRate {
				return "BG1"
			}
			return ""
		}}
		_, err := c.filled().compose(o)
		var r *Refusal
		require.ErrorAs(t, err, &r, string(reason))
		require.Equal(t, reason, r.Reason)
		require.True(t, r.Permanent())
		require.Contains(t, err.Error(), "2026/4711")
	}
}

// TestRates: what the order names, else the roundest number that explains the tax.
func TestRates(t *testing.T) {
	t.Parallel()
	d := decimal.RequireFromString
	c := Config{VATRates: []decimal.Decimal{d("9.5")}}
	for _, x := range []struct{ net, tax, want string }{
		{"100.00", "20.00", "20"}, {"0.02", "0.00", "0"}, {"10.00", "0.95", "9.5"}, {"41.58", "8.32", "20"}, {"8.33", "0.75", "9"},
		{"-4.17", "-0.83", "20"}, {"100.00", "7.70", "7.7"}, {"0.05", "0.01", "20"},
	} {
		rate, known := c.rate(&woo.Order{}, nil, d(x.net), d(x.tax))
		require.True(t, known)
		require.Equal(t, x.want, rate.String(), "%s of %s", x.tax, x.net)
	}
	_, known := c.rate(&woo.Order{}, nil, decimal.Zero, d("1"))
	require.False(t, known)
	o := &woo.Order{TaxLines: []woo.TaxLine{
		{RateID: 1, RatePercent: shown("5")}, {RateID: 2, RatePercent: shown("9.975"), Compound: true}, {RateID: 3, RatePercent: shown("22")},
	}}
	rate, known := c.rate(o, []woo.Tax{{ID: 1, Total: shown("5")}, {ID: 2, Total: shown("10.47")}}, d("100"), d("15.47"))
	require.True(t, known)
	require.Equal(t, "15.4738", rate.String(), "a compound rate comes on top of the other")
}

// TestProductCodes keeps apart what would look alike.
func TestProductCodes(t *testing.T) {
	t.Parallel()
	require.Equal(t, "TS-RED/M_1.#", ProductCode(" TS-RED/M_1.# "))
	require.Empty(t, ProductCode("  "))
	seen := map[string]string{}
	for _, sku := range []string{"a b", "a,b", "a_b", "a\u00e4b", "a+b"} {
		code := ProductCode(sku)
		require.Regexp(t, `^[A-Za-z0-9/_#.-]+$`, code)
		require.Empty(t, seen[code])
		seen[code] = sku
	}
}

// FuzzCompose: whatever an order holds, composing it ends in a document or in a refusal.
func FuzzCompose(f *testing.F) {
	f.Add([]byte(wholeOrder))
	f.Fuzz(func(t *testing.T, src []byte) {
		o := new(woo.Order)
		if len(src) > 20_000 || json.Unmarshal(src, o) != nil {
			return
		}
		c := Config{Warehouse: "01", CostCentre: "WEB"}
		if fields, err := c.filled().compose(o); err == nil {
			require.NotEmpty(t, fields.Items)
			_, err := json.Marshal(fields)
			require.NoError(t, err)
		}
	})
}
