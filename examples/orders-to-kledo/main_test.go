package main

import (
	"bytes"
	"flag"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/examples/internal/clitest"
	"github.com/tillwire/tillwire/examples/internal/demo"
	"github.com/tillwire/tillwire/examples/internal/progress"
	"github.com/tillwire/tillwire/kledo/kledotest"
	"github.com/tillwire/tillwire/woo/wootest"
)

// build compiles the program as users run it.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "orders-to-kledo")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// world starts a shop and a Kledo that live in this process and outlive the program.
func world(t *testing.T, orders int, faults kledotest.Faults) (w *demo.World, env map[string]string) {
	t.Helper()
	shop, err := wootest.New(wootest.Config{})
	require.NoError(t, err)
	t.Cleanup(shop.Close)
	books, err := kledotest.New(kledotest.Config{})
	require.NoError(t, err)
	t.Cleanup(books.Close)
	shop.Seed(orders, 7)
	books.SetFaults(faults)

	shopURL, stopShop, err := shop.Start()
	require.NoError(t, err)
	t.Cleanup(stopShop)
	endpoint, stopBooks, err := books.Start()
	require.NoError(t, err)
	t.Cleanup(stopBooks)
	config := shop.Config()
	return &demo.World{Shop: shop, Books: books}, map[string]string{
		"WOO_URL": shopURL, "WOO_KEY": config.Key, "WOO_SECRET": config.Secret,
		"KLEDO_ENDPOINT": endpoint, "KLEDO_TOKEN": books.Token(),
		"TILLWIRE_DB": filepath.Join(t.TempDir(), "wire.db"),
	}
}

func environ(env map[string]string) []string {
	all := os.Environ()
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all
}

// TestDemo runs the program as a newcomer does: no settings, and everything goes wrong that can.
func TestDemo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	var s progress.Summary
	clitest.Demo(t, &s, "WOO_URL", "KLEDO_ENDPOINT")
	require.GreaterOrEqual(t, s.SalesOrders, 100)
	require.GreaterOrEqual(t, s.Invoices, 50)
	require.Zero(t, *s.Duplicates)
	require.Zero(t, s.Failed)
	require.Positive(t, *s.FaultsInjected)
	require.Positive(t, *s.AnswersLost)
	require.Positive(t, *s.OutageSeconds)
	require.Positive(t, s.Retried)
}

// TestKilled kills the program with SIGKILL at random moments, twenty times, while Kledo fails and the shop trades; then it is let
// finish. The books, which survive all that, must be right.
func TestKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute")
	}
	program := build(t)
	w, env := world(t, 300, kledotest.Faults{Rate: 0.2, Seed: 7, Latency: 10 * time.Millisecond, RetryAfter: time.Second})
	args := []string{"-once", "-json", "-speed", "2000", "-since", "2000-01-01"}
	random := rand.New(rand.NewPCG(7, uint64(os.Getpid())))
	nothing := func() error { return nil }
	for kill := range 20 {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = environ(env)
		require.NoError(t, cmd.Start())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if kill%5 == 4 {
			require.NoError(t, w.Trade(nothing))
		}
		select {
		case <-time.After(time.Duration(20+random.IntN(2000)) * time.Millisecond):
			require.NoError(t, cmd.Process.Kill())
			<-ended
		case err := <-ended:
			require.NoError(t, err)
		}
	}
	require.NotZero(t, w.Books.Count(kledotest.SalesOrder, 0), "nothing was sent between the kills: they came too soon")

	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environ(env), &out, &errs
	require.NoError(t, cmd.Run(), errs.String())
	require.NoError(t, w.Check())
	require.Zero(t, w.Books.Duplicates())
	stats := w.Books.Stats()
	require.Positive(t, stats.AnswersLost)
	t.Logf("20 kills; %d documents booked once; %d calls failed, %d answers were lost; at the end %s",
		len(w.Books.Documents()), stats.Faults, stats.AnswersLost, out.String())
}

var update = flag.Bool("update", false, "write the golden files anew")

// TestWrongSettings holds what a person reads who set something wrong: one sentence, the cause, the setting, no secret. Afterwards the
// right setting finds nothing lost.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	page := func(status int, title string) func(*testing.T) string {
		return func(t *testing.T) string {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "<!DOCTYPE html><html><head><title>"+title+"</title></head><body>…</body></html>")
			}))
			t.Cleanup(server.Close)
			return server.URL
		}
	}
	refused := func(t *testing.T) string {
		server := httptest.NewServer(http.NotFoundHandler())
		defer server.Close()
		return server.URL
	}
	value := func(s string) func(*testing.T) string { return func(*testing.T) string { return s } }
	for _, c := range []struct {
		name, setting string
		value         func(*testing.T) string
	}{
		{"shop-unknown-key", "WOO_KEY", value("ck_" + strings.Repeat("0", 40))},
		{"shop-wrong-secret", "WOO_SECRET", value("cs_" + strings.Repeat("0", 40))},
		{"shop-no-key", "WOO_KEY", value("")},
		{"shop-refused", "WOO_URL", refused},
		{"shop-html", "WOO_URL", page(200, "Coming soon")},
		{"shop-not-found", "WOO_URL", page(404, "Page not found")},
		{"shop-blocked", "WOO_URL", page(403, "Attention Required! | Cloudflare")},
		{"shop-not-a-url", "WOO_URL", value("shop.example")},
		{"shop-missing", "WOO_URL", value("")},
		{"books-wrong-key", "KLEDO_TOKEN", value("kledo_pat_0000MC_wrong")},
		{"books-masked-key", "KLEDO_TOKEN", value("kledo_pat_0000MC_****1a2b")},
		{"books-no-key", "KLEDO_TOKEN", value("")},
		{"books-refused", "KLEDO_ENDPOINT", refused},
		{"books-html", "KLEDO_ENDPOINT", page(200, "Kledo")},
		{"books-missing", "KLEDO_ENDPOINT", value("")},
		{"booking-unknown", "KLEDO_BOOKING", value("fiance")},
		{"compatible-unknown", "KLEDO_COMPATIBLE", value("yes")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, env := world(t, 8, kledotest.Faults{})
			right := env[c.setting]
			env[c.setting] = c.value(t)

			said := attempt(t, env)
			require.NotEmpty(t, said, "nothing was said")
			for _, name := range []string{"WOO_SECRET", "KLEDO_TOKEN"} {
				if env[name] != "" {
					require.NotContains(t, said, env[name])
				}
			}
			require.NotContains(t, said, "\n")
			require.NotContains(t, said, "Config.")
			for _, name := range []string{"WOO_URL", "KLEDO_ENDPOINT"} {
				if env[name] != "" && strings.Contains(env[name], "127.0.0.1") {
					said = strings.ReplaceAll(said, env[name], "<"+name+">")
					said = strings.ReplaceAll(said, strings.TrimPrefix(env[name], "http://"), "<"+name+">")
				}
			}
			golden := filepath.Join("testdata", "golden", c.name+".txt")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(said+"\n"), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), said+"\n")

			env[c.setting] = right
			require.Empty(t, attempt(t, env))
			require.NoError(t, w.Check())
		})
	}
}

// attempt runs the program in this process and returns its sentence, empty for success.
func attempt(t *testing.T, env map[string]string) string {
	t.Helper()
	return app.Try(t.Context(), []string{"-once", "-speed", "2000", "-since", "2000-01-01"}, func(name string) string { return env[name] }, io.Discard)
}
