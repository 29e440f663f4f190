package hmacauth

import (
	"context"
	"errors"
	"sync"
	"time"
)

// RotationConfig describes how one pair changes its key.
type RotationConfig struct {
	Old, New Key       // required, of different secrets; the id is our own, under which we sign
	Peer     string    // the id under which the peer signs; default the id of New
	Until    time.Time // required: from then on Old is neither accepted nor used. An instant, so that a restart does not prolong it
	Proved   bool      // the peer is known to have New, from before a restart
	// OnProved is called once, when the peer's first request signed with New has been accepted. It must not block.
	OnProved func()
}

// Rotation changes a key in two phases. Both keys are accepted from the start; we go on signing with the old one until the peer has
// proved that it has the new one, the operator says so ([Rotation.Switch]), or the old one has run out. A side that signs with the new
// key at once is refused until somebody has pasted it over there, and the plugin's second generation then locks it out.
//
// A Rotation is [Keys] for the peer, and the [KeySource] of our own [Signer].
type Rotation struct {
	config   RotationConfig
	inbound  []Key // new, old
	mu       sync.Mutex
	switched bool
	now      func() time.Time
}

// NewRotation checks c.
func NewRotation(c RotationConfig) (*Rotation, error) {
	switch {
	case c.Old.IsZero():
		return nil, errors.New("hmacauth: RotationConfig.Old is empty")
	case c.New.IsZero():
		return nil, errors.New("hmacauth: RotationConfig.New is empty")
	case c.Old.Fingerprint() == c.New.Fingerprint():
		return nil, errors.New("hmacauth: RotationConfig.New is the same secret as Old")
	case c.Until.IsZero():
		return nil, errors.New("hmacauth: RotationConfig.Until is empty: the old key must run out some day")
	}
	if c.Peer == "" {
		c.Peer = c.New.id
	}
	r := &Rotation{config: c, switched: c.Proved, now: time.Now}
	for _, k := range []Key{c.New, c.Old} {
		k, err := k.WithID(c.Peer)
		if err != nil {
			return nil, err
		}
		r.inbound = append(r.inbound, k)
	}
	return r, nil
}

// SigningKey implements [KeySource].
func (r *Rotation) SigningKey() Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.switched || r.over() {
		return r.config.New
	}
	return r.config.Old
}

// Keys implements [Keys].
func (r *Rotation) Keys(_ context.Context, id string) ([]Key, error) {
	switch {
	case id != r.config.Peer:
		return nil, nil
	case r.over():
		return r.inbound[:1:1], nil
	default:
		return r.inbound, nil
	}
}

func (r *Rotation) over() bool { return !r.now().Before(r.config.Until) }

// Accepted implements [Witness]: an accepted request that was signed with the new key is the proof.
func (r *Rotation) Accepted(k Key) {
	if k.id == r.config.Peer && k.Fingerprint() == r.config.New.Fingerprint() {
		r.change(r.config.OnProved)
	}
}

// Switch signs with the new key from now on, without proof.
func (r *Rotation) Switch() { r.change(nil) }

func (r *Rotation) change(tell func()) {
	r.mu.Lock()
	first := !r.switched
	r.switched = true
	r.mu.Unlock()
	if first && tell != nil {
		tell()
	}
}

// Witness is what [Keys] may also be, to be told which key an accepted request was signed with.
type Witness interface {
	Accepted(k Key)
}
