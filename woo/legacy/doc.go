// Package legacy reads a WooCommerce shop through its Legacy REST API v3 (/wc-api/v3), which WooCommerce 2.4 to 8 bring along
// and later ones have as a plugin. What comes out are package woo's types, so whatever handles a woo.Order handles these.
//
//	shop, err := legacy.New(legacy.Config{URL: "https://shop.example", Key: key, Secret: secret})
//	if err != nil {
//		return err
//	}
//	if _, err := shop.Index(ctx); errors.Is(err, legacy.ErrLegacyOff) {
//		return err // says where to switch it on
//	}
//	feed, err := orderfeed.New(orderfeed.Config{Source: shop.Orders, …})
//
// Take package woo where the shop has wc/v3 (WooCommerce 3.5 and later): it sees more, writes more, and is faster.
//
// # What is there
//
// The index; orders with their counts and statuses; products, by SKU too, with their variations; customers, coupons and
// webhooks. Written are the status of an order, the stock of a product or variation, and webhooks.
//
// Orders are not created: on shops that record where orders come from, which is the default, the legacy API makes the
// order and then answers with a crash.
//
// # What the types lack
//
// What the legacy API does not have is absent: the field is zero, which for a bool looks like no. The names below are the
// JSON ones of wc/v3.
//
//   - Order: parent_id, created_via, version, currency_symbol, prices_include_tax, all dates of the shop's own clock, date_paid
//     (Extra has payment_details.paid), discount_tax, transaction_id, cart_hash, payment_url, is_editable,
//     needs_payment, needs_processing, refunds, the phone of the shipping address, and meta data under a key that
//     begins with an underscore.
//   - Its lines: variation_id, taxes, image, parent_name, global_unique_id; ids of meta data. product_id of a variation
//     is the variation's own id: compare by SKU, or ask Products.Get, which knows both.
//   - Its taxes: one line for each code, those of one code added up, with the sum of tax_total and shipping_tax_total as total
//     in Extra. Of shipping total_tax, taxes and instance_id, of fees tax_status and taxes, of coupons discount_tax are absent.
//   - Product: slug, dates of sale, backorders, low_stock_amount, brands, default_attributes, ids of categories and
//     attributes. stock_status is in stock or not. Pictures leave out the shop's placeholder.
//   - Customer: date_created: the shop's is wrong by its distance from UTC, and stands in Extra as it came. is_paying_customer.
//   - Coupon: status, used_by. Meta data of all three.
//
// Members that package woo does not know stand in Extra under their legacy names: total_line_items_quantity, subtotal, customer.
//
// # Guarantees
//
//   - All yields a record that is in the list during the whole walk exactly once, and one that comes or goes meanwhile at most
//     once. It walks by id in windows that overlap by one record. A shop that ignores the order or the position it was
//     asked for is woo.ErrPaging, and one that counts records but shows none woo.ErrPermission, instead of a short list.
//   - Dates are UTC both ways. The API's bounds are inclusive and woo's exclusive; what comes out is what woo promises.
//   - An order that is missing here but there in wc/v3 is never woo.ErrNotFound, and a walk that would miss orders never
//     begins: both are ErrLegacyBlind. That needs wc/v3 to answer to the same key, or Config.REST.
//   - A legacy API that is off, in any of the four ways that shops say so, is ErrLegacyOff and never a missing record.
//   - Unknown statuses, which the API takes for no filter or for pending, are refused before they are sent.
//   - Writes of status and stock are compared with the answer (woo.ErrNotApplied) and repeated after passing failures. A
//     webhook is created once; woo.ErrAmbiguous says that nobody knows.
//
// # Errors
//
// An [*Error] is what a *woo.Error is: the same fields, methods and sentinels, and errors.As finds a *woo.Error in it.
// No error, log line or printed value holds a secret or a query.
//
// # Limits
//
// The API makes no difference between an order that was paid today and one that was paid a year ago: DatePaid is absent.
// An orderfeed therefore must get a Config.Since that lies before the creation of the oldest order that is not yet
// paid. On shops that keep orders as posts, edits of addresses, lines and meta data move no date.
package legacy
