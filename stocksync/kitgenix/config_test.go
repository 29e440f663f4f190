package kitgenix_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
)

// TestNew names the field that is wrong, and never a secret.
func TestNew(t *testing.T) {
	t.Parallel()
	self := stocksync.Self{StoreID: "d"}
	one := func(p kitgenix.Pair) kitgenix.Config { return kitgenix.Config{Self: self, Pairs: []kitgenix.Pair{p}} }
	for text, c := range map[string]kitgenix.Config{
		"Config.Self.StoreID":              {},
		"Pairs[0].StoreID is empty":        one(kitgenix.Pair{Secret: secret}),
		"Pairs[0].StoreID is our own":      one(kitgenix.Pair{StoreID: "d", Secret: secret}),
		"Pairs[0].Secret":                  one(kitgenix.Pair{StoreID: "e"}),
		"Pairs[0].OldSecrets[0]":           one(kitgenix.Pair{StoreID: "e", Secret: secret, OldSecrets: []string{"Hidden1"}}),
		"Pairs[0].OldSecrets: at most 3":   one(kitgenix.Pair{StoreID: "e", Secret: secret, OldSecrets: make([]string, 4)}),
		"Pairs[0].Generation 3":            one(kitgenix.Pair{StoreID: "e", Secret: secret, Generation: 3}),
		"Pairs[0].Children":                one(kitgenix.Pair{StoreID: "e", Secret: secret, Children: -1}),
		"Pairs[0].URL: want https":         one(kitgenix.Pair{StoreID: "e", Secret: secret, URL: "e.example"}),
		"Pairs[0].URL is http":             one(kitgenix.Pair{StoreID: "e", Secret: secret, URL: "http://e.example"}),
		"Pairs[0].URL must have no":        one(kitgenix.Pair{StoreID: "e", Secret: secret, URL: "https://u:p@e.example"}),
		"Pairs[0].URL cannot be read":      one(kitgenix.Pair{StoreID: "e", Secret: secret, URL: "https://%zz"}),
		"Pairs[1].Secret is that of \"e\"": {Self: self, Pairs: []kitgenix.Pair{{StoreID: "e", Secret: secret}, {StoreID: "f", Secret: secret}}},
		"Pairs[1].StoreID \"e\" is there":  {Self: self, Pairs: []kitgenix.Pair{{StoreID: "e", Secret: secret}, {StoreID: "e", Secret: secret + "x"}}},
	} {
		_, err := kitgenix.New(c)
		require.ErrorContains(t, err, text)
		require.NotContains(t, err.Error(), secret)
		require.NotContains(t, err.Error(), "Hidden1")
	}
	_, err := kitgenix.New(one(kitgenix.Pair{StoreID: "e", Secret: "short"}))
	require.ErrorContains(t, err, "Pairs[0].Secret")
	c := one(kitgenix.Pair{StoreID: "e", Secret: "short"})
	c.ShortSecrets = true
	_, err = kitgenix.New(c)
	require.NoError(t, err)
}

// TestNoSecretsPrinted looks for secrets in everything that a logger or a person might print.
func TestNoSecretsPrinted(t *testing.T) {
	t.Parallel()
	c := kitgenix.Config{
		Self: stocksync.Self{StoreID: "d", Name: "D"},
		Pairs: []kitgenix.Pair{
			{StoreID: "e", Name: "E", URL: "https://e.example/shop", Secret: "TopSecretTopSecret", OldSecrets: []string{"OldSecretOldSecret"}},
		},
	}
	w, err := kitgenix.New(c)
	require.NoError(t, err)
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("x", "config", c, "pair", c.Pairs[0], "wire", w, "peer", w.Peer("e"))
	}
	for _, v := range []any{c, &c, c.Pairs, c.Pairs[0], &c.Pairs[0], w, w.Peer("e"), w.Peers(), w.Upstream("e")} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			fmt.Fprintf(&log, verb+"\n", v)
		}
	}
	require.NotContains(t, log.String(), "TopSecret")
	require.NotContains(t, log.String(), "OldSecret")
	require.Contains(t, log.String(), "e (E) at https://e.example/shop")
}

// TestPairJSON reads a file of pairs.
func TestPairJSON(t *testing.T) {
	t.Parallel()
	var pairs []kitgenix.Pair
	require.NoError(t, json.Unmarshal([]byte(`[{"id":"e","name":"E","url":"https://e.example","secret":"s","disabled":true}]`), &pairs))
	require.Equal(t, []kitgenix.Pair{{StoreID: "e", Name: "E", URL: "https://e.example", Secret: "s", Disabled: true}}, pairs)
}
