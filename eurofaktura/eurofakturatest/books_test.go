package eurofakturatest_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/eurofaktura/eurofakturatest"
)

const creds = `"username":"SHOPBOT","secretKey":"0123456789abcdef0123456789abcdef","token":"0123456789ABCDEF0123456789ABCDEF"`

// post sends one call as bytes, without the client.
func post(books *eurofakturatest.Books, login, method, params string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "https://eurofaktura.test/WebServices/API",
		bytes.NewReader(fmt.Appendf(nil, `{%s,"method":%q,"parameters":%s}`, login, method, params)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	books.ServeHTTP(w, r)
	return w
}

const create = `{"apiTransactionId":"a-1","SalesOrder":{"date":"2026-02-03","type":"Retail","Items":[{"description":"x","quantity":1,"price":"2.005"}]}}`

// TestManners: business errors are HTTP 500, nothing found is an error, each answer has the odd header, a Get answers a list.
func TestManners(t *testing.T) {
	t.Parallel()
	books, err := eurofakturatest.New(eurofakturatest.Config{Starts: -1})
	require.NoError(t, err)
	t.Cleanup(books.Close)
	w := post(books, creds, "SalesOrderList", `{}`)
	require.Equal(t, 500, w.Code)
	require.Contains(t, w.Body.String(), "#noDocumentsFound")
	require.Equal(t, "8-bit", w.Header().Get("Content-Encoding"))
	for _, login := range []string{`"username":"SHOPBOT"`, creds[:len(creds)-3] + `x"`, `"username":"X",` + creds[21:]} {
		w = post(books, login, "SalesOrderList", `{}`)
		require.Equal(t, 500, w.Code)
		require.Contains(t, w.Body.String(), `"apiMethod":null`)
	}
	for params, field := range map[string]string{
		`{"SalesOrder":{"items":[{"description":"x","price":1}]}}`:                              "#Items", // the case of a key matters
		`{"SalesOrder":{"type":"Gross","Items":[{"description":"x","price":1}]}}`:               "#netPrice",
		`{"SalesOrder":{"Items":[{"productCode":"nope","quantity":1,"price":1}]}}`:              "#productCode",
		`{"SalesOrder":{"date":"3.2.2026","Items":[{"description":"x","price":1}]}}`:            "#date",
		`{"SalesOrder":{"Items":[{"productCode":"LOCKED","quantity":1,"price":"3.00"}]}}`:       "#price",
		`{"salesOrder":{"Items":[{"productCode":"LOCKED","quantity":1,"price":"2.00"}]}}`:       "#SalesOrder",
		`{"SalesOrder":{"Items":[{"productCode":"LOCKED","quantity":1,"price":"2.00"},{}]}}`:    "#Items",
		`{"SalesOrder":{"Items":[{"description":"no price","quantity":1,"vatPercentage":20}]}}`: "#price",
	} {
		books.AddProduct(map[string]any{"productCode": "LOCKED", "retailPrice": "2.00"})
		w = post(books, creds, "SalesOrderCreate", params)
		require.Equal(t, 500, w.Code, params)
		require.Contains(t, w.Body.String(), field, params)
	}
	w = post(books, creds, "SalesOrderCreate", create)
	require.Equal(t, 200, w.Code, w.Body.String())
	w = post(books, creds, "SalesOrderGet", `{"documentID":"61:880001"}`)
	require.Contains(t, w.Body.String(), `"result":[{`)
	require.Contains(t, w.Body.String(), `"documentAmount":"2.01"`)
	require.Equal(t, 500, post(books, creds, "Nonsense", `{}`).Code)
	page := httptest.NewRecorder()
	books.ServeHTTP(page, httptest.NewRequest(http.MethodPost, "https://eurofaktura.test/other", nil))
	require.Equal(t, 404, page.Code)
}

// TestRepeats: the same apiTransactionId makes one document, an error, or two, as the Config has it.
func TestRepeats(t *testing.T) {
	t.Parallel()
	for i, c := range []eurofakturatest.Config{{}, {RefuseRepeats: true}, {NoTransactionIDs: true}} {
		c.Starts = -1
		books, err := eurofakturatest.New(c)
		require.NoError(t, err)
		t.Cleanup(books.Close)
		require.Equal(t, 200, post(books, creds, "SalesOrderCreate", create).Code)
		again := post(books, creds, "SalesOrderCreate", create)
		require.Equal(t, []int{200, 500, 200}[i], again.Code)
		require.Equal(t, []int{1, 1, 2}[i], books.Count(eurofakturatest.SalesOrder, "a-1"))
		require.Equal(t, []int{0, 0, 1}[i], books.Duplicates())
	}
}

// TestLockAndWindow: a second request meets the lock, a fifth start within 4 s the limit; neither does anything.
func TestLockAndWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		books, err := eurofakturatest.New(eurofakturatest.Config{})
		require.NoError(t, err)
		defer books.Close()
		books.SetFaults(eurofakturatest.Faults{Latency: 2 * time.Second})
		slow := make(chan int)
		go func() { slow <- post(books, creds, "SalesOrderList", `{}`).Code }()
		synctest.Wait()
		w := post(books, creds, "SalesOrderCreate", create)
		require.Equal(t, 500, w.Code)
		require.Contains(t, w.Body.String(), "Another web request is currently being processed")
		<-slow
		books.SetFaults(eurofakturatest.Faults{})
		time.Sleep(4 * time.Second)
		codes := []int{}
		for range 5 {
			codes = append(codes, post(books, creds, "SalesOrderList", `{}`).Code)
		}
		require.Equal(t, []int{500, 500, 500, 500, 429}, codes)
		time.Sleep(4 * time.Second)
		require.Equal(t, 200, post(books, creds, "SalesOrderCreate", create).Code)
		overlapping, crowding := books.Collisions()
		require.Equal(t, [2]int{1, 1}, [2]int{overlapping, crowding})
		require.Len(t, books.Documents(), 1)
	})
}

// TestCaps: lists end without a word.
func TestCaps(t *testing.T) {
	t.Parallel()
	books, err := eurofakturatest.New(eurofakturatest.Config{Starts: -1, MaxDocuments: 2, MaxProducts: 1, MaxStock: 1})
	require.NoError(t, err)
	t.Cleanup(books.Close)
	for i := range 3 {
		books.AddDocument(eurofakturatest.SalesOrder, map[string]any{"date": "2026-02-03"})
		books.AddProduct(map[string]any{"productCode": fmt.Sprint("P", i)})
		books.SetStock("01", fmt.Sprint("P", i), decimal.NewFromInt(1))
	}
	count := func(method, mark string) int {
		return bytes.Count(post(books, creds, method, `{}`).Body.Bytes(), []byte(mark))
	}
	require.Equal(t, 2, count("SalesOrderList", "documentID"))
	require.Equal(t, 1, count("ProductList", "productCode"))
	require.Equal(t, 1, count("WarehouseGetArticleStockQuantity", "quantityOnStock"))
}

func Example() {
	books, err := eurofakturatest.New(eurofakturatest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer books.Close()
	url, stop, err := books.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer stop()
	resp, err := http.Post(url, "application/json", bytes.NewReader([]byte(`{`+creds+`,"method":"SalesOrderList"}`)))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	fmt.Println(resp.StatusCode, resp.Header.Get("Content-Encoding"))
	// Output: 500 8-bit
}
