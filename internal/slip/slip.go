// Package slip guesses which of the names that are known was meant by one that is not.
package slip

import "strings"

// Meant returns the name that is one slip of the pen away from s, or else the first
// one that begins with it, or "".
func Meant(s string, names []string) string {
	for _, name := range names {
		if One(name, s) {
			return name
		}
	}
	for _, name := range names {
		if s != "" && strings.HasPrefix(name, s) {
			return name
		}
	}
	return ""
}

// One reports whether b is a with one character missing, too many, or another one, or
// with two the wrong way round. A name of up to three is like too many others.
func One(a, b string) bool {
	if len(a) <= 3 {
		return false
	}
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}
