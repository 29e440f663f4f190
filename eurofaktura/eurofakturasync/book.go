package eurofakturasync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
)

// fresh is how old an order may be that is imported without another look at the shop.
const fresh = 10 * time.Minute

// result is what a job keeps of the document.
type result struct {
	DocumentID eurofaktura.DocumentID `json:"document_id"`
	Number     string                 `json:"number"`
}

// book is the Work of an import.
func (s *Sync) book(ctx context.Context, job retryqueue.Job[task]) error {
	o := job.Payload.Order
	if o == nil {
		return retryqueue.Permanent(errors.New("eurofakturasync: the job holds no order"))
	}
	if s.c.Shop != nil && (job.Attempt > 1 || job.ByHand || time.Since(job.CreatedAt) > fresh) {
		now, err := s.c.Shop.Get(ctx, o.ID)
		switch {
		case errors.Is(err, woo.ErrNotFound) || err == nil && now.Status == woo.OrderTrash:
			return retryqueue.Stale("the order is gone from the shop")
		case err != nil:
			return fmt.Errorf("eurofakturasync: looking whether order %d is still there: %w", o.ID, err)
		}
	}
	fields, err := s.c.compose(o)
	if err != nil {
		return retryqueue.Permanent(err)
	}
	if err := s.introduce(ctx, fields); err != nil {
		return err
	}
	created, err := s.c.Books.SalesOrders.Create(ctx, s.c.transaction(o.ID), *fields)
	if errors.Is(err, eurofaktura.ErrDuplicate) { // the server knows the transaction, and does not say what came of it
		found, lookErr := s.find(ctx, s.c.date(o), o.ID, orderNumber(o))
		switch {
		case lookErr != nil:
			return retryqueue.Ambiguous(lookErr)
		case found == nil:
			return retryqueue.Permanent(fmt.Errorf("eurofakturasync: the books say that order %s was booked, and do not list it: look for %s there: %w",
				orderNumber(o), s.c.transaction(o.ID), err))
		}
		created, err = &eurofaktura.Created{DocumentID: found.DocumentID, Number: found.Number}, nil
	}
	if err != nil {
		s.forget(err)
		return err
	}
	s.log.InfoContext(ctx, "booked", "order", o.ID, "document", created.DocumentID, "number", created.Number, "attempt", job.Attempt)
	return s.booked(ctx, job, created.DocumentID, created.Number)
}

// booked notes the document. With StatusSync its status is looked at: the server may have ignored the one that was sent, and the
// order may have moved on meanwhile. When that cannot be queued the document counts as in doubt, is found by the next probe and noted then.
func (s *Sync) booked(ctx context.Context, job retryqueue.Job[task], id eurofaktura.DocumentID, number string) error {
	if err := job.SetResult(result{id, number}); err != nil {
		return err
	}
	if err := s.Follow(ctx, job.Payload.Order); err != nil {
		return retryqueue.Ambiguous(fmt.Errorf("eurofakturasync: the order was booked, but its status cannot be followed: %w", err))
	}
	return nil
}

// probe is the Probe of an import: is the document there that an earlier attempt may have made?
func (s *Sync) probe(ctx context.Context, job retryqueue.Job[task]) (bool, error) {
	o := job.Payload.Order
	if o == nil {
		return false, nil
	}
	found, err := s.find(ctx, s.c.date(o), o.ID, orderNumber(o))
	switch {
	case err != nil:
		return false, err
	case found != nil:
		s.log.InfoContext(ctx, "found in the books", "order", o.ID, "document", found.DocumentID)
		return true, s.booked(ctx, job, found.DocumentID, found.Number)
	}
	if wait := nextLook(job.UnsureFor, s.c.Settle); wait > 0 {
		return false, retryqueue.Snooze(wait)
	}
	s.log.WarnContext(ctx, "not found in the books, sending again", "order", o.ID, "in_doubt_for", job.UnsureFor)
	return false, nil
}

// nextLook is how long to wait, when the doubt is so old, before looking again; 0 when all looks have been made.
func nextLook(age, settle time.Duration) time.Duration {
	for _, at := range []time.Duration{settle / 15, settle / 3, settle} {
		if at > age {
			return at - age
		}
	}
	return 0
}

// find looks for an order's document among those of its day, and of the days beside it. A list row that tells no reference is asked for
// by itself.
func (s *Sync) find(ctx context.Context, day eurofaktura.Date, id woo.OrderID, number string) (*eurofaktura.SalesOrder, error) {
	mine := s.c.transaction(id)
	var byNumber *eurofaktura.SalesOrder
	for row, err := range s.c.Books.SalesOrders.All(ctx, eurofaktura.OrderQuery{From: day.AddDays(-1), To: day.AddDays(1)}) {
		if err != nil {
			return nil, fmt.Errorf("eurofakturasync: looking for order %s in the books: %w", number, err)
		}
		if row.OrderReference == "" && row.ReferenceDocumentNumber == "" && row.DocumentID != "" {
			if row, err = s.c.Books.SalesOrders.Get(ctx, eurofaktura.ByID(row.DocumentID)); err != nil {
				return nil, fmt.Errorf("eurofakturasync: looking for order %s in the books: %w", number, err)
			}
		}
		switch {
		case row.OrderReference == mine:
			return row, nil
		case row.OrderReference == "" && row.ReferenceDocumentNumber == number && s.ours(row): // a server that keeps no orderReference
			byNumber = row
		}
	}
	return byNumber, nil
}

// ours reports that a document is not another shop's, as far as it says.
func (s *Sync) ours(row *eurofaktura.SalesOrder) bool {
	return (row.CostPosition == "" || row.CostPosition == s.c.CostCentre) && (row.WarehouseCode == "" || row.WarehouseCode == s.c.Warehouse)
}
