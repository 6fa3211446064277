package manifest

import (
	"cmp"
	"fmt"
	"strings"
)

// endpoint is a URL that an extension's script may call: by endpointFetch, from
// Stripe's servers and not from the browser, so that no content security policy is
// asked.
//
// https://docs.stripe.com/extensions/invoke-endpoints
type endpoint struct {
	entry
	url   target
	isURL bool
}

// endpointsOf returns those of all extensions, of live mode and of sandboxes.
func endpointsOf(root *node) (all []endpoint) {
	for i, extension := range root.itemsAt("extensions") {
		for j, item := range extension.itemsAt("endpoints") {
			for _, mode := range []string{"live", "managed_sandbox"} {
				n := item.get(mode, "url")
				if n == nil || n.kind != kindString {
					continue
				}
				e := endpoint{entry: entry{node: n}}
				e.path = pathOf(pathOf("extensions", i)+".endpoints", j) + "." + mode + ".url"
				e.findings = checkURL(endpointRules, n, "endpoints").at(e.path)
				url, fault := parseTarget(n.text)
				e.url, e.isURL = url, fault == ""
				all = append(all, e)
			}
		}
	}
	return all
}

// is reports whether t is the URL of e.
func (e endpoint) is(t target) bool { return e.isURL && e.url.URL == t.URL }

// isHost reports whether e has no path. It stands for its whole host then: the
// documents' sample is one, and a published app calls what is below its own.
//
// https://github.com/PostHog/posthog/tree/master/services/stripe-app
func (e endpoint) isHost() bool { return e.isURL && e.url.Path == "/" }

// covers reports whether e allows t for certain: all of it, if it stands for many
// URLs.
func (e endpoint) covers(t target, many bool) bool {
	return !many && e.is(t) || e.isHost() && e.isAbove(t)
}

// isAbove reports whether t is below the URL of e.
func (e endpoint) isAbove(t target) bool {
	folder := strings.TrimSuffix(e.url.Path, "/") + "/"
	return e.isURL && e.url.origin() == t.origin() && strings.HasPrefix(t.Path, folder)
}

// endpointFor returns the endpoint that is meant by a URL: its own, or else that of
// its host, or else the nearest one above.
func (m *Manifest) endpointFor(t target) (best endpoint, found bool) {
	distance := func(e endpoint) int {
		switch {
		case e.is(t):
			return 0
		case e.covers(t, false):
			return 1
		}
		return 2 + len(t.Path) - len(e.url.Path)
	}
	for _, e := range m.endpoints {
		if !e.is(t) && !e.isAbove(t) || e.findings.Err() != nil {
			continue
		}
		if !found || cmp.Or(cmp.Compare(distance(e), distance(best)), cmp.Compare(e.text, best.text)) < 0 {
			best, found = e, true
		}
	}
	return best, found
}

// allowsEndpoint returns the verdict on a URL that a script may call.
func (m *Manifest) allowsEndpoint(t target) (v Verdict, found bool) {
	e, found := m.endpointFor(t)
	if !found {
		return v, false
	}
	v = Verdict{Allowed: true, Entry: e.text, Reason: e.calls(), Warnings: append(Findings{}, e.findings...)}
	if !e.covers(t, false) {
		v.Warnings = append(v.Warnings, warning(belowEndpoint, docsEndpoints))
	}
	if len(m.root.itemsAt(pathUI+".views")) > 0 {
		v.Warnings = append(v.Warnings, warning("connect-src does not allow it: the script may call it, "+
			"and the user interface may not", docsBuildUI))
	}
	return v, true
}

const belowEndpoint = "it is below the endpoint's URL: it is not known whether a script may call more than that URL"

// calls says what e is, and where.
func (e endpoint) calls() string {
	return fmt.Sprintf("%s is %q (%s:%d), which a script calls by endpointFetch", e.path, short(e.text), e.file, e.line)
}

// warning returns one that is not about a place in a file.
func warning(text, source string) Finding {
	return Finding{Severity: SeverityWarning, Text: text, Source: source}
}
