package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/install/sqlstore"
)

// The databases themselves are in the module interop, with their drivers.

func ExampleSchema() {
	schema, err := sqlstore.Schema(sqlstore.PostgreSQL, "")
	fmt.Println(schema, err)
	// Output:
	// CREATE TABLE IF NOT EXISTS "stripe_installs" (
	// 	account text COLLATE "C" NOT NULL,
	// 	mode text COLLATE "C" NOT NULL,
	// 	version bigint NOT NULL,
	// 	data bytea NOT NULL,
	// 	PRIMARY KEY (account, mode)
	// ) <nil>
}

func TestNewSaysEverythingThatIsWrong(t *testing.T) {
	_, err := sqlstore.New(sqlstore.Config{Table: "a b"})
	assert.ErrorContains(t, err, "Config.DB is nil")
	assert.ErrorContains(t, err, "Config.Dialect must be")
	assert.ErrorContains(t, err, "Config.Table must be")

	for _, table := range []string{"stripe_installs", "app.installs", "_x", "order", "temp", "temporary.x", strings.Repeat("a", 63)} {
		schema, err := sqlstore.Schema(sqlstore.SQLite, table)
		assert.NoError(t, err, table)
		assert.Contains(t, schema, ` "`+strings.ReplaceAll(table, ".", `"."`)+`" (`)
	}
	for dialect, table := range map[sqlstore.Dialect]string{sqlstore.SQLite: "temp.installs", sqlstore.PostgreSQL: "pg_temp.installs"} {
		_, err := sqlstore.Schema(dialect, table)
		assert.ErrorContains(t, err, "it must outlive the connection")
	}
	for _, table := range []string{"Installs", "1x", "a-b", "a;b", `"a"`, "a.", ".a", "a.b.c", "a.1", " ", strings.Repeat("a", 64), "tä"} {
		_, err := sqlstore.Schema(sqlstore.SQLite, table)
		assert.Error(t, err, table)
	}
}

// failing is a driver whose connections fail in a way.
type failing struct{ err error }

func (f failing) Connect(context.Context) (driver.Conn, error) { return f, nil }
func (f failing) Driver() driver.Driver                        { return nil }
func (f failing) Prepare(string) (driver.Stmt, error)          { return nil, f.err }
func (failing) Close() error                                   { return nil }
func (f failing) Begin() (driver.Tx, error)                    { return nil, f.err }

// state is an error of PostgreSQL, as pgx and pq have it.
type state string

func (s state) Error() string    { return string(s) }
func (s state) SQLState() string { return string(s) }

func TestErrorsOfTheDatabase(t *testing.T) {
	id := install.ID{Account: "acct_1", Mode: install.Live}
	for _, test := range []struct {
		name string
		err  error
	}{
		{"it is away", errors.New("away")},
		{"it undoes everything because of others", fmt.Errorf("update: %w", state("40001"))},
		{"it finds a deadlock each time", state("40P01")},
		{"it is shut down", state("57P01")},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := sql.OpenDB(failing{test.err})
				defer db.Close()
				store, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
				require.NoError(t, err)
				_, loadErr := store.Load(t.Context(), id)
				_, listErr := store.List(t.Context(), id, 1)
				for _, err := range []error{loadErr, listErr, store.Create(t.Context()), store.Delete(t.Context(), id, 1),
					store.Save(t.Context(), install.Record{ID: id, Version: 2}, 0), store.Save(t.Context(), install.Record{ID: id, Version: 2}, 1)} {
					assert.ErrorIs(t, err, test.err)
					assert.NotErrorIs(t, err, install.ErrConflict, "it could not tell")
					assert.NotErrorIs(t, err, install.ErrNotFound)
				}
			})
		})
	}
}

// The database is not asked: PostgreSQL would have an error of its own for some of them.
func TestWhatNoInstallCanBeIsAnError(t *testing.T) {
	ctx := context.Background()
	store, err := sqlstore.New(sqlstore.Config{DB: sql.OpenDB(failing{errors.New("asked")}), Dialect: sqlstore.PostgreSQL})
	require.NoError(t, err)
	for _, id := range []install.ID{
		{}, {Account: "acct_1"}, {Mode: install.Live}, {Account: "acct_\x00", Mode: install.Live}, {Account: "acct_\xff", Mode: install.Live},
		{Account: "acct_1", Mode: "LIVE"}, {Account: strings.Repeat("a", 256), Mode: install.Live},
	} {
		_, loadErr := store.Load(ctx, id)
		for _, err := range []error{loadErr, store.Save(ctx, install.Record{ID: id, Version: 1}, 0), store.Delete(ctx, id, 1)} {
			assert.EqualError(t, err, "install/sqlstore: there is no such install: an account or a mode that is none")
		}
	}
	_, err = store.List(ctx, install.ID{Account: "acct_\x00", Mode: install.Live}, 1)
	assert.ErrorContains(t, err, "there is no such install")
}
