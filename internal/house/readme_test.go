package house_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	return string(text)
}

// TestReadmeProgram compiles the program of the README.
func TestReadmeProgram(t *testing.T) {
	t.Parallel()
	_, rest, ok := strings.Cut(readme(t), "```go\n")
	require.True(t, ok, "the README has no program")
	program, _, _ := strings.Cut(rest, "```")
	require.LessOrEqual(t, strings.Count(program, "\n"), 25)

	source := "package main\n\nimport (\n"
	for _, path := range []string{
		"context", "database/sql", "errors", "os", "golang.org/x/sync/errgroup",
		module + "/kledo", module + "/kledo/kledosync", module + "/retryqueue", module + "/retryqueue/sqlstore",
		module + "/woo", module + "/woo/orderfeed", module + "/woo/orderfeed/sqlfeed",
	} {
		source += "\t\"" + path + "\"\n"
	}
	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, []byte(source+")\n\nfunc main() { _ = run }\n\n"+program), 0o600))
	cmd := exec.CommandContext(t.Context(), "go", "vet", file)
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// TestReadmeLinks follows the README's links into the module, so that its table claims nothing that is not there.
func TestReadmeLinks(t *testing.T) {
	t.Parallel()
	links := regexp.MustCompile(`\]\(([^):]+)\)`).FindAllStringSubmatch(readme(t), -1)
	require.NotEmpty(t, links)
	for _, link := range links {
		_, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(link[1])))
		require.NoError(t, err)
	}
}

// TestReadmeGuarantees finds every test and benchmark that the README's table of guarantees names, in the file that it links to.
func TestReadmeGuarantees(t *testing.T) {
	t.Parallel()
	_, rest, found := strings.Cut(readme(t), "\n## Guarantees\n")
	require.True(t, found)
	section, _, _ := strings.Cut(rest, "\n## ")
	proof := regexp.MustCompile(`\[((?:Test|Benchmark)\w+)\]\(([^)]+_test\.go)\)`)
	rows := 0
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| guarantee") || strings.HasPrefix(line, "| ---") {
			continue
		}
		rows++
		proofs := proof.FindAllStringSubmatch(line, -1)
		require.NotEmpty(t, proofs, "nothing shows: %s", line)
		for _, p := range proofs {
			source, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(p[2])))
			require.NoError(t, err)
			require.Regexp(t, `(?m)^func `+p[1]+`\((t \*testing\.T|b \*testing\.B)\)`, string(source), "%s is not in %s", p[1], p[2])
		}
	}
	require.GreaterOrEqual(t, rows, 10)
}
