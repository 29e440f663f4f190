package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html"
	"net/http"
	"strings"
)

// SignatureHeader carries the signature of a delivery.
const SignatureHeader = "X-WC-Webhook-Signature"

// ErrSignature is the error of [Verify]. It does not say what was wrong.
var ErrSignature = errors.New("webhook: signature missing or wrong")

// Sign returns what a shop puts into [SignatureHeader]: base64 of the HMAC-SHA256 of the raw body.
func Sign(secret string, body []byte) string {
	return base64.StdEncoding.EncodeToString(sum(secret, body))
}

// Verify reports whether body, exactly as it was received, was signed with one of the secrets. It tries each secret as it
// stands, HTML-decoded and HTML-encoded, and compares all of them in constant time. Empty secrets are passed over: anybody
// can sign with an empty key. The only error is [ErrSignature].
func Verify(secrets []string, header http.Header, body []byte) error {
	return verify(forms(secrets), header, body)
}

func verify(keys []string, header http.Header, body []byte) error {
	values := header.Values(SignatureHeader)
	if len(values) != 1 {
		return ErrSignature
	}
	got, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(values[0]))
	if err != nil {
		return ErrSignature
	}
	signed := false
	for _, key := range keys {
		if hmac.Equal(got, sum(key, body)) {
			signed = true // and on, so that the time does not tell which key it was
		}
	}
	if !signed {
		return ErrSignature
	}
	return nil
}

func sum(key string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return mac.Sum(nil)
}

// encode is how WordPress escapes a text field. Older shops stored the secret that way and signed with the stored form.
var encode = strings.NewReplacer("&", "&amp;", `"`, "&quot;", "'", "&#039;", "<", "&lt;", ">", "&gt;")

// forms returns the distinct keys that the secrets may stand for. Newer shops decode a secret before they sign, older ones
// sign with it as stored, so what a person copied from the form may be either.
func forms(secrets []string) []string {
	var keys []string
	known := map[string]bool{"": true}
	for _, secret := range secrets {
		for _, key := range []string{secret, html.UnescapeString(secret), encode.Replace(secret)} {
			if !known[key] {
				known[key] = true
				keys = append(keys, key)
			}
		}
	}
	return keys
}
