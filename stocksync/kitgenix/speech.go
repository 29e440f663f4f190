package kitgenix

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"
)

// speaks is what a peer understands.
type speaks struct {
	generation int  // 1 or 2
	golang     bool // a Go service
}

// speech tells it from a plugin version; the first generation gives none.
func speech(pluginVersion string) speaks {
	major, _, _ := strings.Cut(pluginVersion, ".")
	if n, err := strconv.Atoi(major); err != nil || n < 2 {
		return speaks{generation: 1}
	}
	return speaks{generation: 2, golang: strings.HasSuffix(pluginVersion, goSuffix)}
}

// heard is what a peer said it speaks, and when.
type heard struct {
	mu sync.Mutex
	speaks
	at time.Time
}

// relearn is how long what a peer said holds: stores are updated.
const relearn = time.Hour

func (h *heard) note(s speaks) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.speaks, h.at = s, time.Now()
}

// get returns what the peer speaks; generation 0 when it never said.
func (h *heard) get() (s speaks, fresh bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.speaks, h.generation != 0 && time.Since(h.at) < relearn
}

// speaks is what the peer understands. It asks when nobody knows; a peer that does not answer now is taken for what it was.
func (c *client) speaks(ctx context.Context) (speaks, error) {
	if g := c.pair.Generation; g != 0 {
		return speaks{generation: g, golang: c.pair.RFC9421}, nil
	}
	s, fresh := c.pair.speech.get()
	if fresh {
		return s, nil
	}
	_, err := c.ping(ctx)
	if err != nil && s.generation == 0 {
		return s, err
	}
	s, _ = c.pair.speech.get()
	return s, nil
}
