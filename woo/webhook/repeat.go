package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

// Key names what a delivery tells: topic, object and a digest of the body. A delivery that comes again has the same key, also under
// another delivery id or through another webhook of the topic; one that tells of a newer state has another. It suits as the key of a
// queued job. Only IDOnly and Action bodies look alike each time: their key says what happened, not that it is the same time.
func (d Delivery) Key() string {
	sum := sha256.Sum256(d.Body)
	return fmt.Sprintf("%s:%d:%s", d.Topic, d.Payload.ID, hex.EncodeToString(sum[:16]))
}

// memory knows the last delivery of each object and topic. Only the last: after another of the same object, the same body is news.
type memory struct {
	keep time.Duration

	mu   sync.Mutex
	last map[object]memo
	old  []object // as they came, the oldest first
}

type object struct {
	topic string
	id    int64
}

type memo struct {
	key string
	at  time.Time
}

// maxObjects bounds the memory: some 400 kB.
const maxObjects = 2048

func newMemory(keep time.Duration) *memory { return &memory{keep: keep, last: map[object]memo{}} }

// distinct reports whether the body tells one state of the object from another.
func (m *memory) distinct(d Delivery) bool {
	return m.keep > 0 && (d.Payload.Shape == Full || d.Payload.Shape == Legacy)
}

// knows reports whether the last delivery of the object that was taken was this one.
func (m *memory) knows(d Delivery) bool {
	if !m.distinct(d) {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	was, ok := m.last[object{d.Topic, d.Payload.ID}]
	return ok && was.key == d.Key() && d.ReceivedAt.Sub(was.at) < m.keep
}

// note remembers a delivery that was taken.
func (m *memory) note(d Delivery) {
	if !m.distinct(d) {
		return
	}
	of := object{d.Topic, d.Payload.ID}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.last[of]; !known {
		if len(m.old) == maxObjects {
			delete(m.last, m.old[0])
			m.old = append(m.old[:0], m.old[1:]...)
		}
		m.old = append(m.old, of)
	}
	m.last[of] = memo{d.Key(), d.ReceivedAt}
}
