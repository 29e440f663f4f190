package kledo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/tillwire/tillwire/internal/rest"
)

// RecordID is the id of a record whose kind has no type of its own.
type RecordID int64

// Record is a record as Kledo sends it, of the kinds whose members are not documented.
type Record map[string]json.RawMessage

// ID is the member id; 0 when there is none.
func (r Record) ID() RecordID { return RecordID(r.Int("id")) }

// Text is a member as text; a number's digits, "" for a missing one, a list or an object.
func (r Record) Text(member string) string {
	var t lenientText
	_ = t.UnmarshalJSON(r[member])
	return string(t)
}

// Int is a member as a whole number, 0 when it is none.
func (r Record) Int(member string) int64 {
	var n lenientInt
	_ = n.UnmarshalJSON(r[member])
	return int64(n)
}

// Decimal is a member as an amount, 0 when it is none.
func (r Record) Decimal(member string) Decimal {
	var d Decimal
	_ = d.UnmarshalJSON(r[member])
	return d
}

// RecordQuery selects records of a kind without a query type of its own. What Kledo knows beside is set in Extra.
type RecordQuery struct {
	Search   string     `query:"search"`
	DateFrom Date       `query:"date_from"`
	DateTo   Date       `query:"date_to"`
	SortBy   string     `query:"sort_by"`
	Desc     bool       // order_by desc; asc when only SortBy is set
	Page     int        // default 1
	PerPage  int        // default Kledo's, 15
	Extra    url.Values // further parameters
}

// Do calls any route of the account: path is what follows the endpoint, such as "finance/invoices/totals?date_from=2026-01-01". in, if
// not nil, is sent as JSON; the data of the answer is decoded into out, if not nil. GET and HEAD are repeated after a passing
// failure, PUT and DELETE too; POST and PATCH are sent once.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	method = strings.ToUpper(method)
	u, err := url.Parse(strings.TrimLeft(path, "/"))
	if err != nil || u.IsAbs() || u.Host != "" || u.Path == "" || strings.Contains("/"+u.Path+"/", "/../") {
		return invalid("Do", errors.New(`path: give what follows the endpoint, such as "finance/invoices/12"`))
	}
	route := numbers.ReplaceAllString(u.Path, "/{id}")
	call := rest.Call{Op: "Do " + method + " " + route, Method: method, Path: u.EscapedPath(), Route: route, Query: u.Query()}
	switch method {
	case http.MethodGet, http.MethodHead:
		call.Kind = rest.Read
	case http.MethodPut, http.MethodDelete:
		call.Kind = rest.Write
	case http.MethodPost, http.MethodPatch:
		call.Kind = rest.Effect
	default:
		return invalid("Do", errors.New("method: is none of GET, HEAD, POST, PUT, PATCH, DELETE"))
	}
	return c.doJSON(ctx, call, in, out)
}

var numbers = regexp.MustCompile(`/\d+`)

// doJSON makes a call with a JSON body, if in is not nil.
func (c *Client) doJSON(ctx context.Context, call rest.Call, in, out any) error {
	if in != nil {
		body, err := json.Marshal(in)
		if err != nil {
			return invalid(call.Op, err)
		}
		call.Body = body
	}
	return c.do(ctx, call, out)
}

// invalid is a call that is refused before it is sent.
func invalid(op string, err error) error {
	return &Error{Op: op, Message: err.Error(), kind: ErrValidation}
}
