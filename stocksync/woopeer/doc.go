// Package woopeer makes a plain WooCommerce store, one that runs no plugin, a peer of stock sync: through its REST API, and webhooks
// where it sends any.
//
//	outlet, err := woopeer.New(woopeer.Config{ID: "c", Shop: shop}) // a *woo.Client with a read/write key
//	master, err := stocksync.NewMaster(stocksync.MasterConfig{…, Peers: []stocksync.Peer{outlet}}) // master.Run watches it
//	mux.Handle("POST /hooks/c", outlet.WebhookHandler(secret))                                     // optional
//
// The same value is a stocksync.Catalog: the Source from which a master first reads its stock, or the Shelf of a child.
//
// # Compare, then set
//
// A store knows absolute quantities only, and sells meanwhile. Each write therefore begins with a reading. Where that shows another
// quantity than the master knows of, the difference is reported first, and the product is written only if the report has not made
// another state of it: else the next push has what follows from both. What is as it should be is not written at all. Products are
// written a few at a time, as many as the store manages within [Config].Gap (a second) from reading to writing, variations below
// their parents, one batch each; after 3 s and after a minute what was written is looked at again.
//
// The quantity of a variation whose stock its parent manages is the parent's: it is written there, and what it sells is reported of
// the parent and of all its variations that sell from it.
//
// # Noticing
//
// Everything is read when [Peer.Watch] begins and once a day; what was modified since, every minute. A webhook brings the look
// forward: it is a hint that is never believed, since deliveries come late, twice, out of order or from whoever has seen one. A
// hundred of one product are one look a second. A store switches its webhooks off without a word; a webhook.Guard puts them right
// and fills the gap:
//
//	guard, err := webhook.NewGuard(webhook.GuardConfig{
//		Shop: shop, Wanted: outlet.Subscriptions("https://us.example/hooks/c", secret),
//		Last: outlet.LastDelivery, CatchUp: outlet.CatchUp, Alarm: tellSomebody,
//	})
//
// # The order ledger
//
// With [Config].OrdersSince, and stocksync.OrderLedger as the master's Capture of the store, sales are counted by order line
// instead of by quantity: what each line has taken of the stock, by the store's own mark on it, less what the ledger has of it.
// Sold, cancelled, refunded to the shelf, changed and sold again: each is one entry, named after order, line and kind, counted once
// whatever is read twice or after a restart. What the store's staff changes by hand is then overruled by the master.
//
// # Which product
//
// A product is known by the GID in its meta data, and is given it there at the first push; without one by its SKU, as the store
// compares them: in any case of letters. Two products of one SKU, or a SKU that belongs to a product of another GID, are a conflict
// and nothing is written.
//
// # Limits
//
//   - We are the racy party. What the store sells between our reading and our writing, mostly some tens of milliseconds, is written
//     over: WooCommerce has no conditional write. Quantities alone never show it; the order ledger does, and the next push puts it
//     right.
//   - Whole pieces only: WooCommerce cuts fractions.
//   - The status of a product whose stock is managed follows from its quantity, and is not written. A low-stock amount is set, but
//     never cleared.
//   - What is known of the store is kept in memory. After a restart all is read and reported as seen, and the master compares.
//   - What moves no modification date (a direct change in the database) is found by the daily reading, or by the next push of the
//     product.
//   - Up to a thousand entries of a product's ledger are looked through for an order line's, and after a start orders are read that
//     were modified within the last week: a process that is down for longer needs a look at what was sold meanwhile.
//   - Before WooCommerce 10.3 the daily reading costs a request for each product that has variations.
package woopeer
