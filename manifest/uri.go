package manifest

import (
	"net/netip"
	"regexp"
	"sync"
)

// isHTTPURL reports whether s is an http or https URL to a validator of schemas:
// format uri is the characters of RFC 3986, and the addresses in brackets.
func isHTTPURL(s string) bool {
	parts := httpURL().FindStringSubmatch(s)
	if parts == nil {
		return false
	}
	if parts[1] == "" {
		return true
	}
	ip, err := netip.ParseAddr(parts[1])
	return err == nil && ip.Is6()
}

var httpURL = sync.OnceValue(func() *regexp.Regexp {
	const char = `-A-Za-z0-9._~!$&'()*+,;=:`
	const escape = `%[0-9A-Fa-f]{2}`
	const user = `(?:(?:[` + char + `]|` + escape + `)*@)?`
	const literal = `\[(?:([0-9A-Fa-f:.]+)|[vV][0-9A-Fa-f]+\.[` + char + `]+)\](?::[0-9]*)?`
	const path = `(?:[` + char + `@/]|` + escape + `)*`
	const rest = `(?:[` + char + `@/?]|` + escape + `)*`
	return regexp.MustCompile(`^https?://(?:` + user + literal + `(?:/` + path + `)?|` + path + `)` +
		`(?:\?` + rest + `)?(?:#` + rest + `)?$`)
})
