package woo

import (
	"errors"
	"time"
)

// wireTime is the shop's form of a date: no zone, whole seconds. Fields whose name ends in _gmt are in UTC, their twins in the
// shop's own time.
const wireTime = "2006-01-02T15:04:05"

// LocalTime is what the clock on the shop's wall showed, such as "2026-11-21T18:14:31"; "" when the date is unset. It stands beside
// a time.Time in UTC and is there for calendar days, which belong to the shop: a sale at 00:30 in Ljubljana is not
// yesterday's. It is no point in time: an hour of it happens twice each autumn.
type LocalTime string

// Day returns the calendar day, such as "2026-11-21", or "" when the date is unset.
func (t LocalTime) Day() string {
	if len(t) < len("2006-01-02") {
		return ""
	}
	return string(t[:len("2006-01-02")])
}

var errNotDate = errors.New("not a date")

// parseTime reads a quoted UTC date in the shop's form, or with a zone, as some plugins write it. WordPress's ways to
// say "never" give the zero time.
func parseTime(quoted []byte) (time.Time, error) {
	if len(quoted) < 2 || quoted[0] != '"' {
		return time.Time{}, errNotDate
	}
	s := string(quoted[1 : len(quoted)-1])
	switch s {
	case "", "never", "0000-00-00T00:00:00", "0000-00-00 00:00:00", "-0001-11-30T00:00:00":
		return time.Time{}, nil
	}
	for _, layout := range []string{wireTime, time.RFC3339, time.DateTime} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errNotDate
}

// appendTime writes a time in UTC in the shop's form, quoted; the zero time is null.
func appendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, wireTime)
	return append(dst, '"')
}
