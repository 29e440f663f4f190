package sitoo

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ProductID is the id of a product or variant, unique over the account's sites.
type ProductID int64

// UnmarshalJSON reads a number or text: Sitoo writes ids within lists in either form.
func (id *ProductID) UnmarshalJSON(b []byte) error { return readIntInto(b, id) }

func readIntInto[N ~int64](b []byte, n *N) error {
	v, err := readInt(b)
	*n = N(v)
	return err
}

// Product is a product, or a variant of a family: Sitoo has no parent without a price and stock of its own. In a family VariantParentID is the same in
// all, the id of the main variant (/sites/{site}/products).
type Product struct {
	ID              ProductID      `json:"productid"`
	SKU             string         `json:"sku"`
	Title           string         `json:"title"`
	ManufacturerSKU string         `json:"skumanufacturer"`
	Short           string         `json:"descriptionshort"`
	Description     string         `json:"description"`
	Price           Money          `json:"moneyprice"`    // of the default price list; with or without VAT by an account setting
	PriceOriginal   Money          `json:"moneypriceorg"` // suggested retail price, struck through
	PriceIn         Money          `json:"moneypricein"`  // purchase price, always without VAT
	PriceFinal      Money          `json:"moneyfinalprice"`
	Active          bool           `json:"active"`    // visible in Sitoo's webshop
	ActivePOS       bool           `json:"activepos"` // visible at the till
	UnitLabel       string         `json:"unitlabel"`
	AllowDecimals   bool           `json:"allowdecimals"`
	VATID           VATID          `json:"vatid"`
	VATValue        Percent        `json:"vatvalue"`
	GroupType       VATType        `json:"productgrouptype"`
	DefaultCategory CategoryID     `json:"defaultcategoryid"` // 0: none
	Categories      []CategoryID   `json:"categories"`
	ManufacturerID  ManufacturerID `json:"manufacturerid"` // 0: none
	Custom          Custom         `json:"customattributes"`
	StockCount      bool           `json:"stockcountenable"`
	Backorder       bool           `json:"stockallowbackorder"`
	VariantParentID ProductID      `json:"variantparentid"` // 0: no family; its own id: the main variant
	Variant         []VariantValue `json:"variant"`
	Barcode         string         `json:"barcode"`
	BarcodeAliases  []string       `json:"barcodealiases"`
	Friendly        string         `json:"friendly"`
	Created         Time           `json:"datecreated"`
	Modified        Time           `json:"datemodified"`
	Extra           Extra          `json:"-"`
}

// VariantValue is one of the values that make a variant what it is: Färg = Svart.
type VariantValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ProductFields is what is written to a product. A create needs SKU; an update changes what is set.
type ProductFields struct {
	SKU             Field[string]         `json:"sku,omitzero"` // see ValidSKU
	Title           Field[string]         `json:"title,omitzero"`
	ManufacturerSKU Field[string]         `json:"skumanufacturer,omitzero"`
	Short           Field[string]         `json:"descriptionshort,omitzero"`
	Description     Field[string]         `json:"description,omitzero"`
	Price           Field[Money]          `json:"moneyprice,omitzero"`
	PriceOriginal   Field[Money]          `json:"moneypriceorg,omitzero"`
	PriceIn         Field[Money]          `json:"moneypricein,omitzero"`
	Active          Field[bool]           `json:"active,omitzero"`
	ActivePOS       Field[bool]           `json:"activepos,omitzero"`
	UnitLabel       Field[string]         `json:"unitlabel,omitzero"`
	AllowDecimals   Field[bool]           `json:"allowdecimals,omitzero"`
	VATID           Field[VATID]          `json:"vatid,omitzero"`
	DefaultCategory Field[CategoryID]     `json:"defaultcategoryid,omitzero"` // is added to Categories by Sitoo; null removes it
	Categories      Field[[]CategoryID]   `json:"categories,omitzero"`
	ManufacturerID  Field[ManufacturerID] `json:"manufacturerid,omitzero"`
	Custom          Field[Custom]         `json:"customattributes,omitzero"` // keys must exist: see Client.CustomAttributes
	StockCount      Field[bool]           `json:"stockcountenable,omitzero"`
	Backorder       Field[bool]           `json:"stockallowbackorder,omitzero"`
	Barcode         Field[string]         `json:"barcode,omitzero"` // Set("") clears; null is refused
	BarcodeAliases  Field[[]string]       `json:"barcodealiases,omitzero"`
	SEOTitle        Field[string]         `json:"seo_title,omitzero"`
	SEOKeywords     Field[string]         `json:"seo_keywords,omitzero"`
	SEODescription  Field[string]         `json:"seo_description,omitzero"`
	Similar         Field[[]ProductID]    `json:"similar,omitzero"` // these three of single products and main variants only
	Related         Field[[]ProductID]    `json:"related,omitzero"`
	Accessories     Field[[]ProductID]    `json:"accessories,omitzero"`
}

func (w ProductFields) check() error {
	if sku, ok := w.SKU.Get(); ok && !ValidSKU(sku) {
		return fmt.Errorf("the SKU %q has other characters than 0-9 A-Z a-z . _ + / -, or is empty", sku)
	}
	if w.Barcode.IsNull() {
		return errors.New(`a barcode is cleared with Set(""), null is refused`)
	}
	return nil
}

var sku = regexp.MustCompile(`^[0-9A-Za-z._+/-]+$`)

// ValidSKU reports whether Sitoo takes s as a SKU: digits, Latin letters and . _ + / -. A comma would end it in every filter.
func ValidSKU(s string) bool { return sku.MatchString(s) }

// ProductQuery filters products.
type ProductQuery struct {
	SKU             string    // exact
	IncludeInactive bool      // also those neither active in the webshop nor at the till, which Sitoo hides otherwise
	ModifiedSince   time.Time // inclusive
	Start           int       // index of the first record, from 0
	PerPage         int       // default 100, at most 1000
	Fields          []string  // default: all of Product but texts for the webshop, which are slow
}

// productFields is the default of ProductQuery.Fields. Sitoo's own leaves out title, categories and family.
var productFields = []string{
	"productid", "sku", "title", "skumanufacturer", "moneyprice", "moneypriceorg", "moneypricein", "moneyfinalprice", "active", "activepos",
	"unitlabel", "allowdecimals", "vatid", "vatvalue", "productgrouptype", "defaultcategoryid", "categories", "manufacturerid", "customattributes",
	"stockcountenable", "stockallowbackorder", "variantparentid", "variant", "barcode", "barcodealiases", "friendly", "datecreated", "datemodified",
}

func (q ProductQuery) values() (params, error) {
	fields := q.Fields
	if len(fields) == 0 {
		fields = slices.Clone(productFields)
	}
	p, err := paging(q.Start, q.PerPage, fields)
	if err != nil {
		return p, err
	}
	if strings.Contains(q.SKU, ",") {
		return p, fmt.Errorf("the SKU %q holds a comma, which no filter of Sitoo can say", q.SKU)
	}
	p.text("sku", q.SKU)
	p.flag("includeinactive", q.IncludeInactive)
	p.time("datelastmodified", q.ModifiedSince)
	return p, nil
}
