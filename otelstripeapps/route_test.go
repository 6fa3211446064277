package otelstripeapps_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/seed-8a2ffb75/stripeapps/otelstripeapps"
)

// What otelhttp does of itself: once it sets http.route here, Route has no use.
func TestOtelhttpAloneNamesTheSpanAfterTheRoute(t *testing.T) {
	span := traced(t, backend(t, nil), signed("/api/refunds/re_1"))
	assert.Equal(t, "POST /api/refunds/{id}", span.Name())
	assert.Empty(t, own(span))
}

func TestOtelhttpLabelsItsMetricsWithTheRoute(t *testing.T) {
	provider, reader := meters()
	handler := otelhttp.NewHandler(backend(t, nil), "backend", otelhttp.WithMeterProvider(provider))
	handler.ServeHTTP(httptest.NewRecorder(), signed("/api/refunds/re_1"))
	assert.Contains(t, points(t, reader)[0], "http.route=/api/refunds/{id}")
}

func TestTheRouteBehindAMuxIsThatOfTheInnerOne(t *testing.T) {
	outer := http.NewServeMux()
	outer.Handle("/api/", backend(t, nil))
	span := traced(t, otelstripeapps.Route(outer), signed("/api/refunds/re_1"))
	assert.Equal(t, []string{"http.route=/api/refunds/{id}"}, own(span))
}

func TestRouteNeedsNoSpan(t *testing.T) {
	w := httptest.NewRecorder()
	otelstripeapps.Route(backend(t, nil)).ServeHTTP(w, signed("/api/refunds/re_1"))
	assert.Equal(t, "ok", w.Body.String())
}

func TestTheRouteOfAHandlerThatPanicsIsKnown(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/refunds/{id}", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	handler := otelstripeapps.Route(mux)
	span := traced(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() { handler.ServeHTTP(w, r) })
	}), signed("/api/refunds/re_1"))
	assert.Equal(t, []string{"http.route=/api/refunds/{id}"}, own(span))
}
