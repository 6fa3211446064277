package response

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// Grant is what CORS allows the browser that reads a response. The empty Origin
// allows nothing.
type Grant struct {
	Origin      string // Access-Control-Allow-Origin
	Credentials bool   // Access-Control-Allow-Credentials
	Exposed     string // Access-Control-Expose-Headers
}

// Line is a header line.
type Line struct{ Name, Value string }

// Allow makes grant all that the response says of CORS: no header that is set
// outside or behind is sent. It takes the place of a grant that a part outside
// has made.
func (w *Writer) Allow(grant *Grant) {
	for outer := reach(w.below); outer != nil; outer = reach(outer.below) {
		if outer.grant != nil {
			outer.grant = grant
		}
	}
	w.grant = grant
	header := w.Header()
	w.putGrant(header)
	w.putVary(header, false)
}

// Demand makes lines part of the response's header, beside others of the same
// names.
func (w *Writer) Demand(lines []Line) {
	header := w.Header()
	for _, line := range lines {
		w.add(header, line)
	}
	if w.policies == nil {
		w.policies = lines
		return
	}
	w.policies = append(slices.Clip(w.policies), lines...)
}

// Private returns the chain's writer on w for the response to a request that has
// been verified. What authenticates it is not the header Authorization, by which
// caches know what to keep to themselves: unless the handler says anything of
// caching, no cache may store the response. Its headers are there before the handler
// is called, too, for an adapter that keeps a writer of its own.
//
// https://www.rfc-editor.org/rfc/rfc9111#section-3.5
func Private(w http.ResponseWriter) http.ResponseWriter {
	w, chain := Wrap(w)
	chain.private = true
	header := w.Header()
	if chain.outer != nil {
		chain.fold(header)
	}
	header["Cache-Control"] = chain.list([]string{"no-store"})
	var room [8]string
	header["Vary"] = chain.list(append(append(room[:0], header["Vary"]...), varyPrivate))
	return w
}

// settle makes the header what the response is sent with. It can be called again.
func (w *Writer) settle() {
	header := w.Header()
	w.fold(header)
	w.putOwn(header)
	w.putVary(header, w.private)
	if w.private && areEmpty(header["Cache-Control"]) {
		header["Cache-Control"] = w.list([]string{"no-store"})
	}
}

// areEmpty reports whether nothing is in comma-separated lists.
func areEmpty(lists []string) bool {
	return !slices.ContainsFunc(lists, func(list string) bool { return strings.Trim(list, ", \t") != "" })
}

// fold brings together what stands in header under names that differ in their case
// only, where the chain has a say: they are one to a client, and HTTP/2 writes them
// all alike. http.Header's methods write a name in one way, but whoever writes
// straight into the map need not.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-5.1
func (w *Writer) fold(header http.Header) {
	for key, values := range header {
		name := http.CanonicalHeaderKey(key)
		if name == key || !w.owns(name) {
			continue
		}
		delete(header, key)
		if name == "Cache-Control" && slices.Equal(header[name], []string{"no-store"}) {
			delete(header, name) // of Private: it gives way, as to Set
		}
		for _, value := range values {
			if !slices.Contains(header[name], value) {
				w.add(header, Line{name, value})
			}
		}
	}
}

// owns reports whether the chain has a say in a header, whose name is canonical.
func (w *Writer) owns(name string) bool {
	switch {
	case name == "Vary":
		return true
	case name == "Cache-Control":
		return w.private
	case strings.HasPrefix(name, "Access-Control-"):
		return w.grant != nil
	}
	return slices.ContainsFunc(w.policies, func(line Line) bool { return line.Name == name })
}

// putOwn puts the grant and the policies into header.
func (w *Writer) putOwn(header http.Header) {
	if w.grant != nil {
		w.putGrant(header)
	}
	for _, line := range w.policies {
		if !slices.Contains(header[line.Name], line.Value) {
			w.add(header, line)
		}
	}
}

func (w *Writer) add(header http.Header, line Line) {
	if had := header[line.Name]; len(had) > 0 {
		header[line.Name] = append(slices.Clip(had), line.Value)
		return
	}
	header[line.Name] = w.list([]string{line.Value})
}

func (w *Writer) putGrant(header http.Header) {
	credentials := ""
	if w.grant.Credentials {
		credentials = "true"
	}
	w.set(header, "Access-Control-Allow-Origin", w.grant.Origin)
	w.set(header, "Access-Control-Allow-Credentials", credentials)
	w.set(header, "Access-Control-Expose-Headers", w.grant.Exposed)
	for _, name := range [...]string{
		"Access-Control-Allow-Headers", "Access-Control-Allow-Methods",
		"Access-Control-Allow-Private-Network", "Access-Control-Max-Age",
	} {
		delete(header, name) // of preflights
	}
}

// set gives header one value, or none.
func (w *Writer) set(header http.Header, name, value string) {
	switch had := header[name]; {
	case value == "":
		delete(header, name)
	case len(had) != 1 || had[0] != value:
		header[name] = w.list([]string{value})
	}
}

// list returns values in a slice that is this response's alone.
func (w *Writer) list(values []string) []string {
	start := int(w.used)
	if start+len(values) > len(w.room) {
		return slices.Clone(values)
	}
	w.used += int8(len(values))
	return append(w.room[start:start:start+len(values)], values...)
}

// varyPrivate is what identifies the caller.
const varyPrivate = "Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"

// putVary makes Vary a set: what handlers have put there, what was there when the
// chain began, and what the chain's own headers depend on.
func (w *Writer) putVary(header http.Header, private bool) {
	var room [8]string
	had, merged := header["Vary"], room[:0]
	for _, line := range had {
		merged = appendNames(merged, line)
	}
	for _, line := range w.outer["Vary"] {
		merged = appendNames(merged, line)
	}
	if w.grant != nil && !hasName(merged, "Origin") {
		merged = append(merged, "Origin")
	}
	if private && !slices.Contains(merged, varyPrivate) {
		merged = appendNames(merged, varyPrivate)
	}
	if !slices.Equal(had, merged) {
		header["Vary"] = w.list(merged)
	}
}

// MergeNames returns comma-separated lists with each name in them once. A list of
// which nothing is taken out stays as it is written.
func MergeNames(lists []string) []string {
	var room [8]string
	merged := room[:0]
	for _, list := range lists {
		merged = appendNames(merged, list)
	}
	if slices.Equal(merged, lists) {
		return lists
	}
	return slices.Clone(merged)
}

// appendNames adds those names of list, which is comma-separated, that are not in
// lists. If all of them are new, list stays as it is written.
func appendNames(lists []string, list string) []string {
	if areNew(lists, list) && !repeats(list) {
		return append(lists, list)
	}
	for name := range strings.SplitSeq(list, ",") {
		if name = textproto.TrimString(name); name != "" && !hasName(lists, name) {
			lists = append(lists, name)
		}
	}
	return lists
}

// areNew reports whether no name of list is in lists.
func areNew(lists []string, list string) bool {
	for more := true; more; {
		var name string
		name, list, more = strings.Cut(list, ",")
		if name = textproto.TrimString(name); name == "" || hasName(lists, name) {
			return false
		}
	}
	return true
}

// repeats reports whether a name is in list more than once.
func repeats(list string) bool {
	for name, rest, more := strings.Cut(list, ","); more; name, rest, more = strings.Cut(rest, ",") {
		if hasName([]string{rest}, textproto.TrimString(name)) {
			return true
		}
	}
	return false
}

// hasName reports whether a name, or the * that stands for all, is in one of the
// lists.
func hasName(lists []string, name string) bool {
	for _, rest := range lists {
		for more := true; more; {
			var listed string
			listed, rest, more = strings.Cut(rest, ",")
			listed = textproto.TrimString(listed)
			if listed == "*" || strings.EqualFold(listed, name) {
				return true
			}
		}
	}
	return false
}
