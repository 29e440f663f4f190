package stocksync

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"
)

// MemoryStore is a [Store], a [Looker] and a [Historian] that lives in this process: for tests, in virtual time too, and for hosts
// whose stock is read anew at each start. Make it with [NewMemoryStore].
type MemoryStore struct {
	mu     sync.Mutex // held by Update while change runs: one at a time, whatever the rows
	rows   map[GID]*Row
	gids   []GID // of rows, ascending once sorted
	sorted bool
	bySKU  map[string][]GID // by Fold, ascending

	ledger  map[LedgerKey]struct{}
	history map[GID][]Entry // oldest first

	outbox map[StoreID]*memOutbox
	tokens uint64 // the last one given out

	events []Event // oldest first
	lastID int64
}

var (
	_ Store     = (*MemoryStore)(nil)
	_ Looker    = (*MemoryStore)(nil)
	_ Historian = (*MemoryStore)(nil)
)

// NewMemoryStore makes an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{
		rows: map[GID]*Row{}, bySKU: map[string][]GID{}, ledger: map[LedgerKey]struct{}{}, history: map[GID][]Entry{},
		outbox: map[StoreID]*memOutbox{},
	}
}

// memOutbox is what waits for one peer. Rows come in the order of their Since, and keep their place when a newer version replaces what
// they hold; so the oldest are found without sorting.
type memOutbox struct {
	rows  map[GID]*memPush
	order []*memPush // with those that have gone, until half have
}

type memPush struct {
	Push
	gone bool
}

// Resolve implements [Store].
func (s *MemoryStore) Resolve(ctx context.Context, refs []Ref) ([][]GID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make([][]GID, len(refs))
	for i, r := range refs {
		found[i] = slices.Clone(s.resolve(r))
	}
	return found, nil
}

// resolve returns the GIDs of all rows that match, which stay the store's.
func (s *MemoryStore) resolve(r Ref) []GID {
	if s.rows[r.GID] != nil {
		return []GID{r.GID}
	}
	if gids := s.bySKU[r.OldSKU.Fold()]; len(gids) > 0 {
		return gids
	}
	return s.bySKU[r.SKU.Fold()]
}

// Look implements [Looker].
func (s *MemoryStore) Look(ctx context.Context, refs []Ref) ([][]*Row, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make([][]*Row, len(refs))
	for i, r := range refs {
		for _, gid := range s.resolve(r) {
			found[i] = append(found[i], s.rows[gid].Clone())
		}
	}
	return found, nil
}

// Update implements [Store].
func (s *MemoryStore) Update(ctx context.Context, gids []GID, change func(rows []*Row) (Commit, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, rows := make([]*Row, len(gids)), make([]*Row, len(gids))
	for i, gid := range gids {
		stored[i] = s.rows[gid]
		rows[i] = stored[i].Clone()
	}
	c, refused := change(rows)
	if err := c.Check(gids, stored); err != nil {
		return cmp.Or(refused, err)
	}
	for _, e := range c.Ledger {
		if _, known := s.ledger[e.Key()]; known {
			return ErrKnown
		}
	}
	if refused != nil {
		return refused
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, e := range c.Ledger {
		e.At = micro(e.At)
		s.ledger[e.Key()] = struct{}{}
		s.history[e.GID] = append(s.history[e.GID], e)
	}
	for _, r := range c.Rows {
		s.put(r.Clone())
	}
	now := micro(time.Now())
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

func (s *MemoryStore) put(r *Row) {
	old, fold := s.rows[r.GID], r.SKU.Fold()
	s.rows[r.GID] = r
	if old == nil {
		s.gids = append(s.gids, r.GID)
		s.sorted = false
	} else {
		before := old.SKU.Fold()
		if before == fold {
			return
		}
		left := slices.DeleteFunc(s.bySKU[before], func(gid GID) bool { return gid == r.GID })
		if s.bySKU[before] = left; len(left) == 0 {
			delete(s.bySKU, before)
		}
	}
	if fold == "" {
		return
	}
	same := s.bySKU[fold]
	i, _ := slices.BinarySearch(same, r.GID)
	s.bySKU[fold] = slices.Insert(same, i, r.GID)
}

func (s *MemoryStore) push(p Push, now time.Time) {
	box := s.outbox[p.Peer]
	if box == nil {
		box = &memOutbox{rows: map[GID]*memPush{}}
		s.outbox[p.Peer] = box
	}
	row := box.rows[p.GID]
	if row == nil {
		row = &memPush{Push: Push{Peer: p.Peer, GID: p.GID, Since: now}}
		box.rows[p.GID] = row
		box.order = append(box.order, row)
	} else if p.Version <= row.Version {
		return
	}
	row.Version, row.Token, row.Due, row.Tries, row.Error = p.Version, "", dueAt(p.Due, now), 0, ""
}

func (s *MemoryStore) done(p Push) {
	box, row := s.waits(p)
	if row == nil || p.Token != "" && (p.Token != row.Token || p.Version != row.Version) {
		return
	}
	row.gone = true
	delete(box.rows, p.GID)
	if len(box.order) > 2*len(box.rows) {
		box.order = slices.DeleteFunc(box.order, func(row *memPush) bool { return row.gone })
	}
}

func (s *MemoryStore) later(p Push, now time.Time) {
	_, row := s.waits(p)
	if row == nil || p.Token != "" && p.Token != row.Token {
		return
	}
	if p.Token != "" {
		row.Tries++
		row.Error = p.Error
	}
	row.Token, row.Due = "", dueAt(p.Due, now)
}

// dueAt is when a push is due whose caller said due: zero is now.
func dueAt(due, now time.Time) time.Time {
	if due.IsZero() {
		return now
	}
	return micro(due)
}

// waits returns the outbox row of a push, nil if there is none.
func (s *MemoryStore) waits(p Push) (*memOutbox, *memPush) {
	box := s.outbox[p.Peer]
	if box == nil {
		return nil, nil
	}
	return box, box.rows[p.GID]
}

// Behind implements [Store].
func (s *MemoryStore) Behind(ctx context.Context, peer StoreID, n int, lease time.Duration) ([]Push, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	box := s.outbox[peer]
	if box == nil {
		return nil, nil
	}
	now := micro(time.Now())
	var found []Push
	for _, row := range box.order {
		if len(found) >= n {
			break
		}
		switch {
		case row.gone || lease > 0 && row.Due.After(now):
			continue
		case lease > 0:
			s.tokens++
			row.Token, row.Due = strconv.FormatUint(s.tokens, 36), now.Add(lease)
			found = append(found, row.Push)
		default:
			look := row.Push
			look.Token = ""
			found = append(found, look)
		}
	}
	return found, nil
}

// Backlog implements [Store].
func (s *MemoryStore) Backlog(ctx context.Context) (map[StoreID]Waiting, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[StoreID]Waiting{}
	for peer, box := range s.outbox {
		for _, row := range box.rows {
			w := all[peer]
			if w.Count++; w.Count == 1 || row.Due.Before(w.Next) {
				w.Next = row.Due
			}
			all[peer] = w
		}
	}
	return all, nil
}

// Find implements [Store].
func (s *MemoryStore) Find(ctx context.Context, after GID, n int) ([]*Row, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sorted {
		slices.Sort(s.gids)
		s.sorted = true
	}
	i, there := slices.BinarySearch(s.gids, after)
	if there {
		i++
	}
	var found []*Row
	for _, gid := range s.gids[i:min(len(s.gids), i+max(0, n))] {
		found = append(found, s.rows[gid].Clone())
	}
	return found, nil
}

// Log implements [Store].
func (s *MemoryStore) Log(ctx context.Context, events []Event, keep int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.lastID++
		e.ID, e.At = s.lastID, micro(e.At)
		s.events = append(s.events, e)
	}
	if keep > 0 && len(s.events) > keep {
		s.events = slices.Delete(s.events, 0, len(s.events)-keep)
	}
	return nil
}

// Events implements [Store].
func (s *MemoryStore) Events(ctx context.Context, q EventQuery) ([]Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := cmp.Or(max(0, q.Limit), DefaultEvents)
	var found []Event
	for _, e := range slices.Backward(s.events) {
		switch {
		case len(found) == limit:
			return found, nil
		case q.Before > 0 && e.ID >= q.Before, q.Peer != "" && e.Peer != q.Peer,
			q.Action != "" && e.Action != q.Action, q.Level != "" && e.Level != q.Level:
			continue
		}
		found = append(found, e)
	}
	return found, nil
}

// History implements [Historian].
func (s *MemoryStore) History(ctx context.Context, gid GID, n int) ([]Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.history[gid]
	if n > 0 {
		all = all[max(0, len(all)-n):]
	}
	all = slices.Clone(all)
	slices.Reverse(all)
	return all, nil
}
