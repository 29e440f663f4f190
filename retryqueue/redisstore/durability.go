package redisstore

import (
	"context"
	"fmt"
)

// Durability says what a crash of the server's machine may take of what the store has accepted.
type Durability string

// The classes of durability. A crash of our own processes never costs anything.
const (
	Fsync       Durability = "fsync"    // appendonly yes, appendfsync always: nothing
	EverySecond Durability = "everysec" // appendonly yes, appendfsync everysec: about the last second, the last two at worst
	None        Durability = "none"     // appendfsync no: what the kernel had not written; appendonly no: all since the last snapshot
	Unknown     Durability = "unknown"  // the server does not tell: CONFIG is forbidden, as with most hosted ones
)

// Durability asks the server how it writes. That CONFIG GET is refused is no error, but Unknown.
func (s *Store) Durability(ctx context.Context) (Durability, error) {
	appendOnly, known := s.setting(ctx, "appendonly")
	if err := ctx.Err(); err != nil {
		return Unknown, fmt.Errorf("redisstore: durability: %w", err)
	}
	if !known {
		if err := s.client.Ping(ctx).Err(); err != nil {
			return Unknown, fmt.Errorf("redisstore: durability: %w", err)
		}
		return Unknown, nil
	}
	if appendOnly != "yes" {
		return None, nil
	}
	switch often, known := s.setting(ctx, "appendfsync"); {
	case !known:
		return Unknown, nil
	case often == "always":
		return Fsync, nil
	case often == "everysec":
		return EverySecond, nil
	default:
		return None, nil
	}
}

// setting reads one line of the server's configuration, if it tells.
func (s *Store) setting(ctx context.Context, name string) (value string, known bool) {
	node, err := s.node(ctx)
	if err != nil {
		return "", false
	}
	all, err := node.ConfigGet(ctx, name).Result()
	if err != nil {
		return "", false
	}
	value, known = all[name]
	return value, known
}
