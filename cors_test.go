package stripeapps_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rs/cors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

const (
	varyPreflight = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
	site          = "https://app.example.com"
)

// siteAndExtension is for a backend that serves a site of its own as well.
var siteAndExtension = stripeapps.CORSConfig{Origins: []string{"null", "http://localhost:3000"}, CredentialedOrigins: []string{site}}

func TestPreflightsGetAResponseAndGoNoFurther(t *testing.T) {
	granted := func(origin, method, headers string, more ...string) http.Header {
		h := http.Header{
			"Vary":                         {varyPreflight},
			"Access-Control-Allow-Origin":  {origin},
			"Access-Control-Allow-Methods": {method},
			"Access-Control-Max-Age":       {"7200"},
		}
		if headers != "" {
			h["Access-Control-Allow-Headers"] = []string{headers}
		}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = []string{more[i+1]}
		}
		return h
	}
	denied := http.Header{"Vary": {varyPreflight}}
	explained := func(origin, methods, headers string) http.Header {
		return http.Header{
			"Vary":                         {varyPreflight},
			"Access-Control-Allow-Origin":  {origin},
			"Access-Control-Allow-Methods": {methods},
			"Access-Control-Allow-Headers": {headers},
		}
	}
	withCredentials := func(h http.Header) http.Header {
		h.Set("Access-Control-Allow-Credentials", "true")
		return h
	}
	const methods, headers = "GET, HEAD, POST, PUT, PATCH, DELETE", "Content-Type, Authorization, Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"
	const all = "authorization,content-type,stripe-account-id,stripe-signature,stripe-user-id"

	for _, test := range []struct {
		name string
		cfg  stripeapps.CORSConfig
		r    *http.Request
		want http.Header
	}{
		{"an extension's POST", stripeapps.CORSConfig{}, preflight("null", "POST", "content-type,stripe-signature"), granted("*", "POST", "content-type,stripe-signature")},
		{"all headers that are allowed", stripeapps.CORSConfig{}, preflight("null", "GET", all), granted("*", "GET", all)},
		{"a PUT", stripeapps.CORSConfig{}, preflight("null", "PUT", ""), granted("*", "PUT", "")},
		{"a PATCH", stripeapps.CORSConfig{}, preflight("null", "PATCH", ""), granted("*", "PATCH", "")},
		{"a DELETE", stripeapps.CORSConfig{}, preflight("null", "DELETE", ""), granted("*", "DELETE", "")},
		{"a HEAD", stripeapps.CORSConfig{}, preflight("null", "HEAD", ""), granted("*", "HEAD", "")},
		{"another origin", stripeapps.CORSConfig{}, preflight("https://evil.example", "POST", ""), granted("*", "POST", "")},
		{"a patch in lower case", stripeapps.CORSConfig{}, preflight("null", "patch", ""), explained("*", methods, headers)},
		{"a method that is not allowed", stripeapps.CORSConfig{}, preflight("null", "PURGE", ""), explained("*", methods, headers)},
		{"a header that is not allowed", stripeapps.CORSConfig{}, preflight("null", "POST", "content-type,x-own"), explained("*", methods, headers)},
		{"no origin", stripeapps.CORSConfig{}, preflight("", "POST", ""), denied},
		{"an own header", stripeapps.CORSConfig{Headers: []string{"X-Own"}}, preflight("null", "POST", "content-type,x-own"), granted("*", "POST", "content-type,x-own")},
		{"an own list of methods", stripeapps.CORSConfig{Methods: []string{"PURGE"}}, preflight("null", "PURGE", ""), granted("*", "PURGE", "")},
		{"a method not in the own list", stripeapps.CORSConfig{Methods: []string{"PURGE"}, Headers: []string{"X-Own"}}, preflight("null", "POST", ""), explained("*", "PURGE", headers+", X-Own")},
		{"an own age", stripeapps.CORSConfig{MaxAge: time.Minute}, preflight("null", "POST", ""), granted("*", "POST", "", "Access-Control-Max-Age", "60")},
		{"the null origin among others", siteAndExtension, preflight("null", "POST", ""), granted("null", "POST", "")},
		{"the site, with credentials", siteAndExtension, preflight(site, "POST", ""), granted(site, "POST", "", "Access-Control-Allow-Credentials", "true")},
		{"the site, with credentials and a method that is not allowed", siteAndExtension, preflight(site, "PURGE", ""), withCredentials(explained(site, methods, headers))},
		{"a second site, without credentials", siteAndExtension, preflight("http://localhost:3000", "POST", ""), granted("http://localhost:3000", "POST", "")},
		{"a site that is not listed", siteAndExtension, preflight("https://evil.example", "POST", ""), denied},
		{"a site that is not listed, with a method that is not allowed", siteAndExtension, preflight("https://evil.example", "PURGE", ""), denied},
		{"the null origin among others, with a method that is not allowed", siteAndExtension, preflight("null", "PURGE", ""), explained("null", methods, headers)},
		{"a star sent as the origin", siteAndExtension, preflight("*", "PURGE", ""), denied},
		{"the site in capitals", siteAndExtension, preflight("https://APP.example.com", "POST", ""), denied},
		{"the site with another scheme", siteAndExtension, preflight("http://app.example.com", "POST", ""), denied},
		{"the site with a port", siteAndExtension, preflight(site+":8443", "POST", ""), denied},
		{"a site that begins like the listed one", siteAndExtension, preflight(site+".evil.example", "POST", ""), denied},
		{"only the null origin, and a site", stripeapps.CORSConfig{Origins: []string{"null"}}, preflight(site, "POST", ""), denied},
		{"only the null origin, and an extension", stripeapps.CORSConfig{Origins: []string{"null"}}, preflight("null", "POST", ""), granted("null", "POST", "")},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			newCORS(t, test.cfg)(mustNotBeCalled(t)).ServeHTTP(w, test.r)
			assert.Equal(t, http.StatusNoContent, w.Code)
			assert.Equal(t, test.want, w.Header())
			assert.Empty(t, w.Body.String())
		})
	}
}

func TestWhatIsRepeatedInAPreflightIsNotReflected(t *testing.T) {
	r := preflight(site, "POST", "")
	r.Header.Add("Origin", "https://evil.example")
	r.Header.Add("Access-Control-Request-Method", "PURGE")
	w := httptest.NewRecorder()
	newCORS(t, siteAndExtension)(mustNotBeCalled(t)).ServeHTTP(w, r)
	assert.Equal(t, []string{site}, w.Header()["Access-Control-Allow-Origin"])
	assert.Equal(t, []string{"POST"}, w.Header()["Access-Control-Allow-Methods"])
}

func TestAnOPTIONSThatIsNoPreflightReachesTheHandler(t *testing.T) {
	r := httptest.NewRequest(http.MethodOptions, "/", nil)
	r.Header.Set("Origin", "null")
	w := httptest.NewRecorder()
	newCORS(t, stripeapps.CORSConfig{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", "POST")
	})).ServeHTTP(w, r)
	assert.Equal(t, http.Header{"Allow": {"POST"}, "Vary": {"Origin"}, "Access-Control-Allow-Origin": {"*"}}, w.Header())
}

func TestResponsesToActualRequests(t *testing.T) {
	for _, test := range []struct {
		name, origin string
		cfg          stripeapps.CORSConfig
		want         http.Header
	}{
		{"an extension", "null", stripeapps.CORSConfig{}, http.Header{"Vary": {"Origin"}, "Access-Control-Allow-Origin": {"*"}}},
		{"no browser", "", stripeapps.CORSConfig{}, http.Header{"Vary": {"Origin"}}},
		{"exposed headers", "null", stripeapps.CORSConfig{ExposedHeaders: []string{"X-Request-Id", "etag"}},
			http.Header{"Vary": {"Origin"}, "Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {"X-Request-Id, Etag"}}},
		{"the null origin among others", "null", siteAndExtension, http.Header{"Vary": {"Origin"}, "Access-Control-Allow-Origin": {"null"}}},
		{"the site, with credentials", site, siteAndExtension, http.Header{"Vary": {"Origin"}, "Access-Control-Allow-Origin": {site}, "Access-Control-Allow-Credentials": {"true"}}},
		{"a site that is not listed", "https://evil.example", siteAndExtension, http.Header{"Vary": {"Origin"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			w := httptest.NewRecorder()
			newCORS(t, test.cfg)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
			assert.Equal(t, test.want, w.Header())
		})
	}
}

// Like gorilla/handlers, which replaces Vary, so that caches mix responses up.
func TestVaryIsAddedTo(t *testing.T) {
	for _, r := range []*http.Request{preflight("null", "POST", ""), signedRequest(plain)} {
		w := httptest.NewRecorder()
		w.Header().Set("Vary", "Accept-Encoding")
		newCORS(t, stripeapps.CORSConfig{})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		assert.Equal(t, "Accept-Encoding", w.Header()["Vary"][0])
		assert.Len(t, w.Header()["Vary"], 2)
	}
}

func TestAPreflightHasNothingOfACORSOutside(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Access-Control-Allow-Credentials", "true")
	w.Header().Set("Access-Control-Expose-Headers", "X-Outer")
	w.Header().Set("Vary", "Origin")
	newCORS(t, stripeapps.CORSConfig{})(mustNotBeCalled(t)).ServeHTTP(w, preflight("null", "POST", ""))
	assert.Equal(t, http.Header{
		"Access-Control-Allow-Origin":  {"*"},
		"Access-Control-Allow-Methods": {"POST"},
		"Access-Control-Max-Age":       {"7200"},
		"Vary":                         {"Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"},
	}, w.Header())
}

// rs/cors#198: headers whose slices are shared by all responses.
func TestHeaderSlicesAreFresh(t *testing.T) {
	cfg := siteAndExtension
	cfg.ExposedHeaders = []string{"X-Request-Id"}
	handler := newCORS(t, cfg)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	all := newCORS(t, stripeapps.CORSConfig{ExposedHeaders: []string{"X-Request-Id"}})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, handler := range []http.Handler{handler, all} {
		for _, request := range []func() *http.Request{
			func() *http.Request { return preflight(site, "POST", "content-type") },
			func() *http.Request { r := signedRequest(plain); r.Header.Set("Origin", site); return r },
		} {
			respond := func() http.Header {
				r := request()
				before := r.Header.Clone()
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				got := w.Header().Clone()
				for _, values := range w.Header() {
					for i := range values {
						values[i] = "spoiled"
					}
				}
				assert.Equal(t, before, r.Header, "the request's headers are not shared either")
				return got
			}
			first := respond()
			assert.Equal(t, first, respond())
		}
	}
}

func TestEveryResponseOfTheChainCanBeRead(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /ok", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	mux.HandleFunc("POST /panic", func(w http.ResponseWriter, r *http.Request) { panic("s3cr3t") })
	mux.HandleFunc("POST /error", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "error", http.StatusInternalServerError) })
	mux.HandleFunc("GET /get", func(w http.ResponseWriter, r *http.Request) {})
	mux.Handle("POST /live", stripeapps.Require(stripeapps.LiveMode(true))(mustNotBeCalled(t)))
	protect, err := stripeapps.New(stripeapps.Config{Verifier: newVerifier(t, stripeapps.VerifierConfig{MaxBodyBytes: 1 << 10})})
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(protect(mux))
	server.Config.ErrorLog = discardLog()
	server.Start()
	defer server.Close()

	big := string(payloadOf(2 << 10))
	for _, test := range []struct {
		name, path, payload, header string
		status                      int
	}{
		{"200", "/ok", plain, "", 200},
		{"401 not signed", "/ok", plain, "none", 401},
		{"401 no match", "/ok", plain, sign(plain, "absec_other", testNow), 401},
		{"403", "/live", plain, "", 403},
		{"404", "/nothing", plain, "", 404},
		{"405", "/get", plain, "", 405},
		{"413", "/ok", big, "", 413},
		{"500", "/error", plain, "", 500},
		{"a panic", "/panic", plain, "", 500},
	} {
		t.Run(test.name, func(t *testing.T) {
			request, err := http.NewRequest(http.MethodPost, server.URL+test.path, strings.NewReader(test.payload))
			require.NoError(t, err)
			request.Header.Set("Origin", "null")
			switch test.header {
			case "none":
			case "":
				request.Header.Set("Stripe-Signature", sign(test.payload, testSecret, testNow))
			default:
				request.Header.Set("Stripe-Signature", test.header)
			}
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err, "the response is whole")
			assert.Equal(t, test.status, response.StatusCode)
			assert.Equal(t, []string{"*"}, response.Header["Access-Control-Allow-Origin"])
			vary := []string{"Origin"}
			if test.header == "" && test.status != http.StatusRequestEntityTooLarge {
				vary = append(vary, "Stripe-Signature, Stripe-User-Id, Stripe-Account-Id") // verified
			}
			assert.Equal(t, vary, response.Header["Vary"])
			assert.Equal(t, []string{"no-store"}, response.Header["Cache-Control"])
			assert.NotContains(t, string(body), "s3cr3t")
		})
	}
}

// withServer gives r a server that logs to the returned buffer.
func withServer(r *http.Request) (*http.Request, *bytes.Buffer) {
	logged := new(bytes.Buffer)
	server := &http.Server{ErrorLog: log.New(logged, "", 0)}
	return r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, server)), logged
}

// notSent is what a handler may have set for a response that is not sent.
func notSent(header http.Header) {
	for _, name := range []string{
		"Content-Encoding", "Content-Length", "Content-Disposition", "Expires", "Set-Cookie", "Surrogate-Control", "CDN-Cache-Control",
		"Cache-Control", "Digest", "Repr-Digest", "Retry-After", "Refresh", "Clear-Site-Data", "Link", "X-Accel-Redirect", "X-Sendfile",
		"Age", "Pragma", "WWW-Authenticate", "ETag", "Last-Modified", "Location", "Accept-Ranges", "Trailer", "X-Own",
	} {
		header.Set(name, "99")
	}
}

func TestAPanicBeforeAResponseGetsOneAndIsLogged(t *testing.T) {
	handler := newCORS(t, stripeapps.CORSConfig{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		notSent(w.Header())
		panic("s3cr3t")
	}))
	r, logged := withServer(signedRequest(plain))
	r.Header.Set("Origin", "null")
	w := httptest.NewRecorder()
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	w.Header().Set("X-Request-Id", "1")
	w.Header().Set("Set-Cookie", "session=1")
	handler.ServeHTTP(w, r)
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "*", "Vary": "Origin", "Content-Security-Policy": "default-src 'none'", "X-Request-Id": "1", "Set-Cookie": "session=1",
	} {
		assert.Equal(t, []string{want}, w.Header()[name])
		w.Header().Del(name)
	}
	assertProblemHeaders(t, http.StatusInternalServerError, w)
	assert.NotContains(t, w.Body.String(), "s3cr3t")
	assert.Contains(t, logged.String(), "http: panic serving 192.0.2.1:1234: s3cr3t\n")
	assert.Contains(t, logged.String(), "TestAPanicBeforeAResponseGetsOneAndIsLogged", "the stack")
}

func TestAPanicGoesOnWhereNoResponseCanBeSent(t *testing.T) {
	for name, test := range map[string]struct {
		reason any
		begin  func(w http.ResponseWriter)
	}{
		"after a status":        {"reason", func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) }},
		"after a body":          {"reason", func(w http.ResponseWriter) { io.WriteString(w, "begun") }},
		"after a copied body":   {"reason", func(w http.ResponseWriter) { io.Copy(w, strings.NewReader("begun")) }},
		"after a flush":         {"reason", func(w http.ResponseWriter) { w.(http.Flusher).Flush() }},
		"after a 101":           {"reason", func(w http.ResponseWriter) { w.WriteHeader(http.StatusSwitchingProtocols) }},
		"to abort":              {http.ErrAbortHandler, func(w http.ResponseWriter) {}},
		"to abort, after a 103": {http.ErrAbortHandler, func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints) }},
	} {
		t.Run(name, func(t *testing.T) {
			handler := newCORS(t, stripeapps.CORSConfig{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				test.begin(w)
				panic(test.reason)
			}))
			w := httptest.NewRecorder()
			r, _ := withServer(signedRequest(plain))
			assert.PanicsWithValue(t, test.reason, func() { handler.ServeHTTP(w, r) })
			assert.NotContains(t, w.Body.String(), "internal")
		})
	}
}

func TestAPanicGetsAResponseWhereOnlyTheAttemptToSendOneFailed(t *testing.T) {
	for name, attempt := range map[string]func(w http.ResponseWriter){
		"an invalid status":            func(w http.ResponseWriter) { w.WriteHeader(1000) },
		"a reader that panics":         func(w http.ResponseWriter) { io.Copy(w, readerFunc(func([]byte) (int, error) { panic("reader") })) },
		"a hijack that is unsupported": func(w http.ResponseWriter) { http.NewResponseController(w).Hijack(); panic("then") },
		"early hints":                  func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints); panic("then") },
	} {
		t.Run(name, func(t *testing.T) {
			handler := newCORS(t, stripeapps.CORSConfig{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { attempt(w) }))
			w := httptest.NewRecorder()
			r, _ := withServer(signedRequest(plain))
			handler.ServeHTTP(w, r)
			assert.Contains(t, w.Body.String(), `"code":"internal"`)
		})
	}
}

func TestAPanicCanBeReadOverHTTP2AndWithAnUnreadBody(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(newCORS(t, stripeapps.CORSConfig{})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("early") })))
			server.Config.ErrorLog = discardLog()
			server.EnableHTTP2 = http2
			server.StartTLS()
			defer server.Close()
			response, err := server.Client().Post(server.URL, "text/plain", strings.NewReader(strings.Repeat("x", 100<<10)))
			require.NoError(t, err)
			defer response.Body.Close()
			assert.Equal(t, http2, response.ProtoMajor == 2)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			assert.Contains(t, string(body), `"code":"internal"`)
		})
	}
}

// brokenWriter cannot send.
type brokenWriter struct{ http.ResponseWriter }

var errBroken = errors.New("broken")

func (brokenWriter) FlushError() error { return errBroken }

func TestAFlushThatFailsIsNoticed(t *testing.T) {
	handler := newCORS(t, stripeapps.CORSConfig{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.ErrorIs(t, http.NewResponseController(w).Flush(), errBroken)
	}))
	handler.ServeHTTP(brokenWriter{httptest.NewRecorder()}, signedRequest(plain))
}

func TestResponsesToMethodsThatAreNotListedCanBeReadToo(t *testing.T) {
	cfg := siteAndExtension
	cfg.Methods, cfg.ExposedHeaders = []string{"POST"}, []string{"X-Request-Id"}
	handler := newCORS(t, cfg)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) }))
	for origin, want := range map[string]http.Header{
		"null":                 {"Vary": {"Origin"}, "Access-Control-Allow-Origin": {"null"}, "Access-Control-Expose-Headers": {"X-Request-Id"}},
		site:                   {"Vary": {"Origin"}, "Access-Control-Allow-Origin": {site}, "Access-Control-Expose-Headers": {"X-Request-Id"}, "Access-Control-Allow-Credentials": {"true"}},
		"https://evil.example": {"Vary": {"Origin"}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		assert.Equal(t, want, w.Header())
	}
}

func TestOPTIONSAsAMethodIsGrantedOnlyIfItIsListed(t *testing.T) {
	for name, test := range map[string]struct {
		methods []string
		granted bool
	}{"not listed": {nil, false}, "listed": {[]string{"OPTIONS"}, true}} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			newCORS(t, stripeapps.CORSConfig{Methods: test.methods})(mustNotBeCalled(t)).ServeHTTP(w, preflight("null", "OPTIONS", ""))
			assert.Equal(t, test.granted, w.Header().Get("Access-Control-Max-Age") != "")
			assert.Equal(t, test.granted, strings.Contains(w.Header().Get("Access-Control-Allow-Methods"), "OPTIONS"))
		})
	}
}

func TestAnInnerCORSDoesNotKeepWhatTheOuterGrants(t *testing.T) {
	outer := newCORS(t, siteAndExtension)
	inner := newCORS(t, stripeapps.CORSConfig{Origins: []string{site}})
	r := signedRequest(plain)
	r.Header.Set("Origin", site)
	w := httptest.NewRecorder()
	outer(inner(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))).ServeHTTP(w, r)
	assert.Equal(t, http.Header{"Vary": {"Origin"}, "Access-Control-Allow-Origin": {site}}, w.Header())
}

// A writer without Unwrap hides the outer part from the inner one.
func TestOfTwoCORSWithAnOpaqueWriterBetweenTheOuterDecides(t *testing.T) {
	opaque := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
		})
	}
	inner := siteAndExtension
	inner.ExposedHeaders = []string{"X-Inner"}
	outer := stripeapps.CORSConfig{ExposedHeaders: []string{"X-Outer"}}
	want := http.Header{
		"Vary": {"Origin"}, "Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {"X-Outer"},
		"Content-Length": {"0"},
	}
	for name, middleware := range map[string]stripeapps.Middleware{
		"a writer of a middleware's": opaque,
		"a TimeoutHandler":           func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Minute, "") },
	} {
		overBoth(t, newCORS(t, outer)(middleware(newCORS(t, inner)(nothing))), func(response *http.Response, _ string) {
			assert.Equal(t, want, response.Header, "%s, over %s", name, response.Proto)
		})
	}
}

func TestAHandlerBehindCORSCanStream(t *testing.T) {
	done := make(chan struct{})
	server := httptest.NewServer(newCORS(t, stripeapps.CORSConfig{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, strings.NewReader("first"))
		w.(http.Flusher).Flush()
		<-done
		assert.NoError(t, http.NewResponseController(w).SetWriteDeadline(time.Time{}))
	})))
	defer server.Close()
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	defer response.Body.Close()
	first := make([]byte, 5)
	_, err = io.ReadFull(response.Body, first)
	close(done)
	require.NoError(t, err)
	assert.Equal(t, "first", string(first))
}

func TestAHandlerBehindCORSCanHijack(t *testing.T) {
	server := httptest.NewServer(newCORS(t, stripeapps.CORSConfig{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			io.WriteString(conn, "HTTP/1.1 418 I'm a teapot\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			conn.Close()
		}
	})))
	defer server.Close()
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	response.Body.Close()
	assert.Equal(t, http.StatusTeapot, response.StatusCode)
}

func TestEveryMistakeInACORSConfigurationIsReported(t *testing.T) {
	origin := func(o string) stripeapps.CORSConfig {
		return stripeapps.CORSConfig{Origins: []string{o}}
	}
	with := func(o string) stripeapps.CORSConfig {
		return stripeapps.CORSConfig{CredentialedOrigins: []string{o}}
	}
	for _, test := range []struct {
		name string
		cfg  stripeapps.CORSConfig
		want []string
	}{
		{"an empty list of origins", stripeapps.CORSConfig{Origins: []string{}}, []string{"CORS.Origins is empty"}},
		{"credentials for any origin", with("*"), []string{`allows credentials for "*"`}},
		{"credentials for null", with("null"), []string{`allows credentials for "null"`}},
		{"credentials over plain http", with("http://app.example.com"), []string{"use https"}},
		{"credentials over plain http for what only begins like loopback", with("http://127.0.0.1.evil.example"), []string{"use https"}},
		{"any origin among others", stripeapps.CORSConfig{Origins: []string{site, "*"}}, []string{"CORS.Origins[1] is * among others"}},
		{"an origin twice", stripeapps.CORSConfig{Origins: []string{site, site}}, []string{"CORS.Origins[1] is \"https://app.example.com\" again"}},
		{"an empty list of origins with credentials", stripeapps.CORSConfig{CredentialedOrigins: []string{}}, []string{"CORS.CredentialedOrigins is empty"}},
		{"an origin with credentials twice", stripeapps.CORSConfig{CredentialedOrigins: []string{site, site}}, []string{"CORS.CredentialedOrigins[1] is \"https://app.example.com\" again"}},
		{"an origin with credentials and without", stripeapps.CORSConfig{Origins: []string{"null", site}, CredentialedOrigins: []string{site}}, []string{"CORS.CredentialedOrigins[0] is \"https://app.example.com\", which is in CORS.Origins too"}},
		{"an origin with credentials that no browser sends", with(site + "/"), []string{`CORS.CredentialedOrigins[0] is "https://app.example.com/", which no browser sends`}},
		{"a wildcard with credentials", with("https://*.example.com"), []string{"a wildcard is not supported"}},
		{"an empty origin", origin(""), []string{"an origin is a scheme"}},
		{"a host alone", origin("app.example.com"), []string{"an origin is a scheme"}},
		{"a host and a port alone", origin("localhost:3000"), []string{"an origin is a scheme"}},
		{"another scheme", origin("ftp://app.example.com"), []string{"an origin is a scheme"}},
		{"no host", origin("https://"), []string{"an origin is a scheme"}},
		{"a port alone", origin("https://:443"), []string{"an origin is a scheme"}},
		{"a slash at the end", origin(site + "/"), []string{`write "https://app.example.com"`}},
		{"a path", origin(site + "/x"), []string{`write "https://app.example.com"`}},
		{"a query", origin(site + "?x"), []string{`write "https://app.example.com"`}},
		{"a fragment", origin(site + "#x"), []string{`write "https://app.example.com"`}},
		{"a user", origin("https://me@app.example.com"), []string{`write "https://app.example.com"`}},
		{"capitals", origin("https://App.Example.com"), []string{`write "https://app.example.com"`}},
		{"the scheme in capitals", origin("HTTPS://app.example.com"), []string{`write "https://app.example.com"`}},
		{"the scheme's own port", origin("https://app.example.com:443"), []string{`write "https://app.example.com"`}},
		{"a colon without a port", origin("https://app.example.com:"), []string{`write "https://app.example.com"`}},
		{"a port that is too large", origin("https://app.example.com:65536"), []string{"its port is not"}},
		{"a port of zero", origin("https://app.example.com:0"), []string{"its port is not"}},
		{"a port with a leading zero", origin("https://app.example.com:08080"), []string{"its port is not"}},
		{"a wildcard", origin("https://*.example.com"), []string{"a wildcard is not supported"}},
		{"a wildcard that reflects almost anything", origin("h*"), []string{"a wildcard is not supported"}},
		{"an international name", origin("https://bücher.example"), []string{"xn--"}},
		{"a space", origin("https://app.example.com "), []string{"an origin is a scheme"}},
		{"a list in one entry", origin("https://a.example,https://b.example"), []string{"its host has a character"}},
		{"an IPv6 address that is not shortened", origin("http://[0:0:0:0:0:0:0:1]"), []string{"in another form"}},
		{"an IPv4 address as an IPv6 one", origin("https://[::ffff:127.0.0.1]"), []string{"in another form"}},
		{"an IPv4 address that is shortened", origin("http://127.1"), []string{"ends in a number"}},
		{"an IPv4 address in one number", origin("http://2130706433"), []string{"ends in a number"}},
		{"an IPv4 address in hex", origin("http://0x7f.0.0.1"), []string{"ends in a number"}},
		{"an IPv4 address out of range", origin("http://256.256.256.256"), []string{"ends in a number"}},
		{"an empty label", origin("https://a..b"), []string{"empty label"}},
		{"an empty first label", origin("https://.example.com"), []string{"empty label"}},
		{"dots alone", origin("https://.."), []string{"empty label"}},
		{"NULL", origin("NULL"), []string{"an origin is a scheme"}},
		{"an empty list of methods", stripeapps.CORSConfig{Methods: []string{}}, []string{"CORS.Methods is empty"}},
		{"a method in lower case", stripeapps.CORSConfig{Methods: []string{"patch"}}, []string{`write "PATCH"`}},
		{"methods that browsers never send", stripeapps.CORSConfig{Methods: []string{"CONNECT", "trace", "TRACK"}}, []string{`"CONNECT", which browsers`, `"trace", which browsers`, `"TRACK", which browsers`}},
		{"methods that are none", stripeapps.CORSConfig{Methods: []string{"", "GET POST", "*,"}}, []string{"Methods[0]", "Methods[1]", "Methods[2]"}},
		{"any method", stripeapps.CORSConfig{Methods: []string{"*"}}, []string{`CORS.Methods[0] is "*", which is no method: list the methods`}},
		{"any header", stripeapps.CORSConfig{Headers: []string{"*"}}, []string{"does not cover Authorization"}},
		{"headers that are none", stripeapps.CORSConfig{Headers: []string{"", "X Own", "X-Own:", "X-Ö"}}, []string{"Headers[0]", "Headers[1]", "Headers[2]", "Headers[3]"}},
		{"headers that browsers keep to themselves", stripeapps.CORSConfig{Headers: []string{"Cookie", "Origin", "Sec-Fetch-Site", "proxy-x"}}, []string{"Cookie", "Origin", "Sec-Fetch-Site", "proxy-x"}},
		{"exposed headers that browsers keep to themselves", stripeapps.CORSConfig{ExposedHeaders: []string{"Set-Cookie", "*"}}, []string{"Set-Cookie", "does not cover"}},
		{"a header twice", stripeapps.CORSConfig{Headers: []string{"X-Own", "x-own"}}, []string{"CORS.Headers[1] is \"x-own\" again"}},
		{"a negative age", stripeapps.CORSConfig{MaxAge: -time.Second}, []string{"CORS.MaxAge is -1s"}},
		{"an age of more than a day", stripeapps.CORSConfig{MaxAge: 25 * time.Hour}, []string{"CORS.MaxAge is 25h"}},
		{"an age of half a second", stripeapps.CORSConfig{MaxAge: time.Second / 2}, []string{"CORS.MaxAge is 500ms"}},
		{"everything at once", stripeapps.CORSConfig{Origins: []string{"x"}, CredentialedOrigins: []string{"*"}, Methods: []string{"get"}, Headers: []string{"*"}, ExposedHeaders: []string{""}, MaxAge: -1},
			[]string{"Origins[0]", "CredentialedOrigins[0]", "Methods[0]", "Headers[0]", "ExposedHeaders[0]", "MaxAge"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			middleware, err := stripeapps.NewCORS(test.cfg)
			assert.Nil(t, middleware)
			require.Error(t, err)
			assert.Len(t, strings.Split(err.Error(), "\n"), len(test.want), "%v", err)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
			_, err = stripeapps.New(stripeapps.Config{CORS: test.cfg})
			assert.ErrorContains(t, err, test.want[0], "New reports them too")
			assert.ErrorContains(t, err, "Secrets is empty", "beside its others")
		})
	}
}

func TestAPreflightMayBeKeptForADay(t *testing.T) {
	w := httptest.NewRecorder()
	newCORS(t, stripeapps.CORSConfig{MaxAge: 24 * time.Hour})(mustNotBeCalled(t)).ServeHTTP(w, preflight("null", "POST", ""))
	assert.Equal(t, "86400", w.Header().Get("Access-Control-Max-Age"))
	_, err := stripeapps.NewCORS(stripeapps.CORSConfig{MaxAge: 24*time.Hour + time.Second})
	assert.ErrorContains(t, err, "CORS.MaxAge is 24h0m1s")
}

func TestOriginsThatBrowsersSendAreAccepted(t *testing.T) {
	for _, origin := range []string{"null", "*", site, "https://app.example.com:8443", "http://localhost", "http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:3000", "https://xn--bcher-kva.example", "http://app.example.com", "https://a_b.example"} {
		_, err := stripeapps.NewCORS(stripeapps.CORSConfig{Origins: []string{origin}})
		assert.NoError(t, err)
	}
	for _, origin := range []string{site, "http://localhost:3000", "http://127.0.0.1", "http://[::1]:3000", "http://app.localhost"} {
		_, err := stripeapps.NewCORS(stripeapps.CORSConfig{CredentialedOrigins: []string{origin}})
		assert.NoError(t, err)
	}
}

// With credentials for one site, the extension is still let in by the default,
// and nobody else gets more than it: * never comes with credentials.
func TestCredentialsForOneOriginLeaveTheDefaultForOthers(t *testing.T) {
	allow := func(origin string, more ...string) http.Header {
		h := http.Header{"Vary": {"Origin"}, "Access-Control-Allow-Origin": {origin}}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = []string{more[i+1]}
		}
		return h
	}
	credentials := []string{"Access-Control-Allow-Credentials", "true"}
	for name, cfg := range map[string]stripeapps.CORSConfig{
		"no origins": {CredentialedOrigins: []string{site}},
		"any origin": {Origins: []string{"*"}, CredentialedOrigins: []string{site}},
	} {
		handler := newCORS(t, cfg)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		for origin, more := range map[string][]string{"null": nil, "https://evil.example": nil, "https://APP.example.com": nil, site: credentials} {
			want := "*"
			if more != nil {
				want = origin
			}
			t.Run(name+", "+origin, func(t *testing.T) {
				w := httptest.NewRecorder()
				r := httptest.NewRequest(http.MethodPost, "/", nil)
				r.Header.Set("Origin", origin)
				handler.ServeHTTP(w, r)
				assert.Equal(t, allow(want, more...), w.Header())

				w = httptest.NewRecorder()
				r = httptest.NewRequest("PURGE", "/", nil)
				r.Header.Set("Origin", origin)
				handler.ServeHTTP(w, r)
				assert.Equal(t, allow(want, more...), w.Header(), "a method that is not listed")

				w = httptest.NewRecorder()
				handler.ServeHTTP(w, preflight(origin, "POST", ""))
				assert.Equal(t, allow(want, append(more, "Vary", varyPreflight, "Access-Control-Allow-Methods", "POST", "Access-Control-Max-Age", "7200")...), w.Header())
			})
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
		assert.Equal(t, http.Header{"Vary": {"Origin"}}, w.Header(), "no browser")
	}
}

// GO-2024-2883: Access-Control-Request-Headers split before it is measured.
func BenchmarkPreflight(b *testing.B) {
	handler := newCORS(b, stripeapps.CORSConfig{})(http.NotFoundHandler())
	for name, headers := range map[string]string{
		"usual":          "content-type,stripe-signature",
		"a-flood-commas": strings.Repeat(",", 1<<20),
		"many-names":     strings.Repeat("a,", 1<<19),
		"allowed-names":  strings.Repeat("content-type,", 1<<16),
	} {
		b.Run(name, func(b *testing.B) {
			r := preflight("null", "POST", headers)
			w := new(nullWriter)
			b.ReportAllocs()
			for b.Loop() {
				clear(w.Header())
				handler.ServeHTTP(w, r)
			}
		})
	}
}

func TestAHandlerCanAddToVaryOnly(t *testing.T) {
	handler := newCORS(t, stripeapps.CORSConfig{ExposedHeaders: []string{"X-One"}})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Access-Control-Allow-Origin", "added")
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		w.Header().Add("Access-Control-Expose-Headers", "X-Two")
		w.Header().Add("Vary", "Accept, Origin")
	}))
	r := signedRequest(plain)
	r.Header.Set("Origin", "null")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	assert.Equal(t, http.Header{
		"Access-Control-Allow-Origin":   {"*"},
		"Access-Control-Expose-Headers": {"X-One"},
		"Vary":                          {"Origin", "Accept"},
	}, w.Header())
}

func TestChangingTheCORSConfigurationLaterHasNoEffect(t *testing.T) {
	cfg := stripeapps.CORSConfig{Origins: []string{site}, CredentialedOrigins: []string{"https://admin.example.com"}, Methods: []string{"POST"}, Headers: []string{"X-Own"}}
	handler := newCORS(t, cfg)(mustNotBeCalled(t))
	cfg.Origins[0], cfg.Methods[0], cfg.Headers[0] = "https://evil.example", "PURGE", "X-Evil"
	cfg.CredentialedOrigins[0] = site
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, preflight(site, "POST", "x-own"))
	assert.Equal(t, []string{site}, w.Header()["Access-Control-Allow-Origin"])
	assert.Empty(t, w.Header()["Access-Control-Allow-Credentials"])
}

// chainsOf is the whole chain, once by New and once put together by hand.
func chainsOf(t *testing.T, cfg stripeapps.CORSConfig) map[string]stripeapps.Middleware {
	t.Helper()
	verifier := newVerifier(t, stripeapps.VerifierConfig{})
	whole, err := stripeapps.New(stripeapps.Config{Verifier: verifier, CORS: cfg})
	require.NoError(t, err)
	withCSP, withCORS := newCSP(t, stripeapps.CSPConfig{}), newCORS(t, cfg)
	return map[string]stripeapps.Middleware{
		"New":     whole,
		"by hand": func(next http.Handler) http.Handler { return withCSP(withCORS(verifier.Handler(next))) },
	}
}

// overBoth sends what an extension sends to handler on a real server, over HTTP/1.1
// and HTTP/2, and returns the responses, whose bodies are read.
func overBoth(t *testing.T, handler http.Handler, check func(response *http.Response, body string)) {
	t.Helper()
	for _, http2 := range []bool{false, true} {
		server := httptest.NewUnstartedServer(handler)
		server.Config.ErrorLog = discardLog()
		server.EnableHTTP2 = http2
		server.StartTLS()
		r, err := http.NewRequest(http.MethodPost, server.URL+"/api", strings.NewReader(plain))
		require.NoError(t, err)
		r.Header.Set("Stripe-Signature", sign(plain, testSecret, testNow))
		r.Header.Set("Origin", "null")
		client := server.Client()
		client.Transport.(*http.Transport).DisableCompression = true
		response, err := client.Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err, "the response is whole")
		response.Body.Close()
		assert.Equal(t, http2, response.ProtoMajor == 2)
		response.Header.Del("Date")
		check(response, string(body))
		server.Close()
	}
}

// sentBy is the header that the chain puts on the response to an extension.
func sentBy(more ...string) http.Header {
	header := http.Header{
		"Access-Control-Allow-Origin": {"*"},
		"Content-Security-Policy":     {"default-src 'none'; frame-ancestors 'none'"},
		"Vary":                        {"Origin", "Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"},
		"Cache-Control":               {"no-store"},
	}
	for i := 0; i < len(more); i += 2 {
		header[more[i]] = []string{more[i+1]}
	}
	return header
}

func TestWhateverStandsBehindTheChainItsHeadersAreSentOnce(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		for _, status := range []int{http.StatusContinue, http.StatusProcessing, http.StatusEarlyHints} {
			w.WriteHeader(status)
		}
		w.Header().Del("Link")
		w.Header().Set("Access-Control-Allow-Origin", "https://app.example.com")
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		w.Header().Set("Access-Control-Max-Age", "60")
		w.Header().Set("Vary", "Accept, Origin")
		io.WriteString(w, "ok")
	}))
	defer upstream.Close()
	target, err := url.Parse(upstream.URL)
	require.NoError(t, err)
	vary := func(h http.Header, names ...string) http.Header { h["Vary"] = names; return h }
	const private = "Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"

	for name, test := range map[string]struct {
		handler http.Handler
		want    http.Header
	}{
		"a proxy": {httputil.NewSingleHostReverseProxy(target),
			vary(sentBy("Content-Type", "text/plain; charset=utf-8", "Content-Length", "2"), "Accept, Origin", private)},
		"another CORS": {cors.New(cors.Options{AllowedOrigins: []string{"*"}, ExposedHeaders: []string{"X-Inner"}}).Handler(nothing),
			sentBy("Content-Length", "0")},
		"a handler that adds": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Access-Control-Allow-Origin", "*")
			w.Header().Add("Content-Security-Policy", "sandbox")
			w.WriteHeader(http.StatusNoContent)
		}), func() http.Header {
			h := sentBy()
			h["Content-Security-Policy"] = append(h["Content-Security-Policy"], "sandbox")
			return h
		}()},
		"a handler that writes straight into the map": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["access-control-allow-origin"] = []string{site}
			w.Header()["access-control-allow-credentials"] = []string{"true"}
			w.Header()["cache-control"] = []string{"private"}
			w.Header()["vary"] = []string{"origin"}
		}), sentBy("Content-Length", "0", "Cache-Control", "private")},
		"a handler that deletes": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { clear(w.Header()) }),
			sentBy("Content-Length", "0")},
		"a handler that allows caching": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "private, max-age=60")
			w.WriteHeader(http.StatusNotModified)
		}), sentBy("Cache-Control", "private, max-age=60")},
		"a timeout": {http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), time.Millisecond, "late"),
			sentBy("Content-Length", "4", "Content-Type", "text/plain; charset=utf-8")},
		"no timeout": {http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "sandbox")
			w.Header().Set("Vary", "Accept")
			w.WriteHeader(http.StatusNoContent)
		}), time.Minute, "late"), func() http.Header {
			h := vary(sentBy(), "Accept", "Origin", private)
			h["Content-Security-Policy"] = append([]string{"sandbox"}, h["Content-Security-Policy"]...)
			return h
		}()},
		"a panic after early hints": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			notSent(w.Header())
			w.WriteHeader(http.StatusEarlyHints)
			clear(w.Header())
			panic("early")
		}), sentBy("Content-Length", "116", "Content-Type", "application/problem+json", "X-Content-Type-Options", "nosniff")},
		"a refusal instead of another response": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			notSent(w.Header())
			stripeapps.Refuse(w, r, stripeapps.NewError("own", http.StatusForbidden, "no"))
		}), sentBy("Content-Length", "62", "Content-Type", "application/problem+json", "X-Content-Type-Options", "nosniff")},
	} {
		for how, chain := range chainsOf(t, stripeapps.CORSConfig{}) {
			overBoth(t, chain(test.handler), func(response *http.Response, body string) {
				assert.Equal(t, test.want, response.Header, "%s, %s, over %s", name, how, response.Proto)
			})
		}
	}
}

// net/http reads a small rest of the body, so that whoever still sends it can read
// the refusal. A handler's 413 says that it is not to be read.
func TestTheVerifiers413IsReadableAndKeepsTheConnection(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{MaxBodyBytes: 10})
	overBoth(t, newCORS(t, stripeapps.CORSConfig{})(v.Handler(mustNotBeCalled(t))), func(response *http.Response, body string) {
		assert.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
		assert.False(t, response.Close)
		assert.Contains(t, body, `"code":"body_too_large"`)
	})
}

func TestALengthThatWasSetOutsideIsNotThatOfARefusal(t *testing.T) {
	for _, chain := range chainsOf(t, stripeapps.CORSConfig{}) {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Length", "2")
		chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			stripeapps.Refuse(w, r, stripeapps.ErrUnexpectedPayload)
		})).ServeHTTP(w, signedRequest(plain))
		assert.NotContains(t, w.Header(), "Content-Length")
	}
}

// A timeout between the parts has a header map of its own.
func TestATimeoutBetweenThePartsKeepsThePolicy(t *testing.T) {
	withCSP, withCORS := newCSP(t, stripeapps.CSPConfig{}), newCORS(t, stripeapps.CORSConfig{})
	handler := withCORS(nothing)
	overBoth(t, withCSP(http.TimeoutHandler(handler, time.Minute, "late")), func(response *http.Response, _ string) {
		assert.Equal(t, http.Header{
			"Access-Control-Allow-Origin": {"*"},
			"Content-Security-Policy":     {"default-src 'none'; frame-ancestors 'none'"},
			"Vary":                        {"Origin"}, "Content-Length": {"0"},
		}, response.Header)
	})
}

func TestThePartsShareOneWriter(t *testing.T) {
	for name, chain := range chainsOf(t, stripeapps.CORSConfig{}) {
		below := new(nullWriter)
		chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			assert.Same(t, below, w.(interface{ Unwrap() http.ResponseWriter }).Unwrap(), name)
		})).ServeHTTP(below, signedRequest(plain))
	}
}

// naiveGzip encodes whatever is written, and says so beforehand.
func naiveGzip(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		encoded := gzip.NewWriter(w)
		defer encoded.Close()
		next.ServeHTTP(encodingWriter{w, encoded}, r)
	})
}

type encodingWriter struct {
	http.ResponseWriter
	encoded io.Writer
}

func (w encodingWriter) Write(p []byte) (int, error) { return w.encoded.Write(p) }

func TestRefusalsAndPanicsAreWholeWithACompressionOutsideOrInside(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		code    string
	}{
		"a refusal": {func(w http.ResponseWriter, r *http.Request) { stripeapps.Refuse(w, r, stripeapps.ErrUnexpectedPayload) }, "unexpected_payload"},
		"a panic":   {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "3"); panic("early") }, "internal"},
	} {
		for how, chain := range chainsOf(t, stripeapps.CORSConfig{}) {
			check := func(response *http.Response, body string) {
				assert.Equal(t, []string{"gzip"}, response.Header["Content-Encoding"])
				decoded, err := gzip.NewReader(strings.NewReader(body))
				require.NoError(t, err, "%s, %s", name, how)
				text, err := io.ReadAll(decoded)
				require.NoError(t, err)
				assert.Contains(t, string(text), `"code":"`+test.code+`"`)
			}
			overBoth(t, naiveGzip(chain(test.handler)), check)
			if name == "a refusal" { // of a panic, an encoding inside makes a response
				overBoth(t, chain(naiveGzip(test.handler)), check)
			}
		}
	}
}

// recoverer is chi's, and what an error tracker puts around a handler, but writes a
// text too.
func recoverer(saw *any, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if value := recover(); value != nil {
				if value == http.ErrAbortHandler {
					panic(value)
				}
				*saw = value
				http.Error(w, "Internal Server Error", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func TestAPanicCanBeSeenOutsideAndReadInTheBrowser(t *testing.T) {
	panics := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("s3cr3t") })
	handOn := func(_ *http.Request, value any) { panic(value) }
	var told any
	for name, test := range map[string]struct {
		onPanic func(*http.Request, any)
		saw     any
	}{
		"by default, only the log has it": {nil, nil},
		"OnPanic hands it on":             {handOn, "s3cr3t"},
		"OnPanic is told":                 {func(_ *http.Request, value any) { told = value }, nil},
	} {
		for how, chain := range chainsOf(t, stripeapps.CORSConfig{OnPanic: test.onPanic}) {
			var saw any
			overBoth(t, recoverer(&saw, chain(panics)), func(response *http.Response, body string) {
				assert.Equal(t, http.StatusInternalServerError, response.StatusCode)
				assert.Equal(t, `{"title":"Internal Server Error","status":500,"code":"internal","detail":"the server failed to handle the request"}`+"\n", body)
				assert.Equal(t, sentBy("Content-Length", "116", "Content-Type", "application/problem+json", "X-Content-Type-Options", "nosniff"), response.Header)
			})
			assert.Equal(t, test.saw, saw, "%s, %s", name, how)
		}
	}
	assert.Equal(t, "s3cr3t", told)
}

// net/http closes the connection, after a response that has its length.
func TestOverHTTP1TheResponseToAPanicIsWholeWhereNothingRecovers(t *testing.T) {
	handler := newCORS(t, stripeapps.CORSConfig{OnPanic: func(_ *http.Request, value any) { panic(value) }})(
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("early") }))
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = discardLog()
	server.Start()
	defer server.Close()
	response, err := http.Post(server.URL, "text/plain", strings.NewReader(plain))
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Contains(t, string(body), `"code":"internal"`)
}

func allBut(header http.Header, names ...string) http.Header {
	for _, name := range names {
		header.Del(name)
	}
	return header
}

// F2: a cache honours Vary and keeps what says nothing for as long as it likes.
func TestASharedCacheKeepsNothingOfAVerifiedResponse(t *testing.T) {
	for said, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"nothing said":       {func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "usr_123's") }, "no-store"},
		"nothing at all":     {func(w http.ResponseWriter, r *http.Request) {}, "no-store"},
		"an ETag":            {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("ETag", `"1"`); w.WriteHeader(304) }, "no-store"},
		"what a handler set": {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Cache-Control", "private") }, "private"},
		"an empty value":     {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Cache-Control", "") }, "no-store"},
		"empty lists":        {func(w http.ResponseWriter, r *http.Request) { w.Header()["Cache-Control"] = []string{" ", ",\t,"} }, "no-store"},
		"an empty value in another case": {func(w http.ResponseWriter, r *http.Request) { w.Header()["cache-control"] = []string{""} },
			"no-store"},
		"an own refusal": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "private")
			stripeapps.Refuse(w, r, stripeapps.ErrUnexpectedPayload)
		}, "no-store"},
	} {
		for _, name := range []string{"Cache-Control", "cache-control"} {
			w := httptest.NewRecorder()
			w.Header()[name] = []string{"public, max-age=60"} // of all responses of this backend
			newVerifier(t, stripeapps.VerifierConfig{ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
				w.WriteHeader(http.StatusForbidden)
			}}).Handler(http.HandlerFunc(test.handler)).ServeHTTP(w, signedRequest(plain))
			assert.Equal(t, http.Header{
				"Cache-Control": {test.want}, "Vary": {"Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"},
			}, allBut(w.Header(), "Etag", "Content-Type"), said)
		}
	}
}

func TestAnErrorHandlerBeginsWithACleanHeader(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
		w.Header().Set("X-Own", "1")
		stripeapps.WriteProblem(w, r, err)
	}})
	w := httptest.NewRecorder()
	w.Header().Set("X-Request-Id", "1")
	v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		notSent(w.Header())
		stripeapps.Refuse(w, r, stripeapps.ErrUnexpectedPayload)
	})).ServeHTTP(w, signedRequest(plain))
	assert.Equal(t, http.Header{
		"X-Request-Id": {"1"}, "X-Own": {"1"}, "Content-Type": {"application/problem+json"}, "Cache-Control": {"no-store"},
		"X-Content-Type-Options": {"nosniff"}, "Vary": {"Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"},
	}, w.Header())
}
