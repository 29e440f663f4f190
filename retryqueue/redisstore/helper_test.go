package redisstore

import (
	"context"
	"crypto/rand"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
)

const address = "TILLWIRE_TEST_REDIS"

// each runs test on every server there is.
func each(t *testing.T, test func(t *testing.T, newStore func(t testing.TB) *Store)) {
	t.Helper()
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		test(t, openServer)
	})
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		test(t, openMini)
	})
}

// openServer opens a store under a prefix of its own, which is emptied when the test ends.
func openServer(t testing.TB) *Store {
	t.Helper()
	prefix := "t:" + rand.Text()
	client := dial(t)
	t.Cleanup(func() { clear(t, client, "{"+prefix+"}") })
	return open(t, client, prefix)
}

func dial(t testing.TB) *redis.Client {
	t.Helper()
	url := os.Getenv(address)
	if url == "" {
		t.Skip(address + " is not set")
	}
	o, err := redis.ParseURL(url)
	require.NoError(t, err)
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func clear(t testing.TB, client *redis.Client, tag string) {
	ctx := context.Background() // the test's is over
	for keys := client.Scan(ctx, 0, tag+"*", 10_000).Iterator(); keys.Next(ctx); {
		if err := client.Unlink(ctx, keys.Val()).Err(); err != nil {
			t.Error(err)
		}
	}
}

func open(t testing.TB, client redis.UniversalClient, prefix string) *Store {
	t.Helper()
	s, err := Open(t.Context(), client, Config{Prefix: prefix})
	require.NoError(t, err)
	return s
}

// openMini opens a store on a miniredis of its own. It talks over net.Pipe, so that virtual time goes on in a synctest bubble.
func openMini(t testing.TB) *Store {
	t.Helper()
	m, client := mini(t)
	t.Cleanup(func() { _ = client.Close(); m.Close() })
	return open(t, client, "queue")
}

func mini(t testing.TB) (*miniredis.Miniredis, *redis.Client) {
	t.Helper()
	m := miniredis.NewMiniRedis()
	require.NoError(t, m.Start())
	m.Server().Close() // of the listener; what it knows goes on
	client := redis.NewClient(&redis.Options{
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			server := m.Server()
			if server == nil {
				return nil, net.ErrClosed
			}
			ours, theirs := net.Pipe()
			server.ServeConn(theirs)
			return ours, nil
		},
		Addr: "pipe", MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	return m, client
}

// reopen: a second store on the same client and prefix is what another process has.
func reopen(t *testing.T, s retryqueue.Store) retryqueue.Store {
	old := s.(*Store)
	return open(t, old.client, strings.Trim(old.tag, "{}"))
}

func newJobs(kind string, keys ...string) []retryqueue.NewJob {
	jobs := make([]retryqueue.NewJob, len(keys))
	for i, key := range keys {
		jobs[i] = retryqueue.NewJob{Kind: kind, Key: key, Payload: []byte(`1`)}
	}
	return jobs
}
