package response

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Problem is a problem document. Without a "type" member it is "about:blank", whose
// title is the status's own text; "code" is an extension member.
//
// https://www.rfc-editor.org/rfc/rfc9457
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Write responds to r with p, whose title it fills in, in place of whatever was to be
// sent by w. If a response has begun in the chain, that is the one that is sent: p is
// only logged, since its document would end up in the other one's body.
func (p Problem) Write(w http.ResponseWriter, r *http.Request) {
	if chain := reach(w); chain != nil && chain.begun {
		Logf(r, "stripeapps: refused too late, when a response had begun: %s", p.Code)
		return
	}
	p.Title = http.StatusText(p.Status)
	document, _ := json.Marshal(p) // cannot fail
	document = append(document, '\n')

	Reset(w, p.Status)
	header := w.Header()
	for name := range header {
		if p.replaces(http.CanonicalHeaderKey(name)) {
			delete(header, name)
		}
	}
	if chain := of(w); chain != nil && chain.whole && header["Content-Encoding"] == nil {
		header.Set("Content-Length", strconv.Itoa(len(document)))
	}
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if p.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Stripe-Signature")
	}
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		w.Write(document) // nothing can be done about a client that went away
	}
}

// replaces reports whether a header that is there cannot stay, in whatever case it is
// written: the document has its own, or none. Its length is not even that of the
// document: a middleware outside may encode it, and net/http counts.
func (p Problem) replaces(canonical string) bool {
	switch canonical {
	case "Content-Type", "Cache-Control", "X-Content-Type-Options",
		"Content-Length", "Content-Range", "Etag", "Last-Modified":
		return true
	}
	return canonical == "Www-Authenticate" && p.Status == http.StatusUnauthorized
}
