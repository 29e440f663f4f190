package redisstore

import (
	"testing"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/retryqueuetest"
)

func BenchmarkStore(b *testing.B) {
	dial(b) // skips
	retryqueuetest.Bench(b, func(b *testing.B) retryqueue.Store { return openServer(b) })
}
