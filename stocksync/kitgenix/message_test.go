package kitgenix

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/stocksync"
)

// g2 is the body of golden vector G2.
const g2 = `{"event_type":"stock_state","origin":"child_local","time":1772000000,"context":"order_processing","items":[` +
	`{"gid":"","sku":"AB\/12-\u00e9","manage_stock":true,"stock_quantity":7,"stock_status":"instock","backorders":"no","low_stock_amount":0}],` +
	`"order_id":991,"event_id":"evt-1"}`

// TestGolden holds the vectors byte by byte: what our messages encode to, and the signature over it.
func TestGolden(t *testing.T) {
	t.Parallel()
	seven, unset := int64(7), 0
	event := event{
		Type: stocksync.StockState, Origin: "child_local", Time: 1772000000, Context: "order_processing", OrderID: 991, EventID: "evt-1",
		Items: []item{{
			SKU: "AB/12-é", Manage: manage(stocksync.Managed), Quantity: &seven, Status: stocksync.InStock,
			Backorders: stocksync.BackordersNo, LowStock: &unset,
		}},
	}
	key, err := hmacauth.NewKey("any", "k9Zq3tWv8YbE2nRf6LmPx4Ju7HsDc1Aa")
	require.NoError(t, err)
	for id, row := range map[string]struct {
		message          any
		body             string
		timestamp, nonce string
		signature        string
	}{
		"G1": {ping{true}, `{"ping":true}`, "1772000000", "Ab3dEf6hIj9kLm2n", "2757f2f3fa1f7adb57dc50c9db4498d9c5d2a626931a0de33f6fe8f427cbd4e3"},
		"G2": {event, g2, "1772000001", "Zz9yXx8wVv7uTt6s", "03ed8f3a9d74c5bcadfe052bac7084c7197e0044f848af24d66735a89c80893c"},
		"G3": {nil, "", "1772000002", "0000000000000000", "99f04da9fefa605752ed9f280a0c41f3a9299b0e13c76faee3591d85049eb6e3"},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			var body []byte
			if row.message != nil {
				var err error
				body, err = marshal(row.message)
				require.NoError(t, err)
			}
			require.Equal(t, row.body, string(body))
			signature := hmacauth.Kitgenix{}.AppendSignature(nil, key, hmacauth.Message{Timestamp: row.timestamp, Nonce: row.nonce, Body: body})
			require.Equal(t, row.signature, string(signature))
		})
	}
	require.Len(t, g2, 278)
	e, items, err := readEvent([]byte(g2))
	require.NoError(t, err)
	event.Items = nil
	require.Equal(t, event, e)
	require.Equal(t, []stocksync.Item{{
		Ref: stocksync.Ref{SKU: "AB/12-é"},
		Stock: stocksync.Stock{
			Quantity: decimal.NewFromInt(7), Status: stocksync.InStock, Backorders: stocksync.BackordersNo, Manage: stocksync.Managed,
		},
	}}, items)
}

// TestPHPText compares our encoding of texts with PHP's rules, written down once more.
func TestPHPText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a/b":         `"a\/b"`,
		"é":           `"\u00e9"`,
		"😀":           `"\ud83d\ude00"`,
		"<a>&'":       `"<a>&'"`,
		"q\"b\\":      `"q\"b\\"`,
		"\b\f\n\r\t":  `"\b\f\n\r\t"`,
		"\x01\x1f":    `"\u0001\u001f"`,
		"\u2028":      `"\u2028"`,
		"ŠČ-Ž-01":     `"\u0160\u010c-\u017d-01"`,
		"http://a/\t": `"http:\/\/a\/\t"`,
	} {
		got, err := marshal(in)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		text := make([]rune, random.IntN(12))
		for i := range text {
			text[i] = rune(random.IntN(0x11000))
		}
		in := strings.ToValidUTF8(string(text), "")
		out, err := marshal(in)
		require.NoError(t, err)
		var back string
		require.NoError(t, json.Unmarshal(out, &back))
		require.Equal(t, in, back)
		require.False(t, bytes.ContainsFunc(out, func(r rune) bool { return r >= 0x80 }), "ASCII only: %s", out)
	}
}

// TestShapes has the traps of the JSON that PHP writes.
func TestShapes(t *testing.T) {
	t.Parallel()
	t.Run("2.5_empty_maps_are_arrays", func(t *testing.T) {
		t.Parallel()
		out, err := marshal(queryAnswer{OK: true})
		require.NoError(t, err)
		require.JSONEq(t, `{"ok":true,"items":[]}`, string(out))
		answers, err := readAnswer([]byte(`{"ok":true,"items":[]}`), []stocksync.SKU{"a"})
		require.NoError(t, err)
		require.Equal(t, []*found{nil}, answers)
	})
	t.Run("2.5_keys_0_1_2_are_arrays", func(t *testing.T) {
		t.Parallel()
		skus := []stocksync.SKU{"0", "1", "2"}
		m := phpMap{keys: []string{"0", "1", "2"}, values: []any{absent{}, offer{Exists: true, Quantity: 3}, absent{}}}
		out, err := marshal(m)
		require.NoError(t, err)
		require.Equal(t, `[{"exists":false},{"exists":true,"stock_quantity":3,"stock_status":"","backorders":""},{"exists":false}]`, string(out))
		answers, err := readAnswer([]byte(`{"ok":true,"items":`+string(out)+`}`), skus)
		require.NoError(t, err)
		require.Nil(t, answers[0])
		require.Equal(t, "3", answers[1].Quantity.String())

		m.keys = []string{"1", "2", "3"} // does not begin with 0: a map
		out, err = marshal(m)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(out), `{"1":{"exists":false},"2":`), string(out))
	})
	t.Run("2.5_digits_are_numbers", func(t *testing.T) {
		t.Parallel()
		skus, err := readQuery([]byte(`{"items":[{"sku":12345},{"sku":"12345"},{"sku":" 00012 "},{"sku":0},{"sku":""},{},7,{"sku":[1]}]}`))
		require.NoError(t, err)
		require.Equal(t, []stocksync.SKU{"12345", "00012", "0"}, skus)
	})
	t.Run("2.5_manage_is_bool_or_text", func(t *testing.T) {
		t.Parallel()
		for raw, want := range map[string]stocksync.Manage{
			`true`: stocksync.Managed, `false`: stocksync.Unmanaged, `"parent"`: stocksync.ByParent, `null`: "",
			`"false"`: stocksync.Managed, `0`: stocksync.Unmanaged, `"0"`: stocksync.Unmanaged, `""`: stocksync.Unmanaged, `1`: stocksync.Managed,
			`"yes"`: stocksync.Managed, `[]`: stocksync.Unmanaged,
		} {
			require.Equal(t, want, object{"manage_stock": json.RawMessage(raw)}.readManage(), raw)
		}
		require.Empty(t, object{}.readManage())
	})
	t.Run("2.5_quantities_are_cut_off", func(t *testing.T) {
		t.Parallel()
		for raw, want := range map[string]string{`7.9`: "7", `"7.9"`: "7", `-3.7`: "-3", `"-4"`: "-4", `3e2`: "300", `" 5 "`: "5"} {
			s, err := object{"stock_quantity": json.RawMessage(raw)}.stock()
			require.NoError(t, err, raw)
			require.Equal(t, want, s.Quantity.String(), raw)
		}
		i := itemOf(stocksync.Item{Stock: stocksync.Stock{Quantity: decimal.RequireFromString("-2.9")}})
		require.Equal(t, int64(-2), *i.Quantity)
	})
	t.Run("2.5_unset_low_stock_is_left_out", func(t *testing.T) {
		t.Parallel()
		out, err := marshal(itemOf(stocksync.Item{Ref: stocksync.Ref{SKU: "a"}}))
		require.NoError(t, err)
		require.JSONEq(t, `{"gid":"","sku":"a","stock_quantity":0}`, string(out), "what is not said is left alone by the receiver")
		s, err := object{"stock_quantity": json.RawMessage(`1`), "low_stock_amount": json.RawMessage(`0`)}.stock()
		require.NoError(t, err)
		require.Nil(t, s.LowStock, "0 is the plugin's word for unset")
		s, err = object{"stock_quantity": json.RawMessage(`1`), "low_stock_amount": json.RawMessage(`4`)}.stock()
		require.NoError(t, err)
		require.Equal(t, 4, *s.LowStock)
	})
}

// TestEventFields reads each field of an event in the forms in which it comes.
func TestEventFields(t *testing.T) {
	t.Parallel()
	read := func(t *testing.T, items string) []stocksync.Item {
		t.Helper()
		_, got, err := readEvent([]byte(`{"event_type":"stock_state","items":` + items + `}`))
		require.NoError(t, err)
		return got
	}
	t.Run("2.2_items_empty", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, read(t, `[]`))
		require.Empty(t, read(t, `{}`))
	})
	t.Run("2.2_items_as_object_and_junk", func(t *testing.T) {
		t.Parallel()
		got := read(t, `{"z":{"sku":"b","stock_quantity":1},"a":{"sku":"a","stock_quantity":2},"q":null,"r":"x","s":5,"t":[],"u":{"sku":" "}}`)
		require.Len(t, got, 2)
		require.Equal(t, stocksync.SKU("b"), got[0].SKU, "in the order in which they are written")
		require.Equal(t, stocksync.SKU("a"), got[1].SKU)
	})
	t.Run("2.2_item_of_sku_rename", func(t *testing.T) {
		t.Parallel()
		e, got, err := readEvent([]byte(`{"event_type":"sku_rename","items":[{"gid":"g","sku":"new","old_sku":"old"},{"gid":"h","sku":" n ","old_sku":""}]}`))
		require.NoError(t, err)
		require.Equal(t, stocksync.SKURename, e.Type)
		require.Equal(t, []stocksync.Item{
			{Ref: stocksync.Ref{GID: "g", SKU: "new", OldSKU: "old"}}, {Ref: stocksync.Ref{GID: "h", SKU: "n"}},
		}, got)
	})
	t.Run("2.2_old_sku_outside_a_rename", func(t *testing.T) {
		t.Parallel()
		got := read(t, `[{"sku":"a","old_sku":"b","stock_quantity":1}]`)
		require.Empty(t, got[0].OldSKU)
	})
	t.Run("2.2_version", func(t *testing.T) {
		t.Parallel()
		for raw, want := range map[string]int64{`5`: 5, `"7"`: 7, `0`: 0, `-1`: 0, `null`: 0, `"x"`: 0, `9007199254740992`: 1 << 53, `[]`: 0} {
			require.Equal(t, want, read(t, `[{"sku":"a","stock_quantity":1,"version":`+raw+`}]`)[0].Version, raw)
		}
	})
	t.Run("2.2_nonsense_is_not_passed_on", func(t *testing.T) {
		t.Parallel()
		got := read(t, `[{"sku":"a","stock_quantity":5,"stock_status":"banana","backorders":"banana","low_stock_amount":""}]`)
		require.Empty(t, got[0].Status)
		require.Empty(t, got[0].Backorders)
		require.Nil(t, got[0].LowStock)
	})
	t.Run("2.2_unmanaged_has_no_quantity", func(t *testing.T) {
		t.Parallel()
		for _, quantity := range []string{``, `,"stock_quantity":null`, `,"stock_quantity":"abc"`} {
			got := read(t, `[{"sku":"a","manage_stock":false`+quantity+`}]`)
			require.Equal(t, stocksync.Unmanaged, got[0].Manage)
			require.True(t, got[0].Quantity.IsZero())
		}
	})
	t.Run("2.2_names_keep_their_case", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, read(t, `[{"SKU":"a","Stock_Quantity":1}]`), "PHP tells sku and SKU apart")
		_, _, err := readEvent([]byte(`{"Event_Type":"stock_state","items":[]}`))
		require.Error(t, err)
	})
	t.Run("2.2_what_the_generations_add", func(t *testing.T) {
		t.Parallel()
		e, _, err := readEvent([]byte(`{"event_type":"stock_state","items":[],"origin":"master_local","time":5,"context":"a+b","props":["x"],"meta_key":"_stock",` +
			`"order_id":"12","event_id":77,"origin_store_id":"e","created_at":6,"delivery_attempt":3,"schema_version":2,"foo":{"bar":[1]}}`))
		require.NoError(t, err)
		require.Equal(t, event{
			Type: stocksync.StockState, Origin: "master_local", Time: 5, Context: "a+b", OrderID: 12, EventID: "77", OriginStoreID: "e", CreatedAt: 6,
			Attempt: 3, Schema: 2,
		}, e)
	})
}

// TestSpeech tells the generations apart by what a ping answers.
func TestSpeech(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]speaks{
		"": {generation: 1}, "1.0.2": {generation: 1}, "2.0.0": {generation: 2}, "2.1.0-beta": {generation: 2}, "10.0": {generation: 2},
		"x": {generation: 1}, version: {generation: 2, golang: true},
	} {
		require.Equal(t, want, speech(v), v)
	}
}

// TestUUID has the form that the second generation gives its events.
func TestUUID(t *testing.T) {
	t.Parallel()
	id := newUUID()
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, id)
	require.NotEqual(t, id, newUUID())
	_, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	require.NoError(t, err)
}

// TestCheck compares with a reader that takes JSON apart by the standard library's tokens.
func TestCheck(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		`{}`: nil, `[]`: nil, `1`: nil, `"a"`: nil, ` {"a":[{"a":1},{"a":2}],"b":{"a":"a","b":","}} `: nil,
		`{"a":"\\","b":"\"","c":"{"}`: nil, `{"\"a":1,"a":2,"a\"":3}`: nil, `{"a":{"b":1},"b":2}`: nil, `{"a":"b","b":"a"}`: nil,
		`{"a":1,"a":2}`: errTwice, `{"a":{"b":1,"c":[{"x":1,"x":1}]}}`: errTwice, `{"\u0061":1,"a":2}`: errTwice, `[{"":1,"":2}]`: errTwice,
		`{"\ud800":1,"\ud801":2}`:                         errTwice, // no reader tells them apart
		strings.Repeat("[", 32) + strings.Repeat("]", 32): nil, strings.Repeat("[", 33) + strings.Repeat("]", 33): errDeep,
		`1e40`: nil, `1e-40`: nil, `1E+41`: errNumber, `-1e-41`: errNumber, `[1,2,1e999]`: errNumber, strings.Repeat("1", 41): errNumber, `"1e999"`: nil,
		``: errNotJSON, `{`: errNotJSON, `{}{}`: errNotJSON, "\ufeff{}": errNotJSON, "\"\xff\"": errNotJSON, `NaN`: errNotJSON, `{"a":1,}`: errNotJSON,
	} {
		require.Equal(t, want, check([]byte(body)), "%.100s", body)
	}
}
