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

	"github.com/tillwire/tillwire/examples/internal/chain"
)

// TestDemo runs the program as a newcomer does: no settings.
func TestDemo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a quarter of a minute")
	}
	program := filepath.Join(t.TempDir(), "stock-child")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "-once", "-json")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), "TILLWIRE_PAIRS=", "TILLWIRE_STORE_ID=", "TILLWIRE_SKUS=")
	require.NoError(t, cmd.Run(), stderr.String())

	var s summary
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &s), stdout.String())
	require.True(t, s.Converged)
	require.Equal(t, skus, s.SKUs)
	require.Greater(t, s.Sales, 50)
	require.Zero(t, s.Lost)
	require.Zero(t, s.Twice)
	require.Contains(t, stderr.String(), "all equal")
}

// TestWrongSettings: each gives one clear sentence that names the setting.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "pairs.json")
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	pair := `{"id":"main","name":"Main","url":"https://main.invalid","secret":"` + strings.Repeat("s", 40) + `"}`
	good := map[string]string{
		"TILLWIRE_PAIRS": file("[" + pair + "]"), "TILLWIRE_STORE_ID": "till", "TILLWIRE_SKUS": "MUG, CUP",
		"TILLWIRE_DB": filepath.Join(t.TempDir(), "x.db"),
	}
	try := func(args []string, change map[string]string) string {
		s, err := parse(append([]string{"-once"}, args...), func(name string) string {
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
		"TILLWIRE_SKUS": "TILLWIRE_SKUS is not set",
	} {
		require.Contains(t, try(nil, map[string]string{name: ""}), want)
	}
	require.Contains(t, try(nil, map[string]string{"TILLWIRE_PAIRS": file("[" + pair + "," + pair + "]")}), "has 2 pairs")
	require.Contains(t, try(nil, map[string]string{"TILLWIRE_STORE_ID": "main"}), "TILLWIRE_STORE_ID")
	require.Contains(t, try(nil, nil), "the master:", "nobody answers there")
	require.Contains(t, try([]string{"rubbish"}, nil), "rubbish")
	require.Contains(t, try([]string{"-what"}, nil), "see -h")
	var help bytes.Buffer
	_, err := parse([]string{"-h"}, func(string) string { return "" }, &help)
	require.ErrorIs(t, err, flag.ErrHelp)
	for _, word := range []string{"TILLWIRE_PAIRS", "TILLWIRE_SKUS", "-once", "-json"} {
		require.Contains(t, help.String(), word)
	}
}
