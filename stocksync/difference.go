package stocksync

import (
	"fmt"
	"strconv"
)

// Field names what differs between two stores.
type Field string

// The fields of a stock that can differ.
const (
	FieldProduct    Field = "product" // one of the two has no such product
	FieldQuantity   Field = "quantity"
	FieldStatus     Field = "status"
	FieldBackorders Field = "backorders"
	FieldManage     Field = "manage"
	FieldLowStock   Field = "low_stock"
)

// Difference is one field of one product in which a store differs from what it should have.
type Difference struct {
	Peer       StoreID
	Ref        Ref
	Field      Field
	Want, Have string
}

// String is the difference in one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s at %s: %s is %s, should be %s", d.Ref.SKU, d.Peer, d.Field, d.Have, d.Want)
}

// compare tells how have differs from want; nil stands for a product that is not there. What want does not say is not compared. A
// status that a store works out by itself (where it counts the stock) is compared only if both would work out the same, since a
// different threshold is no drift. Nor is a low-stock threshold compared that one side leaves to the store's default: the plugin
// cannot say so.
func compare(peer StoreID, ref Ref, want, have *Stock) []Difference {
	var found []Difference
	differ := func(f Field, want, have string) {
		if want != have {
			found = append(found, Difference{Peer: peer, Ref: ref, Field: f, Want: want, Have: have})
		}
	}
	if want == nil || have == nil {
		differ(FieldProduct, presence(want), presence(have))
		return found
	}
	if want.Manage != "" && have.Manage != "" {
		differ(FieldManage, string(want.Manage), string(have.Manage))
	}
	counted := want.Manage != Unmanaged && have.Manage != Unmanaged
	if counted && !want.Quantity.Equal(have.Quantity) {
		differ(FieldQuantity, want.Quantity.String(), have.Quantity.String())
	}
	if want.Backorders != "" && have.Backorders != "" {
		differ(FieldBackorders, string(want.Backorders), string(have.Backorders))
	}
	if want.Status != "" && have.Status != "" && (!counted || want.derived() && have.derived()) {
		differ(FieldStatus, string(want.Status), string(have.Status))
	}
	if want.LowStock != nil && have.LowStock != nil {
		differ(FieldLowStock, strconv.Itoa(*want.LowStock), strconv.Itoa(*have.LowStock))
	}
	return found
}

func presence(s *Stock) string {
	if s == nil {
		return "missing"
	}
	return "there"
}

// derived says whether the status is what follows from the quantity in a store with the usual threshold, none.
func (s *Stock) derived() bool { return s.Status == status(s.Quantity, s.Backorders) }
