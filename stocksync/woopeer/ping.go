package woopeer

import (
	"context"
	"time"

	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/woo"
)

// Ping reads one product, which proves address, key and rights, and asks for WooCommerce's version, which only a shop manager's key is
// told. The store's clock is not measured: nothing that this package does depends on it.
func (p *Peer) Ping(ctx context.Context) (stocksync.Pong, error) {
	began := time.Now()
	if _, _, err := p.c.Shop.Products.List(ctx, woo.ProductQuery{PerPage: 1, Fields: []string{"id"}}); err != nil {
		return stocksync.Pong{}, err
	}
	pong := stocksync.Pong{StoreID: p.c.ID, Name: p.c.Name, Role: stocksync.RoleChild, Took: time.Since(began)}
	if status, err := p.c.Shop.SystemStatus(ctx, "environment.version"); err == nil && status.Environment.Version != "" {
		pong.Version = "WooCommerce " + status.Environment.Version
	}
	return pong, nil
}
