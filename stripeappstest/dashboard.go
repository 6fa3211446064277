package stripeappstest

import (
	"bytes"
	_ "embed"
	"errors"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/dashboard"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// DashboardConfig configures NewDashboard. Set either Script or Extension. It is
// copied: changing it later has no effect.
type DashboardConfig struct {
	// Script is the extension as one classic script, as "esbuild --bundle
	// --format=iife" writes it. See Dashboard for what it finds in its frame.
	Script []byte

	// Extension serves the extension as a page: its response to GET / is in
	// the frame, which asks for everything else relative to that. For a folder
	// use http.FileServerFS. A page that does not make the SDK's endpoint
	// itself includes <script src="/stripeappstest.js"></script> first.
	Extension http.Handler

	// Secrets are the app's signing secrets (absec_…): each signs, as while one
	// is rolled. nil means DefaultSecret.
	Secrets []string

	// UserID and AccountID are who uses the Dashboard. "" means DefaultUserID
	// and DefaultAccountID.
	UserID, AccountID string

	// Mode is "test" or "live", as the extension is told. "" means "test".
	Mode string

	// Now is the time at which Stripe signs. It may be called concurrently. nil
	// means time.Now: set it to get signatures that are too old, or too new.
	Now func() time.Time
}

// Dashboard plays the Stripe Dashboard for tests in a browser, as an
// httptest.Server plays a server: it listens on a free port of the loopback
// interface, and its page shows an extension, which calls a backend under test
// with signatures that the backend accepts. It is not for production: whoever
// uses the page can sign.
//
// It plays, as far as a backend can tell:
//
//   - the frame: an iframe with sandbox="allow-scripts", whose origin is null
//   - the endpoint that @stripe/ui-extension-sdk calls, in the protocol of
//     @remote-ui/rpc 1.x, on the port of an init_extension message:
//     supportsFetchAppEmbeddedKey (which is false), fetchStripeSignature,
//     createOAuthState
//   - Stripe's signature: over JSON.stringify({...payload, user_id, account_id})
//   - the way back from an OAuth provider to RedirectURI: the extension is told
//     the oauthContext (code or error, state, verifier), once, if the state was
//     made in the same browser. Until then the page has the verifier in
//     localStorage, under the state
//
// A Script, and a page with /stripeappstest.js, has these globals in addition,
// without the SDK: fetchStripeSignature(payload), createOAuthState(state), and
// extensionContext, a promise of what Stripe passes to an extension's view, which
// is userContext.id, userContext.account.id, environment.mode and oauthContext.
// It also has what the SDK looks for, so that a bundle with the SDK in it runs.
//
// It does not play anything else: not Stripe's UI components (what a view renders
// with them is not shown), not Stripe's API or the permissions, and not the
// content_security_policy of stripe-app.json (the frame can connect to anywhere).
type Dashboard struct {
	// URL is that of the page, http://127.0.0.1:port, without a slash at its
	// end. It responds under no other name.
	URL string

	// RedirectURI is where an OAuth provider sends users back: it stands for
	// https://dashboard.stripe.com/apps-oauth/com.example.app.
	RedirectURI string

	config DashboardConfig
	page   []byte
	server *httptest.Server
}

var (
	//go:embed dashboard.html
	dashboardHTML string
	//go:embed dashboard.js
	dashboardJS []byte

	dashboardPage = sync.OnceValue(func() *template.Template {
		return template.Must(template.New("dashboard.html").Parse(dashboardHTML))
	})
)

const dashboardScriptPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Extension</title>
<link rel="icon" href="data:,">
<body>
<script src="/stripeappstest.js"></script>
<script src="/extension/script.js"></script>
`

// maxDashboardPayload is as much as a backend would read.
const maxDashboardPayload = stripeapps.DefaultMaxBodyBytes

const dashboardRedirectPath = "/apps-oauth/com.example.app"

// NewDashboard starts a Dashboard. The caller should call Close when finished. It
// panics if config is not valid, or no port can be listened on.
func NewDashboard(config DashboardConfig) *Dashboard {
	config, err := config.withDefaults()
	if err != nil {
		panic(err)
	}
	var page bytes.Buffer
	if err := dashboardPage().Execute(&page, config); err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	d := &Dashboard{URL: "http://" + listener.Addr().String(), config: config, page: page.Bytes()}
	d.RedirectURI = d.URL + dashboardRedirectPath
	d.server = &httptest.Server{Listener: listener, Config: &http.Server{
		Handler:           d.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
	}}
	d.server.Start()
	return d
}

// Close stops the Dashboard, and blocks until all requests to it have their responses. It
// may be called more than once.
func (d *Dashboard) Close() { d.server.Close() }

func (c DashboardConfig) withDefaults() (DashboardConfig, error) {
	var errs []error
	if (len(c.Script) == 0) == (c.Extension == nil) {
		errs = append(errs, errors.New("stripeappstest: DashboardConfig needs either Script or Extension"))
	}
	if c.Secrets == nil {
		c.Secrets = []string{DefaultSecret}
	}
	if _, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: c.Secrets}); err != nil {
		errs = append(errs, err)
	}
	if c.UserID == "" {
		c.UserID = DefaultUserID
	}
	if c.AccountID == "" {
		c.AccountID = DefaultAccountID
	}
	if !signed.IsID(c.UserID) || !signed.IsID(c.AccountID) {
		errs = append(errs, errors.New("stripeappstest: DashboardConfig's UserID and AccountID "+
			"must be 1 to 255 letters, digits and underscores"))
	}
	switch c.Mode {
	case "":
		c.Mode = "test"
	case "test", "live":
	default:
		errs = append(errs, errors.New(`stripeappstest: DashboardConfig.Mode must be "test" or "live"`))
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Script = bytes.Clone(c.Script)
	c.Secrets = slices.Clone(c.Secrets)
	return c, errors.Join(errs...)
}

func (d *Dashboard) handler() http.Handler {
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		// 'self' would be the extension's files, too.
		header.Set("Content-Security-Policy", "default-src 'none'; script-src "+d.URL+"/dashboard.js; connect-src "+d.URL+"/sign; "+
			"frame-src "+d.URL+"/extension/; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		writeAs(w, "text/html; charset=utf-8", d.page)
	}
	mux.HandleFunc("GET /{$}", page)
	mux.HandleFunc("GET "+dashboardRedirectPath, page)
	mux.HandleFunc("GET /dashboard.js", serveAs("text/javascript; charset=utf-8", slices.Concat(dashboard.HostJS, dashboardJS)))
	mux.HandleFunc("POST /sign", d.sign)

	extension := d.config.Extension
	if extension == nil {
		script := http.NewServeMux()
		script.HandleFunc("GET /{$}", serveAs("text/html; charset=utf-8", []byte(dashboardScriptPage)))
		script.HandleFunc("GET /script.js", serveAs("text/javascript; charset=utf-8", d.config.Script))
		extension = script
	}
	mux.Handle("/extension/", forFrame(http.StripPrefix("/extension", extension)))
	mux.Handle("GET /stripeappstest.js", forFrame(serveAs("text/javascript; charset=utf-8", dashboard.FrameJS)))
	return d.onlyAsItself(mux)
}

var (
	errNotDashboard = stripeapps.NewError("not_local", http.StatusForbidden,
		"the Dashboard of stripeappstest responds only under its own URL: open that, without a proxy")
	errNotItsPage = stripeapps.NewError("cross_origin", http.StatusForbidden,
		"only the Dashboard's own page may ask for signatures: the extension has to call fetchStripeSignature")
	errPayloadTooLarge = stripeapps.NewError("payload_too_large", http.StatusRequestEntityTooLarge,
		"the payload of fetchStripeSignature is larger than the 1 MiB that a backend reads: sign less")
	errBadPayload = stripeapps.NewError("bad_payload", http.StatusBadRequest,
		"the payload of fetchStripeSignature must be an object, nested at most 256 levels deep")
)

// onlyAsItself keeps away other sites that have pointed their own name at this
// machine (DNS rebinding). What it sets is for responses that nothing else is set
// for.
func (d *Dashboard) onlyAsItself(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		if "http://"+r.Host != d.URL {
			stripeapps.WriteProblem(w, r, errNotDashboard)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// forFrame lets the extension load its own files, modules among them: to the
// browser its origin is another one. It stays sandboxed outside the iframe.
func forFrame(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Access-Control-Allow-Origin", "*")
		header.Set("Content-Security-Policy", "sandbox allow-scripts; frame-ancestors 'self'")
		header.Set("Cross-Origin-Resource-Policy", "cross-origin")
		next.ServeHTTP(w, r)
	})
}

// sign plays Stripe, for the page only: every browser sends Origin with a POST.
func (d *Dashboard) sign(w http.ResponseWriter, r *http.Request) {
	site := r.Header.Get("Sec-Fetch-Site")
	if r.Header.Get("Origin") != d.URL || site != "" && site != "same-origin" {
		stripeapps.WriteProblem(w, r, errNotItsPage)
		return
	}
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDashboardPayload))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		stripeapps.WriteProblem(w, r, errPayloadTooLarge)
		return
	}
	if err != nil {
		stripeapps.WriteProblem(w, r, stripeapps.ErrBodyUnreadable)
		return
	}
	config := d.config
	stripe := dashboard.Stripe{Secrets: config.Secrets, UserID: config.UserID, AccountID: config.AccountID, Now: config.Now}
	_, signature, err := stripe.Sign(payload)
	if err != nil {
		stripeapps.WriteProblem(w, r, errBadPayload)
		return
	}
	writeAs(w, "text/plain; charset=utf-8", []byte(signature))
}

func serveAs(contentType string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeAs(w, contentType, content) }
}

func writeAs(w http.ResponseWriter, contentType string, content []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Write(content) // nothing can be done about a client that went away
}
