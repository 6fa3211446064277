package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Check returns what in the manifest Stripe would refuse when the app is
// uploaded, and what does something else than it looks like. What Stripe's own
// examples, documents or published apps have is no error, though its published
// schema may refuse it. A manifest without findings can still be refused: Stripe's
// servers know more.
func (m *Manifest) Check() Findings {
	findings := slices.Concat(m.checkSchema(), m.checkPurpose())
	for _, list := range [][]entry{m.connect, m.image, m.redirects, m.replaced} {
		for _, e := range list {
			findings = append(findings, e.findings...)
		}
		findings = append(findings, checkRepeated(list)...)
	}
	for _, e := range m.endpoints {
		findings = append(findings, e.findings...)
	}
	findings = append(findings, m.checkApp()...)
	file := func(f Finding) int {
		return slices.IndexFunc(m.files, func(file *file) bool { return file.name == f.File })
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(file(a), file(b)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return findings
}

func checkRepeated(entries []entry) (found Findings) {
	first := map[string]*node{}
	for _, e := range entries {
		if earlier := first[e.text]; earlier != nil {
			f := e.finding(SeverityWarning, fmt.Sprintf("%s:%d has the same entry", earlier.file, earlier.line), "", "")
			f.Path = e.path
			found = append(found, f)
			continue
		}
		first[e.text] = e.node
	}
	return found
}

// checkPurpose: users see the purpose when they install the app. The schema
// requires it and takes an empty one, and so do uploads: only that it is missing
// where there are URLs is an error.
func (m *Manifest) checkPurpose() Findings {
	policy := m.root.at(pathPolicy)
	if policy == nil || policy.kind != kindObject {
		return nil
	}
	hasURLs := len(m.connect)+len(m.image) > 0
	purpose := policy.get("purpose")
	var f Finding
	switch {
	case purpose == nil && hasURLs:
		f = policy.finding(SeverityError, "purpose is missing: say to users why the app needs these URLs", "", docsManifest)
	case purpose == nil:
		f = policy.finding(SeverityWarning, "purpose is missing: Stripe's published schema requires it, even if empty", "", docsManifest)
	case purpose.kind == kindNull:
		f = purpose.finding(SeverityWarning, "purpose is null, which Stripe's published schema refuses: "+
			"say to users why the app needs these URLs", "", docsManifest)
	case purpose.kind == kindString && strings.TrimSpace(purpose.text) == "" && hasURLs:
		f = purpose.finding(SeverityWarning, "purpose is empty: say to users why the app needs these URLs", "", docsManifest)
	default:
		return nil
	}
	f.Path = pathPurpose
	return Findings{f}
}

// checkSource checks one entry of connect-src or image-src.
func checkSource(e entry, directive string) Findings {
	return checkURL(sourceRules, e.node, directive)
}

// checkRedirect checks one of allowed_redirect_uris.
func checkRedirect(n *node) Findings { return checkURL(redirectRules, n, pathRedirects) }

// checkURL returns which rules a URL breaks. A Fix that would have to be corrected
// itself is corrected already, or left out. Two would leave the choice to the reader:
// a warning has none beside an error that has one.
func checkURL(parts []part, n *node, list string) Findings {
	found := checkOnce(parts, n, list)
	for i := range found {
		found[i].Fix = settle(found[i].Fix, found, func(fix string) Findings {
			return checkOnce(parts, &node{kind: kindString, text: fix}, list)
		})
	}
	if slices.ContainsFunc(found, func(f Finding) bool { return f.Severity == SeverityError && f.Fix != "" }) {
		for i := range found {
			if found[i].Severity == SeverityWarning {
				found[i].Fix = ""
			}
		}
	}
	return found
}

func checkOnce(parts []part, n *node, list string) (found Findings) {
	u := cutURL(n.text, list)
	for _, p := range parts {
		if p.ifSound && found.Err() != nil {
			continue
		}
		i := slices.IndexFunc(p.rules, func(r rule) bool { return r.broken(u) })
		if i < 0 {
			continue
		}
		found = append(found, p.rules[i].finding(n, u))
		if p.ends {
			break
		}
	}
	return found
}

func (r rule) finding(n *node, u writtenURL) Finding {
	f := n.finding(r.severity, strings.ReplaceAll(r.text, "{scheme}", fmt.Sprintf("%q", short(u.scheme))), "", r.source)
	if r.fix != nil {
		f.Fix = r.fix(u)
	}
	return f
}

// settle corrects a fix until nothing in it is an error. It returns "" if there is
// no end of that, or if the fix would be warned of for what it has brought.
func settle(fix string, found Findings, check func(string) Findings) string {
	const most = 9 // a URL has as many parts
	for range most {
		if fix == "" {
			return ""
		}
		again := check(fix)
		i := slices.IndexFunc(again, func(f Finding) bool { return f.Severity == SeverityError })
		if i < 0 {
			if slices.ContainsFunc(again, func(f Finding) bool { return !found.say(f.Text) }) {
				return ""
			}
			return fix
		}
		fix = again[i].Fix
	}
	return ""
}

// say reports whether one of f has that text.
func (f Findings) say(text string) bool {
	return slices.ContainsFunc(f, func(f Finding) bool { return f.Text == text })
}

// isStripeAPI reports whether host is one of those that Stripe refuses in a
// manifest: its API's and its files'.
func isStripeAPI(host string) bool {
	switch strings.TrimSuffix(strings.ToLower(host), ".") {
	case "api.stripe.com", "files.stripe.com", "uploads.stripe.com", "connect.stripe.com":
		return true
	}
	return false
}
