package woo

import (
	"net/url"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func TestQueries(t *testing.T) {
	t.Parallel()
	cet := time.FixedZone("CET", 3600)
	at := time.Date(2026, 11, 5, 5, 0, 0, 0, cet)
	for want, q := range map[string]interface{ values() (url.Values, error) }{
		"":                            OrderQuery{},
		"status=processing,completed": OrderQuery{Status: []OrderStatus{"processing", "completed"}},
		"status=packed":               OrderQuery{Status: []OrderStatus{"packed"}},
		"customer=0":                  OrderQuery{Customer: Set(CustomerID(0))},
		"include=5,3":                 OrderQuery{Include: []OrderID{5, 3}},
		"search=Ana Novak":            OrderQuery{Search: Set("Ana Novak")},
		"dp=0":                        OrderQuery{Decimals: Set(0)},
		"_fields=id,status":           OrderQuery{Fields: []string{"status"}},
		"_fields=total,id":            OrderQuery{Fields: []string{"total", "id"}},
		"offset=4&order=asc&orderby=id&page=3&per_page=100":     OrderQuery{Page: 3, PerPage: 100, Offset: 4, OrderBy: "id", Order: Ascending},
		"dates_are_gmt=true&modified_after=2026-11-05T04:00:00": OrderQuery{ModifiedAfter: at},
		"after=2026-11-05T04:00:00&before=2026-11-05T04:00:01&dates_are_gmt=true": OrderQuery{
			After: at.Add(999 * time.Millisecond), Before: at.Add(time.Nanosecond)}, // outwards
		"before=2026-11-05T04:00:00&dates_are_gmt=true": RefundQuery{Before: at},
		"lang=all":  OrderQuery{Extra: url.Values{"lang": {"all"}}},
		"sku=A,B":   ProductQuery{SKU: []string{"A", "B"}},
		"sku=AB,12": ProductQuery{SKU: []string{"AB,12"}},
		"featured=false&max_price=9.90&on_sale=true":             ProductQuery{Featured: Set(false), OnSale: Set(true), MaxPrice: Set(decimal.RequireFromString("9.90"))},
		"category=3,4&type=variable":                             ProductQuery{Category: []CategoryID{3, 4}, Type: Set(VariableProduct)},
		"stock_status=instock":                                   VariationQuery{StockStatus: Set(InStock)},
		"attributes[0][attribute]=pa_size&attributes[0][term]=m": VariationQuery{Attributes: []AttributeFilter{{"pa_size", []string{"m"}}}},
		"attributes[0][attribute]=pa_size&attributes[0][terms][0]=m&attributes[0][terms][1]=l": VariationQuery{
			Attributes: []AttributeFilter{{"pa_size", []string{"m", "l"}}}},
		"parent=0":                      TermQuery[CategoryID]{Parent: Set(CategoryID(0))},
		"period=month":                  ReportQuery{Period: ReportMonth},
		"code=Ten":                      CouponQuery{Code: Set("Ten")},
		"status=disabled":               WebhookQuery{Status: WebhookDisabled},
		"class=zero-rate":               TaxRateQuery{Class: Set("zero-rate")},
		"limit=3&tags=1,2":              SuggestedProductQuery{Tags: []TagID{1, 2}, Limit: 3},
		"email=a@example.test&role=all": CustomerQuery{Email: Set("a@example.test"), Role: Set("all")},
		"type=customer":                 OrderNoteQuery{Type: CustomerNotes},
	} {
		v, err := q.values()
		require.NoError(t, err, want)
		got, err := url.QueryUnescape(v.Encode())
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// An empty filter would return the whole shop.
func TestQueryRefusals(t *testing.T) {
	t.Parallel()
	for want, q := range map[string]interface{ values() (url.Values, error) }{
		"Status: an empty list":      OrderQuery{Status: []OrderStatus{}},
		"Status: an empty status":    OrderQuery{Status: []OrderStatus{""}},
		`Status: "wc-completed"`:     OrderQuery{Status: []OrderStatus{"wc-completed"}},
		`Status: "Completed"`:        OrderQuery{Status: []OrderStatus{"Completed"}},
		"any beside trash in Status": OrderQuery{Status: []OrderStatus{OrderAny, OrderTrash}},
		"Include: an empty list":     OrderQuery{Include: []OrderID{}},
		"Search: empty":              OrderQuery{Search: Set(" ")},
		"Customer: null":             OrderQuery{Customer: Null[CustomerID]()},
		"CreatedVia: \"a,b\" holds":  OrderQuery{CreatedVia: []string{"a,b", "c"}},
		"PerPage: 101":               OrderQuery{PerPage: 101},
		"PerPage: -1":                ProductQuery{PerPage: -1},
		"Page: -1":                   OrderQuery{Page: -1},
		"Offset: -1":                 OrderQuery{Offset: -1},
		`Order: "down"`:              OrderQuery{Order: "down"},
		"SKU: empty":                 ProductQuery{SKU: []string{""}},
		"SKU: an empty list":         VariationQuery{SKU: []string{}},
		`SKU: "R&D <1>": the shop`:   ProductQuery{SKU: []string{"R&D <1>"}},
		"Email: empty":               CustomerQuery{Email: Set("")},
		"Extra: lang: empty":         OrderQuery{Extra: url.Values{"lang": {""}}},
		"Extra: status has a field":  OrderQuery{Status: []OrderStatus{"pending"}, Extra: url.Values{"status": {"any"}}},
		"Attributes: an empty list":  VariationQuery{Attributes: []AttributeFilter{}},
		"Attributes: empty":          VariationQuery{Attributes: []AttributeFilter{{Terms: []string{"m"}}}},
		`DateMin: "21.11.2026" is`:   ReportQuery{DateMin: "21.11.2026"},
		"Fields: an empty list":      RefundQuery{Fields: []string{}},
	} {
		_, err := q.values()
		require.ErrorContains(t, err, want)
	}
}
