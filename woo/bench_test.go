package woo

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// The yardstick of BenchmarkDecodeOrders: the same 100 recorded orders in plain structs of encoding/json, with the same decimals and
// times, that keep nothing they do not know.
type (
	plainTime  struct{ time.Time }
	plainMoney struct{ decimal.Decimal }
	plainMeta  struct {
		ID    int64           `json:"id"`
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`

		DisplayKey   json.RawMessage `json:"display_key"`
		DisplayValue json.RawMessage `json:"display_value"`
	}
	plainTax struct {
		ID       int64      `json:"id"`
		Total    plainMoney `json:"total"`
		Subtotal plainMoney `json:"subtotal"`
	}
	plainAddress struct {
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
		Company   string `json:"company"`
		Address1  string `json:"address_1"`
		Address2  string `json:"address_2"`
		City      string `json:"city"`
		State     string `json:"state"`
		Postcode  string `json:"postcode"`
		Country   string `json:"country"`
		Email     string `json:"email"`
		Phone     string `json:"phone"`
	}
	plainLine struct {
		ID             int64       `json:"id"`
		Name           string      `json:"name"`
		ProductID      int64       `json:"product_id"`
		VariationID    int64       `json:"variation_id"`
		Quantity       plainMoney  `json:"quantity"`
		TaxClass       string      `json:"tax_class"`
		Subtotal       plainMoney  `json:"subtotal"`
		SubtotalTax    plainMoney  `json:"subtotal_tax"`
		Total          plainMoney  `json:"total"`
		TotalTax       plainMoney  `json:"total_tax"`
		Taxes          []plainTax  `json:"taxes"`
		MetaData       []plainMeta `json:"meta_data"`
		SKU            *string     `json:"sku"`
		GlobalUniqueID *string     `json:"global_unique_id"`
		Price          plainMoney  `json:"price"`
		Image          struct {
			ID  json.RawMessage `json:"id"`
			Src string          `json:"src"`
		} `json:"image"`
		ParentName *string `json:"parent_name"`
	}
	plainTaxLine struct {
		ID               int64       `json:"id"`
		RateCode         string      `json:"rate_code"`
		RateID           int64       `json:"rate_id"`
		Label            string      `json:"label"`
		Compound         bool        `json:"compound"`
		TaxTotal         plainMoney  `json:"tax_total"`
		ShippingTaxTotal plainMoney  `json:"shipping_tax_total"`
		RatePercent      plainMoney  `json:"rate_percent"`
		MetaData         []plainMeta `json:"meta_data"`
	}
	plainShipping struct {
		ID          int64       `json:"id"`
		MethodTitle string      `json:"method_title"`
		MethodID    string      `json:"method_id"`
		InstanceID  string      `json:"instance_id"`
		Total       plainMoney  `json:"total"`
		TotalTax    plainMoney  `json:"total_tax"`
		Taxes       []plainTax  `json:"taxes"`
		TaxStatus   string      `json:"tax_status"`
		MetaData    []plainMeta `json:"meta_data"`
	}
	plainFee struct {
		ID        int64       `json:"id"`
		Name      string      `json:"name"`
		TaxClass  string      `json:"tax_class"`
		TaxStatus string      `json:"tax_status"`
		Amount    plainMoney  `json:"amount"`
		Total     plainMoney  `json:"total"`
		TotalTax  plainMoney  `json:"total_tax"`
		Taxes     []plainTax  `json:"taxes"`
		MetaData  []plainMeta `json:"meta_data"`
	}
	plainCoupon struct {
		ID            int64       `json:"id"`
		Code          string      `json:"code"`
		Discount      plainMoney  `json:"discount"`
		DiscountTax   plainMoney  `json:"discount_tax"`
		MetaData      []plainMeta `json:"meta_data"`
		DiscountType  string      `json:"discount_type"`
		NominalAmount plainMoney  `json:"nominal_amount"`
		FreeShipping  bool        `json:"free_shipping"`
	}
	plainOrder struct {
		ID                 int64      `json:"id"`
		ParentID           int64      `json:"parent_id"`
		Number             string     `json:"number"`
		OrderKey           string     `json:"order_key"`
		CreatedVia         string     `json:"created_via"`
		Version            string     `json:"version"`
		Status             string     `json:"status"`
		Currency           string     `json:"currency"`
		CurrencySymbol     string     `json:"currency_symbol"`
		PricesIncludeTax   bool       `json:"prices_include_tax"`
		DateCreated        plainTime  `json:"date_created_gmt"`
		DateCreatedLocal   string     `json:"date_created"`
		DateModified       plainTime  `json:"date_modified_gmt"`
		DateModifiedLocal  string     `json:"date_modified"`
		DatePaid           plainTime  `json:"date_paid_gmt"`
		DatePaidLocal      string     `json:"date_paid"`
		DateCompleted      plainTime  `json:"date_completed_gmt"`
		DateCompletedLocal string     `json:"date_completed"`
		DiscountTotal      plainMoney `json:"discount_total"`
		DiscountTax        plainMoney `json:"discount_tax"`
		ShippingTotal      plainMoney `json:"shipping_total"`
		ShippingTax        plainMoney `json:"shipping_tax"`
		CartTax            plainMoney `json:"cart_tax"`
		Total              plainMoney `json:"total"`
		TotalTax           plainMoney `json:"total_tax"`
		CustomerID         int64      `json:"customer_id"`
		CustomerIPAddress  string     `json:"customer_ip_address"`
		CustomerUserAgent  string     `json:"customer_user_agent"`
		CustomerNote       string     `json:"customer_note"`
		PaymentMethod      string     `json:"payment_method"`
		PaymentMethodTitle string     `json:"payment_method_title"`
		TransactionID      string     `json:"transaction_id"`
		CartHash           string     `json:"cart_hash"`
		PaymentURL         string     `json:"payment_url"`
		IsEditable         bool       `json:"is_editable"`
		NeedsPayment       bool       `json:"needs_payment"`
		NeedsProcessing    bool       `json:"needs_processing"`

		Billing       plainAddress    `json:"billing"`
		Shipping      plainAddress    `json:"shipping"`
		MetaData      []plainMeta     `json:"meta_data"`
		LineItems     []plainLine     `json:"line_items"`
		TaxLines      []plainTaxLine  `json:"tax_lines"`
		ShippingLines []plainShipping `json:"shipping_lines"`
		FeeLines      []plainFee      `json:"fee_lines"`
		CouponLines   []plainCoupon   `json:"coupon_lines"`
		Refunds       []struct {
			ID       int64      `json:"id"`
			Reason   string     `json:"reason"`
			Total    plainMoney `json:"total"`
			TotalTax plainMoney `json:"total_tax"`
		} `json:"refunds"`
	}
)

func (t *plainTime) UnmarshalJSON(src []byte) (err error) {
	if string(src) != "null" {
		t.Time, err = time.Parse(`"`+wireTime+`"`, string(src))
	}
	return err
}

func (m *plainMoney) UnmarshalJSON(src []byte) error {
	if string(src) == `""` {
		return nil
	}
	return m.Decimal.UnmarshalJSON(src)
}

// recorded returns the body of an answer of the newer store.
func recorded(tb testing.TB, file string) []byte {
	tb.Helper()
	raw, err := os.ReadFile("testdata/recorded/wc-11.0.1/" + file)
	require.NoError(tb, err)
	_, body, _ := bytes.Cut(raw, []byte("\n\n"))
	return body
}

// withoutUnknown drops _links, the only member of the recorded orders that no field takes.
func withoutUnknown(tb testing.TB, page []byte) []byte {
	tb.Helper()
	var orders []map[string]json.RawMessage
	require.NoError(tb, json.Unmarshal(page, &orders))
	for _, o := range orders {
		delete(o, "_links")
	}
	page, err := json.Marshal(orders)
	require.NoError(tb, err)
	return page
}

// BenchmarkDecodeOrders reads a page of 100 orders. "x plain" is the time against the plain structs of encoding/json, measured in turns in the
// same run, so that a busy machine slows both; known-only reads the page without members that Extra would keep, so that the
// difference is what keeping them costs.
func BenchmarkDecodeOrders(b *testing.B) {
	asRecorded := recorded(b, "orders/list-per100.http")
	for _, page := range []struct {
		name string
		body []byte
	}{{"as-recorded", asRecorded}, {"known-only", withoutUnknown(b, asRecorded)}} {
		b.Run(page.name, func(b *testing.B) {
			var ratios []float64
			b.SetBytes(int64(len(page.body)))
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				items, bad, err := decodeList[Order](page.body)
				ours := time.Since(start)
				if err != nil || bad != nil || len(items) != 100 {
					b.Fatal(len(items), bad, err)
				}
				b.StopTimer()
				start = time.Now()
				if err := json.Unmarshal(page.body, &[]*plainOrder{}); err != nil {
					b.Fatal(err)
				}
				ratios = append(ratios, float64(ours)/float64(time.Since(start)))
				b.StartTimer()
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "x-plain")
			b.ReportMetric(testing.AllocsPerRun(1, func() { _, _, _ = decodeList[Order](page.body) })/100, "allocs/order")
		})
	}
	b.Run("plain", func(b *testing.B) {
		b.SetBytes(int64(len(asRecorded)))
		b.ReportAllocs()
		for b.Loop() {
			if err := json.Unmarshal(asRecorded, &[]*plainOrder{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A page of 100 orders costs at most 1.2 MB of memory, garbage included.
//
//nolint:paralleltest // it counts all memory
func TestDecodeMemory(t *testing.T) {
	page := recorded(t, "orders/list-per100.http")
	const rounds = 5
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		items, _, err := decodeList[Order](page)
		require.NoError(t, err)
		require.Len(t, items, 100)
	}
	runtime.ReadMemStats(&after)
	perPage := (after.TotalAlloc - before.TotalAlloc) / rounds
	t.Logf("%d kB of memory for a page of %d kB", perPage/1000, len(page)/1000)
	require.Less(t, perPage, uint64(1_200_000))
}

// BenchmarkEncodeOrders writes the page again, as payloads of a queue.
func BenchmarkEncodeOrders(b *testing.B) {
	page := recorded(b, "orders/list-per100.http")
	items, _, err := decodeList[Order](page)
	require.NoError(b, err)
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		for _, o := range items {
			if _, err := json.Marshal(o); err != nil {
				b.Fatal(err)
			}
		}
	}
}
