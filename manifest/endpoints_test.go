package manifest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

const (
	endpointPath  = "extensions[0].endpoints[0].live.url"
	docsEndpoints = "https://docs.stripe.com/extensions/invoke-endpoints"
	ofScript      = endpointPath + ` is "https://api.example.com/hook" (stripe-app.yaml:18), which a script calls by endpointFetch`
	notCertain    = "it is below the endpoint's URL: it is not known whether a script may call more than that URL"
)

var endpointRules = []struct {
	name, url string
	found     []said
}{
	{"a path", "https://api.example.com/hook", nil},
	{"no path", "https://api.example.com", nil},
	{"a port", "https://api.example.com:8443/hook", nil},
	{"white space", `"https://api.example.com/hook "`, []said{{isError, "there is white space around the URL", "https://api.example.com/hook", docsEndpoints}}},
	{"no scheme", "api.example.com/hook", []said{{isError, "this is no absolute URL: write https:// with a host", "", docsEndpoints}}},
	{"a wildcard", `"https://*.example.com/hook"`, []said{{isWarning, "an endpoint is one URL: no wildcard is known for it", "", docsEndpoints}}},
	{"loopback", "http://localhost:4241/hook", []said{{isWarning, "a loopback host: scripts run on Stripe's servers, which cannot reach it", "", docsEndpoints}}},
	{"plain http", "http://api.example.com/hook", []said{{isWarning, "plain http, and Stripe's documents have https only", "https://api.example.com/hook", docsEndpoints}}},
	{"another scheme", "wss://api.example.com/hook", []said{{isError, "an endpoint of the type custom_http is an https URL", "", docsEndpoints}}},
}

func TestRulesOfEndpoints(t *testing.T) {
	for _, test := range endpointRules {
		t.Run(test.name, func(t *testing.T) {
			var want manifest.Findings
			for _, s := range test.found {
				want = append(want, manifest.Finding{Severity: s.severity, File: "stripe-app.yaml", Line: 18, Column: 16, Path: endpointPath, Text: s.text, Fix: s.fix, Source: s.source})
			}
			text := change(t, withEndpoints, "https://api.example.com/hook", test.url)
			assert.Equal(t, want, mustLoad(t, files("stripe-app.yaml", text), "stripe-app.yaml").Check())
		})
	}
}

func TestVerdictsOnEndpoints(t *testing.T) {
	m := mustLoad(t, files("stripe-app.yaml", withEndpoints), "stripe-app.yaml")
	v := m.AllowsConnect("https://api.example.com/hook?a=b")
	assert.Equal(t, manifest.Verdict{Allowed: true, Entry: "https://api.example.com/hook", Reason: ofScript, Warnings: manifest.Findings{}}, v)

	v = m.AllowsConnect("https://api.example.com/hook/1")
	assert.True(t, v.Allowed)
	if assert.Len(t, v.Warnings, 1) {
		assert.Equal(t, notCertain, v.Warnings[0].Text)
	}
	for _, url := range []string{"https://api.example.com/hooks", "https://api.example.com/", "https://api.example.com:8443/hook", "http://api.example.com/hook"} {
		assert.False(t, m.AllowsConnect(url).Allowed, url)
	}
	assert.False(t, m.AllowsImage("https://api.example.com/hook").Allowed)

	sandbox := mustLoad(t, files("stripe-app.yaml", change(t, withEndpoints, "live:", "managed_sandbox:")), "stripe-app.yaml")
	assert.Contains(t, sandbox.AllowsConnect("https://api.example.com/hook").Reason, "endpoints[0].managed_sandbox.url")

	refused := mustLoad(t, files("stripe-app.yaml", change(t, withEndpoints, "https://api.example.com/hook", "wss://api.example.com/hook")), "stripe-app.yaml")
	assert.False(t, refused.AllowsConnect("wss://api.example.com/hook").Allowed)
}

// Of several endpoints, the verdict is that of the one that says most.
func TestTheNearestEndpointIsNamed(t *testing.T) {
	with := func(url string) *manifest.Manifest {
		another := "endpoints:\n      - {id: another, type: custom_http, live: {url: " + url + "}}"
		return mustLoad(t, files("stripe-app.yaml", change(t, withEndpoints, "endpoints:", another)), "stripe-app.yaml")
	}
	const host = "https://api.example.com"
	v := with(host).AllowsConnect(host + "/hook")
	assert.Equal(t, host+"/hook", v.Entry, "its own")
	v = with(host).AllowsConnect(host + "/hook/a/1")
	assert.Equal(t, host, v.Entry, "that of its host, which is certain")
	assert.Empty(t, v.Warnings)
	v = with(host + "/hook/a").AllowsConnect(host + "/hook/a/1")
	assert.Equal(t, host+"/hook/a", v.Entry, "the nearest one above")
	v = with(host + "/hook/a").AllowsConnect(host + "/hook/b")
	assert.Equal(t, host+"/hook", v.Entry)
}

// A script is no user interface: what the one may call, the other may not.
func TestEndpointsAreNotForTheUserInterface(t *testing.T) {
	text := withEndpoints + `ui_extension:
  views: [{viewport: settings, component: Settings}]
  content_security_policy:
    connect-src: [https://api.example.com/v1/]
    purpose: to refund
`
	m := mustLoad(t, files("stripe-app.yaml", text), "stripe-app.yaml")
	v := m.AllowsConnect("https://api.example.com/hook")
	assert.True(t, v.Allowed)
	if assert.Len(t, v.Warnings, 1) {
		assert.Equal(t, "connect-src does not allow it: the script may call it, and the user interface may not", v.Warnings[0].Text)
	}
	assert.Equal(t, "https://api.example.com/v1/", m.AllowsConnect("https://api.example.com/v1/x").Entry)

	both := mustLoad(t, files("stripe-app.yaml", strings.Replace(text, "https://api.example.com/v1/", "https://api.example.com/hook", 1)), "stripe-app.yaml")
	assert.Empty(t, both.AllowsConnect("https://api.example.com/hook").Warnings)
}

func TestRoutesOfEndpointsAreCovered(t *testing.T) {
	m := mustLoad(t, files("stripe-app.yaml", withEndpoints), "stripe-app.yaml")
	assert.NoError(t, m.RoutesCovered("https://api.example.com", "POST /hook"))
	const uncovered = "manifest: connect-src does not cover "
	assert.EqualError(t, m.RoutesCovered("https://api.example.com", "POST /hook/a"), uncovered+`"POST /hook/a": `+ofScript+", but "+notCertain)
	assert.EqualError(t, m.RoutesCovered("https://api.example.com", "POST /hook/{id}"), uncovered+`"POST /hook/{id}": `+ofScript+", but "+notCertain)
	assert.ErrorContains(t, m.RoutesCovered("https://api.example.com", "POST /other/{id}"), `add "https://api.example.com/other/"`)

	folder := mustLoad(t, files("stripe-app.yaml", change(t, withEndpoints, "example.com/hook", "example.com/hook/")), "stripe-app.yaml")
	assert.NoError(t, folder.RoutesCovered("https://api.example.com", "POST /hook/{$}"))
	assert.ErrorContains(t, folder.RoutesCovered("https://api.example.com", "POST /hook/{id}"), notCertain, "it is one URL")

	for _, url := range []string{"https://api.example.com", "https://api.example.com/"} { // a whole host
		m := mustLoad(t, files("stripe-app.yaml", change(t, withEndpoints, "https://api.example.com/hook", url)), "stripe-app.yaml")
		assert.NoError(t, m.RoutesCovered("https://api.example.com", "POST /hook", "GET /hook/{id}", "/"))
		assert.Empty(t, m.AllowsConnect("https://api.example.com/hook/1").Warnings)
		assert.Error(t, m.RoutesCovered("https://api.example.com:8443", "/hook"))
	}
	for _, url := range []string{"http://api.example.com/hook", `"https://*.example.com/hook"`} {
		m := mustLoad(t, files("stripe-app.yaml", change(t, withEndpoints, "https://api.example.com/hook", url)), "stripe-app.yaml")
		assert.Error(t, m.RoutesCovered("http://api.example.com", "/hook"), "what is not certain covers nothing: %s", url)
	}
}
