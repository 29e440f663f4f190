package woo

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/tillwire/tillwire/internal/rest"
)

// ShippingZone is a region with its ways of shipping: GET /shipping/zones/{id}. The first in Order that fits an address is
// taken; RestOfWorld is what fits no other.
type ShippingZone struct {
	ID    ShippingZoneID `json:"id" wire:"required"`
	Name  string         `json:"name"`
	Order int            `json:"order"`

	Extra map[string]json.RawMessage `json:"-"`
}

// ShippingZoneID is the id of a shipping zone. Unlike all other ids 0 is one.
type ShippingZoneID int64

// RestOfWorld is the zone of all addresses without a zone. It can neither be deleted nor have locations.
const RestOfWorld ShippingZoneID = 0

// ShippingZoneFields writes a zone: POST /shipping/zones, PUT /shipping/zones/{id}. A create needs a Name.
type ShippingZoneFields struct {
	Name  Field[string] `json:"name,omitzero"`
	Order Field[int]    `json:"order,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// ShippingZoneLocation is a place that belongs to a zone.
type ShippingZoneLocation struct {
	Code string       `json:"code" wire:"required"` // "SI", "US:NY", "EU", "1000...1999"
	Type LocationType `json:"type"`                 // default CountryLocation

	Extra map[string]json.RawMessage `json:"-"`
}

// LocationType says what the Code of a ShippingZoneLocation is.
type LocationType string

// The values of LocationType.
const (
	CountryLocation   LocationType = "country"
	StateLocation     LocationType = "state"
	PostcodeLocation  LocationType = "postcode" // with * or ... for a range
	ContinentLocation LocationType = "continent"
)

// ShippingZoneLocations reads a zone's places: GET /shipping/zones/{id}/locations.
func (c *Client) ShippingZoneLocations(ctx context.Context, zone ShippingZoneID) ([]*ShippingZoneLocation, error) {
	return askAll[ShippingZoneLocation](ctx, c, zoneLocations("ShippingZoneLocations", http.MethodGet, zone))
}

// SetShippingZoneLocations replaces a zone's places and returns them as the shop then has them: PUT
// /shipping/zones/{id}/locations. Without any the zone fits no address.
func (c *Client) SetShippingZoneLocations(
	ctx context.Context, zone ShippingZoneID, places []ShippingZoneLocation,
) ([]*ShippingZoneLocation, error) {
	if places == nil {
		places = []ShippingZoneLocation{}
	}
	call := zoneLocations("SetShippingZoneLocations", http.MethodPut, zone)
	call.Kind = rest.Write
	var err error
	if call.Body, err = json.Marshal(places); err != nil {
		return nil, invalid(call.Op, err)
	}
	return askAll[ShippingZoneLocation](ctx, c, call)
}

func zoneLocations(op, method string, zone ShippingZoneID) rest.Call {
	p := underZone(zone, "locations")
	return rest.Call{Op: op, Method: method, Path: api + p.path, Route: api + p.route}
}

// underZone is under, also of zone 0.
func underZone(zone ShippingZoneID, name string) place {
	return place{name, "shipping/zones/" + segment(zone) + "/" + name, "shipping/zones/{id}/" + name}
}

// ShippingZoneMethod is a way of shipping within a zone: GET /shipping/zones/{zone}/methods/{id}.
type ShippingZoneMethod struct {
	ID                ShippingZoneMethodID `json:"instance_id" wire:"required"` // an order's ShippingLine has it as InstanceID
	SameID            ShippingZoneMethodID `json:"id"`                          // ID once more
	Title             string               `json:"title"`
	Order             int                  `json:"order"`
	Enabled           bool                 `json:"enabled"`
	MethodID          string               `json:"method_id"` // of a [ShippingMethod]
	MethodTitle       string               `json:"method_title"`
	MethodDescription string               `json:"method_description"` // HTML
	Settings          map[string]Setting   `json:"settings"`

	Extra map[string]json.RawMessage `json:"-"`
}

// ShippingZoneMethodID is the id of a way of shipping within a zone, which WooCommerce calls its instance id.
type ShippingZoneMethodID int64

// ShippingZoneMethodFields writes a way of shipping within a zone: POST /shipping/zones/{zone}/methods, PUT …/{id}. A create needs
// MethodID, which is fixed then.
type ShippingZoneMethodFields struct {
	MethodID Field[string]            `json:"method_id,omitzero"` // "flat_rate", "free_shipping", "local_pickup", or a plugin's
	Order    Field[int]               `json:"order,omitzero"`
	Enabled  Field[bool]              `json:"enabled,omitzero"`
	Settings Field[map[string]string] `json:"settings,omitzero"` // by name; those not named stay

	Extra map[string]json.RawMessage `json:"-"`
}

// ShippingMethod is a kind of shipping the shop knows: GET /shipping_methods/{id}.
type ShippingMethod struct {
	ID          string `json:"id" wire:"required"` // "flat_rate"
	Title       string `json:"title"`
	Description string `json:"description"`

	Extra map[string]json.RawMessage `json:"-"`
}
