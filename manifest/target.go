package manifest

import (
	"encoding/binary"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

// target is a URL that the extension asks for.
type target struct {
	csp.URL
	user bool // there is a user or password
}

// parseTarget reads a URL as a browser does, or says why it cannot be asked for.
//
// https://url.spec.whatwg.org/#concept-basic-url-parser
func parseTarget(text string) (t target, fault string) {
	const absolute = "it must be an absolute URL, like https://api.example.com/v1/refunds"
	if len(text) > maxFileBytes {
		return t, "it is longer than 1 MiB"
	}
	text = strings.TrimFunc(text, func(c rune) bool { return c <= ' ' })
	text = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(text)
	text, _, _ = strings.Cut(text, "#")
	scheme, rest, ok := strings.Cut(text, ":")
	t.Scheme = strings.ToLower(scheme)
	if !ok || !csp.IsScheme(t.Scheme) {
		return t, absolute
	}
	if !csp.IsNetworkScheme(t.Scheme) {
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
	host := authority
	t.Port = fetch.DefaultPort(t.Scheme)
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		host = authority[:i]
		if port := authority[i+1:]; port != "" {
			if t.Port, ok = parsePort(port); !ok {
				return t, "its port is not a number up to 65535"
			}
		}
	}
	if t.Host = normalHost(host); t.Host == "" {
		return t, absolute
	}
	t.Path = removeDots(path)
	return t, ""
}

// parsePort takes any number of leading zeros, as the URL standard does.
func parsePort(text string) (port uint16, ok bool) {
	if digits := strings.TrimLeft(text, "0"); digits != "" {
		return fetch.Port(digits)
	}
	return 0, true
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
