package hmacauth

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// StandardWebhooks is Standard Webhooks 1.0.0 (standardwebhooks.com), symmetric: base64 of the HMAC-SHA-256 over
//
//	id . timestamp . body
//
// in webhook-signature as "v1,…", beside webhook-id and webhook-timestamp. The header may list up to 8 signatures, separated by
// spaces; versions other than v1 are passed over. A secret that begins with "whsec_" is base64 of the key; any other is the key itself.
//
// The id names the message and is the same in every attempt, so a [Signer] keeps a webhook-id that the request has already. What is
// refused as a replay is therefore the id with its timestamp: a sender that tries again with a new timestamp is let in, and
// [Identity].Nonce tells the handler that it has seen the message before.
type StandardWebhooks struct {
	KeyID string // under which [Keys] are asked, since the message names no sender
}

// AppendSignature appends the signature of m, "v1," included.
func (StandardWebhooks) AppendSignature(dst []byte, k Key, m Message) []byte {
	if k.IsZero() || k.m().whsec() == nil {
		return dst
	}
	s := standardMAC(k.m().whsec(), m)
	dst = append64(append(dst, "v1,"...), s.finish())
	s.done()
	return dst
}

// Check returns the key with which m was signed. signatures is the header's whole list.
func (StandardWebhooks) Check(keys []Key, m Message, signatures string) (Key, bool) {
	var sigs [maxSignatures][32]byte
	n, ok := parseStandard(&sigs, signatures)
	if !ok || strings.Contains(m.Nonce, ".") || strings.Contains(m.Timestamp, ".") {
		return Key{}, false
	}
	return check(keys, whsecForm, standardMAC, m, sigs[:n])
}

func standardMAC(m *material, message Message) *macState {
	s := m.begin()
	b := append(s.scratch[:0], message.Nonce...)
	b = append(b, '.')
	b = append(b, message.Timestamp...)
	b = append(b, '.')
	s.hash.Write(b)
	s.hash.Write(message.Body)
	return s
}

// whsecForm is the key a secret stands for; none when it is marked as base64 and is not.
func whsecForm(m *material) []*material {
	if w := m.whsec(); w != nil {
		return w.self[:]
	}
	return nil
}

func decodeWhsec(m *material) *material {
	text, marked := strings.CutPrefix(string(m.secret), "whsec_")
	if !marked {
		return m
	}
	key, err := strict64.DecodeString(text)
	if err != nil {
		key, err = base64.RawStdEncoding.Strict().DecodeString(text)
	}
	if err != nil || len(key) == 0 {
		return nil
	}
	return newMaterial(key)
}

// parseStandard reads the list of signatures. One malformed entry refuses the whole: two headers joined by a proxy look like that.
func parseStandard(sigs *[maxSignatures][32]byte, list string) (n int, ok bool) {
	for entries := 0; list != ""; entries++ {
		if entries == maxSignatures {
			return 0, false
		}
		entry, rest, more := strings.Cut(list, " ")
		version, text, ok := strings.Cut(entry, ",")
		if !ok || len(version) < 2 || version[0] != 'v' || text == "" || strings.Contains(text, ",") || more && rest == "" {
			return 0, false
		}
		if version == "v1" {
			if !decode64(&sigs[n], text) {
				return 0, false
			}
			n++
		}
		list = rest
	}
	return n, n > 0
}

//nolint:unparam // of Profile
func (p StandardWebhooks) scheme() (scheme, error) { return &standardWebhooks{keyID: p.KeyID}, nil }

type standardWebhooks struct{ keyID string }

// Canonical; the specification writes them in lower case.
const (
	standardID        = "Webhook-Id"
	standardTimestamp = "Webhook-Timestamp"
	standardSignature = "Webhook-Signature"
	// maxStandard is the length of a list of eight with room for longer kinds of signatures.
	maxStandard = 1024
)

func (*standardWebhooks) traits() traits {
	return traits{name: "standardwebhooks", authFail: "auth_failed"}
}

func (*standardWebhooks) present(h http.Header) bool {
	return len(h[standardID])+len(h[standardTimestamp])+len(h[standardSignature]) > 0
}

func (p *standardWebhooks) claim(r *http.Request, c *claim) (why Reason) {
	if c.message.Nonce, why = one(r.Header, standardID, maxNonce); why != "" {
		return why
	}
	if c.message.Timestamp, why = one(r.Header, standardTimestamp, 12); why != "" {
		return why
	}
	text, why := one(r.Header, standardSignature, maxStandard)
	if why != "" {
		return why
	}
	var ok bool
	if c.at, ok = seconds(c.message.Timestamp); !ok || !token(c.message.Nonce) || strings.Contains(c.message.Nonce, ".") {
		return ErrMalformed
	}
	if c.n, ok = parseStandard(&c.sigs, text); !ok {
		return ErrMalformed
	}
	c.sender, c.timed, c.shown = p.keyID, true, text
	c.nonce = c.message.Nonce + "." + c.message.Timestamp
	return ""
}

func (*standardWebhooks) match(c *claim, body []byte, keys []Key, n *counters) int {
	c.message.Body = body
	return matchAll(keys, whsecForm, standardMAC, c.message, c.sigs[:c.n], n)
}

func (*standardWebhooks) sign(r *http.Request, k Key, s stamp, body []byte) (string, error) {
	id := r.Header.Get(standardID)
	if id == "" {
		id = "msg_" + s.nonce
	}
	if strings.Contains(id, ".") || !token(id) || len(id) > maxNonce {
		return "", errorf("webhook-id %q: want at most %d printable bytes without dot, comma, quotes and spaces", id, maxNonce)
	}
	m := Message{Timestamp: formatSeconds(s.at), Nonce: id, Body: body}
	signature := StandardWebhooks{}.AppendSignature(nil, k, m)
	if len(signature) == 0 {
		return "", errorf("the secret of key %q begins with whsec_ but is not base64", k.id)
	}
	r.Header[standardID] = []string{id}
	r.Header[standardTimestamp] = []string{m.Timestamp}
	r.Header[standardSignature] = []string{string(signature)}
	return id + "." + m.Timestamp, nil
}
