package sqldb

import (
	"strconv"
	"strings"
	"time"
)

// types are the column types of which every dialect has its own. MySQL's binary types compare byte by byte without
// padding.
var types = map[string]map[Dialect]string{
	"string": {SQLite: "text", Postgres: `text collate "C"`, MySQL: "varbinary(255)"},
	"text":   {SQLite: "text", Postgres: `text collate "C"`, MySQL: "mediumtext character set utf8mb4 collate utf8mb4_bin"},
	"bytes":  {SQLite: "blob", Postgres: "bytea", MySQL: "longblob"},
}

// nowExpr is the server's time in microseconds. SQLite has none: render makes it a parameter.
var nowExpr = map[Dialect]string{
	Postgres: "(extract(epoch from statement_timestamp()) * 1000000)::bigint",
	MySQL:    "timestampdiff(microsecond, timestamp'1970-01-01 00:00:00', utc_timestamp(6))",
}

// render turns a room's statement into the dialect's: see the package comment. It scans once; quotes and comments pass
// untouched.
func (d *DB) render(query string, args []any) (string, []any) {
	var b strings.Builder
	b.Grow(len(query) + len(query)/4)
	var out []any // a copy of args, made only when {now} adds to them
	used, n := 0, 0
	param := func() {
		n++
		if d.dialect == Postgres {
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
			return
		}
		b.WriteByte('?')
	}
	for i := 0; i < len(query); {
		switch c := query[i]; {
		case c == '\'' || c == '"' || c == '`':
			end := i + 1
			for end < len(query) && query[end] != c {
				end++
			}
			end = min(end+1, len(query))
			b.WriteString(query[i:end])
			i = end
		case strings.HasPrefix(query[i:], "--"):
			end := i + len(line(query[i:]))
			b.WriteString(query[i:end])
			i = end
		case c == '?':
			param()
			if out != nil && used < len(args) {
				out = append(out, args[used])
			}
			used++
			i++
		case c == '{':
			end := strings.IndexByte(query[i:], '}')
			if end < 0 {
				b.WriteString(query[i:])
				i = len(query)
				break
			}
			name := query[i+1 : i+end]
			i += end + 1
			switch t, isType := types[name]; {
			case isType:
				b.WriteString(t[d.dialect])
			case name != "now":
				b.WriteString(d.prefix)
				b.WriteString(name)
			case d.dialect != SQLite:
				b.WriteString(nowExpr[d.dialect])
			default:
				if out == nil {
					out = append(make([]any, 0, len(args)+4), args[:min(used, len(args))]...)
				}
				param()
				out = append(out, Micros(time.Now()))
			}
		default:
			b.WriteByte(c)
			i++
		}
	}
	if out == nil {
		return b.String(), args
	}
	if used < len(args) { // too many: let the driver say so
		out = append(out, args[used:]...)
	}
	return b.String(), out
}

func line(s string) string {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return s[:i]
	}
	return s
}
