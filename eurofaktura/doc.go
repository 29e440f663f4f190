// Package eurofaktura is a typed client of Eurofaktura / e-računi, the bookkeeping service behind eurofaktura.bg, e-racuni.com and
// their sisters.
//
//	books, err := eurofaktura.New(eurofaktura.Config{
//		Endpoint: endpoint, Username: user, SecretKey: key, Token: token, // as the organisation's developer panel shows them
//	})
//	created, err := books.SalesOrders.Create(ctx, eurofaktura.TransactionID("myshop", "order", 4711), eurofaktura.SalesOrderFields{…})
//	for order, err := range books.SalesOrders.All(ctx, eurofaktura.OrderQuery{From: day, To: day}) { … }
//
// Package eurofakturasync decides what to send and when; package eurofakturatest is a server in memory.
//
// # The service
//
// It is one URL that takes the name of a method and its parameters. The URL differs by country and organisation; so
// [Config.Endpoint] has no default. [Client.Call] makes any call; what the published catalogue has, and whose members are known, is
// typed. Names that the server does not know it ignores without a word, therefore check what you send by Extra in the developer panel.
//
// # What an answer means
//
// A business error is an HTTP 500 with JSON in it, and so is "nothing found". The client reads the words, never the status alone:
//
//	answer                                        error                        tried again by a queue   booked?
//	status ok                                     none                                                  yes
//	#noDocumentsFound                             none for lists, ErrNotFound  no                       no
//	"Error nr: 1 #field - text;"                  ErrValidation, with Fields   no                       no
//	#apiTransactionId                             ErrDuplicate                 no                       before
//	another request is being processed            ErrBusy                      yes, all wait 15 s       no
//	429, too many requests                        ErrRateLimited               yes, all wait            no
//	token, user or key not valid                  ErrAuth                      yes, all wait            no
//	access denied, privileges                     ErrPermission                yes                      no
//	an error in other words                       ErrRefused                   after a look             open
//	404, or a web page                            ErrNoRoute                   yes, all wait            no
//	5xx without the server's JSON, time-out       ErrUnavailable               after a look             open
//	no connection                                 ErrUnavailable               yes                      no
//
// "All wait" is [Error.Systemic]. "Open" is [ErrAmbiguous], and holds for effects only: a create is sent once, and again only when
// it surely did nothing.
//
// # Creating once
//
// Every create carries an apiTransactionId of the caller's, see [TransactionID]: a server that knows it never makes a second document of
// the same one. What it answers then is not documented; the result of the first, and [ErrDuplicate], are both understood. It cannot be
// searched for. So a create whose answer was lost is looked for in a list of its day, by OrderReference, before it is sent again.
//
// # Pace
//
// The account bears 4 requests within 4 s, one at a time. [Limiter] keeps to both; share one between all clients of an account. Other
// programs that use the same account will still meet the lock, which is an error that does no harm; an API account for each keeps
// them apart.
//
// # Lists
//
// A list ends at a cap (500 documents, 10,000 products, 50,000 rows of stock) without a word and without pages. All divides what it
// asks for until nothing is full.
//
// # Streams
//
// A PDF or an attachment comes as base64 within JSON. The answer is read whole, under [Config.MaxBody], and decoded from there into the
// caller's writer without a copy.
package eurofaktura
