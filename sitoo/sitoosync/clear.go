package sitoosync

import (
	"context"
	"errors"

	"github.com/tillwire/tillwire/sitoo"
)

// ErrLive is the error of what is refused in live mode.
var ErrLive = errors.New("sitoosync: refused in live mode")

// ClearAll forgets all links and all that is remembered between runs (X1). It changes neither products nor orders, and what waits
// in the queue stays. Match again before anything else, or everything is made twice (trap 65). In live mode it is ErrLive. Settings
// are the host's: there is nothing to put back.
func (s *Sync) ClearAll(ctx context.Context) error {
	if s.c.Live {
		return ErrLive
	}
	if err := s.work.enter(ctx); err != nil {
		return err
	}
	defer s.work.leave()
	for _, kind := range linkKinds() {
		var links []Link
		for l, err := range s.c.Links.All(ctx, kind) {
			if err != nil {
				return err
			}
			if links = append(links, l); len(links) == 100 {
				if err := s.c.Links.Remove(ctx, links); err != nil {
					return err
				}
				links = nil
			}
		}
		if err := s.c.Links.Remove(ctx, links); err != nil {
			return err
		}
	}
	for _, name := range states() {
		if err := s.save(ctx, name, nil); err != nil {
			return err
		}
	}
	return nil
}

// ResetTimestamp forgets which of the till's orders were fetched (X2), so that the next round looks at all of them again. Orders
// that are linked are not made twice. Stock is not concerned. In live mode it is ErrLive.
func (s *Sync) ResetTimestamp(ctx context.Context) error {
	if s.c.Live {
		return ErrLive
	}
	if err := s.work.enter(ctx); err != nil {
		return err
	}
	defer s.work.leave()
	return s.save(ctx, ordersCursor, nil)
}

// linkKinds are all kinds of links.
func linkKinds() []LinkKind {
	return []LinkKind{StockLink, ProductLink, VariationLink, CategoryLink, VoucherLink, OrderLink, RefundLink}
}

// states are the names of all that is remembered.
func states() []string {
	names := []string{stockCursor, ordersCursor, pollState, fullSyncState, makersState, begunState}
	for _, t := range []sitoo.TransactionType{sitoo.MoveIn, sitoo.MoveOut, sitoo.Stocktaking} {
		names = append(names, sessionState(t))
	}
	return names
}
