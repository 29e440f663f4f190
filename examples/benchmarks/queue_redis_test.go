package benchmarks

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/tillwire/tillwire/examples/internal/burndowntest"
	"github.com/tillwire/tillwire/retryqueue/redisstore"
)

// TestQueueRedis compares with asynq on the same Redis; both keep what has succeeded.
func TestQueueRedis(t *testing.T) {
	address := server(t, "TILLWIRE_TEST_REDIS")
	options, err := redis.ParseURL(address)
	check(t, err)
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	ours := burndowntest.Contender{Name: "redis", Burn: func(t *testing.T, n int) time.Duration {
		prefix := "bench:" + rand.Text()
		t.Cleanup(func() { deleteKeys(t, client, "{"+prefix+"}*") })
		store, err := redisstore.Open(t.Context(), client, redisstore.Config{Prefix: prefix})
		check(t, err)
		return burndowntest.Run(t, store, burndowntest.Workers, n, burndowntest.NewOrder, func() {})
	}}
	burndowntest.Compare(t, "2", ours, burndowntest.Contender{Name: "asynq", Burn: func(t *testing.T, n int) time.Duration {
		return asynqBurnDown(t, client, n)
	}})
}

func asynqBurnDown(t *testing.T, redisClient redis.UniversalClient, n int) time.Duration {
	t.Helper()
	queue := "bench" + rand.Text()
	t.Cleanup(func() {
		deleteKeys(t, redisClient, "asynq:{"+queue+"}*")
		redisClient.SRem(context.WithoutCancel(t.Context()), "asynq:queues", queue)
	})
	client := asynq.NewClientFromRedisClient(redisClient)
	for i := range n {
		payload, err := json.Marshal(burndowntest.NewOrder(i))
		check(t, err)
		_, err = client.EnqueueContext(t.Context(), asynq.NewTask("order", payload), asynq.Queue(queue), asynq.Retention(24*time.Hour))
		check(t, err)
	}
	var done atomic.Int64
	all := make(chan struct{})
	workers := asynq.NewServerFromRedisClient(redisClient, asynq.Config{
		Concurrency: burndowntest.Workers, Queues: map[string]int{queue: 1}, LogLevel: asynq.FatalLevel, Logger: silent{},
	})
	start := time.Now()
	check(t, workers.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		if done.Add(1) == int64(n) {
			close(all)
		}
		return nil
	})))
	<-all
	workers.Shutdown()
	took := time.Since(start)
	completed, err := redisClient.ZCard(t.Context(), "asynq:{"+queue+"}:completed").Result()
	check(t, err)
	if completed != int64(n) {
		t.Fatalf("asynq completed %d of %d", completed, n)
	}
	return took
}

// silent is a logger that says nothing.
type silent struct{}

func (silent) Debug(...any) {}
func (silent) Info(...any)  {}
func (silent) Warn(...any)  {}
func (silent) Error(...any) {}
func (silent) Fatal(...any) {}

func deleteKeys(t *testing.T, client redis.UniversalClient, pattern string) {
	ctx := context.WithoutCancel(t.Context())
	keys := client.Scan(ctx, 0, pattern, 1000).Iterator()
	var all []string
	for keys.Next(ctx) {
		all = append(all, keys.Val())
	}
	check(t, keys.Err())
	for _, key := range all {
		check(t, client.Unlink(ctx, key).Err())
	}
}
