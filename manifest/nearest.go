package manifest

import (
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/slip"
)

// nearest returns the one of known that s is meant to be. It is certain if only
// case and separators differ, and a guess if it is one slip of the pen away.
func nearest(s string, known []string) (name string, certain bool) {
	for _, k := range known {
		switch {
		case slices.Contains(misspelledPermissions, k):
		case len(k) == len(s) && strings.EqualFold(separators.Replace(k), separators.Replace(s)):
			return k, true
		case name == "" && slip.One(k, s):
			name = k
		}
	}
	return name, false
}

var separators = strings.NewReplacer("-", "_", ".", "_", " ", "_")
