package response

import (
	"io"
	"net/http"
)

// RefusalWriter is a Writer for a handler that must refuse. What would send an
// empty 200, an empty Write or a Flush before anything else, does nothing: the
// response has not begun then, and whoever called the handler can still refuse.
type RefusalWriter struct{ Writer }

// NewRefusalWriter returns a RefusalWriter on w, to which nothing has been
// written yet.
func NewRefusalWriter(w http.ResponseWriter) *RefusalWriter {
	return &RefusalWriter{Writer{ResponseWriter: w}}
}

func (w *RefusalWriter) Write(p []byte) (int, error) {
	if !w.begun && len(p) == 0 {
		return 0, nil
	}
	return w.Writer.Write(p)
}

// ReadFrom goes by way of Write, which sees whether there is anything.
func (w *RefusalWriter) ReadFrom(src io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{w}, src)
}

// Flush is FlushError for those who look for http.Flusher.
func (w *RefusalWriter) Flush() { w.FlushError() }

// FlushError is what http.ResponseController calls.
func (w *RefusalWriter) FlushError() error {
	if !w.begun {
		return nil
	}
	return w.Writer.FlushError()
}
