package legacy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tillwire/tillwire/woo"
)

// Check compares the shop's newest and its last changed order, which wc/v3 tells, with what the legacy API lists of them,
// and returns ErrLegacyBlind when it does not list one as it is: then WooCommerce keeps its orders in tables of its own
// (HPOS), and the posts that the legacy API reads are no longer brought up to date. Where wc/v3 does not answer
// (WooCommerce before 3.5, a key or host that keeps it closed) there is nothing to compare with, and the answer is nil.
func (o *Orders) Check(ctx context.Context) error {
	for _, by := range []string{"id", "modified"} {
		newest, err := o.newest(ctx, by)
		if newest == nil {
			return err
		}
		seen, err := o.lists(ctx, newest)
		if err != nil || seen {
			if err != nil {
				return err
			}
			continue
		}
		// It may have changed or gone in between: only what wc/v3 still shows so is missed.
		now, err := o.r.c.modern.Orders.Get(ctx, newest.ID)
		if err != nil {
			continue
		}
		if seen, err = o.lists(ctx, now); err != nil {
			return err
		}
		if !seen {
			return o.blind("Check", now)
		}
	}
	return nil
}

// newest asks wc/v3 for its first order by date of creation or change; nil when there is none or wc/v3 does not answer.
func (o *Orders) newest(ctx context.Context, by string) (*woo.Order, error) {
	found, _, err := o.r.c.modern.Orders.List(ctx, woo.OrderQuery{
		PerPage: 1, OrderBy: by, Order: woo.Descending, Fields: []string{"id", "status"},
	})
	if ctx.Err() != nil {
		return nil, fmt.Errorf("legacy: orders.Check: %w", ctx.Err())
	}
	if err != nil || len(found) == 0 {
		return nil, nil //nolint:nilerr,nilnil // nothing to compare with is no fault
	}
	return found[0], nil
}

// lists reports whether the legacy API lists an order under its status. Asking for one order misses those that only the
// filters see wrongly.
func (o *Orders) lists(ctx context.Context, want *woo.Order) (bool, error) {
	p, err := o.r.fetch(ctx, "Check", url.Values{
		"filter[in]": {strconv.FormatInt(int64(want.ID), 10)}, "status": {string(want.Status)}, "fields": {"id"},
	})
	if err != nil {
		return false, err
	}
	for _, e := range p.entries {
		if e.id == int64(want.ID) {
			return true, nil
		}
	}
	return false, nil
}

// blind is the error that wc/v3 has an order which the legacy API does not show.
func (o *Orders) blind(op string, missing *woo.Order) *Error {
	e := &Error{
		Op: "orders." + op, Method: http.MethodGet, Route: route + "/orders", ResourceID: int64(missing.ID),
		Err: errors.New("order storage is HPOS without compatibility mode"),
	}
	e.is(ErrLegacyBlind, fmt.Sprintf("the legacy API does not see order %d, which is %s: it reads posts, and the shop no longer writes "+
		"its orders there: tick WooCommerce > Settings > Advanced > Features > Enable compatibility mode (synchronizes orders to the "+
		"posts table), or read the shop through package woo", missing.ID, missing.Status))
	return e
}
