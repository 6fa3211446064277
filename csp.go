package stripeapps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
	"github.com/seed-8a2ffb75/stripeapps/internal/response"
)

// Policy is a Content Security Policy: directives in the order in which they are
// sent. It is checked by NewCSP.
type Policy []Directive

// Directive is one directive of a Policy.
type Directive struct {
	// Name is the directive's name, in lower case.
	Name string
	// Sources is the directive's value, one word an entry. A source is a
	// keyword, a scheme ("data:"), a host ("https://*.example.com:8443/path/",
	// where the scheme, the wildcard, the port and the path are optional) or a
	// hash ("'sha256-…'"). Other directives have words of their own, like the
	// tokens of sandbox. Only upgrade-insecure-requests and sandbox can do
	// without.
	Sources []string
}

// The keywords of a source list, with the quotes that belong to them.
const (
	CSPNone           = "'none'"
	CSPSelf           = "'self'"
	CSPStrictDynamic  = "'strict-dynamic'"
	CSPUnsafeInline   = "'unsafe-inline'"
	CSPUnsafeEval     = "'unsafe-eval'"
	CSPUnsafeHashes   = "'unsafe-hashes'"
	CSPWasmUnsafeEval = "'wasm-unsafe-eval'"
	CSPReportSample   = "'report-sample'"

	// CSPNonce stands for the nonce of the response: 'nonce-…', with another
	// value each time. NonceFrom returns the value.
	CSPNonce = "'nonce'"
)

// APIPolicy returns the policy for responses that are not pages:
//
//	default-src 'none'; frame-ancestors 'none'
//
// A browser that is made to show such a response as a page loads, runs and frames
// nothing.
func APIPolicy() Policy {
	return Policy{
		{"default-src", []string{CSPNone}},
		{"frame-ancestors", []string{CSPNone}},
	}
}

// PagePolicy returns a strict policy for a page that the server renders:
//
//	default-src 'none'; script-src 'nonce-…' 'strict-dynamic'; style-src 'nonce-…';
//	img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none';
//	base-uri 'none'; form-action 'self'; frame-ancestors 'none'
//
// Every script, style and link of a style sheet needs nonce="{{.Nonce}}", with the
// value of NonceFrom. Scripts that such a script adds may run too ('strict-dynamic'):
// hosts, 'self' and 'unsafe-inline' have no effect in this script-src. Attributes like
// onclick and style do not work, and what is not named, like frames and media, is not
// loaded: add it by Policy.With.
//
// https://web.dev/articles/strict-csp
func PagePolicy() Policy {
	return Policy{
		{"default-src", []string{CSPNone}},
		{"script-src", []string{CSPNonce, CSPStrictDynamic}},
		{"style-src", []string{CSPNonce}},
		{"img-src", []string{CSPSelf, "data:"}},
		{"font-src", []string{CSPSelf}},
		{"connect-src", []string{CSPSelf}},
		{"object-src", []string{CSPNone}},
		{"base-uri", []string{CSPNone}},
		{"form-action", []string{CSPSelf}},
		{"frame-ancestors", []string{CSPNone}},
	}
}

// ConsentPolicy returns the policy for the page of an OAuth provider on which a
// user allows the app to act for them:
//
//	default-src 'none'; style-src 'nonce-…'; img-src 'self' data:;
//	base-uri 'none'; form-action 'self' https://dashboard.stripe.com;
//	frame-ancestors 'none'
//
// No script runs, and nobody can frame the page to have its button clicked. No
// policy keeps another site from sending the same form, though: put the page and
// its POST behind net/http.CrossOriginProtection.
//
// The form is sent to the page's own origin, whose response is a redirect to the
// Dashboard. Browsers hold that redirect against form-action too, and without the
// second source block it, after the code has been issued. A source with a path
// would not allow less: paths are not compared after a redirect.
//
// https://docs.stripe.com/stripe-apps/pkce-oauth-flow
// https://www.w3.org/TR/CSP3/#source-list-paths-and-redirects
func ConsentPolicy() Policy {
	return Policy{
		{"default-src", []string{CSPNone}},
		{"style-src", []string{CSPNonce}},
		{"img-src", []string{CSPSelf, "data:"}},
		{"base-uri", []string{CSPNone}},
		{"form-action", []string{CSPSelf, "https://dashboard.stripe.com"}},
		{"frame-ancestors", []string{CSPNone}},
	}
}

// With returns a copy of p that also allows sources for a directive: they are
// added to the ones it has, in place of 'none', or as a new directive.
//
//	PagePolicy().With("img-src", "https://files.stripe.com")
func (p Policy) With(name string, sources ...string) Policy {
	p = slices.Clone(p)
	i := slices.IndexFunc(p, func(d Directive) bool { return d.Name == name })
	if i < 0 {
		return append(p, Directive{name, slices.Clone(sources)})
	}
	had := slices.DeleteFunc(slices.Clone(p[i].Sources), func(s string) bool { return s == CSPNone })
	p[i].Sources = append(had, sources...)
	return p
}

// String returns p as it is sent, with CSPNonce as it is where a response has its
// nonce. It is for reading and for tests: it checks nothing.
func (p Policy) String() string {
	return strings.Join(p.split(), CSPNonce)
}

// split returns p as it is sent, cut where a nonce belongs.
func (p Policy) split() []string {
	var parts []string
	var part strings.Builder
	for i, d := range p {
		if i > 0 {
			part.WriteString("; ")
		}
		part.WriteString(d.Name)
		for _, source := range d.Sources {
			part.WriteByte(' ')
			if source == CSPNonce {
				parts = append(parts, part.String())
				part.Reset()
				continue
			}
			part.WriteString(source)
		}
	}
	return append(parts, part.String())
}

// CSPConfig configures NewCSP. Its zero value sends APIPolicy. It is copied:
// changing it later has no effect.
type CSPConfig struct {
	// Policy is enforced. nil means APIPolicy(); an empty Policy that is not
	// nil is an error.
	Policy Policy

	// ReportOnly is sent beside Policy and only reported on: browsers write
	// what it would have blocked to their console and, with ReportURL, report
	// it. It does not replace Policy. nil means none; an empty Policy that is
	// not nil is an error.
	ReportOnly Policy

	// ReportURL is where browsers send reports of violations of both policies:
	// an absolute path, which is best, or an http or https URL. See
	// cspreport.NewHandler for what serves it. "" means no reports.
	//
	// It is sent as report-to, with Reporting-Endpoints, and as report-uri for
	// browsers that do not know the former. Those that do ignore report-uri,
	// and report nothing over plain http, not even on localhost (Chromium 148):
	// try it out over TLS.
	ReportURL string

	// NewNonce returns the nonce for a response, for tests: 22 to 128 letters,
	// digits, - or _. It is called concurrently. nil means 16 bytes of
	// crypto/rand in base64url.
	NewNonce func() string
}

// NewCSP returns a Middleware that sends a Content Security Policy (Level 3)
// with every response of the handlers behind it, or an error that names all that
// is wrong in cfg, with what to write instead.
//
// Headers are added before the handler is called, each policy as a header line
// of its own, and replace none that are there. They are on the response when its
// status line is written, even if a handler, an upstream or a middleware behind
// NewCSP has deleted or replaced them: it can only add others. What stands outside
// can still remove them. Browsers demand that every policy be met: a policy behind
// another one can forbid more, but never allow more. Where a page needs more than the API's responses do, give it a NewCSP of
// its own beside theirs, not inside.
//
// If a policy has CSPNonce, each response gets a nonce of its own, the same one
// for both policies and for a NewCSP inside. No cache may store a response with a
// nonce and use it again: send Cache-Control: no-store. NewCSP calls NewNonce once
// to try it. Where it later panics, or it or a context gives what is not a valid
// nonce, that is logged to the server's ErrorLog, and the response has a nonce of
// crypto/rand instead.
//
// A policy is a second line of defense. It does NOT replace escaping, does not
// protect what an allowed host serves, and has no effect on callers other than
// browsers.
//
// https://www.w3.org/TR/CSP3/
func NewCSP(cfg CSPConfig) (Middleware, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Policy == nil {
		cfg.Policy = APIPolicy()
	}
	c := new(cspHandler)
	c.add("Content-Security-Policy", cfg.Policy, cfg.ReportURL)
	if cfg.ReportOnly != nil {
		c.add("Content-Security-Policy-Report-Only", cfg.ReportOnly, cfg.ReportURL)
	}
	if cfg.ReportURL != "" {
		// A structured field; ReportURL holds nothing that ends its string.
		c.lines = append(c.lines, cspLine{"Reporting-Endpoints", []string{reportEndpoint + `="` + cfg.ReportURL + `"`}})
	}
	c.fixed = c.appendLines(nil, "")
	c.newNonce = csp.NewNonce
	if cfg.NewNonce != nil {
		c.newNonce = cfg.NewNonce
		if c.hasNonce && !csp.IsNonce(c.newNonce()) {
			return nil, errors.New("stripeapps: CSP.NewNonce returns what is not a nonce: " +
				"it must be 22 to 128 letters, digits, - or _, and new for each response")
		}
	}
	return c.middleware, nil
}

// reportEndpoint names ReportURL in Reporting-Endpoints and report-to.
const reportEndpoint = "csp-endpoint"

// cspHandler holds what is sent. It is never changed once it is in use.
type cspHandler struct {
	lines    []cspLine
	fixed    []response.Line // the same, if there is no nonce
	hasNonce bool
	newNonce func() string
}

// cspLine is a header line whose value is cut where the nonce belongs.
type cspLine struct {
	name  string
	value []string
}

func (c *cspHandler) add(name string, p Policy, reportURL string) {
	if reportURL != "" {
		p = append(slices.Clip(p),
			Directive{"report-uri", []string{reportURL}},
			Directive{"report-to", []string{reportEndpoint}})
	}
	value := p.split()
	c.lines = append(c.lines, cspLine{name, value})
	c.hasNonce = c.hasNonce || len(value) > 1
}

func (c *cspHandler) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lines := c.fixed
		if c.hasNonce {
			nonce := &pageNonce{value: c.nonceFor(r)}
			r = r.WithContext(context.WithValue(r.Context(), nonceKey{}, nonce))
			lines = c.appendLines(nonce.lines[:0], "'nonce-"+nonce.value+"'")
		}
		w, chain := response.Wrap(w)
		chain.Demand(lines)
		next.ServeHTTP(w, r)
		chain.Finish()
	})
}

// appendLines adds the header lines of a response whose nonce is source.
func (c *cspHandler) appendLines(lines []response.Line, source string) []response.Line {
	for _, line := range c.lines {
		lines = append(lines, response.Line{Name: line.name, Value: strings.Join(line.value, source)})
	}
	return lines
}

// nonceFor returns the nonce of the response to r: that of the context, or a new
// one. Where either is not valid, a page without a policy, or no page at all, would
// be worse than one with another nonce, which is as strict.
func (c *cspHandler) nonceFor(r *http.Request) (nonce string) {
	defer func() {
		if value := recover(); value != nil {
			response.Logf(r, "stripeapps: CSP.NewNonce panicked, and another nonce is sent: %v\n%s", value, debug.Stack())
			nonce = csp.NewNonce()
		}
	}()
	nonce, from := NonceFrom(r.Context()), "a context"
	if nonce == "" {
		nonce, from = c.newNonce(), "CSP.NewNonce"
	}
	if !csp.IsNonce(nonce) {
		response.Logf(r, "stripeapps: %s gave what is not 22 to 128 letters, digits, - or _, and another nonce is sent", from)
		nonce = csp.NewNonce()
	}
	return nonce
}

type nonceKey struct{}

// pageNonce is the nonce of a response, with room for the lines that have it.
type pageNonce struct {
	value string
	lines [3]response.Line
}

// NonceFrom returns the nonce of the response to the request with this context,
// for the nonce attributes of a page, or "" if NewCSP has not made one: outside
// it, or where its policies do not have CSPNonce. It needs no escaping.
func NonceFrom(ctx context.Context) string {
	if nonce, ok := ctx.Value(nonceKey{}).(*pageNonce); ok {
		return nonce.value
	}
	return ""
}

// ContextWithNonce returns a context from which NonceFrom gets nonce, for unit
// tests of templates and of handlers that stand behind NewCSP. It checks
// nothing. Never use it to give responses a nonce that is not new: a NewCSP
// behind it sends this one.
func ContextWithNonce(ctx context.Context, nonce string) context.Context {
	return context.WithValue(ctx, nonceKey{}, &pageNonce{value: nonce})
}

func (cfg CSPConfig) check() error {
	errs := csp.CheckPolicy("CSP.Policy", cfg.Policy.values(), cfg.ReportURL != "", "APIPolicy()")
	for i, d := range cfg.ReportOnly {
		// Ignored, says CSP3 §6.3.2, and Upgrade Insecure Requests §3.1.
		if d.Name == "sandbox" || d.Name == "upgrade-insecure-requests" {
			errs = append(errs, fmt.Errorf("stripeapps: CSP.ReportOnly[%d]: "+
				"%s has no effect in a policy that is not enforced: remove it", i, d.Name))
		}
	}
	errs = append(errs, csp.CheckPolicy("CSP.ReportOnly", cfg.ReportOnly.values(), cfg.ReportURL != "", "none")...)
	if cfg.ReportURL != "" {
		if fault := csp.CheckReportURL(cfg.ReportURL); fault != csp.OK {
			what := csp.Directive{}.Describe(fault, cfg.ReportURL)
			errs = append(errs, fmt.Errorf("stripeapps: CSP.ReportURL %q %s", cfg.ReportURL, what))
		}
	}
	return errors.Join(errs...)
}

// values is p for internal/csp, nil if p is.
func (p Policy) values() []csp.Value {
	if p == nil {
		return nil
	}
	values := make([]csp.Value, len(p))
	for i, d := range p {
		values[i] = csp.Value(d)
	}
	return values
}
