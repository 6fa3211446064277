package otelstripeapps

import (
	"net/http"
	"strings"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Route is a stripeapps.Middleware that puts the route on the request's span, as
// http.route: the pattern of the mux behind it, without its method and host. Put it
// around the chain, inside what starts the span:
//
//	otelhttp.NewHandler(otelstripeapps.Route(protect(mux)), "backend")
//
// otelhttp v0.72.0 names the span, and labels its metrics, after the pattern that a
// mux has found behind it, but sets http.route on the span only where it stands behind
// a mux itself. A request that is refused before it is routed has no route.
func Route(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { // after a panic too
			if i := strings.IndexByte(r.Pattern, '/'); i >= 0 {
				trace.SpanFromContext(r.Context()).SetAttributes(semconv.HTTPRoute(r.Pattern[i:]))
			}
		}()
		next.ServeHTTP(w, r)
	})
}
