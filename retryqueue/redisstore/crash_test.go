package redisstore

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/retryqueuetest/crashtest"
)

// effects is a ledger beside the queue, as a remote system is: a list of what was done, and no transaction with the job.
type effects struct {
	client *redis.Client
	key    string
}

func (e effects) Do(ctx context.Context, job retryqueue.Job[string]) error {
	return e.client.RPush(ctx, e.key, job.Key).Err()
}

func (e effects) Has(ctx context.Context, key string) (bool, error) {
	all, err := e.Effects(ctx)
	return all[key] > 0, err
}

func (e effects) Effects(ctx context.Context) (map[string]int, error) {
	all := map[string]int{}
	keys, err := e.client.LRange(ctx, e.key, 0, -1).Result()
	for _, key := range keys {
		all[key]++
	}
	return all, err
}

// Processes are killed at work, again and again. The server lives on: what its own death costs is Durability's to say.
func TestCrash(t *testing.T) {
	t.Parallel()
	client := dial(t)
	prefix := "t:crash:" + rand.Text()
	t.Cleanup(func() { clear(t, client, "{"+prefix+"}") })
	crashtest.Run(t, crashtest.Kit{Place: prefix, Open: func(ctx context.Context, prefix string) (retryqueue.Store, crashtest.Ledger, error) {
		s, err := Open(ctx, client, Config{Prefix: prefix})
		return s, effects{client, "{" + prefix + "}:effects"}, err
	}})
}

func TestFence(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, newStore func(t testing.TB) *Store) { crashtest.Fence(t, newStore(t)) })
}
