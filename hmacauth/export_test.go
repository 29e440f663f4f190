package hmacauth

import (
	"net/http"
	"time"
)

// Hooks for the tests in package hmacauth_test.

// SetNow gives the verifier another clock. Virtual time cannot be set back, which is what some attacks need.
func (v *Verifier) SetNow(now func() time.Time) { v.now = now }

// BudgetLeft is what bodies may still take.
func (v *Verifier) BudgetLeft() int64 { return v.budget.left.Load() }

// SetClocks gives the store other clocks.
func (m *MemoryNonces) SetClocks(wall func() time.Time, steady func() time.Duration) {
	m.wall, m.steady = wall, steady
}

// SetNow gives the rotation another clock.
func (r *Rotation) SetNow(now func() time.Time) { r.now = now }

// Correct is the receiver's time as a signer takes it.
func (c *Clock) Correct(now time.Time) time.Time { return c.correct(now) }

// The parsers, for fuzzing.
var (
	Seconds            = seconds
	DecodeHex          = decodeHex
	Decode64           = decode64
	GoodDigest         = goodDigest
	Target             = target
	RetryAfter         = retryAfterOf
	CanonicalAuthority = canonicalAuthority
)

// ParseStandard reads a list of signatures.
func ParseStandard(list string) (sigs [][32]byte, ok bool) {
	var all [maxSignatures][32]byte
	n, ok := parseStandard(&all, list)
	return all[:n], ok
}

// ParseInput reads one member of Signature-Input.
func ParseInput(s string) (label, raw string, components []string, ok bool) {
	var in input
	p := scanner{s: s}
	if !p.input(&in) || !p.done() {
		return "", "", nil, false
	}
	return in.label, in.raw, in.components[:in.n], true
}

// Base is the signature base of a request that carries RFC9421 headers.
func Base(p RFC9421, r *http.Request) ([]byte, bool) {
	s, err := p.scheme()
	if err != nil {
		return nil, false
	}
	var c claim
	if why := s.claim(r, &c); why != "" {
		return nil, false
	}
	return c.base, true
}
