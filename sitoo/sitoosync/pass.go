package sitoosync

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pass is one run of an operation: in a full sync, or as a job of autosync.
type pass struct {
	sync *Sync
	op   operation
	// full is a full sync: cursors are not looked at, everything is gone through. Else only what has changed since the last pass.
	full bool
	// dry changes nothing on either side: see will. Links and states are the business of the rehearsal that makes it.
	dry bool
	// ignore goes on after what is wrong with one record (E2): see fail.
	ignore bool
	// position is where an interrupted pass stood, as it was given to checkpoint; empty at the beginning.
	position string

	keep     func(position string) error // keeps it; nil outside full syncs
	progress func(Progress)
	now      Progress
	report   OperationReport
}

// OperationReport is what became of one operation.
type OperationReport struct {
	Operation Operation
	// Estimate is how many requests of the till it was to make at most, 0 for a job of autosync.
	Estimate int
	// Changes is how many records were made or changed on either side; in a dry run, would have been.
	Changes int
	// Planned says what a dry run would have done, one sentence each.
	Planned []string
	// Skipped are the records that were passed over, with the reason.
	Skipped []error
	// Match is what a matching found.
	Match MatchReport
	// Took is how long it took, waiting included.
	Took time.Duration
}

// step begins a step of so many records, 0 for unknown.
func (p *pass) step(name string, total int) {
	p.now.Step, p.now.Done, p.now.Total = name, 0, total
	p.tell()
}

// did counts records that were dealt with.
func (p *pass) did(n int) {
	p.now.Done += n
	p.tell()
}

func (p *pass) tell() {
	if p.progress == nil {
		return
	}
	if q := p.sync.c.Till.Quota(); q.Known {
		p.now.QuotaLeft = q.Remaining
	}
	p.progress(p.now)
}

// will announces a change of n records; in a dry run it is noted and must not be made: will reports whether to make it.
func (p *pass) will(n int, format string, args ...any) bool {
	p.report.Changes += n
	if p.dry {
		p.report.Planned = append(p.report.Planned, fmt.Sprintf(format, args...))
	}
	return !p.dry
}

// fail decides about what is wrong with one record (E2): it returns nil to go on, which is logged and reported, or the error to end
// with. What every further request would meet, such as a refused key or a spent allowance, always ends a pass.
func (p *pass) fail(ctx context.Context, err error) error {
	var stop stopper
	if err == nil || !p.ignore || ctx.Err() != nil || errors.As(err, &stop) && stop.Systemic() {
		return err
	}
	p.sync.log.WarnContext(ctx, "passed over", "operation", p.op.name, "error", err)
	p.report.Skipped = append(p.report.Skipped, err)
	return nil
}

// note reports what a person should look at, and goes on whatever the settings.
func (p *pass) note(ctx context.Context, err error) {
	p.sync.log.WarnContext(ctx, "to be looked at", "operation", p.op.name, "error", err)
	p.report.Skipped = append(p.report.Skipped, err)
}

// checkpoint keeps where a full sync stands within its operation: what is behind it need not be done again after a crash.
// Operations that need no such thing call it never and begin anew.
func (p *pass) checkpoint(ctx context.Context, position string) error {
	if p.keep == nil {
		return ctx.Err()
	}
	p.position = position
	return p.keep(position)
}
