package kledosync

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/kledo/kledotest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
)

// financeBody is what was posted for a document of finance/*.
func financeBody(t *testing.T, d kledotest.Document) map[string]any {
	t.Helper()
	require.NotEmpty(t, d.Body)
	var body map[string]any
	require.NoError(t, json.Unmarshal([]byte(d.Body), &body))
	return body
}

// TestFinanceBooksTheWholeOrder: products, fee, shipping, discount and tax make the order's total; the contact is found the second
// time; the payment is recorded once, with the account's id.
func TestFinanceBooksTheWholeOrder(t *testing.T) {
	t.Parallel()
	inWorld(t, func(c *Config) {
		ways["finance"](c)
		c.Invoices.Warehouse, c.Invoices.Tags = "Gudang Utama", []string{"Online", "Nowhere"}
	}, func(t *testing.T, w *world) {
		o := w.full("completed")
		w.accept(o)
		w.later(time.Minute)
		require.Equal(t, [2]int{1, 1}, w.sent(o.ID))
		docs := w.books.Documents()
		order, invoice := financeBody(t, docs[0]), financeBody(t, docs[1])
		require.Equal(t, fmt.Sprintf("WC/SO/%d", o.ID), order["ref_number"])
		require.Equal(t, "Ring twice\nCoupons: LIMA", order["memo"])
		require.Equal(t, fmt.Sprintf("WC/INV/%d", o.ID), invoice["ref_number"])
		require.Equal(t, fmt.Sprintf("WC/SO/%d\nRing twice\nCoupons: LIMA", o.ID), invoice["memo"], "the reference names the sales order")
		require.InDelta(t, 1, invoice["warehouse_id"], 0)
		require.Equal(t, []any{4.0}, invoice["tags"])
		require.InDelta(t, 3, invoice["shipping_cost"], 0)
		require.InDelta(t, 5, invoice["additional_discount_amount"], 0)
		require.InDelta(t, 0, invoice["include_tax"], 0)
		require.Equal(t, order["contact_id"], invoice["contact_id"])
		items, _ := invoice["items"].([]any)
		var got []string
		for _, it := range items {
			m, _ := it.(map[string]any)
			got = append(got, fmt.Sprintf("%v: %v x %v = %v, tax %v", m["desc"], m["qty"], m["price"], m["amount"], m["tax_id"]))
		}
		require.Equal(t, []string{"Kopi Gayo: 2 x 10 = 20, tax <nil>", "Gift wrap: 1 x 2 = 2, tax <nil>", "VAT: 1 x 1.7 = 1.7, tax <nil>"}, got)

		require.Len(t, w.books.Payments(), 1)
		require.Equal(t, 1, w.books.Payments()[0].AccountID)
		require.EqualValues(t, 22, w.books.Payments()[0].Amount, "21.70, in whole rupiah")
		require.Len(t, w.books.Records("finance/contacts"), 1)
		require.Len(t, w.books.Records("finance/products"), 3)
		require.Contains(t, w.notes(o.ID)[1], "It does not have: the tax of 1.7 as a tax (it is a line of its own: see Finance.Taxes); "+
			"the tag Nowhere (Kledo has none of this name).")
		require.Equal(t, [2]string{`"yes"`, `"yes"`}, w.marks(o.ID))
	})
}

// TestFinanceTaxes: a tax that is known is booked as Kledo's own.
func TestFinanceTaxes(t *testing.T) {
	t.Parallel()
	inWorldOf(t, kledotest.Config{Taxes: map[int]string{31: "11"}}, func(c *Config) {
		ways["mixed"](c)
		c.NoSalesOrders, c.Finance.Taxes = true, map[woo.TaxRateID]kledo.TaxID{1: 31}
	}, func(t *testing.T, w *world) {
		o := w.full("completed")
		w.accept(o)
		w.later(time.Minute)
		items, _ := financeBody(t, w.books.Documents()[0])["items"].([]any)
		require.Len(t, items, 2)
		line, _ := items[0].(map[string]any)
		require.InDelta(t, 31, line["tax_id"], 0)
		require.Equal(t, []string{"the invoice was sent."}, w.notes(o.ID))
	})
}

// TestFinanceContacts: a customer is known by e-mail address; a name that is taken by somebody else gets it added.
func TestFinanceContacts(t *testing.T) {
	t.Parallel()
	inWorld(t, ways["finance"], func(t *testing.T, w *world) {
		first, second := w.full("processing"), w.full("processing")
		w.books.Add("finance/contacts", map[string]any{"name": first.Billing.FirstName + " " + first.Billing.LastName, "type_id": 3, "email": "x@example.test"})
		known := w.books.Add("finance/contacts", map[string]any{"name": "Bu Siti", "type_id": 3, "email": strings.ToUpper(second.Billing.Email)})
		w.accept(first)
		w.accept(second)
		w.later(time.Minute)
		require.Len(t, w.books.Records("finance/contacts"), 3)
		require.Contains(t, string(w.books.Records("finance/contacts")[2]), fmt.Sprintf(`"name":"Siti Rahma %[1]d (siti%[1]d@example.test)"`, first.ID))
		for _, d := range w.books.Documents() {
			if d.OrderID == int64(second.ID) {
				require.InDelta(t, known, financeBody(t, d)["contact_id"], 0)
			}
		}
	})
}

// TestFinanceSaysWhatIsMissing: a setting that names nothing in Kledo fails visibly and books nothing.
func TestFinanceSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"warehouse":     {func(c *Config) { c.SalesOrders.Warehouse = "Bulan" }, `the warehouse "Bulan" is not in Kledo`},
		"product":       {func(c *Config) { c.Finance.NoNewProducts = true }, `the product "KG-250" is not in Kledo`},
		"contact group": {func(c *Config) { c.Finance.ContactGroup = "VIP" }, `the contact group "VIP" is not in Kledo`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(cc *Config) { ways["finance"](cc); c.change(cc) }, func(t *testing.T, w *world) {
				o := w.full("processing")
				w.accept(o)
				w.later(time.Minute)
				r := w.job(SalesOrder, o.ID)
				require.Equal(t, retryqueue.Failed, r.State)
				require.Contains(t, r.LastError, c.want)
				require.Equal(t, [2]int{0, 0}, w.sent(o.ID))
			})
		})
	}
}

// TestFinanceStepInDoubt: an answer that is lost while the contact is made leaves the document in no doubt: it is sent at the next
// attempt, not after hours of looking.
func TestFinanceStepInDoubt(t *testing.T) {
	t.Parallel()
	inWorld(t, ways["finance"], func(t *testing.T, w *world) {
		w.losing("finance/contacts")
		o := w.full("processing")
		w.accept(o)
		w.later(6 * time.Minute)
		require.Equal(t, [2]int{1, 0}, w.sent(o.ID))
		require.Len(t, w.books.Records("finance/contacts"), 1)
	})
}

// TestPaymentInDoubt: a lost answer to a payment is looked into; it is not paid twice.
func TestPaymentInDoubt(t *testing.T) {
	t.Parallel()
	inWorld(t, ways["finance"], func(t *testing.T, w *world) {
		w.losing("finance/bankTrans/invoicePayment")
		o := w.full("completed")
		w.accept(o)
		w.later(12 * time.Hour)
		require.Len(t, w.books.Payments(), 1)
		for key, r := range w.jobs() {
			require.Equal(t, retryqueue.Succeeded, r.State, key)
		}
	})
}
