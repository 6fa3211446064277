package manifest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRoutesThatAreCovered(t *testing.T) {
	m := connecting(t, "https://api.example.com/api/refunds", "https://api.example.com/api/customers/",
		"https://*.example.net/x/", "https://api.example.com:8443/y/", "http://localhost:3000/z/",
		"https://api.example.com/a%20b")
	for _, test := range []struct {
		name, base string
		patterns   []string
	}{
		{"a path", "https://api.example.com", []string{"/api/refunds"}},
		{"a method", "https://api.example.com", []string{"POST /api/refunds", "GET\t/api/refunds", "DELETE  /api/refunds", "WHATEVER /api/refunds"}},
		{"a slash after the base", "https://api.example.com/", []string{"/api/refunds"}},
		{"a path before the patterns", "https://api.example.com/api", []string{"/refunds", "GET /customers/{id}"}},
		{"that ends in a slash", "https://api.example.com/api/", []string{"/refunds"}},
		{"a host", "https://else.example.com", []string{"GET api.example.com/api/refunds", "a.example.net/x/{y}"}},
		{"a wildcard", "https://api.example.com", []string{"/api/customers/{id}", "/api/customers/{id}/cards/{card}"}},
		{"of many segments", "https://api.example.com", []string{"/api/customers/{rest...}", "/api/customers/x/{rest...}"}},
		{"a slash at the end", "https://api.example.com", []string{"/api/customers/", "/api/customers/x/"}},
		{"a slash alone", "https://api.example.com", []string{"/api/customers/{$}", "/api/customers/x/{$}"}},
		{"a wildcard and a slash alone", "https://api.example.com", []string{"/api/customers/{id}/{$}"}},
		{"all below the base", "https://api.example.com/api/customers", []string{"/"}},
		{"a port", "https://api.example.com:8443", []string{"/y/{z}"}},
		{"a host, with the base's port", "https://else.example.com:8443", []string{"api.example.com/y/{z}"}},
		{"on loopback", "http://localhost:3000", []string{"/z/{z}"}},
		{"percent-encoded", "https://api.example.com", []string{"/a%20b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.NoError(t, m.RoutesCovered(test.base, test.patterns...))
		})
	}
}

func TestRoutesThatAreNotCovered(t *testing.T) {
	m := connecting(t, "https://api.example.com/api/refunds", "https://api.example.com/api/customers/",
		"https://*.wild.example.com", "http://api.example.com/plain/", "https://api.example.com/odd/{id}/")
	const api = "https://api.example.com"
	for _, test := range []struct {
		name, base, pattern, want string
	}{
		{"a path", api, "GET /api/other", `"GET /api/other": no entry of connect-src matches (stripe-app.json): add "https://api.example.com/api/other", which allows this URL alone, or "https://api.example.com/api/", which allows all below it`},
		{"a wildcard below an entry without a slash", api, "/api/refunds/{id}", `"/api/refunds/{id}": connect-src has "https://api.example.com/api/refunds" (stripe-app.json:11), which allows that URL alone: add "https://api.example.com/api/refunds/" too`},
		{"a wildcard in place of the entry", api, "/api/{what}", `"/api/{what}" (stripe-app.json): add "https://api.example.com/api/", which allows it and all below it`},
		{"a subtree", api, "/api/", `"/api/" (stripe-app.json): add "https://api.example.com/api/", which allows it and all below it`},
		{"all", api, "/", `"/" (stripe-app.json), and Stripe takes none without a path: move it below one, like /api/`},
		{"a wildcard of the root", api, "/{what}", `"/{what}" (stripe-app.json), and Stripe takes none without a path: move it below one, like /api/`},
		{"the root alone", api, "/{$}", `"/{$}": no entry of connect-src matches (stripe-app.json), and Stripe takes none without a path: move it below one, like /api/`},
		{"without the slash", api, "/api/customers", `"/api/customers": connect-src has "https://api.example.com/api/customers/" (stripe-app.json:11), but the slash at its end allows what is below it, and not /api/customers itself: add "https://api.example.com/api/customers"`},
		{"a wildcard is not taken as written", api, "/odd/{id}/{$}", `"/odd/{id}/{$}" (stripe-app.json): add "https://api.example.com/odd/", which allows it and all below it`},
		{"another port", api + ":8443", "/api/customers/{id}", `"/api/customers/{id}" (stripe-app.json): add "https://api.example.com:8443/api/customers/", which allows it and all below it`},
		{"an entry that Stripe refuses", "http://api.example.com", "/plain/x", `"/plain/x": connect-src has "http://api.example.com/plain/" (stripe-app.json:11), but Stripe refuses that: plain http, and Stripe takes https only: write "https://api.example.com/plain/"`},
		{"another host", api, "x.example.org/api/refunds", `"x.example.org/api/refunds": no entry of connect-src matches (stripe-app.json): add "https://x.example.org/api/refunds", which allows this URL alone, or "https://x.example.org/api/", which allows all below it`},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.EqualError(t, m.RoutesCovered(test.base, test.pattern), "manifest: connect-src does not cover "+test.want)
		})
	}
	t.Run("an entry that is not certain", func(t *testing.T) {
		for _, entry := range []string{"https://*.wild.example.com", "https://*.wild.example.com/"} {
			for _, pattern := range []string{"/x", "/x/{y}"} {
				assert.ErrorContains(t, connecting(t, entry).RoutesCovered("https://a.wild.example.com", pattern), "does not cover")
			}
		}
	})
	t.Run("each is told", func(t *testing.T) {
		err := m.RoutesCovered(api, "/x/a", "/api/refunds", "/y/{b}", "/y/{c}", "{", "/x/d")
		require.Error(t, err)
		lines := strings.Split(err.Error(), "\n")
		assert.Len(t, lines, 4, "two share an advice, and one is covered: %v", err)
		for _, pattern := range []string{`"/x/a"`, `"/y/{b}", "/y/{c}"`, `the pattern "{" cannot be used`, `"/x/d"`} {
			assert.Equal(t, 1, strings.Count(err.Error(), pattern), pattern)
		}
		assert.NotContains(t, err.Error(), `"/api/refunds"`)
	})
}

func TestBasesAndPatternsThatCannotBeUsed(t *testing.T) {
	m := connecting(t, "https://api.example.com/api/")
	for base, why := range map[string]string{
		"":                               "it must be an absolute URL",
		"/api":                           "it must be an absolute URL",
		"api.example.com":                "it must be an absolute URL",
		"api.example.com:443":            "it must be an http or https URL",
		"https://":                       "it must be an absolute URL",
		"wss://api.example.com":          "it must be an http or https URL",
		"ftp://api.example.com":          "it must be an http or https URL",
		"data:,":                         "it must be an http or https URL",
		"https://api.example.com?a=b":    "it must have no query",
		"https://api.example.com#a":      "it must have no query, no fragment",
		"https://me@api.example.com":     "no user",
		"https://api.example.com:123456": "its port is not a number up to 65535",
	} {
		err := m.RoutesCovered(base, "/api/x")
		assert.ErrorContains(t, err, fmt.Sprintf("manifest: the base URL %q cannot be used: %s", base, ""), base)
		assert.ErrorContains(t, err, why, base)
	}
	for _, pattern := range []string{
		"", "GET", "GET /api/{", "/api/{}", "/api/{x", "/api/x{y}", "/api/{x}y", "/api/{x}/{x}",
		"/api/{x...}/y", "/api/{$}/x", "GET /api//x", "GET /api/../x", "G{T /api/x", "GET api.example.com",
		"/api/{1x}", "GET,POST /api/x",
	} {
		assert.ErrorContains(t, m.RoutesCovered("https://api.example.com", pattern), fmt.Sprintf("manifest: the pattern %q cannot be used: ", pattern), pattern)
	}
	assert.Error(t, m.RoutesCovered("https://api.example.com"), "a test without patterns tests nothing")
}

// If a pattern is covered, all that net/http routes to it is allowed.
func TestWhatTheMuxRoutesToACoveredPatternIsAllowed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	segment := func() string {
		return pick("a", "b", "a", "b", "A", "ab", "a%20b", "a b", "{x}", "a;b", "é", "%C3%A9", "a:b", "%7Bx%7D", "*")
	}
	randomPath := func(wild bool) string {
		var p strings.Builder
		for range random.IntN(4) {
			s := segment()
			if !wild && s == "{x}" {
				s = "c"
			}
			p.WriteString("/" + s)
		}
		return p.String()
	}
	covered, routed := 0, 0
	for range 6000 {
		base := "https://api.example.com" + pick("", "", "/", "/a", "/b/")
		var entries []string
		for range 1 + random.IntN(3) {
			entries = append(entries, pick("https://api.example.com", "https://*.example.com", "https://other.example.com", base)+randomPath(true)+pick("", "/"))
		}
		pattern := pick("", "", "GET ") + pick("", "", "", "other.example.com") + randomPath(true) + pick("", "/", "/{$}", "/{y...}", "/{z}")
		m := connecting(t, entries...)
		mux := http.NewServeMux()
		valid := func() (valid bool) {
			defer func() { valid = recover() == nil }()
			mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
			return true
		}()
		err := m.RoutesCovered(base, pattern)
		if !valid {
			require.Error(t, err, pattern)
			continue
		}
		if err != nil {
			continue
		}
		covered++
		for range 20 {
			host := pick("api.example.com", "other.example.com")
			p := strings.ReplaceAll(randomPath(false)+pick("", "/"), " ", "%20")
			// Half of them are like the pattern.
			if random.IntN(2) == 0 {
				_, after, _ := strings.Cut(pattern, "/")
				p = "/" + strings.NewReplacer("{x}", pick("a", "q", "%2F", "a%2Fb"), "{z}", pick("a", "q"), "{$}", "", "{y...}", pick("", "q", "q/r", "q/"), " ", "%20").Replace(after)
				if strings.HasSuffix(p, "/") {
					p += pick("", "q", "q/r/")
				}
			}
			u, err := url.Parse("https://" + host + p)
			if err != nil || p == "" {
				continue
			}
			r := httptest.NewRequest(http.MethodGet, u.String(), nil)
			r.URL, r.Host = u, host
			handler, found := mux.Handler(r)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if found != pattern || w.Code != http.StatusOK { // a redirect is not the route
				continue
			}
			routed++
			if !strings.Contains(strings.SplitN(pattern, "/", 2)[0], "other") && host != "api.example.com" {
				continue // the base says which host is meant
			}
			full := "https://" + host + strings.TrimSuffix(strings.TrimPrefix(base, "https://api.example.com"), "/") + p
			v := m.AllowsConnect(full)
			require.True(t, v.Allowed, "%q of %q is covered by %q, but %s: %s", pattern, base, entries, full, v)
		}
	}
	assert.Greater(t, covered, 100)
	assert.Greater(t, routed, 1000)
}

func TestAWildcardIsNoPartOfAPath(t *testing.T) {
	assert.Error(t, connecting(t, "https://h.example/api/{id}/").RoutesCovered("https://h.example", "GET /api/{id}/{$}"))
	advice := connecting(t).RoutesCovered("https://h.example", "GET /api/{id}/{$}")
	assert.NotContains(t, fmt.Sprint(advice), `add "https://h.example/api/{id}/"`)
}

func TestHostOfAPatternIsForAnyPort(t *testing.T) {
	assert.Error(t, connecting(t, "https://h.example/api/").RoutesCovered("https://h.example:8443", "h.example/api/"))
	assert.NoError(t, connecting(t, "https://h.example:8443/api/").RoutesCovered("https://h.example:8443", "h.example/api/"))
}

func TestPatternsThatServeMuxRefuses(t *testing.T) {
	m := connecting(t, "https://h.example/api/", "https://h.example/api/x")
	for _, p := range []string{
		"/api/x{$}", "/api/{x}y", "/api/{}", "/api/{x...}/b", "{h}/api/", "/api/{x}/{x}", "GET /api/../admin",
		"GET /api//x", "GE(T /api/x",
	} {
		assert.ErrorContains(t, m.RoutesCovered("https://h.example", p), "cannot be used", p)
	}
	assert.NoError(t, m.RoutesCovered("https://h.example", "GET\t/api/x"))
	assert.Error(t, m.RoutesCovered("https://u:p@h.example", "/api/x"))
}
