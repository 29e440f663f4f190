package benchmarks

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// server is the address of a server; the test is skipped where it is not set.
func server(t *testing.T, name string) string {
	t.Helper()
	address := os.Getenv(name)
	if address == "" {
		t.Skip(name + " is not set")
	}
	return address
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// percentiles prints p50, p99 and the greatest of some waits.
func percentiles(waits []time.Duration) string {
	slices.Sort(waits)
	var out []string
	for _, p := range []int{50, 99, 100} {
		out = append(out, fmt.Sprintf("p%d %s", p, waits[(len(waits)-1)*p/100].Round(10*time.Microsecond)))
	}
	return strings.Join(out, ", ")
}
