// Package eurofakturatest is a Eurofaktura in memory, for tests of programs that book there.
//
//	books, err := eurofakturatest.New(eurofakturatest.Config{})
//	defer books.Close()
//	client, err := eurofaktura.New(books.Config())     // no socket: works inside testing/synctest
//	…
//	if books.Count(eurofakturatest.SalesOrder, "myshop-order-4711") != 1 || books.Duplicates() != 0 { … }
//
// It has the real one's manners: one URL for all methods, credentials in the body (JSON) or in a header (API-CLI); HTTP 500 for
// business errors and for "nothing found"; an error for a request that comes while another of the same user is in hand, and for a
// fifth start within 4 s; lists that end at their cap without a word; Content-Encoding: 8-bit on every answer; a Get that answers a
// list; amounts as text. Creates are idempotent by apiTransactionId, unless [Config.NoTransactionIDs] says otherwise: then everything that
// arrives is booked, and [Books.Duplicates] counts what came twice. It can fail on purpose ([Books.SetFaults], [Books.SetScript]).
//
// There is: Create, Import, Get, List, Update, Delete, Cancel, PaymentRecordAdd, SendByEmail, CreateInvoice, GetPDF, GetPublicURL and
// attachments of documents; products with mass import; partners; stock. What is refused is what real clients were seen to be refused:
// a document without Items or with an unknown product, a price other than the catalogue's where the product does not allow it.
//
// The reference of the real server could not be read whole: texts of errors are made up, how it rounds VAT is [Config.Rounding]'s
// to say. A [Books] is an [http.Handler] and needs no *testing.T. No answer is made from a type of package eurofaktura, so that a
// mistake in those cannot hide here.
package eurofakturatest
