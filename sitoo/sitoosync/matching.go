package sitoosync

import (
	"context"

	"github.com/tillwire/tillwire/sitoo"
)

func (s *Sync) matchConfig(p *pass) MatchConfig {
	return MatchConfig{
		Shop: s.c.Shop, Till: s.c.Till, Links: s.c.Links, PageSize: s.c.PageSize, IncludeExternal: s.c.IncludeExternal,
		Progress: func(now Progress) {
			p.now.Step, p.now.Done, p.now.Total = now.Step, now.Done, now.Total
			p.tell()
		},
	}
}

func (s *Sync) matched(ctx context.Context, p *pass, match func(context.Context, MatchConfig) (MatchReport, error)) error {
	r, err := match(ctx, s.matchConfig(p))
	p.report.Match = r
	p.report.Changes += r.Linked
	for _, problem := range r.Problems {
		p.note(ctx, problem)
	}
	return err
}

func (s *Sync) matchAll(ctx context.Context, p *pass) error { return s.matched(ctx, p, MatchAll) }
func (s *Sync) matchProducts(ctx context.Context, p *pass) error {
	return s.matched(ctx, p, MatchProducts)
}
func (s *Sync) matchCategories(ctx context.Context, p *pass) error {
	return s.matched(ctx, p, MatchCategories)
}
func (s *Sync) matchVouchers(ctx context.Context, p *pass) error {
	return s.matched(ctx, p, MatchVouchers)
}

func (s *Sync) matchAllCost(ctx context.Context) (all int, err error) {
	for _, cost := range []func(context.Context) (int, error){s.matchCategoriesCost, s.matchProductsCost, s.matchVouchersCost} {
		n, err := cost(ctx)
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}

func (s *Sync) matchProductsCost(ctx context.Context) (int, error) {
	_, page, err := s.c.Till.Products.List(ctx, sitoo.ProductQuery{IncludeInactive: true, PerPage: 1, Fields: []string{"productid"}})
	return s.pages(page, err)
}

func (s *Sync) matchCategoriesCost(ctx context.Context) (int, error) {
	_, page, err := s.c.Till.Categories.List(ctx, sitoo.ListQuery{PerPage: 1, Fields: []string{"categoryid"}})
	return s.pages(page, err)
}

func (s *Sync) matchVouchersCost(ctx context.Context) (int, error) {
	_, page, err := s.c.Till.Vouchers.List(ctx, sitoo.VoucherQuery{PerPage: 1, Fields: []string{"voucherid"}})
	return s.pages(page, err)
}

// pages is what reading a whole list of the till costs, this first look at it included.
func (s *Sync) pages(look *sitoo.Page, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return 1 + s.pagesOf(look.Total), nil
}

// pagesOf is how many requests read n records of the till. A walk by position begins each page with the last record of the one before.
func (s *Sync) pagesOf(n int) int {
	size := max(1, s.c.PageSize-1)
	return max(1, (n+size-1)/size)
}
