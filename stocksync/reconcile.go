package stocksync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ReconcileOptions of [Master.Reconcile]. The zero value brings every peer to the authority's state, where it differs.
type ReconcileOptions struct {
	Peers  []StoreID // default all
	SKUs   []SKU     // default all
	Full   bool      // push everything, also what is equal as far as can be read
	DryRun bool      // read and compare, push nothing
	After  GID       // resume: only products after this one, see ReconcileReport.Next
	// Each is told of every difference, by one goroutine at a time.
	Each func(Difference)
	// Progress is told after each request, by one goroutine at a time.
	Progress func(Progress)
}

// ReconcileReport says what a reconcile found and did.
type ReconcileReport struct {
	Products  int // compared, times peers
	Different int // of them not as they should be, or pushed with Full
	Pushed    int // brought into line, each seen by read-back
	Waiting   int // put off: still in the outbox, see [Master.Backlog]
	Conflicts int // a person must look: see [Master.Conflicts]
	Requests  int // reads that were made to compare
	Next      GID // where a run that was cut off goes on: the last product done at every peer; empty when it came to the end
}

// Reconcile makes every peer have what it is to have: it reads each batch, queues what differs in the outbox, pushes and reads back.
// The authority is right: what a peer has of its own accord and never reported is overwritten ([Master.Audit] can adopt it). It needs
// ceil(products / batch) reads for each peer, and pushes only for differences. Ending ctx cuts it off between two requests; the report
// then says where to resume.
func (m *Master) Reconcile(ctx context.Context, o ReconcileOptions) (ReconcileReport, error) {
	in, err := m.inspection(ctx, "reconcile", o.Peers, o.SKUs, o.After, o.Progress)
	if err != nil {
		return ReconcileReport{}, err
	}
	run := &reconcile{m: m, o: o, reached: map[StoreID]GID{}}
	err = in.run(ctx, run.batch)
	r := run.report
	r.Requests = in.asked
	if err != nil {
		r.Next = o.After
		if len(run.reached) == len(in.peers) {
			r.Next = slices.Min(values(run.reached))
		}
	}
	if !o.DryRun {
		m.tell(context.WithoutCancel(ctx), []Event{{At: time.Now(), Level: "info", Action: "reconcile", Text: fmt.Sprintf(
			"reconcile: %d compared, %d different, %d pushed, %d waiting, %d conflicts",
			r.Products, r.Different, r.Pushed, r.Waiting, r.Conflicts)}})
	}
	return r, err
}

// SyncSKUs pushes selected products to every peer, equal or not.
func (m *Master) SyncSKUs(ctx context.Context, skus ...SKU) (ReconcileReport, error) {
	if len(skus) == 0 {
		return ReconcileReport{}, errors.New("stocksync: SyncSKUs needs SKUs; Reconcile takes all")
	}
	return m.Reconcile(ctx, ReconcileOptions{SKUs: skus, Full: true})
}

type reconcile struct {
	m *Master
	o ReconcileOptions

	mu      sync.Mutex
	report  ReconcileReport
	reached map[StoreID]GID
}

// batch compares one batch at one peer, and brings it into line.
func (run *reconcile) batch(ctx context.Context, peer Peer, rows []*Row, has []*Stock) error {
	id := peer.ID()
	var behind []GID
	for i, r := range rows {
		want := run.m.shown(r, id)
		found := compare(id, r.Ref, &want, has[i])
		if len(found) > 0 || run.o.Full {
			behind = append(behind, r.GID)
		}
		run.tell(found)
	}
	run.count(func(r *ReconcileReport) { r.Products += len(rows); r.Different += len(behind) })
	if !run.o.DryRun && len(behind) > 0 {
		if err := run.queue(ctx, id, behind); err != nil {
			return err
		}
		if err := run.push(ctx, peer, behind); err != nil {
			return err
		}
	}
	if len(rows) > 0 {
		run.mu.Lock()
		run.reached[id] = rows[len(rows)-1].GID
		run.mu.Unlock()
	}
	return nil
}

func (run *reconcile) tell(found []Difference) {
	if run.o.Each == nil {
		return
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	for _, d := range found {
		run.o.Each(d)
	}
}

func (run *reconcile) count(add func(*ReconcileReport)) {
	run.mu.Lock()
	defer run.mu.Unlock()
	add(&run.report)
}

// queue puts products into a peer's outbox, as new versions: a peer with a version fence would take the old one for done.
func (run *reconcile) queue(ctx context.Context, id StoreID, gids []GID) error {
	return run.m.change(ctx, gids, func(c *change) error {
		for _, l := range c.lines {
			if l.Row != nil {
				s := l.standing(id)
				s.Missed, s.Seen = 0, nil
				l.bump(0)
				l.push(id, time.Time{})
			}
		}
		return nil
	})
}

// push works on a peer's outbox until nothing of it is due, beside the queue's own job: what is leased, one of the two has.
func (run *reconcile) push(ctx context.Context, peer Peer, gids []GID) error {
	for {
		r, err := run.m.pass(ctx, peer)
		if err != nil {
			return err
		}
		if len(r.leased) == 0 {
			break
		}
	}
	rows, err := run.m.read(ctx, gids)
	if err != nil {
		return err
	}
	run.count(func(report *ReconcileReport) {
		for _, r := range rows {
			switch s := r.Peers[peer.ID()]; {
			case s == nil:
			case s.Conflict != nil:
				report.Conflicts++
			case s.pushed() != nil && s.Proved >= s.pushed().Version:
				report.Pushed++
			default:
				report.Waiting++
			}
		}
	})
	return nil
}

func values[K comparable, V any](m map[K]V) []V {
	all := make([]V, 0, len(m))
	for _, v := range m {
		all = append(all, v)
	}
	return all
}
