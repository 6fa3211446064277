//go:build unix

// Package sqlstore_test holds install/sqlstore to its contract with real databases and
// drivers, and install.Tokens to what it promises when processes share one of them. So it
// does with the SQL that events.Guard documents.
package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/install/installtest"
	"github.com/seed-8a2ffb75/stripeapps/install/sqlstore"
)

// database is one that several pools, of this process or another, can be opened of.
type database struct {
	Driver  string
	URL     string
	Dialect sqlstore.Dialect
	Table   string
}

// databases are those that the tests are run with. new returns one that has no table.
var databases = []struct {
	name string
	new  func(t *testing.T) database
}{
	{"PostgreSQL", func(t *testing.T) database { return inPostgres(t, sharedPostgres(t).url()) }},
	{"PostgreSQL, repeatable read", func(t *testing.T) database {
		return inPostgres(t, sharedPostgres(t).url(`-c default_transaction_isolation=repeatable\\ read`))
	}},
	{"PostgreSQL, serializable", func(t *testing.T) database {
		return inPostgres(t, sharedPostgres(t).url("-c default_transaction_isolation=serializable"))
	}},
	{"PostgreSQL, without prepared statements", func(t *testing.T) database {
		return inPostgres(t, sharedPostgres(t).url()+" default_query_exec_mode=exec")
	}},
	{"SQLite", func(t *testing.T) database { return inSQLite(t, "_pragma=busy_timeout(20000)") }},
	{"SQLite, WAL", func(t *testing.T) database {
		return inSQLite(t, "_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)")
	}},
}

var tables atomic.Int64

func inPostgres(_ *testing.T, url string) database {
	return database{"pgx", url, sqlstore.PostgreSQL, fmt.Sprint("installs_", tables.Add(1))}
}

func inSQLite(t *testing.T, options string) database {
	return database{"sqlite", "file:" + filepath.Join(t.TempDir(), "db") + "?" + options, sqlstore.SQLite, ""}
}

// open returns a Store with a pool of its own.
func (d database) open(t *testing.T) *sqlstore.Store {
	t.Helper()
	db, err := sql.Open(d.Driver, d.URL)
	require.NoError(t, err)
	db.SetMaxOpenConns(10)
	db.SetMaxIdleConns(10) // a connection is a process of PostgreSQL
	t.Cleanup(func() { db.Close() })
	store, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: d.Dialect, Table: d.Table})
	require.NoError(t, err)
	return store
}

// create is open after the table is made.
func (d database) create(t *testing.T) *sqlstore.Store {
	t.Helper()
	store := d.open(t)
	require.NoError(t, store.Create(t.Context()))
	return store
}

func TestStore(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			installtest.RunStore(t, func(t *testing.T) []install.Store {
				database := d.new(t)
				return []install.Store{database.create(t), database.open(t)}
			})
		})
	}
}

func TestTheTableIsCreatedByManyAtOnceAndThenLeftAlone(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			database := d.new(t)
			var creating sync.WaitGroup
			for range 10 {
				store := database.open(t)
				creating.Go(func() { assert.NoError(t, store.Create(t.Context())) })
			}
			creating.Wait()
			store := database.open(t)
			record := install.Record{ID: install.ID{Account: "acct_1", Mode: install.Live}, Version: 1, Data: []byte{1}}
			require.NoError(t, store.Save(t.Context(), record, 0))
			require.NoError(t, store.Create(t.Context()))
			got, err := store.Load(t.Context(), record.ID)
			assert.NoError(t, err)
			assert.Equal(t, record, got)
		})
	}
}

// Of what is saved, the error of a database has no part in its text, as drivers show the
// row that is at fault.
func TestErrorsDoNotShowData(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			store := d.new(t).open(t) // without its table
			record := install.Record{ID: install.ID{Account: "acct_1", Mode: install.Live}, Version: 1, Data: []byte("very secret")}
			for _, err := range []error{store.Save(t.Context(), record, 0), store.Save(t.Context(), record, 1)} {
				require.Error(t, err)
				assert.NotErrorIs(t, err, install.ErrConflict)
				assert.NotContains(t, err.Error(), "very secret")
				assert.NotContains(t, err.Error(), "76657279") // hex
			}
			_, err := store.Load(context.Background(), record.ID)
			assert.Error(t, err)
			assert.NotErrorIs(t, err, install.ErrNotFound)
		})
	}
}

// New accepts what the database does.
func TestTablesMayHaveTheNamesOfKeywords(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			for _, table := range []string{"order", "user"} {
				database := d.new(t)
				database.Table = table
				store := database.create(t)
				_, err := store.Load(t.Context(), acct)
				assert.ErrorIs(t, err, install.ErrNotFound, table)
				database.drop(t)
			}
		})
	}
}

func (d database) exec(t *testing.T, statements ...string) {
	t.Helper()
	db, err := sql.Open(d.Driver, d.URL)
	require.NoError(t, err)
	defer db.Close()
	for _, statement := range statements {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

func (d database) drop(t *testing.T) {
	t.Helper()
	d.exec(t, `DROP TABLE "`+d.Table+`"`)
}

func TestDataOfNoBytesIsKept(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			store := d.new(t).create(t)
			old := int64(0)
			for _, data := range [][]byte{nil, {}} {
				require.NoError(t, store.Save(t.Context(), install.Record{ID: acct, Version: old + 1, Data: data}, old))
				old++
				got, err := store.Load(t.Context(), acct)
				assert.NoError(t, err)
				assert.Empty(t, got.Data)
			}
		})
	}
}

// A role that has no more than the rights that docs/oauth-installs.md names.
func TestCreateNeedsNoRightToCreateWhatIsThere(t *testing.T) {
	server := sharedPostgres(t)
	d := inPostgres(t, server.url())
	d.create(t)
	d.exec(t, "CREATE ROLE app LOGIN", "GRANT USAGE ON SCHEMA public TO app", "GRANT SELECT, INSERT, UPDATE, DELETE ON "+d.Table+" TO app")
	d.URL = server.url() + " user=app"
	store := d.open(t)
	assert.NoError(t, store.Create(t.Context()))
	assert.NoError(t, store.Save(t.Context(), install.Record{ID: acct, Version: 1}, 0))
	d.Table += "_not"
	assert.ErrorContains(t, d.open(t).Create(t.Context()), "permission denied")
}

// Above read committed, PostgreSQL undoes statements because of others of other rows, too.
func TestNobodyElseTouchesTheRecordAndThereIsNoConflict(t *testing.T) {
	for _, d := range databases[:3] {
		t.Run(d.name, func(t *testing.T) {
			store := d.new(t).create(t)
			var callers sync.WaitGroup
			for i := range 8 {
				id := install.ID{Account: fmt.Sprint("acct_", i), Mode: install.Live}
				callers.Go(func() {
					for version := range int64(60) {
						if !assert.NoError(t, store.Save(t.Context(), install.Record{ID: id, Version: version + 1, Data: []byte{1}}, version)) {
							return
						}
						_, err := store.Load(t.Context(), id)
						assert.NoError(t, err)
						_, err = store.List(t.Context(), install.ID{}, 3)
						assert.NoError(t, err)
					}
				})
			}
			callers.Wait()
		})
	}
}
