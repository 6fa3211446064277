package manifest

import (
	"fmt"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

// The fixes are the URL with one thing changed. None of them makes up a part: only
// the author knows which path or host is meant.

func (u writtenURL) trimmed() string { return strings.TrimSpace(u.text) }

// percentEncoded returns "" if it is not the path that has to change.
func (u writtenURL) percentEncoded() string {
	var b strings.Builder
	for i := range len(u.text) {
		if c := u.text[i]; c < ' ' || c > '~' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	if csp.Parse(b.String()).Kind == csp.Invalid {
		return ""
	}
	return b.String()
}

// withScheme mends https:/host and https:host too.
func (u writtenURL) withScheme() string {
	text := u.text
	for _, scheme := range []string{"https:", "http:"} {
		if n := len(scheme); len(text) > n && strings.EqualFold(text[:n], scheme) {
			text = text[n:]
			break
		}
	}
	return "https://" + strings.TrimLeft(text, "/")
}

func (u writtenURL) withLowerScheme() string {
	return strings.ToLower(u.scheme) + "://" + u.authorityForHTTPS() + u.rest
}

func (u writtenURL) upgraded() string { return "https://" + u.authorityForHTTPS() + u.rest }

// authorityForHTTPS has no port that is http's own: https has another.
func (u writtenURL) authorityForHTTPS() string {
	if u.isHTTP() && (u.port == "80" || u.port == "443") {
		return u.host
	}
	return u.authority
}

func (u writtenURL) withoutUser() string {
	return u.scheme + "://" + u.authority[strings.LastIndexByte(u.authority, '@')+1:] + u.rest
}

func (u writtenURL) withHTTPSAndNoUser() string {
	u.scheme = "https"
	return u.withoutUser()
}

func (u writtenURL) withHTTPSAndNoPort() string { return "https://" + u.host + u.rest }

// withWildcardFirst makes *.example.com of api-*.example.com.
func (u writtenURL) withWildcardFirst() string {
	first, below, _ := strings.Cut(u.host, ".")
	if !strings.Contains(first, "*") || !strings.Contains(below, ".") || !fetch.IsHostPart(below) {
		return ""
	}
	port := ""
	if u.port != "" {
		port = ":" + u.port
	}
	return "https://*." + below + port + u.rest
}

func (u writtenURL) withPath(path string) string { return u.scheme + "://" + u.authority + path }
func (u writtenURL) withoutQuery() string        { return u.withPath(u.path) }
func (u writtenURL) withoutFragment() string     { return u.text[:strings.IndexByte(u.text, '#')] }

func (u writtenURL) withPathEncoded() string {
	return u.withPath(strings.NewReplacer(
		" ", "%20", ";", "%3B", ",", "%2C", "\t", "%09", "\r", "%0D", "\n", "%0A").Replace(u.path))
}

func (u writtenURL) withPathBeforeStar() string {
	before := u.path[:strings.IndexByte(u.path, '*')]
	return u.withPath(before[:strings.LastIndexByte(before, '/')+1])
}

func (u writtenURL) withSlashes() string      { return u.withPath(strings.ReplaceAll(u.path, `\`, "/")) }
func (u writtenURL) withoutDots() string      { return u.withPath(removeDots(u.path)) }
func (u writtenURL) withLastSlash() string    { return u.withPath(u.path + "/") }
func (u writtenURL) withoutLastSlash() string { return u.withPath(strings.TrimSuffix(u.path, "/")) }
