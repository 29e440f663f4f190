package stocksync

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
)

// A simulation is a master (the engine's own code) and stores that are nothing but numbers, in virtual time and in one goroutine:
// what is to happen stands in a list by time. The queue is left out; that a peer is behind is heard where its job would be enqueued,
// and its round is run when the simulated network lets it.
type sim struct {
	t        *testing.T
	ctx      context.Context
	random   *rand.Rand
	master   *Master
	store    *bareStore
	shops    []*simShop
	byID     map[StoreID]*simShop
	skus     []SKU
	index    map[SKU]int
	agenda   agenda
	seq      int
	delay    func(r *rand.Rand) time.Duration // of a round, and of a report
	lossy    bool                             // answers are lost, requests refused
	patience time.Duration                    // the longest wait before a store that could not be reached is tried again
	arrived  map[string]bool                  // events
	stocked  []int64                          // by product: what was ever there to be sold
	sold     []int64
	sales    int // units
	shoppers int
	oversold int // units sold that were not there
	turned   int // shoppers sent away from a store, though the product was there
	pushed   int // items
	reported int // items
	faults   int
	rounds   int
}

// newSim makes a master with stores. It must run in a bubble.
func newSim(t *testing.T, seed uint64, stores, products int, alter func(*MasterConfig), shop func(*simShop)) *sim {
	s := &sim{t: t, ctx: t.Context(), random: rand.New(rand.NewPCG(seed, 1)),
		patience: time.Hour, store: &bareStore{MemoryStore: NewMemoryStore()}, byID: map[StoreID]*simShop{},
		index: map[SKU]int{}, arrived: map[string]bool{}, stocked: make([]int64, products), sold: make([]int64, products)}
	s.delay = func(*rand.Rand) time.Duration { return time.Second }
	queue, err := retryqueue.New(retryqueue.Config{Store: bell{ring: s.behind}})
	require.NoError(t, err)
	config := MasterConfig{Self: Self{StoreID: "master"}, Store: s.store, Queue: queue, Batch: 200}
	for i := range stores {
		p := &simShop{s: s, n: i + 1, random: rand.New(rand.NewPCG(seed, uint64(i+2))), id: StoreID(fmt.Sprintf("store-%02d", i)),
			has: make([]int64, products), untold: make([]int64, products),
			version: make([]int64, products), telling: map[int]*Report{}}
		if shop != nil {
			shop(p)
		}
		s.shops, s.byID[p.id] = append(s.shops, p), p
		if config.Peers = append(config.Peers, p); p.relative {
			config.Peers[i] = relativeShop{p}
		}
	}
	for i := range products {
		sku := SKU(fmt.Sprintf("SKU-%05d", i))
		s.skus, s.index[sku] = append(s.skus, sku), i
	}
	if alter != nil {
		alter(&config)
	}
	s.master, err = NewMaster(config)
	require.NoError(t, err)
	return s
}

// bareStore is a memory store that hands out its rows instead of copies, since nobody else is there to see them half changed;
// copying is most of what a change costs. What is known already is looked for before, then.
type bareStore struct {
	*MemoryStore
	known bool // the next change may be one that was made before
}

func (s *bareStore) Update(ctx context.Context, gids []GID, change func([]*Row) (Commit, error)) error {
	if s.known {
		return s.MemoryStore.Update(ctx, gids, change)
	}
	rows := make([]*Row, len(gids))
	for i, gid := range gids {
		rows[i] = s.rows[gid]
	}
	c, err := change(rows)
	if err != nil {
		return err
	}
	now := micro(time.Now())
	for _, e := range c.Ledger {
		if _, known := s.ledger[e.Key()]; known {
			return fmt.Errorf("the simulation did not expect %v to be known", e.Key())
		}
		s.ledger[e.Key()] = struct{}{}
		s.history[e.GID] = append(s.history[e.GID], e)
	}
	for _, r := range c.Rows {
		if s.rows[r.GID] != r {
			s.put(r)
		}
	}
	for _, p := range c.Done {
		s.done(p)
	}
	for _, p := range c.Later {
		s.later(p, now)
	}
	for _, p := range c.Push {
		s.push(p, now)
	}
	return nil
}

// receive hands the master a report, which it may have had before.
func (s *sim) receive(r Report) {
	s.reported++
	s.store.known = s.arrived[r.EventID]
	require.NoError(s.t, s.master.Receive(s.ctx, r))
	s.store.known = false
	s.arrived[r.EventID] = true
}

// bell is a queue's store that only rings.
type bell struct {
	retryqueue.Store
	ring func(StoreID)
}

func (b bell) Insert(_ context.Context, jobs []retryqueue.NewJob) ([]retryqueue.Receipt, error) {
	for _, j := range jobs {
		b.ring(StoreID(j.Key))
	}
	return make([]retryqueue.Receipt, len(jobs)), nil
}

// seed stocks the products.
func (s *sim) seed(quantity func(i int) int64) {
	items := make([]Item, len(s.skus))
	for i, sku := range s.skus {
		s.stocked[i] = quantity(i)
		items[i] = Item{Ref: Ref{GID: GID("g-" + sku), SKU: sku}, Stock: *stocked(s.stocked[i])}
	}
	_, err := s.master.Seed(s.ctx, items)
	require.NoError(s.t, err)
}

// at puts something on the agenda, of a store or (0) of none.
func (s *sim) at(who int, in time.Duration, do func()) {
	s.seq++
	heap.Push(&s.agenda, &date{time.Now().Add(in), who, s.seq, do})
}

// run lives until a time, or until nothing is left to do.
func (s *sim) run(d time.Duration) {
	end := time.Now().Add(d)
	for len(s.agenda) > 0 && !s.agenda[0].at.After(end) {
		next := heap.Pop(&s.agenda).(*date)
		if wait := time.Until(next.at); wait > 0 {
			time.Sleep(wait)
		}
		next.do()
	}
	time.Sleep(time.Until(end))
}

type date struct {
	at  time.Time
	who int // what one seed brings must not depend on the order in which the engine wakes stores
	seq int
	do  func()
}

type agenda []*date

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return cmp.Or(a[i].at.Compare(a[j].at), cmp.Compare(a[i].who, a[j].who), cmp.Compare(a[i].seq, a[j].seq)) < 0
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(*date)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// behind is heard when a store is: its round comes when the network lets it.
func (s *sim) behind(id StoreID) {
	p := s.byID[id]
	if p.expected {
		return
	}
	p.expected = true
	s.at(p.n, s.delay(p.random), func() { s.round(p) })
}

// turn is how long a request and its answer take.
const turn = 50 * time.Millisecond

// round is what the store's job does, again and again while anything is due.
func (s *sim) round(p *simShop) {
	p.expected = false
	s.rounds++
	r, err := s.master.pass(s.ctx, s.master.peers[p.id])
	switch {
	case err != nil:
		p.tries++
		s.again(p, min(time.Duration(5<<min(p.tries, 9))*time.Second, s.patience))
		return
	case len(r.leased) > 0:
		p.tries = 0
		s.again(p, turn)
		return
	}
	var next time.Time // what is due later
	if box := s.store.outbox[p.id]; box != nil {
		for _, row := range box.rows {
			if next.IsZero() || row.Due.Before(next) {
				next = row.Due
			}
		}
	}
	if !next.IsZero() {
		s.again(p, max(time.Millisecond, time.Until(next)))
	}
}

func (s *sim) again(p *simShop, in time.Duration) {
	if !p.expected {
		p.expected = true
		s.at(p.n, in, func() { s.round(p) })
	}
}

// fault is what the network does to a request, if anything: nil, or an error, and whether the request came through all the same.
func (s *sim) fault(p *simShop) (arrives bool, err error) {
	switch {
	case p.cut:
		return false, errors.New("no route to host")
	case !s.lossy:
		return true, nil
	}
	switch p.random.IntN(10) {
	case 0:
		s.faults++
		return false, errors.New("503 Service Unavailable")
	case 1:
		s.faults++
		return false, errLost
	case 2:
		s.faults++
		return true, errLost
	}
	return true, nil
}

// simShop is a store.
type simShop struct {
	s        *sim
	n        int // from 1
	id       StoreID
	random   *rand.Rand
	echoes   bool // it reports what it is pushed
	relative bool // it keeps its own untold sales in what it is pushed, as a Child; else it sets what it is pushed, as a plugin
	has      []int64
	untold   []int64 // sold since the last report, or told and not acknowledged
	version  []int64
	cut      bool
	expected bool // a round is on the agenda
	due      bool // a report is
	tries    int
	events   int
	telling  map[int]*Report // under way, by product: sent again as it is until it is acknowledged
}

// relativeShop is one that says so.
type relativeShop struct{ *simShop }

func (relativeShop) KeepsSales() bool { return true }

func (p *simShop) ID() StoreID { return p.id }

func (p *simShop) Push(_ context.Context, items []Item) ([]Applied, error) {
	arrives, err := p.s.fault(p)
	if arrives {
		for _, item := range items {
			p.s.pushed++
			i := p.s.index[item.SKU]
			if item.Version <= p.version[i] {
				continue
			}
			p.version[i], p.has[i] = item.Version, item.Quantity.IntPart()
			if p.relative {
				p.has[i] -= p.untold[i]
			}
			if p.echoes {
				p.tell(i, "stock_set")
			}
		}
	}
	if err != nil {
		return nil, err
	}
	applied := make([]Applied, len(items))
	for i, item := range items {
		if applied[i].Outcome = Accepted; p.has[p.s.index[item.SKU]] == item.Quantity.IntPart() {
			applied[i].Outcome = Confirmed
		}
	}
	return applied, nil
}

func (p *simShop) Rename(context.Context, []Ref) ([]Applied, error) {
	return nil, errors.New("not here")
}

func (p *simShop) Read(_ context.Context, refs []Ref) ([]*Stock, error) {
	if _, err := p.s.fault(p); err != nil {
		return nil, err
	}
	stocks := make([]*Stock, len(refs))
	for i, ref := range refs {
		stocks[i] = stocked(p.has[p.s.index[ref.SKU]])
	}
	return stocks, nil
}

// shopper wants one of a product.
func (p *simShop) shopper(i int) {
	s := p.s
	if s.shoppers++; p.has[i] <= 0 {
		if s.sold[i] < s.stocked[i] {
			s.turned++
		}
		return
	}
	p.has[i]--
	p.untold[i]++
	s.sales++
	if s.sold[i]++; s.sold[i] > s.stocked[i] {
		s.oversold++
	}
	if !p.relative {
		p.tell(i, "order_processing")
		return
	}
	if !p.due {
		p.due = true
		s.at(p.n, s.delay(p.random), p.report)
	}
}

// tell reports what the store has at this moment, as a plugin does; the network doubles, delays and reorders, but it does arrive.
func (p *simShop) tell(i int, cause string) {
	s := p.s
	p.events++
	r := Report{EventID: fmt.Sprintf("%s-%d", p.id, p.events), From: p.id, At: time.Now(), Context: cause,
		Items: []Item{{Ref: Ref{GID: GID("g-" + s.skus[i]), SKU: s.skus[i]}, Stock: *stocked(p.has[i])}}}
	var deliver func()
	deliver = func() {
		arrives, err := s.fault(p)
		if arrives {
			s.receive(r)
		}
		if err != nil {
			s.at(p.n, s.delay(p.random), deliver)
		}
	}
	s.at(p.n, s.delay(p.random), deliver)
	if s.lossy && p.random.IntN(10) == 0 {
		s.at(p.n, s.delay(p.random), deliver)
	}
}

// report tells what was sold, exactly: each product's report again as it was until it is acknowledged.
func (p *simShop) report() {
	p.due = false
	s := p.s
	left := false
	for i, sold := range p.untold {
		if sold == 0 {
			continue
		}
		r := p.telling[i]
		if r == nil {
			p.events++
			was := decimal.NewFromInt(p.has[i] + sold)
			r = &Report{EventID: fmt.Sprintf("%s-%d", p.id, p.events), From: p.id, At: time.Now(), Context: "order_processing",
				Items: []Item{{Ref: Ref{GID: GID("g-" + s.skus[i]), SKU: s.skus[i]}, Stock: *stocked(p.has[i]), Was: &was}}}
			p.telling[i] = r
		}
		arrives, err := s.fault(p)
		if arrives {
			s.receive(*r)
		}
		if err != nil {
			left = true
			continue
		}
		told := r.Items[0].Was.Sub(r.Items[0].Quantity).IntPart()
		delete(p.telling, i)
		if p.untold[i] -= told; p.untold[i] > 0 {
			left = true
		}
		found, err := s.master.Lookup(s.ctx, p.id, []Ref{r.Items[0].Ref}) // as a Child does, whatever was pushed meanwhile
		require.NoError(s.t, err)
		p.has[i] = found[0].Quantity.IntPart() - p.untold[i]
	}
	if left && !p.due {
		p.due = true
		s.at(p.n, s.delay(p.random), p.report)
	}
}

// quantity is what the master has of a product.
func (s *sim) quantity(i int) int64 { return s.store.rows[GID("g-"+s.skus[i])].Quantity.IntPart() }

// figures are what a run comes to.
func (s *sim) figures() string {
	return fmt.Sprintf("%d shoppers, %d sold, %d oversold, %d turned away, %d items reported, %d pushed in %d rounds, %d faults",
		s.shoppers, s.sales, s.oversold, s.turned, s.reported, s.pushed, s.rounds, s.faults)
}
