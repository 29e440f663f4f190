package woo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// What can be done with products besides reading and writing them.

// DuplicateProduct copies a product with its variations, as a draft, and returns the copy's id: POST /products/{id}/duplicate,
// WooCommerce 8 and later. The copy's SKU is a new one. It is sent once: when the answer is lost the error is ErrAmbiguous.
func (c *Client) DuplicateProduct(ctx context.Context, p ProductID) (ProductID, error) {
	call := routeOf("DuplicateProduct", http.MethodPost, "products", p, "duplicate")
	// The shop lets out its internal object, of which only the id is a product's.
	copied, err := tell[Product](ctx, c, call, nil, true)
	if err != nil {
		return 0, err
	}
	return copied.ID, nil
}

// RelatedProducts reads which products the shop shows beside one, drawn anew each time: GET /products/{id}/related, newer shops.
func (c *Client) RelatedProducts(ctx context.Context, p ProductID) ([]ProductID, error) {
	call := routeOf("RelatedProducts", http.MethodGet, "products", p, "related")
	found, err := askAll[lenientID](ctx, c, call) // ids, or objects that have one
	ids := make([]ProductID, 0, len(found))
	for _, id := range found {
		ids = append(ids, ProductID(*id))
	}
	return ids, err
}

// SuggestedProductQuery selects products that fit categories and tags: GET /products/suggested-products.
type SuggestedProductQuery struct {
	Categories []CategoryID `query:"categories"`
	Tags       []TagID      `query:"tags"`
	Limit      int          `query:"limit"` // default 5

	Fields []string `query:"_fields"` // members to send, all others stay zero; id is always sent

	Extra url.Values // parameters of plugins, and those of [ProductQuery], which the shop takes here too
}

func (q SuggestedProductQuery) values() (url.Values, error) { return queryValues(q) }

// SuggestedProducts reads a few products that would go with others: GET /products/suggested-products.
func (c *Client) SuggestedProducts(ctx context.Context, q SuggestedProductQuery) ([]*Product, error) {
	return askAllWith[Product](ctx, c, route("SuggestedProducts", "products/suggested-products"), q.values)
}

// CustomFieldQuery selects names of custom fields: GET /products/custom-fields/names.
type CustomFieldQuery struct {
	Search Field[string] `query:"search"` // a part of the name

	Page    int       `query:"page"`
	PerPage int       `query:"per_page"` // 1 to 100
	Order   Direction `query:"order"`    // by name; the shop's default is ascending here

	Extra url.Values // parameters of plugins
}

func (q CustomFieldQuery) values() (url.Values, error) { return queryValues(q) }

// CustomFieldNames reads one page of the keys of meta data that products have, hidden ones (with an underscore) left out: GET
// /products/custom-fields/names, newer shops.
func (c *Client) CustomFieldNames(ctx context.Context, q CustomFieldQuery) ([]string, *Page, error) {
	r := resource[string, string, CustomFieldQuery]{
		c, placed("products/custom-fields/names"), 0, CustomFieldQuery.values, func(name *string) string { return *name },
	}
	found, page, err := r.list(ctx, q)
	names := make([]string, 0, len(found))
	for _, name := range found {
		names = append(names, *name)
	}
	return names, page, err
}

// SuggestShippingClassSlug returns a slug for a new shipping class that no other has: GET /products/shipping_classes/slug-suggestion,
// newer shops.
func (c *Client) SuggestShippingClassSlug(ctx context.Context, name string) (string, error) {
	call := route("SuggestShippingClassSlug", "products/shipping_classes/slug-suggestion")
	if strings.TrimSpace(name) == "" {
		return "", invalid(call.Op, errors.New("name: empty"))
	}
	call.Query = url.Values{"name": {name}}
	slug, err := ask[string](ctx, c, call)
	if err != nil {
		return "", err
	}
	return *slug, nil
}

// GenerateFields says how GenerateVariations works.
type GenerateFields struct {
	Delete  Field[bool]            `json:"delete,omitzero"`         // also deletes variations that no choice of attributes leads to
	Default Field[VariationFields] `json:"default_values,omitzero"` // of the new ones

	Extra map[string]json.RawMessage `json:"-"`
}

// Generated counts what GenerateVariations did.
type Generated struct {
	Count        int `json:"count"`         // variations made
	DeletedCount int `json:"deleted_count"` // variations deleted

	Extra map[string]json.RawMessage `json:"-"`
}

// GenerateVariations makes a variation of a product for each choice of its attributes that has none yet: POST
// /products/{id}/variations/generate. It takes long, and is sent once: when the answer is lost the error is ErrAmbiguous; run again it makes
// what is missing.
func (c *Client) GenerateVariations(ctx context.Context, p ProductID, f GenerateFields) (*Generated, error) {
	call := routeOf("GenerateVariations", http.MethodPost, "products", p, "variations/generate")
	return tell[Generated](ctx, c, call, f, true)
}
