package playground

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// What a recorder keeps at most: with the quickstart's MaxHeaderBytes, about a
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

func (rec *recorder) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{Method: r.Method, Path: r.URL.Path, Target: r.URL.RequestURI(), Proto: r.Proto}
		e.Request.Header = append([]field{{"Host", r.Host}}, fields(r.Header)...)
		response := &recordedResponse{ResponseWriter: w}
		body := &recordedBody{ReadCloser: r.Body}
		if r.Body != http.NoBody {
			r = r.WithContext(r.Context()) // a copy
			r.Body = body
		}
		defer func() { // also if the handler panics
			e.Request.keep(&body.kept)
			response.tell(e)
			rec.keep(e)
		}()
		next.ServeHTTP(response, r)
		response.begin(http.StatusOK) // if the handler has written nothing
		// A refusal can come before the body was read.
		if r.Body != http.NoBody && r.Header.Get("Expect") == "" { // it does not wait to be asked
			body.keepRest(http.NewResponseController(w))
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

// tellLast responds with the first request of the extension whose seq is higher
// than the query's "after".
func (rec *recorder) tellLast(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.Atoi(r.URL.Query().Get("after"))
	if err != nil {
		after = int(^uint(0) >> 1) // only the highest one
	}
	respondJSON(w, r, rec.last(after))
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

// timeOfRest is how long a refusal is held up by a body that has not come with its
// headers. On a loopback address a browser's has.
const timeOfRest = 250 * time.Millisecond

// keepRest reads as much as is kept of what nobody has read, for a short time.
// net/http reads on before it sends the response, as long as the server's
// ReadTimeout lets it: for a body that was announced and is not sent, that would be
// until then. So the deadline stays where it did not come to its end.
func (b *recordedBody) keepRest(control *http.ResponseController) {
	control.SetReadDeadline(time.Now().Add(timeOfRest)) // if it can
	if _, err := io.CopyN(io.Discard, b, keptBodyBytes+1); err == io.EOF {
		control.SetReadDeadline(time.Time{}) // net/http sets that of the next request
	}
}

// recordedResponse keeps a response as the handler gives it: net/http adds Date
// and Content-Length.
type recordedResponse struct {
	http.ResponseWriter
	status int
	header []field
	kept   boundedBuffer
}

func (w *recordedResponse) WriteHeader(status int) {
	if status >= 200 {
		w.begin(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recordedResponse) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	w.kept.add(p)
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *recordedResponse) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recordedResponse) begin(status int) {
	if w.status == 0 {
		w.status, w.header = status, fields(w.Header())
	}
}

func (w *recordedResponse) tell(e *exchange) {
	e.Status, e.Reason = w.status, http.StatusText(w.status)
	e.Response.Header = w.header
	e.Response.keep(&w.kept)
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
