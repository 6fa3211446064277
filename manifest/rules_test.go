package manifest_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

// said is the part of a Finding that is about the rule.
type said struct {
	severity          manifest.Severity
	text, fix, source string
}

const (
	noPath        = `there is no path ("path cannot be empty"): name one, like /api/, which allows all below it`
	noPathOfImage = "there is no path: a browser allows the whole host then; Stripe's schema accepts that for images, its documents ask for a path"
	noSlash       = "without a slash at its end it allows this one URL, and nothing below it"
	plainHTTP     = "plain http, and Stripe takes https only"
	onLoopback    = "plain http on a loopback host: the sample of a local manifest has one, but the Stripe CLI has refused it (July 2026), and a preview allows localhost anyway; never upload it"
	wildcard      = "a wildcard can be the whole left-most label only, below a domain: https://*.example.com/api/"
	wildcardAlone = "a wildcard host without a path: a sample of Stripe's documents has one, and the rule beside it says that every URL needs a path"
	stripeAPI     = "a host of Stripe's API: it cannot be in the manifest; call it with the extension SDK's HTTP client"
	port443       = "443 is the port of https anyway, and Stripe's documents do not say whether it takes ports"
	anyPort       = "a port: Stripe's documents do not say whether it takes ports other than those of a loopback host"
	wrongPort     = "the port is not a number up to 65535: a browser ignores the entry"
	wrongHost     = "the host is not letters, digits and - with dots between: a browser ignores the entry (a host in another script is written as xn--…; CSP knows no underscore and no IPv6)"
	queryInSource = "a query or fragment: a browser ignores it in a source, and allows every one"
	starInPath    = "a * in the path matches a literal *: a path that ends in a slash allows all below it"
	dotInPath     = "a . or .. in the path: a browser resolves it in what is asked for, and so it never matches"
	endsSource    = "a space, semicolon or comma in the path ends a source"
	slashAsFile   = "the slash at its end allows what is below it, and not this file"
	noURLHas      = "a character in it has no place in a URL, or a % stands alone: percent-encode it"
	backslash     = `a \ in the path: a browser makes a / of it in what is asked for, and so it never matches`
	stripesHosts  = "the wildcard stands for hosts of Stripe's API too: those cannot be in the manifest, and Stripe's documents do not say whether this can"
)

// What is found in an entry of connect-src.
var connectRules = []struct {
	name, entry string
	found       []said
}{
	{"a path", "https://api.example.com/v1/refunds", nil},
	{"a path that ends in a slash", "https://api.example.com/v1/", nil},
	{"a file", "https://api.example.com/api.php", nil},
	{"a wildcard", "https://*.example.com/api/", nil},
	{"upper case", "https://API.example.com/V1x", nil},
	{"percent-encoded", "https://api.example.com/a%20b", nil},
	{"loopback with https", "https://localhost:3000/api/", nil},

	{"empty", "", []said{{isError, "the URL is empty: write it or take the entry out", "", docsBuildUI}}},
	{"white space around it", " https://api.example.com/x\n", []said{{isError, "there is white space around the URL", "https://api.example.com/x", docsBuildUI}}},
	{"a keyword", "'self'", []said{{isError, "this is no URL: an entry is https:// with a host and a path", "", docsBuildUI}}},
	{"a scheme alone", "https:", []said{{isError, "this is no URL: an entry is https:// with a host and a path", "", docsBuildUI}}},
	{"a path alone", "/v1/refunds", []said{{isError, "this is no URL: an entry is https:// with a host and a path", "", docsBuildUI}}},
	{"a star", "*", []said{{isError, "this is no URL: an entry is https:// with a host and a path", "", docsBuildUI}}},

	{"no scheme", "api.example.com/x", []said{{isError, "the scheme is missing", "https://api.example.com/x", docsBuildUI}}},
	{"the scheme left to the page", "//api.example.com/x", []said{{isError, "the scheme is missing", "https://api.example.com/x", docsBuildUI}}},
	{"plain http", "http://api.example.com/x", []said{{isError, plainHTTP, "https://api.example.com/x", docsBuildUI}}},
	{"plain http, and no slash behind a folder", "http://api.example.com/api", []said{
		{isError, plainHTTP, "https://api.example.com/api", docsBuildUI},
		{isWarning, noSlash, "", docsBuildUI},
	}},
	{"another scheme", "wss://api.example.com/x", []said{{isError, `the scheme "wss", and Stripe takes https only`, "", docsBuildUI}}},
	{"plain http with its port", "http://api.example.com:80/x", []said{
		{isError, plainHTTP, "https://api.example.com/x", docsBuildUI},
		{isWarning, anyPort, "", docsBuildUI},
	}},
	{"plain http with the port of https", "http://api.example.com:443/x", []said{
		{isError, plainHTTP, "https://api.example.com/x", docsBuildUI},
		{isWarning, anyPort, "", docsBuildUI},
	}},
	{"https in upper case", "HTTPS://api.example.com/x", []said{
		{isError, "Stripe's schema demands https:// in lower case", "https://api.example.com/x", docsManifest},
	}},
	{"http in upper case", "HTTP://api.example.com/x", []said{
		{isError, "Stripe's schema demands the scheme in lower case", "https://api.example.com/x", docsManifest},
		{isError, plainHTTP, "https://api.example.com/x", docsBuildUI},
	}},
	{"http in upper case on loopback", "HTTP://localhost:80/x", []said{
		{isError, "Stripe's schema demands the scheme in lower case", "http://localhost/x", docsManifest},
		{isWarning, onLoopback, "", docsManifest + "#extended-manifest"},
	}},
	{"one slash", "https:/api.example.com/x", []said{{isError, "the scheme is missing", "https://api.example.com/x", docsBuildUI}}},
	{"no slash", "https:api.example.com/x", []said{{isError, "the scheme is missing", "https://api.example.com/x", docsBuildUI}}},
	{"plain http on loopback", "http://localhost:8888/x", []said{{isWarning, onLoopback, "", docsManifest + "#extended-manifest"}}},
	{"and on its address", "http://127.0.0.1/x", []said{{isWarning, onLoopback, "", docsManifest + "#extended-manifest"}}},
	{"and below it", "http://app.localhost/x", []said{{isWarning, onLoopback, "", docsManifest + "#extended-manifest"}}},
	{"not on what looks like it", "http://localhost.example.com/x", []said{{isError, plainHTTP, "https://localhost.example.com/x", docsBuildUI}}},
	{"nor in a private network", "http://192.168.1.1/x", []said{{isError, plainHTTP, "https://192.168.1.1/x", docsBuildUI}}},

	{"no path", "https://api.example.com", []said{{isError, noPath, "", docsBuildUI}}},
	{"a slash for a path", "https://api.example.com/", []said{{isError, noPath, "", docsBuildUI}}},
	{"a version without a slash", "https://api.example.com/v1", []said{{isWarning, noSlash, "https://api.example.com/v1/", docsBuildUI}}},
	{"not a word that begins like one", "https://api.example.com/v", nil},
	{"nor one with a number in it", "https://api.example.com/v1beta", nil},
	{"an API without a slash", "https://api.example.com/API", []said{{isWarning, noSlash, "https://api.example.com/API/", docsBuildUI}}},
	{"two slashes", "https://api.example.com/a//b", []said{{isWarning, "two slashes in the path match two slashes only", "", csp3 + "#path-part-match"}}},
	{"a backslash", `https://api.example.com/a\b`, []said{{isError, backslash, "https://api.example.com/a/b", "https://url.spec.whatwg.org/#path-start-state"}}},
	{"a slash behind a file", "https://api.example.com/logo.png/", []said{{isWarning, slashAsFile, "https://api.example.com/logo.png", docsBuildUI}}},
	{"a character of no URL", "https://api.example.com/a|b", []said{{isError, noURLHas, "", docsManifest}}},
	{"a % alone", "https://api.example.com/100%", []said{{isError, noURLHas, "", docsManifest}}},
	{"dots", "https://api.example.com/a/../b/", []said{{isError, dotInPath, "https://api.example.com/b/", csp3 + "#path-part-match"}}},
	{"dots at the end", "https://api.example.com/a/b/..", []said{{isError, dotInPath, "https://api.example.com/a/", csp3 + "#path-part-match"}}},
	{"a query", "https://api.example.com/x?id=1", []said{{isError, queryInSource, "https://api.example.com/x", csp3 + "#grammardef-path-part"}}},
	{"a fragment", "https://api.example.com/x#a", []said{{isError, queryInSource, "https://api.example.com/x", csp3 + "#grammardef-path-part"}}},
	{"a query with a slash is no path", "https://api.example.com?a=/b", []said{
		{isError, queryInSource, "", csp3 + "#grammardef-path-part"},
		{isError, noPath, "", docsBuildUI},
	}},
	{"a space", "https://api.example.com/a b", []said{{isError, endsSource, "https://api.example.com/a%20b", csp3 + "#grammardef-source-list"}}},
	{"a semicolon and a comma", "https://api.example.com/a;b,c", []said{{isError, endsSource, "https://api.example.com/a%3Bb%2Cc", csp3 + "#grammardef-source-list"}}},
	{"a star in the path", "https://api.example.com/v1/*", []said{{isError, starInPath, "https://api.example.com/v1/", docsBuildUI}}},
	{"within it", "https://api.example.com/v1/*/x", []said{{isError, starInPath, "https://api.example.com/v1/", docsBuildUI}}},
	{"outside ASCII", "https://api.example.com/é", []said{{isError, "a control character, or one outside ASCII: Chromium ignores the whole list then", "https://api.example.com/%C3%A9", csp3 + "#parse-serialized-policy"}}},
	{"letters that are longer in lower case", "http:/ȺȺȺȺȺȺȺȺ.example/x", []said{{isError, "a control character, or one outside ASCII: Chromium ignores the whole list then", "", csp3 + "#parse-serialized-policy"}}},
	{"outside ASCII in the host", "https://bücher.example/x", []said{{isError, "a control character, or one outside ASCII: Chromium ignores the whole list then", "", csp3 + "#parse-serialized-policy"}}},

	{"a wildcard within a label", "https://api-*.example.com/x", []said{{isError, wildcard, "https://*.example.com/x", docsBuildUI}}},
	{"with a port", "https://api-*.example.com:8443/x", []said{
		{isError, wildcard, "https://*.example.com:8443/x", docsBuildUI},
		{isWarning, anyPort, "", docsBuildUI},
	}},
	{"a wildcard that is not the left-most label", "https://api.*.example.com/x", []said{{isError, wildcard, "", docsBuildUI}}},
	{"a wildcard and an empty label", "https://*..example.com/x", []said{{isError, wildcard, "", docsBuildUI}}},
	{"two wildcards", "https://*.*.example.com/x", []said{{isError, wildcard, "", docsBuildUI}}},
	{"a wildcard for the last label", "https://example.*/x", []said{{isError, wildcard, "", docsBuildUI}}},
	{"a wildcard for all hosts", "https://*/x", []said{{isError, wildcard, "", docsBuildUI}}},
	{"a wildcard below a top-level domain", "https://*.com/x", []said{{isError, wildcard, "", docsBuildUI}}},
	{"a wildcard host without a path", "https://*.api.example.com", []said{{isWarning, wildcardAlone, "", docsBuildUI}}},
	{"as in the documents' sample", "https://*.api.example.com/", []said{{isWarning, wildcardAlone, "", docsBuildUI}}},
	{"with a port that stays", "https://*.api.example.com:8443/", []said{
		{isWarning, wildcardAlone, "", docsBuildUI},
		{isWarning, anyPort, "", docsBuildUI},
	}},

	{"a wildcard for Stripe's hosts", "https://*.stripe.com/v1/", []said{{isWarning, stripesHosts, "", docsBuildUI}}},
	{"Stripe's API", "https://api.stripe.com/v1/charges", []said{{isError, stripeAPI, "", docsBuildUI}}},
	{"Stripe's files", "https://files.stripe.com/v1/files", []said{{isError, stripeAPI, "", docsBuildUI}}},
	{"in upper case", "https://API.Stripe.COM/v1/charges", []said{{isError, stripeAPI, "", docsBuildUI}}},
	{"not what ends alike", "https://api.stripe.com.example.com/v1/charges", nil},

	{"a port", "https://api.example.com:8443/x", []said{{isWarning, anyPort, "", docsBuildUI}}},
	{"any port", "https://api.example.com:*/x", []said{{isWarning, anyPort, "", docsBuildUI}}},
	{"the port of https", "https://api.example.com:443/x", []said{{isWarning, port443, "https://api.example.com/x", docsBuildUI}}},
	{"a port that is too large", "https://api.example.com:65536/x", []said{{isError, wrongPort, "", csp3 + "#grammardef-port-part"}}},
	{"a port that is no number", "https://api.example.com:http/x", []said{{isError, wrongPort, "", csp3 + "#grammardef-port-part"}}},
	{"a colon without a port", "https://api.example.com:/x", []said{{isError, wrongPort, "", csp3 + "#grammardef-port-part"}}},
	{"a user", "https://me:secret@api.example.com/x@y", []said{{isError, "a user in the URL: a source has none", "https://api.example.com/x@y", docsBuildUI}}},
	{"an underscore", "https://my_api.example.com/x", []said{{isError, wrongHost, "", csp3 + "#grammardef-host-part"}}},
	{"IPv6", "https://[::1]/x", []said{{isError, wrongHost, "", csp3 + "#grammardef-host-part"}}},
	{"no host", "https:///x.y", []said{{isError, wrongHost, "", csp3 + "#grammardef-host-part"}}},
	{"two dots", "https://api..example.com/x", []said{{isError, wrongHost, "", csp3 + "#grammardef-host-part"}}},
	{"all at once", "http://api.example.com:99999?x", []said{
		{isError, plainHTTP, "", docsBuildUI},
		{isError, wrongPort, "", csp3 + "#grammardef-port-part"},
		{isError, queryInSource, "", csp3 + "#grammardef-path-part"},
		{isError, noPath, "", docsBuildUI},
	}},
}

var imageRules = []struct {
	name, entry string
	found       []said
}{
	{"no path", "https://cdn.example.com", []said{{isWarning, noPathOfImage, "", docsBuildUI}}},
	{"a slash for a path", "https://cdn.example.com/", nil},
	{"images without a slash", "https://cdn.example.com/images", []said{{isWarning, noSlash, "https://cdn.example.com/images/", docsBuildUI}}},
	{"plain http", "http://cdn.example.com/a.png", []said{{isError, plainHTTP, "https://cdn.example.com/a.png", docsBuildUI}}},
	{"Stripe's files", "https://files.stripe.com/links/", []said{{isWarning, "a host of Stripe's API: it cannot be in connect-src, and Stripe's documents do not say whether images can come from it", "", docsBuildUI}}},
	{"data", "data:", []said{{isError, "this is no URL: an entry is https:// with a host and a path", "", docsBuildUI}}},
}

var redirectRules = []struct {
	name, entry string
	found       []said
}{
	{"a path", "https://api.example.com/callback", nil},
	{"a query", "https://api.example.com/callback?a=b", nil},
	{"a port", "https://api.example.com:8443/callback", nil},
	{"localhost", "http://localhost:3000/callback", []said{{isWarning, "plain http on a loopback host: test mode takes it, live mode asks for https", "", docsInstall}}},
	{"plain http", "http://api.example.com/callback", []said{{isWarning, "plain http, and live mode asks for https", "https://api.example.com/callback", docsInstall}}},
	{"another scheme", "myapp://api.example.com/callback", []said{{isError, "a redirect URI is an https URI", "", docsInstall}}},
	{"no scheme", "api.example.com/callback", []said{{isError, "this is no absolute URI: write https:// with a host and a path", "", docsInstall}}},
	{"no host", "https:///callback", []said{{isError, "this is no absolute URI: write https:// with a host and a path", "", docsInstall}}},
	{"empty", "", []said{{isError, "this is no absolute URI: write https:// with a host and a path", "", docsInstall}}},
	{"white space around it", "https://api.example.com/callback ", []said{{isError, "there is white space around the URI", "https://api.example.com/callback", docsInstall}}},
	{"a wildcard", "https://*.example.com/callback", []said{{isError, "redirect URIs are compared character for character, and know no wildcard: list each one", "", docsInstall}}},
	{"a user", "https://me@api.example.com/callback", []said{{isError, "a user in a redirect URI", "https://api.example.com/callback", docsInstall}}},
	{"a fragment", "https://api.example.com/callback#a", []said{{isError, "a redirect URI has no fragment (RFC 6749, section 3.1.2)", "https://api.example.com/callback", docsInstall}}},
	{"no path", "https://api.example.com", []said{{isError, "there is no path: Stripe's schema demands one, like /oauth/callback", "", docsInstall}}},
	{"a slash for a path", "https://api.example.com/", []said{{isError, "there is no path: Stripe's schema demands one, like /oauth/callback", "", docsInstall}}},
	{"a character of no URI", "https://api.example.com/a|b", []said{
		{isError, "a character in it has no place in a URI, or a % stands alone: percent-encode it", "", docsInstall},
	}},
}

// checkEntry holds the findings about an entry, the first of its list, against
// what is expected, in both formats.
func checkEntry(t *testing.T, path string, l lists, want []said) {
	t.Helper()
	if l.purpose == "" {
		l.purpose = validPurpose
	}
	for _, format := range []struct {
		file, text string
		places     map[string]place
	}{
		{"stripe-app.json", manifestJSON(l), placesJSON},
		{"stripe-app.yaml", manifestYAML(l), placesYAML},
	} {
		m := mustLoad(t, files(format.file, format.text), format.file)
		var expected manifest.Findings
		for _, w := range want {
			f := manifest.Finding{Severity: w.severity, File: format.file, Path: path + "[0]", Text: w.text, Fix: w.fix, Source: w.source}
			f.Line, f.Column = format.places[path].line, format.places[path].column
			if path == redirectPath && strings.HasSuffix(format.file, ".yaml") {
				f.Path = redirectV2 + "[0]"
			}
			expected = append(expected, f)
		}
		assert.Equal(t, expected, m.Check())
	}
}

func TestRulesOfConnectSrc(t *testing.T) {
	for _, test := range connectRules {
		t.Run(test.name, func(t *testing.T) { checkEntry(t, connectPath, lists{connect: []string{test.entry}}, test.found) })
	}
}

func TestRulesOfImageSrc(t *testing.T) {
	for _, test := range imageRules {
		t.Run(test.name, func(t *testing.T) { checkEntry(t, imagePath, lists{image: []string{test.entry}}, test.found) })
	}
}

func TestRulesOfRedirectURIs(t *testing.T) {
	for _, test := range redirectRules {
		t.Run(test.name, func(t *testing.T) {
			checkEntry(t, redirectPath, lists{redirects: []string{test.entry}}, test.found)
		})
	}
}

// Whoever lists a folder with the slash too knows what the one without it allows.
func TestAnEntryBesideTheSameWithASlash(t *testing.T) {
	for _, test := range []struct {
		name    string
		entries []string
		want    bool // is it said
	}{
		{"the same with a slash", []string{"https://api.example.com/api", "https://api.example.com/api/"}, false},
		{"before it", []string{"https://api.example.com/api/", "https://api.example.com/api"}, false},
		{"by the other scheme", []string{"http://api.example.com/api", "https://api.example.com/api/"}, false},
		{"both by http", []string{"http://api.example.com/api", "http://api.example.com/api/"}, false},
		{"another folder", []string{"https://api.example.com/api", "https://api.example.com/v1/"}, true},
		{"another host", []string{"https://api.example.com/api", "https://example.com/api/"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := slices.ContainsFunc(connecting(t, test.entries...).Check(), func(f manifest.Finding) bool { return f.Text == noSlash })
			assert.Equal(t, test.want, found)
		})
	}
	verdict := connecting(t, "https://api.example.com/api", "https://api.example.com/api/").AllowsConnect("https://api.example.com/api")
	assert.True(t, verdict.Allowed)
	assert.Empty(t, verdict.Warnings)
}

// The tables above have an entry for each rule.
func TestEveryRuleIsBroken(t *testing.T) {
	broken := func(rules map[string]string, found []said) {
		for _, f := range found {
			for name, text := range rules {
				before, after, _ := strings.Cut(text, "{scheme}")
				if strings.HasPrefix(f.text, before) && strings.HasSuffix(f.text, after) {
					delete(rules, name)
				}
			}
		}
	}
	sources, redirects, endpoints := manifest.URLRules()
	assert.Len(t, sources, 31)
	assert.Len(t, redirects, 10)
	assert.Len(t, endpoints, 6)
	for _, test := range connectRules {
		broken(sources, test.found)
	}
	for _, test := range imageRules {
		broken(sources, test.found)
	}
	for _, test := range redirectRules {
		broken(redirects, test.found)
	}
	for _, test := range endpointRules {
		broken(endpoints, test.found)
	}
	assert.Empty(t, sources)
	assert.Empty(t, redirects)
	assert.Empty(t, endpoints)
}

// A fix that is written in place of the value takes the finding away; and written
// again and again, all that have one.
func TestFixesFix(t *testing.T) {
	check := func(path, entry string) manifest.Findings {
		l := lists{}
		switch path {
		case connectPath:
			l.connect = []string{entry}
		case imagePath:
			l.image = []string{entry}
		default:
			l.redirects = []string{entry}
		}
		return of(t, l).Check()
	}
	fix := func(path, entry string) {
		for _, f := range check(path, entry) {
			if f.Fix == "" {
				continue
			}
			for _, after := range check(path, f.Fix) {
				assert.NotEqual(t, f.Text, after.Text, "%q, mended to %q", entry, f.Fix)
			}
		}
		value := entry
		for range 8 {
			fixed := false
			for _, f := range check(path, value) {
				if f.Fix != "" {
					value, fixed = f.Fix, true
					break
				}
			}
			if !fixed {
				return
			}
		}
		assert.Fail(t, "no end of mending", "%q became %q", entry, value)
	}
	for _, test := range connectRules {
		fix(connectPath, test.entry)
	}
	for _, test := range imageRules {
		fix(imagePath, test.entry)
	}
	for _, test := range redirectRules {
		fix(redirectPath, test.entry)
	}
	for _, entry := range []string{
		"https://api.example.com/*", "http://api.example.com:80/x", "https:/api.example.com/x",
		"https:api.example.com/x", "example.com", "//example.com", "http://*.example.com",
		"http://x*.example.com/*?a#b",
	} {
		fix(connectPath, entry)
		fix(imagePath, entry)
		fix(redirectPath, entry)
	}
}

// The patterns of Stripe's published schemas: what they refuse is found.
func TestWhatThePublishedSchemasRefuseIsFound(t *testing.T) {
	connectOrRedirect, image := regexp.MustCompile(`^https?://.*/.+`), regexp.MustCompile(`^https?://.+`)
	var entries []string
	for _, test := range connectRules {
		entries = append(entries, test.entry)
	}
	for _, test := range redirectRules {
		entries = append(entries, test.entry)
	}
	entries = append(entries, "HTTPS://api.example.com/x", "Https://cdn.example.com/x", "https://api.example.com?x=1", "https://api.example.com#x", "https://api.example.com/\n", "https://", "https:///", "x")
	for _, entry := range entries {
		if !connectOrRedirect.MatchString(entry) {
			assert.NotEmpty(t, connecting(t, entry).Check(), "connect-src: %q", entry)
			assert.NotEmpty(t, of(t, lists{redirects: []string{entry}}).Check(), "redirect: %q", entry)
		}
		if !image.MatchString(entry) {
			assert.NotEmpty(t, of(t, lists{image: []string{entry}}).Check(), "image-src: %q", entry)
		}
	}
}

// What Check has nothing to say about does what it says.
func TestEntriesWithoutErrorsAllowTheirOwnURL(t *testing.T) {
	for _, test := range connectRules {
		m := connecting(t, test.entry)
		if m.Check().Err() == nil {
			url := strings.NewReplacer("*.", "x.", ":*", "").Replace(test.entry)
			assert.True(t, m.AllowsConnect(url).Allowed, url)
		}
	}
	for _, entry := range []string{
		"https://api.example.com/%2e/x", "https://api.example.com/a/%2E%2e/x",
		"https://api.example.com/a/.%2e",
	} {
		assert.Error(t, connecting(t, entry).Check().Err(), "a browser resolves the dots: %q", entry)
	}
}

// A file does not have more below it.
func TestSlashTooManyIsFound(t *testing.T) {
	for _, entry := range []string{"https://cdn.example.com/logo.png/", "https://cdn.example.com/a/logo.SVG/"} {
		findings := of(t, lists{image: []string{entry}}).Check()
		if assert.Len(t, findings, 1, entry) {
			assert.Equal(t, isWarning, findings[0].Severity)
			assert.Equal(t, strings.TrimSuffix(entry, "/"), findings[0].Fix)
		}
	}
}

func TestWhatIsNotPrintableASCIIIsRefused(t *testing.T) {
	for _, s := range []string{
		"https://h.example/caf\u00e9", "https://h.example/a\x01b", "https://h.example/a\x7fb",
		"https://h.example/a\fb",
	} {
		m := connecting(t, s)
		assert.Error(t, m.Check().Err(), "%q", s)
		assert.False(t, m.AllowsConnect(s).Allowed, "%q", s)
	}
}

// A Fix leaves no error, and brings no finding of its own.
func TestFixesLeaveNoError(t *testing.T) {
	for s, want := range map[string]string{
		"https:/h.example/x":          "https://h.example/x",
		"https:h.example/x":           "https://h.example/x",
		"http://h.example:80/x":       "https://h.example/x",
		"http://h.example:443/x":      "https://h.example/x",
		"https://u@h.example/x":       "https://h.example/x",
		"https://h.example/x?x":       "https://h.example/x",
		"https://h.example/app/*":     "https://h.example/app/",
		"https://*.h.example/app/*":   "https://*.h.example/app/",
		"https://h.example/%2e%2e/x":  "https://h.example/x",
		"https://h.example/caf\u00e9": "https://h.example/caf%C3%A9",
	} {
		found := connecting(t, s).Check()
		assert.True(t, slices.ContainsFunc(found, func(f manifest.Finding) bool { return f.Fix == want }), "%s: %v", s, found)
		for _, f := range found {
			if f.Fix != "" {
				assert.NoError(t, connecting(t, f.Fix).Check().Err(), s)
			}
		}
	}
	for _, f := range connecting(t, "https://h.example/v1?x=1").Check() {
		assert.NotContains(t, f.Fix, "?", f.Fix)
	}
	for _, f := range of(t, lists{redirects: []string{"http://h.example:80/x"}}).Check() {
		assert.Equal(t, "https://h.example/x", f.Fix)
	}
}

// Only the author knows which path is meant, or which URL instead of another
// scheme's: an entry that Check takes and that blocks every call is no Fix.
func TestNoFixIsMadeUp(t *testing.T) {
	for _, entry := range []string{
		"https://graph.example.com", "https://graph.example.com/", "https://graph.example.com/*", "https://h.example/a/..",
		"http://h.example", "https://u@h.example", "https://h.example?x", "https://h.example#x", "h.example",
		"https://*.example.com", "https://*.example.com/", "https://*.example.com/*", "https://*.example.com:8443", "wss://h.example/x",
	} {
		for _, f := range connecting(t, entry).Check() {
			assert.Empty(t, f.Fix, "%s: %s", entry, f)
		}
	}
	for _, entry := range []string{"https://*.example.io", "https://*.example.io/*"} {
		for _, f := range of(t, lists{image: []string{entry}}).Check() {
			assert.Empty(t, f.Fix, "%s: %s", entry, f)
		}
	}
	for _, entry := range []string{"https://h.example", "https://h.example/", "https://h.example#a", "http://h.example", "myapp://h.example/x"} {
		for _, f := range of(t, lists{redirects: []string{entry}}).Check() {
			assert.Empty(t, f.Fix, "%s: %s", entry, f)
		}
	}
}

func TestStripesHostsAreFoundHoweverTheyAreWritten(t *testing.T) {
	assert.NotEmpty(t, connecting(t, "https://*.stripe.com/v1/").Check())
	assert.Error(t, connecting(t, "https://api.stripe.com./v1/x").Check().Err())
}
