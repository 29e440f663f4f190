package eurofaktura_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/eurofaktura/eurofakturatest"
)

// TestMD5Pass has the vendor's own vector and another.
func TestMD5Pass(t *testing.T) {
	t.Parallel()
	require.Equal(t, "ddb43e9f119c6805f4770ecc4f6466ba", eurofaktura.MD5Pass("micka", "kovac"))
	require.Equal(t, "b78d2c3a15e053251016fb509957e19b", eurofaktura.MD5Pass("shopbot", "Tajna!42"))
}

// TestForms: both credential sets, in the body, and the secret key in a header with the parameters as a form.
func TestForms(t *testing.T) {
	t.Parallel()
	ok := `{"response":{"status":"ok","result":[]}}`
	type seen struct{ path, auth, contentType, body, encoding string }
	call := func(change func(*eurofaktura.Config)) seen {
		var s seen
		books := client(t, func(r *http.Request, body string) *http.Response {
			s = seen{r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), body, r.Header.Get("Accept-Encoding")}
			return reply(r, 200, ok)
		}, change)
		_, _, err := books.Warehouse.Stock(t.Context(), eurofaktura.StockQuery{
			Type: eurofaktura.StockAvailable, Warehouse: "01", Codes: []string{"A", "B"}, WithZero: true,
		})
		require.NoError(t, err)
		return s
	}
	params := `{"allStockTrackingProducts":true,"productCode":["A","B"],"queryType":"perWarehouseAvailableStock","warehouseCode":"01"}`
	s := call(nil)
	require.Equal(t, seen{"/WebServices/API", "", "application/json",
		`{"username":"SHOPBOT","secretKey":"0123456789abcdef","token":"ABCDEF","method":"WarehouseGetArticleStockQuantity","parameters":` +
			params + `}`, "identity"}, s)
	s = call(func(c *eurofaktura.Config) { c.SecretKey, c.Username, c.Password = "", "micka", "kovac" })
	require.Equal(t, `{"username":"micka","md5pass":"ddb43e9f119c6805f4770ecc4f6466ba","token":"ABCDEF",`+
		`"method":"WarehouseGetArticleStockQuantity","parameters":`+params+`}`, s.body)
	s = call(func(c *eurofaktura.Config) { c.SecretKey, c.MD5Pass = "", "ddb43e9f119c6805f4770ecc4f6466ba" })
	require.Contains(t, s.body, `"md5pass":"ddb43e9f119c6805f4770ecc4f6466ba"`)
	s = call(func(c *eurofaktura.Config) { c.CLI = true })
	require.Equal(t, seen{"/WebServices/API-CLI/WarehouseGetArticleStockQuantity",
		"Basic " + base64.StdEncoding.EncodeToString([]byte("SHOPBOT:ABCDEF_0123456789abcdef")), "application/x-www-form-urlencoded",
		"allStockTrackingProducts=true&productCode=A&productCode=B&queryType=perWarehouseAvailableStock&warehouseCode=01", "identity"}, s)
}

// TestCLICreates: objects travel as JSON in a field, and the fake understands them alike.
func TestCLICreates(t *testing.T) {
	t.Parallel()
	inBooks(t, eurofakturatest.Config{}, func(t *testing.T, books *eurofakturatest.Books, _ *eurofaktura.Client) {
		c := books.Config()
		c.CLI = true
		client, err := eurofaktura.New(c)
		require.NoError(t, err)
		created, err := client.SalesOrders.Create(t.Context(), "shop-order-1", order("4711"))
		require.NoError(t, err)
		require.NotEmpty(t, created.DocumentID)
		require.True(t, books.Requests()[0].CLI)
		require.Equal(t, "4711", books.Documents()[0].Text("referenceDocumentNumber"))
	})
}

func order(number string) eurofaktura.SalesOrderFields {
	return eurofaktura.SalesOrderFields{
		Date: eurofaktura.Set(eurofaktura.Date{Year: 2026, Month: 2, Day: 3}), Type: eurofaktura.Set(eurofaktura.TypeRetail),
		Currency: eurofaktura.Set("EUR"), ReferenceDocumentNumber: eurofaktura.Set(number), OrderReference: eurofaktura.Set("shop-order-" + number),
		Items: []eurofaktura.ItemFields{{
			Description: eurofaktura.Set("Доставка"), Quantity: eurofaktura.Set(decimal.NewFromInt(1)),
			Price: eurofaktura.Set(decimal.RequireFromString("10.00")), VATPercentage: eurofaktura.Set(decimal.NewFromInt(20)),
		}},
	}
}

// TestConfig: each thing that is wrong is named, with what to write, and no secret is printed.
func TestConfig(t *testing.T) {
	t.Parallel()
	good := eurofaktura.Config{Endpoint: "https://x.test/API", Username: "U", SecretKey: "hush-key", Token: "hush-token"}
	for field, change := range map[string]func(*eurofaktura.Config){
		"Config.Endpoint: is empty":       func(c *eurofaktura.Config) { c.Endpoint = "" },
		"Config.Endpoint: does not begin": func(c *eurofaktura.Config) { c.Endpoint = "ftp://x" },
		"Config.Endpoint: holds a user":   func(c *eurofaktura.Config) { c.Endpoint = "https://u:hush-key@x.test/API" },
		"Config.Endpoint: holds a query":  func(c *eurofaktura.Config) { c.Endpoint = "https://x.test/API?token=hush-token" },
		"Config.Username: is empty":       func(c *eurofaktura.Config) { c.Username = "" },
		"Config.SecretKey: is empty":      func(c *eurofaktura.Config) { c.SecretKey = "" },
		"Config.SecretKey: stands beside": func(c *eurofaktura.Config) { c.Password = "p" },
		"Config.SecretKey: holds a space": func(c *eurofaktura.Config) { c.SecretKey = "hush-key " },
		"Config.Token: is empty":          func(c *eurofaktura.Config) { c.Token = "" },
		"Config.Token: holds a space":     func(c *eurofaktura.Config) { c.Token = " hush-token" },
		"Config.Username: is not ASCII":   func(c *eurofaktura.Config) { c.Username, c.SecretKey, c.Password = "žaba", "", "hush-key" },
		"Config.CLI: needs a SecretKey":   func(c *eurofaktura.Config) { c.SecretKey, c.Password, c.CLI = "", "hush-key", true },
		"Config.MaxBody: is negative":     func(c *eurofaktura.Config) { c.MaxBody = -1 },
	} {
		c := good
		change(&c)
		_, err := eurofaktura.New(c)
		require.ErrorContains(t, err, field)
		require.NotContains(t, err.Error(), "hush")
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", good)
	bad := good
	bad.Endpoint = "https://u:hush-key@x.test/API?token=hush-token"
	printed := fmt.Sprint(good) + fmt.Sprintf("%+v %#v %v", good, good, bad) + log.String()
	require.NotContains(t, printed, "hush")
	require.Contains(t, printed, "https://x.test/API")
}

const errorEnvelope = `{"response":{"status":"error","release":"1031.0","url":"X9z","serverTime":"2026-02-03T10:15:22","apiMethod":%s,"description":%s}}`

func failed(method, description string) string {
	quoted, _ := json.Marshal(description)
	name := "null"
	if method != "" {
		name = `"` + method + `"`
	}
	return fmt.Sprintf(errorEnvelope, name, quoted)
}

// TestErrors is the table of the package's page: what an answer means, whether a queue tries again, and whether it may be booked.
func TestErrors(t *testing.T) {
	t.Parallel()
	const lock = "Another web request is currently being processed."
	for name, c := range map[string]struct {
		status     int
		body, kind string // Content-Type; default JSON
		is         error
		permanent  bool
		systemic   bool
		ambiguous  bool
		wait       time.Duration
		requests   int // of an effect
	}{
		"numbered, 500": {500, failed("SalesOrderCreate", "Error nr: 1 #buyerTaxNumber - VAT number is required;\r\nError nr: 2 #Items - Document has no items;\r\n"), "",
			eurofaktura.ErrValidation, true, false, false, 0, 1},
		"numbered, 200":         {200, failed("SalesOrderCreate", "Error nr: 1 #date - no;"), "", eurofaktura.ErrValidation, true, false, false, 0, 1},
		"not found":             {500, failed("SalesOrderGet", "Error nr: 1 #noDocumentsFound - none;"), "", eurofaktura.ErrNotFound, true, false, false, 0, 1},
		"known transaction":     {500, failed("SalesOrderCreate", "Error nr: 1 #apiTransactionId - done before;"), "", eurofaktura.ErrDuplicate, true, false, false, 0, 1},
		"lock, 500":             {500, failed("", lock), "", eurofaktura.ErrBusy, false, true, false, 15 * time.Second, 2},
		"lock, 503, no JSON":    {503, lock, "text/plain", eurofaktura.ErrBusy, false, true, false, 15 * time.Second, 4},
		"lock, other words":     {500, failed("SalesOrderCreate", "Concurrent usage of atomic API operations"), "", eurofaktura.ErrBusy, false, true, false, 15 * time.Second, 2},
		"429":                   {429, failed("", "x"), "", eurofaktura.ErrRateLimited, false, true, false, 5 * time.Second, 4},
		"429, no JSON":          {429, "slow down", "text/plain", eurofaktura.ErrRateLimited, false, true, false, 5 * time.Second, 4},
		"too many, 500":         {500, failed("", "Too many requests from the client IP address"), "", eurofaktura.ErrRateLimited, false, true, false, 5 * time.Second, 2},
		"token":                 {500, failed("", "Invalid web services token"), "", eurofaktura.ErrAuth, false, true, false, 0, 1},
		"before the method":     {500, failed("", "Neveljaven žeton"), "", eurofaktura.ErrAuth, false, true, false, 0, 1},
		"user":                  {500, failed("SalesOrderCreate", "User name or password is not valid"), "", eurofaktura.ErrAuth, false, true, false, 0, 1},
		"privileges":            {500, failed("SalesOrderCreate", "Access denied: the user lacks privileges"), "", eurofaktura.ErrPermission, false, false, false, 0, 1},
		"free words":            {500, failed("SalesOrderCreate", "java.lang.NullPointerException"), "", eurofaktura.ErrRefused, false, false, true, 0, 1},
		"404 page":              {404, "<html><head><title>404 Not Found</title></head></html>", "text/html", eurofaktura.ErrNoRoute, false, true, false, 0, 1},
		"200 page":              {200, "<html><head><title>e-racuni</title></head></html>", "text/html", eurofaktura.ErrNoRoute, false, true, true, 0, 1},
		"500 without JSON":      {500, "boom", "text/plain", eurofaktura.ErrUnavailable, false, false, true, 0, 1},
		"502 page":              {502, "<html><head><title>502 Bad Gateway</title></head></html>", "text/html", eurofaktura.ErrUnavailable, false, false, true, 0, 1},
		"503 page":              {503, "<html><head><title>Maintenance</title></head></html>", "text/html", eurofaktura.ErrUnavailable, false, true, true, 0, 1},
		"cut off":               {200, `{"response":{"status":"ok","res`, "", eurofaktura.ErrNotJSON, false, false, true, 0, 1},
		"another JSON":          {200, `{"ok":true}`, "", eurofaktura.ErrNotJSON, false, false, true, 0, 1},
		"ok, names no document": {200, `{"response":{"status":"ok","result":{}}}`, "", eurofaktura.ErrNotJSON, false, false, true, 0, 1},
		"redirect":              {302, "", "", eurofaktura.ErrRedirect, false, true, false, 0, 1},
		"403":                   {403, `{"x":1}`, "", eurofaktura.ErrPermission, false, false, false, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				books := client(t, func(r *http.Request, _ string) *http.Response {
					requests++
					resp := reply(r, c.status, c.body)
					if c.kind != "" {
						resp.Header.Set("Content-Type", c.kind)
					}
					if c.status == 302 {
						resp.Header.Set("Location", "https://elsewhere.test/login?token=hush")
					}
					return resp
				}, nil)
				_, err := books.SalesOrders.Create(t.Context(), "shop-order-1", order("1"))
				require.ErrorIs(t, err, c.is)
				var e *eurofaktura.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, c.permanent, e.Permanent(), "permanent")
				require.Equal(t, c.systemic, e.Systemic(), "systemic")
				require.Equal(t, c.ambiguous, e.Ambiguous(), "ambiguous")
				require.Equal(t, c.ambiguous, errors.Is(err, eurofaktura.ErrAmbiguous))
				require.Equal(t, c.wait, e.RetryAfter())
				require.Equal(t, c.requests, requests, "requests")
				require.NotContains(t, err.Error(), "hush")
				require.NotContains(t, err.Error(), "0123456789abcdef")
			})
		})
	}
}

// TestFieldErrors reads the numbered form, and what is not quite it.
func TestFieldErrors(t *testing.T) {
	t.Parallel()
	for description, want := range map[string][]eurofaktura.FieldError{
		"Error nr: 1 #buyerTaxNumber - VAT number is required;\r\nError nr: 2 #Items - Document has no items;\r\n": {
			{1, "buyerTaxNumber", "VAT number is required"}, {2, "Items", "Document has no items"}},
		"error NR:3 #x - a; b;":                    {{3, "x", "a; b"}},
		"Error nr: 7 - without a field;":           {{7, "", "without a field"}},
		"Error nr: 8 #noText":                      {{8, "noText", ""}},
		"İ before Error nr: 9 #z - Кирилица;":      {{9, "z", "Кирилица"}},
		"Error nr: 99999999999999999999 #y - big;": {{9223372036854775807, "y", "big"}},
	} {
		books := client(t, func(r *http.Request, _ string) *http.Response {
			return reply(r, 500, failed("SalesOrderCreate", description))
		}, nil)
		_, err := books.SalesOrders.Create(t.Context(), "x-1", order("1"))
		var e *eurofaktura.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, want, e.Fields, description)
		if want[0].Field != "" {
			require.Equal(t, want[0].Field, e.Code)
			require.Equal(t, want[0].Text, e.Details[e.Code])
		}
	}
}

// TestReadsRepeat: a read goes out again where an effect must not.
func TestReadsRepeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		books := client(t, func(r *http.Request, _ string) *http.Response {
			if requests++; requests < 3 {
				resp := reply(r, 502, "<html><title>502 Bad Gateway</title></html>")
				resp.Header.Set("Content-Type", "text/html")
				return resp
			}
			return reply(r, 200, `{"response":{"status":"ok","result":[]}}`)
		}, nil)
		_, _, err := books.SalesOrders.List(t.Context(), eurofaktura.OrderQuery{})
		require.NoError(t, err)
		require.Equal(t, 3, requests)
	})
}

// TestMethods holds what each method may do when sent twice.
func TestMethods(t *testing.T) {
	t.Parallel()
	for m, repeats := range map[eurofaktura.Method]bool{
		"SalesOrderGet": true, "SalesOrderList": true, "SalesInvoiceGetPDF": true, "WarehouseGetArticleStockQuantity": true,
		"SalesOrderUpdate": true, "ProductImport": true, "ProductMassImport": true, "SalesOrderDelete": true, "GetDocumentSendingStatus": true,
		"SalesOrderCreate": false, "SalesOrderImport": false, "SalesInvoicePaymentRecordAdd": false, "SalesOrderCreateInvoice": false,
		"SalesOrderSendByEmail": false, "SalesInvoiceCancel": false, "SendDocumentToFina": false, "SalesQuoteCopy": false,
		"SomethingNewGet": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			books := client(t, func(r *http.Request, _ string) *http.Response {
				if requests++; requests == 1 {
					return reply(r, 504, "")
				}
				return reply(r, 200, `{"response":{"status":"ok","result":{}}}`)
			}, nil)
			err := books.Call(t.Context(), m, map[string]any{"a": 1}, nil)
			if repeats {
				require.NoError(t, err, m)
			} else {
				require.ErrorIs(t, err, eurofaktura.ErrAmbiguous, m)
			}
			require.Equal(t, m != "SomethingNewGet", m.Known())
		})
	}
}

// TestCall decodes a result whether it comes as an object or as a list.
func TestCall(t *testing.T) {
	t.Parallel()
	result := ""
	books := client(t, func(r *http.Request, _ string) *http.Response {
		return reply(r, 200, `{"response":{"status":"ok","result":`+result+`}}`)
	}, func(c *eurofaktura.Config) { c.Limiter = &eurofaktura.Limiter{Starts: 100} })
	type row struct{ A int }
	for _, result = range []string{`{"A":1}`, `[{"A":1}]`} {
		var one row
		require.NoError(t, books.Call(t.Context(), "DocumentInboxList", nil, &one))
		var all []row
		require.NoError(t, books.Call(t.Context(), "DocumentInboxList", struct{}{}, &all))
		require.Equal(t, []row{{1}}, all)
		require.Equal(t, row{1}, one)
	}
	result = `[{"A":1},{"A":2}]`
	var one row
	require.ErrorIs(t, books.Call(t.Context(), "DocumentInboxList", nil, &one), eurofaktura.ErrNotJSON, "two where one belongs")
	require.ErrorIs(t, books.Call(t.Context(), "DocumentInboxList", []int{1}, nil), eurofaktura.ErrValidation)
	require.ErrorIs(t, books.Call(t.Context(), "", nil, nil), eurofaktura.ErrValidation)
}

// TestTransactionID: the same parts make the same id, and only ids that any server takes are sent.
func TestTransactionID(t *testing.T) {
	t.Parallel()
	require.Equal(t, "my_shop-order-4711", eurofaktura.TransactionID("my shop", "order", 4711))
	books := client(t, func(r *http.Request, _ string) *http.Response { t.Error("sent"); return reply(r, 500, "") }, nil)
	for _, id := range []string{"", strings.Repeat("x", 65)} {
		_, err := books.SalesOrders.Create(t.Context(), id, order("1"))
		require.ErrorIs(t, err, eurofaktura.ErrValidation)
		_, err = books.Import(t.Context(), eurofaktura.KindSalesOrder, id, order("1"))
		require.ErrorIs(t, err, eurofaktura.ErrValidation)
		_, err = books.CreateInvoice(t.Context(), eurofaktura.KindSalesOrder, eurofaktura.ByID("61:1"), id)
		require.ErrorIs(t, err, eurofaktura.ErrValidation)
		require.ErrorIs(t, books.Products.Create(t.Context(), id, eurofaktura.ProductFields{Code: eurofaktura.Set("A")}), eurofaktura.ErrValidation)
	}
}

// TestDocuments walks through what a document can do.
func TestDocuments(t *testing.T) {
	t.Parallel()
	inBooks(t, eurofakturatest.Config{}, func(t *testing.T, books *eurofakturatest.Books, c *eurofaktura.Client) {
		ctx := t.Context()
		rows, page, err := c.SalesOrders.List(ctx, eurofaktura.OrderQuery{})
		require.NoError(t, err, "nothing found is an empty list")
		require.Empty(t, rows)
		require.Zero(t, page.Rows)
		_, err = c.SalesOrders.Get(ctx, eurofaktura.ByID("61:1"))
		require.ErrorIs(t, err, eurofaktura.ErrNotFound)
		_, err = c.SalesOrders.Get(ctx, eurofaktura.DocumentRef{})
		require.ErrorIs(t, err, eurofaktura.ErrValidation)

		created, err := c.SalesOrders.Create(ctx, "shop-order-4711", order("4711"), eurofaktura.WithParameter("generatePublicURL", true))
		require.NoError(t, err)
		again, err := c.SalesOrders.Create(ctx, "shop-order-4711", order("4711"))
		require.NoError(t, err)
		require.Equal(t, created, again, "the same transaction makes no second document")
		got, err := c.SalesOrders.Get(ctx, eurofaktura.ByNumber(created.Number))
		require.NoError(t, err)
		require.Equal(t, created.DocumentID, got.DocumentID)
		require.Equal(t, "10.00", got.DocumentAmount.StringFixed(2))
		require.Equal(t, "Доставка", got.Items[0].Description)
		require.Equal(t, eurofaktura.Date{Year: 2026, Month: 2, Day: 3}, got.Date)

		ref := eurofaktura.ByID(created.DocumentID)
		require.NoError(t, c.SalesOrders.Update(ctx, ref, eurofaktura.SalesOrderFields{Status: eurofaktura.Set("Sent")}))
		rows, _, err = c.SalesOrders.List(ctx, eurofaktura.OrderQuery{Status: "Sent", From: got.Date, To: got.Date})
		require.NoError(t, err)
		require.Len(t, rows, 1)
		require.NoError(t, c.AddPayment(ctx, eurofaktura.KindSalesOrder, ref, eurofaktura.Payment{Amount: decimal.NewFromInt(10), Method: "Card"}))
		require.Equal(t, "10.00", books.Documents()[0].Payments[0]["paymentAmount"])
		require.NoError(t, c.SendByEmail(ctx, eurofaktura.KindSalesOrder, ref, nil))

		invoice, err := c.CreateInvoice(ctx, eurofaktura.KindSalesOrder, ref, "shop-invoice-4711")
		require.NoError(t, err)
		list, _, err := c.SalesInvoices.List(ctx, eurofaktura.InvoiceQuery{IssuedFrom: "2000-01-01 02:00:00"})
		require.NoError(t, err)
		require.Equal(t, invoice.DocumentID, list[0].DocumentID)
		require.Equal(t, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), c.Time(list[0].IssuedTimestamp).Truncate(time.Hour), "the organisation's clock")
		url, err := c.PublicURL(ctx, eurofaktura.ByID(invoice.DocumentID))
		require.NoError(t, err)
		require.NotEmpty(t, url)

		imported, err := c.Import(ctx, eurofaktura.KindSalesInvoice, "shop-import-1", eurofaktura.SalesInvoiceFields{
			Number: eurofaktura.Set("7-1-1"), Items: order("1").Items,
		})
		require.NoError(t, err)
		require.Equal(t, "7-1-1", imported.Number)
		require.NoError(t, c.Cancel(ctx, eurofaktura.KindSalesInvoice, eurofaktura.ByID(imported.DocumentID)))
		require.NoError(t, c.SalesOrders.Delete(ctx, ref))
		require.Zero(t, books.Count(eurofakturatest.SalesOrder, ""))

		for _, err := range []error{ // verbs that a kind lacks are refused before anything is sent
			c.Cancel(ctx, eurofaktura.KindSalesQuote, ref),
			c.AddPayment(ctx, eurofaktura.KindWorkOrder, ref, eurofaktura.Payment{}),
			c.SendByEmail(ctx, eurofaktura.KindReceivedInvoice, ref, nil),
		} {
			require.ErrorIs(t, err, eurofaktura.ErrValidation)
			require.ErrorContains(t, err, "catalogue")
		}
	})
}

// TestWindowsAreHalved: a list that comes back full is asked for in halves of its time, down to a day.
func TestWindowsAreHalved(t *testing.T) {
	t.Parallel()
	inBooks(t, eurofakturatest.Config{}, func(t *testing.T, books *eurofakturatest.Books, c *eurofaktura.Client) {
		day := eurofaktura.Date{Year: 2026, Month: 1, Day: 1}
		for i := range 2000 {
			books.AddDocument(eurofakturatest.SalesOrder, map[string]any{"date": day.AddDays(i / 400 * 3).String()}) // 400 on each third day
		}
		seen := map[eurofaktura.DocumentID]bool{}
		for row, err := range c.SalesOrders.All(t.Context(), eurofaktura.OrderQuery{}) {
			require.NoError(t, err)
			require.False(t, seen[row.DocumentID], "came twice")
			seen[row.DocumentID] = true
		}
		require.Len(t, seen, 2000)
		for range 100 { // now one day holds 500
			books.AddDocument(eurofakturatest.SalesOrder, map[string]any{"date": day.String()})
		}
		_, page, err := c.SalesOrders.List(t.Context(), eurofaktura.OrderQuery{From: day, To: day})
		require.NoError(t, err)
		require.Equal(t, eurofaktura.Page{Rows: 500, Capped: true}, *page)
		var last error
		for _, err := range c.SalesOrders.All(t.Context(), eurofaktura.OrderQuery{From: day, To: day.AddDays(3)}) {
			last = err
		}
		require.ErrorIs(t, last, eurofaktura.ErrPaging, "never silently less than all")
		n := 0
		for range c.SalesOrders.All(t.Context(), eurofaktura.OrderQuery{From: day.AddDays(3)}) {
			if n++; n == 3 {
				break
			}
		}
		overlapping, crowding := books.Collisions()
		require.Zero(t, overlapping+crowding)
	})
}

// TestProducts: import, mass import in parts of 5,000, lists beyond their cap.
func TestProducts(t *testing.T) {
	t.Parallel()
	inBooks(t, eurofakturatest.Config{}, func(t *testing.T, books *eurofakturatest.Books, c *eurofaktura.Client) {
		ctx := t.Context()
		fields := make([]eurofaktura.ProductFields, 10_001)
		for i := range fields {
			fields[i] = eurofaktura.ProductFields{Code: eurofaktura.Set(fmt.Sprintf("P-%05d", i)), RetailPrice: eurofaktura.Set(decimal.NewFromInt(2))}
		}
		plan := c.Products.PlanImport(fields)
		require.Equal(t, 3, plan.Requests())
		require.Equal(t, len(fields), plan.Items())
		var heard []eurofaktura.Progress
		plan.Progress = func(p eurofaktura.Progress) { heard = append(heard, p) }
		results, err := plan.Run(ctx)
		require.NoError(t, err)
		require.Len(t, results, len(fields))
		require.Equal(t, []eurofaktura.Progress{{Done: 5000, Total: 10_001, Requests: 1}, {Done: 10_000, Total: 10_001, Requests: 2}, {Done: 10_001, Total: 10_001, Requests: 3}}, heard)
		require.Len(t, books.Requests(), 3)

		rows, page, err := c.Products.List(ctx, eurofaktura.ProductQuery{Codes: []string{"P-00001", "P-00002", "nope"}})
		require.NoError(t, err)
		require.Len(t, rows, 2)
		require.False(t, page.Capped)
		_, _, err = c.Products.List(ctx, eurofaktura.ProductQuery{Codes: []string{"a,b"}})
		require.ErrorIs(t, err, eurofaktura.ErrValidation)

		require.NoError(t, c.Products.Import(ctx, eurofaktura.ProductFields{Code: eurofaktura.Set("N/1"), Name: eurofaktura.Set("Чаша")}))
		p, err := c.Products.Get(ctx, "N/1")
		require.NoError(t, err)
		require.Equal(t, "Чаша", p.Name)
		require.ErrorIs(t, c.Products.Create(ctx, "p-1", eurofaktura.ProductFields{Code: eurofaktura.Set("N/1")}), eurofaktura.ErrValidation, "taken")
		require.NoError(t, c.Products.Delete(ctx, "N/1"))
		_, err = c.Products.Get(ctx, "N/1")
		require.ErrorIs(t, err, eurofaktura.ErrNotFound)
		require.ErrorIs(t, c.Products.Update(ctx, eurofaktura.ProductFields{}), eurofaktura.ErrValidation)

		books.SetScript(func(eurofakturatest.Call) *eurofakturatest.Answer {
			return &eurofakturatest.Answer{Error: "Error nr: 1 #productCode - no;"}
		})
		results, err = plan.Run(ctx)
		require.ErrorIs(t, err, eurofaktura.ErrValidation)
		require.ErrorIs(t, results[0].Err, eurofaktura.ErrValidation)
		require.ErrorIs(t, results[5000].Err, eurofaktura.ErrNotSent)
	})
}

// TestProductsAreDivided: a full list is divided at the middle of its codes.
func TestProductsAreDivided(t *testing.T) {
	t.Parallel()
	inBooks(t, eurofakturatest.Config{}, func(t *testing.T, books *eurofakturatest.Books, c *eurofaktura.Client) {
		const n = 23_000
		for i := range n {
			books.AddProduct(map[string]any{"productCode": fmt.Sprintf("P%05d", i)})
		}
		seen := 0
		for _, err := range c.Products.All(t.Context(), eurofaktura.ProductQuery{}) {
			require.NoError(t, err)
			seen++
		}
		require.Equal(t, n, seen)
	})
}

// TestStock: texts and numbers, zeros only when asked for, and no answer taken for zero.
func TestStock(t *testing.T) {
	t.Parallel()
	inBooks(t, eurofakturatest.Config{}, func(t *testing.T, books *eurofakturatest.Books, c *eurofaktura.Client) {
		books.SetStock("01", "A", decimal.RequireFromString("13.9"))
		books.SetStock("01", "B", decimal.NewFromInt(-2))
		books.SetStock("01", "C", decimal.Zero)
		rows, _, err := c.Warehouse.Stock(t.Context(), eurofaktura.StockQuery{Type: eurofaktura.StockAvailable, Warehouse: "01", WithZero: true})
		require.NoError(t, err)
		var got []string
		for _, r := range rows {
			got = append(got, r.ProductCode+" "+r.Quantity.String())
		}
		require.Equal(t, []string{"A 13.9", "B -2", "C 0"}, got)
		books.SetScript(func(eurofakturatest.Call) *eurofakturatest.Answer {
			return &eurofakturatest.Answer{Body: `{"response":{"status":"ok","result":[{"StockQuantityInfo":{"productCode":"A"}},{"StockQuantityInfo":{"productCode":"B","quantityOnStock":"3"}}]}}`}
		})
		rows, _, err = c.Warehouse.Stock(t.Context(), eurofaktura.StockQuery{})
		require.ErrorIs(t, err, eurofaktura.ErrMalformed)
		require.Len(t, rows, 1, "the other record is not lost")
		books.SetScript(func(eurofakturatest.Call) *eurofakturatest.Answer {
			return &eurofakturatest.Answer{Body: `{"response":{"status":"ok","result":null}}`}
		})
		_, _, err = c.Warehouse.Stock(t.Context(), eurofaktura.StockQuery{})
		require.ErrorIs(t, err, eurofaktura.ErrNotJSON, "null is not: nothing in stock")
	})
}

// TestPartners: import needs a code, or each would be somebody new.
func TestPartners(t *testing.T) {
	t.Parallel()
	inBooks(t, eurofakturatest.Config{}, func(t *testing.T, _ *eurofakturatest.Books, c *eurofaktura.Client) {
		ctx := t.Context()
		_, err := c.Partners.Import(ctx, eurofaktura.PartnerFields{CompanyName: eurofaktura.Set("Пример ООД")})
		require.ErrorIs(t, err, eurofaktura.ErrValidation)
		fields := eurofaktura.PartnerFields{
			CompanyName: eurofaktura.Set("Пример ООД"), TaxID: eurofaktura.Set("BG123"),
			BuyerData: eurofaktura.Set(eurofaktura.BuyerDataFields{BuyerCode: eurofaktura.Set("WEB-1"), DaysForPayment: eurofaktura.Set(14)}),
		}
		p, err := c.Partners.Import(ctx, fields)
		require.NoError(t, err)
		again, err := c.Partners.Import(ctx, fields)
		require.NoError(t, err)
		require.Equal(t, p.DocumentID, again.DocumentID)
		for _, get := range []func() (*eurofaktura.Partner, error){
			func() (*eurofaktura.Partner, error) { return c.Partners.Get(ctx, "WEB-1") },
			func() (*eurofaktura.Partner, error) { return c.Partners.GetByID(ctx, "BG123") },
			func() (*eurofaktura.Partner, error) { return c.Partners.GetByDocumentID(ctx, p.DocumentID) },
		} {
			got, err := get()
			require.NoError(t, err)
			require.Equal(t, "Пример ООД", got.CompanyName)
			require.Equal(t, 14, got.BuyerData.DaysForPayment)
		}
		require.NoError(t, c.Partners.Delete(ctx, "WEB-1"))
		_, err = c.Partners.Get(ctx, "WEB-1")
		require.ErrorIs(t, err, eurofaktura.ErrNotFound)
	})
}

// TestFiles: PDFs and attachments are decoded into the caller's writer.
func TestFiles(t *testing.T) {
	t.Parallel()
	inBooks(t, eurofakturatest.Config{}, func(t *testing.T, _ *eurofakturatest.Books, c *eurofaktura.Client) {
		ctx := t.Context()
		created, err := c.SalesOrders.Create(ctx, "s-1", order("1"))
		require.NoError(t, err)
		ref := eurofaktura.ByID(created.DocumentID)
		var pdf bytes.Buffer
		n, err := c.PDF(ctx, eurofaktura.KindSalesOrder, ref, &pdf)
		require.NoError(t, err)
		require.EqualValues(t, pdf.Len(), n)
		require.True(t, bytes.HasPrefix(pdf.Bytes(), []byte("%PDF-1.4")) && bytes.HasSuffix(pdf.Bytes(), []byte("%%EOF\n")))
		_, err = c.PDF(ctx, eurofaktura.KindReceivedInvoice, ref, &pdf)
		require.ErrorIs(t, err, eurofaktura.ErrValidation)
		_, err = c.PDF(ctx, eurofaktura.KindSalesOrder, ref, full{})
		require.ErrorIs(t, err, errFull)

		data := bytes.Repeat([]byte{0, 1, 2, 255}, 50_000)
		require.NoError(t, c.Attach(ctx, eurofaktura.KindSalesOrder, ref, "foto.bin", "application/octet-stream", bytes.NewReader(data)))
		files, err := c.Attachments(ctx, eurofaktura.KindSalesOrder, ref)
		require.NoError(t, err)
		require.Equal(t, "foto.bin", files[0].FileName)
		var back bytes.Buffer
		_, err = c.Attached(ctx, eurofaktura.KindSalesOrder, ref, "foto.bin", &back)
		require.NoError(t, err)
		require.Equal(t, data, back.Bytes())
	})
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestFileForms: where the file stands, and how its text is escaped.
func TestFileForms(t *testing.T) {
	t.Parallel()
	result := ""
	books := client(t, func(r *http.Request, _ string) *http.Response {
		return reply(r, 200, `{"response":{"status":"ok","result":`+result+`}}`)
	}, func(c *eurofaktura.Config) { c.Limiter = &eurofaktura.Limiter{Starts: 100} })
	for _, result = range []string{
		`{"pdfFile":"aGV/\r\nbw=="}`, `{"pdfFile":"aGV\/bw=="}`, `[{"fileContent":"aGV\u002fbw=="}]`, `{"Attachment":{"contents":"aGV/bw=="}}`,
		`{"pdfFile":"","fileContent":"aGV/bw=="}`,
	} {
		var b bytes.Buffer
		if result == `{"pdfFile":"aGV/\r\nbw=="}` {
			result = strings.ReplaceAll(result, "\\r\\n", `\r\n`)
		}
		_, err := books.PDF(t.Context(), eurofaktura.KindSalesOrder, eurofaktura.ByID("1"), &b)
		require.NoError(t, err, result)
		require.Equal(t, "he\x7fo", b.String(), result)
	}
	for _, result = range []string{`{}`, `[]`, `null`, `{"pdfFile":"!!"}`, `{"pdfFile":"\u0416"}`, `{"pdfFile":7}`} {
		_, err := books.PDF(t.Context(), eurofaktura.KindSalesOrder, eurofaktura.ByID("1"), io.Discard)
		require.ErrorIs(t, err, eurofaktura.ErrNotJSON, result)
	}
}

// TestLenient: numbers as texts, truth as text or number, lists of one, and what makes no sense kept in Extra.
func TestLenient(t *testing.T) {
	t.Parallel()
	var o eurofaktura.SalesOrder
	src := `{"documentID":"61:1","number":7,"date":"2026-02-03T00:00:00","status":null,"documentAmount":"121.00","vatTransactionType":106,` +
		`"Items":{"position":"1","quantity":"2.00","price":24.950,"vatPercentage":""},"buyerName":{"odd":1},"newMember":[1,2]}`
	require.NoError(t, json.Unmarshal([]byte(src), &o))
	require.Equal(t, "7", o.Number)
	require.Equal(t, "106", o.VATTransactionType)
	require.Equal(t, "121", o.DocumentAmount.String())
	require.Equal(t, 1, o.Items[0].Position)
	require.False(t, o.Items[0].VATPercentage.IsSet())
	require.Empty(t, o.BuyerName)
	require.Len(t, o.Extra, 2)
	again, err := json.Marshal(o)
	require.NoError(t, err)
	require.JSONEq(t, `{"documentID":"61:1","number":"7","date":"2026-02-03","documentAmount":"121.00","vatTransactionType":"106",`+
		`"Items":[{"position":1,"quantity":"2.00","price":24.950,"vatPercentage":""}],"buyerName":{"odd":1},"newMember":[1,2]}`, string(again))
	var back eurofaktura.SalesOrder
	require.NoError(t, json.Unmarshal(again, &back))
	require.Equal(t, o, back)
	for text, want := range map[string]eurofaktura.Date{`"2026-02-03"`: {Year: 2026, Month: 2, Day: 3}, `""`: {}, `null`: {}} {
		var d eurofaktura.Date
		require.NoError(t, json.Unmarshal([]byte(text), &d))
		require.Equal(t, want, d)
	}
	sofia := time.FixedZone("", 2*3600)
	require.Equal(t, time.Date(2026, 2, 3, 8, 15, 22, 0, time.UTC), eurofaktura.LocalTime("2026-02-03T10:15:22").In(sofia))
	require.Equal(t, time.Date(2026, 2, 3, 8, 15, 22, 0, time.UTC), eurofaktura.LocalTime("2026-02-03 10:15:22").In(sofia))
	require.True(t, eurofaktura.LocalTime("soon").In(sofia).IsZero())
}

// TestWebhook: the ERP's own messages.
func TestWebhook(t *testing.T) {
	t.Parallel()
	_, err := eurofaktura.NewWebhookHandler(eurofaktura.WebhookConfig{})
	require.ErrorContains(t, err, "Verify")
	var taken []string
	var fail error
	h, err := eurofaktura.NewWebhookHandler(eurofaktura.WebhookConfig{
		Verify: func(m *eurofaktura.WebhookMessage) error {
			if m.Signature != "good" {
				return errors.New("forged")
			}
			return nil
		},
		Handle: func(_ context.Context, m *eurofaktura.WebhookMessage) error {
			if fail == nil {
				taken = append(taken, m.ID+" "+string(m.Rest["events"]))
			}
			return fail
		},
		MaxBody: 200,
	})
	require.NoError(t, err)
	post := func(method, body string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/", strings.NewReader(body)))
		require.Empty(t, w.Header().Get("Content-Encoding"))
		return w.Code
	}
	message := `{"messageID":"A1","messageTimestamp":"2026-02-03T10:15:25","signature":"good","events":[{"x":1}]}`
	fail = errors.New("queue down")
	require.Equal(t, 500, post("POST", message))
	fail = nil
	require.Equal(t, 200, post("POST", message), "what was not saved may come again")
	require.Equal(t, 200, post("POST", message), "and is not handled twice")
	require.Equal(t, []string{`A1 [{"x":1}]`}, taken)
	require.Equal(t, 401, post("POST", strings.ReplaceAll(message, "good", "bad")))
	require.Equal(t, 400, post("POST", `{"signature":"good"}`))
	require.Equal(t, 400, post("POST", `nonsense`))
	require.Equal(t, 405, post("GET", ""))
	require.Equal(t, 413, post("POST", strings.Repeat(" ", 201)))
	require.Len(t, taken, 1)
}

// TestEInvoices of Croatia.
func TestEInvoices(t *testing.T) {
	t.Parallel()
	result := `{"sendingTransactionID":"77"}`
	books := client(t, func(r *http.Request, _ string) *http.Response {
		return reply(r, 200, `{"response":{"status":"ok","result":`+result+`}}`)
	}, nil)
	id, err := books.SendToAS4(t.Context(), "60:1")
	require.NoError(t, err)
	require.Equal(t, "77", id)
	for _, result = range []string{`"documentSendingDeliveryConfirmed"`, `{"status":"documentSendingDeliveryConfirmed"}`} {
		s, err := books.SendingStatus(t.Context(), id)
		require.NoError(t, err)
		require.True(t, s.Delivered() && !s.Failed())
	}
	require.True(t, eurofaktura.SendingStatus("documentSendingRejectedByReceiver").Failed())
}

// TestSecretsStayInside: no error, log line or printed client shows a credential.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	books := client(t, func(r *http.Request, _ string) *http.Response { return reply(r, 500, "boom") }, func(c *eurofaktura.Config) {
		c.SecretKey, c.Token = "hush-key", "hush-token"
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	_, err := books.SalesOrders.Create(t.Context(), "s-1", order("1"))
	require.Error(t, err)
	require.NotContains(t, log.String()+err.Error()+fmt.Sprintf("%+v", err), "hush")
	require.NotEmpty(t, log.String())
}
