package fetch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// CheckMethods checks the methods that requests may have.
func CheckMethods(field string, methods []string) []error {
	return checkEach(field, methods, func(method string, _ []string) error { return CheckMethod(method) })
}

// CheckRequestHeaders checks the headers that requests may have.
func CheckRequestHeaders(field string, names []string) []error {
	return checkEach(field, names, func(name string, before []string) error {
		err := CheckRequestHeader(name)
		if err == nil && slices.ContainsFunc(before, func(other string) bool { return strings.EqualFold(other, name) }) {
			err = fmt.Errorf("is %q again: give each name once", name)
		}
		return err
	})
}

// CheckResponseHeaders checks the headers of responses that are exposed.
func CheckResponseHeaders(field string, names []string) []error {
	return checkEach(field, names, func(name string, _ []string) error { return CheckResponseHeader(name) })
}

// CheckMethod says why method is none that a browser asks for.
func CheckMethod(method string) error {
	upper := strings.ToUpper(method)
	switch {
	case method == "*":
		return errors.New(`is "*", which is no method: list the methods`)
	case !IsToken(method):
		return fmt.Errorf("is %q, which is not a method's name", method)
	case IsForbiddenMethod(method):
		return fmt.Errorf("is %q, which browsers never send", method)
	case method != upper && isWellKnownMethod(upper):
		return fmt.Errorf("is %q: methods are case-sensitive; write %q", method, upper)
	}
	return nil
}

func isWellKnownMethod(method string) bool {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return true
	}
	return false
}

// IsForbiddenMethod reports whether method, in any case, is one that no script
// can use.
//
// https://fetch.spec.whatwg.org/#forbidden-method
func IsForbiddenMethod(method string) bool {
	switch strings.ToUpper(method) {
	case "CONNECT", "TRACE", "TRACK":
		return true
	}
	return false
}

// CheckRequestHeader says why a preflight cannot ask for name, or need not. What
// begins with Access-Control- belongs to the protocol itself.
func CheckRequestHeader(name string) error {
	return checkHeader(name, IsForbiddenRequestHeader(name))
}

// CheckResponseHeader says why name cannot be exposed, or need not be.
func CheckResponseHeader(name string) error {
	return checkHeader(name, IsForbiddenResponseHeader(name))
}

func checkHeader(name string, forbidden bool) error {
	switch {
	case name == "*":
		return errors.New(`is "*", which does not cover Authorization: list the names`)
	case !IsToken(name):
		return fmt.Errorf("is %q, which is not a header's name", name)
	case forbidden || strings.HasPrefix(strings.ToLower(name), "access-control-"):
		return fmt.Errorf("is %q, which browsers keep to themselves: leave it out", name)
	}
	return nil
}

// IsForbiddenRequestHeader reports whether name is a header that no script can
// set.
//
// https://fetch.spec.whatwg.org/#forbidden-request-header
func IsForbiddenRequestHeader(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "accept-charset", "accept-encoding", "access-control-request-headers", "access-control-request-method",
		"connection", "content-length", "cookie", "cookie2", "date", "dnt", "expect", "host", "keep-alive",
		"origin", "referer", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "via":
		return true
	}
	return strings.HasPrefix(name, "proxy-") || strings.HasPrefix(name, "sec-")
}

// IsForbiddenResponseHeader reports whether name is a header that no script can
// read.
//
// https://fetch.spec.whatwg.org/#forbidden-response-header-name
func IsForbiddenResponseHeader(name string) bool {
	return strings.EqualFold(name, "Set-Cookie") || strings.EqualFold(name, "Set-Cookie2")
}

// IsToken reports whether s is a token, which methods and the names of headers
// are.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
func IsToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlpha(c) && !isDigit(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
