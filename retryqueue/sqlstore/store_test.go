package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	db := sqldbtest.Get(t, "sqlite").Open(t)
	_, err := Open(t.Context(), db, Config{Prefix: "jobs; drop table orders; --"})
	require.ErrorContains(t, err, "Config.Prefix")
	_, err = Open(t.Context(), db, Config{Dialect: "oracle"})
	require.ErrorContains(t, err, "Config.Dialect")
	_, err = Open(t.Context(), nil, Config{})
	require.Error(t, err)
}

// Many goroutines over two handles, which stand for two processes, claim and settle until nothing is left. Every job
// must be claimed exactly once, and of a group never two at a time nor out of order.
func TestClaimIsExclusive(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		stores := []*Store{open(t, server), open(t, server)}
		const n, grouped, workers = 300, 20, 8
		jobs := newJobs("k", n)
		for i := range grouped {
			jobs[i].Group = "g"
		}
		insert(t, stores[0], jobs...)

		var (
			mu      sync.Mutex
			claims  = map[string]int{}
			running int      // of the group
			order   []string // in which the group was claimed
			left    = n
			errs    = make([]error, workers)
			wg      sync.WaitGroup
		)
		worker := func(s *Store) error {
			for {
				c, err := s.Claim(t.Context(), retryqueue.Claim{Kinds: map[string]int{"k": 7}, Lease: time.Minute})
				if err != nil {
					return err
				}
				outcomes := make([]retryqueue.Outcome, len(c.Records))
				mu.Lock()
				for i, r := range c.Records {
					outcomes[i] = retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Succeeded}
					claims[r.Key]++
					if r.Group != "" {
						running++
						order = append(order, r.Key)
					}
				}
				if running > 1 {
					err = errors.New("two jobs of one group run")
				}
				mu.Unlock()
				if err != nil {
					return err
				}
				mu.Lock()
				for _, r := range c.Records {
					if r.Group != "" {
						running--
					}
				}
				mu.Unlock()
				settled, err := s.Settle(t.Context(), outcomes)
				if err := errors.Join(append(settled, err)...); err != nil {
					return err
				}
				mu.Lock()
				left -= len(outcomes)
				done := left <= 0
				mu.Unlock()
				if done {
					return nil
				}
			}
		}
		for i := range workers {
			wg.Go(func() { errs[i] = worker(stores[i%2]) })
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Len(t, claims, n)
		for key, times := range claims {
			require.Equal(t, 1, times, key)
		}
		require.Len(t, order, grouped)
		require.IsIncreasing(t, order)
	})
}

// Two handles insert the same keys, in opposite order, at the same time: one row each, one Fresh each, no error.
func TestInsertRace(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, insertRace)
}

func insertRace(t *testing.T, server sqldbtest.Server) {
	const handles, n = 6, 150
	receipts, errs := make([][]retryqueue.Receipt, handles), make([]error, handles)
	var wg sync.WaitGroup
	for h := range handles {
		s := open(t, server)
		jobs := newJobs("k", n)
		if h%2 == 1 {
			for i := range n / 2 {
				jobs[i], jobs[n-1-i] = jobs[n-1-i], jobs[i]
			}
		}
		wg.Go(func() { receipts[h], errs[h] = s.Insert(context.WithoutCancel(t.Context()), jobs) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	fresh := 0
	byKey := map[string]retryqueue.ID{}
	for h := range handles {
		for i, r := range receipts[h] {
			key := i
			if h%2 == 1 {
				key = n - 1 - i
			}
			name := fmt.Sprint(key)
			if id, seen := byKey[name]; seen {
				require.Equal(t, id, r.ID)
			}
			byKey[name] = r.ID
			if r.Fresh {
				fresh++
			}
		}
	}
	require.Equal(t, n, fresh)
}

// Another transaction has inserted the key and commits while Insert is under way: Insert must find that job and make no
// other.
func TestInsertFindsWhatCommitsMeanwhile(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"postgres", "mysql"} { // SQLite has one writer
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			server := sqldbtest.Get(t, dialect)
			host, s := server.Open(t), open(t, server)
			insert(t, s, retryqueue.NewJob{Kind: "k", Key: "w"})
			other, err := host.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			theirs, err := s.InsertTx(t.Context(), other, []retryqueue.NewJob{{Kind: "k", Key: "x", Payload: []byte(`1`)}})
			require.NoError(t, err)
			time.AfterFunc(40*time.Millisecond, func() { _ = other.Commit() })
			ours := insert(t, s, retryqueue.NewJob{Kind: "k", Key: "x", Payload: []byte(`2`)}, retryqueue.NewJob{Kind: "k", Key: "y"})
			require.Equal(t, retryqueue.Receipt{ID: theirs[0].ID, State: retryqueue.Queued}, ours[0])
			require.True(t, ours[1].Fresh)
			require.JSONEq(t, `2`, string(one(t, s, theirs[0].ID).Payload), "the newer payload counts")
		})
	}
}

// The lease of the first claim ends and a second claim takes the job: what the first one says no longer counts.
func TestSettleNeedsTheLiveToken(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		s := open(t, server)
		insert(t, s, retryqueue.NewJob{Kind: "k", Key: "x"})
		c, err := s.Claim(t.Context(), retryqueue.Claim{Kinds: map[string]int{"k": 1}, Lease: time.Microsecond})
		require.NoError(t, err)
		first := c.Records[0]
		second := claim(t, s, "k", 1)[0]
		require.Equal(t, first.ID, second.ID)
		require.True(t, second.Lapsed)
		require.True(t, second.Unsure)
		require.Equal(t, 2, second.Attempts)
		require.NotEqual(t, first.Lease.Token, second.Lease.Token)

		errs := settle(t, s, retryqueue.Outcome{Lease: first.Lease, State: retryqueue.Failed, Error: "too late"},
			retryqueue.Outcome{Lease: retryqueue.Lease{ID: "nobody"}, State: retryqueue.Succeeded},
			retryqueue.Outcome{Lease: second.Lease, State: retryqueue.Succeeded, Result: []byte(`1`)},
			retryqueue.Outcome{Lease: second.Lease, State: retryqueue.Succeeded, Result: []byte(`1`)})
		require.ErrorIs(t, errs[0], retryqueue.ErrLostLease)
		require.ErrorIs(t, errs[1], retryqueue.ErrLostLease)
		require.NoError(t, errs[2])
		require.NoError(t, errs[3], "a repetition")
		lost, err := s.Extend(t.Context(), []retryqueue.Lease{first.Lease, second.Lease}, time.Minute)
		require.NoError(t, err)
		require.Equal(t, []retryqueue.ID{first.ID, first.ID}, lost)

		r := one(t, s, first.ID)
		require.Equal(t, retryqueue.Succeeded, r.State)
		require.Empty(t, r.LastError)
		require.JSONEq(t, `1`, string(r.Result))
		require.Len(t, r.History, 2)
		require.Equal(t, retryqueue.LeaseEnded, r.History[0].Error)
	})
}

// A job that a host's transaction holds is passed over, not waited for, and asked for again soon.
func TestClaimPassesOverLockedJobs(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"postgres", "mysql"} { // SQLite locks no rows
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			server := sqldbtest.Get(t, dialect)
			host := server.Open(t)
			s := open(t, server)
			insert(t, s, newJobs("k", 2)...)
			tx, err := host.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			defer func() { _ = tx.Rollback() }()
			_, err = s.InsertTx(t.Context(), tx, newJobs("k", 1)) // a newer payload for key 0
			require.NoError(t, err)
			c, err := s.Claim(t.Context(), retryqueue.Claim{Kinds: map[string]int{"k": 5}, Lease: time.Minute})
			require.NoError(t, err)
			require.Len(t, c.Records, 1)
			require.Equal(t, "key:00001", c.Records[0].Key)
			require.Equal(t, lockedWait, c.Next)
		})
	}
}

// Job and order, effect and success: committed together or not at all.
func TestHostTransaction(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		host := server.Open(t)
		s, err := Open(t.Context(), host, Config{Prefix: server.Prefix})
		require.NoError(t, err)
		_, err = host.ExecContext(t.Context(), "create table "+server.Prefix+"orders (n int)")
		require.NoError(t, err)
		for i, commit := range []bool{false, true} {
			tx, err := host.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = tx.ExecContext(t.Context(), "insert into "+server.Prefix+"orders values (1042)")
			require.NoError(t, err)
			receipts, err := s.InsertTx(t.Context(), tx, []retryqueue.NewJob{{Kind: "k", Key: "order:1042"}})
			require.NoError(t, err)
			require.True(t, receipts[0].Fresh)
			if commit {
				require.NoError(t, tx.Commit())
			} else {
				require.NoError(t, tx.Rollback())
			}
			var orders int
			require.NoError(t, host.QueryRowContext(t.Context(), "select count(*) from "+server.Prefix+"orders").Scan(&orders))
			require.Equal(t, i, orders)
			found, err := s.Find(t.Context(), retryqueue.Query{})
			require.NoError(t, err)
			require.Len(t, found.Records, i)
		}
		lease := claim(t, s, "k", 1)[0].Lease
		for _, commit := range []bool{false, true} {
			tx, err := host.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			errs, err := s.SettleTx(t.Context(), tx, []retryqueue.Outcome{{Lease: lease, State: retryqueue.Succeeded}})
			require.NoError(t, err)
			require.NoError(t, errs[0])
			want := retryqueue.Running
			if commit {
				require.NoError(t, tx.Commit())
				want = retryqueue.Succeeded
			} else {
				require.NoError(t, tx.Rollback())
			}
			require.Equal(t, want, one(t, s, lease.ID).State)
		}
	})
}

// Whatever bytes an error message has, its attempt is settled; whatever bytes a payload has, it comes back.
func TestAnyBytes(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, anyBytes)
}

func anyBytes(t *testing.T, server sqldbtest.Server) {
	s := open(t, server)
	payload := []byte("\x00\xff" + strings.Repeat("ü", 1<<19) + "' ? {now} $1 \\")
	name := strings.Repeat("é", retryqueue.MaxKind/2)
	key := strings.Repeat("漢", retryqueue.MaxKey/3)
	insert(t, s, retryqueue.NewJob{Kind: name, Key: key, Group: key, Payload: payload}, retryqueue.NewJob{Kind: name, Key: key})
	r := claim(t, s, name, 1)[0]
	require.Equal(t, key, r.Key)
	require.Empty(t, r.Payload, "the second payload of the batch is the newer one")
	insert(t, s, retryqueue.NewJob{Kind: name, Key: key, Payload: payload})
	settle(t, s, retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Retrying, Error: "a\x00b\xff \U0001F600"})
	r = claim(t, s, name, 1)[0]
	require.Equal(t, payload, []byte(r.Payload))
	require.Equal(t, "a�b� \U0001F600", r.LastError)

	for _, bad := range []retryqueue.NewJob{
		{}, {Kind: "a\x00"}, {Kind: strings.Repeat("k", retryqueue.MaxKind+1)},
		{Kind: "k", Key: "\xff"}, {Kind: "k", Key: strings.Repeat("k", retryqueue.MaxKey+1)}, {Kind: "k", Group: "\x00"},
	} {
		_, err := s.Insert(t.Context(), []retryqueue.NewJob{{Kind: "k"}, bad})
		require.ErrorContains(t, err, "job 1")
	}
}

// A job that is tried for ever does not fill the disk.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	s, closeDB := openMemory(t)
	defer closeDB()
	id := insert(t, s, retryqueue.NewJob{Kind: "k", Key: "x"})[0].ID
	for i := range 100 {
		r := claim(t, s, "k", 1)[0]
		settle(t, s, retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Retrying, Error: fmt.Sprint(i)})
	}
	history := one(t, s, id).History
	require.GreaterOrEqual(t, len(history), 20)
	require.LessOrEqual(t, len(history), 2*historyKept)
	require.Equal(t, "99", history[len(history)-1].Error)
	require.Equal(t, 100, history[len(history)-1].N)
}

// Batches of any size: full statements, a remainder, and every row written.
func TestBatches(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, batches)
}

func batches(t *testing.T, server sqldbtest.Server) {
	s := open(t, server)
	const n = 257
	ids := map[retryqueue.ID]bool{}
	for i, r := range insert(t, s, newJobs("k", n)...) {
		require.True(t, r.Fresh, i)
		ids[r.ID] = true
	}
	require.Len(t, ids, n)
	records := claim(t, s, "k", n)
	require.Len(t, records, n)
	outcomes := make([]retryqueue.Outcome, n)
	for i, r := range records {
		require.Equal(t, fmt.Sprintf("key:%05d", i), r.Key, "in the order of the batch")
		outcomes[i] = retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Retrying, Wait: time.Duration(i) * time.Hour,
			Error: fmt.Sprint("no ", i), Result: fmt.Append(nil, i), Unsure: i%2 == 0}
	}
	require.NoError(t, errors.Join(settle(t, s, outcomes...)...))
	found, err := s.Find(t.Context(), retryqueue.Query{Limit: n, History: true, Count: true, Sort: "next"})
	require.NoError(t, err)
	require.Equal(t, n, found.Total)
	require.Equal(t, map[retryqueue.State]int{retryqueue.Retrying: n}, found.ByState)
	var all []retryqueue.ID
	for i, r := range found.Records {
		all = append(all, r.ID)
		require.Equal(t, fmt.Sprint("no ", i), r.LastError)
		require.Equal(t, fmt.Sprint(i), string(r.Result))
		require.Equal(t, i%2 == 0, r.Unsure)
		require.Len(t, r.History, 1)
		require.JSONEq(t, `{"order":1042}`, string(r.Payload))
	}
	moved, err := s.Move(t.Context(), retryqueue.Move{IDs: all, From: []retryqueue.State{retryqueue.Retrying}})
	require.NoError(t, err)
	require.Equal(t, n, moved)
	found, err = s.Find(t.Context(), retryqueue.Query{IDs: all, Count: true})
	require.NoError(t, err)
	require.Zero(t, found.Total)
}

func TestEndedContext(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		s := open(t, server)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Insert(ctx, newJobs("k", 1))
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.Claim(ctx, retryqueue.Claim{Kinds: map[string]int{"k": 1}})
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.Settle(ctx, []retryqueue.Outcome{{State: retryqueue.Failed}})
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.Extend(ctx, []retryqueue.Lease{{}}, 1)
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.Find(ctx, retryqueue.Query{})
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.Move(ctx, retryqueue.Move{IDs: []retryqueue.ID{"x"}})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, s.Pause(ctx, retryqueue.KindPause{Kind: "k", For: 1}), context.Canceled)
		require.Empty(t, claim(t, s, "k", 1))
	})
}

// IDs sort by the first Insert, also when a batch is larger than the microseconds since the last one, or the clock went
// back.
func TestIDsSort(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).UnixMicro()
	var all []string
	last := ""
	for _, at := range []int64{now, now, now + 5, now - 1e9, now + 1e6} {
		batch := newIDs(at, last, 10)
		last = batch[9]
		all = append(all, batch...)
	}
	require.IsIncreasing(t, all)
	require.Len(t, newIDs(0, "not an id at all", 1)[0], len(all[0]))
}

// What a host may say in its DSN changes how drivers send parameters and count rows, and must change nothing else.
func TestOptionsOfDrivers(t *testing.T) {
	t.Parallel()
	for dialect, options := range map[string][]string{
		"sqlite":   {"_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)", "_pragma=journal_mode(TRUNCATE)"},
		"postgres": {"default_query_exec_mode=simple_protocol", "default_query_exec_mode=exec", "timezone=Asia/Jakarta"},
		"mysql":    {"clientFoundRows=true", "interpolateParams=true", "parseTime=true&loc=Asia%2FJakarta&time_zone=%27%2B07%3A00%27"},
	} {
		for _, option := range options {
			t.Run(dialect+"/"+option, func(t *testing.T) {
				t.Parallel()
				for _, check := range []func(*testing.T, sqldbtest.Server){insertRace, anyBytes, batches} {
					server := sqldbtest.Get(t, dialect)
					separator := "?"
					if strings.Contains(server.DSN, "?") {
						separator = "&"
					}
					server.DSN += separator + option
					if dialect == "sqlite" {
						server.DSN = "file:" + server.DSN
					}
					check(t, server)
				}
			})
		}
	}
}

// The second job of a group is being claimed (its row is locked, nobody sees it running yet) when a person puts the
// first one back, or Insert does: that must wait, or another claimer would see the first one waiting and none running.
func TestRevivalWaitsForItsGroup(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"postgres", "mysql"} { // SQLite has one writer
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			server := sqldbtest.Get(t, dialect)
			host, s := server.Open(t), open(t, server)
			jobs := newJobs("k", 2)
			jobs[0].Group, jobs[1].Group = "g", "g"
			first := insert(t, s, jobs...)[0].ID
			settle(t, s, retryqueue.Outcome{Lease: claim(t, s, "k", 1)[0].Lease, State: retryqueue.Failed})

			claimer, err := host.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			defer func() { _ = claimer.Rollback() }()
			_, err = claimer.ExecContext(t.Context(), "update "+server.Prefix+"jobs set state = 'running' where job_key = 'key:00001'")
			require.NoError(t, err)

			soon := func(do func(ctx context.Context) error) error {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				return do(ctx)
			}
			require.ErrorIs(t, soon(func(ctx context.Context) error {
				_, err := s.Move(ctx, retryqueue.Move{IDs: []retryqueue.ID{first}, From: []retryqueue.State{retryqueue.Failed}, To: retryqueue.Queued})
				return err
			}), context.DeadlineExceeded)
			require.ErrorIs(t, soon(func(ctx context.Context) error {
				again := jobs[0]
				again.Forced = true
				_, err := s.Insert(ctx, []retryqueue.NewJob{again})
				return err
			}), context.DeadlineExceeded)
			require.Equal(t, retryqueue.Failed, one(t, s, first).State)
		})
	}
}
