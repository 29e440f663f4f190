// Package kledo is a typed client of the accounting service Kledo.
//
//	books, err := kledo.New(kledo.Config{Endpoint: "https://mine.api.kledo.com/api/v1", Token: key})
//	err = books.SendInvoice(ctx, &kledo.Document{RefNumberPrefix: "WC/INV/", RefNumber: 1042, …})
//	booked, err := books.Transactions(ctx, 1042)
//
// It speaks the routes of Kledo's own WooCommerce integration (POST woocommerce/order and woocommerce/invoice,
// GET woocommerce/transactions/{id} and woocommerce/connection) and its general API, finance/*: the fields of [Client] are its
// table of contents.
//
//	for sale, err := range books.Invoices.All(ctx, kledo.SaleQuery{Status: []kledo.Status{kledo.StatusUnpaid}}) { … }
//	contact, err := books.Contacts.Create(ctx, kledo.ContactFields{Name: kledo.Set("Siti Rahma"), Type: kledo.Set(kledo.Customer)})
//
// What Kledo does not document is a [Record]; [Client.Do] calls any other route. Package kledosync decides what to send and when;
// package kledotest is a Kledo in memory.
//
// # What a success is worth
//
// A POST succeeds when Kledo answers exactly 200 and does not say success:false; that is the rule of Kledo's own plugin. It
// means that Kledo has accepted the document. It books it some time later, may still refuse it then, and promises nowhere to
// recognise what it gets twice. Therefore a POST is never sent twice unless the first surely booked nothing, and an error that
// leaves it open says so: errors.Is(err, [ErrAmbiguous]).
//
//	answer                              error                      tried again by a queue   booked?
//	200, not success:false              none                                                accepted
//	200 with success:false              ErrRefused                 yes                      no
//	200, page or no JSON; other 2xx     ErrHostBlocked, ErrNotJSON after a look             open
//	3xx                                 ErrRedirect                yes, all wait            no
//	400, 404, 422, other 4xx            ErrValidation, ErrNotFound no                       no
//	401                                 ErrAuth                    yes, all wait            no
//	403                                 ErrPermission              yes                      no
//	404 as a web page                   ErrNoRoute                 yes, all wait            no
//	408                                 ErrUnavailable             yes                      no
//	429                                 ErrRateLimited             yes, all wait 300 s      no
//	503                                 ErrUnavailable             after a look, all wait   open
//	other 5xx, connection lost          ErrUnavailable             after a look             open
//	no connection                       ErrUnavailable             yes                      no
//
// "All wait" is [Error.Systemic]: one document's trouble is every document's. 403 is not: Kledo may mean one document, and one
// document must not stop the others.
//
// # The key may change at any moment
//
// Any answer, also one that reports an error, may bring a new key; the old one is dead by then. The client hands it to
// [Config.Tokens] before it looks at anything else, also when the caller has gone meanwhile: each request is listened to for
// 10 s longer than its caller waits. On 401, which books nothing, it reads the store again and repeats the call with the key
// another goroutine or process has put there, with a key that could not be stored before, or with Config.Token, which a
// person may have replaced. A host whose key must survive a restart sets Config.Tokens to a store in its database
// (kledo/sqltokens). [OAuth] keeps the tokens of an application that a person has given access, in such a store too.
//
// # Limits
//
// Kledo publishes no rate limit and sends no Retry-After; set [Config.Limiter] when sending in bulk. Amounts are Kledo's
// rupiah: the WooCommerce routes have no field for a currency.
package kledo
