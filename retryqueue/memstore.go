package retryqueue

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	memHistory = 50 // attempts of a job that the memory store keeps
	tokenSize  = 8
)

// NewMemoryStore makes a Store that lives in this process: for tests, in virtual time too, and for hosts to whom a restart may
// lose what waits. It keeps every key for as long as it lives.
func NewMemoryStore() Store {
	return &memStore{
		rows: map[ID]*memRow{}, keys: map[memKey]*memRow{}, kinds: map[string]*memKind{}, groups: map[string]*memGroup{},
	}
}

// memStore is a heap of claimable jobs per kind. A job that its group holds back is in no heap, so that Claim never has to pass
// over one: it enters when its forerunner leaves the group.
type memStore struct {
	mu     sync.Mutex
	last   uint64 // the last ID given out
	tokens uint64 // the last token given out
	rows   map[ID]*memRow
	keys   map[memKey]*memRow
	kinds  map[string]*memKind
	groups map[string]*memGroup
}

type memKey struct{ kind, key string }

type memRow struct {
	n          uint64
	id         ID // n in hexadecimal digits
	kind       *memKind
	key, group string
	payload    json.RawMessage
	result     json.RawMessage
	state      State
	attempts   int
	unsure     bool
	unsureAt   time.Time
	byHand     bool
	before     memBefore // while byHand: what the Move found
	lastError  string
	created    time.Time
	ended      time.Time // when it succeeded or was discarded, while it is
	pruned     bool
	due        time.Time  // next attempt; while running the end of the lease; zero once ended
	born       time.Time  // Age 0, on the kind's clock
	token      string     // of the last claim
	claimed    time.Time  // when that was
	aside      *memAside  // newer payload, given while the job runs
	history    []Attempt  // oldest first
	first      [1]Attempt // backs history while there is no more: most jobs succeed at once
	index      int        // in kind.heap, -1: not there
}

type memBefore struct {
	state State
	due   time.Time
}

type memAside struct {
	payload json.RawMessage
	always  bool // taken even if the attempt succeeds
}

// memKind holds a kind's claimable jobs and its clock, which stands still while the kind is paused.
type memKind struct {
	name   string
	heap   memHeap
	pause  memPause
	paused time.Duration // sum of the pauses that have ended
}

type memPause struct {
	from, until time.Time
	reason      string
}

// clock is now less all pauses. A pause that has ended is added up on the way.
func (k *memKind) clock(now time.Time) time.Time {
	if !k.pause.until.IsZero() && !now.Before(k.pause.until) {
		k.paused += k.pause.until.Sub(k.pause.from)
		k.pause = memPause{}
	}
	sum := k.paused
	if !k.pause.until.IsZero() {
		sum += now.Sub(k.pause.from)
	}
	return now.Add(-sum)
}

func (k *memKind) isPaused(now time.Time) bool {
	return now.Before(k.pause.until)
}

// setPause replaces the pause; For 0 ends it.
func (k *memKind) setPause(now time.Time, length time.Duration, reason string) {
	k.clock(now)
	if !k.pause.until.IsZero() {
		k.paused += now.Sub(k.pause.from)
	}
	k.pause = memPause{}
	if length > 0 {
		k.pause = memPause{from: now, until: now.Add(length), reason: reason}
	}
}

func (s *memStore) kind(name string) *memKind {
	k := s.kinds[name]
	if k == nil {
		k = &memKind{name: name}
		s.kinds[name] = k
	}
	return k
}

func memNow() time.Time { return time.Now().UTC() }

// Insert implements Store.
func (s *memStore) Insert(ctx context.Context, jobs []NewJob) ([]Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := memNow()
	receipts := make([]Receipt, len(jobs))
	for i, j := range jobs {
		row, known := s.keys[memKey{j.Kind, j.Key}] // none has an empty key
		if known {
			s.again(row, j, now)
		} else {
			row = s.add(j, now)
		}
		receipts[i] = Receipt{ID: row.id, State: row.state, Fresh: !known}
	}
	return receipts, nil
}

func (s *memStore) add(j NewJob, now time.Time) *memRow {
	s.last++
	k := s.kind(j.Kind)
	row := &memRow{
		n: s.last, id: ID(fmt.Sprintf("%016x", s.last)), kind: k, key: j.Key, group: j.Group, payload: bytes.Clone(j.Payload),
		state: Queued, created: now, index: -1,
	}
	if row.key == "" {
		row.key = string(row.id)
	}
	s.rows[row.id] = row
	s.keys[memKey{j.Kind, row.key}] = row
	s.begin(row, now.Add(j.Delay), now)
	return row
}

// begin queues a job afresh: attempts and age start when it is due.
func (s *memStore) begin(row *memRow, due, now time.Time) {
	row.attempts, row.pruned = 0, false
	row.born = row.kind.clock(now).Add(due.Sub(now))
	row.byHand = false
	s.set(row, Queued, due)
}

// again applies the table of Store to a known key.
func (s *memStore) again(row *memRow, j NewJob, now time.Time) {
	payload := bytes.Clone(j.Payload)
	always := j.Again == Latest || j.Forced
	switch {
	case row.state == Running:
		always = always || row.aside != nil && row.aside.always
		row.aside = &memAside{payload, always}
	case row.state.Ended() && always:
		row.payload = payload
		s.begin(row, now.Add(j.Delay), now)
	case row.state == Failed:
		row.payload = payload
	case row.state.Ended():
	default:
		row.payload = payload
		if due := now.Add(j.Delay); j.Again == Latest && due.Before(row.due) {
			s.set(row, row.state, due)
		}
	}
}

// Claim implements Store.
func (s *memStore) Claim(ctx context.Context, c Claim) (Claimed, error) {
	if err := ctx.Err(); err != nil {
		return Claimed{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := memNow()
	var rows []*memRow
	answer := Claimed{Next: -1}
	may := func(t time.Time) {
		if d := max(0, t.Sub(now)); answer.Next < 0 || d < answer.Next {
			answer.Next = d
		}
	}
	for name, most := range c.Kinds {
		k := s.kinds[name]
		if k == nil {
			continue
		}
		if k.isPaused(now) {
			if len(k.heap) > 0 {
				may(k.pause.until)
			}
			continue
		}
		n := 0
		for ; n < most && len(k.heap) > 0 && !k.heap[0].due.After(now); n++ {
			row := k.heap[0].row
			rows = append(rows, row)
			heap.Pop(&k.heap) // s.lease puts it back, under the end of its lease
		}
		if n < most && len(k.heap) > 0 {
			may(k.heap[0].due)
		}
	}
	slices.SortFunc(rows, func(a, b *memRow) int { return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.id, b.id)) })
	tokens := s.newTokens(len(rows))
	records, size := make([]Record, len(rows)), 0
	for _, row := range rows {
		size += len(row.payload)
	}
	payloads := make([]byte, 0, size)
	answer.Records = make([]*Record, len(rows))
	for i, row := range rows {
		answer.Records[i] = &records[i]
		s.lease(row, tokens[i*tokenSize:(i+1)*tokenSize], now, c.Lease, &records[i])
		if from := len(payloads); len(row.payload) > 0 {
			payloads = append(payloads, row.payload...)
			records[i].Payload = payloads[from:len(payloads):len(payloads)]
		}
		may(row.due)
	}
	return answer, nil
}

// newTokens makes n tokens in one string.
func (s *memStore) newTokens(n int) string {
	all := make([]byte, 0, n*tokenSize)
	for range n {
		s.tokens++
		all = binary.BigEndian.AppendUint64(all, s.tokens)
	}
	return string(all)
}

// lease begins a job's attempt under a token and makes its record.
func (s *memStore) lease(row *memRow, token string, now time.Time, length time.Duration, r *Record) {
	lapsed := row.state == Running
	if lapsed {
		row.log(now, LeaseEnded)
		row.lastError = LeaseEnded
		row.unsure, row.unsureAt = true, now
		row.byHand = false
	}
	if !row.byHand {
		row.attempts++
	}
	row.token, row.claimed = token, now
	s.set(row, Running, now.Add(length))
	*r = row.record(now)
	r.Lapsed = lapsed
	r.Lease = Lease{ID: row.id, Token: token, Until: row.due}
}

// Settle implements Store.
func (s *memStore) Settle(ctx context.Context, outcomes []Outcome) ([]error, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := memNow()
	errs := make([]error, len(outcomes))
	for i, o := range outcomes {
		row := s.rows[o.Lease.ID]
		switch {
		case row == nil || row.token == "" || row.token != o.Lease.Token:
			errs[i] = ErrLostLease
		case row.state == Running:
			s.settle(row, o, now)
		}
	}
	return errs, nil
}

func (s *memStore) settle(row *memRow, o Outcome, now time.Time) {
	if o.Error != "" || !o.Uncounted {
		row.log(now, o.Error)
		row.lastError = o.Error
	}
	if o.Result != nil {
		row.result = bytes.Clone(o.Result)
	}
	if o.Unsure && !(o.Probed && row.unsure) {
		row.unsureAt = now
	}
	row.unsure = o.Unsure
	if left := row.kind.pause.until.Sub(now); o.Pause > 0 && (!row.kind.isPaused(now) || o.Pause > left) {
		row.kind.setPause(now, o.Pause, o.Error)
	}
	if o.Uncounted && !row.byHand {
		row.attempts--
	}
	if o.Reset {
		row.attempts, row.born = 0, row.kind.clock(now)
	}

	state, due := o.State, now.Add(o.Wait)
	if row.byHand && !o.Uncounted {
		row.byHand = false
		if state == Retrying {
			state, due = row.before.state, row.before.due
		}
	}
	aside := row.aside
	row.aside = nil
	switch {
	case aside == nil || o.State == Succeeded && !aside.always:
		s.set(row, state, due)
	case state.Ended():
		row.payload = aside.payload
		s.begin(row, now, now)
	default:
		row.payload, row.byHand = aside.payload, false
		s.set(row, Queued, now.Add(o.Wait))
	}
}

// log adds the attempt that ends now to the history.
func (row *memRow) log(now time.Time, text string) {
	switch len(row.history) {
	case 0:
		row.history = row.first[:0]
	case memHistory:
		row.history = slices.Delete(row.history, 0, 1)
	}
	row.history = append(row.history, Attempt{N: row.attempts, Start: row.claimed, End: now, Error: text})
}

// Extend implements Store.
func (s *memStore) Extend(ctx context.Context, leases []Lease, by time.Duration) (lost []ID, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := memNow()
	for _, l := range leases {
		row := s.rows[l.ID]
		if row == nil || row.state != Running || row.token != l.Token || !now.Before(row.due) {
			lost = append(lost, l.ID)
			continue
		}
		s.set(row, Running, now.Add(by))
	}
	return lost, nil
}

// Move implements Store.
func (s *memStore) Move(ctx context.Context, m Move) (moved int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := memNow()
	seen := map[ID]bool{}
	for _, id := range m.IDs {
		row := s.rows[id]
		if row == nil || seen[id] || row.state == Running || !slices.Contains(m.From, row.state) || m.To == Queued && row.pruned {
			continue
		}
		seen[id] = true
		moved++
		switch m.To {
		case "":
			s.set(row, Discarded, now)
			s.remove(row)
		case Queued:
			if !row.byHand {
				row.before = memBefore{row.state, row.due}
			}
			row.byHand = true
			s.set(row, Queued, now)
		default:
			row.byHand = false
			s.set(row, m.To, now)
		}
	}
	return moved, nil
}

// remove forgets a job that has ended.
func (s *memStore) remove(row *memRow) {
	delete(s.rows, row.id)
	delete(s.keys, memKey{row.kind.name, row.key})
}

// Prune implements Pruner. It looks at every job.
func (s *memStore) Prune(ctx context.Context, p Prune) (pruned int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := memNow().Add(-p.Age)
	for _, row := range s.rows {
		switch {
		case pruned == p.Limit:
			return pruned, nil
		case row.kind.name != p.Kind || row.ended.IsZero() || row.ended.After(before) || row.pruned:
			continue
		case p.Delete:
			s.remove(row)
		default:
			row.pruned = true
			row.payload, row.history, row.first, row.lastError = nil, nil, [1]Attempt{}, ""
		}
		pruned++
	}
	return pruned, nil
}

// Pause implements Store.
func (s *memStore) Pause(ctx context.Context, p KindPause) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kind(p.Kind).setPause(memNow(), p.For, p.Reason)
	return nil
}

// Find implements Store.
func (s *memStore) Find(ctx context.Context, q Query) (Found, error) {
	if err := ctx.Err(); err != nil {
		return Found{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := memNow()
	var found Found
	if q.Count {
		found.ByState = map[State]int{}
	}
	page := memPage{order: memOrder(q), most: min(max(0, q.Offset), 1<<40) + min(cmp.Or(max(0, q.Limit), 100), 1<<40)}
	total := 0
	visit := func(row *memRow) {
		if len(q.Kinds) > 0 && !slices.Contains(q.Kinds, row.kind.name) {
			return
		}
		if q.Count {
			found.ByState[row.state]++
		}
		if row.matches(q) {
			total++
			page.add(row)
		}
	}
	if len(q.IDs) > 0 {
		for _, id := range slices.Compact(slices.Sorted(slices.Values(q.IDs))) {
			if row := s.rows[id]; row != nil {
				visit(row)
			}
		}
	} else {
		for _, row := range s.rows {
			visit(row)
		}
	}
	if q.Count {
		found.Total = total
	}
	rows := page.first()
	for _, row := range rows[min(max(0, q.Offset), len(rows)):] {
		r := row.record(now)
		r.Payload = bytes.Clone(row.payload)
		if q.History {
			r.History = slices.Clone(row.history)
		}
		found.Records = append(found.Records, &r)
	}
	for _, k := range s.kinds {
		if k.isPaused(now) {
			found.Paused = append(found.Paused, KindPause{Kind: k.name, Reason: k.pause.reason, For: k.pause.until.Sub(now)})
		}
	}
	slices.SortFunc(found.Paused, func(a, b KindPause) int { return cmp.Compare(a.Kind, b.Kind) })
	return found, nil
}

// memPage keeps the first rows in an order, so that a page of many is not paid for with sorting all of them.
type memPage struct {
	order func(a, b *memRow) int
	most  int
	rows  []*memRow
	full  bool // rows[most-1] is the last that counts; beyond it stand newcomers
}

func (p *memPage) add(row *memRow) {
	if p.full && p.order(row, p.rows[p.most-1]) > 0 {
		return
	}
	if p.rows = append(p.rows, row); len(p.rows) >= 2*p.most+100 {
		p.rows = p.first()
		p.full = true
	}
}

func (p *memPage) first() []*memRow {
	slices.SortFunc(p.rows, p.order)
	return p.rows[:min(p.most, len(p.rows))]
}

func (row *memRow) matches(q Query) bool {
	within := func(t, from, to time.Time) bool {
		return (from.IsZero() || !t.Before(from)) && (to.IsZero() || t.Before(to))
	}
	switch {
	case row.id <= q.After,
		len(q.States) > 0 && !slices.Contains(q.States, row.state),
		q.Attempts != nil && row.attempts != *q.Attempts,
		!strings.Contains(lowerASCII(row.lastError), lowerASCII(q.ErrorContains)),
		!within(row.created, q.CreatedFrom, q.CreatedTo),
		!within(row.due, q.NextFrom, q.NextTo),
		row.due.IsZero() && !(q.NextFrom.IsZero() && q.NextTo.IsZero()):
		return false
	}
	return true
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func memOrder(q Query) func(a, b *memRow) int {
	by := func(a, b *memRow) int { return 0 }
	switch q.Sort {
	case "key":
		by = func(a, b *memRow) int { return cmp.Compare(a.key, b.key) }
	case "kind":
		by = func(a, b *memRow) int { return cmp.Compare(a.kind.name, b.kind.name) }
	case "state":
		by = func(a, b *memRow) int { return cmp.Compare(a.state, b.state) }
	case "next":
		by = func(a, b *memRow) int { return a.due.Compare(b.due) }
	}
	return func(a, b *memRow) int {
		if q.Sort == "next" && a.due.IsZero() != b.due.IsZero() {
			if a.due.IsZero() {
				return 1
			}
			return -1
		}
		order := cmp.Or(by(a, b), cmp.Compare(a.id, b.id))
		if q.Desc {
			return -order
		}
		return order
	}
}

// record is what is known of a job, save the payload, which the caller copies.
func (row *memRow) record(now time.Time) Record {
	r := Record{
		ID: row.id, Kind: row.kind.name, Key: row.key, Group: row.group,
		Result: bytes.Clone(row.result),
		State:  row.state, Attempts: row.attempts, Unsure: row.unsure, ByHand: row.byHand, LastError: row.lastError, Pruned: row.pruned,
		CreatedAt: row.created, NextAttemptAt: row.due, Age: max(0, row.kind.clock(now).Sub(row.born)),
	}
	if row.unsure {
		r.UnsureFor = now.Sub(row.unsureAt)
	}
	return r
}

// set moves a job to a state and puts it where Claim will find it. An ended job has no due time.
func (s *memStore) set(row *memRow, state State, due time.Time) {
	row.state, row.due, row.ended = state, due, time.Time{}
	if state.Ended() {
		row.due = time.Time{}
	}
	if state == Succeeded || state == Discarded {
		row.ended = memNow()
	}
	if row.group == "" {
		row.place(!state.Ended())
		return
	}
	g := s.groups[row.group]
	if g == nil {
		g = &memGroup{}
		s.groups[row.group] = g
	}
	if g.update(row); len(g.waiting) == 0 {
		delete(s.groups, row.group)
	}
}

// place puts a job into its kind's heap, or takes it out, or mends its position.
func (row *memRow) place(claimable bool) {
	h := &row.kind.heap
	switch {
	case claimable && row.index < 0:
		heap.Push(h, row)
	case claimable:
		(*h)[row.index].due = row.due
		heap.Fix(h, row.index)
	case row.index >= 0:
		heap.Remove(h, row.index)
	}
}

// memGroup knows the unfinished jobs of a group, by ID. Only its head is in a heap: the one that runs, else the first.
type memGroup struct {
	waiting []*memRow
	head    *memRow
}

func (g *memGroup) update(row *memRow) {
	i, in := slices.BinarySearchFunc(g.waiting, row.id, func(r *memRow, id ID) int { return cmp.Compare(r.id, id) })
	switch {
	case row.state.Ended() && in:
		g.waiting = slices.Delete(g.waiting, i, i+1)
	case !row.state.Ended() && !in:
		g.waiting = slices.Insert(g.waiting, i, row)
	}
	before := g.head
	switch {
	case len(g.waiting) == 0:
		g.head = nil
	case before == nil || before.state != Running:
		g.head = g.waiting[0]
	}
	if before != nil && before != g.head {
		before.place(false)
	}
	if g.head != nil {
		g.head.place(true)
	}
}

// memHeap is ordered by due time, ties by ID. What it orders by stands in it, so that it need not visit the rows.
type memHeap []memEntry

type memEntry struct {
	due time.Time
	n   uint64
	row *memRow
}

func (h memHeap) Len() int { return len(h) }

func (h memHeap) Less(i, j int) bool {
	if order := h[i].due.Compare(h[j].due); order != 0 {
		return order < 0
	}
	return h[i].n < h[j].n
}

func (h memHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].row.index, h[j].row.index = i, j
}

func (h *memHeap) Push(x any) {
	row := x.(*memRow)
	row.index = len(*h)
	*h = append(*h, memEntry{row.due, row.n, row})
}

func (h *memHeap) Pop() any {
	last := len(*h) - 1
	row := (*h)[last].row
	(*h)[last] = memEntry{}
	row.index = -1
	*h = (*h)[:last]
	return row
}
