package sqlstock_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/sqlstore"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/sqlstock"
)

// The moments at which a child kills itself, one around each durable step between a sale's report and its arrival at the other store.
// At the last one it is killed from outside, wherever it is.
var crashPoints = []string{
	"before the commit", "after the commit", "before the job", "after the job", "after the lease", "before the push", "after the push",
	"anywhere",
}

// crashPlan is what a child is told.
type crashPlan struct {
	Driver, DSN, Prefix string // where the store is
	Shelves             string // where the stores are that follow: they live on in the parent
	Point               string
	Nth                 int32 // passage of Point
	Self                string
}

const crashVar = "TILLWIRE_SQLSTOCK_CRASH"

// A master is killed at each step, again and again, by SIGKILL. Then every sale that was ever reported stands in the ledger exactly
// once, whether its report was acknowledged or sent again; the quantity is the seed and all of the ledger (I1, I2); and the stores
// that follow have what the master has (I7), though commit and queue are two transactions.
func TestCrash(t *testing.T) {
	t.Parallel()
	if text := os.Getenv(crashVar); text != "" {
		var plan crashPlan
		require.NoError(t, json.Unmarshal([]byte(text), &plan))
		crashChild(t, plan)
		return
	}
	sqldbtest.Each(t, crash)
}

const crashProducts = 5

func crash(t *testing.T, server sqldbtest.Server) {
	dsn := server.DSN
	if server.Dialect == "sqlite" {
		dsn = "file:" + dsn + "?_txlock=immediate&_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)"
	}
	shelves := &crashShelves{held: map[string]map[stocksync.GID]stocksync.Item{}}
	reached := httptest.NewServer(shelves)
	t.Cleanup(reached.Close)
	db, err := sql.Open(server.Driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	plan := crashPlan{Driver: server.Driver, DSN: dsn, Prefix: server.Prefix, Shelves: reached.URL}
	w, err := openWorld(t.Context(), db, plan)
	require.NoError(t, err)
	stocked(t, w.state, "crash", crashProducts)

	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 0))
	rounds := 1
	if os.Getenv("TILLWIRE_LONG") == "1" {
		rounds = 8
	}
	tried, accepted := map[string]bool{}, map[string]bool{}
	for round := range rounds {
		for i, point := range crashPoints {
			plan.Point, plan.Nth, plan.Self = point, 1+dice.Int32N(12), fmt.Sprint(round, ".", i)
			liveAndDie(t, plan, dice, tried, accepted)
			age(t, db, server.Prefix)
		}
	}

	for source := range tried { // stores send again what was not acknowledged, and sometimes what was
		require.NoError(t, w.master.Receive(t.Context(), reportOf(source)), "seed %d", seed)
	}
	settled(t, w, db, server.Prefix)
	lines := map[string]int{}
	for i := range crashProducts {
		gid := productOf("crash", i)
		rows, err := look(t.Context(), w.state, []stocksync.GID{gid})
		require.NoError(t, err)
		row := rows[0]
		history, err := w.state.History(t.Context(), gid, 0)
		require.NoError(t, err)
		sum := row.Seed
		for _, e := range history {
			sum = sum.Add(e.Delta)
			lines[string(e.Store)+" "+e.Source]++
		}
		require.Equal(t, sum.String(), row.Quantity.String(), "%s is its seed and all deltas; seed %d", gid, seed)
		for _, peer := range crashPeers {
			have := shelves.read(string(peer), gid)
			require.Equal(t, row.Quantity.String(), have.Quantity.String(), "%s at %s; seed %d", gid, peer, seed)
			// What was sent again to one of them has a version of its own, which the other has no need of.
			require.LessOrEqual(t, have.Version, row.Version, "%s at %s; seed %d", gid, peer, seed)
		}
	}
	lost, doubled := 0, 0
	for source := range tried {
		switch n := lines[source]; {
		case n == 0:
			lost++
		case n > 1:
			doubled++
		}
	}
	t.Logf("seed %d: %d kills, %d sales reported, %d of them acknowledged by who was killed later, %d lost, %d doubled",
		seed, rounds*len(crashPoints), len(tried), len(accepted), lost, doubled)
	require.Zero(t, lost)
	require.Zero(t, doubled)
	require.Len(t, lines, len(tried), "lines of sales that nobody reported")
	require.Greater(t, len(tried), len(accepted), "no report was cut off")
	require.NotEmpty(t, accepted)
}

var crashPeers = []stocksync.StoreID{"north", "south"}

// reportOf is the report of one sale: "north order:7.0.3".
func reportOf(source string) stocksync.Report {
	peer, order, _ := strings.Cut(source, " ")
	var sum int
	for _, c := range []byte(source) {
		sum += int(c)
	}
	return stocksync.Report{From: stocksync.StoreID(peer), At: time.Now(), Movements: []stocksync.Movement{{
		Ref:    stocksync.Ref{SKU: stocksync.SKU(productOf("crash", sum%crashProducts))},
		Source: order, Delta: decimal.NewFromInt(-1), At: time.Now(),
	}}}
}

// world is a master and what it stands on, in this process.
type world struct {
	state  *sqlstock.Store
	master *stocksync.Master
	queue  *retryqueue.Queue
	trap   *trap
}

func openWorld(ctx context.Context, db *sql.DB, plan crashPlan) (*world, error) {
	w := &world{trap: &trap{point: plan.Point}}
	w.trap.left.Store(plan.Nth)
	var err error
	if w.state, err = sqlstock.Open(ctx, db, sqlstock.Config{Prefix: plan.Prefix}); err != nil {
		return nil, err
	}
	jobs, err := sqlstore.Open(ctx, db, sqlstore.Config{Prefix: plan.Prefix})
	if err != nil {
		return nil, err
	}
	w.queue, err = retryqueue.New(retryqueue.Config{Store: &trappedJobs{jobs, w.trap}, Lease: time.Second, Poll: 200 * time.Millisecond})
	if err != nil {
		return nil, err
	}
	c := stocksync.MasterConfig{
		Self: stocksync.Self{StoreID: "main"}, Store: &trappedState{w.state, w.trap}, Queue: w.queue, Quiet: -1,
		Capture: map[stocksync.StoreID]stocksync.Capture{},
	}
	for _, id := range crashPeers {
		c.Peers = append(c.Peers, &farShelf{id: id, url: plan.Shelves + "/" + string(id), trap: w.trap})
		c.Capture[id] = stocksync.OrderLedger
	}
	w.master, err = stocksync.NewMaster(c)
	return w, err
}

// crashChild receives reports and pushes until it dies.
func crashChild(t *testing.T, plan crashPlan) {
	go func() { // or its parent does
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	db, err := sql.Open(plan.Driver, plan.DSN)
	require.NoError(t, err)
	w, err := openWorld(t.Context(), db, plan)
	require.NoError(t, err)
	var mu sync.Mutex
	say := func(verb, source string) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = os.Stdout.WriteString(crashMark + verb + " " + source + "\n") // one write: what is said is said, whatever happens next
	}
	for p := range 4 {
		go func() {
			for i := 0; ; i++ {
				source := fmt.Sprintf("%s order:%s.%d.%d", crashPeers[p%2], plan.Self, p, i)
				say("tried", source)
				if err := w.master.Receive(t.Context(), reportOf(source)); err != nil {
					say("error", source+" "+err.Error())
					return
				}
				say("accepted", source)
			}
		}()
	}
	go func() { _ = w.master.Run(t.Context()) }()
	_ = w.queue.Run(t.Context())
}

const crashMark = "crash: "

// liveAndDie runs a child until it is dead, and notes what it said.
func liveAndDie(t *testing.T, plan crashPlan, dice *rand.Rand, tried, accepted map[string]bool) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	text, err := json.Marshal(plan)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestCrash$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), crashVar+"="+string(text))
	var trouble strings.Builder
	cmd.Stderr = &trouble
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	defer func() { _ = in.Close() }()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	wait := 200*time.Millisecond + time.Duration(dice.Int64N(int64(200*time.Millisecond)))
	var once sync.Once
	var said strings.Builder
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil { // what is cut off was not said
			break
		}
		rest, ours := strings.CutPrefix(strings.TrimSpace(line), crashMark)
		verb, source, _ := strings.Cut(rest, " ")
		switch {
		case !ours || verb == "error":
			said.WriteString(line)
		case verb == "tried":
			tried[source] = true
		case verb == "accepted":
			accepted[source] = true
			if plan.Point == "anywhere" {
				once.Do(func() { time.AfterFunc(wait, func() { _ = cmd.Process.Kill() }) })
			}
		}
	}
	_ = cmd.Wait()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok && status.Signaled() && status.Signal() == syscall.SIGKILL,
		"it did not die %s: %s%s", plan.Point, said.String(), trouble.String())
}

// age lets the leases of the dead end: nobody waits five minutes here.
func age(t *testing.T, db *sql.DB, prefix string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), "update "+prefix+"stock_outbox set due = due - 300000000 where token <> ''")
	require.NoError(t, err)
}

// settled runs the world until nothing waits any more.
func settled(t *testing.T, w *world, db *sql.DB, prefix string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = w.master.Run(ctx) })
	running.Go(func() { _ = w.queue.Run(ctx) })
	defer running.Wait()
	defer cancel()
	require.Eventually(t, func() bool {
		backlog, err := w.state.Backlog(ctx)
		require.NoError(t, err)
		return len(backlog) == 0
	}, 30*time.Second, 20*time.Millisecond, "the outbox does not empty")
}

// trap kills the process at one point.
type trap struct {
	point string
	left  atomic.Int32
}

func (t *trap) at(point string) {
	if t.point == point && t.left.Add(-1) == 0 {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // it is on its way
	}
}

type change = func(rows []*stocksync.Row) (stocksync.Commit, error)

// trappedState can die around the commit of a sale, and after a lease.
type trappedState struct {
	stocksync.Store
	trap *trap
}

func (s *trappedState) Update(ctx context.Context, gids []stocksync.GID, change change) error {
	sale := false
	err := s.Store.Update(ctx, gids, func(rows []*stocksync.Row) (stocksync.Commit, error) {
		c, err := change(rows)
		if sale = err == nil && len(c.Ledger) > 0; sale {
			s.trap.at("before the commit")
		}
		return c, err
	})
	if sale && err == nil {
		s.trap.at("after the commit")
	}
	return err
}

func (s *trappedState) Behind(ctx context.Context, peer stocksync.StoreID, n int, lease time.Duration) ([]stocksync.Push, error) {
	found, err := s.Store.Behind(ctx, peer, n, lease)
	if len(found) > 0 {
		s.trap.at("after the lease")
	}
	return found, err
}

// trappedJobs can die around the insertion of a job.
type trappedJobs struct {
	retryqueue.Store
	trap *trap
}

func (s *trappedJobs) Insert(ctx context.Context, jobs []retryqueue.NewJob) ([]retryqueue.Receipt, error) {
	s.trap.at("before the job")
	receipts, err := s.Store.Insert(ctx, jobs)
	s.trap.at("after the job")
	return receipts, err
}

// farShelf is a store that follows, in another process.
type farShelf struct {
	id   stocksync.StoreID
	url  string
	trap *trap
}

func (p *farShelf) ID() stocksync.StoreID { return p.id }

func (p *farShelf) Push(ctx context.Context, items []stocksync.Item) ([]stocksync.Applied, error) {
	p.trap.at("before the push")
	err := p.call(ctx, "/push", items, nil)
	p.trap.at("after the push")
	applied := make([]stocksync.Applied, len(items))
	for i := range applied {
		applied[i].Outcome = stocksync.Accepted
	}
	return applied, err
}

func (p *farShelf) Rename(context.Context, []stocksync.Ref) ([]stocksync.Applied, error) {
	return nil, fmt.Errorf("%s is not to be renamed at", p.id)
}

func (p *farShelf) Read(ctx context.Context, refs []stocksync.Ref) (stock []*stocksync.Stock, err error) {
	return stock, p.call(ctx, "/read", refs, &stock)
}

func (p *farShelf) call(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if out == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(out)
}

// crashShelves are the stores that follow. A version lower than theirs they take for old, as the plugin does.
type crashShelves struct {
	mu   sync.Mutex
	held map[string]map[stocksync.GID]stocksync.Item
}

func (s *crashShelves) read(peer string, gid stocksync.GID) stocksync.Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[peer][gid]
}

func (s *crashShelves) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	peer, verb, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if s.held[peer] == nil {
		s.held[peer] = map[stocksync.GID]stocksync.Item{}
	}
	if verb == "push" {
		var items []stocksync.Item
		if err := json.NewDecoder(r.Body).Decode(&items); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, item := range items {
			if item.Version > s.held[peer][item.GID].Version {
				s.held[peer][item.GID] = item
			}
		}
		return
	}
	var refs []stocksync.Ref
	if err := json.NewDecoder(r.Body).Decode(&refs); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	stock := make([]*stocksync.Stock, len(refs))
	for i, ref := range refs {
		if item, there := s.held[peer][ref.GID]; there {
			stock[i] = &item.Stock
		}
	}
	_ = json.NewEncoder(w).Encode(stock)
}
