package orderfeed_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata" // zones are part of the tests

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/wootest"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	require.NoError(t, err)
	return l
}

// Against a shop that answers like the real ones: the days around the nights in which clocks change, in zones far from UTC. Each
// hourly run finds exactly what happened since the one before, and reads no more than it must.
func TestZones(t *testing.T) {
	t.Parallel()
	nights := []time.Time{
		time.Date(2000, 3, 25, 20, 0, 0, 0, time.UTC),  // Ljubljana goes to summer time
		time.Date(2000, 4, 1, 23, 0, 0, 0, time.UTC),   // New York does
		time.Date(2000, 10, 28, 20, 0, 0, 0, time.UTC), // both go back
	}
	for name, location := range map[string]*time.Location{
		"UTC+13": time.FixedZone("", 13*3600), "UTC-8": time.FixedZone("", -8*3600),
		"Ljubljana": zone(t, "Europe/Ljubljana"), "New York": zone(t, "America/New_York"),
	} {
		for _, posts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, posts %v", name, posts), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					shop, err := wootest.New(wootest.Config{Location: location, PostsStorage: posts})
					require.NoError(t, err)
					defer shop.Close()
					client, err := woo.New(shop.Config())
					require.NoError(t, err)
					k := newTaken()
					feed := newFeed(t, orderfeed.Config{Source: client.Orders, Handle: k.handle})
					want := map[string]int{}
					var pending []int64
					for _, night := range nights {
						time.Sleep(time.Until(night))
						for range 14 {
							for minute := range 3 {
								time.Sleep(20*time.Minute + time.Duration(minute)*time.Second)
								id, err := shop.AddOrder([]byte(`{"status":"pending"}`))
								require.NoError(t, err)
								pending = append(pending, id)
							}
							for i, status := range []string{"processing", "completed"} {
								id := pending[i]
								require.NoError(t, shop.SetStatus(id, status))
								want[fmt.Sprint(id, " ", status)] = 1
							}
							pending = pending[2:]
							require.Equal(t, 2, runOnce(t, feed).Handled)
							require.Equal(t, want, k.got)
							require.LessOrEqual(t, runOnce(t, feed).Read, 4)
						}
					}
				})
			})
		}
	}
}

// smallPages makes walks long.
type smallPages struct{ orderfeed.Source }

func (s smallPages) All(ctx context.Context, q woo.OrderQuery) iter.Seq2[*woo.Order, error] {
	q.PerPage = 3
	return s.Source.All(ctx, q)
}

// mailbox is the way from the shop to us. The shop believes that all was delivered; what becomes of it the test decides.
type mailbox struct {
	mu    sync.Mutex
	posts []*post
}

type post struct {
	header http.Header
	body   []byte
}

func (m *mailbox) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.posts = append(m.posts, &post{r.Header.Clone(), body})
	return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 0, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func (m *mailbox) take() []*post {
	m.mu.Lock()
	defer m.mu.Unlock()
	posts := m.posts
	m.posts = nil
	return posts
}

var errDead = errors.New("the process is dead")

// process is a Store as one process sees it. When the process dies nothing it does is stored any more. It checks every call of
// Handle against the marks that were stored.
type process struct {
	orderfeed.Store
	*audit
	dead   context.Context
	broken func() bool // Handle
}

// audit is what all processes of a test did.
type audit struct {
	mu     sync.Mutex
	taken  map[string]int
	marked map[string]bool
	twice  []string
}

func (p *process) Put(ctx context.Context, feed string, entries []orderfeed.Entry) error {
	if p.dead.Err() != nil {
		return errDead
	}
	if err := p.Store.Put(ctx, feed, entries); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range entries {
		for _, status := range e.Handled {
			p.marked[fmt.Sprint(e.ID, " ", status)] = true
		}
	}
	return nil
}

func (p *process) Advance(ctx context.Context, feed string, from, to orderfeed.Cursor) (bool, error) {
	if p.dead.Err() != nil {
		return false, errDead
	}
	return p.Store.Advance(ctx, feed, from, to)
}

func (p *process) Lease(ctx context.Context, feed, holder string, d time.Duration) (bool, error) {
	if p.dead.Err() != nil {
		return false, errDead
	}
	return p.Store.Lease(ctx, feed, holder, d)
}

func (p *process) handle(ctx context.Context, o *woo.Order) error {
	if err := sleep(ctx, time.Duration(o.ID%7)*10*time.Millisecond); err != nil {
		return err
	}
	if p.broken() {
		return errors.New("no")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := fmt.Sprint(o.ID, " ", o.Status)
	if p.marked[key] {
		p.twice = append(p.twice, key)
	}
	p.taken[key]++
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Orders come and change, in shops in several zones; deliveries are lost, late, doubled and out of order; reads fail, hang and are
// cut off; Handle fails; processes die at any moment and two run at once. When the faults have stopped, one run later every
// order that is in a wanted status has been handled in it, and none was handled again once its mark was stored.
func TestFaults(t *testing.T) {
	t.Parallel()
	seeds := 200
	if os.Getenv("TILLWIRE_LONG") != "" {
		seeds = 2000
	}
	var handled, orders, lost, crashes int
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, uint64(seed))
			defer w.close()
			for range 25 {
				w.step()
			}
			w.check()
			orders, handled = orders+len(w.shop.Orders()), handled+len(w.audit.taken)
			lost, crashes = lost+w.lost, crashes+w.crashes
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d seeds: %d orders, %d handled, %d deliveries lost, %d processes killed", seeds, orders, handled, lost, crashes)
}

type world struct {
	t             *testing.T
	rng           *rand.Rand
	shop          *wootest.Shop
	client        *woo.Client
	mail          *mailbox
	late          []*post
	store         orderfeed.Store
	audit         *audit
	alive         []*life
	ids           []int64
	once          orderfeed.Once
	lost, crashes int
	failing       bool
	work          sync.WaitGroup
}

// life is one process.
type life struct {
	feed *orderfeed.Feed
	hook http.Handler
	ctx  context.Context
	kill context.CancelFunc
}

func newWorld(t *testing.T, seed uint64) *world {
	rng := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // chosen, not secret
	w := &world{
		t: t, rng: rng, mail: &mailbox{}, store: orderfeed.NewMemoryStore(),
		audit: &audit{taken: map[string]int{}, marked: map[string]bool{}},
	}
	if rng.IntN(4) == 0 {
		w.once = orderfeed.PerOrder
	}
	locations := []*time.Location{
		time.FixedZone("", 13*3600), time.FixedZone("", -8*3600), zone(t, "Europe/Ljubljana"), zone(t, "America/New_York"),
	}
	nights := []time.Time{
		time.Date(2000, 3, 25, 18, 0, 0, 0, time.UTC), time.Date(2000, 10, 28, 18, 0, 0, 0, time.UTC),
		time.Date(2000, 4, 2, 2, 0, 0, 0, time.UTC), time.Date(2000, 7, 1, 0, 0, 0, 0, time.UTC),
	}
	time.Sleep(time.Until(nights[rng.IntN(len(nights))]))
	var err error
	w.shop, err = wootest.New(wootest.Config{
		Location: locations[rng.IntN(len(locations))], PostsStorage: rng.IntN(2) == 0, Deliveries: w.mail,
	})
	require.NoError(t, err)
	w.client, err = woo.New(w.shop.Config())
	require.NoError(t, err)
	for _, topic := range []string{"order.created", "order.updated", "order.deleted"} {
		in := map[string]any{"topic": topic, "delivery_url": "https://us.example/hooks", "secret": secret}
		require.NoError(t, w.client.Do(t.Context(), http.MethodPost, "wc/v3/webhooks", in, nil))
	}
	w.shop.SetFaults(wootest.Faults{Rate: 0.2, Seed: seed, Latency: 30 * time.Second})
	w.start()
	return w
}

func (w *world) close() {
	for len(w.alive) > 0 {
		w.stop(0)
	}
	w.work.Wait()
	w.shop.Close()
}

func (w *world) start() {
	ctx, kill := context.WithCancel(w.t.Context())
	p := &process{Store: w.store, audit: w.audit, dead: ctx, broken: func() bool {
		w.audit.mu.Lock()
		defer w.audit.mu.Unlock()
		return w.failing && w.rng.IntN(3) == 0
	}}
	feed := newFeed(w.t, orderfeed.Config{
		Source: smallPages{w.client.Orders}, Store: p, Handle: p.handle, Once: w.once, Lease: 10 * time.Second,
	})
	l := &life{feed, feed.WebhookHandler(secret), ctx, kill}
	w.alive = append(w.alive, l)
	w.work.Go(func() { _ = feed.Run(ctx) })
}

func (w *world) stop(i int) {
	w.alive[i].kill()
	w.alive = slices.Delete(w.alive, i, i+1)
	w.crashes++
}

// chance is IntN under the lock that Handle uses it under.
func (w *world) chance(n int) int {
	w.audit.mu.Lock()
	defer w.audit.mu.Unlock()
	return w.rng.IntN(n)
}

// step lets some time pass and something happen.
func (w *world) step() {
	statuses := []string{"pending", "on-hold", "processing", "completed", "processing", "completed", "cancelled", "failed"}
	if len(w.alive) > 0 && w.chance(2) == 0 { // all of this happens while orders are read
		l := w.alive[w.chance(len(w.alive))]
		w.work.Go(func() { _, _ = l.feed.RunOnce(l.ctx) })
	}
	for range w.chance(8) {
		time.Sleep(time.Duration(w.chance(40)) * time.Second)
		switch n := w.chance(10); {
		case n < 4 || len(w.ids) == 0:
			id, err := w.shop.AddOrder([]byte(`{"status":"` + statuses[w.chance(4)] + `"}`))
			require.NoError(w.t, err)
			w.ids = append(w.ids, id)
		case n < 8:
			require.NoError(w.t, w.shop.SetStatus(w.ids[w.chance(len(w.ids))], statuses[w.chance(len(statuses))]))
		case n < 9:
			err := w.shop.EditOrder(w.ids[w.chance(len(w.ids))], []byte(`{"meta_data":[{"key":"_synced","value":"1"}]}`))
			require.NoError(w.t, err)
		default:
			require.NoError(w.t, w.shop.TrashOrder(w.ids[w.chance(len(w.ids))]))
		}
	}
	w.failing = w.chance(3) > 0
	if w.chance(2) == 0 {
		w.shop.Deliver(w.t.Context())
	}
	w.deliver(3)
	switch w.chance(8) {
	case 0:
		if len(w.alive) > 0 {
			w.stop(w.chance(len(w.alive)))
		}
	case 1:
		if len(w.alive) < 3 {
			w.start()
		}
	case 2:
		w.shop.StartOutage(time.Duration(w.chance(3))*time.Hour, wootest.Unavailable)
	}
	time.Sleep(time.Duration(w.chance(40)) * time.Minute)
}

// deliver hands over what is in the mail: some now, some later, some twice, some never, in any order.
func (w *world) deliver(lossIn int) {
	mail := append(w.mail.take(), w.late...)
	w.late = nil
	for _, i := range w.perm(len(mail)) {
		p := mail[i]
		switch w.chance(lossIn) {
		case 0:
			w.lost++
		case 1:
			w.late = append(w.late, p)
		default:
			w.post(p)
			if w.chance(3) == 0 {
				w.late = append(w.late, p)
			}
		}
	}
}

func (w *world) perm(n int) []int {
	w.audit.mu.Lock()
	defer w.audit.mu.Unlock()
	return w.rng.Perm(n)
}

func (w *world) post(p *post) {
	if len(w.alive) == 0 {
		w.lost++
		return
	}
	l := w.alive[w.chance(len(w.alive))]
	r := httptest.NewRequestWithContext(l.ctx, http.MethodPost, "/hooks", bytes.NewReader(p.body))
	r.Header = p.header
	w.work.Go(func() { l.hook.ServeHTTP(httptest.NewRecorder(), r) })
}

// check lets the faults stop, starts one process and lets it read once.
func (w *world) check() {
	for len(w.alive) > 0 {
		w.stop(0)
	}
	w.work.Wait()
	w.shop.SetFaults(wootest.Faults{})
	w.shop.StartOutage(0, wootest.None)
	time.Sleep(time.Minute)
	w.failing = false
	p := &process{Store: w.store, audit: w.audit, dead: w.t.Context(), broken: func() bool { return false }}
	last := newFeed(w.t, orderfeed.Config{Source: w.client.Orders, Store: p, Handle: p.handle, Once: w.once})
	report := runOnce(w.t, last)
	require.Zero(w.t, report.Failed)
	require.Empty(w.t, w.audit.twice, "handled again although marked")
	for _, o := range w.shop.Orders() {
		status := woo.OrderStatus(o.Status)
		if !slices.Contains(wanted, status) {
			continue
		}
		n := w.audit.taken[fmt.Sprint(o.ID, " ", status)]
		if w.once == orderfeed.PerOrder {
			n = w.audit.taken[fmt.Sprint(o.ID, " ", wanted[0])] + w.audit.taken[fmt.Sprint(o.ID, " ", wanted[1])]
		}
		require.Positive(w.t, n, "order %d is %s and was not handled", o.ID, status)
	}
	failed, err := w.store.Find(w.t.Context(), orderfeed.DefaultName, orderfeed.Query{Failed: true})
	require.NoError(w.t, err)
	require.Empty(w.t, failed)
}
