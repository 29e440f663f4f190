package redisstore

import (
	"context"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// Extend implements [retryqueue.Store].
func (s *Store) Extend(ctx context.Context, leases []retryqueue.Lease, by time.Duration) (lost []retryqueue.ID, err error) {
	err = inChunks(ctx, leases, func(part []retryqueue.Lease) error {
		args := append(make([]any, 0, 1+2*len(part)), ceil(by))
		for _, l := range part {
			args = append(args, string(l.ID), l.Token)
		}
		v, err := s.run(ctx, "extend", args...)
		if err != nil {
			return err
		}
		a := read(v)
		for a.more() {
			lost = append(lost, retryqueue.ID(a.text()))
		}
		return a.err
	})
	return lost, err
}
