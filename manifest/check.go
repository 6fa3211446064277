package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

// Severity says how certain a finding is.
type Severity string

const (
	// SeverityError: Stripe refuses it, or it cannot do what it is there for.
	SeverityError Severity = "error"
	// SeverityWarning: it probably does not do what its author means, or
	// Stripe's documents disagree or are silent.
	SeverityWarning Severity = "warning"
)

// Finding is something that is wrong in a manifest.
type Finding struct {
	Severity     Severity
	File         string // "" and 0 for what is not in a file
	Line, Column int    // from 1
	Path         string // of the member, like "ui_extension.content_security_policy.connect-src[0]"
	Text         string // what is wrong
	Fix          string // the corrected value, if there is one
	Source       string // where the rule is written, if it is
}

// String returns "file:line:column: error: path: text: write … (source)".
func (f Finding) String() string {
	text := string(f.Severity) + ": "
	if f.File != "" {
		text = fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, text)
	}
	if f.Path != "" {
		text += f.Path + ": "
	}
	text += f.Text
	if f.Fix != "" {
		text += fmt.Sprintf(": write %q", f.Fix)
	}
	if f.Source != "" {
		text += " (" + f.Source + ")"
	}
	return text
}

// Error returns String, so that errors.As finds a Finding in what Err returns.
func (f Finding) Error() string { return f.String() }

// Findings are in the order of the file, a local manifest's before those of what
// it extends.
type Findings []Finding

// Err returns those of SeverityError as one error, or nil if there are only
// warnings or none.
func (f Findings) Err() error {
	var errs []error
	for _, finding := range f {
		if finding.Severity == SeverityError {
			errs = append(errs, finding)
		}
	}
	return errors.Join(errs...)
}

// String returns a line for each finding.
func (f Findings) String() string {
	lines := make([]string, len(f))
	for i, finding := range f {
		lines[i] = finding.String()
	}
	return strings.Join(lines, "\n")
}

// Where Stripe writes the rules.
const (
	docsManifest = "https://docs.stripe.com/stripe-apps/reference/app-manifest"
	docsBuildUI  = "https://docs.stripe.com/stripe-apps/build-ui#use-third-party-apis"
	docsInstall  = "https://docs.stripe.com/stripe-apps/install-links"
)

// Check returns what in the manifest Stripe would refuse when the app is
// uploaded, and what does something else than it looks like. A manifest without
// findings can still be refused: Stripe's servers know more.
func (m *Manifest) Check() Findings {
	findings := append(m.checkSchema(), m.checkPurpose()...)
	for _, list := range [][]entry{m.connect, m.image, m.redirects, m.replaced} {
		for _, e := range list {
			findings = append(findings, e.findings...)
		}
		findings = append(findings, checkRepeated(list)...)
	}
	file := func(f Finding) int {
		return slices.IndexFunc(m.files, func(file *file) bool { return file.name == f.File })
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(file(a), file(b)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return findings
}

func at(findings Findings, path string) Findings {
	for i := range findings {
		findings[i].Path = path
	}
	return findings
}

func (n *node) finding(severity Severity, text, fix, source string) Finding {
	return Finding{Severity: severity, File: n.file, Line: n.line, Column: n.column, Text: text, Fix: fix, Source: source}
}

// checkSource checks one entry of connect-src or image-src. A Fix that would have
// to be corrected itself is corrected already, or left out.
func checkSource(e entry, directive string) Findings {
	return settle(checkSourceOnce(e, directive), func(fix string) Findings { return checkSourceOnce(entryOf(fix), directive) })
}

func settle(found Findings, check func(string) Findings) Findings {
	const most = 8
	for i := range found {
		fix := &found[i].Fix
		for range most {
			if *fix == "" {
				break
			}
			again := check(*fix)
			if again.Err() == nil {
				break
			}
			*fix = again[slices.IndexFunc(again, func(f Finding) bool { return f.Severity == SeverityError })].Fix
		}
		if *fix != "" && check(*fix).Err() != nil {
			*fix = ""
		}
	}
	return found
}

func checkSourceOnce(e entry, directive string) (found Findings) {
	add := func(severity Severity, text, fix, source string) {
		found = append(found, e.finding(severity, text, fix, source))
	}
	text := e.text
	scheme, authority, path, hasScheme := csp.SplitURL(text)
	rest := authority + path
	withoutScheme := text // of https:/host and https:host
	for _, scheme := range []string{"https:", "http:"} {
		if n := len(scheme); !hasScheme && len(text) > n && strings.EqualFold(text[:n], scheme) {
			withoutScheme = text[n:]
			break
		}
	}
	switch {
	case strings.TrimSpace(text) != text:
		add(SeverityError, "there is white space around the URL", strings.TrimSpace(text), docsBuildUI)
		return found
	case text == "":
		add(SeverityError, "the URL is empty: write it or take the entry out", "", docsBuildUI)
		return found
	case strings.HasPrefix(text, "'") || !hasScheme && !strings.Contains(text, "."):
		add(SeverityError, "this is no URL: an entry is https:// with a host and a path", "", docsBuildUI)
		return found
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\t' && c != '\r' && c != '\n' || c > '~' }):
		add(SeverityError, "a control character, or one outside ASCII: Chromium ignores the whole list then", percentEncoded(text), "https://www.w3.org/TR/CSP3/#parse-serialized-policy")
		return found
	case !hasScheme:
		add(SeverityError, "the scheme is missing", "https://"+strings.TrimLeft(withoutScheme, "/"), docsBuildUI)
		return found
	}
	host, port, hasPort := strings.Cut(authority, ":")
	loopback := fetch.IsLoopback(host)

	switch lower := strings.ToLower(scheme); lower {
	case "https":
		if scheme != lower {
			add(SeverityError, "Stripe's schema demands https:// in lower case", lower+"://"+rest, docsManifest)
		}
	case "http":
		if port == "80" || port == "443" {
			rest = host + path // https has its own
		}
		if scheme != lower {
			add(SeverityError, "Stripe's schema demands the scheme in lower case", lower+"://"+rest, docsManifest)
		}
		if loopback {
			add(SeverityWarning, "plain http on a loopback host: the sample of a local manifest has one, but the Stripe CLI has refused it (July 2026), and a preview allows localhost anyway; never upload it", "", docsManifest+"#extended-manifest")
		} else {
			add(SeverityError, "plain http: Stripe takes https only", "https://"+rest, docsBuildUI)
		}
	default:
		add(SeverityError, fmt.Sprintf("the scheme %q: Stripe takes https only", short(scheme)), "https://"+rest, docsBuildUI)
	}

	switch {
	case strings.Contains(authority, "@"):
		add(SeverityError, "a user in the URL: a source has none", "https://"+authority[strings.LastIndexByte(authority, '@')+1:]+path, docsBuildUI)
		return found
	case strings.Contains(host, "*"):
		found = append(found, checkWildcard(e, host, port, path)...)
	case !fetch.IsHostPart(host):
		add(SeverityError, "the host is not letters, digits and - with dots between: a browser ignores the entry (a host in another script is written as xn--…; CSP knows no underscore and no IPv6)", "", "https://www.w3.org/TR/CSP3/#grammardef-host-part")
		return found
	case isStripeAPI(host):
		add(SeverityError, "a host of Stripe's API: it cannot be in the manifest; call it with the extension SDK's HTTP client", "", docsBuildUI)
	}
	if hasPort {
		_, isPort := fetch.Port(port)
		switch {
		case !isPort && port != "*":
			add(SeverityError, "the port is not a number up to 65535: a browser ignores the entry", "", "https://www.w3.org/TR/CSP3/#grammardef-port-part")
		case port == "443" && strings.EqualFold(scheme, "https"):
			add(SeverityWarning, "443 is the port of https anyway, and Stripe's documents do not say whether it takes ports", "https://"+host+path, docsBuildUI)
		case !loopback:
			add(SeverityWarning, "a port: Stripe's documents do not say whether it takes ports other than those of a loopback host", "", docsBuildUI)
		}
	}

	if i := strings.IndexAny(path, "?#"); i >= 0 {
		text = scheme + "://" + authority + path[:i]
		add(SeverityError, "a query or fragment: a browser ignores it in a source, and allows every one", scheme+"://"+authority+path[:i], "https://www.w3.org/TR/CSP3/#grammardef-path-part")
		path = path[:i]
	}
	switch {
	case strings.ContainsAny(path, " ;,\t\r\n"):
		add(SeverityError, "a space, semicolon or comma in the path ends a source",
			scheme+"://"+authority+strings.NewReplacer(" ", "%20", ";", "%3B", ",", "%2C", "\t", "%09", "\r", "%0D", "\n", "%0A").Replace(path), "https://www.w3.org/TR/CSP3/#grammardef-source-list")
	case strings.Contains(path, "*"):
		add(SeverityError, "a * in the path matches a literal *: a path that ends in a slash allows all below it", scheme+"://"+authority+path[:strings.LastIndexByte(path[:strings.IndexByte(path, '*')], '/')+1], docsBuildUI)
	case (path == "" || path == "/") && strings.HasPrefix(host, "*."):
		// checkWildcard has said it.
	case path == "" || path == "/":
		if directive == "connect-src" {
			add(SeverityError, "there is no path (\"path cannot be empty\"): name one, like /api/, which allows all below it", scheme+"://"+authority+"/api/", docsBuildUI)
		} else if path == "" {
			add(SeverityWarning, "there is no path: a browser allows the whole host then; Stripe's schema accepts that for images, its documents ask for a path", "", docsBuildUI)
		}
	case strings.Contains(path, `\`):
		add(SeverityError, `a \ in the path: a browser makes a / of it in what is asked for, and so it never matches`, scheme+"://"+authority+strings.ReplaceAll(path, `\`, "/"), "https://url.spec.whatwg.org/#path-start-state")
	case removeDots(path) != path:
		add(SeverityError, "a . or .. in the path: a browser resolves it in what is asked for, and so it never matches", scheme+"://"+authority+removeDots(path), "https://www.w3.org/TR/CSP3/#path-part-match")
	case strings.Contains(path, "//"):
		add(SeverityWarning, "two slashes in the path match two slashes only", "", "https://www.w3.org/TR/CSP3/#path-part-match")
	case strings.HasSuffix(path, "/") && looksLikeFile(path):
		add(SeverityWarning, "the slash at its end allows what is below it, and not this file", strings.TrimSuffix(text, "/"), docsBuildUI)
	case !strings.HasSuffix(path, "/") && looksLikeFolder(path):
		add(SeverityWarning, "without a slash at its end it allows this one URL, and nothing below it", text+"/", docsBuildUI)
	}
	if found.Err() == nil && !loopback && !isHTTPURL(text) {
		add(SeverityError, "a character in it has no place in a URL, or a % stands alone: percent-encode it", "", docsManifest)
	}
	return found
}

// percentEncoded returns text as it can stand in a manifest, or "" if it is not the
// path that has to change.
func percentEncoded(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			fmt.Fprintf(&b, "%%%02X", text[i])
		} else {
			b.WriteByte(text[i])
		}
	}
	if csp.Parse(b.String()).Kind == csp.Invalid {
		return ""
	}
	return b.String()
}

// looksLikeFolder reports whether a path without a slash at its end is one that
// usually has more below it: /api, /v1, /api/v2.
func looksLikeFolder(path string) bool {
	last := strings.ToLower(path[strings.LastIndexByte(path, '/')+1:])
	if last == "api" || last == "rest" || last == "images" || last == "img" || last == "static" || last == "assets" {
		return true
	}
	return len(last) >= 2 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == ""
}

// looksLikeFile reports whether the last segment of a folder has the name of a
// file.
func looksLikeFile(folder string) bool {
	switch strings.ToLower(path.Ext(strings.TrimSuffix(folder, "/"))) {
	case ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".avif", ".ico", ".json", ".html", ".php":
		return true
	}
	return false
}

// checkWildcard checks a host with a * in it.
func checkWildcard(e entry, host, port, path string) (found Findings) {
	rest, leftmost := strings.CutPrefix(host, "*.")
	if !leftmost || strings.Contains(rest, "*") || !strings.Contains(rest, ".") || !fetch.IsHostPart(rest) {
		fix := ""
		if labels := strings.Split(host, "."); len(labels) > 2 && strings.Contains(labels[0], "*") && fetch.IsHostPart(strings.Join(labels[1:], ".")) {
			labels[0] = "*"
			fix = "https://" + strings.Join(labels, ".")
			if port != "" {
				fix += ":" + port
			}
			fix += path
		}
		return Findings{e.finding(SeverityError, "a wildcard can be the whole left-most label only, below a domain: https://*.example.com/api/", fix, docsBuildUI)}
	}
	if strings.EqualFold(rest, "stripe.com") {
		return Findings{e.finding(SeverityWarning, "the wildcard stands for hosts of Stripe's API too: those cannot be in the manifest, and Stripe's documents do not say whether this can", "", docsBuildUI)}
	}
	if path == "" || path == "/" {
		if port != "" {
			host += ":" + port
		}
		return Findings{e.finding(SeverityWarning, "a wildcard host without a path: a sample of Stripe's documents has one, and the rule beside it says that every URL needs a path", "https://"+host+"/api/", docsBuildUI)}
	}
	return nil
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

// checkPurpose: users see the purpose when they install the app.
func (m *Manifest) checkPurpose() Findings {
	policy := m.root.get("ui_extension", "content_security_policy")
	if policy == nil || policy.kind != kindObject {
		return nil
	}
	purpose := policy.get("purpose")
	var f Finding
	switch {
	case purpose == nil:
		f = policy.finding(SeverityError, "purpose is missing: say to users why the app needs these URLs", "", docsManifest)
	case strings.TrimSpace(purpose.text) == "" && len(m.connect)+len(m.image) > 0:
		f = purpose.finding(SeverityError, "purpose is empty: say to users why the app needs these URLs", "", docsManifest)
	default:
		return nil
	}
	f.Path = pathPolicy + ".purpose"
	return Findings{f}
}

// checkRedirect checks one of allowed_redirect_uris.
func checkRedirect(n *node) Findings {
	return settle(checkRedirectOnce(n), func(fix string) Findings { return checkRedirectOnce(&node{kind: kindString, text: fix}) })
}

func checkRedirectOnce(n *node) (found Findings) {
	add := func(severity Severity, text, fix string) {
		found = append(found, n.finding(severity, text, fix, docsInstall))
	}
	text := n.text
	scheme, authority, uriPath, hasScheme := csp.SplitURL(text)
	rest := authority + uriPath
	host, port, _ := strings.Cut(authority, ":")
	if scheme == "http" && (port == "80" || port == "443") {
		rest = host + uriPath // https has its own
	}
	switch {
	case strings.TrimSpace(text) != text:
		add(SeverityError, "there is white space around the URI", strings.TrimSpace(text))
	case !hasScheme || host == "":
		add(SeverityError, "this is no absolute URI: write https:// with a host and a path", "")
	case strings.Contains(text, "*"):
		add(SeverityError, "redirect URIs are compared character for character, and know no wildcard: list each one", "")
	case strings.Contains(authority, "@"):
		add(SeverityError, "a user in a redirect URI", scheme+"://"+authority[strings.LastIndexByte(authority, '@')+1:]+uriPath)
	case strings.Contains(text, "#"):
		add(SeverityError, "a redirect URI has no fragment (RFC 6749, section 3.1.2)", text[:strings.IndexByte(text, '#')])
	case scheme == "http" && fetch.IsLoopback(host):
		add(SeverityWarning, "plain http on a loopback host: test mode takes it, live mode asks for https", "")
	case scheme == "http":
		add(SeverityWarning, "plain http: live mode asks for https", "https://"+rest)
	case scheme != "https":
		add(SeverityError, "a redirect URI is an https URI", "https://"+rest)
	}
	if hasScheme && (uriPath == "" || uriPath == "/" || uriPath[0] == '?') {
		add(SeverityError, "there is no path: Stripe's schema demands one", scheme+"://"+authority+"/oauth/callback")
	}
	if found.Err() == nil && !isHTTPURL(text) {
		add(SeverityError, "a character in it has no place in a URI, or a % stands alone: percent-encode it", "")
	}
	return found
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
