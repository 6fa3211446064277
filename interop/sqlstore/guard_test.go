//go:build unix

package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/events/eventstest"
)

// documentedSQL are the statements in the documentation of events.Guard.
type documentedSQL struct{ create, begin, look, finish, abandon, forget string }

func readDocumentedSQL(t *testing.T) (s documentedSQL) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "events", "guard.go"), nil, parser.ParseComments)
	require.NoError(t, err)
	var statements []string
	var lines []string
	end := func() {
		if len(lines) > 0 {
			statements = append(statements, strings.Join(lines, "\n"))
		}
		lines = nil
	}
	for _, line := range strings.Split(docOf(file, "Guard"), "\n") {
		if code, ok := strings.CutPrefix(line, "\t"); ok && !strings.HasPrefix(code, "--") {
			lines = append(lines, code)
		} else {
			end()
		}
	}
	end()
	require.Len(t, statements, 6)
	for i, to := range []*string{&s.create, &s.begin, &s.look, &s.finish, &s.abandon, &s.forget} {
		*to = statements[i]
	}
	return s
}

func docOf(file *ast.File, name string) string {
	for _, decl := range file.Decls {
		if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.TYPE && d.Specs[0].(*ast.TypeSpec).Name.Name == name {
			return d.Doc.Text()
		}
	}
	return ""
}

// sqlGuard is a Guard of these statements, as somebody writes it who has read no more than
// the documentation.
type sqlGuard struct {
	db   *sql.DB
	sql  documentedSQL
	time func(time.Time) any
	now  func() time.Time
}

func (g sqlGuard) Begin(ctx context.Context, key, attempt string, until time.Time) (events.State, error) {
	for {
		result, err := g.db.ExecContext(ctx, g.sql.begin, []byte(key), []byte(attempt), g.time(until), g.time(g.now()))
		if err != nil {
			return 0, err
		}
		if n, err := result.RowsAffected(); err != nil {
			return 0, err
		} else if n == 1 {
			return events.Begun, nil
		}
		var found []byte
		err = g.db.QueryRowContext(ctx, g.sql.look, []byte(key)).Scan(&found)
		switch {
		case errors.Is(err, sql.ErrNoRows): // gone
		case err != nil:
			return 0, err
		case len(found) == 0:
			return events.Handled, nil
		default:
			return events.Running, nil
		}
	}
}

func (g sqlGuard) Finish(ctx context.Context, key string, until time.Time) error {
	_, err := g.db.ExecContext(ctx, g.sql.finish, []byte(key), g.time(until))
	return err
}

func (g sqlGuard) Abandon(ctx context.Context, key, attempt string) error {
	_, err := g.db.ExecContext(ctx, g.sql.abandon, []byte(key), []byte(attempt))
	return err
}

func TestTheSQLInTheDocumentationOfGuardIsOne(t *testing.T) {
	statements := readDocumentedSQL(t)
	for _, test := range []struct {
		name string
		new  func(t *testing.T) database
		time func(time.Time) any
	}{
		{"PostgreSQL", func(t *testing.T) database { return inPostgres(t, sharedPostgres(t).url()) }, func(t time.Time) any { return t }},
		{"SQLite", func(t *testing.T) database {
			return inSQLite(t, "_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)")
		}, func(t time.Time) any { return t.UnixNano() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			eventstest.Run(t, func(t *testing.T) eventstest.Instance {
				var later atomic.Int64 // what the clock has been moved on by
				now := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
				d := test.new(t)
				first, second := open(t, d), open(t, d)
				create(t, first, statements)
				return eventstest.Instance{
					Guards:  []events.Guard{sqlGuard{first, statements, test.time, now}, sqlGuard{second, statements, test.time, now}},
					Now:     now,
					Advance: func(d time.Duration) { later.Add(int64(d)) },
				}
			})
			t.Run("what is over is forgotten", func(t *testing.T) {
				db := open(t, test.new(t))
				create(t, db, statements)
				now := time.Now()
				guard := sqlGuard{db, statements, test.time, time.Now}
				require.NoError(t, guard.Finish(t.Context(), "over", now.Add(-time.Second)))
				require.NoError(t, guard.Finish(t.Context(), "remembered", now.Add(time.Hour)))
				_, err := db.ExecContext(t.Context(), statements.forget, test.time(now))
				require.NoError(t, err)
				var left []byte
				require.NoError(t, db.QueryRowContext(t.Context(), "SELECT key FROM stripe_events").Scan(&left))
				assert.Equal(t, "remembered", string(left))
			})
		})
	}
}

func open(t *testing.T, d database) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.Driver, d.URL)
	require.NoError(t, err)
	db.SetMaxOpenConns(10)
	db.SetMaxIdleConns(10)
	t.Cleanup(func() { db.Close() })
	return db
}

// create makes an empty table.
func create(t *testing.T, db *sql.DB, statements documentedSQL) {
	t.Helper()
	for _, statement := range []string{"DROP TABLE IF EXISTS stripe_events", statements.create} {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
}
