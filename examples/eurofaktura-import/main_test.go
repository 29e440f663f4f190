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
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/eurofaktura/eurofakturatest"
	"github.com/tillwire/tillwire/woo/wootest"
)

// TestDemo runs the program as a newcomer does: no settings.
func TestDemo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a quarter of a minute")
	}
	program := filepath.Join(t.TempDir(), "eurofaktura-import")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "-once", "-json")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), "WOO_URL=", "EUROFAKTURA_ENDPOINT=")
	began := time.Now()
	require.NoError(t, cmd.Run(), stderr.String())
	require.Less(t, time.Since(began), time.Minute)

	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	var fields map[string]int
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &fields), stdout.String())
	for _, name := range []string{"orders", "sales_orders", "open", "forwarded", "webhook", "polled", "rechecked"} {
		require.Positive(t, fields[name], name)
	}
	require.Zero(t, fields["duplicates"])
	require.Zero(t, fields["failed"])
	require.Equal(t, fields["forwarded"], fields["sales_orders"])
	require.Equal(t, fields["forwarded"], fields["webhook"]+fields["polled"]+fields["rechecked"])
	require.Contains(t, stderr.String(), "open  #")
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

// TestWrongSettings: each gives one clear sentence that names the setting.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"WOO_URL": "https://shop.example", "WOO_KEY": "ck_1", "WOO_SECRET": "cs_1", "EUROFAKTURA_ENDPOINT": "https://books.example/API",
		"EUROFAKTURA_USERNAME": "u", "EUROFAKTURA_SECRET_KEY": "s", "EUROFAKTURA_TOKEN": "t", "EUROFAKTURA_WAREHOUSE": "01",
		"EUROFAKTURA_COST_CENTRE": "WEB", "TILLWIRE_DB": filepath.Join(t.TempDir(), "x.db"),
	}
	try := func(args []string, change map[string]string) string {
		s, err := parse(args, func(name string) string {
			if v, ok := change[name]; ok {
				return v
			}
			return good[name]
		}, io.Discard)
		if err == nil {
			err = run(t.Context(), s)
		}
		require.Error(t, err)
		text := sentence(err)
		require.NotContains(t, text, "\n")
		require.NotContains(t, text, "Config.")
		return text
	}
	for name, want := range map[string]string{
		"WOO_URL": "WOO_URL is not set", "WOO_KEY": "WOO_KEY is empty", "WOO_SECRET": "WOO_SECRET is empty",
		"EUROFAKTURA_ENDPOINT": "EUROFAKTURA_ENDPOINT is not set", "EUROFAKTURA_USERNAME": "EUROFAKTURA_USERNAME: is empty",
		"EUROFAKTURA_SECRET_KEY": "EUROFAKTURA_SECRET_KEY: is empty", "EUROFAKTURA_TOKEN": "EUROFAKTURA_TOKEN: is empty",
		"EUROFAKTURA_WAREHOUSE": "EUROFAKTURA_WAREHOUSE is missing", "EUROFAKTURA_COST_CENTRE": "EUROFAKTURA_COST_CENTRE is missing",
	} {
		require.Contains(t, try(nil, map[string]string{name: ""}), want)
	}
	require.Contains(t, try(nil, map[string]string{"WOO_API": "v4"}), `WOO_API: "v4" is neither`)
	require.Contains(t, try(nil, map[string]string{"WOO_KEY": "cs_1", "WOO_SECRET": "ck_1"}), "WOO_KEY and WOO_SECRET are swapped")
	require.Contains(t, try(nil, map[string]string{"EUROFAKTURA_STATUSES": "processing"}), "EUROFAKTURA_STATUSES")
	require.Contains(t, try([]string{"-hooks", "http://x"}, nil), "-hooks")
	require.Contains(t, try([]string{"-since", "soon"}, nil), "-since")
	require.Contains(t, try([]string{"rubbish"}, nil), "rubbish")
	require.Contains(t, try([]string{"-what"}, nil), "see -h")
	var help bytes.Buffer
	_, err := parse([]string{"-h"}, func(string) string { return "" }, &help)
	require.ErrorIs(t, err, flag.ErrHelp)
	for _, word := range []string{"WOO_API", "EUROFAKTURA_COST_CENTRE", "-once", "-json", "-hooks"} {
		require.Contains(t, help.String(), word)
	}
}
