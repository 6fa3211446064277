package csp

import (
	"net/url"
	"slices"
	"strings"
)

// Words says what the words of a directive's value are.
type Words uint8

const (
	Nothing          Words = iota
	ElementSources         // of what can have a nonce or a hash
	AttributeSources       // of what can have a hash
	URLSources             // of what is compared with URLs only
	Tokens                 // of Directive.Tokens
	PolicyNames
	Endpoint
	ReportURLs
)

// Directive is what a directive can have as its value.
type Directive struct {
	Words    Words
	Tokens   []string
	Min, Max int // how many words
}

// many is more than any policy has.
const many = 1 << 30

// Lookup knows the directives of CSP Level 3 and of the specifications that extend
// it.
//
// https://www.w3.org/TR/CSP3/#csp-directives
// https://www.w3.org/TR/upgrade-insecure-requests/#delivery
// https://www.w3.org/TR/trusted-types/#integration-with-content-security-policy
// https://wicg.github.io/fenced-frame/
func Lookup(name string) (d Directive, known bool) {
	switch name {
	case "default-src", "script-src", "script-src-elem", "style-src", "style-src-elem":
		return Directive{Words: ElementSources, Min: 1, Max: many}, true
	case "script-src-attr", "style-src-attr":
		return Directive{Words: AttributeSources, Min: 1, Max: many}, true
	case "child-src", "connect-src", "fenced-frame-src", "font-src", "frame-src", "img-src", "manifest-src",
		"media-src", "object-src", "worker-src", "base-uri", "form-action", "frame-ancestors":
		return Directive{Words: URLSources, Min: 1, Max: many}, true
	case "sandbox":
		return Directive{Words: Tokens, Tokens: sandboxTokens(), Max: many}, true
	case "webrtc":
		return Directive{Words: Tokens, Tokens: []string{"'allow'", "'block'"}, Min: 1, Max: 1}, true
	case "require-trusted-types-for":
		return Directive{Words: Tokens, Tokens: []string{"'script'"}, Min: 1, Max: 1}, true
	case "trusted-types":
		return Directive{Words: PolicyNames, Min: 1, Max: many}, true
	case "upgrade-insecure-requests":
		return Directive{}, true
	case "report-to":
		return Directive{Words: Endpoint, Min: 1, Max: 1}, true
	case "report-uri":
		return Directive{Words: ReportURLs, Min: 1, Max: many}, true
	}
	return Directive{}, false
}

// sandboxTokens are those of HTML, and the one of the Storage Access API.
//
// https://html.spec.whatwg.org/multipage/iframe-embed-object.html#attr-iframe-sandbox
func sandboxTokens() []string {
	return []string{
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
}

// Check says what is wrong with one word of the directive's value.
func (d Directive) Check(word string) Fault {
	if word == "" {
		return Empty
	}
	if strings.ContainsFunc(word, cannotBeSent) {
		return BadCharacter
	}
	switch d.Words {
	case ElementSources:
		return CheckSource(word)
	case AttributeSources:
		if word == placeholder {
			return NonceOfAttribute // CSP3 §6.7.3.3
		}
		return CheckSource(word)
	case URLSources:
		fault := CheckSource(word)
		if fault == OK && word[0] == '\'' && word != "'none'" && word != "'self'" {
			return WordForURL
		}
		return fault
	case Tokens:
		return unless(slices.Contains(d.Tokens, word), UnknownToken)
	case PolicyNames:
		return unless(isPolicyName(word), MalformedPolicyName)
	case Endpoint:
		return unless(isKey(word), MalformedEndpoint)
	case ReportURLs:
		return CheckReportURL(word)
	}
	return OK
}

func unless(right bool, fault Fault) Fault {
	if right {
		return OK
	}
	return fault
}

// cannotBeSent finds what would end the word, the directive (;) or the policy (,),
// and what is not ASCII, for which browsers drop the directive.
//
// https://www.w3.org/TR/CSP3/#parse-serialized-policy
func cannotBeSent(r rune) bool { return r <= ' ' || r >= 0x7f || r == ';' || r == ',' }

// isPolicyName reports whether s is a tt-expression: the name of a policy, or what
// stands for one.
//
// https://www.w3.org/TR/trusted-types/#trusted-types-csp-directive
func isPolicyName(s string) bool {
	if s == "*" || s == "'none'" || s == "'allow-duplicates'" {
		return true
	}
	return s != "" && consistsOf(s, func(c byte) bool { return strings.IndexByte("-#=_/@.%", c) >= 0 })
}

// isKey reports whether s is a key of a structured field, as Reporting-Endpoints
// has them.
//
// https://www.rfc-editor.org/rfc/rfc8941#section-3.1.2
func isKey(s string) bool {
	for i := range len(s) {
		c := s[i]
		begins := 'a' <= c && c <= 'z' || c == '*'
		if !begins && (i == 0 || !isDigit(c) && c != '_' && c != '.' && c != '-') {
			return false
		}
	}
	return s != ""
}

// CheckReportURL says what is wrong with a URL that reports are sent to. It must fit
// into a policy, and into a string of a structured field (RFC 8941 §3.3.3).
func CheckReportURL(text string) Fault {
	if text == "" || strings.ContainsFunc(text, cannotBeSent) || strings.ContainsAny(text, `"\`) {
		return ReportURLCharacter
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
	case u.User != nil || strings.Contains(text, "#"):
	case u.Host == "" && strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//"):
		return OK
	case u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http"):
		return OK
	}
	return MalformedReportURL
}
