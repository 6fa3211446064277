package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
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

func done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func testHandler(t *testing.T, secrets ...string) http.Handler {
	t.Helper()
	handler, err := newHandler(secrets, fixedNow, slog.New(slog.DiscardHandler))
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

func answerOf(handler http.Handler, r *http.Request) *http.Response {
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
			response := answerOf(testHandler(t, testSecret), echoRequest("POST", "/api/echo", payload, testSecret))
			assertAccepted(t, response, payload, testNow)
		})
	}
}

func TestWhoami(t *testing.T) {
	t.Run("signed ids in the headers are the payload", func(t *testing.T) {
		response := answerOf(testHandler(t, testSecret), whoamiRequest("GET", "/api/whoami", testSecret))
		assertAccepted(t, response, sampleIDsPayload, testNow)
	})
	t.Run("an id changed after signing is refused", func(t *testing.T) {
		r := whoamiRequest("GET", "/api/whoami", testSecret)
		r.Header.Set("Stripe-Account-Id", "acct_other")
		assertProblem(t, answerOf(testHandler(t, testSecret), r), 401, "no_match")
	})
}

func TestOtherRoutes(t *testing.T) {
	handler := testHandler(t, testSecret)
	unsigned := func(method, path string) *http.Request { return httptest.NewRequest(method, path, nil) }

	t.Run("healthz needs no signature", func(t *testing.T) {
		response := answerOf(handler, unsigned("GET", "/healthz"))
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
		t.Run(name, func(t *testing.T) { assertProblem(t, answerOf(handler, r), 404, "not_found") })
	}
	for name, r := range map[string]*http.Request{
		"an unsigned request with the right method is refused": unsigned("POST", "/api/echo"),
		"an unsigned request for whoami is refused":            unsigned("GET", "/api/whoami"),
	} {
		t.Run(name, func(t *testing.T) { assertProblem(t, answerOf(handler, r), 401, "not_signed") })
	}
	t.Run("the handler refuses to work outside the chain", func(t *testing.T) {
		assertProblem(t, answerOf(http.HandlerFunc(tellIdentity), unsigned("GET", "/")), 500, "not_verified")
	})
}

func TestRefusalsAreLoggedWithoutTheRequest(t *testing.T) {
	var log bytes.Buffer
	handler, err := newHandler([]string{testSecret}, fixedNow, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	answerOf(handler, echoRequest("POST", "/api/echo", samplePayload, "absec_another"))
	assert.Contains(t, log.String(), "code=no_match status=401")
	assert.NotContains(t, log.String(), sampleUserID)
	assert.NotContains(t, log.String(), testSecret)
}

func TestSecretsSeparatedByCommas(t *testing.T) {
	c, err := readConfig(nil, environment{"STRIPE_APP_SECRET": "absec_new,absec_old"}.lookup)
	require.NoError(t, err)
	handler := testHandler(t, c.secrets...)
	for name, secret := range map[string]string{"the first one verifies": "absec_new", "the second one verifies": "absec_old"} {
		t.Run(name, func(t *testing.T) {
			assertAccepted(t, answerOf(handler, echoRequest("POST", "/api/echo", samplePayload, secret)), samplePayload, testNow)
			assertAccepted(t, answerOf(handler, whoamiRequest("GET", "/api/whoami", secret)), sampleIDsPayload, testNow)
		})
	}
	for name, secret := range map[string]string{"both together do not verify": "absec_new,absec_old", "another one does not verify": "absec_other"} {
		t.Run(name, func(t *testing.T) {
			assertProblem(t, answerOf(handler, echoRequest("POST", "/api/echo", samplePayload, secret)), 401, "no_match")
		})
	}
}

func TestRandomSecretsDiffer(t *testing.T) {
	first, err := readConfig(nil, environment{}.lookup)
	require.NoError(t, err)
	second, err := readConfig(nil, environment{}.lookup)
	require.NoError(t, err)
	assert.True(t, first.randomSecret && second.randomSecret)
	assert.NotEqual(t, first.secrets, second.secrets)
}

func TestHelp(t *testing.T) {
	for name, args := range map[string][]string{
		"with one dash":               {"-h"},
		"with two dashes":             {"--help"},
		"even where the rest is good": {"-selfcheck", "-h"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, exitOK, run(done(), args, environment{"STRIPE_APP_SECRET": ""}.lookup, &stdout, &stderr))
			assert.Empty(t, stderr.String())
			for _, topic := range []string{"-addr", "-selfcheck", "STRIPE_APP_SECRET", "ADDR", defaultAddr} {
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
		"a port in use fails":                            {[]string{"-addr", taken.Addr().String()}, nil, exitFailed, "is in use"},
		"a port in use fails when ADDR says so":          {nil, environment{"ADDR": taken.Addr().String()}, exitFailed, "is in use"},
		"an unknown flag is bad":                         {[]string{"-port", "80"}, nil, exitBadConfig, "-port: run it with -h"},
		"an unknown flag of two lines is bad":            {[]string{"-a\nb"}, nil, exitBadConfig, "run it with -h"},
		"a flag without its value is bad":                {[]string{"-addr"}, nil, exitBadConfig, "run it with -h"},
		"an argument is bad, and not shown":              {[]string{"absec_" + secret}, nil, exitBadConfig, "give the secret in STRIPE_APP_SECRET"},
		"an address without a port is bad":               {[]string{"-addr", "localhost"}, nil, exitBadConfig, `-addr is "localhost"`},
		"an address that is only a port is bad":          {[]string{"-addr", "4242"}, nil, exitBadConfig, `-addr is "4242"`},
		"a port over 65535 is bad":                       {[]string{"-addr", "127.0.0.1:65536"}, nil, exitBadConfig, "from 0 to 65535"},
		"a negative port is bad":                         {[]string{"-addr", "127.0.0.1:-1"}, nil, exitBadConfig, "from 0 to 65535"},
		"a port that is a name is bad":                   {[]string{"-addr", "127.0.0.1:http"}, nil, exitBadConfig, "from 0 to 65535"},
		"an address with an empty port is bad":           {[]string{"-addr", "127.0.0.1:"}, nil, exitBadConfig, "from 0 to 65535"},
		"an empty -addr is bad":                          {[]string{"-addr", ""}, nil, exitBadConfig, `-addr is ""`},
		"an ADDR that is set but empty is bad":           {nil, environment{"ADDR": ""}, exitBadConfig, `ADDR is ""`},
		"an address of two lines is bad":                 {nil, environment{"ADDR": "a\nb"}, exitBadConfig, `ADDR is "a\nb"`},
		"an address of another machine is bad":           {[]string{"-addr", "203.0.113.1:4242"}, nil, exitBadConfig, "not an address of this machine"},
		"a secret that is set but empty is bad":          {nil, environment{"STRIPE_APP_SECRET": ""}, exitBadConfig, "is blank"},
		"a secret of spaces is bad":                      {nil, environment{"STRIPE_APP_SECRET": "  "}, exitBadConfig, "is blank"},
		"a secret that is not trimmed is bad":            {nil, environment{"STRIPE_APP_SECRET": "absec_" + secret + "\n"}, exitBadConfig, "white space"},
		"a space behind a comma is bad":                  {nil, environment{"STRIPE_APP_SECRET": "absec_1" + secret + ", absec_2" + secret}, exitBadConfig, "entry 2 has white space"},
		"a comma at the end is bad":                      {nil, environment{"STRIPE_APP_SECRET": "absec_" + secret + ","}, exitBadConfig, "entry 2 is blank"},
		"a webhook's secret is bad":                      {nil, environment{"STRIPE_APP_SECRET": "whsec_" + secret}, exitBadConfig, "(whsec_…)"},
		"an API key is bad":                              {nil, environment{"STRIPE_APP_SECRET": "sk_test_" + secret}, exitBadConfig, "(sk_…)"},
		"a secret in quotes is bad":                      {nil, environment{"STRIPE_APP_SECRET": `"absec_` + secret + `"`}, exitBadConfig, "without quotes"},
		"the same secret twice is bad":                   {nil, environment{"STRIPE_APP_SECRET": "absec_" + secret + ",absec_" + secret}, exitBadConfig, "entry 2 equals entry 1"},
		"several bad secrets are named in one line":      {nil, environment{"STRIPE_APP_SECRET": "whsec_" + secret + ",,rk_" + secret}, exitBadConfig, "; entry 2 is blank"},
		"a bad secret is bad for -selfcheck, too":        {[]string{"-selfcheck"}, environment{"STRIPE_APP_SECRET": "whsec_" + secret}, exitBadConfig, "(whsec_…)"},
		"a bad address is told before a port is tried":   {[]string{"-selfcheck", "-addr", "x"}, nil, exitBadConfig, `-addr is "x"`},
		"a selfcheck that is not true or false is bad":   {[]string{"-selfcheck=maybe"}, nil, exitBadConfig, "run it with -h"},
		"a good -addr does not make up for a bad secret": {[]string{"-addr", "127.0.0.1:0"}, environment{"STRIPE_APP_SECRET": "x"}, exitBadConfig, "absec_"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			// With a context that is done, nothing goes on if it does start.
			status := run(done(), test.args, test.env.lookup, &stdout, &stderr)
			assert.Equal(t, test.status, status)
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

func TestBaseURL(t *testing.T) {
	for name, test := range map[string]struct{ ip, zone, want string }{
		"an IPv4 address stays":               {"127.0.0.1", "", "http://127.0.0.1:4242"},
		"an IPv6 address has brackets":        {"::1", "", "http://[::1]:4242"},
		"a zone is escaped":                   {"fe80::1", "eth0", "http://[fe80::1%25eth0]:4242"},
		"all IPv4 addresses mean localhost":   {"0.0.0.0", "", "http://localhost:4242"},
		"all addresses at all mean localhost": {"::", "", "http://localhost:4242"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, baseURL(&net.TCPAddr{IP: net.ParseIP(test.ip), Zone: test.zone, Port: 4242}))
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
			assert.Equal(t, exitOK, run(t.Context(), []string{"-selfcheck"}, env.lookup, &stdout, &stderr))
			assert.Equal(t, []string{"OK", "OK", "OK", "OK", "OK"}, tableResults(t, stdout.String()))
			assert.Regexp(t, `changed after signing +401 no_match +401 no_match +OK`, stdout.String())
			assert.Contains(t, stdout.String(), "All 5 requests went as they must.")
			assert.Empty(t, stderr.String())
			assert.NotContains(t, stdout.String(), testSecret)
		})
	}
}

func TestSelfcheckFails(t *testing.T) {
	// accept answers every request as if it were what the route expects.
	accept := func(userID, accountID string, signedAt time.Time, payload string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			signed := payload
			if r.Method == http.MethodGet {
				signed = sampleIDsPayload
			}
			answerJSON(w, identityDocument(stripeapps.Identity{UserID: userID, AccountID: accountID, SignedAt: signedAt}, []byte(signed)))
		})
	}
	refuse := func(err error) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { stripeapps.WriteProblem(w, r, err) })
	}

	for name, test := range map[string]struct {
		handler http.Handler
		results string
		says    string
	}{
		"on a handler that accepts everything":                {accept(sampleUserID, sampleAccountID, testNow, samplePayload), "OK FAIL FAIL FAIL OK", "3 of 5"},
		"on a handler that answers everything with 200":       {http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
		"on a handler that takes everybody for somebody else": {accept("usr_admin", sampleAccountID, testNow, samplePayload), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
		"on a handler that takes every account for another":   {accept(sampleUserID, "acct_other", testNow, samplePayload), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
		"on a handler that tells another time":                {accept(sampleUserID, sampleAccountID, testNow.Add(time.Second), samplePayload), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
		"on a handler that tells another payload":             {accept(sampleUserID, sampleAccountID, testNow, `{"action":"bye"}`), "FAIL FAIL FAIL FAIL OK", "4 of 5"},
		"on a handler that refuses everything":                {refuse(stripeapps.ErrNoMatch), "FAIL OK FAIL FAIL FAIL", "4 of 5"},
		"on a handler that gives the wrong status":            {refuse(stripeapps.NewError("no_match", 403, "no")), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
		"on a handler that has other routes":                  {http.NotFoundHandler(), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
		"on a handler that has other secrets":                 {testHandler(t, "absec_other"), "FAIL OK OK OK FAIL", "2 of 5"},
		"on a handler that hangs up": {http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, exitFailed, selfcheck(t.Context(), test.handler, testSecret, fixedNow, &stdout, &stderr))
			assert.Equal(t, test.results, strings.Join(tableResults(t, stdout.String()), " "), "%s", stdout.String())
			assertOneLine(t, stderr.String())
			assert.Contains(t, stderr.String(), test.says)
		})
	}
	t.Run("on nothing at all, when it is interrupted", func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, exitFailed, selfcheck(done(), testHandler(t, testSecret), testSecret, fixedNow, &stdout, &stderr))
		assertOneLine(t, stderr.String())
	})
}

// process is a quickstart that runs, built as a newcomer would build it.
type process struct {
	cmd      *exec.Cmd
	stdout   *bufio.Reader
	stderr   bytes.Buffer // after wait
	greeting string
	base     string
}

func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "quickstart.exe")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}

// start starts the binary with no environment but env, and reads what it prints
// until it serves.
func start(t *testing.T, binary string, env []string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), binary, args...)}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { p.cmd.Process.Kill(); p.cmd.Wait() }) // if the test has not

	p.stdout = bufio.NewReader(stdout)
	for !strings.HasSuffix(p.greeting, "Press Ctrl-C to stop.\n") {
		line, err := p.stdout.ReadString('\n')
		require.NoError(t, err, "it printed only %q", p.greeting+line)
		p.greeting += line
	}
	p.base = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(p.greeting)
	require.NotEmpty(t, p.base)
	require.False(t, strings.HasSuffix(p.base, ":0"))
	return p
}

func (p *process) terminate(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	line, err := p.stdout.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "Stopping once the requests in flight are answered.\n", line)
}

// wait waits until the process has ended well, and returns what it logged.
func (p *process) wait(t *testing.T) string {
	t.Helper()
	rest, err := io.ReadAll(p.stdout)
	require.NoError(t, err)
	assert.Empty(t, string(rest))
	require.NoError(t, p.cmd.Wait(), "stderr: %s", p.stderr.String()) // exit status 0
	return p.stderr.String()
}

// curls returns the commands that were printed, by their paths, with the time
// at which both were signed.
func (p *process) curls(t *testing.T) (commands map[string]string, signedAt time.Time) {
	t.Helper()
	commands = map[string]string{}
	for _, command := range regexp.MustCompile(`(?m)^ *curl (?:.*\\\n)*.*\n`).FindAllString(p.greeting, -1) {
		path := regexp.MustCompile(`'` + regexp.QuoteMeta(p.base) + `(/[^']*)'`).FindStringSubmatch(command)
		require.NotNil(t, path, "%s", command)
		commands[path[1]] = command
	}
	require.ElementsMatch(t, []string{"/api/echo", "/api/whoami"}, slices.Collect(maps.Keys(commands)))
	times := regexp.MustCompile(`t=\d+`).FindAllString(p.greeting, -1)
	require.Len(t, times, 2)
	require.Equal(t, times[0], times[1])
	unix, err := strconv.ParseInt(strings.TrimPrefix(times[0], "t="), 10, 64)
	require.NoError(t, err)
	return commands, time.Unix(unix, 0)
}

// paste runs a command as a shell does when it is pasted.
func paste(t *testing.T, command string) *http.Response {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	shell := exec.CommandContext(t.Context(), "sh", "-c", command)
	// No .curlrc and no proxy of whoever runs the test.
	shell.Env = append(os.Environ(), "CURL_HOME="+t.TempDir(), "HOME="+t.TempDir(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	out, err := shell.Output()
	require.NoError(t, err, "%s", command)
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), nil)
	require.NoError(t, err, "%s", out)
	return response
}

func replaceOnce(t *testing.T, s, old, replacement string) string {
	t.Helper()
	require.Equal(t, 1, strings.Count(s, old), "%q in %q", old, s)
	return strings.Replace(s, old, replacement, 1)
}

func TestBinary(t *testing.T) {
	binary := build(t)

	t.Run("without a secret it takes a random one, and the printed curls work", func(t *testing.T) {
		p := start(t, binary, nil, "-addr", "127.0.0.1:0")
		assert.Contains(t, p.greeting, "random")
		assert.Contains(t, p.greeting, "STRIPE_APP_SECRET=absec_…")
		assert.Contains(t, p.greeting, "good for 5 minutes")
		assert.NotRegexp(t, `absec_\w`, p.greeting)
		commands, signedAt := p.curls(t)

		t.Run("echo answers with the signed body", func(t *testing.T) {
			assertAccepted(t, paste(t, commands["/api/echo"]), samplePayload, signedAt)
		})
		t.Run("whoami answers with the signed ids", func(t *testing.T) {
			assertAccepted(t, paste(t, commands["/api/whoami"]), sampleIDsPayload, signedAt)
		})
		t.Run("a changed body is refused", func(t *testing.T) {
			assertProblem(t, paste(t, replaceOnce(t, commands["/api/echo"], "hello", "jello")), 401, "no_match")
		})
		t.Run("a changed id is refused", func(t *testing.T) {
			assertProblem(t, paste(t, replaceOnce(t, commands["/api/whoami"], sampleUserID, "usr_other")), 401, "no_match")
		})
		t.Run("a wrong method is not found", func(t *testing.T) {
			assertProblem(t, paste(t, replaceOnce(t, commands["/api/echo"], "curl -i", "curl -i -X PUT")), 404, "not_found")
		})
		t.Run("another path is not found", func(t *testing.T) {
			assertProblem(t, paste(t, "curl -i '"+p.base+"/api'"), 404, "not_found")
		})
		t.Run("the playground is at the root", func(t *testing.T) {
			assert.True(t, strings.HasPrefix(p.greeting, "Open "+p.base+"/ in a browser"), "%s", p.greeting)
			response := paste(t, "curl -i '"+p.base+"/'")
			assert.Equal(t, http.StatusOK, response.StatusCode)
			assert.Equal(t, "text/html; charset=utf-8", response.Header.Get("Content-Type"))
		})
		t.Run("healthz is well", func(t *testing.T) {
			assert.Equal(t, http.StatusOK, paste(t, "curl -i '"+p.base+"/healthz'").StatusCode)
		})

		p.terminate(t)
		log := p.wait(t)
		assert.NotRegexp(t, `absec_\w`, log)
		if _, err := exec.LookPath("curl"); err == nil {
			assert.Equal(t, 2, strings.Count(log, "code=no_match status=401"), "%s", log)
		}
	})

	t.Run("with several secrets in the environment all of them verify, and none is shown", func(t *testing.T) {
		p := start(t, binary, []string{"ADDR=127.0.0.1:0", "STRIPE_APP_SECRET=absec_new,absec_old"})
		assert.Contains(t, p.greeting, "the 2 secrets in STRIPE_APP_SECRET")
		assert.NotContains(t, p.greeting, "random")
		assert.NotRegexp(t, `absec_\w`, p.greeting)
		commands, signedAt := p.curls(t)
		old := replaceOnce(t, commands["/api/echo"], sign(samplePayload, "absec_new", signedAt), sign(samplePayload, "absec_old", signedAt))

		assertAccepted(t, paste(t, commands["/api/echo"]), samplePayload, signedAt)
		assertAccepted(t, paste(t, old), samplePayload, signedAt)
		p.terminate(t)
		assert.Empty(t, p.wait(t))
	})

	t.Run("on SIGTERM it finishes the request in flight and exits with 0", func(t *testing.T) {
		p := start(t, binary, []string{"STRIPE_APP_SECRET=" + testSecret}, "-addr", "127.0.0.1:0")
		_, signedAt := p.curls(t)
		connection, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
		require.NoError(t, err)
		defer connection.Close()
		answers := bufio.NewReader(connection)

		// The server says Continue when the chain begins to read the body: from
		// then on the request is in flight.
		_, err = io.WriteString(connection, strings.Join([]string{
			"POST /api/echo HTTP/1.1", "Host: quickstart", "Expect: 100-continue",
			"Content-Length: " + strconv.Itoa(len(samplePayload)),
			"Stripe-Signature: " + sign(samplePayload, testSecret, signedAt), "", "",
		}, "\r\n"))
		require.NoError(t, err)
		line, err := answers.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 100 Continue\r\n", line)
		_, err = answers.ReadString('\n') // the empty line after it
		require.NoError(t, err)

		p.terminate(t)
		_, err = io.WriteString(connection, samplePayload)
		require.NoError(t, err)
		response, err := http.ReadResponse(answers, nil)
		require.NoError(t, err)
		assertAccepted(t, response, samplePayload, signedAt)
		assert.Empty(t, p.wait(t))
	})

	for name, test := range map[string]struct {
		env    []string
		args   []string
		status int
	}{
		"its selfcheck exits with 0":       {nil, []string{"-selfcheck"}, exitOK},
		"its help exits with 0":            {nil, []string{"-h"}, exitOK},
		"a bad flag exits with 2":          {nil, []string{"-x"}, exitBadConfig},
		"a blank secret exits with 2":      {[]string{"STRIPE_APP_SECRET="}, nil, exitBadConfig},
		"a port out of range exits with 2": {[]string{"ADDR=:99999"}, nil, exitBadConfig},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr bytes.Buffer
			cmd := exec.CommandContext(t.Context(), binary, test.args...)
			cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, test.env...)
			cmd.Stderr = &stderr
			_ = cmd.Run() // the status is what counts
			assert.Equal(t, test.status, cmd.ProcessState.ExitCode())
			if test.status != exitOK {
				assertOneLine(t, stderr.String())
			}
		})
	}
}

func TestEveryAnswerCanBeReadByTheExtension(t *testing.T) {
	handler := testHandler(t, testSecret)
	for name, request := range map[string]*http.Request{
		"an accepted one": echoRequest("POST", "/api/echo", samplePayload, testSecret),
		"a refusal":       httptest.NewRequest("POST", "/api/echo", nil),
		"a 404":           httptest.NewRequest("POST", "/api/x", nil),
	} {
		t.Run(name, func(t *testing.T) {
			request.Header.Set("Origin", "null")
			response := answerOf(handler, request)
			assert.Equal(t, []string{"*"}, response.Header["Access-Control-Allow-Origin"])
			assert.Equal(t, []string{"default-src 'none'; frame-ancestors 'none'"}, response.Header["Content-Security-Policy"])
		})
	}
}

func TestGreetingTellsOfThePlayground(t *testing.T) {
	c := config{secrets: []string{testSecret}, randomSecret: true}
	assert.True(t, strings.HasPrefix(greeting(c, "http://x", true, testNow), "Open http://x/ in a browser"))
	assert.True(t, strings.HasPrefix(greeting(c, "http://x", false, testNow), "Serving "))
	assert.NotContains(t, greeting(c, "http://x", false, testNow), "page's. To")
}

func TestServeDecidesByItsAddress(t *testing.T) {
	for addr, want := range map[string]int{"127.0.0.1:0": http.StatusOK, "0.0.0.0:0": http.StatusNotFound} {
		t.Run(addr, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			stdout, out := io.Pipe()
			status := make(chan int, 1)
			go func() {
				status <- run(ctx, []string{"-addr", addr}, environment{}.lookup, out, io.Discard)
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
			assert.Equal(t, exitOK, <-status)
		})
	}
}
