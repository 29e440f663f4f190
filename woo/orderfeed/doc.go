// Package orderfeed hands every order of a WooCommerce shop that reaches a wanted status to a function, although webhooks get lost,
// come late, twice or out of order, and are switched off by the shop without a word.
//
//	feed, err := orderfeed.New(orderfeed.Config{
//		Source:   shop.Orders, // of a *woo.Client, or of a *legacy.Client
//		Store:    seen,        // sqlfeed.Open(ctx, db, sqlfeed.Config{})
//		Statuses: []woo.OrderStatus{woo.OrderProcessing, woo.OrderCompleted},
//		Handle:   save, // durable before it returns nil
//	})
//	err = feed.Run(ctx) // reads what has changed, every hour, and looks again every night
//
// That is all a host needs. With webhooks orders come within seconds, and the shop is read once a night:
//
//	Config{…, Webhooks: true}
//	mux.Handle("POST /hooks/orders", feed.WebhookHandler(secret))
//	guard, err := webhook.NewGuard(webhook.GuardConfig{ // makes the webhooks, and keeps the shop from giving them up
//		Shop: shop, Wanted: feed.Subscriptions("https://us.example/hooks/orders", secret),
//		Last: feed.LastDelivery, CatchUp: feed.CatchUp, Alarm: tellSomebody,
//	})
//	err = host.Run(ctx, feed.Run, guard.Run)
//
// Webhooks are a hint, reading is the truth: whatever happens to a delivery, the next reading finds the order.
//
// # When the shop is read
//
//	Polling   Config.Webhooks is false                       at the start, every hour, every night
//	Pending   it is true, and no delivery has come yet       at the start, every night (every hour with PollPending)
//	Active    deliveries come                                at the start, every night
//	Suspect   a night found what no delivery had brought     every hour, until a delivery comes
//
// [Feed.Mode] tells which. Suspect is also told to Config.Alarm: an order changed more than Config.Silence (3 hours) ago, after the
// last delivery. In every mode what failed is tried again every hour.
//
// # The night
//
// Once per local date (Config.Location), between two and five o'clock, one process of all that share the Store does three things; a
// night that was slept through, or failed, is made up for.
//
//   - It catches up: reads what was modified since the last reading, minus an overlap.
//   - It re-checks the open list: the orders that were seen and wait for a wanted status, as far as they were created within 3 calendar
//     months (21 days without webhooks). Fewer than 150 are asked for one by one. If they are 150 or more, the completed orders of
//     the last 14 days are listed instead, and what is open among them is dealt with. This finds what a plugin changed behind
//     WooCommerce's back, and is all that works for shops that cannot tell what was modified. All numbers are in [Recheck].
//   - It compares ids: orders that the feed knows and the shop no longer lists are asked for, and told to Config.Gone when they are
//     deleted or in the trash. WooCommerce itself says nothing of a deletion.
//
// # The open list
//
// [Feed.Open] is what a merchant looks at to see that nothing is missing: [Feed.Forward] hands an order over by hand, [Feed.Ignore] takes
// it off the list, [Feed.Unignore] puts it back. With [PerOrder] an order is off the list once it was handed over; with [PerStatus]
// once it was handed over at the last of Config.Statuses. Cancelled and deleted orders stay on it until they are ignored or too old.
// What Handle refused is not on it but on [Feed.Failed]. Statuses that are changed in the Config are applied to the list at the next
// start.
//
// # Guarantees
//
//   - An order that is in a wanted status when it is seen is handed to Handle, once for each wanted status, or once in all: [Once].
//     Seen means: read by a run, or brought by a delivery. What is in a wanted status when a run begins and stays there is seen by it.
//   - A status that changed without moving date_modified is found by the night, except: an order older than the window; and, while
//     150 or more are open, one that is not completed, or was last modified more than 14 days ago. That is told to Config.Alarm.
//   - It is marked as handled after Handle has returned nil, and never handed over again once the mark is stored. When the process dies
//     between the two, or the Store fails, or two processes see it at the same moment, it is handed over again: Handle must know an order
//     that it has taken before, by its id and status.
//   - An order that fails keeps nobody waiting. Why is kept in the [Store], and each later run tries it again, for ever.
//   - An old state never overrules a newer one. Deliveries older than what is known are dropped; of two in one second the shop is asked.
//   - Config.Follow is told each status of a handled order that is seen later, in order; a change that it refuses is told again, or
//     the one after it.
//   - One's own writes come back as changes of the order (on newer shops even writes that change nothing). They cost no call of Handle.
//   - How far was read and what was handled survives a restart. Processes share a feed: one reads while the others wait, and if
//     two should read at once, that costs requests and nothing else. Handle is never called for one order twice at
//     a time within a process.
//   - Clocks may differ. The feed goes by the stamps of the shop, in UTC, and relies on the shop's clock being right within a
//     day at the first run only, and for the windows of the night.
//
// # Limits
//
//   - An order that passes a status between two runs, unseen by a webhook, is handed over in the status it has then. Who
//     needs the earlier one too must supply it (kledosync sends the sales order that is missing before the invoice).
//   - What moves no date_modified in the shop is not seen as a change: order notes anywhere, and on shops that keep orders as posts
//     edits of addresses, lines and meta data. Changes of status always do, unless a plugin writes into the database.
//   - A shop that cannot filter by date_modified (WooCommerce before 5.8, without the legacy API) is read whole at every run. That
//     is right, and slow.
//   - A stamp that lies ahead of our own clock is not believed, or one wrong import would end the feed until that day. In a shop whose
//     clock is slow, a stamp ahead of its clock but not of ours cannot be told from a good one.
//   - Orders are read in pages of 100, and marks are stored at least every half second; memory does not grow
//     with the shop. A first run that is interrupted begins again, and passes quickly over what was handled.
//   - An order that is neither wanted nor was handled when it left the window stays open, and is handed over only when the shop
//     shows it as modified, or by Forward.
//
// # How far has been read
//
// Orders change while they are read, and the shop's filter is exclusive and counts whole seconds. The cursor therefore stays one
// run behind, and an overlap of a minute is read twice; what was handled is known by its mark. See the comment in cursor.go.
package orderfeed
