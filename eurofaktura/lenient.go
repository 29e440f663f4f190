package eurofaktura

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Decimal is an amount or a quantity as it was read: from a number or a text. It calculates as the [decimal.Decimal] it embeds, and
// JSON gets back what was read.
type Decimal struct {
	decimal.Decimal
	wire string // as read; empty for a value that was set
}

// IsSet reports whether there was a value: not when the member was missing, null or "".
func (d Decimal) IsSet() bool {
	return d.wire != "" && d.wire != "null" && d.wire != `""` || !d.IsZero()
}

// UnmarshalJSON reads a number, a number as text, and "" and null as zero.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	*d = Decimal{wire: string(b)}
	text := strings.TrimSpace(strings.Trim(string(b), `"`))
	if text == "" || text == "null" {
		return nil
	}
	if len(text) > 64 {
		return errors.New("eurofaktura: a number of more than 64 digits")
	}
	v, err := decimal.NewFromString(text)
	if err != nil || v.Exponent() > 100 || v.Exponent() < -100 {
		return fmt.Errorf("eurofaktura: %q is no number", text)
	}
	d.Decimal = v
	return nil
}

// MarshalJSON writes what was read, and a value that was set as a number.
func (d Decimal) MarshalJSON() ([]byte, error) {
	if d.wire != "" {
		return []byte(d.wire), nil
	}
	return []byte(d.String()), nil
}

func (d Decimal) absent() bool { return d.wire == "" && d.IsZero() }

// Date is a calendar day of the organisation, in no time zone. Use [DateOf] on a time in the organisation's zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the calendar day of t in t's own location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// ParseDate reads "2026-02-03", also with a time behind it.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s[:min(len(s), 10)])
	if err != nil {
		return Date{}, fmt.Errorf("eurofaktura: %q is no calendar day", s)
	}
	return DateOf(t), nil
}

// String returns the day as the server writes it, "2026-02-03".
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// IsZero reports whether d is no day at all.
func (d Date) IsZero() bool { return d == Date{} }

// AddDays returns the day n days later.
func (d Date) AddDays(n int) Date { return DateOf(d.utc().AddDate(0, 0, n)) }

// Before reports whether d lies before o.
func (d Date) Before(o Date) bool { return d.utc().Before(o.utc()) }

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// days is how many days lie from d to o.
func (d Date) days(o Date) int { return int(o.utc().Sub(d.utc()) / (24 * time.Hour)) }

// MarshalJSON writes "2026-02-03"; no day is null.
func (d Date) MarshalJSON() ([]byte, error) {
	if d.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + d.String() + `"`), nil
}

// UnmarshalJSON reads "2026-02-03", also with a time behind it; "" and null are no day.
func (d *Date) UnmarshalJSON(b []byte) error {
	*d = Date{}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == "" {
		return nil
	}
	var err error
	*d, err = ParseDate(s)
	return err
}

// LocalTime is a time as the server writes it, "2026-02-03T10:15:22": on the organisation's clock, without its zone.
// [Client.Time] makes a point in time of it.
type LocalTime string

// In reads the time on a clock in loc, as UTC. What is no time is the zero time.
func (t LocalTime) In(loc *time.Location) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if v, err := time.ParseInLocation(layout, string(t), loc); err == nil {
			return v.UTC()
		}
	}
	return time.Time{}
}
