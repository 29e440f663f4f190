package kledosync

import (
	"context"
	"errors"
	"fmt"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
)

// note is something to be written to an order of the shop: a synced mark, an order note, or both.
type note struct {
	Order    woo.OrderID `json:"order"`
	Document Document    `json:"document"`
	Mark     bool        `json:"mark,omitzero"`
	Text     string      `json:"text"`
}

// note queues n under what happened, so that it is written once although the happening may be told twice.
func (s *Sync) note(ctx context.Context, event string, n note) error {
	n.Mark = n.Mark && !s.c.NoMarks
	if s.c.NoNotes {
		n.Text = ""
	}
	if s.notes == nil || !n.Mark && n.Text == "" {
		return nil
	}
	_, err := s.notes.Enqueue(ctx, fmt.Sprintf("%d:%s:%s", n.Order, n.Document, event), n)
	return err
}

// write is the Work of notes. The mark goes first: it is what a second delivery would be prevented by. It is set by key, so that
// setting it again changes nothing.
func (s *Sync) write(ctx context.Context, job retryqueue.Job[note]) error {
	n := job.Payload
	var err error
	if n.Mark {
		_, err = s.c.Shop.Orders.Update(ctx, n.Order, woo.OrderFields{
			MetaData: woo.Set([]woo.MetaFields{woo.SetMeta(n.Document.mark(), "yes")}),
		})
	}
	if err == nil && n.Text != "" {
		_, err = s.c.Shop.OrderNotes(n.Order).Create(ctx, woo.OrderNoteFields{Note: woo.Set(n.Text)})
	}
	if errors.Is(err, woo.ErrNotFound) {
		return retryqueue.Stale("the order is gone from the shop")
	}
	return err
}

// written is the Probe of notes: an order note is the last that Work writes, and the only thing it must not write twice.
func (s *Sync) written(ctx context.Context, job retryqueue.Job[note]) (bool, error) {
	n := job.Payload
	if n.Text == "" {
		return false, nil
	}
	for have, err := range s.c.Shop.OrderNotes(n.Order).All(ctx, woo.OrderNoteQuery{}) {
		switch {
		case errors.Is(err, woo.ErrNotFound):
			return false, retryqueue.Stale("the order is gone from the shop")
		case errors.Is(err, woo.ErrMalformed):
		case err != nil:
			return false, err
		case have.Note == n.Text:
			return true, nil
		}
	}
	return false, nil
}
