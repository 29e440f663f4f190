package kitgenix

import (
	"net/http"
	"strings"
)

// namespace is where the plugin's routes are. They are called v1 in both of its generations.
const namespace = "kitgenix-stock-sync/v1"

// The routes.
const (
	routePing       = "ping"
	routeEvent      = "event"
	routeStock      = "stock"
	routeStockState = "stock-state"
)

// routeOf returns the route that a request is for, or "". As in WordPress it may be in any letter case, with a slash behind it, below
// a folder or index.php, and in the query as rest_route.
func routeOf(r *http.Request) string {
	path := strings.ToLower(r.URL.Path)
	_, route, ok := strings.Cut(path, "/wp-json/")
	if !ok {
		if !strings.HasSuffix(path, "/") && !strings.HasSuffix(path, "/index.php") && path != "" {
			return ""
		}
		values := r.URL.Query()["rest_route"]
		if len(values) != 1 {
			return ""
		}
		route = strings.TrimLeft(strings.ToLower(values[0]), "/")
	}
	route, ok = strings.CutPrefix(strings.TrimRight(route, "/"), namespace+"/")
	if !ok {
		return ""
	}
	switch route {
	case routePing, routeEvent, routeStock, routeStockState:
		return route
	}
	return ""
}

// overridden reports a request that asks to be taken for one of another method. The plugin's server does as it is asked.
func overridden(r *http.Request) bool {
	return len(r.Header["X-Http-Method-Override"]) > 0 || r.URL.Query().Has("_method")
}

// isPing reports whether a request of ours is a probe for the breaker, in either form of the address.
func isPing(r *http.Request) bool { return routeOf(r) == routePing }
