package kitgenix_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/internal/fakehttp"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
)

const secret = "k9Zq3tWv8YbE2nRf6LmPx4Ju7HsDc1Aa"

// node is a stocksync.Node that remembers what it was told and answers from a map.
type node struct {
	id   stocksync.StoreID
	role stocksync.Role

	mu       sync.Mutex
	reports  []stocksync.Report
	recorded []stocksync.Event
	items    map[stocksync.SKU]*stocksync.Item
	fail     error
}

func (n *node) ID() stocksync.StoreID { return n.id }
func (n *node) Role() stocksync.Role  { return n.role }

func (n *node) Receive(_ context.Context, r stocksync.Report) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		return n.fail
	}
	n.reports = append(n.reports, r)
	return nil
}

func (n *node) Lookup(_ context.Context, _ stocksync.StoreID, refs []stocksync.Ref) ([]*stocksync.Item, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]*stocksync.Item, len(refs))
	for i, r := range refs {
		out[i] = n.items[r.SKU]
	}
	return out, n.fail
}

func (n *node) Record(_ context.Context, e stocksync.Event) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.recorded = append(n.recorded, e)
	return nil
}

func (n *node) got() []stocksync.Report {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]stocksync.Report(nil), n.reports...)
}

func (n *node) log() []stocksync.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]stocksync.Event(nil), n.recorded...)
}

// nonces remembers from long ago, so that a wire accepts requests from its first second on.
func nonces() *hmacauth.MemoryNonces {
	return hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{Since: time.Unix(1, 0)})
}

// wire is a Wire of one pair, for tests of the handler.
func wire(t testing.TB, self stocksync.StoreID, pairs ...kitgenix.Pair) *kitgenix.Wire {
	t.Helper()
	return configured(t, kitgenix.Config{Self: stocksync.Self{StoreID: self, Name: "Store " + string(self)}, Pairs: pairs})
}

func configured(t testing.TB, c kitgenix.Config) *kitgenix.Wire {
	t.Helper()
	if c.Nonces == nil {
		c.Nonces = nonces()
	}
	w, err := kitgenix.New(c)
	require.NoError(t, err)
	return w
}

// reach is an HTTP client that reaches h whatever the URL.
func reach(t testing.TB, h http.Handler) *http.Client {
	t.Helper()
	transport := fakehttp.NewTransport(h)
	t.Cleanup(transport.Close)
	return &http.Client{Transport: transport}
}

func qty(n int64) decimal.Decimal { return decimal.NewFromInt(n) }
