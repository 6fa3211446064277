package csp

import "strings"

// Fault is what is wrong with a word of a policy.
type Fault uint8

const (
	OK Fault = iota

	// Of every word:
	Empty
	BadCharacter // it would end the word, the directive or the policy

	// Of words in quotes, and what is meant for one:
	UnknownKeyword
	MisspelledKeyword // not in lower case, or without its quotes
	FixedNonce        // it must differ from response to response
	MalformedHash
	NonceOfAttribute // attributes carry none
	WordForURL       // what is compared with URLs is matched by none

	// Of schemes and hosts:
	SchemeWithoutColon // it is a host of that name
	SchemeAsHost       // https:443 is the host "https"
	JavaScriptURL      // which no source allows
	VBScriptURL        // which no browser knows any more
	DataURL            // as the source of code: it is code itself
	PortOutOfRange
	MalformedSource

	// Of the words of other directives:
	UnknownToken
	MalformedPolicyName
	MalformedEndpoint
	MalformedReportURL
	ReportURLCharacter // it has no place in a policy or a structured field
)

// CheckSource says what is wrong with a word of a source list. It keeps to the
// grammar, and takes what is in it, but not meant by anyone, for a fault too: the
// host "self", say.
//
// https://www.w3.org/TR/CSP3/#grammardef-source-expression
func CheckSource(word string) Fault {
	source := Parse(word)
	switch {
	case word == placeholder:
		return OK
	case hasScheme(word, "javascript"):
		return JavaScriptURL
	case hasScheme(word, "vbscript"):
		return VBScriptURL
	case source.Kind == Keyword, source.Kind == Hash, source.Kind == Scheme:
		return OK
	}
	meant := strings.ToLower(strings.Trim(word, "'"))
	switch {
	case meant == "nonce", isMeantFor(meant, "nonce"):
		return FixedNonce
	case isMeantFor(meant, "sha256"), isMeantFor(meant, "sha384"), isMeantFor(meant, "sha512"):
		return MalformedHash
	case isKeyword(meant):
		return MisspelledKeyword
	}
	return source.checkHost()
}

// hasScheme reports whether word is meant for the URLs of a scheme, as a scheme or as
// a host of that name with a port.
func hasScheme(word, name string) bool {
	scheme, _, _ := strings.Cut(word, ":")
	return strings.EqualFold(scheme, name)
}

// isMeantFor reports whether word looks like a nonce or a hash of that kind. A host
// that begins so, like nonce-cdn.example.com, has a dot.
func isMeantFor(word, kind string) bool {
	value, ok := strings.CutPrefix(word, kind+"-")
	return ok && isBase64(strings.ReplaceAll(value, "=", ""))
}

// checkHost holds a host, which Chromium reads, against the grammar.
func (s Source) checkHost() Fault {
	isCommonScheme := s.Scheme == "" && !s.Subdomains && isCommonScheme(s.Host)
	hasPort := s.HasPort || s.AnyPort
	switch {
	case s.Kind != Host:
		return s.Fault
	case isCommonScheme && !hasPort && s.Path == "":
		return SchemeWithoutColon
	case isCommonScheme && hasPort && !isServiceName(s.Host):
		return SchemeAsHost
	case s.HasPort && s.Port == 0:
		return PortOutOfRange
	case strings.HasSuffix(s.Host, "."), !isPath(s.Path), s.Query != "":
		return MalformedSource
	}
	return OK
}

// isCommonScheme knows the schemes that policies have.
func isCommonScheme(s string) bool {
	switch s {
	case "https", "http", "wss", "ws", "data", "blob", "filesystem", "mediastream":
		return true
	}
	return false
}

// isServiceName knows the schemes that may well be the host of a service with a port.
func isServiceName(s string) bool { return s == "filesystem" || s == "mediastream" }

// isPath reports whether s is empty or a path-absolute.
//
// https://www.rfc-editor.org/rfc/rfc3986#section-3.3
func isPath(s string) bool {
	if strings.HasPrefix(s, "//") {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isAlpha(c), isDigit(c), strings.IndexByte("/._~!$&'()*+=:@-", c) >= 0:
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }
