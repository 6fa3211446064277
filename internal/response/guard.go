package response

import (
	"log"
	"net/http"
	"runtime/debug"
	"strings"
)

// Guard returns a handler that calls next and, if that panics before it has begun
// a response, logs the panic as net/http does and calls fail, which responds
// instead. After a response has begun, and for http.ErrAbortHandler, the panic
// goes on.
//
// The headers that described the response that failed are gone by then; others,
// such as those of the middleware around it, stay.
func Guard(next http.Handler, fail http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guarded := NewWriter(w)
		defer func() {
			reason := recover()
			if reason == nil {
				return
			}
			if guarded.begun || reason == http.ErrAbortHandler {
				panic(reason)
			}
			Logf(r, "http: panic serving %v: %v\n%s", r.RemoteAddr, reason, debug.Stack())
			for name := range w.Header() {
				if isOfContent(name) {
					delete(w.Header(), name)
				}
			}
			fail(w, r)
		}()
		next.ServeHTTP(guarded, r)
	})
}

// isOfContent reports whether a header, in canonical form, is about one response
// and not about all of them.
func isOfContent(name string) bool {
	switch name {
	case "Accept-Ranges", "Etag", "Last-Modified", "Location", "Set-Cookie", "Trailer":
		return true
	}
	return strings.HasPrefix(name, "Content-") && !strings.HasPrefix(name, "Content-Security-Policy")
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
