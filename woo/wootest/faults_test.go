package wootest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo/wootest"
)

func TestAnswerLostAfterTheEffect(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	shop.SetFaults(wootest.Faults{Script: func(r *http.Request) wootest.Fault {
		if r.Method == http.MethodPost {
			return wootest.Lost
		}
		return wootest.None
	}})
	c := shop.Config()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, home+"orders", strings.NewReader("{}"))
	require.NoError(t, err)
	req.SetBasicAuth(c.Key, c.Secret)
	resp, err := shop.Transport().RoundTrip(req) //nolint:bodyclose // there is none
	require.Error(t, err)
	require.Nil(t, resp)
	require.Len(t, send(t, shop, "GET", "orders", "").list(t), 1)
	require.Equal(t, wootest.Stats{Requests: 2, Faults: 1, AnswersLost: 1}, shop.Stats())
	require.Zero(t, shop.Requests()[0].Status)
}

func TestWordsOfFaults(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	for fault, want := range map[wootest.Fault]string{
		wootest.ServerError: `"code":"internal_server_error"`, wootest.Unavailable: `"code":"wp_die"`,
		wootest.BadGateway: "<title>502", wootest.Page: "<!DOCTYPE html>",
	} {
		shop.SetFaults(wootest.Faults{Rate: 1, Kinds: []wootest.Fault{fault}})
		require.Contains(t, send(t, shop, "GET", "orders", "").body, want, fmt.Sprint(fault))
	}
	shop.SetFaults(wootest.Faults{})
	shop.ForgetRequests()
	require.Equal(t, 200, send(t, shop, "GET", "orders", "").status)
	require.Len(t, shop.Requests(), 1)
}
