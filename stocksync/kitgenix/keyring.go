package kitgenix

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/stocksync"
)

// keyring has a pair's keys. It signs with the one that the peer is believed to have, and accepts all of them.
type keyring struct {
	in  []hmacauth.Key // under the peer's id: Secret, then OldSecrets
	out []hmacauth.Key // the same under ours

	mu       sync.Mutex
	believed int // index of the key that the peer accepted last; Secret when nothing is known
	rotation *hmacauth.Rotation
}

func (w *Wire) keyring(p Pair) (*keyring, error) {
	k := &keyring{}
	for i, secret := range append([]string{p.Secret}, p.OldSecrets...) {
		field := ".Secret"
		if i > 0 {
			field = fmt.Sprintf(".OldSecrets[%d]", i-1)
		}
		in, out, err := w.keys(p.StoreID, secret)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
		k.in, k.out = append(k.in, in), append(k.out, out)
	}
	return k, nil
}

// keys are one secret under the peer's id and under ours.
func (w *Wire) keys(peer stocksync.StoreID, secret string) (in, out hmacauth.Key, err error) {
	newKey := hmacauth.NewKey
	if w.config.ShortSecrets {
		newKey = hmacauth.NewShortKey
	}
	if in, err = newKey(string(peer), secret); err == nil {
		out, err = in.WithID(string(w.config.Self.StoreID))
	}
	return in, out, err
}

// SigningKey implements [hmacauth.KeySource].
func (k *keyring) SigningKey() hmacauth.Key {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.signing()
}

func (k *keyring) signing() hmacauth.Key {
	if k.rotation != nil {
		return k.rotation.SigningKey()
	}
	return k.out[k.believed]
}

// other is the key to try once where the peer refuses the one we sign with: the new one while a key rotates, else the next older one;
// the zero Key when there is none.
func (k *keyring) other() hmacauth.Key {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rotation != nil {
		if signing := k.rotation.SigningKey(); signing.Fingerprint() != k.out[0].Fingerprint() {
			return k.out[0]
		}
	}
	if k.rotation != nil || len(k.out) == 1 {
		return hmacauth.Key{}
	}
	return k.out[(k.believed+1)%len(k.out)]
}

// otherSource signs with the other key.
type otherSource struct{ *keyring }

func (k otherSource) SigningKey() hmacauth.Key { return k.other() }

// proved notes that the peer accepted a request which was signed with a key.
func (k *keyring) proved(key hmacauth.Key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.out {
		if k.out[i].Fingerprint() != key.Fingerprint() {
			continue
		}
		k.believed = i
		if i == 0 && k.rotation != nil {
			k.rotation.Accepted(k.in[0])
		}
	}
}

// candidates are the keys that the peer may sign with.
func (k *keyring) candidates(ctx context.Context, id string) ([]hmacauth.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rotation != nil {
		return k.rotation.Keys(ctx, id)
	}
	return k.in, nil
}

// accepted notes which key the peer signed with: the newest of ours that it has is the one to sign with.
func (k *keyring) accepted(key hmacauth.Key) {
	k.mu.Lock()
	rotation := k.rotation
	if rotation == nil && key.Fingerprint() == k.in[0].Fingerprint() {
		k.believed = 0
	}
	k.mu.Unlock()
	if rotation != nil {
		rotation.Accepted(key)
	}
}

// Rotation changes the secret of a pair in two phases: both secrets are accepted at once, and we go on signing with the old one until
// the peer has proved that it has the new one, by a request of its own or by accepting ours when it refuses the old. The plugin
// signs with a new secret at once instead, and locks the other side out; after a rotation begun there, put the new secret
// into Pair.Secret and the old one into OldSecrets.
type Rotation struct {
	Secret string    // required: the new one, from [hmacauth.GenerateSecret]
	Until  time.Time // required: when the old one ends. An instant, so that a restart does not prolong it
	// Proved is called once, when the peer is known to have the new secret: time to store it as Pair.Secret. It must not block.
	Proved func()
}

// Rotate begins to change a pair's secret. After a restart before Proved, begin it again with the same Until.
func (w *Wire) Rotate(id stocksync.StoreID, r Rotation) error {
	p := w.pairs[id]
	if p == nil {
		return fmt.Errorf("kitgenix: Rotate: %q is no pair of ours", id)
	}
	in, out, err := w.keys(id, r.Secret)
	if err != nil {
		return fmt.Errorf("kitgenix: Rotation.Secret: %w", err)
	}
	for _, other := range w.order {
		if other != p && other.keys.has(in) {
			return errors.New("kitgenix: Rotation.Secret is that of another pair too: who knows it could speak as either")
		}
	}
	return p.keys.rotate(in, out, r)
}

func (k *keyring) has(key hmacauth.Key) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, one := range k.in {
		if one.Fingerprint() == key.Fingerprint() {
			return true
		}
	}
	return false
}

func (k *keyring) rotate(in, out hmacauth.Key, r Rotation) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.signing()
	rotation, err := hmacauth.NewRotation(hmacauth.RotationConfig{
		Old: old, New: out, Peer: in.ID(), Until: r.Until, OnProved: r.Proved,
	})
	if err != nil {
		return fmt.Errorf("kitgenix: Rotate: %w", err)
	}
	before, err := old.WithID(in.ID())
	if err != nil {
		return fmt.Errorf("kitgenix: Rotate: %w", err)
	}
	k.rotation, k.believed = rotation, 0
	k.in, k.out = []hmacauth.Key{in, before}, []hmacauth.Key{out, old}
	return nil
}

// ForceRotation signs with a pair's new secret from now on, without proof: somebody has seen it pasted at the peer.
func (w *Wire) ForceRotation(id stocksync.StoreID) error {
	p := w.pairs[id]
	if p == nil {
		return fmt.Errorf("kitgenix: ForceRotation: %q is no pair of ours", id)
	}
	p.keys.mu.Lock()
	defer p.keys.mu.Unlock()
	if p.keys.rotation == nil {
		return fmt.Errorf("kitgenix: ForceRotation: the secret of %q is not being rotated", id)
	}
	p.keys.rotation.Switch()
	return nil
}

// pairKeys are the keys of all pairs, for the verifiers.
type pairKeys struct{ *Wire }

// Keys implements [hmacauth.Keys].
func (k pairKeys) Keys(ctx context.Context, id string) ([]hmacauth.Key, error) {
	p := k.pairs[stocksync.StoreID(id)]
	if p == nil {
		return nil, nil
	}
	return p.keys.candidates(ctx, id)
}

// Accepted implements [hmacauth.Witness].
func (k pairKeys) Accepted(key hmacauth.Key) {
	if p := k.pairs[stocksync.StoreID(key.ID())]; p != nil {
		p.keys.accepted(key)
	}
}
