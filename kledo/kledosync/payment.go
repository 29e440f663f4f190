package kledosync

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
)

// payment is money to be recorded on an invoice of finance/*. It is a job of its own, because it is an effect of its own: an invoice in
// the books whose payment failed is not to be sent again.
type payment struct {
	Order   woo.OrderID      `json:"order"`
	Number  string           `json:"number"`
	Invoice kledo.DocumentID `json:"invoice"`
	Day     kledo.Date       `json:"day"`
}

func (s *Sync) registerPayments() (err error) {
	if s.c.Invoices.Booking != FinanceAPI {
		return nil
	}
	s.payments, err = retryqueue.Register(s.c.Queue, retryqueue.Kind[payment]{
		Name: s.c.Name + ".payment",
		Work: func(ctx context.Context, job retryqueue.Job[payment]) error {
			return paced(s, job, s.settle(ctx, job.Payload))
		},
		Probe: func(ctx context.Context, job retryqueue.Job[payment]) (bool, error) {
			done, err := s.settled(ctx, job)
			return done, paced(s, job, err)
		},
		Describe: func(p payment) (label, url, warning string) {
			return "#" + p.Number, s.orderURL(p.Order), "Look at the invoice in Kledo first: this may record the payment twice."
		},
		Schedule: s.hurried(),
	})
	if err != nil {
		return fmt.Errorf("kledosync: %w", err)
	}
	return nil
}

// pay queues the payment of an invoice, if payments are recorded. Its key is the invoice: one that is sent again has a payment of its own.
func (s *Sync) pay(ctx context.Context, o *woo.Order, invoice kledo.DocumentID) error {
	if s.payments == nil || !s.c.Paid {
		return nil
	}
	day, due, err := s.c.days(o)
	if err != nil {
		return err
	}
	if paid, err := kledo.ParseDate(o.DatePaidLocal.Day()); err == nil {
		day = paid
	} else if _, done := s.c.completed(o); done {
		day = due
	}
	_, err = s.payments.Enqueue(ctx, strconv.FormatInt(int64(invoice), 10), payment{o.ID, o.Number, invoice, day})
	return err
}

// settle records what is due on the invoice as paid, in whole rupiah: Kledo takes nothing else.
func (s *Sync) settle(ctx context.Context, p payment) error {
	invoice, err := s.c.Books.Invoices.Get(ctx, p.Invoice)
	if err != nil {
		return before(fmt.Errorf("kledosync: reading the invoice to be paid: %w", err))
	}
	amount := invoice.Due.Round(0).IntPart()
	if invoice.Status == kledo.StatusPaid || amount <= 0 {
		return nil
	}
	account, err := s.finance.id(ctx, "payment account", s.c.PaymentAccount, s.finance.account)
	if err != nil {
		return before(err)
	}
	tran := invoice.BusinessTranID
	if tran == 0 {
		tran = int64(invoice.ID)
	}
	_, err = s.c.Books.PayInvoice(ctx, kledo.InvoicePaymentFields{
		TransDate: kledo.Set(p.Day), AccountID: kledo.Set(kledo.AccountID(account)), BusinessTranID: kledo.Set(tran), Amount: kledo.Set(amount),
		Memo: kledo.Set(fmt.Sprintf("WooCommerce order %s", p.Number)),
	})
	return err
}

// settled is the Probe of payments: one whose answer was lost may show late, like a document.
func (s *Sync) settled(ctx context.Context, job retryqueue.Job[payment]) (bool, error) {
	invoice, err := s.c.Books.Invoices.Get(ctx, job.Payload.Invoice)
	switch {
	case errors.Is(err, kledo.ErrNotFound):
		return false, permanently(fmt.Errorf("kledosync: the invoice to be paid is gone: %w", err))
	case err != nil:
		return false, err
	case invoice.Status == kledo.StatusPaid || !invoice.Due.Round(0).IsPositive():
		return true, nil
	}
	if wait := nextLook(job.UnsureFor, s.c.Settle); wait > 0 {
		return false, lookAfter(wait)
	}
	return false, nil
}
