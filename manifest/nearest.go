package manifest

import (
	"slices"
	"strings"
)

// nearest returns the one of known that s is meant to be. It is certain if only
// case and separators differ, and a guess if it is one slip of the pen away.
func nearest(s string, known []string) (name string, certain bool) {
	for _, k := range known {
		switch {
		case slices.Contains(misspeltPermissions, k):
		case len(k) == len(s) && strings.EqualFold(separators.Replace(k), separators.Replace(s)):
			return k, true
		case name == "" && len(k) > 3 && oneSlip(k, s):
			name = k
		}
	}
	return name, false
}

var separators = strings.NewReplacer("-", "_", ".", "_", " ", "_")

// oneSlip reports whether one character is missing, too many, or another one, or
// two are the wrong way round.
func oneSlip(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}
