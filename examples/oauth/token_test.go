package main

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

// https://www.rfc-editor.org/rfc/rfc7636#appendix-B, through every endpoint.
func TestACodeIsExchanged(t *testing.T) {
	for name, send := range map[string]func(*testProvider, url.Values) *httptest.ResponseRecorder{
		"with the parameters in the form body": func(p *testProvider, form url.Values) *httptest.ResponseRecorder {
			return p.post("/oauth/token", form)
		},
		"with the parameters in the query and an empty body, as in Stripe's sample": func(p *testProvider, form url.Values) *httptest.ResponseRecorder {
			return p.send(extensionRequest(http.MethodPost, "/oauth/token?"+form.Encode(), ""))
		},
		"with the parameters in the query and no Content-Type": func(p *testProvider, form url.Values) *httptest.ResponseRecorder {
			r := extensionRequest(http.MethodPost, "/oauth/token?"+form.Encode(), "")
			r.Header.Del("Content-Type")
			return p.send(r)
		},
		"with an empty query": func(p *testProvider, form url.Values) *httptest.ResponseRecorder {
			return p.send(extensionRequest(http.MethodPost, "/oauth/token?", form.Encode()))
		},
		"with a charset": func(p *testProvider, form url.Values) *httptest.ResponseRecorder {
			r := extensionRequest(http.MethodPost, "/oauth/token", form.Encode())
			r.Header.Set("Content-Type", "Application/X-WWW-Form-Urlencoded; charset=UTF-8")
			return p.send(r)
		},
		"in chunks": func(p *testProvider, form url.Values) *httptest.ResponseRecorder {
			r := extensionRequest(http.MethodPost, "/oauth/token", form.Encode())
			r.ContentLength = -1
			return p.send(r)
		},
		"with parameters that are not known, which are ignored": func(p *testProvider, form url.Values) *httptest.ResponseRecorder { // RFC 6749, section 3.2
			return p.post("/oauth/token", with(form, "resource", "https://example.com", "scope", "admin"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestProvider(t)
			code := p.allow(t, authorizationRequest(), "ada")
			assert.Regexp(t, `^[A-Za-z0-9_-]{43}$`, code)
			signedIn := readTokens(t, send(p, redemption(code)))
			assert.Equal(t, http.StatusOK, p.me(signedIn.access).Code)
			refreshed := readTokens(t, send(p, refreshing(signedIn.refresh)))
			assert.Equal(t, http.StatusOK, p.me(refreshed.access).Code)
			assert.NotEqual(t, signedIn, refreshed)
		})
	}
}

func TestVerifiersOfEveryLength(t *testing.T) {
	p := newTestProvider(t)
	for _, length := range []int{43, 44, 127, 128} {
		verifier := strings.Repeat("aZ09-._~", 16)[:length]
		code := p.allow(t, authorizationRequest("code_challenge", stripeapps.S256Challenge(verifier)), "ada")
		readTokens(t, p.post("/oauth/token", redemption(code, "code_verifier", verifier)))
	}
}

// What cannot be right is told so, and does no harm to the code.
func TestMalformedTokenRequests(t *testing.T) {
	p := newTestProvider(t)
	const invalid = "invalid_request"
	for name, test := range map[string]struct {
		change func(form url.Values)
		status int
		code   string
	}{
		"no grant_type":              {without("grant_type"), 400, invalid},
		"an empty grant_type":        {set("grant_type", ""), 400, invalid},
		"an unknown grant_type":      {set("grant_type", "password"), 400, "unsupported_grant_type"},
		"a grant_type in capitals":   {set("grant_type", "AUTHORIZATION_CODE"), 400, "unsupported_grant_type"},
		"client_credentials":         {set("grant_type", "client_credentials"), 400, "unsupported_grant_type"},
		"a grant_type with a script": {set("grant_type", "<script>alert(1)</script>"), 400, "unsupported_grant_type"},
		"no client_id":               {without("client_id"), 400, invalid},
		"an empty client_id":         {set("client_id", ""), 400, invalid},
		"an unknown client_id":       {set("client_id", "evil"), 400, "invalid_client"},
		"a client_id in capitals":    {set("client_id", "STRIPE-APP"), 400, "invalid_client"},
		"a client_id with a space":   {set("client_id", testClient+" "), 400, "invalid_client"},
		"no code":                    {without("code"), 400, invalid},
		"an empty code":              {set("code", ""), 400, invalid},
		"no redirect_uri":            {without("redirect_uri"), 400, invalid},
		"an empty redirect_uri":      {set("redirect_uri", ""), 400, invalid},
		"no verifier":                {without("code_verifier"), 400, "invalid_grant"}, // RFC 7636, section 4.6
		"an empty verifier":          {set("code_verifier", ""), 400, "invalid_grant"}, // which is none (RFC 6749, section 3.2)
		"a verifier of 42":           {set("code_verifier", testVerifier[:42]), 400, invalid},
		"a verifier of 129":          {set("code_verifier", strings.Repeat("a", 129)), 400, invalid},
		"a verifier with a +":        {set("code_verifier", testVerifier[:42]+"+"), 400, invalid},
		"a verifier with a =":        {set("code_verifier", testVerifier+"="), 400, invalid},
		"a verifier with a space":    {set("code_verifier", testVerifier+" "), 400, invalid},
		"a verifier with é":          {set("code_verifier", testVerifier+"é"), 400, invalid},
		"a verifier with a NUL":      {set("code_verifier", testVerifier+"\x00"), 400, invalid},
		"grant_type twice":           {again("grant_type"), 400, invalid},
		"client_id twice":            {again("client_id"), 400, invalid},
		"code twice":                 {again("code"), 400, invalid},
		"redirect_uri twice":         {again("redirect_uri"), 400, invalid},
		"code_verifier twice":        {again("code_verifier"), 400, invalid},
		"two different clients":      {add("client_id", "other-app"), 400, invalid},
		"two different grant_types":  {add("grant_type", "refresh_token"), 400, invalid},
		"a code and an empty one":    {add("code", ""), 400, invalid},
		"an unknown parameter twice": {func(form url.Values) { form["x"] = []string{"1", "1"} }, 400, invalid},
		"a refresh without a token":  {set("grant_type", "refresh_token"), 400, invalid},
	} {
		for where, send := range map[string]func(url.Values) *httptest.ResponseRecorder{
			"body": func(form url.Values) *httptest.ResponseRecorder { return p.post("/oauth/token", form) },
			"query": func(form url.Values) *httptest.ResponseRecorder {
				return p.send(extensionRequest(http.MethodPost, "/oauth/token?"+form.Encode(), ""))
			},
		} {
			t.Run(name+" in the "+where, func(t *testing.T) {
				code := p.allow(t, authorizationRequest(), "ada")
				form := redemption(code)
				test.change(form)
				w := send(form)
				assertOAuthError(t, w, test.status, test.code)
				assert.NotContains(t, w.Body.String(), "alert")
				p.redeem(t, code) // it is as good as it was
			})
		}
	}
}

func TestParametersInTwoPlaces(t *testing.T) {
	p := newTestProvider(t)
	for _, name := range []string{"grant_type", "client_id", "code", "code_verifier", "redirect_uri"} {
		for change, move := range map[string]func(query, form url.Values){
			"moved to the query":      func(query, form url.Values) { query.Set(name, form.Get(name)); form.Del(name) },
			"in the query as well":    func(query, form url.Values) { query.Set(name, form.Get(name)) },
			"in the query, but empty": func(query, form url.Values) { query.Set(name, "") },
			"alone left in the body": func(query, form url.Values) {
				for _, other := range slices.Collect(maps.Keys(form)) {
					if other != name {
						query.Set(other, form.Get(other))
						form.Del(other)
					}
				}
			},
			"in the body with another in the query": func(query, form url.Values) { query.Set("x", "y") },
		} {
			t.Run(name+" "+change, func(t *testing.T) {
				code := p.allow(t, authorizationRequest(), "ada")
				query, form := url.Values{}, redemption(code)
				move(query, form)
				assertOAuthError(t, p.send(extensionRequest(http.MethodPost, "/oauth/token?"+query.Encode(), form.Encode())), http.StatusBadRequest, "invalid_request")
				p.redeem(t, code)
			})
		}
	}
	t.Run("both whole", func(t *testing.T) {
		code := p.allow(t, authorizationRequest(), "ada")
		form := redemption(code).Encode()
		assertOAuthError(t, p.send(extensionRequest(http.MethodPost, "/oauth/token?"+form, form)), http.StatusBadRequest, "invalid_request")
		p.redeem(t, code)
	})
}

func TestBodiesThatAreNoForm(t *testing.T) {
	p := newTestProvider(t)
	code := p.allow(t, authorizationRequest(), "ada")
	form := redemption(code).Encode()
	for name, test := range map[string]struct{ contentType, body string }{
		"JSON":                              {"application/json", `{"grant_type":"authorization_code"}`},
		"a form that is said to be JSON":    {"application/json", form},
		"a form that is said to be text":    {"text/plain", form},
		"a form that is not said to be one": {"", form},
		"another kind of form":              {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n" + code + "\r\n--x--\r\n"},
		"a broken percent-encoding":         {"application/x-www-form-urlencoded", form + "&x=%zz"},
		"a semicolon between parameters":    {"application/x-www-form-urlencoded", strings.ReplaceAll(form, "&", ";")},
		"one more semicolon":                {"application/x-www-form-urlencoded", form + ";x=1"},
		"white space":                       {"application/x-www-form-urlencoded", " "},
	} {
		t.Run(name, func(t *testing.T) {
			r := extensionRequest(http.MethodPost, "/oauth/token", test.body)
			r.Header.Del("Content-Type")
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			assertOAuthError(t, p.send(r), http.StatusBadRequest, "invalid_request")
		})
	}
	for name, query := range map[string]string{
		"a broken percent-encoding in the query": form + "&x=%zz",
		"a semicolon in the query":               form + ";x=1",
		"nothing at all":                         "",
	} {
		t.Run(name, func(t *testing.T) {
			assertOAuthError(t, p.send(extensionRequest(http.MethodPost, "/oauth/token?"+query, "")), http.StatusBadRequest, "invalid_request")
		})
	}
	t.Run("a body that ends too early", func(t *testing.T) {
		r := extensionRequest(http.MethodPost, "/oauth/token", "")
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(form), iotest.ErrReader(io.ErrUnexpectedEOF)))
		assertOAuthError(t, p.send(r), http.StatusBadRequest, "invalid_request")
	})
	p.redeem(t, code) // it is as good as it was
}

func TestOversizedTokenRequests(t *testing.T) {
	p := newTestProvider(t)
	const limit = 16 << 10
	padded := func(form url.Values, size int) string {
		text := form.Encode() + "&pad="
		return text + strings.Repeat("x", size-len(text))
	}
	for _, path := range []string{"/oauth/token", "/oauth/revoke"} {
		for name, change := range map[string]func(*http.Request){
			"with its length":    func(*http.Request) {},
			"without its length": func(r *http.Request) { r.ContentLength = -1 },
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				signedIn := p.signIn(t)
				form := refreshing(signedIn.refresh)
				form.Set("token", signedIn.refresh)
				r := extensionRequest(http.MethodPost, path, padded(form, limit+1))
				change(r)
				assertOAuthError(t, p.send(r), http.StatusRequestEntityTooLarge, "invalid_request")
				assert.Equal(t, http.StatusOK, p.me(signedIn.access).Code)

				r = extensionRequest(http.MethodPost, path, padded(form, limit))
				change(r)
				assert.Equal(t, http.StatusOK, p.send(r).Code)
			})
		}
		t.Run(path+" with a query that is too long", func(t *testing.T) {
			signedIn := p.signIn(t)
			form := refreshing(signedIn.refresh)
			form.Set("token", signedIn.refresh)
			assertOAuthError(t, p.send(extensionRequest(http.MethodPost, path+"?"+padded(form, limit+1), "")), http.StatusBadRequest, "invalid_request")
			assert.Equal(t, http.StatusOK, p.send(extensionRequest(http.MethodPost, path+"?"+padded(form, limit), "")).Code)
		})
	}
}

// A code is used up by whoever tries it, so that nobody can try twice.
func TestACodeIsUsedUpByATry(t *testing.T) {
	for name, change := range map[string][]string{
		"with a wrong verifier":                            {"code_verifier", stripeapps.NewCodeVerifier()},
		"with the challenge as the verifier":               {"code_verifier", testChallenge}, // which a downgrade to plain would take
		"with the verifier in another case":                {"code_verifier", strings.ToUpper(testVerifier)},
		"with the verifier and one letter more":            {"code_verifier", testVerifier + "a"},
		"with the redirect URI of the other mode":          {"redirect_uri", testURI},
		"with the redirect URI and a slash":                {"redirect_uri", liveURI + "/"},
		"with the redirect URI encoded twice":              {"redirect_uri", url.QueryEscape(liveURI)},
		"with a redirect URI that is not registered":       {"redirect_uri", "https://evil.example/"},
		"by another client":                                {"client_id", "other-app"},
		"by another client with a redirect URI of its own": {"client_id", "other-app", "redirect_uri", otherURI},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestProvider(t)
			code := p.allow(t, authorizationRequest(), "ada")
			assertOAuthError(t, p.post("/oauth/token", redemption(code, change...)), http.StatusBadRequest, "invalid_grant")
			assertOAuthError(t, p.post("/oauth/token", redemption(code)), http.StatusBadRequest, "invalid_grant")
		})
	}
}

func TestCodesThatAreNotCodes(t *testing.T) {
	p := newTestProvider(t)
	signedIn := p.signIn(t)
	code := p.allow(t, authorizationRequest(), "ada")
	for name, not := range map[string]string{
		"an unknown one":              stripeapps.NewCodeVerifier(),
		"an access token":             signedIn.access,
		"a refresh token":             signedIn.refresh,
		"a code with a space":         code + " ",
		"a code with a NUL":           code + "\x00",
		"a code without its end":      code[:42],
		"a code in capitals":          strings.ToUpper(code),
		"the hash of a code":          hashOf(code),
		"every code there is, in SQL": "' OR '1'='1",
		"a very long one":             strings.Repeat("x", 8<<10),
	} {
		t.Run(name, func(t *testing.T) {
			assertOAuthError(t, p.post("/oauth/token", redemption(not)), http.StatusBadRequest, "invalid_grant")
		})
	}
	p.redeem(t, code)
	assert.Equal(t, http.StatusOK, p.me(signedIn.access).Code)
}

// The challenge that counts is the one that came with the code: another user's
// code put into this session does not fit (RFC 9700, section 2.1.1).
func TestACodeOfAnotherFlowDoesNotFit(t *testing.T) {
	p := newTestProvider(t)
	victim := stripeapps.NewCodeVerifier()
	others := p.allow(t, authorizationRequest(), "grace")
	assertOAuthError(t, p.post("/oauth/token", redemption(others, "code_verifier", victim)), http.StatusBadRequest, "invalid_grant")
}

func TestACodeLivesForAMinute(t *testing.T) {
	for name, test := range map[string]struct {
		after  time.Duration
		status int
	}{
		"at once":           {0, 200},
		"just before":       {time.Minute - time.Millisecond, 200},
		"at its end":        {time.Minute, 400},
		"after its end":     {time.Minute + time.Millisecond, 400},
		"a long time after": {365 * 24 * time.Hour, 400},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestProvider(t)
			code := p.allow(t, authorizationRequest(), "ada")
			p.clock.advance(test.after)
			w := p.post("/oauth/token", redemption(code))
			assert.Equal(t, test.status, w.Code)
			if test.status == 200 {
				readTokens(t, w)
			} else {
				assertOAuthError(t, w, 400, "invalid_grant")
			}
		})
	}
	t.Run("for others too", func(t *testing.T) { // what is new does not clear away what still lives
		p := newTestProvider(t)
		code := p.allow(t, authorizationRequest(), "ada")
		p.clock.advance(time.Minute - time.Millisecond)
		p.allow(t, authorizationRequest(), "grace")
		p.redeem(t, code)
	})
}

// stripe/stripe-apps#649: oauthContext is not cleared, so that an extension sends
// a code again. RFC 6749, section 4.1.2.
func TestTheSecondUseOfACodeRevokesWhatTheFirstGave(t *testing.T) {
	for name, test := range map[string]struct {
		after  time.Duration
		change []string
	}{
		"at once":                                {0, nil},
		"after the code's minute":                {2 * time.Minute, nil},
		"with a wrong verifier":                  {0, []string{"code_verifier", stripeapps.NewCodeVerifier()}},
		"with another redirect URI":              {0, []string{"redirect_uri", testURI}},
		"by another client, which has stolen it": {0, []string{"client_id", "other-app"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestProvider(t)
			other := p.signIn(t)
			code := p.allow(t, authorizationRequest(), "ada")
			signedIn := p.redeem(t, code)
			refreshed := p.refresh(t, signedIn.refresh)
			p.clock.advance(test.after)
			p.allow(t, authorizationRequest(), "ada") // an occasion to clear away too much
			assert.Equal(t, http.StatusOK, p.me(refreshed.access).Code)

			assertOAuthError(t, p.post("/oauth/token", redemption(code, test.change...)), http.StatusBadRequest, "invalid_grant")
			p.assertSignedOut(t, signedIn, refreshed)
			assertOAuthError(t, p.post("/oauth/token", redemption(code)), http.StatusBadRequest, "invalid_grant")
			assert.Equal(t, http.StatusOK, p.me(other.access).Code, "another sign-in of the same user is left alone")
		})
	}
}

func TestOfManyUsesOfACodeAtOnceOneWins(t *testing.T) {
	for name, change := range stores(t) {
		t.Run(name, func(t *testing.T) {
			p := newTestProvider(t, change)
			other := p.signIn(t)
			code := p.allow(t, authorizationRequest(), "ada")
			won := atOnce(t, 50, func() *httptest.ResponseRecorder { return p.post("/oauth/token", redemption(code)) })
			p.assertSignedOut(t, won) // by the other 49
			assert.Equal(t, http.StatusOK, p.me(other.access).Code)
		})
	}
}

// As while a new version takes over from an old one.
func TestOfManyUsesAtTwoServersOneWins(t *testing.T) {
	file := filepath.Join(t.TempDir(), "oauth.db")
	one, another := newTestProvider(t, inFile(t, file)), newTestProvider(t, inFile(t, file))
	code := one.allow(t, authorizationRequest(), "ada")
	again := another.signIn(t)
	var turn atomic.Int64
	either := func() *testProvider {
		if turn.Add(1)%2 == 0 {
			return one
		}
		return another
	}
	won := atOnce(t, 20, func() *httptest.ResponseRecorder { return either().post("/oauth/token", redemption(code)) })
	one.assertSignedOut(t, won)
	another.assertSignedOut(t, won)
	won = atOnce(t, 20, func() *httptest.ResponseRecorder { return either().post("/oauth/token", refreshing(again.refresh)) })
	one.assertSignedOut(t, won, again)
	another.assertSignedOut(t, won, again)
}

func TestOfManyUsesOfARefreshTokenAtOnceOneWins(t *testing.T) {
	for name, change := range stores(t) {
		for _, n := range []int{2, 50} {
			t.Run(name, func(t *testing.T) {
				p := newTestProvider(t, change)
				signedIn := p.signIn(t)
				won := atOnce(t, n, func() *httptest.ResponseRecorder { return p.post("/oauth/token", refreshing(signedIn.refresh)) })
				p.assertSignedOut(t, won, signedIn)
			})
		}
	}
}

// Others are not kept waiting, nor turned away, because the store is busy.
func TestManySignInsAtOnce(t *testing.T) {
	for name, change := range stores(t) {
		t.Run(name, func(t *testing.T) {
			p := newTestProvider(t, change)
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					code := redirectParams(t, p.send(decision(authorizationRequest().Encode(), "user=ada&decision=allow"))).Get("code")
					w := p.post("/oauth/token", redemption(code))
					assert.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
				})
			}
			all.Wait()
		})
	}
}

func TestRefreshTokensRotate(t *testing.T) {
	p := newTestProvider(t)
	signedIn := p.signIn(t)
	seen := map[string]bool{signedIn.access: true, signedIn.refresh: true}
	current := signedIn
	for range 10 {
		p.clock.advance(20 * 24 * time.Hour) // longer than any of them lives
		current = p.refresh(t, current.refresh)
		assert.False(t, seen[current.access] || seen[current.refresh])
		seen[current.access], seen[current.refresh] = true, true
		w := p.me(current.access)
		assert.JSONEq(t, `{"sub":"ada","name":"Ada Lovelace","email":"ada@example.com"}`, w.Body.String(), "it is still the same user")
	}
}

// RFC 9700, section 4.14.2.
func TestTheReuseOfARefreshTokenRevokesItsFamily(t *testing.T) {
	for name, after := range map[string]time.Duration{"at once": 0, "a week later": 7 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			p := newTestProvider(t)
			other := p.signIn(t)
			first := p.signIn(t)
			second := p.refresh(t, first.refresh)
			third := p.refresh(t, second.refresh)
			p.clock.advance(after)
			p.allow(t, authorizationRequest(), "ada") // an occasion to clear away too much
			assertOAuthError(t, p.post("/oauth/token", refreshing(first.refresh)), http.StatusBadRequest, "invalid_grant")
			p.assertSignedOut(t, third, second, first)
			p.refresh(t, other.refresh)
		})
	}
}

func TestARefreshTokenLivesForThirtyDays(t *testing.T) {
	for name, test := range map[string]struct {
		after time.Duration
		good  bool
	}{
		"just before its end": {30*24*time.Hour - time.Millisecond, true},
		"at its end":          {30 * 24 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestProvider(t)
			signedIn := p.signIn(t)
			p.clock.advance(test.after)
			if test.good {
				p.refresh(t, signedIn.refresh)
			} else {
				assertOAuthError(t, p.post("/oauth/token", refreshing(signedIn.refresh)), http.StatusBadRequest, "invalid_grant")
			}
		})
	}
}

func TestRefreshTokensThatAreNot(t *testing.T) {
	p := newTestProvider(t)
	signedIn := p.signIn(t)
	code := p.allow(t, authorizationRequest(), "ada")
	for name, not := range map[string]string{
		"an unknown one":      stripeapps.NewCodeVerifier(),
		"an access token":     signedIn.access,
		"a code":              code,
		"the token's hash":    hashOf(signedIn.refresh),
		"one with a space":    signedIn.refresh + " ",
		"one without its end": signedIn.refresh[:42],
	} {
		t.Run(name, func(t *testing.T) {
			assertOAuthError(t, p.post("/oauth/token", refreshing(not)), http.StatusBadRequest, "invalid_grant")
		})
	}
	p.redeem(t, code)
	p.refresh(t, signedIn.refresh)
}

func TestARefreshTokenBelongsToItsClient(t *testing.T) {
	p := newTestProvider(t)
	signedIn := p.signIn(t)
	assertOAuthError(t, p.post("/oauth/token", refreshing(signedIn.refresh, "client_id", "other-app")), http.StatusBadRequest, "invalid_grant")
	assert.Equal(t, http.StatusOK, p.me(signedIn.access).Code)
	refreshed := p.refresh(t, signedIn.refresh) // it stayed as it was

	// A used one in another client's hands does not tell, nor do, anything.
	assertOAuthError(t, p.post("/oauth/token", refreshing(signedIn.refresh, "client_id", "other-app")), http.StatusBadRequest, "invalid_grant")
	assert.Equal(t, http.StatusOK, p.me(refreshed.access).Code)
	assertOAuthError(t, p.post("/oauth/token", refreshing(refreshed.refresh, "client_id", "evil")), http.StatusBadRequest, "invalid_client")
	assertOAuthError(t, p.post("/oauth/token", refreshing(refreshed.refresh, "client_id", "")), http.StatusBadRequest, "invalid_request")
	p.refresh(t, refreshed.refresh)
}

// Two clients with the same redirect URI are two all the same.
func TestTheOtherClientSignsInAsWell(t *testing.T) {
	p := newTestProvider(t)
	code := p.allow(t, authorizationRequest("client_id", "other-app", "redirect_uri", liveURI), "grace")
	signedIn := readTokens(t, p.post("/oauth/token", redemption(code, "client_id", "other-app")))
	assertOAuthError(t, p.post("/oauth/token", refreshing(signedIn.refresh)), http.StatusBadRequest, "invalid_grant")
	readTokens(t, p.post("/oauth/token", refreshing(signedIn.refresh, "client_id", "other-app")))
}

// https://www.rfc-editor.org/rfc/rfc7009
func TestRevoke(t *testing.T) {
	for name, test := range map[string]struct {
		token func(pair) string
		hint  string
	}{
		"an access token":                      {func(t pair) string { return t.access }, ""},
		"an access token with its hint":        {func(t pair) string { return t.access }, "access_token"},
		"an access token with a wrong hint":    {func(t pair) string { return t.access }, "refresh_token"},  // section 2.1: "MUST extend its search"
		"an access token with an unknown hint": {func(t pair) string { return t.access }, "something_else"}, // "ignored"
		"a refresh token":                      {func(t pair) string { return t.refresh }, ""},
		"a refresh token with its hint":        {func(t pair) string { return t.refresh }, "refresh_token"},
		"a refresh token with a wrong hint":    {func(t pair) string { return t.refresh }, "access_token"},
	} {
		for where, send := range map[string]func(*testProvider, url.Values) *httptest.ResponseRecorder{
			"body": func(p *testProvider, form url.Values) *httptest.ResponseRecorder {
				return p.post("/oauth/revoke", form)
			},
			"query": func(p *testProvider, form url.Values) *httptest.ResponseRecorder {
				return p.send(extensionRequest(http.MethodPost, "/oauth/revoke?"+form.Encode(), ""))
			},
		} {
			t.Run(name+" in the "+where, func(t *testing.T) {
				p := newTestProvider(t)
				other, first := p.signIn(t), p.signIn(t)
				second := p.refresh(t, first.refresh)
				form := with(url.Values{"client_id": {testClient}, "token": {test.token(second)}}, "token_type_hint", test.hint)
				for range 2 { // the second time it is unknown
					w := send(p, form)
					assertRevoked(t, w)
				}
				p.assertSignedOut(t, second, first)
				assert.Equal(t, http.StatusOK, p.me(other.access).Code)
			})
		}
	}
	t.Run("a refresh token that was used signs out as well", func(t *testing.T) {
		p := newTestProvider(t)
		first := p.signIn(t)
		second := p.refresh(t, first.refresh)
		assertRevoked(t, p.post("/oauth/revoke", url.Values{"client_id": {testClient}, "token": {first.refresh}}))
		p.assertSignedOut(t, second)
	})
	t.Run("an expired access token signs out as well", func(t *testing.T) {
		p := newTestProvider(t)
		signedIn := p.signIn(t)
		p.clock.advance(2 * time.Hour)
		assertRevoked(t, p.post("/oauth/revoke", url.Values{"client_id": {testClient}, "token": {signedIn.access}}))
		p.assertSignedOut(t, signedIn)
	})
	t.Run("an unknown token is no error", func(t *testing.T) { // section 2.2
		p := newTestProvider(t)
		assertRevoked(t, p.post("/oauth/revoke", url.Values{"client_id": {testClient}, "token": {"unknown"}}))
	})
	t.Run("another client's token is left alone", func(t *testing.T) { // section 2.1
		p := newTestProvider(t)
		signedIn := p.signIn(t)
		for _, token := range []string{signedIn.access, signedIn.refresh} {
			w := p.post("/oauth/revoke", url.Values{"client_id": {"other-app"}, "token": {token}})
			assert.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, w.Code)
		}
		assert.Equal(t, http.StatusOK, p.me(signedIn.access).Code)
		p.refresh(t, signedIn.refresh)
	})
	t.Run("a code is no token, and left alone", func(t *testing.T) {
		p := newTestProvider(t)
		code := p.allow(t, authorizationRequest(), "ada")
		assertRevoked(t, p.post("/oauth/revoke", url.Values{"client_id": {testClient}, "token": {code}}))
		p.redeem(t, code)
	})
}

func TestMalformedRevocations(t *testing.T) {
	p := newTestProvider(t)
	signedIn := p.signIn(t)
	for name, test := range map[string]struct {
		change func(url.Values)
		status int
		code   string
	}{
		"no token":              {without("token"), 400, "invalid_request"},
		"an empty token":        {set("token", ""), 400, "invalid_request"},
		"no client_id":          {without("client_id"), 400, "invalid_request"},
		"an unknown client_id":  {set("client_id", "evil"), 400, "invalid_client"},
		"token twice":           {again("token"), 400, "invalid_request"},
		"client_id twice":       {again("client_id"), 400, "invalid_request"},
		"two clients":           {add("client_id", "other-app"), 400, "invalid_request"},
		"token_type_hint twice": {func(form url.Values) { form["token_type_hint"] = []string{"access_token", "refresh_token"} }, 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			form := url.Values{"client_id": {testClient}, "token": {signedIn.access}}
			test.change(form)
			assertOAuthError(t, p.post("/oauth/revoke", form), test.status, test.code)
			assertOAuthError(t, p.send(extensionRequest(http.MethodPost, "/oauth/revoke?"+form.Encode(), "")), test.status, test.code)
		})
	}
	t.Run("parameters in two places", func(t *testing.T) {
		assertOAuthError(t, p.send(extensionRequest(http.MethodPost, "/oauth/revoke?client_id="+testClient, "token="+signedIn.access)), http.StatusBadRequest, "invalid_request")
	})
	t.Run("JSON", func(t *testing.T) {
		r := extensionRequest(http.MethodPost, "/oauth/revoke", `{}`)
		r.Header.Set("Content-Type", "application/json")
		assertOAuthError(t, p.send(r), http.StatusBadRequest, "invalid_request")
	})
	assert.Equal(t, http.StatusOK, p.me(signedIn.access).Code)
}

// ---

func set(name, value string) func(url.Values) {
	return func(form url.Values) { form.Set(name, value) }
}

func add(name, value string) func(url.Values) {
	return func(form url.Values) { form.Add(name, value) }
}

func without(name string) func(url.Values) {
	return func(form url.Values) { form.Del(name) }
}

// again repeats a parameter with the same value.
func again(name string) func(url.Values) {
	return func(form url.Values) { form.Add(name, form.Get(name)) }
}

// stores are the two kinds that there are.
func stores(t *testing.T) map[string]func(*config) {
	return map[string]func(*config){
		"in memory": func(*config) {},
		"in a file": func(c *config) { inFile(t, filepath.Join(t.TempDir(), "oauth.db"))(c) },
	}
}

// atOnce sends a request n times at once, checks that exactly one gets tokens and
// all others invalid_grant, and returns the tokens.
func atOnce(t *testing.T, n int, request func() *httptest.ResponseRecorder) (won pair) {
	t.Helper()
	responses := make([]*httptest.ResponseRecorder, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range responses {
		all.Go(func() {
			<-start
			responses[i] = request()
		})
	}
	close(start)
	all.Wait()
	winners := 0
	for _, w := range responses {
		if w.Code == http.StatusOK {
			winners++
			won = readTokens(t, w)
			continue
		}
		assertOAuthError(t, w, http.StatusBadRequest, "invalid_grant")
	}
	require.Equal(t, 1, winners)
	return won
}

func assertRevoked(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Empty(t, w.Body.String())
	want := apiHeaders()
	want.Del("Content-Type")
	want.Del("Pragma")
	assert.Equal(t, want, w.Header())
}
