package manifest

import (
	"encoding/binary"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// source is a source expression of Content Security Policy, as Chromium reads it:
// a host with or without scheme, port and path, or a scheme alone.
//
// https://www.w3.org/TR/CSP3/#grammardef-host-source
type source struct {
	valid  bool // a browser ignores what is not
	scheme string
	host   string // "" in a scheme alone
	any    bool   // *: any host
	subs   bool   // *.host: any host below it, and not itself
	port   string // "" means the scheme's own, "*" any
	path   string // "" means any
}

// parseSource reads a source expression.
func parseSource(text string) source {
	var s source
	rest := text
	if i := strings.IndexAny(rest, ":/"); i >= 0 && rest[i] == ':' {
		switch {
		case strings.HasPrefix(rest[i:], "://"):
			if s.scheme = strings.ToLower(rest[:i]); !isScheme(s.scheme) {
				return s
			}
			rest = rest[i+len("://"):]
		case i == len(rest)-1:
			s.scheme = strings.ToLower(rest[:i])
			s.valid = isScheme(s.scheme)
			return s
		}
	}
	host := rest
	if i := strings.IndexAny(rest, ":/"); i >= 0 {
		host, rest = rest[:i], rest[i:]
	} else {
		rest = ""
	}
	s.host = strings.ToLower(host)
	if s.host == "*" {
		s.any = true
	} else if s.host, s.subs = strings.CutPrefix(s.host, "*."); !isHost(s.host) {
		return s
	}
	if strings.HasPrefix(rest, ":") {
		s.port = rest[1:]
		rest = ""
		if i := strings.IndexByte(s.port, '/'); i >= 0 {
			s.port, rest = s.port[:i], s.port[i:]
		}
		if s.port != "*" {
			if !isPort(s.port) {
				return s
			}
			s.port = strings.TrimLeft(s.port[:len(s.port)-1], "0") + s.port[len(s.port)-1:]
		}
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i] // "The query component and the fragment identifier are ignored" (Chromium)
	}
	s.path = rest
	s.valid = true
	return s
}

// target is a URL that the extension asks for, as the browser sees it.
type target struct {
	scheme, host, port, path string
	user                     bool // there is a user or password
}

// pageScheme is that of the Dashboard, which the extension is a part of: a source
// without a scheme means it.
const pageScheme = "https"

// matches reports whether a browser allows t by s, before any redirect.
//
// https://www.w3.org/TR/CSP3/#match-url-to-source-expression
func (s source) matches(t target) bool {
	if !s.valid {
		return false
	}
	if s.any && s.scheme == "" && s.port == "" && s.path == "" { // * alone
		return isNetwork(t.scheme)
	}
	scheme := s.scheme
	if scheme == "" {
		scheme = pageScheme
	}
	if !schemeMatches(scheme, t.scheme) {
		return false
	}
	if s.host == "" {
		return true
	}
	return s.hostMatches(t.host) && s.portMatches(scheme, t) && s.pathMatches(t.path)
}

// schemeMatches also allows the secure form of a scheme. The text of CSP3 lets
// http and https stand for ws and wss too; Chromium does not.
func schemeMatches(source, target string) bool {
	return source == target || source == "http" && target == "https" || source == "ws" && target == "wss"
}

func (s source) hostMatches(host string) bool {
	switch {
	case host == "":
		return false
	case s.any:
		return true
	case s.subs:
		return strings.HasSuffix(host, "."+s.host)
	}
	return host == s.host
}

// portMatches takes the port along where the scheme is a more secure one: from
// 80 to 443, and no other; 443 is there already.
func (s source) portMatches(scheme string, t target) bool {
	switch {
	case s.port == "*", s.port == "" && t.port == defaultPort(t.scheme):
		return true
	case scheme == t.scheme:
		return s.port == t.port
	}
	return (s.port == "80" || s.port == "443") && t.port == "443"
}

func (s source) pathMatches(path string) bool {
	if s.path == "" || s.path == "/" && path == "" {
		return true
	}
	want, path := decode(s.path), decode(path)
	if strings.HasSuffix(want, "/") {
		return strings.HasPrefix(path, want)
	}
	return path == want
}

// decode decodes %XX, and leaves what is not that. If the result is not UTF-8,
// Chromium takes all of it for Latin-1.
func decode(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b []byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
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

// parseTarget reads a URL as a browser does, or says in problem why it cannot be
// asked for.
//
// https://url.spec.whatwg.org/#concept-basic-url-parser
func parseTarget(text string) (t target, problem string) {
	const absolute = "it must be an absolute URL, like https://api.example.com/v1/refunds"
	if len(text) > maxFileBytes {
		return t, "it is longer than 1 MiB"
	}
	text = strings.TrimFunc(text, func(c rune) bool { return c <= ' ' })
	text = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(text)
	text, _, _ = strings.Cut(text, "#")
	scheme, rest, ok := strings.Cut(text, ":")
	t.scheme = strings.ToLower(scheme)
	if !ok || !isScheme(t.scheme) {
		return t, absolute
	}
	if !isNetwork(t.scheme) {
		return t, "" // data:, blob: and the like: only a scheme can match
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest = strings.ReplaceAll(rest, `\`, "/")
	rest = strings.TrimLeft(rest, "/")
	authority, path := rest, "/"
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		t.user = strings.Trim(authority[:i], ":") != ""
		authority = authority[i+1:]
	}
	t.host, t.port = authority, defaultPort(t.scheme)
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		t.host = authority[:i]
		if port := strings.TrimLeft(authority[i+1:], "0"); port != "" {
			if !isPort(port) {
				return t, "its port is not a number up to 65535"
			}
			t.port = port
		} else if authority[i+1:] != "" {
			t.port = "0"
		}
	}
	if t.host = normalHost(t.host); t.host == "" {
		return t, absolute
	}
	t.path = removeDots(path)
	return t, ""
}

// normalHost returns the host as the browser sends it, or "" if it is none: in
// ASCII, in lower case, an IPv4 address in its four decimal numbers.
//
// https://url.spec.whatwg.org/#concept-host-parser
func normalHost(text string) string {
	if strings.HasPrefix(text, "[") {
		return strings.ToLower(text)
	}
	host, err := url.PathUnescape(text)
	if err != nil {
		return ""
	}
	if host, err = hosts.ToASCII(host); err != nil || strings.ContainsAny(host, " #/:<>?@[\\]^|%") {
		return ""
	}
	if ip, is := parseIPv4(host); is {
		return ip
	}
	return host
}

// hosts is UTS #46 as the URL standard asks for it.
var hosts = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false), idna.VerifyDNSLength(false))

// parseIPv4 reads an IPv4 address in any of its forms: 127.1, 0x7f000001. is says
// that host means to be one: its last label is a number.
func parseIPv4(host string) (ip string, is bool) {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	last := labels[len(labels)-1]
	if last == "" || strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x") {
		return "", false
	}
	var address uint64
	for i, label := range labels {
		base := 10
		if digits, hex := strings.CutPrefix(label, "0x"); hex {
			label, base = "0"+digits, 16
		} else if len(label) > 1 && label[0] == '0' {
			base = 8
		}
		n, err := strconv.ParseUint(label, base, 64)
		room := 8
		if i == len(labels)-1 {
			room = 8 * (5 - len(labels)) // the last one fills what is left
		}
		if err != nil || len(labels) > 4 || n >= 1<<room {
			return "", true
		}
		address = address<<room | n
	}
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(address)))).String(), true
}

// removeDots resolves . and .. in a path, also as %2e.
func removeDots(path string) string {
	var kept []string
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

func isNetwork(scheme string) bool {
	return scheme == "https" || scheme == "http" || scheme == "wss" || scheme == "ws"
}

func defaultPort(scheme string) string {
	switch scheme {
	case "https", "wss":
		return "443"
	case "http", "ws":
		return "80"
	}
	return ""
}

func isScheme(s string) bool {
	for i, c := range s {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return s != ""
}

// isHost reports whether s is labels of host-char with dots between them, and one
// at the end perhaps. It is not an IPv6 address, which CSP has no source for.
func isHost(s string) bool {
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || strings.Trim(label, hostChars) != "" {
			return false
		}
	}
	return true
}

const hostChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

func isPort(s string) bool {
	if s == "" || len(s) > 5 || strings.Trim(s, "0123456789") != "" {
		return false
	}
	n, err := strconv.Atoi(s)
	return err == nil && n <= 65535
}
