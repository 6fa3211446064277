package csp_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
)

func TestEachDirectiveTakesWordsOfItsOwn(t *testing.T) {
	for name, words := range map[string]map[string]csp.Fault{
		"img-src": {
			"": csp.Empty, "a b": csp.BadCharacter, "a;": csp.BadCharacter, "a,": csp.BadCharacter, "é": csp.BadCharacter, "\x7f": csp.BadCharacter,
			"'self'": csp.OK, "'none'": csp.OK, "data:": csp.OK, "'nonce'": csp.WordForURL, "'unsafe-inline'": csp.WordForURL,
			"'nonce-a'": csp.FixedNonce, "self": csp.MisspelledKeyword, "'sha256-a'": csp.MalformedHash, "'a'": csp.UnknownKeyword,
			"https": csp.SchemeWithoutColon, "filesystem": csp.SchemeWithoutColon, "https/a": csp.OK, "https.": csp.MalformedSource,
			"https:443": csp.SchemeAsHost, "blob:*": csp.SchemeAsHost, "filesystem:8080": csp.OK, "javascript:": csp.JavaScriptURL, "JavaScript:443": csp.JavaScriptURL, "javascript.example": csp.OK, "a:0": csp.PortOutOfRange, "a:65536": csp.PortOutOfRange,
		},
		"script-src":                {"'nonce'": csp.OK, "'unsafe-inline'": csp.OK, "a/?b": csp.MalformedSource},
		"script-src-attr":           {"'nonce'": csp.NonceOfAttribute, "'unsafe-inline'": csp.OK},
		"sandbox":                   {"allow-scripts": csp.OK, "'allow-scripts'": csp.UnknownToken},
		"webrtc":                    {"'block'": csp.OK, "block": csp.UnknownToken},
		"require-trusted-types-for": {"'script'": csp.OK, "'style'": csp.UnknownToken},
		"trusted-types":             {"*": csp.OK, "'none'": csp.OK, "'allow-duplicates'": csp.OK, "a-Z0#=_/@.%": csp.OK, "'a'": csp.MalformedPolicyName},
		"report-to":                 {"csp-endpoint": csp.OK, "*_.9": csp.OK, "9": csp.MalformedEndpoint, "A": csp.MalformedEndpoint},
		"report-uri":                {"/a": csp.OK, "https://[::1]:80/a?b": csp.OK, "a": csp.MalformedReportURL, "/a#b": csp.MalformedReportURL, `/"`: csp.ReportURLCharacter},
		"upgrade-insecure-requests": {"1": csp.OK}, // it is one too many
	} {
		directive, known := csp.Lookup(name)
		assert.True(t, known, name)
		for word, want := range words {
			assert.Equal(t, want, directive.Check(word), "%s %q", name, word)
		}
	}
	for _, name := range []string{"", "Img-Src", "block-all-mixed-content", "plugin-types", "referrer"} {
		_, known := csp.Lookup(name)
		assert.False(t, known, name)
	}
}
