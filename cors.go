package stripeapps

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
	"github.com/seed-8a2ffb75/stripeapps/internal/preflight"
	"github.com/seed-8a2ffb75/stripeapps/internal/response"
)

// DefaultMaxAge is how long a browser may keep the response to a preflight,
// unless CORSConfig.MaxAge says otherwise. Chromium never keeps it longer.
const DefaultMaxAge = 2 * time.Hour

// CORSConfig configures NewCORS. Its zero value fits a Stripe App. It is copied:
// changing it later has no effect.
//
// Why any origin? An extension runs in an iframe with sandbox="allow-scripts",
// whose origin is opaque: the browser sends Origin: null, as it does for every
// other sandboxed iframe and data: URL on the web. So allowing only null keeps
// nobody out, and Stripe's documentation asks for *. That does no harm: without
// credentials, a browser adds nothing to a request that the caller does not have.
// What protects the routes is the signature.
//
// https://docs.stripe.com/stripe-apps/build-backend
type CORSConfig struct {
	// Origins may read the responses, without credentials. Each is "*", and then
	// the only one; "null", which every sandboxed iframe has; or an exact origin
	// like "https://app.example.com", for a backend that serves a site as well.
	// An origin has no path and no slash at its end, and its port is left out
	// where it is the scheme's own. nil means "*". A list replaces that: keep
	// "null" in it, which is the extension. An empty list that is not nil is an
	// error.
	Origins []string

	// CredentialedOrigins may read the responses too, and their requests may
	// carry cookies. They are not repeated in Origins, and leave its default as
	// it is: with Origins nil, all others still get "*", without credentials.
	// Each is an exact origin, never "*" or "null", and https or loopback. nil
	// means none; an empty list that is not nil is an error. Cookies never
	// arrive from an extension.
	CredentialedOrigins []string

	// Methods may be used. nil means GET, HEAD, POST, PUT, PATCH and DELETE; a
	// list replaces those. They are case-sensitive: a fetch with method 'patch'
	// is not a PATCH.
	Methods []string

	// Headers may be sent, in addition to Content-Type, Authorization,
	// Stripe-Signature, Stripe-User-Id and Stripe-Account-Id.
	Headers []string

	// ExposedHeaders of a response may be read by the caller, in addition to
	// those that can always be read (Content-Type, Cache-Control and a few
	// more).
	ExposedHeaders []string

	// MaxAge is how long a browser may keep the response to a preflight, in
	// whole seconds up to 24 hours. 0 means DefaultMaxAge. It helps other sites
	// only: Chromium keeps no preflight for a sandboxed iframe.
	MaxAge time.Duration

	// OnPanic, if not nil, is told when a handler has panicked before it began a
	// response: after NewCORS has written one, on the goroutine and the stack of
	// the panic (debug.Stack shows where it happened). nil logs it, with its
	// stack, to the server's ErrorLog, as net/http does.
	//
	// A recoverer or an error tracker outside of NewCORS does not see the panic,
	// unless OnPanic hands it on: panic(value). The response has been sent by then,
	// and is whole if something outside does recover: it has a Content-Length, unless
	// a middleware outside compresses, so that a text which the recoverer writes is
	// left out. If nothing recovers, net/http resets the stream or closes the
	// connection: Chromium then fails to read any such response over HTTP/2. That is
	// why panics do not go on by default.
	OnPanic func(r *http.Request, value any)
}

var (
	defaultMethods = []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	}
	defaultHeaders = []string{"Content-Type", "Authorization", headerSignature, headerUserID, headerAccountID}
)

// NewCORS returns a Middleware that lets an extension's browser call the handlers
// behind it and read every response, or an error that names everything that is
// wrong with cfg.
//
// It responds to preflights itself, with 204, whether they match cfg or not:
// nothing behind it sees them. If the method or a header is not allowed, the
// response lists those that are, so that the browser's message names what is
// missing. An OPTIONS request without Access-Control-Request-Method is not a
// preflight and goes on. Every other response gets the CORS headers, refusals and
// errors too: without them the browser hides the status and the body from the
// extension. A request without an Origin has no use for them and gets none but Vary,
// even if any origin is allowed: give curl -H 'Origin: null' to see them.
//
// They are put on the response when its status line is written, and are then
// exactly NewCORS's own, once each: whatever the handlers behind it have set, added
// or deleted, and whatever an upstream behind an httputil.ReverseProxy has sent. Of
// several NewCORS, the innermost decides, but the outer one where a writer between
// them has no Unwrap, as that of http.TimeoutHandler. Vary is added to, never
// replaced, and has each name once. What stands outside can still change all of it:
// an outer http.TimeoutHandler that runs out of time sends a response without these
// headers, and one that hijacks the connection sends what it likes.
//
// If a handler panics before it has begun a response, the caller gets a 500
// problem document that it can read, with nothing of what has been set behind
// NewCORS, and the panic ends there: see CORSConfig.OnPanic. Once a response has
// begun, and for http.ErrAbortHandler, the panic goes on.
//
// CORS is not an access check: it only tells browsers who may read. It does
// nothing against requests from elsewhere.
//
// What no header can mend:
//   - A redirect in front of it (from http to https, or that of an outer ServeMux
//     to a path with a slash at its end) makes a preflight fail; one behind it
//     can turn a POST into a GET without its body. Let the extension call the
//     final URL.
//   - Chromium keeps no preflight for a sandboxed iframe, whatever MaxAge says:
//     each call of an extension that needs one costs two round trips.
//   - A ServeMux pattern with a method, like "POST /x", does not match the
//     preflight's OPTIONS, so that a chain on that one route never sees it and
//     the mux responds with 405. Put the chain around the mux.
//   - From version 142 on, Chrome asks the user before a page on the internet may
//     call localhost (Local Network Access), and blocks the call if it cannot
//     ask. Grant it for dashboard.stripe.com in the site's settings, or
//     develop through an https tunnel.
//   - net/http.CrossOriginProtection refuses every POST of an extension, as it is
//     cross-site. Mount the chain beside it, not behind it: see the example.
//
// https://fetch.spec.whatwg.org/#http-cors-protocol
func NewCORS(cfg CORSConfig) (Middleware, error) {
	if cfg.Origins == nil {
		cfg.Origins = []string{"*"}
	}
	if cfg.Methods == nil {
		cfg.Methods = defaultMethods
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = DefaultMaxAge
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return newCORS(cfg).wrap, nil
}

// check returns everything that is wrong with a configuration whose defaults are
// filled in.
func (cfg CORSConfig) check() error {
	var errs []error
	if len(cfg.Origins) == 0 {
		errs = append(errs, errors.New("CORS.Origins is empty: leave it nil for any origin, or list the origins"))
	}
	if cfg.CredentialedOrigins != nil && len(cfg.CredentialedOrigins) == 0 {
		errs = append(errs, errors.New("CORS.CredentialedOrigins is empty: leave it nil for none, or list the origins"))
	}
	if len(cfg.Methods) == 0 {
		errs = append(errs, fmt.Errorf("CORS.Methods is empty: leave it nil for %s, or list the methods",
			strings.Join(defaultMethods, ", ")))
	}
	errs = slices.Concat(errs,
		fetch.CheckOrigins("CORS.Origins", cfg.Origins),
		fetch.CheckCredentialedOrigins("CORS.CredentialedOrigins", cfg.CredentialedOrigins, "CORS.Origins", cfg.Origins),
		fetch.CheckMethods("CORS.Methods", cfg.Methods),
		fetch.CheckRequestHeaders("CORS.Headers", cfg.Headers),
		fetch.CheckResponseHeaders("CORS.ExposedHeaders", cfg.ExposedHeaders))
	if cfg.MaxAge < 0 || cfg.MaxAge > 24*time.Hour || cfg.MaxAge%time.Second != 0 {
		errs = append(errs, fmt.Errorf("CORS.MaxAge is %v: it must be 0 (meaning %v) or whole seconds up to 24h",
			cfg.MaxAge, DefaultMaxAge))
	}
	for i, err := range errs {
		errs[i] = fmt.Errorf("stripeapps: %w", err)
	}
	return errors.Join(errs...)
}

// corsMiddleware is a checked CORSConfig.
type corsMiddleware struct {
	origins    fetch.AllowedOrigins
	grants     map[string]*response.Grant // by what origins grants
	preflights http.Handler
	onPanic    func(r *http.Request, value any)
}

func newCORS(cfg CORSConfig) *corsMiddleware {
	origins := fetch.NewAllowedOrigins(cfg.Origins, cfg.CredentialedOrigins)
	exposed := make([]string, len(cfg.ExposedHeaders))
	for i, name := range cfg.ExposedHeaders {
		exposed[i] = http.CanonicalHeaderKey(name)
	}
	grants := map[string]*response.Grant{"": new(response.Grant)}
	for _, origin := range slices.Concat(cfg.Origins, cfg.CredentialedOrigins) {
		grants[origin] = &response.Grant{
			Origin:      origin,
			Credentials: slices.Contains(cfg.CredentialedOrigins, origin),
			Exposed:     strings.Join(exposed, ", "),
		}
	}
	return &corsMiddleware{
		origins: origins,
		grants:  grants,
		preflights: preflight.New(preflight.Config{
			Origins: origins,
			Methods: cfg.Methods,
			Headers: slices.Concat(defaultHeaders, cfg.Headers),
			MaxAge:  cfg.MaxAge,
		}),
		onPanic: cfg.OnPanic,
	}
}

func (c *corsMiddleware) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if preflight.Is(r) {
			c.preflights.ServeHTTP(w, r)
			return
		}
		w, chain := response.Wrap(w)
		// Whether the method is allowed does not matter: a 405 is worth reading,
		// and a GET has had no preflight.
		allowed, _ := c.origins.Grant(r.Header.Get("Origin"))
		chain.Allow(c.grants[allowed])
		defer response.Recover(chain, chain.Outside(), r, c.onPanic, writeInternal)
		next.ServeHTTP(w, r)
		chain.Finish()
	})
}

func writeInternal(w http.ResponseWriter, r *http.Request) { WriteProblem(w, r, errInternal) }
