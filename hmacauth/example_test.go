package hmacauth_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"time"

	"github.com/tillwire/tillwire/hmacauth"
)

// Two Go services: one signs, the other lets in what was signed.
func Example() {
	key, err := hmacauth.NewKey("store-a", "a secret of at least 16 bytes") // GenerateSecret makes one
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := hmacauth.StaticKeys(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier, err := hmacauth.NewVerifier(hmacauth.VerifierConfig{
		Profile: hmacauth.RFC9421{}, Keys: keys,
		Nonces: hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{Since: time.Unix(0, 0)}), // the first start ever: nothing was seen before
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(verifier.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, _ := hmacauth.IdentityFrom(r.Context())
		body, _ := io.ReadAll(r.Body) // of memory
		fmt.Fprintf(w, "%s said %s", who.KeyID, body)
	})))
	defer server.Close()

	// Loopback is private and plain: both must be allowed by name.
	loopback := hmacauth.DialGuard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	client := &http.Client{Transport: hmacauth.NewTransport(loopback.Transport(), hmacauth.Signer{Profile: hmacauth.RFC9421{}, Key: key, AllowHTTP: true})}
	for _, c := range []*http.Client{client, {}} {
		answer, err := c.Post(server.URL+"/stock", "text/plain", strings.NewReader("7 pieces"))
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		fmt.Println(answer.StatusCode, string(body))
	}
	// Output:
	// 200 store-a said 7 pieces
	// 401 {"code":"auth_failed","message":"Unauthorized","data":{"status":401}}
}

// A message that does not travel by HTTP: its signature stands beside it.
func ExampleKitgenix_AppendSignature() {
	key, err := hmacauth.NewKey("store-a", "k9Zq3tWv8YbE2nRf6LmPx4Ju7HsDc1Aa")
	if err != nil {
		fmt.Println(err)
		return
	}
	m := hmacauth.Message{Timestamp: "1772000000", Nonce: "Ab3dEf6hIj9kLm2n", Body: []byte(`{"ping":true}`)}
	signature := string(hmacauth.Kitgenix{}.AppendSignature(nil, key, m))
	fmt.Println(signature)
	_, ok := hmacauth.Kitgenix{}.Check([]hmacauth.Key{key}, m, signature)
	fmt.Println(ok)
	// Output:
	// 2757f2f3fa1f7adb57dc50c9db4498d9c5d2a626931a0de33f6fe8f427cbd4e3
	// true
}

func ExampleNewRotation() {
	old, _ := hmacauth.NewKey("store-a", "the secret of last year")
	fresh, _ := hmacauth.NewKey("store-a", "the secret of this year")
	rotation, err := hmacauth.NewRotation(hmacauth.RotationConfig{Old: old, New: fresh, Peer: "store-b", Until: time.Now().Add(24 * time.Hour)})
	if err != nil {
		fmt.Println(err)
		return
	}
	// The same value is Signer.Key and VerifierConfig.Keys.
	fmt.Println(rotation.SigningKey().Fingerprint() == old.Fingerprint())
	rotation.Switch() // or the peer's first request with the new key
	fmt.Println(rotation.SigningKey().Fingerprint() == fresh.Fingerprint())
	// Output:
	// true
	// true
}

func ExampleCheckSecret() {
	fmt.Println(hmacauth.CheckSecret("correct<horse battery staple"))
	// Output: hmacauth: the secret would not survive being pasted into WordPress: it contains "<": what follows would be cut off or rewritten
}
