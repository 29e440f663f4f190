package kledotest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/kledo/kledotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	api       = "https://kledo.test/api/v1/"
	goodAgent = "Kledo/1.7.4 (WooCommerce/11.0.1; WordPress/7.1)"
	formType  = "application/x-www-form-urlencoded"
	order1042 = "contact_name=Siti+Rahma&ref_number_prefix=WC%2FINV%2F&ref_number=1042&trans_date=2026-04-24&memo=" +
		"&items%5B0%5D%5Bname%5D=Kopi+Gayo+250g&items%5B0%5D%5Bsale_price%5D=&items%5B1%5D%5Bname%5D=Gula&tags%5B0%5D=WooCommerce&tags%5B1%5D=+Online"
)

func newBooks(t testing.TB, c kledotest.Config) *kledotest.Books {
	t.Helper()
	books, err := kledotest.New(c)
	require.NoError(t, err)
	t.Cleanup(books.Close)
	return books
}

type request struct{ method, path, token, agent, contentType, body string }

// do sends a request as the plugin would, but for what r says.
func do(t testing.TB, books *kledotest.Books, r request) (status int, body string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), r.method, api+r.path, strings.NewReader(r.body))
	require.NoError(t, err)
	if r.token == "" {
		r.token = books.Token()
	}
	if r.agent == "" {
		r.agent = goodAgent
	}
	if r.contentType == "" {
		r.contentType = formType
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("User-Agent", r.agent)
	req.Header.Set("Content-Type", r.contentType)
	resp, err := books.Transport().RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func must(t testing.TB, books *kledotest.Books, r request) (status int, body string) {
	t.Helper()
	status, body, err := do(t, books, r)
	require.NoError(t, err)
	return status, body
}

func TestEveryAcceptedPostIsADocument(t *testing.T) {
	t.Parallel()
	books := newBooks(t, kledotest.Config{})
	for range 3 {
		status, body := must(t, books, request{method: "POST", path: "woocommerce/invoice", body: order1042})
		require.Equal(t, 200, status)
		require.JSONEq(t, `{"success":true}`, body)
	}
	must(t, books, request{method: "POST", path: "woocommerce/order", body: order1042})
	require.Equal(t, 3, books.Count(kledotest.Invoice, 1042))
	require.Equal(t, 1, books.Count(kledotest.SalesOrder, 1042))
	require.Equal(t, 0, books.Count(kledotest.Invoice, 1))
	require.Equal(t, 3, books.Count(kledotest.Invoice, 0))
	require.Equal(t, 2, books.Duplicates())
}

func TestDocumentReadsPHPForms(t *testing.T) {
	t.Parallel()
	books := newBooks(t, kledotest.Config{})
	must(t, books, request{method: "POST", path: "woocommerce/invoice", body: order1042})
	d := books.Documents()[0]
	require.EqualValues(t, 1042, d.OrderID)
	require.Equal(t, "Siti Rahma", d.Get("contact_name"))
	require.Equal(t, []map[string]string{{"name": "Kopi Gayo 250g", "sale_price": ""}, {"name": "Gula"}}, d.Items())
	require.Equal(t, []string{"WooCommerce", " Online"}, d.List("tags"))
	_, sent := d.Lookup("memo")
	require.True(t, sent)
	_, sent = d.Lookup("photo")
	require.False(t, sent)
	require.Equal(t, "ref_number_prefix", d.Fields[1].Name)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		request
		status int
	}{
		"wrong key":             {request{token: "other"}, 401},
		"agent of Go":           {request{agent: "Go-http-client/1.1"}, 400},
		"agent with space":      {request{agent: "Kledo/1 7 (WooCommerce/1; WordPress/1)"}, 400},
		"agent unfinished":      {request{agent: "Kledo/1 (WooCommerce/1; WordPress/1"}, 400},
		"JSON":                  {request{contentType: "application/json", body: `{"ref_number":1042}`}, 400},
		"form sent as JSON":     {request{contentType: "application/json"}, 400},
		"no reference":          {request{body: "trans_date=2026-04-24"}, 400},
		"no date":               {request{body: "ref_number=1"}, 400},
		"unknown path":          {request{path: "woocommerce/refund"}, 404},
		"unknown path, by GET":  {request{method: "GET", path: "woocommerce/refund"}, 404},
		"document read by GET":  {request{method: "GET"}, 405},
		"list read by a POST":   {request{path: "finance/warehouses"}, 405},
		"connection, bad agent": {request{method: "GET", path: "woocommerce/connection", agent: "curl"}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			books := newBooks(t, kledotest.Config{})
			r := request{method: "POST", path: "woocommerce/order", body: order1042}
			for _, f := range []struct{ to, from *string }{
				{&r.method, &tc.method}, {&r.path, &tc.path}, {&r.body, &tc.body}, {&r.token, &tc.token}, {&r.agent, &tc.agent}, {&r.contentType, &tc.contentType},
			} {
				if *f.from != "" {
					*f.to = *f.from
				}
			}
			status, body := must(t, books, r)
			require.Equal(t, tc.status, status)
			var envelope struct {
				Success *bool
				Message string
			}
			require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(strings.ReplaceAll(body, "success", "Success"), "message", "Message")), &envelope))
			require.False(t, *envelope.Success)
			require.NotEmpty(t, envelope.Message)
			require.Empty(t, books.Documents())
		})
	}
}

func TestFinanceTakesAnyUserAgent(t *testing.T) {
	t.Parallel()
	books := newBooks(t, kledotest.Config{})
	status, _ := must(t, books, request{method: "GET", path: "finance/warehouses", agent: "curl/8"})
	require.Equal(t, 200, status)
}

func TestRotationKillsTheOldKeyAtOnce(t *testing.T) {
	t.Parallel()
	books := newBooks(t, kledotest.Config{})
	old := books.Token()
	books.Rotate("fresh")
	_, body := must(t, books, request{method: "GET", path: "finance/warehouses", token: "stranger"})
	require.NotContains(t, body, "fresh", "a stranger is told no key")
	status, body := must(t, books, request{method: "POST", path: "woocommerce/order", body: "ref_number=1"}) // a refusal
	require.Equal(t, 400, status)
	require.Contains(t, body, `"access_token":"fresh"`)
	status, _ = must(t, books, request{method: "GET", path: "finance/warehouses", token: old})
	require.Equal(t, 401, status)
	status, body = must(t, books, request{method: "GET", path: "finance/warehouses", token: "fresh"})
	require.Equal(t, 200, status)
	require.NotContains(t, body, "access_token", "once")
}

func TestRotationWaitsForAnAnswerThatCanCarryIt(t *testing.T) {
	t.Parallel()
	books := newBooks(t, kledotest.Config{})
	books.SetScript(func(c kledotest.Call) *kledotest.Answer {
		if c.Path == "finance/warehouses" {
			return &kledotest.Answer{Body: "<html>", Type: "text/html"}
		}
		return nil
	})
	books.Rotate("fresh")
	_, body := must(t, books, request{method: "GET", path: "finance/warehouses"})
	require.Equal(t, "<html>", body)
	_, body = must(t, books, request{method: "GET", path: "woocommerce/connection"})
	require.Contains(t, body, "fresh")
}

func TestScript(t *testing.T) {
	t.Parallel()
	books := newBooks(t, kledotest.Config{})
	answers := map[int64]*kledotest.Answer{
		1: {Body: `{"success":false,"message":"ditolak"}`},
		2: {Status: 403, Body: `{"message":"x"}`},
		3: {Status: 422, Body: `{"errors":{"ref_number":["x"]}}`},
		4: {Status: 429, Body: `{}`, Header: http.Header{"Retry-After": {"7"}}},
		5: {Body: "ok", Type: "text/plain", Book: true},
	}
	books.SetScript(func(c kledotest.Call) *kledotest.Answer {
		if c.Document == nil {
			return nil
		}
		return answers[c.Document.OrderID]
	})
	for id, want := range answers {
		status, body := must(t, books, request{method: "POST", path: "woocommerce/order", body: "trans_date=2026-01-01&ref_number=" + string('0'+rune(id))})
		if want.Status == 0 {
			want.Status = 200
		}
		require.Equal(t, want.Status, status)
		require.Equal(t, want.Body, body)
	}
	require.Len(t, books.Documents(), 1)
	require.EqualValues(t, 5, books.Documents()[0].OrderID)
}

// The client under test is the real one; the documents are counted here, not by it.
func TestAnswersLostAfterTheEffect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		books, err := kledotest.New(kledotest.Config{})
		require.NoError(t, err)
		defer books.Close()
		for i, fault := range []kledotest.Fault{kledotest.Lost, kledotest.Cut, kledotest.GatewayTimeout, kledotest.Truncated} {
			books.SetFaults(kledotest.Faults{Rate: 1, Kinds: []kledotest.Fault{fault}})
			status, _, err := do(t, books, request{method: "POST", path: "woocommerce/order", body: order1042})
			switch fault {
			case kledotest.Lost, kledotest.Cut:
				require.Error(t, err)
			case kledotest.GatewayTimeout:
				require.Equal(t, 504, status)
			}
			require.Equal(t, i+1, books.Count(kledotest.SalesOrder, 1042))
		}
		books.SetFaults(kledotest.Faults{Rate: 1, Kinds: []kledotest.Fault{kledotest.Dropped, kledotest.ServerError, kledotest.TooMany}})
		for range 10 {
			_, _, _ = do(t, books, request{method: "POST", path: "woocommerce/order", body: order1042})
		}
		require.Equal(t, 4, books.Count(kledotest.SalesOrder, 1042))
		require.Equal(t, kledotest.Stats{Requests: 14, Faults: 14, AnswersLost: 4}, books.Stats())
	})
}

func TestLateBooking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		books, err := kledotest.New(kledotest.Config{BookAfter: time.Minute})
		require.NoError(t, err)
		defer books.Close()
		client, err := kledo.New(books.Config())
		require.NoError(t, err)
		must(t, books, request{method: "POST", path: "woocommerce/invoice", body: order1042})
		require.Equal(t, 1, books.Count(kledotest.Invoice, 1042))
		seen, err := client.Transactions(t.Context(), 1042)
		require.NoError(t, err)
		require.Nil(t, seen.Invoice)
		time.Sleep(time.Minute)
		seen, err = client.Transactions(t.Context(), 1042)
		require.NoError(t, err)
		require.NotNil(t, seen.Invoice)
		require.Nil(t, seen.SalesOrder)
		require.False(t, seen.Linked)
	})
}

func TestPaging(t *testing.T) {
	t.Parallel()
	books := newBooks(t, kledotest.Config{})
	_, body := must(t, books, request{method: "GET", path: "finance/accounts/suggestionPerPage?finance_account_category_ids=1,17&page=2&per_page=2"})
	var page struct {
		Data struct {
			CurrentPage int `json:"current_page"`
			Total       int
			Data        []struct {
				Code string `json:"ref_code"`
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(strings.ReplaceAll(body, `"data"`, `"Data"`), `"total"`, `"Total"`)), &page))
	require.Equal(t, 2, page.Data.CurrentPage)
	require.Equal(t, 3, page.Data.Total)
	require.Len(t, page.Data.Data, 1)
	require.Equal(t, "2-20101", page.Data.Data[0].Code)
}

func TestStart(t *testing.T) {
	t.Parallel()
	books := newBooks(t, kledotest.Config{})
	endpoint, stop, err := books.Start()
	require.NoError(t, err)
	defer stop()
	client, err := kledo.New(kledo.Config{Endpoint: endpoint, Token: books.Token(), HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
	require.NoError(t, err)
	_, err = client.Connection(t.Context())
	require.NoError(t, err)
	require.Equal(t, "/api/v1/woocommerce/connection", books.Requests()[0].Path)
	require.Equal(t, 200, books.Requests()[0].Status)
}

func TestConfigHidesTheKey(t *testing.T) {
	t.Parallel()
	c := kledotest.Config{Token: "very-secret"}
	require.NotContains(t, c.String()+c.GoString(), "very-secret")
	_, err := kledotest.New(kledotest.Config{Endpoint: "kledo"})
	require.ErrorContains(t, err, "Config.Endpoint")
}

func TestMemoryTokens(t *testing.T) {
	t.Parallel()
	kledotest.RunTokenStore(t, func(*testing.T) func() kledo.TokenStore {
		s := kledo.NewMemoryTokens("")
		return func() kledo.TokenStore { return s }
	})
}
