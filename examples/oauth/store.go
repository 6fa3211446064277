package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite", in Go alone
)

// How long what is issued can be used.
const (
	codeLifetime         = time.Minute // RFC 6749, section 4.1.2, allows ten at most
	accessTokenLifetime  = time.Hour
	refreshTokenLifetime = 30 * 24 * time.Hour
)

// A grant is what a user allowed once: the code, and every token that came of
// it. What a client holds is in the database as its SHA-256 only: whoever reads
// the database can use none of it.
const schema = `
CREATE TABLE IF NOT EXISTS grants (
	id               INTEGER PRIMARY KEY,
	code_hash        BLOB    NOT NULL UNIQUE,
	code_expires_at  INTEGER NOT NULL, -- Unix milliseconds, like every time here
	code_used        INTEGER NOT NULL DEFAULT 0,
	client_id        TEXT    NOT NULL,
	redirect_uri     TEXT    NOT NULL,
	challenge        TEXT    NOT NULL,
	user_id          TEXT    NOT NULL,
	revoked          INTEGER NOT NULL DEFAULT 0 -- its tokens too, which can be many: they go when they expire
) STRICT;
CREATE TABLE IF NOT EXISTS tokens (
	hash       BLOB    PRIMARY KEY,
	grant_id   INTEGER NOT NULL REFERENCES grants (id),
	kind       TEXT    NOT NULL CHECK (kind IN ('access', 'refresh')),
	expires_at INTEGER NOT NULL,
	used       INTEGER NOT NULL DEFAULT 0 -- a refresh token that was exchanged; kept, to notice its reuse
) STRICT;
CREATE INDEX IF NOT EXISTS tokens_of_grant ON tokens (grant_id);
CREATE INDEX IF NOT EXISTS tokens_by_expiry ON tokens (expires_at);
`

// grant is what a code is bound to.
type grant struct {
	clientID, redirectURI, challenge, userID string
}

type tokens struct{ access, refresh string }

// errNoGrant means that a code or token is not, or no longer, one to accept.
var errNoGrant = errors.New("no such grant")

type store struct {
	db *sql.DB
}

// openStore opens the database in the file at path, or one in memory if path is
// empty.
func openStore(ctx context.Context, path string) (*store, error) {
	name := ":memory:"
	if path != "" {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // for the owner only
		if err != nil {
			return nil, err
		}
		file.Close()
		if path, err = filepath.Abs(path); err != nil {
			return nil, err
		}
		name = "file://" + (&url.URL{Path: path}).EscapedPath()
	}
	// _txlock: what a transaction reads is not changed until it writes.
	db, err := sql.Open("sqlite", name+"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // SQLite has one writer; and memory belongs to its connection
	if _, err := db.ExecContext(ctx, schema); err != nil {
		db.Close()
		return nil, fmt.Errorf("cannot use the database: %w", err)
	}
	return &store{db}, nil
}

func (s *store) Close() error { return s.db.Close() }

// addGrant returns a new code for g.
func (s *store) addGrant(ctx context.Context, g grant, now time.Time) (code string, err error) {
	if err := s.deleteExpired(ctx, now); err != nil {
		return "", err
	}
	code = newSecret()
	_, err = s.db.ExecContext(ctx, `
		INSERT INTO grants (code_hash, code_expires_at, client_id, redirect_uri, challenge, user_id)
		VALUES (?, ?, ?, ?, ?, ?)`,
		hash(code), now.Add(codeLifetime).UnixMilli(), g.clientID, g.redirectURI, g.challenge, g.userID)
	return code, err
}

// redeemCode takes a code out of use, and returns tokens if check has nothing
// against its grant: nobody can try a code twice. The second use of a code
// revokes what the first one gave, because one of the two was a thief's
// (RFC 6749, section 4.1.2). The error is errNoGrant, or that of check.
func (s *store) redeemCode(ctx context.Context, code string, now func() time.Time, check func(grant) error) (t tokens, err error) {
	err = s.transaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var (
			id        int64
			expiresAt int64
			g         grant
		)
		err := tx.QueryRowContext(ctx, `
			UPDATE grants SET code_used = 1 WHERE code_hash = ? AND code_used = 0
			RETURNING id, code_expires_at, client_id, redirect_uri, challenge, user_id`, hash(code)).
			Scan(&id, &expiresAt, &g.clientID, &g.redirectURI, &g.challenge, &g.userID)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			_, err := tx.ExecContext(ctx, `UPDATE grants SET revoked = 1 WHERE code_hash = ?`, hash(code))
			return refused(err, errNoGrant)
		case err != nil:
			return err
		case expiresAt <= now().UnixMilli():
			return refused(nil, errNoGrant)
		}
		if err := check(g); err != nil {
			return refused(nil, err)
		}
		t, err = addTokens(ctx, tx, id, now())
		return err
	})
	return t, err
}

// refresh exchanges a client's refresh token for new tokens. Each one can be
// exchanged once. If it is sent again, somebody else has it, and the whole grant
// is revoked (RFC 9700, section 4.14.2). The error is errNoGrant.
func (s *store) refresh(ctx context.Context, token, clientID string, now time.Time) (t tokens, err error) {
	err = s.transaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var id int64
		err := tx.QueryRowContext(ctx, `
			UPDATE tokens SET used = 1
			WHERE hash = ? AND kind = 'refresh' AND used = 0 AND expires_at > ?
			  AND grant_id IN (SELECT id FROM grants WHERE client_id = ? AND revoked = 0)
			RETURNING grant_id`, hash(token), now.UnixMilli(), clientID).Scan(&id)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			_, err := tx.ExecContext(ctx, `
				UPDATE grants SET revoked = 1 WHERE client_id = ?2 AND id IN (
					SELECT grant_id FROM tokens WHERE hash = ?1 AND kind = 'refresh' AND used = 1)`, hash(token), clientID)
			return refused(err, errNoGrant)
		case err != nil:
			return err
		}
		t, err = addTokens(ctx, tx, id, now)
		return err
	})
	return t, err
}

// revoke ends the grant that a token of the client belongs to. It is no error if
// there is none (RFC 7009, section 2.2).
func (s *store) revoke(ctx context.Context, token, clientID string) error {
	return s.transaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE grants SET revoked = 1 WHERE client_id = ?2 AND id IN (SELECT grant_id FROM tokens WHERE hash = ?1)`, hash(token), clientID)
		return err
	})
}

// userOf returns the user that an access token stands for, or errNoGrant.
func (s *store) userOf(ctx context.Context, accessToken string, now time.Time) (userID string, err error) {
	err = s.db.QueryRowContext(ctx, `
		SELECT user_id FROM tokens JOIN grants ON grants.id = grant_id
		WHERE hash = ? AND kind = 'access' AND expires_at > ? AND revoked = 0`, hash(accessToken), now.UnixMilli()).Scan(&userID)
	if errors.Is(err, sql.ErrNoRows) {
		return "", errNoGrant
	}
	return userID, err
}

func addTokens(ctx context.Context, tx *sql.Tx, grantID int64, now time.Time) (tokens, error) {
	t := tokens{newSecret(), newSecret()}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO tokens (hash, grant_id, kind, expires_at) VALUES (?, ?, 'access', ?), (?, ?, 'refresh', ?)`,
		hash(t.access), grantID, now.Add(accessTokenLifetime).UnixMilli(),
		hash(t.refresh), grantID, now.Add(refreshTokenLifetime).UnixMilli())
	return t, err
}

// deleteExpired deletes what can be used no longer. A grant goes with the last of
// its tokens: until then, its code's second use is noticed.
func (s *store) deleteExpired(ctx context.Context, now time.Time) error {
	return s.transaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, statement := range []string{
			`DELETE FROM tokens WHERE hash IN (SELECT hash FROM tokens WHERE expires_at <= ? LIMIT 1000)`,
			`DELETE FROM grants WHERE code_expires_at <= ? AND NOT EXISTS (SELECT 1 FROM tokens WHERE grant_id = grants.id)`,
		} {
			if _, err := tx.ExecContext(ctx, statement, now.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
}

// refusal is an error that what was written is kept for.
type refusal struct{ error }

func refused(failed, reason error) error {
	if failed != nil {
		return failed
	}
	return refusal{reason}
}

// transaction runs f in a transaction, and undoes what it wrote if it fails. A
// refusal is no failure: a code that did not fit must stay used.
func (s *store) transaction(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	conn, err := s.db.Conn(ctx) // who hangs up while waiting, waits no longer
	if err != nil {
		return err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	var reason refusal
	if err := f(context.WithoutCancel(ctx), tx); errors.As(err, &reason) {
		if err := tx.Commit(); err != nil {
			return err // not the reason: what it was refused for has not been noted
		}
		return reason.error
	} else if err != nil {
		return err
	}
	return tx.Commit()
}

// newSecret returns a code or token: 32 random bytes, which nobody can guess.
func newSecret() string {
	var random [32]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// hash returns what the database has of a code or token. SHA-256 is enough for
// random bytes, and slow hashes are for passwords. A database's comparison of
// hashes says nothing useful to who measures its time.
func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
