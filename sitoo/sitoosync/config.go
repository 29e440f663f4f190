package sitoosync

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// Config of a [Sync]. Shop, Till, Links, State, Queue and Warehouse are required; every other zero value is the connector's
// default. Letters and digits in parentheses name the rows of the package's table, Q and digits the questions that the description
// leaves open.
type Config struct {
	// Name begins the names of the queue's kinds ("sitoo.stock"), of states, and of orders that are sent up. One per pair of shop and
	// site, never to change: under another name every order would be new. At most 20 letters, digits and "-". Default "sitoo".
	Name string
	// Shop and Till are the two sides (S1, S2, S5). Their keys, addresses and site are theirs.
	Shop *woo.Client
	Till *sitoo.Client
	// Links keeps which record belongs to which; State keeps cursors and the progress of a full sync; Queue what is to go up.
	Links LinkStore
	State StateStore
	Queue *retryqueue.Queue
	// Live (S3) lengthens autosync's intervals and refuses ClearAll and ResetTimestamp. Links that were made against a sandbox must
	// not be used live: give each mode a store, or a Name in it, of its own. Default: test mode.
	Live bool
	// Warehouse is the one whose stock is the shop's (S6). Its type is read when the sync begins and decides how stock goes up: see
	// [PathOf]. Several warehouses need a Sync each (Q30).
	Warehouse sitoo.WarehouseID
	// PageSize is how many records a list of the till is asked for at once (Q3), 1 to 1000. Default 100.
	PageSize int

	// NoAutosync leaves the jobs that fetch from the till out of Run (K1).
	NoAutosync bool
	// Match links products, categories and vouchers in each round of autosync (A1): it reads the whole catalogue.
	Match bool
	// NoStockDown leaves the till's changes of stock alone (A2).
	NoStockDown bool
	// Figure is which of the till's stock figures comes down (Q18). Default what is available: reserved pieces cannot be sold.
	Figure StockFigure
	// StockAgain is how often all stock comes down, not only what has changed since (A2): a reservation need not count as a change,
	// and a shop changes by itself. Default 1 hour; negative: never.
	StockAgain time.Duration
	// Orders are which of the till's orders come down (A3). Default those to be sent from the shop.
	Orders OrdersMode
	// OrderStatus and Store2DoorStatus are what they become in the shop, without "wc-" (A6, A7). Default processing.
	OrderStatus, Store2DoorStatus woo.OrderStatus
	// Store2DoorRule says what counts as not delivered (A5); Store2DoorClosed looks at closed orders too, not only open ones (Q22).
	Store2DoorRule   Store2DoorRule
	Store2DoorClosed bool
	// NoAnalytics marks fetched orders with the meta value _sitoo_no_analytics (A8). To keep them from scripts in the shop's pages is
	// then a filter's work within WordPress.
	NoAnalytics bool

	// SendStock sends the shop's stock up as it changes (T1), in a FIFO warehouse by orders (T2), which are made in the state
	// StockOrderState, default open.
	SendStock       bool
	StockOrderState sitoo.OrderState
	// ForceInstant moves a FIFO warehouse's stock at once, by batches, instead of by orders (T3). It is not for live use: see Force.
	ForceInstant bool
	// Force is how (T3). Default by changes, which leave countings alone.
	Force ForceMode
	// SendProducts sends changes of linked products, variations, categories and coupons up (T4).
	SendProducts bool
	// ClickAndCollect are the ids of the shipping methods whose orders are fetched in a store (T5, Q21), such as "local_pickup". None:
	// no order is sent for it.
	ClickAndCollect []string
	// ClickAndCollectStatus is the status at which they are sent (T5). Default completed.
	ClickAndCollectStatus woo.OrderStatus
	// ClickAndCollectOpen sends them open, to be handed out at the till, instead of closed (T6).
	ClickAndCollectOpen bool

	// Products says which of the till's products come down in a full sync (M1).
	Products ProductFilter
	// SendCoupons sends coupons up as vouchers (M2). VoucherTypes are the numbers it uses (Q6).
	SendCoupons  bool
	VoucherTypes VoucherTypes
	// NoShippingRows leaves shipping and fees out of orders that go up (M3). They are rows only where stock moves by orders.
	NoShippingRows bool
	// PricesWithVAT says that the till keeps prices with VAT (M4). Purchase prices never have it.
	PricesWithVAT bool
	// Deliver delivers orders of the shop at the till once they are completed (M5).
	Deliver bool

	// IncludeExternal syncs products that are sold elsewhere ("external") too (E1).
	IncludeExternal bool
	// Manufacturer is the name of the shop's attribute that holds a product's manufacturer (F5). Default "manufacturer".
	Manufacturer string
	// NewManufacturers makes manufacturers of names that the till does not know as products go up (F10). Default: such a product has
	// none there.
	NewManufacturers bool
	// ImageClient fetches the shop's pictures, to send them up (F13). Default: an own one, with a time-out of 60 s.
	ImageClient *http.Client
	// ImageBase is the address below which the till's pictures can be fetched by the shop, as products come down (F9). Default: "res/"
	// below the site's own address.
	ImageBase string
	// SKUPrefix begins the SKU that Fix SKU gives to what has none (X3); the record's id follows it.
	SKUPrefix string
	// MissingStockIsZero makes the shop's stock 0 of what the warehouse does not have (F14, Q24). Default: it is left and logged.
	MissingStockIsZero bool

	// Schedule says how long to wait after a failed attempt to send something up. Default retryqueue.Progressive: 20 attempts, 48 h.
	Schedule retryqueue.Schedule
	// Hooks says that the shop delivers webhooks to WebhookHandler. Polling then only looks for what they lost, every hour instead of
	// every few minutes (T1 to T5).
	Hooks bool
	// Logger hears of what is done (X5). Default: silent.
	Logger *slog.Logger
}

// StockFigure is one of the till's figures for a SKU.
type StockFigure int

// The figures.
const (
	Available StockFigure = iota // without what is reserved
	Total
)

// OrdersMode says which of the till's orders come down.
type OrdersMode int

// The modes (row A3).
const (
	Store2DoorOrders OrdersMode = iota // those with a row that is not delivered
	AllOrders
	NoOrders
)

// ForceMode is how a FIFO warehouse's stock is moved at once.
type ForceMode int

// The modes (row T3). Each closes batches, and a warehouse has one open batch of a type at a time: one that staff have open makes
// the change wait, it is never taken over.
const (
	// ForceByChanges moves in and out what has changed since the last figure that both sides had.
	ForceByChanges ForceMode = iota
	// ForceByStocktaking counts: the shop's figure replaces the till's, whatever was sold there meanwhile.
	ForceByStocktaking
)

const (
	defaultName = "sitoo"
	longestName = 20 // of Config.Name: an external id has room for 40
	defaultPage = 100
	largestPage = 1000
)

// checked is c with its defaults, or what is wrong with it.
func (c Config) checked() (Config, error) {
	problem := ""
	switch {
	case c.Shop == nil:
		problem = "Shop is missing"
	case c.Till == nil:
		problem = "Till is missing"
	case c.Links == nil:
		problem = "Links is missing: give a store that outlives the process, such as sqllinks"
	case c.State == nil:
		problem = "State is missing: give a store that outlives the process, such as sqllinks or NewFileState"
	case c.Queue == nil:
		problem = "Queue is missing"
	case c.Warehouse <= 0:
		problem = "Warehouse is missing: give the id of the warehouse whose stock is the shop's"
	case len(c.Name) > longestName:
		problem = fmt.Sprintf("Name has %d bytes: at most %d leave room for an order's number behind it", len(c.Name), longestName)
	case strings.Trim(c.Name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") != "":
		problem = "Name holds other characters than letters, digits and -"
	case c.PageSize < 0 || c.PageSize > largestPage:
		problem = fmt.Sprintf("PageSize is %d: give 1 to %d, or 0 for %d", c.PageSize, largestPage, defaultPage)
	case !c.Products.Valid():
		problem = fmt.Sprintf("Products is %q: give one of this package's filters", c.Products)
	case c.Figure != Available && c.Figure != Total:
		problem = "Figure is none of this package's"
	case c.Orders < Store2DoorOrders || c.Orders > NoOrders:
		problem = "Orders is none of this package's"
	case c.SKUPrefix != "" && !sitoo.ValidSKU(c.SKUPrefix):
		problem = fmt.Sprintf("SKUPrefix is %q: Sitoo takes 0-9 A-Z a-z . _ + / -", c.SKUPrefix)
	case c.Force != ForceByChanges && c.Force != ForceByStocktaking:
		problem = "Force is none of this package's"
	}
	for name, status := range map[string]woo.OrderStatus{
		"OrderStatus": c.OrderStatus, "Store2DoorStatus": c.Store2DoorStatus, "ClickAndCollectStatus": c.ClickAndCollectStatus,
	} {
		if strings.HasPrefix(string(status), "wc-") {
			problem = fmt.Sprintf("%s is %q: leave out wc-", name, status)
		}
	}
	for _, method := range c.ClickAndCollect {
		if method == "" || strings.Contains(method, ":") {
			problem = fmt.Sprintf("ClickAndCollect holds %q: give the method's id alone, such as local_pickup", method)
		}
	}
	if problem != "" {
		return c, errors.New("sitoosync: Config." + problem)
	}
	return c.filled(), nil
}

// filled is c with its defaults.
func (c Config) filled() Config {
	fill(&c.Name, defaultName)
	fill(&c.PageSize, defaultPage)
	fill(&c.StockAgain, time.Hour)
	fill(&c.OrderStatus, woo.OrderProcessing)
	fill(&c.Store2DoorStatus, woo.OrderProcessing)
	fill(&c.ClickAndCollectStatus, woo.OrderCompleted)
	fill(&c.Manufacturer, "manufacturer")
	c.ClickAndCollect = slices.Clone(c.ClickAndCollect)
	if c.ImageClient == nil {
		c.ImageClient = &http.Client{Timeout: time.Minute}
	}
	if c.Schedule == nil {
		c.Schedule = retryqueue.Progressive()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
