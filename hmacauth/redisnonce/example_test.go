package redisnonce_test

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/hmacauth/redisnonce"
)

func ExampleOpen() {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1}) // nobody listens there
	defer func() { _ = client.Close() }()

	nonces, err := redisnonce.Open(context.Background(), client, redisnonce.Config{})
	if err != nil {
		fmt.Println("without its nonces a verifier would let replays in, so a host does not start")
		return
	}
	var _ hmacauth.NonceStore = nonces // for hmacauth.VerifierConfig
	// Output: without its nonces a verifier would let replays in, so a host does not start
}
