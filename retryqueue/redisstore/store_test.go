package redisstore

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/retryqueue"
)

func insert(t testing.TB, s retryqueue.Store, jobs ...retryqueue.NewJob) []retryqueue.Receipt {
	t.Helper()
	receipts, err := s.Insert(t.Context(), jobs)
	require.NoError(t, err)
	return receipts
}

func claim(t testing.TB, s retryqueue.Store, lease time.Duration) []*retryqueue.Record {
	t.Helper()
	c, err := s.Claim(t.Context(), retryqueue.Claim{Kinds: map[string]int{"k": 100, "l": 100}, Lease: lease})
	require.NoError(t, err)
	return c.Records
}

func keysOf(records []*retryqueue.Record) (keys []string) {
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	_, client := miniFor(t)
	_, err := Open(t.Context(), nil, Config{})
	require.ErrorContains(t, err, "client")
	for _, prefix := range []string{"a{b}", "a}", "a*", "a b", "é", strings.Repeat("x", 65)} {
		_, err := Open(t.Context(), client, Config{Prefix: prefix})
		require.ErrorContains(t, err, "Config.Prefix", prefix)
	}
	require.NoError(t, client.Set(t.Context(), "{new}:format", "7", 0).Err())
	_, err = Open(t.Context(), client, Config{Prefix: "new"})
	require.ErrorContains(t, err, "format 7")
}

func miniFor(t testing.TB) (*miniredis.Miniredis, *redis.Client) {
	t.Helper()
	m, client := mini(t)
	t.Cleanup(func() { _ = client.Close(); m.Close() })
	return m, client
}

// configure makes a miniredis answer CONFIG GET.
func configure(t *testing.T, m *miniredis.Miniredis, settings map[string]string) {
	t.Helper()
	require.NoError(t, m.Server().Register("CONFIG", func(c *server.Peer, _ string, args []string) {
		value, known := settings[args[1]]
		if !known {
			c.WriteLen(0)
			return
		}
		c.WriteLen(2)
		c.WriteBulk(args[1])
		c.WriteBulk(value)
	}))
}

func TestOpenRefusesServersThatThrowJobsAway(t *testing.T) {
	t.Parallel()
	for policy, refused := range map[string]bool{
		"allkeys-lru": true, "allkeys-random": true, "noeviction": false, "volatile-lru": false, // ours never expire
	} {
		m, client := miniFor(t)
		configure(t, m, map[string]string{"maxmemory-policy": policy})
		_, err := Open(t.Context(), client, Config{})
		require.Equal(t, refused, err != nil, policy)
	}
}

func TestDurability(t *testing.T) {
	t.Parallel()
	for want, settings := range map[Durability]map[string]string{
		Fsync:       {"appendonly": "yes", "appendfsync": "always"},
		EverySecond: {"appendonly": "yes", "appendfsync": "everysec"},
		None:        {"appendonly": "no", "appendfsync": "always"},
		Unknown:     nil,
	} {
		m, client := miniFor(t)
		if settings != nil {
			configure(t, m, settings)
		}
		s := open(t, client, "q")
		got, err := s.Durability(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	m, client := miniFor(t)
	configure(t, m, map[string]string{"appendonly": "yes", "appendfsync": "no"})
	got, err := open(t, client, "q").Durability(t.Context())
	require.NoError(t, err)
	require.Equal(t, None, got)
}

func TestDurabilityOfAnAbsentServer(t *testing.T) {
	t.Parallel()
	m, client := miniFor(t)
	s := open(t, client, "q")
	m.Close()
	_, err := s.Durability(t.Context())
	require.Error(t, err)
}

func TestDurabilityOfTheServer(t *testing.T) {
	t.Parallel()
	got, err := openServer(t).Durability(t.Context())
	require.NoError(t, err)
	require.Contains(t, []Durability{Fsync, EverySecond, None}, got)
}

// The clock is the server's: a process whose own clock is years off takes no lease too early and gives none too long.
func TestClockIsTheServers(t *testing.T) {
	t.Parallel()
	m, client := miniFor(t)
	s := open(t, client, "q")
	at := time.Date(2031, 5, 1, 12, 0, 0, 123_456_000, time.UTC)
	m.SetTime(at)
	insert(t, s, newJobs("k", "a")...)
	r := claim(t, s, time.Minute)[0]
	require.Equal(t, at, r.CreatedAt)
	require.Equal(t, at.Add(time.Minute), r.Lease.Until)
	m.SetTime(at.Add(59 * time.Second))
	require.Empty(t, claim(t, s, time.Minute))
	lost, err := s.Extend(t.Context(), []retryqueue.Lease{r.Lease}, time.Minute)
	require.NoError(t, err)
	require.Empty(t, lost)
	m.SetTime(at.Add(2 * time.Minute))
	require.True(t, claim(t, s, time.Minute)[0].Lapsed)
}

// All keys of a queue lie in one slot of a Redis Cluster, whatever the names of kinds, keys and groups.
func TestOneSlot(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, newStore func(t testing.TB) *Store) {
		s := newStore(t)
		for _, name := range []string{"}", "{x}", "{}", "a"} {
			insert(t, s, retryqueue.NewJob{Kind: name, Key: name, Group: name}, retryqueue.NewJob{Kind: name, Group: name})
			require.NoError(t, s.Pause(t.Context(), retryqueue.KindPause{Kind: name, For: time.Hour}))
		}
		keys, err := s.client.Keys(t.Context(), "*").Result()
		require.NoError(t, err)
		ours := 0
		for _, key := range keys {
			if strings.Contains(key, strings.Trim(s.tag, "{}")) {
				ours++
				require.True(t, strings.HasPrefix(key, s.tag+":"), key)
			}
		}
		require.Greater(t, ours, 10)
	})
}

// What is lost in the indexes is found again from the jobs: a running job whose lease is nowhere noted, above all.
func TestSweep(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, newStore func(t testing.TB) *Store) {
		ctx := t.Context()
		s := newStore(t)
		jobs := newJobs("k", "runs", "waits")
		for _, key := range []string{"g1", "g2"} {
			jobs = append(jobs, retryqueue.NewJob{Kind: "l", Key: key, Group: "g"})
		}
		insert(t, s, jobs[0])
		require.Len(t, claim(t, s, 20*time.Millisecond), 1)
		insert(t, s, jobs[1:]...)
		mended, err := s.Sweep(ctx)
		require.NoError(t, err)
		require.Zero(t, mended, "nothing is missing")

		for _, index := range []string{"due:k", "due:l", "open", "ids", "keys", "group:g", "heads"} {
			require.NoError(t, s.client.Del(ctx, s.tag+":"+index).Err())
		}
		mended, err = s.Sweep(ctx)
		require.NoError(t, err)
		require.Equal(t, 4, mended)
		time.Sleep(25 * time.Millisecond)
		records := claim(t, s, time.Hour)
		require.ElementsMatch(t, []string{"runs", "waits", "g1"}, keysOf(records))
		found, err := s.Find(ctx, retryqueue.Query{States: []retryqueue.State{retryqueue.Running}})
		require.NoError(t, err)
		require.Len(t, found.Records, 3)
		require.False(t, insert(t, s, jobs[1])[0].Fresh, "the key is known")
		mended, err = s.Sweep(ctx)
		require.NoError(t, err)
		require.Zero(t, mended)
	})
}

// Nobody need call Sweep: claims go round the jobs by themselves.
func TestClaimsSweep(t *testing.T) {
	t.Parallel()
	m, client := miniFor(t)
	s := open(t, client, "q")
	at := time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	m.SetTime(at)
	var jobs []retryqueue.NewJob
	for range 250 {
		jobs = append(jobs, retryqueue.NewJob{Kind: "k", Delay: time.Hour})
	}
	insert(t, s, append(jobs, newJobs("k", "runs")...)...)
	require.Equal(t, []string{"runs"}, keysOf(claim(t, s, time.Second)))
	require.NoError(t, client.ZRem(t.Context(), s.tag+":due:k", "x").Err())
	m.Del(s.tag + ":due:k")
	var got []string
	for i := range 5 {
		m.SetTime(at.Add(time.Duration(i+1) * 5 * time.Second))
		got = append(got, keysOf(claim(t, s, time.Hour))...)
	}
	require.Equal(t, []string{"runs"}, got)
	n, err := client.ZCard(t.Context(), s.tag+":due:k").Result()
	require.NoError(t, err)
	require.EqualValues(t, 251, n)
}

// A stale index entry is no job: what a claim gives out is what the job's own hash says.
func TestStaleIndex(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, newStore func(t testing.TB) *Store) {
		ctx := t.Context()
		s := newStore(t)
		done := insert(t, s, newJobs("k", "done", "waits")...)[0].ID
		for _, r := range claim(t, s, time.Hour) {
			o := retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Succeeded}
			if r.ID != done {
				o.State, o.Wait = retryqueue.Retrying, time.Hour
			}
			_, err := s.Settle(ctx, []retryqueue.Outcome{o})
			require.NoError(t, err)
			require.NoError(t, s.client.ZAdd(ctx, s.tag+":due:k", redis.Z{Member: string(r.ID)}).Err())
		}
		require.NoError(t, s.client.ZAdd(ctx, s.tag+":due:k", redis.Z{Member: "0000000000000001"}).Err())
		insert(t, s, newJobs("k", "new")...)
		c, err := s.Claim(ctx, retryqueue.Claim{Kinds: map[string]int{"k": 3}, Lease: time.Hour})
		require.NoError(t, err)
		require.Empty(t, c.Records)
		require.Zero(t, c.Next, "something is due behind the stale ones")
		require.Equal(t, []string{"new"}, keysOf(claim(t, s, time.Hour)))
		n, err := s.client.ZCard(ctx, s.tag+":due:k").Result()
		require.NoError(t, err)
		require.EqualValues(t, 2, n)
	})
}

// A restarted server knows no scripts.
func TestScriptsForgotten(t *testing.T) {
	t.Parallel()
	_, client := miniFor(t)
	s := open(t, client, "q")
	for range 2 {
		insert(t, s, newJobs("k", "")...)
		require.Len(t, claim(t, s, time.Hour), 1)
		require.NoError(t, client.ScriptFlush(t.Context()).Err())
	}
}

// cutter is a connection that breaks before the next answer when lose is set, after the server did what it was asked for.
type cutter struct {
	net.Conn
	lose *atomic.Bool
	dead atomic.Bool
}

func (c *cutter) Read(p []byte) (int, error) {
	if c.dead.Load() {
		return 0, io.EOF
	}
	n, err := c.Conn.Read(p)
	if n > 0 && c.lose.CompareAndSwap(true, false) {
		c.dead.Store(true)
	}
	if c.dead.Load() {
		return 0, io.EOF
	}
	return n, err
}

// The client sends a call again when the connection broke. It must not have its effect twice, and its answer must be the first.
func TestCallSentAgain(t *testing.T) {
	t.Parallel()
	m, _ := miniFor(t)
	var lose atomic.Bool
	client := redis.NewClient(&redis.Options{
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			m.Server().ServeConn(theirs)
			return &cutter{Conn: ours, lose: &lose}, nil
		},
		Addr: "pipe", MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = client.Close() })
	s := open(t, client, "q")
	warm := insert(t, s, newJobs("k", "warm")...)
	require.Len(t, claim(t, s, time.Hour), 1) // the scripts are known now
	move := retryqueue.Move{IDs: []retryqueue.ID{warm[0].ID}, From: []retryqueue.State{retryqueue.Queued, retryqueue.Failed}, To: retryqueue.Queued}
	_, err := s.Move(t.Context(), move)
	require.NoError(t, err)

	lose.Store(true)
	receipts := insert(t, s, newJobs("k", "", "a")...)
	require.True(t, receipts[0].Fresh && receipts[1].Fresh, "the receipts are the first answer's")
	found, err := s.Find(t.Context(), retryqueue.Query{Count: true})
	require.NoError(t, err)
	require.Equal(t, 3, found.Total)

	lose.Store(true)
	records := claim(t, s, time.Hour)
	require.Len(t, records, 2, "the jobs are not under a lease that nobody holds")
	require.Equal(t, 1, records[0].Attempts)

	lose.Store(true)
	for _, r := range records {
		errs, err := s.Settle(t.Context(), []retryqueue.Outcome{{Lease: r.Lease, State: retryqueue.Failed, Error: "x"}})
		require.NoError(t, err)
		require.NoError(t, errs[0])
	}

	lose.Store(true)
	move.IDs = []retryqueue.ID{records[0].ID, records[1].ID}
	move.From = []retryqueue.State{retryqueue.Failed}
	moved, err := s.Move(t.Context(), move)
	require.NoError(t, err)
	require.Equal(t, 2, moved)
	require.False(t, lose.Load())
}

func TestLongHistory(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, newStore func(t testing.TB) *Store) {
		ctx := t.Context()
		s := newStore(t)
		id := insert(t, s, newJobs("k", "a")...)[0].ID
		text := "1 2 3 4\nline\x00 5 6 7 8\n\xff"
		for range kept + 5 {
			r := claim(t, s, time.Hour)[0]
			_, err := s.Settle(ctx, []retryqueue.Outcome{{Lease: r.Lease, State: retryqueue.Retrying, Error: text}})
			require.NoError(t, err)
		}
		found, err := s.Find(ctx, retryqueue.Query{IDs: []retryqueue.ID{id}, History: true})
		require.NoError(t, err)
		history := found.Records[0].History
		require.Len(t, history, kept)
		require.Equal(t, kept+5, history[kept-1].N)
		for _, a := range history {
			require.Equal(t, text, a.Error)
		}
	})
}

const kept = 30 // common.lua's KEPT

// Batches longer than one script takes are cut, and answered in order.
func TestLongBatch(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, newStore func(t testing.TB) *Store) {
		ctx := t.Context()
		s := newStore(t)
		const n = chunk + 7
		receipts := insert(t, s, newJobs("k", make([]string, n)...)...)
		require.Len(t, receipts, n)
		c, err := s.Claim(ctx, retryqueue.Claim{Kinds: map[string]int{"k": n}, Lease: time.Hour})
		require.NoError(t, err)
		require.Len(t, c.Records, n)
		var leases []retryqueue.Lease
		var outcomes []retryqueue.Outcome
		var ids []retryqueue.ID
		for i, r := range c.Records {
			require.Equal(t, receipts[i].ID, r.ID)
			if i%chunk == 5 {
				r.Lease.Token = "wrong"
			}
			leases, ids = append(leases, r.Lease), append(ids, r.ID)
			outcomes = append(outcomes, retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Failed})
		}
		lost, err := s.Extend(ctx, leases, 2*time.Hour)
		require.NoError(t, err)
		require.Equal(t, []retryqueue.ID{ids[5], ids[chunk+5]}, lost)
		errs, err := s.Settle(ctx, outcomes)
		require.NoError(t, err)
		for i, err := range errs {
			require.Equal(t, i%chunk == 5, errors.Is(err, retryqueue.ErrLostLease), i)
		}
		moved, err := s.Move(ctx, retryqueue.Move{IDs: ids, From: []retryqueue.State{retryqueue.Failed}, To: retryqueue.Discarded})
		require.NoError(t, err)
		require.Equal(t, n-len(lost), moved)
		found, err := s.Find(ctx, retryqueue.Query{Count: true, Sort: "next", Desc: true, Limit: 5})
		require.NoError(t, err)
		require.Equal(t, n, found.Total)
		require.Equal(t, map[retryqueue.State]int{retryqueue.Running: len(lost), retryqueue.Discarded: moved}, found.ByState)
		require.Equal(t, retryqueue.Running, found.Records[1].State)
	})
}

func TestRefusedArguments(t *testing.T) {
	t.Parallel()
	s := openMini(t)
	_, err := s.Settle(t.Context(), []retryqueue.Outcome{{State: retryqueue.Running}})
	require.ErrorContains(t, err, "State")
	_, err = s.Move(t.Context(), retryqueue.Move{To: retryqueue.Succeeded})
	require.ErrorContains(t, err, "To")
	_, err = s.Find(t.Context(), retryqueue.Query{Sort: "colour"})
	require.ErrorContains(t, err, "Query.Sort")
}

// A server that is away is an error, never an empty answer.
func TestServerAway(t *testing.T) {
	t.Parallel()
	m, client := miniFor(t)
	s := open(t, client, "q")
	m.SetError("LOADING Redis is loading the dataset in memory")
	_, err := s.Insert(t.Context(), newJobs("k", "a"))
	require.ErrorContains(t, err, "redisstore: insert")
	_, err = s.Claim(t.Context(), retryqueue.Claim{Kinds: map[string]int{"k": 1}})
	require.ErrorContains(t, err, "redisstore: claim")
	_, err = s.Sweep(t.Context())
	require.ErrorContains(t, err, "redisstore: sweep")
}

// Texts are sorted by all their bytes, whatever the server's locale, on every page.
func TestSortByLongTexts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, newStore func(t testing.TB) *Store) {
		s := newStore(t)
		var keys []string
		for _, start := range []string{"", "order:", "order:104", "Order:104", "ördér:10", "order:1042-invoice-"} {
			for _, end := range []string{"a", "B", "b", "aa", "é", "_", "\xff", "1", "10", "2", "\x01", "a b", "long enough for three numbers"} {
				keys = append(keys, start+end)
			}
		}
		for _, i := range rand.Perm(len(keys)) {
			insert(t, s, retryqueue.NewJob{Kind: "k" + keys[i], Key: keys[i]})
		}
		slices.Sort(keys)
		for _, order := range []string{"key", "kind"} {
			for _, desc := range []bool{false, true} {
				var got []string
				for len(got) < len(keys) {
					found, err := s.Find(t.Context(), retryqueue.Query{Sort: order, Desc: desc, Limit: 7, Offset: len(got)})
					require.NoError(t, err)
					require.NotEmpty(t, found.Records)
					got = append(got, keysOf(found.Records)...)
				}
				if desc {
					slices.Reverse(got)
				}
				require.Equal(t, keys, got)
			}
		}
	})
}

// Due times are kept to the microsecond, also in the index: the earlier is claimed first, none is claimed too early.
func TestMicroseconds(t *testing.T) {
	t.Parallel()
	m, client := miniFor(t)
	s := open(t, client, "q")
	at := time.Date(2099, 12, 31, 23, 59, 59, 999_990_000, time.UTC)
	m.SetTime(at)
	for i, key := range []string{"d", "c", "b", "a"} { // in the order of their IDs
		insert(t, s, retryqueue.NewJob{Kind: "k", Key: key, Delay: time.Duration(4-i) * time.Microsecond})
	}
	one := retryqueue.Claim{Kinds: map[string]int{"k": 1}, Lease: time.Hour}
	c, err := s.Claim(t.Context(), one)
	require.NoError(t, err)
	require.Empty(t, c.Records)
	require.Equal(t, time.Microsecond, c.Next)
	m.SetTime(at.Add(3 * time.Microsecond))
	var got []string
	for range 4 {
		c, err = s.Claim(t.Context(), one)
		require.NoError(t, err)
		got = append(got, keysOf(c.Records)...)
	}
	require.Equal(t, []string{"a", "b", "c"}, got)
	require.Equal(t, time.Microsecond, c.Next)
}
