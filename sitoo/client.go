package sitoo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tillwire/tillwire/internal/rest"
)

// Client speaks to one site of one Sitoo account. Its fields are the site's collections, its methods what belongs to one record of another,
// and what is no list of records. It is safe for concurrent use; requests go out one at a time.
type Client struct {
	Sites *Reader[Site, SiteID, ListQuery] // of the account

	Products         *Bulk[Product, ProductID, ProductQuery, ProductFields]
	Categories       *Collection[Category, CategoryID, ListQuery, CategoryFields]
	Manufacturers    *Bulk[Manufacturer, ManufacturerID, ListQuery, ManufacturerFields]
	VATGroups        *Collection[VATGroup, VATID, ListQuery, VATGroupFields] // productgroups
	PriceLists       *Collection[PriceList, PriceListID, ListQuery, PriceListFields]
	CustomAttributes *Collection[CustomAttribute, AttributeID, ListQuery, CustomAttributeFields]
	Resources        *Lister[Resource, ListQuery] // the library of images and files

	Warehouses   *Collection[Warehouse, WarehouseID, ListQuery, WarehouseFields]
	Transactions *Lister[Transaction, TransactionQuery] // of all warehouses; see also WarehouseTransactions

	Orders        *Series[Order, OrderID, OrderQuery, OrderFields]
	AccountOrders *Lister[Order, OrderQuery] // of all sites

	Vouchers      *Collection[Voucher, VoucherID, VoucherQuery, VoucherFields]
	Stores        *Collection[Store, StoreID, ListQuery, StoreFields]
	CashRegisters *Reader[CashRegister, RegisterID, ListQuery]
	Users         *Directory[User, UserID, UserQuery, UserFields] // customers and staff

	Shipments       *Series[Shipment, ShipmentID, ShipmentQuery, ShipmentFields] // of the account
	ReasonCodes     *Collection[ReasonCode, ReasonCodeID, ReasonCodeQuery, ReasonCodeFields]
	SalesTaxes      *Collection[SalesTax, SalesTaxID, ListQuery, SalesTaxFields]
	SalesTaxGroups  *Collection[SalesTaxGroup, SalesTaxGroupID, ListQuery, SalesTaxGroupFields]
	InfluencerCodes *Bulk[InfluencerCode, InfluencerCodeID, ListQuery, InfluencerCodeFields]

	rest *rest.Client
	lane *Lane
	site SiteID
}

// New checks c and returns a Client. It calls nobody; [Client.CheckSite] shows whether key and site are right.
func New(c Config) (*Client, error) {
	base, err := c.check()
	if err != nil {
		return nil, err
	}
	client := &Client{lane: c.Limiter, site: c.Site}
	if client.lane == nil {
		client.lane = &Lane{}
	}
	if client.site == 0 {
		client.site = 1
	}
	h := rest.NewHTTPClient()
	if c.HTTPClient != nil {
		own := *c.HTTPClient
		if h, own.Transport = &own, c.HTTPClient.Transport; own.Transport == nil {
			own.Transport = rest.NewHTTPClient().Transport
		}
	}
	h.Transport = listener{h.Transport, client.lane}
	id, password := c.APIID, c.Password
	client.rest, err = rest.New(rest.Config{
		System: "sitoo", Base: base, HTTPClient: h, Limiter: client.lane, Logger: c.Logger, UserAgent: c.UserAgent, MaxBody: c.MaxBody, Observe: c.Observe,
		Authorize: func(r *http.Request) error { r.SetBasicAuth(id, password); return nil },
	})
	if err != nil {
		return nil, err
	}

	client.Sites = reader[Site, SiteID, ListQuery](client, account("sites", "Sites"), func(s *Site) SiteID { return s.ID })
	client.Products = bulk[Product, ProductID, ProductQuery, ProductFields](client, client.at("products", "Products"), "productid",
		func(p *Product) ProductID { return p.ID })
	client.Categories = collection[Category, CategoryID, ListQuery, CategoryFields](client, client.at("categories", "Categories"),
		func(c *Category) CategoryID { return c.ID })
	client.Manufacturers = bulk[Manufacturer, ManufacturerID, ListQuery, ManufacturerFields](client,
		client.at("manufacturers", "Manufacturers"), "externalcompanyid", func(m *Manufacturer) ManufacturerID { return m.ID })
	client.VATGroups = collection[VATGroup, VATID, ListQuery, VATGroupFields](client, client.at("productgroups", "VATGroups"),
		func(g *VATGroup) VATID { return g.ID })
	client.PriceLists = collection[PriceList, PriceListID, ListQuery, PriceListFields](client, client.at("pricelists", "PriceLists"),
		func(l *PriceList) PriceListID { return l.ID })
	client.CustomAttributes = collection[CustomAttribute, AttributeID, ListQuery, CustomAttributeFields](client,
		client.at("customattributes", "CustomAttributes"), func(a *CustomAttribute) AttributeID { return a.ID })
	client.CustomAttributes.r.returned = "id" // POST answers the whole object
	client.Resources = lister[Resource, ListQuery](client, client.at("resources", "Resources"), func(r *Resource) string { return r.ID })
	client.Warehouses = collection[Warehouse, WarehouseID, ListQuery, WarehouseFields](client, client.at("warehouses", "Warehouses"),
		func(w *Warehouse) WarehouseID { return w.ID })
	client.Transactions = transactions(client, client.at("warehousetransactions", "Transactions"))
	client.Orders = series[Order, OrderID, OrderQuery, OrderFields](client, client.at("orders", "Orders"),
		func(o *Order) OrderID { return o.ID })
	client.Orders.r.cursor = "orderid"
	client.AccountOrders = lister[Order, OrderQuery](client, account("orders", "AccountOrders"), func(o *Order) OrderID { return o.ID })
	client.AccountOrders.r.cursor = "orderid"
	client.Vouchers = collection[Voucher, VoucherID, VoucherQuery, VoucherFields](client, client.at("vouchers", "Vouchers"),
		func(v *Voucher) VoucherID { return v.ID })
	client.Stores = collection[Store, StoreID, ListQuery, StoreFields](client, client.at("stores", "Stores"),
		func(s *Store) StoreID { return s.ID })
	client.CashRegisters = reader[CashRegister, RegisterID, ListQuery](client, client.at("cashregisters", "CashRegisters"),
		func(r *CashRegister) RegisterID { return r.ID })
	client.Users = directory[User, UserID, UserQuery, UserFields](client, client.at("users", "Users"), "userid",
		func(u *User) UserID { return u.ID })
	client.Shipments = series[Shipment, ShipmentID, ShipmentQuery, ShipmentFields](client, account("shipments", "Shipments"),
		func(s *Shipment) ShipmentID { return s.ID })
	client.ReasonCodes = collection[ReasonCode, ReasonCodeID, ReasonCodeQuery, ReasonCodeFields](client, account("reasoncodes", "ReasonCodes"),
		func(r *ReasonCode) ReasonCodeID { return r.ID })
	client.SalesTaxes = collection[SalesTax, SalesTaxID, ListQuery, SalesTaxFields](client, client.at("salestaxes", "SalesTaxes"),
		func(s *SalesTax) SalesTaxID { return s.ID })
	client.SalesTaxGroups = collection[SalesTaxGroup, SalesTaxGroupID, ListQuery, SalesTaxGroupFields](client,
		client.at("salestaxgroups", "SalesTaxGroups"), func(s *SalesTaxGroup) SalesTaxGroupID { return s.ID })
	client.InfluencerCodes = bulk[InfluencerCode, InfluencerCodeID, ListQuery, InfluencerCodeFields](client,
		client.at("influencercodes", "InfluencerCodes"), "code", func(c *InfluencerCode) InfluencerCodeID { return c.Code })
	client.InfluencerCodes.r.ownID = true
	return client, nil
}

// Site is the site whose collections the Client has.
func (c *Client) Site() SiteID { return c.site }

// Quota is what Sitoo's newest answer said about the remaining allowance, for this and all clients that share the Limiter.
func (c *Client) Quota() Quota { return c.lane.Quota() }

// CheckSite asks for the account's sites and returns the one this Client is for. It is the cheapest proof that address, key and site are right,
// and it refreshes [Client.Quota]. A wrong site is ErrNotFound and its sentence names those there are: elsewhere it would look like an empty
// shop.
func (c *Client) CheckSite(ctx context.Context) (*Site, error) {
	var known []string
	for s, err := range c.Sites.All(ctx, ListQuery{}) {
		if err != nil {
			return nil, err
		}
		if s.ID == c.site {
			return s, nil
		}
		known = append(known, fmt.Sprintf("%d (%s)", s.ID, s.URL))
	}
	return nil, &Error{Op: "CheckSite", kind: ErrNotFound, Err: fmt.Errorf("the account has no site %d, but %s: set Config.Site",
		c.site, strings.Join(known, ", "))}
}

// Do calls a route that has no method here. path is what follows the account's number, without ".json", with its query:
// "sites/1/payment_types?num=50". in is sent as JSON unless nil, out is filled from the answer unless nil; both may be a json.RawMessage.
//
// GET is repeated after any passing failure, PUT and DELETE too, POST only when it surely did not arrive.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	method = strings.ToUpper(method)
	u, err := url.Parse(strings.TrimLeft(path, "/"))
	switch {
	case err != nil || u.IsAbs() || u.Host != "" || u.Path == "" || strings.HasPrefix(path, "//"):
		return invalid("Do", errors.New(`path: give what follows the account's number, such as "sites/1/products"`))
	case strings.Contains("/"+u.Path+"/", "/../"):
		return invalid("Do", errors.New(`path: holds "..": write it out`))
	}
	call := rest.Call{Method: method, Path: strings.TrimSuffix(u.EscapedPath(), ".json"), Query: u.Query()}
	call.Route = template(call.Path)
	call.Op = "Do " + method + " " + call.Route
	switch method {
	case http.MethodGet:
		call.Kind = rest.Read
	case http.MethodPut, http.MethodDelete:
		call.Kind = rest.Write
	case http.MethodPost:
		call.Kind = rest.Effect
	default:
		return invalid("Do", errors.New("method: is none of GET, POST, PUT, DELETE"))
	}
	if in != nil {
		if call.Body, err = json.Marshal(in); err != nil {
			return invalid(call.Op, err)
		}
	}
	return c.do(ctx, call, out)
}

// do is the one way out: it adds the suffix that all documented addresses have, and enters the lane for as long as the call and its repeats
// last.
func (c *Client) do(ctx context.Context, call rest.Call, out any) error {
	res, err := c.send(ctx, call)
	if err != nil {
		return err
	}
	defer res.Release()
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(res.Body, out); err != nil {
		return unread(call, res, "the answer is not what this call answers: "+err.Error())
	}
	return nil
}

func (c *Client) send(ctx context.Context, call rest.Call) (*rest.Response, error) {
	if err := c.lane.acquire(ctx); err != nil {
		return nil, &Error{Op: call.Op, Method: call.Method, Route: call.Route, Err: err}
	}
	defer c.lane.release()
	call.Path += ".json"
	call.Header = http.Header{"Accept": {"application/json"}}
	res, err := c.rest.Do(ctx, call)
	if err == nil {
		return res, nil
	}
	var failure *rest.Failure
	if errors.As(err, &failure) {
		return nil, newError(call, failure)
	}
	return nil, &Error{Op: call.Op, Method: call.Method, Route: call.Route, Err: err}
}

// place is where a resource is.
type place struct {
	name  string // "Products", for operations
	path  string // "sites/1/products", escaped, without suffix
	route string // "sites/{site}/products"
}

// at is a place within the site.
func (c *Client) at(name, op string) place {
	return place{op, "sites/" + strconv.FormatInt(int64(c.site), 10) + "/" + name, "sites/{site}/" + name}
}

// account is a place of the whole account.
func account(name, op string) place { return place{op, name, name} }

// under is a place below one record.
func (p place) under(op, id, name string) place {
	return place{op, p.path + "/" + url.PathEscape(id) + "/" + name, p.route + "/{id}/" + name}
}

// template is the path with its ids blanked.
func template(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if _, err := strconv.ParseUint(part, 10, 64); err == nil || strings.HasPrefix(part, "{") || strings.HasPrefix(part, "%7B") {
			parts[i] = "{id}"
		}
	}
	return strings.Join(parts, "/")
}
