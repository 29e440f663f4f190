package sitoosync_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo/sitoosync"
	"github.com/tillwire/tillwire/sitoo/sitoosync/sitoosynctest"
)

func TestMemoryLinks(t *testing.T) {
	t.Parallel()
	sitoosynctest.RunLinkStore(t, func(*testing.T) sitoosync.LinkStore { return &sitoosync.MemoryLinks{} })
	sitoosynctest.RunStateStore(t, func(*testing.T) func() sitoosync.StateStore {
		m := &sitoosync.MemoryLinks{}
		return func() sitoosync.StateStore { return m }
	})
}

func TestFileState(t *testing.T) {
	t.Parallel()
	sitoosynctest.RunStateStore(t, func(t *testing.T) func() sitoosync.StateStore {
		path := filepath.Join(t.TempDir(), "state.json")
		return func() sitoosync.StateStore {
			s, err := sitoosync.NewFileState(path)
			require.NoError(t, err)
			return s
		}
	})
	_, err := sitoosync.NewFileState("")
	require.ErrorContains(t, err, "path is empty")
	path := filepath.Join(t.TempDir(), "state.json")
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	_, err = sitoosync.NewFileState(path)
	require.ErrorContains(t, err, "cannot be read", "a broken file is no empty one: everything would be sent again")
	s, err := sitoosync.NewFileState(filepath.Join(t.TempDir(), "none", "state.json"))
	require.NoError(t, err)
	require.Error(t, s.Save(t.Context(), "a", nil))
}

func TestLinkItem(t *testing.T) {
	t.Parallel()
	p, v, err := sitoosync.LinkVariation(12, 34, 5101).Item()
	require.NoError(t, err)
	require.EqualValues(t, 12, p)
	require.EqualValues(t, 34, v)
	p, v, err = sitoosync.LinkProduct(12, 5101).Item()
	require.NoError(t, err)
	require.EqualValues(t, 12, p)
	require.Zero(t, v)
	for _, l := range []sitoosync.Link{
		{Kind: sitoosync.ProductLink, Woo: "12/34"}, {Kind: sitoosync.VariationLink, Woo: "12"}, {Kind: sitoosync.ProductLink, Woo: "x"},
	} {
		_, _, err := l.Item()
		require.Error(t, err)
	}
}
