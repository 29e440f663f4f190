package sqldb

import (
	"errors"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/internal/sqldb/sqldbtest"
)

// Eight handles stand for eight processes that start at once. The second step is not repeatable: taken twice it fails
// or shows.
func TestMigrateOnce(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		schema := Schema{Room: "race", Files: fstest.MapFS{
			"a/0001_first.sql":           {Data: []byte("create table {race} (n bigint);\n")},
			"0002_rows.sql":              {Data: []byte("insert into {race} (n)\n  values (1);\ninsert into {race} (n) values (2);")},
			"0003_only_here.sqlite.sql":  {Data: []byte("update {race} set n = n + 10;")},
			"0003_only_here.mysql.sql":   {Data: []byte("update {race} set n = n + 10;")},
			"b/0003_only.postgres.sql":   {Data: []byte("update {race} set n = n + 10;")},
			"README.md":                  {Data: []byte("not SQL")},
			"0004_index.sql":             {Data: []byte("create index {race_n} on {race} (n);")},
			"0005_nothing_but_words.sql": {Data: []byte("-- nothing;\n")},
		}}
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			host := server.Open(t)
			wg.Go(func() { _, errs[i] = Open(t.Context(), host, Config{Prefix: server.Prefix}, schema) })
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		db, err := Open(t.Context(), server.Open(t), Config{Prefix: server.Prefix}, schema)
		require.NoError(t, err)
		require.NoError(t, db.Read(t.Context(), func(tx *Tx) error {
			var rows, sum, steps int
			var applied int64
			require.NoError(t, tx.QueryRow(t.Context(), "select count(*), sum(n) from {race}").Scan(&rows, &sum))
			require.Equal(t, []int{2, 23}, []int{rows, sum})
			require.NoError(t, tx.QueryRow(t.Context(), "select count(*), min(applied) from {migrations} where room = 'race'").Scan(&steps, &applied))
			require.Equal(t, 5, steps)
			require.WithinDuration(t, time.Now(), FromMicros(applied), time.Minute)
			return nil
		}))
	})
}

func TestMigrateForward(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		first := fstest.MapFS{"0001_a.sql": {Data: []byte("create table {a} (n bigint);")}}
		both := fstest.MapFS{"0001_a.sql": first["0001_a.sql"], "0002_b.sql": {Data: []byte("alter table {a} add m bigint;")}}
		open := func(room string, files fstest.MapFS) error {
			_, err := Open(t.Context(), server.Open(t), Config{Prefix: server.Prefix}, Schema{Room: room, Files: files})
			return err
		}
		require.NoError(t, open("r", first))
		require.NoError(t, open("r", both))
		require.ErrorContains(t, open("r", first), "a newer one has been here")
		require.NoError(t, open("other", fstest.MapFS{"1_c.sql": {Data: []byte("create table {c} (n bigint);")}}), "rooms count for themselves")
	})
}

// A step that fails leaves the version where it was, and, save on MySQL, the tables too.
func TestMigrateFails(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, server sqldbtest.Server) {
		open := func(second string) error {
			_, err := Open(t.Context(), server.Open(t), Config{Prefix: server.Prefix}, Schema{Room: "r", Files: fstest.MapFS{
				"0001_a.sql": {Data: []byte("create table if not exists {a} (n bigint);\n" + second)},
			}})
			return err
		}
		require.ErrorContains(t, open("create nonsense;"), "0001_a")
		require.NoError(t, open("insert into {a} (n) values (1);"))
	})
}

func TestSchemaIsChecked(t *testing.T) {
	t.Parallel()
	db := &DB{dialect: SQLite, prefix: "p_"}
	file := &fstest.MapFile{Data: []byte("select 1;")}
	for want, s := range map[string]Schema{
		"Schema.Room":              {Room: "a'b", Files: fstest.MapFS{}},
		"does not begin":           {Room: "a", Files: fstest.MapFS{"first.sql": file}},
		"there is no migration 2":  {Room: "a", Files: fstest.MapFS{"1_a.sql": file, "3_c.sql": file}},
		"there is no migration 1":  {Room: "a", Files: fstest.MapFS{"0_a.sql": file}},
		"there are two migrations": {Room: "a", Files: fstest.MapFS{"1_a.sql": file, "1_b.sqlite.sql": file}},
	} {
		_, err := db.read(s)
		require.ErrorContains(t, err, want)
	}
}
