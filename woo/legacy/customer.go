package legacy

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"

	"github.com/tillwire/tillwire/woo"
)

// Customers are the shop's accounts: /wc-api/v3/customers.
type Customers struct {
	r resource[woo.Customer, woo.CustomerID]
}

func newCustomers(c *Client) *Customers {
	return &Customers{resource[woo.Customer, woo.CustomerID]{
		c: c, many: "customers", one: "customer", rewrite: customer, id: func(c *woo.Customer) woo.CustomerID { return c.ID },
	}}
}

// Get reads one customer. Of a missing one the error is woo.ErrNotFound.
func (c *Customers) Get(ctx context.Context, id woo.CustomerID) (*woo.Customer, error) {
	return c.r.get(ctx, "Get", id, nil)
}

// ByEmail reads the customer of an e-mail address: GET /customers/email/{email}. The error is woo.ErrNotFound if there is none.
func (c *Customers) ByEmail(ctx context.Context, email string) (*woo.Customer, error) {
	if email == "" {
		return nil, invalid("customers.ByEmail", errors.New("email: is empty"))
	}
	call := c.r.call("ByEmail", http.MethodGet, "/email/"+url.PathEscape(email), "/email/{email}")
	return c.r.record(ctx, call)
}

// List reads one page of the accounts with the role customer; q may set Page and PerPage (default 10).
func (c *Customers) List(ctx context.Context, q woo.CustomerQuery) ([]*woo.Customer, *woo.Page, error) {
	query, size, err := filters(q, "Page", "PerPage")
	if err != nil {
		return nil, nil, invalid("customers.List", err)
	}
	return c.r.list(ctx, limited(query, size))
}

// All reads all accounts with the role customer by id ascending; q may set PerPage. See the package documentation.
func (c *Customers) All(ctx context.Context, q woo.CustomerQuery) iter.Seq2[*woo.Customer, error] {
	query, size, err := filters(q, "PerPage")
	if err != nil {
		return failed[woo.Customer](invalid("customers.All", err))
	}
	return c.r.all(ctx, query, size)
}

// Count is how many accounts there are: GET /customers/count.
func (c *Customers) Count(ctx context.Context) (int, error) { return c.r.count(ctx, nil) }

// customer makes a customer of wc/v3. created_at stays in Extra: the shop takes a date in UTC for its own time, so it is
// wrong by the shop's distance from UTC.
func customer(m members) {
	m.rename(names{"billing_address": "billing", "shipping_address": "shipping"})
	m.date("last_update", "date_modified_gmt")
}
