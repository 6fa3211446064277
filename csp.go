package stripeapps

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

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

// APIPolicy returns the policy for answers that are not pages:
//
//	default-src 'none'; frame-ancestors 'none'
//
// A browser that is made to show such an answer as a page loads, runs and frames
// nothing.
func APIPolicy() Policy {
	return Policy{
		{"default-src", []string{CSPNone}},
		{"frame-ancestors", []string{CSPNone}},
	}
}

// PagePolicy returns a strict policy for a page that the server renders:
//
//	default-src 'none'; script-src 'nonce-…' 'strict-dynamic';
//	style-src 'nonce-…'; img-src 'self' data:; font-src 'self';
//	connect-src 'self'; object-src 'none'; base-uri 'none';
//	form-action 'self'; frame-ancestors 'none'
//
// Every script, style and link of a style sheet needs nonce="{{.Nonce}}", with
// the value of NonceFrom. Scripts that such a script adds may run too
// ('strict-dynamic'). Attributes like onclick and style do not work, and what is
// not named, like frames and media, is not loaded: add it by Policy.With.
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
// The form is sent to the page's own origin, which answers with a redirect to
// the Dashboard. Browsers hold form-action against that redirect too, and
// without the second source block it, after the code has been issued. A source
// with a path would not allow less: paths are not compared after a redirect.
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
// with every answer of the handlers behind it, or an error that names every
// problem of cfg, with what to write instead.
//
// Headers are added before the handler is called, each policy as a header line
// of its own, and replace none that are there. Browsers demand that every one of
// them be met: a policy behind another one can forbid more, but never allow
// more. Where a page needs more than the API's answers, give it a NewCSP of its
// own beside theirs, not inside.
//
// If a policy has CSPNonce, each response gets a nonce of its own, the same one
// for both policies and for a NewCSP inside. Answers with a nonce must not be
// stored by a cache, which would use it again: send Cache-Control: no-store. A
// value of NewNonce that is not a valid nonce is never sent: NewCSP tries one, and
// later the request is answered with 500 internal, without a policy.
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
	c := new(csp)
	c.add("Content-Security-Policy", cfg.Policy, cfg.ReportURL)
	if cfg.ReportOnly != nil {
		c.add("Content-Security-Policy-Report-Only", cfg.ReportOnly, cfg.ReportURL)
	}
	if cfg.ReportURL != "" {
		// A structured field; ReportURL holds nothing that ends its string.
		c.lines = append(c.lines, cspLine{"Reporting-Endpoints", []string{reportEndpoint + `="` + cfg.ReportURL + `"`}})
	}
	c.newNonce = newNonce
	if cfg.NewNonce != nil {
		c.newNonce = cfg.NewNonce
		if c.hasNonce && !isNonce(c.newNonce()) {
			return nil, errors.New("stripeapps: CSP.NewNonce returns what is not a nonce: it must be 22 to 128 letters, digits, - or _, and new for each response")
		}
	}
	return c.middleware, nil
}

// reportEndpoint names ReportURL in Reporting-Endpoints and report-to.
const reportEndpoint = "csp-endpoint"

// csp holds what is sent. It is never changed once it is in use.
type csp struct {
	lines    []cspLine
	hasNonce bool
	newNonce func() string
}

// cspLine is a header line whose value is cut where the nonce belongs.
type cspLine struct {
	name  string
	value []string
}

func (c *csp) add(name string, p Policy, reportURL string) {
	if reportURL != "" {
		p = append(slices.Clip(p),
			Directive{"report-uri", []string{reportURL}},
			Directive{"report-to", []string{reportEndpoint}})
	}
	value := p.split()
	c.lines = append(c.lines, cspLine{name, value})
	c.hasNonce = c.hasNonce || len(value) > 1
}

func (c *csp) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var source string
		if c.hasNonce {
			nonce := NonceFrom(r.Context())
			if nonce == "" {
				nonce = c.newNonce()
				r = r.WithContext(ContextWithNonce(r.Context(), nonce))
			}
			if !isNonce(nonce) {
				response.Logf(r, "stripeapps: CSP.NewNonce, or a context, has not given a nonce of 22 to 128 letters, digits, - or _")
				WriteProblem(w, r, errInternal)
				return
			}
			source = "'nonce-" + nonce + "'"
		}
		for _, line := range c.lines {
			w.Header().Add(line.name, strings.Join(line.value, source))
		}
		next.ServeHTTP(w, r)
	})
}

const (
	nonceBytes = 16 // CSP3 §7.1: at least 128 bits

	// minNonceLen is what 16 bytes in base64url have.
	minNonceLen = 22
	maxNonceLen = 128
)

type nonceKey struct{}

// NonceFrom returns the nonce of the response to the request with this context,
// for the nonce attributes of a page, or "" if NewCSP has not made one: outside
// it, or where its policies do not have CSPNonce. It needs no escaping.
func NonceFrom(ctx context.Context) string {
	nonce, _ := ctx.Value(nonceKey{}).(string)
	return nonce
}

// ContextWithNonce returns a context from which NonceFrom gets nonce, for unit
// tests of templates and of handlers that stand behind NewCSP. It checks
// nothing. Never use it to give responses a nonce that is not new: a NewCSP
// behind it sends this one.
func ContextWithNonce(ctx context.Context, nonce string) context.Context {
	return context.WithValue(ctx, nonceKey{}, nonce)
}

// newNonce makes a nonce of base64url, which has nothing that HTML escapes.
func newNonce() string {
	var random [nonceBytes]byte
	rand.Read(random[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// isNonce reports whether s can stand in a policy and has the length of a nonce
// that cannot be guessed.
func isNonce(s string) bool {
	return minNonceLen <= len(s) && len(s) <= maxNonceLen &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isIDByte(r) && r != '-' })
}

func (cfg CSPConfig) check() error {
	problems := cfg.policyProblems("CSP.Policy", cfg.Policy)
	for i, d := range cfg.ReportOnly {
		// Ignored, says CSP3 §6.3.2, and Upgrade Insecure Requests §3.1.
		if d.Name == "sandbox" || d.Name == "upgrade-insecure-requests" {
			problems = append(problems, fmt.Errorf("stripeapps: CSP.ReportOnly[%d]: %s has no effect in a policy that is not enforced: remove it", i, d.Name))
		}
	}
	problems = append(problems, cfg.policyProblems("CSP.ReportOnly", cfg.ReportOnly)...)
	if cfg.ReportURL != "" {
		if what := reportURLProblem(cfg.ReportURL); what != "" {
			problems = append(problems, fmt.Errorf("stripeapps: CSP.ReportURL %q %s", cfg.ReportURL, what))
		}
	}
	return errors.Join(problems...)
}

// policyProblems says what is wrong with the policy in a field of cfg. The texts
// show it: it is the developer's own.
func (cfg CSPConfig) policyProblems(field string, p Policy) (problems []error) {
	if p != nil && len(p) == 0 {
		return []error{fmt.Errorf("stripeapps: %s is empty but not nil, and empty does not mean off: leave it nil for %s", field, map[string]string{"CSP.Policy": "APIPolicy()", "CSP.ReportOnly": "none"}[field])}
	}
	for i, d := range p {
		problem := func(format string, values ...any) {
			what := fmt.Sprintf(format, values...)
			problems = append(problems, fmt.Errorf("stripeapps: %s[%d]: %s", field, i, what))
		}
		takes, known := directives[d.Name]
		if _, lower := directives[strings.ToLower(d.Name)]; !known && lower {
			problem("%q is not in lower case: write %q", d.Name, strings.ToLower(d.Name))
			continue
		}
		if !known {
			problem("%q is not a directive of CSP Level 3", d.Name)
			continue
		}
		first := slices.IndexFunc(p, func(other Directive) bool { return other.Name == d.Name })
		if first < i {
			problem("%s is in %s[%d] already, and browsers ignore it here: put all sources into one", d.Name, field, first)
		}
		if cfg.ReportURL != "" && (d.Name == "report-to" || d.Name == "report-uri") {
			problem("%s is what ReportURL adds: remove one of them", d.Name)
		}
		switch {
		case len(d.Sources) < takes.min:
			problem("%s has no value: name %s", d.Name, takes.what)
		case takes.max == 0 && len(d.Sources) > 0:
			problem("%s takes no value: remove it", d.Name)
		case len(d.Sources) > takes.max:
			problem("%s takes one value only: %s", d.Name, takes.what)
		}
		if len(d.Sources) > 1 && slices.Contains(d.Sources, CSPNone) {
			problem("%s has 'none' beside other sources, where browsers ignore it: remove it or them", d.Name)
		}
		if takesScripts := d.Name == "default-src" || strings.HasPrefix(d.Name, "script-src"); takesScripts &&
			slices.Contains(d.Sources, CSPStrictDynamic) && !slices.ContainsFunc(d.Sources, isNonceOrHash) {
			problem("%s has 'strict-dynamic' without a nonce or a hash, so that no script can run: add CSPNonce", d.Name)
		}
		for _, source := range d.Sources {
			what := characterProblem(source)
			if what == "" && takes.problem != nil {
				what = takes.problem(source)
			}
			if what != "" {
				problem("%s: %q %s", d.Name, source, what)
			}
		}
	}
	return problems
}

func isNonceOrHash(s string) bool {
	return s == CSPNonce || hashSource.MatchString(s)
}

// directiveValue is what a directive can have as its value.
type directiveValue struct {
	what     string
	min, max int
	problem  func(string) string // what is wrong with one word
}

const anyNumber = 1 << 30

var (
	urlSources     = directiveValue{"its sources, or CSPNone", 1, anyNumber, urlSourceProblem}
	elementSources = directiveValue{"its sources, or CSPNone", 1, anyNumber, sourceProblem}
	attrSources    = directiveValue{"its sources, or CSPNone", 1, anyNumber, attrSourceProblem}
)

// directives are those of CSP Level 3 and of the specifications that extend it.
//
// https://www.w3.org/TR/CSP3/#csp-directives
// https://www.w3.org/TR/upgrade-insecure-requests/#delivery
// https://www.w3.org/TR/trusted-types/#integration-with-content-security-policy
// https://wicg.github.io/fenced-frame/
var directives = map[string]directiveValue{
	"child-src":        urlSources,
	"connect-src":      urlSources,
	"default-src":      elementSources,
	"fenced-frame-src": urlSources,
	"font-src":         urlSources,
	"frame-src":        urlSources,
	"img-src":          urlSources,
	"manifest-src":     urlSources,
	"media-src":        urlSources,
	"object-src":       urlSources,
	"script-src":       elementSources,
	"script-src-elem":  elementSources,
	"script-src-attr":  attrSources,
	"style-src":        elementSources,
	"style-src-elem":   elementSources,
	"style-src-attr":   attrSources,
	"worker-src":       urlSources,

	"base-uri":        urlSources,
	"form-action":     urlSources,
	"frame-ancestors": urlSources,

	"sandbox":                   {"", 0, anyNumber, oneOf(sandboxTokens...)},
	"webrtc":                    {"'allow' or 'block'", 1, 1, oneOf("'allow'", "'block'")},
	"upgrade-insecure-requests": {"", 0, 0, nil},
	"require-trusted-types-for": {"'script'", 1, 1, oneOf("'script'")},
	"trusted-types":             {"the policies' names, or CSPNone", 1, anyNumber, trustedTypesProblem},

	"report-to":  {"an endpoint of Reporting-Endpoints", 1, 1, reportToProblem},
	"report-uri": {"where reports are sent", 1, anyNumber, reportURLProblem},
}

// sandboxTokens are those of HTML, and the one of the Storage Access API.
//
// https://html.spec.whatwg.org/multipage/iframe-embed-object.html#attr-iframe-sandbox
var sandboxTokens = []string{
	"allow-downloads",
	"allow-forms",
	"allow-modals",
	"allow-orientation-lock",
	"allow-pointer-lock",
	"allow-popups",
	"allow-popups-to-escape-sandbox",
	"allow-presentation",
	"allow-same-origin",
	"allow-scripts",
	"allow-storage-access-by-user-activation",
	"allow-top-navigation",
	"allow-top-navigation-by-user-activation",
	"allow-top-navigation-to-custom-protocols",
}

// keywords are the words in quotes that a source list can have.
//
// https://www.w3.org/TR/CSP3/#grammardef-keyword-source
// https://html.spec.whatwg.org/multipage/speculative-loading.html
var keywords = []string{
	CSPNone, CSPSelf, CSPStrictDynamic, CSPUnsafeInline, CSPUnsafeEval, CSPUnsafeHashes, CSPWasmUnsafeEval, CSPReportSample,
	"'trusted-types-eval'", "'report-sha256'", "'report-sha384'", "'report-sha512'", "'inline-speculation-rules'",
}

// The grammar of CSP3 §2.3.1, with the path of RFC 3986 §3.3. Hashes must have
// the length of their algorithm's.
var (
	schemeSource = regexp.MustCompile(`\A[A-Za-z][A-Za-z0-9+.-]*:\z`)
	hostSource   = regexp.MustCompile(`\A(?:[A-Za-z][A-Za-z0-9+.-]*://)?` + // scheme
		`(?:\*|(?:\*\.)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)` + // host
		`(?::(?:[0-9]{1,5}|\*))?` + // port
		`(?:/(?:` + pathChar + `+(?:/` + pathChar + `*)*)?)?\z`) // path
	hashSource = regexp.MustCompile(`\A'(?:sha256-` + base64Char + `{43}=?|sha384-` + base64Char + `{64}|sha512-` + base64Char + `{86}(?:==)?)'\z`)

	// What is meant for a nonce or a hash, with or without its quotes.
	fixedNonce = regexp.MustCompile(`(?i)\A'?nonce(?:-[A-Za-z0-9+/=_-]*)?'?\z`)
	badHash    = regexp.MustCompile(`(?i)\A'?sha(?:256|384|512)-[A-Za-z0-9+/=_-]*'?\z`)
	// What is meant for a scheme, but is a host without its colon.
	bareScheme = regexp.MustCompile(`(?i)\A(?:https?|wss?|data|blob|filesystem|mediastream)\z`)

	// A port beyond 65535, and a scheme with one: https:* is the host "https".
	badPort = regexp.MustCompile(`\A(?:[^/]+://)?[^/:]+:(?:0+|6553[6-9]|655[4-9][0-9]|65[6-9][0-9]{2}|6[6-9][0-9]{3}|[7-9][0-9]{4})(?:/|\z)|\A(?i:https?|wss?|data|blob):(?:[0-9]|\*)`)

	// https://www.w3.org/TR/trusted-types/#trusted-types-csp-directive
	trustedTypesName = regexp.MustCompile(`\A[A-Za-z0-9#=_/@.%-]+\z`)
	// A key of a structured field (RFC 8941 §3.1.2), as Reporting-Endpoints is.
	endpointName = regexp.MustCompile(`\A[a-z*][a-z0-9_.*-]*\z`)
)

const (
	pathChar   = `(?:[A-Za-z0-9._~!$&'()*+=:@-]|%[0-9A-Fa-f]{2})`
	base64Char = `[A-Za-z0-9+/_-]`
)

// characterProblem finds what would end the word, the directive (;) or the
// policy (,).
func characterProblem(s string) string {
	if s == "" {
		return "is empty: remove it"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ';' || r == ',' }) {
		return "has white space, a control character, a ; or , or a character outside ASCII: give one source an entry, percent-encode a path, and write a domain in Punycode"
	}
	return ""
}

// sourceProblem says what is wrong with a word of a source list.
func sourceProblem(s string) string {
	unquoted := strings.ToLower(strings.Trim(s, "'"))
	switch keyword := "'" + unquoted + "'"; {
	case s == CSPNonce, slices.Contains(keywords, s), hashSource.MatchString(s):
		return ""
	case fixedNonce.MatchString(s):
		return "is a fixed nonce, which must differ from response to response: use CSPNonce"
	case badHash.MatchString(s):
		return "is not a hash: write 'sha256-…' with its quotes and all of the hash in base64, and sha384 and sha512 likewise"
	case slices.Contains(keywords, keyword):
		return fmt.Sprintf("is not the keyword: write %q, in lower case and with its quotes", keyword)
	case s[0] == '\'':
		return "is not a keyword of CSP Level 3"
	case bareScheme.MatchString(s):
		return fmt.Sprintf("is a host of that name: write %q for the scheme", unquoted+":")
	case badPort.MatchString(s):
		return "has a port that is not from 1 to 65535, or a scheme where a host belongs"
	case !schemeSource.MatchString(s) && !hostSource.MatchString(s):
		return "is not a valid source: write a host like https://*.example.com:8443/path/ (without query, * only as the first label), a scheme like data:, or a keyword in quotes"
	}
	return ""
}

// attrSourceProblem is sourceProblem for attributes, which have no nonce
// (CSP3 §6.7.3.3).
func attrSourceProblem(s string) string {
	if s == CSPNonce {
		return "has no meaning here: attributes carry no nonce"
	}
	return sourceProblem(s)
}

// urlSourceProblem is sourceProblem for directives that are compared with URLs
// only, where other keywords, nonces and hashes match nothing.
func urlSourceProblem(s string) string {
	what := sourceProblem(s)
	if what == "" && s[0] == '\'' && s != CSPNone && s != CSPSelf {
		return "has no meaning here: only default-src, script-src and style-src, and those that begin so, take it"
	}
	return what
}

func trustedTypesProblem(s string) string {
	if s == "*" || s == CSPNone || s == "'allow-duplicates'" || trustedTypesName.MatchString(s) {
		return ""
	}
	return "is not the name of a policy, nor *, 'none' or 'allow-duplicates'"
}

func reportToProblem(s string) string {
	if !endpointName.MatchString(s) {
		return "is not the name of an endpoint: write the one that Reporting-Endpoints gives a URL to"
	}
	return ""
}

func oneOf(words ...string) func(string) string {
	return func(s string) string {
		if slices.Contains(words, s) {
			return ""
		}
		return fmt.Sprintf("is none of %s", words)
	}
}

// reportURLProblem says what is wrong with a URL that reports are sent to. It
// must fit into a policy, and into a string of a structured field (RFC 8941
// §3.3.3).
func reportURLProblem(s string) string {
	if characterProblem(s) != "" || strings.ContainsAny(s, `"\`) {
		return `has white space, a control character, one of ; , " \ or a character outside ASCII: percent-encode it`
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
	case u.User != nil || strings.Contains(s, "#"):
	case u.Host == "" && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//"):
		return ""
	case u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http"):
		return ""
	}
	return "is not an absolute path like /csp-reports, nor an http or https URL without user and fragment"
}
