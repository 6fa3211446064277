package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

// RoutesCovered returns nil if the extension may call every route, and else an
// error that says what to add for each that it may not. It is for a unit test of a
// backend: the patterns are those of net/http.ServeMux, for requests to baseURL
// ("https://api.example.com", or with a path that is before the patterns').
// Give the routes that the extension calls, and not those of webhooks or OAuth. A
// route that only a script calls is covered by an endpoint with its URL.
//
// A pattern can have a method, which plays no part, and a host, which replaces
// that of baseURL. One with wildcards or a slash at its end stands for many URLs:
// an entry covers it if it ends in a slash and all of them are below it. An entry
// that Stripe may refuse covers nothing. RoutesCovered says nothing about the rest
// of the manifest: see Check.
func (m *Manifest) RoutesCovered(baseURL string, patterns ...string) error {
	base, fault := parseTarget(baseURL)
	switch u, err := url.Parse(baseURL); {
	case fault != "":
	case err != nil || base.Scheme != "https" && base.Scheme != "http":
		fault = "it must be an http or https URL"
	case u.RawQuery != "" || u.Fragment != "" || base.user:
		fault = "it must have no query, no fragment and no user"
	}
	if fault != "" {
		return fmt.Errorf("manifest: the base URL %q cannot be used: %s", short(baseURL), fault)
	}
	if len(patterns) == 0 {
		return errors.New("manifest: there are no patterns: give the routes that the extension calls")
	}
	var errs []error
	var advice []string                // in the order of the patterns
	uncovered := map[string][]string{} // the patterns that an advice is for
	for _, pattern := range patterns {
		route, many, fault := routeOf(base, pattern)
		if fault != "" {
			errs = append(errs, fmt.Errorf("manifest: the pattern %q cannot be used: %s", short(pattern), fault))
			continue
		}
		if m.covers(route, many) {
			continue
		}
		what := m.adviceFor(route, many)
		if uncovered[what] == nil {
			advice = append(advice, what)
		}
		uncovered[what] = append(uncovered[what], fmt.Sprintf("%q", pattern))
	}
	for _, what := range advice {
		patterns := strings.Join(uncovered[what], ", ")
		errs = append(errs, fmt.Errorf("manifest: connect-src does not cover %s%s", patterns, what))
	}
	return errors.Join(errs...)
}

// covers reports whether an entry of connect-src or an endpoint allows a route for
// certain.
func (m *Manifest) covers(route target, many bool) bool {
	return slices.ContainsFunc(m.connect, func(e entry) bool { return e.covers(route, many) }) ||
		slices.ContainsFunc(m.endpoints, func(e endpoint) bool { return e.covers(route, many) && len(e.findings) == 0 })
}

// covers reports whether e allows a route for certain: all of it, if it stands
// for many URLs.
func (e entry) covers(route target, many bool) bool {
	return e.source.Matches(route.URL) && e.findings.Err() == nil &&
		e.source.Path != "" && e.source.Path != "/" && // see wildcardAlone
		(!many || strings.HasSuffix(csp.Decode(e.source.Path), "/"))
}

func (m *Manifest) adviceFor(route target, many bool) string {
	if !many {
		v := m.allows(m.connect, "connect-src", route.exact())
		if v.Allowed && len(v.Warnings) > 0 {
			return ": " + v.Reason + ", but " + v.Warnings[0].Text
		}
		return ": " + v.Reason
	}
	var best *entry // that lacks a slash, or that Stripe refuses
	for _, e := range m.connect {
		if !e.lacksSlash(route) && !(e.findings.Err() != nil && e.source.Matches(route.URL)) {
			continue
		}
		if best == nil || cmp.Or(e.compareRefused(*best), e.compare(*best)) < 0 {
			best = &e
		}
	}
	above, found := m.endpointFor(route)
	switch {
	case best == nil && found:
		return ": " + above.calls() + ", but " + belowEndpoint
	case best == nil:
		return fmt.Sprintf(" (%s)", m.files[0].name) + suggest(route, "connect-src")
	case best.findings.Err() != nil:
		return ": " + best.verdict("connect-src").Reason
	}
	return ": " + best.in("connect-src") + fmt.Sprintf(", which allows that URL alone: add %q too", best.text+"/")
}

// lacksSlash reports whether a slash at its end is all that e needs to cover a
// route.
func (e entry) lacksSlash(route target) bool {
	s := e.source
	return s.MatchesHost(route.URL) && csp.Decode(s.Path)+"/" == csp.Decode(route.Path)
}

// compareRefused puts what Stripe takes before what it refuses.
func (e entry) compareRefused(other entry) int {
	refused := func(e entry) int {
		if e.findings.Err() != nil {
			return 1
		}
		return 0
	}
	return cmp.Compare(refused(e), refused(other))
}

// routeOf returns the URL of a pattern or, for one that stands for many, the
// folder that they are all in.
func routeOf(base target, pattern string) (route target, many bool, fault string) {
	if fault := patternFault(pattern); fault != "" {
		return route, false, fault
	}
	if i := strings.IndexAny(pattern, " \t"); i >= 0 {
		pattern = strings.TrimLeft(pattern[i:], " \t")
	}
	i := strings.IndexByte(pattern, '/')
	route = base
	if i > 0 {
		host, fault := parseTarget(base.Scheme + "://" + pattern[:i])
		if fault != "" {
			return route, false, fault
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

// patternFault asks net/http itself.
func patternFault(pattern string) (fault string) {
	defer func() {
		if reason := recover(); reason != nil {
			fault = fmt.Sprint(reason)
		}
	}()
	http.NewServeMux().Handle(pattern, http.NotFoundHandler())
	return ""
}
