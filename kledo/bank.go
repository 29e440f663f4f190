package kledo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/internal/rest"
)

// BankQuery selects what moved on a bank account.
type BankQuery struct {
	AccountID  AccountID        `query:"bank_account_id"` // required
	Search     string           `query:"search"`
	DateFrom   Date             `query:"date_from"`
	DateTo     Date             `query:"date_to"`
	AmountFrom *decimal.Decimal `query:"amount_from"`
	AmountTo   *decimal.Decimal `query:"amount_to"`
	Page       int              // default 1
	PerPage    int              // default Kledo's, 15
}

// BankTransaction is money that came in or went out.
type BankTransaction struct {
	ID        RecordID        `json:"id"`
	Type      TransactionType `json:"trans_type_id"`
	RefNumber string          `json:"ref_number"`
	TransDate Date            `json:"trans_date"`
	ContactID ContactID       `json:"contact_id"`
	Memo      string          `json:"memo"`
	Amount    Decimal         `json:"amount"`

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// BankFields is what is written of a bank transaction.
type BankFields struct {
	TransDate Field[Date]            `json:"trans_date,omitzero"`      // required
	Type      Field[TransactionType] `json:"trans_type_id,omitzero"`   // TypeBankReceive
	AccountID Field[AccountID]       `json:"bank_account_id,omitzero"` // required
	ContactID Field[ContactID]       `json:"contact_id,omitzero"`
	Memo      Field[string]          `json:"memo,omitzero"`
	Items     Field[[]BankLine]      `json:"items,omitzero"` // required
}

// BankLine is a line of a bank transaction or an expense: an account and what goes to it.
type BankLine struct {
	AccountID   Field[AccountID]       `json:"finance_account_id,omitzero"`
	Description Field[string]          `json:"desc,omitzero"`
	Amount      Field[decimal.Decimal] `json:"amount,omitzero"`
}

// InvoicePaymentFields is what is written of a payment on an invoice.
type InvoicePaymentFields struct {
	TransDate      Field[Date]      `json:"trans_date,omitzero"`       // required
	AccountID      Field[AccountID] `json:"bank_account_id,omitzero"`  // required
	BusinessTranID Field[int64]     `json:"business_tran_id,omitzero"` // required: Sale.BusinessTranID
	Amount         Field[int64]     `json:"amount,omitzero"`           // required; whole rupiah, nothing else is taken
	Memo           Field[string]    `json:"memo,omitzero"`
}

// ExpenseFields is what is written of an expense.
type ExpenseFields struct {
	TransDate Field[Date]       `json:"trans_date,omitzero"`                  // required
	PaidFrom  Field[AccountID]  `json:"pay_from_finance_account_id,omitzero"` // required
	ContactID Field[ContactID]  `json:"contact_id,omitzero"`
	Status    Field[Status]     `json:"status_id,omitzero"`
	Memo      Field[string]     `json:"memo,omitzero"`
	Items     Field[[]BankLine] `json:"items,omitzero"` // required
}

// UnmarshalJSON reads Kledo's form.
func (b *BankTransaction) UnmarshalJSON(raw []byte) error { return decode(raw, b) }

// MarshalJSON writes what UnmarshalJSON reads.
func (b BankTransaction) MarshalJSON() ([]byte, error) { return encode(b) }

// PayInvoice records a payment on an invoice and returns its id: POST finance/bankTrans/invoicePayment. It is sent once: when the
// answer is lost the error is ErrAmbiguous, and a second one may pay twice: read [Sale.Due] first.
func (c *Client) PayInvoice(ctx context.Context, w InvoicePaymentFields) (RecordID, error) {
	const path = "finance/bankTrans/invoicePayment"
	var r Record
	err := c.doJSON(ctx, rest.Call{Op: "PayInvoice", Kind: rest.Effect, Method: http.MethodPost, Path: path, Route: path}, w, &r)
	return r.ID(), err
}

// BankBalances are the balances of the bank accounts: GET finance/bank/balances. Their members are not documented.
func (c *Client) BankBalances(ctx context.Context) ([]Record, error) {
	const path = "finance/bank/balances"
	var all paginator
	err := c.do(ctx, rest.Call{Op: "BankBalances", Kind: rest.Read, Method: http.MethodGet, Path: path, Route: path}, &all)
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(all.Data))
	for i, raw := range all.Data {
		_ = json.Unmarshal(raw, &records[i]) // one odd record is empty; the others are good
	}
	return records, nil
}

// DeleteAccounts deletes accounts: DELETE finance/accounts/massDelete.
func (c *Client) DeleteAccounts(ctx context.Context, ids ...AccountID) error {
	const path = "finance/accounts/massDelete"
	if len(ids) == 0 {
		return invalid("DeleteAccounts", errors.New("there is no id"))
	}
	var f form
	for _, id := range ids {
		f.add(strconv.FormatInt(int64(id), 10), "id", "")
	}
	return c.do(ctx, rest.Call{
		Op: "DeleteAccounts", Kind: rest.Write, Method: http.MethodDelete, Path: path, Route: path,
		Body: f.bytes(), ContentType: "application/x-www-form-urlencoded",
	}, nil)
}
