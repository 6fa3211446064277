package csp

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

// URL is what a browser asks for, as it sends it: the host in ASCII and in lower
// case, the scheme's own port where no other is given, and no dots in the path.
type URL struct {
	Scheme, Host string
	Port         uint16
	Path         string
}

// pageScheme is that of the page: a source without a scheme means it. The pages
// that this package is asked about are the Dashboard's.
const pageScheme = "https"

// Matches reports whether Chromium lets a page that is served over https ask for u
// by s, before any redirect.
//
// https://www.w3.org/TR/CSP3/#match-url-to-source-expression
func (s Source) Matches(u URL) bool {
	switch {
	case s.Kind == Scheme:
		return s.MatchesScheme(u)
	case s.Kind != Host:
		return false
	case s == (Source{Kind: Host, AnyHost: true}): // * alone
		return IsNetworkScheme(u.Scheme)
	}
	return s.MatchesScheme(u) && s.MatchesHost(u) && s.MatchesPort(u) && s.MatchesPath(u)
}

// MatchesScheme also allows the secure form of a scheme. The text of CSP3 lets http
// and https stand for ws and wss too; Chromium does not.
func (s Source) MatchesScheme(u URL) bool {
	scheme := s.schemeOnPage()
	return scheme == u.Scheme || scheme == "http" && u.Scheme == "https" || scheme == "ws" && u.Scheme == "wss"
}

func (s Source) schemeOnPage() string {
	if s.Scheme == "" {
		return pageScheme
	}
	return s.Scheme
}

// MatchesHost compares hosts.
func (s Source) MatchesHost(u URL) bool {
	switch {
	case u.Host == "":
		return false
	case s.AnyHost:
		return true
	case s.Subdomains:
		return strings.HasSuffix(u.Host, "."+s.Host)
	}
	return u.Host == s.Host
}

// MatchesPort takes the port along where the scheme is a more secure one: from 80
// to 443, and no other; 443 is there already.
func (s Source) MatchesPort(u URL) bool {
	switch {
	case s.AnyPort:
		return true
	case !s.HasPort:
		return u.Port == fetch.DefaultPort(u.Scheme)
	case s.schemeOnPage() == u.Scheme:
		return s.Port == u.Port
	}
	return (s.Port == 80 || s.Port == 443) && u.Port == 443
}

// MatchesPath compares paths. One that ends in a slash stands for all below it.
func (s Source) MatchesPath(u URL) bool {
	if s.Path == "" || s.Path == "/" && u.Path == "" {
		return true
	}
	want, path := Decode(s.Path), Decode(u.Path)
	if strings.HasSuffix(want, "/") {
		return strings.HasPrefix(path, want)
	}
	return path == want
}

// Decode decodes the %XX of a path, and leaves what is not that. If the result is
// not UTF-8, Chromium takes all of it for Latin-1.
func Decode(path string) string {
	if strings.IndexByte(path, '%') < 0 {
		return path
	}
	var b []byte
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' && i+2 < len(path) {
			if v, err := strconv.ParseUint(path[i+1:i+3], 16, 8); err == nil {
				c = byte(v)
				i += 2
			}
		}
		b = append(b, c)
	}
	if utf8.Valid(b) {
		return string(b)
	}
	latin1 := make([]rune, len(b))
	for i, c := range b {
		latin1[i] = rune(c)
	}
	return string(latin1)
}

// IsNetworkScheme reports whether * alone stands for URLs of the scheme.
func IsNetworkScheme(scheme string) bool { return fetch.DefaultPort(scheme) != 0 }
