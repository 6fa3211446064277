package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

func testPlayground(t *testing.T) http.Handler {
	t.Helper()
	playground, err := newPlayground(testHandler(t, testSecret), testSecret, fixedNow)
	require.NoError(t, err)
	return playground
}

// local makes a request as the playground's own page sends it.
func local(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:4242"
	r.Header.Set("Origin", "http://127.0.0.1:4242")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

// fromExtension makes r a request of a sandboxed iframe.
func fromExtension(r *http.Request) *http.Request {
	r.Host = "127.0.0.1:4242"
	r.Header.Set("Origin", "null")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return r
}

func preflight(method, path string) *http.Request {
	r := fromExtension(httptest.NewRequest("OPTIONS", path, nil))
	r.Header.Set("Access-Control-Request-Method", method)
	r.Header.Set("Access-Control-Request-Headers", "content-type,stripe-signature")
	return r
}

func bodyOf(t *testing.T, response *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

func lastOf(t *testing.T, playground http.Handler, query string) lastDocument {
	t.Helper()
	response := answerOf(playground, local("GET", "/playground/last"+query, ""))
	require.Equal(t, http.StatusOK, response.StatusCode)
	var document lastDocument
	require.NoError(t, json.Unmarshal([]byte(bodyOf(t, response)), &document))
	return document
}

func TestPlaygroundRoutes(t *testing.T) {
	playground := testPlayground(t)
	for path, contentType := range map[string]string{
		"/":                             "text/html; charset=utf-8",
		"/playground/extension":         "text/html; charset=utf-8",
		"/playground/web/page.css":      "text/css; charset=utf-8",
		"/playground/web/page.js":       "text/javascript; charset=utf-8",
		"/playground/web/extension.css": "text/css; charset=utf-8",
		"/playground/web/extension.js":  "text/javascript; charset=utf-8",
		"/playground/last":              "application/json",
	} {
		t.Run(path+" is there", func(t *testing.T) {
			response := answerOf(playground, local("GET", path, ""))
			assert.Equal(t, http.StatusOK, response.StatusCode)
			assert.Equal(t, contentType, response.Header.Get("Content-Type"))
			assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
			assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
		})
	}
	for name, r := range map[string]*http.Request{
		"a POST to the page":            local("POST", "/", ""),
		"a GET of the signing endpoint": local("GET", "/playground/sign", ""),
		"a template as an asset":        local("GET", "/playground/web/page.html", ""),
		"an unknown asset":              local("GET", "/playground/web/x.js", ""),
		"an asset with dots":            local("GET", "/playground/web/..%2fmain.go", ""),
		"the folder of the assets":      local("GET", "/playground/web/", ""),
		"the playground without a path": local("GET", "/playground", ""),
		"an unknown path in it":         local("GET", "/playground/x", ""),
		"a path that is not clean":      local("GET", "/playground//extension", ""),
		"a path of the API":             local("GET", "/api", ""),
		"any other path":                local("GET", "/index.html", ""),
	} {
		t.Run(name+" is not found", func(t *testing.T) { assertProblem(t, answerOf(playground, r), 404, "not_found") })
	}
	t.Run("the API is as without it", func(t *testing.T) {
		assertAccepted(t, answerOf(playground, echoRequest("POST", "/api/echo", samplePayload, testSecret)), samplePayload, testNow)
		assertAccepted(t, answerOf(playground, whoamiRequest("GET", "/api/whoami", testSecret)), sampleIDsPayload, testNow)
		assert.Equal(t, http.StatusOK, answerOf(playground, local("GET", "/healthz", "")).StatusCode)
	})
}

func TestNoPlaygroundBeyondLoopback(t *testing.T) {
	handler := testHandler(t, testSecret)
	for _, path := range []string{"/", "/playground/extension", "/playground/web/page.js", "/playground/last"} {
		assertProblem(t, answerOf(handler, local("GET", path, "")), 404, "not_found")
	}
	assertProblem(t, answerOf(handler, local("POST", "/playground/sign", `{"age":"new"}`)), 404, "not_found")

	for ip, want := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"0.0.0.0": false, "::": false, "192.168.1.2": false, "203.0.113.1": false, "fe80::1": false,
	} {
		assert.Equal(t, want, hasPlayground(&net.TCPAddr{IP: net.ParseIP(ip)}), ip)
	}
	assert.False(t, hasPlayground(&net.UnixAddr{Name: "x.sock", Net: "unix"}))
}

func TestGreetingTellsOfThePlayground(t *testing.T) {
	c := config{secrets: []string{testSecret}, randomSecret: true}
	assert.True(t, strings.HasPrefix(greeting(c, "http://x", true, testNow), "Open http://x/ in a browser"))
	assert.True(t, strings.HasPrefix(greeting(c, "http://x", false, testNow), "Serving "))
	assert.NotContains(t, greeting(c, "http://x", false, testNow), "page's. To")
}

func TestPlaygroundIsOnlyForThisMachine(t *testing.T) {
	playground := testPlayground(t)
	requests := func() []*http.Request {
		return []*http.Request{local("GET", "/", ""), local("GET", "/playground/last", ""), local("POST", "/playground/sign", `{"age":"new"}`)}
	}
	for _, host := range []string{"127.0.0.1:4242", "127.0.0.1", "localhost:4242", "LocalHost", "[::1]:4242", "[::1]", "127.1.2.3:1"} {
		t.Run(host+" is this machine", func(t *testing.T) {
			for _, r := range requests() {
				r.Host = host
				r.Header.Del("Origin") // Sec-Fetch-Site says it
				assert.Equal(t, http.StatusOK, answerOf(playground, r).StatusCode, r.URL.Path)
			}
		})
	}
	for _, host := range []string{"", "evil.example", "127.0.0.1.evil.example:4242", "localhost.evil.example", "192.168.1.2:4242", "0.0.0.0:4242", "127.0.0.1:4242:1", "[fe80::1]"} {
		t.Run(host+" is another one", func(t *testing.T) {
			for _, r := range requests() {
				r.Host = host
				assertProblem(t, answerOf(playground, r), 403, "not_local")
			}
		})
	}
	for _, header := range []string{"X-Forwarded-For", "X-Forwarded-Host", "Forwarded"} {
		t.Run(header+" tells of a tunnel", func(t *testing.T) {
			for _, r := range requests() {
				r.Header.Set(header, "x")
				assertProblem(t, answerOf(playground, r), 403, "not_local")
			}
		})
	}
}

func TestPlaygroundRefusesOtherOrigins(t *testing.T) {
	playground := testPlayground(t)
	for name, change := range map[string]func(http.Header){
		"the extension":                  func(h http.Header) { h.Set("Origin", "null"); h.Set("Sec-Fetch-Site", "cross-site") },
		"another site":                   func(h http.Header) { h.Set("Origin", "https://evil.example"); h.Set("Sec-Fetch-Site", "cross-site") },
		"another port of this machine":   func(h http.Header) { h.Set("Origin", "http://127.0.0.1:3000"); h.Set("Sec-Fetch-Site", "same-site") },
		"an extension in an old browser": func(h http.Header) { h.Set("Origin", "null"); h.Del("Sec-Fetch-Site") },
		"a site in an old browser":       func(h http.Header) { h.Set("Origin", "https://evil.example"); h.Del("Sec-Fetch-Site") },
	} {
		t.Run(name+" cannot sign", func(t *testing.T) {
			r := local("POST", "/playground/sign", `{"age":"new"}`)
			change(r.Header)
			response := answerOf(playground, r)
			assertProblem(t, response, 403, "cross_origin")
			assert.Empty(t, response.Header.Get("Access-Control-Allow-Origin"))
		})
		t.Run(name+" cannot read what was sent", func(t *testing.T) {
			r := local("GET", "/playground/last", "")
			change(r.Header)
			response := answerOf(playground, r)
			if r.Header.Get("Sec-Fetch-Site") != "" { // else the browser hides it
				assertProblem(t, response, 403, "cross_origin")
			}
			assert.Empty(t, response.Header.Get("Access-Control-Allow-Origin"))
		})
	}
	t.Run("nobody may ask whether they can", func(t *testing.T) {
		assertProblem(t, answerOf(playground, preflight("POST", "/playground/sign")), 404, "not_found")
	})
}

func TestPlaygroundSigns(t *testing.T) {
	playground := testPlayground(t)
	for name, test := range map[string]struct {
		asked, signed string
		at            time.Time
	}{
		"a payload now":                {`{"age":"new","payload":{"action":"hello","note":"x"}}`, `{"action":"hello","note":"x",` + sampleIDs, testNow},
		"a payload ten minutes ago":    {`{"age":"expired","payload":{"note":"x"}}`, `{"note":"x",` + sampleIDs, testNow.Add(-10 * time.Minute)},
		"the ids alone":                {`{"age":"new"}`, sampleIDsPayload, testNow},
		"an empty payload":             {`{"age":"new","payload":{}}`, sampleIDsPayload, testNow},
		"a payload in its own escapes": {`{"age":"new","payload": { "note" : "é<\u2028\"\\ud83d\ud800" } }`, `{"note":"é<\u2028\"\\ud83d\ud800",` + sampleIDs, testNow},
		"a payload with separators":    {"{\"age\":\"new\",\"payload\":{\"note\":\"a\u2028b\"}}", "{\"note\":\"a\u2028b\"," + sampleIDs, testNow},
	} {
		t.Run(name, func(t *testing.T) {
			response := answerOf(playground, local("POST", "/playground/sign", test.asked))
			require.Equal(t, http.StatusOK, response.StatusCode)
			var got struct{ Signature, Signed string }
			require.NoError(t, json.Unmarshal([]byte(bodyOf(t, response)), &got))
			assert.Equal(t, test.signed, got.Signed)
			assert.Equal(t, sign(test.signed, testSecret, test.at), got.Signature)
		})
	}
	for name, asked := range map[string]string{
		"a time of one's own":         `{"age":"1"}`,
		"no age":                      `{"payload":{"action":"hello"}}`,
		"another user":                `{"age":"new","payload":{"user_id":"usr_admin"}}`,
		"another account":             `{"age":"new","payload":{"account_id":"acct_1"}}`,
		"an install link":             `{"age":"new","payload":{"state":"x"}}`,
		"a nested payload":            `{"age":"new","payload":{"note":{"a":1}}}`,
		"a payload that is no object": `{"age":"new","payload":"x"}`,
		"a null payload":              `{"age":"new","payload":null}`,
		"a member more":               `{"age":"new","secret":"x"}`,
		"something behind it":         `{"age":"new"}{}`,
		"no JSON":                     `x`,
		"nothing":                     ``,
		"more than it reads":          `{"age":"new","payload":{"note":"` + strings.Repeat("x", maxSignBytes) + `"}}`,
	} {
		t.Run("not "+name, func(t *testing.T) {
			assertProblem(t, answerOf(playground, local("POST", "/playground/sign", asked)), 400, "bad_sign_request")
		})
	}
}

// Attributes and elements that an own page might forget about.
var (
	inlineStyle   = regexp.MustCompile(`(?i)<[^>]*\sstyle\s*=|<style`)
	inlineHandler = regexp.MustCompile(`(?i)<[^>]*\son\w+\s*=|javascript:`)
	nonced        = regexp.MustCompile(`(?i)<(?:script|link rel="stylesheet")[^>]*>`)
	externalURL   = regexp.MustCompile(`(?i)(?:src|href)="(?:https?:)?//|url\(|@import`)
	nonceSource   = regexp.MustCompile(`'nonce-([A-Za-z0-9_-]{22})'`)
)

func TestPlaygroundPolicies(t *testing.T) {
	playground := testPlayground(t)
	for path, want := range map[string]string{
		"/": "default-src 'none'; script-src 'nonce-N' 'strict-dynamic'; style-src 'nonce-N'; img-src 'self' data:; font-src 'self'; " +
			"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; frame-src 'self'",
		"/playground/extension": "default-src 'none'; script-src 'nonce-N'; style-src 'nonce-N'; connect-src 'self'; base-uri 'none'; " +
			"form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts",
	} {
		t.Run(path, func(t *testing.T) {
			response := answerOf(playground, local("GET", path, ""))
			policies := response.Header.Values("Content-Security-Policy")
			require.Len(t, policies, 1)
			found := nonceSource.FindStringSubmatch(policies[0])
			require.NotNil(t, found, policies[0])
			assert.Equal(t, want, strings.ReplaceAll(policies[0], found[1], "N"))

			page := bodyOf(t, response)
			elements := nonced.FindAllString(page, -1)
			assert.Len(t, elements, 2)
			for _, element := range elements {
				assert.Contains(t, element, `nonce="`+found[1]+`"`)
			}
			assert.Equal(t, len(elements), strings.Count(page, "nonce="))
			assert.NotRegexp(t, inlineStyle, page)
			assert.NotRegexp(t, inlineHandler, page)
			assert.Regexp(t, `<script [^>]*></script>`, page)
			assert.NotRegexp(t, externalURL, page)
			assert.NotContains(t, page, testSecret)

			again := answerOf(playground, local("GET", path, "")).Header.Get("Content-Security-Policy")
			assert.NotEqual(t, policies[0], again)
		})
	}
	for name := range assetTypes {
		asset, err := web.ReadFile("web/" + name)
		require.NoError(t, err)
		assert.NotRegexp(t, externalURL, string(asset))
		assert.NotRegexp(t, `innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function`, string(asset))
	}
	page := bodyOf(t, answerOf(playground, local("GET", "/", "")))
	assert.Contains(t, page, `sandbox="allow-scripts" src="/playground/extension"`)
	assert.Contains(t, page, "This page plays Stripe.")
	assert.Equal(t, len(waitingChecks()), strings.Count(page, `<li class="waiting">`))
	assert.NotContains(t, page, stateNotReached)
}

func TestRecorder(t *testing.T) {
	t.Run("it keeps a preflight and its request, and derives the checks", func(t *testing.T) {
		playground := testPlayground(t)
		answerOf(playground, preflight("POST", "/api/echo"))
		answerOf(playground, fromExtension(echoRequest("POST", "/api/echo", samplePayload, testSecret)))

		got := lastOf(t, playground, "?after=0")
		assert.Equal(t, 2, got.Seq)
		require.NotNil(t, got.Preflight)
		assert.Equal(t, "OPTIONS", got.Preflight.Method)
		assert.Equal(t, http.StatusNoContent, got.Preflight.Status)
		assert.Equal(t, "*", got.Preflight.Answer.get("Access-Control-Allow-Origin"))
		assert.False(t, got.Cached)
		require.NotNil(t, got.Request)
		assert.Equal(t, "/api/echo", got.Request.Target)
		assert.Equal(t, samplePayload, got.Request.Request.Body)
		assert.Equal(t, sign(samplePayload, testSecret, testNow), got.Request.Request.get("Stripe-Signature"))
		assert.Equal(t, "127.0.0.1:4242", got.Request.Request.get("Host"))
		assert.Equal(t, http.StatusOK, got.Request.Status)
		assert.Contains(t, got.Request.Answer.Body, `"user_id":"usr_quickstart"`)
		assert.Len(t, got.Checks, 7)
		for _, check := range got.Checks {
			assert.Equal(t, statePassed, check.State, check.Name)
		}
	})
	t.Run("a body that the chain did not read is there", func(t *testing.T) {
		playground := testPlayground(t)
		r := fromExtension(echoRequest("POST", "/api/echo", samplePayload, testSecret))
		r.Header.Del("Stripe-Signature")
		assertProblem(t, answerOf(playground, r), 401, "not_signed")
		got := lastOf(t, playground, "?after=0")
		assert.Equal(t, samplePayload, got.Request.Request.Body)
		assert.Contains(t, got.Request.Answer.Body, "not_signed")
	})
	t.Run("it does not read for a client that waits to be asked", func(t *testing.T) {
		playground := testPlayground(t)
		r := fromExtension(httptest.NewRequest("POST", "/api/echo", failingReader{t}))
		r.Header.Set("Expect", "100-continue")
		assertProblem(t, answerOf(playground, r), 401, "not_signed")
	})
	t.Run("without a new preflight it says that it was cached", func(t *testing.T) {
		playground := testPlayground(t)
		answerOf(playground, preflight("GET", "/api/whoami")) // of something else
		answerOf(playground, preflight("POST", "/api/echo"))
		send := func() {
			answerOf(playground, fromExtension(echoRequest("POST", "/api/echo", samplePayload, testSecret)))
		}
		send()
		send()
		got := lastOf(t, playground, "?after=3")
		assert.True(t, got.Cached)
		require.NotNil(t, got.Preflight)
		assert.Equal(t, 2, got.Preflight.Seq)
		assert.Contains(t, got.Checks[0].Why, "cached by the browser")
	})
	t.Run("a preflight that nothing follows is told", func(t *testing.T) {
		playground := testPlayground(t)
		answerOf(playground, preflight("POST", "/api/nothing"))
		got := lastOf(t, playground, "?after=0")
		assert.Nil(t, got.Request)
		require.NotNil(t, got.Preflight)
		assert.Equal(t, corsPassed, got.Checks[0])
		assert.Equal(t, stateNotReached, got.Checks[1].State)
	})
	t.Run("a preflight that does not match is told, although its answer is 204 too", func(t *testing.T) {
		playground := testPlayground(t)
		for name, change := range map[string]func(http.Header){
			"header": func(h http.Header) { h.Set("Access-Control-Request-Headers", "content-type,x-request-id") },
			"method": func(h http.Header) { h.Set("Access-Control-Request-Method", "TRACE") },
		} {
			before := lastOf(t, playground, "").Seq
			r := preflight("POST", "/api/echo")
			change(r.Header)
			require.Equal(t, http.StatusNoContent, answerOf(playground, r).StatusCode, name)
			got := lastOf(t, playground, fmt.Sprintf("?after=%d", before))
			assert.Nil(t, got.Request, name)
			require.NotNil(t, got.Preflight, name)
			assert.Equal(t, corsRefused, got.Checks[0], name)
			for _, check := range got.Checks[1:] {
				assert.Equal(t, checkResult{check.Name, stateNotReached, ""}, check, name)
			}
		}
	})
	t.Run("with the ids in headers a body is not used", func(t *testing.T) {
		playground := testPlayground(t)
		answerOf(playground, fromExtension(whoamiRequest("GET", "/api/whoami", testSecret)))
		for _, check := range lastOf(t, playground, "?after=0").Checks[1:] {
			want := statePassed
			if check.Name == "Body" {
				want = stateNotUsed
			}
			assert.Equal(t, want, check.State, check.Name)
		}
	})
	t.Run("nothing new is nothing", func(t *testing.T) {
		playground := testPlayground(t)
		answerOf(playground, fromExtension(echoRequest("POST", "/api/echo", samplePayload, testSecret)))
		for _, query := range []string{"?after=1", "?after=", "", "?after=x"} {
			got := lastOf(t, playground, query)
			assert.Equal(t, 1, got.Seq)
			assert.Nil(t, got.Request, query)
			assert.Nil(t, got.Preflight, query)
		}
	})
	t.Run("requests that are not the extension's are not shown", func(t *testing.T) {
		playground := testPlayground(t)
		answerOf(playground, echoRequest("POST", "/api/echo", samplePayload, testSecret))
		assert.Nil(t, lastOf(t, playground, "?after=0").Request)
	})
	t.Run("a panic is told, and goes on", func(t *testing.T) {
		wire := new(recorder)
		handler := wire.record(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		assert.PanicsWithError(t, http.ErrAbortHandler.Error(), func() { answerOf(handler, fromExtension(local("POST", "/api/x", "x"))) })
		got := wire.last(0)
		assert.Equal(t, 0, got.Request.Status)
		assert.Equal(t, checkResult{"Handler", stateRefused, "it ended without an answer"}, got.Checks[6])
	})
}

type failingReader struct{ t *testing.T }

func (r failingReader) Read([]byte) (int, error) {
	r.t.Error("it has read")
	return 0, io.EOF
}

func TestRecorderIsBounded(t *testing.T) {
	t.Run("in exchanges", func(t *testing.T) {
		wire := new(recorder)
		handler := wire.record(http.HandlerFunc(notFound))
		for range 3 * keptExchanges {
			answerOf(handler, fromExtension(local("POST", "/api/x", "")))
		}
		assert.Len(t, wire.kept, keptExchanges)
		assert.Equal(t, 3*keptExchanges, wire.seq)
		assert.Equal(t, 2*keptExchanges+1, wire.kept[0].Seq)
	})
	t.Run("in bytes of bodies", func(t *testing.T) {
		for size, tooLarge := range map[int]bool{keptBodyBytes: false, keptBodyBytes + 1: true, 100 * keptBodyBytes: true} {
			wire := new(recorder)
			var read int
			handler := wire.record(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				assert.NoError(t, err)
				read = len(body)
				w.Write(body)
			}))
			response := answerOf(handler, fromExtension(local("POST", "/api/x", strings.Repeat("x", size))))
			assert.Equal(t, size, read)
			assert.Len(t, bodyOf(t, response), size)
			e := wire.last(0).Request
			for _, m := range []message{e.Request, e.Answer} {
				assert.Equal(t, tooLarge, m.TooLarge)
				if tooLarge {
					assert.Empty(t, m.Body)
				} else {
					assert.Len(t, m.Body, size)
				}
			}
		}
	})
	t.Run("in what it reads of a body that nobody reads", func(t *testing.T) {
		body := strings.NewReader(strings.Repeat("x", 100*keptBodyBytes))
		r := fromExtension(httptest.NewRequest("POST", "/api/x", body))
		answerOf(new(recorder).record(http.HandlerFunc(notFound)), r)
		assert.Equal(t, 99*keptBodyBytes-1, body.Len())
	})
}

func TestChecksOfEachCode(t *testing.T) {
	refusing := map[string][]string{
		"Header":   {"not_signed", "malformed_signature"},
		"Time":     {"too_old", "too_new"},
		"Body":     {"body_too_large", "body_unreadable", "malformed_ids", "no_payload"},
		"HMAC":     {"no_match", "only_ids_signed"},
		"Identity": {"no_identity", "install_signature"},
		"Handler":  {"requirement_not_met", "unexpected_payload", "not_verified", "internal", "not_found"},
	}
	for name, codes := range refusing {
		for _, code := range codes {
			t.Run(fmt.Sprintf("%s refuses with %s", name, code), func(t *testing.T) {
				e := &exchange{Path: "/api/echo", Status: 400, Answer: message{Body: fmt.Sprintf(`{"code":%q,"detail":"because"}`, code)}}
				want := statePassed
				for _, check := range checksOf(e) {
					if check.Name == name {
						assert.Equal(t, checkResult{name, stateRefused, "because"}, check)
						want = stateNotReached
						continue
					}
					assert.Equal(t, want, check.State, check.Name)
				}
			})
		}
	}
}

// The order of the checks that the page shows is the chain's own: each request
// is wrong for its check and all that follow.
func TestChecksAreInTheOrderOfTheChain(t *testing.T) {
	playground := testPlayground(t)
	for name, r := range map[string]*http.Request{
		"Header": httptest.NewRequest("POST", "/api/echo", strings.NewReader(strings.Repeat("x", stripeapps.DefaultMaxBodyBytes+1))),
		"Time": func() *http.Request {
			r := httptest.NewRequest("POST", "/api/echo", strings.NewReader(strings.Repeat("x", stripeapps.DefaultMaxBodyBytes+1)))
			r.Header.Set("Stripe-Signature", sign("another", testSecret, testNow.Add(-expiredAge)))
			return r
		}(),
		"Body": func() *http.Request {
			r := httptest.NewRequest("POST", "/api/echo", strings.NewReader(strings.Repeat("x", stripeapps.DefaultMaxBodyBytes+1)))
			r.Header.Set("Stripe-Signature", sign("another", testSecret, testNow))
			return r
		}(),
		"HMAC":     echoRequest("POST", "/api/echo", "x", "absec_another"),
		"Identity": echoRequest("POST", "/api/echo", "x", testSecret),
		"Handler":  echoRequest("PUT", "/api/echo", samplePayload, testSecret),
	} {
		before := lastOf(t, playground, "").Seq
		answerOf(playground, fromExtension(r))
		for _, check := range lastOf(t, playground, fmt.Sprintf("?after=%d", before)).Checks {
			assert.Equal(t, check.Name == name, check.State == stateRefused, "%s: %v", name, check)
		}
	}
}

func TestServeDecidesByItsAddress(t *testing.T) {
	for addr, want := range map[string]int{"127.0.0.1:0": http.StatusOK, "0.0.0.0:0": http.StatusNotFound} {
		t.Run(addr, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			stdout, out := io.Pipe()
			status := make(chan int, 1)
			go func() {
				status <- run(ctx, []string{"-addr", addr}, environment{}.lookup, out, io.Discard)
				out.Close()
			}()
			first, err := bufio.NewReader(stdout).ReadString('\n')
			require.NoError(t, err)
			go io.Copy(io.Discard, stdout)
			assert.Equal(t, want == http.StatusOK, strings.HasPrefix(first, "Open http"), first)

			base := regexp.MustCompile(`http://\S+:\d+`).FindString(first)
			transport := &http.Transport{} // without the environment's proxy
			defer transport.CloseIdleConnections()
			response, err := (&http.Client{Transport: transport}).Get(base + "/")
			require.NoError(t, err)
			defer response.Body.Close()
			assert.Equal(t, want, response.StatusCode)

			stop()
			assert.Equal(t, exitOK, <-status)
		})
	}
}
