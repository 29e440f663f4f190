package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Sweep visits every job and puts those that are missing in an index back where they belong, as after keys were lost or restored
// in part. It answers how many it mended. It starts from the jobs themselves, so that none can be overlooked, and reads the
// names of all keys of the database on its way. Claims do the same by themselves for a hundred jobs every five seconds, going round by ID;
// call it where that takes too long.
func (s *Store) Sweep(ctx context.Context) (mended int, err error) {
	node, err := s.node(ctx)
	if err != nil {
		return 0, fmt.Errorf("redisstore: sweep: %w", err)
	}
	prefix := s.tag + ":job:"
	for cursor := uint64(0); ; {
		var keys []string
		_, err := ask(ctx, func() (struct{}, error) {
			var err error
			keys, cursor, err = node.Scan(ctx, cursor, prefix+"*", chunk).Result()
			return struct{}{}, err
		})
		if err != nil {
			return mended, fmt.Errorf("redisstore: sweep: %w", err)
		}
		ids := make([]any, len(keys))
		for i, key := range keys {
			ids[i] = key[len(prefix):]
		}
		if len(ids) > 0 {
			v, err := s.run(ctx, "sweep", ids...)
			if err != nil {
				return mended, err
			}
			a := read([]any{v})
			if mended += int(a.number()); a.err != nil {
				return mended, a.err
			}
		}
		if cursor == 0 {
			return mended, nil
		}
	}
}

// node is the server that holds the queue.
func (s *Store) node(ctx context.Context) (redis.Cmdable, error) {
	if c, ok := s.client.(*redis.ClusterClient); ok {
		return c.MasterForKey(ctx, s.tag)
	}
	return s.client, nil
}
