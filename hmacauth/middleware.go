package hmacauth

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Middleware lets verified requests through to next, which reads from r.Body exactly the bytes that were verified and finds the sender
// with [IdentityFrom]. All others get a status and a JSON body that does not say what was wrong.
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := claims.Get().(*claim) //nolint:forcetypeassert // the pool holds nothing else
		c.reset()
		defer claims.Put(c)
		b := reader{
			budget: &v.budget, limit: v.config.MaxBody, timeout: v.config.ReadTimeout,
			deadline: http.NewResponseController(w).SetReadDeadline,
		}
		defer b.release()
		identity, key, body, refusal := v.verify(r, c, &b)
		if refusal != nil {
			v.answer(w, refusal)
			return
		}
		in := &verified{Context: r.Context(), identity: identity}
		in.body.Reset(body)
		r = r.WithContext(in)
		r.Body, r.ContentLength = in, int64(len(body))
		if !v.config.SignAnswers {
			next.ServeHTTP(w, r)
			return
		}
		held := &heldAnswer{ResponseWriter: w, limit: v.config.MaxBody}
		next.ServeHTTP(held, r)
		held.send(v, c, key)
	})
}

// IdentityFrom returns who sent the request that a handler behind [Verifier.Middleware] serves.
func IdentityFrom(ctx context.Context) (Identity, bool) {
	i, ok := ctx.Value(identityKey{}).(*Identity)
	if !ok {
		return Identity{}, false
	}
	return *i, true
}

type identityKey struct{}

// verified is the context and the body of a verified request, in one allocation.
type verified struct {
	context.Context //nolint:containedctx // it is one
	identity        Identity
	body            bytes.Reader
	closed          bool
}

func (c *verified) Value(key any) any {
	if _, ok := key.(identityKey); ok {
		return &c.identity
	}
	return c.Context.Value(key)
}

func (c *verified) Read(p []byte) (int, error) {
	if c.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return c.body.Read(p)
}

func (c *verified) Close() error {
	c.closed = true
	return nil
}

// publicCodes are what senders are told.
var publicCodes = map[int]string{
	http.StatusBadRequest: "bad_request", http.StatusMethodNotAllowed: "method_not_allowed", http.StatusRequestTimeout: "timeout",
	http.StatusRequestEntityTooLarge: "payload_too_large", http.StatusUnsupportedMediaType: "unsupported_encoding",
	http.StatusServiceUnavailable: "unavailable",
}

// answer words a refusal as WordPress would, since the plugin's peers and their operators know that shape.
func (v *Verifier) answer(w http.ResponseWriter, f *Refusal) {
	code, known := publicCodes[f.Status]
	if !known {
		code = v.traits.authFail
	}
	h := w.Header()
	switch f.Status {
	case http.StatusMethodNotAllowed:
		h.Set("Allow", strings.Join(v.config.Methods, ", "))
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(int(f.Wait/time.Second)))
	}
	switch f.Status {
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout, http.StatusServiceUnavailable, http.StatusUnsupportedMediaType:
		h.Set("Connection", "close") // what is left of the body is not worth reading
	}
	writeRefusal(w, f.Status, code)
}

func writeRefusal(w http.ResponseWriter, status int, code string) {
	type data struct {
		Status int `json:"status"`
	}
	body, _ := json.Marshal(struct { // of a string and numbers: cannot fail
		Code    string `json:"code"`
		Message string `json:"message"`
		Data    data   `json:"data"`
	}{code, http.StatusText(status), data{status}})
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone, or not
}

// heldAnswer keeps an answer until it can be signed as a whole.
type heldAnswer struct {
	http.ResponseWriter
	limit  int64
	status int
	body   bytes.Buffer
	over   bool
}

// WriteHeader implements [http.ResponseWriter]. Informational answers pass at once.
func (a *heldAnswer) WriteHeader(status int) {
	if status >= 100 && status < 200 {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	if a.status == 0 {
		a.status = status
	}
}

func (a *heldAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if int64(a.body.Len()+len(p)) > a.limit {
		a.over = true
		return 0, ErrTooLarge
	}
	return a.body.Write(p)
}

func (a *heldAnswer) send(v *Verifier, c *claim, k Key) {
	a.WriteHeader(http.StatusOK)
	h := a.Header()
	body := a.body.Bytes()
	if a.over {
		a.status, body = http.StatusInternalServerError, nil
		h.Del("Content-Length")
	}
	if len(body) > 0 && len(h[contentType]) == 0 {
		h.Set("Content-Type", http.DetectContentType(body)) // before it is signed, not after
	}
	p := v.scheme.(*rfc9421) //nolint:forcetypeassert // NewVerifier has seen to it
	if err := p.signAnswer(h, a.status, body, c, k, stamp{at: v.now(), nonce: newNonce()}); err != nil {
		v.log.Error("hmacauth: answer not signed", "error", err)
	}
	a.ResponseWriter.WriteHeader(a.status)
	_, _ = a.ResponseWriter.Write(body) // the client is gone, or not
}

// Route is one address of [NewRoutes].
type Route struct {
	Pattern  string    // method and path, exactly: "POST /wp-json/kitgenix-stock-sync/v1/event"
	Verifier *Verifier // required: there is no way to leave it out by accident
	// Fits, when not nil, says whether a verified body belongs to this route. In profiles that do not sign the path it is what keeps a
	// request that was caught on its way to one route from being delivered to another. An error is answered with 400.
	Fits    func(body []byte) error
	Handler http.Handler // required
}

// NewRoutes serves exactly the routes given. A known path with another method is answered with 405, all else with 404; nothing is
// redirected. A route without verifier is an error: ErrUnsignedPath.
func NewRoutes(routes ...Route) (http.Handler, error) {
	all := routeTable{}
	for i, r := range routes {
		method, path, ok := strings.Cut(r.Pattern, " ")
		switch {
		case !ok || method == "" || !strings.HasPrefix(path, "/"):
			return nil, errorf("route %d: Pattern %q: want a method and a path", i, r.Pattern)
		case r.Verifier == nil:
			return nil, errorf("%s: Verifier is nil: %w", r.Pattern, ErrUnsignedPath)
		case r.Handler == nil:
			return nil, errorf("%s: Handler is nil", r.Pattern)
		case all[path][method] != nil:
			return nil, errorf("%s: given twice", r.Pattern)
		case len(r.Verifier.config.Methods) > 0 && !slices.Contains(r.Verifier.config.Methods, method):
			return nil, errorf("%s: the verifier does not let %s pass", r.Pattern, method)
		}
		if all[path] == nil {
			all[path] = map[string]http.Handler{}
		}
		all[path][method] = r.Verifier.Middleware(fitting(r))
	}
	if len(all) == 0 {
		return nil, errorf("NewRoutes: no route")
	}
	return all, nil
}

type routeTable map[string]map[string]http.Handler

// ServeHTTP implements [http.Handler].
func (t routeTable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	methods, known := t[r.URL.Path]
	if !known || r.URL.RawPath != "" {
		writeRefusal(w, http.StatusNotFound, "rest_no_route")
		return
	}
	h, known := methods[r.Method]
	if !known {
		for method := range methods {
			w.Header().Add("Allow", method)
		}
		writeRefusal(w, http.StatusMethodNotAllowed, "method_not_allowed")
		return
	}
	h.ServeHTTP(w, r)
}

// fitting asks Fits before the handler.
func fitting(route Route) http.Handler {
	if route.Fits == nil {
		return route.Handler
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in, ok := r.Body.(*verified)
		if !ok {
			writeRefusal(w, http.StatusInternalServerError, "internal")
			return
		}
		body := make([]byte, in.body.Len())
		_, _ = in.body.ReadAt(body, 0) // of memory: cannot fail
		if err := route.Fits(body); err != nil {
			route.Verifier.answer(w, route.Verifier.refuse(r, &claim{sender: in.identity.KeyID, nonce: in.identity.Nonce}, ErrPayload, err))
			return
		}
		route.Handler.ServeHTTP(w, r)
	})
}
