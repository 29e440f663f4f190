package sitoosync

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// The intervals (K2).
const (
	liveStock  = 3 * time.Minute
	liveOthers = 15 * time.Minute
	testAll    = time.Minute
	hooksPoll  = time.Hour // what webhooks have lost is looked for this often
	startAgain = time.Minute
)

// job is something that autosync does again and again.
type job struct {
	name  string
	every time.Duration
	run   func(ctx context.Context) error
}

// jobs are those that the Config asks for.
func (s *Sync) jobs() (all []job) {
	stock, others := liveStock, liveOthers
	if !s.c.Live {
		stock, others = testAll, testAll
	}
	changes := stock
	if s.c.Hooks {
		changes = hooksPoll
	}
	if s.sendsOrders() || s.c.SendProducts || s.c.SendCoupons {
		all = append(all, job{"changes of the shop", changes, func(ctx context.Context) error { return s.poll(ctx, time.Time{}) }})
	}
	if s.c.NoAutosync {
		return all
	}
	if !s.c.NoStockDown {
		all = append(all, job{"stock", stock, s.fetch(StockDown)})
	}
	if s.c.Match {
		all = append(all, job{"match", others, s.fetch(OpMatchAll)})
	}
	switch s.c.Orders {
	case AllOrders:
		all = append(all, job{"orders", others, s.fetch(OrdersDown)})
	case Store2DoorOrders:
		all = append(all, job{"orders", others, s.fetch(Store2DoorDown)})
	}
	return all
}

// fetch is a pass of an operation that goes on after what is wrong with one record, and reads what has changed.
func (s *Sync) fetch(name Operation) func(context.Context) error {
	return func(ctx context.Context) error {
		op, known := operationOf(name)
		if !known {
			return errors.New("sitoosync: there is no operation " + string(name))
		}
		return s.perform(ctx, &pass{op: op, ignore: true})
	}
}

// Run fetches from the till what has changed, on the intervals of autosync (K1, K2), and looks for changes of the shop that are to
// go up, until ctx ends; then it returns nil. What goes up is the queue's work: run that too. A job that takes longer than its
// interval leaves out rounds, and jobs never overlap: the till answers 429 to two requests at once. A job that fails is logged and
// tried again in its next round.
//
// It ends with an error only when the settings are wrong: a key that is refused, a site or a warehouse that does not exist.
func (s *Sync) Run(ctx context.Context) error {
	for {
		_, err := s.Connect(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // it was stopped, which is how it ends
		case wrong(err):
			return err
		}
		if err == nil {
			break
		}
		s.log.WarnContext(ctx, "no connection", "error", err)
		if sleep(ctx, startAgain) != nil {
			return nil //nolint:nilerr // likewise
		}
	}
	var all sync.WaitGroup
	for _, j := range s.jobs() {
		all.Go(func() { s.every(ctx, j) })
	}
	all.Wait()
	return nil
}

// wrong reports whether an error says that a setting is wrong, and will be a minute later too.
func wrong(err error) bool {
	for _, kind := range []error{
		sitoo.ErrAuth, sitoo.ErrPermission, sitoo.ErrNotFound, sitoo.ErrNoRoute, sitoo.ErrRedirect,
		woo.ErrAuth, woo.ErrPermission, woo.ErrNoRoute, woo.ErrRedirect,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	var setting settingError
	return errors.As(err, &setting)
}

// every runs a job now and at each multiple of its interval that comes after its last run has ended.
func (s *Sync) every(ctx context.Context, j job) {
	begin := time.Now()
	for {
		s.round(ctx, j)
		rounds := time.Since(begin)/j.every + 1
		if sleep(ctx, time.Until(begin.Add(rounds*j.every))) != nil {
			return
		}
	}
}

func (s *Sync) round(ctx context.Context, j job) {
	if s.work.enter(ctx) != nil {
		return
	}
	defer s.work.leave()
	if err := j.run(ctx); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "a job of autosync failed and will be tried again", "job", j.name, "every", j.every, "error", err)
	}
}

// RunOnce does each job of autosync once: for hosts that only get a request now and then. Its error is that of the jobs that
// failed; the others were done.
func (s *Sync) RunOnce(ctx context.Context) error {
	if err := s.work.enter(ctx); err != nil {
		return err
	}
	defer s.work.leave()
	if err := s.readWarehouse(ctx); err != nil {
		return err
	}
	var failed []error
	for _, j := range s.jobs() {
		failed = append(failed, j.run(ctx))
	}
	return errors.Join(failed...)
}
