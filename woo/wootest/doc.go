// Package wootest is a WooCommerce store in memory, for tests of programs that talk to one.
//
//	shop, err := wootest.New(wootest.Config{})
//	defer shop.Close()
//	shop.Seed(250, 1)                         // orders of every kind, with their products and customers
//	client, err := woo.New(shop.Config())     // no socket: works inside testing/synctest
//
// It answers as WooCommerce 11.0.1 was observed to: the same envelopes, codes, headers, filters and oddities, in JSON that is made
// from recorded answers and never from a type of package woo, so that a mistake in those types cannot hide here.
//
// # What there is
//
// wc/v3: orders, order notes, refunds, products, variations, customers and webhooks, each with list, get, create, update,
// delete and batch where the store has them; the index /wp-json/ and a short system_status. A [Shop] is an [http.Handler] and
// needs no *testing.T. [Shop.Transport] reaches it over in-memory pipes, [Shop.Start] gives it a loopback address.
//
// Keys are looked at as WordPress does: Basic and query keys count only under TLS; over plain http nothing but OAuth 1.0a will do.
//
// # Webhooks
//
// Webhooks made through the API are really delivered: pinged when made, then a queue that merges several changes of one order
// into one delivery with the state at delivery time, signed, never retried, and switched off at the seventh failure in a row.
// The queue runs when [Shop.Deliver] is called, or by itself every [Config].DeliverEvery. [Shop.DeliverTo] takes deliveries to a
// handler without a socket.
//
// # Faults
//
// [Shop.SetFaults] lets requests fail on purpose: latency, 429, 5xx, HTML pages, cut bodies, connections dropped before or after
// the effect, outages. The same seed makes the same faults.
//
// # Limits
//
// No coupons (every code is unknown), no tax rates but 22 %, no rounding but to cents, no payment gateways (a refund through one fails),
// no media, no categories of its own. Wrong types are refused for the fields that clients get wrong most; the rest of the
// schema is not checked.
package wootest
