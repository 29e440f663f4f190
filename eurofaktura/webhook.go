package eurofaktura

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// WebhookMessage is one message of the ERP's own webhooks ("API Webhooks", set up by document type and event in its settings). It may
// hold up to 500 events, several of one document among them.
type WebhookMessage struct {
	ID        string    `json:"messageID"` // 32 hex digits: what messages are told apart by
	Time      LocalTime `json:"messageTimestamp"`
	Signature string    `json:"signature"` // within the body; how it is made is not documented where we could read

	// Rest are the other members, the events among them: their names are not documented where we could read.
	Rest map[string]json.RawMessage `json:"-"`
	// Body is the message as it came.
	Body []byte `json:"-"`
}

// WebhookConfig describes a receiver of these messages.
type WebhookConfig struct {
	// Verify says whether a message is genuine. Required: the vendor signs within the body, by a rule that this package does not
	// know and does not invent. Compare in constant time.
	Verify func(m *WebhookMessage) error
	// Handle takes a genuine message. It must have saved what it needs before it returns nil, within 10 s, and must know a message
	// that it has taken before by its ID: this handler remembers only the last 10,000 of its own process. Required.
	Handle func(ctx context.Context, m *WebhookMessage) error
	// MaxBody is the size in bytes above which a message is refused. Default 4 MiB.
	MaxBody int64
	// Logger hears of refused (warn) and failed (error) messages; bodies are never logged. Default: silent.
	Logger *slog.Logger
}

const (
	webhookTimeout = 8 * time.Second // the ERP waits for 10
	remembered     = 10_000
)

// NewWebhookHandler returns a receiver for the ERP's own webhooks. It answers 200 once Handle has taken the message, also to one that
// came before; 401 to what Verify refuses; 400 to what is no message; 413 to what is too long; 500 when Handle failed.
func NewWebhookHandler(c WebhookConfig) (http.Handler, error) {
	switch {
	case c.Verify == nil:
		return nil, errors.New("eurofaktura: WebhookConfig.Verify is missing: without it anybody could send messages")
	case c.Handle == nil:
		return nil, errors.New("eurofaktura: WebhookConfig.Handle is missing")
	case c.MaxBody < 0:
		return nil, errors.New("eurofaktura: WebhookConfig.MaxBody is negative")
	}
	if c.MaxBody == 0 {
		c.MaxBody = 4 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &webhookHandler{config: c, seen: map[string]bool{}}, nil
}

type webhookHandler struct {
	config WebhookConfig

	mu    sync.Mutex
	seen  map[string]bool // ids of messages that were taken
	order []string        // the same, oldest first
}

// ServeHTTP implements [http.Handler].
func (h *webhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	say := func(status int) { http.Error(w, http.StatusText(status), status) }
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		say(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.config.MaxBody))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		say(http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		say(http.StatusBadRequest)
		return
	}
	m, err := ParseWebhook(body)
	if err != nil {
		say(http.StatusBadRequest)
		return
	}
	if err := h.config.Verify(m); err != nil {
		h.config.Logger.WarnContext(r.Context(), "a webhook message was refused", "message", m.ID, "error", err)
		say(http.StatusUnauthorized)
		return
	}
	if h.known(m.ID) {
		say(http.StatusOK)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), webhookTimeout)
	defer cancel()
	if err := h.config.Handle(ctx, m); err != nil {
		h.config.Logger.ErrorContext(r.Context(), "a webhook message was not saved", "message", m.ID, "error", err)
		say(http.StatusInternalServerError)
		return
	}
	h.remember(m.ID)
	say(http.StatusOK)
}

func (h *webhookHandler) known(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[id]
}

func (h *webhookHandler) remember(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen[id] {
		return
	}
	h.seen[id], h.order = true, append(h.order, id)
	if len(h.order) > remembered {
		delete(h.seen, h.order[0])
		h.order = h.order[1:]
	}
}

// ParseWebhook reads a message. It verifies nothing.
func ParseWebhook(body []byte) (*WebhookMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, err
	}
	m := &WebhookMessage{Body: body, Rest: all}
	for name, into := range map[string]*string{"messageID": &m.ID, "messageTimestamp": (*string)(&m.Time), "signature": &m.Signature} {
		if text := scalar(all[name]); text != nil {
			*into = *text
		}
		delete(all, name)
	}
	if m.ID == "" {
		return nil, errors.New("eurofaktura: the message has no messageID")
	}
	return m, nil
}
