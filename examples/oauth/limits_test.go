package main

import (
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A client that encodes the question mark asks for a path that holds its code.
func TestNothingIsLoggedOfAPathThatIsNotServed(t *testing.T) {
	var log strings.Builder
	p := newTestProvider(t, func(c *config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	code := p.allow(t, authorizationRequest(), "ada")
	for _, path := range []string{"/oauth/token%3F" + redemption(code).Encode(), "/oauth/token&code=" + code, "/oauth/token/" + code, "/" + code} {
		assert.Equal(t, http.StatusNotFound, p.send(extensionRequest(http.MethodPost, path, "")).Code, path)
	}
	assert.NotContains(t, log.String(), code)
	assert.Contains(t, log.String(), "path=(another)")
}

// 1*SP is what stands between the scheme and the token (RFC 9110, section 11.4).
func TestMeTakesMoreThanOneSpaceBeforeTheToken(t *testing.T) {
	p := newTestProvider(t)
	r := extensionRequest(http.MethodGet, "/api/me", "")
	r.Header.Set("Authorization", "Bearer   "+p.signIn(t).access)
	assert.Equal(t, http.StatusOK, p.send(r).Code)
}

func TestATokenOfAUserWhoIsGoneIsNoToken(t *testing.T) {
	p := newTestProvider(t)
	signedIn := p.signIn(t)
	_, err := p.store.db.Exec(`UPDATE grants SET user_id = 'gone'`)
	require.NoError(t, err)
	assertOAuthError(t, p.me(signedIn.access), http.StatusUnauthorized, "invalid_token", "Www-Authenticate", `Bearer error="invalid_token"`)
}

// Names that SQLite, or a URL, takes for something else.
func TestTheDatabaseIsInTheFileThatIsNamed(t *testing.T) {
	for _, name := range []string{":memory:", "file:x.db", "x.db?mode=memory", "x#y.db", "x%41.db", "-x.db", "x y&z;+.db", "ä.db"} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			store, err := openStore(t.Context(), name)
			require.NoError(t, err)
			require.NoError(t, store.Close())
			info, err := os.Stat(name)
			require.NoError(t, err)
			assert.NotZero(t, info.Size(), "it holds the tables")
			assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			files, err := os.ReadDir(".")
			require.NoError(t, err)
			assert.Len(t, files, 1)
		})
	}
}

// Revoking must not take longer the more tokens a grant has had: every other
// user waits for the database meanwhile.
func TestRevocationTouchesOneRow(t *testing.T) {
	p := newTestProvider(t)
	signedIn := p.signIn(t)
	for range 20 {
		signedIn = p.refresh(t, signedIn.refresh)
	}
	count := func() (changes int) {
		require.NoError(t, p.store.db.QueryRow(`SELECT total_changes()`).Scan(&changes))
		return changes
	}
	before := count()
	require.NoError(t, p.store.revoke(t.Context(), signedIn.refresh, testClient))
	assert.Equal(t, before+1, count())
	assert.Equal(t, http.StatusUnauthorized, p.me(signedIn.access).Code)
}

func TestRedirectURIsThatNoAnswerCanBeAddedTo(t *testing.T) {
	for _, uri := range []string{
		"https://x.example/cb#", "https://x.example/cb?a#", "https://*.example.com/cb", "https://x.example/a b", `https://x.example/"<>`,
		"https://x.example/cb?code=1", "https://x.example/cb?state=1", "https://x.example/cb?error=x", "http://[::1]:5000/cb", "https://a:/cb",
	} {
		t.Run(uri, func(t *testing.T) { assert.False(t, isRedirectURI(uri)) })
	}
	for _, uri := range []string{"https://x.example/cb?tenant=1", "http://127.0.0.1:5000/cb", "http://localhost/cb", "https://x.example:8443/"} {
		t.Run(uri, func(t *testing.T) { assert.True(t, isRedirectURI(uri)) })
	}
}
