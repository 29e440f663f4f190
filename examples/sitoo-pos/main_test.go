package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
	program := filepath.Join(t.TempDir(), "sitoo-pos")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "-once", "-json")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), "WOO_URL=", "SITOO_BASE_URL=")
	require.NoError(t, cmd.Run(), stderr.String())

	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	var fields map[string]int
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &fields), stdout.String())
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
	require.Contains(t, stderr.String(), "products-up: at most")
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
		"WOO_URL": shopURL, "WOO_KEY": c.Key, "WOO_SECRET": c.Secret, "SITOO_MODE": "live", "SITOO_BASE_URL": tillURL, "SITOO_API_ID": k.APIID,
		"SITOO_PASSWORD": k.Password, "SITOO_SITE": "1", "SITOO_WAREHOUSE": "5001", "TILLWIRE_DB": filepath.Join(t.TempDir(), "wire.db"),
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

func TestSettings(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"WOO_URL": "https://shop.test", "WOO_KEY": "ck_1", "WOO_SECRET": "cs_1", "SITOO_BASE_URL": "https://sitoo.test/v2/accounts/",
		"SITOO_API_ID": "1-1", "SITOO_PASSWORD": "x", "SITOO_WAREHOUSE": "2",
	}
	for name, c := range map[string]struct {
		set  map[string]string
		args []string
		want string
	}{
		"no shop":        {map[string]string{"WOO_URL": ""}, nil, "WOO_URL is not set, but SITOO_BASE_URL is"},
		"no till":        {map[string]string{"SITOO_BASE_URL": ""}, nil, "SITOO_BASE_URL is not set, but WOO_URL is"},
		"mode":           {map[string]string{"SITOO_MODE": "prod"}, nil, `SITOO_MODE is "prod": give live or test`},
		"site":           {map[string]string{"SITOO_SITE": "{0F3A}"}, nil, `SITOO_SITE is "{0F3A}": give a number above 0`},
		"no warehouse":   {map[string]string{"SITOO_WAREHOUSE": ""}, nil, "SITOO_WAREHOUSE is not set"},
		"orders":         {nil, []string{"-orders", "some"}, `-orders "some" is none of s2d, all and none`},
		"an argument":    {nil, []string{"now"}, `"now" is no flag`},
		"unknown flag":   {nil, []string{"-now"}, "see -h"},
		"the API ID":     {map[string]string{"SITOO_API_ID": "1"}, nil, "SITOO_API_ID: is not of the form"},
		"the shop's key": {map[string]string{"WOO_KEY": ""}, nil, "WOO_KEY"},
		"the address":    {map[string]string{"SITOO_BASE_URL": "sitoo"}, nil, "SITOO_BASE_URL: does not begin with https://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := func(name string) string {
				if v, set := c.set[name]; set {
					return v
				}
				if name == "TILLWIRE_DB" {
					return filepath.Join(t.TempDir(), "wire.db")
				}
				return good[name]
			}
			s, err := parse(c.args, env, io.Discard)
			if err == nil {
				err = run(t.Context(), s)
			}
			require.Error(t, err)
			require.Contains(t, sentence(err), c.want)
			require.NotContains(t, sentence(err), "\n", "one sentence")
		})
	}
	var help bytes.Buffer
	_, err := parse([]string{"-h"}, func(string) string { return "" }, &help)
	require.ErrorIs(t, err, flag.ErrHelp)
	for name := range good {
		require.Contains(t, help.String(), name)
	}
}
