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

	"github.com/tillwire/tillwire/examples/internal/chain"
	"github.com/tillwire/tillwire/stocksync"
)

// TestDemo runs the program as a newcomer does: no settings.
func TestDemo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	program := filepath.Join(t.TempDir(), "stock-master")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "-once", "-json")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = os.Environ()
	for _, name := range []string{"TILLWIRE_PAIRS", "TILLWIRE_STORE_ID", "TILLWIRE_STOCK", "TILLWIRE_DB", "WOO_URL", "WOO_SINCE"} {
		cmd.Env = append(cmd.Env, name+"=")
	}
	began := time.Now()
	require.NoError(t, cmd.Run(), stderr.String())
	require.Less(t, time.Since(began), time.Minute)

	var s summary
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &s), stdout.String())
	require.True(t, s.Converged)
	require.Equal(t, stocksync.Allocated, s.Mode)
	require.Equal(t, skus, s.SKUs)
	require.Equal(t, 4, s.Children)
	require.Greater(t, s.Sales, 50)
	require.Greater(t, s.Pushes, 50)
	require.Positive(t, s.Faults, "a demonstration in which nothing goes wrong shows nothing")
	require.Zero(t, s.Oversold)
	require.Zero(t, s.Lost)
	require.Zero(t, s.Twice)
	require.Contains(t, stderr.String(), "all equal")
	require.NotContains(t, stderr.String(), "NOT all equal")
}

// TestVerdict: what the program must not end well with.
func TestVerdict(t *testing.T) {
	t.Parallel()
	require.NoError(t, summary{Mode: stocksync.Plain, Converged: true, Oversold: 3, Lost: 1}.verdict(), "told, not judged")
	require.NoError(t, summary{Mode: stocksync.Allocated, Converged: true}.verdict())
	for _, s := range []summary{
		{Mode: stocksync.Plain}, {Mode: stocksync.Allocated, Converged: true, Oversold: 1},
		{Mode: stocksync.Allocated, Converged: true, Lost: 1},
		{Mode: stocksync.Allocated, Converged: true, Twice: 1},
	} {
		require.Error(t, s.verdict(), s)
	}
}

// TestWrongSettings: each gives one clear sentence that names the setting.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "pairs.json")
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	pair := `{"id":"north","name":"North","url":"https://north.invalid","secret":"` + strings.Repeat("s", 40) + `"}`
	good := map[string]string{
		"TILLWIRE_PAIRS": file("[" + pair + "]"), "TILLWIRE_STORE_ID": "main", "TILLWIRE_STOCK": "MUG-1=10, CUP=4",
		"TILLWIRE_DB": filepath.Join(t.TempDir(), "x.db"),
	}
	try := func(args []string, change map[string]string) string {
		s, err := parse(append([]string{"-once", "-listen", "127.0.0.1:0"}, args...), func(name string) string {
			if v, ok := change[name]; ok {
				return v
			}
			return good[name]
		}, io.Discard)
		if err == nil {
			err = run(t.Context(), s)
		}
		require.Error(t, err)
		text := chain.Sentence(err)
		require.NotContains(t, text, "\n")
		require.NotContains(t, text, "Config.")
		require.NotContains(t, text, "ssss", "a secret")
		return text
	}
	for name, want := range map[string]string{
		"TILLWIRE_PAIRS": "TILLWIRE_PAIRS is not set", "TILLWIRE_STORE_ID": "TILLWIRE_STORE_ID is not set",
	} {
		require.Contains(t, try(nil, map[string]string{name: ""}), want)
	}
	require.Contains(t, try(nil, map[string]string{"TILLWIRE_PAIRS": "", "TILLWIRE_STORE_ID": ""}), "TILLWIRE_STOCK is")
	require.Contains(t, try(nil, map[string]string{"TILLWIRE_PAIRS": file("nonsense")}), "TILLWIRE_PAIRS")
	plain := file(strings.Replace("["+pair+"]", "https:", "http:", 1))
	require.Contains(t, try(nil, map[string]string{"TILLWIRE_PAIRS": plain}), "TILLWIRE_LOCAL=1")
	require.Contains(t, try(nil, map[string]string{"TILLWIRE_STORE_ID": "north"}), "TILLWIRE_STORE_ID")
	require.Contains(t, try(nil, map[string]string{"TILLWIRE_STOCK": "MUG"}), "TILLWIRE_STOCK")
	require.Contains(t, try(nil, map[string]string{"TILLWIRE_STOCK": ""}), "TILLWIRE_STOCK", "there is nothing to sync")
	require.Contains(t, try(nil, map[string]string{"WOO_SINCE": "yesterday"}), "WOO_SINCE")
	require.Contains(t, try(nil, map[string]string{"WOO_SINCE": "2026-01-31"}), "WOO_URL")
	require.Contains(t, try(nil, map[string]string{"WOO_URL": "https://shop.invalid"}), "WOO_KEY")
	require.Contains(t, try(nil, nil), "north", "nobody answers there")
	require.Contains(t, try([]string{"-mode", "generous"}, nil), "-mode")
	require.Contains(t, try([]string{"-buffer", "-1"}, nil), "-buffer")
	require.Contains(t, try([]string{"rubbish"}, nil), "rubbish")
	require.Contains(t, try([]string{"-what"}, nil), "see -h")
	var help bytes.Buffer
	_, err := parse([]string{"-h"}, func(string) string { return "" }, &help)
	require.ErrorIs(t, err, flag.ErrHelp)
	for _, word := range []string{"TILLWIRE_PAIRS", "TILLWIRE_STORE_ID", "TILLWIRE_STOCK", "WOO_URL", "-mode", "-once", "-json"} {
		require.Contains(t, help.String(), word)
	}
}
