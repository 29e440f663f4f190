package main

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/eurofaktura/eurofakturatest"
	"github.com/tillwire/tillwire/examples/internal/clitest"
	"github.com/tillwire/tillwire/woo/wootest"
)

// TestDemo runs the program as a newcomer does: no settings.
func TestDemo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a quarter of a minute")
	}
	var fields map[string]int
	said := clitest.Demo(t, &fields, "WOO_URL", "EUROFAKTURA_ENDPOINT")
	for _, name := range []string{"orders", "sales_orders", "open", "forwarded", "webhook", "polled", "rechecked"} {
		require.Positive(t, fields[name], name)
	}
	require.Zero(t, fields["duplicates"])
	require.Zero(t, fields["failed"])
	require.Equal(t, fields["forwarded"], fields["sales_orders"])
	require.Equal(t, fields["forwarded"], fields["webhook"]+fields["polled"]+fields["rechecked"])
	require.Contains(t, said, "open  #")
}

// TestAgainstServers runs one pass against a shop and a Eurofaktura at addresses, through each API.
func TestAgainstServers(t *testing.T) {
	t.Parallel()
	shop, err := wootest.New(wootest.Config{})
	require.NoError(t, err)
	t.Cleanup(shop.Close)
	books, err := eurofakturatest.New(eurofakturatest.Config{})
	require.NoError(t, err)
	t.Cleanup(books.Close)
	_, err = shop.AddOrder([]byte(`{"status":"processing","currency":"EUR","billing":{"email":"a@example.bg"},
		"fee_lines":[{"name":"Gift","total":"2.00"}]}`))
	require.NoError(t, err)
	url, stopShop, err := shop.Start()
	require.NoError(t, err)
	t.Cleanup(stopShop)
	endpoint, stopBooks, err := books.Start()
	require.NoError(t, err)
	t.Cleanup(stopBooks)
	c, b := shop.Config(), books.Config()
	env := map[string]string{
		"WOO_URL": url, "WOO_KEY": c.Key, "WOO_SECRET": c.Secret, "WOO_API": "v3", "EUROFAKTURA_ENDPOINT": endpoint,
		"EUROFAKTURA_USERNAME": b.Username, "EUROFAKTURA_SECRET_KEY": b.SecretKey, "EUROFAKTURA_TOKEN": b.Token,
		"EUROFAKTURA_WAREHOUSE": "01", "EUROFAKTURA_COST_CENTRE": "WEB", "EUROFAKTURA_STATUSES": "processing=In work, completed=Done",
		"TILLWIRE_DB": filepath.Join(t.TempDir(), "wire.db"),
	}
	s, err := parse([]string{"-once"}, func(name string) string { return env[name] }, io.Discard)
	require.NoError(t, err)
	require.NoError(t, run(t.Context(), s))
	require.Equal(t, 1, books.Count(eurofakturatest.SalesOrder, ""))
	require.Equal(t, "In work", books.Documents()[0].Text("status"))
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"WOO_URL": "https://shop.example", "WOO_KEY": "ck_1", "WOO_SECRET": "cs_1", "EUROFAKTURA_ENDPOINT": "https://books.example/API",
		"EUROFAKTURA_USERNAME": "u", "EUROFAKTURA_SECRET_KEY": "s3cret", "EUROFAKTURA_TOKEN": "t0ken", "EUROFAKTURA_WAREHOUSE": "01",
		"EUROFAKTURA_COST_CENTRE": "WEB",
	}
	wrong := map[string]clitest.Wrong{
		"another API":     {Set: map[string]string{"WOO_API": "v4"}, Want: `WOO_API: "v4" is neither`},
		"key and secret":  {Set: map[string]string{"WOO_KEY": "cs_1", "WOO_SECRET": "ck_1"}, Want: "WOO_KEY and WOO_SECRET are swapped"},
		"statuses":        {Set: map[string]string{"EUROFAKTURA_STATUSES": "processing"}, Want: "EUROFAKTURA_STATUSES"},
		"a plain address": {Args: []string{"-hooks", "http://x"}, Want: `-hooks "http://x" is no https address`},
		"a date in words": {Args: []string{"-since", "soon"}, Want: `-since "soon" is no date`},
	}
	for name, want := range map[string]string{
		"WOO_URL": "WOO_URL is not set", "WOO_KEY": "WOO_KEY is empty", "WOO_SECRET": "WOO_SECRET is empty",
		"EUROFAKTURA_ENDPOINT": "EUROFAKTURA_ENDPOINT is not set", "EUROFAKTURA_USERNAME": "EUROFAKTURA_USERNAME: is empty",
		"EUROFAKTURA_SECRET_KEY": "EUROFAKTURA_SECRET_KEY: is empty", "EUROFAKTURA_TOKEN": "EUROFAKTURA_TOKEN: is empty",
		"EUROFAKTURA_WAREHOUSE": "EUROFAKTURA_WAREHOUSE is missing", "EUROFAKTURA_COST_CENTRE": "EUROFAKTURA_COST_CENTRE is missing",
	} {
		wrong["no "+name] = clitest.Wrong{Set: map[string]string{name: ""}, Want: want}
	}
	clitest.WrongSettings(t, app, good, []string{"s3cret", "t0ken", "cs_1"}, wrong)
}
