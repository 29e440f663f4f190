package stocksynctest

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const namespace = "/kitgenix-stock-sync/v1"

// Versions of what a store says that it runs.
const (
	wooVersion = "11.0.1"
	version1   = "1.0.2"
	version2   = "2.0.0"
)

// ServeHTTP implements [http.Handler].
func (p *Plugin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	route := route(r)
	endpoint, ours := strings.CutPrefix(route, namespace+"/")
	n := p.note(Request{Peer: header(r, headerStore), Endpoint: endpoint, Body: string(body)})
	status, answer := p.answer(r, route, endpoint, ours, body)
	if r.Method == http.MethodHead {
		answer = nil
	}
	if r.URL.Query().Has("_envelope") {
		status, answer = 200, object{{"body", answer}, {"status", status}, {"headers", object{{"Allow", "POST"}}}}
	}
	text := ""
	if answer != nil {
		text = phpJSON(answer)
	}
	p.settle(n, status, text)
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("X-Robots-Tag", "noindex")
	w.Header().Set("Date", p.now().UTC().Format(http.TimeFormat))
	if ours {
		w.Header().Set("Allow", "POST")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// note writes a request down, settle how it ended.
func (p *Plugin) note(r Request) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.At = time.Now().UTC()
	p.requests = append(p.requests, r)
	return len(p.requests) - 1
}

func (p *Plugin) settle(n, status int, answer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests[n].Status, p.requests[n].Answer = status, answer
}

// route is the REST route of a request, in lower case: WordPress does not care.
func route(r *http.Request) string {
	path := r.URL.Query().Get("rest_route")
	if path == "" {
		_, path, _ = strings.Cut(r.URL.Path, "/wp-json")
	}
	return strings.ToLower(strings.TrimSuffix(path, "/"))
}

func (p *Plugin) answer(r *http.Request, route, endpoint string, ours bool, body []byte) (status int, answer any) {
	method := r.Method
	if other := r.Header.Get("X-Http-Method-Override"); other != "" {
		method = other
	}
	known := ours && slices.Contains([]string{"ping", "event", "stock", "stock-state"}, endpoint)
	switch {
	case method == http.MethodGet && route == "":
		return 200, object{{"name", p.config.Name}, {"namespaces", []any{"oembed/1.0", "wc/v3", namespace[1:]}}}
	case method == http.MethodGet && route == namespace:
		return 200, object{{"namespace", namespace[1:]}, {"routes", object{{namespace, object{{"methods", []any{"GET"}}}}}}}
	case known && method == http.MethodOptions:
		return 200, object{{"namespace", namespace[1:]}, {"methods", []any{"POST"}}}
	case !known || method != http.MethodPost:
		return refuse(denial{404, "rest_no_route", "No route was found matching the URL and request method."})
	}
	if isJSON(r) && len(body) > 0 {
		if code, message := malformed(body); code != 0 {
			return 400, object{{"code", "rest_invalid_json"}, {"message", "Invalid JSON body passed."}, {"data", object{
				{"status", 400}, {"json_error_code", code}, {"json_error_message", message}}}}
		}
	}
	if d := p.authenticate(r, body); d != nil {
		return refuse(*d)
	}
	defer p.keepOptions()()
	switch endpoint {
	case "ping":
		return 200, p.pong()
	case "event":
		return p.receive(r, body)
	}
	return p.look(endpoint, body)
}

func refuse(d denial) (int, any) {
	return d.status, object{{"code", d.code}, {"message", d.message}, {"data", object{{"status", d.status}}}}
}

func isJSON(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
}

// malformed is what WordPress says of a body that is no JSON, before the plugin sees it.
func malformed(body []byte) (code int, message string) {
	if !utf8.Valid(body) {
		return 5, "Malformed UTF-8 characters, possibly incorrectly encoded"
	}
	if _, err := parseJSON(bytes.TrimSpace(body)); err != nil {
		return 4, "Syntax error"
	}
	return 0, ""
}

// keepOptions is the one options row of generation 2, read at the start of a request and written back at its end, whoever changed it
// meanwhile.
func (p *Plugin) keepOptions() func() {
	if p.config.Generation == 1 || p.config.Cured.OptionRace {
		return func() {}
	}
	p.mu.Lock()
	before := p.options.clone()
	p.mu.Unlock()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.options = before // with the time of the last inbound call in it, for which it is written
	}
}

func (p *Plugin) pong() object {
	role := "child"
	if p.config.Master {
		role = "master"
	}
	o := object{{"ok", true}, {"store_id", p.config.ID}, {"store_name", p.config.Name}, {"role", role}, {"time", p.now().Unix()}}
	if p.config.Generation == 2 {
		o = append(o, field{"wc_version", wooVersion}, field{"plugin_version", version2})
	}
	return o
}

// receive answers POST event.
func (p *Plugin) receive(r *http.Request, body []byte) (status int, answer any) {
	fields, d := p.decode(body, "kss_bad_json", "Invalid JSON")
	if d != nil {
		return refuse(*d)
	}
	kind, ok := fields["event_type"].(string)
	if !ok {
		return refuse(denial{400, "kss_event_type", "Missing event_type"})
	}
	done := object{{"ok", true}, {"processed", true}}
	from := header(r, headerStore)
	e := event(fields)
	if id, _ := e["event_id"].(string); id == "" && p.config.Generation == 1 {
		e["event_id"] = keyed(from + string(body)) // the same payload twice counts once
	}
	if p.config.Generation == 2 {
		if _, ok := e["origin_store_id"]; !ok {
			e["origin_store_id"] = from
		}
	}
	p.stamp(e)
	id, _ := e["event_id"].(string)
	if p.known(id) {
		return 200, done
	}
	if !p.config.Cured.MarkBeforeWork {
		p.mark(id)
	}
	if p.dies() {
		return 500, object{{"code", "internal_server_error"},
			{"message", "<p>There has been a critical error on this website.</p>"}, {"data", object{{"status", 500}}}}
	}
	untouched := 0
	p.do(r.Context(), func(php *php) { untouched = php.ingest(e, from) })
	if p.config.Cured.MarkBeforeWork {
		p.mark(id)
	}
	if untouched > 0 && p.config.Cured.AlwaysOK {
		return refuse(denial{422, "kss_not_applied", strconv.Itoa(untouched) + " items of " + kind + " were not applied"})
	}
	return 200, done
}

// dies says whether PHP is to die now.
func (p *Plugin) dies() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doomed == 0 {
		return false
	}
	p.doomed--
	return true
}

// decode reads a body as the routes do: a JSON list is an object to PHP.
func (p *Plugin) decode(body []byte, code1, message1 string) (map[string]any, *denial) {
	v, err := parseJSON(body)
	switch fields := v.(type) {
	case map[string]any:
		return fields, nil
	case []any:
		return map[string]any{}, nil
	}
	d := &denial{400, code1, message1}
	if p.config.Generation == 2 {
		d.code, d.message = "kss_bad_json", "Invalid JSON payload"
		if err != nil && len(body) > 0 {
			d.message = "Invalid JSON: Syntax error"
		}
	}
	return nil, d
}

// look answers POST stock and stock-state.
func (p *Plugin) look(endpoint string, body []byte) (status int, answer any) {
	if endpoint == "stock" && !p.config.Master {
		return refuse(denial{403, "kss_not_master", "Stock query is only supported on master"})
	}
	fields, d := p.decode(body, "kss_bad_payload", "Missing items")
	if d != nil {
		return refuse(*d)
	}
	asked, ok := entries(fields["items"])
	if !ok {
		return refuse(denial{400, "kss_bad_payload", "Missing items"})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var found object
	for _, item := range asked {
		fields, ok := item.(map[string]any)
		sku := strings.TrimSpace(phpString(fields["sku"]))
		if !ok || sku == "" {
			continue
		}
		state := p.state(endpoint, sku)
		if i := slices.IndexFunc(found, func(f field) bool { return f.key == sku }); i >= 0 {
			found[i].value = state
			continue
		}
		found = append(found, field{sku, state})
	}
	return 200, object{{"ok", true}, {"items", p.phpMap(found)}}
}

// phpMap is a PHP array with these keys as JSON: a list when they are 0, 1, 2…, so also when there are none.
func (p *Plugin) phpMap(o object) any {
	if p.config.Cured.JSONShapes {
		return o
	}
	list := []any{}
	for i, f := range o {
		if f.key != strconv.Itoa(i) {
			return o
		}
		list = append(list, f.value)
	}
	return list
}

// state is what the look-ups say of a SKU. Called under the lock.
func (p *Plugin) state(endpoint, sku string) object {
	product := p.bySKU(sku)
	if product == nil {
		return object{{"exists", false}}
	}
	owner := p.owner(product)
	o := object{{"exists", true}}
	if endpoint == "stock-state" && p.config.Generation == 2 {
		o = append(o, field{"gid", product.GID})
	}
	o = append(o, field{"stock_quantity", owner.Quantity}, field{"stock_status", product.Status}, field{"backorders", owner.Backorders})
	if endpoint == "stock" {
		return o
	}
	low := int64(0)
	if owner.LowStock != nil {
		low = *owner.LowStock
	}
	var manage any = owner.Manage
	if owner != product && p.config.Generation == 2 {
		manage = "parent"
	}
	return append(o, field{"low_stock_amount", low}, field{"manage_stock", manage})
}
