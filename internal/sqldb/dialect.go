package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Dialect is a family of SQL servers.
type Dialect string

// The dialects, as a host writes them in a room's Config.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
	MySQL    Dialect = "mysql" // MySQL and MariaDB
)

// resolve returns the dialect that name names, or asks the server when it is empty.
func resolve(ctx context.Context, db *sql.DB, name string) (Dialect, error) {
	switch d := Dialect(name); d {
	case SQLite, Postgres, MySQL:
		return d, nil
	case "":
	default:
		return "", fmt.Errorf("Config.Dialect %q: want %q, %q, %q or empty", name, SQLite, Postgres, MySQL)
	}
	// SQLite has no version(), everything else in question does.
	var seen string
	err := db.QueryRowContext(ctx, "select version()").Scan(&seen)
	if err == nil {
		return recognise(seen)
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if errSQLite := db.QueryRowContext(ctx, "select sqlite_version()").Scan(&seen); errSQLite != nil {
		return "", fmt.Errorf("asking the database what it is: version(): %w; sqlite_version(): %w", err, errSQLite)
	}
	return SQLite, atLeast("SQLite", seen, seen, 3, 35)
}

var (
	numbers  = regexp.MustCompile(`(\d+)\.(\d+)`)
	bareName = regexp.MustCompile(`^\d+\.\d+\.\d+`)
)

// recognise reads the answer to "select version()".
func recognise(seen string) (Dialect, error) {
	switch {
	case strings.HasPrefix(seen, "PostgreSQL "):
		return Postgres, atLeast("PostgreSQL", seen, seen, 11, 0)
	case strings.Contains(seen, "MariaDB"):
		return MySQL, atLeast("MariaDB", seen, strings.TrimPrefix(seen, "5.5.5-"), 10, 6)
	case bareName.MatchString(seen) && !strings.Contains(seen, "TiDB") && !strings.Contains(seen, "Vitess"):
		return MySQL, atLeast("MySQL", seen, seen, 8, 0)
	default:
		return "", fmt.Errorf("unknown database server %q: want SQLite, PostgreSQL, MySQL or MariaDB, or name Config.Dialect", seen)
	}
}

func atLeast(product, seen, version string, major, minor int) error {
	m := numbers.FindStringSubmatch(version)
	if m == nil {
		return nil // "PostgreSQL 17beta1": newer than anything that is too old
	}
	a, _ := strconv.Atoi(m[1])
	b, _ := strconv.Atoi(m[2])
	if a > major || a == major && b >= minor {
		return nil
	}
	return fmt.Errorf("database server %q is too old: want %s %d.%d or newer", seen, product, major, minor)
}
