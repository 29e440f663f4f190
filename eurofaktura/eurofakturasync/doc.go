// Package eurofakturasync books the orders of a WooCommerce shop in Eurofaktura, and keeps statuses and stock in step.
//
//	queue, err := retryqueue.New(retryqueue.Config{Store: jobs})
//	toBooks, err := eurofakturasync.New(eurofakturasync.Config{
//		Name: "myshop", Books: books, Queue: queue, Shop: eurofakturasync.V3(shop), Warehouse: "01", CostCentre: "WEB",
//		StatusSync: true, StatusMap: map[woo.OrderStatus]string{"processing": "In work", "completed": "Done"},
//	})
//	feed, err := orderfeed.New(toBooks.Feed(orderfeed.Config{Store: seen}))
//	// run feed.Run and queue.Run
//
// It does what the shop connector of Eurofaktura itself does, from one's own host: it reads the shop through its API and calls the RPC
// API. Use one of the two, never both: each would book every order.
//
// Two kinds of jobs live in the queue: "myshop.order" (key: the order's id, once) and, with StatusSync, "myshop.status" (the latest
// status). The jobs of an order run one after another, the jobs of an account one at a time.
//
// # What is guaranteed
//
// An order that [Sync.Accept] returned nil for gets one sales order, or a job that visibly failed. It gets one also when answers are
// lost, processes die, and the same order is accepted on many days: its apiTransactionId is made of Name and the order's id and
// nothing else, and when an attempt ends in doubt the order is looked for in the books, by its orderReference on its day, before
// anything is sent again. Absence is believed after [Config.Settle] (15 min). Where the server knows apiTransactionId a second sending
// would do nothing; where it does not, one limit remains: a server that books a lost request later than Settle books twice.
//
// The document's total is the order's, to the cent, however the server rounds the lines of a consumer's order, and by
// [Config.Rounding] for a business's; an order for which that cannot be done is a [Refusal] with one of the listed reasons, and
// its job fails visibly.
//
// A status is written only over one that this package wrote, or that the host calls replaceable; it is read back, and so is what else
// the update may have done.
//
// # What the connector does, and what does it here
//
//	row of the connector                        here                                           test
//	W1  versions with Legacy API v3             Legacy, Shop.Check: legacy.ErrLegacyOff        TestW1LegacyIsProbed
//	W2  API switched on                         Shop.Check                                     TestW2RestIsProbed
//	W3  since 2.6 a switch of its own           the error of Shop.Check names it               TestW3HintNamesTheSetting
//	W4  password = secret, API key = key        ShopSettings, Connect                          TestW4Labels
//	W5  shop or admin address                   ShopURL                                        TestW5Addresses
//	W6  warehouse and cost centre               Config.Warehouse, CostCentre: required         TestW6WarehouseAndCostCentre
//	W7  every hour                              Sync.Feed; orderfeed.Run                       TestW7Polling
//	W8  webhook: at once                        Sync.Feed; Feed.WebhookHandler                 TestW8Webhook
//	W9  generated address                       HookAddresses.Generate                         TestW9Addresses
//	W10 webhook: else once a night              orderfeed.Config.Webhooks                      TestW10Night
//	W11 address without webhook: no orders      orderfeed.Mode Pending, Config.Alarm           TestW11PendingIsSaid
//	W12 status changes too                      Config.StatusSync, Sync.Follow                 TestW12StatusSync
//	W13 the shop switches the webhook off       Hooks.Guard: replaced, the gap read            TestW13DisabledWebhook
//	W14 products, buyers, payments, stock       Sync.Accept, Config.PaymentMethods, PushStock  TestW14OrdersBringWhatIsUnknown
//	W15 buttons: stock, product import          Sync.PushStock, ImportProducts                 TestW15Buttons
//	    and product export                      Sync.ExportProducts                            TestW15Export
//	W16 two platform entries                    V3 and Legacy: one Shop                        TestW16TwoAPIs
//	W18 documents set the status                Config.Locked, Replaceable; else left alone    TestW18DocumentsOutrankTheShop
//
// W17, the vendor's own WordPress plugin, is not this package's business. The nightly re-check of orders that were not wanted yet is
// package orderfeed's (Feed.Night), in front of Accept.
//
// # An order as a document
//
//	shop                                            sales order
//	Name and id                                     apiTransactionId, orderReference
//	number                                          referenceDocumentNumber, introductionText
//	date of creation, in Config.Location            date
//	currency                                        currency
//	billing: company, else name                     buyerName; buyerStreet, …, buyerEMail, buyerPhone
//	shipping, where it differs                      Address of type Delivery
//	VAT number (Config.VATNumber)                   buyerTaxNumber, and type Gross; without one Retail
//	payment method, by Config.PaymentMethods        methodOfPayment
//	line: SKU, name, quantity                       productCode, productName, quantity; without SKU a text
//	line total after discounts, by the piece        Retail: price, with VAT; Gross: netPrice; six decimals
//	shipping, fees                                  lines of their own; a negative fee has a negative price
//	rounding                                        Retail: on the dearest charge or line; Gross: a line without VAT
//	status, by Config.StatusMap                     status
//	customer's note                                 remarks
//
// Refunds are not sent: the order's total stays what it was.
package eurofakturasync
