package otelstripeapps_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/otelstripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

var (
	testNow = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	payload = map[string]any{"action": "refund", "amount": 1250}

	errNoSuchRefund = stripeapps.NewError("no_such_refund", http.StatusNotFound, "there is no such refund")
	errLedgerDown   = stripeapps.NewError("ledger_down", http.StatusServiceUnavailable, "try again later")
)

// ticking returns a clock that is 2ms later each time: an accepted request reads it
// three times, and so takes 4ms.
func ticking() func() time.Time {
	now := testNow
	return func() time.Time {
		now = now.Add(time.Millisecond)
		return now
	}
}

// signed returns what the extension sends.
func signed(target string, options ...stripeappstest.Option) *http.Request {
	return stripeappstest.NewRequest(http.MethodPost, target, payload, append([]stripeappstest.Option{stripeappstest.At(testNow)}, options...)...)
}

// backend is a mux behind the chain, with routes that refuse for reasons of their own.
func backend(tb testing.TB, observe func(stripeapps.Verdict)) http.Handler {
	tb.Helper()
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		LabeledSecrets: []stripeapps.LabeledSecret{
			{Label: "new", Secret: stripeappstest.DefaultSecret}, {Label: "old", Secret: "absec_old"},
		},
		MaxBodyBytes: 1 << 10, Now: ticking(), Observe: observe,
	})
	require.NoError(tb, err)
	protect, err := stripeapps.New(stripeapps.Config{Verifier: verifier})
	require.NoError(tb, err)
	return protect(mux())
}

func mux() *http.ServeMux {
	mux := http.NewServeMux()
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	refuse := func(err error) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { stripeapps.Refuse(w, r, err) })
	}
	mux.Handle("POST /api/refunds/{id}", ok)
	mux.Handle("POST /api/payouts", stripeapps.Require(stripeapps.Action("payout"))(ok))
	mux.Handle("POST example.com/api/missing", refuse(errNoSuchRefund))
	mux.Handle("POST /api/down", refuse(errLedgerDown))
	mux.Handle("POST /api/broken", refuse(io.ErrUnexpectedEOF))
	return mux
}

func newObserver(tb testing.TB, cfg otelstripeapps.Config) func(stripeapps.Verdict) {
	tb.Helper()
	observe, err := otelstripeapps.NewObserver(cfg)
	require.NoError(tb, err)
	return observe
}

// meters returns a provider, and what it has been told.
func meters() (*metric.MeterProvider, *metric.ManualReader) {
	reader := metric.NewManualReader()
	return metric.NewMeterProvider(metric.WithReader(reader)), reader
}

func collect(tb testing.TB, reader *metric.ManualReader) metricdata.ScopeMetrics {
	tb.Helper()
	var collected metricdata.ResourceMetrics
	require.NoError(tb, reader.Collect(tb.Context(), &collected))
	require.Len(tb, collected.ScopeMetrics, 1)
	return collected.ScopeMetrics[0]
}

// points returns a line for each series, in order.
func points(tb testing.TB, reader *metric.ManualReader) []string {
	tb.Helper()
	var lines []string
	for _, m := range collect(tb, reader).Metrics {
		switch data := m.Data.(type) {
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				lines = append(lines, fmt.Sprintf("%s{%s} %d in %.3gs", m.Name, encoded(p.Attributes), p.Count, p.Sum))
			}
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				lines = append(lines, fmt.Sprintf("%s{%s} %d", m.Name, encoded(p.Attributes), p.Value))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func encoded(set attribute.Set) string { return set.Encoded(attribute.DefaultEncoder()) }

// traced serves r behind otelhttp, and returns the one span.
func traced(tb testing.TB, handler http.Handler, r *http.Request) trace.ReadOnlySpan {
	tb.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(recorder))
	otelhttp.NewHandler(handler, "backend", otelhttp.WithTracerProvider(provider), otelhttp.WithMeterProvider(noop.NewMeterProvider())).
		ServeHTTP(httptest.NewRecorder(), r)
	spans := recorder.Ended()
	require.Len(tb, spans, 1)
	return spans[0]
}

// own returns those attributes of a span that otelhttp does not set in front of a mux.
func own(span trace.ReadOnlySpan) []string {
	var lines []string
	for _, kv := range span.Attributes() {
		key, _, _ := strings.Cut(string(kv.Key), ".")
		if kv.Key == "http.route" || slices.Contains([]string{"stripeapps", "enduser", "error"}, key) {
			lines = append(lines, string(kv.Key)+"="+kv.Value.String())
		}
	}
	slices.SortFunc(lines, cmp.Compare[string])
	return lines
}
