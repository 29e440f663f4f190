package eurofakturasync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
)

// change is an order whose status is to be followed.
type change struct {
	Order    woo.OrderID      `json:"order"`
	Number   string           `json:"number"`
	Day      eurofaktura.Date `json:"day"`
	Status   woo.OrderStatus  `json:"status"`
	Modified time.Time        `json:"modified"`
}

func (s *Sync) changeOf(o *woo.Order) change {
	return change{o.ID, orderNumber(o), s.c.date(o), o.Status, o.DateModified}
}

// kept is what a status job remembers from one time to the next.
type kept struct {
	DocumentID eurofaktura.DocumentID `json:"document_id"`
	Wrote      string                 `json:"wrote"`          // the status that we know to be our own work
	Held       string                 `json:"held,omitempty"` // another's, which was left alone
}

// brokenWait is how long all status jobs wait after one was seen to damage its document.
const brokenWait = 24 * time.Hour

// follow is the Work of a status job.
func (s *Sync) follow(ctx context.Context, job retryqueue.Job[change]) error {
	ch := job.Payload
	if s.c.Shop != nil { // deliveries come late and out of order: the shop itself knows
		now, err := s.c.Shop.Get(ctx, ch.Order)
		switch {
		case errors.Is(err, woo.ErrNotFound):
			return retryqueue.Stale("the order is gone from the shop")
		case err != nil:
			return fmt.Errorf("eurofakturasync: reading the status of order %d: %w", ch.Order, err)
		}
		ch.Status = now.Status
	}
	want, mapped := s.c.StatusMap[ch.Status]
	if !mapped {
		return nil
	}
	before, err := s.remembered(ctx, job.ID)
	if err != nil {
		return err
	}
	doc, err := s.document(ctx, ch, before.DocumentID)
	switch {
	case err != nil:
		return err
	case doc == nil:
		return retryqueue.Stale("the order is not in the books")
	}
	after := kept{DocumentID: doc.DocumentID, Wrote: before.Wrote}
	switch {
	case doc.Status == want:
		after.Wrote = want
	case !s.mayReplace(doc.Status, before.Wrote):
		after.Held = doc.Status
		s.log.InfoContext(ctx, "status left alone", "order", ch.Order, "document", doc.DocumentID, "has", doc.Status, "shop", ch.Status)
	default:
		if err := s.write(ctx, doc, want); err != nil {
			return err
		}
		s.log.InfoContext(ctx, "status written", "order", ch.Order, "document", doc.DocumentID, "status", want)
		after.Wrote = want
	}
	return job.SetResult(after)
}

// mayReplace is the policy: a status is replaced if it is the one that we wrote ourselves, or one that the host calls replaceable. What
// an issued document or a person has set stays, whatever happens in the shop. Before we have written any, what is there was set by the
// import, if it is empty or a word of the map.
func (s *Sync) mayReplace(has, wrote string) bool {
	switch {
	case slices.Contains(s.c.Locked, has):
		return false
	case has == "" || slices.Contains(s.c.Replaceable, has):
		return true
	case wrote != "":
		return has == wrote
	}
	for _, word := range s.c.StatusMap {
		if has == word {
			return true
		}
	}
	return false
}

// remembered is what the job kept the last time.
func (s *Sync) remembered(ctx context.Context, id retryqueue.ID) (k kept, err error) {
	found, err := s.c.Queue.List(ctx, retryqueue.Query{IDs: []retryqueue.ID{id}})
	if err != nil {
		return k, fmt.Errorf("eurofakturasync: reading what was written before: %w", err)
	}
	if len(found.Records) == 1 && len(found.Records[0].Result) > 0 {
		if err := json.Unmarshal(found.Records[0].Result, &k); err != nil {
			return kept{}, retryqueue.Permanent(fmt.Errorf("eurofakturasync: what was kept of the status cannot be read: %w", err))
		}
	}
	return k, nil
}

// document reads an order's document; nil when there is none.
func (s *Sync) document(ctx context.Context, ch change, id eurofaktura.DocumentID) (*eurofaktura.SalesOrder, error) {
	if id == "" {
		row, err := s.find(ctx, ch.Day, ch.Order, ch.Number)
		if err != nil || row == nil {
			return nil, err
		}
		id = row.DocumentID
	}
	doc, err := s.c.Books.SalesOrders.Get(ctx, eurofaktura.ByID(id))
	if errors.Is(err, eurofaktura.ErrNotFound) {
		return nil, nil
	}
	return doc, err
}

// write sets a document's status and reads it back: whether SalesOrderUpdate can do that, and what it does to the members that are left
// out, is not documented.
func (s *Sync) write(ctx context.Context, doc *eurofaktura.SalesOrder, want string) error {
	ref := eurofaktura.ByID(doc.DocumentID)
	if err := s.c.Books.SalesOrders.Update(ctx, ref, eurofaktura.SalesOrderFields{Status: eurofaktura.Set(want)}); err != nil {
		return err
	}
	now, err := s.c.Books.SalesOrders.Get(ctx, ref)
	switch {
	case err != nil:
		return fmt.Errorf("eurofakturasync: reading the status back: %w", err)
	case len(now.Items) < len(doc.Items) || !now.DocumentAmount.Equal(doc.DocumentAmount.Decimal):
		return &damage{document: doc.DocumentID, number: doc.Number}
	case now.Status != want:
		return retryqueue.Permanent(fmt.Errorf("eurofakturasync: the books took the update of order %s and left its status at %q instead of %q: "+
			"check StatusMap against the organisation's statuses of customer orders", doc.Number, now.Status, want))
	}
	return nil
}

// damage is a document that a status update did more to than was asked for. No further one is written for a day, and then again only one.
type damage struct {
	document eurofaktura.DocumentID
	number   string
}

func (d *damage) Error() string {
	return fmt.Sprintf("eurofakturasync: writing a status has changed the lines or the total of document %s (%s): "+
		"put it right by hand, and switch StatusSync off for this organisation", d.document, d.number)
}

// Systemic reports that every status would do the same.
func (d *damage) Systemic() bool { return true }

// RetryAfter is a day.
func (d *damage) RetryAfter() time.Duration { return brokenWait }
