package csp

import (
	"fmt"
	"strings"
)

// Takes names what a directive that needs a value takes.
func (d Directive) Takes() string {
	switch d.Words {
	case Tokens:
		return strings.Join(d.Tokens, " or ")
	case PolicyNames:
		return "the policies' names, or CSPNone"
	case Endpoint:
		return "an endpoint of Reporting-Endpoints"
	case ReportURLs:
		return "where reports are sent"
	}
	return "its sources, or CSPNone"
}

// Describe says what is wrong with a word, and what to write instead, in terms of
// the root package. It goes on from the word.
func (d Directive) Describe(fault Fault, word string) string {
	unquoted := strings.ToLower(strings.Trim(word, "'"))
	switch fault {
	case UnknownToken:
		return fmt.Sprintf("is none of %s", d.Tokens)
	case Empty:
		return "is empty: remove it"
	case BadCharacter:
		return "has white space, a control character, a ; or , or a character outside ASCII: " +
			"give one source an entry, percent-encode a path, and write a domain in Punycode"
	case UnknownKeyword:
		return "is not a keyword of CSP Level 3"
	case MisspelledKeyword:
		return fmt.Sprintf("is not the keyword: write %q, in lower case and with its quotes", "'"+unquoted+"'")
	case FixedNonce:
		return "is a fixed nonce, which must differ from response to response: use CSPNonce"
	case MalformedHash:
		return "is not a hash: write 'sha256-…' with its quotes and all of the hash in base64, " +
			"and sha384 and sha512 likewise"
	case NonceOfAttribute:
		return "has no meaning here: attributes carry no nonce"
	case WordForURL:
		return "has no meaning here: only default-src, script-src and style-src, and those that begin so, take it"
	case SchemeWithoutColon:
		return fmt.Sprintf("is a host of that name: write %q for the scheme", unquoted+":")
	case JavaScriptURL:
		return "does not allow javascript: URLs, which no source but 'unsafe-inline' does: remove it, and put the code into a script"
	case VBScriptURL:
		return "is of a language that browsers no longer run: remove it"
	case DataURL:
		return "lets whoever can add a tag to the page run code of their own, as 'unsafe-inline' does: remove it, and serve the code from a host"
	case SchemeAsHost, PortOutOfRange:
		return "has a port that is not from 1 to 65535, or a scheme where a host belongs"
	case MalformedPolicyName:
		return "is not the name of a policy, nor *, 'none' or 'allow-duplicates'"
	case MalformedEndpoint:
		return "is not the name of an endpoint: write the one that Reporting-Endpoints gives a URL to"
	case ReportURLCharacter:
		return `has white space, a control character, one of ; , " \ or a character outside ASCII: percent-encode it`
	case MalformedReportURL:
		return "is not an absolute path like /csp-reports, nor an http or https URL without user and fragment"
	}
	return "is not a valid source: write a host like https://*.example.com:8443/path/ " +
		"(without query, * only as the first label), a scheme like data:, or a keyword in quotes"
}
