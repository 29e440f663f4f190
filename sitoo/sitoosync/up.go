package sitoosync

import (
	"context"
	"fmt"

	"github.com/tillwire/tillwire/retryqueue"
)

// upKind is a sort of work that goes up to the till by the queue. What is enqueued is the id of the shop's record alone: the work
// reads the record as it is then, so a burst of changes is sent once, and a late attempt sends nothing old.
type upKind string

const (
	stockKind    upKind = "stock"    // the stock of a product or variation: "12", "12/34"
	productKind  upKind = "product"  // a linked product with its variations
	categoryKind upKind = "category" // a linked category
	couponKind   upKind = "coupon"
	orderKind    upKind = "order" // whatever an order's status asks for: T2, T5, M5
)

// upWork does one such piece of work. It must bear to be done again: an earlier attempt may have had its effect.
type upWork func(s *Sync, ctx context.Context, id string) error

// upwards is the table of them. One line each; a kind without a line is not sent.
func upwards() map[upKind]upWork {
	return map[upKind]upWork{
		stockKind:    (*Sync).sendStock,
		productKind:  (*Sync).sendProduct,
		categoryKind: (*Sync).sendCategory,
		couponKind:   (*Sync).sendCoupon,
		orderKind:    (*Sync).sendOrder,
	}
}

type (
	producer = retryqueue.Producer[upJob]
	upJob    struct {
		ID string `json:"id"`
	}
)

// kindName is the kind's name in the queue.
func (s *Sync) kindName(kind upKind) string { return s.c.Name + "." + string(kind) }

func (s *Sync) register(kind upKind, work upWork) (*producer, error) {
	return retryqueue.Register(s.c.Queue, retryqueue.Kind[upJob]{
		Name: s.kindName(kind), Again: retryqueue.Latest, Schedule: s.c.Schedule, Concurrency: 1, // the till bears one request at a time
		Work: func(ctx context.Context, job retryqueue.Job[upJob]) error {
			err := work(s, ctx, job.Payload.ID)
			if err != nil {
				s.log.WarnContext(ctx, "sending up failed", "kind", kind, "id", job.Payload.ID, "error", err)
			}
			return err
		},
		Describe: func(j upJob) (label, url, warning string) { return string(kind) + " " + j.ID, "", "" },
	})
}

// stopper are the errors that every further request would meet.
type stopper interface{ Systemic() bool }

// sendUp remembers that a record of the shop is to go up; it is durable when this returns nil.
func (s *Sync) sendUp(ctx context.Context, kind upKind, ids ...string) error {
	p := s.up[kind]
	if p == nil {
		return nil // nothing of this package sends that
	}
	for _, id := range ids {
		if _, err := p.Enqueue(ctx, id, upJob{id}); err != nil {
			return fmt.Errorf("sitoosync: remembering %s %s: %w", kind, id, err)
		}
	}
	return nil
}
