package hmacauth

import (
	"net/http"
	"net/textproto"
	"strings"
)

// Kitgenix is the scheme of the plugin "Kitgenix Stock Sync" for WooCommerce, to the letter: lower-case hexadecimal HMAC-SHA-256 over
//
//	timestamp LF nonce LF body
//
// in the headers X-Kitgenix-Store-Id, -Timestamp, -Nonce and -Signature. Signed are neither method, path and host nor the sender's
// id, and answers not at all; one secret serves both directions. [VerifierConfig] lists what is done against that on our side. Between
// Go services sign with [RFC9421] as well ([Signer].Beside), or instead.
type Kitgenix struct {
	HeaderPrefix string // default "X-Kitgenix-"
}

// AppendSignature appends the signature of m.
func (Kitgenix) AppendSignature(dst []byte, k Key, m Message) []byte {
	if k.IsZero() {
		return dst
	}
	s := kitgenixMAC(k.m(), m)
	dst = appendHex(dst, s.finish())
	s.done()
	return dst
}

// Check returns the key with which m was signed. It looks at nothing but the signature: neither at the time nor for replays. A
// timestamp or nonce with a line feed is refused, since the text that is signed could then be cut in more than one way.
func (Kitgenix) Check(keys []Key, m Message, signature string) (Key, bool) {
	var sigs [1][32]byte
	if !decodeHex(&sigs[0], signature) || strings.Contains(m.Timestamp, "\n") || strings.Contains(m.Nonce, "\n") {
		return Key{}, false
	}
	return check(keys, nil, kitgenixMAC, m, sigs[:])
}

func kitgenixMAC(m *material, message Message) *macState {
	s := m.begin()
	b := append(s.scratch[:0], message.Timestamp...)
	b = append(b, '\n')
	b = append(b, message.Nonce...)
	b = append(b, '\n')
	s.hash.Write(b)
	s.hash.Write(message.Body)
	return s
}

func (p Kitgenix) scheme() (scheme, error) {
	prefix := p.HeaderPrefix
	if prefix == "" {
		prefix = "X-Kitgenix-"
	}
	for i := range len(prefix) {
		if c := prefix[i]; !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return nil, errorf("Kitgenix.HeaderPrefix %q: want letters, digits and hyphens", prefix)
		}
	}
	name := func(s string) string { return textproto.CanonicalMIMEHeaderKey(prefix + s) }
	return &kitgenix{name("Store-Id"), name("Timestamp"), name("Nonce"), name("Signature")}, nil
}

// kitgenix holds the canonical names of the headers.
type kitgenix struct{ storeID, timestamp, nonce, signature string }

func (*kitgenix) traits() traits { return traits{name: "kitgenix", authFail: "kss_auth_failed"} }

func (p *kitgenix) present(h http.Header) bool {
	return len(h[p.storeID])+len(h[p.timestamp])+len(h[p.nonce])+len(h[p.signature]) > 0
}

func (p *kitgenix) claim(r *http.Request, c *claim) (why Reason) {
	if c.sender, why = one(r.Header, p.storeID, maxID); why != "" {
		return why
	}
	if c.message.Timestamp, why = one(r.Header, p.timestamp, 12); why != "" {
		return why
	}
	if c.message.Nonce, why = one(r.Header, p.nonce, maxNonce); why != "" {
		return why
	}
	text, why := one(r.Header, p.signature, 64)
	if why != "" {
		return why
	}
	var ok bool
	if c.at, ok = seconds(c.message.Timestamp); !ok || !plainText(c.sender) ||
		len(c.message.Nonce) < minNonce || !token(c.message.Nonce) || !decodeHex(&c.sigs[0], text) {
		return ErrMalformed
	}
	c.timed, c.nonce, c.n, c.shown = true, c.message.Nonce, 1, text
	return ""
}

func (*kitgenix) match(c *claim, body []byte, keys []Key, n *counters) int {
	c.message.Body = body
	return matchAll(keys, nil, kitgenixMAC, c.message, c.sigs[:c.n], n)
}

func (p *kitgenix) sign(r *http.Request, k Key, s stamp, body []byte) (string, error) {
	if k.id == "" {
		return "", errorf("Signer.Key has no id: the receiver would not know the sender")
	}
	m := Message{Timestamp: formatSeconds(s.at), Nonce: s.nonce, Body: body}
	r.Header[p.storeID] = []string{k.id}
	r.Header[p.timestamp] = []string{m.Timestamp}
	r.Header[p.nonce] = []string{m.Nonce}
	r.Header[p.signature] = []string{string(Kitgenix{}.AppendSignature(nil, k, m))}
	return s.nonce, nil
}
