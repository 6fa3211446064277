package fetch

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// CheckHost says why a browser would not write a host this way in an origin: it
// writes addresses in one form only, and names in ASCII. An IPv6 address has no
// brackets here, as in (*url.URL).Hostname. Capitals pass.
//
// https://url.spec.whatwg.org/#host-parsing
func CheckHost(host string) error {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.String() != strings.ToLower(host) || ip.Is4In6() || ip.Zone() != "" {
			return errors.New("is an address that a browser writes in another form, with :: and without leading zeros")
		}
		return nil
	}
	for i := range len(host) {
		if c := host[i]; !isHostChar(c) && c != '.' && c != '_' {
			return errors.New("has a character that a browser would not send; " +
				"write an international name in its ASCII form (xn--…)")
		}
	}
	if hasEmptyLabel(host) {
		return errors.New("has an empty label")
	}
	name := strings.TrimSuffix(host, ".")
	if last := name[strings.LastIndexByte(name, '.')+1:]; isDigit(last[0]) {
		return errors.New("ends in a number, but is not an IPv4 address in four parts")
	}
	return nil
}

// IsHostPart reports whether s is a host-part of Content Security Policy, without
// its wildcard. That is ASCII names and IPv4 addresses, but neither an underscore
// nor an IPv6 address. There may be a dot at the end.
//
// https://www.w3.org/TR/CSP3/#grammardef-host-part
func IsHostPart(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isHostChar(c) && c != '.' {
			return false
		}
	}
	return !hasEmptyLabel(s)
}

func hasEmptyLabel(host string) bool {
	host = strings.TrimSuffix(host, ".")
	return host == "" || host[0] == '.' || host[len(host)-1] == '.' || strings.Contains(host, "..")
}

// IsLoopback reports whether host stands for the machine that it is used on:
// localhost, a name below it, or a loopback address (an IPv6 one without its
// brackets). 127.0.0.1.example.com does not.
//
// https://www.rfc-editor.org/rfc/rfc6761#section-6.3
func IsLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() && ip.Zone() == ""
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// Port reads a port: one to five digits, 65535 at the most. Zero and leading
// zeros are for the caller to judge.
func Port(s string) (port uint16, ok bool) {
	if len(s) > len("65535") {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 16) // takes digits alone: no sign, no _
	return uint16(n), err == nil
}

// DefaultPort is the port that a URL's scheme implies, or 0.
//
// https://url.spec.whatwg.org/#default-port
func DefaultPort(scheme string) uint16 {
	switch scheme {
	case "https", "wss":
		return 443
	case "http", "ws":
		return 80
	}
	return 0
}

// isHostChar reports whether c is a host-char.
//
// https://www.w3.org/TR/CSP3/#grammardef-host-char
func isHostChar(c byte) bool { return isAlpha(c) || isDigit(c) || c == '-' }

func isAlpha(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
