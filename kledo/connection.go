package kledo

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
)

// Connection is what Kledo says of the key in use.
type Connection struct {
	Name          string
	MaskedToken   string    // "kledo_pat_0000MC_****1a2b"; short_token_masked on the wire
	ExpiresAt     time.Time // zero: never
	DaysRemaining *int      // nil: the key does not expire; negative once it has
	AutoRenews    bool      // Kledo replaces the key in time: see TokenStore
	LastUsedAt    time.Time
	CreatedAt     time.Time

	Extra map[string]json.RawMessage // the fields beside these
}

// Connection asks whether the key works and how long it will: GET woocommerce/connection. A dead key is ErrAuth.
func (c *Client) Connection(ctx context.Context) (*Connection, error) {
	const path = "woocommerce/connection"
	conn := new(Connection)
	err := c.do(ctx, rest.Call{Op: "Connection", Kind: rest.Read, Method: http.MethodGet, Path: path, Route: path}, conn)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// UnmarshalJSON reads Kledo's form. Its dates are in the zone that stands beside them.
func (c *Connection) UnmarshalJSON(b []byte) error {
	var wire struct {
		Name       lenientText `json:"name"`
		Masked     lenientText `json:"short_token_masked"`
		ExpiresAt  lenientText `json:"expires_at"`
		Days       *lenientInt `json:"days_remaining"`
		AutoRenews lenientBool `json:"auto_renews"`
		Zone       lenientText `json:"timezone"`
		LastUsedAt lenientText `json:"last_used_at"`
		CreatedAt  lenientText `json:"created_at"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	at := func(s lenientText) time.Time { return zoneTime(string(s), string(wire.Zone)) }
	*c = Connection{
		Name: string(wire.Name), MaskedToken: string(wire.Masked), AutoRenews: bool(wire.AutoRenews),
		ExpiresAt: at(wire.ExpiresAt), LastUsedAt: at(wire.LastUsedAt), CreatedAt: at(wire.CreatedAt),
		Extra: unknown(b, "name", "short_token_masked", "expires_at", "days_remaining", "auto_renews", "last_used_at", "created_at"),
	}
	if wire.Days != nil {
		days := int(*wire.Days)
		c.DaysRemaining = &days
	}
	return nil
}
