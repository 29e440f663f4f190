// Package orderfeed hands every order of a WooCommerce shop that reaches a wanted status to a function, although webhooks get lost,
// come late, twice or out of order, and are switched off by the shop without a word.
//
//	feed, err := orderfeed.New(orderfeed.Config{
//		Source:   shop.Orders, // of a *woo.Client
//		Store:    seen,        // sqlfeed.Open(ctx, db, sqlfeed.Config{})
//		Statuses: []woo.OrderStatus{woo.OrderProcessing, woo.OrderCompleted},
//		Handle:   save, // durable before it returns nil
//	})
//	mux.Handle("POST /hooks/orders", feed.WebhookHandler(secret)) // optional: orders come within seconds
//	err = feed.Run(ctx)                                           // reads what has changed, every hour
//
// Webhooks are a hint, reading is the truth: whatever happens to a delivery, the next run finds the order.
//
// # Guarantees
//
//   - An order that is in a wanted status when it is seen is handed to Handle, once for each wanted status (or once in all: [Once]).
//     Seen means: read by a run, or brought by a delivery. What is in a wanted status when a run begins and stays there is seen by it.
//   - It is marked as handled after Handle has returned nil, and never handed over again once the mark is stored. When the process dies
//     between the two, or the Store fails, it is handed over again: Handle must know an order that it has taken before, by its id
//     and status.
//   - An order that fails keeps nobody waiting. Why is kept in the [Store], and each later run tries it again, for ever.
//   - An old state never overrules a newer one. Deliveries older than what is known are dropped.
//   - One's own writes come back as changes of the order (on newer shops even writes that change nothing). They cost no call of Handle.
//   - How far was read and what was handled survives a restart. Processes share a feed: one reads while the others wait, and if
//     two should read at once, that costs requests and nothing else. Handle is never called for one order twice at
//     a time within a process.
//   - Clocks may differ. The feed goes by the stamps of the shop, in UTC, and relies on the shop's clock being right within a
//     day at the first run only.
//
// # Limits
//
//   - An order that passes a status between two runs, unseen by a webhook, is handed over in the status it has then. Who
//     needs the earlier one too must supply it (kledosync sends the sales order that is missing before the invoice).
//   - What moves no date_modified in the shop is not seen as a change: order notes anywhere, and on shops that keep orders as posts
//     edits of addresses, lines and meta data. Changes of status always do.
//   - A stamp that lies ahead of our own clock is not believed, or one wrong import would end the feed until that day. In a shop whose
//     clock is slow, a stamp ahead of its clock but not of ours cannot be told from a good one.
//   - An order of a wanted status is read in pages of 100, and marks are stored at least every half second; memory does not grow
//     with the shop. A first run that is interrupted begins again, and passes quickly over what was handled.
//
// # How far has been read
//
// Orders change while they are read, and the shop's filter is exclusive and counts whole seconds. The cursor therefore stays one
// run behind, and an overlap of a minute is read twice; what was handled is known by its mark. See the comment in cursor.go.
package orderfeed
