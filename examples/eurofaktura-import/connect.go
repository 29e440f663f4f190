package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/eurofaktura/eurofakturasync"
	"github.com/tillwire/tillwire/woo/orderfeed"
)

// shopName is under which the webhook address is kept.
const shopName = "shop"

// connect generates the shop's webhook address, if it has none, and makes what keeps its webhooks alive.
func connect(ctx context.Context, s *settings, store eurofakturasync.HookStore, shop eurofakturasync.Shop, feed *orderfeed.Feed) (
	*eurofakturasync.HookAddresses, eurofakturasync.Guard, error,
) {
	hooks, err := eurofakturasync.NewHookAddresses(s.hooks, store)
	if err != nil {
		return nil, nil, err
	}
	hook, ok, err := hooks.Current(ctx, shopName)
	if err == nil && !ok {
		if hook, err = hooks.Generate(ctx, shopName); err == nil {
			fmt.Fprintln(os.Stderr, "a webhook address was generated: orders come at once, and once a night what was missed")
		}
	}
	if err != nil {
		return nil, nil, err
	}
	hooks.Handle(shopName, feed.WebhookHandler)
	guard, err := shop.Hooks().Guard(eurofakturasync.GuardConfig{Hook: hook, Feed: feed, Logger: s.logger})
	return hooks, guard, err
}

// check asks shop and books whether they know us, so that a wrong setting is told at once and not by a thousand waiting jobs. What may pass
// by itself, such as an outage, is no reason to stop.
func check(ctx context.Context, shop eurofakturasync.Shop, books *eurofaktura.Client) error {
	var e interface {
		Permanent() bool
		Systemic() bool
	}
	wrong := func(err error) bool { return errors.As(err, &e) && (e.Permanent() || e.Systemic()) }
	if err := shop.Check(ctx); wrong(err) {
		return fmt.Errorf("the shop: %w", err)
	}
	day := eurofaktura.Date{Year: 2000, Month: 1, Day: 1}
	_, _, err := books.SalesOrders.List(ctx, eurofaktura.OrderQuery{From: day, To: day})
	if wrong(err) || errors.Is(err, eurofaktura.ErrPermission) {
		return fmt.Errorf("the books: %w", err)
	}
	return ctx.Err()
}
