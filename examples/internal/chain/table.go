package chain

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// Table is a part of a host that shows lines on standard error until its context ends: all of them, drawn anew five times a second,
// on a terminal; elsewhere the last of them every five seconds.
func Table(lines func() []string) func(context.Context) error {
	return func(ctx context.Context) error {
		every, up := 5*time.Second, 0
		draw := func() {
			all := lines()
			fmt.Fprintln(os.Stderr, all[len(all)-1]) //nolint:errcheck // for people
		}
		if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			every = 200 * time.Millisecond
			draw = func() {
				all := lines()
				if up > 0 {
					fmt.Fprintf(os.Stderr, "\x1b[%dF\x1b[0J", up) // back to its first line, and clear what follows
				}
				up = len(all)
				fmt.Fprintln(os.Stderr, strings.Join(all, "\n")) //nolint:errcheck // for people
			}
		}
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				draw()
				return nil
			case <-tick.C:
				draw()
			}
		}
	}
}
