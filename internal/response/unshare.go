package response

import (
	"net/http"
	"slices"
)

// Unshare gives the named headers slices of their own, with the same values, so
// that a handler that writes into one changes no other response.
func Unshare(header http.Header, names ...string) {
	values := make([]string, 0, 8) // one allocation for all of them
	for _, name := range names {
		if len(header[name]) == 0 {
			continue
		}
		start := len(values)
		values = append(values, header[name]...)
		header[name] = slices.Clip(values[start:])
	}
}
