package eurofaktura

import (
	"context"
	"encoding/json"

	"github.com/shopspring/decimal"
)

// Partner is a buyer, a supplier or an employee.
type Partner struct {
	DocumentID         DocumentID `json:"documentID"`
	Code               string     `json:"partnerCode"`
	CompanyType        string     `json:"companyType"`
	CompanyName        string     `json:"companyName"`
	FirstName          string     `json:"firstName"`
	LastName           string     `json:"lastName"`
	Email              string     `json:"eMail"`
	Telephone          string     `json:"telephone"`
	TaxID              string     `json:"taxID"`
	VATID              string     `json:"vatID"`
	RegistrationNumber string     `json:"registrationNumber"`
	PersonalID         string     `json:"personalID"`
	VATRegistration    string     `json:"vatRegistration"`
	BuyerData          BuyerData  `json:"BuyerData"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a record leniently, see Extra.
func (p *Partner) UnmarshalJSON(b []byte) error { return readObject(b, p) }

// MarshalJSON writes what was read, save members that were null or empty.
func (p Partner) MarshalJSON() ([]byte, error) { return writeObject(p) }

// BuyerData is what makes a partner a buyer.
type BuyerData struct {
	BuyerCode          string  `json:"buyerCode"`
	Status             string  `json:"status"`
	InvoicingCurrency  string  `json:"invoicingCurrency"`
	DaysForPayment     int     `json:"numberOfDaysForPayment"`
	DiscountPercentage Decimal `json:"discountPercentage"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a record leniently, see Extra.
func (d *BuyerData) UnmarshalJSON(b []byte) error { return readObject(b, d) }

// MarshalJSON writes what was read.
func (d BuyerData) MarshalJSON() ([]byte, error) { return writeObject(d) }

func (d BuyerData) absent() bool {
	return d.BuyerCode == "" && d.Status == "" && d.InvoicingCurrency == "" && d.DaysForPayment == 0 && d.DiscountPercentage.absent() && len(d.Extra) == 0
}

// PartnerFields writes a partner.
type PartnerFields struct {
	Code               Field[string]          `json:"partnerCode"`
	CompanyType        Field[string]          `json:"companyType"` // Ltd, …
	CompanyName        Field[string]          `json:"companyName"`
	FirstName          Field[string]          `json:"firstName"`
	LastName           Field[string]          `json:"lastName"`
	Email              Field[string]          `json:"eMail"`
	Telephone          Field[string]          `json:"telephone"`
	TaxID              Field[string]          `json:"taxID"`
	VATID              Field[string]          `json:"vatID"`
	RegistrationNumber Field[string]          `json:"registrationNumber"`
	VATRegistration    Field[string]          `json:"vatRegistration"` // Registered, RegisteredR2, None
	Addresses          []AddressFields        `json:"Addresses"`
	BuyerData          Field[BuyerDataFields] `json:"BuyerData"`

	Extra map[string]json.RawMessage `json:"-"`
}

// MarshalJSON writes the fields that are set, and Extra.
func (f PartnerFields) MarshalJSON() ([]byte, error) { return writeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *PartnerFields) UnmarshalJSON(b []byte) error { return readObject(b, f) }

// BuyerDataFields writes what makes a partner a buyer.
type BuyerDataFields struct {
	BuyerCode          Field[string]          `json:"buyerCode"`
	Status             Field[string]          `json:"status"` // defaultBuyer
	InvoicingCurrency  Field[string]          `json:"invoicingCurrency"`
	InvoicingLanguage  Field[string]          `json:"invoicingLanguage"` // an English name: Bulgarian
	DaysForPayment     Field[int]             `json:"numberOfDaysForPayment"`
	DiscountPercentage Field[decimal.Decimal] `json:"discountPercentage"`
	SendByEmail        Field[bool]            `json:"sendDocumentsViaEmail"`

	Extra map[string]json.RawMessage `json:"-"`
}

// MarshalJSON writes the fields that are set, and Extra.
func (f BuyerDataFields) MarshalJSON() ([]byte, error) { return writeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *BuyerDataFields) UnmarshalJSON(b []byte) error { return readObject(b, f) }

// PartnerQuery selects partners. Zero fields do not filter.
type PartnerQuery struct {
	Code, PersonalID, VATID string
	Extra                   map[string]any
}

func (q PartnerQuery) params() map[string]any {
	p := DocumentQuery{Extra: q.Extra}.params()
	for name, v := range map[string]string{"partnerCode": q.Code, "personalID": q.PersonalID, "vatID": q.VATID} {
		if v != "" {
			p[name] = v
		}
	}
	return p
}

// Partners are buyers, suppliers and employees: Partner….
type Partners struct{ client *Client }

// List makes one call of PartnerList. Nothing found is an empty list.
func (p *Partners) List(ctx context.Context, q PartnerQuery) ([]*Partner, *Page, error) {
	return list[Partner](ctx, p.client, "Partners.List", "PartnerList", q.params(), 0, "Partner", "partner")
}

// Buyers is List for those who are buyers: PartnerListBuyers.
func (p *Partners) Buyers(ctx context.Context, q PartnerQuery) ([]*Partner, *Page, error) {
	return list[Partner](ctx, p.client, "Partners.Buyers", "PartnerListBuyers", q.params(), 0, "Partner", "partner")
}

// Get returns the partner with a code: PartnerGetByCode. None is [ErrNotFound].
func (p *Partners) Get(ctx context.Context, code string) (*Partner, error) {
	return p.one(ctx, "Partners.Get", "PartnerGetByCode", "partnerCode", code)
}

// GetByDocumentID returns the partner with an internal id: PartnerGetByDocumentID.
func (p *Partners) GetByDocumentID(ctx context.Context, id DocumentID) (*Partner, error) {
	return p.one(ctx, "Partners.GetByDocumentID", "PartnerGetByDocumentID", "documentID", string(id))
}

// GetByID returns the partner with an official number, such as a tax number: PartnerGetByID.
func (p *Partners) GetByID(ctx context.Context, id string) (*Partner, error) {
	return p.one(ctx, "Partners.GetByID", "PartnerGetByID", "ID", id)
}

func (p *Partners) one(ctx context.Context, op string, m Method, name, v string) (*Partner, error) {
	if v == "" {
		return nil, refused(op, m, "the "+name+" is empty")
	}
	rows, _, err := list[Partner](ctx, p.client, op, m, map[string]any{name: v}, 0, "Partner", "partner")
	if err == nil && len(rows) == 0 {
		err = notFound(op, m)
	}
	if err != nil {
		return nil, err
	}
	return rows[0], nil
}

// Create adds a partner: PartnerCreate.
func (p *Partners) Create(ctx context.Context, transaction string, f PartnerFields) (*Partner, error) {
	const op, m = "Partners.Create", Method("PartnerCreate")
	if err := checkTransaction(transaction); err != nil {
		return nil, refused(op, m, err.Error())
	}
	return p.write(ctx, op, m, f, map[string]any{"apiTransactionId": transaction})
}

// Update changes a partner: PartnerUpdate.
func (p *Partners) Update(ctx context.Context, f PartnerFields) (*Partner, error) {
	return p.write(ctx, "Partners.Update", "PartnerUpdate", f, nil)
}

// Import adds the partner, or changes the one that has its code: PartnerImport. It needs a Code or a BuyerCode: without any each import
// would be somebody new.
func (p *Partners) Import(ctx context.Context, f PartnerFields) (*Partner, error) {
	const op, m = "Partners.Import", Method("PartnerImport")
	code, _ := f.Code.Get()
	buyer, _ := f.BuyerData.Get()
	buyerCode, _ := buyer.BuyerCode.Get()
	if code == "" && buyerCode == "" {
		return nil, refused(op, m, "the partner has neither Code nor BuyerData.BuyerCode")
	}
	return p.write(ctx, op, m, f, nil)
}

func (p *Partners) write(ctx context.Context, op string, m Method, f PartnerFields, params map[string]any) (*Partner, error) {
	if params == nil {
		params = map[string]any{}
	}
	params["partner"] = f
	out := new(Partner)
	return out, p.client.do(ctx, op, m, params, func(result json.RawMessage) error {
		return decodeResult(unwrap(result, "Partner", "partner"), out)
	})
}

// Delete deletes a partner: PartnerDelete.
func (p *Partners) Delete(ctx context.Context, code string) error {
	const op, m = "Partners.Delete", Method("PartnerDelete")
	if code == "" {
		return refused(op, m, "the code is empty")
	}
	return p.client.do(ctx, op, m, map[string]any{"partnerCode": code}, ignore)
}
