package sitoosync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/sitoo"
)

// FullSyncOptions say what a full sync does. The zero value matches products and brings the till's products down.
type FullSyncOptions struct {
	// Operations run one after another, in this order (E4). Default OpMatchProducts, ProductsDown.
	Operations []Operation
	// DryRun changes nothing on either side, nor in the stores; the report says what would have been done (S8). What an operation
	// would have made, later ones do not see; links are seen.
	DryRun bool
	// IgnoreErrors goes on after a record that cannot be synced (E2): without a SKU, without an image, with a stock that the till
	// refuses. Default: the first one ends the sync.
	IgnoreErrors bool
	// NoQuotaCheck begins each operation whatever is left of the till's allowance (E3). Default: an operation that needs more than is
	// left waits for the next time slot, where the till says when that is; else the sync ends with ErrQuota.
	NoQuotaCheck bool
	// Restart begins from the first operation although an earlier full sync of the same operations was interrupted. Default: it is
	// resumed where it stood.
	Restart bool
	// Progress, when not nil, is called as records are dealt with.
	Progress func(Progress)
}

// Report is what became of a full sync.
type Report struct {
	// Operations are those that ran, each in its order; the last may be the one that failed.
	Operations []OperationReport
	// Resumed is how many operations an earlier, interrupted sync had done already.
	Resumed int
	// Waits is how often the next time slot of the till's allowance was waited for (E3).
	Waits int
	// Estimate is how many requests of the till were to be made at most, those for the estimates included.
	Estimate int
	// Warnings are about the order of the operations (E4).
	Warnings []string
}

// ErrQuota means that an operation needs more requests than the till's allowance has left, and the till does not say when there
// will be more (Q23).
var ErrQuota = errors.New("sitoosync: the till's allowance is too small")

const fullSyncState = "fullsync"

// fullSyncProgress is what survives a crash.
type fullSyncProgress struct {
	Operations []Operation `json:"operations"`
	Done       int         `json:"done"`
	Position   string      `json:"position,omitempty"` // within the one that runs
}

// FullSync runs operations, one after another. When the process dies it is resumed by the next FullSync of the same operations:
// those that were done are not done again, and the one that was interrupted makes nothing twice.
//
// It waits for a job of autosync that runs; jobs that become due meanwhile wait for its end. The report is there with an error too.
func (s *Sync) FullSync(ctx context.Context, o FullSyncOptions) (*Report, error) {
	if len(o.Operations) == 0 {
		o.Operations = []Operation{OpMatchProducts, ProductsDown}
	}
	r := &Report{Warnings: outOfOrder(o.Operations)}
	for _, name := range o.Operations {
		if _, known := operationOf(name); !known {
			return r, fmt.Errorf("sitoosync: FullSync: there is no operation %q", name)
		}
	}
	if err := s.work.enter(ctx); err != nil {
		return r, err
	}
	defer s.work.leave()
	if o.DryRun {
		s = s.rehearsal()
	}
	r.Estimate++
	if err := s.readWarehouse(ctx); err != nil {
		return r, err
	}
	done := fullSyncProgress{Operations: o.Operations}
	if !o.Restart && !o.DryRun {
		var before fullSyncProgress
		if err := s.load(ctx, fullSyncState, &before); err != nil {
			return r, err
		}
		if slices.Equal(before.Operations, o.Operations) && before.Done < len(o.Operations) {
			done, r.Resumed = before, before.Done
		}
	}
	for _, name := range o.Operations[done.Done:] {
		if err := s.save(ctx, fullSyncState, done); err != nil {
			return r, err
		}
		op, _ := operationOf(name)
		p := &pass{op: op, full: true, dry: o.DryRun, ignore: o.IgnoreErrors, position: done.Position, progress: o.Progress}
		p.keep = func(position string) error {
			done.Position = position
			return s.save(ctx, fullSyncState, done)
		}
		err := s.afford(ctx, p, r, o.NoQuotaCheck)
		if err == nil {
			err = s.perform(ctx, p)
		}
		r.Operations = append(r.Operations, p.report)
		if err != nil {
			return r, fmt.Errorf("sitoosync: %s: %w", name, err)
		}
		done.Done, done.Position = done.Done+1, ""
	}
	return r, s.save(ctx, fullSyncState, nil)
}

// perform runs one operation.
func (s *Sync) perform(ctx context.Context, p *pass) error {
	p.sync, p.report.Operation, p.now.Operation = s, p.op.name, p.op.name
	began := time.Now()
	s.log.InfoContext(ctx, "begin", "operation", p.op.name, "about", p.op.about)
	err := p.op.run(s, ctx, p)
	p.report.Took = time.Since(began)
	s.log.InfoContext(ctx, "end",
		"operation", p.op.name, "changes", p.report.Changes, "skipped", len(p.report.Skipped), "took", p.report.Took, "error", err)
	return err
}

// afford works out what an operation needs, and waits until the till's allowance has it (E3). One that needs more than a whole time
// slot has begins with a fresh one; the client then waits for each further slot.
func (s *Sync) afford(ctx context.Context, p *pass, r *Report, unchecked bool) error {
	p.sync, p.report.Operation, p.now.Operation = s, p.op.name, p.op.name
	need, err := p.op.estimate(s, ctx)
	if err != nil {
		return fmt.Errorf("estimating the requests: %w", err)
	}
	p.report.Estimate, p.now.Requests = need, need
	r.Estimate += need
	if unchecked {
		return nil
	}
	for fresh := false; ; fresh = true {
		r.Estimate++
		if _, err := s.c.Till.CheckSite(ctx); err != nil { // any cheap request tells what is left now: others use the same key
			return err
		}
		q := s.c.Till.Quota()
		switch {
		case !q.Known || q.Remaining >= need:
			return nil
		case fresh:
			s.log.WarnContext(ctx, "the operation needs more than a time slot has",
				"operation", p.op.name, "requests", need, "left", q.Remaining)
			return nil
		case !q.Reset.After(time.Now()):
			return fmt.Errorf("%w: it needs %d requests, %d are left, and the till does not say when there will be more: try later",
				ErrQuota, need, q.Remaining)
		}
		r.Waits++
		p.now.WaitUntil = q.Reset
		p.tell()
		if err := sleep(ctx, time.Until(q.Reset)); err != nil {
			return err
		}
		p.now.WaitUntil = time.Time{}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// outOfOrder warns of operations that would make things twice: their matching does not come before them (E4).
func outOfOrder(names []Operation) (warnings []string) {
	matched := map[Operation]bool{}
	for _, name := range names {
		matched[name] = true
		if name == OpMatchAll {
			matched[OpMatchCategories], matched[OpMatchProducts], matched[OpMatchVouchers] = true, true, true
		}
		op, _ := operationOf(name)
		var missing []string
		for _, before := range op.after {
			if !matched[before] {
				missing = append(missing, string(before))
			}
		}
		if len(missing) > 0 {
			const warning = "%s runs without %s before it: what both sides have already may be made twice, or passed over"
			warnings = append(warnings, fmt.Sprintf(warning, name, strings.Join(missing, " and ")))
		}
	}
	return warnings
}

// rehearsal is the same Sync with stores that forget, and with nothing to send by: for dry runs.
func (s *Sync) rehearsal() *Sync {
	c := s.c
	c.Links, c.State = &overlay{LinkStore: s.c.Links}, &rehearsedState{StateStore: s.c.State}
	return &Sync{c: c, log: s.log, work: newGate(), stock: newGate(), order: newGate(), rehearses: true}
}

// readWarehouse reads the warehouse, whose type decides how stock moves, and may have changed (S6, trap 37).
func (s *Sync) readWarehouse(ctx context.Context) error {
	w, err := s.c.Till.Warehouses.Get(ctx, s.c.Warehouse)
	if errors.Is(err, sitoo.ErrNotFound) {
		return fmt.Errorf("sitoosync: Config.Warehouse: site %d has no warehouse %d: %w", s.c.Till.Site(), s.c.Warehouse, err)
	}
	if err != nil {
		return fmt.Errorf("sitoosync: the warehouse %d: %w", s.c.Warehouse, err)
	}
	s.mu.Lock()
	s.warehouse = w
	s.mu.Unlock()
	return nil
}
