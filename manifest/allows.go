package manifest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

// Verdict is the answer to whether the manifest allows a URL.
type Verdict struct {
	Allowed bool
	// Reason is a sentence: what allows it, or what to change so that it is.
	Reason string
	// Entry is the manifest's entry that allows it, or the one that comes
	// closest, or "".
	Entry string
	// Warnings are about what Stripe's documents do not settle: the verdict is
	// not certain then.
	Warnings Findings
}

// String returns the verdict as a line, with a line for each warning.
func (v Verdict) String() string {
	verdict := "not allowed: "
	if v.Allowed {
		verdict = "allowed: "
	}
	lines := []string{verdict + v.Reason}
	for _, w := range v.Warnings {
		lines = append(lines, w.String())
	}
	return strings.Join(lines, "\n")
}

// AllowsConnect reports whether the extension may call a URL: whether an entry of
// connect-src matches it as a browser does. A query and a fragment play no part.
//
// It is about the first request. A redirect that answers it is checked too, its
// path left aside; and the backend must allow the call by CORS.
func (m *Manifest) AllowsConnect(rawURL string) Verdict {
	return m.allows(m.connect, "connect-src", rawURL)
}

// AllowsImage reports whether the extension may show an image: whether an entry
// of image-src matches its URL.
func (m *Manifest) AllowsImage(rawURL string) Verdict {
	return m.allows(m.image, "image-src", rawURL)
}

// AllowsRedirect reports whether an install may return to a URI: whether
// allowed_redirect_uris has it, character for character.
//
// https://docs.stripe.com/stripe-apps/install-links
func (m *Manifest) AllowsRedirect(uri string) Verdict {
	const list = "allowed_redirect_uris"
	v := Verdict{Reason: fmt.Sprintf("%s does not have %q: add it", list, short(uri))}
	if checkRedirect(&node{text: uri}).Err() != nil {
		v.Reason = fmt.Sprintf("%s does not have %q, and Stripe takes no such URI: it must be https:// with a host and a path", list, short(uri))
	}
	for _, e := range m.redirects {
		if e.text == uri {
			return e.verdict(list)
		}
		if withoutSlash(e.text) == withoutSlash(uri) {
			v.Entry = e.text
			v.Reason = fmt.Sprintf("%s has %q, and is compared character for character, with case and a slash at the end", list, short(e.text))
		}
	}
	return v
}

// verdict is that on a URL which e matches. An entry that Stripe refuses allows
// nothing: the manifest cannot be uploaded with it.
func (e entry) verdict(list string) Verdict {
	v := Verdict{Allowed: true, Entry: e.text, Reason: fmt.Sprintf("%s has %q (%s:%d)", list, short(e.text), e.file, e.line)}
	for _, f := range e.findings {
		if f.Severity == SeverityError {
			reason := fmt.Sprintf("%s has %q (%s:%d), but Stripe refuses that: %s", list, short(e.text), e.file, e.line, f.Text)
			if f.Fix != "" {
				reason += fmt.Sprintf(": write %q", f.Fix)
			}
			return Verdict{Entry: e.text, Reason: reason}
		}
	}
	v.Warnings = slices.Clone(e.findings)
	return v
}

func withoutSlash(s string) string { return strings.ToLower(strings.TrimSuffix(s, "/")) }

func (m *Manifest) allows(entries []entry, directive, text string) Verdict {
	t, problem := parseTarget(text)
	switch {
	case problem != "":
		return Verdict{Reason: "this is no URL for the extension to use: " + problem}
	case t.user:
		return Verdict{Reason: "a browser asks for no URL with a user or password in it"}
	}
	var best *Verdict // one that is certain, or else allowed, or else refused
	for _, e := range entries {
		if !e.source.Matches(t.URL) {
			continue
		}
		v := e.verdict(directive)
		if v.Allowed && len(v.Warnings) == 0 {
			return v
		}
		if best == nil || v.Allowed && !best.Allowed {
			best = &v
		}
	}
	if best != nil {
		return *best
	}
	v := Verdict{Reason: fmt.Sprintf("no entry of %s matches (%s)%s", directive, m.files[0].name, suggest(t, directive))}
	if e, why := closest(entries, t); why != "" {
		v.Entry = e.text
		v.Reason = fmt.Sprintf("%s has %q (%s:%d), but %s", directive, short(e.text), e.file, e.line, why)
	}
	if fetch.IsLoopback(t.Host) {
		v.Warnings = Findings{{Severity: SeverityWarning, Source: "https://github.com/stripe/stripe-apps/issues/468",
			Text: "while an app is previewed, the Dashboard lets it call localhost at any port, as its users report; Stripe's documents do not say so"}}
	}
	return v
}

// suggest says what to add, and nothing that Stripe would refuse.
func suggest(t target, directive string) string {
	if !csp.IsNetworkScheme(t.Scheme) {
		return fmt.Sprintf(", and Stripe takes none for %s: URLs", short(t.Scheme))
	}
	problem := func(entry string) error { return checkSource(entryOf(entry), directive).Err() }
	exact, folder := t.exact(), t.folder()
	switch exactProblem, folderProblem := problem(exact), problem(folder); {
	case exactProblem != nil && t.Scheme != "https":
		t.Scheme, t.Port = "https", fetch.DefaultPort("https")
		return ", and Stripe takes https only: call " + t.exact()
	case isStripeAPI(t.Host):
		return ", and Stripe's own hosts cannot be in the manifest: use the extension SDK's HTTP client"
	case exactProblem != nil && t.Path == "/":
		return ", and Stripe takes none without a path: move it below one, like /api/"
	case exactProblem != nil:
		return ", and Stripe takes none for it"
	case exact == folder:
		return fmt.Sprintf(": add %q, which allows it and all below it", exact)
	case folderProblem != nil:
		return fmt.Sprintf(": add %q, which allows this URL alone", exact)
	}
	return fmt.Sprintf(": add %q, which allows this URL alone, or %q, which allows all below it", exact, folder)
}

func entryOf(text string) entry {
	return entry{node: &node{kind: kindString, text: text}, source: csp.Parse(text)}
}

func (t target) origin() string {
	origin := t.Scheme + "://" + t.Host
	if t.Port != fetch.DefaultPort(t.Scheme) {
		origin += ":" + strconv.Itoa(int(t.Port))
	}
	return origin
}

func (t target) exact() string { return t.origin() + t.Path }

func (t target) folder() string { return t.origin() + t.Path[:strings.LastIndexByte(t.Path, '/')+1] }

// closest returns an entry that fails in one thing only, and what that is.
func closest(entries []entry, t target) (entry, string) {
	for _, e := range entries {
		s := e.source
		if s.Kind != csp.Host {
			continue
		}
		schemeOK, hostOK, portOK, pathOK := s.MatchesScheme(t.URL), s.MatchesHost(t.URL), s.MatchesPort(t.URL), s.MatchesPath(t.URL)
		switch {
		case hostOK && schemeOK && portOK && !pathOK:
			switch {
			case csp.Decode(s.Path) == csp.Decode(t.Path)+"/":
				return e, fmt.Sprintf("the slash at its end allows what is below it, and not %s itself: add %q", t.Path, strings.TrimSuffix(e.text, "/"))
			case !strings.HasSuffix(s.Path, "/") && strings.HasPrefix(csp.Decode(t.Path), csp.Decode(s.Path)+"/"):
				return e, fmt.Sprintf("without a slash at its end it allows that URL alone: add %q", e.text+"/")
			case strings.EqualFold(csp.Decode(s.Path), csp.Decode(t.Path)):
				return e, "paths are case-sensitive"
			}
		case hostOK && schemeOK && pathOK && !portOK:
			return e, fmt.Sprintf("the port is another: the URL's is %d", t.Port)
		case hostOK && pathOK && !schemeOK:
			return e, fmt.Sprintf("the scheme is another: the URL's is %s", t.Scheme)
		case s.Subdomains && s.Host == t.Host:
			return e, fmt.Sprintf("a wildcard stands for what is below the host, and not for %s itself", t.Host)
		}
	}
	return entry{}, ""
}

// RoutesCovered returns nil if the extension may call every route, and else an
// error that says what to add for each that it may not. It is for a unit test of a
// backend: the patterns are those of net/http.ServeMux, for requests to baseURL
// ("https://api.example.com", or with a path that is before the patterns').
// Give the routes that the extension calls, and not those of webhooks or OAuth.
//
// A pattern can have a method, which plays no part, and a host, which replaces
// that of baseURL. One with wildcards or a slash at its end stands for many URLs:
// an entry covers it if it ends in a slash and all of them are below it. An entry
// that Stripe may refuse covers nothing. RoutesCovered says nothing about the rest
// of the manifest: see Check.
func (m *Manifest) RoutesCovered(baseURL string, patterns ...string) error {
	base, problem := parseTarget(baseURL)
	switch u, err := url.Parse(baseURL); {
	case problem != "":
	case err != nil || base.Scheme != "https" && base.Scheme != "http":
		problem = "it must be an http or https URL"
	case u.RawQuery != "" || u.Fragment != "" || base.user:
		problem = "it must have no query, no fragment and no user"
	}
	if problem != "" {
		return fmt.Errorf("manifest: the base URL %q cannot be used: %s", short(baseURL), problem)
	}
	if len(patterns) == 0 {
		return errors.New("manifest: there are no patterns: give the routes that the extension calls")
	}
	var errs []error
	var advice []string                // in the order of the patterns
	uncovered := map[string][]string{} // the patterns that an advice is for
	for _, pattern := range patterns {
		route, many, problem := routeOf(base, pattern)
		if problem != "" {
			errs = append(errs, fmt.Errorf("manifest: the pattern %q cannot be used: %s", short(pattern), problem))
			continue
		}
		if slices.ContainsFunc(m.connect, func(e entry) bool { return e.covers(route, many) }) {
			continue
		}
		what := m.adviceFor(route, many)
		if uncovered[what] == nil {
			advice = append(advice, what)
		}
		uncovered[what] = append(uncovered[what], fmt.Sprintf("%q", pattern))
	}
	for _, what := range advice {
		errs = append(errs, fmt.Errorf("manifest: connect-src does not cover %s%s", strings.Join(uncovered[what], ", "), what))
	}
	return errors.Join(errs...)
}

// covers reports whether e allows a route for certain: all of it, if it stands
// for many URLs.
func (e entry) covers(route target, many bool) bool {
	return e.source.Matches(route.URL) && e.findings.Err() == nil &&
		e.source.Path != "" && e.source.Path != "/" && // see checkWildcard
		(!many || strings.HasSuffix(csp.Decode(e.source.Path), "/"))
}

func (m *Manifest) adviceFor(route target, many bool) string {
	if !many {
		return ": " + m.allows(m.connect, "connect-src", route.exact()).Reason
	}
	what := fmt.Sprintf(" (%s)", m.files[0].name) + suggest(route, "connect-src")
	for _, e := range m.connect {
		s := e.source
		lacksSlash := s.MatchesHost(route.URL) && csp.Decode(s.Path)+"/" == csp.Decode(route.Path)
		switch refused := e.findings.Err() != nil; {
		case refused && (lacksSlash || s.Matches(route.URL)):
			return ": " + e.verdict("connect-src").Reason
		case lacksSlash:
			return fmt.Sprintf(": connect-src has %q (%s:%d), which allows that URL alone: add %q too", short(e.text), e.file, e.line, e.text+"/")
		}
	}
	return what
}

// routeOf returns the URL of a pattern or, for one that stands for many, the
// folder that they are all in.
func routeOf(base target, pattern string) (route target, many bool, problem string) {
	if problem := patternProblem(pattern); problem != "" {
		return route, false, problem
	}
	if i := strings.IndexAny(pattern, " \t"); i >= 0 {
		pattern = strings.TrimLeft(pattern[i:], " \t")
	}
	i := strings.IndexByte(pattern, '/')
	route = base
	if i > 0 {
		host, problem := parseTarget(base.Scheme + "://" + pattern[:i])
		if problem != "" {
			return route, false, problem
		}
		if !strings.Contains(host.Host, ".") && !fetch.IsLoopback(host.Host) {
			return route, false, fmt.Sprintf("%q is read as a host: begin the path with a slash", pattern[:i])
		}
		route.Host = host.Host // at any port
	}
	path := pattern[i:]
	switch exact, isExact := strings.CutSuffix(path, "{$}"); {
	case strings.Contains(path, "/:"):
		return route, false, "a wildcard of net/http is {name}, and not :name"
	case strings.ContainsAny(path, " \t?#"):
		return route, false, "there is a space, ? or # in its path, which no URL has there"
	case isExact && !strings.Contains(exact, "{"):
		path = exact
	case strings.Contains(path, "{"):
		path, many = path[:strings.IndexByte(path, '{')], true
	default:
		many = strings.HasSuffix(path, "/")
	}
	route.Path = strings.TrimSuffix(base.Path, "/") + path
	return route, many, ""
}

// patternProblem asks net/http itself.
func patternProblem(pattern string) (problem string) {
	defer func() {
		if reason := recover(); reason != nil {
			problem = fmt.Sprint(reason)
		}
	}()
	http.NewServeMux().Handle(pattern, http.NotFoundHandler())
	return ""
}
