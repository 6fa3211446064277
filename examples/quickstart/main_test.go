package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/playground"
)

const testSecret = "absec_of_the_test"

// testNow is the clock of every test in this process.
var testNow = time.Unix(1700000000, 0).UTC()

func fixedNow() time.Time { return testNow }

// environment is what run looks variables up in.
type environment map[string]string

func (e environment) lookup(name string) (string, bool) {
	value, set := e[name]
	return value, set
}

// sign makes a Stripe-Signature header with stripe-go, whose code is not ours.
func sign(payload, secret string, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%x", at.Unix(), webhook.ComputeSignature(at, []byte(payload), secret))
}

// What the printed commands send.
const (
	sampleUserID    = "usr_quickstart"
	sampleAccountID = "acct_quickstart"
	sampleIDs       = `"user_id":"usr_quickstart","account_id":"acct_quickstart"}`

	samplePayload    = `{"action":"hello","livemode":false,` + sampleIDs
	sampleIDsPayload = `{` + sampleIDs
)

// status is what main exits with.
func status(ctx context.Context, args []string, env environment, stdout, stderr io.Writer) int {
	return playground.Exit(run(ctx, args, env.lookup, stdout, stderr), stdout, stderr)
}

func done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func testBackend(t *testing.T, secrets ...string) http.Handler {
	t.Helper()
	handler, err := newBackend(secrets, fixedNow, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return handler
}

func echoRequest(method, path, payload, secret string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(payload))
	r.Header.Set("Stripe-Signature", sign(payload, secret, testNow))
	return r
}

func whoamiRequest(method, path, secret string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Stripe-User-Id", sampleUserID)
	r.Header.Set("Stripe-Account-Id", sampleAccountID)
	r.Header.Set("Stripe-Signature", sign(sampleIDsPayload, secret, testNow))
	return r
}

func responseOf(handler http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

// assertAccepted checks that the response has exactly the members that it must.
func assertAccepted(t *testing.T, response *http.Response, payload string, signedAt time.Time) {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "body: %s", body)
	assert.Equal(t, "application/json", response.Header.Get("Content-Type"))
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(body, &members))
	assert.ElementsMatch(t, []string{"user_id", "account_id", "signed_at", "payload"}, slices.Collect(maps.Keys(members)))
	assert.Equal(t, `"`+sampleUserID+`"`, string(members["user_id"]))
	assert.Equal(t, `"`+sampleAccountID+`"`, string(members["account_id"]))
	assert.Equal(t, signedAt.UTC().Format(`"`+time.RFC3339+`"`), string(members["signed_at"]))
	assert.Equal(t, payload, string(members["payload"]))
}

func assertProblem(t *testing.T, response *http.Response, status int, code string) {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, status, response.StatusCode, "body: %s", body)
	assert.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
	var problem struct {
		Status       int
		Code, Detail string
	}
	require.NoError(t, json.Unmarshal(body, &problem))
	assert.Equal(t, status, problem.Status)
	assert.Equal(t, code, problem.Code)
	assert.NotEmpty(t, problem.Detail)
}

func assertOneLine(t *testing.T, text string) {
	t.Helper()
	assert.Equal(t, 1, strings.Count(text, "\n"), "got %q", text)
	assert.True(t, strings.HasPrefix(text, "quickstart: ") && strings.HasSuffix(text, "\n"), "got %q", text)
}

func TestEcho(t *testing.T) {
	for name, own := range map[string]string{
		"a payload with no members of its own comes back":         ``,
		"characters that HTML escapes come back as they are":      `"html":"<b>&amp;</b>",`,
		"line separators and other languages come back":           "\"text\":\"a\u2028b\u2029c é 日本 😀\",",
		"escapes are not replaced by what they mean":              `"text":"\/ \u00e9 \u003c \ud800",`,
		"numbers that no float64 holds come back digit for digit": `"numbers":[12345678901234567890,1.0,1E400,-0],`,
		"the order of members in nested objects is kept":          `"nested":{"b":1,"a":{"z":[],"y":null}},`,
		"white space is kept":                                     ` "spaced" : [ 1 ] , `,
	} {
		t.Run(name, func(t *testing.T) {
			payload := "{" + own + sampleIDs
			response := responseOf(testBackend(t, testSecret), echoRequest("POST", "/api/echo", payload, testSecret))
			assertAccepted(t, response, payload, testNow)
		})
	}
}

func TestWhoami(t *testing.T) {
	t.Run("signed ids in the headers are the payload", func(t *testing.T) {
		response := responseOf(testBackend(t, testSecret), whoamiRequest("GET", "/api/whoami", testSecret))
		assertAccepted(t, response, sampleIDsPayload, testNow)
	})
	t.Run("an id changed after signing is refused", func(t *testing.T) {
		r := whoamiRequest("GET", "/api/whoami", testSecret)
		r.Header.Set("Stripe-Account-Id", "acct_other")
		assertProblem(t, responseOf(testBackend(t, testSecret), r), 401, "no_match")
	})
}

func TestOtherRoutes(t *testing.T) {
	handler := testBackend(t, testSecret)
	unsigned := func(method, path string) *http.Request { return httptest.NewRequest(method, path, nil) }

	t.Run("healthz needs no signature", func(t *testing.T) {
		response := responseOf(handler, unsigned("GET", "/healthz"))
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.Equal(t, "application/json", response.Header.Get("Content-Type"))
		assert.JSONEq(t, `{"status":"ok"}`, string(body))
	})
	for name, r := range map[string]*http.Request{
		"the root is not found":                        unsigned("GET", "/"),
		"an unknown path is not found":                 unsigned("GET", "/api"),
		"a path below a route is not found":            unsigned("POST", "/api/echo/"),
		"a path that is not clean is not redirected":   unsigned("POST", "/api//echo"),
		"a path with dots is not redirected":           unsigned("GET", "/x/../healthz"),
		"healthz takes no POST":                        unsigned("POST", "/healthz"),
		"an unsigned GET of echo is not found":         unsigned("GET", "/api/echo"),
		"an OPTIONS that is no preflight is not found": unsigned("OPTIONS", "/api/echo"),
		"a signed PUT to echo is not found":            echoRequest("PUT", "/api/echo", samplePayload, testSecret),
		"a signed GET to echo is not found":            echoRequest("GET", "/api/echo", samplePayload, testSecret),
		"a signed POST to whoami is not found":         whoamiRequest("POST", "/api/whoami", testSecret),
		"a signed OPTIONS to whoami is not found":      whoamiRequest("OPTIONS", "/api/whoami", testSecret),
		"a signed request elsewhere is not found":      echoRequest("POST", "/api/ECHO", samplePayload, testSecret),
		"a signed request below a route is not found":  whoamiRequest("GET", "/api/whoami/me", testSecret),
	} {
		t.Run(name, func(t *testing.T) { assertProblem(t, responseOf(handler, r), 404, "not_found") })
	}
	for name, r := range map[string]*http.Request{
		"an unsigned request with the right method is refused": unsigned("POST", "/api/echo"),
		"an unsigned request for whoami is refused":            unsigned("GET", "/api/whoami"),
	} {
		t.Run(name, func(t *testing.T) { assertProblem(t, responseOf(handler, r), 401, "not_signed") })
	}
	t.Run("the handler refuses to work outside the chain", func(t *testing.T) {
		assert.PanicsWithValue(t, stripeapps.ErrNotVerified, func() { responseOf(http.HandlerFunc(tellIdentity), unsigned("GET", "/")) })
	})
}

func TestRefusalsAreLoggedWithoutTheRequest(t *testing.T) {
	var log bytes.Buffer
	handler, err := newBackend([]string{testSecret}, fixedNow, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	responseOf(handler, echoRequest("POST", "/api/echo", samplePayload, "absec_another"))
	assert.Contains(t, log.String(), "code=no_match status=401")
	assert.NotContains(t, log.String(), sampleUserID)
	assert.NotContains(t, log.String(), testSecret)
}

func TestSecretsSeparatedByCommas(t *testing.T) {
	c, err := playground.ReadConfig(nil, environment{"STRIPE_APP_SECRET": "absec_new,absec_old"}.lookup)
	require.NoError(t, err)
	handler := testBackend(t, c.Secrets...)
	for name, secret := range map[string]string{"the first one verifies": "absec_new", "the second one verifies": "absec_old"} {
		t.Run(name, func(t *testing.T) {
			assertAccepted(t, responseOf(handler, echoRequest("POST", "/api/echo", samplePayload, secret)), samplePayload, testNow)
			assertAccepted(t, responseOf(handler, whoamiRequest("GET", "/api/whoami", secret)), sampleIDsPayload, testNow)
		})
	}
	for name, secret := range map[string]string{"both together do not verify": "absec_new,absec_old", "another one does not verify": "absec_other"} {
		t.Run(name, func(t *testing.T) {
			assertProblem(t, responseOf(handler, echoRequest("POST", "/api/echo", samplePayload, secret)), 401, "no_match")
		})
	}
}

func TestHelp(t *testing.T) {
	for name, args := range map[string][]string{
		"with one dash":               {"-h"},
		"with two dashes":             {"--help"},
		"even where the rest is good": {"-selfcheck", "-h"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, 0, status(done(), args, environment{"STRIPE_APP_SECRET": ""}, &stdout, &stderr))
			assert.Empty(t, stderr.String())
			for _, topic := range []string{"-addr", "-selfcheck", "STRIPE_APP_SECRET", "ADDR", "127.0.0.1:4241"} {
				assert.Contains(t, stdout.String(), topic)
			}
		})
	}
}

func TestFailuresToStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()

	const secret = "do_not_show_me"
	for name, test := range map[string]struct {
		args   []string
		env    environment
		status int
		says   string
	}{
		"a port in use fails":                            {[]string{"-addr", taken.Addr().String()}, nil, 1, "is in use"},
		"a port in use fails when ADDR says so":          {nil, environment{"ADDR": taken.Addr().String()}, 1, "is in use"},
		"an unknown flag is bad":                         {[]string{"-port", "80"}, nil, 2, "-port: run it with -h"},
		"an unknown flag of two lines is bad":            {[]string{"-a\nb"}, nil, 2, "run it with -h"},
		"a flag without its value is bad":                {[]string{"-addr"}, nil, 2, "run it with -h"},
		"an argument is bad, and not shown":              {[]string{"absec_" + secret}, nil, 2, "give the secret in STRIPE_APP_SECRET"},
		"an address without a port is bad":               {[]string{"-addr", "localhost"}, nil, 2, `-addr is "localhost"`},
		"an address that is only a port is bad":          {[]string{"-addr", "4241"}, nil, 2, `-addr is "4241"`},
		"a port over 65535 is bad":                       {[]string{"-addr", "127.0.0.1:65536"}, nil, 2, "from 0 to 65535"},
		"a negative port is bad":                         {[]string{"-addr", "127.0.0.1:-1"}, nil, 2, "from 0 to 65535"},
		"a port that is a name is bad":                   {[]string{"-addr", "127.0.0.1:http"}, nil, 2, "from 0 to 65535"},
		"an address with an empty port is bad":           {[]string{"-addr", "127.0.0.1:"}, nil, 2, "from 0 to 65535"},
		"an empty -addr is bad":                          {[]string{"-addr", ""}, nil, 2, `-addr is ""`},
		"an ADDR that is set but empty is bad":           {nil, environment{"ADDR": ""}, 2, `ADDR is ""`},
		"an address of two lines is bad":                 {nil, environment{"ADDR": "a\nb"}, 2, `ADDR is "a\nb"`},
		"an address of another machine is bad":           {[]string{"-addr", "203.0.113.1:4241"}, nil, 2, "not an address of this machine"},
		"a secret that is set but empty is bad":          {nil, environment{"STRIPE_APP_SECRET": ""}, 2, "is blank"},
		"a secret of spaces is bad":                      {nil, environment{"STRIPE_APP_SECRET": "  "}, 2, "is blank"},
		"a secret that is not trimmed is bad":            {nil, environment{"STRIPE_APP_SECRET": "absec_" + secret + "\n"}, 2, "white space"},
		"a space behind a comma is bad":                  {nil, environment{"STRIPE_APP_SECRET": "absec_1" + secret + ", absec_2" + secret}, 2, "entry 2 has white space"},
		"a comma at the end is bad":                      {nil, environment{"STRIPE_APP_SECRET": "absec_" + secret + ","}, 2, "entry 2 is blank"},
		"a webhook's secret is bad":                      {nil, environment{"STRIPE_APP_SECRET": "whsec_" + secret}, 2, "(whsec_…)"},
		"an API key is bad":                              {nil, environment{"STRIPE_APP_SECRET": "sk_test_" + secret}, 2, "(sk_…)"},
		"a secret in quotes is bad":                      {nil, environment{"STRIPE_APP_SECRET": `"absec_` + secret + `"`}, 2, "without quotes"},
		"the same secret twice is bad":                   {nil, environment{"STRIPE_APP_SECRET": "absec_" + secret + ",absec_" + secret}, 2, "entry 2 equals entry 1"},
		"several bad secrets are named in one line":      {nil, environment{"STRIPE_APP_SECRET": "whsec_" + secret + ",,rk_" + secret}, 2, "; entry 2 is blank"},
		"a bad secret is bad for -selfcheck, too":        {[]string{"-selfcheck"}, environment{"STRIPE_APP_SECRET": "whsec_" + secret}, 2, "(whsec_…)"},
		"a bad address is told before a port is tried":   {[]string{"-selfcheck", "-addr", "x"}, nil, 2, `-addr is "x"`},
		"a selfcheck that is not true or false is bad":   {[]string{"-selfcheck=maybe"}, nil, 2, "run it with -h"},
		"a good -addr does not make up for a bad secret": {[]string{"-addr", "127.0.0.1:0"}, environment{"STRIPE_APP_SECRET": "x"}, 2, "absec_"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			// With a context that is done, nothing goes on if it does start.
			got := status(done(), test.args, test.env, &stdout, &stderr)
			assert.Equal(t, test.status, got)
			assert.Empty(t, stdout.String())
			assertOneLine(t, stderr.String())
			assert.Contains(t, stderr.String(), test.says)
			assert.NotContains(t, stderr.String(), secret)
			if _, set := test.env["STRIPE_APP_SECRET"]; set {
				assert.Contains(t, stderr.String(), "STRIPE_APP_SECRET")
			}
		})
	}
}

// tableResults returns the last column of the selfcheck's table, and checks that
// the table has a row for each request.
func tableResults(t *testing.T, stdout string) (results []string) {
	t.Helper()
	lines := strings.Split(stdout, "\n")
	require.GreaterOrEqual(t, len(lines), 6, "got %q", stdout)
	assert.Equal(t, []string{"SENT", "EXPECTED", "GOT", "RESULT"}, strings.Fields(lines[0]))
	for i, sent := range []string{"a signed body", "a body changed after signing", "a body signed too long ago", "a body without signature", "signed ids in headers"} {
		row := lines[1+i]
		assert.True(t, strings.HasPrefix(row, sent+"  "), "got %q", row)
		results = append(results, row[strings.LastIndex(row, " ")+1:])
	}
	return results
}

func TestSelfcheckPasses(t *testing.T) {
	for name, env := range map[string]environment{
		"with a random secret":          {},
		"with the secret that is given": {"STRIPE_APP_SECRET": testSecret},
		"with several secrets":          {"STRIPE_APP_SECRET": testSecret + ",absec_other"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, 0, status(t.Context(), []string{"-selfcheck"}, env, &stdout, &stderr))
			assert.Equal(t, []string{"OK", "OK", "OK", "OK", "OK"}, tableResults(t, stdout.String()))
			assert.Regexp(t, `changed after signing +401 no_match +401 no_match +OK`, stdout.String())
			assert.Contains(t, stdout.String(), "All 5 requests went as they must.")
			assert.Empty(t, stderr.String())
			assert.NotContains(t, stdout.String(), testSecret)
		})
	}
}

func TestEveryResponseCanBeReadByTheExtension(t *testing.T) {
	handler := testBackend(t, testSecret)
	for name, request := range map[string]*http.Request{
		"an accepted one": echoRequest("POST", "/api/echo", samplePayload, testSecret),
		"a refusal":       httptest.NewRequest("POST", "/api/echo", nil),
		"a 404":           httptest.NewRequest("POST", "/api/x", nil),
	} {
		t.Run(name, func(t *testing.T) {
			request.Header.Set("Origin", "null")
			response := responseOf(handler, request)
			assert.Equal(t, []string{"*"}, response.Header["Access-Control-Allow-Origin"])
			assert.Equal(t, []string{"default-src 'none'; frame-ancestors 'none'"}, response.Header["Content-Security-Policy"])
		})
	}
}

func TestServeDecidesByItsAddress(t *testing.T) {
	for addr, want := range map[string]int{"127.0.0.1:0": http.StatusOK, "0.0.0.0:0": http.StatusNotFound} {
		t.Run(addr, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			stdout, out := io.Pipe()
			ended := make(chan int, 1)
			go func() {
				ended <- status(ctx, []string{"-addr", addr}, nil, out, io.Discard)
				out.Close()
			}()
			first, err := bufio.NewReader(stdout).ReadString('\n')
			require.NoError(t, err)
			go io.Copy(io.Discard, stdout)
			assert.Equal(t, want == http.StatusOK, strings.HasPrefix(first, "Open http"), first)

			base := regexp.MustCompile(`http://\S+:\d+`).FindString(first)
			transport := &http.Transport{} // without the environment's proxy
			defer transport.CloseIdleConnections()
			response, err := (&http.Client{Transport: transport}).Get(base + "/")
			require.NoError(t, err)
			defer response.Body.Close()
			assert.Equal(t, want, response.StatusCode)

			stop()
			assert.Equal(t, 0, <-ended)
		})
	}
}
