package redisstore

import (
	"testing"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/retryqueuetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("redis", func(t *testing.T) {
		dial(t) // skips
		t.Parallel()
		retryqueuetest.Run(t, func(t *testing.T) retryqueue.Store { return openServer(t) }, retryqueuetest.Caps{
			RealTime: true, Precision: time.Millisecond, Reopen: reopen,
		})
	})
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		retryqueuetest.Run(t, func(t *testing.T) retryqueue.Store { return openMini(t) }, retryqueuetest.Caps{
			Precision: time.Microsecond, Reopen: reopen,
		})
	})
}
