// Package kitgenix speaks the protocol of the plugin "Kitgenix Stock Sync for WooCommerce": with stores that run its first (1.0) or
// second (2.0) generation, and between Go services, which get more out of the same routes.
//
//	self := stocksync.Self{StoreID: "a", Name: "Main store"}
//	wire, err := kitgenix.New(kitgenix.Config{Self: self, Pairs: pairs, Nonces: nonces}) // owns pairs and keys, both ways
//	master, err := stocksync.NewMaster(stocksync.MasterConfig{Self: self, Store: state, Queue: queue, Peers: wire.Peers()})
//	mux.Handle("/wp-json/kitgenix-stock-sync/v1/", wire.Handler(master)) // any stocksync.Node: *Master or *Child
//
// A child has one pair, its master, and uses [Wire.Upstream] and [Wire.Handler]. [Wire.Monitor] only watches. [Wire.Diagnose] says why
// a pair does not work.
//
// # On the wire
//
// Four routes below /wp-json/kitgenix-stock-sync/v1/, all POST: ping (who are you, what time is it), event (stock states or renames
// of SKUs), stock (what a master sells, for the strict checkout) and stock-state (what any store has). [hmacauth.Kitgenix] is the
// signature. One secret serves a pair in both directions. Quantities are whole numbers: fractions are cut off. A low-stock amount
// of 0 is the plugin's word for "not set"; it is neither sent nor believed.
//
// The generation of a peer is what it answers to a ping, asked again each hour. The first one gets no versions, and neither
// products that are unmanaged nor variations that their parent counts, both of which it destroys. A store with plain permalinks is
// reached by ?rest_route=. A Go service answers "+tillwire" behind its version: it then also gets a child's exact base ("was"), the
// same event id again after a lost answer, and tells the version it applied last.
//
// # What is guaranteed
//
// Nothing unsigned, stale or seen before reaches the node, and whoever lacks the key learns nothing. A 200 to an event means that
// the node has it durably. Of what is signed rightly the handler still refuses, and records, events of disabled pairs (403), types
// that it does not know and renames from children (400), and bodies that two readers might understand differently. After 20
// failures an address is answered 429, but never who has the key: nobody can lock another out.
//
// After a lost answer, or a crash over there, nothing goes to a plugin under the same event id again: it marks an event as done
// before it does it. An answer counts only if it is the plugin's own, with status 200; then an item is [stocksync.Accepted] and no
// more, since the plugin says so to everything: [Peer.Read] tells what is true. No redirect is followed. After two refused
// signatures, or one 429, all traffic to a peer stops but for a rare ping ([hmacauth.Breaker]), so that we do not get locked out.
// An event to a child has at most 200 items and 1.5 MiB, as many as it works through in 5 s; one to a master at most 25 items and
// 6,000 bytes, since a plugin master silently fails to pass on larger ones.
//
// [Wire.Rotate] changes a secret without a moment in which a side refuses the other.
//
// # Limits
//
// The plugin's signature covers neither route, method nor address, and no answer is signed: who sits between two stores can change
// what a query answers, or keep an answer back. Between Go services set [Pair].RFC9421, which signs all of it. Under that signature
// too, each of a pair can speak for the other: they have one secret. A right signature is no right content: quantities beyond
// ±10^9, versions beyond 2^63-1 and more than 1,000 items are refused, but a child that reports nonsense within these is for the
// node to doubt. Whether a product is a variation the wire cannot know: "parent" is passed on.
package kitgenix
