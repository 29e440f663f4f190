package kledo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"

	"github.com/tillwire/tillwire/internal/rest"
)

// Client talks to one Kledo account. It is safe for concurrent use.
type Client struct {
	// Invoices: finance/invoices. See also VoidInvoice, DeleteInvoice, InvoiceTotals, InvoicePayments, AttachToInvoice, PayInvoice.
	Invoices *Collection[Sale, DocumentID, SaleQuery, SaleFields]
	// SalesOrders: finance/orders.
	SalesOrders *Register[Sale, DocumentID, SaleQuery, SaleFields]
	// Quotes: finance/quotes.
	Quotes *Reader[Record, RecordID, RecordQuery]
	// Deliveries: finance/deliveries, whose pages do not say how many there are.
	Deliveries *Reader[Record, RecordID, RecordQuery]

	// Contacts: finance/contacts.
	Contacts *Collection[Contact, ContactID, ContactQuery, ContactFields]
	// ContactGroups: finance/contactGroups.
	ContactGroups *Register[ContactGroup, ContactGroupID, ContactGroupQuery, ContactGroupFields]

	// Products: finance/products. See also Stocks.
	Products *Collection[Product, ProductID, ProductQuery, ProductFields]
	// Categories of products: finance/productCategories.
	Categories *Register[Category, CategoryID, CategoryQuery, CategoryFields]
	// Units: finance/units.
	Units *Lister[Record, RecordQuery]
	// Warehouses: finance/warehouses.
	Warehouses *Reader[Warehouse, WarehouseID, WarehouseQuery]
	// Transfers between warehouses: finance/warehouses/transfers.
	Transfers *Register[Record, RecordID, RecordQuery, TransferFields]
	// StockAdjustments: finance/stockAdjustments. See also ApproveStockAdjustment and its sisters.
	StockAdjustments *Register[Record, RecordID, RecordQuery, StockAdjustmentFields]

	// Accounts: finance/accounts, the chart of accounts. See also DeleteAccounts.
	Accounts *Collection[Account, AccountID, AccountQuery, AccountFields]
	// PaymentAccounts lists the accounts a payment can go to: finance/accounts/suggestionPerPage.
	PaymentAccounts *Lister[Account, PaymentAccountQuery]
	// BankTransactions: finance/bankTrans. See also BankBalances.
	BankTransactions *Register[BankTransaction, RecordID, BankQuery, BankFields]
	// Expenses: finance/expenses.
	Expenses *Register[Record, RecordID, RecordQuery, ExpenseFields]
	// Journals: finance/journals.
	Journals *Reader[Record, RecordID, RecordQuery]

	// PurchaseInvoices: finance/purchaseInvoices.
	PurchaseInvoices *Reader[Record, RecordID, RecordQuery]
	// PurchaseOrders: finance/purchaseOrders.
	PurchaseOrders *Reader[Record, RecordID, RecordQuery]
	// PurchaseDeliveries: finance/purchaseDeliveries.
	PurchaseDeliveries *Reader[Record, RecordID, RecordQuery]
	// PurchaseQuotes: finance/purchaseQuotes.
	PurchaseQuotes *Reader[Record, RecordID, RecordQuery]

	// Tags: finance/tags.
	Tags *Lister[Tag, RecordQuery]
	// Fees: finance/fees.
	Fees *Lister[Record, RecordQuery]
	// Users of the account: users.
	Users *Lister[Record, RecordQuery]

	// Keys are the account's API keys: personal-access-tokens. See also Connection, KeyStats, RevokeKey and RevokeAllKeys.
	Keys *Register[Key, RecordID, KeyQuery, KeyFields]

	rest *rest.Client
	keys *keys
}

// New checks c and returns a Client. It calls nobody; [Client.Connection] shows whether the key works.
func New(c Config) (*Client, error) {
	base, err := c.check()
	if err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.UserAgent == "" {
		c.UserAgent = UserAgent("tillwire", "", "")
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	keys := newKeys(c)
	rc := rest.Config{
		System: "kledo", Base: base, Authorize: keys.authorize, HTTPClient: withTransport(c, keys),
		Logger: c.Logger, UserAgent: c.UserAgent, MaxBody: c.MaxBody, Observe: c.Observe,
	}
	if c.Limiter != nil {
		rc.Limiter = c.Limiter
	}
	core, err := rest.New(rc)
	if err != nil {
		return nil, err
	}
	client := &Client{rest: core, keys: keys}
	client.open()
	return client, nil
}

// open makes the collections.
func (c *Client) open() {
	records := func(op, path string) *Reader[Record, RecordID, RecordQuery] {
		return reader[Record, RecordID, RecordQuery](c, op, path)
	}
	list := func(op, path string) *Lister[Record, RecordQuery] {
		l := lister[Record, RecordQuery](c, op, path)
		return &l
	}
	c.Invoices = collection[Sale, DocumentID, SaleQuery, SaleFields](c, "Invoices", "finance/invoices")
	c.SalesOrders = register[Sale, DocumentID, SaleQuery, SaleFields](c, "SalesOrders", "finance/orders")
	c.Quotes = records("Quotes", "finance/quotes")
	c.Deliveries = records("Deliveries", "finance/deliveries")
	c.Contacts = collection[Contact, ContactID, ContactQuery, ContactFields](c, "Contacts", "finance/contacts")
	c.ContactGroups = register[ContactGroup, ContactGroupID, ContactGroupQuery, ContactGroupFields](c, "ContactGroups", "finance/contactGroups")
	c.Products = collection[Product, ProductID, ProductQuery, ProductFields](c, "Products", "finance/products")
	c.Categories = register[Category, CategoryID, CategoryQuery, CategoryFields](c, "Categories", "finance/productCategories")
	c.Units = list("Units", "finance/units")
	c.Warehouses = reader[Warehouse, WarehouseID, WarehouseQuery](c, "Warehouses", "finance/warehouses")
	c.Transfers = register[Record, RecordID, RecordQuery, TransferFields](c, "Transfers", "finance/warehouses/transfers")
	c.StockAdjustments = register[Record, RecordID, RecordQuery, StockAdjustmentFields](c, "StockAdjustments", "finance/stockAdjustments")
	c.Accounts = collection[Account, AccountID, AccountQuery, AccountFields](c, "Accounts", "finance/accounts")
	payable := lister[Account, PaymentAccountQuery](c, "PaymentAccounts", "finance/accounts/suggestionPerPage")
	payable.defaults = url.Values{"finance_account_category_ids": {"1,17"}}
	c.PaymentAccounts = &payable
	c.BankTransactions = register[BankTransaction, RecordID, BankQuery, BankFields](c, "BankTransactions", "finance/bankTrans")
	c.Expenses = register[Record, RecordID, RecordQuery, ExpenseFields](c, "Expenses", "finance/expenses")
	c.Journals = records("Journals", "finance/journals")
	c.PurchaseInvoices = records("PurchaseInvoices", "finance/purchaseInvoices")
	c.PurchaseOrders = records("PurchaseOrders", "finance/purchaseOrders")
	c.PurchaseDeliveries = records("PurchaseDeliveries", "finance/purchaseDeliveries")
	c.PurchaseQuotes = records("PurchaseQuotes", "finance/purchaseQuotes")
	tags := lister[Tag, RecordQuery](c, "Tags", "finance/tags")
	c.Tags = &tags
	c.Fees = list("Fees", "finance/fees")
	c.Users = list("Users", "users")
	c.Keys = register[Key, RecordID, KeyQuery, KeyFields](c, "Keys", keysPath)
}

// withTransport puts the look-out for new keys under the caller's HTTP client, of which it takes a copy.
func withTransport(c Config, k *keys) *http.Client {
	own := rest.NewHTTPClient()
	h := *own
	if c.HTTPClient != nil {
		h = *c.HTTPClient
	}
	if h.Transport == nil {
		h.Transport = own.Transport
	}
	h.Transport = &transport{base: h.Transport, keys: k, max: c.MaxBody}
	return &h
}

// do makes a call and decodes the data of its answer into out, if out is not nil. When Kledo refuses the key with 401, which
// means that it did nothing, the call is made again with each other key that may be the current one.
func (c *Client) do(ctx context.Context, call rest.Call, out any) error {
	call.Header = http.Header{"Accept": {"application/json"}}
	var dead []string
	for {
		last := &sent{dead: slices.Clone(dead)}
		resp, err := c.rest.Do(context.WithValue(ctx, sentKey{}, last), call)
		var failure *rest.Failure
		if err != nil && !errors.As(err, &failure) {
			return err
		}
		if failure != nil && failure.Status == http.StatusUnauthorized {
			dead = append(dead, last.key)
			if c.keys.next(ctx, dead) {
				continue
			}
			return newError(call, failure)
		}
		if failure == nil || failure.Status != 0 && failure.Class != rest.Refused {
			c.keys.accept(ctx, last.key, dead)
		}
		if failure != nil {
			return newError(call, failure)
		}
		return read(call, resp, out)
	}
}

// envelope is what every answer of Kledo is wrapped in. Its messages are strings nearly always.
type envelope struct {
	Success json.RawMessage `json:"success"`
	Data    json.RawMessage `json:"data"`
}

// read judges a 2xx answer by the plugin's rule: it is a success when its status is exactly 200 and it does not say
// success:false. An answer that says nothing of success is one, even null or a bare string.
func read(call rest.Call, resp *rest.Response, out any) error {
	body := bytes.TrimSpace(trimBOM(resp.Body))
	fail := func(kind error, advice string) error {
		e := &Error{
			Op: call.Op, Method: call.Method, Route: call.Route, Status: resp.Status, Body: head(body), Attempts: resp.Attempts,
			kind: kind, advice: advice, ambiguous: call.Kind == rest.Effect && kind != ErrRefused, //nolint:errorlint // a sentinel
		}
		e.Message, e.Details = words(body)
		return e
	}
	if !json.Valid(body) {
		return fail(ErrNotJSON, "the answer is not JSON")
	}
	if resp.Status != http.StatusOK && !(resp.Status == http.StatusCreated && call.Path == keysPath) {
		return fail(ErrNotJSON, "only 200 means that Kledo took it over")
	}
	var env envelope
	if body[0] == '{' {
		if err := json.Unmarshal(body, &env); err != nil {
			return fail(ErrNotJSON, "the answer is not one of Kledo's: "+err.Error())
		}
	}
	if no(env.Success) {
		return fail(ErrRefused, "")
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(env.Data, out); err != nil {
		return fail(ErrNotJSON, "the answer's data is not what this call answers: "+err.Error())
	}
	return nil
}

// no reports whether a truth value says no in any of the ways Kledo writes one.
func no(v json.RawMessage) bool {
	switch string(v) {
	case "false", "0", `"false"`, `"0"`:
		return true
	}
	return false
}
