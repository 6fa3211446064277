package preflight

import (
	"net/http"
	"slices"
	"strings"
)

// varies is what the response to a preflight depends on.
const varies = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"

// grantUsual sets the headers for a preflight as browsers write it, of which all is
// allowed, and reports whether r is one. It never allows more than rs/cors does, which
// has the word on all others; but rs/cors and what has to be mended of its headers take
// five times as long.
func (h *Handler) grantUsual(header http.Header, r *http.Request) bool {
	origins, methods := r.Header["Origin"], r.Header["Access-Control-Request-Method"]
	if len(origins) != 1 || len(methods) != 1 || header["Vary"] != nil {
		return false
	}
	requested, ok := h.usualHeaders(r.Header["Access-Control-Request-Headers"])
	if !ok || !slices.Contains(h.methodList, methods[0]) {
		return false
	}
	origin, credentials := h.origins.Grant(origins[0])
	if origin == "" {
		return false
	}
	// In one allocation, slices that belong to this response alone.
	values := append(make([]string, 0, 5), origin, methods[0], h.maxAge, varies, requested)
	header["Access-Control-Allow-Origin"] = values[0:1:1]
	header["Access-Control-Allow-Methods"] = values[1:2:2]
	header["Access-Control-Max-Age"] = values[2:3:3]
	header["Vary"] = values[3:4:4]
	if requested != "" {
		header["Access-Control-Allow-Headers"] = values[4:5:5]
	}
	if credentials {
		header["Access-Control-Allow-Credentials"] = []string{"true"}
	}
	return true
}

// usualHeaders returns the list of Access-Control-Request-Headers, if all of its names
// are allowed. Browsers write it in lower case, in order, each name once, and no space.
//
// https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names
func (h *Handler) usualHeaders(lines []string) (list string, ok bool) {
	if len(lines) == 0 {
		return "", true
	}
	for rest, before, more := lines[0], "", true; more; {
		var name string
		name, rest, more = strings.Cut(rest, ",")
		if name <= before || !slices.Contains(h.lowerHeaders, name) {
			return "", false
		}
		before = name
	}
	return lines[0], len(lines) == 1
}
