package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

// Verdict says whether the manifest allows a URL.
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
// connect-src matches it as a browser does, or else whether an endpoint of a script
// has it. A query and a fragment play no part.
//
// It is about the first request. Where the response redirects to is checked too,
// its path left aside; and the backend must allow the call by CORS.
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
	const list = pathRedirects
	v := Verdict{Reason: fmt.Sprintf("%s does not have %q: add it", list, short(uri))}
	if checkRedirect(&node{text: uri}).Err() != nil {
		v.Reason = fmt.Sprintf("%s does not have %q, and Stripe takes no such URI: "+
			"it must be https:// with a host and a path", list, short(uri))
	}
	for _, e := range m.redirects {
		if e.text == uri {
			return e.verdict(list)
		}
		if withoutSlash(e.text) == withoutSlash(uri) && (v.Entry == "" || e.text > v.Entry) {
			v.Entry = e.text
			v.Reason = fmt.Sprintf("%s has %q, and is compared character for character, "+
				"with case and a slash at the end", list, short(e.text))
		}
	}
	return v
}

// verdict is that on a URL which e matches. An entry that Stripe refuses allows
// nothing: the manifest cannot be uploaded with it.
func (e entry) verdict(list string) Verdict {
	for _, f := range e.findings {
		if f.Severity == SeverityError {
			reason := e.in(list) + ", but Stripe refuses that: " + f.Text
			if f.Fix != "" {
				reason += fmt.Sprintf(": write %q", f.Fix)
			}
			return Verdict{Entry: e.text, Reason: reason}
		}
	}
	return Verdict{Allowed: true, Entry: e.text, Reason: e.in(list), Warnings: slices.Clone(e.findings)}
}

// in says that a list has e, and where.
func (e entry) in(list string) string {
	return fmt.Sprintf("%s has %q (%s:%d)", list, short(e.text), e.file, e.line)
}

func withoutSlash(s string) string { return strings.ToLower(strings.TrimSuffix(s, "/")) }

func (m *Manifest) allows(entries []entry, directive, text string) Verdict {
	t, fault := parseTarget(text)
	switch {
	case fault != "":
		return Verdict{Reason: "this is no URL for the extension to use: " + fault}
	case t.user:
		return Verdict{Reason: "a browser asks for no URL with a user or password in it"}
	}
	decision, decided := decide(entries, directive, t)
	if directive == "connect-src" && !decision.Allowed {
		if v, found := m.allowsEndpoint(t); found {
			return v
		}
	}
	if decided {
		return decision
	}
	v := Verdict{Reason: fmt.Sprintf("no entry of %s matches (%s)%s", directive, m.files[0].name, suggest(t, directive))}
	if m := closest(entries, t); m.why != "" {
		v.Entry = m.text
		v.Reason = m.in(directive) + ", but " + m.why
	}
	if fetch.IsLoopback(t.Host) {
		v.Warnings = Findings{warning("while an app is previewed, the Dashboard lets it call localhost at any port, "+
			"as its users report; Stripe's documents do not say so", issuePreview)}
	}
	return v
}

// decide returns the verdict of the entries that match: one that is certain, or
// else one that allows, or else one that refuses; and of those, of the most
// specific entry.
func decide(entries []entry, directive string, t target) (best Verdict, decided bool) {
	doubt := func(v Verdict) int {
		switch {
		case v.Allowed && len(v.Warnings) == 0:
			return 0
		case v.Allowed:
			return 1
		}
		return 2
	}
	var by entry
	for _, e := range entries {
		if !e.source.Matches(t.URL) {
			continue
		}
		v := e.verdict(directive)
		if !decided || cmp.Or(cmp.Compare(doubt(v), doubt(best)), e.compare(by)) < 0 {
			best, by, decided = v, e, true
		}
	}
	return best, decided
}

// What users report of a preview.
const issuePreview = "https://github.com/stripe/stripe-apps/issues/468"
