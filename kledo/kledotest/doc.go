// Package kledotest is a Kledo in memory, for tests of programs that book there, and the conformance suite of
// [kledo.TokenStore].
//
//	books, err := kledotest.New(kledotest.Config{})
//	defer books.Close()
//	client, err := kledo.New(books.Config())     // no socket: works inside testing/synctest
//	…
//	if books.Count(kledotest.Invoice, 1042) != 1 || books.Duplicates() != 0 { … }
//
// It books every POST that it accepts as a new document and recognises none again: what arrives twice is booked twice, and
// [Books.Duplicates] counts it, whatever the sender believes. It is as strict as Kledo where that is known: a User-Agent of the
// wrong form or a JSON body on woocommerce/* is 400, a dead key 401. It can give a new key in any answer and revoke the old one
// at once, book late, and fail on purpose ([Books.SetFaults], [Books.SetScript]).
//
// There is: POST woocommerce/order and woocommerce/invoice, GET woocommerce/transactions/{id}, woocommerce/connection, of finance/* the
// lists and what programs book there (contacts, products, invoices, sales orders, payments), and OAuth2. What was accepted is booked
// when the clerk says so ([Books.SetClerk]): at once, hours later, or never. The messages are made up: Kledo's are Indonesian free
// text that no program should compare.
//
// A [Books] is an [http.Handler] and needs no *testing.T. No answer is made from a type of package kledo, so that a mistake in
// those cannot hide here.
package kledotest
