package redisstore

import (
	"context"

	"github.com/tillwire/tillwire/retryqueue"
)

// Insert implements [retryqueue.Store]. A batch of more than 1,000 jobs is several transactions.
func (s *Store) Insert(ctx context.Context, jobs []retryqueue.NewJob) ([]retryqueue.Receipt, error) {
	receipts := make([]retryqueue.Receipt, 0, len(jobs))
	err := inChunks(ctx, jobs, func(part []retryqueue.NewJob) error {
		args := append(make([]any, 0, 1+6*len(part)), nonce())
		for _, j := range part {
			flags := ""
			if j.Again == retryqueue.Latest {
				flags += "l"
			}
			if j.Forced {
				flags += "f"
			}
			args = append(args, j.Kind, j.Key, j.Group, []byte(j.Payload), ceil(j.Delay), flags)
		}
		v, err := s.run(ctx, "insert", args...)
		if err != nil {
			return err
		}
		a := read(v)
		for range part {
			receipts = append(receipts, retryqueue.Receipt{
				ID: retryqueue.ID(a.text()), State: retryqueue.State(a.text()), Fresh: a.number() == 1,
			})
		}
		return a.err
	})
	if err != nil {
		return nil, err
	}
	return receipts, nil
}
