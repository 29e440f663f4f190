package crashtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// Kit is what only the store's author can do.
type Kit struct {
	// Place says where the jobs are: an address, a file. The child processes get it as text.
	Place string
	// Open opens the store and the ledger at a place, in this process or in a child. What it opens ends with the process.
	Open func(ctx context.Context, place string) (retryqueue.Store, Ledger, error)
}

// Ledger is where the jobs have their effects. It must not make one of two effects of a key: it is there to show them.
type Ledger interface {
	// Do has the effect of a job. A ledger in the store's own database completes the job in the same transaction.
	Do(ctx context.Context, job retryqueue.Job[string]) error
	// Effects answers how many effects each key had.
	Effects(ctx context.Context) (map[string]int, error)
}

// Prober is a Ledger that is not of one transaction with the store: a job that may have had its effect is looked up.
type Prober interface {
	Ledger
	// Has reports whether a key's effect is there.
	Has(ctx context.Context, key string) (bool, error)
}

const (
	placeVar  = "TILLWIRE_CRASH_PLACE" // in the environment of a child: where
	mark      = "crash: "              // begins what a child says; go test prints other things
	producers = 8
	workers   = 8
	lease     = time.Second
)

// unfinished are the states of jobs that are still under way.
var unfinished = []retryqueue.State{retryqueue.Queued, retryqueue.Running, retryqueue.Retrying}

// grace is how long what was cut off may wait after its lease for workers who are there.
const grace = 2 * time.Second

// Run kills children of this test at work on the kit's store, and fails t where anything was lost, doubled or late. It must be
// called by a test that does nothing else, since the child is that test in another process.
func Run(t *testing.T, kit Kit) {
	if place := os.Getenv(placeVar); place != "" {
		live(t, kit, place)
		return
	}
	ctx := t.Context()
	store, ledger, err := kit.Open(ctx, kit.Place)
	if err != nil {
		t.Fatal(err)
	}
	a := &audit{store: store, accepted: map[string]bool{}, claims: map[retryqueue.ID]int{}, ahead: ahead(t, store)}
	kills, wanted := 0, count(3, 10, 50)
	for ; kills < wanted || len(a.cut) == 0 && kills < 4*wanted; kills++ { // on a busy machine a child may not have worked yet
		a.cycle(t, kit.Place, kills)
	}
	a.finish(t, store, ledger)
	a.report(t, ledger, kills)
}

// count is how often something is to be done: where somebody waits, in CI, and when it may take long.
func count(plain, ci, long int) int {
	switch {
	case os.Getenv("TILLWIRE_LONG") == "1":
		return long
	case os.Getenv("CI") != "":
		return ci
	default:
		return plain
	}
}

// ahead is by how much the store's clock is ahead of ours.
func ahead(t *testing.T, store retryqueue.Store) time.Duration {
	t.Helper()
	ctx := t.Context()
	before := time.Now()
	receipts, err := store.Insert(ctx, []retryqueue.NewJob{{Kind: "clock", Payload: []byte(`1`)}})
	if err != nil {
		t.Fatal(err)
	}
	ids := []retryqueue.ID{receipts[0].ID}
	found, err := store.Find(ctx, retryqueue.Query{IDs: ids})
	if err != nil || len(found.Records) != 1 {
		t.Fatalf("%d jobs of 1 found: %v", len(found.Records), err)
	}
	if _, err := store.Move(ctx, retryqueue.Move{IDs: ids, From: []retryqueue.State{retryqueue.Queued}}); err != nil {
		t.Fatal(err)
	}
	return found.Records[0].CreatedAt.Sub(before)
}

// work makes the queue that children and parent run. say gets what happens: began (an execution), done, error.
func work(store retryqueue.Store, ledger Ledger, say func(verb, key string)) (*retryqueue.Queue, *retryqueue.Producer[string], error) {
	log := slog.New(slog.NewTextHandler(speaker(say), &slog.HandlerOptions{Level: slog.LevelWarn}))
	q, err := retryqueue.New(retryqueue.Config{Store: store, Concurrency: workers, Lease: lease, Poll: lease / 2, Logger: log})
	if err != nil {
		return nil, nil, err
	}
	k := retryqueue.Kind[string]{Name: "crash", Schedule: retryqueue.Steps(0), MaxAttempts: -1, MaxAge: -1}
	k.Work = func(ctx context.Context, job retryqueue.Job[string]) error {
		say("began", job.Key)
		defer say("done", job.Key)
		time.Sleep(rand.N(15 * time.Millisecond))
		err := ledger.Do(ctx, job)
		if err != nil {
			say("error", job.Key+" "+err.Error())
		}
		time.Sleep(rand.N(5 * time.Millisecond))
		return err
	}
	if p, ok := ledger.(Prober); ok {
		k.Probe = func(ctx context.Context, job retryqueue.Job[string]) (bool, error) {
			return p.Has(ctx, job.Key)
		}
	}
	producer, err := retryqueue.Register(q, k)
	return q, producer, err
}

// speaker says what a logger writes.
type speaker func(verb, key string)

func (s speaker) Write(line []byte) (int, error) {
	s("log", string(line))
	return len(line), nil
}

// live is the life of a child: it produces and works until it is killed, or its parent is gone.
func live(t *testing.T, kit Kit, place string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	store, ledger, err := kit.Open(ctx, place)
	if err != nil {
		t.Fatal(err)
	}
	// As many jobs may be under way as keep the workers busy, those of the children before among them: recovery is to be a matter
	// of the store, not of a backlog.
	left, err := store.Find(ctx, retryqueue.Query{States: unfinished, Limit: 1, Count: true})
	if err != nil {
		t.Fatal(err)
	}
	room := make(chan struct{}, 2*workers)
	for range cap(room) - left.Total {
		room <- struct{}{}
	}
	self := fmt.Sprint(os.Getpid(), ".")
	var mu sync.Mutex
	say := func(verb, key string) {
		if verb == "done" {
			select {
			case room <- struct{}{}:
			default: // done a second time
			}
			return
		}
		line := mark + verb + " " + strings.ReplaceAll(key, "\n", " ") + "\n"
		mu.Lock()
		defer mu.Unlock()
		_, _ = os.Stdout.WriteString(line) // one write: what is said is said, whatever happens next
	}
	q, producer, err := work(store, ledger, say)
	if err != nil {
		t.Fatal(err)
	}
	for n := range producers {
		go func() {
			for i := 0; ctx.Err() == nil; i++ {
				<-room
				key := fmt.Sprintf("%s%d.%d", self, n, i)
				if _, err := producer.Enqueue(ctx, key, key); err != nil {
					say("error", err.Error())
					continue
				}
				say("accepted", key)
			}
		}()
	}
	say("ready", "")
	if err := q.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// audit is what the parent knows.
type audit struct {
	store retryqueue.Store
	ahead time.Duration

	mu         sync.Mutex
	accepted   map[string]bool
	executions int
	errors     []string

	gaps   []gap
	cut    []cut
	claims map[retryqueue.ID]int // their attempts when they were cut off
}

// gap is a time in which nobody was at work: from a kill until the next child is ready.
type gap struct{ from, to time.Time }

// cut is a claimed job whose claimer was killed.
type cut struct {
	*retryqueue.Record
	at time.Time
}

func (a *audit) hear(verb, key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch verb {
	case "accepted":
		a.accepted[key] = true
	case "began":
		a.executions++
	case "ready", "done":
	default:
		a.errors = append(a.errors, verb+" "+key)
	}
}

// cycle lets a child live for a while, kills it, and asks the store what it was at.
func (a *audit) cycle(t *testing.T, place string, n int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := exec.CommandContext(t.Context(), program, "-test.run="+name, "-test.timeout=5m") //nolint:gosec // ourselves
	cmd.Env = append(os.Environ(), placeVar+"="+place)
	var trouble strings.Builder
	cmd.Stderr = &trouble
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var killed time.Time
	var once sync.Once
	var said strings.Builder
	done := make(chan struct{})
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil { // what is cut off was not said
			break
		}
		rest, ours := strings.CutPrefix(line, mark)
		if !ours {
			said.WriteString(line)
			continue
		}
		once.Do(func() { // it is at work
			a.resume()
			time.AfterFunc(200*time.Millisecond+rand.N(700*time.Millisecond), func() {
				killed = time.Now()
				_ = cmd.Process.Kill()
				close(done)
			})
		})
		verb, key, _ := strings.Cut(strings.TrimSpace(rest), " ")
		a.hear(verb, key)
	}
	_ = cmd.Wait()
	if strings.Contains(said.String(), "FAIL") || trouble.Len() > 0 && killed.IsZero() {
		t.Fatalf("child %d ended by itself: %s%s", n, said.String(), trouble.String())
	}
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatalf("child %d did nothing: %s%s", n, said.String(), trouble.String())
	}
	found, err := a.store.Find(t.Context(), retryqueue.Query{States: []retryqueue.State{retryqueue.Running}, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	a.gaps = append(a.gaps, gap{from: killed})
	for _, r := range found.Records {
		if a.claims[r.ID] == r.Attempts {
			continue // an earlier child's, whose lease has not ended yet
		}
		a.claims[r.ID] = r.Attempts
		a.cut = append(a.cut, cut{r, killed})
	}
}

// resume ends the last gap.
func (a *audit) resume() {
	if n := len(a.gaps); n > 0 {
		a.gaps[n-1].to = time.Now()
	}
}

// finish does, in this process, what the children left.
func (a *audit) finish(t *testing.T, store retryqueue.Store, ledger Ledger) {
	t.Helper()
	q, _, err := work(store, ledger, a.hear)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	a.resume()
	go func() { ended <- q.Run(ctx) }()
	for end := time.Now().Add(lease + time.Minute); ; time.Sleep(20 * time.Millisecond) {
		found, err := store.Find(ctx, retryqueue.Query{Limit: 1, States: unfinished})
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Records) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("job %s is still %s", found.Records[0].Key, found.Records[0].State)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func (a *audit) report(t *testing.T, ledger Ledger, kills int) {
	t.Helper()
	ctx := t.Context()
	states := map[string]retryqueue.State{}
	for after, full := retryqueue.ID(""), true; full; {
		found, err := a.store.Find(ctx, retryqueue.Query{After: after, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found.Records {
			states[r.Key], after = r.State, r.ID
		}
		full = len(found.Records) == 1000
	}
	effects, err := ledger.Effects(ctx)
	if err != nil {
		t.Fatal(err)
	}
	lost, undone, doubled := 0, 0, 0
	for key := range a.accepted {
		if states[key] != retryqueue.Succeeded {
			lost++
		}
	}
	for key, state := range states {
		if state == retryqueue.Succeeded && effects[key] == 0 {
			undone++
		}
	}
	for _, n := range effects {
		doubled += n - 1
	}
	slowest, late, recovered := a.recovery(t)
	extra := a.executions - len(effects)
	t.Logf("%d kills, %d jobs accepted, %d done, %d cut off, %d lost, %d done without effect, %d doubled effects, %d extra executions, slowest recovery %s, "+
		"%s of it beyond the lease while somebody was there",
		kills, len(a.accepted), len(effects), len(a.cut), lost, undone, doubled, extra,
		slowest.Round(time.Millisecond), late.Round(time.Millisecond))
	switch {
	case lost > 0:
		t.Errorf("%d accepted jobs are lost", lost)
	case undone > 0:
		t.Errorf("%d jobs succeeded without their effect", undone)
	case doubled > 0:
		t.Errorf("%d effects were doubled", doubled)
	case extra > kills*workers:
		t.Errorf("%d extra executions, want at most %d", extra, kills*workers)
	case late > grace:
		t.Errorf("a job waited %s after its lease for workers who were there, want at most %s", late, grace)
	case len(a.accepted) < kills || recovered == 0:
		t.Errorf("the children were killed too early to show anything: %d jobs accepted, %d taken up again", len(a.accepted), recovered)
	}
	for i, text := range a.errors {
		if i == 10 {
			break
		}
		t.Log(text)
	}
}

// recovery is the longest time from a kill until a job that it cut off was claimed again, and the longest that one waited after
// its lease although somebody was at work: starting a process is not the store's doing.
func (a *audit) recovery(t *testing.T) (slowest, late time.Duration, recovered int) {
	t.Helper()
	for _, c := range a.cut {
		found, err := a.store.Find(t.Context(), retryqueue.Query{IDs: []retryqueue.ID{c.ID}, History: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Records) == 0 {
			t.Errorf("job %s is gone", c.Key)
			continue
		}
		for _, h := range found.Records[0].History {
			if h.N == c.Attempts && h.Error == retryqueue.LeaseEnded { // else its last transaction was under way, and held
				recovered++
				again := h.End.Add(-a.ahead)
				slowest = max(slowest, again.Sub(c.at))
				until := c.NextAttemptAt.Add(-a.ahead)
				if most := c.at.Add(lease); until.After(most) {
					until = most
				}
				late = max(late, a.worked(until, again))
			}
		}
	}
	return slowest, late, recovered
}

// worked is how long somebody was at work between two moments.
func (a *audit) worked(from, to time.Time) time.Duration {
	d := to.Sub(from)
	for _, g := range a.gaps {
		start, end := g.from, g.to
		if start.Before(from) {
			start = from
		}
		if end.After(to) {
			end = to
		}
		d -= max(0, end.Sub(start))
	}
	return d
}
