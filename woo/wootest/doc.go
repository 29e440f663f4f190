// Package wootest is a WooCommerce store in memory, for tests of programs that talk to one.
//
//	shop, err := wootest.New(wootest.Config{})
//	defer shop.Close()
//	shop.Seed(250, 1)                         // orders of every kind, with their products and customers
//	client, err := woo.New(shop.Config())     // no socket: works inside testing/synctest
//
// It answers as WooCommerce 11.0.1 was observed to, or as 8.9.1 (see [Config].Version): the same envelopes, codes, headers, filters and
// oddities, in JSON that is made from recorded answers and never from a type of package woo, so that a mistake in those types cannot
// hide here. Every request that was made of two real stores is made of this one too, by a test that compares status, error code,
// paging headers, members and JSON types.
//
// # What there is
//
// All of wc/v3 that was recorded: orders with notes, refunds and actions; products, variations, categories, tags, brands, attributes
// and their terms, shipping classes, reviews; customers; coupons, which orders reckon with; taxes and classes; shipping zones,
// locations and methods; payment gateways; settings; reports; webhooks; system status and tools; data; and the index /wp-json/.
// The Legacy REST API v3 has a handler of its own beside it.
//
// A [Shop] is an [http.Handler] and needs no *testing.T. [Shop.Transport] reaches it over in-memory pipes, [Shop.Start] and
// [Shop.StartTLS] give it a loopback address. Keys are looked at as WordPress does: Basic and query keys count only under TLS; over
// plain http nothing but OAuth 1.0a will do. [Shop.AddOrder] and its neighbours reach in as the store's staff and customers do.
//
// # Webhooks
//
// Webhooks made through the API are really delivered: pinged when made, then a queue that merges several changes of one order
// into one delivery with the state at delivery time, signed, never retried, and switched off at the seventh failure in a row.
// The queue runs when [Shop.Deliver] is called, or by itself every [Config].DeliverEvery. [Shop.DeliverTo] takes deliveries to a
// handler without a socket. Deliveries of one webhook within one second carry one delivery id, as they do in life.
//
// # What goes wrong
//
// [Shop.SetFaults] lets requests fail on purpose: latency, 429, 5xx, HTML pages, cut bodies, connections dropped before or after
// the effect, outages. [Shop.SetWebhookFaults] loses, doubles, delays and shuffles deliveries. The same seed makes the same faults.
// [Shop.SetTrouble] puts the whole site into a state of its own: plain permalinks, maintenance, no database, WooCommerce switched
// off, PHP that warns before the JSON.
//
// # Conformance
//
// [Conformance] is a suite of what this module relies on. It runs against this store in every `go test`, and against a real one
// that [FromEnvironment] finds; there it removes what it made.
//
// # Limits
//
// Orders reckon with one tax rate, 22 %, and round to cents; coupons know their end but none of the rules of who may use them. No
// payment gateway can refund, no picture is fetched, no file is sold. Wrong types are refused for the members that clients get wrong most;
// the rest of the schema is neither checked nor described, and wc/v1 and wc/v2 are not spoken.
package wootest
