package kledosync

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRules reads RULES.md: every rule has an id of its own and a verdict, a verdict that needs a reason has one, and every test that is
// named exists.
func TestRules(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("RULES.md")
	require.NoError(t, err)
	tests := map[string]string{} // by package, its test files
	exists := func(name string) bool {
		dir := "."
		if at := strings.LastIndex(name, "."); at >= 0 { // "retryqueue/transactions.TestRetry"
			dir, name = filepath.Join("..", "..", filepath.FromSlash(name[:at])), name[at+1:]
		}
		if _, read := tests[dir]; !read {
			files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
			require.NoError(t, err)
			for _, file := range files {
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				tests[dir] += string(text)
			}
		}
		return strings.Contains(tests[dir], "\nfunc "+name+"(t *testing.T)")
	}
	id := regexp.MustCompile(`^K-(2\.\d+\.\d+|3\.\d+)$`)
	seen, sections := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "| K-") {
			continue
		}
		cells := strings.Split(strings.ReplaceAll(strings.TrimSpace(line), `\|`, "¦"), "|")
		require.Len(t, cells, 7, line)
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rule, verdict, reason, named := cells[1], cells[3], cells[4], cells[5]
		require.Regexp(t, id, rule)
		require.False(t, seen[rule], "%s stands there twice", rule)
		seen[rule] = true
		sections[rule[:strings.LastIndex(rule, ".")]] = true
		require.Contains(t, []string{"same", "different", "n/a"}, verdict, rule)
		require.False(t, verdict != "same" && reason == "", "%s: why?", rule)
		require.Equal(t, verdict == "n/a", named == "", "%s: which test?", rule)
		for _, name := range strings.Split(named, ", ") {
			require.True(t, named == "" || exists(name), "%s: there is no %s", rule, name)
		}
	}
	for _, section := range strings.Fields("K-2.1 K-2.2 K-2.3 K-2.4 K-2.5 K-2.6 K-2.7 K-2.8 K-2.9 K-2.10 K-2.11 K-3") {
		require.True(t, sections[section], section)
	}
	require.GreaterOrEqual(t, len(seen), 80)
}
