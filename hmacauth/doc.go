// Package hmacauth signs HTTP requests with a shared secret and lets in only those that were signed with it, once.
//
//	key, err := hmacauth.NewKey("store-a", secret) // hmacauth.GenerateSecret() makes one
//	client := &http.Client{Transport: hmacauth.NewTransport(nil, hmacauth.Signer{Profile: hmacauth.RFC9421{}, Key: key})}
//
//	keys, err := hmacauth.StaticKeys(key)
//	verifier, err := hmacauth.NewVerifier(hmacauth.VerifierConfig{
//		Profile: hmacauth.RFC9421{}, Keys: keys, Nonces: hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{}),
//	})
//	mux.Handle("/", verifier.Middleware(next)) // next reads the verified bytes; IdentityFrom(r.Context()) says whose
//
// # Profiles
//
// What is signed, and what is therefore safe, depends on the [Profile]:
//
//	                     body  time  nonce  sender  method, host, path, query  answers
//	RFC9421              yes   yes   yes    yes     yes                        yes, if wanted
//	Kitgenix             yes   yes   yes    no      no                         no
//	StandardWebhooks     yes   yes   id     no      no                         no
//	WooWebhook           yes   no    no     no      no                         no
//
// Between Go services use [RFC9421]. The others are there to speak with those who speak nothing else. There is no negotiation and no
// fallback; [OneOf] accepts several, each for itself. [Signer].Beside signs in two ways at once.
//
// # What a verifier holds
//
// Nobody who lacks the key gets in, and what was accepted once is not accepted again. A request that cannot be judged, since the nonce
// store is full, slow or gone, is answered with 503 and Retry-After, never let in. Whoever lacks the key learns nothing: unknown
// senders and wrong signatures get the same answer after the same work. Nonces are reserved after the MAC was right, under the key and not
// under the sender's word, so nobody can use up another's. Bodies are capped before the first byte is read, and so is the memory of
// all of them together. See [Verifier] for the order of it all, and testdata/vectors for the formats in numbers.
//
// # Limits
//
// In memory, nonces last as long as the process: [MemoryNonces] answers 503 to what was signed before it started. Use sqlnonce
// or redisnonce when several processes serve one address. A Redis that fails over may forget; let the effect of a request be idempotent as well.
// Who sends a request under [Kitgenix] is known only to the pair of stores: both have one secret. Constant time is claimed for the
// comparison alone. Secrets stay in memory as long as their [Key] does; they are never printed.
//
// The core imports nothing but the standard library. Stores must pass the suite in hmacauthtest.
package hmacauth
