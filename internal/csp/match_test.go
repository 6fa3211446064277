package csp_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
)

// Chromium's own verdicts are those of manifest/testdata/matching.json.
func TestMatching(t *testing.T) {
	u := csp.URL{Scheme: "https", Host: "api.example.com", Port: 443, Path: "/v1/a b"}
	with := func(change func(*csp.URL)) csp.URL {
		u := u
		change(&u)
		return u
	}
	plain := with(func(u *csp.URL) { u.Scheme, u.Port = "http", 80 })
	socket := with(func(u *csp.URL) { u.Scheme = "wss" })
	other := with(func(u *csp.URL) { u.Port = 8443 })
	data := csp.URL{Scheme: "data"}
	for _, test := range []struct {
		source  string
		matches []csp.URL
		not     []csp.URL
	}{
		{"*", []csp.URL{u, plain, socket, other}, []csp.URL{data}},
		{"*:443", []csp.URL{u}, []csp.URL{plain, socket, other, data}},
		{"https:", []csp.URL{u, other}, []csp.URL{plain, socket, data}},
		{"http:", []csp.URL{u, other, plain}, []csp.URL{socket, data}},
		{"ws:", []csp.URL{socket}, []csp.URL{u, data}},
		{"data:", []csp.URL{data}, []csp.URL{u}},
		{"api.example.com", []csp.URL{u}, []csp.URL{plain, socket, other, data}},
		{"*.example.com", []csp.URL{u}, []csp.URL{with(func(u *csp.URL) { u.Host = "example.com" }), other}},
		{"example.com", nil, []csp.URL{u}},
		{"http://api.example.com", []csp.URL{u, plain}, []csp.URL{socket, other}},
		{"http://api.example.com:80", []csp.URL{u, plain}, []csp.URL{other}},
		{"http://api.example.com:8443", nil, []csp.URL{u, plain, other}},
		{"https://api.example.com:8443", []csp.URL{other}, []csp.URL{u}},
		{"https://api.example.com:*", []csp.URL{u, other}, []csp.URL{plain}},
		{"api.example.com/", nil, []csp.URL{socket}},
		{"api.example.com/v1/", []csp.URL{u}, nil},
		{"api.example.com/v1", nil, []csp.URL{u}},
		{"api.example.com/v1%2Fa%20b?query", []csp.URL{u}, nil},
		{"api.example.com/V1/a%20b", nil, []csp.URL{u}},
		{"'self'", nil, []csp.URL{u}},
		{"api.example.com:65536", nil, []csp.URL{u}},
	} {
		for _, u := range test.matches {
			assert.True(t, csp.Parse(test.source).Matches(u), "%s: %v", test.source, u)
		}
		for _, u := range test.not {
			assert.False(t, csp.Parse(test.source).Matches(u), "%s: %v", test.source, u)
		}
	}
}

func TestPathsAreDecoded(t *testing.T) {
	for path, want := range map[string]string{
		"/a": "/a", "/%61": "/a", "/%2f%2F": "///", "/%": "/%", "/%4": "/%4", "/%zz": "/%zz", "/%+1": "/%+1", "/%c3%a9": "/é", "/%e9": "/é", "/%e9é": "/éÃ©",
	} {
		assert.Equal(t, want, csp.Decode(path), path)
	}
}

func TestURLsAreCutAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string][3]string{
		"https://a:1/b?c#d": {"https", "a:1", "/b?c#d"},
		"https://a?b":       {"https", "a", "?b"},
		"HTTPS://":          {"HTTPS", "", ""},
		"a/b":               {"a/b", "", ""},
		"https:/a":          {"https:/a", "", ""},
	} {
		scheme, authority, path, hasScheme := csp.SplitURL(text)
		assert.Equal(t, want, [3]string{scheme, authority, path}, text)
		assert.Equal(t, scheme != text, hasScheme, text)
	}
}
