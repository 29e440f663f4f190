package retryqueue_test

import (
	"testing"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/retryqueuetest"
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	retryqueuetest.Run(t, func(*testing.T) retryqueue.Store { return retryqueue.NewMemoryStore() }, retryqueuetest.Caps{})
}

func TestMemoryStoreInRealTime(t *testing.T) {
	t.Parallel()
	retryqueuetest.Run(t, func(*testing.T) retryqueue.Store { return retryqueue.NewMemoryStore() }, retryqueuetest.Caps{RealTime: true})
}

func BenchmarkMemoryStore(b *testing.B) {
	retryqueuetest.Bench(b, func(*testing.B) retryqueue.Store { return retryqueue.NewMemoryStore() })
}
