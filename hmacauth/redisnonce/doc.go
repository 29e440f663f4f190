// Package redisnonce remembers nonces in Redis or Valkey, one key each, set only if it is not there and gone by itself.
//
//	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})
//	nonces, err := redisnonce.Open(ctx, client, redisnonce.Config{})
//	verifier, err := hmacauth.NewVerifier(hmacauth.VerifierConfig{Nonces: nonces, …})
//
// Any [redis.UniversalClient] will do: one server, Sentinel, a cluster. Open refuses a server that evicts keys when its memory is full
// (maxmemory-policy other than noeviction), since it would forget nonces that are live; a full one then refuses, and verifiers answer 503.
//
// What Redis forgets may be replayed: it forgets on FLUSHDB, on a restart without append-only file (with appendfsync everysec the last second),
// and the last writes when it fails over to a replica. Where that matters use sqlnonce, or let the effect of a request be idempotent, which it
// should be in any case.
package redisnonce
