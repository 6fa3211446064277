// Package response has what a middleware needs that may have to send a response
// in a handler's place.
package response

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// Writer is an http.ResponseWriter that knows whether a response has begun. It
// has the methods that handlers look for, whether or not the writer below it has
// them.
type Writer struct {
	http.ResponseWriter
	begun bool
}

// NewWriter returns a Writer on w, to which nothing has been written yet.
func NewWriter(w http.ResponseWriter) *Writer { return &Writer{ResponseWriter: w} }

// Begun reports whether it is too late for another response.
func (w *Writer) Begun() bool { return w.begun }

// WriteHeader begins the response, unless status is informational: of those only
// 101 is final.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-15.2
func (w *Writer) WriteHeader(status int) {
	w.ResponseWriter.WriteHeader(status)
	w.begun = w.begun || status >= 200 || status == http.StatusSwitchingProtocols
}

// Write begins the response, even if p is empty.
func (w *Writer) Write(p []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(p)
}

// ReadFrom begins the response when src has given something. It lets net/http
// use sendfile from then on.
func (w *Writer) ReadFrom(src io.Reader) (int64, error) {
	if !w.begun {
		return io.Copy(struct{ io.Writer }{w}, src)
	}
	return io.Copy(w.ResponseWriter, src)
}

// Flush is FlushError for those who look for http.Flusher.
func (w *Writer) Flush() { w.FlushError() }

// FlushError begins the response if the writer below can flush.
// http.ResponseController calls it.
func (w *Writer) FlushError() error {
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.begun = w.begun || !errors.Is(err, http.ErrNotSupported)
	return err
}

// Hijack takes the connection over, if the writer below allows it. Whoever has it
// sends the response.
func (w *Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.begun = w.begun || err == nil
	return conn, buffer, err
}

// Unwrap is for http.ResponseController.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
