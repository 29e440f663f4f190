package stocksync

import "strings"

// Exclusions are SKUs that are left alone everywhere: they are not reported, not pushed or reconciled, not checked at the checkout and
// not audited. They are compared as the plugin compares them: without spaces around, in the exact case. So "sku-0028" does not exclude
// "SKU-0028", although a store's database takes the two for one product. The zero value excludes nothing.
type Exclusions map[SKU]struct{}

// ParseExclusions reads a list as the plugin's settings have it: SKUs with commas or new lines between them, spaces around ignored.
func ParseExclusions(text string) Exclusions {
	e := Exclusions{}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if sku := strings.TrimSpace(part); sku != "" {
			e[SKU(sku)] = struct{}{}
		}
	}
	return e
}

// Has says whether a SKU is excluded.
func (e Exclusions) Has(sku SKU) bool {
	_, ok := e[SKU(strings.TrimSpace(string(sku)))]
	return ok
}
