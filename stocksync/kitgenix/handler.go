package kitgenix

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/stocksync"
)

// The tags of RFC 9421 signatures, one for each direction.
const (
	tagToMaster = "tillwire-stock-to-master"
	tagToChild  = "tillwire-stock-to-child"
)

// maxBody is the second generation's cap, in bytes.
const maxBody = 2 << 20

func (w *Wire) verifiers() error {
	config := hmacauth.VerifierConfig{
		Profile: hmacauth.Kitgenix{}, Keys: pairKeys{w}, Nonces: w.config.Nonces, Self: string(w.config.Self.StoreID),
		MaxBody: maxBody, Logger: w.config.Logger,
	}
	var err error
	if w.plain, err = hmacauth.NewVerifier(config); err != nil {
		return err
	}
	config.SignAnswers = true
	config.Methods = []string{http.MethodPost}
	w.bound = map[stocksync.Role]*hmacauth.Verifier{}
	for role, tag := range map[stocksync.Role]string{stocksync.RoleMaster: tagToMaster, stocksync.RoleChild: tagToChild} {
		profile := w.config.RFC9421
		profile.Tag = tag
		config.Profile = profile
		if w.bound[role], err = hmacauth.NewVerifier(config); err != nil {
			return err
		}
	}
	return nil
}

// Handler serves the four routes of the plugin for a node, below /wp-json/kitgenix-stock-sync/v1/ of any folder and as ?rest_route=.
// A mux tells letter cases apart: mount it at "/" as well where peers may write the path otherwise.
//
// Each request is checked in this order: route and method (404), size (413), signature and time (401), whether it was here before
// (401), whether the pair may do this (403), payload (400). A 200 to an event means that the node has it durably. Events of a child
// are refused when they rename SKUs or are of an unknown type; versions that a child sends are not looked at.
func (w *Wire) Handler(n stocksync.Node) http.Handler {
	s := &server{Wire: w, node: n}
	serve := map[string]http.HandlerFunc{
		routePing: s.ping, routeEvent: s.event, routeStock: s.stock, routeStockState: s.stockState,
	}
	s.plainly, s.bindingly = map[string]http.Handler{}, map[string]http.Handler{}
	for route, h := range serve {
		s.plainly[route] = w.plain.Middleware(s.enter(h))
		s.bindingly[route] = w.bound[n.Role()].Middleware(s.enter(h))
	}
	return s
}

// server is a Wire with the node behind it.
type server struct {
	*Wire
	node               stocksync.Node
	plainly, bindingly map[string]http.Handler // by route: verified as the plugin signs, and by RFC 9421
}

// ServeHTTP implements [http.Handler].
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route := routeOf(r)
	if route == "" || r.Method != http.MethodPost || overridden(r) {
		refuse(w, http.StatusNotFound, codeNoRoute, "No route was found matching the URL and request method.")
		return
	}
	handlers := s.plainly
	if p := s.pairs[stocksync.StoreID(r.Header.Get("X-Kitgenix-Store-Id"))]; p != nil && p.RFC9421 {
		handlers = s.bindingly // headers that were taken away on the road do not make it weaker
	}
	g := &gate{ResponseWriter: w, wire: s.Wire, from: s.config.ClientIP(r)}
	if r.ContentLength > maxBody {
		g.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	handlers[route].ServeHTTP(g, r.WithContext(context.WithValue(r.Context(), gateKey{}, g)))
}

type gateKey struct{}

// enter opens the gate: the verifier has let the request in.
func (s *server) enter(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g, ok := r.Context().Value(gateKey{}).(*gate); ok {
			g.open = true
			s.locks.passed(g.from)
		}
		next(w, r)
	})
}

// call is a verified request.
type call struct {
	from   *pair
	signed time.Time // by the sender's clock
	body   []byte
}

// accept reads what the verifier has let in.
func (s *server) accept(r *http.Request) (call, error) {
	identity, ok := hmacauth.IdentityFrom(r.Context())
	from := s.pairs[stocksync.StoreID(identity.KeyID)]
	if !ok || from == nil {
		return call{}, errors.New("kitgenix: not verified")
	}
	body, err := io.ReadAll(r.Body) // of memory
	return call{from, identity.SignedAt, body}, err
}

func (s *server) ping(w http.ResponseWriter, r *http.Request) {
	c, err := s.accept(r)
	if err == nil {
		err = readPing(c.body)
	}
	if err != nil {
		s.refuse(r.Context(), w, c, routePing, err)
		return
	}
	answer(w, http.StatusOK, pong{
		OK: true, StoreID: s.config.Self.StoreID, StoreName: s.config.Self.Name, Role: s.node.Role(), Time: time.Now().Unix(),
		PluginVersion: version,
	})
}

// done is the answer to an event. It says nothing of the items.
type done struct {
	OK        bool `json:"ok"`
	Processed bool `json:"processed"`
}

func (s *server) event(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	c, err := s.accept(r)
	if err != nil {
		s.refuse(r.Context(), w, c, routeEvent, err)
		return
	}
	if c.from.Disabled {
		s.security(r.Context(), c.from, "refused an event: the pair is disabled")
		refuse(w, http.StatusForbidden, codeForbidden, "This pair is disabled")
		return
	}
	report, err := s.report(c, now)
	if err != nil {
		s.refuse(r.Context(), w, c, routeEvent, err)
		return
	}
	if err := s.node.Receive(r.Context(), report); err != nil {
		s.log.LogAttrs(r.Context(), slog.LevelWarn, "kitgenix: the node did not take an event", slog.String("peer", string(c.from.StoreID)),
			slog.String("event", report.EventID), slog.Any("error", err))
		refuseNode(w, err)
		return
	}
	answer(w, http.StatusOK, done{true, true})
}

// report is what the node gets of an event.
func (s *server) report(c call, now time.Time) (stocksync.Report, error) {
	e, items, err := readEvent(c.body)
	if err != nil {
		return stocksync.Report{}, err
	}
	if s.node.Role() == stocksync.RoleMaster {
		if e.Type == stocksync.SKURename {
			return stocksync.Report{}, &payloadError{codeEventType, "a child may not rename SKUs"}
		}
		for i := range items { // a clone of the master's site sends its old counters
			items[i].Version = 0
		}
	}
	switch {
	case e.EventID == "": // the first generation's way
		e.EventID = digest(string(c.from.StoreID) + "\n" + string(c.body))
	case len(e.EventID) > stocksync.MaxID-eventRoom:
		e.EventID = digest(e.EventID)
	}
	at, doubt := c.from.captured(e, c.signed, now)
	return stocksync.Report{
		EventID: e.EventID, Kind: e.Type, From: c.from.StoreID, At: at, Doubt: doubt, Context: e.Context, Items: items,
	}, nil
}

// eventRoom is what a node may add to an event's id to name a line of it.
const eventRoom = 32

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (s *server) stock(w http.ResponseWriter, r *http.Request) {
	if s.node.Role() != stocksync.RoleMaster {
		refuse(w, http.StatusForbidden, codeNotMaster, "Stock query is only supported on master")
		return
	}
	s.query(w, r, routeStock, func(i *stocksync.Item) any {
		if i.Manage == stocksync.Unmanaged { // a plain 0 would block every checkout
			return absent{}
		}
		return offerOf(i)
	})
}

func (s *server) stockState(w http.ResponseWriter, r *http.Request) {
	s.query(w, r, routeStockState, func(i *stocksync.Item) any { return stateOf(i) })
}

// lookupSize is how many products a node is asked for at once.
const lookupSize = 500

func (s *server) query(w http.ResponseWriter, r *http.Request, route string, say func(*stocksync.Item) any) {
	c, err := s.accept(r)
	var skus []stocksync.SKU
	if err == nil {
		skus, err = readQuery(c.body)
	}
	if err != nil {
		s.refuse(r.Context(), w, c, route, err)
		return
	}
	out := queryAnswer{OK: true}
	for len(skus) > 0 {
		n := min(len(skus), lookupSize)
		refs := make([]stocksync.Ref, n)
		for i := range refs {
			refs[i].SKU = skus[i]
		}
		items, err := s.node.Lookup(r.Context(), c.from.StoreID, refs)
		if err == nil && len(items) != n {
			err = errors.New("kitgenix: the node answered for other products than it was asked for")
		}
		if err != nil {
			s.log.LogAttrs(r.Context(), slog.LevelWarn, "kitgenix: a query could not be answered",
				slog.String("peer", string(c.from.StoreID)), slog.Any("error", err))
			refuseNode(w, err)
			return
		}
		for i, item := range items {
			var value any = absent{}
			if item != nil {
				value = say(item)
			}
			out.Items.keys, out.Items.values = append(out.Items.keys, string(skus[i])), append(out.Items.values, value)
		}
		skus = skus[n:]
	}
	answer(w, http.StatusOK, out)
}

// refuse answers for a payload that cannot be taken, and tells people.
func (s *server) refuse(ctx context.Context, w http.ResponseWriter, c call, route string, err error) {
	var bad *payloadError
	switch {
	case errors.As(err, &bad):
		s.security(ctx, c.from, "refused a request to /"+route+": "+bad.why)
		refuse(w, http.StatusBadRequest, bad.code, bad.why)
	case errors.Is(err, errTooMany):
		s.security(ctx, c.from, "refused an event of too many items")
		refuse(w, http.StatusRequestEntityTooLarge, codeTooLarge, "Too many items")
	default:
		refuse(w, http.StatusInternalServerError, codeUnavailable, http.StatusText(http.StatusInternalServerError))
	}
}

// recorder is what a node may also be: it keeps events for people.
type recorder interface {
	Record(ctx context.Context, e stocksync.Event) error
}

// security records what was signed rightly and refused all the same.
func (s *server) security(ctx context.Context, from *pair, text string) {
	s.log.LogAttrs(ctx, slog.LevelWarn, "kitgenix: "+text, slog.String("peer", string(from.StoreID)))
	if r, ok := s.node.(recorder); ok {
		err := r.Record(ctx, stocksync.Event{At: time.Now().UTC(), Level: "security", Peer: from.StoreID, Action: "receive", Text: text})
		if err != nil {
			s.log.LogAttrs(ctx, slog.LevelWarn, "kitgenix: the event log did not take it", slog.Any("error", err))
		}
	}
}
