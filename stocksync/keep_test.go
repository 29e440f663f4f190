package stocksync

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// A row with every field set, whatever fields there are: the copy has all of them and shares none.
func TestCloneIsDeep(t *testing.T) {
	t.Parallel()
	var row Row
	fill(reflect.ValueOf(&row).Elem())
	want, err := json.Marshal(row)
	require.NoError(t, err)
	clone := row.Clone()
	got, err := json.Marshal(clone)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(got))
	shared(t, "Row", reflect.ValueOf(row), reflect.ValueOf(*clone))
	require.Nil(t, (*Row)(nil).Clone())
	require.Equal(t, &Row{}, (&Row{Peers: map[StoreID]*Standing{}, Shares: map[StoreID]decimal.Decimal{}, Held: []Held{}}).Clone())
}

// Times are cut to the microsecond, not rounded, and are in UTC.
func TestCloneCutsTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 0, 0, 123456999, time.FixedZone("", 3600))
	want := time.Date(2026, 5, 1, 11, 0, 0, 123456000, time.UTC)
	row := Row{Updated: at, Caused: at, Held: []Held{{Entry: Entry{At: at}, Got: at}}, Peers: map[StoreID]*Standing{"p": {
		Views: []View{{SentAt: at, AckedAt: at}}, Seen: &Sight{At: at}, Conflict: &Conflict{Since: at}, Checked: at,
	}}}
	c := row.Clone()
	p := c.Peers["p"]
	for _, got := range []time.Time{
		c.Updated, c.Caused, c.Held[0].At, c.Held[0].Got, p.Views[0].SentAt, p.Views[0].AckedAt, p.Seen.At, p.Conflict.Since, p.Checked,
	} {
		require.Equal(t, want, got)
	}
	require.True(t, (&Row{}).Clone().Updated.IsZero())
}

var (
	timeType    = reflect.TypeFor[time.Time]()
	decimalType = reflect.TypeFor[decimal.Decimal]()
)

// fill sets all that can be set in v, and makes one of all that can be empty.
func fill(v reflect.Value) {
	switch {
	case v.Type() == timeType:
		v.Set(reflect.ValueOf(time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)))
		return
	case v.Type() == decimalType:
		v.Set(reflect.ValueOf(decimal.RequireFromString("12.5")))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.String:
		v.SetString("text")
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic(fmt.Sprint("a field of kind ", v.Kind()))
	}
}

// shared fails where a and b, which are equal, have memory in common.
func shared(t *testing.T, path string, a, b reflect.Value) {
	t.Helper()
	if a.Type() == timeType || a.Type() == decimalType {
		return // never change
	}
	switch a.Kind() {
	case reflect.Pointer:
		require.NotEqual(t, a.Pointer(), b.Pointer(), path)
		shared(t, path, a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			shared(t, path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Map:
		require.NotEqual(t, a.Pointer(), b.Pointer(), path)
		for _, key := range a.MapKeys() {
			shared(t, path+"[]", a.MapIndex(key), b.MapIndex(key))
		}
	case reflect.Slice:
		require.NotEqual(t, a.Pointer(), b.Pointer(), path)
		for i := range a.Len() {
			shared(t, path+"[]", a.Index(i), b.Index(i))
		}
	}
}
