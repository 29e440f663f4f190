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
// shop's orders, so that a shop can move from one to the other. RULES.md beside this file has every rule of the plugin and what
// becomes of it here. Four kinds of jobs live in the queue: "kledo.sales-order" and "kledo.invoice" (key: the order's id),
// "kledo.payment" (key: the invoice's id in Kledo) and "kledo.note", what is written back to the shop.
//
// # Two ways of booking
//
// [Settings.Booking] chooses for each kind of document:
//
//	WooCommerce    Kledo's own integration finds contact and products by itself and books some time later. Fees go as items, coupons
//	               into the memo, prices are the order's; tax and a foreign currency have no field and are reported.
//	FinanceAPI     contact found by e-mail address or created, products by SKU or created, the order's prices, fees, discount, shipping
//	               and taxes; with Config.Paid a payment in whole rupiah. Kledo documents no way to tie such an invoice to its sales
//	               order or to close that: the invoice's reference field names the sales order, which stays open.
//
// What a document does not say of its order stands in the order note, the log and the job's result. [Config.PluginCompatible] sends,
// byte for byte, what the plugin sends.
//
// # What is guaranteed
//
// An order that [Sync.Accept] returned nil for gets each document that was due, or a job that visibly failed. It gets it once,
// also when answers are lost, processes die, and the same order is accepted on many days: the key is the order's id and nothing
// else. Before anything is sent Kledo is asked whether it has the document, so that a lost queue books nothing twice.
//
// Success means that the document was seen in Kledo. What Kledo has accepted, or may have, is looked for at once, after 120 s, and
// on until [Config.Settle] (6 h). What it then refuses to book fails visibly in its words. A document whose sending ended in doubt is
// sent again when the last look has not found it, never before; one that Kledo had accepted fails visibly, and a person decides. A dead
// key, 429 (300 s) and 503 let all of a kind wait, uncounted, and it goes on by itself. What is written to the shop never causes a
// second sending: marks, notes and payments are jobs of their own.
//
// # Limits
//
// A document that Kledo books later than Settle after a lost answer is booked twice. One that is sent again by hand counts as booked when
// Kledo accepts it: nothing tells it from the first. A refusal in the very words of an earlier one, which Kledo never took down, is
// believed at the last look only. Two processes may make one new customer's contact twice. Payment method, refunds and later edits are
// not sent.
package kledosync
