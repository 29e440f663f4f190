package stocksync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// An inspection compares peers with what they are to have, in requests of a batch each: ceil(products / batch) for each peer, known
// before the first. Products that are excluded are left out. Peers are asked side by side, one request at a time each.
type inspection struct {
	m        *Master
	rows     []GID
	peers    []Peer
	progress func(Progress)
	step     string
	planned  int // requests of a batch each

	mu    sync.Mutex
	done  int
	total int
	asked int
}

// inspection selects products and peers; none named means all.
func (m *Master) inspection(ctx context.Context, step string, peers []StoreID, skus []SKU, after GID,
	progress func(Progress)) (*inspection, error) {
	in := &inspection{m: m, step: step, progress: progress}
	for _, id := range peers {
		if m.peers[id] == nil {
			return nil, fmt.Errorf("stocksync: no peer %q", id)
		}
	}
	for _, p := range m.c.Peers {
		if len(peers) == 0 || slices.Contains(peers, p.ID()) {
			in.peers = append(in.peers, p)
		}
	}
	wanted := map[string]bool{}
	for _, sku := range skus {
		wanted[sku.Fold()] = true
	}
	for r, err := range m.rows(ctx) {
		if err != nil {
			return nil, err
		}
		if r.GID > after && !m.c.Exclude.Has(r.SKU) && (len(skus) == 0 || wanted[r.SKU.Fold()]) {
			in.rows = append(in.rows, r.GID)
		}
	}
	in.total = len(in.rows) * len(in.peers)
	for _, p := range in.peers {
		batch := m.batch(p)
		in.planned += (len(in.rows) + batch - 1) / batch
	}
	return in, nil
}

// run asks each peer for each product, batch by batch, and hands what it has to see, of one peer at a time.
func (in *inspection) run(ctx context.Context, see func(ctx context.Context, peer Peer, rows []*Row, has []*Stock) error) error {
	errs := make([]error, len(in.peers))
	var all sync.WaitGroup
	for i, peer := range in.peers {
		all.Go(func() {
			for gids := range slices.Chunk(in.rows, in.m.batch(peer)) {
				if errs[i] = in.batch(ctx, peer, gids, see); errs[i] != nil {
					errs[i] = fmt.Errorf("stocksync: %s of %s: %w", in.step, peer.ID(), errs[i])
					return
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func (in *inspection) batch(ctx context.Context, peer Peer, gids []GID,
	see func(context.Context, Peer, []*Row, []*Stock) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rows, err := in.m.read(ctx, gids)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r *Row) bool { return r == nil })
	refs := make([]Ref, len(rows))
	for i, r := range rows {
		refs[i] = Ref{GID: r.GID, SKU: r.SKU}
	}
	has, err := peer.Read(ctx, refs)
	in.m.health.outbound(peer.ID(), err)
	if err != nil {
		return err
	}
	if len(has) != len(refs) {
		return fmt.Errorf("answered %d states for %d products", len(has), len(refs))
	}
	if err := see(ctx, peer, rows, has); err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.asked++
	in.done += len(gids)
	if in.progress != nil {
		in.progress(Progress{Step: in.step, Done: in.done, Total: in.total, Requests: in.planned})
	}
	return nil
}

// duplicates finds SKUs that several products have.
func (m *Master) duplicates(ctx context.Context) (map[string][]Ref, error) {
	all := map[string][]Ref{}
	for r, err := range m.rows(ctx) {
		if err != nil {
			return nil, err
		}
		if fold := r.SKU.Fold(); fold != "" {
			all[fold] = append(all[fold], Ref{GID: r.GID, SKU: r.SKU})
		}
	}
	for fold, refs := range all {
		if len(refs) < 2 || strings.TrimSpace(fold) == "" {
			delete(all, fold)
		}
	}
	return all, nil
}
