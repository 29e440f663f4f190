package kitgenix

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tillwire/tillwire/stocksync"
)

// Peer is a store that runs the plugin, or a Go service, as its master sees it. It is a [stocksync.Peer], [stocksync.Pinger] and
// [stocksync.Limits].
type Peer struct{ pair *pair }

// ID is the store's.
func (p *Peer) ID() stocksync.StoreID { return p.pair.StoreID }

// Ping tests the connection, learns the generation and measures the clock.
func (p *Peer) Ping(ctx context.Context) (stocksync.Pong, error) { return p.pair.down.ping(ctx) }

// Read asks /stock-state, by SKU. A product that has another GID than the ref is not the one that was meant: nil. LowStock is nil
// where the plugin says 0, which is its word for "not set".
func (p *Peer) Read(ctx context.Context, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	return p.pair.down.read(ctx, "Read", routeStockState, refs)
}

// KeepsSales reports whether the store is known to be a Go service: a [stocksync.Child] applies a push less what it has sold since.
func (p *Peer) KeepsSales() bool {
	said, _ := p.pair.speech.get()
	return said.golang || p.pair.RFC9421
}

// Versions asks for the versions that a Go service applied last. The plugin does not tell: 0.
func (p *Peer) Versions(ctx context.Context, refs []stocksync.Ref) ([]int64, error) {
	answers, err := p.pair.down.ask(ctx, "Versions", routeStockState, refs)
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(refs))
	for i, a := range answers {
		if a != nil {
			out[i] = a.version
		}
	}
	return out, nil
}

// Batch is how many items one event to this store takes well: 40 at first, then as many as it works through in 5 s, from 10 to 200.
func (p *Peer) Batch() int { return p.pair.batch.size() }

// Takes refuses for the first generation products that are unmanaged or counted by their parent: it would make them managed,
// the one with a stock of 0, the other with the parent's whole quantity. While the generation is not known everything is taken, and
// Push decides.
func (p *Peer) Takes(s stocksync.Stock) error {
	generation := p.pair.Generation
	if generation == 0 {
		said, _ := p.pair.speech.get()
		generation = said.generation
	}
	return takes(generation, p.pair.StoreID, stocksync.Item{Stock: s})
}

func takes(generation int, peer stocksync.StoreID, i stocksync.Item) error {
	var why string
	switch {
	case generation != 1:
		return nil
	case i.Manage == stocksync.Unmanaged:
		why = "the plugin's first generation would make it managed, with a stock of 0: update the plugin there"
	case i.Manage == stocksync.ByParent:
		why = "the plugin's first generation would give the variation its parent's whole stock: update the plugin there"
	default:
		return nil
	}
	return &stocksync.Conflict{Reason: stocksync.UnsupportedType, Peer: peer, Ref: i.Ref, Detail: why}
}

// Push sends items in as many events as it takes, each under a new id. What a store answers with 200 is Accepted and no more: it says
// so to everything. Items that fail have the *[Error] in Applied; Push returns it as well when no item was accepted. After one
// that speaks of the store rather than of the items nothing more is sent.
func (p *Peer) Push(ctx context.Context, items []stocksync.Item) ([]stocksync.Applied, error) {
	s, err := p.pair.down.speaks(ctx)
	if err != nil {
		return failed(len(items), err), err
	}
	out := make([]stocksync.Applied, len(items))
	var wire []item
	var index []int
	now := time.Now().Unix()
	for i, it := range items {
		if err := takes(s.generation, p.pair.StoreID, it); err != nil {
			out[i] = stocksync.Applied{Outcome: stocksync.Refused, Err: err}
			continue
		}
		w := itemOf(it)
		if s.generation >= 2 {
			w.Version, w.UpdatedAt = &it.Version, now
			if it.Version == 0 { // none: the fence is for those that have one
				w.Version, w.UpdatedAt = nil, 0
			}
		}
		wire, index = append(wire, w), append(index, i)
	}
	e := event{Type: stocksync.StockState, Origin: "master_authoritative", Context: "stock_change"}
	applied, err := p.send(ctx, "Push", s, e, wire)
	for i, a := range applied {
		out[index[i]] = a
	}
	return out, err
}

// Rename tells the store of new SKUs. It answers 200 also when another product has the SKU, and does nothing: see [Peer.Read].
func (p *Peer) Rename(ctx context.Context, refs []stocksync.Ref) ([]stocksync.Applied, error) {
	s, err := p.pair.down.speaks(ctx)
	if err != nil {
		return failed(len(refs), err), err
	}
	items := make([]item, len(refs))
	for i, r := range refs {
		items[i] = renameOf(r)
	}
	return p.send(ctx, "Rename", s, event{Type: stocksync.SKURename, Origin: "master", Context: "sku_rename"}, items)
}

// GiveBack makes the store take the versions of a plugin master again, whose counters are small: an item with version 0 is applied and
// kept as the last version. Call it for all products of each child before the plugin becomes the master; the first
// generation has no versions and needs none.
func (p *Peer) GiveBack(ctx context.Context, items []stocksync.Item) ([]stocksync.Applied, error) {
	s, err := p.pair.down.speaks(ctx)
	if err != nil {
		return failed(len(items), err), err
	}
	if s.generation < 2 {
		return p.Push(ctx, items)
	}
	zero, now := int64(0), time.Now().Unix()
	wire := make([]item, len(items))
	for i, it := range items {
		wire[i] = itemOf(it)
		wire[i].Version, wire[i].UpdatedAt = &zero, now
	}
	return p.send(ctx, "GiveBack", s, event{Type: stocksync.StockState, Origin: "master_authoritative", Context: "reconcile"}, wire)
}

// send cuts items into events and sends them one after another. One that is refused for what is in it is cut in half, until the item
// that is to blame stands alone.
func (p *Peer) send(ctx context.Context, op string, s speaks, e event, items []item) ([]stocksync.Applied, error) {
	out := make([]stocksync.Applied, len(items))
	accepted := 0
	var last error
	for from, most := 0, mostBatch; from < len(items); {
		body, n, err := p.pair.down.cut(e, s, items[from:], min(most, p.pair.batch.size()), maxPushBytes)
		if err == nil {
			began := time.Now()
			err = p.pair.down.deliver(ctx, op, body)
			p.pair.batch.took(n, time.Since(began), err)
		}
		a := stocksync.Applied{Outcome: stocksync.Accepted}
		switch {
		case err == nil:
			accepted += n
		case !lasting(err):
			a, last, n = stocksync.Applied{Outcome: stocksync.Failed, Err: err}, err, len(items)-from // the rest would meet the same
		case n > 1:
			most = n / 2
			continue
		default:
			a, last, n = stocksync.Applied{Outcome: stocksync.Refused, Err: err}, err, 1
		}
		for i := range n {
			out[from+i] = a
		}
		from, most = from+n, min(2*most, mostBatch)
	}
	if accepted > 0 {
		last = nil
	}
	return out, last
}

// lasting reports an error that the same items would meet again.
func lasting(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Permanent()
}

func failed(n int, err error) []stocksync.Applied {
	out := make([]stocksync.Applied, n)
	for i := range out {
		out[i] = stocksync.Applied{Outcome: stocksync.Failed, Err: err}
	}
	return out
}

// maxPushBytes is the largest event to a child, well below the cap of the second generation.
const maxPushBytes = 3 << 19

// cut makes an event of as many items as fit, and returns how many those are.
func (c *client) cut(e event, s speaks, items []item, most, bytes int) (body []byte, n int, err error) {
	now := time.Now().Unix()
	e.Time = or(e.Time, now)
	if e.EventID == "" {
		e.EventID = newUUID()
	}
	if s.generation >= 2 {
		e.OriginStoreID, e.CreatedAt, e.Attempt, e.Schema = string(c.pair.self), or(e.CreatedAt, e.Time), 1, 2
	} else {
		e.CreatedAt = 0
	}
	for n = min(len(items), most); ; n = max(1, n*min(bytes, len(body)-1)/len(body)) {
		e.Items = items[:n]
		if body, err = marshal(e); err != nil {
			return nil, 0, err
		}
		if len(body) <= bytes {
			return body, n, nil
		}
		if n == 1 {
			return nil, 0, &Error{
				Op: "Push", Peer: string(c.pair.StoreID), Route: namespace + "/" + routeEvent, kind: ErrTooLarge,
				text: fmt.Sprintf("one item takes %d bytes, of %d that fit", len(body), bytes),
			}
		}
	}
}

func or(v, otherwise int64) int64 {
	if v == 0 {
		return otherwise
	}
	return v
}

// deliver sends one event. Nil is the plugin's own answer to it, not any 200.
func (c *client) deliver(ctx context.Context, op string, body []byte) error {
	res, e := c.call(ctx, op, routeEvent, body)
	if e != nil {
		return e
	}
	defer res.Release()
	if o, ok := asObject(res.Body); !ok || string(o["ok"]) != "true" {
		return c.misunderstood(op, routeEvent, res.Status, errNotOK)
	}
	return nil
}

// newUUID is a random UUID, as the plugin's second generation names its events.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: see its documentation
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func trim(s stocksync.SKU) stocksync.SKU { return stocksync.SKU(strings.TrimSpace(string(s))) }
