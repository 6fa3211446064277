// Package sqlstore keeps the records of package install in a table of an SQL database:
// PostgreSQL or SQLite, by way of database/sql and a driver of your choice. It imports
// none.
//
//	db, err := sql.Open("pgx", url)
//	…
//	store, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
//	…
//	err = store.Create(ctx) // or run Schema with your migrations
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Dialect is the SQL that a database speaks.
type Dialect string

const (
	// PostgreSQL is that of PostgreSQL 12 and newer. Tested with pgx.
	PostgreSQL Dialect = "postgresql"
	// SQLite is that of SQLite 3.24 and newer. Tested with modernc.org/sqlite.
	SQLite Dialect = "sqlite"
)

// DefaultTable is the table's name, unless Config.Table says otherwise.
const DefaultTable = "stripe_installs"

// Config configures New. DB and Dialect are required.
type Config struct {
	// DB is the database. It must be the primary: a replica for reading lags behind.
	// With SQLite, let it wait while another process writes (PRAGMA busy_timeout), and
	// be synchronous (the default). So must PostgreSQL: with synchronous_commit=off (of the
	// server, the role, the database or the connection) tokens that were saved are lost if
	// the server fails, and with them the install. nil is an error.
	DB *sql.DB

	// Dialect is the SQL that it speaks.
	Dialect Dialect

	// Table is the table's name, with its schema before a dot if it is not the first of
	// the search path: 1 to 63 of [a-z0-9_], which does not begin with a digit. It is
	// quoted, so that order will do. A schema of temporary tables (temp, pg_temp) will not:
	// they are one connection's. "" means DefaultTable.
	Table string
}

// Store is an install.Store in a table. It is made by New and safe for concurrent use, by
// any number of processes.
//
// Each call is one statement, so that it needs no transaction, and any isolation level and
// pool will do. It does NOT encrypt: install.Tokens does.
type Store struct {
	db                                                *sql.DB
	schema                                            string
	load, insert, update, remove, exists, list, probe string
}

var _ install.Store = (*Store)(nil)

// New returns a Store. It does not use the database. The error names everything that is
// wrong with cfg.
func New(cfg Config) (*Store, error) {
	var errs []error
	if cfg.DB == nil {
		errs = append(errs, errors.New("stripeapps/install/sqlstore: Config.DB is nil: give one that sql.Open returns"))
	}
	schema, err := Schema(cfg.Dialect, cfg.Table)
	if err = errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	table := quoted(tableName(cfg.Table))
	statement := func(text string) string {
		text = strings.ReplaceAll(text, "TABLE", table)
		if cfg.Dialect == SQLite {
			return text
		}
		for i := 1; strings.Contains(text, "?"); i++ {
			text = strings.Replace(text, "?", fmt.Sprint("$", i), 1)
		}
		return text
	}
	return &Store{
		db:     cfg.DB,
		schema: schema,
		load:   statement("SELECT version, data FROM TABLE WHERE account = ? AND mode = ?"),
		insert: statement("INSERT INTO TABLE (version, data, account, mode) VALUES (?, ?, ?, ?) ON CONFLICT (account, mode) DO NOTHING"),
		update: statement("UPDATE TABLE SET version = ?, data = ? WHERE account = ? AND mode = ? AND version = ?"),
		remove: statement("DELETE FROM TABLE WHERE account = ? AND mode = ? AND version = ?"),
		exists: statement("SELECT 1 FROM TABLE WHERE account = ? AND mode = ?"),
		list:   statement("SELECT account, mode, version, data FROM TABLE WHERE (account, mode) > (?, ?) ORDER BY account, mode LIMIT ?"),
		probe:  statement("SELECT account, mode, version, data FROM TABLE LIMIT 0"),
	}, nil
}

// Schema returns the statement that creates the table if it is not there, for your
// migrations. The order of accounts is that of their bytes, whatever the database's language
// is. The table is the same in all versions of this package with one major version.
func Schema(dialect Dialect, table string) (string, error) {
	var errs []error
	switch name := tableName(table); {
	case !isTable(name):
		errs = append(errs, errors.New("stripeapps/install/sqlstore: Config.Table must be 1 to 63 of [a-z0-9_] that do not begin with a digit, with a schema of that form before a dot or without"))
	case dialect == PostgreSQL && strings.HasPrefix(name, "pg_") && strings.Contains(name, "."), dialect == SQLite && strings.HasPrefix(name, "temp."):
		errs = append(errs, errors.New("stripeapps/install/sqlstore: Config.Table is in a schema for temporary tables or the database's own: it must outlive the connection"))
	}
	text, number, bytes := "", "", ""
	switch dialect {
	case PostgreSQL:
		text, number, bytes = `text COLLATE "C"`, "bigint", "bytea"
	case SQLite:
		text, number, bytes = "TEXT COLLATE BINARY", "INTEGER", "BLOB"
	default:
		errs = append(errs, errors.New("stripeapps/install/sqlstore: Config.Dialect must be PostgreSQL or SQLite"))
	}
	return fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (
	account %s NOT NULL,
	mode %s NOT NULL,
	version %s NOT NULL,
	data %s NOT NULL,
	PRIMARY KEY (account, mode)
)`, quoted(tableName(table)), text, text, number, bytes), errors.Join(errs...)
}

func tableName(table string) string {
	if table == "" {
		return DefaultTable
	}
	return table
}

// quoted is a table's name in SQL.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, ".", `"."`) + `"` }

// isTable reports whether a name can be a table's.
func isTable(name string) bool {
	schema, table, two := strings.Cut(name, ".")
	if two && !isName(table) {
		return false
	}
	return isName(schema)
}

func isName(name string) bool {
	return len(name) >= 1 && len(name) <= 63 && (name[0] < '0' || name[0] > '9') &&
		!strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' })
}

// Create creates the table if it is not there. Processes may do so at the same time. If it is
// there, SELECT is the only right that it takes.
func (s *Store) Create(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, s.probe); err == nil {
		return nil
	}
	var err error
	for range 3 { // IF NOT EXISTS of PostgreSQL fails if another one creates it at the time
		if _, err = s.db.ExecContext(ctx, s.schema); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// Load implements install.Store.
func (s *Store) Load(ctx context.Context, id install.ID) (install.Record, error) {
	if !isID(id) {
		return install.Record{}, errID
	}
	r := install.Record{ID: id}
	err := again(ctx, func() error {
		return s.db.QueryRowContext(ctx, s.load, id.Account, string(id.Mode)).Scan(&r.Version, &r.Data)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return install.Record{}, install.ErrNotFound
	} else if err != nil {
		return install.Record{}, err
	}
	return r, nil
}

// Save implements install.Store.
func (s *Store) Save(ctx context.Context, r install.Record, old int64) error {
	if r.Data == nil {
		r.Data = []byte{} // nil is NULL
	}
	statement, args := s.insert, []any{r.Version, r.Data, r.ID.Account, string(r.ID.Mode)}
	if old != 0 {
		statement, args = s.update, append(args, old)
	}
	return s.change(ctx, r.ID, statement, args...)
}

// Delete implements install.Store.
func (s *Store) Delete(ctx context.Context, id install.ID, version int64) error {
	err := s.change(ctx, id, s.remove, id.Account, string(id.Mode), version)
	if !errors.Is(err, install.ErrConflict) {
		return err
	}
	var one int
	err = again(ctx, func() error {
		return s.db.QueryRowContext(ctx, s.exists, id.Account, string(id.Mode)).Scan(&one)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	return install.ErrConflict
}

// change executes a statement that changes one row, if it is as it should be.
func (s *Store) change(ctx context.Context, id install.ID, statement string, args ...any) error {
	if !isID(id) {
		return errID
	}
	var changed int64
	err := again(ctx, func() error {
		result, err := s.db.ExecContext(ctx, statement, args...)
		if err == nil {
			changed, err = result.RowsAffected()
		}
		return err
	})
	if err == nil && changed == 0 {
		return install.ErrConflict
	}
	return err
}

// List implements install.Store.
func (s *Store) List(ctx context.Context, after install.ID, limit int) ([]install.Record, error) {
	if after != (install.ID{}) && !isID(after) {
		return nil, errID
	}
	var page []install.Record
	err := again(ctx, func() (err error) {
		page, err = s.page(ctx, after, limit)
		return err
	})
	return page, err
}

func (s *Store) page(ctx context.Context, after install.ID, limit int) ([]install.Record, error) {
	rows, err := s.db.QueryContext(ctx, s.list, after.Account, string(after.Mode), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var page []install.Record
	for rows.Next() {
		var r install.Record
		if err := rows.Scan(&r.ID.Account, &r.ID.Mode, &r.Version, &r.Data); err != nil {
			return nil, err
		}
		page = append(page, r)
	}
	return page, rows.Err()
}

// again executes a statement once more, some times, if PostgreSQL has undone it because of
// others at the same time: with the isolation levels above read committed it does so, at
// times for others of other rows.
func again(ctx context.Context, statement func() error) error {
	for delay := time.Millisecond; ; delay *= 2 {
		err := statement()
		if err == nil || !isUndone(err) || delay > time.Second {
			return err
		}
		timer := time.NewTimer(delay/2 + rand.N(delay))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// isUndone reports whether an error is PostgreSQL's serialization_failure or
// deadlock_detected, as the drivers pgx and pq tell it.
func isUndone(err error) bool {
	state := interface{ SQLState() string }(nil)
	return errors.As(err, &state) && (state.SQLState() == "40001" || state.SQLState() == "40P01")
}

// errID is what an ID of no install gets: PostgreSQL has no text with a byte of 0.
var errID = errors.New("install/sqlstore: there is no such install: an account or a mode that is none")

func isID(id install.ID) bool {
	return signed.IsID(id.Account) && (id.Mode == install.Live || id.Mode == install.Test || id.Mode == install.Sandbox)
}
