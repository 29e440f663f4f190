package legacy

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"

	"github.com/tillwire/tillwire/woo"
)

// Coupons are the shop's coupons: /wc-api/v3/coupons.
type Coupons struct {
	r resource[woo.Coupon, woo.CouponID]
}

func newCoupons(c *Client) *Coupons {
	return &Coupons{resource[woo.Coupon, woo.CouponID]{
		c: c, many: "coupons", one: "coupon", rewrite: coupon, id: func(c *woo.Coupon) woo.CouponID { return c.ID },
	}}
}

// Get reads one coupon. Of a missing one the error is woo.ErrNotFound.
func (c *Coupons) Get(ctx context.Context, id woo.CouponID) (*woo.Coupon, error) {
	return c.r.get(ctx, "Get", id, nil)
}

// ByCode reads the coupon of a code: GET /coupons/code/{code}. The error is woo.ErrNotFound if there is none.
func (c *Coupons) ByCode(ctx context.Context, code string) (*woo.Coupon, error) {
	if code == "" {
		return nil, invalid("coupons.ByCode", errors.New("code: is empty"))
	}
	return c.r.record(ctx, c.r.call("ByCode", http.MethodGet, "/code/"+url.PathEscape(code), "/code/{code}"))
}

// List reads one page of the published coupons, newest first; q may set Page and PerPage (default 10).
func (c *Coupons) List(ctx context.Context, q woo.CouponQuery) ([]*woo.Coupon, *woo.Page, error) {
	query, size, err := filters(q, "Page", "PerPage")
	if err != nil {
		return nil, nil, invalid("coupons.List", err)
	}
	return c.r.list(ctx, limited(query, size))
}

// All reads the published coupons by id ascending; q may set PerPage. See the package documentation.
func (c *Coupons) All(ctx context.Context, q woo.CouponQuery) iter.Seq2[*woo.Coupon, error] {
	query, size, err := filters(q, "PerPage")
	if err != nil {
		return failed[woo.Coupon](invalid("coupons.All", err))
	}
	return c.r.all(ctx, query, size)
}

// Count is how many published coupons there are: GET /coupons/count.
func (c *Coupons) Count(ctx context.Context) (int, error) { return c.r.count(ctx, nil) }

// coupon makes a coupon of wc/v3.
func coupon(m members) {
	m.rename(names{
		"type": "discount_type", "exclude_product_ids": "excluded_product_ids", "product_category_ids": "product_categories",
		"exclude_product_category_ids": "excluded_product_categories", "enable_free_shipping": "free_shipping",
		"customer_emails": "email_restrictions",
	})
	m.date("created_at", "date_created_gmt")
	m.date("updated_at", "date_modified_gmt")
	m.date("expiry_date", "date_expires_gmt")
	if string(m["limit_usage_to_x_items"]) == "0" { // no limit
		m["limit_usage_to_x_items"] = []byte("null")
	}
}
