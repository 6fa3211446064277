package main

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

func TestTheConsentPage(t *testing.T) {
	p := newTestProvider(t)
	w := p.show(authorizationRequest().Encode())
	require.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, wantPageHeaders(), pageHeaders(w))

	body := w.Body.String()
	assert.Contains(t, body, "<!doctype html>")
	nonce := nonceSource.FindStringSubmatch(w.Header().Get("Content-Security-Policy"))
	require.NotNil(t, nonce)
	for _, tag := range regexp.MustCompile(`<(?:style|link rel="stylesheet")[^>]*>`).FindAllString(body, -1) {
		assert.Contains(t, tag, `nonce="`+nonce[1]+`"`, "the policy lets no other style through")
	}
	assert.NotRegexp(t, `(?i)<script|<iframe|<meta http-equiv|\son[a-z]+=|\sstyle=`, body)
	assert.NotContains(t, p.show(authorizationRequest().Encode()).Body.String(), nonce[1], "a nonce is for one response")

	form := readForm(t, w, testIssuer+"/oauth/authorize?"+authorizationRequest().Encode())
	assert.Equal(t, []string{"ada", "grace"}, form.users)
	assert.Equal(t, "ada", form.checked)
	assert.ElementsMatch(t, []string{"allow", "deny"}, form.decisions)
	for _, text := range []string{testClient, "Ada Lovelace", "Grace Hopper", "dashboard.stripe.com"} {
		assert.Contains(t, body, text)
	}
}

func TestAPersonDecides(t *testing.T) {
	for name, uri := range map[string]string{
		"for live mode": liveURI,
		"for test mode": testURI,
		"for a redirect URI with a query of its own": queryURI,
		"for a loopback address":                     loopURI,
	} {
		t.Run("to allow, "+name, func(t *testing.T) {
			p := newTestProvider(t)
			query := authorizationRequest("redirect_uri", uri)
			form := readForm(t, p.show(query.Encode()), testIssuer+"/oauth/authorize?"+query.Encode())
			w := p.send(form.submit("grace", "allow"))
			assertRedirect(t, w, http.StatusSeeOther, uri)
			params := redirectParams(t, w)
			code := params.Get("code")
			assert.Equal(t, url.Values{"code": {code}, "state": {testState}}, params)
			assert.NotContains(t, w.Body.String(), code)
			signedIn := readTokens(t, p.post("/oauth/token", redemption(code, "redirect_uri", uri)))
			assert.Contains(t, p.me(signedIn.access).Body.String(), "Grace Hopper")
		})
		t.Run("to deny, "+name, func(t *testing.T) {
			p := newTestProvider(t)
			query := authorizationRequest("redirect_uri", uri)
			form := readForm(t, p.show(query.Encode()), testIssuer+"/oauth/authorize?"+query.Encode())
			w := p.send(form.submit("ada", "deny"))
			assertRedirect(t, w, http.StatusSeeOther, uri)
			assertRedirectError(t, w, "access_denied")
		})
	}
	t.Run("without a state", func(t *testing.T) { // RFC 6749, section 4.1.2: it is there if it was
		p := newTestProvider(t)
		query := authorizationRequest("state", "")
		assert.NotContains(t, redirectParams(t, p.send(decision(query.Encode(), "user=ada&decision=allow"))), "state")
		assert.NotContains(t, redirectParams(t, p.send(decision(query.Encode(), "user=ada&decision=deny"))), "state")
	})
	t.Run("with parameters that are not known", func(t *testing.T) { // RFC 6749, section 3.1: "MUST ignore"
		p := newTestProvider(t)
		query := authorizationRequest("nonce", "x", "prompt", "login", "scope", "profile", "response_mode", "query", "user", "eve", "decision", "deny")
		p.redeem(t, p.allow(t, query, "ada"))
	})
	t.Run("to allow twice, each time for a code of its own", func(t *testing.T) {
		p := newTestProvider(t)
		one, two := p.allow(t, authorizationRequest(), "ada"), p.allow(t, authorizationRequest(), "ada")
		assert.NotEqual(t, one, two)
		p.redeem(t, one)
		p.redeem(t, two)
	})
}

// "The exact value received from the client" (RFC 6749, section 4.1.2). The SDK
// compares it, and not every reader takes + for a space.
func TestTheStateComesBackByteForByte(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	p := newTestProvider(t)
	for name, state := range map[string]string{
		"a letter":                       "x",
		"a space":                        "a b",
		"a space at each end":            " a ",
		"a plus":                         "a+b",
		"a percent":                      "100%",
		"what looks encoded":             "%20%2B%00%zz",
		"an ampersand and an equals":     "a&code=evil&state=x=",
		"a hash":                         "a#b",
		"quotes":                         `"'` + "`",
		"HTML":                           `"><script>alert(1)</script>`,
		"JSON":                           `{"a":[1,"b c"],"d":"/path?x=1#y"}`,
		"unicode":                        "héllo 日本 😀",
		"unicode that could be composed": "e\u0301 \u00e9",
		"base64":                         "aGVsbG8+d29ybGQ/Zm9v==",
		"a line break":                   "a\r\nLocation: https://evil.example\r\n\r\nb",
		"a NUL":                          "a\x00b",
		"a semicolon":                    "a;b",
		"slashes":                        `/a\b//c`,
		"what is not UTF-8":              "\xff\xfe\x80",
		"every byte":                     string(every),
		"1 KiB":                          strings.Repeat("x", 1<<10),
		"1 KiB of what is encoded":       strings.Repeat("%", 1<<10),
	} {
		query := authorizationRequest("state", state).Encode()
		encodings := map[string]string{
			"":                         query,
			", with %20 for a space":   strings.ReplaceAll(query, "+", "%20"),
			", with all of it encoded": authorizationRequest("state", "").Encode() + "&state=" + encodeAll(state),
		}
		for how, query := range encodings {
			for what, w := range map[string]*httptest.ResponseRecorder{
				"allowed":   p.send(decision(query, "user=ada&decision=allow")),
				"denied":    p.send(decision(query, "user=ada&decision=deny")),
				"a mistake": p.show(query + "&x=1&x=2"),
			} {
				t.Run(name+how+", "+what, func(t *testing.T) {
					location := w.Header().Get("Location")
					_, document, found := strings.Cut(location, "?")
					require.True(t, found, "%d %s", w.Code, location)
					assert.Regexp(t, `^[A-Za-z0-9._~%&=-]+$`, document, "nothing of it can be read in another way")
					params, err := url.ParseQuery(document)
					require.NoError(t, err)
					assert.Equal(t, []string{state}, params["state"])
					assert.Equal(t, []string{state}, decodeURIComponents(t, document)["state"])
				})
			}
		}
	}
}

// RFC 6749, section 4.1.2.1, and RFC 9700, section 4.1.3: whoever is sent away
// from here is sent to a URI that is registered, letter for letter.
func TestNobodyIsSentToAnotherRedirectURI(t *testing.T) {
	p := newTestProvider(t)
	for name, uri := range map[string]string{
		"none":                            "",
		"an evil one":                     "https://evil.example/",
		"a slash at its end":              liveURI + "/",
		"no slash at its end":             strings.TrimSuffix(liveURI, "/com.example.app"),
		"the host in capitals":            strings.Replace(liveURI, "dashboard", "DASHBOARD", 1),
		"the scheme in capitals":          strings.Replace(liveURI, "https", "HTTPS", 1),
		"the path in capitals":            strings.Replace(liveURI, "apps-oauth", "Apps-OAuth", 1),
		"a query added":                   liveURI + "?x=1",
		"an empty query added":            liveURI + "?",
		"a parameter added":               queryURI + "&y=2",
		"a parameter less":                "https://service.example/cb?tenant=1",
		"no query":                        "https://service.example/cb",
		"its query in another order":      "https://service.example/cb?x=a%20b+c&tenant=1",
		"its query encoded otherwise":     "https://service.example/cb?tenant=1&x=a+b%20c",
		"a fragment added":                liveURI + "#x",
		"an empty fragment added":         liveURI + "#",
		"the port that is implied":        strings.Replace(liveURI, ".com/", ".com:443/", 1),
		"another port":                    strings.Replace(liveURI, ".com/", ".com:8443/", 1),
		"another port of loopback":        "http://127.0.0.1:5001/cb",
		"no port of loopback":             "http://127.0.0.1/cb",
		"another name of loopback":        "http://localhost:5000/cb",
		"a user":                          strings.Replace(liveURI, "://", "://evil@", 1),
		"the host as a user":              "https://dashboard.stripe.com@evil.example/apps-oauth/com.example.app",
		"the host as a user and password": "https://dashboard.stripe.com:x@evil.example/apps-oauth/com.example.app",
		"plain http":                      strings.Replace(liveURI, "https", "http", 1),
		"no scheme":                       strings.TrimPrefix(liveURI, "https:"),
		"a path alone":                    "/apps-oauth/com.example.app",
		"its last letter cut":             liveURI[:len(liveURI)-1],
		"its first letter cut":            liveURI[1:],
		"a letter added":                  liveURI + "x",
		"another app that begins so":      liveURI + ".evil",
		"another app":                     "https://dashboard.stripe.com/apps-oauth/com.evil.app",
		"a letter of it encoded":          strings.Replace(liveURI, "com.example", "%63om.example", 1),
		"a slash of it encoded":           strings.Replace(liveURI, "/com.example", "%2Fcom.example", 1),
		"all of it encoded":               url.QueryEscape(liveURI),
		"a dot segment":                   strings.Replace(liveURI, "apps-oauth/", "x/../apps-oauth/", 1),
		"a dot":                           strings.Replace(liveURI, "apps-oauth/", "apps-oauth/./", 1),
		"a second slash":                  strings.Replace(liveURI, "apps-oauth/", "apps-oauth//", 1),
		"a backslash":                     strings.Replace(liveURI, "apps-oauth/", `apps-oauth\`, 1),
		"a dot behind the host":           strings.Replace(liveURI, ".com/", ".com./", 1),
		"the host as a label":             strings.Replace(liveURI, ".com/", ".com.evil.example/", 1),
		"a label in front":                strings.Replace(liveURI, "://", "://evil.", 1),
		"a space in front":                " " + liveURI,
		"a space behind":                  liveURI + " ",
		"a line break behind":             liveURI + "\r\n",
		"a tab in it":                     strings.Replace(liveURI, "apps", "ap\tps", 1),
		"a NUL behind":                    liveURI + "\x00",
		"two of them":                     liveURI + " " + testURI,
		"two of them with a comma":        liveURI + "," + testURI,
		"a wildcard":                      "https://dashboard.stripe.com/*",
		"a script":                        "javascript:alert(1)//" + liveURI,
		"data":                            "data:text/html,<script>alert(1)</script>",
		"out of band":                     "urn:ietf:wg:oauth:2.0:oob",
		"that of another client":          otherURI,
	} {
		t.Run(name, func(t *testing.T) {
			query := authorizationRequest("redirect_uri", uri).Encode()
			assertSentNowhere(t, p, query)
			// Not on another mistake either, whichever is looked for first.
			assertSentNowhere(t, p, query+"&x=1&x=2")
			assertSentNowhere(t, p, with(authorizationRequest("redirect_uri", uri), "response_type", "token", "code_challenge", "").Encode())
		})
	}
	t.Run("none, of a client that has only one", func(t *testing.T) {
		query := authorizationRequest("client_id", "single-app", "redirect_uri", "").Encode()
		assertSentNowhere(t, p, query)
		assertSentNowhere(t, p, query+"&redirect_uri=")
	})
}

func TestMistakesForAPersonOnly(t *testing.T) {
	p := newTestProvider(t)
	good := authorizationRequest().Encode()
	const limit = 16 << 10
	for name, query := range map[string]string{
		"nothing at all":                         "",
		"no client_id":                           authorizationRequest("client_id", "").Encode(),
		"an empty client_id":                     authorizationRequest("client_id", "").Encode() + "&client_id=",
		"an unknown client_id":                   authorizationRequest("client_id", "evil").Encode(),
		"a client_id in capitals":                authorizationRequest("client_id", "STRIPE-APP").Encode(),
		"a client_id with a space":               authorizationRequest("client_id", testClient+" ").Encode(),
		"another client's client_id":             authorizationRequest("client_id", "other-app", "redirect_uri", testURI).Encode(),
		"client_id twice":                        good + "&client_id=" + testClient,
		"a second client_id":                     good + "&client_id=other-app",
		"a first client_id that is empty":        "client_id=&" + good,
		"redirect_uri twice":                     good + "&redirect_uri=" + url.QueryEscape(liveURI),
		"a second redirect_uri":                  good + "&redirect_uri=https%3A%2F%2Fevil.example%2F",
		"a first redirect_uri":                   "redirect_uri=https%3A%2F%2Fevil.example%2F&" + good,
		"state twice":                            good + "&state=" + url.QueryEscape(testState),
		"a second state":                         good + "&state=x",
		"a first state that is empty":            "state=&" + good,
		"a state over 1 KiB":                     authorizationRequest("state", strings.Repeat("x", 1<<10+1)).Encode(),
		"a state over 1 KiB in few letters":      authorizationRequest("state", strings.Repeat("é", 1<<9)+"x").Encode(),
		"a query over 16 KiB":                    good + "&x=" + strings.Repeat("x", limit+1-len(good)-3),
		"a broken percent-encoding":              good + "&x=%zz",
		"a broken percent-encoding in the state": authorizationRequest("state", "").Encode() + "&state=%f",
		"a semicolon":                            good + "&x=1;y=2",
		"semicolons for ampersands":              strings.ReplaceAll(good, "&", ";"),
		"parameters in capitals":                 strings.ToUpper(good),
	} {
		t.Run(name, func(t *testing.T) { assertSentNowhere(t, p, query) })
	}
	t.Run("but a query of 16 KiB is good", func(t *testing.T) {
		query := good + "&x=" + strings.Repeat("x", limit-len(good)-3)
		require.Len(t, query, limit)
		assert.Equal(t, http.StatusOK, p.show(query).Code)
	})
	t.Run("the parameters count in the query only", func(t *testing.T) {
		w := p.send(decision("", good+"&user=ada&decision=allow"))
		assertErrorPage(t, w, http.StatusBadRequest)
	})
}

func TestMistakesThatTheClientIsTold(t *testing.T) {
	p := newTestProvider(t)
	good := authorizationRequest().Encode()
	const invalid = "invalid_request"
	for name, test := range map[string]struct{ query, code string }{
		"no response_type":          {authorizationRequest("response_type", "").Encode(), invalid},
		"an empty response_type":    {authorizationRequest("response_type", "").Encode() + "&response_type=", invalid},
		"the implicit grant":        {authorizationRequest("response_type", "token").Encode(), "unsupported_response_type"}, // RFC 9700, section 2.1.2
		"a hybrid grant":            {authorizationRequest("response_type", "code token").Encode(), "unsupported_response_type"},
		"response_type in capitals": {authorizationRequest("response_type", "CODE").Encode(), "unsupported_response_type"},
		"reponse_type, as Stripe's documentation once had it": {strings.Replace(good, "response_type", "reponse_type", 1), invalid},
		"no challenge":                 {authorizationRequest("code_challenge", "").Encode(), invalid},
		"an empty challenge":           {authorizationRequest("code_challenge", "").Encode() + "&code_challenge=", invalid},
		"neither challenge nor method": {authorizationRequest("code_challenge", "", "code_challenge_method", "").Encode(), invalid}, // stripped
		"no method, which means plain": {authorizationRequest("code_challenge_method", "").Encode(), invalid},
		"an empty method":              {authorizationRequest("code_challenge_method", "").Encode() + "&code_challenge_method=", invalid},
		"the method plain":             {authorizationRequest("code_challenge_method", "plain", "code_challenge", testVerifier).Encode(), invalid},
		"the method in small letters":  {authorizationRequest("code_challenge_method", "s256").Encode(), invalid},
		"an unknown method":            {authorizationRequest("code_challenge_method", "S512").Encode(), invalid},
		"a challenge of 42":            {authorizationRequest("code_challenge", testChallenge[:42]).Encode(), invalid},
		"a challenge of 44":            {authorizationRequest("code_challenge", testChallenge+"A").Encode(), invalid},
		"a challenge with padding":     {authorizationRequest("code_challenge", testChallenge+"=").Encode(), invalid},
		"a challenge in plain base64":  {authorizationRequest("code_challenge", strings.ReplaceAll(testChallenge, "-", "+")).Encode(), invalid},
		"a response mode that leaks":   {authorizationRequest("response_mode", "fragment").Encode(), invalid},
		"response_type twice":          {good + "&response_type=code", invalid},
		"code_challenge twice":         {good + "&code_challenge=" + testChallenge, invalid},
		"a second code_challenge":      {good + "&code_challenge=" + stripeapps.S256Challenge("x"), invalid},
		"code_challenge_method twice":  {good + "&code_challenge_method=S256", invalid},
		"a second method":              {good + "&code_challenge_method=plain", invalid},
		"scope twice":                  {good + "&scope=profile&scope=profile", invalid},
		"response_mode twice":          {good + "&response_mode=query&response_mode=query", invalid},
		"an unknown parameter twice":   {good + "&x=1&x=1", invalid},
	} {
		t.Run(name+", when the page is asked for", func(t *testing.T) {
			w := p.show(test.query)
			assertRedirect(t, w, http.StatusFound, liveURI)
			assertRedirectError(t, w, test.code)
		})
		for _, choice := range []string{"allow", "deny"} {
			t.Run(name+", when the form is sent: "+choice, func(t *testing.T) {
				w := p.send(decision(test.query, "user=ada&decision="+choice))
				assertRedirect(t, w, http.StatusSeeOther, liveURI)
				assertRedirectError(t, w, test.code)
			})
		}
	}
	t.Run("to a redirect URI with a query of its own", func(t *testing.T) {
		w := p.show(authorizationRequest("redirect_uri", queryURI, "response_type", "token").Encode())
		assertRedirect(t, w, http.StatusFound, queryURI)
		assertRedirectError(t, w, "unsupported_response_type")
	})
}

func TestFormsThatThePageDoesNotHave(t *testing.T) {
	p := newTestProvider(t)
	query := authorizationRequest().Encode()
	for name, form := range map[string]string{
		"nothing":                   "",
		"no decision":               "user=ada",
		"an empty decision":         "user=ada&decision=",
		"another decision":          "user=ada&decision=maybe",
		"a decision in capitals":    "user=ada&decision=ALLOW",
		"a decision with a space":   "user=ada&decision=allow+",
		"no user":                   "decision=allow",
		"an empty user":             "user=&decision=allow",
		"another user":              "user=eve&decision=allow",
		"a user in capitals":        "user=ADA&decision=allow",
		"a user by name":            "user=Ada+Lovelace&decision=allow",
		"two decisions":             "user=ada&decision=deny&decision=allow",
		"the same decision twice":   "user=ada&decision=allow&decision=allow",
		"two users":                 "user=ada&user=grace&decision=allow",
		"a broken percent-encoding": "user=ada&decision=allow&x=%zz",
		"semicolons for ampersands": "user=ada;decision=allow",
		"JSON":                      `{"user":"ada","decision":"allow"}`,
		"HTML":                      `user="><script>alert(1)</script>&decision=<script>alert(1)</script>`,
	} {
		t.Run(name, func(t *testing.T) {
			w := p.send(decision(query, form))
			assertErrorPage(t, w, http.StatusBadRequest)
			assert.NotContains(t, w.Body.String(), "alert")
		})
	}
	t.Run("the form's fields in the query", func(t *testing.T) {
		assertErrorPage(t, p.send(decision(query+"&user=ada&decision=allow", "")), http.StatusBadRequest)
	})
	t.Run("parameters of the query in the form do not count", func(t *testing.T) {
		w := p.send(decision(query, "user=ada&decision=allow&redirect_uri=https://evil.example/&client_id=evil&state=evil&code_challenge=evil"))
		assertRedirect(t, w, http.StatusSeeOther, liveURI)
		assert.Equal(t, testState, redirectParams(t, w).Get("state"))
		p.redeem(t, redirectParams(t, w).Get("code"))
	})

	const limit = 16 << 10
	const fields = "user=ada&decision=allow&x="
	for name, change := range map[string]func(*http.Request){
		"with its length":    func(*http.Request) {},
		"without its length": func(r *http.Request) { r.ContentLength = -1 },
	} {
		t.Run("more than 16 KiB "+name, func(t *testing.T) {
			r := decision(query, fields+strings.Repeat("x", limit+1-len(fields)))
			change(r)
			assertErrorPage(t, p.send(r), http.StatusRequestEntityTooLarge)
			r = decision(query, fields+strings.Repeat("x", limit-len(fields)))
			change(r)
			assertRedirect(t, p.send(r), http.StatusSeeOther, liveURI)
		})
	}
}

// A link alone, which anybody can make somebody follow, allows nothing.
func TestALinkAllowsNothing(t *testing.T) {
	p := newTestProvider(t)
	w := p.show(authorizationRequest().Encode() + "&user=ada&decision=allow")
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Empty(t, w.Header().Get("Location"))
	r := httptest.NewRequest(http.MethodHead, testIssuer+"/oauth/authorize?"+authorizationRequest().Encode()+"&user=ada&decision=allow", nil)
	assert.Empty(t, p.send(r).Header().Get("Location"))
}

func TestNoOtherSiteCanDecide(t *testing.T) {
	p := newTestProvider(t)
	for name, test := range map[string]struct {
		site, origin string
		allowed      bool
	}{
		"the page itself": {"same-origin", testIssuer, true},
		"the page in a browser without Sec-Fetch-Site": {"", testIssuer, true},
		"no browser":                                 {"", "", true},
		"another site":                               {"cross-site", "https://evil.example", false},
		"another site that hides its origin":         {"cross-site", "null", false},
		"another site without an origin":             {"cross-site", "", false},
		"another site with the origin of the page":   {"cross-site", testIssuer, false},
		"another origin of the same site":            {"same-site", "http://127.0.0.1:9999", false},
		"a value that is not known":                  {"something", testIssuer, false},
		"another site, without Sec-Fetch-Site":       {"", "https://evil.example", false},
		"a sandboxed iframe, without Sec-Fetch-Site": {"", "null", false},
		"another port, without Sec-Fetch-Site":       {"", "http://127.0.0.1:9999", false},
		"no port, without Sec-Fetch-Site":            {"", "http://127.0.0.1", false},
		"another name of it, without Sec-Fetch-Site": {"", "http://localhost:4243", false},
		"an origin that begins like it":              {"", testIssuer + ".evil.example", false},
		"the Dashboard, without Sec-Fetch-Site":      {"", "https://dashboard.stripe.com", false},
		"the Dashboard":                              {"cross-site", "https://dashboard.stripe.com", false},
	} {
		for _, choice := range []string{"allow", "deny"} {
			t.Run(name+": "+choice, func(t *testing.T) {
				r := decision(authorizationRequest().Encode(), "user=ada&decision="+choice)
				r.Header.Del("Sec-Fetch-Site")
				r.Header.Del("Origin")
				if test.site != "" {
					r.Header.Set("Sec-Fetch-Site", test.site)
				}
				if test.origin != "" {
					r.Header.Set("Origin", test.origin)
				}
				w := p.send(r)
				if test.allowed {
					assertRedirect(t, w, http.StatusSeeOther, liveURI)
				} else {
					assertErrorPage(t, w, http.StatusForbidden)
					assert.NotContains(t, w.Body.String(), "code=")
				}
			})
		}
	}
	t.Run("but the link that starts the flow comes from the Dashboard", func(t *testing.T) {
		r := httptest.NewRequest(http.MethodGet, testIssuer+"/oauth/authorize?"+authorizationRequest().Encode(), nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		assert.Equal(t, http.StatusOK, p.send(r).Code)
	})
}

func TestNothingThatIsSentIsHTML(t *testing.T) {
	p := newTestProvider(t)
	for _, attack := range []string{`"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`, `{{.Nonce}}alert(1)`, "</style><b>alert(1)"} {
		for _, name := range []string{"client_id", "redirect_uri", "state", "response_type", "response_mode", "code_challenge", "code_challenge_method", "scope", "unknown", attack} {
			query := authorizationRequest(name, attack)
			for what, w := range map[string]*httptest.ResponseRecorder{
				"the page": p.show(query.Encode()),
				"the form": p.send(decision(query.Encode(), "user=eve&decision=allow&"+url.QueryEscape(name)+"="+url.QueryEscape(attack))),
				"decoded":  p.show(query.Encode() + "&state=x"),
			} {
				t.Run(fmt.Sprintf("%s: %s in %s", what, attack, name), func(t *testing.T) {
					assert.NotContains(t, w.Body.String(), attack)
					assert.NotContains(t, w.Body.String(), html.UnescapeString(attack))
					for _, line := range []string{"\r", "\n"} {
						assert.NotContains(t, w.Header().Get("Location"), line)
					}
				})
			}
		}
	}
}

// The browser holds the form's redirect against form-action as well: without the
// origin, a click on Allow does nothing.
func TestThePolicyNamesTheOriginsOfTheRedirectURIs(t *testing.T) {
	const before, after = "default-src 'none'; style-src 'nonce-NONCE'; img-src 'self' data:; base-uri 'none'; form-action 'self' https://dashboard.stripe.com", "; frame-ancestors 'none'"
	for name, test := range map[string]struct {
		uris []string
		want string
	}{
		"the Dashboard's only":        {[]string{liveURI, testURI}, ""},
		"one more":                    {[]string{liveURI, testURI, loopURI}, " http://127.0.0.1:5000"},
		"one more, given twice":       {[]string{liveURI, loopURI, loopURI + "2"}, " http://127.0.0.1:5000"},
		"several, in a certain order": {[]string{"https://b.example/", "https://a.example:8443/x?y=z", "http://localhost/"}, " http://localhost https://a.example:8443 https://b.example"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestProvider(t, func(c *config) { c.Clients = map[string][]string{testClient: test.uris} })
			w := p.show(authorizationRequest("redirect_uri", test.uris[0]).Encode())
			require.Equal(t, http.StatusOK, w.Code)
			assert.Equal(t, before+test.want+after, pageHeaders(w).Get("Content-Security-Policy"))
		})
	}
}

// FuzzAuthorize: whatever is asked for, nobody is sent to a URI that is not
// registered, and what is sent has the state that came.
func FuzzAuthorize(f *testing.F) {
	good := authorizationRequest().Encode()
	for _, query := range []string{"", good, good + "&state=2", good + "&redirect_uri=//evil", authorizationRequest("redirect_uri", queryURI, "state", "a b+c").Encode(),
		authorizationRequest("code_challenge_method", "plain").Encode(), strings.ReplaceAll(good, "&", ";"), authorizationRequest("redirect_uri", liveURI+"@evil.example/").Encode()} {
		for _, form := range []string{"", "user=ada&decision=allow", "user=ada&decision=deny", "user=eve&decision=allow"} {
			f.Add(query, form)
		}
	}
	p := newTestProvider(f)
	registered := []string{liveURI, testURI, queryURI, loopURI}
	f.Fuzz(func(t *testing.T, query, form string) {
		show := httptest.NewRequest(http.MethodGet, testIssuer+"/oauth/authorize", nil)
		show.URL.RawQuery = query
		decide := decision("", form)
		decide.URL.RawQuery = query
		params, err := url.ParseQuery(query)
		for _, r := range []*http.Request{show, decide} {
			w := p.send(r)
			location := w.Header().Get("Location")
			if location == "" {
				if w.Code != http.StatusOK && w.Code != http.StatusBadRequest && w.Code != http.StatusRequestEntityTooLarge {
					t.Errorf("%s: %d", r.Method, w.Code)
				}
				continue
			}
			uris := registered
			if params.Get("client_id") == "other-app" {
				uris = []string{otherURI, liveURI}
			}
			uri := params.Get("redirect_uri")
			document, ok := strings.CutPrefix(location, uri)
			if err != nil || !slices.Contains(uris, uri) || !ok || !strings.HasPrefix(document, "?") && !strings.HasPrefix(document, "&") {
				t.Fatalf("%s: sent to %q for %q", r.Method, location, query)
			}
			if states := decodeURIComponents(t, document[1:])["state"]; !slices.Equal(states, params["state"]) && params.Get("state") != "" {
				t.Errorf("%s: %q for the state %q", r.Method, states, params["state"])
			}
			if r.Method == http.MethodGet && strings.Contains(document, "code=") {
				t.Errorf("a code for a GET: %q", location)
			}
		}
	})
}

// ---

func (p *testProvider) show(query string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, testIssuer+"/oauth/authorize", nil)
	r.URL.RawQuery = query
	return p.send(r)
}

// consentForm is the page's form, as a browser understands it.
type consentForm struct {
	action    string
	users     []string
	checked   string
	decisions []string
}

func readForm(t *testing.T, w *httptest.ResponseRecorder, page string) (f consentForm) {
	t.Helper()
	require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
	body := w.Body.String()
	attribute := func(tag, name string) string {
		if match := regexp.MustCompile(`\s` + name + `="([^"]*)"`).FindStringSubmatch(tag); match != nil {
			return html.UnescapeString(match[1])
		}
		return ""
	}
	forms := regexp.MustCompile(`<form[^>]*>`).FindAllString(body, -1)
	require.Len(t, forms, 1)
	require.Equal(t, "post", strings.ToLower(attribute(forms[0], "method")))
	base, err := url.Parse(page)
	require.NoError(t, err)
	action, err := base.Parse(attribute(forms[0], "action"))
	require.NoError(t, err)
	f.action = action.String()
	require.Equal(t, page, f.action, "the form is sent to where the page is")
	for _, tag := range regexp.MustCompile(`<input[^>]*>`).FindAllString(body, -1) {
		require.Equal(t, "radio", attribute(tag, "type"))
		require.Equal(t, "user", attribute(tag, "name"))
		f.users = append(f.users, attribute(tag, "value"))
		if regexp.MustCompile(`\schecked\b`).MatchString(tag) {
			f.checked += attribute(tag, "value")
		}
	}
	for _, tag := range regexp.MustCompile(`<button[^>]*>`).FindAllString(body, -1) {
		require.Equal(t, "decision", attribute(tag, "name"))
		require.Contains(t, []string{"", "submit"}, attribute(tag, "type"))
		f.decisions = append(f.decisions, attribute(tag, "value"))
	}
	return f
}

func (f consentForm) submit(user, choice string) *http.Request {
	_, query, _ := strings.Cut(f.action, "?")
	return decision(query, url.Values{"user": {user}, "decision": {choice}}.Encode())
}

// assertRedirect checks all headers of a redirect to uri.
func assertRedirect(t *testing.T, w *httptest.ResponseRecorder, status int, uri string) {
	t.Helper()
	if !assert.Equal(t, status, w.Code, "%s", w.Body) {
		return
	}
	location := w.Header().Get("Location")
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	assert.True(t, strings.HasPrefix(location, uri+separator), "sent to %q", location)
	assert.Equal(t, http.Header{
		"Location":                {location},
		"Cache-Control":           {"no-store"}, // it holds a code
		"Content-Security-Policy": {consentCSP},
		"Referrer-Policy":         {"same-origin"},
	}, pageHeaders(w))
	assert.Empty(t, w.Body.String())
}

// assertRedirectError checks what a client is told: RFC 6749, section 4.1.2.1.
func assertRedirectError(t *testing.T, w *httptest.ResponseRecorder, code string) {
	t.Helper()
	params := redirectParams(t, w)
	description := params.Get("error_description")
	assert.Regexp(t, descriptionGrammar, description)
	assert.Equal(t, url.Values{"error": {code}, "error_description": {description}, "state": {testState}}, params)
}

// assertSentNowhere checks that a query gets a person a page that says what is
// wrong, when the page is asked for and when the form is sent.
func assertSentNowhere(t *testing.T, p *testProvider, query string) {
	t.Helper()
	for _, w := range []*httptest.ResponseRecorder{p.show(query), p.sendForm(query, "user=ada&decision=allow"), p.sendForm(query, "user=ada&decision=deny")} {
		assertErrorPage(t, w, http.StatusBadRequest)
		assert.NotContains(t, w.Body.String(), "evil.example")
	}
}

// sendForm sends a form for a query that may be none.
func (p *testProvider) sendForm(query, form string) *httptest.ResponseRecorder {
	r := decision("", form)
	r.URL.RawQuery = query
	return p.send(r)
}

// encodeAll writes every byte as a percent-encoding.
func encodeAll(s string) string {
	var encoded strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&encoded, "%%%02x", s[i])
	}
	return encoded.String()
}

// decodeURIComponents reads a query as JavaScript's decodeURIComponent does: a +
// is a +.
func decodeURIComponents(t *testing.T, query string) url.Values {
	t.Helper()
	values := url.Values{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		decoded, err := url.PathUnescape(value)
		require.NoError(t, err)
		values.Add(name, decoded)
	}
	return values
}
