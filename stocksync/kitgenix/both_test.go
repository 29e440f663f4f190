package kitgenix_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
)

// TestBothWays has a master and a child, both ours, talk over the wire: with the plugin's signatures alone, and with RFC 9421 beside.
func TestBothWays(t *testing.T) {
	t.Parallel()
	for name, bound := range map[string]bool{"plugin_signatures": false, "RFC_9421_beside": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			low := 3
			item := stocksync.Item{
				Ref: stocksync.Ref{GID: "g-1", SKU: "AB/12-é"},
				Stock: stocksync.Stock{
					Quantity: qty(7), Status: stocksync.InStock, Backorders: stocksync.BackordersNo, Manage: stocksync.Managed, LowStock: &low,
				},
				Version: 1772000000123,
			}
			child := &node{id: "e", role: stocksync.RoleChild, items: map[stocksync.SKU]*stocksync.Item{"AB/12-é": &item}}
			atChild := wire(t, "e", kitgenix.Pair{StoreID: "d", Secret: secret, RFC9421: bound})
			master := configured(t, kitgenix.Config{
				Self: stocksync.Self{StoreID: "d", Name: "Master"}, HTTPClient: reach(t, atChild.Handler(child)),
				Pairs: []kitgenix.Pair{{StoreID: "e", URL: "https://e.example/shop", Secret: secret, RFC9421: bound}},
			})
			peer := master.Peers()[0]
			pong, err := peer.(stocksync.Pinger).Ping(t.Context())
			require.NoError(t, err)
			require.Equal(t, stocksync.StoreID("e"), pong.StoreID)
			require.Equal(t, stocksync.RoleChild, pong.Role)

			applied, err := peer.Push(t.Context(), []stocksync.Item{item})
			require.NoError(t, err)
			require.Equal(t, []stocksync.Applied{{Outcome: stocksync.Accepted}}, applied)
			reports := child.got()
			require.Len(t, reports, 1)
			require.Equal(t, stocksync.StoreID("d"), reports[0].From)
			require.Equal(t, []stocksync.Item{item}, reports[0].Items)

			stock, err := peer.Read(t.Context(), []stocksync.Ref{item.Ref, {SKU: "none"}, {GID: "g-2", SKU: "AB/12-é"}})
			require.NoError(t, err)
			require.Equal(t, []*stocksync.Stock{&item.Stock, nil, nil}, stock)
		})
	}
}
