package house_test

import (
	"fmt"
	"go/ast"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// licences are what a dependency may have, by words that only that licence has. All of them may be used by a program under any terms; MPL-2.0
// asks that changes to its own files be shown, and we make none.
var licences = []struct{ name, words string }{
	{"Apache-2.0", "Apache License Version 2.0"},
	{"MPL-2.0", "Mozilla Public License"},
	{"MIT", "Permission is hereby granted, free of charge"},
	{"BSD-3-Clause", "Neither the name of"},
	{"BSD-3-Clause", "Neither the names of"},
	{"BSD-2-Clause", "Redistributions in binary form must reproduce"},
}

// TestLicences holds LICENCES.md to what is built: every module that our packages, tests and examples need, and its licence. Set
// TILLWIRE_UPDATE=1 to write the list anew after a dependency has changed, and read what changed.
func TestLicences(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-test", "-f",
		"{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", "./...")
	list.Dir = filepath.Join("..", "..")
	list.Stderr, list.Env = os.Stderr, append(os.Environ(), "GOEXPERIMENT=") // with jsonv2 one dependency stands aside
	out, err := list.Output()
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	var table strings.Builder
	table.WriteString("# Licences\n\nEvery module that packages, tests and examples of this module are built from. Users of a package get only what it imports.\n\n" +
		"| module | version | licence |\n| --- | --- | --- |\n")
	for _, line := range slices.Compact(lines) {
		if line == "" {
			continue
		}
		module := strings.SplitN(line, " ", 3)
		fmt.Fprintf(&table, "| %s | %s | %s |\n", module[0], module[1], licence(t, module[0], module[2]))
	}
	if os.Getenv("TILLWIRE_UPDATE") == "1" {
		require.NoError(t, os.WriteFile("LICENCES.md", []byte(table.String()), 0o600))
	}
	want, err := os.ReadFile("LICENCES.md")
	require.NoError(t, err)
	require.Equal(t, string(want), table.String(), "run this test with TILLWIRE_UPDATE=1 and read what changed")
}

func licence(t *testing.T, module, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, file := range files {
		name := strings.ToUpper(filepath.Base(file))
		if !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		words := strings.Join(strings.Fields(string(text)), " ")
		for _, l := range licences {
			if strings.Contains(words, l.words) {
				return l.name
			}
		}
	}
	require.Fail(t, "no licence that this project takes", "%s in %s", module, dir)
	return ""
}

// TestDependenciesEarnTheirKeep finds a direct dependency that one line of code alone uses: that line can be written here. Drivers, which are
// imported for their effect, are another matter.
func TestDependenciesEarnTheirKeep(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	require.NoError(t, err)
	uses := map[string]int{}
	for line := range strings.Lines(string(mod)) {
		if fields := strings.Fields(line); len(fields) == 2 && strings.Contains(fields[0], "/") && strings.Contains(fields[0], ".") {
			uses[fields[0]] = 0
		}
	}
	require.NotEmpty(t, uses)
	for _, f := range files(t) {
		names := map[string]string{} // in this file, to the module
		for _, spec := range f.ast.Imports {
			pkg, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			for module := range uses {
				if pkg != module && !strings.HasPrefix(pkg, module+"/") {
					continue
				}
				name := path.Base(pkg)
				if spec.Name != nil {
					name = spec.Name.Name
				} else if strings.HasPrefix(name, "v") && len(name) == 2 {
					name = path.Base(path.Dir(pkg))
				}
				if name = strings.TrimPrefix(name, "go-"); name == "_" {
					uses[module] += 2
				}
				names[name] = module
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && names[x.Name] != "" {
					uses[names[x.Name]]++
				}
			}
			return true
		})
	}
	uses["golang.org/x/sync"] += 1 // one constructor, errgroup's, whose value all of host.Run stands on
	for module, n := range uses {
		require.Greater(t, n, 1, "%s is used %d times", module, n)
	}
}
