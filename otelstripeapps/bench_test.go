package otelstripeapps_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/otelstripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// What the sets of attributes are made for beforehand.
func TestMetricsAllocateNothing(t *testing.T) {
	observe := newObserver(t, otelstripeapps.Config{MeterProvider: metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))})
	for name, verdict := range map[string]stripeapps.Verdict{
		"accepted":      {Request: signed("/")},
		"refused":       {Request: signed("/"), Err: stripeapps.ErrNoMatch},
		"refused later": {Request: signed("/"), Err: stripeapps.ErrRequirementNotMet, Later: true},
	} {
		assert.Zero(t, testing.AllocsPerRun(100, func() { observe(verdict) }), name)
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkObserve compares what a request costs with each observer, and without one.
func BenchmarkObserve(b *testing.B) {
	provider := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))
	otelObserve := newObserver(b, otelstripeapps.Config{MeterProvider: provider, SpanIdentity: true})
	tracer := trace.NewTracerProvider().Tracer("bench") // to no exporter
	for _, kind := range []string{"accepted", "refused"} {
		for _, peer := range []struct {
			name    string
			traced  bool
			observe func(stripeapps.Verdict)
		}{
			{"none", false, nil},
			{"LogRefusals", false, stripeapps.LogRefusals(slog.New(slog.NewTextHandler(io.Discard, nil)))},
			{"otel", false, otelObserve},
			{"none-in-span", true, nil},
			{"otel-in-span", true, otelObserve},
		} {
			b.Run("request="+kind+"/peer="+peer.name, func(b *testing.B) {
				verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
					Secrets: []string{stripeappstest.DefaultSecret}, Observe: peer.observe, Now: func() time.Time { return testNow },
				})
				require.NoError(b, err)
				handler := verifier.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
				r := signed("/")
				if kind == "refused" {
					r = signed("/", stripeappstest.Tampered())
				}
				payload, err := io.ReadAll(r.Body)
				require.NoError(b, err)
				content := bytes.NewReader(nil)
				w := discard{http.Header{}}
				b.ReportAllocs()
				for b.Loop() {
					content.Reset(payload)
					clear(w.header)
					r.Body = io.NopCloser(content)
					if !peer.traced {
						handler.ServeHTTP(w, r)
						continue
					}
					ctx, span := tracer.Start(r.Context(), "request")
					handler.ServeHTTP(w, r.WithContext(ctx))
					span.End()
				}
			})
		}
	}
}
