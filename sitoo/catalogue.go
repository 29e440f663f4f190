package sitoo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/tillwire/tillwire/internal/rest"
)

// CategoryID is the id of a category.
type CategoryID int64

// UnmarshalJSON reads a number or text.
func (id *CategoryID) UnmarshalJSON(b []byte) error { return readIntInto(b, id) }

// Category is a product category (/sites/{site}/categories).
type Category struct {
	ID       CategoryID `json:"categoryid"`
	ParentID CategoryID `json:"categoryparentid"` // 0: at the top
	Visible  bool       `json:"visible"`
	Sort     int        `json:"sortorder"` // among its siblings, from 0
	Title    string     `json:"title"`
	Friendly string     `json:"friendly"`
	Created  Time       `json:"datecreated"`
	Modified Time       `json:"datemodified"`
	Extra    Extra      `json:"-"`
}

// CategoryFields is what is written to a category. A create needs Title.
type CategoryFields struct {
	ParentID Field[CategoryID] `json:"categoryparentid,omitzero"` // null: to the top
	Visible  Field[bool]       `json:"visible,omitzero"`
	Sort     Field[int]        `json:"sortorder,omitzero"`
	Title    Field[string]     `json:"title,omitzero"`
}

// ManufacturerID is the id of a manufacturer: Sitoo's externalcompanyid, manufacturerid on a product.
type ManufacturerID int64

// Manufacturer makes products (/sites/{site}/manufacturers).
type Manufacturer struct {
	ID          ManufacturerID `json:"externalcompanyid"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Phone       string         `json:"phone"`
	Email       string         `json:"email"`
	HomePage    string         `json:"url1"`
	Link        string         `json:"url2"`
	Country     string         `json:"countryid"` // two letters
	Extra       Extra          `json:"-"`
}

// ManufacturerFields is what is written to a manufacturer. A create needs Name.
type ManufacturerFields struct {
	Name        Field[string] `json:"name,omitzero"`
	Description Field[string] `json:"description,omitzero"`
	Phone       Field[string] `json:"phone,omitzero"`
	Email       Field[string] `json:"email,omitzero"`
	HomePage    Field[string] `json:"url1,omitzero"`
	Link        Field[string] `json:"url2,omitzero"`
	Country     Field[string] `json:"countryid,omitzero"`
}

// VATID is the id of a VAT group. Group 2 is every account's default.
type VATID int64

// VATType is what a VAT group is for.
type VATType int

// The VAT groups' types.
const (
	VATProduct  VATType = 10
	VATService  VATType = 20
	VATGiftCard VATType = 30
)

// VATGroup is a VAT rate and what it is for (/sites/{site}/productgroups). Several may have one rate: choose by rate and type.
type VATGroup struct {
	ID      VATID   `json:"vatid"`
	Value   Percent `json:"value"`
	Type    VATType `json:"productgrouptype"`
	Name    string  `json:"productgroupname"`
	Comment string  `json:"comment"`
	Extra   Extra   `json:"-"`
}

// VATGroupFields is what is written to a VAT group. A create needs Name.
type VATGroupFields struct {
	Value   Field[Percent] `json:"value,omitzero"`
	Type    Field[VATType] `json:"productgrouptype,omitzero"`
	Name    Field[string]  `json:"productgroupname,omitzero"`
	Comment Field[string]  `json:"comment,omitzero"`
}

// PriceListID is the id of a price list; 1 is the default one, which Product.Price writes.
type PriceListID int64

// PriceList is a list of prices for some stores or campaigns (/sites/{site}/pricelists), at most 100 of them. Several lists need an account that
// stores prices with VAT.
type PriceList struct {
	ID          PriceListID `json:"pricelistid"`
	Name        string      `json:"pricelistname"`
	Description string      `json:"pricelistdescription"`
	Active      bool        `json:"active"`
	ExternalID  string      `json:"externalid"`
	Currency    string      `json:"currencycode"`
	Tags        []string    `json:"tags"`
	Extra       Extra       `json:"-"`
}

// PriceListFields is what is written to a price list. A create needs Name.
type PriceListFields struct {
	Name        Field[string]   `json:"pricelistname,omitzero"`
	Description Field[string]   `json:"pricelistdescription,omitzero"`
	Active      Field[bool]     `json:"active,omitzero"`
	ExternalID  Field[string]   `json:"externalid,omitzero"`
	Currency    Field[string]   `json:"currencycode,omitzero"` // three letters, upper case
	Tags        Field[[]string] `json:"tags,omitzero"`
}

// Price is a product's price in a list.
type Price struct {
	ProductID ProductID     `json:"productid"`
	SKU       string        `json:"sku"`
	Price     Money         `json:"moneyprice"`
	Volume    []VolumePrice `json:"moneypricevolume"`
	Extra     Extra         `json:"-"`
}

// VolumePrice is the price from a quantity on.
type VolumePrice struct {
	From  int   `json:"levelstart"`
	Price Money `json:"moneyprice"`
}

// PriceFields is what is written for one SKU of a price list.
type PriceFields struct {
	SKU    string        `json:"sku"`
	Price  Money         `json:"moneyprice"`
	Volume []VolumePrice `json:"moneypricevolume,omitempty"`
}

// Prices are the prices of a list (/sites/{site}/pricelists/{id}/pricelistitems), by product id.
func (c *Client) Prices(list PriceListID) *Sheet[Price, ListQuery, PriceFields] {
	return &Sheet[Price, ListQuery, PriceFields]{resource[Price, ListQuery]{
		c: c, place: c.at("pricelists", "").under("Prices", wire(list), "pricelistitems"), key: keyed(func(p *Price) ProductID { return p.ProductID }),
	}}
}

// AttributeID is the name of a custom attribute, chosen by whoever made it.
type AttributeID string

// CustomAttribute is a field that an account adds to its products (/sites/{site}/customattributes).
type CustomAttribute struct {
	ID         AttributeID       `json:"id"`
	Title      string            `json:"title"`
	Type       string            `json:"type"`  // "string"
	Enums      []json.RawMessage `json:"enums"` // null: any value
	Searchable bool              `json:"searchable"`
	Extra      Extra             `json:"-"`
}

// CustomAttributeFields is what is written to a custom attribute. A create needs ID, Title and Type; an update cannot change ID, Type and
// Searchable. A known ID is ErrConflict.
type CustomAttributeFields struct {
	ID         Field[AttributeID] `json:"id,omitzero"`
	Title      Field[string]      `json:"title,omitzero"`
	Type       Field[string]      `json:"type,omitzero"`
	Enums      Field[[]string]    `json:"enums,omitzero"`
	Searchable Field[bool]        `json:"searchable,omitzero"`
}

// Family is a product in variants: the names of what they differ in, and the variants themselves.
type Family struct {
	Groups   []VariantGroup `json:"groups"`
	Variants []Variant      `json:"variants"`
}

// VariantGroup is one thing variants differ in, with all values there are: Färg: Svart, Vit.
type VariantGroup struct {
	Name    string   `json:"name"`
	Options []string `json:"options"`
}

// Variant is a row of a family. Sitoo wants every field of it in each write, the deprecated ones too, and refuses any other.
type Variant struct {
	ProductID      ProductID `json:"productid"` // 0 makes a new product
	Active         bool      `json:"active"`
	ActivePOS      bool      `json:"activepos"`
	Title          string    `json:"title"`
	SKU            string    `json:"sku"`
	DeliveryStatus string    `json:"deliverystatus"`
	Price          Money     `json:"moneyprice"`
	PriceOriginal  Money     `json:"moneypriceorg"`
	PriceIn        Money     `json:"moneypricein"`
	PriceOffer     Money     `json:"moneyofferprice"`
	Barcode        string    `json:"barcode"`
	BarcodeAliases []string  `json:"barcodealiases,omitempty"`
	Friendly       string    `json:"friendly"` // unique over the site
	// Attributes has a value for each group, in their order; each must be one of that group's Options.
	Attributes []string `json:"attributes"`
}

// check refuses what would delete or misplace rows.
func (f Family) check() error {
	if len(f.Variants) == 0 {
		return errors.New("the family has no variants: a family that is replaced by none would delete them all")
	}
	seen := map[ProductID]bool{}
	for i, v := range f.Variants {
		switch {
		case len(v.Attributes) != len(f.Groups):
			return fmt.Errorf("variant %d (%s) has %d attributes, but the family %d groups", i, v.SKU, len(v.Attributes), len(f.Groups))
		case v.ProductID != 0 && seen[v.ProductID]:
			return fmt.Errorf("product %d is in the family twice", v.ProductID)
		case !ValidSKU(v.SKU):
			return fmt.Errorf("the SKU %q has other characters than 0-9 A-Z a-z . _ + / -, or is empty", v.SKU)
		}
		seen[v.ProductID] = true
		for n, value := range v.Attributes {
			if !slices.Contains(f.Groups[n].Options, value) {
				return fmt.Errorf("variant %d (%s): %q is not among the options of %s", i, v.SKU, value, f.Groups[n].Name)
			}
		}
	}
	return nil
}

// Family reads the family a product belongs to (/sites/{site}/products/{id}/productvariants).
func (c *Client) Family(ctx context.Context, p ProductID) (*Family, error) {
	call, err := c.below("Products.Family", rest.Read, http.MethodGet, "products", wire(p), "productvariants")
	if err != nil {
		return nil, err
	}
	f := new(Family)
	return f, c.do(ctx, call, f)
}

// ReplaceFamily writes the whole family of a product, which becomes its main variant: variants that are left out are deleted, with their
// stock. Read it first and change what was read. Rows with ProductID 0 are created; their ids must be read back. It is repeated after a passing
// failure only when no row is new.
func (c *Client) ReplaceFamily(ctx context.Context, p ProductID, f Family) error {
	kind := rest.Write
	if slices.ContainsFunc(f.Variants, func(v Variant) bool { return v.ProductID == 0 }) {
		kind = rest.Effect
	}
	call, err := c.below("Products.ReplaceFamily", kind, http.MethodPut, "products", wire(p), "productvariants")
	if err != nil {
		return err
	}
	if call.Body, err = encode(f); err != nil {
		return invalid(call.Op, err)
	}
	return c.do(ctx, call, nil)
}

// below is a call to what hangs below one record, such as products/7/productvariants.
func (c *Client) below(op string, kind rest.Kind, method, parent, id string, names ...string) (rest.Call, error) {
	if id == "" || id == "0" || id == "." || id == ".." {
		return rest.Call{}, invalid(op, errors.New("the id is empty"))
	}
	at := c.at(parent, op)
	call := rest.Call{
		Op: op, Kind: kind, Method: method, Path: at.path + "/" + url.PathEscape(id), Route: at.route + "/{id}",
	}
	for _, name := range names {
		call.Path += "/" + url.PathEscape(name)
		call.Route += "/" + name
	}
	call.Route = template(call.Route)
	return call, nil
}

// Resource is an image or file in the site's library.
type Resource struct {
	ID       string `json:"resourceid"` // its name, unique in the library
	MIMEType string `json:"mimetype"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
	Size     int64  `json:"filesize"` // bytes
	Created  Time   `json:"datecreated"`
	Extra    Extra  `json:"-"`
}

// Upload is an image or file to be linked to a product. Without Data the library's resource of that name is linked, with Data it is put there
// first; what happens when the name is taken is documented nowhere, so choose names that hold the product's id and a hash of the content.
type Upload struct {
	ResourceID string `json:"resourceid"` // see ValidResourceID
	Data       []byte `json:"filedata,omitempty"`
}

var resourceID = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// ValidResourceID reports whether Sitoo takes s as the name of an image or file: Latin letters, digits and _ . -.
func ValidResourceID(s string) bool { return resourceID.MatchString(s) }

func (u Upload) check() error {
	if !ValidResourceID(u.ResourceID) {
		return fmt.Errorf("the name %q has other characters than A-Z a-z 0-9 _ . -, or is empty", u.ResourceID)
	}
	return nil
}

// Gallery are the images, or the files, of one product. They go by their place in the list, from 0: removing one moves those behind it up, so remove
// from the last to the first.
type Gallery struct{ r resource[Resource, ListQuery] }

// Images are the images of a product (/sites/{site}/products/{id}/images), the main one first.
func (c *Client) Images(p ProductID) *Gallery { return c.gallery(p, "Images", "images") }

// Files are the files of a product (/sites/{site}/products/{id}/files).
func (c *Client) Files(p ProductID) *Gallery { return c.gallery(p, "Files", "files") }

func (c *Client) gallery(p ProductID, op, name string) *Gallery {
	return &Gallery{resource[Resource, ListQuery]{c: c, place: c.at("products", "").under(op, wire(p), name)}}
}

// List reads one page, as Lister's.
func (g *Gallery) List(ctx context.Context, q ListQuery) ([]*Resource, *Page, error) {
	return g.r.list(ctx, q)
}

// Get reads the one at a place.
func (g *Gallery) Get(ctx context.Context, index int) (*Resource, error) {
	t := new(Resource)
	return t, g.at(ctx, "Get", rest.Read, http.MethodGet, index, t)
}

// Add links one more, at the end. It is sent once: a second would link it twice.
func (g *Gallery) Add(ctx context.Context, u Upload) error {
	call, _ := g.r.call("Add", rest.Effect, http.MethodPost, "", nil)
	var err error
	if call.Body, err = encode(u); err != nil {
		return invalid(call.Op, err)
	}
	return g.r.c.do(ctx, call, nil)
}

// Remove unlinks the one at a place; the library keeps it. It is sent once, because the place then belongs to the next.
func (g *Gallery) Remove(ctx context.Context, index int) error {
	return g.at(ctx, "Remove", rest.Effect, http.MethodDelete, index, nil)
}

func (g *Gallery) at(ctx context.Context, verb string, kind rest.Kind, method string, index int, out any) error {
	call, _ := g.r.call(verb, kind, method, "", nil)
	if index < 0 {
		return invalid(call.Op, errors.New("the index is negative"))
	}
	call.Path += fmt.Sprintf("/%d", index)
	call.Route += "/{index}"
	return g.r.c.do(ctx, call, out)
}
