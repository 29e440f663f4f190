package eurofakturasync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
)

// Sync books the orders of one shop. It is safe for concurrent use, and many processes may share its queue's store.
type Sync struct {
	c      Config
	log    *slog.Logger
	orders *retryqueue.Producer[task]
	status *retryqueue.Producer[change] // nil without StatusSync

	mu    sync.Mutex
	known map[string]bool // codes of products ("p/…") and buyers ("b/…") that the books surely have
}

// task is what an import is made of: the order as it was read.
type task struct {
	Order *woo.Order `json:"order"`
}

// New checks c and registers its kinds with c.Queue. It calls nobody.
func New(c Config) (*Sync, error) {
	c, err := c.checked()
	if err != nil {
		return nil, err
	}
	s := &Sync{c: c, log: c.Logger, known: map[string]bool{}}
	// The account bears one request at a time: more workers would only wait for each other.
	s.orders, err = retryqueue.Register(c.Queue, retryqueue.Kind[task]{
		Name: c.Name + ".order", Work: s.book, Probe: s.probe, Describe: s.describe, Schedule: c.Schedule, Concurrency: 1,
	})
	if err == nil && c.StatusSync {
		s.status, err = retryqueue.Register(c.Queue, retryqueue.Kind[change]{
			Name: c.Name + ".status", Again: retryqueue.Latest, Work: s.follow, Schedule: c.Schedule, Concurrency: 1,
			Describe: func(ch change) (label, url, warning string) {
				return "#" + ch.Number + " " + string(ch.Status), s.orderURL(ch.Order), ""
			},
		})
	}
	if err != nil {
		return nil, fmt.Errorf("eurofakturasync: %w", err)
	}
	return s, nil
}

// Statuses are those at which an order is imported: what an orderfeed is to look out for.
func (s *Sync) Statuses() []woo.OrderStatus { return slices.Clone(s.c.Statuses) }

// Feed completes the configuration of an orderfeed for this Sync: Statuses, Once (an order is imported once), Handle and Follow, and
// where they are empty Source and Location. What is left to the host is the Store, and whether Webhooks deliver.
func (s *Sync) Feed(f orderfeed.Config) orderfeed.Config {
	f.Statuses, f.Once, f.Handle, f.Follow = s.Statuses(), orderfeed.PerOrder, s.Accept, s.Follow
	if f.Source == nil && s.c.Shop != nil {
		f.Source = s.c.Shop
	}
	if f.Location == nil {
		f.Location = s.c.Location
	}
	return f
}

// Accept takes an order over: its import is durable in the queue before it returns nil. It is what an orderfeed's Handle wants. An
// order that was accepted before is no error: what still waits is made of the newer order, and with StatusSync its status is followed.
func (s *Sync) Accept(ctx context.Context, o *woo.Order) error {
	if o == nil || o.ID <= 0 {
		return errors.New("eurofakturasync: Accept: the order has no id")
	}
	key := strconv.FormatInt(int64(o.ID), 10)
	receipt, err := s.orders.Enqueue(ctx, key, task{o}, s.group(o.ID))
	switch {
	case err != nil:
		return err
	case receipt.Fresh:
		s.log.InfoContext(ctx, "accepted", "order", o.ID, "status", o.Status)
		return nil // the import follows its status by itself
	}
	return s.Follow(ctx, o)
}

// Follow takes note of an imported order's status: with StatusSync the books follow it. It is what an orderfeed's Follow wants.
func (s *Sync) Follow(ctx context.Context, o *woo.Order) error {
	if s.status == nil || o == nil || o.ID <= 0 {
		return nil
	}
	_, err := s.status.Enqueue(ctx, strconv.FormatInt(int64(o.ID), 10), s.changeOf(o), s.group(o.ID))
	return err
}

// group makes what concerns one order run one after another.
func (s *Sync) group(id woo.OrderID) retryqueue.Option {
	return retryqueue.Group(s.c.Name + ":" + strconv.FormatInt(int64(id), 10))
}

// Compose makes the document of an order without sending it: to look at, and for tests of a Config. The error of an order that cannot be
// booked as it is, is a *[Refusal].
func (s *Sync) Compose(o *woo.Order) (*eurofaktura.SalesOrderFields, error) { return s.c.compose(o) }

// describe names a document for the Transactions screen.
func (s *Sync) describe(t task) (label, url, warning string) {
	warning = "Sending this order again is safe where the organisation's server knows apiTransactionId; look before you do it elsewhere."
	if t.Order == nil {
		return "", "", warning
	}
	label = "#" + orderNumber(t.Order)
	if name := first(t.Order.Billing.Company, fullName(t.Order.Billing), fullName(t.Order.Shipping)); name != "" {
		label += " " + name
	}
	return label, s.orderURL(t.Order.ID), warning
}

// orderURL is the order's page in the shop's admin.
func (s *Sync) orderURL(id woo.OrderID) string {
	if s.c.ShopURL == "" {
		return ""
	}
	return fmt.Sprintf("%s/wp-admin/post.php?post=%d&action=edit", s.c.ShopURL, id)
}
