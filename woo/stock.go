package woo

import "strconv"

// ManageStock says who counts a product's or variation's stock. On the wire it is false, true or, for variations, "parent".
type ManageStock string

// The values of ManageStock.
const (
	StockUnmanaged ManageStock = ""       // nobody counts; StockStatus is set by hand
	StockManaged   ManageStock = "yes"    // StockQuantity counts
	StockByParent  ManageStock = "parent" // the variation sells from the product's stock
)

// UnmarshalJSON reads true, false and "parent".
func (m *ManageStock) UnmarshalJSON(src []byte) error {
	_, err := m.readJSON(src)
	return err
}

// MarshalJSON writes true, false or "parent".
func (m ManageStock) MarshalJSON() ([]byte, error) { return m.appendJSON(nil), nil }

func (m *ManageStock) readJSON(src []byte) (fits bool, err error) {
	switch string(src) {
	case "false":
		*m, fits = StockUnmanaged, true
	case "true":
		*m, fits = StockManaged, true
	case `"parent"`:
		*m, fits = StockByParent, true
	case "null", `""`, `"no"`, "0", `"0"`, `"false"`:
		*m = StockUnmanaged
	case `"yes"`, "1", `"1"`, `"true"`:
		*m = StockManaged
	default:
		return false, mismatch(`true, false or "parent"`, src)
	}
	return fits, nil
}

func (m ManageStock) appendJSON(dst []byte) []byte {
	switch m {
	case StockUnmanaged:
		return append(dst, "false"...)
	case StockByParent:
		return append(dst, `"parent"`...)
	}
	return append(dst, "true"...)
}

// ImageID is the id of a picture in the shop's media library, 0 for none. Product lists send a number, order lines a number, text or "";
// it is written back as it came.
type ImageID struct {
	n    int64
	form string // "": a number; formQuoted: the same as text; else the token itself
}

const formQuoted = `"`

// Int64 returns the id as a number, 0 for none.
func (id ImageID) Int64() int64 { return id.n }

// UnmarshalJSON reads a number, a number as text, "" or null.
func (id *ImageID) UnmarshalJSON(src []byte) error {
	_, err := id.readJSON(src)
	return err
}

// MarshalJSON writes what was read.
func (id ImageID) MarshalJSON() ([]byte, error) { return id.appendJSON(nil), nil }

func (id *ImageID) readJSON(src []byte) (fits bool, err error) {
	*id = ImageID{}
	digits := src
	if len(src) > 1 && src[0] == '"' {
		digits = src[1 : len(src)-1]
		id.form = formQuoted
	}
	if len(digits) == 0 {
		id.form = `""`
		return true, nil
	}
	switch string(src) {
	case "null", "false":
		return false, nil
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return false, mismatch("an id", src)
	}
	id.n = n
	if strconv.FormatInt(n, 10) != string(digits) {
		id.form = string(src)
	}
	return true, nil
}

func (id ImageID) appendJSON(dst []byte) []byte {
	switch id.form {
	case "":
		return strconv.AppendInt(dst, id.n, 10)
	case formQuoted:
		dst = append(dst, '"')
		return append(strconv.AppendInt(dst, id.n, 10), '"')
	}
	return append(dst, id.form...)
}
