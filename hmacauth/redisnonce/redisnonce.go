package redisnonce

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tillwire/tillwire/hmacauth"
)

// Config says where the keys are. The zero value is usable.
type Config struct {
	Prefix string // of the keys; default "tillwire:nonce:"
}

// Nonces is a [hmacauth.NonceStore] in Redis. Make it with [Open].
type Nonces struct {
	client redis.UniversalClient
	prefix string
}

var _ hmacauth.NonceStore = (*Nonces)(nil)

// keepFor is how long a key is kept after its end, against clocks that are set back.
const keepFor = 10 * time.Minute

// Open asks the server whether it evicts keys, and returns the store. It does not close client.
func Open(ctx context.Context, client redis.UniversalClient, c Config) (*Nonces, error) {
	if client == nil {
		return nil, errors.New("redisnonce: client is nil")
	}
	if c.Prefix == "" {
		c.Prefix = "tillwire:nonce:"
	}
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, fmt.Errorf("redisnonce: %w", err)
	}
	// Managed servers may keep INFO to themselves: what they do not say is the host's to know.
	if info, err := client.Info(ctx, "memory").Result(); err == nil {
		if policy := field(info, "maxmemory_policy"); policy != "" && policy != "noeviction" && field(info, "maxmemory") != "0" {
			return nil, fmt.Errorf("redisnonce: maxmemory-policy is %s: live nonces would be evicted; want noeviction", policy)
		}
	}
	return &Nonces{client: client, prefix: c.Prefix}, nil
}

// field reads one line of INFO.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Reserve implements [hmacauth.NonceStore].
func (n *Nonces) Reserve(ctx context.Context, keyFingerprint, nonce string, until time.Time) (bool, error) {
	digest := hmacauth.NonceDigest(keyFingerprint, nonce)
	key := n.prefix + hex.EncodeToString(digest[:])
	// A duration, not an instant: the server's clock may differ from ours.
	life := max(time.Until(until), 0) + keepFor
	mine := rand.Text()
	fresh, err := n.client.SetNX(ctx, key, mine, life).Result()
	if err == nil && !fresh {
		// The client repeats a command whose answer was lost, and then finds the key it has set itself.
		var held string
		held, err = n.client.Get(ctx, key).Result()
		fresh = held == mine
		if errors.Is(err, redis.Nil) { // over since: it was there a moment ago
			fresh, err = false, nil
		}
	}
	if err != nil {
		return false, fmt.Errorf("redisnonce: reserving a nonce: %w", err)
	}
	return fresh, nil
}
