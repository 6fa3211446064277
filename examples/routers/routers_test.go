package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	recoverer "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

func init() { gin.SetMode(gin.ReleaseMode) } // less to read

// ids are signed and sent in headers, for routes without a body.
var ids = stripeappstest.IDsInHeaders()

// serve lets a router serve on the loopback interface, and returns a handler that hands
// requests on to it.
func serve(t *testing.T, name string, ticks <-chan time.Time) http.Handler {
	t.Helper()
	return serveBy(t, routers[name], ticks)
}

func serveBy(t *testing.T, router router, ticks <-chan time.Time) http.Handler {
	t.Helper()
	a, err := newApp([]string{stripeappstest.DefaultSecret}, router.settings, ticks)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go router.serve(a, listener)
	to := &url.URL{Scheme: "http", Host: listener.Addr().String()}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, FlushInterval: -1}
}

func eachRouter(t *testing.T, test func(t *testing.T, name string)) {
	for name := range routers {
		t.Run(name, func(t *testing.T) { test(t, name) })
	}
}

// targets are where the routes of a router have another target than those of the others.
var targets = map[string]map[string]string{
	"connect": {
		"/api/greeting": "/api/greeting?connect=v1&encoding=json&message={}",
		"/api/broken":   "/api/broken?connect=v1&encoding=json&message={}",
	},
}

func target(name, path string) string {
	if target, ok := targets[name][path]; ok {
		return target
	}
	return path
}

func TestRouters(t *testing.T) {
	eachRouter(t, func(t *testing.T, name string) {
		handler := serve(t, name, nil)
		stripeappstest.Run(t, handler, stripeappstest.RunConfig{
			Target:    "/api/refunds",
			Payload:   map[string]any{"action": "refund", "amount": 1250},
			AroundMux: true,
		})
		stripeappstest.Run(t, handler, stripeappstest.RunConfig{
			Target:    target(name, "/api/greeting"),
			Source:    stripeapps.IDsInHeaders,
			AroundMux: true,
		})
	})
}

func TestResponses(t *testing.T) {
	refund := map[string]any{"action": "refund", "amount": 1250}
	for _, test := range []struct {
		name    string
		request func(router string) *http.Request
		status  int
		header  http.Header
		text    string // of the message, or the code of a refusal
	}{
		{"a preflight is responded to", preflight("/api/refunds"), 204, http.Header{
			"Access-Control-Allow-Headers": {"content-type,stripe-signature"},
			"Access-Control-Allow-Methods": {"POST"},
			"Access-Control-Allow-Origin":  {"*"},
			"Access-Control-Max-Age":       {"7200"},
			"Content-Security-Policy":      {stripeapps.APIPolicy().String()},
			"Vary":                         {"access-control-request-headers, access-control-request-method, origin"},
		}, ""},
		{"a signed GET knows who is calling", signed("GET", "/api/greeting", nil, ids), 200, accepted, "hello usr_test of acct_test"},
		{"a signed POST knows what was signed", signed("POST", "/api/refunds", refund), 200, accepted, "usr_test refunds 1250 for acct_test"},
		{"a refusal can be read", signed("POST", "/api/refunds", refund, stripeappstest.Tampered()), 401, unsigned, "no_match"},
		{"a requirement that is not met can be read", signed("POST", "/api/refunds", map[string]any{"action": "look"}), 403, refused, "requirement_not_met"},
		{"another payload is refused by the route", signed("POST", "/api/refunds", map[string]any{"action": "refund", "amount": "all"}), 400, refused, "unexpected_payload"},
		{"ids in headers are nothing on the route of a body", signed("POST", "/api/refunds", nil, ids), 401, unsigned, "no_match"},
		{"an unknown path is a 404 that can be read", signed("GET", "/api/unknown", nil, ids), 404, public, ""},
		{"an unknown method is a 405 that can be read", signed("DELETE", "/api/refunds", nil, ids), 405, public, ""},
		{"a panic is a 500 that can be read, and says nothing", signed("GET", "/api/broken", nil, ids), 500, refused, "internal"},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachRouter(t, func(t *testing.T, name string) {
				w := httptest.NewRecorder()
				serve(t, name, nil).ServeHTTP(w, test.request(name))
				assert.Equal(t, test.header, ofChain(w.Header(), w.Code >= 400))
				assert.NotContains(t, w.Body.String(), "the reason")
				status, text := test.status, test.text
				if name == "huma" && text == "unexpected_payload" { // huma says so itself
					status, text = 422, ""
				}
				assert.Equal(t, status, w.Code)
				if text != "" {
					assert.Equal(t, text, textOf(t, w.Body.Bytes()))
				}
			})
		})
	}
}

func signed(method, path string, payload any, options ...stripeappstest.Option) func(string) *http.Request {
	return func(router string) *http.Request {
		return stripeappstest.NewRequest(method, target(router, path), payload, options...)
	}
}

func preflight(path string) func(string) *http.Request {
	return func(string) *http.Request {
		r := httptest.NewRequest("OPTIONS", path, nil)
		r.Header.Set("Origin", "null")
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "content-type,stripe-signature")
		return r
	}
}

// What the chain puts on responses.
var (
	public = http.Header{
		"Access-Control-Allow-Origin": {"*"},
		"Content-Security-Policy":     {stripeapps.APIPolicy().String()},
		"Vary":                        {"origin"},
	}
	accepted = with(with(public, "Cache-Control", "no-store"), "Vary", "origin, stripe-account-id, stripe-signature, stripe-user-id")
	refused  = with(public, "Cache-Control", "no-store")
	unsigned = with(refused, "Www-Authenticate", "Stripe-Signature")
)

func with(header http.Header, name, value string) http.Header {
	header = header.Clone()
	header.Set(name, value)
	return header
}

// ofChain returns those headers that are the chain's, and not a router's own, with the
// names in Vary, which are a set, in order. In a refusal, which is not stored, those of
// headers that were verified do not matter.
func ofChain(header http.Header, refusal bool) http.Header {
	header = header.Clone()
	for _, name := range []string{"Accept-Encoding", "Allow", "Connection", "Content-Length", "Content-Type", "Date", "Link", "X-Content-Type-Options"} {
		header.Del(name)
	}
	names := strings.Split(strings.ToLower(strings.Join(header.Values("Vary"), ",")), ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return name == "accept-encoding" || refusal && strings.HasPrefix(name, "stripe-")
	})
	slices.Sort(names)
	header.Set("Vary", strings.Join(slices.Compact(names), ", "))
	return header
}

// textOf returns what a response says: the text of a message, or the code of a refusal,
// which is at the end of an error of connect's.
func textOf(t *testing.T, body []byte) string {
	t.Helper()
	var response struct{ Text, Code, Message string }
	require.NoError(t, json.Unmarshal(body, &response), string(body))
	if _, code, ok := strings.Cut(response.Message, "("); ok {
		return strings.TrimSuffix(code, ")")
	}
	return response.Text + response.Code
}

func TestEventsComeAsTheyHappen(t *testing.T) {
	eachRouter(t, func(t *testing.T, name string) {
		ticks := make(chan time.Time, 2)
		if name == "lambda" { // all at once
			ticks <- time.Time{}
			ticks <- time.Time{}
		}
		server := httptest.NewServer(serve(t, name, ticks))
		defer server.Close()
		request := stripeappstest.NewRequest("GET", "/api/events", nil, ids)
		if name == "connect" {
			t.Skip("connect has a protocol of its own for streams: see TestConnectsClient")
		}
		request.URL.Scheme, request.URL.Host, request.RequestURI = "http", server.Listener.Addr().String(), ""
		client := server.Client()
		client.Timeout = 10 * time.Second // for what is not flushed
		response, err := client.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		assert.Equal(t, 200, response.StatusCode)
		assert.Equal(t, accepted, ofChain(response.Header, false))

		lines := bufio.NewScanner(response.Body)
		for _, want := range []string{"event 1 of acct_test", "event 2 of acct_test", "event 3 of acct_test"} {
			text := ""
			for text == "" && lines.Scan() {
				if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok {
					text = textOf(t, []byte(data))
				}
			}
			require.Equal(t, want, text)
			if name != "lambda" && want != "event 3 of acct_test" {
				ticks <- time.Time{} // the next one happens only now
			}
		}
	})
}

// gin's handlers write to a writer of gin's own.
func TestAPanicCutsOffWhatGinHasBegun(t *testing.T) {
	server := httptest.NewServer(serveBy(t, router{serve: overHTTP(func(a *app) http.Handler {
		engine := gin.New()
		engine.GET("/", ginMiddleware(a.signedIDs), func(c *gin.Context) {
			c.String(http.StatusOK, "begun")
			c.Writer.Flush()
			panic("the reason")
		})
		return a.public(engine)
	})}, nil))
	defer server.Close()
	request := stripeappstest.NewRequest("GET", server.URL, nil, ids)
	request.RequestURI = ""
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, "begun", string(body))
}

// A handler that takes another context than the one with the identity must not go on.
func TestWithTheWrongContextAHandlerFails(t *testing.T) {
	for name, router := range map[string]router{
		"gin": {serve: overHTTP(func(a *app) http.Handler {
			engine := gin.New()
			engine.GET("/", ginMiddleware(a.signedIDs), func(c *gin.Context) {
				c.JSON(http.StatusOK, greet(stripeapps.MustIdentity(c)))
			})
			return a.public(engine)
		})},
		"fiber": {serve: func(a *app, listener net.Listener) error {
			router := fiber.New(fiber.Config{ErrorHandler: fiberError})
			router.Get("/", recoverer.New(), adaptor.HTTPMiddleware(a.signedIDs), func(c fiber.Ctx) error {
				return c.JSON(greet(stripeapps.MustIdentity(c.Context())))
			})
			return router.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			serveBy(t, router, nil).ServeHTTP(w, stripeappstest.NewRequest("GET", "/", nil, ids))
			assert.Equal(t, http.StatusInternalServerError, w.Code)
			assert.Contains(t, []string{"internal", "not_verified"}, textOf(t, w.Body.Bytes()))
		})
	}
}

// docs/frameworks.md: a router that serves more than the extension is split in front of it.
func TestBesideTheRestOfASite(t *testing.T) {
	const frontEnd = "https://app.example.com"
	a, err := newApp([]string{stripeappstest.DefaultSecret}, settings{}, nil)
	require.NoError(t, err)
	engine := gin.New()
	engine.Use(func(c *gin.Context) { // what the site has for its front end
		c.Header("Access-Control-Allow-Origin", frontEnd)
		c.Header("Access-Control-Allow-Credentials", "true")
		c.Header("Content-Security-Policy", "default-src 'self'")
	})
	engine.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "a page") })
	engine.POST("/api/refunds", ginMiddleware(a.signedRefund), func(c *gin.Context) { c.Status(http.StatusNoContent) })
	mux := http.NewServeMux()
	mux.Handle("/api/", a.public(engine))
	mux.Handle("/", engine)

	stripeappstest.Run(t, mux, stripeappstest.RunConfig{
		Target:    "/api/refunds",
		Payload:   map[string]any{"action": "refund", "amount": 1250},
		AroundMux: true,
	})
	page := httptest.NewRequest("GET", "/", nil)
	page.Header.Set("Origin", frontEnd)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, page)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, http.Header{
		"Access-Control-Allow-Credentials": {"true"},
		"Access-Control-Allow-Origin":      {frontEnd},
		"Content-Security-Policy":          {"default-src 'self'"},
		"Content-Type":                     {"text/plain; charset=utf-8"},
	}, w.Header())
}

// Its blocks cannot be compiled with the other documents: they need these modules.
func TestTheBlocksOfThePageAreTheseFiles(t *testing.T) {
	page, err := os.ReadFile("../../docs/frameworks.md")
	require.NoError(t, err)
	parts := strings.Split(string(page), "\n```\n")
	require.Len(t, parts, 5, "two blocks, between prose")
	for file, block := range map[string]string{"gin.go": parts[1], "fiber.go": parts[3]} {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Contains(t, unindented(string(source)), unindented(block), file)
	}
}

func unindented(source string) string { return strings.ReplaceAll(source, "\t", "") }

func TestTheSecretThatEverybodyKnowsIsForDevelopmentOnly(t *testing.T) {
	for _, test := range []struct {
		name        string
		environment map[string]string
		secret, err string
		logged      string
	}{
		{"the secret of the environment", map[string]string{"STRIPE_APP_SECRET": "absec_own", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}, "absec_own", "", ""},
		{"without one, on one's own machine, it says which", nil, "absec_dev", "", "absec_dev is the secret, for development only"},
		{"without one, on Lambda, it does not start", map[string]string{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}, "", "STRIPE_APP_SECRET is not set", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var logged strings.Builder
			log.SetOutput(&logged)
			defer log.SetOutput(os.Stderr)
			secret, err := secretOf(func(name string) string { return test.environment[name] })
			assert.Equal(t, test.secret, secret)
			if test.err != "" {
				assert.EqualError(t, err, test.err)
			} else {
				assert.NoError(t, err)
			}
			assert.Contains(t, logged.String(), test.logged)
			assert.Equal(t, test.logged == "", logged.String() == "")
		})
	}
}
