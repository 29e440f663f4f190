package stocksync

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/retryqueue"
)

const (
	// reportBatch is how many products go into one report. A plugin's master wraps what it is told into a scheduled action of at most
	// 8000 characters: of a larger event the other children would never hear.
	reportBatch = 25
	// childLease is how long a product may take; a v1 master has pushed to all its children before it answers.
	childLease = 2 * time.Minute
	// strikes is how often something is done and not found before it is a conflict.
	strikes = 3
	// conflictPause is how long a product waits that only a person can help.
	conflictPause = time.Hour
)

// report is the job that squares with the master what waits for it.
func (c *Child) report(ctx context.Context) error {
	due, err := c.c.Store.Behind(ctx, c.master, reportBatch, childLease)
	if err != nil {
		return fmt.Errorf("stocksync: what waits for %s: %w", c.master, err)
	}
	if len(due) == 0 {
		return c.rest(ctx, c.master)
	}
	exact, ok := c.c.Master.(Exact)
	alone := ok && exact.Exact(ctx)
	together := bundles(due, alone)
	var failed error
	for i, failures := 0, 0; i < len(together); i++ {
		s := &squaring{c: c, exact: alone}
		err := s.run(ctx, together[i])
		if err == nil {
			failures = 0
			continue
		}
		failed = err
		left := together[i]
		if failures++; failures > 1 || i == 0 && stops(err) { // it is the master, not the product
			left = slices.Concat(together[i:]...)
		}
		if err := c.putOff(ctx, left, err); err != nil {
			return errors.Join(failed, err)
		}
		if len(left) > len(together[i]) {
			return failed
		}
	}
	if failed != nil && len(together) == 1 {
		return failed
	}
	return retryqueue.More()
}

// stops says whether an error speaks of more than what was asked.
func stops(err error) bool {
	var s interface{ Systemic() bool }
	var w interface{ RetryAfter() time.Duration }
	return errors.As(err, &s) && s.Systemic() || errors.As(err, &w) && w.RetryAfter() > 0
}

// bundles splits what is due into what goes together: a product that has failed before goes alone, so that it keeps no other back.
func bundles(due []Push, alone bool) [][]Push {
	var all [][]Push
	var fresh []Push
	for _, p := range due {
		if alone || p.Tries > 0 {
			all = append(all, []Push{p})
		} else {
			fresh = append(fresh, p)
		}
	}
	if len(fresh) > 0 {
		all = append([][]Push{fresh}, all...)
	}
	return all
}

// rest ends a job for which nothing is due: until something is, if anything waits.
func (c *Child) rest(ctx context.Context, peer StoreID) error {
	backlog, err := c.c.Store.Backlog(ctx)
	if err != nil {
		return fmt.Errorf("stocksync: the backlog: %w", err)
	}
	if w := backlog[peer]; w.Count > 0 {
		return retryqueue.Snooze(max(time.Second, time.Until(w.Next)))
	}
	return nil
}

// putOff gives back what failed, and what was not tried for that.
func (c *Child) putOff(ctx context.Context, due []Push, cause error) error {
	var wait interface{ RetryAfter() time.Duration }
	gids := make([]GID, len(due))
	var commit Commit
	for i, p := range due {
		delay := retries.Delay(p.Tries + 1)
		if errors.As(cause, &wait) {
			delay = max(delay, wait.RetryAfter())
		}
		p.Due, p.Error = time.Now().Add(delay), cause.Error()
		gids[i], commit.Later = p.GID, append(commit.Later, p)
	}
	return c.c.Store.Update(ctx, gids, func([]*Row) (Commit, error) { return commit, nil })
}

// squaring is one exchange with the master about some products: ask what it has, tell it that and what was sold here, and read what it
// has then. One runs at a time, so that no product has two reports under way.
type squaring struct {
	c     *Child
	exact bool
	asked time.Time
	lines []*squared
}

// squared is a product in it.
type squared struct {
	push  Push
	row   *Row            // before
	fresh *Stock          // what the master answered at first; nil when it was not asked or has no such stock
	event string          // under which it was told, "" if it was not
	item  Item            // what it was told
	delta decimal.Decimal // of it
}

func (s *squaring) run(ctx context.Context, due []Push) error {
	if err := s.load(ctx, due); err != nil {
		return err
	}
	if err := s.ask(ctx); err != nil {
		return err
	}
	if err := s.mark(ctx); err != nil {
		return err
	}
	if err := s.tell(ctx); err != nil {
		return err
	}
	return s.settle(ctx)
}

func (s *squaring) load(ctx context.Context, due []Push) error {
	gids := make([]GID, len(due))
	for i, p := range due {
		gids[i] = p.GID
	}
	rows, err := s.c.rows(ctx, gids)
	if err != nil {
		return fmt.Errorf("stocksync: reading what waits for %s: %w", s.c.master, err)
	}
	for i, row := range rows {
		if row == nil {
			row = &Row{Item: Item{Ref: Ref{GID: due[i].GID}}}
		}
		s.lines = append(s.lines, &squared{push: due[i], row: row})
	}
	return nil
}

// ask asks the master for what it has of the products of which it is to be told something.
func (s *squaring) ask(ctx context.Context) error {
	s.asked = time.Now().UTC()
	var telling []*squared
	var refs []Ref
	for _, l := range s.lines {
		if len(l.row.Held) > 0 && l.row.Manage != Unmanaged && !s.c.c.Exclude.Has(l.row.SKU) {
			telling, refs = append(telling, l), append(refs, l.row.wireRef())
		}
	}
	if len(refs) == 0 {
		return nil
	}
	fresh, err := s.c.query(ctx, refs)
	if err != nil {
		return err
	}
	for i, l := range telling {
		l.fresh = fresh[i]
	}
	return nil
}

// mark writes down what is to be told, before it is: after a crash it is known that the master may have it.
func (s *squaring) mark(ctx context.Context) error {
	var telling []*squared
	var gids []GID
	for _, l := range s.lines {
		if l.fresh != nil {
			telling, gids = append(telling, l), append(gids, l.row.GID)
		}
	}
	if len(gids) == 0 {
		return nil
	}
	events := map[bool]string{true: rand.Text(), false: rand.Text()} // increases and decreases are told apart: by the context
	err := s.c.c.Store.Update(ctx, gids, func(rows []*Row) (Commit, error) {
		var commit Commit
		now := time.Now().UTC()
		for i, row := range rows {
			l := telling[i]
			if l.event = ""; row == nil {
				continue
			}
			before := row.target()
			sent := row.sent()
			if sent != nil && !s.exact && sent.Quantity.Equal(l.fresh.Quantity) {
				row.confirm(sent.Source) // the answer was lost, the report was not
				row.Quantity = l.fresh.Quantity
				row.touch(now)
				commit.Push = append(commit.Push, row.outbox(s.c.self, time.Time{}))
				sent = nil
			}
			if sent == nil || !s.exact {
				sent = row.send(now, l.fresh.Quantity, events[row.own().IsPositive()])
			}
			if sent != nil {
				l.event, l.delta = sent.Source, sent.Delta
				l.item = l.tell(row)
			}
			commit.Rows = append(commit.Rows, row)
			commit.Ledger = s.c.account(commit.Ledger, row, before, s.asked)
		}
		return commit, nil
	})
	if err != nil {
		return fmt.Errorf("stocksync: writing down what %s is to be told: %w", s.c.master, err)
	}
	return nil
}

// tell is the item of a report: the master's own state as it was just answered, and what was sold here. Never a version: a plugin's
// master would take it for its own counter, and fence what comes later.
func (l *squared) tell(row *Row) Item {
	was := l.fresh.Quantity
	stock := Stock{Quantity: was.Add(l.delta), Backorders: l.fresh.Backorders, Manage: row.Manage}
	if stock.Manage == "" {
		stock.Manage = Managed
	}
	stock.Status = status(stock.Quantity, stock.Backorders)
	return Item{Ref: row.wireRef(), Stock: stock, Was: &was}
}

// tell sends the reports, one for each event.
func (s *squaring) tell(ctx context.Context) error {
	var order []string
	reports := map[string]*Report{}
	for _, l := range s.lines {
		if l.event == "" {
			continue
		}
		r := reports[l.event]
		if r == nil {
			r = &Report{EventID: l.event, Kind: StockState, From: s.c.self, At: s.asked, Context: "order_processing"}
			if l.delta.IsPositive() {
				r.Context = "order_restore"
			}
			reports[l.event] = r
			order = append(order, l.event)
		}
		r.Items = append(r.Items, l.item)
	}
	for i, event := range order {
		err := s.c.c.Master.Report(ctx, *reports[event])
		if s.c.health.outbound(s.c.master, err); err != nil {
			unsent := order[i+1:]
			if !isAmbiguous(err) {
				unsent = order[i:]
			}
			err = fmt.Errorf("stocksync: telling %s of %d products: %w", s.c.master, len(reports[event].Items), err)
			return errors.Join(err, s.unsend(ctx, unsent))
		}
	}
	return nil
}

// unsend takes back what surely did not arrive, so that nobody looks for it at the master.
func (s *squaring) unsend(ctx context.Context, events []string) error {
	var gids []GID
	for _, l := range s.lines {
		for _, event := range events {
			if l.event == event {
				gids = append(gids, l.row.GID)
			}
		}
	}
	if len(gids) == 0 || s.exact {
		return nil
	}
	return s.c.c.Store.Update(ctx, gids, func(rows []*Row) (Commit, error) {
		var commit Commit
		for _, row := range rows {
			if sent := row.sent(); sent != nil {
				sent.Note = ""
				commit.Rows = append(commit.Rows, row)
			}
		}
		return commit, nil
	})
}

// settle reads what the master has now, and draws the conclusions.
func (s *squaring) settle(ctx context.Context) error {
	refs, gids := make([]Ref, len(s.lines)), make([]GID, len(s.lines))
	for i, l := range s.lines {
		refs[i], gids[i] = l.row.wireRef(), l.row.GID
	}
	at := time.Now().UTC()
	seen, err := s.c.read(ctx, refs)
	if err != nil {
		return err
	}
	var events []Event
	err = s.c.c.Store.Update(ctx, gids, func(rows []*Row) (Commit, error) {
		var commit Commit
		events = nil
		for i, l := range s.lines {
			if row := rows[i]; row == nil || row.SKU == "" {
				commit.Done = append(commit.Done, l.push)
			} else {
				events = append(events, s.conclude(&commit, l, row, seen[i], at)...)
			}
		}
		return commit, nil
	})
	if err != nil {
		return fmt.Errorf("stocksync: keeping what %s answered: %w", s.c.master, err)
	}
	s.c.record(ctx, events...)
	return s.c.wake(ctx, s.c.shelves)
}

// conclude is settle for one product.
func (s *squaring) conclude(commit *Commit, l *squared, row *Row, seen *Stock, at time.Time) (events []Event) {
	now := time.Now().UTC()
	master := row.standing(s.c.master)
	before, told := row.target(), l.event != ""
	pushed := row.Version != l.row.Version // while we asked: which of the two is newer cannot be known
	wait := time.Duration(0)
	var conflict *Conflict
	switch {
	case seen == nil:
		conflict = &Conflict{Reason: MissingProduct, Detail: "the master has no such product: create it there, or exclude it here"}
		wait = conflictPause
	case seen.Manage == Unmanaged:
		row.Held = nil
		if len(l.row.Held) > 0 {
			events = append(events, s.c.about("warn", row.Ref, "sold here, but the master does not count it"))
		}
	case told && !s.exact && seen.Quantity.Equal(l.fresh.Quantity):
		wait = retries.Delay(1)
		if master.Missed++; master.Missed >= strikes {
			conflict = &Conflict{Reason: NotApplied, Detail: fmt.Sprintf("the master was told %d times, of %s last, and still has %s: "+
				"look there whether the product is excluded", master.Missed, l.item.Quantity, seen.Quantity)}
			wait = conflictPause
		}
	case told:
		row.confirm(l.event)
		master.Missed = 0
	case l.fresh == nil && len(l.row.Held) > 0 && !s.c.c.Exclude.Has(row.SKU):
		wait = retries.Delay(1) // sold, there and counted, and yet not to be had: not now
	}
	if seen != nil {
		switch {
		case !pushed:
			row.take(*seen)
			master.Checked = at
		case seen.Quantity.LessThan(row.Quantity):
			row.Quantity = seen.Quantity // until it is read again: too low undersells, too high oversells
		}
	}
	if conflict != nil {
		conflict.Peer, conflict.Ref, conflict.Since = s.c.master, row.Ref, now
		if master.Conflict == nil || master.Conflict.Reason != conflict.Reason {
			events = append(events, s.c.about("error", row.Ref, conflict.Error()))
		} else {
			conflict.Since = master.Conflict.Since
		}
	}
	master.Conflict = conflict
	commit.Ledger = s.c.account(commit.Ledger, row, before, at)
	row.touch(now)
	commit.Rows = append(commit.Rows, row)
	if len(l.row.Held) > 0 || !sameStock(l.row.Stock, row.Stock) {
		commit.Push = append(commit.Push, row.outbox(s.c.self, time.Time{}))
	}
	switch {
	case pushed || wait == 0 && len(row.Held) > 0:
		commit.Push = append(commit.Push, row.outbox(s.c.master, time.Time{}))
	case wait > 0 && len(row.Held) > 0:
		again := l.push
		again.Due, again.Error = now.Add(wait), "not there yet"
		commit.Later = append(commit.Later, again)
	default:
		commit.Done = append(commit.Done, l.push)
	}
	return events
}

// account keeps the ledger whole: it sums up to what the shelf is to have, also where that was read from the master.
func (c *Child) account(ledger []Entry, row *Row, before decimal.Decimal, at time.Time) []Entry {
	delta := row.target().Sub(before)
	if delta.IsZero() {
		return ledger
	}
	return append(ledger, Entry{Store: c.master, Source: "read/" + rand.Text(), GID: row.GID, Delta: delta, At: at})
}

// query asks the master what may be sold.
func (c *Child) query(ctx context.Context, refs []Ref) ([]*Stock, error) {
	return c.askMaster(ctx, "asking %s for what may be sold", c.c.Master.Query, refs)
}

// read asks the master for its own state.
func (c *Child) read(ctx context.Context, refs []Ref) ([]*Stock, error) {
	return c.askMaster(ctx, "reading %s", c.c.Master.Read, refs)
}

func (c *Child) askMaster(
	ctx context.Context, what string, ask func(context.Context, []Ref) ([]*Stock, error), refs []Ref,
) ([]*Stock, error) {
	answer, err := ask(ctx, refs)
	if err == nil && len(answer) != len(refs) {
		err = fmt.Errorf("it answered %d of %d products", len(answer), len(refs))
	}
	c.health.outbound(c.master, err)
	if err != nil {
		return nil, fmt.Errorf("stocksync: "+what+": %w", c.master, err)
	}
	return answer, nil
}

// about is an event about a product and the master.
func (c *Child) about(level string, ref Ref, text string) Event {
	return Event{Level: level, Peer: c.master, Action: "report", Ref: ref, Text: text}
}

// isAmbiguous says whether a request may have had its effect, although it failed.
func isAmbiguous(err error) bool {
	var a interface{ Ambiguous() bool }
	return errors.As(err, &a) && a.Ambiguous()
}
