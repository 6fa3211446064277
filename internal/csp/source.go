// Package csp is the grammar of Content Security Policy: what a source expression
// is, which words a directive takes, and which URLs a source matches. It keeps
// nothing and does nothing when it is imported. It names faults, and leaves it to
// its callers to say them in sentences.
//
// Hosts are compared as they are written: who takes international names converts
// them first.
package csp

import (
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

// Kind is what a source expression is.
type Kind uint8

const (
	Invalid Kind = iota // a browser ignores it
	Keyword             // 'self'
	Nonce               // 'nonce-…'
	Hash                // 'sha256-…'
	Scheme              // data:
	Host                // https://*.example.com:8443/path
)

// Source is a source expression, taken apart. Words in quotes have no parts.
//
// https://www.w3.org/TR/CSP3/#framework-directive-source-list
type Source struct {
	Kind  Kind
	Fault Fault // why it is Invalid

	Scheme     string // in lower case, "" if there is none
	AnyHost    bool   // *: any host
	Subdomains bool   // *.host: any host below it, and not itself
	Host       string // in lower case, "" for any and in a scheme alone
	AnyPort    bool   // :*
	HasPort    bool   // without one, the scheme's own is meant
	Port       uint16
	Path       string // "" means any
	Query      string // a query or fragment, with its ? or #: a browser ignores it
}

// placeholder stands for a nonce that is not made yet: stripeapps.CSPNonce.
const placeholder = "'nonce'"

// Parse reads a source expression as Chromium does, which takes more paths and
// hosts than the grammar has; see CheckSource. Words in quotes are taken in lower
// case only. An invalid source has the parts that stand before its fault.
func Parse(text string) Source {
	if strings.HasPrefix(text, "'") {
		return parseQuoted(text)
	}
	if name, ok := strings.CutSuffix(text, ":"); ok && IsScheme(name) {
		return Source{Kind: Scheme, Scheme: strings.ToLower(name)}
	}
	return parseHost(text)
}

func parseQuoted(text string) Source {
	word, closed := strings.CutSuffix(text[1:], "'")
	nonce, isNonce := strings.CutPrefix(word, "nonce-")
	switch {
	case !closed:
	case isKeyword(word):
		return Source{Kind: Keyword}
	case text == placeholder, isNonce && nonce != "" && isBase64(strings.TrimRight(nonce, "=")):
		return Source{Kind: Nonce}
	case isHash(word):
		return Source{Kind: Hash}
	}
	return Source{Fault: UnknownKeyword}
}

func parseHost(text string) (s Source) {
	rest := text
	if scheme, after, ok := strings.Cut(text, "://"); ok && IsScheme(scheme) {
		s.Scheme, rest = strings.ToLower(scheme), after
	}
	authority, path := cutPath(rest)
	host, port, hasPort := strings.Cut(authority, ":")
	if host == "*" {
		s.AnyHost = true
	} else {
		host, s.Subdomains = strings.CutPrefix(host, "*.")
		s.Host = strings.ToLower(host)
	}
	if !s.AnyHost && !fetch.IsHostPart(host) || path != "" && path[0] != '/' {
		s.Fault = MalformedSource
		return s
	}
	if port == "*" {
		s.AnyPort = true
	} else if hasPort {
		if s.Port, s.HasPort = fetch.Port(port); !s.HasPort {
			s.Fault = portFault(port)
			return s
		}
	}
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		// "The query component and the fragment identifier are ignored" (Chromium)
		path, s.Query = path[:i], path[i:]
	}
	s.Kind, s.Path = Host, path
	return s
}

// portFault tells a number that is too large from what is none.
func portFault(port string) Fault {
	if len(port) == len("65535") && strings.Trim(port, "0123456789") == "" {
		return PortOutOfRange
	}
	return MalformedSource
}

// SplitURL cuts a URL as it is written. The path is all behind the authority, a
// query and a fragment too.
func SplitURL(text string) (scheme, authority, path string, hasScheme bool) {
	scheme, rest, hasScheme := strings.Cut(text, "://")
	authority, path = cutPath(rest)
	return scheme, authority, path, hasScheme
}

func cutPath(s string) (authority, path string) {
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// IsScheme reports whether s is a scheme, without its colon.
//
// https://www.rfc-editor.org/rfc/rfc3986#section-3.1
func IsScheme(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlpha(c) && (i == 0 || !isDigit(c) && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

// isKeyword knows the keywords, without their quotes.
//
// https://www.w3.org/TR/CSP3/#grammardef-keyword-source
// https://html.spec.whatwg.org/multipage/speculative-loading.html
func isKeyword(word string) bool {
	switch word {
	case "none", "self", "strict-dynamic", "unsafe-inline", "unsafe-eval", "unsafe-hashes", "wasm-unsafe-eval",
		"trusted-types-eval", "report-sample", "report-sha256", "report-sha384", "report-sha512",
		"inline-speculation-rules":
		return true
	}
	return false
}

// isHash reports whether word, without its quotes, is a hash of the length that its
// algorithm's have, with or without padding.
//
// https://www.w3.org/TR/CSP3/#grammardef-hash-source
func isHash(word string) bool {
	algorithm, value, _ := strings.Cut(word, "-")
	switch algorithm {
	case "sha256":
		value = strings.TrimSuffix(value, "=")
		return len(value) == 43 && isBase64(value)
	case "sha384":
		return len(value) == 64 && isBase64(value)
	case "sha512":
		value = strings.TrimSuffix(value, "==")
		return len(value) == 86 && isBase64(value)
	}
	return false
}

// isBase64 takes both alphabets, and no padding.
func isBase64(s string) bool {
	return consistsOf(s, func(c byte) bool { return c == '+' || c == '/' || c == '-' || c == '_' })
}

// consistsOf reports whether all of s are letters, digits and others.
func consistsOf(s string, others func(byte) bool) bool {
	for i := range len(s) {
		if c := s[i]; !isAlpha(c) && !isDigit(c) && !others(c) {
			return false
		}
	}
	return true
}

func isAlpha(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
