package sitoo

import (
	"strings"
	"time"

	"errors"
)

// StoreID is the id of a store.
type StoreID int64

// UnmarshalJSON reads a number or text.
func (id *StoreID) UnmarshalJSON(b []byte) error { return readIntInto(b, id) }

// StoreType is the kind of a store. There are mobile and online ones too, whose numbers Sitoo does not publish.
type StoreType int

// The types of stores.
const (
	StorePlain  StoreType = 10
	StoreOutlet StoreType = 20
	StorePopUp  StoreType = 30
)

// Store is a place that sells (/sites/{site}/stores).
type Store struct {
	ID         StoreID   `json:"storeid"`
	Site       SiteID    `json:"eshopid"`
	Type       StoreType `json:"storetype"`
	Name       string    `json:"name"`
	ExternalID string    `json:"externalid"`
	Group      string    `json:"externalgroupid"`
	Phone      string    `json:"phone"`
	Email      string    `json:"email"`
	Address    string    `json:"address"`
	Address2   string    `json:"address2"`
	Zip        string    `json:"zip"`
	City       string    `json:"city"`
	State      string    `json:"state"`
	Country    string    `json:"countryid"`
	Latitude   string    `json:"latitude"`
	Longitude  string    `json:"longitude"`
	Nearby     []StoreID `json:"nearby_stores"`
	Tags       []string  `json:"tags"`
	Extra      Extra     `json:"-"`
}

// StoreFields is what is written to a store. A create needs Type and Name.
type StoreFields struct {
	Type       Field[StoreType] `json:"storetype,omitzero"`
	Name       Field[string]    `json:"name,omitzero"`
	ExternalID Field[string]    `json:"externalid,omitzero"`
	Group      Field[string]    `json:"externalgroupid,omitzero"`
	Phone      Field[string]    `json:"phone,omitzero"`
	Email      Field[string]    `json:"email,omitzero"`
	Address    Field[string]    `json:"address,omitzero"`
	Address2   Field[string]    `json:"address2,omitzero"`
	Zip        Field[string]    `json:"zip,omitzero"`
	City       Field[string]    `json:"city,omitzero"`
	State      Field[string]    `json:"state,omitzero"`
	Country    Field[string]    `json:"countryid,omitzero"`
	Nearby     Field[[]StoreID] `json:"nearby_stores,omitzero"`
	Tags       Field[[]string]  `json:"tags,omitzero"`
}

// RegisterID is the id of a cash register: a GUID in braces.
type RegisterID string

// CashRegister is a till (/sites/{site}/cashregisters).
type CashRegister struct {
	ID          RegisterID  `json:"registerid"`
	Key         string      `json:"registerkey"`
	Company     string      `json:"company"`
	CompanyID   string      `json:"companyid"`
	Currency    string      `json:"currencycode"`
	WarehouseID WarehouseID `json:"warehouseid"`
	Extra       Extra       `json:"-"`
}

// ZReportID is the id of a Z report.
type ZReportID int64

// ZReport is what a till has taken between two closings. Its many totals and groupings stand in Extra by Sitoo's names.
type ZReport struct {
	ID      ZReportID `json:"zreportid"`
	Created Time      `json:"datecreated"`
	Opened  Time      `json:"dateopened"`
	Site    SiteID    `json:"eshopid"`
	Sales   Money     `json:"moneysalestotal"`
	Net     Money     `json:"moneysalestotalnet"`
	Refunds Money     `json:"moneyrefundtotal"`
	Rounded Money     `json:"moneyroundoff"`
	Extra   Extra     `json:"-"`
}

// ZReportQuery filters Z reports.
type ZReportQuery struct {
	Since, Until time.Time // by Created
	Start        int       // index of the first record, from 0
	PerPage      int       // default 100, at most 1000
}

func (q ZReportQuery) values() (params, error) {
	p, err := paging(q.Start, q.PerPage, nil)
	if err == nil {
		p.time("datecreatedfrom", q.Since)
		p.time("datecreatedto", q.Until)
	}
	return p, err
}

// ZReports are the Z reports of a till (/sites/{site}/cashregisters/{id}/zreports).
func (c *Client) ZReports(r RegisterID) *Reader[ZReport, ZReportID, ZReportQuery] {
	return reader[ZReport, ZReportID, ZReportQuery](c, c.at("cashregisters", "").under("ZReports", wire(r), "zreports"),
		func(z *ZReport) ZReportID { return z.ID })
}

// UserID is the id of a user: a GUID in braces.
type UserID string

// User is a customer, or with a Role one of the staff (/sites/{site}/users).
type User struct {
	ID             UserID        `json:"userid"`
	Email          string        `json:"email"` // unique
	FirstName      string        `json:"namefirst"`
	LastName       string        `json:"namelast"`
	PersonalID     string        `json:"personalid"`
	ExternalID     string        `json:"externalid"`
	Company        string        `json:"company"`
	CompanyID      string        `json:"companyid"`
	CustomerNumber string        `json:"customernumber"`
	Phone          string        `json:"phone"`
	Mobile         string        `json:"mobile"`
	Address        string        `json:"address"`
	Address2       string        `json:"address2"`
	Zip            string        `json:"zip"`
	City           string        `json:"city"`
	State          string        `json:"state"`
	Country        string        `json:"countryid"`
	Notes          string        `json:"notes"`
	Role           *int          `json:"role"`
	Warehouses     []WarehouseID `json:"warehouses"`
	Created        Time          `json:"datecreated"`
	Modified       Time          `json:"datemodified"`
	Extra          Extra         `json:"-"`
}

// UserFields is what is written to a user. A create needs Email.
type UserFields struct {
	Email          Field[string]        `json:"email,omitzero"`
	FirstName      Field[string]        `json:"namefirst,omitzero"`
	LastName       Field[string]        `json:"namelast,omitzero"`
	PersonalID     Field[string]        `json:"personalid,omitzero"`
	ExternalID     Field[string]        `json:"externalid,omitzero"`
	Company        Field[string]        `json:"company,omitzero"`
	CompanyID      Field[string]        `json:"companyid,omitzero"`
	CustomerNumber Field[string]        `json:"customernumber,omitzero"`
	Phone          Field[string]        `json:"phone,omitzero"`
	Mobile         Field[string]        `json:"mobile,omitzero"`
	Address        Field[string]        `json:"address,omitzero"`
	Address2       Field[string]        `json:"address2,omitzero"`
	Zip            Field[string]        `json:"zip,omitzero"`
	City           Field[string]        `json:"city,omitzero"`
	State          Field[string]        `json:"state,omitzero"`
	Country        Field[string]        `json:"countryid,omitzero"`
	Notes          Field[string]        `json:"notes,omitzero"`
	PIN            Field[string]        `json:"pin,omitzero"` // written, never read
	Warehouses     Field[[]WarehouseID] `json:"warehouses,omitzero"`
}

// UserQuery filters users, each by an exact value.
type UserQuery struct {
	IDs            []UserID
	Email          string
	CustomerNumber string
	PersonalID     string
	Mobile         string
	Start          int // index of the first record, from 0
	PerPage        int // default 100, at most 1000
	Fields         []string
}

func (q UserQuery) values() (params, error) {
	p, err := paging(q.Start, q.PerPage, q.Fields)
	if err != nil {
		return p, err
	}
	var ids []string
	for _, id := range q.IDs {
		if id == "" || strings.Contains(string(id), ",") {
			return p, errors.New("a user's id is empty or holds a comma")
		}
		ids = append(ids, string(id))
	}
	p.list("userid", ids)
	p.text("email", q.Email)
	p.text("customernumber", q.CustomerNumber)
	p.text("personalid", q.PersonalID)
	p.text("mobile", q.Mobile)
	return p, nil
}

// SalesTaxID is the id of a sales tax of the United States.
type SalesTaxID int64

// SalesTax is a sales tax of the United States (/sites/{site}/salestaxes).
type SalesTax struct {
	ID    SalesTaxID `json:"salestaxid"`
	Name  string     `json:"name"`
	Value Quantity   `json:"decimalvaluedefault"` // percent
	Extra Extra      `json:"-"`
}

// SalesTaxFields is what is written to a sales tax.
type SalesTaxFields struct {
	Name  Field[string]   `json:"name,omitzero"`
	Value Field[Quantity] `json:"decimalvaluedefault,omitzero"`
}

// SalesTaxGroupID is the id of a group of sales taxes.
type SalesTaxGroupID int64

// SalesTaxGroup is a group of sales taxes (/sites/{site}/salestaxgroups).
type SalesTaxGroup struct {
	ID    SalesTaxGroupID `json:"salestaxgroupid"`
	Name  string          `json:"name"`
	Extra Extra           `json:"-"`
}

// SalesTaxGroupFields is what is written to a group of sales taxes.
type SalesTaxGroupFields struct {
	Name Field[string] `json:"name,omitzero"`
}
