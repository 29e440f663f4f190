package house_test

import (
	"go/ast"
	"go/printer"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// clients are the four.
var clients = []string{"woo", "kledo", "sitoo", "eurofaktura"}

// client is what one client shows: names and types of fields, methods and sentinels.
type client struct {
	config, err map[string]string // field to type
	methods     map[string]string // of *Error, to signature
	sentinels   map[string]string // to text, without the package's name
}

func look(t *testing.T, all []file, dir string) client {
	t.Helper()
	c := client{map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}}
	for _, f := range all {
		if f.dir != dir || f.test() {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil && d.Name.IsExported() && text(t, d.Recv.List[0].Type) == "*Error" {
					c.methods[d.Name.Name] = text(t, d.Type)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						fields, ok := s.Type.(*ast.StructType)
						if !ok || s.Name.Name != "Config" && s.Name.Name != "Error" {
							continue
						}
						into := c.config
						if s.Name.Name == "Error" {
							into = c.err
						}
						for _, field := range fields.Fields.List {
							for _, name := range field.Names {
								if name.IsExported() {
									into[name.Name] = text(t, field.Type)
								}
							}
						}
					case *ast.ValueSpec:
						for i, name := range s.Names {
							if strings.HasPrefix(name.Name, "Err") && i < len(s.Values) {
								c.sentinels[name.Name] = sentence(s.Values[i], dir)
							}
						}
					}
				}
			}
		}
	}
	return c
}

func text(t *testing.T, n ast.Node) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, printer.Fprint(&b, token.NewFileSet(), n))
	return b.String()
}

// sentence is the text of errors.New("package: text").
func sentence(v ast.Expr, pkg string) string {
	call, ok := v.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return ""
	}
	literal, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return ""
	}
	s, err := strconv.Unquote(literal.Value)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(s, pkg+": ")
}

// TestClientsAlike holds the clients alike: who has read one knows the others. What stands in two of them under one name is of one
// type and meaning, and nothing of the common part is missing in any.
func TestClientsAlike(t *testing.T) {
	t.Parallel()
	all := files(t)
	first := look(t, all, clients[0])
	for _, name := range clients {
		c := look(t, all, name)
		require.Subset(t, keys(c.config), strings.Fields("HTTPClient Limiter Logger UserAgent MaxBody Observe"), "%s.Config", name)
		require.Subset(t, keys(c.err), strings.Fields("Op Method Route Status Code Message Details Body Attempts Err"), "%s.Error", name)
		require.Subset(t, keys(c.methods), strings.Fields("Error Is Unwrap Permanent RetryAfter Ambiguous Systemic"), "*%s.Error", name)
		require.Subset(t, keys(c.sentinels), strings.Fields("ErrAuth ErrPermission ErrNotFound ErrValidation ErrTooLarge ErrRateLimited "+
			"ErrUnavailable ErrNoRoute ErrRedirect ErrHostBlocked ErrNotJSON ErrMalformed ErrAmbiguous"), name)
		for what, pair := range map[string][2]map[string]string{
			"Config": {first.config, c.config}, "Error": {first.err, c.err},
			"*Error's methods": {first.methods, c.methods}, "sentinels": {first.sentinels, c.sentinels},
		} {
			for field, typ := range pair[1] {
				if known, ok := pair[0][field]; ok && field != "Limiter" {
					require.Equal(t, known, typ, "%s of %s: %s differs from that of %s", what, name, field, clients[0])
				}
			}
		}
	}
}

func keys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
