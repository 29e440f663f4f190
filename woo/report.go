package woo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
)

// SalesReport sums up what was sold within some days: GET /reports/sales. The shop counts paid orders by their date, and takes
// refunds off on the day they were made, so that sums may be negative.
type SalesReport struct {
	TotalSales      Decimal                `json:"total_sales" wire:"required"` // gross, after refunds
	NetSales        Decimal                `json:"net_sales"`                   // without tax and shipping
	AverageSales    Decimal                `json:"average_sales"`               // net, per day or month
	TotalOrders     int                    `json:"total_orders"`
	TotalItems      Decimal                `json:"total_items"` // plugins sell fractions
	TotalTax        Decimal                `json:"total_tax"`
	TotalShipping   Decimal                `json:"total_shipping"`
	TotalRefunds    Decimal                `json:"total_refunds"` // with the noise of PHP's floats
	TotalDiscount   Decimal                `json:"total_discount"`
	TotalsGroupedBy string                 `json:"totals_grouped_by"` // "day" or "month"
	Totals          map[string]SalesTotals `json:"totals"`            // by day ("2026-11-21") or month ("2026-11") of the shop
	TotalCustomers  int                    `json:"total_customers"`   // new accounts

	Extra map[string]json.RawMessage `json:"-"`
}

// SalesTotals is what was sold on a day or in a month.
type SalesTotals struct {
	Sales     Decimal `json:"sales"`
	Orders    int     `json:"orders"`
	Items     Decimal `json:"items"`
	Tax       Decimal `json:"tax"`
	Shipping  Decimal `json:"shipping"`
	Discount  Decimal `json:"discount"`
	Refunds   Decimal `json:"refunds"`
	Customers int     `json:"customers"`

	Extra map[string]json.RawMessage `json:"-"`
}

// TopSeller is a product and how often it was sold: GET /reports/top_sellers.
type TopSeller struct {
	ProductID ProductID `json:"product_id" wire:"required"`
	Name      string    `json:"name"`
	Quantity  Decimal   `json:"quantity"` // negative when more came back than went out

	Extra map[string]json.RawMessage `json:"-"`
}

// ReportQuery selects the days of a report: a Period, or the days from DateMin to DateMax. Without either it is the current day.
type ReportQuery struct {
	Period  ReportPeriod `query:"period"`
	DateMin string       `query:"date_min"` // "2026-11-21", a day of the shop, itself included
	DateMax string       `query:"date_max"` // default the current day

	Extra url.Values // parameters of plugins
}

// ReportPeriod is a stretch of days.
type ReportPeriod string

// The values of ReportPeriod.
const (
	ReportWeek      ReportPeriod = "week"
	ReportMonth     ReportPeriod = "month" // the current one
	ReportLastMonth ReportPeriod = "last_month"
	ReportYear      ReportPeriod = "year" // the current one
)

func (q ReportQuery) values() (url.Values, error) {
	for name, day := range map[string]string{"DateMin": q.DateMin, "DateMax": q.DateMax} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return nil, fmt.Errorf("%s: %q is no day: give one such as 2026-11-21", name, day)
		}
	}
	return queryValues(q)
}

// Sales reads the sales report: GET /reports/sales. It is no basis for books: the shop rounds and rearranges.
func (c *Client) Sales(ctx context.Context, q ReportQuery) (*SalesReport, error) {
	reports, err := askAllWith[SalesReport](ctx, c, route("Sales", "reports/sales"), q.values)
	if err != nil || len(reports) == 0 {
		return nil, err
	}
	return reports[0], nil // the shop answers a list of one
}

// TopSellers reads which products were sold most: GET /reports/top_sellers.
func (c *Client) TopSellers(ctx context.Context, q ReportQuery) ([]*TopSeller, error) {
	return askAllWith[TopSeller](ctx, c, route("TopSellers", "reports/top_sellers"), q.values)
}

// Total is how many records of a kind there are, such as completed orders.
type Total struct {
	Slug  string `json:"slug" wire:"required"` // "completed"
	Name  string `json:"name"`
	Total int    `json:"total"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Counted is what Client.Totals counts.
type Counted string

// The values of Counted.
const (
	CountedOrders    Counted = "orders"    // by status
	CountedProducts  Counted = "products"  // by type
	CountedCustomers Counted = "customers" // paying and not
	CountedCoupons   Counted = "coupons"   // by type
	CountedReviews   Counted = "reviews"   // by rating
)

// Totals counts records: GET /reports/{of}/totals.
func (c *Client) Totals(ctx context.Context, of Counted) ([]*Total, error) {
	switch of {
	case CountedOrders, CountedProducts, CountedCustomers, CountedCoupons, CountedReviews:
		return askAll[Total](ctx, c, route("Totals", "reports/"+string(of)+"/totals"))
	}
	return nil, invalid("Totals", fmt.Errorf("of: %q is not counted: give one of CountedOrders, CountedProducts …", of))
}
