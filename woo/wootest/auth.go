package wootest

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // OAuth 1.0a as the store offers it
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// authenticate finds whose key a request carries, as WooCommerce does: Basic and query keys only under TLS, OAuth 1.0a wherever those
// yield nothing. No key at all is no fault yet: known is false, and the route refuses.
func (s *Shop) authenticate(c *call) (k key, known bool, fault *reply) {
	if c.r.TLS != nil {
		id, secret := c.query.get("consumer_key"), c.query.get("consumer_secret")
		if id == "" || secret == "" {
			id, secret, _ = c.r.BasicAuth()
		}
		if id != "" && secret != "" {
			k, known = s.keys[id]
			if known && !hmac.Equal([]byte(k.secret), []byte(secret)) {
				return key{}, false, fail(http.StatusUnauthorized, authError, "Consumer secret is invalid.")
			}
			return k, known, nil
		}
	}
	return s.oauth(c)
}

const authError = "woocommerce_rest_authentication_error"

var oauthParams = []string{
	"oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method",
}

// oauth verifies a one-legged OAuth 1.0a signature, its parameters in the query or in the Authorization header.
func (s *Shop) oauth(c *call) (k key, known bool, fault *reply) {
	signed := map[string]string{}
	for name, p := range c.query {
		if !p.array {
			signed[name] = p.values[0]
			continue
		}
		for i, v := range p.values { // PHP numbers them, in whichever way they were written
			signed[name+"["+strconv.Itoa(i)+"]"] = v
		}
	}
	for name, v := range c.form {
		signed[name] = v
	}
	header, isHeader := strings.CutPrefix(c.r.Header.Get("Authorization"), "OAuth ")
	if isHeader {
		for part := range strings.SplitSeq(header, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			value, err := url.PathUnescape(strings.Trim(value, `"`))
			if err != nil || name == "realm" {
				continue
			}
			signed[name] = value
		}
	}
	missing := slices.DeleteFunc(slices.Clone(oauthParams), func(p string) bool { return signed[p] != "" })
	switch {
	case len(missing) == len(oauthParams):
		return key{}, false, nil // no OAuth at all
	case len(missing) > 0:
		text := "Missing OAuth parameter "
		if len(missing) > 1 {
			text = "Missing OAuth parameters "
		}
		return key{}, false, fail(http.StatusUnauthorized, "woocommerce_rest_authentication_missing_parameter", text+strings.Join(missing, ", "))
	}
	refuse := func(why string) (key, bool, *reply) {
		return key{}, false, fail(http.StatusUnauthorized, authError, why)
	}
	k, known = s.keys[signed["oauth_consumer_key"]]
	if !known {
		return refuse("Consumer key is invalid.")
	}
	var digest func() hash.Hash
	switch signed["oauth_signature_method"] {
	case "HMAC-SHA1":
		digest = sha1.New
	case "HMAC-SHA256":
		digest = sha256.New
	default:
		return refuse("Invalid signature - signature method is invalid.")
	}
	signature := signed["oauth_signature"]
	delete(signed, "oauth_signature")
	mac := hmac.New(digest, []byte(k.secret+"&"))
	mac.Write([]byte(c.r.Method + "&" + escape(c.home+c.path) + "&" + escape(baseParams(signed))))
	if !hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature)) {
		return refuse("Invalid signature - provided signature does not match.")
	}
	now := time.Now()
	stamp, err := strconv.ParseInt(signed["oauth_timestamp"], 10, 64)
	if err != nil || now.Sub(time.Unix(stamp, 0)).Abs() > oauthWindow {
		return refuse("Invalid timestamp.")
	}
	for nonce, used := range s.nonces {
		if now.Sub(used) > oauthWindow {
			delete(s.nonces, nonce)
		}
	}
	nonce := signed["oauth_consumer_key"] + " " + signed["oauth_timestamp"] + " " + signed["oauth_nonce"]
	if _, used := s.nonces[nonce]; used {
		return refuse("Invalid nonce - nonce has already been used.")
	}
	s.nonces[nonce] = now
	return k, true, nil
}

const oauthWindow = 15 * time.Minute

// baseParams is the third part of the signature base string before it is escaped as a whole.
func baseParams(params map[string]string) string {
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	pairs := make([]string, len(names))
	for i, name := range names {
		pairs[i] = escape(name) + "=" + escape(params[name])
	}
	return strings.Join(pairs, "&")
}

// escape is RFC 3986: everything but letters, digits and -._~ becomes %XX.
func escape(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}
