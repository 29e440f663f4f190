package kledo

import (
	"fmt"
	"strings"
	"time"
)

// Date is a calendar day, as books have it: it is in no time zone. Use [DateOf] on a time in the shop's zone.
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

// ParseDate reads "2026-04-24".
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("kledo: %q is no calendar day", s)
	}
	return DateOf(t), nil
}

// String returns the day as Kledo writes it, "2026-04-24".
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// IsZero reports whether d is no day at all.
func (d Date) IsZero() bool { return d == Date{} }

// MarshalJSON writes the day as Kledo does, and no day as null.
func (d Date) MarshalJSON() ([]byte, error) {
	if d.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + d.String() + `"`), nil
}

// UnmarshalJSON reads a day, also out of a date with a time behind it. Anything else is no day, and no error.
func (d *Date) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	*d, _ = ParseDate(text[:min(len(text), len(time.DateOnly))])
	return nil
}

// AddMonths returns the same day n months later, or the last day of that month when it has no such day: a month after
// 31 January is 28 February, not 3 March as in PHP and in Go's time.AddDate.
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}
