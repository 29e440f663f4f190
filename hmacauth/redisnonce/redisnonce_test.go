package redisnonce

import (
	"context"
	"crypto/rand"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/hmacauth/hmacauthtest"
)

// real opens the server named in TILLWIRE_TEST_REDIS under a prefix of its own, or skips.
func real(tb testing.TB) (dial func() redis.UniversalClient, c Config) {
	tb.Helper()
	address := os.Getenv("TILLWIRE_TEST_REDIS")
	if address == "" {
		tb.Skip("TILLWIRE_TEST_REDIS is not set")
	}
	options, err := redis.ParseURL(address)
	require.NoError(tb, err)
	c.Prefix = "test:" + rand.Text() + ":"
	dial = func() redis.UniversalClient {
		client := redis.NewClient(options)
		tb.Cleanup(func() { _ = client.Close() })
		return client
	}
	tb.Cleanup(func() {
		client := redis.NewClient(options)
		defer func() { _ = client.Close() }()
		keys := client.Scan(context.Background(), 0, c.Prefix+"*", 1000).Iterator()
		for keys.Next(context.Background()) {
			client.Del(context.Background(), keys.Val())
		}
	})
	return dial, c
}

// fake is a server in memory whose clock the test moves.
func fake(tb testing.TB) (*miniredis.Miniredis, func() redis.UniversalClient) {
	tb.Helper()
	server := miniredis.RunT(tb)
	return server, func() redis.UniversalClient {
		client := redis.NewClient(&redis.Options{Addr: server.Addr()})
		tb.Cleanup(func() { _ = client.Close() })
		return client
	}
}

func open(tb testing.TB, client redis.UniversalClient, c Config) *Nonces {
	tb.Helper()
	n, err := Open(tb.Context(), client, c)
	require.NoError(tb, err)
	return n
}

func rounds() int {
	if os.Getenv("TILLWIRE_LONG") == "1" {
		return 100
	}
	return 5
}

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		real(t)
		hmacauthtest.Run(t, hmacauthtest.Suite{Rounds: rounds(), Open: func(t *testing.T, n int) (all []hmacauth.NonceStore) {
			dial, c := real(t)
			for range n {
				all = append(all, open(t, dial(), c))
			}
			return all
		}})
	})
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		hmacauthtest.Run(t, hmacauthtest.Suite{Rounds: rounds(), Open: func(t *testing.T, n int) (all []hmacauth.NonceStore) {
			_, dial := fake(t)
			for range n {
				all = append(all, open(t, dial(), Config{}))
			}
			return all
		}})
	})
}

func TestForgetsInTime(t *testing.T) {
	t.Parallel()
	server, dial := fake(t)
	n := open(t, dial(), Config{})
	until := time.Now().Add(660 * time.Second)
	fresh, err := n.Reserve(t.Context(), "k", "n", until)
	require.NoError(t, err)
	require.True(t, fresh)
	server.FastForward(655*time.Second + keepFor)
	fresh, err = n.Reserve(t.Context(), "k", "n", until)
	require.NoError(t, err)
	require.False(t, fresh)
	server.FastForward(10 * time.Second)
	require.Empty(t, server.Keys())
}

// The client repeats a SET whose answer was lost. The second one finds the key of the first, and that is no replay.
func TestLostAnswerIsNoReplay(t *testing.T) {
	t.Parallel()
	server, _ := fake(t)
	var cut atomic.Bool
	client := redis.NewClient(&redis.Options{
		Addr: server.Addr(), Protocol: 2, DisableIdentity: true, MinRetryBackoff: time.Millisecond,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			return &lossy{Conn: c, cut: &cut}, err
		},
	})
	t.Cleanup(func() { _ = client.Close() })
	n := open(t, client, Config{})
	cut.Store(true)
	fresh, err := n.Reserve(t.Context(), "k", "n", time.Now().Add(time.Minute))
	require.NoError(t, err)
	require.True(t, fresh)
	require.False(t, cut.Load(), "no answer was lost")
	require.Len(t, server.Keys(), 1)
	fresh, err = n.Reserve(t.Context(), "k", "n", time.Now().Add(time.Minute))
	require.NoError(t, err)
	require.False(t, fresh)
}

// lossy loses one answer.
type lossy struct {
	net.Conn
	cut *atomic.Bool
}

func (c *lossy) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && c.cut.CompareAndSwap(true, false) {
		_ = c.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

func TestFailuresAreErrors(t *testing.T) {
	t.Parallel()
	server, dial := fake(t)
	n := open(t, dial(), Config{})
	server.SetError("OOM command not allowed when used memory > 'maxmemory'.")
	fresh, err := n.Reserve(t.Context(), "k", "n", time.Now().Add(time.Minute))
	require.ErrorContains(t, err, "OOM")
	require.False(t, fresh)
	_, err = Open(t.Context(), nil, Config{})
	require.ErrorContains(t, err, "client is nil")
	_, err = Open(t.Context(), dial(), Config{})
	require.ErrorContains(t, err, "redisnonce:")
}

func TestField(t *testing.T) {
	t.Parallel()
	const info = "# Memory\r\nmaxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n"
	require.Equal(t, "allkeys-lru", field(info, "maxmemory_policy"))
	require.Equal(t, "100", field(info, "maxmemory"))
	require.Empty(t, field(info, "other"))
}

// evicting says of its server that it evicts.
type evicting struct {
	redis.UniversalClient
	info string
}

func (e evicting) Info(ctx context.Context, _ ...string) *redis.StringCmd {
	cmd := redis.NewStringCmd(ctx)
	cmd.SetVal(e.info)
	return cmd
}

func TestEvictingServerIsRefused(t *testing.T) {
	t.Parallel()
	_, dial := fake(t)
	_, err := Open(t.Context(), evicting{dial(), "maxmemory:1000\r\nmaxmemory_policy:volatile-ttl\r\n"}, Config{})
	require.ErrorContains(t, err, "volatile-ttl")
	for _, info := range []string{"maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", "maxmemory:5\r\nmaxmemory_policy:noeviction\r\n", ""} {
		_, err = Open(t.Context(), evicting{dial(), info}, Config{})
		require.NoError(t, err, info)
	}
}

func BenchmarkNonces(b *testing.B) {
	hmacauthtest.Bench(b, func(b *testing.B) hmacauth.NonceStore {
		dial, c := real(b)
		return open(b, dial(), c)
	})
}
