package sitoosync

import (
	"errors"
	"fmt"
	"time"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// ErrNotExpressible means that the till has nothing that does what a coupon does.
var ErrNotExpressible = errors.New("sitoosync: the till cannot express it")

// VoucherTypes are the numbers that Sitoo's own examples disagree on.
type VoucherTypes struct {
	ProductAmount  sitoo.VoucherType // default 200
	ProductPercent sitoo.VoucherType // default 210
}

// VoucherOf makes a voucher of a coupon (row M2). products are the till's products that the coupon is limited to, empty for the
// whole cart; a fixed amount per product needs them. What is typed at the till is the coupon's code. Limits of use, minimum spend
// and free shipping have no counterpart: Sitoo's maxuses counts within one purchase.
//
// A percentage with decimals is ErrNotExpressible, and so is a type of a plugin's.
func VoucherOf(c *woo.Coupon, products []sitoo.ProductID, types VoucherTypes, now time.Time) (sitoo.VoucherFields, error) {
	if types.ProductAmount == 0 {
		types.ProductAmount = sitoo.VoucherProductAmount
	}
	if types.ProductPercent == 0 {
		types.ProductPercent = sitoo.VoucherProductPercent
	}
	v := sitoo.VoucherFields{
		Name: sitoo.Set(c.Code), Code: sitoo.Set(c.Code), Password: sitoo.Set(c.Code), Comment: sitoo.Set(c.Description),
		ActivePOS: sitoo.Set((c.Status == "" || c.Status == woo.CouponPublish) && (c.DateExpires.IsZero() || c.DateExpires.After(now))),
		End:       sitoo.Null[sitoo.Time](),
	}
	if !c.DateExpires.IsZero() {
		v.End = sitoo.Set(sitoo.At(c.DateExpires))
	}
	amount := sitoo.Set(sitoo.NewMoney(c.Amount.Round(2)))
	limited := len(products) > 0
	if limited {
		v.Products = sitoo.Set(products)
	}
	switch c.DiscountType {
	case woo.PercentDiscount:
		if !c.Amount.IsInteger() {
			return v, fmt.Errorf("%w: coupon %s takes %s percent off, and a voucher's percents are whole", ErrNotExpressible, c.Code, c.Amount)
		}
		v.Type, v.X = sitoo.Set(sitoo.VoucherOrderPercent), sitoo.Set(int(c.Amount.IntPart()))
		if limited {
			v.Type = sitoo.Set(types.ProductPercent)
		}
	case woo.FixedCartDiscount:
		if limited {
			return v, fmt.Errorf("%w: coupon %s takes an amount off some products of a cart together", ErrNotExpressible, c.Code)
		}
		v.Type, v.MoneyM = sitoo.Set(sitoo.VoucherOrderAmount), amount
	case woo.FixedProductDiscount:
		if !limited {
			return v, fmt.Errorf("%w: coupon %s takes an amount off each product, whichever it is", ErrNotExpressible, c.Code)
		}
		v.Type, v.MoneyM = sitoo.Set(types.ProductAmount), amount
	default:
		return v, fmt.Errorf("%w: coupon %s is of the type %q", ErrNotExpressible, c.Code, c.DiscountType)
	}
	return v, nil
}
