package orderfeed_test

import (
	"bytes"
	"context"
	"encoding/json"
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
	"github.com/tillwire/tillwire/woo/webhook"
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
							require.LessOrEqual(t, runOnce(t, feed).Read, 10) // of the last two hours
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

// slips are statuses that were changed without moving date_modified: by a plugin that writes into the database. Lists by date do not
// show them, nor does any delivery.
type slips struct {
	mu     sync.Mutex
	stamps map[woo.OrderID]time.Time // what date_modified still shows
}

func (s *slips) stamp(id woo.OrderID) (at time.Time, slipped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, slipped = s.stamps[id]
	return at, slipped
}

func (s *slips) set(id woo.OrderID, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stamps[id] = at
}

func (s *slips) heal(id woo.OrderID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.stamps, id)
}

// slippery is a shop with slips.
type slippery struct {
	orderfeed.Source
	slips *slips
}

func (s slippery) Get(ctx context.Context, id woo.OrderID) (*woo.Order, error) {
	o, err := s.Source.Get(ctx, id)
	if at, slipped := s.slips.stamp(id); slipped && err == nil {
		o.DateModified = at
	}
	return o, err
}

func (s slippery) All(ctx context.Context, q woo.OrderQuery) iter.Seq2[*woo.Order, error] {
	return func(yield func(*woo.Order, error) bool) {
		for o, err := range s.Source.All(ctx, q) {
			if err == nil {
				if at, slipped := s.slips.stamp(o.ID); slipped {
					if o.DateModified = at; !q.ModifiedAfter.IsZero() && !at.After(q.ModifiedAfter) {
						continue
					}
				}
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// mailbox is the way from the shop to us. Unless it refuses, the shop believes that all was delivered; what becomes of it the
// test decides.
type mailbox struct {
	mu     sync.Mutex
	posts  []*post
	refuse bool
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
	status := 200
	if m.refuse {
		status = 500
	} else {
		m.posts = append(m.posts, &post{r.Header.Clone(), body})
	}
	return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 0, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func (m *mailbox) refusing(refuse bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = refuse
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
	once   orderfeed.Once
	mu     sync.Mutex
	taken  map[string]int
	marked map[string]bool
	twice  []string
}

// key names what Once allows one call of Handle for.
func (a *audit) key(id woo.OrderID, status woo.OrderStatus) string {
	if a.once == orderfeed.PerOrder {
		return fmt.Sprint(id)
	}
	return fmt.Sprint(id, " ", status)
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
			p.marked[p.key(e.ID, status)] = true
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
	key := p.key(o.ID, o.Status)
	p.mu.Lock()
	if p.marked[key] {
		p.twice = append(p.twice, key)
	}
	p.mu.Unlock()
	if err := sleep(ctx, time.Duration(o.ID%7)*10*time.Millisecond); err != nil {
		return err
	}
	if p.broken() {
		return errors.New("no")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
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

// What may be missed, by the rows of the boundary table of the re-check. All of it are statuses that changed without a date.
const (
	tooOld     = "E3.4-5 slipped, and older than the window"
	inBulk     = "E3.4-7 slipped, and not completed while too many are open"
	bulkTooOld = "E3.4-9 slipped, and last modified more than 14 days ago while too many are open"
)

// Orders come and change, in shops in several zones, some without moving any date; deliveries are lost, late, doubled and out of
// order; webhooks are refused until the shop disables them; reads fail, hang and are cut off; Handle fails; processes die at any moment
// and up to three run at once, some with a guard. When the faults have stopped and one night's run has passed, every order that is in a
// wanted status has been handled, save for the rows of the boundary table; and none was handled again, where Once forbids it, once its
// mark was stored.
func TestFaults(t *testing.T) {
	t.Parallel()
	seeds := 50
	if os.Getenv("TILLWIRE_LONG") != "" {
		seeds = 500
	}
	var total tally
	missed := map[string]int{}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, uint64(seed))
			defer w.close()
			defer func() {
				if t.Failed() {
					t.Logf("seed %d", seed)
				}
			}()
			for range 25 {
				w.step()
			}
			w.check(missed)
			total.add(w)
		})
	}
	t.Logf("%d seeds: %s; excused: %v", seeds, total, missed)
	require.NotZero(t, total.disabled)
	require.NotZero(t, total.forwarded)
	require.NotZero(t, total.bulk)
	require.Less(t, missed[tooOld]+missed[inBulk]+missed[bulkTooOld], total.handled/10, "the exceptions are exceptions")
}

// tally counts what happened in all worlds.
type tally struct{ orders, handled, slips, lost, killed, disabled, forwarded, bulk int }

func (s *tally) add(w *world) {
	s.orders += len(w.shop.Orders())
	s.handled += len(w.audit.taken)
	s.slips += w.slipped
	s.lost += w.lost
	s.killed += w.crashes
	s.forwarded += w.last.Forwarded
	if w.disabled {
		s.disabled++
	}
	if w.last.Bulk {
		s.bulk++
	}
}

func (s tally) String() string {
	return fmt.Sprintf("%d orders, %d handled, %d statuses slipped, %d deliveries lost, %d processes killed, webhooks disabled in %d, "+
		"the last night re-checked %d into the books, %d in bulk", s.orders, s.handled, s.slips, s.lost, s.killed, s.disabled, s.forwarded, s.bulk)
}

type world struct {
	t      *testing.T
	rng    *rand.Rand
	shop   *wootest.Shop
	client *woo.Client
	source slippery
	mail   *mailbox
	late   []*post
	store  orderfeed.Store
	audit  *audit
	config orderfeed.Config
	guards bool
	alive  []*life
	ids    []int64
	final  map[int64]bool // was completed once

	lost, crashes, slipped int
	disabled               bool
	last                   orderfeed.Report
	failing                bool
	work                   sync.WaitGroup
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
		t: t, rng: rng, mail: &mailbox{}, store: orderfeed.NewMemoryStore(), final: map[int64]bool{},
		audit: &audit{taken: map[string]int{}, marked: map[string]bool{}},
	}
	w.config = orderfeed.Config{Webhooks: rng.IntN(2) == 0, Lease: 10 * time.Second, Since: time.Now()}
	if rng.IntN(3) == 0 {
		w.config.Once = orderfeed.PerOrder
	}
	if rng.IntN(2) == 0 {
		w.config.Recheck.BulkFrom = 8
	}
	w.guards = w.config.Webhooks && rng.IntN(2) == 0
	w.audit.once = w.config.Once
	locations := []*time.Location{
		time.FixedZone("", 13*3600), time.FixedZone("", -8*3600), zone(t, "Europe/Ljubljana"), zone(t, "America/New_York"),
	}
	nights := []time.Time{
		time.Date(2000, 3, 25, 18, 0, 0, 0, time.UTC), time.Date(2000, 10, 28, 18, 0, 0, 0, time.UTC),
		time.Date(2000, 4, 2, 2, 0, 0, 0, time.UTC), time.Date(2000, 7, 1, 0, 0, 0, 0, time.UTC),
	}
	w.config.Location = locations[rng.IntN(len(locations))]
	var err error
	w.shop, err = wootest.New(wootest.Config{Location: w.config.Location, PostsStorage: rng.IntN(2) == 0, Deliveries: w.mail})
	require.NoError(t, err)
	w.client, err = woo.New(w.shop.Config())
	require.NoError(t, err)
	w.source = slippery{w.client.Orders, &slips{stamps: map[woo.OrderID]time.Time{}}}

	// Some orders are old when it begins, and known to the feed.
	begin := nights[rng.IntN(len(nights))]
	for _, age := range []time.Duration{70, 25, 15, 3} {
		if rng.IntN(2) == 0 {
			continue
		}
		time.Sleep(time.Until(begin.Add(-age * day)))
		for range 1 + rng.IntN(3) {
			w.add("pending")
		}
	}
	p := &process{Store: w.store, audit: w.audit, dead: t.Context(), broken: func() bool { return false }}
	runOnce(t, w.feed(p))
	time.Sleep(time.Until(begin))
	_, err = webhook.Ensure(t.Context(), w.client, w.feed(p).Subscriptions("https://us.example/hooks", secret)...)
	require.NoError(t, err)
	w.mail.take()
	w.shop.SetFaults(wootest.Faults{Rate: 0.2, Seed: seed, Latency: 30 * time.Second})
	w.start()
	return w
}

func (w *world) add(status string) {
	id, err := w.shop.AddOrder([]byte(`{"status":"` + status + `"}`))
	require.NoError(w.t, err)
	w.ids = append(w.ids, id)
	w.final[id] = status == "completed"
}

func (w *world) feed(p *process) *orderfeed.Feed {
	c := w.config
	c.Source, c.Store, c.Handle = smallPages{w.source}, p, p.handle
	return newFeed(w.t, c)
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
	feed := w.feed(&process{Store: w.store, audit: w.audit, dead: ctx, broken: func() bool {
		w.audit.mu.Lock()
		defer w.audit.mu.Unlock()
		return w.failing && w.rng.IntN(3) == 0
	}})
	l := &life{feed, feed.WebhookHandler(secret), ctx, kill}
	w.alive = append(w.alive, l)
	w.work.Go(func() { _ = feed.Run(ctx) })
	if !w.guards {
		return
	}
	guard, err := webhook.NewGuard(webhook.GuardConfig{
		Shop: w.client, Wanted: feed.Subscriptions("https://us.example/hooks", secret), Last: feed.LastDelivery, CatchUp: feed.CatchUp,
		Every: time.Hour,
	})
	require.NoError(w.t, err)
	w.work.Go(func() { _ = guard.Run(ctx) })
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
		n := w.chance(12)
		if n < 4 || len(w.ids) == 0 {
			w.add(statuses[w.chance(4)])
			continue
		}
		id := w.ids[w.chance(len(w.ids))]
		_, slipped := w.source.slips.stamp(woo.OrderID(id))
		switch {
		case n < 8:
			status := statuses[w.chance(len(statuses))]
			w.final[id] = w.final[id] || status == "completed"
			was, _ := w.status(id)
			require.NoError(w.t, w.shop.SetStatus(id, status))
			if status != was { // else the shop does nothing
				w.source.slips.heal(woo.OrderID(id))
			}
		case n < 9 && !slipped:
			require.NoError(w.t, w.shop.EditOrder(id, []byte(`{"meta_data":[{"key":"_synced","value":"1"}]}`)))
		case n < 10:
			was, _ := w.status(id)
			require.NoError(w.t, w.shop.TrashOrder(id))
			if was != "trash" {
				w.source.slips.heal(woo.OrderID(id))
			}
		case n < 12:
			w.slip(id)
		}
	}
	w.failing = w.chance(3) > 0
	w.mail.refusing(w.chance(4) == 0)
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
	time.Sleep(time.Duration(w.chance(90)) * time.Minute)
}

// slip moves an order on, to a wanted status in which it was not, behind the shop's back.
func (w *world) slip(id int64) {
	was, ok := w.status(id)
	status := []string{"processing", "completed"}[w.chance(2)]
	if !ok || w.final[id] || was != "pending" && was != "on-hold" && (was != "processing" || status != "completed") {
		return
	}
	if _, again := w.source.slips.stamp(woo.OrderID(id)); !again {
		_, modified := w.dates(id)
		w.source.slips.set(woo.OrderID(id), modified)
	}
	w.final[id] = status == "completed"
	w.slipped++
	require.NoError(w.t, w.shop.SetStatus(id, status))
}

// deliver hands over what is in the mail: some now, some later, some twice, some never, in any order.
func (w *world) deliver(lossIn int) {
	mail := append(w.mail.take(), w.late...)
	w.late = nil
	for _, i := range w.perm(len(mail)) {
		p := mail[i]
		if _, slipped := w.source.slips.stamp(woo.OrderID(webhook.Parse(p.body).ID)); slipped {
			w.lost++ // it would tell
			continue
		}
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

// check lets the faults stop, starts one process and lets one night pass.
func (w *world) check(missed map[string]int) {
	for len(w.alive) > 0 {
		w.stop(0)
	}
	w.work.Wait()
	w.shop.SetFaults(wootest.Faults{})
	w.shop.StartOutage(0, wootest.None)
	time.Sleep(time.Minute)
	w.failing = false
	for h, err := range w.client.Webhooks.All(w.t.Context(), woo.WebhookQuery{}) {
		require.NoError(w.t, err)
		w.disabled = w.disabled || h.Status == woo.WebhookDisabled
	}
	p := &process{Store: w.store, audit: w.audit, dead: w.t.Context(), broken: func() bool { return false }}
	last := w.feed(p)
	w.last = night(w.t, last)
	require.Zero(w.t, w.last.Failed)
	require.Empty(w.t, w.audit.twice, "handled again although marked")
	for _, o := range w.shop.Orders() {
		status := woo.OrderStatus(o.Status)
		if !slices.Contains(wanted, status) || w.audit.taken[w.audit.key(woo.OrderID(o.ID), status)] > 0 {
			continue
		}
		why := w.excuse(o)
		require.NotEmpty(w.t, why, "order %d is %s and was not handled: %+v; the night: %v", o.ID, status,
			entryOf(w.t, w.store, woo.OrderID(o.ID)), w.last)
		missed[why]++
	}
	for range last.Failed(w.t.Context()) {
		w.t.Error("something is left over")
	}
}

func (w *world) status(id int64) (status string, ok bool) {
	for _, o := range w.shop.Orders() {
		if o.ID == id {
			return o.Status, true
		}
	}
	return "", false
}

// dates are those that the shop shows.
func (w *world) dates(id int64) (created, modified time.Time) {
	var o woo.Order
	require.NoError(w.t, json.Unmarshal(w.shop.Order(id), &o))
	return o.DateCreated, o.DateModified
}

// excuse names the row of the boundary table by which an order was not found.
func (w *world) excuse(o wootest.OrderInfo) string {
	stamp, slipped := w.source.slips.stamp(woo.OrderID(o.ID))
	created, _ := w.dates(o.ID)
	window := 21 * day
	if w.config.Webhooks {
		window = 90 * day
	}
	switch {
	case !slipped:
		return ""
	case created.Before(time.Now().Add(-window)):
		return tooOld
	case w.last.Bulk && o.Status != "completed":
		return inBulk
	case w.last.Bulk && stamp.Before(time.Now().Add(-14*day)):
		return bulkTooOld
	}
	return ""
}
