package stripeapps_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

const (
	enforcedHeader   = "Content-Security-Policy"
	reportOnlyHeader = "Content-Security-Policy-Report-Only"

	testNonce = "dGVzdC1ub25jZS0xMjM0NQ"
)

func fixedNonce() string { return testNonce }

func newCSP(tb testing.TB, cfg stripeapps.CSPConfig) stripeapps.Middleware {
	tb.Helper()
	middleware, err := stripeapps.NewCSP(cfg)
	require.NoError(tb, err)
	return middleware
}

// directive makes a Directive in one line.
func directive(name string, sources ...string) stripeapps.Directive {
	return stripeapps.Directive{Name: name, Sources: sources}
}

// headersOf returns the headers of the response of handler to a GET.
func headersOf(handler http.Handler) http.Header {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w.Header()
}

var nothing = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

var presets = map[string]func() stripeapps.Policy{
	"APIPolicy":     stripeapps.APIPolicy,
	"PagePolicy":    stripeapps.PagePolicy,
	"ConsentPolicy": stripeapps.ConsentPolicy,
}

func TestPresetsAreSentAsDocumented(t *testing.T) {
	golden := map[string]string{
		"APIPolicy":     "default-src 'none'; frame-ancestors 'none'",
		"PagePolicy":    "default-src 'none'; script-src 'nonce-dGVzdC1ub25jZS0xMjM0NQ' 'strict-dynamic'; style-src 'nonce-dGVzdC1ub25jZS0xMjM0NQ'; img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
		"ConsentPolicy": "default-src 'none'; style-src 'nonce-dGVzdC1ub25jZS0xMjM0NQ'; img-src 'self' data:; base-uri 'none'; form-action 'self' https://dashboard.stripe.com; frame-ancestors 'none'",
	}
	require.Len(t, presets, len(golden))
	for name, preset := range presets {
		t.Run(name, func(t *testing.T) {
			middleware := newCSP(t, stripeapps.CSPConfig{Policy: preset(), NewNonce: fixedNonce})
			assert.Equal(t, http.Header{enforcedHeader: {golden[name]}}, headersOf(middleware(nothing)))
			assert.Equal(t, golden[name], strings.ReplaceAll(preset().String(), "'nonce'", "'nonce-"+testNonce+"'"))

			changed := preset()
			changed[0].Sources[0] = "changed"
			assert.NotEqual(t, changed, preset(), "each call returns a policy of its own")
		})
	}
}

// The presets, for testdata/cspcheck.
func TestPresetsForCSPEvaluator(t *testing.T) {
	file := os.Getenv("CSP_PRESETS_JSON")
	if file == "" {
		t.Skip("CSP_PRESETS_JSON names no file to write the presets to")
	}
	sent := map[string]string{}
	for name, preset := range presets {
		middleware := newCSP(t, stripeapps.CSPConfig{Policy: preset()})
		sent[name] = headersOf(middleware(nothing)).Get(enforcedHeader)
	}
	document, err := json.MarshalIndent(sent, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, append(document, '\n'), 0o600))
}

func TestPoliciesAreSentAsConfigured(t *testing.T) {
	const reportTo = "; report-uri /csp-reports; report-to csp-endpoint"
	for _, test := range []struct {
		name string
		cfg  stripeapps.CSPConfig
		want http.Header
	}{
		{"the zero value sends APIPolicy", stripeapps.CSPConfig{}, http.Header{
			enforcedHeader: {"default-src 'none'; frame-ancestors 'none'"},
		}},
		{"directives without a value", stripeapps.CSPConfig{Policy: stripeapps.Policy{
			directive("sandbox"), directive("upgrade-insecure-requests"),
		}}, http.Header{
			enforcedHeader: {"sandbox; upgrade-insecure-requests"},
		}},
		{"in the given order", stripeapps.CSPConfig{Policy: stripeapps.Policy{
			directive("style-src", stripeapps.CSPNonce, "b.example"), directive("script-src", "a.example", stripeapps.CSPNonce, stripeapps.CSPReportSample),
		}}, http.Header{
			enforcedHeader: {"style-src 'nonce-dGVzdC1ub25jZS0xMjM0NQ' b.example; script-src a.example 'nonce-dGVzdC1ub25jZS0xMjM0NQ' 'report-sample'"},
		}},
		{"ReportOnly does not replace Policy", stripeapps.CSPConfig{ReportOnly: stripeapps.Policy{
			directive("script-src", stripeapps.CSPNonce),
		}}, http.Header{
			enforcedHeader:   {"default-src 'none'; frame-ancestors 'none'"},
			reportOnlyHeader: {"script-src 'nonce-dGVzdC1ub25jZS0xMjM0NQ'"},
		}},
		{"both share a nonce", stripeapps.CSPConfig{
			Policy:     stripeapps.Policy{directive("script-src", stripeapps.CSPNonce, stripeapps.CSPSelf)},
			ReportOnly: stripeapps.Policy{directive("script-src", stripeapps.CSPNonce)},
		}, http.Header{
			enforcedHeader:   {"script-src 'nonce-dGVzdC1ub25jZS0xMjM0NQ' 'self'"},
			reportOnlyHeader: {"script-src 'nonce-dGVzdC1ub25jZS0xMjM0NQ'"},
		}},
		{"only the enforced one has a nonce", stripeapps.CSPConfig{
			Policy:     stripeapps.Policy{directive("script-src", stripeapps.CSPNonce)},
			ReportOnly: stripeapps.APIPolicy(),
		}, http.Header{
			enforcedHeader:   {"script-src 'nonce-dGVzdC1ub25jZS0xMjM0NQ'"},
			reportOnlyHeader: {"default-src 'none'; frame-ancestors 'none'"},
		}},
		{"both report", stripeapps.CSPConfig{
			ReportOnly: stripeapps.Policy{directive("script-src", stripeapps.CSPNonce)},
			ReportURL:  "/csp-reports",
		}, http.Header{
			enforcedHeader:        {"default-src 'none'; frame-ancestors 'none'" + reportTo},
			reportOnlyHeader:      {"script-src 'nonce-dGVzdC1ub25jZS0xMjM0NQ'" + reportTo},
			"Reporting-Endpoints": {`csp-endpoint="/csp-reports"`},
		}},
		{"what looks like a format or the placeholder is sent as it is", stripeapps.CSPConfig{
			Policy:    stripeapps.Policy{directive("img-src", "https://img.example/%20%73/'nonce'"), directive("style-src", stripeapps.CSPNonce)},
			ReportURL: "https://example.com/csp?q=%20x&d=%d$NONCE{{nonce}}",
		}, http.Header{
			enforcedHeader:        {"img-src https://img.example/%20%73/'nonce'; style-src 'nonce-dGVzdC1ub25jZS0xMjM0NQ'; report-uri https://example.com/csp?q=%20x&d=%d$NONCE{{nonce}}; report-to csp-endpoint"},
			"Reporting-Endpoints": {`csp-endpoint="https://example.com/csp?q=%20x&d=%d$NONCE{{nonce}}"`},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.cfg.NewNonce = fixedNonce
			handler := newCSP(t, test.cfg)(nothing)
			for range 2 {
				assert.Equal(t, test.want, headersOf(handler))
			}
		})
	}
}

func TestTheConfigurationIsCopied(t *testing.T) {
	policy := make(stripeapps.Policy, 2, 8)
	copy(policy, stripeapps.APIPolicy())
	handler := newCSP(t, stripeapps.CSPConfig{Policy: policy, ReportOnly: policy, ReportURL: "/r"})(nothing)
	before := headersOf(handler)
	policy[0].Name, policy[1].Sources[0] = "img-src", "*"
	assert.Empty(t, policy[:3][2], "nothing is appended to the caller's own")
	assert.Equal(t, before, headersOf(handler))
}

func TestHeadersAreAddedAndNeverReplaced(t *testing.T) {
	const api, own, more = "default-src 'none'; frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'"
	outside := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(enforcedHeader, own)
			w.Header().Set(reportOnlyHeader, own)
			w.Header().Set("Reporting-Endpoints", `own="/own"`)
			next.ServeHTTP(w, r)
		})
	}
	middleware := newCSP(t, stripeapps.CSPConfig{ReportOnly: stripeapps.APIPolicy(), ReportURL: "/r"})
	handler := outside(middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add(enforcedHeader, more)
		w.WriteHeader(http.StatusTeapot)
	})))
	const reported = api + "; report-uri /r; report-to csp-endpoint"
	assert.Equal(t, http.Header{
		enforcedHeader:        {own, reported, more},
		reportOnlyHeader:      {own, reported},
		"Reporting-Endpoints": {`own="/own"`, `csp-endpoint="/r"`},
	}, headersOf(handler))
}

// Like rs/cors#198, where a handler's change reached the responses after it.
func TestHeaderSlicesAreNotShared(t *testing.T) {
	handler := newCSP(t, stripeapps.CSPConfig{ReportOnly: stripeapps.APIPolicy(), ReportURL: "/r"})(nothing)
	first := headersOf(handler)
	want := first.Clone()
	for _, values := range first {
		values[0] = "changed"
	}
	assert.Equal(t, want, headersOf(handler))
}

func TestTheHeadersAreOnEveryResponse(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"a refusal": func(w http.ResponseWriter, r *http.Request) {
			stripeapps.WriteProblem(w, r, stripeapps.ErrNotSigned)
		},
		"not found":          http.NotFound,
		"without a body":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"of http.Error":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusInternalServerError) },
		"flushed by handler": func(w http.ResponseWriter, _ *http.Request) { http.NewResponseController(w).Flush() },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(newCSP(t, stripeapps.CSPConfig{})(handler))
			defer server.Close()
			response, err := http.Get(server.URL)
			require.NoError(t, err)
			defer response.Body.Close()
			assert.Equal(t, []string{"default-src 'none'; frame-ancestors 'none'"}, response.Header.Values(enforcedHeader))
		})
	}
}

func TestAHandlerCannotTakeThePolicyAway(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"and writes nothing": func(w http.ResponseWriter, _ *http.Request) { clear(w.Header()) },
		"and a status":       func(w http.ResponseWriter, _ *http.Request) { clear(w.Header()); w.WriteHeader(http.StatusNoContent) },
	} {
		assert.Equal(t, http.Header{
			enforcedHeader:        {"default-src 'none'; frame-ancestors 'none'; report-uri /r; report-to csp-endpoint"},
			"Reporting-Endpoints": {`csp-endpoint="/r"`},
		}, headersOf(newCSP(t, stripeapps.CSPConfig{ReportURL: "/r"})(handler)), name)
	}
}

// nonceIn finds the nonce in a policy that was sent.
func nonceIn(t *testing.T, header http.Header) string {
	t.Helper()
	match := regexp.MustCompile(`'nonce-([A-Za-z0-9_-]*)'`).FindStringSubmatch(header.Get(enforcedHeader))
	require.NotNil(t, match)
	return match[1]
}

func TestEveryResponseHasANonceOfItsOwn(t *testing.T) {
	middleware := newCSP(t, stripeapps.CSPConfig{Policy: stripeapps.PagePolicy(), ReportOnly: stripeapps.PagePolicy()})
	handler := middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, stripeapps.NonceFrom(r.Context()))
	}))
	var lock sync.Mutex
	seen := map[string]bool{}
	var requests sync.WaitGroup
	for range 8 {
		requests.Go(func() {
			for range 50 {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
				nonce := nonceIn(t, w.Header())
				assert.GreaterOrEqual(t, len(nonce), 22)
				assert.Equal(t, nonce, w.Body.String(), "the page's nonce is the header's")
				assert.Equal(t, w.Header().Get(enforcedHeader), w.Header().Get(reportOnlyHeader), "and both policies'")
				lock.Lock()
				assert.False(t, seen[nonce], "and no other response's")
				seen[nonce] = true
				lock.Unlock()
			}
		})
	}
	requests.Wait()
	assert.Len(t, seen, 400)
}

func TestTheNonceIsMadeOnceAndOnlyWhereItIsUsed(t *testing.T) {
	var made int
	newNonce := func() string { made++; return fmt.Sprintf("nonce-number-%09d", made) }
	page := newCSP(t, stripeapps.CSPConfig{Policy: stripeapps.PagePolicy(), ReportOnly: stripeapps.ConsentPolicy(), NewNonce: newNonce})
	api := newCSP(t, stripeapps.CSPConfig{NewNonce: newNonce})
	made = 0 // NewCSP has tried one
	show := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Nonce", stripeapps.NonceFrom(r.Context()))
	})

	assert.Empty(t, headersOf(api(show)).Get("X-Nonce"))
	assert.Zero(t, made, "no policy has CSPNonce")

	assert.Equal(t, "nonce-number-000000001", headersOf(page(show)).Get("X-Nonce"))
	assert.Equal(t, 1, made, "both policies have it")

	header := headersOf(page(page(show)))
	assert.Equal(t, "nonce-number-000000002", header.Get("X-Nonce"))
	assert.Equal(t, 2, made, "one inside another uses the same")
	assert.Len(t, header.Values(enforcedHeader), 2)
	assert.Equal(t, header.Values(enforcedHeader)[0], header.Values(enforcedHeader)[1])

	assert.Empty(t, stripeapps.NonceFrom(t.Context()))
	assert.Equal(t, "test", stripeapps.NonceFrom(stripeapps.ContextWithNonce(t.Context(), "test")))
}

// assertAnotherNonce checks that the page has a fresh nonce, and its policy the same,
// and that the log says why.
func assertAnotherNonce(t *testing.T, middleware stripeapps.Middleware, r *http.Request, logs string) {
	t.Helper()
	seen := map[string]bool{testNonce: true}
	for range 2 {
		r, logged := withServer(r)
		w := httptest.NewRecorder()
		middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, stripeapps.NonceFrom(r.Context()))
		})).ServeHTTP(w, r)
		nonce := nonceIn(t, w.Header())
		assert.Equal(t, http.StatusOK, w.Code)
		assert.Equal(t, nonce, w.Body.String())
		assert.Len(t, nonce, 22)
		assert.False(t, seen[nonce], "it is fresh")
		seen[nonce] = true
		want := strings.ReplaceAll(stripeapps.PagePolicy().String(), "'nonce'", "'nonce-"+nonce+"'")
		assert.Equal(t, []string{want}, w.Header()[enforcedHeader])
		assert.Contains(t, logged.String(), logs)
	}
}

func TestABadNonceIsNeverSent(t *testing.T) {
	for name, nonce := range map[string]string{
		"none":                 "",
		"too short":            testNonce[1:],
		"too long":             strings.Repeat("a", 129),
		"a second directive":   "aaaaaaaaaaaaaaaaaaaaaaaa'; script-src *; x '",
		"a second policy":      "aaaaaaaaaaaaaaaaaaaaaaaa',script-src *",
		"a line break":         "aaaaaaaaaaaaaaaaaaaaaaaa\r\nSet-Cookie: a=b",
		"a quote":              "aaaaaaaaaaaaaaaaaaaaaaaa'",
		"standard base64":      "aaaaaaaaaaaaaaaaaaaaaa+/",
		"padding":              "aaaaaaaaaaaaaaaaaaaaaa==",
		"not ASCII":            "aaaaaaaaaaaaaaaaaaaaaaaaä",
		"invalid UTF-8":        "aaaaaaaaaaaaaaaaaaaaaaaa\xff",
		"something for a page": `aaaaaaaaaaaaaaaaaaaaaaaa"><script>`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: stripeapps.PagePolicy(), NewNonce: func() string { return nonce }})
			require.ErrorContains(t, err, "CSP.NewNonce returns what is not a nonce")

			for from, r := range map[string]*http.Request{
				"NewNonce":  httptest.NewRequest(http.MethodGet, "/", nil),
				"a context": httptest.NewRequest(http.MethodGet, "/", nil).WithContext(stripeapps.ContextWithNonce(t.Context(), nonce)),
			} {
				next := testNonce // which NewCSP tries
				middleware := newCSP(t, stripeapps.CSPConfig{Policy: stripeapps.PagePolicy(), NewNonce: func() string { return next }})
				next = nonce
				if nonce == "" { // as where there is none
					from = "NewNonce"
				}
				assertAnotherNonce(t, middleware, r, from)
			}
		})
	}
	t.Run("a panic", func(t *testing.T) {
		tried := false
		middleware := newCSP(t, stripeapps.CSPConfig{Policy: stripeapps.PagePolicy(), NewNonce: func() string {
			if tried {
				panic("no entropy")
			}
			tried = true
			return testNonce
		}})
		assertAnotherNonce(t, middleware, httptest.NewRequest(http.MethodGet, "/", nil), "NewNonce panicked, and another nonce is sent: no entropy\n")
	})
	for name, nonce := range map[string]string{"the shortest": testNonce, "the longest": strings.Repeat("-_0zZ9aA", 16)} {
		t.Run(name, func(t *testing.T) {
			middleware := newCSP(t, stripeapps.CSPConfig{Policy: stripeapps.PagePolicy(), NewNonce: func() string { return nonce }})
			assert.Equal(t, nonce, nonceIn(t, headersOf(middleware(nothing))))
		})
	}
}

func TestADirectiveTwiceInARowIsReported(t *testing.T) {
	_, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: stripeapps.Policy{directive("img-src", "'self'"), directive("img-src", "data:")}})
	assert.ErrorContains(t, err, "CSP.Policy[1]: img-src is in CSP.Policy[0] already")
}

func TestNewNonceIsNotAskedWhereNoPolicyHasANonce(t *testing.T) {
	handler := newCSP(t, stripeapps.CSPConfig{NewNonce: func() string {
		t.Error("asked")
		return ""
	}})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	assert.Equal(t, "default-src 'none'; frame-ancestors 'none'", w.Header().Get(enforcedHeader))
}

func TestANonceIs16BytesInBase64URL(t *testing.T) {
	var nonce string
	newCSP(t, stripeapps.CSPConfig{Policy: stripeapps.PagePolicy()})(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		nonce = stripeapps.NonceFrom(r.Context())
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	bytes, err := base64.RawURLEncoding.DecodeString(nonce)
	assert.NoError(t, err)
	assert.Len(t, bytes, 16)
}

func TestSourcesThatAreAccepted(t *testing.T) {
	const sha256, sha384, sha512 = 43, 64, 86
	hash := func(algorithm string, length int, padding string) string {
		return "'" + algorithm + "-" + strings.Repeat("a", length) + padding + "'"
	}
	for name, sources := range map[string][]string{
		"connect-src": {
			"*", "'self'", "data:", "https:", "WSS:", "custom-scheme+1.0:",
			"example.com", "localhost", "localhost:4242", "127.0.0.1:*", "xn--tdaaaaaa.de", "EXAMPLE.com",
			"*.example.com", "*.com", "*:*", "*:443", "https://*", "https://*.example.com:8443/path/",
			"example.com/", "example.com/a/b//c.js", "https://example.com/~a!$&'()*+=:@%2C%3b-._", "nonce-cdn.example.com", "sha256-cdn.example.com",
		},
		"script-src": {
			"'strict-dynamic'", "'unsafe-inline'", "'unsafe-eval'", "'wasm-unsafe-eval'", "'unsafe-hashes'", "'report-sample'",
			"'trusted-types-eval'", "'inline-speculation-rules'", "'report-sha256'", "'report-sha384'", "'report-sha512'",
			hash("sha256", sha256, "="), hash("sha256", sha256, ""), hash("sha384", sha384, ""), hash("sha512", sha512, "=="), hash("sha512", sha512, ""),
			"'sha256-+/-_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa='", stripeapps.CSPNonce,
		},
		"script-src-elem": {stripeapps.CSPNonce}, "style-src": {stripeapps.CSPNonce}, "style-src-elem": {stripeapps.CSPNonce}, "default-src": {stripeapps.CSPNonce},
		"script-src-attr": {"'unsafe-hashes'", hash("sha256", sha256, "=")}, "style-src-attr": {"'unsafe-inline'"},
		"child-src": {"'self'"}, "fenced-frame-src": {"https:"}, "font-src": {"'self'"}, "frame-src": {"'self'"}, "img-src": {"'self'"},
		"manifest-src": {"'self'"}, "media-src": {"'self'"}, "object-src": {"'none'"}, "worker-src": {"blob:"},
		"base-uri": {"'self'"}, "form-action": {"'self'"}, "frame-ancestors": {"https://dashboard.stripe.com"},
		"sandbox": {"allow-scripts", "allow-forms", "allow-storage-access-by-user-activation"}, "webrtc": {"'block'"},
		"require-trusted-types-for": {"'script'"}, "trusted-types": {"*", "dompurify", "a#=_/@.%-Z9", "'allow-duplicates'"},
		"report-to": {"csp-endpoint"}, "report-uri": {"/a", "https://example.com", "http://localhost:4242/a?b=c", "http://[::1]:4242/a"},
	} {
		t.Run(name, func(t *testing.T) {
			newCSP(t, stripeapps.CSPConfig{Policy: stripeapps.Policy{directive(name, sources...)}})
		})
	}
}

func TestSourcesThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		want    string
		name    string
		sources []string
	}{
		{`write "'self'", in lower case and with its quotes`, "img-src", []string{"self", "SELF", "'self", "self'", "'Self'", "''self''"}},
		{`write "'none'", in lower case and with its quotes`, "img-src", []string{"none"}},
		{`write "'strict-dynamic'", in lower case and with its quotes`, "script-src", []string{"strict-dynamic"}},
		{`write "'unsafe-inline'", in lower case and with its quotes`, "script-src", []string{"unsafe-inline"}},
		{`write "'unsafe-eval'", in lower case and with its quotes`, "script-src", []string{"Unsafe-Eval"}},
		{`write "'report-sample'", in lower case and with its quotes`, "script-src", []string{"report-sample"}},
		{"use CSPNonce", "script-src", []string{"nonce-abc", "'nonce-abc'", "'nonce-" + testNonce + "'", "'NONCE-abc'", "'nonce-'", "nonce", "'nonce", "'nonce-a=='"}},
		{"is not a hash", "script-src", []string{"sha256-abc", "'sha256-abc'", "'sha256-'", "'sha384-YWJj'", "'SHA256-" + strings.Repeat("a", 43) + "='", "sha512-" + strings.Repeat("a", 86) + "==", "'sha256-" + strings.Repeat("a", 44) + "'"}},
		{"is not a keyword of CSP Level 3", "script-src", []string{"'unsafe'", "''", "'", "'sha1-YWJj'", "'https://example.com'", "'nonce-!'"}},
		{`is a host of that name: write "data:" for the scheme`, "img-src", []string{"data"}},
		{`is a host of that name: write "https:" for the scheme`, "img-src", []string{"https", "HTTPS"}},
		{"does not allow javascript: URLs", "script-src", []string{"javascript:", "JavaScript:", "javascript:443", "JAVASCRIPT:*", "javascript://a", "javascript:alert(1)", "javascript"}},
		{"is of a language that browsers no longer run", "script-src", []string{"vbscript:", "VBScript:", "vbscript:msgbox"}},
		{"as 'unsafe-inline' does: remove it", "script-src", []string{"data:", "DATA:"}},
		{"as 'unsafe-inline' does: remove it", "script-src-elem", []string{"data:"}},
		{"as 'unsafe-inline' does: remove it", "script-src-attr", []string{"data:"}},
		{"as 'unsafe-inline' does: remove it", "object-src", []string{"data:"}},
		{"as 'unsafe-inline' does: remove it", "base-uri", []string{"data:"}},
		{"as 'unsafe-inline' does: remove it", "default-src", []string{"data:"}},
		{"is not a valid source", "img-src", []string{
			"*.*.example.com", "a.*.example.com", "a*.example.com", "example.*", "**", "*example.com", "https://*.", ".example.com", "example..com", "example.com.",
			"example.com:-1", "example.com:8o80", "example.com:123456", "example.com:80:80", "[::1]", "https://[::1]:80", "under_score.example",
			"https://", "https:/example.com", "//example.com", "/path", "example.com//a", "example.com/a?b=c", "example.com/#a", "example.com/%zz", "example.com/%2", `example.com/"`, `example.com\a`,
			"user@example.com", "1https:", "data:image/png", ":", "*/../*[", "example.com/<a>", "=",
		}},
		{"has white space, a control character, a ; or ,", "img-src", []string{
			"a.example b.example", " a.example", "a.example\t", "a.example\n", "a.example\r\nSet-Cookie:", "a.example;", "a.example/;script-src", "a.example,b.example",
			"'self';", "a\x00", "a\x7f", "bücher.example", "a\u2028", "\xff", "\u00a0",
		}},
		{"is empty", "img-src", []string{""}},
		{"has no meaning here: only default-src, script-src and style-src", "img-src", []string{stripeapps.CSPNonce, "'unsafe-inline'", "'strict-dynamic'", "'sha256-" + strings.Repeat("a", 43) + "='"}},
		{"has no meaning here: only default-src, script-src and style-src", "frame-ancestors", []string{stripeapps.CSPNonce, "'unsafe-inline'"}},
		{"has no meaning here: attributes carry no nonce", "script-src-attr", []string{stripeapps.CSPNonce}},
		{"has no meaning here: attributes carry no nonce", "style-src-attr", []string{stripeapps.CSPNonce}},
		{"is none of [allow-downloads", "sandbox", []string{"allow-script", "'allow-scripts'", "Allow-Scripts", "'none'", "'self'"}},
		{"is none of ['allow' 'block']", "webrtc", []string{"block"}},
		{"is none of ['script']", "require-trusted-types-for", []string{"script", "'style'"}},
		{"is not the name of a policy", "trusted-types", []string{"'self'", "a!", "'dompurify'", "**"}},
		{"is not the name of an endpoint", "report-to", []string{"/reports", "Upper", "1a", `"a"`}},
		{"is not an absolute path like /csp-reports", "report-uri", []string{"reports", "https:reports", "'self'"}},
	} {
		for _, source := range test.sources {
			t.Run(fmt.Sprintf("%s %q", test.name, source), func(t *testing.T) {
				middleware, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: stripeapps.Policy{directive(test.name, source)}})
				require.ErrorContains(t, err, fmt.Sprintf("stripeapps: CSP.Policy[0]: %s: %q ", test.name, source))
				assert.ErrorContains(t, err, test.want)
				assert.NotContains(t, err.Error(), "\n", "one error")
				assert.Nil(t, middleware)
			})
		}
	}
}

// default-src is the source of scripts and objects where they have none of their own.
func TestDataIsRefusedWhereItIsCode(t *testing.T) {
	anything := directive("default-src", stripeapps.CSPSelf, "data:")
	scripts, objects := directive("script-src", stripeapps.CSPSelf), directive("object-src", stripeapps.CSPNone)
	for _, test := range []struct {
		name    string
		policy  stripeapps.Policy
		refused bool
	}{
		{"for scripts and objects", stripeapps.Policy{anything}, true},
		{"for objects", stripeapps.Policy{anything, scripts}, true},
		{"for scripts", stripeapps.Policy{anything, objects, directive("script-src-elem", stripeapps.CSPSelf)}, true},
		{"for neither", stripeapps.Policy{anything, objects, scripts}, false},
		{"for images and workers", stripeapps.Policy{directive("img-src", "data:"), directive("worker-src", "data:")}, false},
		{"blobs, which only a script can make", stripeapps.Policy{directive("script-src", "blob:")}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: test.policy})
			if !test.refused {
				assert.NoError(t, err)
				return
			}
			assert.EqualError(t, err, `stripeapps: CSP.Policy[0]: default-src: "data:" lets whoever can add a tag to the page run code of their own, `+
				"as 'unsafe-inline' does: remove it, and serve the code from a host")
		})
	}
}

func TestReportURLsThatAreRefused(t *testing.T) {
	const characters, form = "percent-encode it", "is not an absolute path"
	for url, want := range map[string]string{
		"reports": form, "./reports": form, "//example.com/r": form, "///example.com/r": form, "?a": form, "#a": form, "/r#a": form,
		"ftp://example.com": form, "javascript:alert(1)": form, "https:": form, "https://": form, "https:///r": form, "https://:80/r": form,
		"https://user:secret@example.com/": form, "https://example.com/%zz": form, "https://example.com:port/": form,
		"/r;script-src": characters, "/r,script-src": characters, `/r"`: characters, `/\example.com`: characters, "/r ": characters, "/r\r\nSet-Cookie: a=b": characters, "/ä": characters,
	} {
		t.Run(url, func(t *testing.T) {
			middleware, err := stripeapps.NewCSP(stripeapps.CSPConfig{ReportURL: url})
			require.ErrorContains(t, err, fmt.Sprintf("stripeapps: CSP.ReportURL %q ", url))
			assert.ErrorContains(t, err, want)
			assert.Nil(t, middleware)
		})
	}
}

func TestAllThatIsWrongInAPolicyIsReportedAtOnce(t *testing.T) {
	_, err := stripeapps.NewCSP(stripeapps.CSPConfig{
		Policy: stripeapps.Policy{
			directive("script-src", "self", "nonce-abc", "https://cdn.example/a;b"),
			directive("Img-Src", "*"),
			directive("block-all-mixed-content"),
			directive("script-src", stripeapps.CSPSelf),
			directive("style-src", stripeapps.CSPNone, stripeapps.CSPNonce),
			directive("font-src"),
			directive("upgrade-insecure-requests", "1"),
			directive("require-trusted-types-for", "'script'", "'script'"),
			directive("report-to", "own"),
			directive("report-uri", "/own"),
			directive(""),
			directive("script-src\r\nSet-Cookie:", "a=b"),
		},
		ReportOnly: stripeapps.Policy{
			directive("sandbox"),
			directive("trusted-types"),
			directive("upgrade-insecure-requests"),
		},
		ReportURL: "reports",
	})
	require.Error(t, err)
	assert.Equal(t, strings.Join([]string{
		`stripeapps: CSP.Policy[0]: script-src: "self" is not the keyword: write "'self'", in lower case and with its quotes`,
		`stripeapps: CSP.Policy[0]: script-src: "nonce-abc" is a fixed nonce, which must differ from response to response: use CSPNonce`,
		`stripeapps: CSP.Policy[0]: script-src: "https://cdn.example/a;b" has white space, a control character, a ; or , or a character outside ASCII: give one source an entry, percent-encode a path, and write a domain in Punycode`,
		`stripeapps: CSP.Policy[1]: "Img-Src" is not in lower case: write "img-src"`,
		`stripeapps: CSP.Policy[2]: "block-all-mixed-content" is not a directive of CSP Level 3`,
		`stripeapps: CSP.Policy[3]: script-src is in CSP.Policy[0] already, and browsers ignore it here: put all sources into one`,
		`stripeapps: CSP.Policy[4]: style-src has 'none' beside other sources, where browsers ignore it: remove it or them`,
		`stripeapps: CSP.Policy[5]: font-src has no value: name its sources, or CSPNone`,
		`stripeapps: CSP.Policy[6]: upgrade-insecure-requests takes no value: remove it`,
		`stripeapps: CSP.Policy[7]: require-trusted-types-for takes one value only: 'script'`,
		`stripeapps: CSP.Policy[8]: report-to is what ReportURL adds: remove one of them`,
		`stripeapps: CSP.Policy[9]: report-uri is what ReportURL adds: remove one of them`,
		`stripeapps: CSP.Policy[10]: "" is not a directive of CSP Level 3`,
		`stripeapps: CSP.Policy[11]: "script-src\r\nSet-Cookie:" is not a directive of CSP Level 3`,
		`stripeapps: CSP.ReportOnly[0]: sandbox has no effect in a policy that is not enforced: remove it`,
		`stripeapps: CSP.ReportOnly[2]: upgrade-insecure-requests has no effect in a policy that is not enforced: remove it`,
		`stripeapps: CSP.ReportOnly[1]: trusted-types has no value: name the policies' names, or CSPNone`,
		`stripeapps: CSP.ReportURL "reports" is not an absolute path like /csp-reports, nor an http or https URL without user and fragment`,
	}, "\n"), err.Error())

	_, err = stripeapps.NewCSP(stripeapps.CSPConfig{Policy: stripeapps.Policy{}, ReportOnly: stripeapps.Policy{}})
	require.Error(t, err)
	assert.Equal(t, `stripeapps: CSP.Policy is empty but not nil, and empty does not mean off: leave it nil for APIPolicy()
stripeapps: CSP.ReportOnly is empty but not nil, and empty does not mean off: leave it nil for none`, err.Error())
}

// parsedDirective is what a browser makes of a directive.
type parsedDirective struct {
	name  string
	value []string
}

// parsePolicies is the algorithm that browsers follow, step by step.
//
// https://www.w3.org/TR/CSP3/#parse-serialized-policy-list
// https://www.w3.org/TR/CSP3/#parse-serialized-policy
func parsePolicies(list string) (policies [][]parsedDirective) {
	isSpace := func(r rune) bool { return strings.ContainsRune("\t\n\f\r ", r) }
	for serialized := range strings.SplitSeq(list, ",") {
		var policy []parsedDirective
		for token := range strings.SplitSeq(serialized, ";") {
			token = strings.TrimFunc(token, isSpace)
			if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r > 0x7f }) {
				continue
			}
			words := strings.FieldsFunc(token, isSpace)
			name := strings.ToLower(words[0])
			if slices.ContainsFunc(policy, func(d parsedDirective) bool { return d.name == name }) {
				continue
			}
			policy = append(policy, parsedDirective{name, words[1:]})
		}
		if len(policy) > 0 {
			policies = append(policies, policy)
		}
	}
	return policies
}

// FuzzPolicy holds what is sent against the browsers' algorithm: nothing that
// passes the checks is read as anything but the directives that were given.
func FuzzPolicy(f *testing.F) {
	f.Add("script-src", "self", "'self'", "img-src", "data:", "/csp-reports")
	f.Add("script-src", "'nonce'", "'strict-dynamic'", "style-src", "'nonce'", "")
	f.Add("script-src", "https://a.example/'nonce'", "*.example:8443/a/", "sandbox", "allow-scripts", "https://example.com/a?b=%20c")
	f.Add("trusted-types", "a#=_/@.%-", "*", "report-to", "csp", "")
	f.Add("connect-src", "a;b", "a,b", "report-uri", "/a", "/a;b")
	f.Add("img-src", "a\r\nb", "a b", "img-src", "ä", `/"`)
	f.Add("upgrade-insecure-requests", "", "", "webrtc", "'block'", "")
	f.Add("require-trusted-types-for", "'script'", "", "default-src", "'sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa='", "")

	f.Fuzz(func(t *testing.T, name1, source1, source2, name2, source3, reportURL string) {
		policy := stripeapps.Policy{{Name: name1}, {Name: name2, Sources: []string{source3}}}
		for _, source := range []string{source1, source2} {
			if source != "" {
				policy[0].Sources = append(policy[0].Sources, source)
			}
		}
		middleware, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: policy, ReportURL: reportURL, NewNonce: fixedNonce})
		if err != nil {
			return
		}
		var want []parsedDirective
		for _, d := range policy {
			value := []string{}
			for _, source := range d.Sources {
				if source == stripeapps.CSPNonce {
					source = "'nonce-" + testNonce + "'"
				}
				value = append(value, source)
			}
			want = append(want, parsedDirective{d.Name, value})
		}
		header := headersOf(middleware(nothing))
		wantHeaders := 1
		if reportURL != "" {
			want = append(want, parsedDirective{"report-uri", []string{reportURL}}, parsedDirective{"report-to", []string{"csp-endpoint"}})
			assert.Equal(t, []string{`csp-endpoint="` + reportURL + `"`}, header["Reporting-Endpoints"])
			assert.NotContains(t, reportURL, `"`)
			assert.NotContains(t, reportURL, `\`)
			wantHeaders = 2
		}
		assert.Len(t, header, wantHeaders)
		require.Len(t, header[enforcedHeader], 1)
		sent := header[enforcedHeader][0]
		assert.False(t, strings.ContainsFunc(sent, func(r rune) bool { return r < ' ' || r > '~' }), "%q", sent)
		assert.Equal(t, [][]parsedDirective{want}, parsePolicies(sent))
	})
}

var cspConfigs = []struct {
	name   string
	cfg    stripeapps.CSPConfig
	allocs float64
}{
	{"without a nonce", stripeapps.CSPConfig{}, 1},                             // the header's slice
	{"with a nonce", stripeapps.CSPConfig{Policy: stripeapps.PagePolicy()}, 6}, // and the nonce, its source, the policy, and a context in a request
	{"reporting, no nonce", stripeapps.CSPConfig{ReportURL: "/r"}, 2},          // two slices
	{"with one in two", stripeapps.CSPConfig{Policy: stripeapps.PagePolicy(), ReportOnly: stripeapps.ConsentPolicy(), ReportURL: "/r"}, 9},
}

func BenchmarkCSP(b *testing.B) {
	for _, test := range cspConfigs {
		b.Run(test.name, func(b *testing.B) {
			handler := newCSP(b, test.cfg)(nothing)
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			w := new(nullWriter)
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				handler.ServeHTTP(w, r)
			}
		})
	}
}

func TestAPolicyCanBeAddedTo(t *testing.T) {
	before := stripeapps.PagePolicy().String()
	page := stripeapps.PagePolicy()
	more := page.With("img-src", "https://files.stripe.com").With("object-src", "https://a.example", "https://b.example").With("frame-src", stripeapps.CSPSelf)
	assert.Equal(t, before, page.String(), "the policy itself is not changed")
	want := strings.NewReplacer("img-src 'self' data:", "img-src 'self' data: https://files.stripe.com", "object-src 'none'", "object-src https://a.example https://b.example").Replace(before)
	assert.Equal(t, want+"; frame-src 'self'", more.String())
	newCSP(t, stripeapps.CSPConfig{Policy: more})
	assert.Equal(t, "img-src *", stripeapps.Policy(nil).With("img-src", "*").String())
}

func TestSourcesThatDoNotDoWhatTheirAuthorThinks(t *testing.T) {
	for source, want := range map[string]string{
		"https:*":                   "has a port",
		"https:443":                 "has a port",
		"example.com:99999":         "has a port",
		"https://a.example:0":       "has a port",
		"https://a.example:65536/x": "has a port",
	} {
		_, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: stripeapps.Policy{{Name: "img-src", Sources: []string{source}}}})
		assert.ErrorContains(t, err, want, "%s", source)
	}
	for _, source := range []string{"https://a.example:65535", "a.example:*", "https://a.example:8443/x:0/", "localhost:3000"} {
		_, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: stripeapps.Policy{{Name: "img-src", Sources: []string{source}}}})
		assert.NoError(t, err)
	}
	_, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: stripeapps.Policy{{Name: "script-src", Sources: []string{stripeapps.CSPStrictDynamic, stripeapps.CSPSelf}}}})
	assert.ErrorContains(t, err, "'strict-dynamic' without a nonce or a hash")
}
