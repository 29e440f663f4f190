package redisstore_test

import (
	"context"
	"fmt"
	"log"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/redisstore"
)

func ExampleOpen() {
	server, err := miniredis.Run() // in a program: a Redis with appendonly yes
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{server.Addr()}})
	defer func() { _ = client.Close() }()

	ctx := context.Background()
	store, err := redisstore.Open(ctx, client, redisstore.Config{Prefix: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	queue, err := retryqueue.New(retryqueue.Config{Store: store})
	if err != nil {
		log.Fatal(err)
	}
	invoices, err := retryqueue.Register(queue, retryqueue.Kind[string]{
		Name: "invoice",
		Work: func(_ context.Context, job retryqueue.Job[string]) error {
			fmt.Println("invoice for order", job.Payload)
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := invoices.Enqueue(ctx, "order:1042", "1042")
	fmt.Println(receipt.State, err)
	fmt.Println(queue.RunDue(ctx))
	// Output:
	// queued <nil>
	// invoice for order 1042
	// <nil>
}
