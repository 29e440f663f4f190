package eurofakturasync

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
)

// Hook is where a shop delivers its webhooks: an address nobody can guess, and the secret that it signs with.
type Hook struct {
	URL    string // "https://host.example/hooks/{token}"
	Secret string // letters and digits, as all versions of WooCommerce store them alike
}

// String leaves out what makes the address secret.
func (h Hook) String() string { return "eurofakturasync.Hook{…}" }

// GoString is String, for %#v.
func (h Hook) GoString() string { return h.String() }

// HookStore keeps the token of each shop's address. It must be safe for concurrent use. Package sqlhooks is one in the host's database.
type HookStore interface {
	// Token returns the token of a shop, "" when it has none.
	Token(ctx context.Context, shop string) (string, error)
	// SetToken replaces it; "" removes it. It must be durable before it returns nil.
	SetToken(ctx context.Context, shop, token string) error
}

// NewMemoryHooks makes a HookStore for tests: with the process all addresses end.
func NewMemoryHooks() HookStore { return &memoryHooks{tokens: map[string]string{}} }

type memoryHooks struct {
	mu     sync.Mutex
	tokens map[string]string
}

func (m *memoryHooks) Token(_ context.Context, shop string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tokens[shop], nil
}

func (m *memoryHooks) SetToken(_ context.Context, shop, token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens[shop] = token
	return nil
}

// HookAddresses generates the webhook address of each shop, and leads what arrives there to the shop's handler.
//
//	hooks, err := eurofakturasync.NewHookAddresses("https://host.example/hooks", store)
//	hook, err := hooks.Generate(ctx, "myshop") // the button; the address before, if there was one, is void
//	hooks.Handle("myshop", feed.WebhookHandler)
//	mux.Handle("/hooks/", hooks)
type HookAddresses struct {
	base  string
	store HookStore

	mu       sync.RWMutex
	handlers map[string]func(secrets ...string) http.Handler
}

// NewHookAddresses makes addresses below base, which must be an https address that shops can reach.
func NewHookAddresses(base string, store HookStore) (*HookAddresses, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("eurofakturasync: %q is no address such as https://host.example/hooks", base)
	}
	if store == nil {
		return nil, errors.New("eurofakturasync: NewHookAddresses: the store is missing")
	}
	return &HookAddresses{base: strings.TrimRight(base, "/"), store: store, handlers: map[string]func(...string) http.Handler{}}, nil
}

const tokenBytes = 32 // random ones, twice what guessing has to be safe from

// Generate makes a new address for a shop. The one before is void from then on.
func (h *HookAddresses) Generate(ctx context.Context, shop string) (Hook, error) {
	if shop == "" {
		return Hook{}, errors.New("eurofakturasync: Generate: the shop has no name")
	}
	raw := make([]byte, tokenBytes)
	if _, err := rand.Read(raw); err != nil {
		return Hook{}, fmt.Errorf("eurofakturasync: no random numbers: %w", err)
	}
	token := base64.RawURLEncoding.EncodeToString(raw)
	if err := h.store.SetToken(ctx, shop, token); err != nil {
		return Hook{}, fmt.Errorf("eurofakturasync: keeping the address: %w", err)
	}
	return h.hook(token), nil
}

// Current returns a shop's address, ok false when it has none.
func (h *HookAddresses) Current(ctx context.Context, shop string) (hook Hook, ok bool, err error) {
	token, err := h.store.Token(ctx, shop)
	if err != nil || token == "" {
		return Hook{}, false, err
	}
	return h.hook(token), true, nil
}

// Remove voids a shop's address: the shop is polled again.
func (h *HookAddresses) Remove(ctx context.Context, shop string) error {
	return h.store.SetToken(ctx, shop, "")
}

// hook derives the signing secret from the token, so that there is one thing to keep and to void.
func (h *HookAddresses) hook(token string) Hook {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("webhook secret"))
	return Hook{URL: h.base + "/" + token, Secret: hex.EncodeToString(mac.Sum(nil))}
}

// Handle says what takes a shop's deliveries: orderfeed's Feed.WebhookHandler, which is given the current secret.
func (h *HookAddresses) Handle(shop string, handler func(secrets ...string) http.Handler) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handlers[shop] = handler
}

// ServeHTTP leads a delivery to its shop's handler. An address that nobody has is 404; one that cannot be looked up 503.
func (h *HookAddresses) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := path.Base(r.URL.Path)
	h.mu.RLock()
	defer h.mu.RUnlock()
	for shop, handler := range h.handlers {
		current, err := h.store.Token(r.Context(), shop)
		if err != nil {
			http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
			return
		}
		if current != "" && subtle.ConstantTimeCompare([]byte(current), []byte(token)) == 1 {
			handler(h.hook(current).Secret).ServeHTTP(w, r)
			return
		}
	}
	http.NotFound(w, r)
}
