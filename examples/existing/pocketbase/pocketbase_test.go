package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

const frontEnd = "https://app.example.com"

// serve starts the whole of PocketBase, with --origins, and returns a handler that hands
// requests on to it.
func serve(t *testing.T) (app core.App, backend http.Handler) {
	t.Helper()
	app = core.NewBaseApp(core.BaseAppConfig{DataDir: t.TempDir()})
	require.NoError(t, app.Bootstrap())
	require.NoError(t, addNotes(app))
	require.NoError(t, addStripe(app, []string{stripeappstest.DefaultSecret}))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		e.Router.GET("/stripe/broken", func(*core.RequestEvent) error { panic("the reason") })
		e.Listener, e.InstallerFunc = listener, nil
		return e.Next()
	})
	served := make(chan error, 1)
	go func() { served <- apis.Serve(app, apis.ServeConfig{AllowedOrigins: []string{frontEnd}}) }()
	to := &url.URL{Scheme: "http", Host: listener.Addr().String()}
	response, err := http.Get(to.String() + "/api/health") // so that it has begun
	require.NoError(t, err)
	response.Body.Close()
	t.Cleanup(func() {
		assert.NoError(t, app.OnTerminate().Trigger(&core.TerminateEvent{App: app}))
		assert.NoError(t, <-served)
		assert.NoError(t, app.ResetBootstrapState())
	})
	return app, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
}

var note = map[string]any{"text": "pays late"}

func TestTheExtensionMayCall(t *testing.T) {
	_, backend := serve(t)
	for name, config := range map[string]stripeappstest.RunConfig{
		"a route with a body":         {Target: "/stripe/notes", Payload: note, AroundMux: true},
		"a route without a body":      {Target: "/stripe/notes", Source: stripeapps.IDsInHeaders, AroundMux: true},
		"with a token for PocketBase": {Target: "/stripe/notes", Payload: note, AroundMux: true, Header: http.Header{"Authorization": {"not-a-token"}}},
	} {
		t.Run(name, func(t *testing.T) { stripeappstest.Run(t, backend, config) })
	}
}

// superuser returns the Authorization of one.
func superuser(t *testing.T, app core.App) string {
	t.Helper()
	superusers, err := app.FindCollectionByNameOrId(core.CollectionNameSuperusers)
	require.NoError(t, err)
	record := core.NewRecord(superusers)
	record.SetEmail("root@example.com")
	record.SetPassword("a long password")
	require.NoError(t, app.Save(record))
	token, err := record.NewAuthToken()
	require.NoError(t, err)
	return token
}

func preflight(method, path, origin string) *http.Request {
	r := httptest.NewRequest("OPTIONS", path, nil)
	r.Header.Set("Origin", origin)
	r.Header.Set("Access-Control-Request-Method", method)
	return r
}

func TestResponses(t *testing.T) {
	const own = "/api/collections/notes/records"
	app, backend := serve(t)
	token := superuser(t, app)
	from := func(origin, authorization string, r *http.Request) *http.Request {
		r.Header.Set("Origin", origin)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		return r
	}
	post := func(path string, options ...stripeappstest.Option) *http.Request {
		return stripeappstest.NewRequest("POST", path, note, options...)
	}
	for _, test := range []struct {
		name    string
		request *http.Request
		status  int
		allowed []string // Access-Control-Allow-Origin
		policy  []string // Content-Security-Policy
	}{
		// What is signed.
		{"a preflight is the extension's, and not --origins'", preflight("POST", "/stripe/notes", "null"), 204, all, api},
		{"a signed request is accepted", post("/stripe/notes"), 201, all, api},
		{"an unsigned request is refused", post("/stripe/notes", stripeappstest.Unsigned()), 401, all, api},
		{"a superuser's token is not a signature", from("null", token, post("/stripe/notes", stripeappstest.Unsigned())), 401, all, api},
		{"a payload of another shape can be read about", stripeappstest.NewRequest("POST", "/stripe/notes", map[string]any{"text": 1}), 400, all, api},
		{"what PocketBase refuses can be read about", stripeappstest.NewRequest("POST", "/stripe/notes", map[string]any{"text": ""}), 400, all, api},
		{"an unknown path is a 404 that can be read", stripeappstest.NewRequest("GET", "/stripe/unknown", nil, stripeappstest.IDsInHeaders()), 404, all, api},

		// What is PocketBase's own.
		{"a preflight of the front end", preflight("POST", own, frontEnd), 204, []string{frontEnd}, nil},
		{"a preflight of an extension allows nothing", preflight("POST", own, "null"), 204, nil, nil},
		{"a preflight of another site allows nothing", preflight("POST", own, "https://evil.example"), 204, nil, nil},
		{"a superuser may read", from(frontEnd, token, httptest.NewRequest("GET", own, nil)), 200, []string{frontEnd}, nil},
		{"nobody else may read", from(frontEnd, "", httptest.NewRequest("GET", own, nil)), 403, []string{frontEnd}, nil},
		{"a signature is no token", post(own), 403, nil, nil},
		{"nor are signed ids", stripeappstest.NewRequest("GET", own, nil, stripeappstest.IDsInHeaders()), 403, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			backend.ServeHTTP(w, test.request)
			assert.Equal(t, test.status, w.Code, w.Body.String())
			assert.Equal(t, test.allowed, w.Header()["Access-Control-Allow-Origin"])
			assert.Equal(t, test.policy, w.Header()["Content-Security-Policy"])
			assert.Empty(t, w.Header()["Access-Control-Allow-Credentials"])
		})
	}
}

var (
	all = []string{"*"}
	api = []string{stripeapps.APIPolicy().String()}
)

func TestAPanicIsPocketBasesAndCanBeRead(t *testing.T) {
	_, backend := serve(t)
	w := httptest.NewRecorder()
	backend.ServeHTTP(w, stripeappstest.NewRequest("GET", "/stripe/broken", nil, stripeappstest.IDsInHeaders()))
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.Equal(t, all, w.Header()["Access-Control-Allow-Origin"])
	assert.Contains(t, w.Body.String(), `"status":500`, "PocketBase has not seen it, and so not logged it")
	assert.NotContains(t, w.Body.String(), "the reason")
}

func TestNotesAreThoseOfWhoHasSigned(t *testing.T) {
	app, backend := serve(t)
	token := superuser(t, app)
	send := func(r *http.Request) string {
		r.Header.Set("Authorization", token) // counts for nothing here
		w := httptest.NewRecorder()
		backend.ServeHTTP(w, r)
		return w.Body.String()
	}
	send(stripeappstest.NewRequest("POST", "/stripe/notes", note, stripeappstest.WithAccount("acct_ada")))
	of := func(account string) string {
		return send(stripeappstest.NewRequest("GET", "/stripe/notes", nil, stripeappstest.IDsInHeaders(), stripeappstest.WithAccount(account)))
	}
	assert.Contains(t, of("acct_ada"), `"author":"usr_test"`)
	assert.Equal(t, "[]", strings.TrimSpace(of("acct_grace")))
}

func TestNoSignedRouteIsReachedUnsigned(t *testing.T) {
	app, backend := serve(t)
	token := superuser(t, app)
	backend.ServeHTTP(httptest.NewRecorder(), stripeappstest.NewRequest("POST", "/stripe/notes", note)) // to be found
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
		for _, path := range []string{
			"/stripe/notes", "/stripe/notes/", "/stripe//notes", "//stripe/notes", "/stripe/./notes", "/api/../stripe/notes",
			"/stripe%2Fnotes", "/%73tripe/notes", "/STRIPE/notes", "/stripe/notes?_method=POST",
		} {
			t.Run(method+" "+path, func(t *testing.T) {
				r := stripeappstest.NewRequest("POST", "/", note, stripeappstest.Unsigned())
				r.Method, r.RequestURI = method, path
				var err error
				r.URL, err = url.ParseRequestURI(path)
				require.NoError(t, err)
				r.Header.Set("Authorization", token)
				r.Header.Set("X-HTTP-Method-Override", "POST")
				w := httptest.NewRecorder()
				backend.ServeHTTP(w, r)
				assert.NotContains(t, []int{200, 201}, w.Code) // PocketBase's CORS gives every OPTIONS 204
				assert.NotContains(t, w.Body.String(), "pays late")
			})
		}
	}
	count, err := app.CountRecords("notes")
	require.NoError(t, err)
	assert.EqualValues(t, 1, count)
}
