package sitoo_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0": `"0.00"`, "230": `"230.00"`, "149.5": `"149.50"`, "-12.345": `"-12.35"`, "12.344": `"12.34"`,
	} {
		require.Equal(t, want, encoded(t, money(in)), "Sitoo refuses anything but two decimals as text")
	}
	for in, want := range map[string]string{`"149.00"`: "149", `149.5`: "149.5", `""`: "0", `null`: "0", `"-1.10"`: "-1.1"} {
		var m sitoo.Money
		require.NoError(t, json.Unmarshal([]byte(in), &m))
		require.Equal(t, want, m.String())
		if in != "null" { // which the field's absence says
			require.Equal(t, in, encoded(t, m), "what was read is written as it was")
		}
	}
	var m sitoo.Money
	require.NoError(t, json.Unmarshal([]byte(`149.5`), &m))
	m.Decimal = m.Add(decimal.NewFromInt(1))
	require.Equal(t, `"150.50"`, encoded(t, m), "a new value is written as Sitoo wants it")
	for _, in := range []string{`"abc"`, `"1e999999999"`, `{}`, `"1_000"`, `true`} {
		require.Error(t, json.Unmarshal([]byte(in), &m), in)
	}
}

func TestQuantityPercentTime(t *testing.T) {
	t.Parallel()
	require.Equal(t, `"-3.000"`, encoded(t, quantity(-3)))
	var q sitoo.Quantity
	require.NoError(t, json.Unmarshal([]byte(`"5.250"`), &q))
	require.Equal(t, `"5.250"`, encoded(t, q))

	var p sitoo.Percent
	for _, in := range []string{`25`, `25.0`, `"25.00"`} {
		require.NoError(t, json.Unmarshal([]byte(in), &p))
		require.True(t, p.Equal(decimal.NewFromInt(25)), in)
	}
	require.Equal(t, `6`, encoded(t, sitoo.NewPercent(decimal.NewFromInt(6))))

	var at sitoo.Time
	require.NoError(t, json.Unmarshal([]byte(`"1760000300"`), &at))
	require.Equal(t, time.Unix(1760000300, 0).UTC(), at.Time)
	require.Equal(t, `1760000300`, encoded(t, at))
	require.NoError(t, json.Unmarshal([]byte(`null`), &at))
	require.True(t, at.IsZero())
	require.Equal(t, `null`, encoded(t, at))
	require.Equal(t, sitoo.At(time.Unix(5, 999)), sitoo.At(time.Unix(5, 0)))
}

// TestThreeStates shows that absent, null, "", 0 and false all differ on the wire (trap 18).
func TestThreeStates(t *testing.T) {
	t.Parallel()
	require.Equal(t, `{}`, encoded(t, sitoo.ProductFields{}))
	require.JSONEq(t, `{"active":false,"defaultcategoryid":null,"barcode":""}`, encoded(t, sitoo.ProductFields{
		Active: sitoo.Set(false), Barcode: sitoo.Set(""), DefaultCategory: sitoo.Null[sitoo.CategoryID](),
	}))
	require.JSONEq(t, `{"moneyprice":"0.00"}`, encoded(t, sitoo.ProductFields{Price: sitoo.Set(sitoo.Money{})}))
	var w sitoo.ProductFields
	require.NoError(t, json.Unmarshal([]byte(`{"active":false,"defaultcategoryid":null}`), &w))
	require.True(t, w.DefaultCategory.IsNull())
	require.Equal(t, `{"active":false,"defaultcategoryid":null}`, encoded(t, w))
	require.Equal(t, "absent null 7", w.SKU.String()+" "+w.DefaultCategory.String()+" "+sitoo.Set(7).String())
}

// documented are records as Sitoo's reference shapes them.
var documented = map[string]func() any{
	`{"siteid":"{0F3A9C11-77B2-4E1D-9A55-1C2D3E4F5061}","protocol":"https","server":"nordvik.mysitoo.com","abspath":"/",
	  "siteurl":"https://nordvik.mysitoo.com/","eshopid":1}`: func() any { return new(sitoo.Site) },
	`{"productid":5110,"sku":"JKT-42/SV.S","title":"Skaljacka","active":true,"activepos":true,"variantparentid":5110,"moneyprice":"1499.00",
	  "vatid":2,"datemodified":1760000412,"categories":["14",22],"customattributes":[],"new_member":{"a":[1]}}`: func() any { return new(sitoo.Product) },
	`{"sku":"JKT-42/SV.S","decimaltotal":"-1.000","decimalreserved":"0.000","decimalavailable":"-1.000","datelastmodified":1760000610}`: func() any {
		return new(sitoo.StockItem)
	},
	`{"orderid":20991,"eshopid":1,"externalid":"woo-1042","orderstateid":0,"paymentstateid":20,"ordertypeid":10,"registerid":null,"warehouseid":2,
	  "moneytotal_net":"1721.04","moneytotal_vat":"392.26","moneydelivery_net":"0.00","moneyfinal_net":"1721.04","moneyfinal_vat":"392.26",
	  "moneytotal_gross_roundoff":"0.00","moneytotal_gross_all":"2113.30","orderdate":1760001000,"datereserved":null,"currencycode":"SEK",
	  "additionaldata":[],"orderitems":[{"orderitemid":0,"orderitemtype":10,"productid":5110,"sku":"JKT-42/SV.S","quantity":1,"vatvalue":25,
	  "moneynetpriceperunit":"1199.20","moneyitemtotal_net":"1199.20","moneyitemtotal_vat":"299.80","moneyoriginalprice":"1199.20"}],
	  "payments":[{"name":"Klarna","moneyamount":"2113.30","externalid":"woo-1042","additionaldata":{}}]}`: func() any { return new(sitoo.Order) },
	`{"orderid":21007,"creditorderid":20991,"moneytotal_gross_all":"-134.10","orderitems":[{"orderitemid":0,"quantity":-1,"vatvalue":25,
	  "moneyitemtotal_net":"-107.28"}],"payments":[{"name":"Kort","moneyamount":"-134.10"}]}`: func() any { return new(sitoo.Order) },
	`{"orderdeliveryid":641,"orderid":20991,"warehouseid":2,"orderdeliveryref":"","datedelivery":1760002100,"datecancelled":1760002160,
	  "pluginname":"","orderdeliveryitems":[{"orderdeliveryitemid":803,"orderdeliveryid":641,"orderitemid":2,"quantity":1}]}`: func() any {
		return new(sitoo.Delivery)
	},
	`{"vatid":3,"value":12,"productgrouptype":10,"productgroupname":"Livsmedel","comment":""}`: func() any { return new(sitoo.VATGroup) },
	`{"voucherid":55,"vouchertype":110,"vouchername":"Höstrabatt 20 %","vouchercode":"HOST20","value_x":20,"money_m":null,
	  "datestart":1759269600,"dateend":null,"products":["5101"]}`: func() any { return new(sitoo.Voucher) },
	`{"warehousetransactionid":7781,"warehouseid":2,"transactiontype":20,"items":[{"sku":"SOCK-7","decimalquantity":"-3.000",
	  "decimaltotal":"38.000"}]}`: func() any { return new(sitoo.Transaction) },
}

// TestRecordsKeepEverything shows that what was read goes to JSON and back without loss, members unknown to a type included.
func TestRecordsKeepEverything(t *testing.T) {
	t.Parallel()
	for in, record := range documented {
		first, second := record(), record()
		require.NoError(t, json.Unmarshal([]byte(in), first))
		out := encoded(t, first)
		require.NoError(t, json.Unmarshal([]byte(out), second))
		require.Equal(t, out, encoded(t, second))
		var was, is map[string]any
		require.NoError(t, json.Unmarshal([]byte(in), &was))
		require.NoError(t, json.Unmarshal([]byte(out), &is))
		for name, v := range was {
			if text, isText := v.(string); isText || name == "new_member" || name == "value" {
				require.Equal(t, v, is[name], "%s %s", name, text)
			}
		}
	}
	var p sitoo.Product
	require.NoError(t, json.Unmarshal([]byte(`{"productid":"7","categories":["14",22],"customattributes":[],"x":1}`), &p))
	require.Equal(t, sitoo.ProductID(7), p.ID)
	require.Equal(t, []sitoo.CategoryID{14, 22}, p.Categories, "ids within lists come as text too (trap 19)")
	require.Equal(t, "1", string(p.Extra["x"]))
}

// TestData shows traps 21 and 22: texts alone are written, and an empty map may come as a list.
func TestData(t *testing.T) {
	t.Parallel()
	var o sitoo.Order
	require.NoError(t, json.Unmarshal([]byte(`{"additionaldata":[]}`), &o))
	require.Empty(t, o.Data)
	require.NoError(t, json.Unmarshal([]byte(`{"additionaldata":{"a":"x","n":1,"b":true}}`), &o))
	require.Equal(t, sitoo.Data{"a": "x", "n": "1", "b": "true"}, o.Data)
	require.Contains(t, encoded(t, sitoo.OrderFields{Data: sitoo.Set(sitoo.Data{"n": "1"})}), `{"n":"1"}`)
}

// TestSKU is trap 24: the reference's own class lets a comma through.
func TestSKU(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"SOCK-7", "JKT-42/SV.S", "a+b_c"} {
		require.True(t, sitoo.ValidSKU(good), good)
	}
	for _, bad := range []string{"", "a,b", "a b", "å", "a\n", "a#1"} {
		require.False(t, sitoo.ValidSKU(bad), bad)
	}
	require.True(t, sitoo.ValidResourceID("ullsocka-fjell_1.jpg"))
	require.False(t, sitoo.ValidResourceID("böcker 1.jpg"))
	require.True(t, sitoo.ValidExternalID("woo-1042"))
	require.False(t, sitoo.ValidExternalID("woo#1042"))
	require.False(t, sitoo.ValidExternalID("x234567890x234567890x234567890x234567890x"))
}

func FuzzOrder(f *testing.F)   { fuzzRecord[sitoo.Order](f) }
func FuzzProduct(f *testing.F) { fuzzRecord[sitoo.Product](f) }
func FuzzVoucher(f *testing.F) { fuzzRecord[sitoo.Voucher](f) }

// fuzzRecord: whatever decodes, encodes, and decodes to the same again.
func fuzzRecord[T any](f *testing.F) {
	for in := range documented {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		first, second := new(T), new(T)
		if json.Unmarshal(in, first) != nil {
			return
		}
		out, err := json.Marshal(first)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(out, second), "%s", out)
		again, err := json.Marshal(second)
		require.NoError(t, err)
		require.JSONEq(t, string(out), string(again))
	})
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte(`[{"event_id":"6f","event_type":"order","event_date":1760002001,"account_id":91234,"data":{"eshop_id":1,"order_id":20991}}]`))
	f.Add([]byte(`{"event_type":"z-report"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		events, err := sitoo.ParseEvents(in)
		if err != nil {
			return
		}
		for _, e := range events {
			require.NotEmpty(t, e.Type)
		}
	})
}
