package manifest

import (
	"path"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

// writtenURL is a URL as it stands in a list of a manifest, cut into its parts but
// in no way normalized.
type writtenURL struct {
	list               string // that it is in
	text               string // all of it
	scheme             string
	authority          string
	host, port         string // of the authority
	path               string // without what follows
	rest               string // the path with its query and fragment
	hasScheme, hasPort bool
}

func cutURL(text, list string) writtenURL {
	u := writtenURL{text: text, list: list}
	u.scheme, u.authority, u.rest, u.hasScheme = csp.SplitURL(text)
	u.host, u.port, u.hasPort = strings.Cut(u.authority, ":")
	u.path = u.rest
	if i := strings.IndexAny(u.rest, "?#"); i >= 0 {
		u.path = u.rest[:i]
	}
	return u
}

// What can be said of the text.

func (u writtenURL) padded() bool { return strings.TrimSpace(u.text) != u.text }
func (u writtenURL) empty() bool  { return u.text == "" }

func (u writtenURL) noURL() bool {
	return strings.HasPrefix(u.text, "'") || !u.hasScheme && !strings.Contains(u.text, ".")
}

func (u writtenURL) outsideASCII() bool {
	return strings.ContainsFunc(u.text, func(c rune) bool {
		return c < ' ' && c != '\t' && c != '\r' && c != '\n' || c > '~'
	})
}

func (u writtenURL) hasStar() bool     { return strings.Contains(u.text, "*") }
func (u writtenURL) noURI() bool       { return !isHTTPURL(u.text) }
func (u writtenURL) noSourceURI() bool { return !u.isLoopback() && !isHTTPURL(u.withPath(u.path)) }

// What can be said of the scheme.

func (u writtenURL) noScheme() bool            { return !u.hasScheme }
func (u writtenURL) isHTTP() bool              { return strings.EqualFold(u.scheme, "http") }
func (u writtenURL) isHTTPS() bool             { return strings.EqualFold(u.scheme, "https") }
func (u writtenURL) notHTTPS() bool            { return !u.isHTTPS() }
func (u writtenURL) upperHTTP() bool           { return u.isHTTP() && u.scheme != "http" }
func (u writtenURL) upperHTTPS() bool          { return u.isHTTPS() && u.scheme != "https" }
func (u writtenURL) httpOnLoopback() bool      { return u.isHTTP() && u.isLoopback() }
func (u writtenURL) redirectsToHTTP() bool     { return u.scheme == "http" }
func (u writtenURL) redirectsToLoopback() bool { return u.redirectsToHTTP() && u.isLoopback() }
func (u writtenURL) redirectsElsewhere() bool  { return u.scheme != "https" }

// What can be said of the authority.

func (u writtenURL) hasUser() bool     { return strings.Contains(u.authority, "@") }
func (u writtenURL) noHost() bool      { return !u.hasWildcard() && !fetch.IsHostPart(u.host) }
func (u writtenURL) notAbsolute() bool { return !u.hasScheme || u.host == "" }
func (u writtenURL) isLoopback() bool  { return fetch.IsLoopback(u.host) }
func (u writtenURL) callsStripe() bool { return u.list != "image-src" && isStripeAPI(u.host) }
func (u writtenURL) showsStripe() bool { return u.list == "image-src" && isStripeAPI(u.host) }
func (u writtenURL) hasWildcard() bool { return strings.Contains(u.host, "*") }

func (u writtenURL) wrongWildcard() bool {
	below, first := strings.CutPrefix(u.host, "*.")
	return u.hasWildcard() && (!first || !strings.Contains(below, ".") || !fetch.IsHostPart(below))
}

func (u writtenURL) stripeWildcard() bool { return strings.EqualFold(u.host, "*.stripe.com") }
func (u writtenURL) wildcardAlone() bool  { return u.hasWildcard() && (u.rest == "" || u.rest == "/") }
func (u writtenURL) wrongPort() bool {
	_, isPort := fetch.Port(u.port)
	return u.hasPort && !isPort && u.port != "*"
}

func (u writtenURL) defaultPort() bool   { return u.isHTTPS() && u.port == "443" }
func (u writtenURL) portElsewhere() bool { return u.hasPort && !u.isLoopback() }

// What can be said of what follows.

func (u writtenURL) hasQuery() bool    { return u.rest != u.path }
func (u writtenURL) hasFragment() bool { return strings.Contains(u.text, "#") }
func (u writtenURL) endsSource() bool  { return strings.ContainsAny(u.path, " ;,\t\r\n") }
func (u writtenURL) starInPath() bool  { return strings.Contains(u.path, "*") }

// connectsWithoutPath leaves wildcards to wildcardAlone, as imageWithoutPath does.
func (u writtenURL) connectsWithoutPath() bool {
	return u.list == "connect-src" && (u.path == "" || u.path == "/") && !strings.HasPrefix(u.host, "*.")
}

func (u writtenURL) imageWithoutPath() bool {
	return u.list == "image-src" && u.path == "" && !strings.HasPrefix(u.host, "*.")
}

func (u writtenURL) hasBackslash() bool { return strings.Contains(u.path, `\`) }
func (u writtenURL) hasDots() bool      { return u.path != "" && removeDots(u.path) != u.path }
func (u writtenURL) twoSlashes() bool   { return strings.Contains(u.path, "//") }

// fileWithSlash reports whether the last segment of a folder has the name of a
// file.
func (u writtenURL) fileWithSlash() bool {
	name, slash := strings.CutSuffix(u.path, "/")
	if !slash {
		return false
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".avif", ".ico", ".json", ".html", ".php":
		return true
	}
	return false
}

// folderWithoutSlash reports whether a path without a slash at its end is one that
// usually has more below it: /api, /v1, /api/v2.
func (u writtenURL) folderWithoutSlash() bool {
	last := strings.ToLower(u.path[strings.LastIndexByte(u.path, '/')+1:])
	switch last {
	case "api", "rest", "images", "img", "static", "assets":
		return true
	}
	return len(last) >= 2 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == ""
}

func (u writtenURL) redirectsToNoPath() bool {
	return u.hasScheme && (u.rest == "" || u.rest == "/" || u.rest[0] == '?')
}
