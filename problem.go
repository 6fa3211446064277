package stripeapps

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
)

// problem is a problem document. Without a "type" member it is "about:blank",
// whose title is the status's own text; "code" is an extension member.
//
// https://www.rfc-editor.org/rfc/rfc9457
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   Code   `json:"code"`
	Detail string `json:"detail"`
}

var errInternal = NewError(CodeInternal, http.StatusInternalServerError, "the server failed to handle the request")

// WriteProblem answers r with err as application/problem+json (RFC 9457): the
// status, code and detail of an *Error, or 500 and the code internal, without
// err's text, for any other error. It sets Cache-Control: no-store and, on 401,
// WWW-Authenticate: Stripe-Signature. A HEAD request gets no body.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	e := asError(err)
	document, _ := json.Marshal(problem{http.StatusText(e.status), e.status, e.code, e.detail}) // cannot fail
	document = append(document, '\n')

	header := w.Header()
	for _, name := range [...]string{"Content-Range", "Etag", "Last-Modified"} {
		header.Del(name) // of an answer that was not sent
	}
	header.Set("Content-Type", "application/problem+json")
	header.Set("Content-Length", strconv.Itoa(len(document)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if e.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", headerSignature)
	}
	w.WriteHeader(e.status)
	if r.Method != http.MethodHead {
		w.Write(document) // nothing can be done about a client that went away
	}
}

func asError(err error) *Error {
	if e := findError(err); e != nil {
		return e
	}
	return errInternal
}

// answerWriter notices whether an answer has been begun.
type answerWriter struct {
	http.ResponseWriter
	written bool
	// refusing says that an answer must be more than the empty 200 that writing
	// nothing, or flushing, would make.
	refusing bool
}

func (w *answerWriter) WriteHeader(status int) {
	w.ResponseWriter.WriteHeader(status)
	// 1xx are not the answer yet, but for 101.
	w.written = w.written || status >= 200 || status == http.StatusSwitchingProtocols
}

func (w *answerWriter) Write(p []byte) (int, error) {
	if w.refusing && !w.written && len(p) == 0 {
		return 0, nil
	}
	w.written = true
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController. The methods below it are for handlers
// that look for them on the writer itself.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *answerWriter) ReadFrom(src io.Reader) (int64, error) {
	if !w.written {
		return io.Copy(struct{ io.Writer }{w}, src) // by Write, which sees whether there is anything
	}
	return io.Copy(w.ResponseWriter, src)
}

func (w *answerWriter) Flush() { w.FlushError() }

// FlushError is what http.ResponseController calls.
func (w *answerWriter) FlushError() error {
	if w.refusing && !w.written {
		return nil
	}
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.written = w.written || !errors.Is(err, http.ErrNotSupported)
	return err
}

func (w *answerWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.written = w.written || err == nil
	return conn, buffer, err
}

// logf logs what is wrong with the backend, not with the request, where the
// server of r logs such things.
func logf(r *http.Request, format string, args ...any) {
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		server.ErrorLog.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}
