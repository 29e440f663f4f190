package kitgenix

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/stocksync"
)

// Config describes the host and the stores it is paired with. It prints without secrets.
type Config struct {
	Self  stocksync.Self // required: StoreID is what peers have us configured under
	Pairs []Pair         // the children of a master; the master of a child
	// Nonces remembers what came in and what went out, so that nothing passes twice. Several processes that serve one address need a
	// shared one (hmacauth/sqlnonce, redisnonce). Default: this process's memory, which refuses with 503 what was signed before it began.
	Nonces hmacauth.NonceStore
	// HTTPClient's Transport is used, and its Timeout where that is shorter than ours. Without a Transport only public addresses are
	// dialled ([hmacauth.DialGuard]).
	HTTPClient *http.Client
	Logger     *slog.Logger // default: silent
	UserAgent  string       // default: "Tillwire"
	AllowHTTP  bool         // lets pairs have http addresses, for loopback and tests
	// ShortSecrets accepts secrets of fewer than [hmacauth.MinSecret] bytes, which a shop's form does too.
	ShortSecrets bool
	// CorrectClock signs by a peer's clock where that differs from ours by more than 30 s, up to an hour. Otherwise the difference is
	// only measured and told, and a peer whose clock is off by more than 300 s refuses us.
	CorrectClock bool
	// RFC9421 has Authority and TrustedProxies for pairs that sign so; its Tag is not used.
	RFC9421 hmacauth.RFC9421
	// ClientIP says who calls, for the lockout after failures; behind a proxy take the address from a header it sets. Default: the
	// request's RemoteAddr. Whoever has the key is served in any case.
	ClientIP func(*http.Request) string
}

// Pair is a store that shares a secret with us. It prints without its secrets. The JSON is that of a file of pairs.
type Pair struct {
	StoreID stocksync.StoreID `json:"id"`   // required: what the peer calls itself
	Name    string            `json:"name"` // for people
	// URL is the site's address as WordPress knows it, with the folder it is in: https://shop.example/en. Empty for a peer that only
	// calls us.
	URL string `json:"url"`
	// Secret is required: its bytes are the key, for both directions. See [hmacauth.GenerateSecret] and [hmacauth.CheckSecret].
	Secret string `json:"secret"`
	// OldSecrets are accepted as well, at most three, and tried once where the peer refuses Secret. While a pair is set up, the form
	// that WordPress makes of a pasted secret may stand here ([hmacauth.PastedIntoWordPress]).
	OldSecrets []string `json:"old_secrets,omitempty"`
	Generation int      `json:"generation,omitempty"` // of the peer's plugin, 1 or 2; 0: asked of it
	// Disabled pairs may sign in, ping and query; their events are refused and nothing is pushed to them. A monitor is one.
	Disabled bool `json:"disabled,omitempty"`
	// RFC9421 signs and demands HTTP Message Signatures beside the plugin's, answers included: for peers that are Go services.
	RFC9421 bool `json:"rfc9421,omitempty"`
	// Children is how many children a master of the first generation has: it pushes to all of them, 8 s each, before it answers.
	// Default 10.
	Children int `json:"children,omitempty"`
}

// String names the pair, without its secrets.
func (p Pair) String() string {
	return fmt.Sprintf("%s (%s) at %s", p.StoreID, p.Name, redactURL(p.URL))
}

// GoString is the same.
func (p Pair) GoString() string { return "kitgenix.Pair{" + p.String() + "}" }

// LogValue is the same.
func (p Pair) LogValue() slog.Value { return slog.StringValue(p.String()) }

// String names us and the pairs, without secrets.
func (c Config) String() string {
	pairs := make([]string, len(c.Pairs))
	for i, p := range c.Pairs {
		pairs[i] = p.String()
	}
	return fmt.Sprintf("%s (%s), paired with %s", c.Self.StoreID, c.Self.Name, strings.Join(pairs, ", "))
}

// GoString is the same.
func (c Config) GoString() string { return "kitgenix.Config{" + c.String() + "}" }

// LogValue is the same.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// redactURL leaves out what may be a credential.
func redactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "(unreadable URL)"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// Wire owns the pairs and their keys, in both directions. It is safe for concurrent use.
type Wire struct {
	config Config
	pairs  map[stocksync.StoreID]*pair
	order  []*pair // as in Config
	log    *slog.Logger
	plain  *hmacauth.Verifier                    // of pairs that sign as the plugin does
	bound  map[stocksync.Role]*hmacauth.Verifier // of pairs with RFC9421, by what we are to them
	locks  lockout
}

// pair is one Pair and what is known of the peer.
type pair struct {
	Pair    // without secrets
	self    stocksync.StoreID
	base    *url.URL // nil without URL
	keys    *keyring
	risky   error                         // what pasting would do to the secret
	clock   hmacauth.Clock                // the peer's
	offset  atomic.Pointer[time.Duration] // of it, as it was last used
	breaker hmacauth.Breaker
	speech  heard
	batch   batch
	down    *client // we are its master
	up      *client // it is ours
}

// New checks c. It calls nobody. An error names the field and shows no secret.
func New(c Config) (*Wire, error) {
	if c.Self.StoreID == "" {
		return nil, errors.New("kitgenix: Config.Self.StoreID is empty")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Nonces == nil {
		c.Nonces = hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{})
	}
	if c.UserAgent == "" {
		c.UserAgent = "Tillwire"
	}
	if c.ClientIP == nil {
		c.ClientIP = remoteIP
	}
	w := &Wire{config: c, pairs: map[stocksync.StoreID]*pair{}, log: c.Logger}
	w.config.Pairs = nil // the secrets are in the keyrings now
	secrets := map[string]stocksync.StoreID{}
	for i, p := range c.Pairs {
		one, err := w.pair(p, secrets)
		if err != nil {
			return nil, fmt.Errorf("kitgenix: Config.Pairs[%d]%w", i, err)
		}
		w.pairs[p.StoreID] = one
		w.order = append(w.order, one)
	}
	return w, w.verifiers()
}

// pair checks p. secrets has those of the pairs before, by fingerprint.
func (w *Wire) pair(p Pair, secrets map[string]stocksync.StoreID) (*pair, error) {
	one := &pair{Pair: p, self: w.config.Self.StoreID, risky: pasted(p.Secret)}
	one.Secret, one.OldSecrets = "", nil
	switch {
	case p.StoreID == "":
		return nil, errors.New(".StoreID is empty")
	case p.StoreID == w.config.Self.StoreID:
		return nil, errors.New(".StoreID is our own")
	case w.pairs[p.StoreID] != nil:
		return nil, fmt.Errorf(".StoreID %q is there twice", p.StoreID)
	case p.Generation < 0 || p.Generation > 2:
		return nil, fmt.Errorf(".Generation %d: want 1, 2 or 0", p.Generation)
	case p.Children < 0:
		return nil, errors.New(".Children is negative")
	case 1+len(p.OldSecrets) > hmacauth.MaxCandidates:
		return nil, fmt.Errorf(".OldSecrets: at most %d are tried", hmacauth.MaxCandidates-1)
	}
	var err error
	if one.keys, err = w.keyring(p); err != nil {
		return nil, err
	}
	for _, k := range one.keys.in {
		if owner, taken := secrets[k.Fingerprint()]; taken && owner != p.StoreID {
			return nil, fmt.Errorf(".Secret is that of %q too: who knows it could speak as either", owner)
		}
		secrets[k.Fingerprint()] = p.StoreID
	}
	if p.URL != "" {
		if one.base, err = w.baseURL(p.URL); err != nil {
			return nil, err
		}
	}
	one.batch.init()
	if !w.config.CorrectClock {
		one.clock.Max = time.Nanosecond // measured, never applied
	}
	one.breaker.Probe = isPing
	if one.down, err = w.client(one, tagToChild, nil); err != nil {
		return nil, err
	}
	if one.up, err = w.client(one, tagToMaster, nil); err != nil {
		return nil, err
	}
	return one, nil
}

func (w *Wire) baseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	switch {
	case err != nil:
		return nil, errors.New(".URL cannot be read")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return nil, errors.New(".URL: want https:// and a host")
	case u.Scheme == "http" && !w.config.AllowHTTP:
		return nil, errors.New(".URL is http, where whoever listens can change answers: set Config.AllowHTTP if that is meant")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New(".URL must have no user, query or fragment")
	}
	return u, nil
}

// Peers are the pairs that get pushes: those with a URL that are not disabled, in the order of Config. Each is a *[Peer].
func (w *Wire) Peers() []stocksync.Peer {
	var peers []stocksync.Peer
	for _, p := range w.order {
		if !p.Disabled && p.base != nil {
			peers = append(peers, &Peer{p})
		}
	}
	return peers
}

// Peer is one store as its master sees it; nil when it is no pair of ours, or one without URL.
func (w *Wire) Peer(id stocksync.StoreID) *Peer {
	if p := w.pairs[id]; p != nil && p.base != nil {
		return &Peer{p}
	}
	return nil
}

// Upstream is our master, when we are a child. It is nil when master is no pair of ours, or one without URL.
func (w *Wire) Upstream(master stocksync.StoreID) stocksync.Upstream {
	if p := w.pairs[master]; p != nil && p.base != nil {
		return &upstream{p}
	}
	return nil
}
