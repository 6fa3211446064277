package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"

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
	// CREATE TABLE IF NOT EXISTS stripe_installs (
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

	for _, table := range []string{"stripe_installs", "app.installs", "_x", strings.Repeat("a", 63)} {
		schema, err := sqlstore.Schema(sqlstore.SQLite, table)
		assert.NoError(t, err, table)
		assert.Contains(t, schema, " "+table+" (")
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
	ctx, id := context.Background(), install.ID{Account: "acct_1", Mode: install.Live}
	away := errors.New("away")
	for _, test := range []struct {
		name      string
		err, want error
	}{
		{"it is away", away, away},
		{"a row was changed by somebody else, with repeatable read", fmt.Errorf("update: %w", state("40001")), install.ErrConflict},
		{"it is shut down", state("57P01"), state("57P01")},
	} {
		t.Run(test.name, func(t *testing.T) {
			store, err := sqlstore.New(sqlstore.Config{DB: sql.OpenDB(failing{test.err}), Dialect: sqlstore.PostgreSQL})
			require.NoError(t, err)
			_, err = store.Load(ctx, id)
			assert.ErrorIs(t, err, test.err)
			_, err = store.List(ctx, id, 1)
			assert.ErrorIs(t, err, test.err)
			assert.ErrorIs(t, store.Create(ctx), test.err)
			for _, old := range []int64{0, 1} {
				assert.ErrorIs(t, store.Save(ctx, install.Record{ID: id, Version: 2}, old), test.want)
			}
			if test.want != install.ErrConflict {
				assert.ErrorIs(t, store.Delete(ctx, id, 1), test.want)
			}
		})
	}
}
