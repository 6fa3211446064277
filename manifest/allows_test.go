package manifest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

func TestVerdictsOnConnecting(t *testing.T) {
	const (
		exact  = "https://api.example.com/v2/refunds"
		folder = "https://api.example.com/v2/refunds/"
		below  = "https://*.example.com/v2/"
	)
	has := func(entry string) string { return fmt.Sprintf("connect-src has %q (stripe-app.json:11)", entry) }
	for _, test := range []struct {
		name, entry, url string
		allowed          bool
		reason           string
	}{
		{"an entry without a slash is its own URL", exact, exact, true, has(exact)},
		{"with any query", exact, exact + "?id=1/2", true, has(exact)},
		{"with any fragment", exact, exact + "#a", true, has(exact)},
		{"with the port of the scheme", exact, "https://api.example.com:443/v2/refunds", true, has(exact)},
		{"host and scheme in any case", exact, "HTTPS://API.Example.COM/v2/refunds", true, has(exact)},
		{"percent-encoded", exact, "https://api.example.com/v2/re%66unds", true, has(exact)},
		{"with dots that the browser resolves", exact, "https://api.example.com/v2/x/../refunds", true, has(exact)},
		{"nothing below it", exact, exact + "/1", false, has(exact) + `, but without a slash at its end it allows that URL alone: add "` + folder + `"`},
		{"not with a slash", exact, exact + "/", false, has(exact) + `, but without a slash at its end it allows that URL alone: add "` + folder + `"`},
		{"not what begins alike", exact, exact + "2", false, `no entry of connect-src matches (stripe-app.json): add "` + exact + `2", which allows this URL alone, or "https://api.example.com/v2/", which allows all below it`},
		{"not what it begins like", exact, "https://api.example.com/v2/refund", false, `no entry of connect-src matches (stripe-app.json): add "https://api.example.com/v2/refund", which allows this URL alone, or "https://api.example.com/v2/", which allows all below it`},
		{"not in another case", exact, "https://api.example.com/v2/Refunds", false, has(exact) + ", but paths are case-sensitive"},
		{"an entry with a slash is what is below it", folder, folder + "1/2", true, has(folder)},
		{"and its own URL", folder, folder, true, has(folder)},
		{"not itself without the slash", folder, exact, false, has(folder) + `, but the slash at its end allows what is below it, and not /v2/refunds itself: add "` + exact + `"`},
		{"not above it", folder, folder + "..", false, `no entry of connect-src matches (stripe-app.json): add "https://api.example.com/v2/", which allows it and all below it`},
		{"another port", exact, "https://api.example.com:8443/v2/refunds", false, has(exact) + ", but the port is another: the URL's is 8443"},
		{"port zero", exact, "https://api.example.com:00/v2/refunds", false, has(exact) + ", but the port is another: the URL's is 0"},
		{"http", exact, "http://api.example.com/v2/refunds", false, has(exact) + ", but the scheme is another: the URL's is http"},
		{"a web socket", exact, "wss://api.example.com/v2/refunds", false, has(exact) + ", but the scheme is another: the URL's is wss"},
		{"another host", exact, "https://api.example.org/v2/refunds", false, `no entry of connect-src matches (stripe-app.json): add "https://api.example.org/v2/refunds", which allows this URL alone, or "https://api.example.org/v2/", which allows all below it`},
		{"a host below", exact, "https://x.api.example.com/v2/refunds", false, `no entry of connect-src matches (stripe-app.json): add "https://x.api.example.com/v2/refunds", which allows this URL alone, or "https://x.api.example.com/v2/", which allows all below it`},
		{"a host that ends alike", exact, "https://xapi.example.com/v2/refunds", false, `no entry of connect-src matches (stripe-app.json): add "https://xapi.example.com/v2/refunds", which allows this URL alone, or "https://xapi.example.com/v2/", which allows all below it`},
		{"a wildcard is a label", below, "https://a.example.com/v2/x", true, has(below)},
		{"and more of them", below, "https://a.b.example.com/v2/x", true, has(below)},
		{"not none", below, "https://example.com/v2/x", false, has(below) + ", but a wildcard stands for what is below the host, and not for example.com itself"},
		{"not what ends alike", below, "https://aexample.com/v2/x", false, `no entry of connect-src matches (stripe-app.json): add "https://aexample.com/v2/x", which allows this URL alone, or "https://aexample.com/v2/", which allows all below it`},
		{"no path", exact, "https://other.example.com", false, "no entry of connect-src matches (stripe-app.json), and Stripe takes none without a path: move it below one, like /api/"},
		{"a file at the root", exact, "https://other.example.com/hook", false, `no entry of connect-src matches (stripe-app.json): add "https://other.example.com/hook", which allows this URL alone`},
		{"a folder at the root", exact, "https://other.example.com/hook/", false, `no entry of connect-src matches (stripe-app.json): add "https://other.example.com/hook/", which allows it and all below it`},
		{"http that no entry is near to", exact, "http://other.example.com/a/b", false, "no entry of connect-src matches (stripe-app.json), and Stripe takes https only: call https://other.example.com/a/b"},
		{"Stripe's API", exact, "https://api.stripe.com/v1/charges", false, "no entry of connect-src matches (stripe-app.json), and Stripe's own hosts cannot be in the manifest: use the extension SDK's HTTP client"},

		{"a relative URL", exact, "/v2/refunds", false, "this is no URL for the extension to use: it must be an absolute URL, like https://api.example.com/v1/refunds"},
		{"one without a scheme", exact, "api.example.com/v2/refunds", false, "this is no URL for the extension to use: it must be an absolute URL, like https://api.example.com/v1/refunds"},
		{"one with the scheme left to the page", exact, "//api.example.com/v2/refunds", false, "this is no URL for the extension to use: it must be an absolute URL, like https://api.example.com/v1/refunds"},
		{"an empty one", exact, "", false, "this is no URL for the extension to use: it must be an absolute URL, like https://api.example.com/v1/refunds"},
		{"without a host", exact, "https://", false, "this is no URL for the extension to use: it must be an absolute URL, like https://api.example.com/v1/refunds"},
		{"a port that is none", exact, "https://api.example.com:x/v2/refunds", false, "this is no URL for the extension to use: its port is not a number up to 65535"},
		{"a port that is too large", exact, "https://api.example.com:65536/v2/refunds", false, "this is no URL for the extension to use: its port is not a number up to 65535"},
		{"a user", exact, "https://me@api.example.com/v2/refunds", false, "a browser asks for no URL with a user or password in it"},
		{"a user and a password", exact, "https://me:secret@api.example.com/v2/refunds", false, "a browser asks for no URL with a user or password in it"},
		{"data", exact, "data:text/plain,hello", false, "no entry of connect-src matches (stripe-app.json), and Stripe takes none for data: URLs"},
		{"a blob", exact, "blob:https://api.example.com/v2/refunds", false, "no entry of connect-src matches (stripe-app.json), and Stripe takes none for blob: URLs"},
		{"a script", exact, "javascript:void(0)", false, "no entry of connect-src matches (stripe-app.json), and Stripe takes none for javascript: URLs"},
		{"a very long one", exact, "https://api.example.com/" + strings.Repeat("x", 1<<20), false, "this is no URL for the extension to use: it is longer than 1 MiB"},

		{"an entry that Stripe refuses for its scheme", "http://api.example.com/v2/x", "http://api.example.com/v2/x", false,
			has("http://api.example.com/v2/x") + `, but Stripe refuses that: plain http: Stripe takes https only: write "https://api.example.com/v2/x"`},
		{"or for its path", "https://api.example.com", "https://api.example.com/v2/x", false,
			has("https://api.example.com") + `, but Stripe refuses that: there is no path ("path cannot be empty"): name one, like /api/, which allows all below it: write "https://api.example.com/api/"`},
		{"or for its host", "https://api.stripe.com/v1/", "https://api.stripe.com/v1/charges", false,
			has("https://api.stripe.com/v1/") + ", but Stripe refuses that: a host of Stripe's API: it cannot be in the manifest; call it with the extension SDK's HTTP client"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := connecting(t, test.entry).AllowsConnect(test.url)
			assert.Equal(t, test.reason, v.Reason)
			assert.Equal(t, test.allowed, v.Allowed)
			if strings.HasPrefix(test.reason, "connect-src has ") {
				assert.Equal(t, test.entry, v.Entry)
			} else {
				assert.Empty(t, v.Entry)
			}
			assert.Empty(t, v.Warnings)
			if test.allowed {
				assert.Equal(t, "allowed: "+test.reason, v.String())
			} else {
				assert.Equal(t, "not allowed: "+test.reason, v.String())
			}
		})
	}
}

// What a reason says to add must do, and be what Stripe takes.
func TestAdviceDoes(t *testing.T) {
	said := regexp.MustCompile(`(?:add|or|write) ("(?:[^"\\]|\\.)*")`)
	entries := []string{"https://api.example.com/v2/refunds", "https://api.example.com/files/", "https://*.example.net/x", "https://api.example.com:8443/a/b", "https://api.example.com/a%20b"}
	for _, url := range []string{
		"https://api.example.com/v2/refunds/", "https://api.example.com/v2/refunds/1", "https://api.example.com/V2/refunds", "https://api.example.com/v2/Refunds/1",
		"https://api.example.com/files", "https://api.example.com/files2", "https://a.example.net/x/y", "https://example.net/x", "https://api.example.com:8443/a/b/c", "https://api.example.com:8443/a",
		"https://other.example.com/", "https://other.example.com/a", "https://other.example.com/a/b;c", "https://other.example.com/a,b/c", "https://other.example.com/a/*", "https://other.example.com/a b/c d",
		"https://other.example.com/é/ü", "https://other.example.com/%C3%A9/%FE/../b", "https://other.example.com/a//b", "https://other.example.com//", "https://bücher.example/a/b", "https://other.example.com/'a'/\"b\"",
		"https://other.example.com/a%20b/%2F/%3B", "https://other.example.com:8443/a/b", "https://other.example.com:0/a/b", "https://[::1]/a/b", "https://127.1/a/b", "https://other.example.com./a/b", "https://other.example.com/api", "https://api.example.com/a b/c",
		"wss://other.example.com/a/b", "http://other.example.com/a/b", "http://localhost:3000/a/b", "https://under_score.example.com/a/b", "https://localhost/a/b", "https://other.example.com/a/b?c=d#e", "https://other.example.com/a/%",
	} {
		reason := connecting(t, entries...).AllowsConnect(url).Reason
		for _, quoted := range said.FindAllStringSubmatch(reason, -1) {
			entry, err := strconv.Unquote(quoted[1])
			require.NoError(t, err)
			v := connecting(t, entry).AllowsConnect(url)
			assert.True(t, v.Allowed, "%s\n%s\n%s: %s", url, reason, entry, v)
		}
		if err := connecting(t, entries...).RoutesCovered(url, "/x/{y}"); err != nil {
			for _, quoted := range said.FindAllStringSubmatch(err.Error(), -1) {
				entry, err := strconv.Unquote(quoted[1])
				require.NoError(t, err)
				assert.NoError(t, connecting(t, entry).RoutesCovered(url, "/x/{y}"), entry)
			}
		}
	}
}

func TestVerdictsOnSeveralEntries(t *testing.T) {
	m := connecting(t, "http://api.example.com/a/", "https://api.example.com:8443/a/", "https://*.example.com:*/a/", "https://api.example.com/a/")

	v := m.AllowsConnect("https://api.example.com/a/x")
	assert.True(t, v.Allowed, "the first one is refused, and the last one is not")
	assert.Equal(t, "https://api.example.com/a/", v.Entry, "the one that is certain")
	assert.Empty(t, v.Warnings)

	v = m.AllowsConnect("https://api.example.com:8443/a/x")
	assert.True(t, v.Allowed)
	assert.Len(t, v.Warnings, 1)

	m = connecting(t, "https://api.example.com:8443", "https://api.example.com:8443/a/", "https://api.example.com:8443")
	assert.True(t, m.AllowsConnect("https://api.example.com:8443/a/x").Allowed, "what is not certain goes before what is refused")

	assert.False(t, connecting(t).AllowsConnect("https://api.example.com/a/x").Allowed)
	assert.False(t, mustLoad(t, files("stripe-app.json", "{}"), "stripe-app.json").AllowsConnect("https://api.example.com/a/x").Allowed)
}

// Where Stripe's documents disagree or are silent, the verdict is not certain.
func TestVerdictsThatAreNotCertain(t *testing.T) {
	for _, test := range []struct {
		name, entry, url, warning, source string
		allowed                           bool
	}{
		{"a port", "https://api.example.com:8443/a/", "https://api.example.com:8443/a/x",
			"a port: Stripe's documents do not say whether it takes ports other than those of a loopback host", "https://docs.stripe.com/stripe-apps/build-ui#use-third-party-apis", true},
		{"any port", "https://api.example.com:*/a/", "https://api.example.com:8443/a/x",
			"a port: Stripe's documents do not say whether it takes ports other than those of a loopback host", "https://docs.stripe.com/stripe-apps/build-ui#use-third-party-apis", true},
		{"the port of https", "https://api.example.com:443/a/", "https://api.example.com/a/x",
			"443 is the port of https anyway, and Stripe's documents do not say whether it takes ports", "https://docs.stripe.com/stripe-apps/build-ui#use-third-party-apis", true},
		{"a loopback host", "http://localhost:8888/v2/", "http://localhost:8888/v2/x",
			"plain http on a loopback host: the sample of a local manifest has one, but the Stripe CLI has refused it (July 2026), and a preview allows localhost anyway; never upload it", "https://docs.stripe.com/stripe-apps/reference/app-manifest#extended-manifest", true},
		{"a loopback address", "http://127.0.0.1:8888/v2/", "http://127.0.0.1:8888/v2/x",
			"plain http on a loopback host: the sample of a local manifest has one, but the Stripe CLI has refused it (July 2026), and a preview allows localhost anyway; never upload it", "https://docs.stripe.com/stripe-apps/reference/app-manifest#extended-manifest", true},
		{"a loopback host that no entry has", "https://api.example.com/a/", "http://localhost:8888/v2/x",
			"while an app is previewed, the Dashboard lets it call localhost at any port, as its users report; Stripe's documents do not say so", "https://github.com/stripe/stripe-apps/issues/468", false},
		{"a wildcard host without a path", "https://*.example.com", "https://api.example.com/a/x",
			"a wildcard host without a path: a sample of Stripe's documents has one, and the rule beside it says that every URL needs a path", "https://docs.stripe.com/stripe-apps/build-ui#use-third-party-apis", true},
		{"also with a slash", "https://*.example.com/", "https://api.example.com/a/x",
			"a wildcard host without a path: a sample of Stripe's documents has one, and the rule beside it says that every URL needs a path", "https://docs.stripe.com/stripe-apps/build-ui#use-third-party-apis", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := connecting(t, test.entry).AllowsConnect(test.url)
			assert.Equal(t, test.allowed, v.Allowed, v)
			if assert.Len(t, v.Warnings, 1) {
				assert.Equal(t, manifest.SeverityWarning, v.Warnings[0].Severity)
				assert.Equal(t, test.warning, v.Warnings[0].Text)
				assert.Equal(t, test.source, v.Warnings[0].Source)
				assert.True(t, strings.HasSuffix(v.String(), "\n"+v.Warnings[0].String()), v)
				assert.NotContains(t, v.String(), ":0:0:", "no place is better than a wrong one")
			}
			assert.NoError(t, v.Warnings.Err())
		})
	}
}

func TestVerdictsOnImages(t *testing.T) {
	m := of(t, lists{image: []string{"https://cdn.example.com", "https://img.example.com/logos/"}})
	v := m.AllowsImage("https://cdn.example.com/any/where.png")
	assert.True(t, v.Allowed, "Stripe's schema takes an image's entry without a path")
	assert.Len(t, v.Warnings, 1)
	assert.Equal(t, "allowed: image-src has \"https://img.example.com/logos/\" (stripe-app.json:12)", m.AllowsImage("https://img.example.com/logos/a.png").String())
	assert.Equal(t, `no entry of image-src matches (stripe-app.json): add "https://img.example.com/icons/a.png", which allows this URL alone, or "https://img.example.com/icons/", which allows all below it`,
		m.AllowsImage("https://img.example.com/icons/a.png").Reason)
	assert.False(t, m.AllowsConnect("https://me@img.example.com/logos/a.png").Allowed)
	assert.False(t, m.AllowsImage("data:image/png;base64,AAAA").Allowed)
	assert.False(t, m.AllowsConnect("https://img.example.com/logos/a.png").Allowed, "that is another list")
}

func TestVerdictsOnRedirects(t *testing.T) {
	const uri = "https://api.example.com/oauth/callback"
	near := `allowed_redirect_uris has "` + uri + `", and is compared character for character, with case and a slash at the end`
	missing := func(uri string) string { return fmt.Sprintf("allowed_redirect_uris does not have %q: add it", uri) }
	m := of(t, lists{redirects: []string{uri, "http://localhost:3000/callback", "http://api.example.com/callback", "https://api.example.com/c#d", "https://api.example.com/e?f=g"}})
	for _, test := range []struct {
		name, uri string
		allowed   bool
		entry     string
		reason    string
		warnings  int
	}{
		{"itself", uri, true, uri, `allowed_redirect_uris has "` + uri + `" (stripe-app.json:16)`, 0},
		{"with its query", "https://api.example.com/e?f=g", true, "https://api.example.com/e?f=g", `allowed_redirect_uris has "https://api.example.com/e?f=g" (stripe-app.json:16)`, 0},
		{"a slash too many", uri + "/", false, uri, near, 0},
		{"another case", "https://API.example.com/oauth/callback", false, uri, near, 0},
		{"another case of the path", "https://api.example.com/OAuth/callback", false, uri, near, 0},
		{"its port", "https://api.example.com:443/oauth/callback", false, "", missing("https://api.example.com:443/oauth/callback"), 0},
		{"a query", uri + "?a=b", false, "", missing(uri + "?a=b"), 0},
		{"without its query", "https://api.example.com/e", false, "", missing("https://api.example.com/e"), 0},
		{"percent-encoded", "https://api.example.com/oauth/%63allback", false, "", missing("https://api.example.com/oauth/%63allback"), 0},
		{"below it", uri + "/x", false, "", missing(uri + "/x"), 0},
		{"on localhost", "http://localhost:3000/callback", true, "http://localhost:3000/callback", `allowed_redirect_uris has "http://localhost:3000/callback" (stripe-app.json:16)`, 1},
		{"on another port of it", "http://localhost:3001/callback", false, "", missing("http://localhost:3001/callback"), 0},
		{"with http", "http://api.example.com/callback", true, "http://api.example.com/callback", `allowed_redirect_uris has "http://api.example.com/callback" (stripe-app.json:16)`, 1},
		{"one that is refused", "https://api.example.com/c#d", false, "https://api.example.com/c#d",
			`allowed_redirect_uris has "https://api.example.com/c#d" (stripe-app.json:16), but Stripe refuses that: a redirect URI has no fragment (RFC 6749, section 3.1.2): write "https://api.example.com/c"`, 0},
		{"an empty one", "", false, "", `allowed_redirect_uris does not have "", and Stripe takes no such URI: it must be https:// with a host and a path`, 0},
		{"one without a path", "https://api.example.com", false, "", `allowed_redirect_uris does not have "https://api.example.com", and Stripe takes no such URI: it must be https:// with a host and a path`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := m.AllowsRedirect(test.uri)
			assert.Equal(t, test.reason, v.Reason)
			assert.Equal(t, test.allowed, v.Allowed)
			assert.Equal(t, test.entry, v.Entry)
			assert.Len(t, v.Warnings, test.warnings)
		})
	}
	v2 := mustLoad(t, files("stripe-app.yaml", manifestYAML(lists{redirects: []string{uri}})), "stripe-app.yaml")
	assert.True(t, v2.AllowsRedirect(uri).Allowed)
}

func TestRoutesThatAreCovered(t *testing.T) {
	m := connecting(t, "https://api.example.com/api/refunds", "https://api.example.com/api/customers/", "https://*.example.net/x/", "https://api.example.com:8443/y/", "http://localhost:3000/z/", "https://api.example.com/a%20b")
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
	m := connecting(t, "https://api.example.com/api/refunds", "https://api.example.com/api/customers/", "https://*.wild.example.com", "http://api.example.com/plain/", "https://api.example.com/odd/{id}/")
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
		{"an entry that Stripe refuses", "http://api.example.com", "/plain/x", `"/plain/x": connect-src has "http://api.example.com/plain/" (stripe-app.json:11), but Stripe refuses that: plain http: Stripe takes https only: write "https://api.example.com/plain/"`},
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
	for _, pattern := range []string{"", "GET", "GET /api/{", "/api/{}", "/api/{x", "/api/x{y}", "/api/{x}y", "/api/{x}/{x}", "/api/{x...}/y", "/api/{$}/x", "GET /api//x", "GET /api/../x", "G{T /api/x", "GET api.example.com", "/api/{1x}", "GET,POST /api/x"} {
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
