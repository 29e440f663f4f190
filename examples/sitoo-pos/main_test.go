package main

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/examples/internal/clitest"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitootest"
	"github.com/tillwire/tillwire/woo/wootest"
)

// TestDemo runs the program as a newcomer does: no settings.
func TestDemo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	var fields map[string]int
	said := clitest.Demo(t, &fields, "WOO_URL", "SITOO_BASE_URL")
	require.Len(t, fields, 11)
	for _, name := range []string{
		"matched", "created_woo", "created_sitoo", "stock_equal", "orders_down", "orders_up", "cac", "s2d", "requests", "rate_waits",
	} {
		require.Positive(t, fields[name], name)
	}
	require.Zero(t, fields["duplicates"])
	require.Equal(t, demoShared, fields["matched"])
	require.Equal(t, demoTill-demoShared, fields["created_woo"])
	require.Equal(t, demoSimple+3*demoFamilies-demoShared, fields["created_sitoo"])
	require.Equal(t, fields["matched"]+fields["created_woo"]+fields["created_sitoo"], fields["stock_equal"])
	require.Contains(t, said, "products-up: at most")
}

// TestAgainstServers runs one pass against a shop and a till at addresses.
func TestAgainstServers(t *testing.T) {
	t.Parallel()
	shop, err := wootest.New(wootest.Config{})
	require.NoError(t, err)
	t.Cleanup(shop.Close)
	till, err := sitootest.New(sitootest.Config{})
	require.NoError(t, err)
	t.Cleanup(till.Close)
	warehouse := till.AddWarehouse("Storgatan", sitoo.FIFO)
	id, err := shop.AddProduct([]byte(`{"name":"Sock","sku":"SOCK-7","manage_stock":true,"stock_quantity":1}`))
	require.NoError(t, err)
	till.AddProduct("SOCK-7", "Sock", "125.00")
	till.SetStock(warehouse, "SOCK-7", 7)
	shopURL, stopShop, err := shop.Start()
	require.NoError(t, err)
	t.Cleanup(stopShop)
	tillURL, stopTill, err := till.Start()
	require.NoError(t, err)
	t.Cleanup(stopTill)
	c, k := shop.Config(), till.Config()
	env := map[string]string{
		"WOO_URL": shopURL, "WOO_KEY": c.Key, "WOO_SECRET": c.Secret, "SITOO_MODE": "live", "SITOO_BASE_URL": tillURL,
		"SITOO_API_ID": k.APIID, "SITOO_PASSWORD": k.Password, "SITOO_SITE": "1", "SITOO_WAREHOUSE": "5001",
		"TILLWIRE_DB": filepath.Join(t.TempDir(), "wire.db"),
	}
	s, err := parse([]string{"-once"}, func(name string) string { return env[name] }, io.Discard)
	require.NoError(t, err)
	require.EqualValues(t, 5001, warehouse)
	require.NoError(t, run(t.Context(), s))
	require.Contains(t, string(shop.Product(id)), `"stock_quantity":7`)

	env["SITOO_PASSWORD"] = "wrong"
	s, err = parse([]string{"-once"}, func(name string) string { return env[name] }, io.Discard)
	require.NoError(t, err)
	err = run(t.Context(), s)
	require.ErrorIs(t, err, sitoo.ErrAuth)
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	clitest.WrongSettings(t, app, map[string]string{
		"WOO_URL": "https://shop.test", "WOO_KEY": "ck_1", "WOO_SECRET": "cs_1", "SITOO_BASE_URL": "https://sitoo.test/v2/accounts/",
		"SITOO_API_ID": "1-1", "SITOO_PASSWORD": "s3cret", "SITOO_WAREHOUSE": "2",
	}, []string{"s3cret", "cs_1"}, map[string]clitest.Wrong{
		"no shop":        {Set: map[string]string{"WOO_URL": ""}, Want: "WOO_URL is not set, but SITOO_BASE_URL is"},
		"no till":        {Set: map[string]string{"SITOO_BASE_URL": ""}, Want: "SITOO_BASE_URL is not set, but WOO_URL is"},
		"mode":           {Set: map[string]string{"SITOO_MODE": "prod"}, Want: `SITOO_MODE is "prod": give live or test`},
		"site":           {Set: map[string]string{"SITOO_SITE": "{0F3A}"}, Want: `SITOO_SITE is "{0F3A}": give a number above 0`},
		"no warehouse":   {Set: map[string]string{"SITOO_WAREHOUSE": ""}, Want: "SITOO_WAREHOUSE is not set"},
		"orders":         {Args: []string{"-orders", "some"}, Want: `-orders "some" is none of s2d, all and none`},
		"the API ID":     {Set: map[string]string{"SITOO_API_ID": "1"}, Want: "SITOO_API_ID: is not of the form"},
		"the shop's key": {Set: map[string]string{"WOO_KEY": ""}, Want: "WOO_KEY"},
		"the address":    {Set: map[string]string{"SITOO_BASE_URL": "sitoo"}, Want: "SITOO_BASE_URL: does not begin with https://"},
	})
}
