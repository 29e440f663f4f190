package retryqueue_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tillwire/tillwire/retryqueue"
	"pgregory.net/rapid"
)

// TestModel drives the memory store and a naive model of the contract with the same random calls and compares everything that can
// be seen after each.
func TestModel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ testing.TB }{t}, func(t *rapid.T) { // rapid asks a *testing.T for its deadline, which a bubble has not
			m := &model{s: retryqueue.NewMemoryStore(), pauses: map[string][]*interval{}}
			t.Repeat(map[string]func(*rapid.T){
				"insert": m.insert, "claim": m.claim, "settle": m.settle, "settle again": m.settle, "extend": m.extend,
				"move": m.move, "prune": m.prune, "pause": m.pause, "pass": m.pass, "": m.check,
			})
		})
	})
}

// model keeps jobs in a list and works everything out anew each time.
type model struct {
	s      retryqueue.Store
	jobs   []*modelJob
	leases []retryqueue.Lease // every one ever given
	pauses map[string][]*interval
}

type interval struct {
	from, until time.Time
	reason      string
}

type modelJob struct {
	r        retryqueue.Record
	born     time.Time // when age began to count
	since    time.Time // pauses count from here
	unsureAt time.Time
	token    string
	settled  bool // token has been used
	before   retryqueue.Record
	aside    json.RawMessage
	always   bool
	history  []string
}

var (
	ctx       = context.Background()
	modelKeys = []string{"a", "b", "c", "d", "e"}
	waits     = []time.Duration{0, 0, 10 * time.Second, time.Minute}
)

func draw[T any](t *rapid.T, what string, from ...T) T { return rapid.SampledFrom(from).Draw(t, what) }

func (m *model) find(id retryqueue.ID) *modelJob {
	for _, j := range m.jobs {
		if j.r.ID == id {
			return j
		}
	}
	return nil
}

func (m *model) insert(t *rapid.T) {
	now := time.Now()
	n := retryqueue.NewJob{
		Kind: draw(t, "kind", "k", "l"), Key: draw(t, "key", modelKeys...), Group: draw(t, "group", "", "", "g", "h"),
		Payload: json.RawMessage(fmt.Sprint(rapid.IntRange(0, 999).Draw(t, "payload"))),
		Again:   draw(t, "again", retryqueue.Once, retryqueue.Latest), Forced: rapid.Bool().Draw(t, "forced"), Delay: draw(t, "delay", waits...),
	}
	receipts, err := m.s.Insert(ctx, []retryqueue.NewJob{n})
	require.NoError(t, err)
	var j *modelJob
	for _, known := range m.jobs {
		if known.r.Kind == n.Kind && known.r.Key == n.Key {
			j = known
		}
	}
	fresh := j == nil
	always := n.Again == retryqueue.Latest || n.Forced
	switch {
	case fresh:
		j = &modelJob{r: retryqueue.Record{ID: receipts[0].ID, Kind: n.Kind, Key: n.Key, Group: n.Group, Payload: n.Payload, CreatedAt: now}}
		m.jobs = append(m.jobs, j)
		j.begin(now, n.Delay)
	case j.r.State == retryqueue.Running:
		j.aside, j.always = n.Payload, j.always || always
	case j.r.State.Ended() && always:
		j.r.Payload = n.Payload
		j.begin(now, n.Delay)
	case j.r.State == retryqueue.Failed:
		j.r.Payload = n.Payload
	case j.r.State.Ended():
	default:
		j.r.Payload = n.Payload
		if due := now.Add(n.Delay); n.Again == retryqueue.Latest && due.Before(j.r.NextAttemptAt) {
			j.r.NextAttemptAt = due
		}
	}
	require.Equal(t, retryqueue.Receipt{ID: j.r.ID, State: j.r.State, Fresh: fresh}, receipts[0])
}

func (j *modelJob) begin(now time.Time, delay time.Duration) {
	j.r.State, j.r.Attempts, j.r.ByHand, j.r.Pruned = retryqueue.Queued, 0, false, false
	j.r.NextAttemptAt, j.born, j.since = now.Add(delay), now.Add(delay), now
}

func (m *model) paused(kind string, now time.Time) *interval {
	for _, p := range m.pauses[kind] {
		if !now.Before(p.from) && now.Before(p.until) {
			return p
		}
	}
	return nil
}

func (m *model) claimable(j *modelJob, now time.Time) bool {
	if j.r.State.Ended() || j.r.NextAttemptAt.After(now) || m.paused(j.r.Kind, now) != nil {
		return false
	}
	return j.r.State == retryqueue.Running || !m.heldBack(j)
}

func (m *model) heldBack(j *modelJob) bool {
	for _, o := range m.jobs {
		if o != j && j.r.Group != "" && o.r.Group == j.r.Group && (o.r.State == retryqueue.Running || !o.r.State.Ended() && o.r.ID < j.r.ID) {
			return true
		}
	}
	return false
}

func (m *model) claim(t *rapid.T) {
	now := time.Now()
	kinds := map[string]int{}
	for _, k := range []string{"k", "l"} {
		if n := rapid.IntRange(0, 3).Draw(t, k); n > 0 {
			kinds[k] = n
		}
	}
	lease := draw(t, "lease", 10*time.Second, time.Minute)
	claimed, err := m.s.Claim(ctx, retryqueue.Claim{Kinds: kinds, Lease: lease})
	require.NoError(t, err)

	order := slices.Clone(m.jobs)
	slices.SortFunc(order, func(a, b *modelJob) int {
		return cmp.Or(a.r.NextAttemptAt.Compare(b.r.NextAttemptAt), cmp.Compare(a.r.ID, b.r.ID))
	})
	var want []*modelJob
	left := map[string]int{"k": kinds["k"], "l": kinds["l"]}
	taken := map[*modelJob]bool{}
	for _, j := range order {
		if left[j.r.Kind] > 0 && m.claimable(j, now) && !taken[j] {
			left[j.r.Kind]--
			taken[j] = true
			want = append(want, j)
		}
	}
	require.Len(t, claimed.Records, len(want))
	for i, j := range want {
		lapsed := j.r.State == retryqueue.Running
		if lapsed {
			j.r.Unsure, j.unsureAt, j.r.ByHand, j.r.LastError = true, now, false, retryqueue.LeaseEnded
			j.history = append(j.history, fmt.Sprint(j.r.Attempts, " ", retryqueue.LeaseEnded))
			if len(j.history) > 50 {
				j.history = j.history[1:]
			}
		}
		if !j.r.ByHand {
			j.r.Attempts++
		}
		j.r.State, j.r.NextAttemptAt, j.settled = retryqueue.Running, now.Add(lease), false
		got := claimed.Records[i]
		require.Equal(t, j.r.ID, got.ID, "claim order")
		require.Equal(t, lapsed, got.Lapsed)
		require.NotEqual(t, j.token, got.Lease.Token)
		j.token = got.Lease.Token
		m.leases = append(m.leases, got.Lease)
	}

	next := time.Duration(-1)
	for _, j := range m.jobs {
		if left[j.r.Kind] == 0 || j.r.State.Ended() || j.r.State != retryqueue.Running && m.heldBack(j) {
			continue
		}
		due := j.r.NextAttemptAt
		if p := m.paused(j.r.Kind, now); p != nil && p.until.After(due) {
			due = p.until
		}
		if wait := max(0, due.Sub(now)); next < 0 || wait < next {
			next = wait
		}
	}
	if next < 0 {
		return // what it says of kinds that came full does not matter
	}
	require.GreaterOrEqual(t, claimed.Next, time.Duration(0))
	require.LessOrEqual(t, claimed.Next, next)
}

func (m *model) settle(t *rapid.T) {
	if len(m.leases) == 0 {
		t.Skip("nothing was claimed")
	}
	now := time.Now()
	recent := m.leases[max(0, len(m.leases)-6):]
	o := retryqueue.Outcome{
		Lease: draw(t, "lease", recent...),
		State: draw(t, "state", retryqueue.Succeeded, retryqueue.Retrying, retryqueue.Retrying, retryqueue.Failed, retryqueue.Discarded, retryqueue.Queued),
		Wait:  draw(t, "wait", waits...), Pause: draw(t, "pause", 0, 0, 0, 20*time.Second, time.Minute),
		Unsure: rapid.Bool().Draw(t, "unsure"), Probed: rapid.Bool().Draw(t, "probed"),
		Error: draw(t, "error", "", "boom", "bang"), Result: draw(t, "result", nil, json.RawMessage(`1`), json.RawMessage(`2`)),
	}
	if o.State == retryqueue.Queued {
		o.Uncounted = rapid.Bool().Draw(t, "uncounted")
		o.Reset = !o.Uncounted
	}
	if o.State == retryqueue.Retrying {
		o.Uncounted = draw(t, "uncounted", false, false, true)
	}
	errs, err := m.s.Settle(ctx, []retryqueue.Outcome{o})
	require.NoError(t, err)
	j := m.find(o.Lease.ID)
	if j == nil || j.token != o.Lease.Token {
		require.ErrorIs(t, errs[0], retryqueue.ErrLostLease)
		return
	}
	require.NoError(t, errs[0])
	if j.settled {
		return
	}
	j.settled = true
	if !o.Uncounted || o.Error != "" {
		j.history = append(j.history, fmt.Sprint(j.r.Attempts, " ", o.Error))
		if len(j.history) > 50 {
			j.history = j.history[1:]
		}
		j.r.LastError = o.Error
	}
	if o.Result != nil {
		j.r.Result = o.Result
	}
	if o.Unsure && !(o.Probed && j.r.Unsure) {
		j.unsureAt = now
	}
	j.r.Unsure = o.Unsure
	if o.Pause > 0 {
		if p := m.paused(j.r.Kind, now); p == nil || p.until.Before(now.Add(o.Pause)) {
			m.setPause(j.r.Kind, now, o.Pause, o.Error)
		}
	}
	if o.Uncounted && !j.r.ByHand {
		j.r.Attempts--
	}
	if o.Reset {
		j.r.Attempts, j.born, j.since = 0, now, now
	}
	j.r.State, j.r.NextAttemptAt = o.State, now.Add(o.Wait)
	if j.r.ByHand && o.Uncounted {
		// stays by hand
	} else if j.r.ByHand {
		j.r.ByHand = false
		if o.State == retryqueue.Retrying {
			j.r.State, j.r.NextAttemptAt = j.before.State, j.before.NextAttemptAt
		}
	}
	if j.aside != nil && (j.always || o.State != retryqueue.Succeeded) {
		j.r.Payload, j.r.ByHand = j.aside, false
		if j.r.State.Ended() {
			j.begin(now, 0)
		} else {
			j.r.State, j.r.NextAttemptAt = retryqueue.Queued, now.Add(o.Wait)
		}
	}
	j.aside, j.always = nil, false
	if j.r.State.Ended() {
		j.r.NextAttemptAt = time.Time{}
	}
}

func (m *model) extend(t *rapid.T) {
	if len(m.leases) == 0 {
		t.Skip("nothing was claimed")
	}
	now := time.Now()
	l := draw(t, "lease", m.leases[max(0, len(m.leases)-6):]...)
	by := draw(t, "by", 5*time.Second, time.Minute)
	lost, err := m.s.Extend(ctx, []retryqueue.Lease{l}, by)
	require.NoError(t, err)
	j := m.find(l.ID)
	if j == nil || j.token != l.Token || j.settled || !now.Before(j.r.NextAttemptAt) {
		require.Equal(t, []retryqueue.ID{l.ID}, lost)
		return
	}
	require.Empty(t, lost)
	j.r.NextAttemptAt = now.Add(by)
}

func (m *model) move(t *rapid.T) {
	if len(m.jobs) == 0 {
		t.Skip("no jobs")
	}
	now := time.Now()
	j := draw(t, "job", m.jobs...)
	to := draw(t, "to", retryqueue.Queued, retryqueue.Queued, retryqueue.Discarded, "")
	from := draw(t, "from",
		[]retryqueue.State{retryqueue.Retrying, retryqueue.Failed},
		[]retryqueue.State{retryqueue.Queued, retryqueue.Running, retryqueue.Succeeded, retryqueue.Discarded, retryqueue.Failed})
	moved, err := m.s.Move(ctx, retryqueue.Move{IDs: []retryqueue.ID{j.r.ID, j.r.ID}, From: from, To: to})
	require.NoError(t, err)
	if j.r.State == retryqueue.Running || !slices.Contains(from, j.r.State) || j.r.Pruned && to == retryqueue.Queued {
		require.Zero(t, moved)
		return
	}
	require.Equal(t, 1, moved)
	switch to {
	case "":
		m.jobs = slices.DeleteFunc(m.jobs, func(o *modelJob) bool { return o == j })
	case retryqueue.Queued:
		if !j.r.ByHand {
			j.before = j.r
		}
		j.r.State, j.r.ByHand, j.r.NextAttemptAt = to, true, now
	default:
		j.r.State, j.r.ByHand, j.r.NextAttemptAt = to, false, time.Time{}
	}
}

// prune prunes whatever has ended, however lately.
func (m *model) prune(t *rapid.T) {
	p := retryqueue.Prune{Kind: draw(t, "kind", "k", "l"), Delete: draw(t, "delete", false, false, true), Limit: 1000}
	pruned, err := m.s.(retryqueue.Pruner).Prune(ctx, p)
	require.NoError(t, err)
	var left []*modelJob
	for _, j := range m.jobs {
		if ended := j.r.State == retryqueue.Succeeded || j.r.State == retryqueue.Discarded; !ended || j.r.Kind != p.Kind || j.r.Pruned {
			left = append(left, j)
			continue
		}
		pruned--
		if !p.Delete {
			j.r.Pruned, j.r.Payload, j.r.LastError, j.history = true, nil, "", nil
			left = append(left, j)
		}
	}
	require.Zero(t, pruned)
	m.jobs = left
}

func (m *model) setPause(kind string, now time.Time, length time.Duration, reason string) {
	if p := m.paused(kind, now); p != nil {
		p.until = now
	}
	if length > 0 {
		m.pauses[kind] = append(m.pauses[kind], &interval{now, now.Add(length), reason})
	}
}

func (m *model) pause(t *rapid.T) {
	kind, length := draw(t, "kind", "k", "l"), draw(t, "for", 0, 10*time.Second, time.Minute)
	require.NoError(t, m.s.Pause(ctx, retryqueue.KindPause{Kind: kind, For: length, Reason: "hand"}))
	m.setPause(kind, time.Now(), length, "hand")
}

func (m *model) pass(t *rapid.T) {
	time.Sleep(draw(t, "for", time.Second, 10*time.Second, 37*time.Second))
}

func (m *model) age(j *modelJob, now time.Time) time.Duration {
	age := now.Sub(j.born)
	for _, p := range m.pauses[j.r.Kind] {
		from, until := p.from, p.until
		if from.Before(j.since) {
			from = j.since
		}
		if until.After(now) {
			until = now
		}
		if until.After(from) {
			age -= until.Sub(from)
		}
	}
	return max(0, age)
}

func (m *model) check(t *rapid.T) {
	now := time.Now()
	found, err := m.s.Find(ctx, retryqueue.Query{History: true, Count: true})
	require.NoError(t, err)
	require.Equal(t, len(m.jobs), found.Total)
	want := slices.Clone(m.jobs)
	slices.SortFunc(want, func(a, b *modelJob) int { return cmp.Compare(a.r.ID, b.r.ID) })
	for i, j := range want {
		w := j.r
		w.Age = m.age(j, now)
		if w.Unsure {
			w.UnsureFor = now.Sub(j.unsureAt)
		}
		w.CreatedAt, w.NextAttemptAt = w.CreatedAt.UTC(), w.NextAttemptAt.UTC()
		got := *found.Records[i]
		var history []string
		for _, a := range got.History {
			history = append(history, fmt.Sprint(a.N, " ", a.Error))
		}
		require.Equal(t, strings.Join(j.history, "\n"), strings.Join(history, "\n"))
		got.History = nil
		require.Equal(t, fmt.Sprintf("%+v", w), fmt.Sprintf("%+v", got))
	}
	n := 0
	for kind := range m.pauses {
		if p := m.paused(kind, now); p != nil {
			n++
			i := slices.IndexFunc(found.Paused, func(f retryqueue.KindPause) bool { return f.Kind == kind })
			require.GreaterOrEqual(t, i, 0)
			require.Equal(t, retryqueue.KindPause{Kind: kind, Reason: p.reason, For: p.until.Sub(now)}, found.Paused[i])
		}
	}
	require.Len(t, found.Paused, n)
}
