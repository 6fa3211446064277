package csp_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
)

func TestSourcesAreTakenApart(t *testing.T) {
	hash := func(algorithm string, length int) string {
		return "'" + algorithm + "-" + strings.Repeat("a", length) + "'"
	}
	for text, want := range map[string]csp.Source{
		"'self'":             {Kind: csp.Keyword},
		"'strict-dynamic'":   {Kind: csp.Keyword},
		"'nonce'":            {Kind: csp.Nonce},
		"'nonce-YWJj+/-_=='": {Kind: csp.Nonce},
		hash("sha256", 43):   {Kind: csp.Hash},
		hash("sha384", 64):   {Kind: csp.Hash},
		hash("sha512", 86):   {Kind: csp.Hash},

		"data:":         {Kind: csp.Scheme, Scheme: "data"},
		"WSS:":          {Kind: csp.Scheme, Scheme: "wss"},
		"example.com:":  {Kind: csp.Scheme, Scheme: "example.com"},
		"a+b-1.0:":      {Kind: csp.Scheme, Scheme: "a+b-1.0"},
		"*":             {Kind: csp.Host, AnyHost: true},
		"https://*:*/a": {Kind: csp.Host, Scheme: "https", AnyHost: true, AnyPort: true, Path: "/a"},
		"self":          {Kind: csp.Host, Host: "self"},
		"Example.COM":   {Kind: csp.Host, Host: "example.com"},
		"example.com.":  {Kind: csp.Host, Host: "example.com."},
		"HTTPS://*.Example.com:8443/A/%20/": {
			Kind: csp.Host, Scheme: "https", Subdomains: true, Host: "example.com", HasPort: true, Port: 8443, Path: "/A/%20/",
		},
		"a:0":           {Kind: csp.Host, Host: "a", HasPort: true},
		"a:00080":       {Kind: csp.Host, Host: "a", HasPort: true, Port: 80},
		"a:65535":       {Kind: csp.Host, Host: "a", HasPort: true, Port: 65535},
		"a/b://c":       {Kind: csp.Host, Host: "a", Path: "/b://c"},
		"a//é\\[":       {Kind: csp.Host, Host: "a", Path: "//é\\["},
		"a/b?c#d":       {Kind: csp.Host, Host: "a", Path: "/b", Query: "?c#d"},
		"https://a/#?b": {Kind: csp.Host, Scheme: "https", Host: "a", Path: "/", Query: "#?b"},
	} {
		assert.Equal(t, want, csp.Parse(text), text)
	}
}

func TestWhatBrowsersIgnoreIsInvalid(t *testing.T) {
	for want, texts := range map[csp.Fault][]string{
		csp.UnknownKeyword: {"'", "''", "'unsafe'", "'Self'", "'self", "'nonce-'", "'nonce-a b'", "'sha256-abc'", "'sha1-YWJj'"},
		csp.MalformedSource: {
			"", ":", "/", "://a", "1a:", "a_b://c", "https://", "https:/a", "https:a", "//a", "a..b", ".a", "a_b", "é", "[::1]", "user@a",
			"*.", "*.*.a", "a.*", "*a", "**", "a:80:80", "a:-1", "a:8o", "a:080080", "a:/", "a?b", "a#b", "*?b", "*:443?/b", "wss://*?b#c",
		},
		csp.PortOutOfRange: {"a:65536", "https://*.a:99999/b"},
	} {
		for _, text := range texts {
			source := csp.Parse(text)
			assert.Equal(t, csp.Invalid, source.Kind, "%q", text)
			assert.Equal(t, want, source.Fault, "%q", text)
		}
	}
}

// The grammar of CSP3 §2.3.1 as regular expressions, with the path of RFC 3986
// §3.3.
var (
	schemeSource = regexp.MustCompile(`\A[A-Za-z][A-Za-z0-9+.-]*:\z`)
	hostSource   = regexp.MustCompile(`\A(?:[A-Za-z][A-Za-z0-9+.-]*://)?` +
		`(?:\*|(?:\*\.)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)` +
		`(?::(?:[0-9]{1,5}|\*))?` +
		`(?:/(?:` + pathChar + `+(?:/` + pathChar + `*)*)?)?\z`)
	hashSource = regexp.MustCompile(`\A'(?:sha256-[A-Za-z0-9+/_-]{43}=?|sha384-[A-Za-z0-9+/_-]{64}|sha512-[A-Za-z0-9+/_-]{86}(?:==)?)'\z`)
)

const pathChar = `(?:[A-Za-z0-9._~!$&'()*+=:@-]|%[0-9A-Fa-f]{2})`

// FuzzCheckSource holds the checks against the grammar: what is right is in it, and
// what is in it is refused only for what it is not meant to be.
func FuzzCheckSource(f *testing.F) {
	for _, word := range []string{
		"*", "data:", "https://*.example.com:8443/a//b/%20", "a:65535", "a:65536", "a:0", "a.", "a..b", "https:443", "https", "filesystem:80",
		"a/é", "a/%2", "a?b", "a//b", "'self'", "self", "'nonce'", "'nonce-a'", "nonce-a", "nonce-a.b", "sha256-a", "'sha1-a'", "*.*",
		"'sha256-" + strings.Repeat("a", 43) + "='", "'sha384-" + strings.Repeat("-", 64) + "'", "'sha512-" + strings.Repeat("/", 86) + "=='",
	} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		fault := csp.CheckSource(word)
		isURL := schemeSource.MatchString(word) || hostSource.MatchString(word)
		inGrammar := isURL || hashSource.MatchString(word) || csp.Parse(word).Kind == csp.Keyword || word == "'nonce'"
		switch fault {
		case csp.OK:
			if !inGrammar {
				t.Fatalf("%q is not in the grammar", word)
			}
			if isURL && csp.Parse(word).Kind != csp.Host && csp.Parse(word).Kind != csp.Scheme {
				t.Fatalf("%q is right, but browsers ignore it", word)
			}
		case csp.MalformedSource, csp.UnknownKeyword:
			if inGrammar {
				t.Fatalf("%q is in the grammar: %v", word, fault)
			}
		}
	})
}
