package stripeapps

import (
	"bufio"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
)

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
