package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// newBackends returns a site, its handler as it was, and the one with Stripe.
func newBackends(t *testing.T) (s *site, before, after http.Handler) {
	t.Helper()
	s = newSite()
	before, err := s.handler()
	require.NoError(t, err)
	after, err = addStripe(before, s, []string{stripeappstest.DefaultSecret})
	require.NoError(t, err)
	return s, before, after
}

// cookieOf signs a user in.
func cookieOf(t *testing.T, handler http.Handler, user string) string {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, form("/login", url.Values{"user": {user}}))
	require.Len(t, w.Result().Cookies(), 1)
	cookie := w.Result().Cookies()[0]
	return cookie.Name + "=" + cookie.Value
}

func form(path string, values url.Values) *http.Request {
	r := httptest.NewRequest("POST", path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func setEmail(options ...stripeappstest.Option) *http.Request {
	options = append([]stripeappstest.Option{stripeappstest.WithAccount("acct_ada")}, options...)
	return stripeappstest.NewRequest("POST", "/stripe/email", map[string]any{"action": "set_email", "email": "new@example.com"}, options...)
}

func TestTheExtensionMayCall(t *testing.T) {
	_, _, backend := newBackends(t)
	stripeappstest.Run(t, backend, stripeappstest.RunConfig{
		Target:    "/stripe/email",
		Payload:   map[string]any{"action": "set_email", "email": "new@example.com"},
		AccountID: "acct_ada",
		AroundMux: true,
	})
}

func TestTheSiteIsAsItWas(t *testing.T) {
	email := url.Values{"email": {"new@example.com"}}
	for _, test := range []struct {
		name           string
		method         string
		origin         string
		fetchSite      string // Sec-Fetch-Site
		signed         bool
		status         int
		allowed        string // Access-Control-Allow-Origin
		changed, asked bool   // asked by a preflight
	}{
		{name: "its own form is taken", method: "POST", origin: "https://example.com", fetchSite: "same-origin", status: 204, changed: true},
		{name: "its front end's preflight is responded to", method: "POST", origin: frontEnd, asked: true, status: 204, allowed: frontEnd},
		{name: "its front end may change something", method: "POST", origin: frontEnd, fetchSite: "cross-site", status: 204, allowed: frontEnd, changed: true},
		{name: "its front end may read", method: "GET", origin: frontEnd, fetchSite: "cross-site", status: 200, allowed: frontEnd},
		{name: "another site's form is refused", method: "POST", origin: "https://evil.example", fetchSite: "cross-site", status: 403},
		{name: "another site may not read", method: "GET", origin: "https://evil.example", fetchSite: "cross-site", status: 200},
		{name: "another site's preflight allows nothing", method: "POST", origin: "https://evil.example", asked: true, status: 204},
		{name: "an extension is refused", method: "POST", origin: "null", fetchSite: "cross-site", status: 403},
		{name: "an extension is refused with a signature too", method: "POST", origin: "null", fetchSite: "cross-site", signed: true, status: 403},
		{name: "an extension may not read", method: "GET", origin: "null", fetchSite: "cross-site", status: 200},
		{name: "an extension's preflight allows nothing", method: "POST", origin: "null", asked: true, status: 204},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, before, after := newBackends(t)
			cookie := cookieOf(t, before, "ada")
			var responses [2]*http.Response
			for i, handler := range []http.Handler{before, after} {
				s.setEmail("ada", "old@example.com")
				r := form("/account", email)
				r.Method = test.method
				r.Header.Set("Origin", test.origin)
				if test.asked {
					r.Method = "OPTIONS"
					r.Header.Set("Access-Control-Request-Method", test.method)
				} else {
					r.Header.Set("Sec-Fetch-Site", test.fetchSite)
					r.Header.Set("Cookie", cookie)
				}
				if test.signed {
					r.Header.Set("Stripe-Signature", setEmail().Header.Get("Stripe-Signature"))
				}
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				responses[i] = w.Result()
				assert.Equal(t, test.status, w.Code)
				assert.Equal(t, test.allowed, w.Header().Get("Access-Control-Allow-Origin"))
				assert.Equal(t, test.allowed != "", w.Header().Get("Access-Control-Allow-Credentials") == "true")
				assert.Equal(t, test.changed, s.email("ada") == "new@example.com")
			}
			assert.Equal(t, responses[0].Header, responses[1].Header)
			assert.Equal(t, read(t, responses[0]), read(t, responses[1]))
		})
	}
}

func read(t *testing.T, response *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

func TestACookieIsNothingOnSignedRoutes(t *testing.T) {
	for _, test := range []struct {
		name    string
		request *http.Request
		status  int
		changed string // whose email
	}{
		{"without a signature", setEmail(stripeappstest.Unsigned()), 401, ""},
		{"with a signature that does not match", setEmail(stripeappstest.Tampered()), 401, ""},
		{"with the signature of somebody else, it is they who call", setEmail(), 204, "ada"},
		{"with the signature of who is no customer", setEmail(stripeappstest.WithAccount("acct_nobody")), 403, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _, backend := newBackends(t)
			test.request.Header.Set("Cookie", cookieOf(t, backend, "grace"))
			test.request.Header.Set("Sec-Fetch-Site", "cross-site")
			w := httptest.NewRecorder()
			backend.ServeHTTP(w, test.request)
			assert.Equal(t, test.status, w.Code)
			for _, user := range []string{"ada", "grace"} {
				assert.Equal(t, user == test.changed, s.email(user) == "new@example.com", user)
			}
			assert.Empty(t, w.Header().Values("Set-Cookie"))
		})
	}
}

// No site can send its cookies to the signed routes and read the response, not even the
// front end.
func TestSignedRoutesTakeNoCredentials(t *testing.T) {
	for _, origin := range []string{"null", frontEnd, "https://evil.example"} {
		t.Run(origin, func(t *testing.T) {
			_, _, backend := newBackends(t)
			preflight := httptest.NewRequest("OPTIONS", "/stripe/email", nil)
			preflight.Header.Set("Access-Control-Request-Method", "POST")
			for _, r := range []*http.Request{preflight, setEmail()} {
				r.Header.Set("Origin", origin)
				w := httptest.NewRecorder()
				backend.ServeHTTP(w, r)
				assert.Equal(t, 204, w.Code)
				assert.Equal(t, []string{"*"}, w.Header().Values("Access-Control-Allow-Origin"))
				assert.Empty(t, w.Header().Values("Access-Control-Allow-Credentials"))
				assert.Equal(t, []string{stripeapps.APIPolicy().String()}, w.Header().Values("Content-Security-Policy"))
			}
		})
	}
}

func TestNoSignedRouteIsReachedUnsigned(t *testing.T) {
	s, _, backend := newBackends(t)
	cookie := cookieOf(t, backend, "ada")
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "post"} {
		for _, path := range []string{
			"/stripe/email", "/stripe/email/", "/stripe//email", "//stripe/email", "/stripe/./email", "/account/../stripe/email",
			"/stripe%2Femail", "/%73tripe/email", "/stripe/email%3F", "/STRIPE/email", "/stripe/email?_method=POST", "http://other.example/stripe/email",
		} {
			t.Run(method+" "+path, func(t *testing.T) {
				r := setEmail(stripeappstest.Unsigned())
				r.Method, r.RequestURI = method, path
				var err error
				r.URL, err = url.ParseRequestURI(path)
				require.NoError(t, err)
				r.Header.Set("Cookie", cookie)
				r.Header.Set("X-HTTP-Method-Override", "POST")
				w := httptest.NewRecorder()
				backend.ServeHTTP(w, r)
				assert.GreaterOrEqual(t, w.Code, 300) // a redirect to the clean path, or a refusal
				assert.Equal(t, "ada@example.com", s.email("ada"))
			})
		}
	}
}
