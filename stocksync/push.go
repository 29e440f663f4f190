package stocksync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A round brings a batch of products one step further at one peer, and each product by the same steps:
//
//	rename   when the peer knows it by another SKU
//	push     its state
//	verify   by reading it back: only then does its row leave the outbox
//
// What waits for two reads (a held report, a state that was not there) is read before it is pushed again: ingest before push. Which
// step is next is seen from the product's row alone, so that any process can go on after a crash.
type round struct {
	m       *Master
	peer    Peer
	id      StoreID
	leased  []Push
	hits    int // items that the peer took in this round
	misses  int // single items that it failed on
	halving bool
}

// todo is a product in a round.
type todo struct {
	Push
	step step
	ref  Ref
	old  SKU  // of a rename
	item Item // of a push
}

type step int

const (
	stepNone step = iota
	stepRename
	stepPush
	stepRead
)

// run takes every leased product its next step.
func (r *round) run(ctx context.Context) error {
	todos, err := r.plan(ctx)
	if err != nil {
		return err
	}
	of := func(s step) (some []*todo) {
		for _, t := range todos {
			if t.step == s {
				some = append(some, t)
			}
		}
		return some
	}
	return errors.Join(r.read(ctx, of(stepRead)), r.rename(ctx, of(stepRename)), r.push(ctx, of(stepPush)))
}

// behind is for how long the peer has been behind.
func (r *round) behind() time.Duration {
	if len(r.leased) == 0 {
		return 0
	}
	return time.Since(slices.MinFunc(r.leased, func(a, b Push) int { return a.Since.Compare(b.Since) }).Since)
}

// plan finds each product's next step, and drops those that the peer is not to have.
func (r *round) plan(ctx context.Context) (todos []*todo, err error) {
	err = r.m.change(ctx, gidsOf(r.leased), func(c *change) error {
		todos = todos[:0]
		for i, l := range c.lines {
			t := &todo{Push: r.leased[i]}
			if t.step = r.next(l, t); t.step == stepNone {
				c.commit.Done = append(c.commit.Done, t.Push)
			}
			todos = append(todos, t)
		}
		return nil
	})
	return todos, err
}

// next is a product's next step.
func (r *round) next(l *line, t *todo) step {
	if l.Row == nil || l.frozen(atAuthority) || l.frozen(r.id) || r.m.c.Exclude.Has(l.SKU) {
		return stepNone
	}
	want := r.m.shown(l.Row, r.id)
	if limits, ok := r.peer.(Limits); ok {
		if err := limits.Takes(want); err != nil {
			l.refused(r.id, err)
			return stepNone
		}
	}
	t.ref = Ref{GID: l.GID, SKU: l.SKU}
	s := l.Peers[r.id]
	if s == nil {
		s = &Standing{}
	}
	pushed := s.pushed()
	switch t.old = cmp.Or(s.Knows, l.Renamed); {
	case t.old != "" && t.old != l.SKU:
		return stepRename
	case s.Seen != nil, l.holdsBack(r.id):
		return stepRead
	case pushed != nil && pushed.AckedAt.IsZero() && !pushed.Looked && !r.halving:
		return stepRead // its answer was lost: did it arrive?
	case pushed != nil && pushed.Version >= t.Version && !pushed.AckedAt.IsZero() && (s.Proved < pushed.Version || l.open(r.id)):
		return stepRead
	}
	return stepPush
}

// pushed is the last push, nil if there was none.
func (s *Standing) pushed() *View {
	for i := range s.Views {
		if s.Views[i].Version > 0 {
			return &s.Views[i]
		}
	}
	return nil
}

// holdsBack says whether a report of the peer waits for what reads of it show.
func (r *Row) holdsBack(peer StoreID) bool {
	return slices.ContainsFunc(r.Held, func(h Held) bool { return h.Store == peer })
}

// push sends products. If it fails in a way that one of them may be the cause of, the halves are sent by themselves, until the
// culprits are alone, or it is clear that it is not the products' fault.
func (r *round) push(ctx context.Context, todos []*todo) error {
	if len(todos) == 0 {
		return nil
	}
	todos, err := r.mark(ctx, todos)
	if err != nil || len(todos) == 0 {
		return err
	}
	items := make([]Item, len(todos))
	for i, t := range todos {
		items[i] = t.item
	}
	applied, err := r.peer.Push(ctx, items)
	if err == nil && len(applied) != len(items) {
		err = fmt.Errorf("stocksync: %s answered %d outcomes for %d items", r.id, len(applied), len(items))
	}
	r.m.health.outbound(r.id, err)
	if err != nil && ambiguous(err) && len(todos) > 1 && r.misses < 3 && ctx.Err() == nil {
		r.halving = true
		half := len(todos) / 2
		first := r.push(ctx, todos[:half])
		if r.hits == 0 && r.misses >= 3 {
			return errors.Join(first, r.conclude(ctx, todos[half:], nil, err))
		}
		return cmp.Or(first, r.push(ctx, todos[half:])) // a part that failed is put off, product by product
	}
	if err != nil {
		r.misses++
	} else {
		r.hits += len(items)
	}
	if stored := r.conclude(context.WithoutCancel(ctx), todos, applied, err); stored != nil {
		return stored
	}
	if ambiguous(err) && ctx.Err() == nil {
		_ = r.read(ctx, todos) // did it arrive? Later a sale may hide it; if it cannot be read now, it is before the next push
	}
	if r.hits > 0 {
		return nil
	}
	return err
}

// mark writes down what is about to be sent, before it is: from now on the peer may hold it. A state that may have been sent before
// goes out under a higher version, since a peer that saw it takes the same one for done.
func (r *round) mark(ctx context.Context, todos []*todo) (ready []*todo, err error) {
	err = r.m.change(ctx, gidsOf(pushesOf(todos)), func(c *change) error {
		ready = ready[:0]
		for i, l := range c.lines {
			t := todos[i]
			if r.next(l, t) != stepPush { // it has changed since it was planned: the next round
				t.Due = c.now
				c.commit.Later = append(c.commit.Later, t.Push)
				continue
			}
			s := l.standing(r.id)
			if s.Sent >= l.Version {
				l.bump(s.Sent)
			}
			s.Sent = l.Version
			l.offer(r.id, s)
			t.item = Item{Ref: t.ref, Stock: r.m.shown(l.Row, r.id), Version: l.Version}
			s.saw(View{Version: l.Version, Quantity: t.item.Quantity, SentAt: c.now}, c.now)
			ready = append(ready, t)
		}
		return nil
	})
	return ready, err
}

// conclude writes down what became of a push.
func (r *round) conclude(ctx context.Context, todos []*todo, applied []Applied, failure error) error {
	return r.m.change(ctx, gidsOf(pushesOf(todos)), func(c *change) error {
		for i, l := range c.lines {
			if l.Row == nil {
				continue
			}
			a := Applied{Outcome: Failed, Err: failure}
			if failure == nil {
				a = applied[i]
			}
			r.concludeOne(c, l, todos[i], a, failure != nil)
		}
		return nil
	})
}

func (r *round) concludeOne(c *change, l *line, t *todo, a Applied, all bool) {
	s := l.standing(r.id)
	at := slices.IndexFunc(s.Views, func(v View) bool { return v.Version == t.item.Version })
	switch a.Outcome {
	case Accepted, Confirmed:
		if at >= 0 {
			s.Views[at].AckedAt = c.now
		}
		if a.Outcome == Accepted {
			t.Due = c.now
			c.commit.Later = append(c.commit.Later, t.Push) // to be read back
			return
		}
		r.confirm(c, l, s, t)
	case Refused:
		if at >= 0 {
			s.Views = slices.Delete(s.Views, at, at+1)
		}
		l.refused(r.id, a.Err)
		c.commit.Done = append(c.commit.Done, t.Push)
	default:
		if at >= 0 && !ambiguous(a.Err) {
			s.Views = slices.Delete(s.Views, at, at+1)
		}
		t.Error = text(a.Err)
		t.Due = c.now
		if !all || len(r.leased) > 1 && r.hits > 0 { // it alone: the others need not wait
			t.Due = c.now.Add(max(itemDelay(t.Tries), retryAfter(a.Err)))
		}
		c.commit.Later = append(c.commit.Later, t.Push)
	}
}

// itemDelay is how long a product waits that failed alone.
func itemDelay(tries int) time.Duration {
	return min(5*time.Second<<min(tries, 20), 6*time.Hour)
}

// refused notes what a peer, or what is known of it, says against a product.
func (l *line) refused(peer StoreID, err error) {
	var why *Conflict
	if errors.As(err, &why) {
		l.conflict(peer, why.Reason, "%s", why.Detail)
		return
	}
	l.conflict(peer, Invalid, "%s", text(err))
}

func text(err error) string {
	if err == nil {
		return "no reason given"
	}
	return err.Error()
}

func gidsOf(pushes []Push) []GID {
	gids := make([]GID, len(pushes))
	for i, p := range pushes {
		gids[i] = p.GID
	}
	return gids
}

func pushesOf(todos []*todo) []Push {
	pushes := make([]Push, len(todos))
	for i, t := range todos {
		pushes[i] = t.Push
	}
	return pushes
}
