package orderfeed_test

import (
	"testing"

	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/orderfeed/orderfeedtest"
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	orderfeedtest.Run(t, func(*testing.T) orderfeed.Store { return orderfeed.NewMemoryStore() })
}

func BenchmarkMemoryStore(b *testing.B) {
	orderfeedtest.Bench(b, func(*testing.B) orderfeed.Store { return orderfeed.NewMemoryStore() })
}
