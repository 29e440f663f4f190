// Package stocksynctest has what stock synchronisation is tested against: stores that run the plugin Kitgenix Stock Sync for
// WooCommerce, simulated with its faults, and the suite that every [stocksync.Store] must pass ([RunStore]).
//
// # Stores that run the plugin
//
// A [Plugin] is a WooCommerce store with the plugin in generation 1 (1.0.2) or 2 (2.0.0), as a master or a child. It has products and
// orders, answers the plugin's four routes and calls its peers through a [Network], so that a whole shop chain runs in memory:
//
//	net := stocksynctest.NewNetwork()
//	shop := stocksynctest.NewPlugin(stocksynctest.PluginConfig{ID: "e", Generation: 1, Network: net})
//	defer shop.Close()
//	shop.Pair(stocksynctest.Pairing{ID: "d", URL: "https://d.test", Secret: secret})   // its master
//	shop.Add(stocksynctest.Managed("MUG", 10))
//	net.Join("e.test", shop.Transport())                                              // whom others reach at https://e.test
//	net.Join("d.test", fakehttp.NewTransport(wire.Handler(master)))                   // our own master
//	_, err := shop.Sell(ctx, "MUG", 1)                                                // reports as the plugin does
//
// No socket is used: everything works inside a testing/synctest bubble, in which retry tables, debounce and time-outs pass in no time.
// Generation 1 calls its peers within the request that causes it, generation 2 puts them into its queue: call [Plugin.RunActions], or
// let [Plugin.Run] do it.
//
// What is changed decides what is reported: an order ([Plugin.Sell], [Plugin.Order]), a form or REST request ([Plugin.SetStock],
// [Plugin.Update]), a direct write ([Plugin.Write]); [Plugin.SQL] changes a product past every hook, so that nothing is. A save
// writes meta by meta with a hook after each, as WooCommerce does, and an echo may come in between: the number and order of the events
// follow from that and are those that were recorded from real stores.
//
// No type of package kitgenix is used and nothing of the plugin's source: the JSON, the signatures and the rules here are made from
// what was seen on the wire, so that a mistake in our own wire cannot hide. A test replays recordings of real stores and demands that
// requests, answers and product states agree in meaning: 99 % of about 1,800 must.
//
// # Quirks
//
// Each is on unless [PluginConfig].Cured names it, in the generations of the second column.
//
//	NonceBeforeMAC    1    a request with a wrong signature burns its nonce: the genuine one is refused
//	NonceRace         1 2  looking for a nonce and storing it are two steps: copies that arrive together pass together
//	MarkBeforeWork    1 2  an event id is marked as seen before its work: if that dies (Doom), the same event is never done
//	AlwaysOK          1 2  200 processed, whatever became of the items: unknown, excluded, stale, of an unsupported kind
//	Fence               2  a version not above the last one applied is passed over
//	FenceReset          2  a version of 0, negative or null is applied and becomes the last one applied
//	ClonedVersion       2  a child cloned from a master's database sends a constant version (Product.Counter)
//	ForcedManage      1    every product it touches becomes managed: unmanaged ones end with 0, out of stock
//	DerivedStatus     1 2  the status of a managed product follows from quantity, backorders and NoStockAmount
//	ZeroLowStock      1 2  an unset low-stock amount travels as 0 and is written
//	NegativeCache     1 2  with ObjectCache a GID once not found is not found for an hour
//	CaseBlind         1 2  look-ups by SKU ignore case and accents; exclusions do not
//	GIDOverwrite      1 2  an unknown GID with a known SKU replaces the product's GID
//	Debounce          1 2  a hook speaks of a product once in 2 to 3 s: what follows is lost (1: more hooks)
//	RetryTable        1 2  300, 900, 3600, 21600 s … (1: for ever, 2: eight attempts, then Backlog) instead of 60 s first
//	ArgsLimit         1 2  what is longer than 8000 characters never leaves the queue, and nobody is told (Dropped)
//	Lockout             2  20 bad requests in 10 minutes lock the address and the claimed id out for 15: 429, also for good ones
//	JSONShapes        1 2  {} is [], SKUs 0 1 2 make a list, an all-digit SKU is a number in a checkout query
//	ShortTimeouts     1 2  8 s for an event, 10 for stock-state, 15 for a checkout, whatever the other side is doing
//	OptionRace          2  all options are one row, written back whole: a slow request undoes a rotation of secrets
//	FirstContact      1 2  making a GID switches the master's suppression off: it reports its own write, to the sender too
//	Echo              1    a master pushes the result to the child that reported it
//	UnknownTypes      1 2  a master applies events of any type and passes them on unchanged; children ignore them
//	ChildRename       1 2  a child may rename products on the master
//	StaleParent       1    an order names an inheriting variation with the quantity of before: it becomes managed with that
//	FollowsRedirects  1 2  301 and 308: the signed request is repeated at wherever it points, up to five times
//
// # Stores
//
// [RunStore] opens a store as often as it likes and holds it to the numbered musts of [stocksync.Store].
package stocksynctest
