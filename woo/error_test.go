package woo

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

var writeGolden = flag.Bool("update", false, "write the golden files anew")

// sentinels by name, in the order of error.go.
var sentinels = map[string]error{
	"ErrAuth": ErrAuth, "ErrPermission": ErrPermission, "ErrNotFound": ErrNotFound, "ErrGone": ErrGone, "ErrDuplicate": ErrDuplicate,
	"ErrValidation": ErrValidation, "ErrTooLarge": ErrTooLarge, "ErrRateLimited": ErrRateLimited, "ErrUnavailable": ErrUnavailable,
	"ErrNoRoute": ErrNoRoute, "ErrRedirect": ErrRedirect, "ErrHostBlocked": ErrHostBlocked, "ErrNotJSON": ErrNotJSON,
	"ErrMalformed": ErrMalformed, "ErrPaging": ErrPaging, "ErrNotSent": ErrNotSent,
}

// kindName names the one sentinel, ErrAmbiguous aside, that err matches.
func kindName(t *testing.T, err error) string {
	t.Helper()
	var names []string
	for name, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			names = append(names, name)
		}
	}
	require.Len(t, names, 1, "%v matches %v", err, names)
	return names[0]
}

// The calls that the recorded answers answered.
var (
	list = func(ctx context.Context, c *Client) error { _, _, err := c.Orders.List(ctx, OrderQuery{}); return err }
	get  = func(ctx context.Context, c *Client) error { _, err := c.Orders.Get(ctx, 11); return err }
	add  = func(ctx context.Context, c *Client) error { _, err := c.Orders.Create(ctx, OrderFields{}); return err }
	put  = func(ctx context.Context, c *Client) error {
		_, err := c.Orders.Update(ctx, 12, OrderFields{})
		return err
	}
	remove     = func(ctx context.Context, c *Client) error { return c.Orders.Delete(ctx, 12) }
	addProduct = func(ctx context.Context, c *Client) error {
		_, err := c.Products.Create(ctx, ProductFields{})
		return err
	}
	person = func(ctx context.Context, c *Client) error {
		_, err := c.Customers.Create(ctx, CustomerFields{})
		return err
	}
	refund = func(ctx context.Context, c *Client) error {
		_, err := c.Refunds(12).Create(ctx, RefundFields{})
		return err
	}
)

// raw calls a route that has no method.
func raw(method, path string) func(context.Context, *Client) error {
	return func(ctx context.Context, c *Client) error { return c.Do(ctx, method, path, nil, new(json.RawMessage)) }
}

type recordedCase struct {
	call func(context.Context, *Client) error
	want error // nil: a success
}

// recordedCases are all files of errors/ and failure-modes/, and the refusals of refunds.
var recordedCases = map[string]recordedCase{
	"errors/200-page-past-end.http":                            {list, nil},
	"errors/201-order-line-item-bad-product-id-accepted.http":  {add, nil},
	"errors/400-after-bad-date.http":                           {list, ErrValidation},
	"errors/400-coupon-exists.http":                            {raw("POST", "wc/v3/coupons"), ErrDuplicate},
	"errors/400-customer-email-exists.http":                    {person, ErrDuplicate},
	"errors/400-customer-no-email.http":                        {person, ErrValidation},
	"errors/400-invalid-json.http":                             {add, ErrValidation},
	"errors/400-order-bad-customer.http":                       {add, ErrValidation},
	"errors/400-order-bad-email.http":                          {add, ErrValidation},
	"errors/400-order-bad.http":                                {list, ErrValidation},
	"errors/400-order-body-wrong-types.http":                   {add, ErrValidation},
	"errors/400-order-line-item-free-text.http":                {add, ErrValidation},
	"errors/400-order-status-bad.http":                         {add, ErrValidation},
	"errors/400-orderby-bad.http":                              {list, ErrValidation},
	"errors/400-page-0.http":                                   {list, ErrValidation},
	"errors/400-per-page-0.http":                               {list, ErrValidation},
	"errors/400-per-page-101.http":                             {list, ErrValidation},
	"errors/400-per-page-text.http":                            {list, ErrValidation},
	"errors/400-product-sku-duplicate.http":                    {addProduct, ErrDuplicate},
	"errors/400-product-stock-text.http":                       {addProduct, ErrValidation},
	"errors/400-status-bad.http":                               {list, ErrValidation},
	"errors/400-two-bad-params.http":                           {list, ErrValidation},
	"errors/401-bad-key-query.http":                            {list, ErrAuth},
	"errors/401-bad-key.http":                                  {list, ErrAuth},
	"errors/401-bad-secret-query.http":                         {list, ErrAuth},
	"errors/401-bad-secret.http":                               {list, ErrAuth},
	"errors/401-basic-over-plain-http.http":                    {list, ErrAuth},
	"errors/401-no-auth.http":                                  {list, ErrAuth},
	"errors/401-read-only-key-on-write.http":                   {add, ErrAuth},
	"errors/401-write-only-key-on-read.http":                   {list, ErrAuth},
	"errors/403-customer-role-create-order.http":               {add, ErrPermission},
	"errors/403-customer-role-list-orders.http":                {list, ErrPermission},
	"errors/403-customer-role-settings.http":                   {raw("GET", "wc/v3/settings"), ErrPermission},
	"errors/403-customer-role-system-status.http":              {raw("GET", "wc/v3/system_status"), ErrPermission},
	"errors/404-delete-order-invalid-id.http":                  {remove, ErrNotFound},
	"errors/404-method-not-allowed.http":                       {raw("PATCH", "wc/v3/orders"), ErrNoRoute},
	"errors/404-order-id-is-a-product.http":                    {get, ErrNotFound},
	"errors/404-order-invalid-id.http":                         {get, ErrNotFound},
	"errors/404-product-invalid-id.http":                       {get, ErrNotFound},
	"errors/404-put-order-invalid-id.http":                     {put, ErrNotFound}, // a 400
	"errors/404-rest-no-route-namespace.http":                  {raw("GET", "wc/v9/orders"), ErrNoRoute},
	"errors/404-rest-no-route.http":                            {raw("GET", "wc/v3/no-such-thing"), ErrNoRoute},
	"errors/501-customer-delete-no-force.http":                 {raw("DELETE", "wc/v3/customers/5"), ErrValidation},
	"errors/501-webhook-delete-no-force.http":                  {raw("DELETE", "wc/v3/webhooks/1"), ErrValidation},
	"errors/delete-collection.http":                            {raw("DELETE", "wc/v3/orders"), ErrNoRoute},
	"errors/order-coupon-expired.http":                         {add, ErrValidation},
	"errors/order-coupon-invalid.http":                         {add, ErrValidation},
	"errors/order-line-item-without-product.http":              {add, ErrValidation},
	"failure-modes/bad-gateway-502.http":                       {list, ErrUnavailable},
	"failure-modes/database-unreachable-accept-any.http":       {list, ErrUnavailable},
	"failure-modes/database-unreachable.http":                  {list, ErrUnavailable},
	"failure-modes/dates-bare-with-dates-are-gmt.http":         {list, nil},
	"failure-modes/dates-z-with-dates-are-gmt.http":            {list, nil},
	"failure-modes/dates-z-without-dates-are-gmt.http":         {list, nil},
	"failure-modes/legacy-api-without-rewrite-query-form.http": {raw("GET", "wc-api/v3/orders/count"), nil},
	"failure-modes/maintenance-mode-accept-any.http":           {list, ErrUnavailable},
	"failure-modes/maintenance-mode.http":                      {list, ErrUnavailable},
	"failure-modes/oauth-bad-method.http":                      {list, ErrAuth},
	"failure-modes/oauth-missing-signature.http":               {list, ErrAuth},
	"failure-modes/oauth-nonce-replayed.http":                  {list, ErrAuth},
	"failure-modes/oauth-status-empty-brackets.http":           {list, ErrAuth},
	"failure-modes/oauth-status-indexed-brackets.http":         {list, nil},
	"failure-modes/oauth-timestamp-old.http":                   {list, ErrAuth},
	"failure-modes/php-fatal-early-accept-any.http":            {list, ErrUnavailable},
	"failure-modes/php-fatal-early.http":                       {list, ErrUnavailable},
	"failure-modes/php-fatal-in-rest-accept-any.http":          {add, ErrUnavailable}, // and nobody knows whether it was made
	"failure-modes/php-fatal-in-rest.http":                     {add, ErrUnavailable},
	"failure-modes/php-warning-before-json-accept-any.http":    {list, nil},
	"failure-modes/php-warning-before-json.http":               {list, nil},
	"failure-modes/plain-permalinks-index-php-wp-json.http":    {list, ErrRedirect},
	"failure-modes/plain-permalinks-rest-route.http":           {list, ErrAuth},
	"failure-modes/plain-permalinks-wp-json-path.http":         {list, ErrRedirect},
	"failure-modes/rest-route-index-php.http":                  {list, ErrAuth},
	"failure-modes/rest-route-oauth.http":                      {list, ErrAuth},
	"failure-modes/rest-route-query-form.http":                 {list, ErrAuth},
	"failure-modes/woocommerce-deactivated-legacy.http":        {raw("GET", "wc-api/v3/orders"), ErrRedirect},
	"failure-modes/woocommerce-deactivated.http":               {list, ErrNoRoute},
	"failure-modes/wp-json-wrong-path-html-404.http":           {list, ErrNoRoute},
	"refunds/error-gateway.http":                               {refund, ErrValidation}, // a 500
	"refunds/error-no-amount.http":                             {refund, ErrValidation},
	"refunds/error-too-much.http":                              {refund, ErrValidation},
}

// Each recorded answer has its class, its behaviours towards a queue, and its sentence, which a person may read in
// testdata/recorded-errors.golden.
func TestRecordedErrors(t *testing.T) {
	t.Parallel()
	var golden strings.Builder
	for _, version := range []string{"wc-11.0.1", "wc-8.9.1"} {
		var files []string
		for _, folder := range []string{"errors", "failure-modes"} {
			found, err := filepath.Glob(filepath.Join("testdata", "recorded", version, folder, "*.http"))
			require.NoError(t, err)
			files = append(files, found...)
		}
		found, err := filepath.Glob(filepath.Join("testdata", "recorded", version, "refunds", "error-*.http"))
		require.NoError(t, err)
		files = append(files, found...)
		require.Greater(t, len(files), 40, version)
		for _, file := range files {
			name := path.Join(filepath.Base(filepath.Dir(file)), filepath.Base(file))
			t.Run(version+"/"+name, func(t *testing.T) {
				fmt.Fprintf(&golden, "%s/%s\n    %s\n", version, name, strings.ReplaceAll(recordedOutcome(t, version, name), "\n", "\n    "))
			})
		}
	}
	for name := range recordedCases {
		require.Contains(t, golden.String(), "/"+name+"\n", "no recording for the case")
	}
	const file = "testdata/recorded-errors.golden"
	if *writeGolden {
		require.NoError(t, os.WriteFile(file, []byte(golden.String()), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), golden.String())
}

// recordedOutcome makes the call, checks its class, and describes the rest.
func recordedOutcome(t *testing.T, version, name string) (text string) {
	t.Helper()
	want, ok := recordedCases[name]
	require.True(t, ok, "no case for %s", name)
	address := map[string]string{"wc-11.0.1": "https://127.0.0.1:18443", "wc-8.9.1": "https://127.0.0.1:18444"}[version]
	if strings.Contains(name, "oauth") {
		address = "http://127.0.0.1:18080"
	}
	synctest.Test(t, func(t *testing.T) { // the waits between tries
		transport := replay(t, path.Join(version, name))
		c, err := New(Config{URL: address, Key: testKey, Secret: testSecret, HTTPClient: &http.Client{Transport: transport}})
		require.NoError(t, err)
		err = want.call(t.Context(), c)
		if want.want == nil {
			require.NoError(t, err)
			text = "success"
			return
		}
		require.ErrorIs(t, err, want.want)
		text = kindName(t, err)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.NotZero(t, e.Status)
		require.Equal(t, e.Ambiguous(), errors.Is(err, ErrAmbiguous))
		for name, is := range map[string]bool{" permanent": e.Permanent(), " systemic": e.Systemic(), " ambiguous": e.Ambiguous()} {
			if is {
				text += name
			}
		}
		words := strings.Fields(text)
		slices.Sort(words[1:])
		text = strings.Join(words, " ")
		if e.RetryAfter() > 0 {
			text += " after " + e.RetryAfter().String()
		}
		text += "\n" + err.Error()
	})
	return text
}

func TestErrorDetails(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]Error{
		"wc-11.0.1/errors/400-order-body-wrong-types.http": {
			Op: "orders.Create", Method: "POST", Route: "wc/v3/orders", Status: 400, Code: "rest_invalid_param", Attempts: 1,
			Message: "Invalid parameter(s): customer_id, line_items",
			Details: map[string]string{
				"customer_id": "customer_id is not of type integer.", "line_items": "line_items[0] is not of type object.",
			},
		},
		"wc-11.0.1/errors/400-customer-no-email.http": {
			Op: "orders.Create", Method: "POST", Route: "wc/v3/orders", Status: 400, Code: "rest_missing_callback_param", Attempts: 1,
			Message: "Missing parameter(s): email", Details: map[string]string{"email": "is missing"},
		},
		"wc-11.0.1/errors/400-product-sku-duplicate.http": {
			Op: "orders.Create", Method: "POST", Route: "wc/v3/orders", Status: 400, Code: "product_invalid_sku", Attempts: 1,
			Message: "Invalid or duplicated SKU.", ResourceID: 11,
		},
		"wc-11.0.1/errors/order-coupon-expired.http": { // entities
			Op: "orders.Create", Method: "POST", Route: "wc/v3/orders", Status: 400, Code: "woocommerce_rest_invalid_coupon", Attempts: 1,
			Message: `Coupon "expired" has expired.`,
		},
		"wc-8.9.1/errors/400-customer-email-exists.http": { // a link
			Op: "orders.Create", Method: "POST", Route: "wc/v3/orders", Status: 400, Code: "registration-error-email-exists", Attempts: 1,
			Message: "An account is already registered with your email address. Please log in.",
		},
		"wc-11.0.1/refunds/error-too-much.http": { // data is a number
			Op: "orders.Create", Method: "POST", Route: "wc/v3/orders", Status: 500, Code: "woocommerce_rest_cannot_create_order_refund",
			Attempts: 1, Message: "Invalid refund amount.",
		},
	} {
		c, err := New(Config{URL: shopAddress, Key: testKey, Secret: testSecret, HTTPClient: &http.Client{Transport: replay(t, file)}})
		require.NoError(t, err)
		var e *Error
		require.ErrorAs(t, add(t.Context(), c), &e)
		require.NotEmpty(t, e.Body)
		got := *e
		got.Body, got.kind, got.text = nil, nil, ""
		require.Equal(t, want, got, file)
	}
}

// data may be a number, null, an array or an object with a hole; the code may be a number.
func TestErrorEnvelopeIsReadLeniently(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		`{"code":"x_invalid_id","message":"a","data":null}`:                                     ErrNotFound,
		`{"code":"x","message":"a","data":[]}`:                                                  ErrValidation,
		`{"code":"x","message":"a","data":400}`:                                                 ErrValidation,
		`{"code":400,"message":null,"data":{"status":"400","params":[1],"resource_id":{}}}`:     ErrValidation,
		`{"code":"x_exists","message":{"a":1},"data":{"params":{"a":["b"]},"resource_id":"7"}}`: ErrDuplicate,
		`["not an envelope"]`: ErrHostBlocked,
		`Bad Request`:         ErrHostBlocked,
		``:                    ErrHostBlocked,
	} {
		c := clientOf(t, shopAddress, func(w http.ResponseWriter, _ *http.Request) { answer(w, 400, body) })
		_, err := c.Orders.Get(t.Context(), 1)
		require.ErrorIs(t, err, want, body)
		kindName(t, err)
	}
}

// A 404 of a deactivated WooCommerce or of a web server never looks like a missing record: a queue would drop its job.
func TestMissingRouteIsNoMissingRecord(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"code":"rest_no_route","message":"No route","data":{"status":404}}`, `<html><title>404</title>`, `Not Found`, ``, `{}`,
	} {
		c := clientOf(t, shopAddress, func(w http.ResponseWriter, _ *http.Request) { answer(w, 404, body) })
		_, err := c.Orders.Get(t.Context(), 1)
		require.ErrorIs(t, err, ErrNoRoute, body)
		require.NotErrorIs(t, err, ErrNotFound)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.True(t, e.Systemic())
		require.False(t, e.Permanent())
	}
}

// An answer that is JSON but not this route's is no record with zeros.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`[]`, `{}`, `null`, `{"id":0}`, `7`, `{"code":"x","message":"y"}`} {
		c := clientOf(t, shopAddress, func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, body) })
		_, err := c.Orders.Get(t.Context(), 1)
		require.ErrorIs(t, err, ErrNotJSON, body)
		require.NotErrorIs(t, err, ErrAmbiguous)
		_, err = c.Orders.Create(t.Context(), OrderFields{})
		require.ErrorIs(t, err, ErrNotJSON, body)
		require.ErrorIs(t, err, ErrAmbiguous, "a create that nobody can read may have been made")
	}
	c := clientOf(t, shopAddress, func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, `{"id":1}`) })
	_, _, err := c.Orders.List(t.Context(), OrderQuery{})
	require.ErrorIs(t, err, ErrNotJSON)
}
