package webhook_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo/webhook"
)

const secret = "s3cr3t"

// taker is a Handle that remembers.
type taker struct {
	got []webhook.Delivery
	err error
}

func (k *taker) handle(_ context.Context, d webhook.Delivery) error {
	k.got = append(k.got, d)
	return k.err
}

func handler(t *testing.T, c webhook.Config) http.Handler {
	t.Helper()
	if c.Secrets == nil {
		c.Secrets = []string{secret}
	}
	h, err := webhook.New(c)
	require.NoError(t, err)
	return h
}

// request is a delivery as a shop sends it, signed with key unless that is empty.
func request(topic, key, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/hooks/woo", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	resource, event, _ := strings.Cut(topic, ".")
	r.Header.Set("X-WC-Webhook-Topic", topic)
	r.Header.Set("X-WC-Webhook-Resource", resource)
	r.Header.Set("X-WC-Webhook-Event", event)
	r.Header.Set("X-WC-Webhook-ID", "7")
	r.Header.Set("X-WC-Webhook-Delivery-ID", "67fd7e903c9e911e1ab0c0a0edfe62ea")
	r.Header.Set("X-WC-Webhook-Source", "https://shop.example/")
	if key != "" {
		r.Header.Set(webhook.SignatureHeader, webhook.Sign(key, []byte(body)))
	}
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// recorded reads a request that a real shop sent.
func recorded(t *testing.T, file string) *http.Request {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	require.NoError(t, err)
	return r
}

func TestRecordedDeliveries(t *testing.T) {
	t.Parallel()
	// The secret of the shops' first webhook was typed as it stands here; webhook 2 had a secret that nobody can read.
	secrets := []string{`s3cr&t "<key>"`, "k"}
	tests := []struct {
		file   string
		status int
		topic  string
		want   webhook.Payload
	}{
		{"order.updated", 200, "order.updated", webhook.Payload{Shape: webhook.Full, ID: 562}},
		{"order.updated-after-refund", 200, "order.updated", webhook.Payload{Shape: webhook.Full, ID: 562}},
		{"deliveries-after-order-create-2", 200, "order.updated", webhook.Payload{Shape: webhook.Full, ID: 562}},
		{"deliveries-after-order-create-1", 401, "", webhook.Payload{}},
		{"legacy-created-hook-order.updated-1", 200, "order.updated",
			webhook.Payload{Shape: webhook.Legacy, ID: 557, Kind: "order"}},
		{"order-status-completed-with-action-topic-3", 200, "action.woocommerce_order_status_completed",
			webhook.Payload{Shape: webhook.Action, ID: 564, Action: "woocommerce_order_status_completed"}},
		{"order-trashed-1", 200, "product.deleted", webhook.Payload{Shape: webhook.IDOnly, ID: 562}}, // an order's id
		{"order-trashed-2", 200, "order.deleted", webhook.Payload{Shape: webhook.IDOnly, ID: 562}},
		{"customer-deleted", 200, "customer.deleted", webhook.Payload{Shape: webhook.IDOnly, ID: 54}},
		{"product.updated-variation-stock", 200, "product.updated", webhook.Payload{Shape: webhook.Full, ID: 183}},
		{"ping-order-created", 200, "", webhook.Payload{}},
		{"ping-answered-500", 200, "", webhook.Payload{}},
	}
	for _, shop := range []string{"wc-11.0.1", "wc-8.9.1"} {
		for _, tt := range tests {
			t.Run(shop+"/"+tt.file, func(t *testing.T) {
				t.Parallel()
				var k taker
				h := handler(t, webhook.Config{Secrets: secrets, Handle: k.handle})
				w := serve(h, recorded(t, filepath.Join("testdata", shop, tt.file+".http")))
				require.Equal(t, tt.status, w.Code)
				if tt.topic == "" {
					require.Empty(t, k.got)
					return
				}
				require.Len(t, k.got, 1)
				require.Equal(t, tt.topic, k.got[0].Topic)
				require.Equal(t, tt.want, k.got[0].Payload)
				require.NotEmpty(t, k.got[0].Source)
				require.Positive(t, k.got[0].WebhookID)
				require.Len(t, k.got[0].DeliveryID, 32)
				require.Equal(t, time.UTC, k.got[0].ReceivedAt.Location())
			})
		}
	}
}

// The answers of the package comment, one by one.
func TestAnswers(t *testing.T) {
	t.Parallel()
	order := `{"id":12,"status":"processing"}`
	unsigned := request("order.updated", "", order)
	twice := request("order.updated", secret, order)
	twice.Header.Add(webhook.SignatureHeader, webhook.Sign(secret, []byte(order)))
	notBase64 := request("order.updated", "", order)
	notBase64.Header.Set(webhook.SignatureHeader, "***")
	empty := request("order.updated", "", order)
	empty.Header.Set(webhook.SignatureHeader, "")
	get := request("order.updated", secret, order)
	get.Method = http.MethodGet
	changed := request("order.updated", secret, order)
	changed.Body = io.NopCloser(strings.NewReader(strings.Replace(order, "12", "13", 1)))
	reencoded := request("order.updated", secret, `{"id":12,"url":"http:\/\/shop","status":"processing"}`)
	reencoded.Body = io.NopCloser(strings.NewReader(`{"id":12,"status":"processing","url":"http://shop"}`))
	var zipped bytes.Buffer
	gz := gzip.NewWriter(&zipped)
	_, _ = gz.Write([]byte(order))
	require.NoError(t, gz.Close())
	gzipped := request("order.updated", secret, zipped.String())
	gzipped.Header.Set("Content-Encoding", "gzip")
	broken := request("order.updated", secret, order)
	broken.Body = io.NopCloser(io.MultiReader(strings.NewReader(order), failing{}))

	tests := map[string]struct {
		r      *http.Request
		status int
		taken  int
	}{
		"signed":                    {request("order.updated", secret, order), 200, 1},
		"the other secret":          {request("order.updated", "older", order), 200, 1},
		"another topic":             {request("coupon.created", secret, `{"id":3,"code":"SAVE","message":""}`), 200, 1},
		"not understood":            {request("plugin.thing", secret, `<html>`), 200, 1},
		"unsigned":                  {unsigned, 401, 0},
		"empty signature":           {empty, 401, 0},
		"signed with an empty key":  {request("order.updated", "", order), 401, 0},
		"wrong secret":              {request("order.updated", "guess", order), 401, 0},
		"not base64":                {notBase64, 401, 0},
		"two signatures":            {twice, 401, 0},
		"changed body":              {changed, 401, 0},
		"re-encoded body":           {reencoded, 401, 0},
		"GET":                       {get, 405, 0},
		"gzip":                      {gzipped, 415, 0},
		"cut off":                   {broken, 400, 0},
		"as large as allowed":       {request("order.updated", secret, order+strings.Repeat(" ", 1024-len(order))), 200, 1},
		"too large":                 {request("order.updated", secret, order+strings.Repeat(" ", 1025-len(order))), 413, 0},
		"ping":                      {ping("webhook_id=2"), 200, 0},
		"ping without a number":     {ping("webhook_id="), 401, 0},
		"ping with more":            {ping("webhook_id=2&id=12"), 401, 0},
		"ping with an order's head": {request("order.updated", "", "webhook_id=2"), 401, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var k taker
			h := handler(t, webhook.Config{Secrets: []string{"", secret, "older"}, Handle: k.handle, MaxBody: 1024})
			w := serve(h, tt.r)
			require.Equal(t, tt.status, w.Code)
			require.Len(t, k.got, tt.taken)
			require.Empty(t, w.Header().Get("Content-Encoding"))
			if w.Code == 401 {
				require.Equal(t, "signature missing or wrong\n", w.Body.String())
			}
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func ping(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/hooks/woo", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// A shop may sign with the secret as typed, decoded, or encoded, whichever of the three the host was given.
func TestSecretForms(t *testing.T) {
	t.Parallel()
	typed, stored := `a&b"c'd<e>`, `a&amp;b&quot;c&#039;d&lt;e&gt;`
	body := `{"id":1}`
	for _, given := range []string{typed, stored} {
		for _, signs := range []string{typed, stored} {
			r := request("order.updated", signs, body)
			require.NoError(t, webhook.Verify([]string{given}, r.Header, []byte(body)), "given %s, shop signs with %s", given, signs)
		}
	}
	r := request("order.updated", "a&b", body)
	require.ErrorIs(t, webhook.Verify([]string{"a&c"}, r.Header, []byte(body)), webhook.ErrSignature)
}

// The vector was made with another implementation.
func TestSign(t *testing.T) {
	t.Parallel()
	body := `{"id":4711,"status":"processing","currency":"BGN","total":"59.90"}`
	require.Equal(t, "SRqsWLo3VWs3XDRXfrmHd6f4RFq82EaLv3819naUViE=", webhook.Sign("demo-secret", []byte(body)))
}

func TestFailureIsNotSaved(t *testing.T) {
	t.Parallel()
	k := taker{err: errors.New("disk full")}
	w := serve(handler(t, webhook.Config{Handle: k.handle}), request("order.updated", secret, `{"id":1}`))
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.NotContains(t, w.Body.String(), "disk")
}

func TestSlowHandleIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := handler(t, webhook.Config{Handle: func(ctx context.Context, _ webhook.Delivery) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		start := time.Now()
		w := serve(h, request("order.updated", secret, `{"id":1}`))
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Equal(t, webhook.DefaultTimeout, time.Since(start))
	})
}

// The owner of a webhook lost its rights: the shop signs an error and sends it as an order.
func TestRefusalIsNeverDelivered(t *testing.T) {
	t.Parallel()
	var k, refused taker
	var log bytes.Buffer
	h := handler(t, webhook.Config{
		Handle:  k.handle,
		Refused: func(ctx context.Context, d webhook.Delivery) { _ = refused.handle(ctx, d) },
		Logger:  slog.New(slog.NewTextHandler(&log, nil)),
	})
	body := `{"code":"woocommerce_rest_cannot_view","message":"Sorry, you cannot view this resource.","data":{"status":401}}`
	w := serve(h, request("order.updated", secret, body))
	require.Equal(t, http.StatusOK, w.Code)
	require.Empty(t, k.got)
	require.Len(t, refused.got, 1)
	require.Equal(t, "woocommerce_rest_cannot_view", refused.got[0].Payload.Code)
	require.Contains(t, log.String(), "level=ERROR")

	require.Equal(t, http.StatusUnauthorized, serve(h, request("order.updated", "guess", body)).Code)
	require.Len(t, refused.got, 1, "an unsigned error object is nobody's word")
}

// Four orders of one second carry one delivery id. What tells a repetition is the body: it is answered 200 and costs nothing.
func TestDeDuplicationBeyondTheDeliveryID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var k taker
		h := handler(t, webhook.Config{Handle: k.handle})
		send := func(topic, body string) {
			t.Helper()
			require.Equal(t, http.StatusOK, serve(h, request(topic, secret, body)).Code)
		}
		order := func(id int, status string) string { return fmt.Sprintf(`{"id":%d,"status":%q}`, id, status) }
		for _, id := range []int{1, 2, 3, 4} {
			send("order.updated", order(id, "completed"))
		}
		require.Len(t, k.got, 4)
		send("order.updated", order(4, "completed"))
		require.Len(t, k.got, 4, "a repetition")
		send("order.created", order(4, "completed"))
		require.Len(t, k.got, 5, "another topic")
		send("order.updated", order(4, "refunded"))
		require.Len(t, k.got, 6, "another state")
		send("order.updated", order(4, "completed"))
		require.Len(t, k.got, 7, "back in the state before: the same body is news")
		send("order.updated", `{"order":{"id":4}}`)
		send("order.updated", `{"order":{"id":4}}`)
		require.Len(t, k.got, 8, "legacy")
		for _, body := range []string{`{"id":4}`, `{"action":"woocommerce_order_status_completed","arg":4}`} {
			k.got = nil
			send("x.y", body)
			send("x.y", body)
			require.Len(t, k.got, 2, "it looks alike each time it happens")
		}
		k.got = nil
		send("order.updated", order(5, "completed"))
		time.Sleep(webhook.DefaultRepeats)
		send("order.updated", order(5, "completed"))
		require.Len(t, k.got, 2, "after ten minutes")

		k.err = errors.New("disk full")
		require.Equal(t, 500, serve(h, request("order.updated", secret, order(6, "x"))).Code)
		k.err = nil
		send("order.updated", order(6, "x"))
		require.Len(t, k.got, 4, "what was not saved is no repetition")

		k.got = nil
		never := handler(t, webhook.Config{Handle: k.handle, Repeats: -1})
		for range 2 {
			require.Equal(t, 200, serve(never, request("order.updated", secret, order(7, "x"))).Code)
		}
		require.Len(t, k.got, 2)

		k.got = nil
		for id := range 5000 { // the memory is bounded: the first are forgotten
			send("order.updated", order(id+10, "x"))
		}
		send("order.updated", order(5009, "x"))
		require.Len(t, k.got, 5000)
		send("order.updated", order(10, "x"))
		require.Len(t, k.got, 5001)
	})
}

// The key of a delivery is the same in every process and under every delivery id.
func TestKey(t *testing.T) {
	t.Parallel()
	key := func(d webhook.Delivery, body string) string {
		d.Body, d.Payload = []byte(body), webhook.Parse([]byte(body))
		return d.Key()
	}
	one := key(webhook.Delivery{Topic: "order.updated", WebhookID: 1, DeliveryID: "a"}, `{"id":562,"status":"x"}`)
	require.Regexp(t, `^order\.updated:562:[0-9a-f]{32}$`, one)
	require.Equal(t, one, key(webhook.Delivery{Topic: "order.updated", WebhookID: 2, DeliveryID: "b"}, `{"id":562,"status":"x"}`))
	require.NotEqual(t, one, key(webhook.Delivery{Topic: "order.updated"}, `{"id":562,"status":"y"}`))
	require.NotEqual(t, one, key(webhook.Delivery{Topic: "order.created"}, `{"id":562,"status":"x"}`))
}

// A secret was changed on one side only: by default the shop is told (and counts), on wish it is not. Either way nothing is taken.
func TestForged(t *testing.T) {
	t.Parallel()
	for drop, want := range map[bool]int{false: 401, true: 200} {
		var k taker
		var log bytes.Buffer
		h := handler(t, webhook.Config{Handle: k.handle, DropForged: drop, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		require.Equal(t, want, serve(h, request("order.updated", "guess", `{"id":1,"status":"x"}`)).Code)
		require.Equal(t, 401, serve(h, request("order.updated", "", `{"id":1,"status":"x"}`)).Code, "unsigned: no shop of ours")
		require.Empty(t, k.got)
		require.Equal(t, 2, strings.Count(log.String(), "webhook refused"))
	}
}

// Whatever a host thinks of a delivery, the shop gets 200 or 5xx, never a redirect nor a 4xx, and no coding it could stumble over.
func TestNeverABusinessAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"id":1,"status":"nobody-knows"}`, `{"id":1}`, `{"order":{"id":1}}`, `{"action":"woocommerce_x","arg":1}`, `{"code":"e","message":"m"}`,
		``, `null`, `[]`, `<html>`, `{"id":"x"}`,
	} {
		for _, err := range []error{nil, errors.New("not our order"), context.Canceled, http.ErrNotSupported} {
			k := taker{err: err}
			w := serve(handler(t, webhook.Config{Handle: k.handle}), request("any.topic", secret, body))
			require.True(t, w.Code == 200 || w.Code >= 500, "%s: %d", body, w.Code)
			require.Equal(t, len(k.got) > 0 && err != nil, w.Code >= 500, body)
			require.Empty(t, w.Header().Get("Content-Encoding"))
			require.Empty(t, w.Header().Get("Location"))
		}
	}
}

// A Handle that does not heed its context does not keep the shop waiting either; one that panics does so where the server sees it.
func TestHeedlessHandle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		saved := 0
		h := handler(t, webhook.Config{Handle: func(context.Context, webhook.Delivery) error {
			time.Sleep(5 * time.Second)
			saved++
			return nil
		}})
		start := time.Now()
		require.Equal(t, 503, serve(h, request("order.updated", secret, `{"id":1,"status":"x"}`)).Code)
		require.Equal(t, webhook.DefaultTimeout, time.Since(start))
		time.Sleep(4 * time.Second)
		synctest.Wait() // for what runs on, and for what it wrote
		require.Equal(t, 1, saved)

		h = handler(t, webhook.Config{Handle: func(context.Context, webhook.Delivery) error { panic(http.ErrAbortHandler) }})
		require.PanicsWithValue(t, http.ErrAbortHandler, func() { serve(h, request("order.updated", secret, `{"id":1}`)) })
	})
}

// 200 means that Handle has returned nil, not that it was begun.
func TestAnswerAfterHandle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		saved := false
		h := handler(t, webhook.Config{Handle: func(context.Context, webhook.Delivery) error {
			time.Sleep(1900 * time.Millisecond)
			saved = true
			return nil
		}})
		w := &watching{ResponseRecorder: httptest.NewRecorder(), onHeader: func() { require.True(t, saved) }}
		h.ServeHTTP(w, request("order.updated", secret, `{"id":1}`))
		require.Equal(t, 200, w.Code)
		require.True(t, saved)
	})
}

type watching struct {
	*httptest.ResponseRecorder
	onHeader func()
}

func (w *watching) WriteHeader(code int) { w.onHeader(); w.ResponseRecorder.WriteHeader(code) }

func TestLastDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var k taker
		h, err := webhook.New(webhook.Config{Secrets: []string{secret}, Handle: k.handle})
		require.NoError(t, err)
		last := func() time.Time {
			at, err := h.LastDelivery(t.Context())
			require.NoError(t, err)
			return at
		}
		require.Equal(t, 200, serve(h, ping("webhook_id=2")).Code)
		require.True(t, last().IsZero(), "a ping is no delivery")
		k.err = errors.New("no")
		serve(h, request("order.updated", secret, `{"id":1}`))
		require.True(t, last().IsZero(), "not a good one")
		k.err = nil
		serve(h, request("order.updated", secret, `{"id":1}`))
		require.Equal(t, time.Now().UTC(), last())
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	handle := new(taker).handle
	for want, c := range map[string]webhook.Config{
		"Config.Secrets": {Handle: handle, Secrets: []string{""}},
		"Config.Handle":  {Secrets: []string{secret}},
		"Config.MaxBody": {Secrets: []string{secret}, Handle: handle, MaxBody: -1},
		"Config.Timeout": {Secrets: []string{secret}, Handle: handle, Timeout: -1},
	} {
		_, err := webhook.New(c)
		require.ErrorContains(t, err, want)
	}
	c := webhook.Config{Secrets: []string{"hush-hush"}, Handle: handle}
	h, err := webhook.New(c)
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", c)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", c, c, c, c), fmt.Sprintf("%v %+v %#v", h, h, h), log.String()} {
		require.NotContains(t, text, "hush")
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]webhook.Payload{
		``:                               {},
		`null`:                           {},
		`[]`:                             {},
		`-1`:                             {},
		`{}`:                             {},
		`{"id":0,"status":"x"}`:          {},
		`{"id":1.5,"status":"x"}`:        {},
		`{"ID":4,"status":"x"}`:          {},
		`{"id":"12","status":"x"}`:       {Shape: webhook.Full, ID: 12},
		`{"id":12}`:                      {Shape: webhook.IDOnly, ID: 12},
		`{"id":12,"code":"SAVE10"}`:      {Shape: webhook.Full, ID: 12}, // a coupon
		`{"action":"x","arg":{"a":1}}`:   {Shape: webhook.Action, Action: "x"},
		`{"code":"c"}`:                   {Shape: webhook.Refusal, Code: "c"},
		`{"order":{"id":9},"more":1}`:    {},
		`{"order":{"ID":9}}`:             {},
		`{"product":{"id":9,"sku":"a"}}`: {Shape: webhook.Legacy, ID: 9, Kind: "product"},
	} {
		require.Equal(t, want, webhook.Parse([]byte(body)), body)
	}
}

// Whatever arrives is answered, and only what is signed is taken.
func FuzzHandler(f *testing.F) {
	f.Add([]byte(`{"id":1}`), webhook.Sign(secret, []byte(`{"id":1}`)), "order.updated")
	f.Add([]byte(`webhook_id=3`), "", "")
	f.Add([]byte(`{"code":"x"}`), webhook.Sign(secret, []byte(`{"code":"x"}`)), "order.updated")
	f.Add([]byte(`{"order":{"id":1}}`), "AAAA", "order.created")
	f.Fuzz(func(t *testing.T, body []byte, signature, topic string) {
		var k taker
		h, err := webhook.New(webhook.Config{Secrets: []string{secret}, Handle: k.handle})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("X-WC-Webhook-Topic", topic)
		r.Header.Set(webhook.SignatureHeader, signature)
		w := serve(h, r)
		signed := strings.TrimSpace(signature) == webhook.Sign(secret, body)
		switch {
		case w.Code != 200 && w.Code != 401:
			t.Fatalf("answered %d", w.Code)
		case signed != (w.Code == 200) && len(k.got) > 0, len(k.got) > 0 && !signed:
			t.Fatalf("signed %v, answered %d, taken %d", signed, w.Code, len(k.got))
		case signed && w.Code != 200:
			t.Fatalf("a signed delivery was answered %d", w.Code)
		case len(k.got) > 0 && !bytes.Equal(k.got[0].Body, body):
			t.Fatal("the body was changed")
		}
	})
}
