package stocksync_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/stocksync"
)

// TestAllocation plays what has once made more count for the stores than there was, or less than they could sell; the model of
// TestInvariants/I6 judges.
func TestAllocation(t *testing.T) {
	t.Parallel()
	do := func(name string, shop, good rune, n int) step {
		i := slices.IndexFunc(modelActions, func(a struct {
			name string
			do   func(*model)
		}) bool {
			return a.name == name
		})
		require.GreaterOrEqual(t, i, 0, name)
		return step{do: i, shop: int(shop - 'a'), good: int(good - 'p'), n: n}
	}
	for name, steps := range map[string][]step{
		"a sale out of a push whose answer was lost": {
			do("sell", 'b', 'p', 4), do("report", 'b', 'p', 1), do("resolve", 'b', 'p', 1), do("sell", 'b', 'p', 3),
			do("answer lost", 'b', 'p', 1), do("sell", 'b', 'p', 4), do("sell", 'b', 'p', 2), do("report", 'b', 'p', 1),
			do("report", 'b', 'p', 1), do("report", 'b', 'p', 1), do("pass", 'b', 'p', 1),
		},
		"a return before a share that is counted is pushed": {
			do("sell", 'c', 'p', 1), do("reconcile", 'c', 'p', 1), do("sell", 'a', 'p', 4), do("sell", 'a', 'p', 4), do("sell", 'a', 'p', 2),
			do("report", 'a', 'p', 1), do("report", 'a', 'p', 1), do("report", 'a', 'p', 1), do("give back", 'a', 'p', 1),
			do("restock", 'a', 'p', 1), do("report", 'a', 'p', 1), do("sell", 'a', 'p', 1), do("pass", 'a', 'p', 1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, runModel(t, "I6", stocksync.Allocated, steps))
		})
	}
}
