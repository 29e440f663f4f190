package hmacauth

import (
	"html"
	"net/http"
	"slices"
	"strings"
)

// WooWebhook is how a WooCommerce shop signs its webhooks: base64 of the HMAC-SHA-256 of the body, in X-WC-Webhook-Signature. It
// proves who wrote the body and no more: there is no timestamp, no nonce and no sender, so a captured delivery passes for ever. What a
// handler does on it must bear being done again; reading the order anew, for instance.
//
// Each key is tried as it stands, HTML-decoded and HTML-encoded: newer shops decode a secret before they sign, older ones sign with
// it as stored, and what a person copied from the form may be either.
type WooWebhook struct {
	KeyID string // under which [Keys] are asked, since the delivery names no sender
}

// AppendSignature appends the signature of m.Body.
func (WooWebhook) AppendSignature(dst []byte, k Key, m Message) []byte {
	if k.IsZero() {
		return dst
	}
	s := bodyMAC(k.m(), m)
	dst = append64(dst, s.finish())
	s.done()
	return dst
}

// Check returns the key with which m.Body was signed.
func (WooWebhook) Check(keys []Key, m Message, signature string) (Key, bool) {
	var sigs [1][32]byte
	if !decode64(&sigs[0], signature) {
		return Key{}, false
	}
	return check(keys, shopForms, bodyMAC, m, sigs[:])
}

func bodyMAC(m *material, message Message) *macState {
	s := m.begin()
	s.hash.Write(message.Body)
	return s
}

func shopForms(m *material) []*material { return m.wooForms() }

// wordPressEscape is how WordPress escapes a text field.
var wordPressEscape = strings.NewReplacer("&", "&amp;", `"`, "&quot;", "'", "&#039;", "<", "&lt;", ">", "&gt;")

// wooForms are the distinct keys that a secret may stand for, the secret itself first.
func wooForms(m *material) []*material {
	all := []*material{m}
	texts := []string{string(m.secret)}
	for _, text := range []string{html.UnescapeString(texts[0]), wordPressEscape.Replace(texts[0])} {
		if text != "" && !slices.Contains(texts, text) {
			texts = append(texts, text)
			all = append(all, newMaterial([]byte(text)))
		}
	}
	return all
}

//nolint:unparam // of Profile
func (p WooWebhook) scheme() (scheme, error) { return &wooWebhook{keyID: p.KeyID}, nil }

type wooWebhook struct{ keyID string }

const wooSignature = "X-Wc-Webhook-Signature" // canonical; the shop writes X-WC-Webhook-Signature

func (*wooWebhook) traits() traits {
	return traits{name: "woowebhook", replays: true, authFail: "auth_failed"}
}

func (*wooWebhook) present(h http.Header) bool { return len(h[wooSignature]) > 0 }

func (p *wooWebhook) claim(r *http.Request, c *claim) Reason {
	text, why := one(r.Header, wooSignature, 44)
	if why != "" {
		return why
	}
	if !decode64(&c.sigs[0], text) {
		return ErrMalformed
	}
	c.sender, c.n, c.shown = p.keyID, 1, text
	return ""
}

func (*wooWebhook) match(c *claim, body []byte, keys []Key, n *counters) int {
	return matchAll(keys, shopForms, bodyMAC, Message{Body: body}, c.sigs[:c.n], n)
}

func (*wooWebhook) sign(r *http.Request, k Key, _ stamp, body []byte) (string, error) {
	r.Header[wooSignature] = []string{string(WooWebhook{}.AppendSignature(nil, k, Message{Body: body}))}
	return "", nil
}
