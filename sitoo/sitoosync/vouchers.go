package sitoosync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// vouchersUp makes the shop's coupons vouchers of the till's, and writes those that are (row M2). Coupons that the till cannot express
// are told and passed over.
func (s *Sync) vouchersUp(ctx context.Context, p *pass) error {
	till, err := s.tillVouchers(ctx)
	if err != nil {
		return err
	}
	p.step("coupons into the till", 0)
	for c, err := range s.c.Shop.Coupons.All(ctx, woo.CouponQuery{}) {
		if err != nil {
			return err
		}
		p.did(1)
		w, err := s.voucherOf(ctx, c)
		if errors.Is(err, ErrNotExpressible) {
			p.note(ctx, err)
			continue
		}
		if err == nil && p.will(1, "write the coupon %s to the till", c.Code) {
			err = s.couponUp(ctx, c, w, till)
		}
		if err := p.fail(ctx, err); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sync) vouchersUpCost(ctx context.Context) (int, error) {
	list, err := s.matchVouchersCost(ctx)
	if err != nil {
		return 0, err
	}
	_, page, err := s.c.Shop.Coupons.List(ctx, woo.CouponQuery{PerPage: 1, Fields: []string{"id"}})
	if err != nil {
		return 0, err
	}
	return list + 2*max(page.Total, 0), nil // a write each, and a look at all after a lost answer
}

// tillVouchers are the till's vouchers by code. It takes any number of one code, so it must be asked before one is made.
func (s *Sync) tillVouchers(ctx context.Context) (map[string]sitoo.VoucherID, error) {
	all := map[string]sitoo.VoucherID{}
	for v, err := range s.c.Till.Vouchers.All(ctx, sitoo.VoucherQuery{PerPage: s.c.PageSize}) {
		if err != nil {
			return nil, err
		}
		if code := typed(v); code != "" {
			all[code] = v.ID
		}
	}
	return all, nil
}

// voucherOf is VoucherOf with the till's products of what the coupon is limited to. A limited coupon of which the till has no product
// is not expressible: without the limit it would take off everything.
func (s *Sync) voucherOf(ctx context.Context, c *woo.Coupon) (sitoo.VoucherFields, error) {
	products, err := s.couponProducts(ctx, c)
	if err != nil {
		return sitoo.VoucherFields{}, err
	}
	if len(products) == 0 && len(c.ProductIDs)+len(c.ProductCategories) > 0 {
		return sitoo.VoucherFields{}, fmt.Errorf("%w: coupon %s is limited to products that are not linked", ErrNotExpressible, c.Code)
	}
	return VoucherOf(c, products, s.c.VoucherTypes, time.Now())
}

// couponProducts are the till's products of a coupon's products and categories.
func (s *Sync) couponProducts(ctx context.Context, c *woo.Coupon) ([]sitoo.ProductID, error) {
	var keys []Link // without the till's side
	fields := []string{"id", "type", "parent_id", "variations"}
	add := func(p *woo.Product) {
		switch p.Type {
		case woo.VariationProduct:
			keys = append(keys, LinkVariation(p.ParentID, woo.VariationID(p.ID), 0))
		case woo.VariableProduct:
			for _, v := range p.Variations {
				keys = append(keys, LinkVariation(p.ID, v, 0))
			}
		default:
			keys = append(keys, LinkProduct(p.ID, 0))
		}
	}
	for _, id := range c.ProductIDs { // one by one: a list leaves out variations, which a coupon may name
		p, err := s.c.Shop.Products.Get(ctx, id)
		if errors.Is(err, woo.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		add(p)
	}
	if len(c.ProductCategories) > 0 {
		for p, err := range s.c.Shop.Products.All(ctx, woo.ProductQuery{Category: c.ProductCategories, Fields: fields}) {
			if err != nil {
				return nil, err
			}
			add(p)
		}
	}
	var products []sitoo.ProductID
	seen := map[Link]bool{}
	for _, key := range keys {
		if seen[key] {
			continue
		}
		seen[key] = true
		found, err := s.find(ctx, key.Kind, Woo, key.Woo)
		if err != nil {
			return nil, err
		}
		if l, linked := found[key.Woo]; linked {
			id, err := idOf[sitoo.ProductID](l.Sitoo)
			if err != nil {
				return nil, err
			}
			products = append(products, id)
		}
	}
	return products, nil
}

// couponUp writes a coupon: to its voucher, to one of its code that is not linked, or to a new one.
func (s *Sync) couponUp(ctx context.Context, c *woo.Coupon, w sitoo.VoucherFields, till map[string]sitoo.VoucherID) error {
	found, err := s.find(ctx, VoucherLink, Woo, number(c.ID))
	if err != nil {
		return err
	}
	l, linked := found[number(c.ID)]
	fresh := false
	if !linked {
		id, there := till[plain(c.Code)]
		if !there {
			if id, err = s.createVoucher(ctx, c, w); err != nil {
				return fmt.Errorf("coupon %s: %w", c.Code, err)
			}
			fresh = true
		}
		l = Link{Kind: VoucherLink, Woo: number(c.ID), Sitoo: number(id)}
	}
	if !fresh {
		id, err := idOf[sitoo.VoucherID](l.Sitoo)
		if err != nil {
			return err
		}
		if err := s.c.Till.Vouchers.Update(ctx, id, w); err != nil {
			return fmt.Errorf("coupon %s: %w", c.Code, err)
		}
	}
	l.Sum = sumOf(w)
	return s.put(ctx, l)
}

// createVoucher makes a voucher, and looks for it when the answer is lost.
func (s *Sync) createVoucher(ctx context.Context, c *woo.Coupon, w sitoo.VoucherFields) (sitoo.VoucherID, error) {
	id, err := s.c.Till.Vouchers.Create(ctx, w)
	if !errors.Is(err, sitoo.ErrAmbiguous) {
		return id, err
	}
	till, lookErr := s.tillVouchers(ctx)
	if lookErr != nil {
		return 0, errors.Join(err, lookErr)
	}
	if id, there := till[plain(c.Code)]; there {
		return id, nil
	}
	return 0, err
}

// sendCoupon sends what has changed of one coupon: of a linked one (T4), and where coupons are sent at all of any (M2). One that the
// shop has no longer can no longer be used at the till.
func (s *Sync) sendCoupon(ctx context.Context, id string) error {
	n, err := idOf[woo.CouponID](id)
	if err != nil {
		return retryqueue.Permanent(err)
	}
	found, err := s.find(ctx, VoucherLink, Woo, id)
	if err != nil {
		return err
	}
	l, linked := found[id]
	if !linked && !s.c.SendCoupons {
		return nil
	}
	c, err := s.c.Shop.Coupons.Get(ctx, n)
	if err != nil && !errors.Is(err, woo.ErrNotFound) {
		return err
	}
	if err != nil || c.Status == "trash" {
		return s.withdraw(ctx, l, linked)
	}
	w, err := s.voucherOf(ctx, c)
	if errors.Is(err, ErrNotExpressible) {
		s.log.WarnContext(ctx, "the coupon is not sent", "coupon", c.ID, "error", err)
		return s.withdraw(ctx, l, linked)
	}
	if err != nil || linked && l.Sum == sumOf(w) {
		return err
	}
	var till map[string]sitoo.VoucherID
	if !linked {
		if till, err = s.tillVouchers(ctx); err != nil {
			return err
		}
	}
	return s.couponUp(ctx, c, w, till)
}

// withdraw takes a voucher out of use.
func (s *Sync) withdraw(ctx context.Context, l Link, linked bool) error {
	if !linked || l.Sum == hidden {
		return nil
	}
	id, err := idOf[sitoo.VoucherID](l.Sitoo)
	if err != nil {
		return err
	}
	err = s.c.Till.Vouchers.Update(ctx, id, sitoo.VoucherFields{ActivePOS: sitoo.Set(false)})
	if err != nil && !errors.Is(err, sitoo.ErrNotFound) {
		return err
	}
	l.Sum = hidden
	return s.put(ctx, l)
}
