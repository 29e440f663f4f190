package wootest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The store builds no answer from a type of package woo: it would agree with that package's own mistakes. Only Config names one, and
// the conformance suite, which is a client.
func TestNoAnswerIsBuiltFromTheClientsTypes(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	read := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") || strings.HasPrefix(f.Name(), "conformance") ||
			strings.HasPrefix(f.Name(), "legacy") {
			continue
		}
		read++
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		imports := false
		for _, i := range parsed.Imports {
			imports = imports || strings.HasSuffix(i.Path.Value, `/tillwire/woo"`)
		}
		require.True(t, !imports || f.Name() == "shop.go", f.Name()+" imports woo")
		ast.Inspect(parsed, func(n ast.Node) bool {
			if s, isSelector := n.(*ast.SelectorExpr); isSelector {
				if x, isIdent := s.X.(*ast.Ident); isIdent && x.Name == "woo" && imports {
					require.Equal(t, "Config", s.Sel.Name, f.Name())
				}
			}
			return true
		})
	}
	require.Greater(t, read, 15)
}
