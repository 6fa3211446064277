package main

import (
	"net/http"
	"path"

	"github.com/seed-8a2ffb75/stripeapps"
)

var errNotFound = stripeapps.NewError("not_found", http.StatusNotFound,
	"there is no such endpoint: use POST /api/echo, GET /api/whoami or GET /healthz")

func notFound(w http.ResponseWriter, r *http.Request) {
	stripeapps.WriteProblem(w, r, errNotFound)
}

// withoutRedirects makes a 404 of paths such as /api//echo. A ServeMux would
// redirect them, in HTML, which is of no use to an extension.
func withoutRedirects(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path {
			notFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
