package sitoosync

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tillwire/tillwire/sitoo"
)

// SKUItem is a product or variation of the shop, as Fix SKU sees it.
type SKUItem struct {
	ID  int64 // of the product or variation: the shop numbers both from one sequence
	SKU string
}

// SKUFix is a SKU that is to be changed.
type SKUFix struct {
	ID       int64
	Old, New string
	// Collided tells that New ends with the item's id because the repaired SKU was taken.
	Collided bool
}

// FixSKUs plans the repair of SKUs (row X3): every character that Sitoo refuses becomes a hyphen, an empty SKU becomes prefix and
// the item's id, and what would be taken gets "-" and the id behind it. Items whose SKU is good are left out. It changes nothing:
// show it before it is carried out. Two items that have the same good SKU are not its business; matching reports them.
func FixSKUs(items []SKUItem, prefix string) ([]SKUFix, error) {
	if prefix != "" && !sitoo.ValidSKU(prefix) {
		return nil, fmt.Errorf("sitoosync: the prefix %q has other characters than 0-9 A-Z a-z . _ + / -", prefix)
	}
	taken := map[string]bool{}
	for _, it := range items {
		if sitoo.ValidSKU(it.SKU) {
			taken[strings.ToLower(it.SKU)] = true // the shop tells SKUs apart without regard to case
		}
	}
	var fixes []SKUFix
	for _, it := range items {
		if sitoo.ValidSKU(it.SKU) {
			continue
		}
		fix := SKUFix{ID: it.ID, Old: it.SKU, New: repair(it.SKU, skuRune)}
		if strings.Trim(fix.New, "-") == "" {
			fix.New = fmt.Sprintf("%s%d", prefix, it.ID)
		}
		for taken[strings.ToLower(fix.New)] {
			fix.New, fix.Collided = fmt.Sprintf("%s-%d", fix.New, it.ID), true
		}
		taken[strings.ToLower(fix.New)] = true
		fixes = append(fixes, fix)
	}
	return fixes, nil
}

// ResourceName makes the name that an image goes to the till by (row X4, Fix Images): its own name with every refused character
// made a hyphen, behind the product's id, since names are shared by the whole site. The shop's file keeps its name: REST cannot
// change it.
func ResourceName(product int64, index int, file string) string {
	name := repair(path.Base(strings.ReplaceAll(file, "\\", "/")), func(r rune) bool { return skuRune(r) && r != '+' && r != '/' })
	ext := path.Ext(name)
	stem := strings.Trim(strings.TrimSuffix(name, ext), "-.")
	if stem == "" {
		stem = "image"
	}
	if ext == "." {
		ext = ""
	}
	return fmt.Sprintf("%d-%d-%s%s", product, index, stem[:min(len(stem), 80)], ext)
}

func skuRune(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || slices.Contains([]rune("._+/-"), r)
}

func repair(s string, good func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if good(r) {
			return r
		}
		return '-'
	}, strings.TrimSpace(s))
}
