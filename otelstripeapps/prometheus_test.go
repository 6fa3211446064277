package otelstripeapps_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/seed-8a2ffb75/stripeapps/otelstripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

func TestWhatPrometheusScrapes(t *testing.T) {
	registry := prom.NewRegistry()
	exporter, err := prometheus.New(prometheus.WithRegisterer(registry), prometheus.WithoutScopeInfo(), prometheus.WithoutTargetInfo())
	require.NoError(t, err)
	handler := backend(t, newObserver(t, otelstripeapps.Config{MeterProvider: metric.NewMeterProvider(metric.WithReader(exporter))}))
	for _, r := range []*http.Request{
		signed("/api/refunds/re_1"), signed("/api/payouts"), signed("/api/payouts", stripeappstest.Tampered()),
	} {
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}

	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer server.Close()
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, `# HELP stripeapps_refusals_total Refusals, by the verifier or later by Require or Refuse.
# TYPE stripeapps_refusals_total counter
stripeapps_refusals_total{error_type="no_match",stripeapps_refusal_later="false"} 1
stripeapps_refusals_total{error_type="requirement_not_met",stripeapps_refusal_later="true"} 1
# HELP stripeapps_verification_duration_seconds Duration of the verification of a request, waiting for its body included.
# TYPE stripeapps_verification_duration_seconds histogram
`+histogram(`stripeapps_secret_label="new"`, 2, "0.006")+histogram(`error_type="no_match"`, 1, "0.003"), string(body))

	block := regexp.MustCompile("(?s)```text\n(.+?)```\n").FindStringSubmatch(page(t))
	require.NotNil(t, block)
	for line := range strings.Lines(block[1]) {
		assert.Contains(t, string(body), line, "in docs/observability.md")
	}
}

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/observability.md")
	require.NoError(t, err)
	return string(text)
}

func TestThePageShowsWhatTheExampleDoes(t *testing.T) {
	example, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	lines := regexp.MustCompile(`(?m)^    (.* := .*)$`).FindAllStringSubmatch(page(t), -1)
	require.NotEmpty(t, lines)
	for _, line := range lines {
		assert.Contains(t, string(example), "\t"+line[1]+"\n")
	}
}

// histogram returns the lines of a series whose values are all in the first bucket.
func histogram(labels string, count int, sum string) string {
	var lines strings.Builder
	const name = "stripeapps_verification_duration_seconds"
	for _, le := range strings.Fields("0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 +Inf") {
		fmt.Fprintf(&lines, "%s_bucket{%s,le=%q} %d\n", name, labels, le, count)
	}
	fmt.Fprintf(&lines, "%[1]s_sum{%[2]s} %[4]s\n%[1]s_count{%[2]s} %[3]d\n", name, labels, count, sum)
	return lines.String()
}
