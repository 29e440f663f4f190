// Package sitoosync keeps a WooCommerce shop and a Sitoo till in step: products, categories, stock, orders and vouchers, both ways.
//
//	links, err := sqllinks.Open(ctx, db, sqllinks.Config{})   // or MetaLinks(shop, file), which needs no database
//	queue, err := retryqueue.New(retryqueue.Config{Store: jobs})
//	pos, err := sitoosync.New(sitoosync.Config{
//		Shop: shop, Till: till, Links: links, State: links, Queue: queue, Warehouse: 2, Live: true, Hooks: true, SendStock: true,
//	})
//	mux.Handle("POST /hooks/woo", pos.WebhookHandler(secret))
//	report, err := pos.FullSync(ctx, sitoosync.FullSyncOptions{Operations: []sitoosync.Operation{
//		sitoosync.OpMatchAll, sitoosync.ProductsDown, sitoosync.StockDown,
//	}})
//	err = host.Run(ctx, pos.Run, queue.Run)
//
// [Sync.Run] fetches from the till what has changed there, on intervals (autosync). What changes in the shop is heard by webhooks,
// or found by polling, and goes up by the queue: what fails waits there and is tried again. [Sync.FullSync] goes through
// everything, in operations that run one after another. Both have one lane to the till, which answers 429 to two requests at once.
//
// # What is guaranteed
//
// Nothing is made twice: records are linked, creations are written down before and found again after a lost answer or a crash,
// orders bear the number of the other side's. Matching comes first: what is not linked would be made a second time (trap 65).
//
// Stock. Which way it goes up the warehouse decides, and one setting: see [PathOf]. For each pair the figure that both sides had
// last is kept ([StockLink]): what comes down is no change when the shop tells of it, and where stock moves at once neither side's
// sales are lost in a merge. A batch of changes is written down before it is booked, and booked once. In the end both sides have
// one figure; TestDay lets them trade for 24 hours on each path (TestDay/mirror, TestDay/by_orders, TestDay/by_batch), with a
// process that is killed every hour.
//
// A full sync knows the number of requests of each operation before it begins, at most, and looks whether the till's allowance has
// them. It is resumed after a crash.
//
// # The connector's capabilities
//
//	row  capability                              function                       test
//	S1   API ID and password                     sitoo.New, Connect             TestSitoo_S1_S2_keys_and_address
//	S2   base URL                                sitoo.New, Connect             TestSitoo_S1_S2_keys_and_address
//	S3   live and test mode                      jobs                           TestSitoo_S3_mode
//	S4   connect                                 Connect                        TestSitoo_S4_S5_S6_connect
//	S5   the shop within the account             Connect                        TestSitoo_S4_S5_S6_connect
//	S6   the warehouse and its type              Connect, readWarehouse         TestSitoo_S4_S5_S6_connect
//	S7   link to the logs                        Logger                         -
//	S8   try it first                            rehearsal                      TestSitoo_S8_dry_run
//	K1   autosync on and off                     Run                            TestSitoo_K1_K2_autosync
//	K2   intervals                               jobs, every                    TestSitoo_K1_K2_autosync
//	K3   type of runner                          Run                            -
//	A1   match in each round                     fetch, matchAll                TestSitoo_A1_match_in_each_round
//	A2   changes of stock                        stockDown                      TestSitoo_A2_fetch_stock_changes
//	A3   which orders                            jobs                           TestSitoo_A3_A7_A8_which_orders_come_down
//	A4   all orders                              ordersDown                     TestSitoo_A4_all_orders
//	A5   orders to be sent                       store2DoorDown, IsStore2Door   TestSitoo_A5_store2door_orders
//	A6   their status                            walkOrders                     TestSitoo_A6_who_counts
//	A7   status of orders to be sent             walkOrders                     TestSitoo_A3_A7_A8_which_orders_come_down
//	A8   kept out of analytics                   walkOrders                     TestSitoo_A3_A7_A8_which_orders_come_down
//	T1   changes of stock                        sendStock, heard, poll         TestSitoo_T1_send_stock_changes
//	T2   stock through orders                    sendOrder                      TestSitoo_T2_stock_by_orders
//	T3   forced instant stock                    sendStock, move, book          TestSitoo_T3_force_instant_stock
//	T4   changes of linked records               sendProduct, sendCategory      TestSitoo_T4_product_changes
//	T5   orders of click and collect             sendOrder, IsClickAndCollect   TestSitoo_T5_click_and_collect
//	T6   their state                             collectState                   TestSitoo_T6_open_orders
//	M1   which products come down                ProductFilter                  TestSitoo_M1_filter_down
//	M2   coupons as vouchers                     VoucherOf, sendCoupon          TestSitoo_M2_vouchers_up
//	M3   shipping as rows                        RowsOf                         TestSitoo_M3_shipping_rows
//	M4   prices with VAT                         PricesWithVAT                  TestSitoo_M4_prices_with_vat
//	M5   deliver after the sync                  deliver                        TestSitoo_M5_deliver
//	F1   match all                               MatchAll                       TestSitoo_F1_match_all
//	F2   match categories                        MatchCategories                TestSitoo_F2_match_categories
//	F3   match products and variations           MatchProducts                  TestSitoo_F3_match_products
//	F4   match vouchers                          MatchVouchers                  TestSitoo_F4_match_vouchers
//	F5   manufacturers down                      manufacturersDown              TestSitoo_F5_manufacturers_down
//	F6   categories down                         categoriesDown                 TestSitoo_F6_categories_down
//	F7   categories up                           categoriesUp                   TestSitoo_F7_categories_up
//	F8   categories resync                       categoriesResync               TestSitoo_F8_categories_resync
//	F9   products down                           productsDown                   TestSitoo_F9_products_down
//	F10  products up                             productsUp                     TestSitoo_F10_products_up
//	F11  resync of parents                       resyncParents                  TestSitoo_F11_resync_parents
//	F12  resync of variations                    resyncVariations               TestSitoo_F12_resync_variations
//	F13  resync of images                        resyncImages                   TestSitoo_F13_images_up
//	F14  stock down                              stockDown                      TestSitoo_F14_stock_down
//	F15  stock up                                stockUp                        TestSitoo_F15_stock_up
//	F16  orders down                             ordersDown                     TestSitoo_F16_orders_down
//	F17  orders down, to be sent                 store2DoorDown                 TestSitoo_F17_store2door_down
//	F18  missing orders of click and collect     clickAndCollectUp              TestSitoo_F18_click_and_collect_up
//	E1   without external products               MatchConfig, external          TestSitoo_F3_match_products/E1
//	E2   ignore errors                           fail                           TestSitoo_E2_ignore_errors
//	E3   look at the allowance first             afford                         TestSitoo_E3_allowance
//	E4   order of execution                      FullSync, outOfOrder           TestSitoo_E4_order_of_execution
//	X1   clear all                               ClearAll                       TestSitoo_X1_X2_clear_all_and_reset_timestamp
//	X2   reset timestamp                         ResetTimestamp                 TestSitoo_X1_X2_clear_all_and_reset_timestamp
//	X3   Fix SKU                                 fixSKU, FixSKUs                TestSitoo_X3_fix_skus_carried_out
//	X4   Fix Images                              fixImages, ResourceName        TestSitoo_X4_fix_images
//	X5   logs                                    Logger                         TestSitoo_X5_logs
//	X6   access to the logs                      Logger                         -
//
// S7: where logs are shown is the host's business; Config.Logger is where they come from.
//
// K3: a crontab line and WordPress's own cron both come down to a ticker here: [Sync.Run]. Hosts with a scheduler of their own call
// [Sync.RunOnce].
//
// X6: likewise the host's. What is logged holds neither keys nor, above debug, personal data.
//
// Of A8 the half within WordPress is left: an order is marked with the meta value _sitoo_no_analytics, for a filter there that
// keeps it from the shop's scripts. A setting that is wrong is told by New and Connect; the decision tables are [PathOf],
// [ProductFilter], [IsStore2Door], [RowsOf], [LineOf] and [VoucherOf], and TestDecisions.
//
// # Limits
//
// Sitoo's API was read about, never seen at work; what its descriptions leave open is a setting whose comment names the question
// (Q1 to Q30).
//
// The shop has no compare-and-set. Where stock is merged (by batch), a sale in the shop within the moment between its stock being
// read and written is overwritten; where orders move stock it comes back with its order.
//
// Pieces that the shop refunds count as returned at the till: its answers do not say whether they went back on the shelf. Till
// orders whose rows are no products of the shop come down as fees; returns as refunds of the order they give back of, none where
// that is not in the shop. The shop works VAT out by its own rates, so totals may differ by it; that is logged.
//
// A product that was matched and never written is sent up whole at its first change. Categories and variants that the other side
// has lost are hidden or left, never deleted. The shop's own files keep their names: REST cannot change them, so Fix Images changes
// what the till has.
//
// One process at a time may Run a pair of shop and site; the queue's work may be shared.
package sitoosync
