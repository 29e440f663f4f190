package sitoo

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
)

// EventType is what an event tells of.
type EventType string

// The types of events. There is none for products, prices or stock levels; the sign of moving stock is EventTransaction.
const (
	EventOrder        EventType = "order"
	EventDelivery     EventType = "order-delivery"
	EventBooking      EventType = "booking"
	EventShipment     EventType = "shipment"
	EventShipmentV3   EventType = "shipment-v3"
	EventTransaction  EventType = "warehouse-transaction"
	EventZReport      EventType = "z-report"
	EventStoreZReport EventType = "store-z-report"
)

// Event is a message that Sitoo pushes ("SPI event"). It is a hint: it may come twice, and it is not signed, so read what it names.
type Event struct {
	ID        string    `json:"event_id"`
	Type      EventType `json:"event_type"`
	Date      Time      `json:"event_date"`
	AccountID int64     `json:"account_id"`
	Data      EventData `json:"data"`
}

// EventData is what an event names, as far as its type has it.
type EventData struct {
	Site        SiteID      `json:"eshop_id"`
	OrderID     OrderID     `json:"order_id"`
	DeliveryID  DeliveryID  `json:"order_delivery_id"`
	WarehouseID WarehouseID `json:"warehouse_id"`
	OrderEvent  string      `json:"order_event_type"`    // add, update, ready-for-pickup, pickup-rejected, email-receipt
	OrderState  string      `json:"order_state_changed"` // open, closed, cancelled
	State       string      `json:"state"`               // of a delivery: new, ready-to-ship, in-transit, arrived, …
	Change      string      `json:"type"`                // add, update
	Extra       Extra       `json:"-"`
}

// EventConfig says who may deliver events and what becomes of them.
type EventConfig struct {
	// User and Password are the Basic credentials that were handed to Sitoo, whose staff set the subscription up. Required: nothing else tells
	// Sitoo's events from a stranger's.
	User, Password string
	// AccountID is the account whose events are taken; others are dropped. Default: any.
	AccountID int64
	// Handle is called for each event, in order. It must be durable before it returns nil, and drop what it has seen by Event.ID. After an error
	// the rest of the delivery is not handled, and Sitoo sends it again for about a day. Required.
	Handle func(context.Context, Event) error
	// MaxBody is the size in bytes above which a delivery is refused. Default: 1 MiB; a delivery has ten small events at most.
	MaxBody int64
	// Logger hears of refused and failed deliveries. Default: silent.
	Logger *slog.Logger
}

// NewEventHandler receives Sitoo's events at POST {base_url}/events. Sitoo waits 15 s for an answer: 200 ends it; 503 has it sent again and holds back all
// later events; any other answer drops the events for good, so what went wrong here is always 503, save what can never be read.
func NewEventHandler(c EventConfig) (http.Handler, error) {
	switch {
	case c.User == "" || c.Password == "":
		return nil, errors.New("sitoo: EventConfig.User and Password: are empty: choose a pair and hand it to Sitoo")
	case c.Handle == nil:
		return nil, errors.New("sitoo: EventConfig.Handle: is nil")
	case c.MaxBody < 0:
		return nil, errors.New("sitoo: EventConfig.MaxBody: is negative: give bytes, or 0 for 1 MiB")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MaxBody == 0 {
		c.MaxBody = 1 << 20
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, ok := r.BasicAuth()
		if !ok || !same(user, c.User) || !same(password, c.Password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="events"`)
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "events are posted", http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, c.MaxBody))
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			again(w)
			return
		}
		events, err := ParseEvents(body)
		if err != nil {
			c.Logger.WarnContext(r.Context(), "sitoo: events cannot be read", "error", err)
			http.Error(w, "no events", http.StatusBadRequest)
			return
		}
		for _, e := range events {
			if c.AccountID != 0 && e.AccountID != c.AccountID {
				continue
			}
			if err := c.Handle(r.Context(), e); err != nil {
				c.Logger.ErrorContext(r.Context(), "sitoo: event not handled, Sitoo will send it again", "event", e.ID, "type", e.Type, "error", err)
				again(w)
				return
			}
		}
		w.WriteHeader(http.StatusOK)
	}), nil
}

func again(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "60")
	http.Error(w, "not handled", http.StatusServiceUnavailable)
}

// ParseEvents reads a delivery: a list of events, oldest first, or a single one.
func ParseEvents(body []byte) ([]Event, error) {
	var events []Event
	if strings.HasPrefix(strings.TrimSpace(string(body)), "{") {
		body = append(append([]byte{'['}, body...), ']')
	}
	if err := json.Unmarshal(body, &events); err != nil {
		return nil, err
	}
	for _, e := range events {
		if e.Type == "" {
			return nil, errors.New("an event has no type")
		}
	}
	return events, nil
}

// same compares without telling by its time how much was right.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
