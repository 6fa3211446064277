package response

import (
	"log"
	"net/http"
	"runtime/debug"
)

// Outside is what stands outside of the part of the chain that has called Wrap last.
func (w *Writer) Outside() http.Header { return w.outer }

// Recover is deferred around a handler that writes to chain. If the handler panics
// before it has begun a response, fail responds instead, with what stands outside of
// whoever recovers, and then onPanic is told of it, or the panic is logged as net/http does if onPanic is nil. After
// a response has begun, and for http.ErrAbortHandler, the panic goes on, as does
// one of onPanic itself.
func Recover(
	chain *Writer, outside http.Header, r *http.Request, onPanic func(r *http.Request, value any), fail http.HandlerFunc,
) {
	value := recover()
	if value == nil {
		return
	}
	if chain.begun || value == http.ErrAbortHandler {
		panic(value)
	}
	if onPanic == nil {
		Logf(r, "http: panic serving %v: %v\n%s", r.RemoteAddr, value, debug.Stack())
	}
	chain.outer = outside
	_, flushes := chain.below.(http.Flusher)
	chain.whole = flushes && onPanic != nil
	fail(chain, r)
	if chain.whole {
		// HTTP/2 looks at a Content-Length when it is sent, and only then at what
		// comes after.
		http.NewResponseController(chain.below).Flush()
	}
	if onPanic != nil {
		onPanic(r, value)
	}
}

// Logf logs what is wrong with the backend, not with r, where the server of r
// logs such things.
func Logf(r *http.Request, format string, args ...any) {
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		server.ErrorLog.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}
