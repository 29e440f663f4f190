package redisstore

import (
	"context"

	"github.com/tillwire/tillwire/retryqueue"
)

// Prune implements [retryqueue.Pruner]. More than 1,000 jobs are several transactions.
func (s *Store) Prune(ctx context.Context, p retryqueue.Prune) (pruned int, err error) {
	remove := 0
	if p.Delete {
		remove = 1
	}
	for pruned < p.Limit {
		most := min(p.Limit-pruned, chunk)
		v, err := s.run(ctx, "prune", p.Kind, ceil(p.Age), most, remove)
		if err != nil {
			return pruned, err
		}
		a := read([]any{v})
		n := int(a.number())
		if pruned += n; a.err != nil || n < most {
			return pruned, a.err
		}
	}
	return pruned, nil
}
