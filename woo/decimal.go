package woo

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Decimal is money or a quantity as the shop sent it. It calculates as the [decimal.Decimal] it embeds, never through a float,
// and reads text ("10.00"), numbers (29.945205333333334) and "" (no value: some prices, weights and tax parts).
//
// JSON gets back what was read, to the byte: the digits, the quotes or their absence, and "" instead of "0". The zero Decimal is ""
// and calculates as 0; a new value assigned to the embedded one is written in the form the old one had.
type Decimal struct {
	decimal.Decimal
	// form is how the value stood on the wire: "" is text that Decimal can print by itself, formNumber the same without quotes, anything
	// else the token itself. So the common forms keep no copy.
	form string
}

const formNumber = "#"

// NewDecimal returns d as the shop would send it: as text.
func NewDecimal(d decimal.Decimal) Decimal {
	if d == (decimal.Decimal{}) {
		d = decimal.New(0, 0) // a zero somebody has set, unlike the zero Decimal
	}
	return Decimal{Decimal: d}
}

// IsSet reports whether the shop sent a value, which may be 0; "" and an absent member are none.
func (d Decimal) IsSet() bool { return d.Decimal != decimal.Decimal{} }

// UnmarshalJSON reads a number, a number as text, or "". It also takes null, for which it is zero.
func (d *Decimal) UnmarshalJSON(src []byte) error {
	_, err := d.readJSON(src)
	return err
}

// MarshalJSON writes what was read.
func (d Decimal) MarshalJSON() ([]byte, error) { return d.appendJSON(nil), nil }

func (d *Decimal) readJSON(src []byte) (fits bool, err error) {
	*d = Decimal{}
	text := src
	quoted := len(src) > 1 && src[0] == '"'
	if quoted {
		text = src[1 : len(src)-1]
	}
	switch {
	case quoted && len(text) == 0:
		return true, nil
	case string(src) == "null":
		return false, nil
	}
	if v, ok := parsePlain(text); ok {
		d.Decimal = v
		if !quoted {
			d.form = formNumber
		}
		return true, nil
	}
	v, err := parseDecimal(string(bytes.TrimSpace(text)))
	if err != nil {
		return false, mismatch("a decimal number", src)
	}
	*d = Decimal{Decimal: v, form: string(src)}
	return true, nil
}

func (d Decimal) appendJSON(dst []byte) []byte {
	quoted := true
	switch {
	case d.form == "" && !d.IsSet():
		return append(dst, `""`...)
	case d.form == formNumber:
		quoted = false
	case d.form != "":
		quoted = d.form[0] == '"'
		if v, err := parseDecimal(strings.TrimSpace(strings.Trim(d.form, `"`))); err == nil && v.Equal(d.Decimal) {
			return append(dst, d.form...)
		}
	}
	if quoted {
		return append(append(append(dst, '"'), plainText(d.Decimal)...), '"')
	}
	return append(dst, plainText(d.Decimal)...)
}

// parsePlain reads the ordinary forms, -?digits[.digits] of at most 18 digits, straight from the bytes. It takes exactly the texts
// that plainText gives back: no leading zero, plus sign, exponent or -0.
func parsePlain(b []byte) (decimal.Decimal, bool) {
	digits := b
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || (digits[0] == '0' && len(digits) > 1 && digits[1] != '.') {
		return decimal.Decimal{}, false
	}
	var n int64
	point := -1
	for i, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			n = n*10 + int64(c-'0')
		case c == '.' && point < 0 && i > 0 && i < len(digits)-1:
			point = i
		default:
			return decimal.Decimal{}, false
		}
	}
	if point < 0 && len(digits) > 18 {
		return decimal.Decimal{}, false
	}
	if len(b) != len(digits) {
		if n == 0 {
			return decimal.Decimal{}, false
		}
		n = -n
	}
	exp := 0
	if point >= 0 {
		exp = point + 1 - len(digits)
	}
	return decimal.New(n, int32(exp)), true //nolint:gosec // between -18 and 0
}

var errNotDecimal = errors.New("not a decimal number")

// parseDecimal reads every number JSON and PHP write. Length and exponent are bounded: 1e999999999 is short on the wire and
// gigabytes once it is added to something.
func parseDecimal(s string) (decimal.Decimal, error) {
	const maxLen, maxExp = 100, 400
	if s == "" || len(s) > maxLen || strings.Trim(s, "+-.0123456789eE") != "" {
		return decimal.Decimal{}, errNotDecimal
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if exp, err := strconv.Atoi(s[i+1:]); err != nil || exp > maxExp || exp < -maxExp {
			return decimal.Decimal{}, errNotDecimal
		}
	}
	return decimal.NewFromString(s)
}

// plainText prints a decimal with all the places it has: 10.00 stays 10.00, and there is never an exponent.
func plainText(d decimal.Decimal) string {
	if d.Exponent() < 0 {
		return d.StringFixed(-d.Exponent())
	}
	return d.String()
}
