// Package progress shows how far a queue is: a bar on the terminal while it runs, and a count at the end.
package progress

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/tillwire/tillwire/retryqueue"
)

// Bar is a part of a host that draws the queue's progress on standard error until its context ends: a bar on a terminal, a line every
// ten seconds elsewhere.
func Bar(q *retryqueue.Queue, what string) func(context.Context) error {
	return func(ctx context.Context) error {
		draw, every, end := func(done, total int) { fmt.Fprintf(os.Stderr, "%s: %d of %d\n", what, done, total) }, 10*time.Second, ""
		if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			bar := progressbar.NewOptions(0, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(os.Stderr),
				progressbar.OptionShowCount(), progressbar.OptionSetWidth(40))
			draw, every, end = func(done, total int) {
				bar.ChangeMax(total)
				_ = bar.Set(done) // the terminal may be gone; the work is not the worse for it
			}, 200*time.Millisecond, "\n"
		}
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				fmt.Fprint(os.Stderr, end)
				return nil
			case <-tick.C:
			}
			found, err := q.List(context.WithoutCancel(ctx), retryqueue.Query{Count: true, Limit: 1})
			if err != nil {
				return err
			}
			if found.Total > 0 {
				draw(found.Total-Unfinished(found), found.Total)
			}
		}
	}
}

// Unfinished is how many jobs are still to be done or to be given up.
func Unfinished(f retryqueue.Found) int {
	return f.ByState[retryqueue.Queued] + f.ByState[retryqueue.Running] + f.ByState[retryqueue.Retrying]
}

// Finished waits until no job is unfinished.
func Finished(ctx context.Context, q *retryqueue.Queue) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		found, err := q.List(ctx, retryqueue.Query{Count: true, Limit: 1})
		if err != nil || Unfinished(found) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
