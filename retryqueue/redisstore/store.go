package redisstore

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tillwire/tillwire/retryqueue"
)

// Config says where the keys are. The zero value is usable.
type Config struct {
	// Prefix names the queue: every key begins with {Prefix}. At most 64 letters, digits and the characters _ - . : of ASCII.
	// Default "tillwire".
	Prefix string
}

// Store keeps jobs in Redis. It is safe for concurrent use by any number of processes.
type Store struct {
	client  redis.UniversalClient
	tag     string // begins every key; what stands in the braces decides the slot
	scripts map[string]*redis.Script
}

var (
	_ retryqueue.Store  = (*Store)(nil)
	_ retryqueue.Pruner = (*Store)(nil)
)

//go:embed lua/*.lua
var sources embed.FS

const (
	format = "1"  // of the keys, as common.lua describes them
	chunk  = 1000 // jobs in one script: some milliseconds in which the server serves nobody else
)

// Open looks whether the server can be trusted with jobs and returns the store. It does not close client. It is an error when the
// server throws keys away when memory runs short (maxmemory-policy allkeys-…), and when a newer version of this package has written to the prefix.
func Open(ctx context.Context, client redis.UniversalClient, c Config) (*Store, error) {
	if client == nil {
		return nil, errors.New("redisstore: client is missing")
	}
	if c.Prefix == "" {
		c.Prefix = "tillwire"
	}
	if len(c.Prefix) > 64 || strings.ContainsFunc(c.Prefix, odd) {
		return nil, fmt.Errorf("redisstore: Config.Prefix %q: want at most 64 letters, digits, _, -, . and : only", c.Prefix)
	}
	s := &Store{client: client, tag: "{" + c.Prefix + "}", scripts: map[string]*redis.Script{}}
	common, err := sources.ReadFile("lua/common.lua")
	if err != nil {
		return nil, fmt.Errorf("redisstore: %w", err)
	}
	for _, name := range []string{"insert", "claim", "settle", "extend", "find", "move", "pause", "prune", "sweep"} {
		source, err := sources.ReadFile("lua/" + name + ".lua")
		if err != nil {
			return nil, fmt.Errorf("redisstore: %w", err)
		}
		s.scripts[name] = redis.NewScript(string(common) + "\n" + string(source))
	}
	if err := s.check(ctx); err != nil {
		return nil, fmt.Errorf("redisstore: %w", err)
	}
	return s, nil
}

func odd(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("_-.:", r)
}

func (s *Store) check(ctx context.Context) error {
	if _, err := s.client.SetNX(ctx, s.tag+":format", format, 0).Result(); err != nil {
		return err
	}
	written, err := s.client.Get(ctx, s.tag+":format").Result()
	if err != nil {
		return err
	}
	if written != format {
		return fmt.Errorf("the keys of %s have format %s, this version of the package knows %s", s.tag, written, format)
	}
	if policy, known := s.setting(ctx, "maxmemory-policy"); known && strings.HasPrefix(policy, "allkeys") {
		return fmt.Errorf("the server's maxmemory-policy %s throws jobs away when memory runs short: want noeviction", policy)
	}
	return nil
}

// run runs a script.
func (s *Store) run(ctx context.Context, name string, args ...any) (any, error) {
	answer, err := ask(ctx, func() (any, error) {
		return s.scripts[name].Run(ctx, s.client, []string{s.tag}, args...).Result()
	})
	if err != nil {
		return nil, fmt.Errorf("redisstore: %s: %w", name, err)
	}
	return answer, nil
}

// ask does one call, whose error says so when it failed because ctx ended: the client may report a broken connection instead.
func ask[T any](ctx context.Context, call func() (T, error)) (T, error) {
	if err := ctx.Err(); err != nil {
		var none T
		return none, err
	}
	answer, err := call()
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	if ended := ctx.Err(); err != nil && ended != nil && !errors.Is(err, ended) {
		err = errors.Join(ended, err)
	}
	return answer, err
}

// inChunks gives do parts of all, none longer than a script should be. No parts: only ctx is looked at.
func inChunks[T any](ctx context.Context, all []T, do func(part []T) error) error {
	if len(all) == 0 {
		return ctx.Err()
	}
	for part := range slices.Chunk(all, chunk) {
		if err := do(part); err != nil {
			return err
		}
	}
	return nil
}

// nonce names one call. The client sends a call again when the connection broke: the script then knows it.
func nonce() string { return rand.Text() }

// ceil is d in microseconds; the store waits no shorter than it is told.
func ceil(d time.Duration) string {
	n := d / time.Microsecond
	if d > n*time.Microsecond {
		n++
	}
	return strconv.FormatInt(int64(n), 10)
}

// instant is the first microsecond not before t, 0 for the zero time.
func instant(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	n := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		n++
	}
	return strconv.FormatInt(max(1, n), 10)
}
