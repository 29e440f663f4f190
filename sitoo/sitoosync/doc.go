// Package sitoosync holds what a sync between a WooCommerce shop and a Sitoo till is made of: the links between their records, what must be remembered
// between runs, and the decisions.
//
//	links, err := sqllinks.Open(ctx, db, sqllinks.Config{})                  // or &sitoosync.MemoryLinks{}
//	path := sitoosync.PathOf(warehouse.Type, force)                          // how stock goes up
//	rows := sitoosync.RowsOf(order, path.ShippingRows(), []string{"local_pickup"}) // a shop's order as the till has it
//	waits := sitoosync.IsStore2Door(tillOrder, deliveries, sitoosync.ByQuantity)
//
// # Links
//
// A [Link] joins one record of the shop with one of the till; a record has one counterpart at most, and a store refuses a second (ErrLinked), so two
// processes cannot link a product twice. Links are made by matching, by SKU, and by what is created; they neither make nor change
// data. A [LinkStore] keeps them: package sqllinks in the host's database, [MemoryLinks] for tests. A [StateStore] keeps cursors; [FileState] does it
// without a database. Package sitoosynctest has the suites that stores of one's own must pass.
//
// [MatchAll] links what both sides have, by SKU, category path and code, and reports what a person must decide; it changes neither side. Run it first: what
// is not linked would be made a second time.
//
// # Decisions
//
//	row   decision                                          function       test
//	F1    match all                                         MatchAll       TestSitoo_F1_match_all
//	F2    match categories                                  MatchCategories  TestSitoo_F2_match_categories
//	F3    match products and variations                     MatchProducts  TestSitoo_F3_match_products
//	F4    match vouchers                                    MatchVouchers  TestSitoo_F4_match_vouchers
//	E1    exclude external products                         MatchConfig    TestSitoo_F3_match_products/E1
//	2.9   which way stock goes up                           PathOf         TestDecisions/which_stock_path
//	M1    which products come down                          ProductFilter  TestDecisions/M1_product_filter
//	A5    which orders are to be sent from a store          IsStore2Door   TestDecisions/S2D_test
//	T5    which orders are fetched in a store               IsClickAndCollect  TestDecisions/click_and_collect
//	M3    a shop's order as rows of the till's              RowsOf         TestRowsOfRecordedOrders
//	A4    a till's row as a line of the shop's              LineOf         TestDecisions/sitoo_row_to_woo_line
//	M2    a coupon as a voucher                             VoucherOf      TestDecisions/M2_coupon_to_voucher
//	X3    SKUs that the till takes                          FixSKUs        TestSitoo_X3_fix_sku
//	X4    image names that the till takes                   ResourceName   TestSitoo_X4_image_names
//
// # Limits
//
// The running sync, which carries these decisions out, is not part of this package yet.
package sitoosync
