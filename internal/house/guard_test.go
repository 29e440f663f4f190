package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/tillwire/tillwire"

// file is one parsed Go file of the module.
type file struct {
	dir, name string // slash-separated, relative to the module
	ast       *ast.File
	fset      *token.FileSet
}

func (f file) test() bool { return strings.HasSuffix(f.name, "_test.go") }

// shipped reports a package that only tests import: fakes and conformance suites, with what stands in their folders.
func shipped(dir string) bool {
	return slices.ContainsFunc(strings.Split(dir, "/"), func(part string) bool { return strings.HasSuffix(part, "test") })
}

func (f file) at(n ast.Node) string {
	p := f.fset.Position(n.Pos())
	return path.Join(f.dir, f.name) + ":" + strconv.Itoa(p.Line)
}

// files parses the module's Go files, nested modules left out.
func files(t *testing.T) []file {
	t.Helper()
	root := filepath.Join("..", "..")
	var out []file
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); p != root && (name == "testdata" || strings.HasPrefix(name, ".")) {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil && p != root {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		dir, name := path.Split(filepath.ToSlash(rel))
		out = append(out, file{path.Clean(dir), name, tree, fset})
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, out)
	return out
}

// TestTopLevel holds the fixed list of rooms.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	fixed := strings.Fields("woo kledo sitoo eurofaktura stocksync retryqueue hmacauth examples internal " +
		"go.mod go.sum README.md LICENSE CHANGELOG.md")
	entries, err := os.ReadDir(filepath.Join("..", ".."))
	require.NoError(t, err)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(fixed, e.Name()) {
			t.Errorf("the top level holds %q, which is no room of the house", e.Name())
		}
	}
}

// TestPackageDoc wants a package comment of at least a sentence in each package.
func TestPackageDoc(t *testing.T) {
	t.Parallel()
	docs := map[string]string{}
	for _, f := range files(t) {
		if f.test() {
			continue
		}
		docs[f.dir] += f.ast.Doc.Text()
	}
	for dir, doc := range docs {
		if len(doc) < 40 {
			t.Errorf("%s: the package has no comment that says what it is for", dir)
		}
	}
}

// floor gives each package its height; an import points down only. Packages that only tests import stand where their owner
// stands, one step higher, so that an owner never imports them.
func floor(dir string) int {
	for _, f := range []struct {
		prefix string
		floor  int
	}{
		{"internal/house", 99},
		{"internal/", 0},
		{"examples", 60},
		{"kledo/kledosync", 50}, {"sitoo/sitoosync", 50}, {"eurofaktura/eurofakturasync", 50},
		{"stocksync/kitgenix", 50}, {"stocksync/woopeer", 50},
		{"woo/orderfeed", 40},
		{"woo/webhook", 30}, {"stocksync", 30},
		{"woo/legacy", 25},
		{"woo", 20}, {"kledo", 20}, {"sitoo", 20}, {"eurofaktura", 20},
		{"hmacauth", 10}, {"retryqueue", 10},
	} {
		if dir == f.prefix || strings.HasPrefix(dir, strings.TrimSuffix(f.prefix, "/")+"/") {
			if dir != f.prefix && (shipped(dir) || strings.HasPrefix(path.Base(dir), "sql") || strings.HasPrefix(path.Base(dir), "redis") ||
				path.Base(dir) == "transactions") {
				return f.floor + 1 // a room beside its owner
			}
			return f.floor
		}
	}
	return -1
}

// TestFloors holds the direction of imports.
func TestFloors(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		if f.test() {
			continue
		}
		here := floor(f.dir)
		if here < 0 {
			t.Errorf("%s stands on no floor", f.dir)
			continue
		}
		for _, imp := range f.ast.Imports {
			target, ours := strings.CutPrefix(importPath(imp), module+"/")
			if !ours || target == f.dir {
				continue
			}
			there := floor(target)
			sameRoom := there == here && (here == 0 || here >= 60)
			if there >= here && !sameRoom {
				t.Errorf("%s: %s (floor %d) imports %s (floor %d): imports point down", f.at(imp), f.dir, here, target, there)
			}
		}
	}
}

func importPath(i *ast.ImportSpec) string {
	p, err := strconv.Unquote(i.Path.Value)
	if err != nil {
		return i.Path.Value
	}
	return p
}

// TestForbiddenImports keeps drivers, test packages and the wrong tools out of what users build.
func TestForbiddenImports(t *testing.T) {
	t.Parallel()
	drivers := []string{"github.com/jackc/pgx", "github.com/go-sql-driver/mysql", "modernc.org/sqlite", "github.com/alicebob"}
	tests := []string{"testing", "github.com/stretchr/testify", "pgregory.net/rapid", "go.uber.org/goleak"}
	for _, f := range files(t) {
		if f.test() {
			continue
		}
		for _, imp := range f.ast.Imports {
			p := importPath(imp)
			is := func(list []string) bool {
				return slices.ContainsFunc(list, func(x string) bool { return p == x || strings.HasPrefix(p, x+"/") })
			}
			inExamples := strings.HasPrefix(f.dir, "examples")
			switch {
			case is(drivers) && !inExamples:
				t.Errorf("%s imports the driver %s: the host brings drivers", f.at(imp), p)
			case is(tests[1:]) && f.dir != "retryqueue/retryqueuetest/model": // apart from the suite for that reason
				t.Errorf("%s imports %s outside a test", f.at(imp), p)
			case p == "testing" && !shipped(f.dir):
				t.Errorf("%s imports testing outside a test package", f.at(imp))
			case p == "log":
				t.Errorf("%s imports log: use log/slog from the Config", f.at(imp))
			case p == "math/rand":
				t.Errorf("%s imports math/rand: use math/rand/v2 or crypto/rand", f.at(imp))
			case strings.HasPrefix(p, module) && shipped(strings.TrimPrefix(p, module+"/")) && !shipped(f.dir) && !inExamples:
				t.Errorf("%s: a production package imports the test package %s", f.at(imp), p)
			case strings.HasPrefix(p, "github.com/cenkalti/backoff") && floor(f.dir) != floor("retryqueue") && floor(f.dir) <= floor("woo"):
				t.Errorf("%s imports backoff: a host that imports a client alone must not get it", f.at(imp))
			case strings.HasPrefix(p, "github.com/hashicorp/go-retryablehttp") && f.dir != "internal/rest":
				t.Errorf("%s imports go-retryablehttp: it stands behind internal/rest", f.at(imp))
			}
		}
	}
}

// TestForbiddenCalls looks for calls that block without a context, print, or share global state.
func TestForbiddenCalls(t *testing.T) {
	t.Parallel()
	forbidden := map[string]string{
		"time.Sleep":           "wait on a timer and the context",
		"http.DefaultClient":   "use the client of the Config",
		"http.DefaultServeMux": "use a mux of your own",
		"http.Get":             "use the client of the Config",
		"http.Post":            "use the client of the Config",
		"http.PostForm":        "use the client of the Config",
		"http.Head":            "use the client of the Config",
		"http.Handle":          "use a mux of your own",
		"http.HandleFunc":      "use a mux of your own",
		"http.ListenAndServe":  "use an http.Server with time-outs",
		"slog.Default":         "be silent unless the Config has a Logger",
		"slog.SetDefault":      "leave the host's logger alone",
		"fmt.Print":            "a library does not print",
		"fmt.Println":          "a library does not print",
		"fmt.Printf":           "a library does not print",
		"os.Exit":              "return an error",
	}
	for _, f := range files(t) {
		if f.test() {
			continue
		}
		example := strings.HasPrefix(f.dir, "examples")
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if !ok || x.Obj != nil {
					return true
				}
				call := x.Name + "." + n.Sel.Name
				if why, bad := forbidden[call]; bad && (!example || call == "time.Sleep") && !shipped(f.dir) {
					t.Errorf("%s: %s: %s", f.at(n), call, why)
				}
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s: init: nothing happens at import", f.at(n))
				}
			}
			return true
		})
	}
}

// TestExportedComments wants a comment on every exported name of the public packages, methods included.
func TestExportedComments(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		if f.test() || f.ast.Name.Name == "main" {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && !wellKnown[d.Name.Name] {
					t.Errorf("%s: %s has no comment", f.at(d), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
							t.Errorf("%s: %s has no comment", f.at(s), s.Name.Name)
						}
					case *ast.ValueSpec:
						for _, name := range s.Names {
							if name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
								t.Errorf("%s: %s has no comment", f.at(s), name.Name)
							}
						}
					}
				}
			}
		}
	}
}

// wellKnown methods say by their names alone what they are, as those of the standard library do.
var wellKnown = map[string]bool{
	"Error": true, "String": true, "GoString": true, "LogValue": true, "Unwrap": true, "Is": true,
	"MarshalJSON": true, "UnmarshalJSON": true, "MarshalText": true, "UnmarshalText": true,
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// TestNothingLeftUndone looks for marks of unfinished work.
func TestNothingLeftUndone(t *testing.T) {
	t.Parallel()
	marks := []string{"TO" + "DO", "FIX" + "ME", "XX" + "X:", "not imple" + "mented"}
	for _, f := range files(t) {
		for _, group := range f.ast.Comments {
			for _, mark := range marks {
				if strings.Contains(group.Text(), mark) {
					t.Errorf("%s: a comment says %s", f.at(group), mark)
				}
			}
		}
	}
}
