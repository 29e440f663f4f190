package woo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// cut is an answer that never comes: the connection drops after the shop has done its work.
func cut(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// Point 2 of the acceptance list: a create is on the wire once, whatever becomes of it.
func TestAcceptance02CreateIsSentOnce(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]func(http.ResponseWriter){
		"500": func(w http.ResponseWriter) {
			answer(w, 500, `{"code":"internal_server_error","message":"<p>x</p>","data":{"status":500}}`)
		},
		"502 page":         func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html"); w.WriteHeader(502) },
		"503":              func(w http.ResponseWriter) { answer(w, 503, `{}`) },
		"503, retry after": func(w http.ResponseWriter) { w.Header().Set("Retry-After", "1"); answer(w, 503, `{}`) },
		"504":              func(w http.ResponseWriter) { answer(w, 504, ``) },
		"reset":            cut,
		"cut off":          func(w http.ResponseWriter) { w.Header().Set("Content-Length", "999"); answer(w, 201, `{"id":`) },
		"empty 201":        func(w http.ResponseWriter) { answer(w, 201, ``) },
		"time-out":         func(http.ResponseWriter) { time.Sleep(5 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journalOf
				c := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) { j.note(r); h(w) })
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
				defer cancel()
				_, err := c.Orders.Create(ctx, OrderFields{})
				require.Error(t, err)
				require.Equal(t, 1, j.len())
				require.ErrorIs(t, err, ErrAmbiguous)
				var e *Error
				require.ErrorAs(t, err, &e)
				require.True(t, e.Ambiguous())
				require.False(t, e.Permanent())
				require.ErrorContains(t, err, "look before sending it again")

				results, err := c.Orders.CreateAll(ctx, make([]OrderFields, 3))
				require.Error(t, err)
				require.Len(t, results, 3)
				if name != "time-out" && name != "503, retry after" { // there the second call never leaves
					require.Equal(t, 2, j.len())
					for _, r := range results {
						require.Nil(t, r.Item)
						require.ErrorIs(t, r.Err, ErrAmbiguous)
					}
				}
			})
		})
	}
}

// What surely did nothing is sent again, also a create.
func TestCreateIsRepeatedWhenItSurelyDidNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journalOf
		c := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) {
			if j.note(r) == 0 {
				w.Header().Set("Retry-After", "2")
				answer(w, 429, ``)
				return
			}
			answer(w, 201, `{"id":5}`)
		})
		o, err := c.Orders.Create(t.Context(), OrderFields{CustomerNote: Set("x")})
		require.NoError(t, err)
		require.Equal(t, OrderID(5), o.ID)
		require.Equal(t, 2, j.len())
		require.Equal(t, j.body[0], j.body[1])
	})
}

// Updates set, so they are repeated; those that add are not.
func TestUpdateIsRepeatedUnlessItAdds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set   any
		tries int
	}{
		"status":            {OrderFields{Status: Set(OrderCompleted)}, 2},
		"meta by key":       {OrderFields{MetaData: Set([]MetaFields{SetMeta("a", "b")})}, 2},
		"a line by its id":  {OrderFields{LineItems: Set([]LineItemFields{{ID: Set(LineID(3)), Total: Set(decimal.New(1, 0))}})}, 2},
		"a new line":        {OrderFields{LineItems: Set([]LineItemFields{{ProductID: Set(ProductID(3))}})}, 1},
		"a new fee":         {OrderFields{FeeLines: Set([]FeeLineFields{{ID: Set(LineID(1))}, {Name: Set("x")}})}, 1},
		"new shipping":      {OrderFields{ShippingLines: Set([]ShippingLineFields{{MethodID: Set("x")}})}, 1},
		"paid":              {OrderFields{SetPaid: Set(true)}, 1},
		"stock":             {ProductFields{StockQuantity: Set(decimal.New(4, 0))}, 2},
		"delta by a plugin": {ProductFields{Extra: map[string]json.RawMessage{"inventory_delta": json.RawMessage("2")}}, 1},
		"picture by src":    {ProductFields{Images: Set([]ImageFields{{ID: Set(int64(3))}, {Src: Set("https://x")}})}, 1},
		"picture by id":     {ProductFields{Images: Set([]ImageFields{{ID: Set(int64(3))}})}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journalOf
				shop := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) {
					if j.note(r) == 0 {
						answer(w, 502, ``)
						return
					}
					answer(w, 200, `{"id":9}`)
				})
				var err error
				switch set := c.set.(type) {
				case OrderFields:
					_, err = shop.Orders.Update(t.Context(), 9, set)
				case ProductFields:
					_, err = shop.Products.Update(t.Context(), 9, set)
				}
				require.Equal(t, c.tries, j.len())
				require.Equal(t, c.tries == 1, errors.Is(err, ErrAmbiguous), "%v", err)
				require.Equal(t, "PUT", j.seen[0].Method)
			})
		})
	}
}

// Point 3 of the acceptance list.
func TestAcceptance03RetryAfter(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]func() string{
		"seconds": func() string { return "20" },
		"date":    func() string { return time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journalOf
				c := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) {
					if j.note(r) == 0 {
						w.Header().Set("Retry-After", header())
						answer(w, 429, ``)
						return
					}
					answer(w, 200, `[]`)
				})
				began := time.Now()
				_, _, err := c.Orders.List(t.Context(), OrderQuery{})
				require.NoError(t, err)
				require.Equal(t, 2, j.len())
				require.GreaterOrEqual(t, time.Since(began), 19*time.Second)
				require.Less(t, time.Since(began), 25*time.Second)
			})
			synctest.Test(t, func(t *testing.T) { // and the wait ends with the context
				c := clientOf(t, shopAddress, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Retry-After", header())
					answer(w, 429, ``)
				})
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(5*time.Second, cancel)
				began := time.Now()
				_, _, err := c.Orders.List(ctx, OrderQuery{})
				require.ErrorIs(t, err, context.Canceled)
				require.Equal(t, 5*time.Second, time.Since(began))
				var e *Error
				require.ErrorAs(t, err, &e)
				require.False(t, e.Permanent())
				require.False(t, e.Systemic())
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // a long one is told, not waited for
		c := clientOf(t, shopAddress, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			answer(w, 429, ``)
		})
		_, _, err := c.Orders.List(t.Context(), OrderQuery{})
		require.ErrorIs(t, err, ErrRateLimited)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, time.Hour, e.RetryAfter())
		require.True(t, e.Systemic())
		require.EqualError(t, err, "woo: orders.List: the shop's host wants fewer requests; it asks to come back in 1h0m: "+
			"set a Config.Limiter, and share it between all clients of the shop (429)")
	})
}

// Point 4 of the acceptance list: a redirected write is an error that names the target, and goes nowhere.
func TestAcceptance04RedirectedWrites(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, target := range []string{"https://www.shop.example/wp-json/wc/v3/orders", "https://shop.example/wp-json/wc/v3/orders/"} {
			var j journalOf
			c := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) {
				j.note(r)
				w.Header().Set("Location", target+"?consumer_secret=cs_x")
				w.WriteHeader(status)
			})
			for _, err := range []error{
				add(t.Context(), c), put(t.Context(), c), remove(t.Context(), c), c.Do(t.Context(), "POST", "x/v1/y", nil, nil),
			} {
				require.ErrorIs(t, err, ErrRedirect)
				require.ErrorContains(t, err, "redirects to "+target)
				require.NotContains(t, err.Error(), "cs_x")
			}
			require.Equal(t, 4, j.len(), "a redirect was followed")
		}
	}
}

// Point 5 of the acceptance list: neither a redirect nor a Link takes the key to another host.
func TestAcceptance05KeysStayAtHome(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		for _, target := range []string{scheme + "://evil.example/", scheme + "://shop.example:444/", "http://shop.example.evil/"} {
			var j journalOf
			c := clientOf(t, scheme+"://shop.example", func(w http.ResponseWriter, r *http.Request) {
				j.note(r)
				w.Header().Set("Location", target)
				w.WriteHeader(302)
			})
			_, _, err := c.Orders.List(t.Context(), OrderQuery{})
			require.ErrorIs(t, err, ErrRedirect)
			require.ErrorContains(t, err, target)
			require.Equal(t, 1, j.len())
			require.Equal(t, "shop.example", j.seen[0].Host)
		}
	}
	// rows sends a Link to elsewhere.example with every page.
	var j journalOf
	s := &rows{ids: upTo(250)}
	c := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) { j.note(r); s.ServeHTTP(w, r) })
	ids, errs := walkAll(t, c, OrderQuery{})
	require.Empty(t, errs)
	require.Len(t, ids, 250)
	for _, r := range j.seen {
		require.Equal(t, "shop.example", r.Host)
		require.NotContains(t, r.URL.RawQuery, "consumer")
	}
}

// The verbs as they go out.
func TestRequests(t *testing.T) {
	t.Parallel()
	var j journalOf
	c := clientOf(t, shopAddress+"/sub/", func(w http.ResponseWriter, r *http.Request) {
		j.note(r)
		answer(w, 200, `{"id":7}`)
	})
	ctx := t.Context()
	fields := OrderFields{CustomerNote: Set("n")}
	for _, call := range []struct {
		do   func() error
		want string
	}{
		{func() error { _, err := c.Orders.Get(ctx, 7); return err }, "GET /sub/wp-json/wc/v3/orders/7 "},
		{func() error { _, err := c.Orders.Create(ctx, fields); return err }, `POST /sub/wp-json/wc/v3/orders {"customer_note":"n"}`},
		{func() error { _, err := c.Orders.Update(ctx, 7, fields); return err }, `PUT /sub/wp-json/wc/v3/orders/7 {"customer_note":"n"}`},
		{func() error { return c.Orders.Delete(ctx, 7) }, "DELETE /sub/wp-json/wc/v3/orders/7 "},
		{func() error { return c.Products.Delete(ctx, 7) }, "DELETE /sub/wp-json/wc/v3/products/7 "},
		{func() error { return c.Customers.Delete(ctx, 7) }, "DELETE /sub/wp-json/wc/v3/customers/7?force=true "},
		{func() error { return c.Variations(3).Delete(ctx, 7) }, "DELETE /sub/wp-json/wc/v3/products/3/variations/7 "},
		{func() error { return c.OrderNotes(3).Delete(ctx, 7) }, "DELETE /sub/wp-json/wc/v3/orders/3/notes/7?force=true "},
		{func() error { return c.Refunds(3).Delete(ctx, 7) }, "DELETE /sub/wp-json/wc/v3/orders/3/refunds/7?force=true "},
		{
			func() error { _, err := c.OrderNotes(3).Create(ctx, OrderNoteFields{Note: Set("n")}); return err },
			`POST /sub/wp-json/wc/v3/orders/3/notes {"note":"n"}`,
		},
		{func() error { _, err := c.Variations(3).Get(ctx, 7); return err }, "GET /sub/wp-json/wc/v3/products/3/variations/7 "},
		{
			func() error {
				return c.Do(ctx, "post", "/wc/v3/orders/12/actions/send_email?a=b%20c", map[string]int{"x": 1}, nil)
			},
			`POST /sub/wp-json/wc/v3/orders/12/actions/send_email?a=b+c {"x":1}`,
		},
	} {
		n := j.len()
		require.NoError(t, call.do())
		require.Equal(t, n+1, j.len())
		r := j.seen[n]
		require.Equal(t, call.want, fmt.Sprint(r.Method, " ", r.URL, " ", j.body[n]))
		require.Equal(t, "application/json", r.Header.Get("Accept"))
		require.Equal(t, userAgent, r.Header.Get("User-Agent"))
		key, secret, ok := r.BasicAuth()
		require.True(t, ok)
		require.Equal(t, testKey+testSecret, key+secret)
	}
}

func TestDeleteIsDoneWhenItsFirstAnswerWasLost(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]string{410: "woocommerce_rest_already_trashed", 404: "woocommerce_rest_shop_order_invalid_id"} {
		synctest.Test(t, func(t *testing.T) {
			var j journalOf
			c := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) {
				if j.note(r) == 0 {
					cut(w)
					return
				}
				answer(w, status, fmt.Sprintf(`{"code":%q,"message":"","data":{"status":%d}}`, code, status))
			})
			require.NoError(t, c.Orders.Delete(t.Context(), 7))
			require.Equal(t, 2, j.len())
		})
	}
	c := clientOf(t, shopAddress, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 410, `{"code":"woocommerce_rest_already_trashed","message":"","data":{"status":410}}`)
	})
	require.ErrorIs(t, c.Orders.Delete(t.Context(), 7), ErrGone, "at the first try it is news")
}

func TestUnusableIDsAreNotSent(t *testing.T) {
	t.Parallel()
	c := clientOf(t, shopAddress, func(http.ResponseWriter, *http.Request) { t.Error("asked the shop") })
	for _, id := range []OrderID{0, -1} {
		_, err := c.Orders.Get(t.Context(), id)
		require.ErrorIs(t, err, ErrValidation)
		_, err = c.Orders.Update(t.Context(), id, OrderFields{})
		require.ErrorIs(t, err, ErrValidation)
		require.ErrorIs(t, c.Orders.Delete(t.Context(), id), ErrValidation)
	}
}

func TestDoRefusesPaths(t *testing.T) {
	t.Parallel()
	c := clientOf(t, shopAddress, func(http.ResponseWriter, *http.Request) { t.Error("asked the shop") })
	for _, path := range []string{
		"", "/", "https://evil.example/x", "//evil.example/x", "wc/v3/../../x", "wc/v3/%2e%2e/x", "wc/v3/orders?consumer_secret=x", "a?oauth_nonce=1", "\x00",
	} {
		err := c.Do(t.Context(), "GET", path, nil, nil)
		require.ErrorIs(t, err, ErrValidation, path)
	}
	require.ErrorIs(t, c.Do(t.Context(), "TRACE", "a", nil, nil), ErrValidation)
	require.ErrorIs(t, c.Do(t.Context(), "POST", "a", func() {}, nil), ErrValidation)
}

func TestDoReadsAnswers(t *testing.T) {
	t.Parallel()
	c := clientOf(t, shopAddress, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wp-json/empty" {
			return
		}
		answer(w, 200, `{"a":"b"}`)
	})
	var out struct {
		A string `json:"a"`
	}
	require.NoError(t, c.Do(t.Context(), "GET", "x", nil, &out))
	require.Equal(t, "b", out.A)
	require.NoError(t, c.Do(t.Context(), "POST", "empty", nil, nil))
	require.ErrorIs(t, c.Do(t.Context(), "POST", "x", nil, new(int)), ErrAmbiguous)
}
