package manifest_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

func TestAliasesOfLongStrings(t *testing.T) { // 206 MB for 2,000; one MiB of YAML asks for 20 GB
	s := "a: &a http://h.example/" + strings.Repeat("x", 100_000) + "\nui_extension: {content_security_policy: {connect-src: [" + strings.Repeat("*a, ", 2000) + "*a]}}\n"
	assert.Less(t, allocated(func() { _, _ = manifest.LoadFS(files("stripe-app.yaml", s), "stripe-app.yaml") }), uint64(64<<20))
}

func TestWildcardBeforeTheEnd(t *testing.T) {
	assert.Error(t, connecting(t, "https://h.example/api/{id}/").RoutesCovered("https://h.example", "GET /api/{id}/{$}"))
	assert.NotContains(t, fmt.Sprint(connecting(t).RoutesCovered("https://h.example", "GET /api/{id}/{$}")), `add "https://h.example/api/{id}/"`)
}

func TestHostOfAPatternIsForAnyPort(t *testing.T) {
	assert.Error(t, connecting(t, "https://h.example/api/").RoutesCovered("https://h.example:8443", "h.example/api/"))
	assert.NoError(t, connecting(t, "https://h.example:8443/api/").RoutesCovered("https://h.example:8443", "h.example/api/"))
}

func TestPatternsThatServeMuxRefuses(t *testing.T) {
	m := connecting(t, "https://h.example/api/", "https://h.example/api/x")
	for _, p := range []string{"/api/x{$}", "/api/{x}y", "/api/{}", "/api/{x...}/b", "{h}/api/", "/api/{x}/{x}", "GET /api/../admin", "GET /api//x", "GE(T /api/x"} {
		assert.ErrorContains(t, m.RoutesCovered("https://h.example", p), "cannot be used", p)
	}
	assert.NoError(t, m.RoutesCovered("https://h.example", "GET\t/api/x"))
	assert.Error(t, m.RoutesCovered("https://u:p@h.example", "/api/x"))
}

func TestUserinfo(t *testing.T) { // in Chromium, img "error", nothing sent; fetch of https://@h "ok"
	assert.False(t, of(t, lists{image: []string{"https://h.example/x"}}).AllowsImage("https://u:p@h.example/x").Allowed)
	assert.True(t, connecting(t, "https://h.example/x").AllowsConnect("https://@h.example/x").Allowed)
	assert.True(t, connecting(t, "https://h.example/x").AllowsConnect("https://:@h.example/x").Allowed)
}

func TestOutsideASCII(t *testing.T) {
	for _, s := range []string{"https://h.example/caf\u00e9", "https://h.example/a\x01b", "https://h.example/a\x7fb", "https://h.example/a\fb"} {
		m := connecting(t, s)
		assert.Error(t, m.Check().Err(), "%q", s)
		assert.False(t, m.AllowsConnect(s).Allowed, "%q", s)
	}
}

// A Fix leaves no error, and brings no finding of its own.
func TestFixes(t *testing.T) {
	for s, want := range map[string]string{
		"https://h.example/*":         "https://h.example/api/",
		"https://h.example/a/..":      "https://h.example/api/",
		"https:/h.example/x":          "https://h.example/x",
		"https:h.example/x":           "https://h.example/x",
		"http://h.example:80/x":       "https://h.example/x",
		"http://h.example:443/x":      "https://h.example/x",
		"http://h.example":            "https://h.example/api/",
		"https://u@h.example":         "https://h.example/api/",
		"https://h.example?x":         "https://h.example/api/",
		"https://*.example.com:8443":  "https://*.example.com:8443/api/",
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
	for _, s := range []string{"https://h.example#a", "https://h.example/#a", "https://u@h.example/", "http://h.example", "http://h.example:80/x"} {
		for _, f := range of(t, lists{redirects: []string{s}}).Check() {
			assert.NoError(t, of(t, lists{redirects: []string{f.Fix}}).Check().Err(), s)
			assert.NotContains(t, f.Fix, ":80", s)
		}
	}
}

// What a Reason says to add is what Check takes, and allows the URL.
func TestAdvice(t *testing.T) {
	for _, u := range []string{"https://h.example/refunds", "https://api.stripe.com/v1/charges", "http://h.example/x/y", "https://h.example/a;b/c", "https://h.example/a b/c", "wss://h.example/x/y", "https://[::1]/x/y", "https://a_b.example/x/y", "https://h.example/x/*"} {
		reason := connecting(t).AllowsConnect(u).Reason
		for i, part := range strings.Split(reason, `"`) {
			if i%2 == 1 {
				m := connecting(t, part)
				assert.NoError(t, m.Check().Err(), "%s: %s", u, reason)
				assert.True(t, m.AllowsConnect(u).Allowed, "%s: %s", u, reason)
			}
		}
	}
}

func TestStripeHosts(t *testing.T) {
	assert.NotEmpty(t, connecting(t, "https://*.stripe.com/v1/").Check())
	assert.Error(t, connecting(t, "https://api.stripe.com./v1/x").Check().Err())
}

func TestPurposeOfNoFile(t *testing.T) {
	m := mustLoad(t, files("stripe-app.json", `{"ui_extension":{"content_security_policy":{"connect-src":["https://h.example/cb"]}}}`, "stripe-app.dev.json", `{"extends":"stripe-app.json"}`), "stripe-app.dev.json")
	assert.ErrorContains(t, m.Check().Err(), "purpose is missing")
}

func TestWarningsAreTheCallers(t *testing.T) { // -race
	m := connecting(t, "http://localhost:8080/v1")
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 50 {
				for i, w := range m.AllowsConnect("http://localhost:8080/v1").Warnings {
					_ = i
					w.Text = ""
				}
				v := m.AllowsConnect("http://localhost:8080/v1")
				v.Warnings[0].Text = "changed"
			}
		})
	}
	wg.Wait()
	assert.NotEqual(t, "changed", m.Check()[0].Text)
}
