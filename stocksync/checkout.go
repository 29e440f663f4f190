package stocksync

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/shopspring/decimal"
)

// Strategy says what a checkout does while the master cannot be asked.
type Strategy string

// The strategies.
const (
	FailOpen     Strategy = "fail_open"   // sell: an outage must not close the shop
	FailClosed   Strategy = "fail_closed" // sell nothing that could not be verified
	FromSnapshot Strategy = "snapshot"    // sell what the master had when last heard, if not too long ago; else as FailOpen
)

// Checkout is how a child checks carts with its master. The zero value is the plugin's: fail open.
type Checkout struct {
	Strategy Strategy      // default FailOpen
	MaxAge   time.Duration // of a snapshot; default 30 min
	Timeout  time.Duration // how long a shopper may wait for the master; default 15 s
}

func (c Checkout) check() error {
	switch c.Strategy {
	case "", FailOpen, FailClosed, FromSnapshot:
	default:
		return fmt.Errorf("stocksync: ChildConfig.Checkout.Strategy %q is none of %s, %s, %s",
			c.Strategy, FailOpen, FailClosed, FromSnapshot)
	}
	if c.MaxAge < 0 || c.Timeout < 0 {
		return fmt.Errorf("stocksync: ChildConfig.Checkout: MaxAge %s and Timeout %s must not be negative", c.MaxAge, c.Timeout)
	}
	return nil
}

func (c Checkout) withDefaults() Checkout {
	if c.Strategy == "" {
		c.Strategy = FailOpen
	}
	if c.MaxAge == 0 {
		c.MaxAge = 30 * time.Minute
	}
	if c.Timeout == 0 {
		c.Timeout = 15 * time.Second
	}
	return c
}

// Why says what decided about a line of a cart.
type Why string

// What decides.
const (
	WhyEnough     Why = "enough"       // in stock, and as much as wanted
	WhyBackorders Why = "backorders"   // it may be sold below zero
	WhyExcluded   Why = "excluded"     // not asked
	WhyUnknown    Why = "unknown"      // the master does not have it, or does not count it
	WhyUnchecked  Why = "unchecked"    // the master could not be asked, or was never heard of this product
	WhyOutOfStock Why = "out_of_stock" // its status is not "instock"
	WhyTooFew     Why = "too_few"      // less than wanted
	WhyUnverified Why = "unverified"   // the master could not be asked, and nothing is sold unseen
)

// Verdict is what may be said of one line of a cart.
type Verdict struct {
	Line
	OK        bool
	Why       Why
	Available decimal.Decimal // what the master has, less what was sold here and it does not know; only where it decided
	At        time.Time       // when the master said so
}

// Verdicts is the answer to a cart.
type Verdicts struct {
	OK    bool // every line may be sold
	Lines []Verdict
	Err   error // why the master could not be asked, where the strategy had to decide
}

// CheckCheckout says whether a cart may be sold, line by line. A line is blocked if backorders are not allowed and the status is not
// "instock" or the quantity is more than there is; lines of one product count together. What the master does not know or does not
// count is not checked, nor is what is excluded. There is no reservation: two stores may both be told that the last one is there.
// Only allocation at the master rules that out.
func (c *Child) CheckCheckout(ctx context.Context, lines []Line) Verdicts {
	v := Verdicts{OK: true, Lines: make([]Verdict, len(lines))}
	var asked []int
	var refs []Ref
	for i, l := range lines {
		v.Lines[i] = Verdict{Line: l, OK: true, Why: WhyExcluded}
		if !c.c.Exclude.Has(l.SKU) {
			asked, refs = append(asked, i), append(refs, Ref{GID: l.GID, SKU: l.SKU})
		}
	}
	if len(refs) == 0 {
		return v
	}
	rows, err := c.known(ctx, refs)
	if err != nil { // what was sold here is not known, what the master has still counts
		rows = make([]*Row, len(refs))
		c.c.Logger.WarnContext(ctx, "a cart is checked without this store's own sales", "error", err)
	}
	within, cancel := context.WithTimeout(ctx, c.c.Checkout.Timeout)
	defer cancel()
	now := time.Now().UTC()
	var stocks []*Stock
	stocks, v.Err = c.query(within, refs)
	if v.Err == nil {
		c.answers.keep(refs, stocks, now, c.c.Checkout.MaxAge)
	}
	wanted := map[GID]decimal.Decimal{}
	for n, i := range asked {
		line := &v.Lines[i]
		own, key := decimal.Zero, provisional(line.SKU)
		if row := rows[n]; row != nil {
			own, key = row.own(), row.GID
		}
		wanted[key] = wanted[key].Add(line.Quantity)
		switch {
		case v.Err == nil:
			line.judge(stocks[n], now, wanted[key], own)
		case c.c.Checkout.Strategy == FailClosed:
			line.OK, line.Why = false, WhyUnverified
		case c.c.Checkout.Strategy == FromSnapshot:
			if stock, at, ok := c.snapshot(refs[n], rows[n], now); ok {
				line.judge(stock, at, wanted[key], own)
				break
			}
			fallthrough
		default:
			line.Why = WhyUnchecked
		}
		v.OK = v.OK && line.OK
	}
	return v
}

// judge decides about a line from what the master said: nil where it has no such product, or does not count it.
func (v *Verdict) judge(s *Stock, at time.Time, wanted, own decimal.Decimal) {
	v.At = at
	if s == nil || s.Manage == Unmanaged {
		v.Why = WhyUnknown
		return
	}
	v.Available = s.Quantity.Add(own)
	switch {
	case s.Backorders == BackordersNotify || s.Backorders == BackordersYes:
		v.Why = WhyBackorders
	case s.Status != "" && s.Status != InStock:
		v.OK, v.Why = false, WhyOutOfStock
	case wanted.GreaterThan(v.Available):
		v.OK, v.Why = false, WhyTooFew
	default:
		v.Why = WhyEnough
	}
}

// snapshot is what the master said last of a product, by an answer to a cart or by a push, unless that is too long ago.
func (c *Child) snapshot(ref Ref, row *Row, now time.Time) (*Stock, time.Time, bool) {
	stock, at, ok := c.answers.of(ref)
	if row != nil {
		heard := row.checked(c.master)
		if s := row.Peers[c.master]; s != nil && len(s.Views) > 0 {
			heard = later(heard, s.Views[0].AckedAt)
		}
		if heard.After(at) {
			stock, at, ok = &row.Stock, heard, true
		}
	}
	return stock, at, ok && now.Sub(at) <= c.c.Checkout.MaxAge
}

// answers keeps what the master answered to carts, in this process. What it pushed is kept by the store.
type answers struct {
	mu   sync.Mutex
	last map[string]answer
}

type answer struct {
	stock *Stock
	at    time.Time
}

// manyAnswers is when answers that are too old are looked for and forgotten.
const manyAnswers = 4096

func (a *answers) keep(refs []Ref, stocks []*Stock, now time.Time, age time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last == nil {
		a.last = map[string]answer{}
	}
	if len(a.last) >= manyAnswers {
		for key, old := range a.last {
			if now.Sub(old.at) > age {
				delete(a.last, key)
			}
		}
	}
	for i, ref := range refs {
		a.last[ref.SKU.Fold()] = answer{stocks[i], now}
	}
}

func (a *answers) of(ref Ref) (*Stock, time.Time, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	last, ok := a.last[ref.SKU.Fold()]
	return last.stock, last.at, ok
}
