package kledo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// answer is a Kledo of one function: what it returns is what the network returns.
type answer func(r *http.Request) (*http.Response, error)

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

// says is an answer with a status and a body.
func says(r *http.Request, status int, body string) (*http.Response, error) {
	h := http.Header{"Content-Type": {"application/json"}}
	if strings.HasPrefix(body, "<") {
		h.Set("Content-Type", "text/html")
	}
	return &http.Response{
		StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

func setup(t *testing.T, a answer, change ...func(*Config)) *Client {
	t.Helper()
	c := Config{Endpoint: "https://mine.api.kledo.example/api/v1/", Token: "kledo_pat_000001_old", HTTPClient: &http.Client{Transport: a}}
	for _, f := range change {
		f(&c)
	}
	client, err := New(c)
	require.NoError(t, err)
	return client
}

func document() *Document {
	return &Document{
		ContactName: "Siti Rahma", RefNumberPrefix: "WC/INV/", RefNumber: 1042,
		TransDate: Date{2026, 4, 24}, DueDate: Date{2026, 4, 26}, ShippingCost: decimal.RequireFromString("4.10"),
		Items: []Item{{Name: "Kopi ~ Gayo", Qty: decimal.NewFromInt(2), RegularPrice: "85000", CategoryName: "WooCommerce"}},
		Tags:  []string{"WooCommerce", "Online"},
	}
}

func TestSendingSpeaksTheWireFormat(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	c := setup(t, func(r *http.Request) (*http.Response, error) {
		got = r
		body, _ = io.ReadAll(r.Body)
		return says(r, 200, `{"success":true}`)
	})
	d := document()
	no, yes := false, true
	d.LinkOrder, d.CloseOrder = &no, &yes
	require.NoError(t, c.SendInvoice(t.Context(), d))
	require.Equal(t, "POST https://mine.api.kledo.example/api/v1/woocommerce/invoice", got.Method+" "+got.URL.String())
	require.Equal(t, "Bearer kledo_pat_000001_old", got.Header.Get("Authorization"))
	require.Equal(t, "application/json", got.Header.Get("Accept"))
	require.Equal(t, "application/x-www-form-urlencoded", got.Header.Get("Content-Type"))
	require.Regexp(t, `^Kledo/\S+\s\(WooCommerce/[^;]+;\s*WordPress/[^)]+\)$`, got.Header.Get("User-Agent"))
	require.Equal(t, "contact_name=Siti+Rahma&contact_email=&contact_address=&contact_phone=&ref_number_prefix=WC%2FINV%2F"+
		"&ref_number=1042&trans_date=2026-04-24&due_date=2026-04-26&memo=&has_tax=no"+
		"&items%5B0%5D%5Bname%5D=Kopi+%7E+Gayo&items%5B0%5D%5Bcode%5D=&items%5B0%5D%5Bdesc%5D=&items%5B0%5D%5Bqty%5D=2"+
		"&items%5B0%5D%5Bregular_price%5D=85000&items%5B0%5D%5Bsale_price%5D=&items%5B0%5D%5Bcategory_name%5D=WooCommerce"+
		"&warehouse=&shipping_cost=4.1&additional_discount_amount=0&paid=no&paid_to_account_code="+
		"&tags%5B0%5D=WooCommerce&tags%5B1%5D=Online&link_order=no", string(body))
}

// TestSuccessRule has each answer recorded from the plugin's fault runs, and some more: what the plugin made of it is in the
// comment where ours differs.
func TestSuccessRule(t *testing.T) {
	t.Parallel()
	type want struct {
		is                             error // nil: success
		permanent, ambiguous, systemic bool
		after                          time.Duration
		text                           string
	}
	html := "<html><head><title>Maintenance</title></head><body>Maintenance</body></html>"
	page := "<html><head><title>Nothing here</title></head></html>"
	for _, c := range []struct {
		name   string
		status int
		body   string
		header string // Retry-After
		want   want
	}{
		{name: "200-success", status: 200, body: `{"success":true}`},
		{name: "200-success-missing", status: 200, body: `{"message":"diterima"}`},
		{name: "200-json-null", status: 200, body: `null`},
		{name: "200-json-list", status: 200, body: `[]`},
		{name: "200-json-string", status: 200, body: `"ok"`},
		{name: "200-json-true", status: 200, body: `true`},
		{name: "200-success-false", status: 200, body: `{"success":false,"message":"ditolak"}`,
			want: want{is: ErrRefused, text: "kledo: SendInvoice: HTTP 200 - OK: ditolak"}},
		{name: "200-success-string-false", status: 200, body: `{"success":"false"}`, want: want{is: ErrRefused}},
		{name: "200-success-zero", status: 200, body: `{"success":0}`, want: want{is: ErrRefused}},
		{name: "200-empty-body", status: 200, body: ``, want: want{is: ErrNotJSON, ambiguous: true}},
		{name: "200-html", status: 200, body: html, want: want{is: ErrHostBlocked, ambiguous: true, systemic: true}},
		{name: "201-success", status: 201, body: `{"success":true}`, want: want{is: ErrNotJSON, ambiguous: true}},
		{name: "202-success", status: 202, body: `{"success":true}`, want: want{is: ErrNotJSON, ambiguous: true}},
		{name: "204-empty", status: 204, body: ``, want: want{is: ErrNotJSON, ambiguous: true}},
		{name: "400-success-false", status: 400, body: `{"success":false,"message":"Kontak tidak valid"}`,
			want: want{is: ErrValidation, permanent: true, text: "kledo: SendInvoice: HTTP 400 - Bad Request: Kontak tidak valid"}},
		{name: "400-no-success-key", status: 400, body: `{"message":"Bad Request"}`, want: want{is: ErrValidation, permanent: true}},
		{name: "400-error", status: 400, body: `{"error":"stok tidak cukup"}`,
			want: want{is: ErrValidation, permanent: true, text: "kledo: SendInvoice: HTTP 400 - Bad Request: stok tidak cukup"}},
		{name: "400-errors", status: 400, body: `{"errors":["a","b","c","d"]}`,
			want: want{is: ErrValidation, permanent: true, text: "kledo: SendInvoice: HTTP 400 - Bad Request: a; b; c"}},
		{name: "401", status: 401, body: `{"success":false,"message":"Unauthenticated."}`,
			want: want{is: ErrAuth, systemic: true, text: "kledo: SendInvoice: HTTP 401 - " + http.StatusText(http.StatusUnauthorized) + ": Unauthenticated; the API key is " +
				"expired or revoked, or its user may not enter this company: set Config.Token to a current key"}},
		{name: "403", status: 403, body: `{"success":false,"message":"Tidak diizinkan."}`, want: want{is: ErrPermission}},
		{name: "403-html", status: 403, body: page, want: want{is: ErrHostBlocked}},
		{name: "404", status: 404, body: `{"success":false,"message":"Not Found"}`, want: want{is: ErrNotFound, permanent: true}},
		{name: "404-html", status: 404, body: page, want: want{is: ErrNoRoute, systemic: true,
			text: "kledo: SendInvoice: HTTP 404 - Not Found; a web page answered instead of Kledo: check Config.Endpoint, which Kledo " +
				"shows under Settings > Integrations > API Key"}},
		{name: "408", status: 408, body: `{"message":"timeout"}`, want: want{is: ErrUnavailable}},
		{name: "422-errors", status: 422, body: `{"message":"The given data was invalid.","errors":{"contact_name":["wajib diisi"]}}`,
			want: want{is: ErrValidation, permanent: true,
				text: "kledo: SendInvoice: HTTP 422 - Unprocessable Entity: The given data was invalid (contact_name: wajib diisi)"}},
		{name: "429", status: 429, body: `{"message":"Too Many Attempts."}`,
			want: want{is: ErrRateLimited, systemic: true, after: 300 * time.Second}},
		{name: "429-retry-after", status: 429, header: "70", body: `{"message":"Too Many Attempts."}`,
			want: want{is: ErrRateLimited, systemic: true, after: 70 * time.Second}},
		{name: "500-json", status: 500, body: `{"success":false,"message":"Server Error"}`, want: want{is: ErrUnavailable, ambiguous: true}},
		{name: "500-html", status: 500, body: "<html><body><h1>500 Internal Server Error</h1></body></html>",
			want: want{is: ErrUnavailable, ambiguous: true}},
		{name: "503-html", status: 503, header: "120", body: html,
			want: want{is: ErrUnavailable, ambiguous: true, systemic: true, after: 120 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				client := setup(t, func(r *http.Request) (*http.Response, error) {
					sent++
					resp, err := says(r, c.status, c.body)
					if c.header != "" {
						resp.Header.Set("Retry-After", c.header)
					}
					return resp, err
				})
				err := client.SendInvoice(t.Context(), document())
				if c.want.is == nil {
					require.NoError(t, err)
					require.Equal(t, 1, sent)
					return
				}
				var e *Error
				require.ErrorAs(t, err, &e)
				require.ErrorIs(t, err, c.want.is)
				require.Equal(t, c.want.ambiguous, errors.Is(err, ErrAmbiguous))
				require.Equal(t, [3]bool{c.want.permanent, c.want.ambiguous, c.want.systemic},
					[3]bool{e.Permanent(), e.Ambiguous(), e.Systemic()}, "permanent, ambiguous, systemic")
				require.Equal(t, c.want.after, e.RetryAfter())
				require.Equal(t, c.status, e.Status)
				if c.want.text != "" {
					require.EqualError(t, err, c.want.text)
				}
				if c.status != 429 { // the only answer here after which the client itself sends again
					require.Equal(t, 1, sent, "a write went out more than once")
				}
			})
		})
	}
}

func TestConnectionErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		c := setup(t, func(r *http.Request) (*http.Response, error) {
			sent++
			_, _ = io.Copy(io.Discard, r.Body)
			return nil, io.ErrUnexpectedEOF
		})
		err := c.SendInvoice(t.Context(), document())
		require.ErrorIs(t, err, ErrUnavailable)
		require.ErrorIs(t, err, ErrAmbiguous)
		require.Equal(t, 1, sent, "sent again although it may have arrived")
		require.Contains(t, err.Error(), "kledo: SendInvoice: Connection error: unexpected EOF")
	})
}

func TestIncompleteDocumentIsNotSent(t *testing.T) {
	t.Parallel()
	c := setup(t, func(*http.Request) (*http.Response, error) { panic("sent") })
	err := c.SendSalesOrder(t.Context(), &Document{RefNumber: 1})
	require.ErrorIs(t, err, ErrValidation)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.Permanent())
	require.EqualError(t, err, "kledo: SendSalesOrder: Document.TransDate is missing")
}

// kledoKeys is a Kledo that accepts one key and renews it when told to.
type kledoKeys struct {
	mu     sync.Mutex
	valid  string
	renew  string // the next answer brings it, in place of valid
	status int    // of that answer; 0: 200
	calls  []string
}

func (k *kledoKeys) RoundTrip(r *http.Request) (*http.Response, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	k.calls = append(k.calls, key)
	if key != k.valid {
		return says(r, 401, `{"success":false,"message":"Unauthenticated."}`)
	}
	if k.renew != "" {
		body := fmt.Sprintf(`{"success":%t,"message":"x","access_token":%q}`, k.status == 0, k.renew)
		k.valid, k.renew = k.renew, ""
		return says(r, max(k.status, 200), body)
	}
	return says(r, 200, `{"success":true,"data":{}}`)
}

func TestRenewedKeyIsStoredBeforeTheAnswerIsJudged(t *testing.T) {
	t.Parallel()
	for _, status := range []int{0, 201, 400, 403, 500} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := &kledoKeys{valid: "kledo_pat_000001_old", renew: "new-key-without-prefix", status: status}
				store := NewMemoryTokens("")
				c := setup(t, k.RoundTrip, func(c *Config) { c.Tokens = store })
				err := c.SendInvoice(t.Context(), document())
				require.Equal(t, status == 0, err == nil)
				stored, _ := store.Load(t.Context())
				require.Equal(t, "new-key-without-prefix", stored)
				if err != nil {
					var e *Error
					require.ErrorAs(t, err, &e)
					require.NotContains(t, err.Error()+string(e.Body), "new-key-without-prefix")
				}
				require.NoError(t, c.SendInvoice(t.Context(), document()))
				require.Equal(t, []string{"kledo_pat_000001_old", "new-key-without-prefix"}, k.calls)
			})
		})
	}
}

func TestRenewedKeyBetweenTheTriesOfOneRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &kledoKeys{valid: "kledo_pat_000001_old", renew: "new-key", status: 502}
		c := setup(t, k.RoundTrip)
		_, err := c.Connection(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"kledo_pat_000001_old", "new-key"}, k.calls)
	})
}

func TestRenewedKeySurvivesTheCallersEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &kledoKeys{valid: "kledo_pat_000001_old", renew: "new-key"}
		store := NewMemoryTokens("")
		c := setup(t, func(r *http.Request) (*http.Response, error) {
			resp, err := k.RoundTrip(r)
			select { // the answer is on its way when the caller goes
			case <-time.After(3 * time.Second):
				return resp, err
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}, func(c *Config) { c.Tokens = store })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := c.SendInvoice(ctx, document())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, ErrAmbiguous)
		require.Equal(t, time.Second, time.Since(began), "the caller had to wait")
		time.Sleep(4 * time.Second)
		stored, _ := store.Load(t.Context())
		require.Equal(t, "new-key", stored)
	})
}

func TestRenewedByAnotherProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &kledoKeys{valid: "kledo_pat_000001_old"}
		store := NewMemoryTokens("")
		shared := func(c *Config) { c.Tokens = store }
		one, two := setup(t, k.RoundTrip, shared), setup(t, k.RoundTrip, shared)
		require.NoError(t, two.SendInvoice(t.Context(), document()))
		k.renew = "new-key"
		require.NoError(t, one.SendInvoice(t.Context(), document()))
		require.NoError(t, two.SendInvoice(t.Context(), document()))
		require.Equal(t, []string{"kledo_pat_000001_old", "kledo_pat_000001_old", "kledo_pat_000001_old", "new-key"}, k.calls)
	})
}

func TestRenewedWhileOthersAreUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &kledoKeys{valid: "kledo_pat_000001_old"}
		var first atomic.Bool
		c := setup(t, func(r *http.Request) (*http.Response, error) {
			slow := first.Swap(false)
			resp, err := k.RoundTrip(r)
			if slow { // everybody else is refused before the new key has arrived
				time.Sleep(500 * time.Millisecond)
			}
			return resp, err
		})
		_, err := c.Connection(t.Context()) // the key is known to work
		require.NoError(t, err)
		first.Store(true)
		k.renew = "new-key"
		var wg sync.WaitGroup
		errs := make([]error, 20)
		for i := range errs {
			wg.Go(func() { errs[i] = c.SendInvoice(t.Context(), document()) })
			synctest.Wait()
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
	})
}

// brokenStore fails to store for a while.
type brokenStore struct {
	TokenStore
	broken bool
}

func (b *brokenStore) Swap(ctx context.Context, old, new string) (bool, error) {
	if b.broken {
		return false, errors.New("database is away")
	}
	return b.TokenStore.Swap(ctx, old, new)
}

func TestKeyThatCouldNotBeStoredIsStoredLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &kledoKeys{valid: "kledo_pat_000001_old"}
		store := &brokenStore{TokenStore: NewMemoryTokens("")}
		var log bytes.Buffer
		c := setup(t, k.RoundTrip, func(c *Config) {
			c.Tokens, c.Logger = store, slog.New(slog.NewTextHandler(&log, nil))
		})
		require.NoError(t, c.SendInvoice(t.Context(), document()))
		k.renew, store.broken = "new-key", true
		require.NoError(t, c.SendInvoice(t.Context(), document()))
		require.NoError(t, c.SendInvoice(t.Context(), document()), "the new key is lost")
		require.Contains(t, log.String(), "could not be stored")
		require.NotContains(t, log.String(), "new-key")

		store.broken = false
		k.calls = nil
		require.NoError(t, c.SendInvoice(t.Context(), document()))
		stored, _ := store.Load(t.Context())
		require.Equal(t, "new-key", stored)
	})
}

func TestConfiguredKeyReplacesADeadStoredOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &kledoKeys{valid: "kledo_pat_000001_made-today"}
		store := NewMemoryTokens("kledo_pat_000001_dead")
		c := setup(t, k.RoundTrip, func(c *Config) { c.Tokens, c.Token = store, "kledo_pat_000001_made-today" })
		require.NoError(t, c.SendInvoice(t.Context(), document()))
		stored, _ := store.Load(t.Context())
		require.Equal(t, "kledo_pat_000001_made-today", stored)

		k.valid = "kledo_pat_000001_made-today"
		dead := NewMemoryTokens("kledo_pat_000001_dead")
		other := setup(t, k.RoundTrip, func(c *Config) { c.Tokens, c.Token = dead, "kledo_pat_000001_made-today" })
		k.renew = "and-renewed-at-once"
		require.NoError(t, other.SendInvoice(t.Context(), document()))
		stored, _ = dead.Load(t.Context())
		require.Equal(t, "and-renewed-at-once", stored)

		k.valid = "none"
		began := time.Now()
		require.ErrorIs(t, c.SendInvoice(t.Context(), document()), ErrAuth)
		require.LessOrEqual(t, time.Since(began), renewalGrace)
		began = time.Now()
		require.ErrorIs(t, c.SendInvoice(t.Context(), document()), ErrAuth)
		require.Zero(t, time.Since(began), "a key that is known to be dead is not waited for")
		stored, _ = store.Load(t.Context())
		require.Equal(t, "kledo_pat_000001_made-today", stored, "a refusal must not change the store")
	})
}

func TestMaskedAndOddKeysAreNotTaken(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"access_token":"kledo_pat_0000MC_****1a2b"}`, `{"access_token":""}`, `{"access_token":null}`, `{"access_token":5}`,
		`{"data":{"access_token":"inner"}}`, `{"access_token":"a b"}`, `{"access_token":"a\r\nX: y"}`, `[{"access_token":"listed"}]`,
	} {
		require.Empty(t, newKey([]byte(body)), body)
	}
	require.Equal(t, "abc", newKey([]byte("\xef\xbb\xbf{\"access_token\":\"abc\"}")))
}

func TestConfigHidesTheToken(t *testing.T) {
	t.Parallel()
	c := Config{Endpoint: "https://u:pw@host/api/v1?token=q", Token: "s3cret"}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c)
	all := fmt.Sprintf("%v %+v %#v %s", c, c, c, c) + log.String()
	for _, bad := range []string{"s3cret", "pw", "token"} {
		require.NotContains(t, all, bad)
	}
	require.Contains(t, all, "host/api/v1")
	client := setup(t, nil, func(c *Config) { c.Token = "s3cret" })
	require.NotContains(t, fmt.Sprintf("%+v %#v", client, client), "s3cret")
	require.NotContains(t, fmt.Sprintf("%+v", NewMemoryTokens("s3cret")), "s3cret")
}

func TestNewNamesTheField(t *testing.T) {
	t.Parallel()
	good := Config{Endpoint: "https://mine.api.kledo.com/api/v1", Token: "k"}
	for field, change := range map[string]func(*Config){
		"Config.Endpoint: is empty":       func(c *Config) { c.Endpoint = "" },
		"Config.Endpoint: does not begin": func(c *Config) { c.Endpoint = "mine.api.kledo.com/api/v1" },
		"Config.Endpoint: holds a user":   func(c *Config) { c.Endpoint = "https://a:b@mine.api.kledo.com" },
		"Config.Token: is empty":          func(c *Config) { c.Token = "" },
		"Config.Token: holds a *":         func(c *Config) { c.Token = "kledo_pat_0000MC_****1a2b" },
		"Config.Token: holds a space":     func(c *Config) { c.Token = "abc\n" },
		"Config.UserAgent: is not of the": func(c *Config) { c.UserAgent = "Mozilla/5.0" },
		"Config.MaxBody: is negative":     func(c *Config) { c.MaxBody = -1 },
	} {
		c := good
		change(&c)
		_, err := New(c)
		require.ErrorContains(t, err, "kledo: "+field)
	}
	good.UserAgent = UserAgent("1.2 (beta)", "", "7.1;x")
	require.Equal(t, "Kledo/1.2beta (WooCommerce/unknown; WordPress/7.1x)", good.UserAgent)
	_, err := New(good)
	require.NoError(t, err)
}

func TestDate(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"2026-01-31": "2026-02-28", "2028-01-31": "2028-02-29", "2026-03-31": "2026-04-30", "2026-12-15": "2027-01-15", "2026-11-30": "2026-12-30",
	} {
		d, err := ParseDate(from)
		require.NoError(t, err)
		require.Equal(t, want, d.AddMonths(1).String())
	}
	_, err := ParseDate("2024-02-30")
	require.Error(t, err)
	require.Equal(t, "2026-01-01", DateOf(time.Date(2025, 12, 31, 23, 30, 0, 0, time.UTC).In(time.FixedZone("", 3600))).String())
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	body := ""
	c := setup(t, func(r *http.Request) (*http.Response, error) {
		require.Equal(t, "/api/v1/woocommerce/transactions/1042", r.URL.Path)
		return says(r, 200, body)
	})
	body = `{"success":true,"data":{"wc_order_id":"1042","order":{"id":88120,"ref_number":"WC/SO/1042","status_id":5,"is_closed":1},
		"invoice":null,"linked":false,"invoice_failure":{"message":"tanggal <b>terkunci</b>"},"later":1}}`
	got, err := c.Transactions(t.Context(), 1042)
	require.NoError(t, err)
	require.Equal(t, &Booked{ID: 88120, RefNumber: "WC/SO/1042", Status: StatusOpen, Closed: true}, got.SalesOrder)
	require.Nil(t, got.Invoice)
	require.Equal(t, "tanggal terkunci", got.InvoiceFailure)
	require.Equal(t, "1", string(got.Extra["later"]))
	for _, body = range []string{`{"success":true,"data":[]}`, `{"data":null}`, `{"data":{"order":[],"invoice":"","linked":"0"}}`} {
		got, err = c.Transactions(t.Context(), 1042)
		require.NoError(t, err, body)
		require.Equal(t, ShopOrderID(1042), got.OrderID)
		require.True(t, got.SalesOrder == nil && got.Invoice == nil)
	}
}

func TestConnection(t *testing.T) {
	t.Parallel()
	c := setup(t, func(r *http.Request) (*http.Response, error) {
		return says(r, 200, `{"success":true,"message":"OK","data":{"name":"Toko WooCommerce","app_code":"finance",
			"short_token_masked":"kledo_pat_0000MC_****1a2b","expires_at":"2027-04-30 23:59:59","days_remaining":"-1","auto_renews":1,
			"is_expired":false,"timezone":"Asia/Jakarta","last_used_at":null,"created_at":"2026-04-30 10:00:00"}}`)
	})
	got, err := c.Connection(t.Context())
	require.NoError(t, err)
	require.Equal(t, time.Date(2027, 4, 30, 16, 59, 59, 0, time.UTC), got.ExpiresAt)
	require.Equal(t, -1, *got.DaysRemaining)
	require.True(t, got.AutoRenews)
	require.Zero(t, got.LastUsedAt)
	require.Contains(t, got.Extra, "app_code")
}

func TestLists(t *testing.T) {
	t.Parallel()
	page := func(r *http.Request) string { return r.URL.Query().Get("page") }
	for name, c := range map[string]struct {
		pages map[string]string // by page; any other is an empty one
		calls int
	}{
		"Laravel's whole paginator": {map[string]string{
			"1": `{"data":[{"id":1,"name":"a"},{"id":2,"name":"b"}],"current_page":1,"last_page":2,"per_page":2,"total":3,"next_page_url":"x"}`,
			"2": `{"data":[{"id":2,"name":"b"},{"id":"3","name":7}],"current_page":2,"last_page":2,"next_page_url":null}`,
		}, 2},
		"next page alone": {map[string]string{
			"1": `{"data":[{"id":1},{"id":2}],"next_page_url":"x"}`, "2": `{"data":[{"id":3}],"next_page_url":null}`,
		}, 2},
		"total alone":    {map[string]string{"1": `{"data":[{"id":1},{"id":2}],"per_page":"2","total":3}`, "2": `{"data":[{"id":3}],"per_page":2,"total":3}`}, 2},
		"says nothing":   {map[string]string{"1": `{"data":[{"id":1},{"id":2}]}`, "2": `{"data":[{"id":3}]}`}, 3},
		"repeats a page": {map[string]string{"1": `{"data":[{"id":1},{"id":2}]}`, "2": `{"data":[{"id":3}]}`, "3": `{"data":[{"id":3}]}`}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			client := setup(t, func(r *http.Request) (*http.Response, error) {
				calls++
				require.Equal(t, "1,17", r.URL.Query().Get("finance_account_category_ids"))
				body, ok := c.pages[page(r)]
				if !ok {
					body = `{"data":[],"from":null}`
				}
				return says(r, 200, `{"success":true,"data":`+body+`}`)
			})
			var ids []AccountID
			for a, err := range client.PaymentAccounts.All(t.Context(), PaymentAccountQuery{PerPage: 2}) {
				require.NoError(t, err)
				ids = append(ids, a.ID)
			}
			require.Equal(t, []AccountID{1, 2, 3}, ids)
			require.Equal(t, c.calls, calls)
		})
	}
}

func TestMalformedRecordDoesNotLoseItsPage(t *testing.T) {
	t.Parallel()
	c := setup(t, func(r *http.Request) (*http.Response, error) {
		return says(r, 200, `{"data":{"data":[{"id":1,"name":"Gudang Utama","code":null,"qty":"12.500"},"junk",{"id":2}],"last_page":1}}`)
	})
	items, at, err := c.Warehouses.List(t.Context(), WarehouseQuery{})
	require.ErrorIs(t, err, ErrMalformed)
	require.Len(t, items, 2)
	require.Equal(t, 1, at.Pages)
	require.Equal(t, "12.5", items[0].Quantity.String())
	n := 0
	for w, err := range c.Warehouses.All(t.Context(), WarehouseQuery{}) {
		if n++; err != nil {
			require.ErrorIs(t, err, ErrMalformed)
			require.Nil(t, w)
		}
	}
	require.Equal(t, 3, n)
}
