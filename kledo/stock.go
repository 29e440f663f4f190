package kledo

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/internal/rest"
)

// StockAdjustmentFields is what is written of a stock adjustment.
type StockAdjustmentFields struct {
	TransDate   Field[Date]             `json:"trans_date,omitzero"`   // required
	WarehouseID Field[WarehouseID]      `json:"warehouse_id,omitzero"` // required
	AccountID   Field[AccountID]        `json:"account_id,omitzero"`
	Type        Field[int]              `json:"type_id,omitzero"`
	RefNumber   Field[string]           `json:"ref_number,omitzero"`
	Memo        Field[string]           `json:"memo,omitzero"`
	InCharge    Field[int64]            `json:"pic_user_id,omitzero"`
	CountedBy   Field[int64]            `json:"counted_by_user_id,omitzero"`
	Attachments Field[[]string]         `json:"attachment,omitzero"`
	Items       Field[[]StockCountLine] `json:"items,omitzero"` // required
	Tags        Field[[]TagID]          `json:"tags,omitzero"`
}

// StockCountLine is what was counted of a product.
type StockCountLine struct {
	ProductID     Field[ProductID]       `json:"product_id,omitzero"`
	Counted       Field[decimal.Decimal] `json:"actual_qty,omitzero"`
	Difference    Field[decimal.Decimal] `json:"diff_qty,omitzero"`
	Price         Field[decimal.Decimal] `json:"price,omitzero"`
	SerialNumbers Field[[]SerialNumber]  `json:"serial_numbers,omitzero"`
}

// ApproveStockAdjustment lets an adjustment count: POST finance/stockAdjustments/{id}/approve.
func (c *Client) ApproveStockAdjustment(ctx context.Context, id RecordID) error {
	return c.adjustment(ctx, id, "approve")
}

// RejectStockAdjustment turns an adjustment down: POST finance/stockAdjustments/{id}/reject.
func (c *Client) RejectStockAdjustment(ctx context.Context, id RecordID) error {
	return c.adjustment(ctx, id, "reject")
}

// RevertStockAdjustment takes an approved adjustment back: POST finance/stockAdjustments/{id}/revert.
func (c *Client) RevertStockAdjustment(ctx context.Context, id RecordID) error {
	return c.adjustment(ctx, id, "revert")
}

func (c *Client) adjustment(ctx context.Context, id RecordID, verb string) error {
	if id <= 0 {
		return invalid("StockAdjustments."+verb, errors.New("the id is missing"))
	}
	return c.do(ctx, rest.Call{
		Op: "StockAdjustments." + verb, Kind: rest.Effect, Method: http.MethodPost,
		Path: fmt.Sprintf("finance/stockAdjustments/%d/%s", id, verb), Route: "finance/stockAdjustments/{id}/" + verb,
	}, nil)
}

// Option reads one of the account's settings, such as "lock_date", the day up to which the books are closed: GET options/{name}. Its
// members are not documented.
func (c *Client) Option(ctx context.Context, name string) (Record, error) {
	if name == "" {
		return nil, invalid("Option", errors.New("the name is missing"))
	}
	var r Record
	return r, c.Do(ctx, http.MethodGet, "options/"+name, nil, &r)
}
