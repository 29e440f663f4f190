// Package woo is a typed client of the WooCommerce REST API (wc/v3, WooCommerce 3.5 and later), made for shops as they are:
// behind firewalls and proxies, with plugins that change the JSON, and with orders coming in while one reads.
//
//	shop, err := woo.New(woo.Config{URL: "https://shop.example", Key: key, Secret: secret})
//	if err != nil {
//		return err
//	}
//	for order, err := range shop.Orders.All(ctx, woo.OrderQuery{Status: []woo.OrderStatus{woo.OrderProcessing}}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(order.Number, order.Total)
//	}
//
// # Collections
//
// [Client] is the table of contents: its fields are the shop's collections, its methods what belongs to one record of
// another, such as [Client.Variations], and what is no collection, such as [Client.SystemStatus]. All of wc/v3 is typed;
// [Client.Do] calls the routes of plugins.
//
// What can be done with a kind of record is its type, so a verb that is not there is one the shop does not have:
//
//	              List, All   Get   Create   Update   Delete   …All
//	Collection        x        x       x        x        x       x    orders, products, customers …
//	Register          x        x       x        x        x            shipping zones and their methods
//	Journal           x        x       x                 x            order notes, refunds, tax classes
//	Panel             x        x                x                     payment gateways, settings
//	Reader            x        x                                      countries, shipping methods …
//	Lister            x                                               refunds and variations of the whole shop
//
// Identifiers have kinds: a [VariationID] is no [ProductID], although the shop draws both from one sequence.
//
// # Reading
//
// Types are read leniently and lose nothing: numbers keep their digits, a member of another shape than documented is
// converted and kept as it came, and members that this package does not know stand in Extra. Money is [Decimal], never
// a float. Times are UTC.
//
// [Collection.All] holds one page and promises this, also while the shop changes: a record that is in the list during
// the whole walk is yielded exactly once; one that enters or leaves meanwhile at most once. It walks by id in windows
// that overlap by one record, so it notices when records left and others moved up behind a page border, and steps back.
// It neither follows links nor stops at a short page, and a shop that answers the same page again, or not by id, is
// ErrPaging instead of a short list. The promise needs the shop's totals only where more records than a page holds
// cannot be shown in one run. Webhooks, whose list knows pages only, are walked by pages of changing size to the same
// end; short lists without pages come whole, in the shop's order.
//
// # Writing
//
// What was read is never sent back. Each resource has one write type for create and update, made of [Field]: absent
// stays as it is, [Null] clears, [Set] sets. The shop answers 200 to some writes it ignores; each write is compared with
// its answer where the two can be compared, and what was not done is [ErrNotApplied], with the record. Lines of an order
// are changed by [EditLines], which never adds one beside the one it was to replace.
//
// A create is on the wire once: WooCommerce has no idempotency keys, and a request whose answer is lost may have been
// carried out. Such an error is [ErrAmbiguous]: look before sending again. [Collection.CreateOnce] does so by itself: it
// stores a reference with the record, looks for it after a lost answer, and sends again only when the shop has surely
// given the first request up. Updates and deletes are repeated after passing failures, save updates that add something.
//
// The …All verbs take any number of items and send 100 per request, several requests at once. Each [Result] stands at
// its item's index, with the item or an error. The shop works a batch off one by one, without a transaction and without
// validating anything, therefore what it could only misunderstand is refused before it is sent, and after a time-out or
// a crash what was done is read back and the rest is sent, in smaller requests. A [Plan] is a batch whose requests are
// counted before the first is made; [Client.PlanStock] makes one of any mix of products and variations, and of what has
// changed only.
//
// # Errors
//
// An [*Error] is one sentence for the person who runs the shop, and fields and sentinels for the program:
//
//	if errors.Is(err, woo.ErrNotFound) { … }
//
// ErrNotFound is a missing record, never a missing route: a shop whose WooCommerce is switched off for a minute does
// not look as if its orders were gone. Codes decide, never texts, which are translated. Permanent, RetryAfter,
// Ambiguous and Systemic tell a retry queue what to do. No error, log line or printed value holds a secret or a query.
//
// [Diagnose] says why a connection does not work: a wrong key, a header that the host strips, TLS that a proxy hides, plain
// permalinks, a redirect, a firewall by its name, a key that may not write, a wrong clock.
//
// # Speed and quiet
//
// The package goes as fast as [Config].Limiter lets it, waits as long as the shop asks (Retry-After, under a cap),
// slows the limiter down when the shop is busy, and ends every wait with its context. Share one Limiter between all
// clients of a shop. Batches keep Config.Concurrency requests under way, fewer while the shop is busy, failing or slow.
//
// # Limits
//
// Keys travel in the Authorization header over https, or as OAuth 1.0a signatures over plain http, never in a query by
// themselves. Shops with plain permalinks do not look at keys at all and are told so. Newer shops have more: where a route
// came later than WooCommerce 3.5 its method says so, and on an older shop the error is ErrNoRoute.
package woo
