package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

const (
	testIssuer = "http://127.0.0.1:4243"
	testClient = "stripe-app"
	liveURI    = "https://dashboard.stripe.com/apps-oauth/com.example.app"
	testURI    = "https://dashboard.stripe.com/test/apps-oauth/com.example.app"
	queryURI   = "https://service.example/cb?tenant=1&x=a%20b+c" // has a query of its own
	loopURI    = "http://127.0.0.1:5000/cb"
	otherURI   = "https://other.example/cb" // of the other client

	testState = "st4t3/of+the test"
)

// testStart is when the clock of every test starts. It has a fraction, so that
// what is rounded shows.
var testStart = time.Unix(1700000000, 250e6).UTC()

// https://www.rfc-editor.org/rfc/rfc7636#appendix-B
const (
	testVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	testChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func TestMetadata(t *testing.T) {
	p := newTestProvider(t)
	w := p.send(extensionRequest(http.MethodGet, "/.well-known/oauth-authorization-server", ""))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, apiHeaders(), w.Header())
	assert.JSONEq(t, `{
		"issuer": "http://127.0.0.1:4243",
		"authorization_endpoint": "http://127.0.0.1:4243/oauth/authorize",
		"token_endpoint": "http://127.0.0.1:4243/oauth/token",
		"revocation_endpoint": "http://127.0.0.1:4243/oauth/revoke",
		"response_types_supported": ["code"],
		"response_modes_supported": ["query"],
		"grant_types_supported": ["authorization_code", "refresh_token"],
		"token_endpoint_auth_methods_supported": ["none"],
		"revocation_endpoint_auth_methods_supported": ["none"],
		"code_challenge_methods_supported": ["S256"],
		"scopes_supported": ["profile"]
	}`, w.Body.String())
}

// RFC 8414, section 3.3: the issuer is the one that the client asked, whatever
// Host its request came with.
func TestMetadataNamesTheConfiguredIssuer(t *testing.T) {
	p := newTestProvider(t, func(c *config) { c.Issuer = "https://auth.example.com" })
	r := extensionRequest(http.MethodGet, "/.well-known/oauth-authorization-server", "")
	r.Host = "evil.example"
	r.Header.Set("X-Forwarded-Host", "evil.example")
	w := p.send(r)
	assert.NotContains(t, w.Body.String(), "evil")
	var metadata map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &metadata))
	assert.Equal(t, "https://auth.example.com", metadata["issuer"])
	assert.Equal(t, "https://auth.example.com/oauth/token", metadata["token_endpoint"])
}

func TestMe(t *testing.T) {
	p := newTestProvider(t)
	for user, want := range map[string]string{
		"ada":   `{"sub":"ada","name":"Ada Lovelace","email":"ada@example.com"}`,
		"grace": `{"sub":"grace","name":"Grace Hopper","email":"grace@example.com"}`,
	} {
		t.Run("tells who signed in: "+user, func(t *testing.T) {
			code := p.allow(t, authorizationRequest(), user)
			w := p.me(p.redeem(t, code).access)
			assert.Equal(t, http.StatusOK, w.Code)
			assert.Equal(t, apiHeaders(), w.Header())
			assert.JSONEq(t, want, w.Body.String())
		})
	}
	t.Run("takes the scheme in any case, and more than one space", func(t *testing.T) { // RFC 9110, section 11.4
		r := extensionRequest(http.MethodGet, "/api/me", "")
		r.Header.Set("Authorization", "bEARER   "+p.signIn(t).access)
		assert.Equal(t, http.StatusOK, p.send(r).Code)
	})
}

func TestMeRefuses(t *testing.T) {
	p := newTestProvider(t)
	signedIn := p.signIn(t)
	unusedCode := p.allow(t, authorizationRequest(), "ada")
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	// "if the request lacks any authentication information […], the resource
	// server SHOULD NOT include an error code" (RFC 6750, section 3.1)
	const none, invalid = `Bearer realm="your service"`, `Bearer error="invalid_token"`
	for name, test := range map[string]struct {
		change func(*http.Request)
		want   string
	}{
		"a request without a token":           {func(*http.Request) {}, none},
		"another scheme":                      {func(r *http.Request) { r.SetBasicAuth("ada", signedIn.access) }, none},
		"a token without a scheme":            {func(r *http.Request) { r.Header.Set("Authorization", signedIn.access) }, none},
		"a token in the query":                {func(r *http.Request) { r.URL.RawQuery = "access_token=" + signedIn.access }, none},
		"a token in a cookie":                 {func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "access_token", Value: signedIn.access}) }, none},
		"an unknown token":                    {bearer(stripeapps.NewCodeVerifier()), invalid},
		"an empty token":                      {bearer(""), invalid},
		"a refresh token":                     {bearer(signedIn.refresh), invalid},
		"a code":                              {bearer(unusedCode), invalid},
		"a token with something behind it":    {bearer(signedIn.access + " x"), invalid},
		"a token with its last letter cut":    {bearer(signedIn.access[:len(signedIn.access)-1]), invalid},
		"a token in another case":             {bearer(strings.ToUpper(signedIn.access)), invalid},
		"two tokens, an unknown one in front": {func(r *http.Request) { r.Header["Authorization"] = []string{"Bearer x", "Bearer " + signedIn.access} }, invalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := extensionRequest(http.MethodGet, "/api/me", "")
			test.change(r)
			w := p.send(r)
			assertOAuthError(t, w, http.StatusUnauthorized, "invalid_token", "Www-Authenticate", test.want)
			assert.NotContains(t, w.Body.String(), "Ada")
		})
	}
	assert.Equal(t, http.StatusOK, p.me(signedIn.access).Code, "none of it has done the token harm")
}

func TestAnAccessTokenLivesForAnHour(t *testing.T) {
	p := newTestProvider(t)
	signedIn := p.signIn(t)
	p.clock.advance(time.Hour - time.Millisecond)
	assert.Equal(t, http.StatusOK, p.me(signedIn.access).Code)
	p.clock.advance(time.Millisecond)
	assertOAuthError(t, p.me(signedIn.access), http.StatusUnauthorized, "invalid_token", "Www-Authenticate", `Bearer error="invalid_token"`)
}

// Without these responses, the browser lets no extension call the provider.
func TestPreflights(t *testing.T) {
	p := newTestProvider(t)
	for _, test := range []struct{ name, path, method, headers string }{
		{"me with a token", "/api/me", http.MethodGet, "authorization"},
		{"token with a header that needs one", "/oauth/token", http.MethodPost, "content-type"},
		{"revoke with a header that needs one", "/oauth/revoke", http.MethodPost, "content-type"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := extensionRequest(http.MethodOptions, test.path, "")
			r.Header.Set("Access-Control-Request-Method", test.method)
			r.Header.Set("Access-Control-Request-Headers", test.headers)
			w := p.send(r)
			assert.Equal(t, http.StatusNoContent, w.Code)
			assert.Empty(t, w.Body.String())
			assert.Equal(t, http.Header{
				"Access-Control-Allow-Origin":  {"*"},
				"Access-Control-Allow-Methods": {test.method},
				"Access-Control-Allow-Headers": {test.headers},
				"Access-Control-Max-Age":       {"7200"},
				"Content-Security-Policy":      {apiCSP},
				"Vary":                         {"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"},
			}, w.Header())
		})
	}
	t.Run("the consent page is for no script of another origin", func(t *testing.T) {
		r := extensionRequest(http.MethodOptions, "/oauth/authorize?"+authorizationRequest().Encode(), "")
		r.Header.Set("Access-Control-Request-Method", http.MethodPost)
		for name := range p.send(r).Header() {
			assert.NotContains(t, name, "Access-Control")
		}
	})
}

func TestOtherMethods(t *testing.T) {
	p := newTestProvider(t)
	for path, test := range map[string]struct {
		methods []string
		allow   string
	}{
		"/oauth/token":     {[]string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}, "POST"},
		"/oauth/revoke":    {[]string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}, "POST"},
		"/oauth/authorize": {[]string{"PUT", "PATCH", "DELETE", "OPTIONS"}, "GET, HEAD, POST"},
		"/api/me":          {[]string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, "GET, HEAD"},
		"/.well-known/oauth-authorization-server": {[]string{"POST", "PUT", "DELETE", "OPTIONS"}, "GET, HEAD"},
	} {
		for _, method := range test.methods {
			t.Run(method+" "+path, func(t *testing.T) {
				r := extensionRequest(method, path, "")
				if path == "/oauth/authorize" { // from the page itself, or else it is a 403
					r.Header.Set("Origin", testIssuer)
					r.Header.Set("Sec-Fetch-Site", "same-origin")
				}
				w := p.send(r)
				assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
				assert.Equal(t, []string{test.allow}, w.Header()["Allow"])
				if path != "/oauth/authorize" {
					assert.Equal(t, []string{"*"}, w.Header()["Access-Control-Allow-Origin"])
				}
				if test.allow == "POST" && method != http.MethodHead {
					assertOAuthError(t, w, http.StatusMethodNotAllowed, "invalid_request", "Allow", "POST")
				}
			})
		}
	}
}

func TestOtherPaths(t *testing.T) {
	p := newTestProvider(t)
	for _, path := range []string{"/", "/api", "/api/me/", "/oauth", "/oauth/token/", "/oauth/authorize/", "/OAUTH/TOKEN", "/.well-known/openid-configuration"} {
		t.Run(path+" is not found", func(t *testing.T) {
			w := p.send(extensionRequest(http.MethodGet, path, ""))
			assert.Equal(t, http.StatusNotFound, w.Code)
			assert.Equal(t, []string{"*"}, w.Header()["Access-Control-Allow-Origin"])
		})
	}
}

// Guessing is limited, and a browser is told, the extension's one too.
func TestTooManyRequests(t *testing.T) {
	const perMinute, tries = 3, 10 // the limiter has a clock of its own: a minute may end in between
	token := func() *http.Request {
		return extensionRequest(http.MethodPost, "/oauth/token", refreshing("guess").Encode())
	}
	revoke := func() *http.Request {
		return extensionRequest(http.MethodPost, "/oauth/revoke", "client_id=stripe-app&token=guess")
	}
	show := func() *http.Request {
		return httptest.NewRequest(http.MethodGet, testIssuer+"/oauth/authorize?"+authorizationRequest().Encode(), nil)
	}
	decide := func() *http.Request { return decision(authorizationRequest().Encode(), "user=ada&decision=allow") }
	// limited returns the first 429 among so many responses, and how many came
	// before it.
	limited := func(p *testProvider, request func() *http.Request) (*httptest.ResponseRecorder, int) {
		for n := range tries {
			if w := p.send(request()); w.Code == http.StatusTooManyRequests {
				return w, n
			}
		}
		return nil, tries
	}
	assertRetryAfter := func(t *testing.T, w *httptest.ResponseRecorder) {
		t.Helper()
		seconds, err := strconv.Atoi(w.Header().Get("Retry-After"))
		require.NoError(t, err)
		assert.Positive(t, seconds)
		assert.LessOrEqual(t, seconds, 60)
	}

	for name, kind := range map[string]func() *http.Request{"to token": token, "to revoke": revoke} {
		t.Run(name+" are refused, so that the extension can read it", func(t *testing.T) {
			p := newTestProvider(t, func(c *config) { c.RequestsPerMinute = perMinute })
			w, before := limited(p, kind)
			require.NotNil(t, w)
			assert.GreaterOrEqual(t, before, perMinute)
			assertRetryAfter(t, w)
			assertOAuthError(t, w, http.StatusTooManyRequests, "temporarily_unavailable", "Retry-After", w.Header().Get("Retry-After"))
			assert.Contains(t, w.Header().Get("Access-Control-Expose-Headers"), "Retry-After")

			assert.Equal(t, http.StatusOK, p.send(show()).Code, "the consent page has a limit of its own")
			assert.Equal(t, http.StatusUnauthorized, p.me("x").Code)
		})
	}
	for name, kind := range map[string]func() *http.Request{"to see the consent page": show, "to decide": decide} {
		t.Run(name+" are refused with a page", func(t *testing.T) {
			p := newTestProvider(t, func(c *config) { c.RequestsPerMinute = perMinute })
			w, before := limited(p, kind)
			require.NotNil(t, w)
			assert.GreaterOrEqual(t, before, perMinute)
			assertRetryAfter(t, w)
			w.Header().Del("Retry-After")
			assertErrorPage(t, w, http.StatusTooManyRequests)
			assert.Equal(t, http.StatusBadRequest, p.send(token()).Code, "the token endpoint has a limit of its own")
		})
	}
	for name, test := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"from the same address and another port are counted together": {func(r *http.Request) { r.RemoteAddr = "192.0.2.1:99" }, http.StatusTooManyRequests},
		"are not let through for a header that anybody can send": {func(r *http.Request) {
			for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip"} {
				r.Header.Set(name, "198.51.100.7")
			}
			r.Header.Set("Forwarded", "for=198.51.100.7")
		}, http.StatusTooManyRequests},
		"from another address are not counted with them": {func(r *http.Request) { r.RemoteAddr = "192.0.2.2:1234" }, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestProvider(t, func(c *config) { c.RequestsPerMinute = perMinute })
			w, _ := limited(p, token)
			require.NotNil(t, w)
			r := token()
			test.change(r)
			assert.Equal(t, test.want, p.send(r).Code)
		})
	}
	t.Run("do not count preflights", func(t *testing.T) {
		p := newTestProvider(t, func(c *config) { c.RequestsPerMinute = perMinute })
		for range tries {
			r := extensionRequest(http.MethodOptions, "/oauth/token", "")
			r.Header.Set("Access-Control-Request-Method", http.MethodPost)
			assert.Equal(t, http.StatusNoContent, p.send(r).Code)
		}
		assert.Equal(t, http.StatusBadRequest, p.send(token()).Code)
	})
	t.Run("are 300 unless the configuration says otherwise", func(t *testing.T) {
		p := newTestProvider(t, func(c *config) { c.RequestsPerMinute = 0 })
		refused := 0
		for n := range 700 { // more than two limits, in case a minute ends here
			if p.send(revoke()).Code == http.StatusTooManyRequests {
				refused++
				assert.GreaterOrEqual(t, n, 300)
			}
		}
		assert.NotZero(t, refused)
	})
}

// Codes and tokens in logs are codes and tokens for whoever reads logs.
func TestTheLogHoldsNoSecret(t *testing.T) {
	var logged syncBuffer
	p := newTestProvider(t, func(c *config) {
		c.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
	})
	secrets := []string{testVerifier, testChallenge, "st4t3", url.QueryEscape(testState), "s3cr3t"}
	keep := func(values ...string) { secrets = append(secrets, values...) }

	// What goes well.
	query := authorizationRequest()
	p.send(httptest.NewRequest(http.MethodGet, testIssuer+"/oauth/authorize?"+query.Encode(), nil))
	code := p.allow(t, query, "ada")
	signedIn := p.redeem(t, code)
	refreshed := p.refresh(t, signedIn.refresh)
	p.me(refreshed.access)
	keep(code, signedIn.access, signedIn.refresh, refreshed.access, refreshed.refresh)
	// What does not.
	p.send(decision(query.Encode(), "user=ada&decision=deny"))
	p.send(decision(query.Encode(), "user=s3cr3t&decision=s3cr3t"))
	p.send(decision(query.Encode(), "%zz=s3cr3t"))
	for _, name := range []string{"client_id", "redirect_uri", "response_type", "response_mode", "code_challenge", "code_challenge_method", "scope", "state"} {
		query := authorizationRequest()
		query.Set(name, "s3cr3t")
		p.send(httptest.NewRequest(http.MethodGet, testIssuer+"/oauth/authorize?"+query.Encode(), nil))
		query.Add(name, "s3cr3t")
		p.send(httptest.NewRequest(http.MethodGet, testIssuer+"/oauth/authorize?"+query.Encode(), nil))
	}
	unused := p.allow(t, query, "grace")
	keep(unused)
	form := redemption(unused)
	for _, name := range []string{"grant_type", "client_id", "code", "code_verifier", "redirect_uri"} {
		form := redemption(unused)
		form.Set(name, "s3cr3t")
		p.post("/oauth/token", form)
		form.Add(name, "s3cr3t")
		p.post("/oauth/token", form)
	}
	p.send(extensionRequest(http.MethodPost, "/oauth/token?"+form.Encode(), form.Encode()))
	p.send(extensionRequest(http.MethodPost, "/oauth/token?"+form.Encode(), ""))
	p.send(extensionRequest(http.MethodGet, "/oauth/token?"+form.Encode(), ""))
	p.send(extensionRequest(http.MethodGet, "/oauth/nothing?"+form.Encode(), ""))
	p.send(extensionRequest(http.MethodPost, "/oauth/token%3Fcode=s3cr3t", ""))
	p.send(extensionRequest(http.MethodPost, "/oauth/s3cr3t", ""))
	p.send(extensionRequest(http.MethodPost, "/oauth/token", "%zz=s3cr3t"))
	p.post("/oauth/token", redemption(code))
	p.post("/oauth/token", refreshing(signedIn.refresh))
	p.post("/oauth/revoke", url.Values{"client_id": {"s3cr3t"}, "token": {signedIn.access}})
	p.post("/oauth/revoke", url.Values{"client_id": {testClient}, "token": {signedIn.access}})
	p.me("s3cr3t")
	p.me(refreshed.access)
	crossSite := decision(query.Encode(), "user=ada&decision=allow")
	crossSite.Header.Set("Sec-Fetch-Site", "cross-site")
	p.send(crossSite)
	// And what is the server's own fault.
	require.NoError(t, p.store.Close())
	broken := p.send(decision(query.Encode(), "user=ada&decision=allow"))
	assert.Equal(t, "server_error", redirectParams(t, broken).Get("error"))
	assertOAuthError(t, p.post("/oauth/token", redemption(unused)), http.StatusInternalServerError, "server_error")
	assertOAuthError(t, p.post("/oauth/token", refreshing(refreshed.refresh)), http.StatusInternalServerError, "server_error")
	assertOAuthError(t, p.me(refreshed.access), http.StatusInternalServerError, "server_error")
	assertOAuthError(t, p.post("/oauth/revoke", url.Values{"client_id": {testClient}, "token": {signedIn.access}}), http.StatusInternalServerError, "server_error")

	text := logged.String()
	for _, secret := range secrets {
		assert.NotContains(t, text, secret)
		assert.NotContains(t, text, hashOf(secret), "not as its hash either")
	}
	assert.NotContains(t, text, "?")
	assert.NotContains(t, text, "dashboard.stripe.com")
	for _, want := range []string{"method=POST path=/oauth/token status=200", "method=POST path=/oauth/token status=400", "method=GET path=/oauth/authorize status=200", "method=POST path=/oauth/authorize status=303",
		"error=invalid_grant", "error=access_denied", "error=invalid_client", "error=server_error", "status=403"} {
		assert.Contains(t, text, want, "what an operator needs is there")
	}
	assert.Contains(t, text, "level=ERROR", "an own failure can be found")
}

func TestNothingIsLoggedWithoutALogger(t *testing.T) {
	var logged syncBuffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(before)
	p := newTestProvider(t)
	p.me(p.signIn(t).access)
	p.me("x")
	assert.Empty(t, logged.String())
}

func TestTheDatabaseAtRestHoldsNothingToUse(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "oauth.db")
	p := newTestProvider(t, inFile(t, file))
	unused := p.allow(t, authorizationRequest(), "ada")
	code := p.allow(t, authorizationRequest(), "ada")
	signedIn := p.redeem(t, code)
	refreshed := p.refresh(t, signedIn.refresh)

	look := func(t *testing.T) {
		entries, err := os.ReadDir(folder) // with -wal, -shm and -journal, if there are any
		require.NoError(t, err)
		require.NotEmpty(t, entries)
		for _, entry := range entries {
			info, err := entry.Info()
			require.NoError(t, err)
			if runtime.GOOS != "windows" {
				assert.Equal(t, os.FileMode(0o600), info.Mode(), entry.Name())
			}
			content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
			require.NoError(t, err)
			if entry.Name() == "oauth.db" {
				require.True(t, bytes.HasPrefix(content, []byte("SQLite format 3\x00")))
				assert.True(t, bytes.Contains(content, []byte(testChallenge)), "what is kept can be found like this")
			}
			assert.NotContains(t, string(content), testVerifier)
			assert.NotContains(t, string(content), "st4t3")
			for _, secret := range []string{unused, code, signedIn.access, signedIn.refresh, refreshed.access, refreshed.refresh} {
				raw, err := base64.RawURLEncoding.DecodeString(secret)
				require.NoError(t, err)
				for _, form := range []string{secret, string(raw),
					hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)), base64.RawStdEncoding.EncodeToString(raw),
					hex.EncodeToString([]byte(secret)), base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret))} {
					assert.False(t, bytes.Contains(content, []byte(form)), "%s holds a secret", entry.Name())
				}
			}
		}
	}
	t.Run("while it is open", look)
	require.NoError(t, p.store.Close())
	t.Run("after it was closed", look)
}

// A code that is 43 characters long can be as random as a dice: at least no two
// of many are the same, nor is any bit of them.
func TestCodesAndTokensAreRandom(t *testing.T) {
	p := newTestProvider(t)
	seen := map[string]bool{}
	var ones, zeros [32]byte
	for range 60 {
		code := p.allow(t, authorizationRequest(), "ada")
		signedIn := p.redeem(t, code)
		for _, secret := range []string{code, signedIn.access, signedIn.refresh} {
			assert.False(t, seen[secret])
			seen[secret] = true
			raw, err := base64.RawURLEncoding.DecodeString(secret)
			require.NoError(t, err)
			require.Len(t, raw, 32, "256 bits")
			for i, b := range raw {
				ones[i] |= b
				zeros[i] |= ^b
			}
		}
	}
	all := [32]byte(bytes.Repeat([]byte{0xff}, 32))
	assert.Equal(t, all, ones)
	assert.Equal(t, all, zeros)
}

func TestStoresInMemoryAreSeparate(t *testing.T) {
	one, another := newTestProvider(t), newTestProvider(t)
	code := one.allow(t, authorizationRequest(), "ada")
	assertOAuthError(t, another.post("/oauth/token", redemption(code)), http.StatusBadRequest, "invalid_grant")
	one.redeem(t, code)
}

// What can be used no longer is not kept for ever.
func TestTheDatabaseDoesNotGrowForEver(t *testing.T) {
	file := filepath.Join(t.TempDir(), "oauth.db")
	p := newTestProvider(t, inFile(t, file))
	rows := func() (n int) {
		db, err := sql.Open("sqlite", file)
		require.NoError(t, err)
		defer db.Close()
		for _, name := range tablesOf(t, db) {
			var count int
			require.NoError(t, db.QueryRow(`SELECT count(*) FROM `+name).Scan(&count))
			n += count
		}
		return n
	}
	p.allow(t, authorizationRequest(), "ada")
	one := rows()
	require.NotZero(t, one)
	p.refresh(t, p.signIn(t).refresh)
	require.Greater(t, rows(), 2*one)

	p.clock.advance(31 * 24 * time.Hour)
	p.allow(t, authorizationRequest(), "ada")
	assert.Equal(t, one, rows())
}

func TestARestartLosesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a folder?with%20#odd name", "oauth.db")
	require.NoError(t, os.Mkdir(filepath.Dir(file), 0o700))
	p := newTestProvider(t, inFile(t, file))
	restart := func() {
		require.NoError(t, p.store.Close())
		clock := p.clock
		p = newTestProvider(t, inFile(t, file), func(c *config) { c.Now = clock.now })
		p.clock = clock
	}
	code := p.allow(t, authorizationRequest(), "ada")
	restart()
	signedIn := p.redeem(t, code)
	restart()
	assert.Equal(t, http.StatusOK, p.me(signedIn.access).Code)
	refreshed := p.refresh(t, signedIn.refresh)
	restart()
	assertOAuthError(t, p.post("/oauth/token", redemption(code)), http.StatusBadRequest, "invalid_grant")
	assert.Equal(t, http.StatusUnauthorized, p.me(refreshed.access).Code, "the code's second use is noticed after a restart")

	entries, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	names := []string{}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	assert.Contains(t, names, "oauth.db", "the file is where it was asked for, whatever its path holds")
}

func TestACodeExpiresAlsoWhileTheServerIsDown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "oauth.db")
	p := newTestProvider(t, inFile(t, file))
	code := p.allow(t, authorizationRequest(), "ada")
	require.NoError(t, p.store.Close())
	p = newTestProvider(t, inFile(t, file), func(c *config) {
		c.Now = func() time.Time { return testStart.Add(time.Minute) }
	})
	assertOAuthError(t, p.post("/oauth/token", redemption(code)), http.StatusBadRequest, "invalid_grant")
}

func TestOpenStoreFails(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text.db")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600))
	for name, path := range map[string]string{
		"on a folder":                  folder,
		"on a file in no folder":       filepath.Join(folder, "none", "oauth.db"),
		"on a file that is not SQLite": text,
	} {
		t.Run(name, func(t *testing.T) {
			s, err := openStore(t.Context(), path)
			require.Error(t, err)
			assert.Nil(t, s)
		})
	}
}

// A client that hangs up must not undo what was noticed of it, nor take the
// database with it, which in memory belongs to one connection. What it was told
// holds: a client that closes only its sending half still reads the response.
func TestAClientThatHangsUpUndoesNothing(t *testing.T) {
	p := newTestProvider(t)
	kept := p.signIn(t)
	for name, try := range map[string]func(t *testing.T) (r *http.Request, told int, check func()){
		"a try with a wrong verifier": func(t *testing.T) (*http.Request, int, func()) {
			code := p.allow(t, authorizationRequest(), "ada")
			wrong := redemption(code, "code_verifier", stripeapps.NewCodeVerifier())
			return extensionRequest(http.MethodPost, "/oauth/token", wrong.Encode()), http.StatusBadRequest, func() {
				assertOAuthError(t, p.post("/oauth/token", redemption(code)), http.StatusBadRequest, "invalid_grant")
			}
		},
		"the second use of a code": func(t *testing.T) (*http.Request, int, func()) {
			code := p.allow(t, authorizationRequest(), "ada")
			signedIn := p.redeem(t, code)
			return extensionRequest(http.MethodPost, "/oauth/token", redemption(code).Encode()), http.StatusBadRequest, func() {
				p.assertSignedOut(t, signedIn)
			}
		},
		"the second use of a refresh token": func(t *testing.T) (*http.Request, int, func()) {
			first := p.signIn(t)
			second := p.refresh(t, first.refresh)
			return extensionRequest(http.MethodPost, "/oauth/token", refreshing(first.refresh).Encode()), http.StatusBadRequest, func() {
				p.assertSignedOut(t, second)
			}
		},
		"a revocation": func(t *testing.T) (*http.Request, int, func()) {
			signedIn := p.signIn(t)
			form := url.Values{"client_id": {testClient}, "token": {signedIn.access}}
			return extensionRequest(http.MethodPost, "/oauth/revoke", form.Encode()), http.StatusOK, func() {
				p.assertSignedOut(t, signedIn)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for looks := range 30 {
				r, told, check := try(t)
				ctx, hangUp := context.WithCancel(r.Context())
				w := p.send(r.WithContext(&hangingUp{Context: ctx, cancel: hangUp, left: int64(looks)}))
				hangUp()
				if w.Code == told {
					check()
				} else {
					assertOAuthError(t, w, http.StatusInternalServerError, "server_error")
				}
			}
		})
	}
	assert.Equal(t, http.StatusOK, p.me(kept.access).Code)
	p.refresh(t, kept.refresh)
}

// Once a code is being exchanged, it is used up, whoever listens.
func TestAClientThatHangsUpInBetweenHasUsedItsCode(t *testing.T) {
	for name, test := range map[string]struct {
		verifier string
		status   int
	}{
		"with the verifier":     {testVerifier, http.StatusOK},
		"with a wrong verifier": {stripeapps.NewCodeVerifier(), http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			looked := func() {} // at the clock
			p := newTestProvider(t, func(c *config) {
				now := c.Now
				c.Now = func() time.Time { looked(); return now() }
			})
			code := p.allow(t, authorizationRequest(), "ada")
			r := extensionRequest(http.MethodPost, "/oauth/token", redemption(code, "code_verifier", test.verifier).Encode())
			ctx, hangUp := context.WithCancel(r.Context())
			defer hangUp()
			looks := 0
			looked = func() {
				if looks++; looks == 2 { // first when the request comes, and then whether the code is still good
					hangUp()
				}
			}
			assert.Equal(t, test.status, p.send(r.WithContext(ctx)).Code)
			require.Error(t, ctx.Err())
			assertOAuthError(t, p.post("/oauth/token", redemption(code)), http.StatusBadRequest, "invalid_grant")
		})
	}
}

// hangingUp is the context of a client that hangs up when it was looked at a
// number of times.
type hangingUp struct {
	context.Context
	cancel func()
	left   int64
}

func (c *hangingUp) look() {
	if atomic.AddInt64(&c.left, -1) == -1 {
		c.cancel()
	}
}
func (c *hangingUp) Done() <-chan struct{} { c.look(); return c.Context.Done() }
func (c *hangingUp) Err() error            { c.look(); return c.Context.Err() }

// A refusal that could not be written down is none: the code would be good for
// another try.
func TestARefusalThatCannotBeKeptIsNotGiven(t *testing.T) {
	file := filepath.Join(t.TempDir(), "oauth.db")
	p := newTestProvider(t, inFile(t, file))
	code := p.allow(t, authorizationRequest(), "ada")
	signedIn := p.signIn(t)
	p.refresh(t, signedIn.refresh)

	// What any statement changes cannot be committed from here on.
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	defer db.Close()
	run := func(statement string) {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}
	tables := tablesOf(t, db)
	run(`CREATE TABLE broken (id INTEGER REFERENCES broken2 (id) DEFERRABLE INITIALLY DEFERRED)`)
	run(`CREATE TABLE broken2 (id INTEGER PRIMARY KEY)`)
	for i, table := range tables {
		for j, event := range []string{"INSERT", "UPDATE", "DELETE"} {
			run(fmt.Sprintf(`CREATE TRIGGER broken%d%d AFTER %s ON %s BEGIN INSERT INTO broken VALUES (1); END`, i, j, event, table))
		}
	}
	for name, form := range map[string]url.Values{
		"a try with a wrong verifier":       redemption(code, "code_verifier", stripeapps.NewCodeVerifier()),
		"a try with another client":         redemption(code, "client_id", "other-app"),
		"a try that is right":               redemption(code),
		"the second use of a refresh token": refreshing(signedIn.refresh),
	} {
		t.Run(name, func(t *testing.T) {
			assertOAuthError(t, p.post("/oauth/token", form), http.StatusInternalServerError, "server_error")
		})
	}
}

func TestNewProviderChecksItsConfiguration(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*config)
		says   []string
	}{
		"a redirect URI by plain http":               {withURI("http://example.com/x"), []string{"http://example.com/x", "https://"}},
		"a redirect URI with a fragment":             {withURI("https://example.com/x#y"), []string{"https://example.com/x#y", "fragment"}},
		"a redirect URI with an empty fragment":      {withURI("https://example.com/x#"), []string{"https://example.com/x#", "fragment"}},
		"a relative redirect URI":                    {withURI("/cb"), []string{`"/cb"`}},
		"a redirect URI without a scheme":            {withURI("example.com/cb"), []string{`"example.com/cb"`}},
		"a redirect URI that names no host":          {withURI("https:///cb"), []string{`"https:///cb"`}},
		"a redirect URI that names only a port":      {withURI("https://:443/cb"), []string{"https://:443"}},
		"a redirect URI with a user":                 {withURI("https://ada:pw@example.com/cb"), []string{"user"}},
		"a redirect URI that runs":                   {withURI("javascript:alert(1)//x"), []string{"javascript:"}},
		"a redirect URI of data":                     {withURI("data:text/html,x"), []string{"data:"}},
		"a redirect URI that is empty":               {withURI(""), []string{`""`}},
		"a redirect URI with a space":                {withURI("https://example.com/a b"), []string{"a b"}},
		"a redirect URI with a line break":           {withURI("https://example.com/a\r\nSet-Cookie: x=1"), []string{"example.com/a"}},
		"a redirect URI outside ASCII":               {withURI("https://example.com/é"), []string{"example.com/"}},
		"a redirect URI with a host outside ASCII":   {withURI("https://exämple.com/"), []string{"mple.com"}},
		"a redirect URI whose host is a wildcard":    {withURI("https://*.example.com/cb"), []string{"*.example.com"}}, // the policy would take it for many
		"a redirect URI with a port that is empty":   {withURI("https://example.com:/cb"), []string{"example.com:/cb"}},
		"a redirect URI on IPv6, unknown to CSP":     {withURI("http://[::1]:5000/cb"), []string{"[::1]"}},
		"a redirect URI with a code of its own":      {withURI("https://example.com/cb?code=x"), []string{"?code=x"}},
		"a redirect URI with a state of its own":     {withURI("https://example.com/cb?x=y&state="), []string{"&state="}},
		"a redirect URI with an error of its own":    {withURI("https://example.com/cb?error"), []string{"?error"}},
		"a redirect URI without a path":              {withURI("https://example.com"), []string{"https://example.com"}},
		"a redirect URI whose host ends a directive": {withURI("https://example.com;script-src/cb"), []string{"example.com;script-src"}},
		"a redirect URI that begins like loopback":   {withURI("http://127.0.0.1.example.com/cb"), []string{"127.0.0.1.example.com"}},
		"a redirect URI with localhost as a label":   {withURI("http://localhost.example.com/cb"), []string{"localhost.example.com"}},
		"an issuer with a slash at its end":          {func(c *config) { c.Issuer = "https://auth.example.com/" }, []string{"issuer", "slash"}},
		"an issuer with a query":                     {func(c *config) { c.Issuer = "https://auth.example.com?x=1" }, []string{"issuer"}}, // RFC 8414, section 2
		"an issuer with a fragment":                  {func(c *config) { c.Issuer = "https://auth.example.com#x" }, []string{"issuer"}},
		"an issuer by plain http":                    {func(c *config) { c.Issuer = "http://auth.example.com" }, []string{"issuer", "https://"}},
		"no issuer":                                  {func(c *config) { c.Issuer = "" }, []string{"issuer"}},
		"two mistakes, both told":                    {func(c *config) { c.Issuer = "x"; withURI("/cb")(c) }, []string{"issuer", `"/cb"`}},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig(t)
			test.change(&c)
			handler, err := newProvider(c)
			require.Error(t, err)
			assert.Nil(t, handler)
			for _, says := range test.says {
				assert.Contains(t, err.Error(), says)
			}
		})
	}
	for _, uri := range []string{"http://localhost:1/cb", "http://127.0.0.1/cb", "http://127.9.9.9:1/cb", "https://example.com/", "https://example.com:8443/cb?x=1", "https://xn--exmple-cua.com/cb"} {
		t.Run(uri+" is good", func(t *testing.T) {
			p := newTestProvider(t, withURI(uri))
			query := authorizationRequest("redirect_uri", uri)
			assert.NotEmpty(t, p.allow(t, query, "ada"))
		})
	}
}

// ---

// testProvider is a provider with a clock that stands still, and responses in this
// process.
type testProvider struct {
	handler http.Handler
	store   *store
	clock   *testClock
}

type testClock struct{ nanoseconds atomic.Int64 }

func (c *testClock) now() time.Time          { return testStart.Add(time.Duration(c.nanoseconds.Load())) }
func (c *testClock) advance(d time.Duration) { c.nanoseconds.Add(int64(d)) }

func testConfig(tb testing.TB) config {
	tb.Helper()
	store, err := openStore(tb.Context(), "")
	require.NoError(tb, err)
	tb.Cleanup(func() { store.Close() })
	return config{
		Issuer: testIssuer,
		Clients: map[string][]string{
			testClient:   {liveURI, testURI, queryURI, loopURI},
			"other-app":  {otherURI, liveURI},
			"single-app": {liveURI},
		},
		Store:             store,
		RequestsPerMinute: 1 << 30,
	}
}

func newTestProvider(tb testing.TB, changes ...func(*config)) *testProvider {
	tb.Helper()
	clock := new(testClock)
	c := testConfig(tb)
	c.Now = clock.now
	for _, change := range changes {
		change(&c)
	}
	handler, err := newProvider(c)
	require.NoError(tb, err)
	return &testProvider{handler, c.Store, clock}
}

func inFile(tb testing.TB, file string) func(*config) {
	return func(c *config) {
		tb.Helper()
		store, err := openStore(tb.Context(), file)
		require.NoError(tb, err)
		tb.Cleanup(func() { store.Close() })
		c.Store = store
	}
}

func withURI(uri string) func(*config) {
	return func(c *config) { c.Clients[testClient] = append(c.Clients[testClient], uri) }
}

func (p *testProvider) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w
}

// extensionRequest is a request as an extension's iframe sends it.
func extensionRequest(method, target, body string) *http.Request {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, testIssuer+target, reader)
	r.Header.Set("Origin", "null")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// post sends a form as an extension does.
func (p *testProvider) post(path string, form url.Values) *httptest.ResponseRecorder {
	return p.send(extensionRequest(http.MethodPost, path, form.Encode()))
}

// with changes parameters: a name, and its new value or "" to leave it out.
func with(values url.Values, changes ...string) url.Values {
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == "" {
			values.Del(changes[i])
		} else {
			values.Set(changes[i], changes[i+1])
		}
	}
	return values
}

// authorizationRequest is the query that a user's browser comes with.
func authorizationRequest(changes ...string) url.Values {
	return with(url.Values{
		"response_type":         {"code"},
		"client_id":             {testClient},
		"redirect_uri":          {liveURI},
		"state":                 {testState},
		"code_challenge":        {testChallenge},
		"code_challenge_method": {"S256"},
	}, changes...)
}

// decision is what the browser sends when a button of the page is clicked.
func decision(query, form string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, testIssuer+"/oauth/authorize?"+query, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", testIssuer)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func redemption(code string, changes ...string) url.Values {
	return with(url.Values{
		"grant_type":    {"authorization_code"},
		"client_id":     {testClient},
		"code":          {code},
		"code_verifier": {testVerifier},
		"redirect_uri":  {liveURI},
	}, changes...)
}

func refreshing(token string, changes ...string) url.Values {
	return with(url.Values{
		"grant_type":    {"refresh_token"},
		"client_id":     {testClient},
		"refresh_token": {token},
	}, changes...)
}

// allow returns the code that a user gets for what query asks for.
func (p *testProvider) allow(t *testing.T, query url.Values, user string) (code string) {
	t.Helper()
	w := p.send(decision(query.Encode(), "user="+user+"&decision=allow"))
	require.Equal(t, http.StatusSeeOther, w.Code, "%s", w.Body)
	code = redirectParams(t, w).Get("code")
	require.NotEmpty(t, code)
	return code
}

func (p *testProvider) redeem(t *testing.T, code string) pair {
	t.Helper()
	return readTokens(t, p.post("/oauth/token", redemption(code)))
}

func (p *testProvider) refresh(t *testing.T, token string) pair {
	t.Helper()
	return readTokens(t, p.post("/oauth/token", refreshing(token)))
}

func (p *testProvider) signIn(t *testing.T) pair {
	t.Helper()
	return p.redeem(t, p.allow(t, authorizationRequest(), "ada"))
}

func (p *testProvider) me(token string) *httptest.ResponseRecorder {
	r := extensionRequest(http.MethodGet, "/api/me", "")
	r.Header.Set("Authorization", "Bearer "+token)
	return p.send(r)
}

// assertSignedOut checks that nothing of t can be used.
func (p *testProvider) assertSignedOut(t *testing.T, all ...pair) {
	t.Helper()
	for _, one := range all {
		assert.Equal(t, http.StatusUnauthorized, p.me(one.access).Code)
		assertOAuthError(t, p.post("/oauth/token", refreshing(one.refresh)), http.StatusBadRequest, "invalid_grant")
	}
}

// pair is what a client gets for a code.
type pair struct{ access, refresh string }

// readTokens checks a token document: nothing is missing, and nothing more is there.
func readTokens(t *testing.T, w *httptest.ResponseRecorder) pair {
	t.Helper()
	require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
	assert.Equal(t, apiHeaders(), w.Header())
	var document map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &document))
	access, _ := document["access_token"].(string)
	refresh, _ := document["refresh_token"].(string)
	assert.Regexp(t, `^[A-Za-z0-9_-]{43}$`, access)
	assert.Regexp(t, `^[A-Za-z0-9_-]{43}$`, refresh)
	assert.Equal(t, map[string]any{
		"access_token": access, "refresh_token": refresh,
		"token_type": "Bearer", "expires_in": 3600.0, "scope": "profile",
	}, document)
	return pair{access, refresh}
}

// redirectParams returns the parameters that a redirect sends a client, and checks
// that it sends to one of the registered URIs.
func redirectParams(t *testing.T, w *httptest.ResponseRecorder) url.Values {
	t.Helper()
	location := w.Header().Get("Location")
	for _, uri := range []string{queryURI + "&", liveURI + "?", testURI + "?", loopURI + "?", otherURI + "?"} {
		if query, ok := strings.CutPrefix(location, uri); ok {
			params, err := url.ParseQuery(query)
			require.NoError(t, err)
			return params
		}
	}
	require.Contains(t, location, "?", "%d %s", w.Code, w.Body)
	_, query, _ := strings.Cut(location, "?")
	params, err := url.ParseQuery(query)
	require.NoError(t, err)
	return params
}

const (
	apiCSP     = "default-src 'none'; frame-ancestors 'none'"
	consentCSP = "default-src 'none'; style-src 'nonce-NONCE'; img-src 'self' data:; base-uri 'none'; " +
		"form-action 'self' https://dashboard.stripe.com http://127.0.0.1:5000 https://other.example https://service.example; frame-ancestors 'none'"
)

// apiHeaders are all headers of a response that an extension reads.
func apiHeaders(more ...string) http.Header {
	h := http.Header{
		"Content-Type":                  {"application/json"},
		"Cache-Control":                 {"no-store"}, // both as in RFC 6749, section 5.1
		"Pragma":                        {"no-cache"},
		"Access-Control-Allow-Origin":   {"*"},
		"Access-Control-Expose-Headers": {"Retry-After, Www-Authenticate"},
		"Content-Security-Policy":       {apiCSP},
		"Vary":                          {"Origin"},
	}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = []string{more[i+1]}
	}
	return h
}

// descriptionGrammar is that of RFC 6749, section 5.2.
var descriptionGrammar = regexp.MustCompile(`^[\x20\x21\x23-\x5B\x5D-\x7E]+$`)

// assertOAuthError checks all of the response to an error; more are further headers.
func assertOAuthError(t *testing.T, w *httptest.ResponseRecorder, status int, code string, more ...string) {
	t.Helper()
	if !assert.Equal(t, status, w.Code) {
		return
	}
	assert.Equal(t, apiHeaders(more...), w.Header())
	var document map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &document), "%s", w.Body)
	description, _ := document["error_description"].(string)
	assert.Regexp(t, descriptionGrammar, description)
	assert.Equal(t, map[string]any{"error": code, "error_description": description}, document)
}

var nonceSource = regexp.MustCompile(`'nonce-([A-Za-z0-9_-]{22,})'`)

// pageHeaders returns the headers of w with its nonce replaced.
func pageHeaders(w *httptest.ResponseRecorder) http.Header {
	h := w.Header().Clone()
	if policy := h["Content-Security-Policy"]; len(policy) == 1 {
		policy[0] = nonceSource.ReplaceAllString(policy[0], "'nonce-NONCE'")
	}
	return h
}

func wantPageHeaders() http.Header {
	return http.Header{
		"Content-Type":            {"text/html; charset=utf-8"},
		"Cache-Control":           {"no-store"},
		"Content-Security-Policy": {consentCSP},
		"Referrer-Policy":         {"same-origin"},
		"X-Frame-Options":         {"DENY"},
	}
}

// assertErrorPage checks a page that tells a person, and sends them nowhere.
func assertErrorPage(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	assert.Equal(t, status, w.Code)
	assert.Equal(t, wantPageHeaders(), pageHeaders(w))
	body := w.Body.String()
	assert.Contains(t, body, "<!doctype html>")
	for _, no := range []string{"<form", "<button", "<a ", "http-equiv", "<script"} {
		assert.NotContains(t, body, no)
	}
}

func tablesOf(t *testing.T, db *sql.DB) (names []string) {
	t.Helper()
	rows, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		names = append(names, name)
	}
	require.NoError(t, rows.Err())
	return names
}

// syncBuffer is a buffer that many can write to at once.
type syncBuffer struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.text.String()
}

func hashOf(secret string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(secret))) }
