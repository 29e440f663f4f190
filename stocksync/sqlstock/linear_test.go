package sqlstock_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/sqlstock"
)

// call and answer are an operation of a history.
type call struct {
	gid  stocksync.GID
	verb string // "reserve", "restock", "read"
	n    int64
}

type answer struct {
	ok      bool  // reserve: granted
	n       int64 // read: what is there
	unknown bool  // nobody knows whether it was done
}

// opening is what each product of a history begins with.
const opening = 20

// stock is the model: one number for each product, changed by one operation at a time. An operation of unknown outcome may come at any
// time after its call; when it comes after all others, it was never done.
var stock = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		of := map[stocksync.GID][]porcupine.Operation{}
		for _, o := range history {
			gid := o.Input.(call).gid
			of[gid] = append(of[gid], o)
		}
		var parts [][]porcupine.Operation
		for _, part := range of {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return int64(opening) },
	Step: func(state, input, output any) (bool, any) {
		is, c, a := state.(int64), input.(call), output.(answer)
		switch c.verb {
		case "read":
			return a.n == is, is
		case "restock":
			return true, is + c.n
		case "reserve":
			enough := is >= c.n
			if enough && (a.ok || a.unknown) {
				return true, is - c.n
			}
			return a.unknown || enough == a.ok, is
		}
		panic(c.verb)
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
}

const clients = 16

// record lets 16 clients loose on products of their own, and writes down what each saw.
func record(t *testing.T, seed uint64, name string, instances []*stocksync.Master, products, operations int) []porcupine.Operation {
	t.Helper()
	var mu sync.Mutex
	var history []porcupine.Operation
	began := time.Now()
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(seed, uint64(client)))
			m := instances[client%len(instances)]
			for i := range operations / clients {
				c := call{
					gid:  productOf(name, dice.IntN(products)),
					verb: []string{"read", "read", "reserve", "reserve", "restock"}[dice.IntN(5)],
					n:    1 + dice.Int64N(4),
				}
				if c.verb == "restock" {
					c.n += 3 // the stock hovers between some and none
				}
				o := porcupine.Operation{ClientId: client, Input: c, Call: time.Since(began).Nanoseconds()}
				key := fmt.Sprintf("%s/%d/%d", name, client, i)
				got, err := do(t.Context(), m, c, key)
				if errors.Is(err, errLost) && dice.IntN(2) == 0 {
					got, err = do(t.Context(), m, c, key) // who asks again hears what became of it
				}
				o.Return = time.Since(began).Nanoseconds()
				switch {
				case err == nil:
				case !errors.Is(err, errLost):
					t.Error(err)
					return
				case c.verb == "read":
					continue
				default:
					got = answer{unknown: true}
					o.Return = math.MaxInt64
				}
				o.Output = got
				mu.Lock()
				history = append(history, o)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return history
}

func productOf(history string, n int) stocksync.GID {
	return stocksync.GID(fmt.Sprint(history, "-", n))
}

// do asks a master. The key is the operation's own: asked again, a master does nothing twice.
func do(ctx context.Context, m *stocksync.Master, c call, key string) (got answer, err error) {
	lines := []stocksync.Line{{Ref: stocksync.Ref{GID: c.gid}, Quantity: decimal.NewFromInt(c.n)}}
	switch c.verb {
	case "reserve":
		var short *stocksync.Shortage
		err = m.Reserve(ctx, key, lines)
		if got.ok = err == nil; errors.As(err, &short) {
			err = nil
		}
	case "restock":
		err = m.Restock(ctx, key, lines)
	default:
		var items []*stocksync.Item
		if items, err = m.Lookup(ctx, "", []stocksync.Ref{{GID: c.gid}}); err == nil {
			got.n = items[0].Quantity.IntPart()
		}
	}
	return got, err
}

// stocked puts the products of a history on the shelf.
func stocked(t *testing.T, s stocksync.Store, name string, products int) {
	t.Helper()
	var gids []stocksync.GID
	for i := range products {
		gids = append(gids, productOf(name, i))
	}
	require.NoError(t, s.Update(t.Context(), gids, func([]*stocksync.Row) (c stocksync.Commit, err error) {
		for _, gid := range gids {
			r := &stocksync.Row{Seed: decimal.NewFromInt(opening)}
			r.GID, r.SKU, r.Version, r.Quantity = gid, stocksync.SKU(gid), 1, r.Seed
			r.Manage, r.Backorders, r.Status = stocksync.Managed, stocksync.BackordersNo, stocksync.InStock
			c.Rows = append(c.Rows, r)
		}
		return c, nil
	}))
}

// judge records histories and says how many were legal, and how many were not.
func judge(t *testing.T, stores []stocksync.Store, histories, operations int) (legal, illegal int) {
	t.Helper()
	const products = 10
	seed := rand.Uint64()
	began, unknown := time.Now(), 0
	var checked time.Duration
	for h := range histories {
		name := fmt.Sprint("h", h)
		stocked(t, stores[0], name, products)
		var instances []*stocksync.Master
		for i, s := range stores {
			instances = append(instances, newMaster(t, lossy(s, rand.New(rand.NewPCG(seed, uint64(1000*h+i))))))
		}
		history := record(t, seed+uint64(h), name, instances, products, operations)
		for _, o := range history {
			if o.Output.(answer).unknown {
				unknown++
			}
		}
		before := time.Now()
		switch porcupine.CheckOperationsTimeout(stock, history, time.Minute) {
		case porcupine.Ok:
			legal++
		case porcupine.Illegal:
			illegal++
		}
		checked += time.Since(before)
	}
	t.Logf("seed %d: %d histories of %d operations, %d of unknown outcome, by %d clients of %d instances in %s, of which %s to check: "+
		"%d legal, %d illegal", seed, histories, operations, unknown, clients, len(stores), time.Since(began).Round(time.Millisecond),
		checked.Round(time.Millisecond), legal, illegal)
	return legal, illegal
}

// Reserving, restocking and reading at the authority happen one at a time, whoever asks whichever instance: SS-02, I5.
func TestLinearizable(t *testing.T) {
	for _, c := range []struct {
		name                  string
		histories, operations int
		open                  func(t *testing.T) []stocksync.Store
	}{
		{"memory", 20, 5000, func(*testing.T) []stocksync.Store {
			one := stocksync.NewMemoryStore()
			return []stocksync.Store{one, one, one}
		}},
		{"sqlite", 2, 2000, func(t *testing.T) []stocksync.Store { return crew(t, sqldbtest.Get(t, "sqlite"), 3) }},
		{"postgres", 20, 5000, func(t *testing.T) []stocksync.Store { return hasty(t, sqldbtest.Get(t, "postgres"), 3) }},
		{"mysql", 2, 2000, func(t *testing.T) []stocksync.Store { return crew(t, sqldbtest.Get(t, "mysql"), 3) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			histories, operations := c.histories, c.operations
			if underRace {
				histories, operations = 1, operations/slower
			}
			legal, _ := judge(t, c.open(t), histories, operations)
			require.Equal(t, histories, legal, "legal histories")
		})
	}
}

// hasty is a crew on PostgreSQL whose commits do not wait for the disk: that is about power cuts, not about order.
func hasty(t *testing.T, s sqldbtest.Server, n int) []stocksync.Store {
	t.Helper()
	separator := "?"
	if strings.Contains(s.DSN, "?") {
		separator = "&"
	}
	var all []stocksync.Store
	for range n {
		db, err := sql.Open(s.Driver, s.DSN+separator+"synchronous_commit=off")
		require.NoError(t, err)
		db.SetMaxIdleConns(clients)
		t.Cleanup(func() { _ = db.Close() })
		all = append(all, open(t, db, sqlstock.Config{Prefix: s.Prefix}))
	}
	return all
}

// The check can fail: stores with one flaw each, of which each shows.
func TestLinearizablePlanted(t *testing.T) {
	t.Parallel()
	for name, flawed := range map[string]func(stocksync.Store, func() bool) stocksync.Store{
		"lost update":  func(s stocksync.Store, now func() bool) stocksync.Store { return &lostUpdate{s, now} },
		"double apply": func(s stocksync.Store, now func() bool) stocksync.Store { return &doubleApply{s, now} },
		"stale read": func(s stocksync.Store, now func() bool) stocksync.Store {
			return &staleRead{Store: s, now: now, seen: map[stocksync.GID][][]*stocksync.Row{}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := flawed(stocksync.NewMemoryStore(), sometimes(rand.New(rand.NewPCG(1, 2)), 30))
			legal, illegal := judge(t, []stocksync.Store{one, one, one}, 5, 1000)
			require.Equal(t, []int{0, 5}, []int{legal, illegal}, "legal and illegal histories")
		})
	}
}

// sometimes is true once in n times.
func sometimes(dice *rand.Rand, n int) func() bool {
	var mu sync.Mutex
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		return dice.IntN(n) == 0
	}
}

var errLost = errors.New("connection lost")

// lossyStore loses its connection now and then, before the work or after it.
type lossyStore struct {
	stocksync.Store
	before, after func() bool
}

func lossy(s stocksync.Store, dice *rand.Rand) stocksync.Store {
	rare := sometimes(dice, 400)
	lossy := &lossyStore{s, rare, rare}
	if looker, ok := s.(stocksync.Looker); ok {
		return &lossyLooker{lossy, looker}
	}
	return lossy
}

// lossyLooker is one whose store shows rows without locking them: that is to be checked too.
type lossyLooker struct {
	*lossyStore
	stocksync.Looker
}

func (s *lossyStore) Update(ctx context.Context, gids []stocksync.GID, change change) error {
	if s.before() {
		return errLost
	}
	err := s.Store.Update(ctx, gids, change)
	if err == nil && s.after() {
		return errLost
	}
	return err
}

// lostUpdate reads, thinks, and then writes over what others wrote meanwhile.
type lostUpdate struct {
	stocksync.Store
	now func() bool
}

func (s *lostUpdate) Update(ctx context.Context, gids []stocksync.GID, change change) error {
	if !s.now() {
		return s.Store.Update(ctx, gids, change)
	}
	rows, err := look(ctx, s.Store, gids)
	if err != nil {
		return err
	}
	c, err := change(rows)
	if err != nil {
		return err
	}
	time.Sleep(time.Millisecond)
	return s.Store.Update(ctx, gids, func(rows []*stocksync.Row) (stocksync.Commit, error) {
		for i, r := range rows {
			for _, mine := range c.Rows {
				if mine.GID == gids[i] {
					mine.Version = max(mine.Version, r.Version+1)
				}
			}
		}
		return c, nil
	})
}

// staleRead looks at a copy now and then that was made a while ago.
type staleRead struct {
	stocksync.Store
	now  func() bool
	mu   sync.Mutex
	seen map[stocksync.GID][][]*stocksync.Row
}

func (s *staleRead) Look(ctx context.Context, refs []stocksync.Ref) ([][]*stocksync.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gid := refs[0].GID
	if s.seen[gid] != nil && s.now() {
		return s.seen[gid], nil
	}
	found, err := s.Store.(stocksync.Looker).Look(ctx, refs)
	if s.seen[gid] == nil || s.now() {
		s.seen[gid] = found
	}
	return found, err
}

// doubleApply takes an answer for lost that was not, and does the work again.
type doubleApply struct {
	stocksync.Store
	now func() bool
}

func (s *doubleApply) Update(ctx context.Context, gids []stocksync.GID, change change) error {
	err := s.Store.Update(ctx, gids, change)
	if err != nil || !s.now() {
		return err
	}
	return s.Store.Update(ctx, gids, func(rows []*stocksync.Row) (stocksync.Commit, error) {
		c, err := change(rows)
		c.Ledger = nil // which would have known
		return c, err
	})
}

// look returns rows without a change.
func look(ctx context.Context, s stocksync.Store, gids []stocksync.GID) (rows []*stocksync.Row, err error) {
	err = s.Update(ctx, gids, func(found []*stocksync.Row) (stocksync.Commit, error) {
		rows = found
		return stocksync.Commit{}, nil
	})
	return rows, err
}

// newMaster makes an authority whom nobody follows.
func newMaster(t *testing.T, s stocksync.Store) *stocksync.Master {
	t.Helper()
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	require.NoError(t, err)
	m, err := stocksync.NewMaster(stocksync.MasterConfig{Self: stocksync.Self{StoreID: "main"}, Store: s, Queue: queue})
	require.NoError(t, err)
	return m
}
