package sitoosync

import (
	"strings"

	"github.com/shopspring/decimal"
)

// agreed is what is known of the stock of a pair: the figure that both sides had last, as the Sum of its StockLink. What the shop
// has more or less than that has not gone up yet; what the till has more or less has not come down.
type agreed struct {
	known  bool
	figure decimal.Decimal
	// While a figure of the till's is being written into the shop: what is written, and what both will then have agreed on.
	writing      bool
	target, next decimal.Decimal
}

func (a agreed) String() string {
	switch {
	case !a.known:
		return ""
	case a.writing:
		return a.figure.String() + ">" + a.target.String() + ">" + a.next.String()
	}
	return a.figure.String()
}

func agreedOn(figure decimal.Decimal) agreed { return agreed{known: true, figure: figure} }

// readAgreed reads a Sum. What cannot be read is as good as unknown.
func readAgreed(sum string) (a agreed) {
	parts := strings.Split(sum, ">")
	figures := make([]decimal.Decimal, len(parts))
	for i, part := range parts {
		var err error
		if figures[i], err = decimal.NewFromString(part); err != nil {
			return agreed{}
		}
	}
	switch len(figures) {
	case 1:
		return agreedOn(figures[0])
	case 3:
		return agreed{known: true, figure: figures[0], writing: true, target: figures[1], next: figures[2]}
	}
	return agreed{}
}

// settle ends a writing that a crash interrupted, by what the shop has now: it was written, it was not, or the shop has changed
// meanwhile and nobody can tell. Then nothing is agreed on, and the till's figure will count.
func (a agreed) settle(shop decimal.Decimal) agreed {
	switch {
	case !a.writing:
		return a
	case shop.Equal(a.target):
		return agreedOn(a.next)
	case shop.Equal(a.target.Sub(a.next.Sub(a.figure))):
		return agreedOn(a.figure)
	}
	return agreed{}
}

// down decides what the shop is to have once the till is seen to have a figure. later: the shop has a change that is to go up
// first, and the shop's figure counts.
//
//	path, setting              shop becomes
//	stock is not sent up       the till's
//	by orders                  the till's: what the shop sold comes by its orders
//	mirror                     the till's, unless the shop has changed: then the shop's goes up
//	by batch                   its own and what the till has changed by: neither side's sales are lost
//
// overwrite and a pair that never agreed on anything: the till's.
func down(
	path StockPath, sends, overwrite bool, a agreed, shop *decimal.Decimal, till decimal.Decimal,
) (target decimal.Decimal, later bool) {
	if shop == nil || overwrite || !sends || !path.Instant() || !a.known {
		return till, false
	}
	if path == Mirror {
		return till, !shop.Equal(a.figure)
	}
	return shop.Add(till.Sub(a.figure)), false
}
