package sqldb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Patience is how long a transaction is tried again before its last error is returned, if ctx does not end it sooner.
// It is longer than a server's own lock time-outs and short enough that a host which forgot to end a transaction of its
// own hears of it.
const Patience = 30 * time.Second

const (
	firstPause = time.Millisecond
	lastPause  = 50 * time.Millisecond
)

// retry runs try until it ends in anything but a lost race. All errors of a ctx that has ended become ctx's: drivers
// report it in words of their own ("interrupted").
func retry(ctx context.Context, try func() error) error {
	begun := time.Now()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := try()
		if err == nil {
			return nil
		}
		if cause := ctx.Err(); cause != nil {
			if errors.Is(err, cause) {
				return err
			}
			return fmt.Errorf("%w: %w", cause, err)
		}
		if !Transient(err) {
			return err
		}
		if waited := time.Since(begun); waited >= Patience {
			return fmt.Errorf("gave up after %s: %w", waited.Round(time.Millisecond), err)
		}
		// Between a half and the whole: two that collided must not meet again.
		timer := time.NewTimer(pause/2 + rand.N(pause/2)) //nolint:gosec // spread, not secrecy
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// Transient reports whether the server says that a transaction lost a race, was rolled back, and may succeed when run
// again: deadlock, serialisation failure, lock time-out, busy SQLite file. Drivers are told apart by the methods of
// their errors, or by their words where they have none.
func Transient(err error) bool {
	if state, ok := find[interface{ SQLState() string }](err); ok { // pgx, lib/pq
		switch state.SQLState() {
		case "40001", "40P01", "55P03":
			return true
		}
		return false
	}
	if code, ok := find[interface{ Code() int }](err); ok { // modernc.org/sqlite
		primary := code.Code() & 0xff // extended codes keep the primary one in the low byte
		return primary == sqliteBusy || primary == sqliteLocked
	}
	if err == nil {
		return false
	}
	text := err.Error()
	for _, words := range []string{
		"Error 1213", "Error 1205", // go-sql-driver/mysql: deadlock, lock wait time-out
		"database is locked", "database table is locked", // mattn/go-sqlite3, ncruces/go-sqlite3
	} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

const (
	sqliteBusy   = 5
	sqliteLocked = 6
)

// find is errors.As for an interface that is no error itself.
func find[T any](err error) (found T, ok bool) {
	ok = err != nil && errors.As(err, &found)
	return found, ok
}
