package redisstore

import (
	"testing"
	"testing/synctest"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/retryqueuetest/model"
)

func TestLikeMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, client := mini(t)
		defer m.Close()
		defer func() { _ = client.Close() }()
		model.LikeMemory(t, func() retryqueue.Store {
			m.FlushAll()
			return open(t, client, "queue")
		})
	})
}
