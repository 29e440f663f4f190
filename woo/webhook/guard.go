package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tillwire/tillwire/woo"
)

// What [GuardConfig].Alarm is told, for errors.Is.
var (
	// ErrDown: a wanted webhook was disabled by the shop, paused or deleted. It was put right.
	ErrDown = errors.New("webhook: the shop had stopped delivering")
	// ErrSilent: the webhook is active and the shop changes, and nothing arrives: its queue stands still (WP-Cron), or something
	// between it and us swallows the deliveries.
	ErrSilent = errors.New("webhook: the shop changes and no delivery arrives")
)

// Defaults of [GuardConfig].
const (
	DefaultEvery   = 15 * time.Minute
	DefaultSilence = 3 * time.Hour
)

// GuardConfig describes a guard. The zero value of a field is its default, unless it is called required.
type GuardConfig struct {
	// Shop is required, with a key that may write.
	Shop *woo.Client
	// Wanted are the webhooks to be kept alive, required.
	Wanted []Wanted
	// Last tells when the last good delivery came, zero for never; required. See orderfeed's Feed.LastDelivery, and
	// [Handler.LastDelivery].
	Last func(ctx context.Context) (time.Time, error)
	// CatchUp reads what has changed in the shop since then, required: see orderfeed's Feed.CatchUp. The zero time asks for all that
	// it does not know. When it fails it is called again at the next look.
	CatchUp func(ctx context.Context, since time.Time) error
	// Alarm is told what somebody should know: [ErrDown], [ErrSilent], or why the guard itself cannot do its work. Optional; it is
	// logged in any case.
	Alarm func(ctx context.Context, err error)
	// Every is the pause between two looks; default 15 minutes.
	Every time.Duration
	// Silence is how long nothing may arrive while the shop changes; default 3 hours: shops were seen to deliver two hours late.
	Silence time.Duration
	// Logger hears of gaps that were filled (info) and of what Alarm is told (error). Default: silent.
	Logger *slog.Logger
}

// Guard keeps the webhooks of a shop alive: it looks at them over REST, since a shop that gives up tells nobody. Make it with [NewGuard].
type Guard struct {
	c GuardConfig

	mu     sync.Mutex // one look at a time
	looked bool       // once, since the start
	made   bool       // the webhooks were there once
	owed   bool       // a gap is to be filled
	since  time.Time  // where it begins
	filled time.Time  // up to when silence was filled, by our clock
	silent bool       // the alarm was given
}

// NewGuard returns a guard, or an error that names the field that is missing or wrong. It calls nobody.
func NewGuard(c GuardConfig) (*Guard, error) {
	switch {
	case c.Shop == nil:
		return nil, errors.New("webhook: GuardConfig.Shop is missing")
	case len(c.Wanted) == 0:
		return nil, errors.New("webhook: GuardConfig.Wanted is empty")
	case c.Last == nil:
		return nil, errors.New("webhook: GuardConfig.Last is missing")
	case c.CatchUp == nil:
		return nil, errors.New("webhook: GuardConfig.CatchUp is missing")
	case c.Every < 0:
		return nil, errors.New("webhook: GuardConfig.Every is negative")
	case c.Silence < 0:
		return nil, errors.New("webhook: GuardConfig.Silence is negative")
	}
	for _, w := range c.Wanted {
		if err := w.check(); err != nil {
			return nil, err
		}
	}
	c.Wanted = slices.Clone(c.Wanted)
	if c.Every == 0 {
		c.Every = DefaultEvery
	}
	if c.Silence == 0 {
		c.Silence = DefaultSilence
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Guard{c: c}, nil
}

// Run makes the webhooks with [Ensure] and looks at them every GuardConfig.Every until ctx ends; then it returns nil. What fails is told
// to Alarm and tried again at the next look.
func (g *Guard) Run(ctx context.Context) error {
	ensured := false
	for ctx.Err() == nil {
		err := g.Check(ctx)
		if err == nil && !ensured { // after the first look, which must see how it was
			_, err = Ensure(ctx, g.c.Shop, g.c.Wanted...)
			ensured = err == nil
		}
		if err != nil && ctx.Err() == nil {
			g.alarm(ctx, fmt.Errorf("webhook: guard: %w", err))
		}
		t := time.NewTimer(g.c.Every)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
	return nil
}

// Check looks at the webhooks once. One that does not deliver is put right first, and then the gap is filled, so that nothing
// falls between; the first look fills the gap that was there while no process ran. A disabled webhook is replaced, because switched on again it would keep its count of failures and go off at the
// next one.
func (g *Guard) Check(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	all, err := list(ctx, g.c.Shop)
	if err != nil {
		return err
	}
	last, err := g.c.Last(ctx)
	if err != nil {
		return fmt.Errorf("asking for the last delivery: %w", err)
	}
	if down := g.down(all); down != nil {
		g.owe(last)
		why := strings.Join(down, ", ")
		if g.made || strings.Count(why, missing) < len(g.c.Wanted) { // else they are made for the first time
			g.alarm(ctx, fmt.Errorf("%w: %s", ErrDown, why))
		}
		if _, err := Ensure(ctx, g.c.Shop, g.c.Wanted...); err != nil {
			return err
		}
		g.made = true
	} else if g.looked {
		if err := g.listen(ctx, last); err != nil {
			return err
		}
	}
	if !g.looked { // nobody was there to take what came before
		g.owe(last)
		g.looked = true
	}
	return g.fill(ctx)
}

const missing = "missing"

// down names the wanted webhooks that do not deliver, and why.
func (g *Guard) down(all []*woo.Webhook) (names []string) {
	for _, w := range g.c.Wanted {
		state := missing
		for _, h := range all {
			if !w.meets(h) {
				continue
			}
			state = string(h.Status)
			if h.DeliveryURL != w.URL {
				state = "delivering elsewhere"
			}
			if h.Status == woo.WebhookActive && h.DeliveryURL == w.URL {
				state = ""
				break
			}
		}
		if state != "" {
			names = append(names, w.Topic+" was "+state)
		}
	}
	return names
}

// listen compares the silence with what happens in the shop.
func (g *Guard) listen(ctx context.Context, last time.Time) error {
	due := time.Now().Add(-g.c.Silence)
	if last.After(due) {
		g.silent = false
		return nil
	}
	from := last
	if g.filled.After(from) {
		from = g.filled
	}
	if !from.Before(due) {
		return nil
	}
	changed, err := g.changed(ctx, from, due)
	if err != nil || !changed {
		return err
	}
	if !g.silent {
		g.silent = true
		g.alarm(ctx, fmt.Errorf("%w: the last one came at %v", ErrSilent, last))
	}
	g.owe(from)
	return nil
}

// changed reports whether the shop should have delivered something between two moments.
func (g *Guard) changed(ctx context.Context, from, to time.Time) (bool, error) {
	var orders, products bool
	for _, w := range g.c.Wanted {
		orders = orders || strings.Contains(w.Topic, "order")
		products = products || strings.HasPrefix(w.Topic, "product.")
	}
	if orders {
		found, _, err := g.c.Shop.Orders.List(ctx, woo.OrderQuery{
			ModifiedAfter: from, ModifiedBefore: to, PerPage: 1, Fields: []string{"id"},
		})
		if err != nil {
			return false, fmt.Errorf("looking for changed orders: %w", err)
		}
		if len(found) > 0 {
			return true, nil
		}
	}
	if products {
		found, _, err := g.c.Shop.Products.List(ctx, woo.ProductQuery{
			ModifiedAfter: from, ModifiedBefore: to, PerPage: 1, Fields: []string{"id"},
		})
		if err != nil {
			return false, fmt.Errorf("looking for changed products: %w", err)
		}
		return len(found) > 0, nil
	}
	return false, nil
}

// owe notes a gap, which ends when it is filled.
func (g *Guard) owe(since time.Time) {
	if !g.owed || since.Before(g.since) {
		g.owed, g.since = true, since
	}
}

// fill reads what the gap has swallowed.
func (g *Guard) fill(ctx context.Context) error {
	if !g.owed {
		return nil
	}
	begun := time.Now().UTC()
	if err := g.c.CatchUp(ctx, g.since); err != nil {
		return fmt.Errorf("catching up since %v: %w", g.since, err)
	}
	g.c.Logger.InfoContext(ctx, "caught up with what webhooks did not bring", "since", g.since)
	g.owed, g.filled = false, begun
	return nil
}

func (g *Guard) alarm(ctx context.Context, err error) {
	g.c.Logger.ErrorContext(ctx, "somebody must look at this", "error", err)
	if g.c.Alarm != nil {
		g.c.Alarm(ctx, err)
	}
}
