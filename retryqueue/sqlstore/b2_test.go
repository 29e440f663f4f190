package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
)

// The ten points of the queue's contract, one test each. What takes processes that die, or many random steps, is in the tests
// of crashes, of cut commits, and of the models.

// world is a queue on SQLite in virtual time.
type world struct {
	*testing.T
	db    *sql.DB
	store *Store
	queue *retryqueue.Queue
}

func inWorld(t *testing.T, body func(w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, err := sql.Open("sqlite", ":memory:")
		require.NoError(t, err)
		defer func() { _ = db.Close() }()
		db.SetMaxOpenConns(1)
		store, err := Open(context.Background(), db, Config{})
		require.NoError(t, err)
		queue, err := retryqueue.New(retryqueue.Config{Store: store})
		require.NoError(t, err)
		body(&world{t, db, store, queue})
	})
}

func (w *world) kind(k retryqueue.Kind[string]) *retryqueue.Producer[string] {
	w.Helper()
	if k.Name == "" {
		k.Name = "k"
	}
	p, err := retryqueue.Register(w.queue, k)
	require.NoError(w, err)
	return p
}

func (w *world) enqueue(p *retryqueue.Producer[string], key string, opts ...retryqueue.Option) retryqueue.Receipt {
	w.Helper()
	r, err := p.Enqueue(context.Background(), key, "payload of "+key, opts...)
	require.NoError(w, err)
	return r
}

// due does what is due now.
func (w *world) due() {
	w.Helper()
	require.NoError(w, w.queue.RunDue(context.Background()))
}

func (w *world) job(id retryqueue.ID) *retryqueue.Record {
	w.Helper()
	found, err := w.store.Find(context.Background(), retryqueue.Query{IDs: []retryqueue.ID{id}, History: true})
	require.NoError(w, err)
	require.Len(w, found.Records, 1)
	return found.Records[0]
}

func (w *world) exec(statement string) {
	w.Helper()
	_, err := w.db.ExecContext(context.Background(), statement)
	require.NoError(w, err)
}

func (w *world) count(query string) (n int) {
	w.Helper()
	require.NoError(w, w.db.QueryRowContext(context.Background(), query).Scan(&n))
	return n
}

func TestB2_1_EnqueueIsDurable(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		queue, err := retryqueue.New(retryqueue.Config{Store: open(t, server)})
		require.NoError(t, err)
		jobs, err := retryqueue.Register(queue, retryqueue.Kind[string]{Name: "k", Work: func(context.Context, retryqueue.Job[string]) error { return nil }})
		require.NoError(t, err)
		receipt, err := jobs.Enqueue(t.Context(), "a", "x")
		require.NoError(t, err)
		require.Equal(t, `"x"`, string(one(t, open(t, server), receipt.ID).Payload), "as another process sees it at once")
	})
}

func TestB2_2_AtLeastOnceAndNeverAfterDone(t *testing.T) {
	inWorld(t, func(w *world) {
		var executions int
		p := w.kind(retryqueue.Kind[string]{Schedule: retryqueue.Steps(0), Work: func(context.Context, retryqueue.Job[string]) error {
			if executions++; executions < 3 {
				return errors.New("boom")
			}
			return nil
		}})
		r := w.enqueue(p, "a")
		w.due()
		require.Equal(w, 3, executions)
		require.Equal(w, retryqueue.Succeeded, w.job(r.ID).State)
		w.enqueue(p, "a")
		time.Sleep(1000 * time.Hour)
		w.due()
		require.Equal(w, 3, executions, "done is done")
	})
}

// keepsNoLease is a store whose leases cannot be prolonged: the network between a worker and its database is gone.
type keepsNoLease struct{ *Store }

func (keepsNoLease) Extend(context.Context, []retryqueue.Lease, time.Duration) ([]retryqueue.ID, error) {
	return nil, errors.New("connection reset")
}

func TestB2_3_StaleHolderIsFencedAndCancelled(t *testing.T) {
	inWorld(t, func(w *world) {
		stale, err := retryqueue.New(retryqueue.Config{Store: keepsNoLease{w.store}, Lease: time.Minute})
		require.NoError(w, err)
		var cause error
		goOn := make(chan struct{})
		_, err = retryqueue.Register(stale, retryqueue.Kind[string]{Name: "k", Work: func(ctx context.Context, _ retryqueue.Job[string]) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			<-goOn
			return retryqueue.Permanent(errors.New("the stale one's word"))
		}})
		require.NoError(w, err)
		p := w.kind(retryqueue.Kind[string]{Work: func(_ context.Context, j retryqueue.Job[string]) error { return j.SetResult("the successor's") }})
		r := w.enqueue(p, "a")
		ended := make(chan error)
		go func() { ended <- stale.RunDue(context.Background()) }()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.ErrorIs(w, cause, retryqueue.ErrLostLease)
		w.due()
		close(goOn)
		require.NoError(w, <-ended)
		job := w.job(r.ID)
		require.Equal(w, retryqueue.Succeeded, job.State)
		require.JSONEq(w, `"the successor's"`, string(job.Result))
		require.NotContains(w, job.LastError, "stale")
	})
}

func TestB2_4_ExactlyOneEffect(t *testing.T) {
	inWorld(t, func(w *world) {
		w.exec("create table bookings (job text not null)")
		attempts := 0
		p := w.kind(retryqueue.Kind[string]{Schedule: retryqueue.Steps(0), Work: func(ctx context.Context, j retryqueue.Job[string]) error {
			attempts++
			err := j.Do(ctx, w.db, func(tx *sql.Tx) error {
				if _, err := tx.ExecContext(ctx, "insert into bookings (job) values (?)", j.Key); err != nil {
					return err
				}
				if attempts == 1 {
					return errors.New("the second statement failed")
				}
				return nil
			})
			if err == nil {
				panic("the process dies after the commit, before it can say so")
			}
			return err
		}})
		r := w.enqueue(p, "a")
		w.due()
		require.Equal(w, retryqueue.Succeeded, w.job(r.ID).State)
		require.Equal(w, 1, w.count("select count(*) from bookings"), "what was rolled back is not there, what was committed is there once")
		require.Equal(w, 2, attempts)
	})
}

func TestB2_4_RemoteEffectIsProbed(t *testing.T) {
	inWorld(t, func(w *world) {
		documents := map[string]int{} // at the target
		p := w.kind(retryqueue.Kind[string]{
			Work: func(_ context.Context, j retryqueue.Job[string]) error {
				documents[j.Key]++
				return retryqueue.Ambiguous(errors.New("the answer was lost"))
			},
			Probe: func(_ context.Context, j retryqueue.Job[string]) (bool, error) { return documents[j.Key] > 0, nil },
		})
		r := w.enqueue(p, "a")
		w.due()
		require.True(w, w.job(r.ID).Unsure)
		time.Sleep(time.Hour)
		w.due()
		require.Equal(w, retryqueue.Succeeded, w.job(r.ID).State)
		require.Equal(w, 1, documents["a"])
	})
}

func TestB2_5_DuplicateKeyGivesTheKnownJob(t *testing.T) {
	inWorld(t, func(w *world) {
		work := func(context.Context, retryqueue.Job[string]) error { return nil }
		invoices, orders := w.kind(retryqueue.Kind[string]{Name: "invoice", Work: work}), w.kind(retryqueue.Kind[string]{Name: "order", Work: work})
		first := w.enqueue(invoices, "1042")
		require.True(w, first.Fresh)
		require.Equal(w, retryqueue.Receipt{ID: first.ID, State: retryqueue.Queued}, w.enqueue(invoices, "1042"))
		require.True(w, w.enqueue(orders, "1042").Fresh, "a kind is a scope")
	})
}

func TestB2_6_OrderWithinAGroup(t *testing.T) {
	inWorld(t, func(w *world) {
		var done []string
		failed := false
		p := w.kind(retryqueue.Kind[string]{Work: func(_ context.Context, j retryqueue.Job[string]) error {
			if j.Key == "1" && !failed {
				failed = true
				return errors.New("boom")
			}
			done = append(done, j.Key)
			return nil
		}})
		for _, key := range []string{"1", "2", "3"} {
			w.enqueue(p, key, retryqueue.Group("order 1042"))
		}
		w.due()
		require.Empty(w, done, "the others wait for the first one's retry")
		time.Sleep(5 * time.Minute)
		w.due()
		require.Equal(w, []string{"1", "2", "3"}, done)
	})
}

func TestB2_6_CoalescesToTheNewest(t *testing.T) {
	inWorld(t, func(w *world) {
		var pushed []string
		p := w.kind(retryqueue.Kind[string]{Again: retryqueue.Latest, Work: func(_ context.Context, j retryqueue.Job[string]) error {
			pushed = append(pushed, j.Payload)
			return nil
		}})
		for _, stock := range []string{"7", "6", "5"} {
			_, err := p.Enqueue(context.Background(), "SKU", stock)
			require.NoError(w, err)
		}
		w.due()
		require.Equal(w, []string{"5"}, pushed)
	})
}

func TestB2_7_BoundsEndVisibly(t *testing.T) {
	inWorld(t, func(w *world) {
		boom := func(context.Context, retryqueue.Job[string]) error { return errors.New("boom") }
		tries := w.kind(retryqueue.Kind[string]{Name: "tries", Work: boom, Schedule: retryqueue.Steps(0), MaxAttempts: 3})
		age := w.kind(retryqueue.Kind[string]{Name: "age", Work: boom, Schedule: retryqueue.Steps(time.Hour), MaxAge: 90 * time.Minute})
		a, b := w.enqueue(tries, "a"), w.enqueue(age, "b")
		w.due()
		require.Equal(w, retryqueue.Retrying, w.job(b.ID).State)
		time.Sleep(time.Hour)
		w.due()
		for id, attempts := range map[retryqueue.ID]int{a.ID: 3, b.ID: 2} {
			job := w.job(id)
			require.Equal(w, []any{retryqueue.Failed, attempts, "boom"}, []any{job.State, job.Attempts, job.LastError})
		}
		_, err := tries.Enqueue(context.Background(), "big", strings.Repeat("x", retryqueue.MaxPayload))
		require.ErrorContains(w, err, "payload", "refused, and not cut")
		_, err = tries.Enqueue(context.Background(), strings.Repeat("x", retryqueue.MaxKey+1), "x")
		require.ErrorContains(w, err, "key")
	})
}

func TestB2_8_PoisonIsCountedWhenClaimed(t *testing.T) {
	inWorld(t, func(w *world) {
		begun := 0
		p := w.kind(retryqueue.Kind[string]{MaxAttempts: 5, Work: func(context.Context, retryqueue.Job[string]) error { begun++; return nil }})
		r := w.enqueue(p, "a")
		for range 5 { // processes that die of the job, without a word
			claimed, err := w.store.Claim(context.Background(), retryqueue.Claim{Kinds: map[string]int{"k": 1}, Lease: time.Second})
			require.NoError(w, err)
			require.Len(w, claimed.Records, 1)
			time.Sleep(2 * time.Second)
		}
		w.due()
		job := w.job(r.ID)
		require.Equal(w, retryqueue.Failed, job.State)
		require.Zero(w, begun)
		require.Contains(w, job.LastError, "gave up after 5 attempts")
		require.Len(w, job.History, 6, "each of them is told, and the end")
	})
}

// A worker's clock has no part in it: the seam is handed lengths of time only, and what a worker whose clock stands in the year 2000
// (as it does in the bubble) does on a server of today holds.
func TestB2_9_TheStoresClock(t *testing.T) {
	t.Parallel()
	for _, v := range []any{retryqueue.NewJob{}, retryqueue.Claim{}, retryqueue.Outcome{}, retryqueue.Move{}, retryqueue.KindPause{}, retryqueue.Prune{}} {
		for i := range reflect.TypeOf(v).NumField() {
			f := reflect.TypeOf(v).Field(i)
			require.NotEqual(t, reflect.TypeFor[time.Time](), f.Type, "%T.%s", v, f.Name)
		}
	}
	for _, dialect := range []string{"postgres", "mysql"} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			server := sqldbtest.Get(t, dialect)
			today := open(t, server)
			insert(t, today, newJobs("k", 2)...)
			synctest.Test(t, func(t *testing.T) {
				require.Equal(t, 2000, time.Now().Year())
				db, err := sql.Open(server.Driver, server.DSN)
				require.NoError(t, err)
				defer func() { _ = db.Close() }()
				ctx := context.Background()
				old, err := Open(ctx, db, Config{Prefix: server.Prefix})
				require.NoError(t, err)
				claimed, err := old.Claim(ctx, retryqueue.Claim{Kinds: map[string]int{"k": 1}, Lease: time.Hour})
				require.NoError(t, err)
				require.Len(t, claimed.Records, 1, "due by the server's clock")
				lease := claimed.Records[0].Lease
				require.Greater(t, lease.Until.Year(), 2024)
				lost, err := old.Extend(ctx, []retryqueue.Lease{lease}, time.Hour)
				require.NoError(t, err)
				require.Empty(t, lost)
				_, err = old.Settle(ctx, []retryqueue.Outcome{{Lease: lease, State: retryqueue.Retrying, Wait: time.Hour}})
				require.NoError(t, err)
			})
			records := claim(t, today, "k", 10)
			require.Len(t, records, 1, "what that worker put off by an hour is not due")
			require.Equal(t, "key:00001", records[0].Key)
		})
	}
}

func TestB2_10_Schedules(t *testing.T) {
	seconds := func(s retryqueue.Schedule, attempts int) (sum int) {
		for n := 1; n < attempts; n++ {
			sum += int(s.Delay(n) / time.Second)
		}
		return sum
	}
	require.Equal(t, 171_900, seconds(retryqueue.Progressive(), 12), "twelve attempts within 48 h")
	require.Equal(t, 91_200, seconds(retryqueue.Steps(300*time.Second, 900*time.Second, time.Hour, 6*time.Hour), 8))
	require.Equal(t, 75*3600+35*60+5, seconds(retryqueue.StandardWebhooks(), 10))
	for range 1000 {
		d := retryqueue.Jitter(retryqueue.Progressive(), 0.2).Delay(1)
		require.InDelta(t, 5*time.Minute, d, float64(time.Minute))
	}
	inWorld(t, func(w *world) {
		for name, c := range map[string]struct {
			after time.Duration
			want  retryqueue.State
			wait  time.Duration
		}{
			"sooner than the schedule": {time.Minute, retryqueue.Retrying, 5 * time.Minute},
			"later":                    {time.Hour, retryqueue.Retrying, time.Hour},
			"beyond the lifetime":      {49 * time.Hour, retryqueue.Failed, 0},
		} {
			p := w.kind(retryqueue.Kind[string]{Name: name, Work: func(context.Context, retryqueue.Job[string]) error {
				return retryqueue.After(c.after, fmt.Errorf("HTTP 429"))
			}})
			r := w.enqueue(p, "a")
			w.due()
			job := w.job(r.ID)
			require.Equal(w, c.want, job.State, name)
			if c.wait > 0 {
				require.InDelta(w, c.wait, time.Until(job.NextAttemptAt), float64(time.Second), name)
			}
		}
	})
}
