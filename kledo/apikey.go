package kledo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/tillwire/tillwire/internal/rest"
)

const keysPath = "personal-access-tokens"

// Key is an API key of the account. Printed, it does not show its Token.
type Key struct {
	ID         RecordID  `json:"id"`
	Name       string    `json:"name"`
	ExpiresAt  time.Time `json:"expires_at"` // zero: never
	LastUsedAt time.Time `json:"last_used_at"`
	CreatedAt  time.Time `json:"created_at"`
	// Token is the key itself, which Kledo shows once: in the answer to Create, as token, access_token or plain_text_token (which of them
	// is not documented). Config.Token takes it.
	Token string `json:"token"`

	Extra map[string]json.RawMessage `json:"-"` // the members beside these
}

// KeyQuery selects API keys.
type KeyQuery struct {
	Name    string     `query:"name"`
	Page    int        // default 1
	PerPage int        // default Kledo's, 15
	Extra   url.Values // ranges of created, expires and last-used dates, whose names are not documented
}

// KeyFields is what is written of an API key.
type KeyFields struct {
	Name          Field[string] `json:"name,omitzero"`            // required
	ExpiresInDays Field[int]    `json:"expires_in_days,omitzero"` // a key that lives for one day is never renewed by Kledo
}

// UnmarshalJSON reads Kledo's form.
func (k *Key) UnmarshalJSON(b []byte) error {
	if err := decode(b, k); err != nil {
		return err
	}
	for _, member := range []string{"access_token", "plain_text_token", "plainTextToken"} {
		if k.Token == "" {
			k.Token = Record(k.Extra).Text(member)
		}
		delete(k.Extra, member)
	}
	return nil
}

// String leaves the Token out.
func (k Key) String() string { return fmt.Sprintf("kledo.Key{ID: %d, Name: %q}", k.ID, k.Name) }

// GoString is String, for %#v.
func (k Key) GoString() string { return k.String() }

// LogValue is String's content as attributes.
func (k Key) LogValue() slog.Value {
	return slog.GroupValue(slog.Int64("id", int64(k.ID)), slog.String("name", k.Name))
}

// KeyStats says how the account's keys are used: GET personal-access-tokens/stats. Its members are not documented.
func (c *Client) KeyStats(ctx context.Context) (Record, error) {
	const path = keysPath + "/stats"
	var r Record
	return r, c.do(ctx, rest.Call{Op: "KeyStats", Kind: rest.Read, Method: http.MethodGet, Path: path, Route: path}, &r)
}

// RevokeKey makes a key useless: DELETE personal-access-tokens/{identifier}. A second time the error is ErrNotFound.
func (c *Client) RevokeKey(ctx context.Context, id RecordID) error {
	if id <= 0 {
		return invalid("RevokeKey", errors.New("the id is missing"))
	}
	return c.do(ctx, rest.Call{
		Op: "RevokeKey", Kind: rest.Write, Method: http.MethodDelete,
		Path: fmt.Sprintf("%s/%d", keysPath, id), Route: keysPath + "/{id}",
	}, nil)
}

// RevokeAllKeys makes all keys of the user useless, the one in use among them: DELETE personal-access-tokens.
func (c *Client) RevokeAllKeys(ctx context.Context) error {
	return c.do(ctx, rest.Call{Op: "RevokeAllKeys", Kind: rest.Write, Method: http.MethodDelete, Path: keysPath, Route: keysPath}, nil)
}
