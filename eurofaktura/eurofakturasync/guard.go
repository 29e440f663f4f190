package eurofakturasync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/legacy"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/webhook"
)

// Topics are the webhooks that an order import wants: a change of status is an update.
var Topics = []string{"order.created", "order.updated", "order.deleted"}

// GuardConfig describes what keeps a shop's webhooks alive.
type GuardConfig struct {
	Hook Hook            // where the shop delivers; required
	Feed *orderfeed.Feed // takes the deliveries and fills the gaps; required
	// Name begins the webhooks' names in the shop; default "Eurofaktura".
	Name string
	// Alarm is told what somebody should know: webhook.ErrDown, webhook.ErrSilent, or why the guard cannot do its work. Optional.
	Alarm func(ctx context.Context, err error)
	// Every is the pause between two looks; default 15 minutes.
	Every time.Duration
	// Logger hears of what the guard finds (info, error) or cannot do (warn). Default: silent.
	Logger *slog.Logger
}

// Hooks keeps a shop's webhooks. It is made by a [Shop].
type Hooks interface {
	// Guard returns what keeps the webhooks of [Topics] alive.
	Guard(c GuardConfig) (Guard, error)
}

// Guard keeps webhooks alive: a shop that has switched one off tells nobody.
type Guard interface {
	// Check looks once. A webhook that is missing is made, one that the shop has disabled is replaced by a new one, since switched on
	// again it would keep its count of failures; then the gap is read.
	Check(ctx context.Context) error
	// Run does so every GuardConfig.Every until ctx ends; then it returns nil.
	Run(ctx context.Context) error
}

func (c GuardConfig) checked() (GuardConfig, error) {
	switch {
	case c.Hook.URL == "" || c.Hook.Secret == "":
		return c, errors.New("eurofakturasync: GuardConfig.Hook is missing: see HookAddresses.Generate")
	case c.Feed == nil:
		return c, errors.New("eurofakturasync: GuardConfig.Feed is missing")
	}
	if c.Name == "" {
		c.Name = "Eurofaktura"
	}
	if c.Every <= 0 {
		c.Every = webhook.DefaultEvery
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func (s v3) Hooks() Hooks { return v3Hooks(s) }

type v3Hooks v3

func (h v3Hooks) Guard(c GuardConfig) (Guard, error) {
	c, err := c.checked()
	if err != nil {
		return nil, err
	}
	var wanted []webhook.Wanted
	for _, topic := range Topics {
		wanted = append(wanted, webhook.Wanted{Topic: topic, URL: c.Hook.URL, Secret: c.Hook.Secret, Name: c.Name + " " + topic})
	}
	return webhook.NewGuard(webhook.GuardConfig{
		Shop: h.shop, Wanted: wanted, Last: c.Feed.LastDelivery, CatchUp: c.Feed.CatchUp, Alarm: c.Alarm, Every: c.Every, Logger: c.Logger,
	})
}

func (s old) Hooks() Hooks { return oldHooks(s) }

type oldHooks old

func (h oldHooks) Guard(c GuardConfig) (Guard, error) {
	c, err := c.checked()
	if err != nil {
		return nil, err
	}
	return &oldGuard{h.shop.Webhooks, c}, nil
}

// oldGuard does for the legacy API what webhook.Guard does for wc/v3.
type oldGuard struct {
	hooks *legacy.Webhooks
	c     GuardConfig
}

func (g *oldGuard) Check(ctx context.Context) error {
	have := map[string]*woo.Webhook{}
	var dead []*woo.Webhook
	for w, err := range g.hooks.All(ctx, woo.WebhookQuery{}) {
		switch {
		case err != nil:
			return fmt.Errorf("eurofakturasync: reading the shop's webhooks: %w", err)
		case w.DeliveryURL != g.c.Hook.URL && w.Name != g.c.Name+" "+w.Topic:
			continue // somebody else's
		case w.Status != woo.WebhookActive || w.DeliveryURL != g.c.Hook.URL || have[w.Topic] != nil:
			dead = append(dead, w)
		default:
			have[w.Topic] = w
		}
	}
	mended := false
	for _, topic := range Topics {
		if have[topic] != nil {
			continue
		}
		_, err := g.hooks.Create(ctx, woo.WebhookFields{
			Name: woo.Set(g.c.Name + " " + topic), Topic: woo.Set(topic), DeliveryURL: woo.Set(g.c.Hook.URL), Secret: woo.Set(g.c.Hook.Secret),
		})
		if err != nil {
			return fmt.Errorf("eurofakturasync: making the webhook %s: %w", topic, err)
		}
		mended = true
	}
	for _, w := range dead {
		if err := g.hooks.Delete(ctx, w.ID); err != nil && !errors.Is(err, woo.ErrNotFound) {
			return fmt.Errorf("eurofakturasync: removing the dead webhook %d: %w", w.ID, err)
		}
	}
	if !mended {
		return nil
	}
	last, err := g.c.Feed.LastDelivery(ctx)
	if err == nil {
		if !last.IsZero() || len(dead) > 0 {
			g.alarm(ctx, webhook.ErrDown)
		}
		err = g.c.Feed.CatchUp(ctx, last)
	}
	return err
}

func (g *oldGuard) Run(ctx context.Context) error {
	for {
		if err := g.Check(ctx); err != nil && ctx.Err() == nil {
			g.alarm(ctx, err)
		}
		t := time.NewTimer(g.c.Every)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
	}
}

func (g *oldGuard) alarm(ctx context.Context, err error) {
	g.c.Logger.WarnContext(ctx, "webhooks", "error", err)
	if g.c.Alarm != nil {
		g.c.Alarm(ctx, err)
	}
}
