package otelstripeapps_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/otelstripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// A backend with metrics and traces: otelhttp starts the span, Route tells it the
// route, and the observer tells it, and the metrics, what the chain decides.
func Example() {
	// What your backend has already, with exporters instead of these.
	reader, spans := metric.NewManualReader(), tracetest.NewSpanRecorder()
	meterProvider := metric.NewMeterProvider(metric.WithReader(reader))
	tracerProvider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))

	observe, err := otelstripeapps.NewObserver(otelstripeapps.Config{MeterProvider: meterProvider})
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		Secrets: []string{stripeappstest.DefaultSecret},
		Observe: observe,
	})
	if err != nil {
		log.Fatal(err)
	}
	protect, err := stripeapps.New(stripeapps.Config{Verifier: verifier})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	payOut := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "paid out") }
	mux.Handle("POST /api/payouts/{id}", stripeapps.Require(stripeapps.Action("payout"))(http.HandlerFunc(payOut)))
	options := []otelhttp.Option{otelhttp.WithTracerProvider(tracerProvider), otelhttp.WithMeterProvider(meterProvider)}
	handler := otelhttp.NewHandler(otelstripeapps.Route(protect(mux)), "backend", options...)

	// What the extension sends.
	const target = "/api/payouts/po_1"
	payout, refund := map[string]any{"action": "payout"}, map[string]any{"action": "refund"}
	for _, r := range []*http.Request{
		stripeappstest.NewRequest(http.MethodPost, target, payout),
		stripeappstest.NewRequest(http.MethodPost, target, refund),
		stripeappstest.NewRequest(http.MethodPost, target, payout, stripeappstest.Expired()),
		stripeappstest.NewRequest(http.MethodPost, target, payout, stripeappstest.Unsigned()),
	} {
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}

	for _, span := range spans.Ended() {
		fmt.Println(span.Name())
		for _, kv := range span.Attributes() {
			switch kv.Key {
			case "http.route", "http.response.status_code", "stripeapps.refusal.code", "stripeapps.refusal.later":
				fmt.Printf("  %s=%s\n", kv.Key, kv.Value.String())
			}
		}
	}
	var collected metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &collected); err != nil {
		log.Fatal(err)
	}
	for _, scope := range collected.ScopeMetrics {
		if scope.Scope.Name != otelstripeapps.ScopeName {
			continue // otelhttp's own
		}
		for _, m := range scope.Metrics {
			printPoints(m)
		}
	}

	// Unordered output:
	// POST /api/payouts/{id}
	//   http.route=/api/payouts/{id}
	//   http.response.status_code=200
	// POST /api/payouts/{id}
	//   stripeapps.refusal.code=requirement_not_met
	//   stripeapps.refusal.later=true
	//   http.route=/api/payouts/{id}
	//   http.response.status_code=403
	// POST
	//   stripeapps.refusal.code=too_old
	//   stripeapps.refusal.later=false
	//   http.response.status_code=401
	// POST
	//   stripeapps.refusal.code=not_signed
	//   stripeapps.refusal.later=false
	//   http.response.status_code=401
	// stripeapps.verification.duration{} count 2
	// stripeapps.verification.duration{error.type=not_signed} count 1
	// stripeapps.verification.duration{error.type=too_old} count 1
	// stripeapps.refusals{error.type=requirement_not_met,stripeapps.refusal.later=true} 1
	// stripeapps.refusals{error.type=not_signed,stripeapps.refusal.later=false} 1
	// stripeapps.refusals{error.type=too_old,stripeapps.refusal.later=false} 1
}

func printPoints(m metricdata.Metrics) {
	switch data := m.Data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			fmt.Printf("%s{%s} count %d\n", m.Name, p.Attributes.Encoded(attribute.DefaultEncoder()), p.Count)
		}
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			fmt.Printf("%s{%s} %d\n", m.Name, p.Attributes.Encoded(attribute.DefaultEncoder()), p.Value)
		}
	}
}
