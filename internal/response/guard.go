package response

import (
	"log"
	"net/http"
	"runtime/debug"
)

// Recover is deferred around a handler that writes to chain, by w. If the handler
// panics before it has begun a response, the panic is logged as net/http does, and
// fail responds instead. After a response has begun, and for http.ErrAbortHandler,
// the panic goes on.
func Recover(w http.ResponseWriter, chain *Writer, r *http.Request, fail http.HandlerFunc) {
	value := recover()
	if value == nil {
		return
	}
	if chain.begun || value == http.ErrAbortHandler {
		panic(value)
	}
	Logf(r, "http: panic serving %v: %v\n%s", r.RemoteAddr, value, debug.Stack())
	fail(w, r)
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
