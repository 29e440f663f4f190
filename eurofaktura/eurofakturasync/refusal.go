package eurofakturasync

import "fmt"

// Reason is why an order cannot be made into a document.
type Reason string

// The reasons. Each fails the order's job visibly; a person must look.
const (
	// ReasonTotals: lines, shipping and fees do not add up to the order's total, by more than rounding explains. A gift card that is
	// no fee line does that, and an order that was edited without being calculated again.
	ReasonTotals Reason = "the parts do not add up to the total"
	// ReasonRate: tax was taken that no rate explains.
	ReasonRate Reason = "the VAT rate cannot be told"
	// ReasonQuantity: the quantity is so large that a price of six decimals cannot carry the amount.
	ReasonQuantity Reason = "the quantity is too large for its price"
	// ReasonCurrency: the order names no currency.
	ReasonCurrency Reason = "the order has no currency"
	// ReasonDate: the order has no date of creation.
	ReasonDate Reason = "the order has no date"
)

// Refusal is an order that cannot be made into a document whose total is the order's.
type Refusal struct {
	Order  string
	Reason Reason
	Detail string
}

// Error is one sentence.
func (r *Refusal) Error() string {
	s := fmt.Sprintf("eurofakturasync: order %s cannot be booked: %s", r.Order, r.Reason)
	if r.Detail != "" {
		s += ": " + r.Detail
	}
	return s
}

// Permanent reports that trying again is useless.
func (r *Refusal) Permanent() bool { return true }
