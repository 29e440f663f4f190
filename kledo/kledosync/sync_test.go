package kledosync

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/kledo/kledotest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// world is a shop, a Kledo and a Sync between them, in one bubble of virtual time.
type world struct {
	t     *testing.T
	books *kledotest.Books
	shop  *wootest.Shop
	woo   *woo.Client
	store *flakyStore
	queue *retryqueue.Queue
	sync  *Sync
}

// inWorld runs f in a bubble. change may alter the Config, whose Shop is set.
func inWorld(t *testing.T, change func(*Config), f func(t *testing.T, w *world)) {
	t.Helper()
	inWorldOf(t, kledotest.Config{}, change, f)
}

func inWorldOf(t *testing.T, books kledotest.Config, change func(*Config), f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, store: &flakyStore{Store: retryqueue.NewMemoryStore()}}
		var err error
		w.books, err = kledotest.New(books)
		require.NoError(t, err)
		w.shop, err = wootest.New(wootest.Config{})
		require.NoError(t, err)
		w.woo, err = woo.New(w.shop.Config())
		require.NoError(t, err)
		w.sync, w.queue = w.start(change)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.queue.Run(ctx) }()
		defer func() { // also when a requirement fails: goroutines left in the bubble would hide it
			stop()
			err := <-done
			w.shop.Close()
			w.books.Close()
			require.NoError(t, err)
		}()
		f(t, w)
	})
}

func (w *world) start(change func(*Config)) (*Sync, *retryqueue.Queue) {
	w.t.Helper()
	books, err := kledo.New(w.books.Config())
	require.NoError(w.t, err)
	queue, err := retryqueue.New(retryqueue.Config{Store: w.store, Poll: 24 * time.Hour}) // nobody else enqueues
	require.NoError(w.t, err)
	c := Config{Books: books, Queue: queue, Shop: w.woo, ShopURL: "https://shop.test", Currency: "EUR"}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	require.NoError(w.t, err)
	return s, queue
}

// order makes an order in a status and reads it.
func (w *world) order(status woo.OrderStatus) *woo.Order {
	w.t.Helper()
	id, err := w.shop.AddOrder([]byte(`{"status":"` + string(status) + `","billing":{"first_name":"Siti","last_name":"Rahma"}}`))
	require.NoError(w.t, err)
	return w.read(woo.OrderID(id))
}

func (w *world) read(id woo.OrderID) *woo.Order {
	w.t.Helper()
	o, err := w.woo.Orders.Get(w.t.Context(), id)
	require.NoError(w.t, err)
	return o
}

// moved changes an order's status as a person in the shop does, and reads it.
func (w *world) moved(id woo.OrderID, status woo.OrderStatus) *woo.Order {
	w.t.Helper()
	require.NoError(w.t, w.shop.EditOrder(int64(id), []byte(`{"status":"`+string(status)+`"}`)))
	return w.read(id)
}

func (w *world) accept(o *woo.Order) {
	w.t.Helper()
	require.NoError(w.t, w.sync.Accept(w.t.Context(), o))
}

// later lets time pass.
func (w *world) later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// sent is how many sales orders and invoices an order has at Kledo.
func (w *world) sent(id woo.OrderID) [2]int {
	return [2]int{w.books.Count(kledotest.SalesOrder, int64(id)), w.books.Count(kledotest.Invoice, int64(id))}
}

// jobs are the queue's records by kind and key: "kledo.invoice/12".
func (w *world) jobs() map[string]*retryqueue.Record {
	w.t.Helper()
	all := map[string]*retryqueue.Record{}
	for r, err := range w.queue.All(w.t.Context(), retryqueue.Query{History: true}) {
		require.NoError(w.t, err)
		all[r.Kind+"/"+r.Key] = r
	}
	return all
}

func (w *world) job(d Document, id woo.OrderID) *retryqueue.Record {
	w.t.Helper()
	r := w.jobs()[fmt.Sprintf("%s/%d", w.sync.kind(d), id)]
	require.NotNil(w.t, r, "no job")
	return r
}

// marks are the values of the two synced marks.
func (w *world) marks(id woo.OrderID) [2]string {
	return [2]string{string(w.shop.Meta(int64(id), SalesOrder.mark())), string(w.shop.Meta(int64(id), Invoice.mark()))}
}

// notes are our notes on an order.
func (w *world) notes(id woo.OrderID) []string {
	all := []string{}
	for _, n := range w.shop.Notes(int64(id)) {
		if text, ours := strings.CutPrefix(n.Text, "Kledo: "); ours {
			all = append(all, text)
		}
	}
	return all
}

// posts counts the documents sent, accepted or not.
func (w *world) posts() int {
	n := 0
	for _, r := range w.books.Requests() {
		if r.Method == http.MethodPost {
			n++
		}
	}
	return n
}

// losing lets the answer to the first POST below a path get lost after its effect.
func (w *world) losing(path string) {
	first := true
	w.books.SetFaults(kledotest.Faults{Script: func(r *http.Request) kledotest.Fault {
		if first && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, path) {
			first = false
			return kledotest.Lost
		}
		return kledotest.None
	}})
}

// answers lets Kledo answer posts by f until it returns nil.
func (w *world) answers(f func(n int) *kledotest.Answer) {
	n := 0
	w.books.SetScript(func(c kledotest.Call) *kledotest.Answer {
		if c.Document == nil {
			return nil
		}
		n++
		return f(n)
	})
}

func always(a kledotest.Answer) func(int) *kledotest.Answer {
	return func(int) *kledotest.Answer { return &a }
}

func once(a kledotest.Answer) func(int) *kledotest.Answer {
	return func(n int) *kledotest.Answer {
		if n == 1 {
			return &a
		}
		return nil
	}
}

// flakyStore refuses inserts of a kind for a while.
type flakyStore struct {
	retryqueue.Store
	refuse atomic.Value // string: the kind
}

func (f *flakyStore) Insert(ctx context.Context, jobs []retryqueue.NewJob) ([]retryqueue.Receipt, error) {
	for _, j := range jobs {
		if kind, _ := f.refuse.Load().(string); kind != "" && kind == j.Kind {
			return nil, errors.New("disk full")
		}
	}
	return f.Store.Insert(ctx, jobs)
}

func TestTriggersAndToggles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*Config)
		status   woo.OrderStatus
		want     [2]int
		statuses []woo.OrderStatus
	}{
		"processing":            {nil, "processing", [2]int{1, 0}, []woo.OrderStatus{"processing", "completed"}},
		"straight to completed": {nil, "completed", [2]int{1, 1}, []woo.OrderStatus{"processing", "completed"}},
		"pending":               {nil, "pending", [2]int{0, 0}, []woo.OrderStatus{"processing", "completed"}},
		"cancelled":             {nil, "cancelled", [2]int{0, 0}, []woo.OrderStatus{"processing", "completed"}},
		"invoice only": {func(c *Config) { c.OnCompleted = InvoiceOnly }, "completed", [2]int{0, 1},
			[]woo.OrderStatus{"processing", "completed"}},
		"no sales orders": {func(c *Config) { c.NoSalesOrders = true }, "completed", [2]int{0, 1}, []woo.OrderStatus{"completed"}},
		"no invoices":     {func(c *Config) { c.NoInvoices = true }, "completed", [2]int{1, 0}, []woo.OrderStatus{"processing", "completed"}},
		"no invoices, as 1.5.0": {func(c *Config) { c.NoInvoices, c.OnCompleted = true, InvoiceOnly }, "completed", [2]int{0, 0},
			[]woo.OrderStatus{"processing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, c.change, func(t *testing.T, w *world) {
				require.Equal(t, c.statuses, w.sync.Statuses())
				o := w.order(c.status)
				w.accept(o)
				w.later(time.Second)
				require.Equal(t, c.want, w.sent(o.ID))
			})
		})
	}
}

// TestOneDocumentWhateverIsAccepted accepts an order in every status it goes through, several times and on several days.
func TestOneDocumentWhateverIsAccepted(t *testing.T) {
	t.Parallel()
	inWorld(t, func(c *Config) { c.NoMarks = true }, func(t *testing.T, w *world) {
		o := w.order("processing")
		for range 3 {
			w.accept(o)
			w.later(36 * time.Hour)
			w.accept(w.moved(o.ID, "completed"))
			w.later(36 * time.Hour)
			o = w.moved(o.ID, "processing")
		}
		require.Equal(t, [2]int{1, 1}, w.sent(o.ID))
		require.Equal(t, 2, w.posts())
	})
}

func TestInvoiceWaitsForItsSalesOrder(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.answers(func(n int) *kledotest.Answer {
			if n <= 2 {
				return &kledotest.Answer{Status: 200, Body: `{"success":false,"message":"ditolak"}`}
			}
			return nil
		})
		o := w.order("completed")
		w.accept(o)
		w.later(14 * time.Minute)
		require.Equal(t, [2]int{0, 0}, w.sent(o.ID))
		w.later(2 * time.Minute)
		docs := w.books.Documents()
		require.Len(t, docs, 2)
		require.Equal(t, kledotest.SalesOrder, docs[0].Kind)
		require.Equal(t, kledotest.Invoice, docs[1].Kind)
	})
}

// TestWhatWeDoWithEachAnswer drives one order through each kind of answer recorded from the plugin's fault runs. The plugin lost
// the document in most of them; here every row ends with exactly one, or with a job that has visibly failed.
func TestWhatWeDoWithEachAnswer(t *testing.T) {
	t.Parallel()
	const page = "<html><head><title>Nothing</title></head><body>Maintenance</body></html>"
	const (
		soon    = 6 * time.Minute // at the first repeat or after a pause
		settled = 7 * time.Hour   // after it was looked for in vain
		never   = -1
	)
	for name, c := range map[string]struct {
		answer kledotest.Answer
		sent   time.Duration // by when the document is there; 0: at once
	}{
		"200-success-missing":        {kledotest.Answer{Body: `{"message":"diterima"}`, Book: true}, 0},
		"200-json-null":              {kledotest.Answer{Body: `null`, Book: true}, 0},
		"200-json-list":              {kledotest.Answer{Body: `[]`, Book: true}, 0},
		"200-json-string":            {kledotest.Answer{Body: `"ok"`, Book: true}, 0},
		"200-json-true":              {kledotest.Answer{Body: `true`, Book: true}, 0},
		"200-success-false":          {kledotest.Answer{Body: `{"success":false,"message":"ditolak"}`}, soon},
		"200-success-string-false":   {kledotest.Answer{Body: `{"success":"false"}`}, soon},
		"200-success-zero":           {kledotest.Answer{Body: `{"success":0}`}, soon},
		"200-empty-body, booked":     {kledotest.Answer{Body: ``, Book: true}, 0},
		"200-empty-body, not booked": {kledotest.Answer{Body: ``}, settled},
		"200-html, booked":           {kledotest.Answer{Type: "text/html", Body: page, Book: true}, 0},
		"200-html, not booked":       {kledotest.Answer{Type: "text/html", Body: page}, settled},
		"201-success, booked":        {kledotest.Answer{Status: 201, Body: `{"success":true}`, Book: true}, 0},
		"201-success, not booked":    {kledotest.Answer{Status: 201, Body: `{"success":true}`}, settled},
		"204-empty, booked":          {kledotest.Answer{Status: 204, Book: true}, 0},
		"204-empty, not booked":      {kledotest.Answer{Status: 204}, settled},
		"302-redirect":               {kledotest.Answer{Status: 302, Header: http.Header{"Location": {"https://elsewhere.test/"}}}, soon},
		"400-success-false":          {kledotest.Answer{Status: 400, Body: `{"success":false,"message":"Kontak tidak valid"}`}, never},
		"400-no-success-key":         {kledotest.Answer{Status: 400, Body: `{"message":"Bad Request"}`}, never},
		"401":                        {kledotest.Answer{Status: 401, Body: `{"message":"Unauthenticated."}`}, soon},
		"403":                        {kledotest.Answer{Status: 403, Body: `{"message":"Tidak diizinkan."}`}, soon},
		"404":                        {kledotest.Answer{Status: 404, Body: `{"success":false,"message":"Not Found"}`}, never},
		"404-html":                   {kledotest.Answer{Status: 404, Type: "text/html", Body: page}, soon},
		"408":                        {kledotest.Answer{Status: 408, Body: `{}`}, soon},
		"422-errors":                 {kledotest.Answer{Status: 422, Body: `{"errors":{"contact_name":["wajib diisi"]}}`}, never},
		"429-retry-after":            {kledotest.Answer{Status: 429, Header: http.Header{"Retry-After": {"70"}}, Body: `{}`}, 2 * time.Minute},
		"500-html, booked":           {kledotest.Answer{Status: 500, Type: "text/html", Body: page, Book: true}, 0},
		"500-html, not booked":       {kledotest.Answer{Status: 500, Type: "text/html", Body: page}, settled},
		"500-json, booked":           {kledotest.Answer{Status: 500, Body: `{"message":"Server Error"}`, Book: true}, 0},
		"500-json, not booked":       {kledotest.Answer{Status: 500, Body: `{"message":"Server Error"}`}, settled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, nil, func(t *testing.T, w *world) {
				w.answers(once(c.answer))
				o := w.order("processing")
				began := time.Now()
				w.accept(o)
				w.later(9 * time.Hour)
				require.Zero(t, w.books.Duplicates())
				r := w.job(SalesOrder, o.ID)
				if c.sent == never {
					require.Equal(t, [2]int{0, 0}, w.sent(o.ID))
					require.Equal(t, 1, w.posts(), "what can never succeed was tried again")
					require.Equal(t, retryqueue.Failed, r.State)
					require.Len(t, w.notes(o.ID), 1)
					require.Contains(t, w.notes(o.ID)[0], "is not tried again by itself")
					require.NoError(t, w.queue.Retry(t.Context(), r.ID))
					w.later(time.Second)
					require.Equal(t, [2]int{1, 0}, w.sent(o.ID), "by hand")
					require.Equal(t, []string{"the sales order was sent by hand."}, w.notes(o.ID)[1:])
					return
				}
				require.Equal(t, [2]int{1, 0}, w.sent(o.ID))
				require.Equal(t, retryqueue.Succeeded, r.State)
				require.LessOrEqual(t, w.books.Documents()[0].At.Sub(began), c.sent+time.Second)
				if c.sent == settled {
					require.GreaterOrEqual(t, w.books.Documents()[0].At.Sub(began), 6*time.Hour, "sent again too early")
				}
				require.Equal(t, `"yes"`, w.marks(o.ID)[0])
			})
		})
	}
}

func TestAnswerLostAfterTheEffect(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{0, 2 * time.Hour, 5*time.Hour + 59*time.Minute} {
		for _, fault := range []kledotest.Fault{kledotest.Lost, kledotest.Cut, kledotest.Truncated, kledotest.GatewayTimeout, kledotest.Hang} {
			t.Run(fmt.Sprint(fault, " booked after ", late), func(t *testing.T) {
				t.Parallel()
				inWorldOf(t, kledotest.Config{BookAfter: late}, nil, func(t *testing.T, w *world) {
					first := true
					w.books.SetFaults(kledotest.Faults{Script: func(r *http.Request) kledotest.Fault {
						if r.Method != http.MethodPost || !first {
							return kledotest.None
						}
						first = false
						return fault
					}})
					o := w.order("processing")
					w.accept(o)
					w.later(24 * time.Hour)
					require.Equal(t, [2]int{1, 0}, w.sent(o.ID))
					require.Equal(t, 1, w.posts())
					require.Equal(t, `"yes"`, w.marks(o.ID)[0])
				})
			})
		}
	}
}

func TestDeadKeyPausesAndLosesNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		key := w.books.Token()
		w.books.SetToken("")
		var all []*woo.Order
		for range 5 {
			all = append(all, w.order("processing"))
			w.accept(all[len(all)-1])
		}
		w.later(30 * time.Hour)
		require.Less(t, w.posts(), 30*60/5*5+1, "it goes on asking")
		r := w.job(SalesOrder, all[0].ID)
		require.Zero(t, r.Attempts)
		require.Contains(t, r.LastError, "set Config.Token to a current key")
		found, err := w.queue.List(t.Context(), retryqueue.Query{})
		require.NoError(t, err)
		require.Len(t, found.Paused, 1)

		w.books.SetToken(key)
		w.later(6 * time.Minute)
		for _, o := range all {
			require.Equal(t, [2]int{1, 0}, w.sent(o.ID))
		}
	})
}

func TestKeyRenewedUnderWay(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		for n := range 20 {
			w.books.Rotate(fmt.Sprintf("kledo_pat_Fake00_%d", n))
			w.accept(w.order("completed"))
			w.later(2 * time.Second)
		}
		w.later(time.Minute)
		require.Equal(t, 20, w.books.Count(kledotest.Invoice, 0))
		require.Zero(t, w.books.Duplicates())
	})
}

func TestMarksAndNotes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Config)
		marks  [2]string
		notes  []string
	}{
		"both":     {nil, [2]string{`"yes"`, `"yes"`}, []string{"the sales order was sent.", "the invoice was sent."}},
		"no marks": {func(c *Config) { c.NoMarks = true }, [2]string{}, []string{"the sales order was sent.", "the invoice was sent."}},
		"no notes": {func(c *Config) { c.NoNotes = true }, [2]string{`"yes"`, `"yes"`}, []string{}},
		"neither":  {func(c *Config) { c.NoMarks, c.NoNotes = true, true }, [2]string{}, []string{}},
		"no shop":  {func(c *Config) { c.Shop = nil }, [2]string{}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, c.change, func(t *testing.T, w *world) {
				o := w.order("processing")
				w.accept(o)
				w.later(time.Minute)
				w.accept(w.moved(o.ID, "completed"))
				w.later(time.Minute)
				require.Equal(t, [2]int{1, 1}, w.sent(o.ID))
				require.Equal(t, c.marks, w.marks(o.ID))
				require.Equal(t, c.notes, w.notes(o.ID))
			})
		})
	}
}

// TestOwnMarkIsNoNewOrder: our mark changes the order, so the feed brings it again; a shop half-synced by the plugin comes with
// marks of its own.
func TestOwnMarkIsNoNewOrder(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		o := w.order("completed")
		w.accept(o)
		w.later(time.Minute)
		marked := w.read(o.ID)
		require.True(t, SalesOrder.marked(marked) && Invoice.marked(marked))
		w.accept(marked)
		w.later(time.Hour)
		require.Equal(t, 2, w.posts())

		other, queue := w.start(func(c *Config) { c.Name = "knows nothing" }) // as after a move from the plugin
		require.NoError(t, other.Accept(t.Context(), marked))
		require.NoError(t, queue.RunDue(t.Context()))
		require.Equal(t, 2, w.posts())
		for key := range w.jobs() {
			require.NotContains(t, key, "knows nothing")
		}
	})
}

func TestNotesOfFailures(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.answers(always(kledotest.Answer{Body: `{"success":false,"message":"ditolak"}`}))
		o := w.order("processing")
		w.accept(o)
		w.later(72 * time.Hour)
		require.Equal(t, retryqueue.Failed, w.job(SalesOrder, o.ID).State)
		const why = "kledo: SendSalesOrder: HTTP 200 - OK: ditolak"
		require.Equal(t, []string{
			"the sales order was not sent yet and is tried again by itself: " + why,
			"the sales order was given up after 12 attempts: " + why,
		}, w.notes(o.ID))

		w.books.SetScript(nil)
		require.NoError(t, w.queue.Retry(t.Context(), w.job(SalesOrder, o.ID).ID))
		w.later(time.Second)
		require.Equal(t, "the sales order was sent by hand.", w.notes(o.ID)[2])
	})
}

func TestShopTroubleNeverSendsAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.shop.SetFaults(wootest.Faults{Script: func(r *http.Request) wootest.Fault {
			switch r.Method {
			case http.MethodGet:
				return wootest.None
			case http.MethodPost:
				return wootest.Lost // the note is written, and nobody told
			}
			return wootest.Dropped
		}})
		o := w.order("processing")
		w.accept(o)
		w.later(3 * time.Hour)
		require.Equal(t, [2]int{1, 0}, w.sent(o.ID))
		require.Equal(t, retryqueue.Succeeded, w.job(SalesOrder, o.ID).State)
		require.Empty(t, w.marks(o.ID)[0])

		w.shop.SetFaults(wootest.Faults{Script: func(r *http.Request) wootest.Fault {
			if r.Method == http.MethodPost {
				return wootest.Lost
			}
			return wootest.None
		}})
		w.later(24 * time.Hour)
		require.Equal(t, `"yes"`, w.marks(o.ID)[0])
		require.Equal(t, []string{"the sales order was sent."}, w.notes(o.ID), "written once, although its answer was lost")
		require.Equal(t, 1, w.posts())
	})
}

// TestMarkAfterACrashBetweenBookingAndRecording: the record cannot be queued, as when the process dies right there.
func TestMarkAfterACrashBetweenBookingAndRecording(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.store.refuse.Store("kledo.note")
		o := w.order("processing")
		w.accept(o)
		w.later(time.Minute)
		require.Equal(t, [2]int{1, 0}, w.sent(o.ID))
		require.True(t, w.job(SalesOrder, o.ID).Unsure)
		w.store.refuse.Store("")
		w.later(10 * time.Minute)
		require.Equal(t, `"yes"`, w.marks(o.ID)[0])
		require.Equal(t, retryqueue.Succeeded, w.job(SalesOrder, o.ID).State)
		require.Equal(t, 1, w.posts())
	})
}

func TestStale(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(w *world, id woo.OrderID) error
		reason string
	}{
		"deleted": {func(w *world, id woo.OrderID) error { return w.shop.RemoveOrder(int64(id)) }, "the order is gone from the shop"},
		"trashed": {func(w *world, id woo.OrderID) error { return w.woo.Orders.Delete(w.t.Context(), id) }, "the order is gone from the shop"},
		"synced by the plugin meanwhile": {func(w *world, id woo.OrderID) error {
			return w.shop.EditOrder(int64(id), []byte(`{"meta_data":[{"key":"_wc_kledo_order_synced","value":"yes"}]}`))
		}, "already synced"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, nil, func(t *testing.T, w *world) {
				w.answers(once(kledotest.Answer{Body: `{"success":false}`}))
				o := w.order("processing")
				w.accept(o)
				w.later(time.Minute)
				require.NoError(t, c.change(w, o.ID))
				w.later(time.Hour)
				require.Equal(t, [2]int{0, 0}, w.sent(o.ID))
				r := w.job(SalesOrder, o.ID)
				require.Equal(t, retryqueue.Discarded, r.State)
				require.Equal(t, c.reason, r.LastError)
			})
		})
	}
}

// TestGoneDuringAnOutage: attempts do not count in an outage, and yet the order is looked at again before it is sent.
func TestGoneDuringAnOutage(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		key := w.books.Token()
		w.books.SetToken("")
		o := w.order("processing")
		w.accept(o)
		w.later(2 * time.Minute)
		require.NoError(t, w.shop.RemoveOrder(int64(o.ID)))
		w.books.SetToken(key)
		w.later(time.Hour)
		require.Equal(t, [2]int{0, 0}, w.sent(o.ID))
		require.Equal(t, retryqueue.Discarded, w.job(SalesOrder, o.ID).State)
	})
}

func TestSendAndResendByHand(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		o := w.order("processing")
		ctx := t.Context()
		_, err := w.sync.Send(ctx, o, Invoice)
		require.ErrorIs(t, err, ErrNotDue)
		_, err = w.sync.Send(ctx, w.order("on-hold"), SalesOrder)
		require.ErrorIs(t, err, ErrNotDue)

		_, err = w.sync.Send(ctx, o, SalesOrder)
		require.NoError(t, err)
		w.later(time.Second)
		require.Equal(t, [2]int{1, 0}, w.sent(o.ID))
		_, err = w.sync.Send(ctx, o, SalesOrder)
		require.ErrorIs(t, err, ErrSent, "the queue knows")
		_, err = w.sync.Send(ctx, w.read(o.ID), SalesOrder)
		require.ErrorIs(t, err, ErrSent, "the mark says so")

		_, err = w.sync.Resend(ctx, w.read(o.ID), SalesOrder)
		require.NoError(t, err)
		w.later(time.Second)
		require.Equal(t, [2]int{2, 0}, w.sent(o.ID))
		require.Equal(t, []string{"the sales order was sent.", "the sales order was sent again by hand."}, w.notes(o.ID))

		w.answers(once(kledotest.Answer{Status: 500, Body: `{}`, Book: true}))
		_, err = w.sync.Resend(ctx, w.read(o.ID), SalesOrder)
		require.NoError(t, err)
		w.later(time.Second)
		require.Contains(t, w.notes(o.ID)[2], "is not tried again by itself: look in Kledo")
		w.later(48 * time.Hour)
		require.Equal(t, [2]int{3, 0}, w.sent(o.ID), "a re-sending in doubt was repeated")
		r := w.job(SalesOrder, o.ID)
		require.Equal(t, retryqueue.Failed, r.State)
		require.Contains(t, r.LastError, "look in Kledo")
		require.NoError(t, w.queue.Retry(ctx, r.ID))
		w.later(time.Second)
		require.Equal(t, [2]int{4, 0}, w.sent(o.ID), "by hand, after a look")
	})
}

// TestSendAgainOnTheScreen: the Transactions screen knows jobs, not orders. It asks the queue, and the document goes out a second time
// although the shop's mark says that it was sent.
func TestSendAgainOnTheScreen(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		o := w.order("processing")
		w.accept(o)
		w.later(time.Second)
		job := w.job(SalesOrder, o.ID)
		require.Equal(t, retryqueue.Succeeded, job.State)
		require.NoError(t, w.queue.Resend(t.Context(), job.ID))
		w.later(time.Second)
		require.Equal(t, [2]int{2, 0}, w.sent(o.ID))
		require.Equal(t, retryqueue.Succeeded, w.job(SalesOrder, o.ID).State)
	})
}

// TestResendCutOff: the process that sends again dies under way. Whether the second document was booked nothing can tell.
func TestResendCutOff(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		o := w.order("processing")
		w.accept(o)
		w.later(time.Second)
		w.store.refuse.Store("kledo.note") // the record of the second sending is lost, the document is not
		_, err := w.sync.Resend(t.Context(), w.read(o.ID), SalesOrder)
		require.NoError(t, err)
		w.later(time.Second)
		w.store.refuse.Store("")
		w.later(24 * time.Hour)
		require.Equal(t, [2]int{2, 0}, w.sent(o.ID))
		require.Equal(t, retryqueue.Failed, w.job(SalesOrder, o.ID).State)
	})
}

func TestSendStartsWhatWaitsOrHasFailed(t *testing.T) {
	t.Parallel()
	inWorld(t, func(c *Config) { c.NoInvoices = true }, func(t *testing.T, w *world) {
		w.answers(func(n int) *kledotest.Answer {
			switch n {
			case 1:
				return &kledotest.Answer{Body: `{"success":false}`}
			case 2:
				return &kledotest.Answer{Status: 400, Body: `{}`}
			}
			return nil
		})
		o := w.order("processing")
		w.accept(o)
		w.later(time.Second)
		for range 2 { // retrying, then failed... by hand a failure of a retrying job changes nothing
			_, err := w.sync.Send(t.Context(), o, SalesOrder)
			require.NoError(t, err)
			w.later(time.Second)
		}
		require.Equal(t, [2]int{1, 0}, w.sent(o.ID))
		_, err := w.sync.Send(t.Context(), w.moved(o.ID, "completed"), Invoice)
		require.ErrorIs(t, err, ErrSwitchedOff)
	})
}

// TestRefusalInKledosOwnJob: Kledo says 200 and refuses later. That is a visible failure in its words, at once final; a person who has
// mended the cause sends it anew, without waiting for anything.
func TestRefusalInKledosOwnJob(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, 90 * time.Second, 2 * time.Hour} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			inWorld(t, nil, func(t *testing.T, w *world) {
				locked := func(kledotest.Document) kledotest.Booking {
					return kledotest.Booking{After: after, Refusal: "tanggal terkunci"}
				}
				w.books.SetClerk(locked)
				o := w.order("processing")
				w.accept(o)
				w.later(7 * time.Hour)
				for range 2 { // the same words a second time count too, at the last look where they never went away
					r := w.job(SalesOrder, o.ID)
					require.Equal(t, retryqueue.Failed, r.State)
					require.Contains(t, r.LastError, "tanggal terkunci")
					require.Empty(t, w.marks(o.ID)[0])
					require.NoError(t, w.queue.Retry(t.Context(), r.ID))
					w.later(7 * time.Hour)
				}
				require.Equal(t, 3, w.posts(), "what was refused went out by itself again")
				require.Contains(t, w.notes(o.ID)[0], "is not tried again by itself: kledosync: Kledo refused to book the sales order: tanggal terkunci")

				w.books.SetClerk(nil)
				require.NoError(t, w.queue.Retry(t.Context(), w.job(SalesOrder, o.ID).ID))
				w.later(time.Second)
				require.Equal(t, [2]int{1, 0}, w.sent(o.ID))
				require.Equal(t, retryqueue.Succeeded, w.job(SalesOrder, o.ID).State)
				require.Equal(t, `"yes"`, w.marks(o.ID)[0])
			})
		})
	}
}

// TestOldRefusal: Kledo goes on showing why it refused an earlier sending, the plugin's perhaps. It says nothing of this one.
func TestOldRefusal(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		began := time.Now()
		w.books.SetScript(func(c kledotest.Call) *kledotest.Answer {
			if c.Document == nil && strings.HasPrefix(c.Path, "woocommerce/transactions") && time.Since(began) < time.Hour {
				return &kledotest.Answer{Body: `{"success":true,"data":{"order":null,"order_failure":"tanggal terkunci"}}`}
			}
			return nil
		})
		o := w.order("processing")
		w.accept(o)
		w.later(4 * time.Hour)
		require.Equal(t, [2]int{1, 0}, w.sent(o.ID))
		require.Equal(t, retryqueue.Succeeded, w.job(SalesOrder, o.ID).State)
	})
}

// TestAcceptedAndNeverSeen: Kledo said 200 and lost it. After the last look the job fails visibly, and nothing was sent a second
// time by itself; a person who has looked sends it.
func TestAcceptedAndNeverSeen(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.answers(once(kledotest.Answer{Body: `{"success":true}`}))
		o := w.order("processing")
		w.accept(o)
		w.later(30 * time.Hour)
		r := w.job(SalesOrder, o.ID)
		require.Equal(t, retryqueue.Failed, r.State)
		require.Contains(t, r.LastError, "accepted the sales order, but it is not in its books")
		require.Equal(t, 1, w.posts())
		require.NoError(t, w.queue.Retry(t.Context(), r.ID))
		w.later(time.Second)
		require.Equal(t, [2]int{1, 0}, w.sent(o.ID))
		require.Equal(t, retryqueue.Succeeded, w.job(SalesOrder, o.ID).State)
	})
}

func TestNextLook(t *testing.T) {
	t.Parallel()
	for _, settle := range []time.Duration{6 * time.Hour, 12 * time.Second, 48 * time.Hour} {
		age, n := time.Duration(0), 0
		for wait := nextLook(age, settle); wait > 0; wait = nextLook(age, settle) {
			age, n = age+wait, n+1
		}
		require.Equal(t, settle, age)
		require.Equal(t, 7, n)
	}
	require.Equal(t, 2*time.Minute, nextLook(0, 6*time.Hour))
	require.Zero(t, nextLook(0, -1))
	require.Zero(t, nextLook(7*time.Hour, 6*time.Hour))
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(t *testing.T, w *world) {
		o := w.order("processing")
		w.accept(o)
		w.later(time.Second)
		label, url, warning := w.queue.Describe(w.job(SalesOrder, o.ID))
		require.Equal(t, fmt.Sprintf("#%d Siti Rahma", o.ID), label)
		require.Equal(t, fmt.Sprintf("https://shop.test/wp-admin/post.php?post=%d&action=edit", o.ID), url)
		require.Contains(t, warning, "may book it twice")
	})
}

func TestNewNamesTheField(t *testing.T) {
	t.Parallel()
	books, err := kledo.New(kledo.Config{Endpoint: "https://kledo.test", Token: "k"})
	require.NoError(t, err)
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	require.NoError(t, err)
	for field, c := range map[string]Config{
		"Config.Books":         {Queue: queue},
		"Config.Queue":         {Books: books},
		"Config.NoSalesOrders": {Books: books, Queue: queue, NoSalesOrders: true, NoInvoices: true},
		"Config.OnCompleted":   {Books: books, Queue: queue, OnCompleted: 7},
		"Config.Name":          {Books: books, Queue: queue, Name: " x"},
	} {
		_, err := New(c)
		require.ErrorContains(t, err, "kledosync: "+field)
	}
	_, err = New(Config{Books: books, Queue: queue})
	require.NoError(t, err)
	_, err = New(Config{Books: books, Queue: queue})
	require.ErrorIs(t, err, retryqueue.ErrKind, "two shops under one name")
	_, err = New(Config{Books: books, Queue: queue, Name: "kledo-b"})
	require.NoError(t, err)
}
