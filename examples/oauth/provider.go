package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/httprate"
	"github.com/seed-8a2ffb75/stripeapps"
)

type config struct {
	Issuer            string              // where clients reach this server, like "https://auth.example.com"
	Clients           map[string][]string // the redirect URIs of each client id
	Store             *store
	Logger            *slog.Logger     // nil: nothing is logged
	Now               func() time.Time // nil: time.Now
	RequestsPerMinute int              // of one address, to the consent page and to token and revocation each; 0: 300
}

type provider struct {
	clients map[string][]string
	store   *store
	logger  *slog.Logger
	now     func() time.Time
}

// user is one of your service's. Where this is more than an example, they sign in.
type user struct {
	ID    string `json:"sub"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

var users = map[string]user{
	"ada":   {"ada", "Ada Lovelace", "ada@example.com"},
	"grace": {"grace", "Grace Hopper", "grace@example.com"},
}

// scope is all that there is to allow.
const scope = "profile"

// newProvider returns the handler of all endpoints.
func newProvider(c config) (http.Handler, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	p := &provider{c.Clients, c.Store, c.Logger, c.Now}
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	if p.now == nil {
		p.now = time.Now
	}
	perMinute := c.RequestsPerMinute
	if perMinute == 0 {
		perMinute = 300
	}

	// What the extension calls: readable from the Origin null, refusals too.
	tokenLimit := limit(perMinute, func(w http.ResponseWriter, r *http.Request) {
		p.writeError(w, r, oauthError{http.StatusTooManyRequests, "temporarily_unavailable", "too many requests: try again later"})
	})
	api := http.NewServeMux()
	api.HandleFunc("GET /.well-known/oauth-authorization-server", metadata(c.Issuer))
	api.Handle("/oauth/token", tokenLimit(http.HandlerFunc(p.token)))
	api.Handle("/oauth/revoke", tokenLimit(http.HandlerFunc(p.revoke)))
	api.HandleFunc("GET /api/me", p.me)
	withCORS, err := stripeapps.NewCORS(stripeapps.CORSConfig{ExposedHeaders: []string{"Retry-After", "WWW-Authenticate"}})
	if err != nil {
		return nil, err
	}
	withCSP, err := stripeapps.NewCSP(stripeapps.CSPConfig{})
	if err != nil {
		return nil, err
	}

	// What a person sees: no other site may read it, frame it or send its form.
	pageLimit := limit(perMinute, func(w http.ResponseWriter, r *http.Request) {
		p.writeErrorPage(w, r, http.StatusTooManyRequests, "There are too many requests from your network. Try again in a minute.")
	})
	pages := http.NewServeMux()
	pages.HandleFunc("GET /oauth/authorize", p.authorize)
	pages.HandleFunc("POST /oauth/authorize", p.decide)
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.writeErrorPage(w, r, http.StatusForbidden, "This form was sent by another site. Start again in the app.")
	}))
	withConsentCSP, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: c.consentPolicy()})
	if err != nil {
		return nil, err
	}

	all := http.NewServeMux()
	all.Handle("/", withCSP(withCORS(api)))
	all.Handle("/oauth/authorize", withConsentCSP(pageLimit(sameOrigin.Handler(pages))))
	return p.logAnswers(all), nil
}

// metadata is RFC 8414.
func metadata(issuer string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{
			"issuer":                                     issuer,
			"authorization_endpoint":                     issuer + "/oauth/authorize",
			"token_endpoint":                             issuer + "/oauth/token",
			"revocation_endpoint":                        issuer + "/oauth/revoke",
			"response_types_supported":                   []string{"code"},
			"response_modes_supported":                   []string{"query"},
			"grant_types_supported":                      []string{"authorization_code", "refresh_token"},
			"token_endpoint_auth_methods_supported":      []string{"none"},
			"revocation_endpoint_auth_methods_supported": []string{"none"},
			"code_challenge_methods_supported":           []string{"S256"},
			"scopes_supported":                           []string{scope},
		})
	}
}

// limit lets each address make so many requests a minute. Behind a reverse proxy
// all requests have the proxy's address: let the proxy limit then.
func limit(perMinute int, refuse http.HandlerFunc) func(http.Handler) http.Handler {
	byAddress := func(r *http.Request) (string, error) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		return httprate.CanonicalizeIP(host), err
	}
	return httprate.LimitBy(perMinute, time.Minute, byAddress, httprate.WithLimitHandler(refuse),
		httprate.WithResponseHeaders(httprate.ResponseHeaders{RetryAfter: "Retry-After"}))
}

func (c config) check() error {
	var errs []error
	if issuer, err := url.Parse(c.Issuer); err != nil || !isWeb(issuer) || issuer.Scheme+"://"+issuer.Host != c.Issuer {
		errs = append(errs, fmt.Errorf("-issuer is %q: it must be https:// and a host, without a slash at its end (http:// on a loopback address)", c.Issuer))
	}
	for _, uris := range c.Clients {
		for _, uri := range uris {
			if !isRedirectURI(uri) {
				errs = append(errs, fmt.Errorf("-redirect-uri is %q: it must be https:// with a host and a path, in ASCII as a browser shows it, without a user, a fragment, and code, state or error in its query (http:// on a loopback address, 127.0.0.1 or localhost)", uri))
			}
		}
	}
	return errors.Join(errs...)
}

// isRedirectURI reports whether a response can be added to uri's query, and uri be
// named in the consent page's form-action, which has no IPv6 and takes * for more.
func isRedirectURI(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && isWeb(u) && u.Path != "" && u.User == nil && u.String() == uri &&
		!strings.ContainsAny(uri, "#*[") &&
		!u.Query().Has("code") && !u.Query().Has("state") && !u.Query().Has("error")
}

// isWeb reports whether what is sent to u cannot be read on the way.
func isWeb(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	return u.Hostname() != "" && !strings.HasSuffix(u.Host, ":") && (u.Scheme == "https" || u.Scheme == "http" && loopback)
}

// consentPolicy lets the consent page's form end at the redirect URIs, which a
// browser holds its form-action against.
func (c config) consentPolicy() stripeapps.Policy {
	policy := stripeapps.ConsentPolicy()
	var origins []string
	for _, uris := range c.Clients {
		for _, uri := range uris {
			u, _ := url.Parse(uri) // checked
			if origin := u.Scheme + "://" + u.Host; origin != "https://dashboard.stripe.com" {
				origins = append(origins, origin)
			}
		}
	}
	if len(origins) == 0 {
		return policy
	}
	slices.Sort(origins)
	return policy.With("form-action", slices.Compact(origins)...)
}

// logAnswers logs every request without its query, which holds codes.
func (p *provider) logAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := p.now()
		response := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(response, r)
		p.logger.InfoContext(r.Context(), "responded", "method", r.Method, "path", logged(r), "status", response.status, "took", p.now().Sub(start))
	})
}

// logged is the path of r, if anything is there. Any other is what somebody made
// up, and can hold a code: /oauth/token%3Fcode=…
func logged(r *http.Request) string {
	switch r.URL.Path {
	case "/.well-known/oauth-authorization-server", "/oauth/authorize", "/oauth/token", "/oauth/revoke", "/api/me":
		return r.URL.Path
	}
	return "(another)"
}

func (p *provider) logRefusal(r *http.Request, e oauthError) {
	p.logger.InfoContext(r.Context(), "refused", "path", logged(r), "error", e.code, "because", e.description)
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
