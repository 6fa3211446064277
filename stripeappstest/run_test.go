package stripeappstest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/replay"
)

var testNow = time.Unix(1700000000, 0)

func fixedNow() time.Time { return testNow }

// recorder is a reporter that keeps what it is told.
type recorder struct {
	name string
	*records
}

type records struct{ tests, failures, skipped []string }

func (r recorder) Helper() {}

func (r recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, r.name+": "+fmt.Sprintf(format, args...))
}

func (r recorder) Skipf(format string, args ...any) {
	r.skipped = append(r.skipped, r.name+": "+fmt.Sprintf(format, args...))
}

func (r recorder) Run(name string, f func(reporter)) {
	r.tests = append(r.tests, name)
	f(recorder{name, r.records})
}

func record(handler http.Handler, config RunConfig) (tests, failures []string) {
	r := recorder{"Run", new(records)}
	run(r, handler, config)
	return r.tests, r.failures
}

// parts are what a backend is wired up from.
type parts struct {
	verify, cors, csp, chain stripeapps.Middleware
	route                    http.Handler
}

func newParts(t *testing.T, config stripeapps.VerifierConfig) parts {
	if config.Secrets == nil {
		config.Secrets = []string{DefaultSecret}
	}
	config.Now = fixedNow
	verifier, err := stripeapps.NewVerifier(config)
	require.NoError(t, err)
	cors, err := stripeapps.NewCORS(stripeapps.CORSConfig{})
	require.NoError(t, err)
	csp, err := stripeapps.NewCSP(stripeapps.CSPConfig{})
	require.NoError(t, err)
	chain, err := stripeapps.New(stripeapps.Config{Verifier: verifier})
	require.NoError(t, err)
	return parts{verifier.Handler, cors, csp, chain, http.HandlerFunc(normal)}
}

const normalAnswer = "the refund is made"

func normal(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	io.WriteString(w, normalAnswer)
}

func on(pattern string, handler http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle(pattern, handler)
	return mux
}

// before changes responses before they are begun.
func before(f func(h http.Header, status int), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&changing{ResponseWriter: w, f: f}, r)
	})
}

type changing struct {
	http.ResponseWriter
	f    func(h http.Header, status int)
	done bool
}

func (c *changing) WriteHeader(status int) {
	if !c.done {
		c.f(c.Header(), status)
		c.done = true
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *changing) Write(p []byte) (int, error) {
	if !c.done {
		c.WriteHeader(http.StatusOK)
	}
	return c.ResponseWriter.Write(p)
}

func set(name, value string) func(http.Header, int) {
	return func(h http.Header, _ int) { h.Set(name, value) }
}

func onAccepted(f func(http.Header)) func(http.Header, int) {
	return func(h http.Header, status int) {
		if status == http.StatusOK {
			f(h)
		}
	}
}

// onOptions responds to OPTIONS before next is asked.
func onOptions(status int, header http.Header, body string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

// unsigned responds to what is no preflight and lacks a signature before next is asked.
func unsigned(response, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions || r.Header.Get("Stripe-Signature") != "" {
			next.ServeHTTP(w, r)
			return
		}
		response.ServeHTTP(w, r)
	})
}

// changed changes the header of requests.
func changed(f func(http.Header), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		f(r.Header)
		next.ServeHTTP(w, r)
	})
}

func onRefusals(f func(http.Header)) func(http.Header, int) {
	return func(h http.Header, status int) {
		if status >= 400 {
			f(h)
		}
	}
}

var (
	postConfig  = RunConfig{Target: "/api/refunds", Payload: map[string]any{"amount": 1250}, Now: fixedNow, AroundMux: true}
	routeConfig = RunConfig{Target: "/api/refunds", Payload: map[string]any{"amount": 1250}, Now: fixedNow}
)

var bodyTests = []string{
	"a signed request is accepted", "a Stripe-Signature in several lines is accepted", "the browser's preflight gets a response",
	"a request without signature is refused", "a request changed after signing is refused", "a request signed too long ago is refused",
	"a request signed in the future is refused", "a request signed with another secret is refused", "a body of which only the ids are signed is refused",
	"an empty Stripe-Signature is refused", "a Stripe-Signature that is none is refused", "two Stripe-Signature headers are refused",
}

func onlyOnce(next http.Handler) http.Handler {
	once, err := replay.Once(replay.Config{Guard: replay.NewMemory(replay.MemoryConfig{Now: fixedNow})})
	if err != nil {
		panic(err)
	}
	return once(next)
}

func TestRunPassesWhatIsWiredUpRight(t *testing.T) {
	calls := 0
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { calls++; normal(w, r) })
	for _, test := range []struct {
		name     string
		verifier stripeapps.VerifierConfig
		handler  func(parts) http.Handler
		config   RunConfig
		tests    int
	}{
		{"New around the mux", stripeapps.VerifierConfig{}, func(p parts) http.Handler { return p.chain(on("POST /api/refunds", p.route)) }, postConfig, 13},
		{"New on a route without a method", stripeapps.VerifierConfig{}, func(p parts) http.Handler { return on("/api/refunds", p.chain(p.route)) }, routeConfig, 12},
		{"CORS and CSP around the mux, the verifier on the route", stripeapps.VerifierConfig{},
			func(p parts) http.Handler { return p.csp(p.cors(on("POST /api/refunds", p.verify(p.route)))) }, postConfig, 13},
		{"CORS around CSP", stripeapps.VerifierConfig{}, func(p parts) http.Handler { return p.cors(p.csp(on("POST /api/refunds", p.verify(p.route)))) }, postConfig, 13},
		{"no payload", stripeapps.VerifierConfig{}, func(p parts) http.Handler { return p.chain(on("POST /x", p.route)) }, RunConfig{Target: "/x?a=b", Now: fixedNow, AroundMux: true}, 13},
		{"another method", stripeapps.VerifierConfig{}, func(p parts) http.Handler { return p.chain(on("DELETE /x", p.route)) }, RunConfig{Method: "DELETE", Target: "/x", Now: fixedNow}, 12},
		{"ids in headers", stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders},
			func(p parts) http.Handler { return p.chain(on("GET /x", p.route)) }, RunConfig{Target: "/x", Now: fixedNow, Source: stripeapps.IDsInHeaders, AroundMux: true}, 12},
		{"ids in headers, with a body", stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders},
			func(p parts) http.Handler { return p.chain(on("POST /x", p.route)) }, RunConfig{Target: "/x", Payload: "{}", Now: fixedNow, Source: stripeapps.IDsInHeaders}, 11},
		{"ids in the query", stripeapps.VerifierConfig{Source: stripeapps.IDsInQuery},
			func(p parts) http.Handler { return p.chain(on("GET /x", p.route)) }, RunConfig{Target: "/x?a=b", Now: fixedNow, Source: stripeapps.IDsInQuery, AroundMux: true}, 12},
		{"a roll", stripeapps.VerifierConfig{Secrets: []string{"absec_new", "absec_old"}},
			func(p parts) http.Handler { return p.chain(on("POST /api/refunds", p.route)) }, RunConfig{Target: "/api/refunds", Secrets: []string{"absec_new", "absec_old"}, Now: fixedNow}, 14},
		{"a bounded body", stripeapps.VerifierConfig{MaxBodyBytes: 1000},
			func(p parts) http.Handler { return p.chain(p.route) }, RunConfig{Target: "/x", Now: fixedNow, MaxBodyBytes: 1000}, 14},
		{"a route that accepts each signature once", stripeapps.VerifierConfig{},
			func(p parts) http.Handler { return p.chain(on("POST /api/refunds", onlyOnce(p.route))) }, RunConfig{Target: "/api/refunds", Payload: map[string]any{"a": 1}, Nonce: "nonce", Now: fixedNow, AroundMux: true}, 13},
		{"a route that accepts each signature once, and no payload", stripeapps.VerifierConfig{},
			func(p parts) http.Handler { return p.chain(onlyOnce(p.route)) }, RunConfig{Target: "/x", Nonce: "nonce", Now: fixedNow}, 12},
		{"another user and account", stripeapps.VerifierConfig{}, func(p parts) http.Handler {
			return p.chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if id := stripeapps.MustIdentity(r.Context()); id.UserID != "usr_1" || id.AccountID != "acct_1" {
					w.WriteHeader(http.StatusForbidden)
				}
			}))
		}, RunConfig{Target: "/x", UserID: "usr_1", AccountID: "acct_1", Now: fixedNow}, 12},
		{"calls that are counted", stripeapps.VerifierConfig{}, func(p parts) http.Handler { return p.chain(counted) }, RunConfig{Target: "/x", Now: fixedNow, Calls: func() int { return calls }}, 12},
		{"a header that the extension sends too", stripeapps.VerifierConfig{}, func(p parts) http.Handler {
			return p.chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer x" {
					w.WriteHeader(http.StatusForbidden)
				}
			}))
		}, RunConfig{Target: "/x", Header: http.Header{"Authorization": {"Bearer x"}}, Now: fixedNow}, 12},
		{"a response so short that it stands in others by chance", stripeapps.VerifierConfig{}, func(p parts) http.Handler {
			return p.chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{") }))
		}, RunConfig{Target: "/x", Now: fixedNow}, 12},
		{"CORS for the extension only", stripeapps.VerifierConfig{}, func(p parts) http.Handler {
			cors, err := stripeapps.NewCORS(stripeapps.CORSConfig{Origins: []string{"null"}, CredentialedOrigins: []string{"https://app.example.com"}})
			require.NoError(t, err)
			return p.csp(cors(p.verify(p.route)))
		}, routeConfig, 12},
		// Run cannot see these, as its documentation says.
		{"http.TimeoutHandler in front, as nothing is slow", stripeapps.VerifierConfig{}, func(p parts) http.Handler {
			return http.TimeoutHandler(p.chain(on("POST /api/refunds", p.route)), time.Hour, "")
		}, postConfig, 13},
		{"a recoverer in front, as nothing panics", stripeapps.VerifierConfig{}, func(p parts) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					if recover() != nil {
						w.WriteHeader(500)
					}
				}()
				p.csp(p.cors(on("POST /api/refunds", p.verify(p.route)))).ServeHTTP(w, r)
			})
		}, postConfig, 13},
		{"a Vary that names everything", stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}, func(p parts) http.Handler {
			return before(set("Vary", "*"), p.chain(p.route))
		}, RunConfig{Target: "/x", Source: stripeapps.IDsInHeaders, Now: fixedNow}, 11},
		{"CORS with stars", stripeapps.VerifierConfig{}, func(p parts) http.Handler {
			return p.csp(before(func(h http.Header, _ int) {
				h.Set("Access-Control-Allow-Headers", "*")
				h.Set("Access-Control-Allow-Methods", "*")
				h.Set("Access-Control-Allow-Credentials", "false")
			}, p.cors(p.verify(p.route))))
		}, RunConfig{Method: "PUT", Target: "/x", Now: fixedNow}, 12},
	} {
		t.Run(test.name, func(t *testing.T) {
			tests, failures := record(test.handler(newParts(t, test.verifier)), test.config)
			assert.Empty(t, failures)
			assert.Len(t, tests, test.tests)
			if test.config.Source == stripeapps.SignedBody && len(test.config.Secrets) < 2 {
				assert.Equal(t, bodyTests, tests[:len(bodyTests)])
			}
		})
	}
	assert.Equal(t, 2, calls, "only correct requests may reach the handler")
}

func TestRunFailsWhatIsWiredUpWrong(t *testing.T) {
	redirecting := func(code int, only string, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if only == "" || r.Method == only {
				http.Redirect(w, r, r.URL.Path+"/", code)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	calls := 0
	for _, test := range []struct {
		name    string
		handler func(parts) http.Handler
		config  RunConfig
		// Each failure contains one of these, and each of these is in one.
		want []string
	}{
		{"CORS inside of the verifier", func(p parts) http.Handler { return p.csp(p.verify(p.cors(p.route))) }, routeConfig, []string{
			"the browser's preflight gets a response: the preflight is given 401 not_signed, as if a browser could sign it: put NewCORS outside of the verifier, and of what else asks who is calling",
			"refusals carry no Access-Control-Allow-Origin: put NewCORS outside of the verifier"}},
		{"no CORS", func(p parts) http.Handler { return p.csp(p.verify(p.route)) }, routeConfig, []string{
			"the response to a signed request carries no Access-Control-Allow-Origin: put New or NewCORS around the mux",
			"the preflight is given 401", "refusals carry no Access-Control-Allow-Origin"}},
		{"no CORS, and the handler gets OPTIONS", func(p parts) http.Handler {
			return p.csp(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "OPTIONS" {
					w.Header().Set("Access-Control-Allow-Origin", "*")
					w.Header().Set("Access-Control-Allow-Headers", "*")
					p.route.ServeHTTP(w, r)
					return
				}
				p.cors(p.verify(p.route)).ServeHTTP(w, r)
			}))
		}, routeConfig, []string{"the preflight reaches the route's handler: put New or NewCORS around it"}},
		{"a route that accepts each signature once, without a nonce", func(p parts) http.Handler { return p.chain(onlyOnce(p.route)) },
			RunConfig{Target: "/api/refunds", Payload: map[string]any{"a": 1}, Now: fixedNow}, []string{
				"a signed request is refused with 400 no_nonce: the route is behind replay.Once, which wants a nonce in the signed payload, a new one for each request: give RunConfig.Nonce its name, and leave it out of Payload"}},
		{"a route that accepts each signature once, with the nonce in the payload", func(p parts) http.Handler { return p.chain(onlyOnce(p.route)) },
			RunConfig{Target: "/api/refunds", Payload: map[string]any{"nonce": "0123456789abcdef"}, Now: fixedNow}, []string{
				"a signed request is refused with 409 replayed: the route is behind replay.Once"}},
		{"a preflight without any CORS header", func(p parts) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != "OPTIONS" {
					p.chain(p.route).ServeHTTP(w, r)
				}
			})
		}, routeConfig, []string{"the preflight's response carries no Access-Control-Allow-Origin: it seems to come from in front of the chain, as it lacks the Content-Security-Policy that others have: " +
			"another CORS middleware there that does not allow the origin null keeps preflights from NewCORS; leave this path out of it, or put the chain in front of it"}},
		{"a CORS middleware in front that knows other headers only", func(p parts) http.Handler {
			return onOptions(200, http.Header{"Access-Control-Allow-Origin": {"*"}, "Access-Control-Allow-Headers": {"content-type"}}, "", p.chain(p.route))
		}, routeConfig, []string{"the preflight does not allow the header stripe-signature: list it in CORSConfig.Headers, or let NewCORS, which allows those of an extension, respond; " +
			"but this response seems to come from in front of the chain, as it lacks the Content-Security-Policy that others have"}},
		{"a guard in front of the preflight", func(p parts) http.Handler {
			return onOptions(401, nil, "<h1>Authentication Required</h1>", p.chain(p.route))
		}, routeConfig, []string{"the preflight is given 401, without a Content-Security-Policy, and so not by the chain: let what guards it in front"}},
		{"a preflight that is sent to a login", func(p parts) http.Handler {
			return onOptions(302, http.Header{"Location": {"https://example.com/login"}}, "", p.chain(p.route))
		}, routeConfig, []string{`the preflight is redirected (302, to "https://example.com/login"), which no browser follows for a preflight`, "if that leads to a login, let what asks for it pass OPTIONS"}},
		{"a router whose middleware does not run for OPTIONS", func(p parts) http.Handler {
			return onOptions(404, nil, "404 page not found", p.chain(p.route))
		}, routeConfig, []string{"the preflight is given 404: a router that runs its middleware for its routes only, like gorilla/mux with Subrouter.Use, has no route for OPTIONS; put New or NewCORS around the router"}},
		{"no CSP", func(p parts) http.Handler { return p.cors(p.verify(p.route)) }, routeConfig, []string{
			"the response to a signed request carries no Content-Security-Policy: put New or NewCSP around the mux",
			"refusals carry no Content-Security-Policy: put NewCSP outside of the verifier"}},
		{"CSP inside of the verifier", func(p parts) http.Handler { return p.cors(p.verify(p.csp(p.route))) }, routeConfig, []string{
			"refusals carry no Content-Security-Policy: put NewCSP outside of the verifier"}},
		{"a policy that says nothing", func(p parts) http.Handler {
			return before(set("Content-Security-Policy", " ; "), p.cors(p.verify(p.route)))
		}, routeConfig, []string{"carries no Content-Security-Policy", "refusals carry no Content-Security-Policy"}},
		{"no verification", func(p parts) http.Handler { return p.csp(p.cors(p.route)) }, routeConfig, []string{
			"a request without signature is refused: a request that must be refused is accepted (200): put New or Verifier.Handler around the route",
			"a request changed after signing is refused: ", "a request signed too long ago is refused: ", "a request signed in the future is refused: ",
			"a request signed with another secret is refused: ", "a body of which only the ids are signed is refused: ",
			"an empty Stripe-Signature is refused: ", "a Stripe-Signature that is none is refused: ", "two Stripe-Signature headers are refused: ",
			"the response to a signed request carries no Cache-Control", `the response to a signed request carries Vary: "Origin", without`}},
		{"the handler runs although it refuses", func(p parts) http.Handler {
			return p.csp(p.cors(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				p.verify(p.route).ServeHTTP(w, r)
				if r.Header.Get("Stripe-Signature") == "" {
					p.route.ServeHTTP(w, r)
				}
			})))
		}, routeConfig, []string{
			"a request without signature is refused: a refused request reaches the route's handler: put New or Verifier.Handler around it",
			"an empty Stripe-Signature is refused: as above: a refused request reaches the route's handler"}},
		{"the handler runs before the verification, which is counted", func(p parts) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				p.chain(p.route).ServeHTTP(w, r)
			})
		}, RunConfig{Target: "/x", Now: fixedNow, Calls: func() int { return calls }}, []string{"the preflight reaches the route's handler", "a refused request reaches the route's handler"}},
		{"calls that are never counted", func(p parts) http.Handler { return p.chain(p.route) }, RunConfig{Target: "/x", Now: fixedNow, Calls: func() int { return 7 }},
			[]string{"a signed request gets 200 without a call of the route's handler: RunConfig.Calls does not count"}},
		{"the chain on a pattern with a method", func(p parts) http.Handler { return on("POST /api/refunds", p.chain(p.route)) }, postConfig, []string{
			`the preflight is given 405: a pattern with a method, like "POST /x", does not match OPTIONS; put New or NewCORS around the mux, not on a route`,
			"the response for an unknown path carries no Access-Control-Allow-Origin: put New or NewCORS around the mux, not on a route",
			"the response for an unknown path carries no Content-Security-Policy: put New or NewCSP around the mux, not on a route"}},
		{"the chain on a route, and AroundMux", func(p parts) http.Handler { return on("/api/refunds", p.chain(p.route)) }, postConfig, []string{
			"the response for an unknown path carries no Access-Control-Allow-Origin", "the response for an unknown path carries no Content-Security-Policy"}},
		{"a route for everything, and AroundMux", func(p parts) http.Handler { return p.chain(p.route) }, postConfig, []string{
			`an unknown path ("/api/stripeappstest-no-such-path") gets 200, not 404: let no route serve it, or leave RunConfig.AroundMux false`}},
		{"credentials with *", func(p parts) http.Handler {
			return before(set("Access-Control-Allow-Credentials", "true"), p.chain(p.route))
		}, routeConfig, []string{
			"the preflight's response carries Access-Control-Allow-Credentials with Access-Control-Allow-Origin: *, which browsers refuse",
			"the response to a signed request carries Access-Control-Allow-Credentials with", "refusals carry Access-Control-Allow-Credentials with"}},
		{"credentials with null", func(p parts) http.Handler {
			return before(func(h http.Header, status int) {
				h.Set("Access-Control-Allow-Origin", "null")
				h.Set("Access-Control-Allow-Credentials", "true")
			}, p.chain(p.route))
		}, routeConfig, []string{"Access-Control-Allow-Origin: null, which is every sandboxed iframe on the web"}},
		{"CORS for another origin", func(p parts) http.Handler {
			return before(set("Access-Control-Allow-Origin", "https://dashboard.stripe.com"), p.chain(p.route))
		}, routeConfig, []string{
			`the preflight's response carries Access-Control-Allow-Origin: "https://dashboard.stripe.com", and the extension's origin is null`,
			"allow null, or *, in CORSConfig.Origins; if they are allowed there, something in front of NewCORS has replaced the header",
			`the response to a signed request carries Access-Control-Allow-Origin: "https://d`, `refusals carry Access-Control-Allow-Origin: "https://d`}},
		{"CORS twice", func(p parts) http.Handler {
			return before(func(h http.Header, _ int) { h.Add("Access-Control-Allow-Origin", "*") }, p.chain(p.route))
		}, routeConfig, []string{"Access-Control-Allow-Origin 2 times, which browsers refuse: let only one part send it. NewCORS sends it once, so look for a CORS middleware or a gateway in front"}},
		{"a preflight that is redirected", func(p parts) http.Handler { return redirecting(301, "OPTIONS", p.chain(p.route)) }, routeConfig, []string{
			`the preflight is redirected (301, to "/api/refunds/"), which no browser follows for a preflight: let the extension call the final URL`}},
		{"what is not signed is redirected", func(p parts) http.Handler {
			return unsigned(http.RedirectHandler("/login", http.StatusFound), p.chain(p.route))
		}, routeConfig, []string{
			`a request without signature is refused: a request that must be refused is redirected (302, to "/login"): put New or Verifier.Handler around what does that`,
			"an empty Stripe-Signature is refused: as above: a request that must be refused is redirected (302, to \"/login\")"}},
		{"what is not signed is refused with another status", func(p parts) http.Handler { return p.csp(p.cors(unsigned(http.NotFoundHandler(), p.verify(p.route)))) }, routeConfig, []string{
			"a request without signature is refused: a request that must be refused with 401 or 400 gets 404: let the verifier see it before anything else responds",
			"refusals carry no Cache-Control: no-store"}},
		{"everything is redirected", func(p parts) http.Handler { return redirecting(307, "", nil) }, routeConfig, []string{
			`a signed request is redirected (307, to "/api/refunds/")`}},
		{"CrossOriginProtection outside", func(p parts) http.Handler { return http.NewCrossOriginProtection().Handler(p.chain(p.route)) }, routeConfig, []string{
			"a signed request is given 403: if that is http.CrossOriginProtection, which refuses every POST of an extension as cross-site, or a CORS middleware that does not know the origin null, like gin-contrib/cors, " +
				"mount the chain beside it, not behind it"}},
		{"a preflight that is refused with 403", func(p parts) http.Handler {
			return onOptions(403, nil, "", p.chain(p.route))
		}, routeConfig, []string{"the preflight is given 403, without a Content-Security-Policy, and so not by the chain: let what guards it in front"}},
		{"a preflight that fails", func(p parts) http.Handler {
			return onOptions(502, nil, "", p.chain(p.route))
		}, routeConfig, []string{"the preflight is given 502, without a Content-Security-Policy, and so not by the chain: something in front has failed, like a proxy that does not reach the backend"}},
		{"a CORS middleware behind the chain that refuses the origin null", func(p parts) http.Handler {
			return p.chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) }))
		}, routeConfig, []string{"a signed request is given 403: it has come through the chain, and something behind that refuses it. A CORS middleware there, like gin-contrib/cors, does so to the origin null"}},
		{"a requirement that is not met", func(p parts) http.Handler {
			return p.chain(stripeapps.Require(stripeapps.Action("refund"))(p.route))
		}, routeConfig, []string{"a signed request is given 403 requirement_not_met: Require or the route itself refuses it: give RunConfig a Payload"}},
		{"a route that fails", func(p parts) http.Handler {
			return p.chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }))
		}, routeConfig, []string{"a signed request is given 500: the route, or something between it and the chain, has failed; its log says why"}},
		{"a proxy that drops the header", func(p parts) http.Handler {
			return changed(func(h http.Header) { h.Del("Stripe-Signature") }, p.chain(p.route))
		}, routeConfig, []string{"a signed request is refused with 401 not_signed: something in front of the verifier drops or changes the header Stripe-Signature"}},
		{"a proxy that changes the header", func(p parts) http.Handler {
			return changed(func(h http.Header) { h["Stripe-Signature"] = append(h["Stripe-Signature"], "x") }, p.chain(p.route))
		}, routeConfig, []string{"a signed request is refused with 401 malformed_signature: something in front of the verifier drops or changes"}},
		{"a clock in the future", func(p parts) http.Handler { return p.chain(p.route) }, RunConfig{Target: "/x", Now: func() time.Time { return testNow.Add(-time.Hour) }}, []string{
			"a signed request is refused with 401 too_old: the verifier has another clock"}},
		{"a refusal without a code", func(p parts) http.Handler {
			return p.chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(400) }))
		}, routeConfig, []string{"a signed request is refused with 400: if it is the verifier's ErrorHandler that responds so, check what is behind that with Observe: LogRefusals(logger); " +
			"if it is something else, let that pass what the extension sends; if it is the route itself, give RunConfig a Payload"}},
		{"another authentication in front of what is not signed", func(p parts) http.Handler {
			return unsigned(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) }), p.chain(p.route))
		}, routeConfig, []string{
			"refusals carry no Access-Control-Allow-Origin: put NewCORS outside of the verifier; but this response seems to come from in front of the chain, as it lacks the Content-Security-Policy that others have",
			"refusals carry no Content-Security-Policy: put NewCSP outside of the verifier; but this response seems",
			"refusals carry no Cache-Control: no-store: if nothing in front replaces it, respond with WriteProblem, or set it in the ErrorHandler; but this response seems"}},
		{"a limit in front that responds with another status", func(p parts) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength > 1000 {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				p.chain(p.route).ServeHTTP(w, r)
			})
		}, RunConfig{Target: "/x", MaxBodyBytes: 1000, Now: fixedNow}, []string{
			"a body of 1001 bytes gets 400, not 413: set VerifierConfig.MaxBodyBytes to what RunConfig.MaxBodyBytes says (1000); but this response seems to come from in front",
			"a body of 1001 bytes gets 200, not 413: set VerifierConfig.MaxBodyBytes to what RunConfig.MaxBodyBytes says (1000)"}},
		{"a handler that reads another context", func(p parts) http.Handler {
			return p.chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				stripeapps.WriteProblem(w, r, stripeapps.ErrNotVerified)
			}))
		}, routeConfig, []string{"a signed request is given 500 not_verified: the chain has verified it, if it is around the route, but the handler reads another context"}},
		{"a handler that reads another context, and an error handler of its own", func(p parts) http.Handler {
			return p.chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, stripeapps.ErrNotVerified.Error(), 500) }))
		}, routeConfig, []string{"a signed request is given 500: the chain has verified it"}},
		{"a handler that demands the identity of another context", func(p parts) http.Handler {
			return p.chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { stripeapps.MustIdentity(context.Background()) }))
		}, routeConfig, []string{"a signed request is given 500 internal: the handler has panicked; its stack is in the backend's log. MustIdentity panics where"}},
		{"an adapter that keeps the last of several lines", func(p parts) http.Handler {
			return changed(func(h http.Header) {
				if lines := h["Stripe-Signature"]; len(lines) > 0 {
					h["Stripe-Signature"] = lines[len(lines)-1:]
				}
			}, p.chain(p.route))
		}, routeConfig, []string{
			"a request whose Stripe-Signature comes in several lines, as adapters for AWS Lambda split it at its commas, gets 401 malformed_signature: let New or Verifier.Handler see all of them; " +
				"if an adapter in front keeps only one, as Fiber's does, join them with a comma before it",
			"two Stripe-Signature headers are refused: a request that must be refused is accepted (200): if New or Verifier.Handler is around the route, an adapter in front of it"}},
		{"a response without Cache-Control", func(p parts) http.Handler {
			return before(onAccepted(func(h http.Header) { h.Del("Cache-Control") }), p.chain(p.route))
		}, routeConfig, []string{"the response to a signed request carries no Cache-Control, so that a cache in front can give it to another user"}},
		{"a response that caches may share", func(p parts) http.Handler {
			return before(onAccepted(func(h http.Header) { h.Set("Cache-Control", "max-age=60, private, Public") }), p.chain(p.route))
		}, routeConfig, []string{`the response to a signed request carries Cache-Control: "max-age=60, private, Public", by which a cache in front can give it to another user: send no-store`}},
		{"a response that caches may keep", func(p parts) http.Handler {
			return before(onAccepted(func(h http.Header) { h.Set("Cache-Control", "no-cache") }), p.chain(p.route))
		}, routeConfig, []string{`carries Cache-Control: "no-cache", by which a cache`}},
		{"a response that a CDN may keep", func(p parts) http.Handler {
			return before(onAccepted(func(h http.Header) { h.Set("CDN-Cache-Control", "max-age=60") }), p.chain(p.route))
		}, routeConfig, []string{`carries Cdn-Cache-Control: "max-age=60", by which a cache`}},
		{"a response whose Vary was replaced", func(p parts) http.Handler {
			return before(onAccepted(func(h http.Header) { h.Set("Vary", "Accept-Encoding") }), p.chain(p.route))
		}, routeConfig, []string{`the response to a signed request carries Vary: "Accept-Encoding", without Stripe-Signature, by which a cache knows whose it is`}},
		{"a Vary without the headers of the ids", func(parts) http.Handler {
			p := newParts(t, stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders})
			return before(onAccepted(func(h http.Header) { h.Set("Vary", "stripe-signature, stripe-account-id") }), p.chain(p.route))
		}, RunConfig{Target: "/x", Source: stripeapps.IDsInHeaders, Now: fixedNow}, []string{
			`the response to a signed request carries Vary: "stripe-signature, stripe-account-id", without Stripe-User-Id, by which`}},
		{"a Vary without all of them", func(parts) http.Handler {
			p := newParts(t, stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders})
			return before(onAccepted(func(h http.Header) { h.Set("Vary", "Origin") }), p.chain(p.route))
		}, RunConfig{Target: "/x", Source: stripeapps.IDsInHeaders, Now: fixedNow}, []string{"without Stripe-Signature and Stripe-User-Id and Stripe-Account-Id, by which"}},
		{"the method is not allowed", func(p parts) http.Handler { return p.chain(p.route) }, RunConfig{Method: "PURGE", Target: "/x", Now: fixedNow}, []string{
			"the preflight does not allow the method PURGE, but \"GET, HEAD, POST, PUT, PATCH, DELETE\": list it in CORSConfig.Methods"}},
		{"a header is not allowed", func(p parts) http.Handler { return p.chain(p.route) }, RunConfig{Target: "/x", Header: http.Header{"X-Request-Id": {"1"}}, Now: fixedNow}, []string{
			"the preflight does not allow the header x-request-id: list it in CORSConfig.Headers"}},
		{"only a star is allowed, which does not cover Authorization", func(p parts) http.Handler {
			return before(set("Access-Control-Allow-Headers", "*"), p.chain(p.route))
		}, RunConfig{Target: "/x", Header: http.Header{"authorization": {"x"}}, Now: fixedNow}, []string{"the preflight does not allow the header authorization"}},
		{"no header is allowed", func(p parts) http.Handler {
			return before(func(h http.Header, _ int) { h.Del("Access-Control-Allow-Headers") }, p.chain(p.route))
		}, RunConfig{Target: "/x", Now: fixedNow}, []string{"does not allow the header content-type", "does not allow the header stripe-signature"}},
		{"refusals that may be stored", func(p parts) http.Handler {
			return before(onRefusals(func(h http.Header) { h.Set("Cache-Control", "max-age=60, public") }), p.chain(p.route))
		}, routeConfig, []string{"refusals carry no Cache-Control: no-store: if nothing in front replaces it, respond with WriteProblem, or set it in the ErrorHandler"}},
		{"another secret than the verifier's", func(p parts) http.Handler { return p.chain(p.route) }, RunConfig{Target: "/x", Secrets: []string{"absec_x"}, Now: fixedNow}, []string{
			"a signed request is refused with 401 no_match: check that RunConfig has the Secrets and the Source of the verifier, that its Payload is what the route takes"}},
		{"one secret of two that the verifier does not know", func(p parts) http.Handler { return p.chain(p.route) },
			RunConfig{Target: "/x", Secrets: []string{DefaultSecret, "absec_x"}, Now: fixedNow}, []string{
				"a request signed with Secrets[1] alone is accepted: a signed request is refused with 401 no_match"}},
		{"another clock than the verifier's", func(p parts) http.Handler { return p.chain(p.route) }, RunConfig{Target: "/x", Now: func() time.Time { return testNow.Add(time.Hour) }}, []string{
			"a signed request is refused with 401 too_new: the verifier has another clock: give RunConfig its Now, or, if it is deployed, let the clocks"}},
		{"a route that there is not", func(p parts) http.Handler { return p.chain(on("POST /y", p.route)) }, RunConfig{Target: "/x", Now: fixedNow}, []string{
			`a signed request is given 404: check that RunConfig's Method and Target (POST "/x") are those of a route`}},
		{"a route that cannot respond", func(p parts) http.Handler {
			return p.chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusConflict) }))
		}, RunConfig{Target: "/x", Now: fixedNow}, []string{"a signed request is given 409, not 2xx: if it is the route itself, give RunConfig a Payload, UserID and AccountID that it takes; if it is something else"}},
		{"a body that is not bounded", func(p parts) http.Handler { return p.chain(p.route) }, RunConfig{Target: "/x", MaxBodyBytes: 1000, Now: fixedNow}, []string{
			"a body one byte over MaxBodyBytes is refused: a body of 1001 bytes gets 200, not 413: set VerifierConfig.MaxBodyBytes to what RunConfig.MaxBodyBytes says (1000)",
			"a body one byte over MaxBodyBytes is refused without a Content-Length: as above: a body of 1001 bytes gets 200"}},
		{"a body that is refused by what stands outside", func(p parts) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength > 1000 {
					w.WriteHeader(http.StatusRequestEntityTooLarge)
					return
				}
				r.Body = http.MaxBytesReader(w, r.Body, 1000)
				p.chain(p.route).ServeHTTP(w, r)
			})
		}, RunConfig{Target: "/x", MaxBodyBytes: 1000, Now: fixedNow}, []string{
			"is refused: refusals carry no Access-Control-Allow-Origin", "is refused: refusals carry no Content-Security-Policy", "is refused: refusals carry no Cache-Control"}},
		{"a handler that panics", func(p parts) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh no") })
		}, RunConfig{Target: "/x", MaxBodyBytes: 1000, AroundMux: true, Now: fixedNow}, []string{
			"the handler panicked: oh no. The server cuts the response off then: put NewCORS around the mux"}},
		{"a verifier without an upper bound of time", func(p parts) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.Header.Get("Stripe-Signature"), fmt.Sprintf("t=%d,", testNow.Add(beyondTolerance).Unix())) {
					p.csp(p.cors(p.route)).ServeHTTP(w, r)
					return
				}
				p.chain(p.route).ServeHTTP(w, r)
			})
		}, routeConfig, []string{"a request signed in the future is refused: a request that must be refused is accepted (200)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, failures := record(test.handler(newParts(t, stripeapps.VerifierConfig{})), test.config)
			for i, failure := range failures {
				if _, what, isAgain := strings.Cut(failure, ": as above: "); isAgain {
					assert.Contains(t, strings.Join(failures[:i], "\n"), ": "+what)
					continue
				}
				assert.True(t, containsOneOf(failure, test.want), "not expected: %s", failure)
			}
			for _, want := range test.want {
				assert.Contains(t, strings.Join(failures, "\n"), want)
			}
		})
	}
}

// What responds to everything in front of the chain is named once.
func TestRunSaysTheCauseOnce(t *testing.T) {
	always := func(f http.HandlerFunc) func(parts) http.Handler {
		return func(parts) http.Handler { return f }
	}
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Unauthorized", http.StatusUnauthorized) })
	both := RunConfig{Target: "/x", Secrets: []string{"absec_new", "absec_old"}, MaxBodyBytes: 1000, AroundMux: true, Now: fixedNow}
	for _, test := range []struct {
		name    string
		handler func(parts) http.Handler
		config  RunConfig
		want    []string // the failures begin with these
		skipped int      // of how many tests the reason is the first failure
	}{
		{"another authentication", always(refuse), both, []string{
			"a signed request is accepted: a signed request is given 401, without a Content-Security-Policy, and so not by the chain: let what guards it in front"}, 16},
		{"another authentication, which passes OPTIONS", func(p parts) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodOptions {
					p.chain(p.route).ServeHTTP(w, r)
					return
				}
				w.WriteHeader(401)
			})
		}, postConfig, []string{"a signed request is accepted: a signed request is given 401, without"}, 11},
		{"a CORS middleware that refuses what it does not know", always(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(403) }), postConfig, []string{
			"a signed request is accepted: a signed request is given 403: if that is http.CrossOriginProtection, which refuses every POST of an extension as cross-site, or a CORS middleware that does not know the origin null"}, 12},
		{"a proxy that does not reach the backend", always(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(502) }), postConfig, []string{
			"a signed request is accepted: a signed request is given 502, without a Content-Security-Policy, and so not by the chain: something in front has failed"}, 12},
		{"a mux that does not route to the chain", func(p parts) http.Handler { return on("/other/", p.chain(p.route)) }, postConfig, []string{
			`a signed request is accepted: a signed request is given 404: check that RunConfig's Method and Target (POST "/api/refunds") are those of a route, and that what is in front of the chain hands it on`}, 12},
		{"a login", always(http.RedirectHandler("/login", http.StatusFound).ServeHTTP), postConfig, []string{
			`a signed request is accepted: a signed request is redirected (302, to "/login")`}, 12},
		{"between NewCSP and NewCORS", func(p parts) http.Handler {
			return p.csp(refuse)
		}, postConfig, []string{
			"a signed request is accepted: a signed request is refused with 401", "a signed request is accepted: the response to a signed request carries no Access-Control-Allow-Origin"}, 12},
		{"the verifier, with another secret", func(p parts) http.Handler { return p.chain(p.route) }, both, []string{
			"a signed request is accepted: a signed request is refused with 401 no_match",
			"a request signed with Secrets[0] alone is accepted: as above: a signed request is refused with 401 no_match",
			"a request signed with Secrets[1] alone is accepted: as above: a signed request is refused with 401 no_match"}, 4},
		{"one of two secrets that the verifier does not know", func(p parts) http.Handler { return p.chain(on("POST /x", p.route)) },
			RunConfig{Target: "/x", Secrets: []string{DefaultSecret, "absec_old"}, AroundMux: true, Now: fixedNow}, []string{
				"a request signed with Secrets[1] alone is accepted: a signed request is refused with 401 no_match"}, 0},
		{"a gateway that takes one signature", func(p parts) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Count(r.Header.Get("Stripe-Signature"), "v1=") > 1 {
					w.WriteHeader(409)
					return
				}
				p.chain(on("POST /x", p.route)).ServeHTTP(w, r)
			})
		}, RunConfig{Target: "/x", Secrets: []string{DefaultSecret, "absec_old"}, AroundMux: true, Now: fixedNow}, []string{
			"a signed request is accepted: a signed request is given 409",
			"a request signed with Secrets[1] alone is accepted: a signed request is refused with 401 no_match"}, 7},
		{"a route that refuses behind NewCORS, and what is not signed in front of it", func(p parts) http.Handler {
			return p.csp(unsigned(refuse, p.cors(p.verify(refuse))))
		}, routeConfig, []string{
			"a signed request is accepted: a signed request is refused with 401",
			"a request without signature is refused: refusals carry no Access-Control-Allow-Origin", "a request without signature is refused: refusals carry no Cache-Control",
			"an empty Stripe-Signature is refused: as above: refusals carry no Access-Control-Allow-Origin", "an empty Stripe-Signature is refused: as above: refusals carry no Cache-Control"}, 1},
		{"a route that refuses behind NewCSP, and what is not signed in front of it", func(p parts) http.Handler {
			return p.cors(unsigned(refuse, p.csp(p.verify(refuse))))
		}, routeConfig, []string{
			"a signed request is accepted: a signed request is refused with 401",
			"a request without signature is refused: refusals carry no Content-Security-Policy", "a request without signature is refused: refusals carry no Cache-Control",
			"an empty Stripe-Signature is refused: as above: refusals carry no Content-Security-Policy", "an empty Stripe-Signature is refused: as above: refusals carry no Cache-Control"}, 1},
		{"a panic, whose stack is shown once", always(func(http.ResponseWriter, *http.Request) { panic("oh no") }), routeConfig, append([]string{
			"a signed request is accepted: the handler panicked: oh no"}, asAbove("the handler panicked", bodyTests[1:])...), 0},
		{"no verification", func(p parts) http.Handler { return p.csp(p.cors(p.route)) }, RunConfig{Target: "/x", Source: stripeapps.IDsInQuery, Now: fixedNow}, slices.Concat([]string{
			"a signed request is accepted: the response to a signed request carries no Cache-Control", "a signed request is accepted: the response to a signed request carries Vary",
			"a request without signature is refused: a request that must be refused is accepted (200): put New"},
			asAbove("a request that must be refused is accepted (200)", []string{bodyTests[4], bodyTests[5], bodyTests[6], bodyTests[7], bodyTests[9], bodyTests[10]}),
			[]string{"two Stripe-Signature headers are refused: a request that must be refused is accepted (200): if New"}), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := recorder{"Run", new(records)}
			run(r, test.handler(newParts(t, stripeapps.VerifierConfig{})), test.config)
			require.Len(t, r.failures, len(test.want), "%q", r.failures)
			for i, want := range test.want {
				assert.Contains(t, r.failures[i], want)
			}
			assert.Len(t, r.skipped, test.skipped)
			for _, skipped := range r.skipped {
				assert.Regexp(t, ": as above: .*mend that first$", skipped)
			}
		})
	}
}

// A refusal of the verifier is from nothing in front of it, even without a policy.
func TestRunBlamesNothingInFront(t *testing.T) {
	p := newParts(t, stripeapps.VerifierConfig{})
	_, failures := record(p.cors(p.verify(p.csp(p.route))), routeConfig)
	require.NotEmpty(t, failures)
	assert.NotContains(t, strings.Join(failures, "\n"), "in front")
}

func asAbove(what string, tests []string) (failures []string) {
	for _, name := range tests {
		failures = append(failures, name+": as above: "+what)
	}
	return failures
}

func containsOneOf(s string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

func TestRunSendsWhatABrowserSends(t *testing.T) {
	var preflights, others []*http.Request
	p := newParts(t, stripeapps.VerifierConfig{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			preflights = append(preflights, r)
		} else {
			others = append(others, r)
		}
		p.chain(p.route).ServeHTTP(w, r)
	})
	_, failures := record(handler, RunConfig{Target: "/x?a=b", Header: http.Header{"authorization": {"x"}}, Now: fixedNow})
	assert.Empty(t, failures)
	require.Len(t, preflights, 1)
	assert.Equal(t, "/x?a=b", preflights[0].URL.String())
	assert.Equal(t, http.Header{
		"Origin": {"null"}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"authorization,content-type,stripe-signature"},
		"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"},
	}, preflights[0].Header)
	require.Len(t, others, 11)
	assert.Equal(t, http.Header{
		"Origin": {"null"}, "Content-Type": {"application/json"}, "Authorization": {"x"}, "Stripe-Signature": {Sign(nil, At(testNow))},
		"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"},
	}, others[0].Header)
	var signatures [][]string
	for _, r := range append(others[1:2:2], others[8:]...) {
		signatures = append(signatures, r.Header["Stripe-Signature"])
	}
	valid := Sign(nil, At(testNow))
	assert.Equal(t, [][]string{strings.Split(valid, ","), {""}, {"signature"}, {valid, valid}}, signatures)
}

// The bodies over the limit are so by one byte, and correct otherwise.
func TestRunSendsOneByteTooMuch(t *testing.T) {
	p := newParts(t, stripeapps.VerifierConfig{MaxBodyBytes: 101})
	var lengths []int64
	_, failures := record(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			lengths = append(lengths, r.ContentLength, int64(len(body)))
		})).ServeHTTP(w, r)
	}), RunConfig{Target: "/x", MaxBodyBytes: 100, Now: fixedNow})
	assert.Len(t, failures, 2)
	length := int64(len(Body(nil)))
	assert.Equal(t, []int64{length, length, length, length, 101, 101, -1, 101}, lengths)
}

var ownSource = stripeapps.NewSource(func(_ *http.Request, body []byte) ([]byte, error) { return body, nil })

func TestRunSaysWhatIsWrongWithItsConfig(t *testing.T) {
	for _, test := range []struct {
		name   string
		config RunConfig
		want   string
	}{
		{"no target", RunConfig{}, `RunConfig.Target is "": it must be the path of a signed route, like "/api/refunds"`},
		{"a URL as target", RunConfig{Target: "https://example.com/x"}, `RunConfig.Target is "https://example.com/x"`},
		{"a target with a space", RunConfig{Target: "/x y"}, `RunConfig.Target is "/x y"`},
		{"a target with a fragment", RunConfig{Target: "/x#y"}, `RunConfig.Target is "/x#y"`},
		{"a target with a line break", RunConfig{Target: "/x\r\n"}, `RunConfig.Target is "/x\r\n"`},
		{"a target with a bad escape", RunConfig{Target: "/%zz"}, `RunConfig's Method "POST" and Target "/%zz" make no request`},
		{"a method that is none", RunConfig{Method: "a b", Target: "/x"}, `RunConfig's Method "a b" and Target "/x" make no request`},
		{"GET with a signed body", RunConfig{Method: "GET", Target: "/x"}, "RunConfig.Method is GET, with which a browser sends no body: give the Source"},
		{"GET with a payload", RunConfig{Method: "GET", Target: "/x", Payload: "{}", Source: stripeapps.IDsInQuery}, "RunConfig.Method is GET, with which a browser sends no body: leave Payload nil"},
		{"a nonce in the payload already", RunConfig{Target: "/x", Payload: `{"nonce":"x"}`, Nonce: "nonce"}, `RunConfig.Payload has the member "nonce", to which Run gives its values: leave it out there`},
		{"a nonce that would not be signed", RunConfig{Target: "/x", Nonce: "nonce", Source: stripeapps.IDsInHeaders}, "RunConfig.Nonce is set, but with this Source only the ids are signed: leave it out"},
		{"HEAD", RunConfig{Method: "HEAD", Target: "/x", Source: stripeapps.IDsInQuery}, "RunConfig.Method is HEAD"},
		{"OPTIONS", RunConfig{Method: "OPTIONS", Target: "/x"}, "RunConfig.Method is OPTIONS, which is what preflights have"},
		{"a payload that is no object", RunConfig{Target: "/x", Payload: []int{1}}, "RunConfig.Payload: the payload, of type []int, is not a JSON object"},
		{"a payload that is no JSON", RunConfig{Target: "/x", Payload: make(chan int)}, "RunConfig.Payload: the payload cannot be written as JSON: json: unsupported type: chan int"},
		{"no secrets", RunConfig{Target: "/x", Secrets: []string{}}, "RunConfig.Secrets is empty: leave it nil"},
		{"an empty secret", RunConfig{Target: "/x", Secrets: []string{"absec_1", ""}}, "RunConfig.Secrets[1] is empty"},
		{"the other secret", RunConfig{Target: "/x", Secrets: []string{otherSecret}}, "RunConfig.Secrets[0] is what Run signs with to be refused"},
		{"a source of your own", RunConfig{Target: "/x", Source: ownSource}, "RunConfig.Source is one that NewSource has made: it must be"},
		{"a clock of before 1970", RunConfig{Target: "/x", Now: func() time.Time { return time.Time{} }}, "RunConfig.Now says 0001-01-01 00:00:00 +0000 UTC: it must be after 1970"},
		{"a clock of 1970", RunConfig{Target: "/x", Now: func() time.Time { return time.Unix(3600, 0).UTC() }}, "RunConfig.Now says 1970-01-01 01:00:00 +0000 UTC: it must be after 1970, by 25 hours"},
		{"a header that Run sets", RunConfig{Target: "/x", Header: http.Header{"stripe-signature": {"x"}}}, "RunConfig.Header has stripe-signature, which Run sets itself"},
		{"a limit without a body", RunConfig{Target: "/x", Source: stripeapps.IDsInHeaders, MaxBodyBytes: 100}, "RunConfig.MaxBodyBytes is set, but with this Source"},
		{"a limit that is too small", RunConfig{Target: "/x", MaxBodyBytes: 59}, "RunConfig.MaxBodyBytes is 59: it must be 0 or from 60, for the ids, to 1073741824"},
		{"a limit that is too large", RunConfig{Target: "/x", MaxBodyBytes: 1<<30 + 1}, "RunConfig.MaxBodyBytes is 1073741825"},
		{"a negative limit", RunConfig{Target: "/x", MaxBodyBytes: -1}, "RunConfig.MaxBodyBytes is -1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tests, failures := record(http.NotFoundHandler(), test.config)
			assert.Empty(t, tests)
			require.Len(t, failures, 1)
			assert.Contains(t, failures[0], "stripeappstest: "+test.want)
			assert.Equal(t, 1, strings.Count(failures[0], "stripeappstest: "))
		})
	}
	t.Run("everything wrong is named", func(t *testing.T) {
		_, failures := record(nil, RunConfig{Method: "OPTIONS", Source: ownSource})
		require.Len(t, failures, 1)
		assert.Equal(t, 4, strings.Count(failures[0], "stripeappstest: "), failures[0])
		assert.Contains(t, failures[0], "the handler is nil")
	})
}

func TestRunAsksForAnUnknownPathBesideTheRoute(t *testing.T) {
	p := newParts(t, stripeapps.VerifierConfig{})
	var last string
	_, failures := record(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		last = r.Method + " " + r.URL.String()
		p.chain(on("POST /a/b", p.route)).ServeHTTP(w, r)
	}), RunConfig{Target: "/a/b?c=d", Now: fixedNow, AroundMux: true})
	assert.Empty(t, failures)
	assert.Equal(t, "POST /a/stripeappstest-no-such-path?c=d", last)
}

// With a testing.T it is the same.
func TestRun(t *testing.T) {
	p := newParts(t, stripeapps.VerifierConfig{})
	Run(t, p.chain(on("POST /api/refunds", p.route)), postConfig)
}

// Through a proxy it tests what is deployed, and all that stands in front of it.
func TestRunThroughAProxy(t *testing.T) {
	p := newParts(t, stripeapps.VerifierConfig{})
	server := httptest.NewServer(p.chain(on("POST /api/refunds", p.route)))
	defer server.Close()
	deployed, err := url.Parse(server.URL)
	require.NoError(t, err)
	Run(t, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(deployed) }}, postConfig)
}
