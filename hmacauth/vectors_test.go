package hmacauth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
)

type vector struct {
	Name, Secret, Timestamp, Nonce, Body, Signature string
	SecretBase64                                    string `json:"secret_base64"`
	Base                                            string
	Valid                                           bool
	// Of whole requests.
	KeyID                string `json:"key_id"`
	At                   int64
	Method, Host, Target string
	Headers              map[string]string
}

func vectors(t testing.TB, name string) (all, requests []vector) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "vectors", name+".json"))
	require.NoError(t, err)
	var file struct{ Vectors, Requests []vector }
	require.NoError(t, json.Unmarshal(text, &file))
	require.NotEmpty(t, file.Vectors)
	return file.Vectors, file.Requests
}

// core is what Kitgenix, WooWebhook, StandardWebhooks and RFC9421 have in common outside HTTP.
type core interface {
	AppendSignature(dst []byte, k hmacauth.Key, m hmacauth.Message) []byte
	Check(keys []hmacauth.Key, m hmacauth.Message, signature string) (hmacauth.Key, bool)
}

// The vectors pass both ways: valid ones verify and are what we would sign, others do not verify.
func TestVectors(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]core{
		"kitgenix": hmacauth.Kitgenix{}, "woowebhook": hmacauth.WooWebhook{}, "standardwebhooks": hmacauth.StandardWebhooks{}, "rfc9421": hmacauth.RFC9421{},
	} {
		all, requests := vectors(t, name)
		for _, v := range all {
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				t.Parallel()
				if v.SecretBase64 != "" {
					secret, err := base64.StdEncoding.DecodeString(v.SecretBase64)
					require.NoError(t, err)
					v.Secret, v.Body = string(secret), v.Base
				}
				key := newKey(t, "a", v.Secret)
				m := hmacauth.Message{Timestamp: v.Timestamp, Nonce: v.Nonce, Body: []byte(v.Body)}
				found, ok := p.Check([]hmacauth.Key{newKey(t, "b", another), key}, m, v.Signature)
				require.Equal(t, v.Valid, ok)
				if !ok {
					return
				}
				require.Equal(t, "a", found.ID())
				if !strings.Contains(v.Name, "shop signs") {
					require.Contains(t, v.Signature, string(p.AppendSignature(nil, key, m)))
				}
			})
		}
		for _, v := range requests {
			t.Run(name+"/request/"+v.Name, func(t *testing.T) {
				t.Parallel()
				secret, err := base64.StdEncoding.DecodeString(v.SecretBase64)
				require.NoError(t, err)
				key := newKey(t, v.KeyID, string(secret))
				r := httptest.NewRequest(v.Method, v.Target, strings.NewReader(v.Body))
				r.Host = v.Host
				r.Header = http.Header{}
				for name, value := range v.Headers {
					r.Header.Set(name, value)
				}
				verifier, err := hmacauth.NewVerifier(hmacauth.VerifierConfig{Profile: hmacauth.RFC9421{}, Keys: static(t, key), Nonces: memory()})
				require.NoError(t, err)
				verifier.SetNow(func() time.Time { return time.Unix(v.At, 0) })
				base, ok := hmacauth.Base(hmacauth.RFC9421{}, r)
				id, body, err := verifier.Verify(r)
				if !v.Valid {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, v.Base, string(base))
				require.Equal(t, v.Body, string(body))
				require.Equal(t, hmacauth.Identity{
					KeyID: v.KeyID, Fingerprint: key.Fingerprint(), SignedAt: time.Unix(1772000000, 0).UTC(), Nonce: "nonce-of-22-characters", Profile: "rfc9421",
				}, id)
			})
		}
	}
}
