package kledosync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
)

// fresh is how long an order is taken to be as it was read.
const fresh = time.Minute

// send is the Work of both kinds.
func (s *Sync) send(ctx context.Context, d Document, job retryqueue.Job[task]) error {
	o := job.Payload.Order
	if o == nil {
		return retryqueue.Permanent(errors.New("kledosync: the job holds no order"))
	}
	if job.Attempt > 1 || job.ByHand || time.Since(job.CreatedAt) > fresh {
		if err := s.lookAgain(ctx, d, job); err != nil {
			return err
		}
	}
	products, err := readCatalogue(ctx, s.c.Shop, o)
	if err != nil {
		return s.failed(ctx, d, job, err)
	}
	doc, err := s.c.compose(d, o, products)
	if err != nil {
		return s.failed(ctx, d, job, retryqueue.Permanent(err))
	}
	s.log.InfoContext(ctx, "sending", "order", o.ID, "document", d, "attempt", job.Attempt, "by_hand", job.ByHand)
	if d == Invoice {
		err = s.c.Books.SendInvoice(ctx, doc)
	} else {
		err = s.c.Books.SendSalesOrder(ctx, doc)
	}
	if err != nil {
		if job.Payload.Resend != nil && inDoubt(err) {
			err = retryqueue.Permanent(fmt.Errorf("look in Kledo whether it is there a second time before trying again: %w", err))
		}
		return s.failed(ctx, d, job, err)
	}
	s.log.InfoContext(ctx, "sent", "order", o.ID, "document", d, "attempt", job.Attempt)
	return s.delivered(ctx, d, job)
}

// lookAgain asks the shop whether the document is still wanted, as the plugin does before each repeat.
func (s *Sync) lookAgain(ctx context.Context, d Document, job retryqueue.Job[task]) error {
	if s.c.Shop == nil {
		return nil
	}
	now, err := s.c.Shop.Orders.Get(ctx, job.Payload.Order.ID)
	switch {
	case errors.Is(err, woo.ErrNotFound) || err == nil && now.Status == woo.OrderTrash:
		return retryqueue.Stale("the order is gone from the shop")
	case err != nil:
		return fmt.Errorf("kledosync: looking whether order %d still wants its %s: %w", job.Payload.Order.ID, d.title(), err)
	case d.marked(now) && job.Payload.Resend == nil:
		return retryqueue.Stale("already synced")
	}
	return nil
}

// probe is the Probe of both kinds: is the document there that an earlier attempt may have made?
func (s *Sync) probe(ctx context.Context, d Document, job retryqueue.Job[task]) (bool, error) {
	o := job.Payload.Order
	if o == nil {
		return false, nil
	}
	if job.Payload.Resend != nil {
		if job.ByHand { // the person has looked
			return false, nil
		}
		return false, retryqueue.Permanent(fmt.Errorf("kledosync: whether the %s was sent again is not known: look in Kledo", d.title()))
	}
	booked, refusal, err := s.look(ctx, d, o.ID)
	switch {
	case err != nil:
		return false, err
	case booked != nil:
		s.log.InfoContext(ctx, "found in Kledo", "order", o.ID, "document", d, "id", booked.ID)
		if err := job.SetResult(result{ID: booked.ID, RefNumber: booked.RefNumber}); err != nil {
			return false, err
		}
		return true, s.delivered(ctx, d, job)
	case refusal != "" && !job.ByHand:
		return false, s.failed(ctx, d, job, retryqueue.Permanent(fmt.Errorf("kledosync: Kledo refused to book the %s: %s", d.title(), refusal)))
	}
	wait := nextLook(job.UnsureFor, s.c.Settle)
	if wait <= 0 {
		s.log.WarnContext(ctx, "not found in Kledo, sending again", "order", o.ID, "document", d, "in_doubt_for", job.UnsureFor)
		return false, nil
	}
	s.log.DebugContext(ctx, "not found in Kledo yet", "order", o.ID, "document", d, "next_look", wait)
	return false, retryqueue.Snooze(wait)
}

// result is what a job keeps of the document.
type result struct {
	ID        kledo.DocumentID `json:"id"`
	RefNumber string           `json:"ref_number"`
}

// look asks Kledo for an order's document, and for its words if it has refused to book it.
func (s *Sync) look(ctx context.Context, d Document, id woo.OrderID) (booked *kledo.Booked, refusal string, err error) {
	t, err := s.c.Books.Transactions(ctx, kledo.ShopOrderID(id))
	if errors.Is(err, kledo.ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	if d == Invoice {
		return t.Invoice, t.InvoiceFailure, nil
	}
	return t.SalesOrder, t.SalesOrderFailure, nil
}

// looks are when a document in doubt is looked for, with defaultSettle.
var looks = []time.Duration{
	2 * time.Minute, 7 * time.Minute, 17 * time.Minute, 47 * time.Minute, 107 * time.Minute, 227 * time.Minute, defaultSettle,
}

// nextLook is how long to wait, when the doubt is so old, before looking again; 0 when all looks have been made.
func nextLook(age, settle time.Duration) time.Duration {
	for _, at := range looks {
		at = time.Duration(float64(at) * (float64(settle) / float64(defaultSettle)))
		if at > age {
			return at - age
		}
	}
	return 0
}

// delivered records in the shop that the document was handed over. The record is a job of its own: when it cannot be queued, the
// document counts as in doubt, is found by the next probe, and recorded then; it is never sent for it.
func (s *Sync) delivered(ctx context.Context, d Document, job retryqueue.Job[task]) error {
	text := fmt.Sprintf("Kledo: the %s was sent.", d.title())
	event := "sent"
	switch {
	case job.Payload.Resend != nil:
		text = fmt.Sprintf("Kledo: the %s was sent again by hand.", d.title())
		event = fmt.Sprintf("resent-%d", job.Payload.Resend.At.UnixNano())
	case job.ByHand:
		text = fmt.Sprintf("Kledo: the %s was sent by hand.", d.title())
	case job.Attempt > 1:
		text = fmt.Sprintf("Kledo: the %s was sent at attempt %d.", d.title(), job.Attempt)
	}
	err := s.note(ctx, event, note{Order: job.Payload.Order.ID, Document: d, Mark: true, Text: text})
	if err != nil {
		return retryqueue.Ambiguous(fmt.Errorf("kledosync: the %s was sent, but this could not be recorded: %w", d.title(), err))
	}
	return nil
}

// failed tells the shop of a first failure and of a last one, and returns err.
func (s *Sync) failed(ctx context.Context, d Document, job retryqueue.Job[task], err error) error {
	if ctx.Err() != nil { // cut off: the queue makes something else of it
		return err
	}
	log := s.log.With("order", job.Payload.Order.ID, "document", d, "attempt", job.Attempt)
	log.WarnContext(ctx, "not sent", "error", err)
	var event, text string
	switch last := s.lastAttempt(job, err); {
	case last && job.Attempt > 1:
		event, text = "gave-up", fmt.Sprintf("Kledo: the %s was given up after %d attempts: %s", d.title(), job.Attempt, err)
	case last:
		event, text = "failed", fmt.Sprintf("Kledo: the %s was not sent and is not tried again by itself: %s", d.title(), err)
	case job.Attempt == 1 && !job.ByHand:
		event, text = "failed", fmt.Sprintf("Kledo: the %s was not sent yet and is tried again by itself: %s", d.title(), err)
	default:
		return err
	}
	if err := s.note(ctx, event, note{Order: job.Payload.Order.ID, Document: d, Text: text}); err != nil {
		log.WarnContext(ctx, "no order note", "error", err)
	}
	return err
}

// lastAttempt reports whether the queue will make no further attempt by itself after err.
func (s *Sync) lastAttempt(job retryqueue.Job[task], err error) bool {
	var permanent interface{ Permanent() bool }
	var systemic interface{ Systemic() bool }
	switch {
	case errors.As(err, &permanent) && permanent.Permanent():
		return true
	case errors.As(err, &systemic) && systemic.Systemic(), job.ByHand:
		return false
	}
	attempts, age := 0, time.Duration(0)
	if l, ok := s.c.Schedule.(retryqueue.Limited); ok {
		attempts, age = l.Limits()
	}
	if attempts == 0 {
		attempts = retryqueue.DefaultMaxAttempts
	}
	if age == 0 {
		age = retryqueue.DefaultMaxAge
	}
	wait := s.c.Schedule.Delay(job.Attempt)
	return wait < 0 || attempts > 0 && job.Attempt >= attempts || age > 0 && job.Age+wait > age
}

// inDoubt reports whether the document may be booked although err came back.
func inDoubt(err error) bool {
	var ambiguous interface{ Ambiguous() bool }
	return errors.As(err, &ambiguous) && ambiguous.Ambiguous()
}
