package sitoosync

import "github.com/tillwire/tillwire/sitoo"

// ProductFilter says which of the till's products come down (row M1). Sitoo has no filter for it and hides what is wholly inactive,
// so all are read and chosen here.
type ProductFilter string

// The choices. The description leaves open whether AllActive means either or both, and AllInactive likewise: here a product is
// active when it can be sold anywhere.
const (
	AllProducts     ProductFilter = ""
	AllActive       ProductFilter = "active"
	ActivePOS       ProductFilter = "active-pos"
	ActiveWebshop   ProductFilter = "active-webshop"
	AllInactive     ProductFilter = "inactive"
	InactivePOS     ProductFilter = "inactive-pos"
	InactiveWebshop ProductFilter = "inactive-webshop"
)

// Keep reports whether a product comes down.
func (f ProductFilter) Keep(p *sitoo.Product) bool {
	switch f {
	case AllActive:
		return p.Active || p.ActivePOS
	case ActivePOS:
		return p.ActivePOS
	case ActiveWebshop:
		return p.Active
	case AllInactive:
		return !p.Active && !p.ActivePOS
	case InactivePOS:
		return !p.ActivePOS
	case InactiveWebshop:
		return !p.Active
	}
	return true
}

// Valid reports whether f is one of the choices.
func (f ProductFilter) Valid() bool {
	switch f {
	case AllProducts, AllActive, ActivePOS, ActiveWebshop, AllInactive, InactivePOS, InactiveWebshop:
		return true
	}
	return false
}
