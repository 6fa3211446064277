package response

import (
	"net/http"
	"slices"
	"strings"
)

// ForRefusal returns a writer on w for a handler that must refuse. What would send
// an empty 200, an empty Write or a Flush before anything else, does nothing: the
// response has not begun then, and whoever called the handler can still refuse.
func ForRefusal(w http.ResponseWriter) (http.ResponseWriter, *Writer) {
	next, refusal := newWriter(w)
	refusal.forRefusal = true
	return next, refusal
}

// Keep is for a part of the chain that may refuse before it calls the next handler:
// what is in the header of w stands outside of it, and stays on its refusal.
func Keep(w http.ResponseWriter) {
	if chain := reach(w); chain != nil {
		chain.keep()
	}
}

// keep remembers what is in the header. Mostly that is what the chain has put there,
// and has been kept before.
func (w *Writer) keep() {
	header := w.Header()
	for name, values := range header {
		for _, value := range values {
			if !w.puts(name, value) && !slices.Contains(w.outer[name], value) {
				w.outer = header.Clone()
				return
			}
		}
	}
}

// puts reports whether the chain puts this line on the response by itself, or another
// in its place.
func (w *Writer) puts(name, value string) bool {
	switch {
	case name == "Vary":
		return value == "Origin" && w.grant != nil || value == varyPrivate && w.private
	case name == "Cache-Control":
		return w.private
	case strings.HasPrefix(name, "Access-Control-"):
		return w.grant != nil
	}
	return slices.Contains(w.policies, Line{name, value})
}

// Reset takes out of the header of w what belongs to a response that will not be
// sent. status is that of the one that will be.
//
// In the chain that is everything but what stands outside of its innermost part, and
// the chain's own. Where a middleware stands between the chain and the handler,
// its Content-Encoding stays too, because it may well encode whatever is written.
// Elsewhere it cannot be known who has set what: what describes a body, or says
// how long it can be kept, is taken out.
func Reset(w http.ResponseWriter, status int) {
	header := w.Header()
	chain := reach(w)
	if chain == nil {
		for key := range header {
			if describesBody(http.CanonicalHeaderKey(key)) {
				delete(header, key)
			}
		}
		return
	}
	if chain.begun {
		return
	}
	between := of(w) == nil
	for key := range header {
		name := http.CanonicalHeaderKey(key)
		if between && (name == "Content-Encoding" || name == "Vary") || belongsTo(status, name) {
			continue
		}
		delete(header, key)
	}
	for key, values := range chain.outer {
		if chain.private && http.CanonicalHeaderKey(key) == "Cache-Control" {
			continue // as for any other response to a request that was verified
		}
		if header[key] == nil {
			header[key] = slices.Clone(values)
		}
	}
	chain.refusing = true
	chain.putOwn(header)
	chain.putVary(header, false)
}

// belongsTo reports whether a header that a handler has set says more about a
// response with this status, so that it is meant for it.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6
// https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
func belongsTo(status int, name string) bool {
	switch status {
	case http.StatusMethodNotAllowed:
		return name == "Allow"
	case http.StatusRequestEntityTooLarge, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return name == "Retry-After"
	}
	return false
}

// describesBody reports whether a header, in canonical form, is about one body and
// not about all of them.
func describesBody(name string) bool {
	switch name {
	case "Accept-Ranges", "Age", "Digest", "Etag", "Expires", "Last-Modified", "Location", "Pragma", "Refresh",
		"Repr-Digest", "Surrogate-Control", "Cdn-Cache-Control", "Trailer", "X-Accel-Redirect", "X-Sendfile":
		return true
	case "Content-Encoding":
		return false // of a middleware that encodes whatever is written
	}
	return strings.HasPrefix(name, "Content-") && !strings.HasPrefix(name, "Content-Security-Policy")
}
