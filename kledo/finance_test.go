package kledo

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// TestLenientSale reads an invoice as lists and as details write it: to the same record, and through JSON and back.
func TestLenientSale(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"list": `{"id":"88131","trans_type_id":5,"status_id":"1","ref_number":"INV-1","trans_date":"2026-04-24","due_date":"2026-05-24","created_at":"2026-04-24",
			"contact_id":5512,"include_tax":0,"tax":"{\"1\":852500}","attachment":"[]","delivery_ids":"[14170]","amount":"10780000.0000000",
			"amount_after_tax":185000,"due":"185000.00","unbilled_amount":"0.00","items":"[]","memo":null,"desc":null,"warehouse_id":null,
			"contact":{"id":5512,"name":"Siti","receivable":"0.00000"},"tags":[{"id":3,"name":"WooCommerce","color":"#3366ff"}],"term_id":4}`,
		"detail": `{"id":88131,"trans_type_id":"5","status_id":1,"ref_number":"INV-1","trans_date":"2026-04-24","due_date":"2026-05-24 00:00:00",
			"created_at":"2026-04-24 10:11:12","contact_id":"5512","include_tax":false,"tax":{"1":852500},"attachment":[],"delivery_ids":[14170],
			"amount":10780000,"amount_after_tax":"185000","due":185000,"unbilled_amount":0,"items":[],"memo":"","desc":"","warehouse_id":"",
			"contact":{"id":5512,"name":"Siti","receivable":{"current_page":1,"data":[]}},"tags":[{"id":3,"name":"WooCommerce","color":"#3366ff"}],"term_id":4}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s Sale
			require.NoError(t, json.Unmarshal([]byte(text), &s))
			for range 2 {
				require.EqualValues(t, 88131, s.ID)
				require.Equal(t, []any{TypeInvoice, StatusUnpaid, "INV-1"}, []any{s.Type, s.Status, s.RefNumber})
				require.Equal(t, Date{2026, 5, 24}, s.DueDate)
				require.Equal(t, Date{2026, 4, 24}, s.CreatedAt)
				require.Equal(t, "852500", s.Tax["1"].String())
				require.Equal(t, []int64{14170}, s.DeliveryIDs)
				require.Empty(t, s.Attachments)
				require.Equal(t, "10780000", s.Amount.String())
				require.Equal(t, "185000", s.Due.String())
				require.False(t, s.TaxIncluded)
				require.Equal(t, "Siti", s.Contact.Name)
				require.True(t, s.Contact.Receivable.IsZero())
				require.Equal(t, "WooCommerce", s.Tags[0].Name)
				require.Equal(t, "4", string(s.Extra["term_id"]))
				raw, err := json.Marshal(s)
				require.NoError(t, err)
				s = Sale{}
				require.NoError(t, json.Unmarshal(raw, &s))
			}
		})
	}
	var s Sale
	require.Error(t, json.Unmarshal([]byte(`["no record"]`), &s))
	require.NoError(t, json.Unmarshal([]byte(`{"id":{"a":1},"items":[{"qty":"x"},7],"contact":[],"tax":[]}`), &s), "odd members lose nothing else")
}

// TestFieldsOnTheWire writes what the vendor's example has.
func TestFieldsOnTheWire(t *testing.T) {
	t.Parallel()
	var got, path string
	c := setup(t, func(r *http.Request) (*http.Response, error) {
		b, err := io.ReadAll(r.Body)
		got, path = string(b), r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")
		if err != nil {
			return nil, err
		}
		return says(r, 200, `{"success":true,"data":{"id":88131,"ref_number":"INV-1042","trans_date":"2026-04-24"}}`)
	})
	sale, err := c.Invoices.Create(t.Context(), SaleFields{
		TransDate: Set(Date{2026, 4, 24}), DueDate: Set(Date{2026, 5, 24}), ContactID: Set(ContactID(5512)), Status: Set(StatusUnpaid),
		TaxIncluded: Set(0), RefNumber: Set("INV-1042"), ShippingCost: Set(decimal.RequireFromString("15000.50")), Tags: Set([]TagID{3}),
		Items: Set([]SaleLine{{ProductID: Set(ProductID(901)), TaxID: Null[TaxID](), Quantity: Set(decimal.NewFromInt(2)), Price: Set(decimal.NewFromInt(85000))}}),
	})
	require.NoError(t, err)
	require.EqualValues(t, 88131, sale.ID)
	require.Equal(t, "POST /api/v1/finance/invoices application/json", path)
	require.JSONEq(t, `{"trans_date":"2026-04-24","due_date":"2026-05-24","contact_id":5512,"status_id":1,"include_tax":0,"ref_number":"INV-1042",
		"shipping_cost":15000.50,"tags":[3],"items":[{"finance_account_id":901,"tax_id":null,"qty":2,"price":85000}]}`, got)
	require.Contains(t, got, `"shipping_cost":15000.5`, "a number, not a text")

	var back SaleFields
	require.NoError(t, json.Unmarshal([]byte(got), &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.JSONEq(t, got, string(again))
}

// TestRoutes calls every collection and method once: what reaches Kledo is the documented route, with its parameters.
func TestRoutes(t *testing.T) {
	t.Parallel()
	var got string
	c := setup(t, func(r *http.Request) (*http.Response, error) {
		got = r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/v1/")
		if q := r.URL.Query(); len(q) > 0 {
			q.Del("page")
			if text := q.Encode(); text != "" {
				got += "?" + text
			}
		}
		data := `{"id":7}`
		if r.Method == http.MethodGet && (strings.Contains(got, "stocks") || strings.Contains(got, "balances")) {
			data = `[{"id":7,"stocks":{"a":{"warehouse_id":1,"qty":"2.50"}}}]`
		} else if strings.HasSuffix(r.URL.Path, "attachments") {
			data = `"https://files.test/a.pdf"`
		}
		return says(r, 200, `{"success":true,"data":`+data+`}`)
	})
	ctx, yes := t.Context(), true
	ten := decimal.NewFromInt(10)
	for want, call := range map[string]func() error{
		"GET finance/invoices?amount_gte=10&date_from=2026-01-01&include_items=1&order_by=desc&search=INV&sort_by=due&status_id=1%2C2": func() error {
			_, _, err := c.Invoices.List(ctx, SaleQuery{Search: "INV", DateFrom: Date{2026, 1, 1}, Status: []Status{1, 2}, AmountFrom: &ten,
				IncludeItems: true, SortBy: "due", Desc: true})
			return err
		},
		"GET finance/invoices/7":       func() error { _, err := c.Invoices.Get(ctx, 7); return err },
		"PUT finance/invoices/7":       func() error { _, err := c.Invoices.Update(ctx, 7, SaleFields{Memo: Set("x")}); return err },
		"DELETE finance/invoices/7":    func() error { return c.DeleteInvoice(ctx, 7) },
		"POST finance/invoices/7/void": func() error { return c.VoidInvoice(ctx, 7) },
		"GET finance/invoices/totals?contact_id=3": func() error {
			_, err := c.InvoiceTotals(ctx, SaleQuery{ContactID: 3})
			return err
		},
		"GET finance/invoices/7/transactions": func() error { _, _, err := c.InvoicePayments(7).List(ctx, RecordQuery{}); return err },
		"POST finance/invoices/7/attachments": func() error {
			url, err := c.AttachToInvoice(ctx, 7, "a.pdf", []byte("%PDF"))
			require.Equal(t, "https://files.test/a.pdf", url)
			return err
		},
		"GET finance/orders?status_ids=5&trans_type_ids=6&warehouse_id=1": func() error {
			_, _, err := c.SalesOrders.List(ctx, SaleQuery{OrderStatus: []Status{5}, Types: []TransactionType{TypeSalesOrder}, WarehouseID: 1})
			return err
		},
		"POST finance/orders":  func() error { _, err := c.SalesOrders.Create(ctx, SaleFields{}); return err },
		"GET finance/quotes/7": func() error { _, err := c.Quotes.Get(ctx, 7); return err },
		"GET finance/deliveries?x=1": func() error {
			_, _, err := c.Deliveries.List(ctx, RecordQuery{Extra: map[string][]string{"x": {"1"}}})
			return err
		},
		"GET finance/contacts?include_archive=2&type_id=3": func() error {
			_, _, err := c.Contacts.List(ctx, ContactQuery{Type: Customer, Archived: 2})
			return err
		},
		"PUT finance/contacts/7":            func() error { _, err := c.Contacts.Update(ctx, 7, ContactFields{}); return err },
		"GET finance/contactGroups?limit=5": func() error { _, _, err := c.ContactGroups.List(ctx, ContactGroupQuery{Limit: 5}); return err },
		"POST finance/contactGroups":        func() error { _, err := c.ContactGroups.Create(ctx, ContactGroupFields{}); return err },
		"GET finance/products?cat_ids=1%2C2&code=A&is_sell=1": func() error {
			_, _, err := c.Products.List(ctx, ProductQuery{Code: "A", Categories: []CategoryID{1, 2}, Sold: &yes})
			return err
		},
		"GET finance/products/stocks?product_ids=1%2C2": func() error {
			stocks, err := c.Stocks(ctx, StockQuery{Products: []ProductID{1, 2}})
			require.Equal(t, "2.5", stocks[0].Places["a"].Quantity.String())
			return err
		},
		"GET finance/productCategories?name=Kopi": func() error { _, _, err := c.Categories.List(ctx, CategoryQuery{Name: "Kopi"}); return err },
		"GET finance/units":                       func() error { _, _, err := c.Units.List(ctx, RecordQuery{}); return err },
		"GET finance/warehouses?include_racks=1":  func() error { _, _, err := c.Warehouses.List(ctx, WarehouseQuery{IncludeRacks: true}); return err },
		"POST finance/warehouses/transfers":       func() error { _, err := c.Transfers.Create(ctx, TransferFields{"memo": "x"}); return err },
		"POST finance/stockAdjustments":           func() error { _, err := c.StockAdjustments.Create(ctx, StockAdjustmentFields{}); return err },
		"POST finance/stockAdjustments/7/approve": func() error { return c.ApproveStockAdjustment(ctx, 7) },
		"POST finance/stockAdjustments/7/reject":  func() error { return c.RejectStockAdjustment(ctx, 7) },
		"POST finance/stockAdjustments/7/revert":  func() error { return c.RevertStockAdjustment(ctx, 7) },
		"GET finance/accounts?finance_account_category_id=1": func() error {
			_, _, err := c.Accounts.List(ctx, AccountQuery{CategoryID: 1})
			return err
		},
		"DELETE finance/accounts/massDelete": func() error { return c.DeleteAccounts(ctx, 1, 2) },
		"GET finance/bankTrans?bank_account_id=1": func() error {
			_, _, err := c.BankTransactions.List(ctx, BankQuery{AccountID: 1})
			return err
		},
		"POST finance/bankTrans":                func() error { _, err := c.BankTransactions.Create(ctx, BankFields{}); return err },
		"GET finance/bank/balances":             func() error { _, err := c.BankBalances(ctx); return err },
		"POST finance/bankTrans/invoicePayment": func() error { _, err := c.PayInvoice(ctx, InvoicePaymentFields{}); return err },
		"POST finance/expenses":                 func() error { _, err := c.Expenses.Create(ctx, ExpenseFields{}); return err },
		"GET finance/journals":                  func() error { _, _, err := c.Journals.List(ctx, RecordQuery{}); return err },
		"GET finance/purchaseInvoices":          func() error { _, _, err := c.PurchaseInvoices.List(ctx, RecordQuery{}); return err },
		"GET finance/purchaseOrders":            func() error { _, _, err := c.PurchaseOrders.List(ctx, RecordQuery{}); return err },
		"GET finance/purchaseDeliveries":        func() error { _, _, err := c.PurchaseDeliveries.List(ctx, RecordQuery{}); return err },
		"GET finance/purchaseQuotes":            func() error { _, _, err := c.PurchaseQuotes.List(ctx, RecordQuery{}); return err },
		"GET finance/tags":                      func() error { _, _, err := c.Tags.List(ctx, RecordQuery{}); return err },
		"GET finance/fees":                      func() error { _, _, err := c.Fees.List(ctx, RecordQuery{}); return err },
		"GET users":                             func() error { _, _, err := c.Users.List(ctx, RecordQuery{}); return err },
		"GET options/lock_date":                 func() error { _, err := c.Option(ctx, "lock_date"); return err },
		"GET personal-access-tokens/stats":      func() error { _, err := c.KeyStats(ctx); return err },
		"GET personal-access-tokens?name=x":     func() error { _, _, err := c.Keys.List(ctx, KeyQuery{Name: "x"}); return err },
		"DELETE personal-access-tokens/7":       func() error { return c.RevokeKey(ctx, 7) },
		"DELETE personal-access-tokens":         func() error { return c.RevokeAllKeys(ctx) },
		"PATCH finance/warehouses/7/archive":    func() error { return c.Do(ctx, "PATCH", "finance/warehouses/7/archive", nil, nil) },
	} {
		got = ""
		require.NoError(t, call(), want)
		require.Equal(t, want, got)
	}
	require.ErrorIs(t, c.Do(ctx, "GET", "https://elsewhere.test/x", nil, nil), ErrValidation)
	require.ErrorIs(t, c.Do(ctx, "GET", "../x", nil, nil), ErrValidation)
	_, err := c.Invoices.Get(ctx, 0)
	require.ErrorIs(t, err, ErrValidation)
}

// TestNoCollectionIsForgotten: every field of Client is made by New.
func TestNoCollectionIsForgotten(t *testing.T) {
	t.Parallel()
	c := reflect.ValueOf(setup(t, nil)).Elem()
	for i := range c.NumField() {
		require.False(t, c.Field(i).IsNil(), c.Type().Field(i).Name)
	}
}

// TestBareList: some lists have no paginator at all.
func TestBareList(t *testing.T) {
	t.Parallel()
	calls := 0
	c := setup(t, func(r *http.Request) (*http.Response, error) {
		calls++
		return says(r, 200, `{"success":true,"data":[{"id":3,"name":"WooCommerce"},{"id":4,"name":"Online"}]}`)
	})
	var names []string
	for tag, err := range c.Tags.All(t.Context(), RecordQuery{}) {
		require.NoError(t, err)
		names = append(names, tag.Name)
	}
	require.Equal(t, []string{"WooCommerce", "Online"}, names)
	require.Equal(t, 1, calls)
}

// TestCreateKey: 201 is a success here and nowhere else; the key shows once, and in no print.
func TestCreateKey(t *testing.T) {
	t.Parallel()
	c := setup(t, func(r *http.Request) (*http.Response, error) {
		return says(r, 201, `{"success":true,"data":{"id":9,"name":"wire","plain_text_token":"kledo_pat_000001_fresh","expires_at":"2027-04-30 23:59:59"}}`)
	})
	key, err := c.Keys.Create(t.Context(), KeyFields{Name: Set("wire"), ExpiresInDays: Set(365)})
	require.NoError(t, err)
	require.Equal(t, "kledo_pat_000001_fresh", key.Token)
	require.Equal(t, 2027, key.ExpiresAt.Year())
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", key, *key, *key, key), "fresh")
	_, err = c.Contacts.Create(t.Context(), ContactFields{})
	require.ErrorIs(t, err, ErrAmbiguous)
}

// TestCreateInDoubt: a create whose answer is lost is sent once and says that it may have happened.
func TestCreateInDoubt(t *testing.T) {
	t.Parallel()
	sent := 0
	c := setup(t, func(*http.Request) (*http.Response, error) { sent++; return nil, os.ErrDeadlineExceeded })
	_, err := c.Invoices.Create(t.Context(), SaleFields{})
	require.ErrorIs(t, err, ErrAmbiguous)
	require.Equal(t, 1, sent)
}
