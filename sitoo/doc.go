// Package sitoo is a typed client of Sitoo's REST API v2: the till's products, stock and orders.
//
//	till, err := sitoo.New(sitoo.Config{BaseURL: "https://api.mysitoo.com/v2/accounts/91234", APIID: "91234-7", Password: password})
//	if err != nil {
//		return err
//	}
//	for item, err := range till.Stock(warehouse).All(ctx, sitoo.StockQuery{ModifiedSince: last}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(item.SKU, item.Available)
//	}
//
// [Client]'s fields are the collections of one site, its methods what belongs to one record of another, such as [Client.Deliveries], and what is no
// list of records. [Client.Do] calls what has no type here. Package sitootest is a Sitoo in memory.
//
// # One request at a time
//
// Sitoo answers 429 to two requests at once, even with allowance left, and counts requests in time slots whose size it publishes nowhere. Therefore a
// [Lane] lets one request through at a time, repeats included, and reads the allowance off each answer ([Client.Quota]). Share it between all
// clients of an account. A slot that is known to be used up is waited for, up to 30 s; a 429 without Retry-After waits for the reset that
// comes with it.
//
// # Figures
//
// Amounts are [Money] and stock is [Quantity], both text on the wire with a fixed number of decimals, and both [decimal.Decimal] to calculate with.
// Whether product prices include VAT is an account setting that the API does not show; purchase prices never do, vouchers and order rows
// that are written always do. Times are seconds, UTC.
//
// # Reading
//
// Lists answer 10 records unless asked for more, and hide inactive products and half of the fields; the queries' defaults ask for 100 and for
// all that is typed. All walks orders and transactions by id, so none is missed or repeated while tills sell. Other lists it walks by position,
// each page from the last record of the one before: where another record stands there, some have gone and others moved up, and it steps back.
// A list that changes faster than it can be read is ErrPaging, never a short list. Filters of several values go out with commas; a
// value that holds one is refused. Members that a type does not know are kept in its Extra.
//
// # Writing
//
// An update is a patch: fields of type [Field] that are absent stay as they are. Creates answer the new id alone and are on the wire once; when the
// answer is lost the error is [ErrAmbiguous]. Orders have a key of their own: [Client.CreateOrderOnce]. Where Sitoo takes many records in a
// request, a [Plan] knows the number of requests before the first, and gives each record its own result: Sitoo answers 200 to a request of
// which every item failed.
//
// # Errors
//
// An [*Error] is one sentence for the person who runs the till, and sentinels for the program. ErrNotFound is an id that does not exist, which Sitoo
// reports as 400 with "Invalid productid (7)". Permanent, RetryAfter, Ambiguous and Systemic tell a retry queue what to do.
//
// # Events
//
// [NewEventHandler] receives what Sitoo pushes. Sitoo's staff set the subscription up; there is no signature, so an event is a hint.
//
// # Limits
//
// Numbers of some enumerations are published nowhere (manual in and out, further store types); their types are plain integers that take any value.
// Gift cards, influencer vouchers, service orders and custom metrics are typed as far as their fields are known. Shipments v3 and purchase prices
// are other services and not covered. This package was written from descriptions of Sitoo, not against a live account.
package sitoo
