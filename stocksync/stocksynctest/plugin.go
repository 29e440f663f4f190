package stocksynctest

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tillwire/tillwire/internal/fakehttp"
)

// PluginConfig describes a store that runs the plugin. The zero value is a child of generation 2.
type PluginConfig struct {
	// ID is the store's own id, Name what it calls itself. Default of both: "store".
	ID, Name string
	// Generation is 1 (the plugin's 1.0.2) or 2 (2.0.0). Default 2.
	Generation int
	// Master: the store is the authority. Default: it is a child.
	Master bool
	// Network is how the store reaches its peers. Default: it cannot.
	Network http.RoundTripper
	// Cured are the quirks that this store does not have.
	Cured Quirks
	// Excluded are SKUs that are neither reported nor taken; compared exactly.
	Excluded []string
	// NoStockAmount is the store's no-stock threshold: up to it a product counts as out of stock. Default 0.
	NoStockAmount int64
	// ObjectCache: the host has a persistent object cache, which makes GID look-ups sticky.
	ObjectCache bool
	// Checkout says what a strict checkout does when the master does not answer: "fail_open" (default), "fail_closed" or
	// "stale_cache", which generation 1 does not have.
	Checkout string
	// ItemTime is how long the store works on one item of an event. Default: no time at all.
	ItemTime time.Duration
	// NonceTime is how long lies between looking for a nonce and storing it. Default: no time, which leaves the race to the scheduler.
	NonceTime time.Duration
	// Cron is how often Run looks for due actions. Default 1 minute.
	Cron time.Duration
	// Clock is how far the store's clock is ahead.
	Clock time.Duration
}

// Pairing is a peer as a plugin knows it.
type Pairing struct {
	ID, Name, URL, Secret string
	// Disabled: nothing is pushed to it. It may still call.
	Disabled bool

	old      string // the secret before, good for inbound calls
	oldUntil time.Time
}

// Request is an HTTP request that a plugin answered or made, for assertions.
type Request struct {
	At       time.Time
	Out      bool   // made by this store
	Peer     string // the store id: claimed by the caller, or of the one called
	Endpoint string // "ping", "event", "stock", "stock-state"
	Body     string
	Status   int // 0: there was no answer
	Answer   string
}

// Plugin is a WooCommerce store that runs the plugin. It is safe for concurrent use; make, use and close it inside the same bubble.
type Plugin struct {
	config PluginConfig
	own    *http.Client

	mu        sync.Mutex
	transport *fakehttp.Transport
	options   options
	products  []*Product // by id, from 1
	orders    []*order
	quiet     map[string]time.Time // debounce: until when a hook of a SKU is not reported again
	seen      map[string]time.Time // event ids, until when they are known
	nonces    map[string]time.Time
	missed    map[string]time.Time // GIDs that were not found, until when that is believed
	failures  map[string]*failures // by address and by claimed id
	snapshots map[string]snapshot  // of checkout answers
	queue     []*Action
	dropped   int
	backlog   []Backlogged
	health    map[string]bool
	requests  []Request
	doomed    int
	serial    int64
}

// options is what generation 2 keeps in one row of the options table.
type options struct {
	pairs []Pairing
}

func (o options) clone() options { return options{slices.Clone(o.pairs)} }

// NewPlugin opens a store without products. Close it.
func NewPlugin(c PluginConfig) *Plugin {
	if c.Generation == 0 {
		c.Generation = 2
	}
	if c.ID == "" {
		c.ID = "store"
	}
	if c.Name == "" {
		c.Name = c.ID
	}
	if c.Cron == 0 {
		c.Cron = time.Minute
	}
	if c.Network == nil {
		c.Network = NewNetwork()
	}
	return &Plugin{
		config: c,
		own: &http.Client{Transport: c.Network, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // followed by hand, as WordPress does it
		}},
		quiet: map[string]time.Time{}, seen: map[string]time.Time{}, nonces: map[string]time.Time{}, missed: map[string]time.Time{},
		failures: map[string]*failures{}, snapshots: map[string]snapshot{}, health: map[string]bool{},
	}
}

// Close ends the connections of Transport.
func (p *Plugin) Close() {
	p.mu.Lock()
	t := p.transport
	p.mu.Unlock()
	if t != nil {
		t.Close()
	}
}

// Transport reaches the store over in-memory pipes, whatever host a URL names.
func (p *Plugin) Transport() http.RoundTripper {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.transport == nil {
		p.transport = fakehttp.NewTransport(p)
	}
	return p.transport
}

// ID returns the store's id.
func (p *Plugin) ID() string { return p.config.ID }

// Pair makes a peer known, or changes what is known of it: a child has one, its master.
func (p *Plugin) Pair(peer Pairing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.options.pairs {
		if p.options.pairs[i].ID == peer.ID {
			p.options.pairs[i] = peer
			return
		}
	}
	p.options.pairs = append(p.options.pairs, peer)
}

// Rotate gives a pair a new secret. The old one is good for inbound calls for the time of the overlap; outbound calls use the new one
// at once.
func (p *Plugin) Rotate(peer, secret string, overlap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.options.pairs {
		if o := &p.options.pairs[i]; o.ID == peer {
			o.old, o.oldUntil, o.Secret = o.Secret, time.Now().Add(overlap), secret
		}
	}
}

// Secret returns the secret that the store has for a peer now.
func (p *Plugin) Secret(peer string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.options.pairs {
		if o.ID == peer {
			return o.Secret
		}
	}
	return ""
}

// Exclude replaces the list of exclusions.
func (p *Plugin) Exclude(skus ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.config.Excluded = skus
}

// Doom lets PHP die in the middle of the next n events: they are marked as seen, nothing of them is done, the answer is a 500.
func (p *Plugin) Doom(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doomed = n
}

// Requests returns what the store has answered and made so far, oldest first.
func (p *Plugin) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Healthy says whether the last ping of a peer, which generation 2 makes every 15 minutes, was answered.
func (p *Plugin) Healthy(peer string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.health[peer]
}

// Run does what the store does by itself, until ctx ends: due actions, and in generation 2 a ping to every peer each 15 minutes.
func (p *Plugin) Run(ctx context.Context) {
	tick := time.NewTicker(p.config.Cron)
	defer tick.Stop()
	var pinged time.Time
	for {
		p.RunActions(ctx)
		if p.config.Generation == 2 && time.Since(pinged) >= 15*time.Minute {
			pinged = time.Now()
			p.PingAll(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// now is the store's own time.
func (p *Plugin) now() time.Time { return time.Now().Add(p.config.Clock) }

// nextID makes an id in the form of a UUID; the same in every run. Called under the lock.
func (p *Plugin) nextID() string {
	p.serial++
	digits := strconv.FormatInt(p.serial, 16)
	digits = strings.Repeat("0", 12-len(digits)) + digits
	return keyed(p.config.ID)[:8] + "-0000-4000-8000-" + digits
}

// wait waits for d, or less if ctx ends.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
