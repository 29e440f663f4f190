package redisstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/tillwire/tillwire/retryqueue"
)

// Move implements [retryqueue.Store]. A list of more than 1,000 jobs is several transactions.
func (s *Store) Move(ctx context.Context, m retryqueue.Move) (moved int, err error) {
	switch m.To {
	case retryqueue.Queued, retryqueue.Discarded, "":
	default:
		return 0, fmt.Errorf("redisstore: move: To %q: want %q, %q or empty", m.To, retryqueue.Queued, retryqueue.Discarded)
	}
	ids := slices.Compact(slices.Sorted(slices.Values(m.IDs)))
	err = inChunks(ctx, ids, func(part []retryqueue.ID) error {
		args := list([]any{nonce(), string(m.To)}, m.From)
		for _, id := range part {
			args = append(args, string(id))
		}
		v, err := s.run(ctx, "move", args...)
		if err != nil {
			return err
		}
		a := read([]any{v})
		moved += int(a.number())
		return a.err
	})
	return moved, err
}

// Pause implements [retryqueue.Store].
func (s *Store) Pause(ctx context.Context, p retryqueue.KindPause) error {
	_, err := s.run(ctx, "pause", p.Kind, ceil(max(0, p.For)), p.Reason)
	return err
}
