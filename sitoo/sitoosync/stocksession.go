package sitoosync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/sitoo"
)

// session is a batch of changes on its way into a FIFO warehouse (T3). It is kept before the till hears of it, so that after a
// crash each change is booked once: a batch that is not closed can be filled again and closed, one that is closed is done (traps 38
// to 40).
type session struct {
	Type  sitoo.TransactionType `json:"type"`
	Key   string                `json:"key"` // the batch's external id
	ID    sitoo.StockBatchID    `json:"id,omitempty"`
	Lines []sessionLine         `json:"lines"`
}

type sessionLine struct {
	SKU      string          `json:"sku"`
	Quantity decimal.Decimal `json:"quantity"`
	Stock    Link            `json:"stock"` // the StockLink as it is to be once the batch is booked
}

// sessionRequests: look whether one is open, open one, fill it, close it.
const sessionRequests = 4

func sessionState(t sitoo.TransactionType) string { return fmt.Sprintf("session-%d", t) }

// sessionTypes are those that Config.Force uses.
func (s *Sync) sessionTypes() []sitoo.TransactionType {
	if s.c.Force == ForceByStocktaking {
		return []sitoo.TransactionType{sitoo.Stocktaking}
	}
	return []sitoo.TransactionType{sitoo.MoveIn, sitoo.MoveOut}
}

// move books what the shop's stock of items has changed by, what comes in and what goes out each in a batch. Stocktaking books the
// shop's figure.
func (s *Sync) move(ctx context.Context, items []*item, results map[*item]error) {
	lines := map[sitoo.TransactionType][]sessionLine{}
	of := map[sitoo.TransactionType][]*item{}
	var has map[string]decimal.Decimal
	var err error
	unagreed := slices.DeleteFunc(slices.Clone(items), func(it *item) bool { return it.agreed.known })
	if len(unagreed) > 0 {
		has, err = s.tillHas(ctx, skusOf(unagreed))
	}
	for _, it := range items {
		before, known := it.agreed.figure, it.agreed.known
		if !known {
			before = has[it.sku]
		}
		next := Link{StockLink, it.link.Woo, it.link.Sitoo, agreedOn(*it.stock).String()}
		l := sessionLine{SKU: it.sku, Quantity: it.stock.Sub(before), Stock: next}
		t := sitoo.MoveIn
		switch {
		case err != nil && !known:
			results[it] = err
			continue
		case s.c.Force == ForceByStocktaking:
			t, l.Quantity = sitoo.Stocktaking, *it.stock
		case l.Quantity.Sign() < 0:
			t = sitoo.MoveOut // its quantities are negative (Q5)
		case l.Quantity.Sign() == 0:
			results[it] = s.agree(ctx, map[*item]agreed{it: agreedOn(*it.stock)})
			continue
		}
		lines[t], of[t] = append(lines[t], l), append(of[t], it)
	}
	for _, t := range slices.Sorted(maps.Keys(lines)) {
		err := s.book(ctx, t, lines[t])
		for i, it := range of[t] {
			results[it] = refusedLine(err, i)
		}
	}
}

// refusedLines are the lines of a batch that the till refused; the others were booked.
type refusedLines map[int]error

func (r refusedLines) Error() string { return fmt.Sprintf("the till refuses %d lines", len(r)) }

func refusedLine(err error, i int) error {
	var refused refusedLines
	if errors.As(err, &refused) {
		return refused[i]
	}
	return err
}

// book opens a batch, fills and closes it. One that staff have open makes it fail: closing it would book what they have half counted.
func (s *Sync) book(ctx context.Context, t sitoo.TransactionType, lines []sessionLine) error {
	open, err := s.openBatches(ctx, t)
	if err != nil {
		return err
	}
	prefix := fmt.Sprintf("%s-%d-", s.c.Name, t)
	ses := &session{Type: t, Key: prefix + strconv.FormatInt(time.Now().UnixNano(), 10), Lines: lines}
	for _, b := range open {
		if !strings.HasPrefix(b.ExternalID, prefix) || !s.empty(ctx, b.ID) {
			return fmt.Errorf("sitoosync: batch %d of type %d is open in warehouse %d: it must be closed at the till first",
				b.ID, t, s.c.Warehouse)
		}
		ses.ID = b.ID // opened by a request of ours that arrived after it was given up
	}
	if err := s.save(ctx, sessionState(t), ses); err != nil {
		return err
	}
	return s.carry(ctx, ses)
}

func (s *Sync) empty(ctx context.Context, b sitoo.StockBatchID) bool {
	lines, _, err := s.c.Till.BatchLines(s.c.Warehouse, b).List(ctx, sitoo.ListQuery{PerPage: 1})
	return err == nil && len(lines) == 0
}

func (s *Sync) openBatches(ctx context.Context, t sitoo.TransactionType) ([]*sitoo.StockBatch, error) {
	open, _, err := s.c.Till.StockBatches(s.c.Warehouse).List(ctx, sitoo.StockBatchQuery{Type: t, State: sitoo.BatchOpen})
	return open, err
}

// carry takes a session from wherever it stands to its end.
func (s *Sync) carry(ctx context.Context, ses *session) error {
	batches := s.c.Till.StockBatches(s.c.Warehouse)
	if ses.ID == 0 {
		id, err := batches.Create(ctx, sitoo.StockBatchFields{
			Type: sitoo.Set(ses.Type), Comment: sitoo.Set("stock of the shop"), ExternalID: sitoo.Set(ses.Key),
		})
		if err != nil {
			if !errors.Is(err, sitoo.ErrAmbiguous) {
				return errors.Join(err, s.save(ctx, sessionState(ses.Type), nil)) // it was not opened: nothing to come back to
			}
			return err
		}
		ses.ID = id
		if err := s.save(ctx, sessionState(ses.Type), ses); err != nil {
			return err
		}
	}
	rows := make([]sitoo.BatchLineFields, len(ses.Lines))
	for i, l := range ses.Lines {
		rows[i] = sitoo.BatchLineFields{SKU: l.SKU, Quantity: sitoo.NewQuantity(l.Quantity)}
	}
	results, err := s.c.Till.BatchLines(s.c.Warehouse, ses.ID).PlanSet(rows).Run(ctx)
	if err != nil {
		return err
	}
	refused := refusedLines{}
	var booked []sessionLine
	for i, r := range results {
		if r.Err != nil {
			refused[i] = r.Err
			continue
		}
		booked = append(booked, ses.Lines[i])
	}
	if len(refused) > 0 { // a crash behind the closing must not take them for booked
		ses.Lines = booked
		if err := s.save(ctx, sessionState(ses.Type), ses); err != nil {
			return err
		}
	}
	if err := batches.Update(ctx, ses.ID, sitoo.StockBatchFields{State: sitoo.Set(sitoo.BatchClosed)}); err != nil {
		// Where the answer was lost the repeat is refused: it is closed.
		if b, lookErr := batches.Get(ctx, ses.ID); lookErr != nil || b.State != sitoo.BatchClosed {
			return err
		}
	}
	if err := s.booked(ctx, ses.Type, booked); err != nil {
		return err
	}
	if len(refused) > 0 {
		return refused
	}
	return nil
}

// booked keeps what both sides now have, and forgets the session.
func (s *Sync) booked(ctx context.Context, t sitoo.TransactionType, lines []sessionLine) error {
	var links []Link
	for _, l := range lines {
		links = append(links, l.Stock)
	}
	if len(links) > 0 {
		if err := s.put(ctx, links...); err != nil {
			return err
		}
	}
	return s.save(ctx, sessionState(t), nil)
}

// enterStock enters the gate of what compares both sides' stock, and ends first what an earlier attempt, or process, has left half
// done.
func (s *Sync) enterStock(ctx context.Context) error {
	if err := s.stock.enter(ctx); err != nil {
		return err
	}
	err := s.resumeSessions(ctx)
	if err != nil {
		s.stock.leave()
	}
	return err
}

// resumeSessions ends the sessions that are half done.
func (s *Sync) resumeSessions(ctx context.Context) error {
	path, err := s.path(ctx)
	if err != nil || path != ByBatch || s.rehearses {
		return err
	}
	for _, t := range s.sessionTypes() {
		ses := &session{}
		if err := s.load(ctx, sessionState(t), ses); err != nil {
			return err
		}
		if ses.Key == "" {
			continue
		}
		var refused refusedLines
		if err := s.resume(ctx, ses); err != nil && !errors.As(err, &refused) {
			return err
		}
	}
	return nil
}

func (s *Sync) resume(ctx context.Context, ses *session) error {
	if ses.ID == 0 { // its opening may have been lost, or its answer
		open, err := s.openBatches(ctx, ses.Type)
		if err != nil {
			return err
		}
		for _, b := range open {
			if b.ExternalID == ses.Key {
				ses.ID = b.ID
			}
		}
		if ses.ID == 0 {
			return s.save(ctx, sessionState(ses.Type), nil)
		}
		return s.carry(ctx, ses)
	}
	b, err := s.c.Till.StockBatches(s.c.Warehouse).Get(ctx, ses.ID)
	switch {
	case err != nil:
		return err
	case b.State == sitoo.BatchOpen:
		return s.carry(ctx, ses)
	}
	return s.booked(ctx, ses.Type, ses.Lines)
}
