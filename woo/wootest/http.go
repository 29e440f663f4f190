package wootest

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// call is one request, read as PHP and WordPress read it.
type call struct {
	r      *http.Request
	home   string // as WordPress believes it to be: scheme, host, subdirectory
	path   string // below home
	method string // after an override
	query  params
	form   map[string]string // of an urlencoded body
	body   *object           // of a JSON body, or the form as strings; never nil
	list   []any             // of a JSON body that is a list
	warned bool              // PHP warns before the answer
}

// params are query parameters as PHP parses them.
type params map[string]param

type param struct {
	values []string
	array  bool // written with brackets
}

func (p params) get(name string) string {
	if v := p[name]; len(v.values) > 0 && !v.array {
		return v.values[0]
	}
	return ""
}

// list splits a comma-separated value or takes an array as it is; empty elements vanish.
func (p params) list(name string) []string {
	v := p[name]
	values := v.values
	if !v.array && len(values) > 0 {
		values = strings.Split(values[0], ",")
	}
	var list []string
	for _, s := range values {
		if s = strings.TrimSpace(s); s != "" {
			list = append(list, s)
		}
	}
	return list
}

// parseParams reads a query or form: of a repeated name the last counts, a[] and a[3] collect.
func parseParams(raw string) params {
	p := params{}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil || name == "" {
			continue
		}
		value, err = url.QueryUnescape(value)
		if err != nil {
			continue
		}
		if base, _, ok := strings.Cut(name, "["); ok && base != "" {
			v := p[base]
			p[base] = param{append(v.values, value), true}
			continue
		}
		p[name] = param{[]string{value}, false}
	}
	return p
}

// reply is what a route answers. A nil body is JSON null.
type reply struct {
	status int
	header http.Header
	body   any
	single bool // one resource: _fields keeps _links
}

func ok(body any) *reply { return &reply{status: http.StatusOK, body: body} }

// one answers with one resource.
func one(status int, body *object) *reply { return &reply{status: status, body: body, single: true} }

// fail is WordPress's error envelope; more is what data holds beside the status.
func fail(status int, code, message string, more ...field) *reply {
	data := obj(append([]field{{"status", number(int64(status))}}, more...)...)
	return &reply{status: status, body: obj(field{"code", code}, field{"message", message}, field{"data", data})}
}

func noRoute() *reply {
	return fail(http.StatusNotFound, "rest_no_route", "No route was found matching the URL and request method.")
}

// invalid collects parameters that the schema refuses.
type invalid struct{ names, texts, codes []string }

func (v *invalid) add(name, code, text string) {
	v.names, v.codes, v.texts = append(v.names, name), append(v.codes, code), append(v.texts, text)
}

func (v *invalid) reply() *reply {
	if len(v.names) == 0 {
		return nil
	}
	params, details := obj(), obj()
	for i, name := range v.names {
		var data any
		if v.codes[i] == "rest_invalid_type" {
			at, _, _ := strings.Cut(v.texts[i], " ")
			data = obj(field{"param", at})
		}
		params.set(name, v.texts[i])
		details.set(name, obj(field{"code", v.codes[i]}, field{"message", v.texts[i]}, field{"data", data}))
	}
	return fail(http.StatusBadRequest, "rest_invalid_param", "Invalid parameter(s): "+strings.Join(v.names, ", "),
		field{"params", params}, field{"details", details})
}

func missing(names ...string) *reply {
	list := make([]any, len(names))
	for i, n := range names {
		list[i] = n
	}
	return fail(http.StatusBadRequest, "rest_missing_callback_param", "Missing parameter(s): "+strings.Join(names, ", "), field{"params", list})
}

// serve answers one request that met no fault.
func (s *Shop) serve(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	c := &call{r: r, query: parseParams(r.URL.RawQuery), method: r.Method, body: obj()}
	c.home = "http://" + r.Host + s.home.Path
	if r.TLS != nil {
		c.home = "https://" + r.Host + s.home.Path
	}
	path, below := strings.CutPrefix(r.URL.Path, s.home.Path)
	c.path = path
	if s.troubled(w, c) {
		return
	}
	if !below || !strings.HasPrefix(path, "/wp-json") {
		s.page(w, c)
		return
	}
	s.answer(w, c, s.rest(c, raw))
}

// rest finds the route and runs it. Pings go out before the answer does, as the store sends them, and never under the lock.
func (s *Shop) rest(c *call, raw []byte) *reply {
	if bad := c.read(raw); bad != nil {
		return bad
	}
	if m := c.r.Header.Get("X-HTTP-Method-Override"); m != "" {
		c.method = strings.ToUpper(m)
	} else if m := c.query.get("_method"); m != "" && c.method == http.MethodPost {
		c.method = strings.ToUpper(m)
	}
	out, pings := s.locked(c)
	s.ping(c.r.Context(), pings)
	return out
}

// locked is rest under the lock. It returns the webhooks that are owed a ping.
func (s *Shop) locked(c *call) (out *reply, pings []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, known, fault := s.authenticate(c)
	if fault != nil {
		return fault, nil
	}
	segments := strings.Split(strings.Trim(c.path, "/"), "/")[1:]
	if len(segments) == 0 {
		return ok(s.index(c)), nil
	}
	if len(segments) < 2 || segments[0] != "wc" || segments[1] != "v3" {
		return noRoute(), nil
	}
	run, batch := s.route(c, segments[2:])
	if run == nil {
		return noRoute(), nil
	}
	if refused := permit(c, k, known, len(segments) > 3, batch); refused != nil {
		return refused, nil
	}
	s.saved = nil
	out = run()
	return out, s.owedPings()
}

// permit checks what the key may do. A permission is asked once, also of a batch.
func permit(c *call, k key, known, single, batch bool) *reply {
	write := c.method != http.MethodGet && c.method != http.MethodHead
	status := http.StatusUnauthorized
	if known {
		switch {
		case k.permission == ReadOnly && write:
			return fail(status, authError, "The API key provided does not have write permissions.")
		case k.permission == WriteOnly && !write:
			return fail(status, authError, "The API key provided does not have read permissions.")
		case k.permission != Customer:
			return nil
		}
		status = http.StatusForbidden
	}
	switch {
	case batch:
		return fail(status, "woocommerce_rest_cannot_batch", "Sorry, you are not allowed to batch manipulate this resource.")
	case !write && single:
		return fail(status, "woocommerce_rest_cannot_view", "Sorry, you cannot view this resource.")
	case !write:
		return fail(status, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
	case c.method == http.MethodDelete:
		return fail(status, "woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource.")
	case single:
		return fail(status, "woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource.")
	}
	return fail(status, "woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources.")
}

// read decodes the body.
func (c *call) read(raw []byte) *reply {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	mediaType, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if mediaType == "application/x-www-form-urlencoded" {
		c.form = map[string]string{}
		for name, p := range parseParams(string(raw)) {
			if !p.array {
				c.form[name] = p.values[0]
				c.body.set(name, p.values[0])
			}
		}
		return nil
	}
	v, err := parse(raw)
	if err != nil {
		return fail(http.StatusBadRequest, "rest_invalid_json", "Invalid JSON body passed.",
			field{"json_error_code", number(4)}, field{"json_error_message", "Syntax error"})
	}
	switch v := v.(type) {
	case *object:
		c.body = v
	case []any:
		c.list = v
	}
	return nil
}

// answer sends a reply with the headers that WordPress adds.
func (s *Shop) answer(w http.ResponseWriter, c *call, out *reply) {
	h := w.Header()
	h.Set("Content-Type", jsonType)
	h.Set("X-Robots-Tag", "noindex")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache, must-revalidate, max-age=0, no-store, private")
	for name, values := range out.header {
		h[name] = values
	}
	if h.Get("Link") == "" {
		h.Set("Link", "<"+c.home+`/wp-json/>; rel="https://api.w.org/"`)
	}
	body := out.body
	if fields := c.query.list("_fields"); len(fields) > 0 && out.status < 300 {
		body = trim(body, fields, out.single)
	}
	if c.query.get("_envelope") != "" {
		body, out = s.envelope(out, h, body), ok(nil)
	}
	text := encode(nil, body)
	text = bytes.ReplaceAll(text, []byte(`https:\/\/shop.invalid`), []byte(strings.ReplaceAll(c.home, "/", `\/`)))
	if name := c.query.get("_jsonp"); name != "" {
		h.Set("Content-Type", "application/javascript; charset=UTF-8")
		text = []byte("/**/" + name + "(" + string(text) + ")")
	}
	if !c.warned {
		h.Set("Content-Length", strconv.Itoa(len(text)))
	}
	w.WriteHeader(out.status)
	if c.r.Method != http.MethodHead {
		if c.warned {
			warn(w)
		}
		_, _ = w.Write(text)
	}
}

// envelope puts status and headers of an answer into its body, and takes the headers off the answer.
func (s *Shop) envelope(out *reply, h http.Header, body any) *object {
	headers := obj()
	for _, name := range []string{"X-WP-Total", "X-WP-TotalPages", "Link", "Location"} {
		v := out.header[name]
		if len(v) == 0 {
			continue
		}
		if n, isInt := asInt(v[0]); isInt {
			headers.set(name, number(n))
		} else {
			headers.set(name, v[0])
		}
		delete(h, name)
	}
	headers.set("Allow", "GET, POST")
	return obj(field{"body", body}, field{"status", jsonInt(out.status)}, field{"headers", headers})
}

// trim keeps the named fields: top level names and those of objects within, not of lists within. Of a single resource _links stays.
func trim(body any, fields []string, single bool) any {
	switch body := body.(type) {
	case []any:
		list := make([]any, len(body))
		for i := range body {
			list[i] = trim(body[i], fields, false)
		}
		return list
	case *object:
		kept := obj()
		for _, f := range body.fields {
			var within []string
			for _, want := range fields {
				if rest, ok := strings.CutPrefix(want, f.key+"."); ok {
					within = append(within, rest)
				}
			}
			sub, isObject := f.value.(*object)
			switch {
			case slices.Contains(fields, f.key), single && f.key == "_links":
				kept.set(f.key, f.value)
			case len(within) > 0 && isObject:
				kept.set(f.key, trim(sub, within, false))
			case len(within) > 0 && (f.key == "create" || f.key == "update" || f.key == "delete"):
				kept.set(f.key, []any{}) // a batch is asked for members of its lists, which have none
			}
		}
		if len(kept.fields) == 0 {
			return []any{} // an empty PHP array
		}
		return kept
	}
	return body
}

// page answers what is no REST route: a theme's page, or keys that are not looked at.
func (s *Shop) page(w http.ResponseWriter, c *call) {
	if c.query.get("rest_route") != "" {
		s.answer(w, c, fail(http.StatusUnauthorized, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources."))
		return
	}
	status := http.StatusNotFound
	if c.path == "" || c.path == "/" {
		status = http.StatusOK
	}
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.Header().Set("Link", "<"+c.home+`/wp-json/>; rel="https://api.w.org/"`)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<!DOCTYPE html>\n<html lang=\"en-US\">\n<head><title>Store</title></head>\n<body class=\"wp-theme\"></body>\n</html>\n")
}
