package sitoo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// WarehouseID is the id of a warehouse.
type WarehouseID int64

// UnmarshalJSON reads a number or text.
func (id *WarehouseID) UnmarshalJSON(b []byte) error { return readIntInto(b, id) }

// WarehouseType says how stock moves in a warehouse. It decides which calls do anything there; read it afresh, it can change.
type WarehouseType int

// The types of warehouses.
const (
	// FIFO holds real stock with its cost; every change is a transaction: by delivery, batch or posted transaction.
	FIFO WarehouseType = 10
	// Virtual mirrors a figure that another system owns: StockFields.Total is written.
	Virtual WarehouseType = 20
)

// Warehouse is a place with stock (/sites/{site}/warehouses).
type Warehouse struct {
	ID         WarehouseID   `json:"warehouseid"`
	Type       WarehouseType `json:"warehousetype"`
	Use        int           `json:"usetype"` // 10 is an ordinary one
	StoreID    StoreID       `json:"storeid"` // 0: none
	Sellable   bool          `json:"sellable"`
	Currency   string        `json:"currencycode"`
	Name       string        `json:"name"`
	Address    string        `json:"address"`
	Address2   string        `json:"address2"`
	Zip        string        `json:"zip"`
	City       string        `json:"city"`
	State      string        `json:"state"`
	Country    string        `json:"countryid"`
	ExternalID string        `json:"externalid"`
	Extra      Extra         `json:"-"`
}

// WarehouseFields is what is written to a warehouse. A create needs Use, Currency and Name.
type WarehouseFields struct {
	Type       Field[WarehouseType] `json:"warehousetype,omitzero"`
	Use        Field[int]           `json:"usetype,omitzero"`
	StoreID    Field[StoreID]       `json:"storeid,omitzero"`
	Sellable   Field[bool]          `json:"sellable,omitzero"`
	Currency   Field[string]        `json:"currencycode,omitzero"`
	Name       Field[string]        `json:"name,omitzero"`
	Address    Field[string]        `json:"address,omitzero"`
	Address2   Field[string]        `json:"address2,omitzero"`
	Zip        Field[string]        `json:"zip,omitzero"`
	City       Field[string]        `json:"city,omitzero"`
	State      Field[string]        `json:"state,omitzero"`
	Country    Field[string]        `json:"countryid,omitzero"`
	ExternalID Field[string]        `json:"externalid,omitzero"`
}

// StockItem is the stock of one SKU in one warehouse. Figures may be negative and have fractions.
type StockItem struct {
	ID          int64       `json:"warehouseitemid"`
	WarehouseID WarehouseID `json:"warehouseid"`
	SKU         string      `json:"sku"`
	Bin         string      `json:"binlocation"`
	Threshold   Quantity    `json:"decimalthreshold"`
	Total       Quantity    `json:"decimaltotal"`
	Reserved    Quantity    `json:"decimalreserved"`
	Available   Quantity    `json:"decimalavailable"` // Total - Reserved
	Value       Money       `json:"moneytotal"`
	Modified    Time        `json:"datelastmodified"` // of the last transaction; a reservation need not move it
	Counted     Time        `json:"datelaststocktaking"`
	Extra       Extra       `json:"-"`
}

// StockFields is what is written for one SKU.
type StockFields struct {
	SKU       string          `json:"sku"`
	Total     Field[Quantity] `json:"decimaltotal,omitzero"` // virtual warehouses only
	Value     Field[Money]    `json:"moneytotal,omitzero"`
	Threshold Field[Quantity] `json:"decimalthreshold,omitzero"`
	Bin       Field[string]   `json:"binlocation,omitzero"`
}

func (w StockFields) check() error {
	if w.SKU == "" {
		return errors.New("the SKU is empty")
	}
	return nil
}

// StockQuery filters stock.
type StockQuery struct {
	SKUs          []string
	ModifiedSince time.Time // inclusive
	ModifiedUntil time.Time
	Start         int // index of the first record, from 0
	PerPage       int // default 100, at most 1000
	Fields        []string
}

func (q StockQuery) values() (params, error) {
	p, err := paging(q.Start, q.PerPage, q.Fields)
	if err != nil {
		return p, err
	}
	for _, sku := range q.SKUs {
		if sku == "" || strings.Contains(sku, ",") {
			return p, fmt.Errorf("the SKU %q is empty or holds a comma, which no filter of Sitoo can say", sku)
		}
	}
	p.list("sku", q.SKUs)
	p.time("datelastmodifiedfrom", q.ModifiedSince)
	p.time("datelastmodifiedto", q.ModifiedUntil)
	return p, nil
}

// Stock is the stock of a warehouse (/sites/{site}/warehouses/{id}/warehouseitems). There is no list over all warehouses.
func (c *Client) Stock(w WarehouseID) *Shelf {
	return &Shelf{resource[StockItem, StockQuery]{
		c: c, place: c.at("warehouses", "").under("Stock", wire(w), "warehouseitems"), key: keyed(func(s *StockItem) string { return s.SKU }),
	}}
}

// StockBatchID is the id of a stock batch.
type StockBatchID int64

// TransactionType is how stock moved.
type TransactionType int

// The types of transactions. Sales, refunds and stocktakings cannot be posted; there are more, whose numbers Sitoo does not publish.
const (
	MoveIn      TransactionType = 10 // quantities are changes, positive
	MoveOut     TransactionType = 20 // quantities are changes, negative
	Sale        TransactionType = 30
	Refunded    TransactionType = 40
	Stocktaking TransactionType = 50 // quantities are counted figures, not changes
)

// StockBatchState is where a stock batch stands.
type StockBatchState int

// The states of a stock batch; closing it books it.
const (
	BatchOpen   StockBatchState = 10
	BatchClosed StockBatchState = 20
)

// StockBatch is a session in which stock is counted or moved (/sites/{site}/warehouses/{id}/warehousebatches). A warehouse seems to have one open
// batch of a type at a time, which may be one in which staff are counting: closing it books what they have half done.
type StockBatch struct {
	ID            StockBatchID    `json:"warehousebatchid"`
	WarehouseID   WarehouseID     `json:"warehouseid"`
	TransactionID TransactionID   `json:"warehousetransactionid"` // after it was booked
	Type          TransactionType `json:"transactiontype"`
	State         StockBatchState `json:"warehousebatchstate"`
	Owner         string          `json:"emailowner"`
	Comment       string          `json:"comment"`
	ShipmentID    ShipmentID      `json:"shipmentid"`
	ExternalID    string          `json:"externalid"`
	ReasonCode    string          `json:"reasoncode"`
	Created       Time            `json:"datecreated"`
	Extra         Extra           `json:"-"`
}

// StockBatchFields is what is written to a stock batch. A create needs Type; State BatchClosed books it.
type StockBatchFields struct {
	Type       Field[TransactionType] `json:"transactiontype,omitzero"`
	State      Field[StockBatchState] `json:"warehousebatchstate,omitzero"`
	Owner      Field[string]          `json:"emailowner,omitzero"`
	Comment    Field[string]          `json:"comment,omitzero"` // becomes the transaction's description
	ExternalID Field[string]          `json:"externalid,omitzero"`
	ReasonCode Field[string]          `json:"reasoncode,omitzero"`
}

// StockBatchQuery filters stock batches.
type StockBatchQuery struct {
	Type    TransactionType // 0: any
	State   StockBatchState // default BatchOpen
	Start   int             // index of the first record, from 0
	PerPage int             // default 100, at most 1000
}

func (q StockBatchQuery) values() (params, error) {
	p, err := paging(q.Start, q.PerPage, nil)
	if err == nil {
		p.number("transactiontype", int64(q.Type))
		p.number("warehousebatchstate", int64(q.State))
	}
	return p, err
}

// StockBatches are the stock batches of a warehouse.
func (c *Client) StockBatches(w WarehouseID) *Series[StockBatch, StockBatchID, StockBatchQuery, StockBatchFields] {
	return &Series[StockBatch, StockBatchID, StockBatchQuery, StockBatchFields]{resource[StockBatch, StockBatchQuery]{
		c: c, place: c.at("warehouses", "").under("StockBatches", wire(w), "warehousebatches"),
		key: keyed(func(b *StockBatch) StockBatchID { return b.ID }),
	}}
}

// BatchLine is a row of a stock batch.
type BatchLine struct {
	ID       int64    `json:"warehousebatchitemid"`
	SKU      string   `json:"sku"`
	Quantity Quantity `json:"decimalquantity"`
	PriceIn  Money    `json:"moneypricein"`
	Owner    string   `json:"emailowner"`
	Comment  string   `json:"comment"`
	Modified Time     `json:"datemodified"`
	Extra    Extra    `json:"-"`
}

// BatchLineFields is what is written for one SKU of a stock batch. Quantity is the counted figure in a Stocktaking, else the change.
type BatchLineFields struct {
	SKU      string        `json:"sku"`
	Quantity Quantity      `json:"decimalquantity"`
	PriceIn  Field[Money]  `json:"moneypricein,omitzero"`
	Comment  Field[string] `json:"comment,omitzero"`
}

// BatchLines are the rows of a stock batch (…/warehousebatches/{id}/warehousebatchitems). Setting one overwrites it.
func (c *Client) BatchLines(w WarehouseID, b StockBatchID) *Sheet[BatchLine, ListQuery, BatchLineFields] {
	at := c.at("warehouses", "").under("", wire(w), "warehousebatches").under("BatchLines", wire(b), "warehousebatchitems")
	return &Sheet[BatchLine, ListQuery, BatchLineFields]{resource[BatchLine, ListQuery]{
		c: c, place: at, key: keyed(func(l *BatchLine) string { return l.SKU }),
	}}
}

// TransactionID is the id of a transaction, ascending.
type TransactionID int64

// Transaction is a movement of stock (warehousetransactions).
type Transaction struct {
	ID          TransactionID     `json:"warehousetransactionid"`
	WarehouseID WarehouseID       `json:"warehouseid"`
	Type        TransactionType   `json:"transactiontype"`
	Created     Time              `json:"datecreated"`
	Description string            `json:"description"`
	DeliveryID  DeliveryID        `json:"orderdeliveryid"` // of a sale or refund
	ShipmentID  ShipmentID        `json:"shipmentid"`
	ExternalID  string            `json:"externalid"`
	ReasonCode  string            `json:"reasoncode"`
	Lines       []TransactionLine `json:"items"`
	Extra       Extra             `json:"-"`
}

// TransactionLine is what moved of one SKU.
type TransactionLine struct {
	SKU      string   `json:"sku"`
	Quantity Quantity `json:"decimalquantity"` // the change
	Total    Quantity `json:"decimaltotal"`    // afterwards
	PriceIn  Money    `json:"moneypricein"`
	Value    Money    `json:"moneytotal"` // afterwards
}

// TransactionFields is a movement to be posted, in a FIFO warehouse alone. Quantities of a MoveOut are negative.
type TransactionFields struct {
	WarehouseID WarehouseID             `json:"warehouseid"`
	Type        TransactionType         `json:"transactiontype"` // MoveIn or MoveOut
	Description string                  `json:"description,omitempty"`
	ExternalID  string                  `json:"externalid,omitempty"`
	ReasonCode  string                  `json:"reasoncode,omitempty"`
	Lines       []TransactionLineFields `json:"items"` // at most 1000
}

// TransactionLineFields is what is to move of one SKU.
type TransactionLineFields struct {
	SKU      string       `json:"sku"`
	Quantity Quantity     `json:"decimalquantity"`
	PriceIn  Field[Money] `json:"moneypricein,omitzero"`
}

const transactionLines = 1000 // in one request: the one size that Sitoo documents

func (w TransactionFields) check() error {
	switch {
	case w.Type != MoveIn && w.Type != MoveOut:
		return fmt.Errorf("type %d cannot be posted: give MoveIn or MoveOut", w.Type)
	case len(w.Lines) == 0 || len(w.Lines) > transactionLines:
		return fmt.Errorf("there are %d lines: give 1 to %d", len(w.Lines), transactionLines)
	}
	for _, line := range w.Lines {
		if sign := line.Quantity.Sign(); w.Type == MoveIn && sign <= 0 || w.Type == MoveOut && sign >= 0 {
			return fmt.Errorf("the quantity %s of %s has the wrong sign: in is positive, out negative", line.Quantity, line.SKU)
		}
	}
	return nil
}

// PlanTransactions posts movements, as many in a request as have 1000 lines together. Each request is sent once; when its answer is lost its
// movements are ErrAmbiguous, and no filter of Sitoo finds them by ExternalID: look in [Client.WarehouseTransactions].
func (c *Client) PlanTransactions(ts []TransactionFields) *Plan[TransactionID] {
	p := creates[TransactionID](c.Transactions.r, ts)
	p.call.Op = "Transactions.Create"
	var sent [][]int
	var group []int
	lines := 0
	for i := range ts {
		if p.refused[i] != nil {
			continue
		}
		if n := len(ts[i].Lines); lines+n > transactionLines {
			sent, group, lines = append(sent, group), nil, 0
		}
		group, lines = append(group, i), lines+len(ts[i].Lines)
	}
	if len(group) > 0 {
		sent = append(sent, group)
	}
	p.requests = sent
	return p
}

// TransactionQuery filters transactions.
type TransactionQuery struct {
	IDs         []TransactionID
	From, To    TransactionID // from inclusive, to exclusive
	Since       time.Time     // inclusive
	Until       time.Time     // exclusive
	Type        TransactionType
	WarehouseID WarehouseID // of Client.Transactions alone
	Newest      bool        // List answers the newest first; All goes by id
	Start       int         // index of the first record, from 0
	PerPage     int         // default 100, at most 1000
	Fields      []string
}

func (q TransactionQuery) values() (params, error) {
	p, err := paging(q.Start, q.PerPage, q.Fields)
	if err != nil {
		return p, err
	}
	p.list("warehousetransactionid", numbers(q.IDs))
	p.number("warehousetransactionidfrom", int64(q.From))
	p.number("warehousetransactionidto", int64(q.To))
	p.time("datecreatedfrom", q.Since)
	p.time("datecreatedto", q.Until)
	p.number("transactiontype", int64(q.Type))
	p.number("warehouseid", int64(q.WarehouseID))
	if q.Newest {
		p.Set("sort", "-warehousetransactionid")
	}
	return p, nil
}

func transactions(c *Client, at place) *Lister[Transaction, TransactionQuery] {
	l := lister[Transaction, TransactionQuery](c, at, func(t *Transaction) TransactionID { return t.ID })
	l.r.cursor = "warehousetransactionid"
	return l
}

// WarehouseTransactions are the transactions of one warehouse (/sites/{site}/warehouses/{id}/warehousetransactions).
func (c *Client) WarehouseTransactions(w WarehouseID) *Lister[Transaction, TransactionQuery] {
	return transactions(c, c.at("warehouses", "").under("WarehouseTransactions", wire(w), "warehousetransactions"))
}

// Transaction reads one transaction of a warehouse.
func (c *Client) Transaction(ctx context.Context, w WarehouseID, id TransactionID) (*Transaction, error) {
	return c.WarehouseTransactions(w).r.get(ctx, wire(id))
}

// ShipmentID is the id of a shipment.
type ShipmentID int64

// Shipment is goods on their way between two places (/shipments).
type Shipment struct {
	ID         ShipmentID        `json:"shipmentid"`
	State      ShipmentState     `json:"shipmentstate"`
	ExternalID string            `json:"externalid"`
	Barcode    string            `json:"barcode"`
	Sender     WarehouseID       `json:"sender_warehouseid"`
	Receiver   WarehouseID       `json:"receiver_warehouseid"`
	Carrier    string            `json:"carrier_name"`
	Reference  string            `json:"carrier_reference"`
	Tracking   string            `json:"carrier_trackingurl"`
	Packages   []json.RawMessage `json:"shipmentpackages"`
	Lines      []ShipmentLine    `json:"shipmentitems"`
	Extra      Extra             `json:"-"`
}

// ShipmentLine is what is on its way of one SKU.
type ShipmentLine struct {
	SKU      string       `json:"sku"`
	Quantity int          `json:"quantity"`
	Received int          `json:"quantityreceived"`
	PriceIn  Field[Money] `json:"moneypricein,omitzero"`
}

// ShipmentState is where a shipment stands. There is a cancelled one too, whose number Sitoo does not publish.
type ShipmentState int

// The states of a shipment.
const (
	ShipmentNew       ShipmentState = 0
	ShipmentInTransit ShipmentState = 10
	ShipmentReceived  ShipmentState = 20
)

// ShipmentFields is what is written to a shipment.
type ShipmentFields struct {
	State      Field[ShipmentState] `json:"shipmentstate,omitzero"`
	ExternalID Field[string]        `json:"externalid,omitzero"`
	Barcode    Field[string]        `json:"barcode,omitzero"`
	Sender     Field[WarehouseID]   `json:"sender_warehouseid,omitzero"`
	Receiver   Field[WarehouseID]   `json:"receiver_warehouseid,omitzero"`
	Carrier    Field[string]        `json:"carrier_name,omitzero"`
	Reference  Field[string]        `json:"carrier_reference,omitzero"`
	Tracking   Field[string]        `json:"carrier_trackingurl,omitzero"`
	Lines      []ShipmentLine       `json:"shipmentitems,omitempty"`
}

// ShipmentQuery filters shipments.
type ShipmentQuery struct {
	IDs              []ShipmentID
	Sender, Receiver WarehouseID
	Archived         bool
	Start            int // index of the first record, from 0
	PerPage          int // default 100, at most 1000
	Fields           []string
}

func (q ShipmentQuery) values() (params, error) {
	p, err := paging(q.Start, q.PerPage, q.Fields)
	if err == nil {
		p.list("shipmentid", numbers(q.IDs))
		p.number("sender_warehouseid", int64(q.Sender))
		p.number("receiver_warehouseid", int64(q.Receiver))
		p.flag("archived", q.Archived)
	}
	return p, err
}

// ReasonCodeID is the id of a reason code.
type ReasonCodeID int64

// ReasonCode names why stock moved or a price was changed (/reasoncodes).
type ReasonCode struct {
	ID    ReasonCodeID `json:"reasoncodeid"`
	Type  int          `json:"type"`
	Code  string       `json:"reasoncode"`
	Name  string       `json:"name"`
	Extra Extra        `json:"-"`
}

// ReasonCodeFields is what is written to a reason code. A create needs Type and Code (at most 32 characters).
type ReasonCodeFields struct {
	Type Field[int]    `json:"type,omitzero"`
	Code Field[string] `json:"reasoncode,omitzero"`
	Name Field[string] `json:"name,omitzero"` // at most 64 characters
}

// ReasonCodeQuery filters reason codes.
type ReasonCodeQuery struct {
	Types   []int
	Start   int // index of the first record, from 0
	PerPage int // default 100, at most 1000
}

func (q ReasonCodeQuery) values() (params, error) {
	p, err := paging(q.Start, q.PerPage, nil)
	if err == nil {
		p.list("type", numbers(q.Types))
	}
	return p, err
}
