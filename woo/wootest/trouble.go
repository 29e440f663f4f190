package wootest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Trouble is a state in which a whole site answers otherwise than a store: see [Shop.SetTrouble].
type Trouble string

// The troubles. A client that asks for JSON is told of them in JSON where WordPress can, any other in HTML.
const (
	NoTrouble       Trouble = ""
	PlainPermalinks Trouble = "plain permalinks" // below /wp-json is a redirect to HTML, and ?rest_route= looks at no key
	Deactivated     Trouble = "deactivated"      // WooCommerce is switched off: none of its routes is known
	Maintenance     Trouble = "maintenance"      // 503 with Retry-After: 600, while WordPress updates itself
	DatabaseDown    Trouble = "database down"    // 500
	FatalError      Trouble = "fatal error"      // 500, PHP has died
	PHPWarnings     Trouble = "php warnings"     // 200, and a warning's HTML before the JSON
	WrongSite       Trouble = "wrong site"       // no WordPress at all: HTML, whatever is asked
)

// SetTrouble lets the site be in trouble until it is set to another, or to NoTrouble. Single requests go wrong by SetFaults.
func (s *Shop) SetTrouble(t Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = t
}

// troubled answers in place of the store, if the site's trouble wants that.
func (s *Shop) troubled(w http.ResponseWriter, c *call) bool {
	s.mu.Lock()
	t := s.trouble
	s.mu.Unlock()
	page := func(status int, title string) bool {
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<!DOCTYPE html>\n<html lang=\"en-US\">\n<head><title>%s</title></head>\n<body></body>\n</html>\n", title)
		return true
	}
	ill := func(status int, code, message, title string) bool {
		if !strings.Contains(c.r.Header.Get("Accept"), "application/json") {
			return page(status, title)
		}
		out := fail(status, code, message)
		out.body.(*object).set("additional_errors", []any{})
		w.Header().Set("Content-Type", jsonType)
		w.WriteHeader(status)
		_, _ = w.Write(encode(nil, out.body))
		return true
	}
	switch t {
	case PlainPermalinks:
		if _, rest, below := strings.Cut(c.path, "/wp-json"); below {
			query := ""
			if c.r.URL.RawQuery != "" {
				query = "?" + c.r.URL.RawQuery
			}
			w.Header().Set("X-Redirect-By", "WordPress")
			w.Header().Set("Location", c.home+"/wp-json"+strings.TrimSuffix(rest, "/")+"/"+query)
			w.Header().Set("Content-Type", "text/html; charset=UTF-8")
			w.WriteHeader(http.StatusMovedPermanently)
			return true
		}
	case Deactivated:
		if strings.HasPrefix(c.path, "/wp-json/wc/") {
			s.answer(w, c, noRoute())
			return true
		}
	case Maintenance:
		w.Header().Set("Retry-After", "600")
		return ill(http.StatusServiceUnavailable, "wp_die", "Briefly unavailable for scheduled maintenance. Check back in a minute.", "Maintenance")
	case DatabaseDown:
		return ill(http.StatusInternalServerError, "wp_die", "<h1>Error establishing a database connection</h1>", "Database Error")
	case FatalError:
		return ill(http.StatusInternalServerError, "internal_server_error", "<p>There has been a critical error on this website.</p>", "WordPress &rsaquo; Error")
	case PHPWarnings:
		c.warned = true
	case WrongSite:
		return page(http.StatusNotFound, "Not found")
	}
	return false
}

// warning is what PHP says when it is let.
const warning = "<br />\n<b>Warning</b>:  Undefined array key \"nope\" in <b>/srv/shop/wp-content/plugins/plugin.php</b> on line <b>16</b><br />\n"

func warn(w io.Writer) { _, _ = io.WriteString(w, warning) }
