package eurofaktura_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/eurofaktura"
)

// TestRequestsOfTheContract: what the contract's examples send is what the write types encode, and they decode it.
func TestRequestsOfTheContract(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		v    any
		json string
	}{
		"sales order from a shop order, B2C": {&eurofaktura.SalesOrderFields{}, `{ "date": "2026-02-03", "type": "Retail", "currency": "BGN", "documentLanguage": "Bulgarian",
			"referenceDocumentNumber": "4711", "warehouseCode": "01", "costPosition": "WEB", "vatTransactionType": "0", "methodOfPayment": "CashOnDelivery",
			"buyerName": "Мария Иванова", "buyerStreet": "ул. Шипка 5", "buyerPostalCode": "1504", "buyerCity": "София", "buyerCountry": "BG",
			"buyerEMail": "maria@example.bg", "remarks": "Web order 4711", "Items": [
			{ "productCode": "TS-RED-M", "productName": "Тениска червена M", "quantity": 2, "unit": "бр.", "price": 24.95, "vatPercentage": 20 },
			{ "description": "Доставка", "quantity": 1, "unit": "бр.", "price": 10.00, "vatPercentage": 20 } ] }`},
		"partner upsert": {&eurofaktura.PartnerFields{}, `{ "companyType": "Ltd", "companyName": "Пример ООД", "eMail": "office@example.bg",
			"Addresses": [ { "type": "Primary", "street": "бул. Витоша 1", "postalCode": "1000", "city": "София", "country": "BG" } ],
			"BuyerData": { "buyerCode": "WEB-90017", "numberOfDaysForPayment": 14 } }`},
	} {
		require.NoError(t, json.Unmarshal([]byte(c.json), c.v), name)
		require.Nil(t, reflect.ValueOf(c.v).Elem().FieldByName("Extra").Interface(), "a member without a field: %s", name)
		again, err := json.Marshal(c.v)
		require.NoError(t, err)
		var want, got any
		require.NoError(t, json.Unmarshal([]byte(c.json), &want))
		require.NoError(t, json.Unmarshal(again, &got))
		require.Equal(t, want, got, name)
	}
}

// TestCallsOfTheContract: whole requests, as the contract's examples have them.
func TestCallsOfTheContract(t *testing.T) {
	t.Parallel()
	sent := ""
	answer := `{"response":{"status":"ok","result":{"documentID":"61:880045","number":"2026-00031","date":"2026-02-03"}}}`
	books := client(t, func(r *http.Request, body string) *http.Response {
		sent = body
		return reply(r, 200, answer)
	}, func(c *eurofaktura.Config) { c.Limiter = &eurofaktura.Limiter{Starts: 100} })
	params := func() string {
		_, p, _ := strings.Cut(strings.TrimSuffix(sent, "}"), `"parameters":`)
		return p
	}
	day := func(d int) eurofaktura.Date { return eurofaktura.Date{Year: 2026, Month: 2, Day: d} }

	created, err := books.SalesOrders.Create(t.Context(), "demoshop-order-4711", eurofaktura.SalesOrderFields{Date: eurofaktura.Set(day(3))})
	require.NoError(t, err)
	require.Equal(t, eurofaktura.Created{DocumentID: "61:880045", Number: "2026-00031", Date: day(3)}, *created)
	require.JSONEq(t, `{"apiTransactionId":"demoshop-order-4711","SalesOrder":{"date":"2026-02-03"}}`, params())

	answer = `{"response":{"status":"ok","result":{"documentID":"60:700123","number":"2026-00017","date":"2026-02-03","paymentReference":"00 17-2026"}}}`
	created, err = books.SalesInvoices.Create(t.Context(), "demoshop-invoice-1", eurofaktura.SalesInvoiceFields{})
	require.NoError(t, err)
	require.Equal(t, "00 17-2026", created.PaymentReference)

	require.NoError(t, books.AddPayment(t.Context(), eurofaktura.KindSalesInvoice, eurofaktura.ByID("60:700123"), eurofaktura.Payment{
		Amount: decimal.RequireFromString("59.9"), Currency: "BGN", Date: day(4), Method: "Card", Description: "Web order 4711",
	}))
	require.JSONEq(t, `{ "documentID": "60:700123", "paymentAmount": "59.90", "paymentCurrency": "BGN", "paymentDate": "2026-02-04",
		"paymentMethodForInvoice": "Card", "description": "Web order 4711" }`, params())

	answer = `{ "response": { "status": "ok", "result": [
		{ "documentID": "61:880045", "number": "2026-00031", "date": "2026-02-03", "status": "…", "methodOfPayment": "CashOnDelivery", "deliveryMethod": "Econt",
		"Items": [ { "position": 1, "productCode": "TS-RED-M", "description": "Тениска червена M", "quantity": "2.00" } ] } ] } }`
	rows, _, err := books.SalesOrders.List(t.Context(), eurofaktura.OrderQuery{From: day(1), To: day(7)})
	require.NoError(t, err)
	require.JSONEq(t, `{"dateFrom":"2026-02-01","dateTo":"2026-02-07"}`, params())
	require.Equal(t, "Econt", rows[0].DeliveryMethod)
	require.Equal(t, "2", rows[0].Items[0].Quantity.String())
	require.Nil(t, rows[0].Extra)
	again, err := json.Marshal(rows[0])
	require.NoError(t, err)
	require.Contains(t, answer, "quantity")
	var back eurofaktura.SalesOrder
	require.NoError(t, json.Unmarshal(again, &back))
	require.Equal(t, *rows[0], back)

	answer = `{"response":{"status":"ok","result":[{"StockQuantityInfo":{"productCode":"TS-RED-M","quantityOnStock":"13.00"}},{"StockQuantityInfo":{"productCode":"TS-RED-L","quantityOnStock":0}}]}}`
	stock, _, err := books.Warehouse.Stock(t.Context(), eurofaktura.StockQuery{
		Type: eurofaktura.StockAvailable, Warehouse: "01", Codes: []string{"TS-RED-M", "TS-RED-L"}, Status: "active", WithZero: true,
	})
	require.NoError(t, err)
	require.JSONEq(t, `{ "queryType": "perWarehouseAvailableStock", "warehouseCode": "01", "productCode": ["TS-RED-M", "TS-RED-L"],
		"productStatus": "active", "allStockTrackingProducts": true }`, params())
	require.Equal(t, "13", stock[0].Quantity.String())
	require.True(t, stock[1].Quantity.IsSet() && stock[1].Quantity.IsZero())

	m, err := eurofaktura.ParseWebhook([]byte(`{ "messageID": "0A", "messageTimestamp": "2026-02-03T10:15:25", "signature": "ff", "events": [ "…unknown shape…" ] }`))
	require.NoError(t, err)
	require.Equal(t, "ff", m.Signature)
	require.JSONEq(t, `["…unknown shape…"]`, string(m.Rest["events"]))
}

// TestAnswersOfTheContract: the error and the empty list, both of which are HTTP 500.
func TestAnswersOfTheContract(t *testing.T) {
	t.Parallel()
	answer := ""
	books := client(t, func(r *http.Request, _ string) *http.Response { return reply(r, 500, answer) },
		func(c *eurofaktura.Config) { c.Limiter = &eurofaktura.Limiter{Starts: 100} })
	answer = `{ "response": { "status": "error", "release": "1031.0", "url": "X9z", "serverTime": "2026-02-03T10:15:22", "apiMethod": "SalesOrderCreate",
		"description": "Error nr: 1 #buyerTaxNumber - VAT number is required;\r\nError nr: 2 #Items - Document has no items;\r\n" } }`
	_, err := books.SalesOrders.Create(t.Context(), "demoshop-order-1", eurofaktura.SalesOrderFields{})
	require.EqualError(t, err, "eurofaktura: SalesOrders.Create: (buyerTaxNumber: VAT number is required; Items: Document has no items)")
	answer = `{ "response": { "status": "error", "apiMethod": "SalesInvoiceList", "serverTime": "2026-02-03T03:00:04",
		"description": "Error nr: 1 #noDocumentsFound - nothing matches the search;\r\n" } }`
	rows, _, err := books.SalesInvoices.List(t.Context(), eurofaktura.InvoiceQuery{})
	require.NoError(t, err)
	require.Empty(t, rows)
}
