package sqldb

import "strings"

// Batch is how many rows a room puts into one statement at most. Some 100 share a round trip and a commit at a tenth of
// the price of single ones, and 100 rows of 20 columns stay far below every driver's limit of parameters. Use with
// [slices.Chunk].
const Batch = 100

// In returns "(?, ?, …)" and the arguments for it. The list is padded by repeating its last item to one of few lengths
// (1, 10, 100, then hundreds): a statement whose text differs at every call defeats the statement caches of drivers and
// servers. An empty list matches nothing.
func In[T any](items []T) (list string, args []any) {
	if len(items) == 0 {
		return "(null)", nil
	}
	n := sizeClass(len(items))
	args = make([]any, n)
	for i := range args {
		args[i] = items[min(i, len(items)-1)]
	}
	return tuple(n), args
}

func sizeClass(n int) int {
	switch {
	case n <= 1:
		return 1
	case n <= 10:
		return 10
	default:
		return (n + 99) / 100 * 100
	}
}

// Values returns "(?, ?), (?, ?)" for so many rows and columns. Rows cannot be padded: whole batches have one text, and
// a remainder is rather one statement of its own length than many of few lengths.
func Values(rows, columns int) string {
	one := tuple(columns)
	return strings.Repeat(one+", ", rows-1) + one
}

func tuple(n int) string { return "(" + strings.Repeat("?, ", n-1) + "?)" }

// IfNew turns an "insert into …" into one that passes over rows whose key is there already; RowsAffected then counts
// the others. On MySQL that is INSERT IGNORE: "on duplicate key update" counts the rows passed over as well when the
// host's DSN says clientFoundRows. IGNORE also cuts values that do not fit, so the room checks their length first.
func (d *DB) IfNew(insert string) string {
	if d.dialect == MySQL {
		return strings.Replace(insert, "insert into", "insert ignore into", 1)
	}
	return insert + " on conflict do nothing"
}

// ForUpdate ends a select that keeps others from changing the rows it returns until the transaction ends. It is empty
// on SQLite, whose writing transaction has the whole file.
func (d *DB) ForUpdate() string {
	if d.dialect == SQLite {
		return ""
	}
	return " for update"
}
