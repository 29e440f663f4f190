package sqlstore

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
	"github.com/tillwire/tillwire/retryqueue"
)

const childFile = "TILLWIRE_SQLSTORE_CHILD" // names the child's database file

func TestMain(m *testing.M) {
	if file := os.Getenv(childFile); file != "" {
		if err := child(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child accepts and does jobs until it is killed, and says on its standard output what it was told by the store.
func child(file string) error {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, err := Open(ctx, db, Config{})
	if err != nil {
		return err
	}
	for {
		jobs := make([]retryqueue.NewJob, 5)
		for i := range jobs {
			jobs[i] = retryqueue.NewJob{Kind: "k", Payload: []byte(`1`)}
		}
		receipts, err := s.Insert(ctx, jobs)
		if err != nil {
			return err
		}
		for _, r := range receipts {
			fmt.Println("accepted", r.ID)
		}
		c, err := s.Claim(ctx, retryqueue.Claim{Kinds: map[string]int{"k": 3}, Lease: 20 * time.Millisecond})
		if err != nil {
			return err
		}
		outcomes := make([]retryqueue.Outcome, len(c.Records))
		for i, r := range c.Records {
			fmt.Println("began", r.ID)
			outcomes[i] = retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Succeeded, Result: []byte(`2`)}
		}
		errs, err := s.Settle(ctx, outcomes)
		if err != nil {
			return err
		}
		for i, o := range outcomes {
			if errs[i] == nil {
				fmt.Println("ended", o.Lease.ID)
			}
		}
	}
}

// A process is killed at any moment, again and again. What it was told is accepted is there, what it was told has ended
// has ended, what it had begun is claimed again as unsure, and nothing is there twice.
func TestKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	server := sqldbtest.Get(t, "sqlite")
	program, err := os.Executable()
	require.NoError(t, err)
	said := map[string]map[string]bool{"accepted": {}, "began": {}, "ended": {}}
	for range 6 {
		cmd := exec.CommandContext(t.Context(), program)
		cmd.Env = append(os.Environ(), childFile+"="+server.DSN)
		var trouble strings.Builder
		cmd.Stderr = &trouble
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewReader(out)
		killed := false
		for {
			line, err := lines.ReadString('\n')
			if err == io.EOF { // what is cut off was not said
				break
			}
			require.NoError(t, err)
			verb, id, _ := strings.Cut(strings.TrimSpace(line), " ")
			said[verb][id] = true
			if verb == "ended" && !killed { // by then it is at all it does
				killed = true
				time.AfterFunc(rand.N(150*time.Millisecond), func() { _ = cmd.Process.Kill() })
			}
		}
		require.Error(t, cmd.Wait(), "it ends only when killed")
		require.True(t, killed, trouble.String())
	}
	require.NotEmpty(t, said["ended"])

	s := open(t, sqldbtest.Server{Driver: server.Driver, DSN: server.DSN})
	for id := range said["accepted"] {
		r := one(t, s, retryqueue.ID(id))
		if said["ended"][id] {
			require.Equal(t, retryqueue.Succeeded, r.State, id)
			require.Equal(t, `2`, string(r.Result))
		}
	}
	time.Sleep(25 * time.Millisecond) // the last leases
	for {
		records := claim(t, s, "k", 100)
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			id := string(r.ID)
			require.False(t, said["ended"][id], "claimed after it had ended")
			if said["began"][id] {
				require.True(t, r.Unsure)
			}
			settle(t, s, retryqueue.Outcome{Lease: r.Lease, State: retryqueue.Succeeded})
		}
	}
	found, err := s.Find(t.Context(), retryqueue.Query{Count: true, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, map[retryqueue.State]int{retryqueue.Succeeded: found.Total}, found.ByState)
	require.GreaterOrEqual(t, found.Total, len(said["accepted"]))
}
