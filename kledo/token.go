package kledo

import (
	"context"
	"sync"
)

// TokenStore keeps the API key where every process that uses it can see it. Kledo may replace a key in any answer and revokes
// the old one at that moment, so a key that is not kept locks all of them out. Implementations pass kledotest's conformance
// suite; [NewMemoryTokens] serves one process that may ask for a new key after a restart, kledo/sqltokens serves all others.
type TokenStore interface {
	// Load returns the current key. 1: it must return what the last successful Swap of any process stored; it must not answer
	// from a cache. 2: it must return "" and no error when no key was ever stored. 3: it must not change what is stored.
	Load(ctx context.Context) (string, error)
	// Swap stores new in place of old and reports whether it did. 1: it must compare and store in one step, over all
	// processes: of several Swaps from one old key exactly one answers true. 2: when the stored key is not old it must change
	// nothing and return false and no error; "" stands for nothing stored. 3: it must be durable before it returns true. 4: it
	// must return an error when it does not know whether the key was stored. 5: it must never put a key into an error or log.
	Swap(ctx context.Context, old, new string) (bool, error)
}

// NewMemoryTokens returns a TokenStore that lives and dies with the process and holds token at first.
func NewMemoryTokens(token string) TokenStore { return &memoryTokens{current: hide(token)} }

type memoryTokens struct {
	mu      sync.Mutex
	current secret
}

func (m *memoryTokens) Load(ctx context.Context) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current(), ctx.Err()
}

func (m *memoryTokens) Swap(ctx context.Context, old, new string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if m.current() != old {
		return false, nil
	}
	m.current = hide(new)
	return true, nil
}

// secret keeps a key behind a function: no verb of fmt prints what it returns.
type secret func() string

func hide(key string) secret { return func() string { return key } }
