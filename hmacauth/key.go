package hmacauth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"strings"
	"sync"
)

// MinSecret is the length in bytes below which [NewKey] refuses a secret.
const MinSecret = 16

// MaxCandidates is how many keys a [Keys] may return for one sender. While a key rotates there are two.
const MaxCandidates = 4

// Key is a shared secret and the id under which it is known. Make it with [NewKey]; the zero Key signs nothing and verifies
// nothing. It prints as its id: no verb of fmt, no logger and no encoder shows the secret. The key schedule is computed once per
// Key, so keep the Key rather than the secret.
type Key struct {
	id string
	m  func() *material // a func, because nothing that walks through values by reflection enters one
}

// NewKey makes a key from a secret of at least [MinSecret] bytes. In [Kitgenix] and [RFC9421] the id names the sender and travels with
// the request; the other profiles send none. The secret's bytes are the key, save for [StandardWebhooks], which reads "whsec_" and
// base64, and [WooWebhook], which also tries the forms in which WordPress may have stored it.
func NewKey(id, secret string) (Key, error) {
	if len(secret) < MinSecret && strings.TrimSpace(secret) != "" {
		return Key{}, fmt.Errorf("hmacauth: the secret of key %q has %d bytes: want at least %d", id, len(secret), MinSecret)
	}
	return NewShortKey(id, secret)
}

// NewShortKey is [NewKey] without the minimum, for the secrets that others have chosen: a shop's form takes any. An empty secret, or
// one of spaces, is still an error, since anybody can sign with it.
func NewShortKey(id, secret string) (Key, error) {
	if strings.TrimSpace(secret) == "" {
		return Key{}, fmt.Errorf("hmacauth: the secret of key %q is empty", id)
	}
	if err := checkID(id); err != nil {
		return Key{}, err
	}
	m := newMaterial([]byte(secret))
	return Key{id: id, m: func() *material { return m }}, nil
}

// checkID refuses ids that could not travel in a header.
func checkID(id string) error {
	if len(id) > maxID || !plainText(id) || strings.TrimSpace(id) != id {
		return fmt.Errorf("hmacauth: key id %q: want at most %d bytes without comma, quotes, control bytes or outer spaces", id, maxID)
	}
	return nil
}

// ID is the name under which the key is known.
func (k Key) ID() string { return k.id }

// WithID is the same secret under another id: a pair of stores shares one secret, each signs under its own id.
func (k Key) WithID(id string) (Key, error) {
	if err := checkID(id); err != nil {
		return Key{}, err
	}
	k.id = id
	return k, nil
}

// IsZero reports whether k holds no secret.
func (k Key) IsZero() bool { return k.m == nil }

// Fingerprint names the secret without telling it: equal secrets have equal fingerprints, under whatever id. Nonces are kept under it.
// It is "" for the zero Key.
func (k Key) Fingerprint() string {
	if k.IsZero() {
		return ""
	}
	return k.m().fingerprint
}

// SigningKey implements [KeySource].
func (k Key) SigningKey() Key { return k }

// String is the id.
func (k Key) String() string { return "key " + k.id }

// GoString is the id too.
func (k Key) GoString() string { return fmt.Sprintf("hmacauth.Key{%q}", k.id) }

// LogValue is the id.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.id) }

// AppendMAC appends the 32 bytes of HMAC-SHA-256 over message. It is the core of every profile, for schemes that this package does
// not know; a zero Key appends nothing.
func (k Key) AppendMAC(dst, message []byte) []byte {
	if k.IsZero() {
		return dst
	}
	s := k.m().begin()
	s.hash.Write(message)
	dst = append(dst, s.finish()...)
	s.done()
	return dst
}

// KeySource says which key to sign with now. A [Key] is one that never changes, a [Rotation] one that does.
type KeySource interface {
	SigningKey() Key
}

// Keys finds the keys with which a sender may have signed. Implementations must be safe for concurrent use.
type Keys interface {
	// Keys returns the sender's keys, at most MaxCandidates; none and no error for one that is unknown. An error means that
	// the keys cannot be read now: the request is answered with 503.
	Keys(ctx context.Context, id string) ([]Key, error)
}

// KeysFunc is a function that is [Keys].
type KeysFunc func(ctx context.Context, id string) ([]Key, error)

// Keys implements [Keys].
func (f KeysFunc) Keys(ctx context.Context, id string) ([]Key, error) { return f(ctx, id) }

// staticKeys never change.
type staticKeys map[string][]Key

// StaticKeys holds keys that never change, by id; several under one id are candidates. It refuses one secret under two ids: whoever
// knows it could speak as either.
func StaticKeys(keys ...Key) (Keys, error) {
	if len(keys) == 0 {
		return nil, errors.New("hmacauth: StaticKeys: no key")
	}
	byID, owner := staticKeys{}, map[string]string{}
	for _, k := range keys {
		if k.IsZero() {
			return nil, errors.New("hmacauth: StaticKeys: a Key is empty")
		}
		if id, known := owner[k.Fingerprint()]; known && id != k.id {
			return nil, fmt.Errorf("hmacauth: StaticKeys: %q and %q have one secret: whoever knows it could speak as either", id, k.id)
		}
		owner[k.Fingerprint()] = k.id
		if byID[k.id] = append(byID[k.id], k); len(byID[k.id]) > MaxCandidates {
			return nil, fmt.Errorf("hmacauth: StaticKeys: more than %d keys for %q", MaxCandidates, k.id)
		}
	}
	return byID, nil
}

func (s staticKeys) Keys(_ context.Context, id string) ([]Key, error) { return s[id], nil }

// material is a secret made ready.
type material struct {
	secret      []byte
	self        [1]*material // itself, as a list that need not be made
	fingerprint string
	states      sync.Pool          // of *macState
	whsec       func() *material   // what Standard Webhooks reads the secret as
	wooForms    func() []*material // what a shop may have signed with
}

func newMaterial(secret []byte) *material {
	m := &material{secret: secret}
	m.self[0] = m
	m.states.New = func() any { return &macState{hash: hmac.New(sha256.New, m.secret), pool: &m.states} }
	s := m.begin()
	s.hash.Write([]byte("hmacauth: fingerprint of the key, 128 bits"))
	m.fingerprint = hex.EncodeToString(s.finish()[:16])
	s.done()
	m.whsec = sync.OnceValue(func() *material { return decodeWhsec(m) })
	m.wooForms = sync.OnceValue(func() []*material { return wooForms(m) })
	return m
}

// macState is a keyed hash with room for what would otherwise escape to the heap at every call. begin resets it, which after the
// first time restores the key schedule instead of computing it.
type macState struct {
	hash    hash.Hash
	pool    *sync.Pool
	sum     [sha256.Size]byte
	scratch [512]byte
}

func (m *material) begin() *macState {
	s := m.states.Get().(*macState) //nolint:forcetypeassert // the pool holds nothing else
	s.hash.Reset()
	return s
}

// finish returns the MAC, which is good until done.
func (s *macState) finish() []byte { return s.hash.Sum(s.sum[:0]) }

func (s *macState) done() { s.pool.Put(s) }
