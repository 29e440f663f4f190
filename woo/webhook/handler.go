package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Defaults of [Config].
const (
	DefaultMaxBody = 4 << 20         // bytes
	DefaultTimeout = 2 * time.Second // a shop's background queue stands still while it waits
	DefaultRepeats = 10 * time.Minute
)

// Config describes one receiver. The zero value of a field is its default, unless it is called required.
type Config struct {
	// Secrets of the webhooks that deliver here, required; empty ones do not count. While a secret is being changed, name the
	// old and the new one.
	Secrets []string
	// Handle takes a verified delivery, required. It must have saved it before it returns nil, and must return nil also for
	// what it does not want: an error means "not saved", is answered 500 and brings the shop closer to switching the webhook
	// off. It must be idempotent. Its context ends after Timeout.
	Handle func(ctx context.Context, d Delivery) error
	// Refused is told of every error object that the shop sends in place of data: somebody must give the webhook's owner
	// its rights back. Optional; it is logged in any case.
	Refused func(ctx context.Context, d Delivery)
	// Repeats is how long a delivery is remembered, so that the same body of the same object and topic, coming again before any
	// other of that object, is answered 200 without a call of Handle; default 10 minutes, negative for never. It goes by the body,
	// since delivery ids repeat within a second. Bodies that look alike each time (IDOnly, Action) always reach Handle. It saves
	// work within one process; what must not happen twice is still for Handle to see to.
	Repeats time.Duration
	// DropForged answers 200 to a delivery whose signature is wrong, and drops it all the same. Otherwise it is 401, which the shop
	// counts: seven in a row, and a webhook whose secret was changed on one side only is switched off. Either is logged.
	DropForged bool
	// MaxBody is the size in bytes above which a body is refused; default 4 MiB.
	MaxBody int64
	// Timeout is how long Handle may take; default 2 s. Then the shop is answered 503, whether Handle heeds its context or not.
	Timeout time.Duration
	// Logger hears of refused and failed deliveries; bodies are never logged. Default: silent.
	Logger *slog.Logger
}

// String leaves the secrets out.
func (c Config) String() string {
	return fmt.Sprintf("webhook.Config{Secrets: %d, MaxBody: %d, Timeout: %s}", len(c.Secrets), c.MaxBody, c.Timeout)
}

// GoString leaves the secrets out.
func (c Config) GoString() string { return c.String() }

// LogValue leaves the secrets out.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Delivery is one verified request of a shop. Only Body, and what was read from it, is signed.
type Delivery struct {
	Topic      string // X-WC-Webhook-Topic: "order.updated"
	Resource   string // X-WC-Webhook-Resource: "order"
	Event      string // X-WC-Webhook-Event: "updated"
	WebhookID  int64  // X-WC-Webhook-ID; 0 when missing
	DeliveryID string // X-WC-Webhook-Delivery-ID: not unique
	Source     string // X-WC-Webhook-Source: the shop's home URL
	Body       []byte // as received
	Payload    Payload
	ReceivedAt time.Time // UTC, our clock
}

// LogValue leaves the body out: it is full of personal data.
func (d Delivery) LogValue() slog.Value {
	return slog.GroupValue(slog.String("topic", d.Topic), slog.Int64("id", d.Payload.ID), slog.String("source", d.Source),
		slog.Int64("webhook", d.WebhookID), slog.String("delivery", d.DeliveryID), slog.Int("bytes", len(d.Body)))
}

// Handler receives deliveries. Make it with [New].
type Handler struct {
	keys   func() []string // in all their forms; a function, so that no verb prints them
	config Config          // without Secrets
	seen   *memory
	last   atomic.Int64 // when the last delivery was taken, Unix seconds
}

// New returns a handler, or an error that names the field that is missing.
func New(c Config) (*Handler, error) {
	keys := forms(c.Secrets)
	c.Secrets = nil
	switch {
	case len(keys) == 0:
		return nil, errors.New("webhook: Config.Secrets holds no secret")
	case c.Handle == nil:
		return nil, errors.New("webhook: Config.Handle is missing")
	case c.MaxBody < 0:
		return nil, errors.New("webhook: Config.MaxBody is negative")
	case c.Timeout < 0:
		return nil, errors.New("webhook: Config.Timeout is negative")
	}
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Repeats == 0 {
		c.Repeats = DefaultRepeats
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Handler{keys: func() []string { return keys }, config: c, seen: newMemory(c.Repeats)}, nil
}

// ServeHTTP answers one request of the shop; the package comment lists the answers.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "webhooks are POSTs", http.StatusMethodNotAllowed)
		return
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		http.Error(w, "compressed bodies are not read", http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.config.MaxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
			return
		}
		http.Error(w, "body incomplete", http.StatusBadRequest)
		return
	}
	if isPing(r.Header.Get("X-WC-Webhook-Topic"), r.Header.Get(SignatureHeader), body) {
		h.config.Logger.InfoContext(r.Context(), "webhook ping", "body", string(body))
		return
	}
	if verify(h.keys(), r.Header, body) != nil {
		h.config.Logger.WarnContext(r.Context(), "webhook refused: signature missing or wrong",
			"remote", r.RemoteAddr, "bytes", len(body), "signed", r.Header.Get(SignatureHeader) != "")
		if h.config.DropForged && r.Header.Get(SignatureHeader) != "" {
			return
		}
		http.Error(w, "signature missing or wrong", http.StatusUnauthorized)
		return
	}
	h.deliver(w, r, delivery(r.Header, body))
}

func (h *Handler) deliver(w http.ResponseWriter, r *http.Request, d Delivery) {
	ctx, cancel := context.WithTimeout(r.Context(), h.config.Timeout)
	defer cancel()
	if d.Payload.Shape == Refusal {
		h.config.Logger.ErrorContext(ctx, "the shop sends errors in place of data: does the webhook's owner still have the rights?",
			"delivery", d, "code", d.Payload.Code, "reason", d.Payload.Reason)
		if h.config.Refused != nil {
			h.config.Refused(ctx, d)
		}
		return
	}
	if h.seen.knows(d) {
		h.config.Logger.DebugContext(ctx, "webhook repeated", "delivery", d)
		return
	}
	err := h.handle(ctx, d)
	switch {
	case err == nil:
		h.seen.note(d)
		h.last.Store(d.ReceivedAt.Unix())
		h.config.Logger.DebugContext(ctx, "webhook taken", "delivery", d)
	case ctx.Err() != nil:
		h.config.Logger.WarnContext(ctx, "webhook not saved in time", "delivery", d, "error", err)
		http.Error(w, "not saved in time", http.StatusServiceUnavailable)
	default:
		h.config.Logger.WarnContext(ctx, "webhook not saved", "delivery", d, "error", err)
		http.Error(w, "not saved", http.StatusInternalServerError)
	}
}

// handle calls Handle and waits no longer than ctx, for the sake of a Handle that does not heed it.
func (h *Handler) handle(ctx context.Context, d Delivery) error {
	type outcome struct {
		err      error
		panicked any
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			o.panicked = recover()
			done <- o
		}()
		o.err = h.config.Handle(ctx, d)
	}()
	select {
	case o := <-done:
		if o.panicked != nil {
			panic(o.panicked) // where the http.Server expects it
		}
		return o.err
	case <-ctx.Done():
	}
	select { // both at once: what was saved is saved
	case o := <-done:
		if o.panicked == nil {
			return o.err
		}
	default:
	}
	return ctx.Err()
}

// LastDelivery returns when a delivery was last taken, zero if none was since the handler was made. A [Guard] asks for it.
func (h *Handler) LastDelivery(context.Context) (time.Time, error) {
	if at := h.last.Load(); at != 0 {
		return time.Unix(at, 0).UTC(), nil
	}
	return time.Time{}, nil
}

func delivery(header http.Header, body []byte) Delivery {
	id, err := strconv.ParseInt(header.Get("X-WC-Webhook-ID"), 10, 64)
	if err != nil {
		id = 0
	}
	return Delivery{
		Topic:      header.Get("X-WC-Webhook-Topic"),
		Resource:   header.Get("X-WC-Webhook-Resource"),
		Event:      header.Get("X-WC-Webhook-Event"),
		WebhookID:  id,
		DeliveryID: header.Get("X-WC-Webhook-Delivery-ID"),
		Source:     header.Get("X-WC-Webhook-Source"),
		Body:       body,
		Payload:    Parse(body),
		ReceivedAt: time.Now().UTC(),
	}
}
