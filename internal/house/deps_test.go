package house_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// modulesOf lists the foreign modules that a program importing pkg builds.
func modulesOf(t *testing.T, pkg string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Module", "./"+pkg)
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	require.NoError(t, err)
	var names []string
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p struct{ Module *struct{ Path string } }
		require.NoError(t, dec.Decode(&p))
		if p.Module != nil && p.Module.Path != module && !slices.Contains(names, p.Module.Path) {
			names = append(names, p.Module.Path)
		}
	}
	slices.Sort(names)
	return names
}

// TestWhatAHostGets holds what a host that imports one package pays for.
func TestWhatAHostGets(t *testing.T) {
	t.Parallel()
	client := []string{
		"github.com/hashicorp/go-cleanhttp", "github.com/hashicorp/go-retryablehttp",
		"github.com/shopspring/decimal", "golang.org/x/time",
	}
	require.Equal(t, client, modulesOf(t, "woo"), "a host that imports woo alone gets exactly these")
	require.Subset(t, append(client, "golang.org/x/oauth2"), modulesOf(t, "kledo"))
	require.Equal(t, client, modulesOf(t, "sitoo"))
	require.Equal(t, client, modulesOf(t, "eurofaktura"))
	require.Empty(t, modulesOf(t, "hmacauth"), "the core of hmacauth is the standard library's")
	require.Subset(t, []string{"github.com/cenkalti/backoff/v4"}, modulesOf(t, "retryqueue"))
	require.Subset(t, []string{"github.com/cenkalti/backoff/v4"}, modulesOf(t, "retryqueue/sqlstore"),
		"SQL stores import no driver: the host brings its own")
	for _, pkg := range []string{"woo/wootest", "kledo/kledotest", "sitoo/sitootest", "eurofaktura/eurofakturatest", "retryqueue/retryqueuetest", "woo/orderfeed/orderfeedtest"} {
		for _, m := range modulesOf(t, pkg) {
			require.False(t, strings.Contains(m, "testify") || strings.Contains(m, "yaml"), "%s brings %s", pkg, m)
		}
	}
}
