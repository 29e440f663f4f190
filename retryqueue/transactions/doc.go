// Package transactions is the screen on which a shop owner sees what a retry queue has sent, what waits and what has failed, and
// sends it again: an http.Handler that a host mounts anywhere.
//
//	screen, err := transactions.Handler(queue, transactions.Config{Authorize: adminsOnly})
//	mux.Handle("/transactions/", http.StripPrefix("/transactions", screen))
//
// # What it shows
//
// The list has a filter by status with the live count of each (discarded jobs only under their own), sorting, pages of 1 to 999 rows,
// columns that can be hidden (rows and columns are remembered in a cookie), and filters by type, exact number of attempts,
// calendar day of creation and of the next retry, and a part of the last error. All filters combine. What is not understood
// (a date such as 2024-02-30) is left out, as if it had not been given.
//
// A job's page has its attempts, its result and its payload, of which retention may have left the result alone: such a job says so, and
// cannot be sent again. Names and links come from the kind's Describe; only http and https
// links are shown. Retry tries retrying and failed jobs now. Send again (of what has succeeded or was discarded) and
// discard go by a page that asks first and shows the warning of Describe.
//
// # Paths
//
//	GET  .                  the list: status, kind, attempts, created, next, error, sort, order, page, rows
//	POST .                  act=retry|resend|discard and id, as often as there are jobs; resend and discard ask first, and in JSON
//	                        are refused (409), unless confirmed=yes
//	GET  jobs/{id}          one job
//	GET  confirm            what a resend or a discard is about to do
//	POST columns            remembers columns and rows
//
// Each answers in JSON when the request accepts application/json before text/html, or has format=json in its query: the list as
// "transactions" with "total" and "counts", a job with "payload" and "history", an act with "asked" and "moved", a failure with "error".
// All links and redirects are relative, so that the screen works under any prefix, also one that a proxy adds.
//
// # Guarantees
//
//   - Nothing is shown and nothing is done unless Config.Authorize agrees, to each [Action] by itself. Only the stylesheet and the
//     script, which are the same for everybody, are served without asking.
//   - Payload and result are shown with personal data masked unless Authorize agrees to [ViewPersonal]. What is not surely impersonal
//     (numbers, dates, codes under well-known names) counts as personal; see [Config.Mask]. Labels and errors are shown to all
//     who may view: Describe and Work decide what is in them.
//   - A page of another origin cannot act through a visitor's browser: net/http's CrossOriginProtection.
//   - Everything works without scripts. They add a box that selects all rows and keep the counts fresh.
//   - Nothing is loaded from elsewhere: templates, style and script are embedded, and the content security policy allows no other.
//
// # Limits
//
//   - The host brings authentication. Authorize only says yes or no; it is asked several times for one page and must be quick.
//   - An attempt by hand is made by whichever process runs the queue: the screen says that it was asked for, and a reload shows
//     how it went.
//   - Sorting by status and type goes by their technical names.
package transactions
