package kledosync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
)

// Sync sends the orders of one shop to Kledo. It is safe for concurrent use, and many processes may share its queue's store.
type Sync struct {
	c     Config
	log   *slog.Logger
	tasks map[Document]*retryqueue.Producer[task]
	notes *retryqueue.Producer[note] // nil: nothing is written to the shop

	finance  *general
	payments *retryqueue.Producer[payment] // nil: invoices are not booked through finance/*
}

// task is what a queued document is made of: the order as it was read.
type task struct {
	Order *woo.Order `json:"order"`
	// Resend is set when a person wants the document once more, although it was sent before.
	Resend *resend `json:"resend,omitzero"`
}

// resend tells one wish to send again from another.
type resend struct {
	At time.Time `json:"at"`
}

// New checks c and registers its kinds with c.Queue. It calls nobody.
func New(c Config) (*Sync, error) {
	c, err := c.checked()
	if err != nil {
		return nil, err
	}
	s := &Sync{c: c, log: c.Logger, tasks: map[Document]*retryqueue.Producer[task]{}}
	s.finance = newGeneral(&s.c)
	for _, d := range []Document{SalesOrder, Invoice} { // one that is switched off too: what was accepted is still done
		s.tasks[d], err = retryqueue.Register(c.Queue, retryqueue.Kind[task]{
			Name: s.kind(d),
			Work: func(ctx context.Context, job retryqueue.Job[task]) error {
				return paced(s, job, s.send(ctx, d, job))
			},
			Probe: func(ctx context.Context, job retryqueue.Job[task]) (bool, error) {
				done, err := s.probe(ctx, d, job)
				return done, paced(s, job, err)
			},
			Describe: func(t task) (label, url, warning string) { return s.describe(d, t) },
			Resend:   func(t task) task { t.Resend = &resend{At: time.Now().UTC()}; return t },
			Schedule: s.hurried(),
		})
		if err != nil {
			return nil, fmt.Errorf("kledosync: %w", err)
		}
	}
	if err := s.registerPayments(); err != nil {
		return nil, err
	}
	if c.Shop != nil && !(c.NoMarks && c.NoNotes) {
		s.notes, err = retryqueue.Register(c.Queue, retryqueue.Kind[note]{
			Name:     c.Name + ".note",
			Work:     s.write,
			Probe:    s.written,
			Describe: func(n note) (label, url, warning string) { return fmt.Sprintf("#%d", n.Order), s.orderURL(n.Order), "" },
			Schedule: c.Schedule,
		})
		if err != nil {
			return nil, fmt.Errorf("kledosync: %w", err)
		}
	}
	return s, nil
}

func (s *Sync) kind(d Document) string { return s.c.Name + "." + string(d) }

// Statuses are those at which a document is due: what an orderfeed is to look out for.
func (s *Sync) Statuses() []woo.OrderStatus {
	var all []woo.OrderStatus
	for _, status := range []woo.OrderStatus{woo.OrderProcessing, woo.OrderCompleted} {
		if len(s.due(status)) > 0 {
			all = append(all, status)
		}
	}
	return all
}

// due are the documents that an order in a status is to have, in the order in which they are to be sent.
func (s *Sync) due(status woo.OrderStatus) []Document {
	var all []Document
	switch status {
	case woo.OrderProcessing:
		all = append(all, SalesOrder)
	case woo.OrderCompleted:
		if s.c.OnCompleted == SalesOrderFirst {
			all = append(all, SalesOrder)
		}
		all = append(all, Invoice)
	}
	wanted := all[:0]
	for _, d := range all {
		if s.on(d) {
			wanted = append(wanted, d)
		}
	}
	return wanted
}

func (s *Sync) on(d Document) bool {
	if d == Invoice {
		return !s.c.NoInvoices
	}
	return !s.c.NoSalesOrders
}

// Accept takes an order over: what is due in its status is durable in the queue before it returns nil. It is what an
// orderfeed's Handle wants. An order that was accepted before is no error and changes nothing, save that what still waits is made
// of the newer order. Documents that the order's meta data calls synced, by us or by the plugin, are passed over.
func (s *Sync) Accept(ctx context.Context, o *woo.Order) error {
	if o == nil || o.ID <= 0 {
		return errors.New("kledosync: Accept: the order has no id")
	}
	for _, d := range s.due(o.Status) {
		if d.marked(o) {
			s.log.DebugContext(ctx, "already synced", "order", o.ID, "document", d)
			continue
		}
		receipt, err := s.enqueue(ctx, d, task{Order: o})
		if err != nil {
			return err
		}
		if receipt.Fresh {
			s.log.InfoContext(ctx, "accepted", "order", o.ID, "document", d)
		}
	}
	return nil
}

// enqueue queues a document. All documents of an order form a group, so that the invoice waits for the sales order.
func (s *Sync) enqueue(ctx context.Context, d Document, t task, opts ...retryqueue.Option) (retryqueue.Receipt, error) {
	key := strconv.FormatInt(int64(t.Order.ID), 10)
	opts = append(opts, retryqueue.Group(s.c.Name+":"+key))
	return s.tasks[d].Enqueue(ctx, key, t, opts...)
}

// What Send and Resend may refuse with, for errors.Is.
var (
	ErrSwitchedOff = errors.New("kledosync: documents of this kind are switched off")
	ErrNotDue      = errors.New("kledosync: the order's status does not call for this document")
	ErrSent        = errors.New("kledosync: the document was sent already: use Resend, which may book it twice")
)

// Send queues a document by hand, to be sent now, for an order that was just read. It follows the rules of automatic sync: the
// switches, a sales order for processing and completed orders, an invoice for completed ones, and nothing twice (ErrSent).
func (s *Sync) Send(ctx context.Context, o *woo.Order, d Document) (retryqueue.Receipt, error) {
	if err := s.allowed(o, d); err != nil {
		return retryqueue.Receipt{}, err
	}
	if d.marked(o) {
		return retryqueue.Receipt{}, ErrSent
	}
	receipt, err := s.enqueue(ctx, d, task{Order: o})
	if err != nil {
		return receipt, err
	}
	switch receipt.State {
	case retryqueue.Succeeded:
		return receipt, ErrSent
	case retryqueue.Discarded:
		return s.enqueue(ctx, d, task{Order: o}, retryqueue.Forced())
	case retryqueue.Retrying, retryqueue.Failed:
		if err := s.c.Queue.Retry(ctx, receipt.ID); err != nil && !errors.Is(err, retryqueue.ErrNotMoved) {
			return receipt, err
		}
	}
	return receipt, nil
}

// Resend queues a document once more although it was sent before; one that never was is sent as Send does. Kledo does not
// promise to recognise it: it may be booked twice, which is what the warning on the Transactions screen says. If the sending
// ends in doubt the job fails and is left to the person who wanted it: nothing tells the second document from the first.
func (s *Sync) Resend(ctx context.Context, o *woo.Order, d Document) (retryqueue.Receipt, error) {
	if receipt, err := s.Send(ctx, o, d); !errors.Is(err, ErrSent) {
		return receipt, err
	}
	return s.enqueue(ctx, d, task{Order: o, Resend: &resend{At: time.Now().UTC()}}, retryqueue.Forced())
}

func (s *Sync) allowed(o *woo.Order, d Document) error {
	switch {
	case o == nil || o.ID <= 0:
		return errors.New("kledosync: the order has no id")
	case d != SalesOrder && d != Invoice:
		return fmt.Errorf("kledosync: there is no document %q", d)
	case !s.on(d):
		return ErrSwitchedOff
	case o.Status == woo.OrderCompleted, o.Status == woo.OrderProcessing && d == SalesOrder:
		return nil
	}
	return ErrNotDue
}

// describe names a document for the Transactions screen.
func (s *Sync) describe(d Document, t task) (label, url, warning string) {
	warning = "Kledo does not recognise a document it has already: sending this " + d.title() + " again may book it twice."
	if t.Order == nil {
		return "", "", warning
	}
	o := t.Order
	number := o.Number
	if number == "" {
		number = strconv.FormatInt(int64(o.ID), 10)
	}
	label = "#" + number
	for _, a := range []woo.Address{o.Billing, o.Shipping} {
		if name := fullName(a); name != "" {
			label += " " + name
			break
		}
	}
	return label, s.orderURL(o.ID), warning
}

// orderURL is the order's page in the shop's admin. This form of it leads there whatever way the shop stores orders.
func (s *Sync) orderURL(id woo.OrderID) string {
	if s.c.ShopURL == "" {
		return ""
	}
	return fmt.Sprintf("%s/wp-admin/post.php?post=%d&action=edit", s.c.ShopURL, id)
}
