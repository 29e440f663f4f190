package wootest

import (
	"fmt"
	"net/http"

	"github.com/stretchr/testify/require"
)

// exceptions are the recorded answers that the store gives differently, and why. One that agrees after all fails the test.
var exceptions = map[string]map[string]string{
	"11.0.1": {
		"index/wc-v3-index.http":                noSchemas,
		"misc/options-orders.http":              noSchemas,
		"misc/wc-v1-order.http":                 onlyV3,
		"misc/wc-v2-order.http":                 onlyV3,
		"reports/top_sellers.http":              made,
		"system_status/fields-environment.http": asksOut,
		"reports/top-sellers-month.http":        made,
		"products/list-stock-status-out.http":   made,
		"products/custom-fields-names.http":     made,
	},
	"8.9.1": {
		"index/wc-v3-index.http":                noSchemas,
		"misc/options-orders.http":              noSchemas,
		"misc/wc-v1-order.http":                 onlyV3,
		"misc/wc-v2-order.http":                 onlyV3,
		"reports/top_sellers.http":              made,
		"system_status/fields-environment.http": asksOut,
		"reports/top-sellers-month.http":        made,
	},
}

const (
	noSchemas = "the store describes no arguments and no schemas"
	onlyV3    = "the store speaks wc/v3 alone"
	asksOut   = "the store asks an outside address at each call, and tells true, false or an error: it did both"
	made      = "older records were recorded without their members, and are made up in the seed"
)

// between is what happened to the store between two recorded requests, and is not recorded itself: run before the request named.
var between = map[string]func(p *replayer){
	"misc/order-updated-trigger.http": func(p *replayer) { // the store had been reset
		id, err := p.shop.AddOrder([]byte(`{"status":"processing","customer_id":14,"line_items":[{"product_id":12,"quantity":1}]}`))
		require.NoError(p.t, err)
		p.know("orders", 562, id)
	},
	"webhooks/disabled-after-failures.http": func(p *replayer) { // a webhook whose seven deliveries failed
		p.shop.mu.Lock()
		body := obj(field{"topic", "order.updated"}, field{"name", "t order.updated"}, field{"delivery_url", "http://127.0.0.1:18090/status/500/x"})
		id := p.shop.createWebhook(body, false).body.(*object).int("id")
		p.shop.mu.Unlock()
		p.know("webhooks", 16, id)
		for range 7 {
			require.NoError(p.t, p.shop.EditOrder(p.shop.Orders()[0].ID, []byte(`{}`)))
			p.shop.Deliver(p.t.Context())
		}
	},
	"failure-modes/php-fatal-in-rest.http":       once(ServerError),
	"failure-modes/php-fatal-early.http":         trouble(FatalError),
	"failure-modes/maintenance-mode.http":        trouble(Maintenance),
	"failure-modes/database-unreachable.http":    trouble(DatabaseDown),
	"failure-modes/bad-gateway-502.http":         func(p *replayer) { p.shop.SetTrouble(NoTrouble); once(BadGateway)(p) },
	"failure-modes/woocommerce-deactivated.http": trouble(Deactivated),
	"failure-modes/oauth-nonce-replayed.http":    trouble(NoTrouble),
	"failure-modes/php-warning-before-json-accept-any.http": func(p *replayer) {
		for range 2 { // that others had removed meanwhile
			orders := p.shop.Orders()
			require.NoError(p.t, p.shop.RemoveOrder(orders[len(orders)-1].ID))
		}
		p.shop.SetTrouble(PHPWarnings)
	},
	"failure-modes/php-fatal-in-rest-accept-any.http":    trouble(FatalError),
	"failure-modes/maintenance-mode-accept-any.http":     trouble(Maintenance),
	"failure-modes/database-unreachable-accept-any.http": trouble(DatabaseDown),
	"failure-modes/plain-permalinks-wp-json-path.http":   trouble(PlainPermalinks),
}

func trouble(t Trouble) func(p *replayer) {
	return func(p *replayer) { p.shop.SetTrouble(t) }
}

// once lets one request go wrong.
func once(f Fault) func(p *replayer) {
	return func(p *replayer) {
		done := false
		p.shop.SetFaults(Faults{Script: func(*http.Request) Fault {
			if done {
				return None
			}
			done = true
			return f
		}})
	}
}

// know tells under which id the store keeps what was recorded under another.
func (p *replayer) know(collection string, recorded, own int64) {
	if p.ids[collection] == nil {
		p.ids[collection] = map[int64]int64{}
	}
	p.ids[collection][recorded] = own
}

// host answers webhooks as the recorded stores' was set to.
type host struct{}

func (host) RoundTrip(r *http.Request) (*http.Response, error) {
	status := http.StatusOK
	switch {
	case r.URL.Port() == "1":
		return nil, fmt.Errorf("connection refused")
	case len(r.URL.Path) > 12 && r.URL.Path[:12] == "/status/500/":
		status = http.StatusInternalServerError
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}
