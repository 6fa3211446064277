package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// What a recorder keeps at most: with the server's maxHeaderBytes, about a
// megabyte.
const (
	keptExchanges = 16
	keptBodyBytes = 8 << 10
	keptFields    = 100 // of a header
)

// recorder keeps the last exchanges of a handler, for the playground to show.
// There is no secret in them, but signatures that are good for minutes: it exists
// only on a loopback address.
type recorder struct {
	mu   sync.Mutex
	seq  int
	kept []*exchange // by seq
}

// exchange is a request and its answer. It does not change once it is kept.
type exchange struct {
	Seq     int     `json:"seq"`
	Method  string  `json:"method"`
	Path    string  `json:"path"`
	Target  string  `json:"target"`
	Proto   string  `json:"proto"`
	Request message `json:"request"`
	Status  int     `json:"status"` // 0 without an answer
	Reason  string  `json:"reason"`
	Answer  message `json:"answer"`
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

func (rec *recorder) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{Method: r.Method, Path: r.URL.Path, Target: r.URL.RequestURI(), Proto: r.Proto}
		e.Request.Header = append([]field{{"Host", r.Host}}, fields(r.Header)...)
		answer := &recordedAnswer{ResponseWriter: w}
		body := &recordedBody{ReadCloser: r.Body}
		if r.Body != http.NoBody {
			r = r.WithContext(r.Context()) // a copy
			r.Body = body
		}
		defer func() { // also if the handler panics
			e.Request.keep(&body.kept)
			answer.tell(e)
			rec.keep(e)
		}()
		next.ServeHTTP(answer, r)
		answer.begin(http.StatusOK) // if the handler has written nothing
		// A refusal can come before the body was read. Then net/http reads it
		// before it sends the answer, unless the client waits to be asked.
		if r.Body != http.NoBody && r.Header.Get("Expect") == "" {
			io.CopyN(io.Discard, body, keptBodyBytes+1) // as much as there is
		}
	})
}

func (rec *recorder) keep(e *exchange) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.seq++
	e.Seq = rec.seq
	rec.kept = append(rec.kept, e)
	if extra := len(rec.kept) - keptExchanges; extra > 0 {
		rec.kept = slices.Delete(rec.kept, 0, extra)
	}
}

// lastDocument tells of one request of the extension, and of its preflight.
type lastDocument struct {
	Seq       int           `json:"seq"` // the highest one
	Request   *exchange     `json:"request"`
	Preflight *exchange     `json:"preflight"`
	Cached    bool          `json:"cached"` // the preflight is of an earlier request, if it is still kept
	Checks    []checkResult `json:"checks"`
}

// tellLast answers with the first request of the extension whose seq is higher
// than the query's "after".
func (rec *recorder) tellLast(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.Atoi(r.URL.Query().Get("after"))
	if err != nil {
		after = int(^uint(0) >> 1) // only the highest one
	}
	answerValue(w, r, rec.last(after))
}

func (rec *recorder) last(after int) lastDocument {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	document := lastDocument{Seq: rec.seq}
	for _, e := range rec.kept {
		if e.Seq > after && e.isExtension() && !e.isPreflight() {
			document.Request = e
			break
		}
	}
	for _, e := range rec.kept {
		if e.isExtension() && e.isPreflight() && e.isBefore(document.Request) && (document.Request != nil || e.Seq > after) {
			document.Preflight = e
		}
	}
	document.Cached = document.Request != nil && (document.Preflight == nil || document.Preflight.Seq <= after)
	document.Checks = append([]checkResult{checkCORS(document.Preflight, document.Cached)}, checksOf(document.Request)...)
	return document
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

// refusal returns the code and the detail of the problem that e was answered
// with, or a code of its own if there was no answer.
func (e *exchange) refusal() (code string, detail string) {
	if e.Status == 0 {
		return "no_answer", "it ended without an answer"
	}
	if e.Status < 400 {
		return "", ""
	}
	var problem struct {
		Code   string
		Detail string
	}
	if json.Unmarshal([]byte(e.Answer.Body), &problem) != nil || problem.Code == "" {
		return "unknown", "answered without a problem document"
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

// recordedBody keeps what is read from a request's body.
type recordedBody struct {
	io.ReadCloser
	kept boundedBuffer
}

func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.kept.add(p[:n])
	return n, err
}

// recordedAnswer keeps an answer as the handler gives it: net/http adds Date and
// Content-Length.
type recordedAnswer struct {
	http.ResponseWriter
	status int
	header []field
	kept   boundedBuffer
}

func (a *recordedAnswer) WriteHeader(status int) {
	if status >= 200 {
		a.begin(status)
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *recordedAnswer) Write(p []byte) (int, error) {
	a.begin(http.StatusOK)
	a.kept.add(p)
	return a.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (a *recordedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *recordedAnswer) begin(status int) {
	if a.status == 0 {
		a.status, a.header = status, fields(a.Header())
	}
}

func (a *recordedAnswer) tell(e *exchange) {
	e.Status, e.Reason = a.status, http.StatusText(a.status)
	e.Answer.Header = a.header
	e.Answer.keep(&a.kept)
}

// boundedBuffer keeps keptBodyBytes, and nothing at all of what is longer.
type boundedBuffer struct {
	bytes.Buffer
	tooLarge bool
}

func (b *boundedBuffer) add(p []byte) {
	if b.tooLarge || b.Len()+len(p) > keptBodyBytes {
		b.tooLarge = true
		b.Buffer = bytes.Buffer{}
		return
	}
	b.Write(p)
}
