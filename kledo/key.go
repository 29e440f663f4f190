package kledo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	saveTimeout  = 10 * time.Second // for storing a new key, whatever became of the caller
	listenOn     = 10 * time.Second // for an answer after the caller has gone: it may bring a new key
	renewalGrace = time.Second      // for a new key that another call is just receiving
)

// keys knows which key to send. The store says so; keys remembers its word until Kledo answers 401.
type keys struct {
	store  TokenStore
	memory bool // store dies with the process
	log    *slog.Logger

	mu      lock
	current secret // nil: ask the store
	worked  secret // the key Kledo accepted last
	// Worth a try when the store's key is dead:
	configured secret // Config.Token, which a person may just have replaced
	orphan     secret // the last new key that could not be stored
	orphanOf   secret // the key it replaces, while storing it is still to be tried again
}

// lock is a mutex made of a channel: waiting for one that is held during a request does not stop the clock of a testing/synctest bubble.
type lock chan struct{}

func (l lock) Lock()   { l <- struct{}{} }
func (l lock) Unlock() { <-l }

func newKeys(c Config) *keys {
	k := &keys{store: c.Tokens, log: c.Logger, mu: make(lock, 1)}
	if c.Token != "" {
		k.configured = hide(c.Token)
	}
	if k.store == nil {
		k.store = NewMemoryTokens("")
		k.memory = true
	}
	return k
}

// get returns the key to send now. An empty store is filled with Config.Token.
func (k *keys) get(ctx context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current != nil {
		return k.current(), nil
	}
	key, err := k.store.Load(ctx)
	if err == nil && key == "" && k.configured != nil {
		key = k.configured()
		var stored bool
		if stored, err = k.store.Swap(ctx, "", key); err == nil && !stored {
			key, err = k.store.Load(ctx)
		}
	}
	if err != nil {
		return "", fmt.Errorf("reading the API key from Config.Tokens: %w", err)
	}
	if key == "" {
		return "", errors.New("no API key is known: set Config.Token")
	}
	k.current = hide(key)
	return key, nil
}

// accept is told that Kledo answered a call with key otherwise than 401, after it had refused the keys in dead. What the store
// should hold and does not is put right.
func (k *keys) accept(ctx context.Context, key string, dead []string) {
	k.mu.Lock()
	k.worked = hide(key)
	if k.orphanOf != nil && k.orphan() == key {
		dead = append(dead, k.orphanOf())
	}
	k.mu.Unlock()
	if len(dead) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	stored, err := k.store.Load(ctx)
	if err == nil && stored != key && slices.Contains(dead, stored) {
		_, err = k.store.Swap(ctx, stored, key)
	}
	if err != nil {
		k.log.ErrorContext(ctx, "kledo: the API key that works could not be stored", "error", err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.orphanOf = nil
}

// next looks for a key beside those that Kledo has refused during one call: another goroutine's or process's new one first.
func (k *keys) next(ctx context.Context, dead []string) bool {
	if k.pick(ctx, dead) {
		return true
	}
	k.mu.Lock()
	renewing := k.worked != nil && k.worked() == dead[len(dead)-1]
	k.mu.Unlock()
	if renewing { // a key that has just worked is refused: its replacement may be on its way to somebody else
		select {
		case <-time.After(renewalGrace):
		case <-ctx.Done():
		}
		if k.pick(ctx, dead) {
			return true
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.current, k.worked = nil, nil
	return false
}

func (k *keys) pick(ctx context.Context, dead []string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current != nil && !slices.Contains(dead, k.current()) {
		return true
	}
	stored, err := k.store.Load(ctx)
	if err != nil {
		k.log.ErrorContext(ctx, "kledo: reading the API key from Config.Tokens", "error", err)
	}
	if r, ok := k.store.(interface {
		refreshed(ctx context.Context, dead string) (string, error)
	}); ok && err == nil && slices.Contains(dead, stored) { // tokens that are refreshed: the stored one was refused
		if stored, err = r.refreshed(ctx, stored); err != nil {
			k.log.ErrorContext(ctx, "kledo: refreshing the access token", "error", err)
		}
	}
	for _, c := range []secret{hide(stored), k.orphan, k.configured} {
		if c != nil && c() != "" && !slices.Contains(dead, c()) {
			k.current = c
			return true
		}
	}
	return false
}

// renewed stores the key that Kledo gave in place of used, which is dead from now on, as are those in dead: the store may hold
// one of them. Nothing of it depends on the caller.
func (k *keys) renewed(ctx context.Context, used, fresh string, dead []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	stored, err := k.store.Swap(ctx, used, fresh)
	for _, old := range dead {
		if err == nil && !stored {
			stored, err = k.store.Swap(ctx, old, fresh)
		}
	}

	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err != nil:
		k.current, k.orphan, k.orphanOf = hide(fresh), hide(fresh), hide(used)
		k.log.ErrorContext(ctx, "kledo: the new API key could not be stored; it is tried again, and used while this process lives", "error", err)
	case stored && k.memory:
		k.current = hide(fresh)
		k.log.WarnContext(ctx, "kledo: the API key was renewed and is kept in memory only: set Config.Tokens")
	case stored:
		k.current = hide(fresh)
		k.log.InfoContext(ctx, "kledo: the API key was renewed and stored")
	default: // another call has stored its new key in place of used
		k.current, k.orphan = nil, hide(fresh)
	}
}

// sent is what a call and its tries tell each other.
type sent struct {
	key  string   // of the last try
	dead []string // keys refused before; never changed
}

type sentKey struct{}

// authorize puts the current key on one try of a call.
func (k *keys) authorize(r *http.Request) error {
	key, err := k.get(r.Context())
	if err != nil {
		return err
	}
	if s, ok := r.Context().Value(sentKey{}).(*sent); ok {
		s.key = key
	}
	r.Header.Set("Authorization", bearer+key)
	return nil
}

const bearer = "Bearer "

// transport looks for a new key in every answer before anybody else sees it, also between the tries of one call and after the
// caller has gone: Kledo has revoked the old key by then.
type transport struct {
	base http.RoundTripper
	keys *keys
	max  int64 // bytes of an answer that are looked at
}

// RoundTrip sends r on a context that outlives r's by listenOn, and returns when r's ends.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	stop := context.AfterFunc(r.Context(), func() { time.AfterFunc(listenOn, cancel) })

	type result struct {
		resp *http.Response
		err  error
	}
	done := make(chan result, 1)
	go func() {
		defer cancel()
		defer stop()
		resp, err := t.exchange(r.Clone(ctx)) //nolint:bodyclose // read and closed there; what it holds now is memory
		done <- result{resp, err}
	}()
	select {
	case res := <-done:
		return res.resp, res.err
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
}

// exchange reads the answer whole; what is longer than max ends in an error when it is read on. Keys are made unreadable in it,
// so that no error and no log can repeat them.
func (t *transport) exchange(r *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, t.max+1))
	_ = resp.Body.Close()
	used := strings.TrimPrefix(r.Header.Get("Authorization"), bearer)
	if fresh := newKey(body); fresh != "" {
		if fresh != used {
			var dead []string
			if s, ok := r.Context().Value(sentKey{}).(*sent); ok {
				dead = s.dead
			}
			t.keys.renewed(r.Context(), used, fresh, dead)
		}
		body = bytes.ReplaceAll(body, []byte(`"`+fresh+`"`), []byte(`"(key)"`))
	}
	if len(used) >= 16 { // shorter ones are made up, and may well be words
		body = bytes.ReplaceAll(body, []byte(used), []byte("(key)"))
	}
	resp.ContentLength = -1
	resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
	return resp, nil
}

// failing is what is left of a body after it could not be read further.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// newKey returns the top-level string access_token of a JSON object, and "" when there is none that could be a key: a value
// with a "*" is a masked copy.
func newKey(body []byte) string {
	if !bytes.Contains(body, []byte(`"access_token"`)) {
		return ""
	}
	var object map[string]json.RawMessage
	var key string
	if json.Unmarshal(trimBOM(body), &object) != nil || json.Unmarshal(object["access_token"], &key) != nil {
		return ""
	}
	if strings.Contains(key, "*") || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return key
}

func trimBOM(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }
