package eurofakturatest

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the vendor's older credential is one
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const jsonType = "application/json"

// slack is by how much a start may come early: the client counts when it sends, the server when it hears.
const slack = 60 * time.Millisecond

// Call is a request as a script sees it, after the credentials were found good.
type Call struct {
	Method     string
	Parameters map[string]any // numbers as json.Number
}

// Answer replaces the server's own.
type Answer struct {
	Status int    // default 200
	Body   string // default: what Error makes
	Type   string // Content-Type; default application/json
	Error  string // the description of a business error, HTTP 500: "Error nr: 1 #buyerTaxNumber - VAT number is required;"
	Do     bool   // the method is carried out all the same
}

// SetScript lets f answer requests: nil leaves a request to the server. It is called under the server's lock: it must not call
// methods of Books.
func (b *Books) SetScript(f func(Call) *Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.script = f
}

// ServeHTTP implements [http.Handler].
func (b *Books) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	req, problem := b.understand(r, body)

	b.mu.Lock()
	n := len(b.requests)
	b.requests = append(b.requests, Request{Method: req.method, Parameters: req.raw, CLI: req.cli, At: time.Now().UTC()})
	overlapping := b.busy
	if overlapping {
		b.overlaps++
	}
	crowding := !overlapping && problem == "" && !b.admit()
	if !overlapping {
		b.busy = true
	}
	b.mu.Unlock()

	w.Header().Set("Content-Encoding", "8-bit")
	out := &watched{ResponseWriter: w, status: func(status int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if n < len(b.requests) {
			b.requests[n].Status = status
		}
	}}
	if overlapping {
		say(out, http.StatusInternalServerError, failure("", "Another web request is currently being processed"))
		return
	}
	defer func() {
		b.mu.Lock()
		b.busy = false
		b.mu.Unlock()
	}()
	if crowding {
		say(out, http.StatusTooManyRequests, failure("", "Too many requests from the client IP address"))
		return
	}
	b.faults.ServeHTTP(out, r)
}

// admit notes a start and says whether the window has room for it.
func (b *Books) admit() bool {
	if b.config.Starts < 0 {
		return true
	}
	now := time.Now()
	recent := b.starts[:0]
	for _, at := range b.starts {
		if now.Sub(at) < b.config.Window-slack {
			recent = append(recent, at)
		}
	}
	b.starts = recent
	if len(b.starts) >= b.config.Starts {
		b.crowded++
		return false
	}
	b.starts = append(b.starts, now)
	return true
}

// watched tells which status was sent.
type watched struct {
	http.ResponseWriter
	status func(int)
}

func (w *watched) WriteHeader(status int) {
	w.status(status)
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets an http.ResponseController flush.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// request is a call in either form.
type request struct {
	method                           string
	raw                              json.RawMessage // the parameters
	username, secret, md5pass, token string
	cli                              bool
}

// understand reads a request; problem is what a wrong address or a broken body is answered with.
func (b *Books) understand(r *http.Request, body []byte) (req request, problem string) {
	if rest, ok := strings.CutPrefix(r.URL.Path, b.path+"-CLI/"); ok {
		return b.understandCLI(r, rest, body)
	}
	if r.URL.Path != b.path || r.Method != http.MethodPost {
		return req, "404"
	}
	var in struct {
		Username   string          `json:"username"`
		SecretKey  string          `json:"secretKey"`
		MD5Pass    string          `json:"md5pass"`
		Token      string          `json:"token"`
		Method     string          `json:"method"`
		Parameters json.RawMessage `json:"parameters"`
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != jsonType || json.Unmarshal(body, &in) != nil {
		return req, "The request cannot be read"
	}
	return request{in.Method, in.Parameters, in.Username, in.SecretKey, in.MD5Pass, in.Token, false}, ""
}

func (b *Books) understandCLI(r *http.Request, method string, body []byte) (req request, problem string) {
	user, password, _ := r.BasicAuth()
	token, secret, _ := strings.Cut(password, "_")
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return req, "The request cannot be read"
	}
	params := map[string]any{}
	for name, values := range form {
		if len(values) > 1 {
			params[name] = values
			continue
		}
		if v := values[0]; strings.HasPrefix(v, "{") && json.Valid([]byte(v)) || strings.HasPrefix(v, "[") && json.Valid([]byte(v)) {
			params[name] = json.RawMessage(v)
		} else {
			params[name] = v
		}
	}
	raw, err := json.Marshal(params)
	if err != nil {
		return req, "The request cannot be read"
	}
	return request{method, raw, user, secret, "", token, true}, ""
}

// serve answers one request that met no fault.
func (b *Books) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	req, problem := b.understand(r, body)
	switch {
	case problem == "404":
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>")
		return
	case problem != "":
		say(w, http.StatusInternalServerError, failure("", problem))
		return
	}
	b.mu.Lock()
	status, answer, contentType := b.answer(req)
	b.mu.Unlock()
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer) //nolint:gosec // a test's own page
		return
	}
	say(w, status, answer)
}

func say(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// failure is the answer of an error. Without a method it failed before it knew the method.
func failure(method, description string) string {
	response := map[string]any{
		"status": "error", "release": "1031.0", "url": "X9z", "serverTime": "2026-02-03T10:15:22", "apiMethod": nil, "description": description,
	}
	if method != "" {
		response["apiMethod"] = method
	}
	return marshal(map[string]any{"response": response})
}

func marshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // cannot be: maps of texts and numbers
		return `{"response":{"status":"error","description":"encoding"}}`
	}
	return string(text)
}

// answer carries a call out.
func (b *Books) answer(req request) (status int, body, contentType string) {
	sum := md5.Sum([]byte(strings.ToUpper(b.config.Username) + b.config.Password)) //nolint:gosec // the vendor's
	switch {
	case req.token != b.config.Token:
		return 500, failure("", "Invalid web services token"), ""
	case req.username != b.config.Username,
		req.secret != b.config.SecretKey && (req.md5pass == "" || req.md5pass != hex.EncodeToString(sum[:])),
		req.secret != "" && req.md5pass != "":
		return 500, failure("", "User name or password is not valid"), ""
	}
	call := Call{Method: req.method}
	dec := json.NewDecoder(bytes.NewReader(req.raw))
	dec.UseNumber()
	if len(req.raw) > 0 && dec.Decode(&call.Parameters) != nil {
		return 500, failure(req.method, "Error nr: 1 #parameters - The parameters cannot be read;\r\n"), ""
	}
	if call.Parameters == nil {
		call.Parameters = map[string]any{}
	}
	if b.script != nil {
		if a := b.script(call); a != nil {
			if a.Do {
				b.carryOut(call)
			}
			own := *a
			if own.Error != "" {
				return 500, failure(req.method, own.Error), ""
			}
			if own.Status == 0 {
				own.Status = 200
			}
			return own.Status, own.Body, own.Type
		}
	}
	result, problem := b.carryOut(call)
	if problem != "" {
		return 500, failure(req.method, problem), ""
	}
	return 200, marshal(map[string]any{"response": map[string]any{"status": "ok", "result": result}}), ""
}

// carryOut does what the method says, once for each apiTransactionId.
func (b *Books) carryOut(c Call) (result any, problem string) {
	transaction, _ := c.Parameters["apiTransactionId"].(string)
	key := c.Method + " " + transaction
	if first, known := b.done[key]; known && transaction != "" && !b.config.NoTransactionIDs {
		if b.config.RefuseRepeats {
			return nil, "Error nr: 1 #apiTransactionId - The transaction has been carried out already;\r\n"
		}
		return maps.Clone(first), ""
	}
	result, problem = b.perform(c)
	if object, ok := result.(map[string]any); ok && problem == "" && transaction != "" {
		b.done[key] = object
	}
	return result, problem
}
