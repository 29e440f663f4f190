package hmacauth

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"
)

// VerifierConfig says who may send what.
type VerifierConfig struct {
	Profile Profile    // required
	Keys    Keys       // required; if it is also a Witness it is told which keys were used
	Nonces  NonceStore // required, except for WooWebhook, which has no nonces
	// Self is our own id: a request under it is one of our own, sent back. A request under the peer's id is recognised as ours when
	// [Signer].Sent is the same store as Nonces.
	Self string
	// Methods that may pass. Default POST, and any with RFC9421, which signs the method.
	Methods []string
	// MaxBody is the largest body in bytes; more is answered with 413. Default 2 MiB, which is the plugin's limit.
	MaxBody int64
	// Memory is what all bodies under way may take together in bytes; more are answered with 503. Default 64 MiB. [Verifier.Middleware]
	// counts a body until its handler returns, [Verifier.Verify] while it is read.
	Memory int64
	// Skew is how far the sender's clock may be off, both ways and inclusive, in whole seconds. Default 300 s.
	Skew time.Duration
	// ReadTimeout is how long a body may take. Default 10 s. After 2 s it must also flow at 1 KiB/s. Only Middleware can end a read
	// that waits; Verify relies on the server's own time-outs for that.
	ReadTimeout time.Duration
	// NonceTimeout is how long the nonce store may take. Default 250 ms.
	NonceTimeout time.Duration
	// SignAnswers makes Middleware sign what the handler answers. RFC9421 only. The answer is held in memory until the handler returns, and
	// one of more than MaxBody becomes a 500.
	SignAnswers bool
	// Logger hears of refusals at level Warn: reason, claimed sender, the first 8 characters of nonce and signature. Default: silent.
	Logger *slog.Logger
}

// Identity is who sent a verified request.
type Identity struct {
	KeyID       string    // the sender's id
	Fingerprint string    // of the key that signed
	SignedAt    time.Time // by the sender's clock; zero with WooWebhook
	Nonce       string    // of Kitgenix and RFC9421; with StandardWebhooks the message's id
	Profile     string    // "kitgenix", "woowebhook", "standardwebhooks", "rfc9421"
}

// Stats are counts since the verifier was made.
type Stats struct {
	Accepted      int64
	Refused       map[Reason]int64
	MACs          int64 // computed in all
	DummyMACs     int64 // of these for senders that do not exist
	ComparedBytes int64 // of signatures; always whole ones
}

// Verifier lets through what was signed with a known key, once. It is safe for concurrent use.
//
// It looks at method, headers, clock and length first, then reads the body, then computes the MAC with every candidate key (for an
// unknown sender with a key of its own), then reserves the nonce, and last asks whether the request is one of our own. So whoever lacks
// the key can neither learn which senders exist nor use up anyone's nonces, and costs no more than a capped body. There is no lockout
// either, which others could trigger in a sender's name.
type Verifier struct {
	config   VerifierConfig
	scheme   scheme
	traits   traits
	skew     int64
	lifetime time.Duration
	dummy    []Key
	nonces   guard
	forgets  Forgetful
	budget   budget
	log      *slog.Logger
	now      func() time.Time

	counts   counters
	mu       sync.Mutex
	accepted int64
	refused  map[Reason]int64
}

const (
	defaultSkew = 300 * time.Second
	retryAfter  = 5 * time.Second
)

// NewVerifier checks c.
func NewVerifier(c VerifierConfig) (*Verifier, error) {
	if c.Profile == nil {
		return nil, errorf("VerifierConfig.Profile is nil")
	}
	s, err := c.Profile.scheme()
	if err != nil {
		return nil, err
	}
	t := s.traits()
	switch {
	case c.Keys == nil:
		return nil, errorf("VerifierConfig.Keys is nil")
	case c.Nonces == nil && !t.replays:
		return nil, errorf("VerifierConfig.Nonces is nil: without it whatever was captured could be sent again")
	case c.MaxBody < 0, c.Memory < 0, c.Skew < 0, c.ReadTimeout < 0, c.NonceTimeout < 0:
		return nil, errorf("VerifierConfig: a limit is negative")
	case c.Skew%time.Second != 0:
		return nil, errorf("VerifierConfig.Skew %v: want whole seconds", c.Skew)
	}
	if _, ok := s.(*rfc9421); c.SignAnswers && !ok {
		return nil, errorf("VerifierConfig.SignAnswers: %s signs no answers", t.name)
	}
	c.MaxBody = or(c.MaxBody, 2<<20)
	c.Memory = or(c.Memory, 64<<20)
	c.Skew = or(c.Skew, defaultSkew)
	c.ReadTimeout = or(c.ReadTimeout, 10*time.Second)
	c.NonceTimeout = or(c.NonceTimeout, 250*time.Millisecond)
	if c.Memory <= c.MaxBody {
		return nil, errorf("VerifierConfig.Memory %d: want more than MaxBody %d", c.Memory, c.MaxBody)
	}
	if len(c.Methods) == 0 && !t.whole {
		c.Methods = []string{http.MethodPost}
	}
	dummy, err := NewKey("", GenerateSecret())
	if err != nil {
		return nil, err
	}
	v := &Verifier{
		config: c, scheme: s, traits: t, skew: int64(c.Skew / time.Second), lifetime: 2*c.Skew + time.Minute, dummy: []Key{dummy},
		log: c.Logger, now: time.Now, refused: map[Reason]int64{},
	}
	v.config.Methods = slices.Clone(c.Methods)
	v.nonces.store, v.nonces.timeout = c.Nonces, c.NonceTimeout
	v.forgets, _ = c.Nonces.(Forgetful)
	v.budget.left.Store(c.Memory)
	if v.log == nil {
		v.log = slog.New(slog.DiscardHandler)
	}
	return v, nil
}

func or[T int64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// Verify returns who sent the request, and its body, which it has read whole. The error is a *[Refusal]: tell the sender its Status
// and no more. For handlers [Verifier.Middleware] is the better choice, for it can also end a read that waits.
func (v *Verifier) Verify(r *http.Request) (Identity, []byte, error) {
	c := claims.Get().(*claim) //nolint:forcetypeassert // the pool holds nothing else
	c.reset()
	defer claims.Put(c)
	b := reader{budget: &v.budget, limit: v.config.MaxBody, timeout: v.config.ReadTimeout}
	defer b.release()
	identity, _, body, refusal := v.verify(r, c, &b)
	if refusal != nil {
		return Identity{}, nil, refusal
	}
	return identity, body, nil
}

var claims = sync.Pool{New: func() any { return new(claim) }}

// verify is the pipeline. Its order is its meaning: see Verifier.
func (v *Verifier) verify(r *http.Request, c *claim, b *reader) (Identity, Key, []byte, *Refusal) {
	fail := func(why Reason, cause error) (Identity, Key, []byte, *Refusal) {
		return Identity{}, Key{}, nil, v.refuse(r, c, why, cause)
	}
	if len(v.config.Methods) > 0 && !slices.Contains(v.config.Methods, r.Method) {
		return fail(ErrMethod, nil)
	}
	if why := v.scheme.claim(r, c); why != "" {
		return fail(why, nil)
	}
	now := v.now()
	if why := expired(c, now.Unix(), v.skew); why != "" {
		return fail(why, nil)
	}
	if encoding := r.Header["Content-Encoding"]; len(encoding) > 1 || len(encoding) == 1 && encoding[0] != "identity" {
		return fail(ErrEncoding, nil)
	}
	body, why, err := b.read(r)
	if why != "" {
		return fail(why, err)
	}
	if c.by == nil {
		c.by = v.scheme
	}
	traits := c.by.traits()
	if len(r.Trailer) > 0 && traits.whole { // they came after what was signed
		return fail(ErrUncovered, nil)
	}
	key, why, err := v.authenticate(r.Context(), c, body)
	if why != "" {
		return fail(why, err)
	}
	if why, err := v.once(r.Context(), c, key, now); why != "" {
		return fail(why, err)
	}
	if v.config.Self != "" && c.sender == v.config.Self {
		return fail(ErrReflected, nil)
	}
	v.accept(key)
	identity := Identity{KeyID: c.sender, Fingerprint: key.Fingerprint(), Nonce: c.message.Nonce, Profile: traits.name}
	if identity.Nonce == "" {
		identity.Nonce = c.nonce
	}
	if c.timed {
		identity.SignedAt = time.Unix(c.at, 0).UTC()
	}
	return identity, key, body, nil
}

// expired looks at the sender's clock.
func expired(c *claim, now, skew int64) Reason {
	if !c.timed {
		return ""
	}
	if c.expires != 0 && now > c.expires {
		return ErrStale
	}
	return outside(c.at, now, skew)
}

// authenticate finds the key with which claim and body were signed.
func (v *Verifier) authenticate(ctx context.Context, c *claim, body []byte) (Key, Reason, error) {
	keys, err := v.config.Keys.Keys(ctx, c.sender)
	if err != nil {
		return Key{}, ErrKeys, err
	}
	if len(keys) > MaxCandidates {
		return Key{}, ErrKeys, fmt.Errorf("%d candidate keys, more than %d", len(keys), MaxCandidates)
	}
	if !slices.ContainsFunc(keys, func(k Key) bool { return !k.IsZero() }) {
		v.counts.dummies.Add(1)
		v.scheme.match(c, body, v.dummy, &v.counts) // as much work as for one who exists
		return Key{}, ErrUnknown, nil
	}
	i := v.scheme.match(c, body, keys, &v.counts)
	if i < 0 {
		return Key{}, ErrSignature, nil
	}
	return keys[i], "", nil
}

// once reserves the nonce.
func (v *Verifier) once(ctx context.Context, c *claim, key Key, now time.Time) (Reason, error) {
	if !c.timed {
		return "", nil
	}
	if v.forgets != nil && v.forgotten(c.at) {
		return ErrStarting, nil
	}
	fresh, err := v.nonces.reserve(ctx, key.Fingerprint(), c.nonce, now.Add(v.lifetime))
	switch {
	case err != nil:
		return ErrNonces, err
	case !fresh:
		return ErrReplay, nil
	default:
		return "", nil
	}
}

// forgotten reports whether the store may have forgotten a nonce signed at that time. A nonce that was signed at t is accepted at
// t - skew at the earliest and kept for lifetime from then on, so one that has ended was signed at least skew + 1 min before its end.
func (v *Verifier) forgotten(at int64) bool {
	if at <= v.forgets.RemembersFrom().Unix() {
		return true
	}
	ended := v.forgets.Forgot()
	return !ended.IsZero() && at <= ended.Unix()-int64(v.lifetime/time.Second)+v.skew
}

func (v *Verifier) accept(k Key) {
	v.mu.Lock()
	v.accepted++
	v.mu.Unlock()
	if w, ok := v.config.Keys.(Witness); ok {
		w.Accepted(k)
	}
}

func (v *Verifier) refuse(r *http.Request, c *claim, why Reason, cause error) *Refusal {
	v.mu.Lock()
	v.refused[why]++
	v.mu.Unlock()
	f := refuse(why, cause)
	v.log.LogAttrs(r.Context(), slog.LevelWarn, "hmacauth: refused", slog.String("reason", string(why)), slog.Int("status", f.Status),
		slog.String("profile", v.traits.name), slog.String("sender", head(c.sender, maxID)), slog.String("nonce", head(c.nonce, 8)),
		slog.String("signature", head(c.shown, 8)), slog.Any("cause", cause))
	return f
}

// head is the first n bytes of s.
func head(s string, n int) string { return s[:min(n, len(s))] }

// Stats returns the counts up to now.
func (v *Verifier) Stats() Stats {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := Stats{
		Accepted: v.accepted, Refused: make(map[Reason]int64, len(v.refused)),
		MACs: v.counts.macs.Load(), DummyMACs: v.counts.dummies.Load(), ComparedBytes: v.counts.compared.Load(),
	}
	for why, n := range v.refused {
		s.Refused[why] = n
	}
	return s
}
