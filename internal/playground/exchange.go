package playground

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// exchange is a request and its response. It does not change once it is kept.
type exchange struct {
	Seq      int     `json:"seq"`
	Method   string  `json:"method"`
	Path     string  `json:"path"`
	Target   string  `json:"target"`
	Proto    string  `json:"proto"`
	Request  message `json:"request"`
	Status   int     `json:"status"` // 0 without a response
	Reason   string  `json:"reason"`
	Response message `json:"response"`
}

type message struct {
	Header   []field `json:"header"`
	Body     string  `json:"body"`
	TooLarge bool    `json:"tooLarge"` // and so without its body
}

type field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// isExtension reports whether e came from a sandboxed iframe.
func (e *exchange) isExtension() bool { return e.Request.get("Origin") == "null" }

// isBefore reports whether e, a preflight, can be that of request. nil is a
// request that did not come.
func (e *exchange) isBefore(request *exchange) bool {
	return request == nil ||
		e.Seq < request.Seq && e.Path == request.Path && e.Request.get("Access-Control-Request-Method") == request.Method
}

func (e *exchange) isPreflight() bool {
	return e.Method == http.MethodOptions && e.Request.get("Access-Control-Request-Method") != ""
}

// refusal returns the code and the detail of the problem document that e was responded to
// with, or a code of its own if there was no response.
func (e *exchange) refusal() (code, detail string) {
	if e.Status == 0 {
		return "no_response", "it ended without a response"
	}
	if e.Status < 400 {
		return "", ""
	}
	var problem struct{ Code, Detail string }
	if json.Unmarshal([]byte(e.Response.Body), &problem) != nil || problem.Code == "" {
		return "unknown", "a response without a problem document"
	}
	return problem.Code, problem.Detail
}

func (m *message) get(name string) string {
	for _, f := range m.Header {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func (m *message) keep(body *boundedBuffer) {
	m.Body, m.TooLarge = body.String(), body.tooLarge
}

// fields returns a header line by line, sorted by name: net/http does not keep
// the order in which they came.
func fields(header http.Header) (list []field) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			if len(list) == keptFields {
				return list
			}
			list = append(list, field{name, value})
		}
	}
	return list
}
