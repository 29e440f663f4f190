// Package kledosync sends the orders of a WooCommerce shop to Kledo: a sales order when an order is processing, an invoice when it
// is completed, each once.
//
//	queue, err := retryqueue.New(retryqueue.Config{Store: store})
//	toKledo, err := kledosync.New(kledosync.Config{Books: books, Queue: queue, Shop: shop})
//	feed, err := orderfeed.New(orderfeed.Config{
//		Source: shop.Orders, Store: seen, Statuses: toKledo.Statuses(), Handle: toKledo.Accept,
//	})
//	// run feed.Run and queue.Run
//
// It does what Kledo's own plugin for WooCommerce ("wc-kledo") does, outside the shop, and reads and writes the same marks in the
// shop's orders, so that a shop can move from one to the other. Three kinds of jobs live in the queue: "kledo.sales-order",
// "kledo.invoice" (key: the order's id) and "kledo.note", what is written back to the shop.
//
// # What is guaranteed
//
// An order that [Sync.Accept] returned nil for gets each document that was due, or a job that visibly failed. It gets it once,
// also when answers are lost, processes die, and the same order is accepted on many days: the key is the order's id and nothing
// else. When an attempt ends in doubt, the document is looked for (GET woocommerce/transactions) before anything is sent
// again, and since Kledo books later than it answers, its absence is believed only after [Config.Settle] (6 h). What is written to
// the shop never causes a second sending: marks and notes are jobs of their own.
//
// Two limits remain. A document that Kledo accepts and refuses later counts as sent. One that Kledo books later than Settle
// after a lost answer is booked twice.
//
// # The plugin's rules
//
//	rule of the plugin                                  here
//	processing: sales order; completed: invoice         same
//	straight to completed: no sales order (1.5.0)       sales order first (1.7.4); OnCompleted: InvoiceOnly for the old way
//	invoice may overtake its sales order                never: an order's documents are sent one after another
//	the same status twice sends twice (1.3.1)           once: the key is known
//	synced mark "yes": passed over                      same; the queue knows too
//	success: exactly 200, not success:false             same; another 2xx, a page, no JSON: in doubt, not failed
//	every failure is repeated (1.5.0)                   permanent 4xx is not (1.7.4)
//	time-out: sent again                                looked for first, for 6 h
//	5 min to 8 h between repeats, 20 times, 48 h        same (retryqueue.Progressive)
//	switched off meanwhile: attempts are used up        what was accepted is sent; the switches hold for new orders
//	401 uses attempts up                                all wait, uncounted; so with 429 and 503
//	before a repeat: order gone, or synced: dropped     same, as discarded jobs that say why
//	order notes: sent, first failure, given up, by hand same, in our words
//	manual send follows switches and statuses           same ([Sync.Send])
//	re-send ignores the mark                            same ([Sync.Resend]); in doubt it fails and is left to its person
//	a repeat reads the order anew                       the newest accepted one is sent; an edit that is not accepted is not seen
//
// And field by field:
//
//	contact_name        first and last name of billing, trimmed          same
//	contact_address     first line of billing                            same
//	ref_number          the order's id, not its number                   same: Kledo finds documents by it
//	trans_date          the shop's calendar day of creation              same, also around midnight
//	due_date            day of completion, else creation + 1 month       same, but a month after 31 January ends with February
//	memo                customer's note, with tags and line breaks       same
//	has_tax             total tax above 0                                same
//	items: name, code, desc, prices, photo from today's product          same with Shop; without, from the order's lines
//	items: deleted product                                               the order's line; the plugin crashed (skipped since 1.7.4)
//	items: product in the trash                                          the order's line; the plugin still sends the product
//	qty, shipping_cost, additional_discount_amount                       same: 4.10 is "4.1", 0.00 is "0"
//	warehouse, paid_to_account_code, prefix                              same
//	paid                with sales orders too                            same
//	tags                split at commas, not trimmed                     a list, trimmed; none: not sent
//	shipping_tracking   crashes when there is none                       numbers, left out when there are none
//	link_order, close_order (1.7.4), with invoices                       same
//	dates shift in a second document of one request                      never: a day is a value
//
// What the plugin does not send is not sent either: fees, taxes and discounts of lines, currency, shipping address, payment method,
// refunds, later edits.
package kledosync
