package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

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
			has("http://api.example.com/v2/x") + `, but Stripe refuses that: plain http, and Stripe takes https only: write "https://api.example.com/v2/x"`},
		{"or for its path", "https://api.example.com", "https://api.example.com/v2/x", false,
			has("https://api.example.com") + `, but Stripe refuses that: there is no path ("path cannot be empty"): name one, like /api/, which allows all below it`},
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

func TestImagesOfStripeAreNotCertain(t *testing.T) {
	v := of(t, lists{image: []string{"https://files.stripe.com/links/"}}).AllowsImage("https://files.stripe.com/links/a")
	assert.True(t, v.Allowed)
	assert.Len(t, v.Warnings, 1)
	v = of(t, lists{}).AllowsImage("https://files.stripe.com/links/a")
	assert.Contains(t, v.Reason, `add "https://files.stripe.com/links/a"`)
	v = connecting(t).AllowsConnect("https://files.stripe.com/links/a")
	assert.Contains(t, v.Reason, "use the extension SDK's HTTP client")
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

func TestNoURLWithAUserIsAllowed(t *testing.T) { // in Chromium, img "error", nothing sent; fetch of https://@h "ok"
	assert.False(t, of(t, lists{image: []string{"https://h.example/x"}}).AllowsImage("https://u:p@h.example/x").Allowed)
	assert.True(t, connecting(t, "https://h.example/x").AllowsConnect("https://@h.example/x").Allowed)
	assert.True(t, connecting(t, "https://h.example/x").AllowsConnect("https://:@h.example/x").Allowed)
}

// permutations calls f with each order of entries.
func permutations(entries []string, f func([]string)) {
	var of func(int)
	of = func(n int) {
		if n == len(entries) {
			f(entries)
			return
		}
		for i := n; i < len(entries); i++ {
			entries[n], entries[i] = entries[i], entries[n]
			of(n + 1)
			entries[n], entries[i] = entries[i], entries[n]
		}
	}
	of(0)
}

func TestReasonsDoNotDependOnTheOrder(t *testing.T) {
	const exact = "https://api.example.com/v1/refunds"
	has := func(entry, why string) string { return `connect-src has "` + entry + `" (stripe-app.json:11)` + why }
	for _, test := range []struct {
		entries     []string
		url, reason string
	}{
		{[]string{"https://*.api.example.com/v1/", exact}, exact + "/1", has(exact, `, but without a slash at its end it allows that URL alone: add "`+exact+`/"`)},
		{[]string{"https://*.api.example.com/v1/", exact}, "wss://api.example.com/v1/refunds", has(exact, ", but the scheme is another: the URL's is wss")},
		{[]string{"https://*.api.example.com/v1/", exact}, "https://api.example.com:8443/v1/refunds", has(exact, ", but the port is another: the URL's is 8443")},
		{[]string{"https://*.api.example.com/v1/", "https://*.api.example.com/v2/"}, "https://api.example.com/v2/x",
			has("https://*.api.example.com/v1/", ", but a wildcard stands for what is below the host, and not for api.example.com itself")},
		{[]string{"https://api.example.com/v1", exact, "https://api.example.com/v1/Refunds/1"}, exact + "/1",
			has("https://api.example.com/v1/Refunds/1", ", but paths are case-sensitive")},
		{[]string{"https://api.example.com/v1", "https://api.example.com:8443/v1/refunds"}, exact,
			has("https://api.example.com/v1", `, but without a slash at its end it allows that URL alone: add "https://api.example.com/v1/"`)},
		{[]string{"https://api.example.com/v1", exact}, exact + "/1", has(exact, `, but without a slash at its end it allows that URL alone: add "`+exact+`/"`)},
		{[]string{"https://api.example.com/v1/", exact, "https://*.example.com/v1/refunds", "https://*.example.com/v1/"}, exact, has(exact, "")},
		{[]string{"https://api.example.com/v1/", "https://api.example.com:443/v1/refunds", "http://api.example.com/v1/refunds"}, exact, has("https://api.example.com/v1/", "")},
		{[]string{"http://api.example.com/v1/", "http://api.example.com/v1/refunds"}, exact,
			has("http://api.example.com/v1/refunds", `, but Stripe refuses that: plain http, and Stripe takes https only: write "`+exact+`"`)},
	} {
		permutations(test.entries, func(entries []string) {
			assert.Equal(t, test.reason, connecting(t, entries...).AllowsConnect(test.url).Reason, entries)
		})
	}
	permutations([]string{"https://a.example/cb", "https://A.example/cb", "https://a.example/CB/"}, func(entries []string) {
		assert.Equal(t, "https://a.example/cb", of(t, lists{redirects: entries}).AllowsRedirect("https://a.example/cb/").Entry)
	})
	permutations([]string{"http://api.example.com/v1/", "https://api.example.com/v1", "https://*.example.com/v1"}, func(entries []string) {
		assert.EqualError(t, connecting(t, entries...).RoutesCovered("https://api.example.com", "/v1/{id}"),
			`manifest: connect-src does not cover "/v1/{id}": `+has("https://api.example.com/v1", `, which allows that URL alone: add "https://api.example.com/v1/" too`))
	})
}
