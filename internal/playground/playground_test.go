package playground

import (
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/internal/dashboard"
)

func TestPlaygroundRoutes(t *testing.T) {
	playground := testPlayground(t)
	for path, contentType := range map[string]string{
		"/":                             "text/html; charset=utf-8",
		"/playground/extension":         "text/html; charset=utf-8",
		"/playground/web/page.css":      "text/css; charset=utf-8",
		"/playground/web/host.js":       "text/javascript; charset=utf-8",
		"/playground/web/page.js":       "text/javascript; charset=utf-8",
		"/playground/web/extension.css": "text/css; charset=utf-8",
		"/playground/web/frame.js":      "text/javascript; charset=utf-8",
		"/playground/web/extension.js":  "text/javascript; charset=utf-8",
		"/playground/last":              "application/json",
	} {
		t.Run(path+" is there", func(t *testing.T) {
			response := responseOf(playground, local("GET", path, ""))
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
		t.Run(name+" is not found", func(t *testing.T) { assertProblem(t, responseOf(playground, r), 404, "not_found") })
	}
	t.Run("the API is as without it", func(t *testing.T) {
		assertAccepted(t, responseOf(playground, echoRequest("POST", "/api/echo", samplePayload, testSecret)), samplePayload, testNow)
		assertAccepted(t, responseOf(playground, whoamiRequest("GET", "/api/whoami", testSecret)), sampleIDsPayload, testNow)
		assert.Equal(t, http.StatusOK, responseOf(playground, local("GET", "/healthz", "")).StatusCode)
	})
}

func TestNoPlaygroundBeyondLoopback(t *testing.T) {
	backend := testBackend(t)
	for ip, want := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"0.0.0.0": false, "::": false, "192.168.1.2": false, "203.0.113.1": false, "fe80::1": false,
	} {
		addr := &net.TCPAddr{IP: net.ParseIP(ip)}
		assert.Equal(t, want, isLoopback(addr), ip)
		handler, err := Around(backend, addr, testSecret)
		require.NoError(t, err)
		for _, r := range []*http.Request{
			local("GET", "/", ""),
			local("GET", "/playground/extension", ""),
			local("GET", "/playground/web/page.js", ""),
			local("GET", "/playground/last", ""),
			local("POST", "/playground/sign", `{"age":"new"}`),
		} {
			response := responseOf(handler, r)
			if want {
				assert.Equal(t, http.StatusOK, response.StatusCode, "%s %s", ip, r.URL)
			} else {
				assertProblem(t, response, 404, "not_found")
			}
		}
	}
	assert.False(t, isLoopback(&net.UnixAddr{Name: "x.sock", Net: "unix"}))
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
			response := responseOf(playground, local("GET", path, ""))
			policies := response.Header.Values("Content-Security-Policy")
			require.Len(t, policies, 1)
			found := nonceSource.FindStringSubmatch(policies[0])
			require.NotNil(t, found, policies[0])
			assert.Equal(t, want, strings.ReplaceAll(policies[0], found[1], "N"))

			page := bodyOf(t, response)
			elements := nonced.FindAllString(page, -1)
			assert.Len(t, elements, 3)
			for _, element := range elements {
				assert.Contains(t, element, `nonce="`+found[1]+`"`)
			}
			assert.Equal(t, len(elements), strings.Count(page, "nonce="))
			assert.NotRegexp(t, inlineStyle, page)
			assert.NotRegexp(t, inlineHandler, page)
			assert.Regexp(t, `<script [^>]*></script>`, page)
			assert.NotRegexp(t, externalURL, page)
			assert.NotContains(t, page, testSecret)

			again := responseOf(playground, local("GET", path, "")).Header.Get("Content-Security-Policy")
			assert.NotEqual(t, policies[0], again)
		})
	}
	for _, content := range [][]byte{pageCSS, pageJS, extensionCSS, extensionJS, dashboard.HostJS, dashboard.FrameJS} {
		assert.NotRegexp(t, externalURL, string(content))
		assert.NotRegexp(t, `innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function`, string(content))
	}
	page := bodyOf(t, responseOf(playground, local("GET", "/", "")))
	assert.Contains(t, page, `sandbox="allow-scripts" src="/playground/extension"`)
	assert.Contains(t, page, "This page plays Stripe.")
	assert.Equal(t, len(waitingChecks()), strings.Count(page, `<li class="waiting">`))
	assert.NotContains(t, page, stateNotReached)
}
