package otelstripeapps_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/otelstripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// Each request is counted once by the histogram, and each refusal once by the counter.
func TestWhatIsMeasured(t *testing.T) {
	const duration, refusals = "stripeapps.verification.duration", "stripeapps.refusals"
	for _, test := range []struct {
		name    string
		request *http.Request
		want    []string
	}{
		{"an accepted request", signed("/api/refunds/re_1"), []string{
			duration + "{stripeapps.secret.label=new} 1 in 0.003s",
		}},
		{"one that is signed with the secret that goes", signed("/api/refunds/re_1", stripeappstest.WithSecret("absec_old")), []string{
			duration + "{stripeapps.secret.label=old} 1 in 0.003s",
		}},
		{"one that was tampered with", signed("/api/refunds/re_1", stripeappstest.Tampered()), []string{
			refusals + "{error.type=no_match,stripeapps.refusal.later=false} 1",
			duration + "{error.type=no_match} 1 in 0.003s",
		}},
		{"one that is not signed", signed("/api/refunds/re_1", stripeappstest.Unsigned()), []string{
			refusals + "{error.type=not_signed,stripeapps.refusal.later=false} 1",
			duration + "{error.type=not_signed} 1 in 0.001s",
		}},
		{"one whose signature covers the ids only", signed("/api/refunds/re_1", stripeappstest.OnlyIDsSigned()), []string{
			refusals + "{error.type=only_ids_signed,stripeapps.refusal.later=false} 1",
			duration + "{error.type=only_ids_signed} 1 in 0.003s",
		}},
		{"one that has the secret, but no identity", signed("/api/refunds/re_1", stripeappstest.WithUser("")), []string{
			refusals + "{error.type=no_identity,stripeapps.refusal.later=false} 1",
			duration + "{error.type=no_identity,stripeapps.secret.label=new} 1 in 0.003s",
		}},
		{"one that Require refuses", signed("/api/payouts"), []string{
			refusals + "{error.type=requirement_not_met,stripeapps.refusal.later=true} 1",
			duration + "{stripeapps.secret.label=new} 1 in 0.003s",
		}},
		{"one that is refused with a code of the configuration", signed("/api/missing"), []string{
			refusals + "{error.type=no_such_refund,stripeapps.refusal.later=true} 1",
			duration + "{stripeapps.secret.label=new} 1 in 0.003s",
		}},
		{"one that is refused with any other code", signed("/api/down"), []string{
			refusals + "{error.type=_OTHER,stripeapps.refusal.later=true} 1",
			duration + "{stripeapps.secret.label=new} 1 in 0.003s",
		}},
		{"one that is refused with an error of another type", signed("/api/broken"), []string{
			refusals + "{error.type=internal,stripeapps.refusal.later=true} 1",
			duration + "{stripeapps.secret.label=new} 1 in 0.003s",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			provider, reader := meters()
			observe := newObserver(t, otelstripeapps.Config{MeterProvider: provider, Codes: []string{"no_such_refund"}, SpanIdentity: true})
			backend(t, observe).ServeHTTP(httptest.NewRecorder(), test.request)
			assert.Equal(t, test.want, points(t, reader))
		})
	}
}

func TestTheInstrumentsAreNamedByTheConventions(t *testing.T) {
	provider, reader := meters()
	backend(t, newObserver(t, otelstripeapps.Config{MeterProvider: provider})).
		ServeHTTP(httptest.NewRecorder(), signed("/", stripeappstest.Unsigned()))
	collected := collect(t, reader)
	assert.Equal(t, "github.com/seed-8a2ffb75/stripeapps/otelstripeapps", collected.Scope.Name)
	assert.Equal(t, "https://opentelemetry.io/schemas/1.43.0", collected.Scope.SchemaURL)

	require.Len(t, collected.Metrics, 2)
	duration, refusals := collected.Metrics[0], collected.Metrics[1]
	assert.Equal(t, "stripeapps.verification.duration", duration.Name)
	assert.Equal(t, "s", duration.Unit)
	assert.Equal(t, "Duration of the verification of a request, waiting for its body included.", duration.Description)
	assert.Equal(t, []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10},
		duration.Data.(metricdata.Histogram[float64]).DataPoints[0].Bounds)
	assert.Equal(t, "stripeapps.refusals", refusals.Name)
	assert.Equal(t, "{refusal}", refusals.Unit)
	assert.Equal(t, "Refusals, by the verifier or later by Require or Refuse.", refusals.Description)
	assert.True(t, refusals.Data.(metricdata.Sum[int64]).IsMonotonic)
}

func TestTheSpanOfARequest(t *testing.T) {
	const identity = true
	for _, test := range []struct {
		name     string
		identity bool
		request  *http.Request
		spanName string
		want     []string
	}{
		{"is told the secret and the route", false, signed("/api/refunds/re_1"), "POST /api/refunds/{id}", []string{
			"http.route=/api/refunds/{id}", "stripeapps.secret.label=new",
		}},
		{"is told who it is if that is asked for", identity, signed("/api/refunds/re_1"), "POST /api/refunds/{id}", []string{
			"enduser.id=usr_test", "http.route=/api/refunds/{id}", "stripeapps.account.id=acct_test", "stripeapps.secret.label=new",
		}},
		{"is told a refusal, and neither a route nor who it says it is", identity, signed("/api/refunds/re_1", stripeappstest.Tampered()), "POST", []string{
			"stripeapps.refusal.code=no_match", "stripeapps.refusal.later=false",
		}},
		{"is told a refusal by a rule, and of whom", identity, signed("/api/payouts"), "POST /api/payouts", []string{
			"enduser.id=usr_test", "http.route=/api/payouts", "stripeapps.account.id=acct_test",
			"stripeapps.refusal.code=requirement_not_met", "stripeapps.refusal.later=true", "stripeapps.secret.label=new",
		}},
		{"is told every code, and the route without its host", false, signed("/api/missing"), "POST /api/missing", []string{
			"http.route=/api/missing", "stripeapps.refusal.code=no_such_refund", "stripeapps.refusal.later=true", "stripeapps.secret.label=new",
		}},
		{"is told an error if the backend is to blame", false, signed("/api/broken"), "POST /api/broken", []string{
			"error.type=internal", "http.route=/api/broken", "stripeapps.refusal.code=internal", "stripeapps.refusal.later=true", "stripeapps.secret.label=new",
		}},
		{"is told an error as metrics are", false, signed("/api/down"), "POST /api/down", []string{
			"error.type=_OTHER", "http.route=/api/down", "stripeapps.refusal.code=ledger_down", "stripeapps.refusal.later=true", "stripeapps.secret.label=new",
		}},
		{"is told no route where there is none", false, signed("/nowhere"), "POST", []string{"stripeapps.secret.label=new"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			observe := newObserver(t, otelstripeapps.Config{MeterProvider: noop.NewMeterProvider(), SpanIdentity: test.identity})
			span := traced(t, otelstripeapps.Route(backend(t, observe)), test.request)
			assert.Equal(t, test.want, own(span))
			assert.Equal(t, test.spanName, span.Name())
		})
	}
}

// The requests carry ids where nothing has to be verified to read them.
func TestWhoARefusedRequestSaysItIsIsNowhere(t *testing.T) {
	verifierConfig := stripeapps.VerifierConfig{
		Secrets: []string{stripeappstest.DefaultSecret}, Source: stripeapps.IDsInHeaders, Now: ticking(),
	}
	for _, test := range []struct {
		name    string
		options []stripeappstest.Option
	}{
		{"where it is not signed", []stripeappstest.Option{stripeappstest.Unsigned()}},
		{"where another secret has signed", []stripeappstest.Option{stripeappstest.WithOtherSecret()}},
		{"where it is too old", []stripeappstest.Option{stripeappstest.At(testNow.Add(-time.Hour))}},
		{"where an id is none", []stripeappstest.Option{stripeappstest.WithAccount("acct victim")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			provider, reader := meters()
			cfg := verifierConfig
			cfg.Observe = newObserver(t, otelstripeapps.Config{MeterProvider: provider, SpanIdentity: true})
			verifier, err := stripeapps.NewVerifier(cfg)
			require.NoError(t, err)
			options := append([]stripeappstest.Option{
				stripeappstest.At(testNow), stripeappstest.IDsInHeaders(), stripeappstest.WithUser("usr_victim"), stripeappstest.WithAccount("acct_victim"),
			}, test.options...)
			span := traced(t, verifier.Handler(mux()), stripeappstest.NewRequest(http.MethodGet, "/api", nil, options...))
			assert.NotContains(t, fmt.Sprint(points(t, reader), span.Attributes(), span.Events(), span.Status()), "victim")
			assert.Contains(t, fmt.Sprint(own(span)), "stripeapps.refusal.code=")
		})
	}
}

// A handler can go on with a context of its own.
func TestTheSpanIsTheOneInTheRequestsContext(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	tracer := trace.NewTracerProvider(trace.WithSpanProcessor(recorder)).Tracer("test")
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		Secrets: []string{stripeappstest.DefaultSecret}, Now: ticking(),
		Observe: newObserver(t, otelstripeapps.Config{MeterProvider: noop.NewMeterProvider(), SpanIdentity: true}),
	})
	require.NoError(t, err)
	handler := verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, inner := tracer.Start(r.Context(), "inner")
		defer inner.End()
		stripeapps.Refuse(w, r.WithContext(ctx), errNoSuchRefund)
	}))
	r := signed("/")
	ctx, outer := tracer.Start(r.Context(), "outer")
	handler.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
	outer.End()

	spans := recorder.Ended()
	require.Len(t, spans, 2)
	assert.Equal(t, []string{"stripeapps.refusal.code=no_such_refund", "stripeapps.refusal.later=true"}, own(spans[0]))
	assert.Equal(t, []string{"enduser.id=usr_test", "stripeapps.account.id=acct_test"}, own(spans[1]))
}

// See VerifierConfig.InsecureAllowMissingUser.
func TestAUserWhoIsMissingIsNoAttribute(t *testing.T) {
	observe := newObserver(t, otelstripeapps.Config{MeterProvider: noop.NewMeterProvider(), SpanIdentity: true})
	span := traced(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		observe(stripeapps.Verdict{Request: r, Identity: stripeapps.Identity{AccountID: "acct_1"}})
	}), signed("/"))
	assert.Equal(t, []string{"stripeapps.account.id=acct_1"}, own(span))
}

func TestAnObserverIsSafeForConcurrentUse(t *testing.T) {
	provider, reader := meters()
	observe := newObserver(t, otelstripeapps.Config{MeterProvider: provider})
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for _, label := range []string{"", "new", "old"} {
				observe(stripeapps.Verdict{Err: stripeapps.ErrNoIdentity, SecretLabel: label})
			}
		})
	}
	callers.Wait()
	const duration = "stripeapps.verification.duration{error.type=no_identity"
	assert.Equal(t, []string{
		"stripeapps.refusals{error.type=no_identity,stripeapps.refusal.later=false} 24",
		duration + ",stripeapps.secret.label=new} 8 in 0s", duration + ",stripeapps.secret.label=old} 8 in 0s", duration + "} 8 in 0s",
	}, points(t, reader))
}

func TestAnExemplarLeadsToTheTrace(t *testing.T) {
	provider, reader := meters()
	span := traced(t, backend(t, newObserver(t, otelstripeapps.Config{MeterProvider: provider})), signed("/api/payouts"))
	id := span.SpanContext().TraceID()
	metrics := collect(t, reader).Metrics
	require.Len(t, metrics, 2)
	ofDuration := metrics[0].Data.(metricdata.Histogram[float64]).DataPoints[0].Exemplars
	require.Len(t, ofDuration, 1)
	assert.Equal(t, id[:], ofDuration[0].TraceID)
	ofRefusal := metrics[1].Data.(metricdata.Sum[int64]).DataPoints[0].Exemplars
	require.Len(t, ofRefusal, 1)
	assert.Equal(t, id[:], ofRefusal[0].TraceID)
}

func TestAVerdictMadeByHandIsMeasuredToo(t *testing.T) {
	for _, test := range []struct {
		name    string
		verdict stripeapps.Verdict
		want    []string
	}{
		{"without a request", stripeapps.Verdict{Duration: time.Second}, []string{"stripeapps.verification.duration{} 1 in 1s"}},
		{"of a clock that was set back", stripeapps.Verdict{Duration: -time.Second}, []string{"stripeapps.verification.duration{} 1 in 0s"}},
		{"with an error of another type", stripeapps.Verdict{Err: errors.New("usr_1")}, []string{
			"stripeapps.refusals{error.type=_OTHER,stripeapps.refusal.later=false} 1", "stripeapps.verification.duration{error.type=_OTHER} 1 in 0s",
		}},
		{"with an error that is nil", stripeapps.Verdict{Err: (*stripeapps.Error)(nil), Later: true}, []string{
			"stripeapps.refusals{error.type=_OTHER,stripeapps.refusal.later=true} 1",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			provider, reader := meters()
			newObserver(t, otelstripeapps.Config{MeterProvider: provider})(test.verdict)
			assert.Equal(t, test.want, points(t, reader))
		})
	}
}

func TestWithoutAProviderTheGlobalOneIsUsed(t *testing.T) {
	former := otel.GetMeterProvider()
	t.Cleanup(func() { otel.SetMeterProvider(former) })
	provider, reader := meters()
	otel.SetMeterProvider(provider)
	newObserver(t, otelstripeapps.Config{})(stripeapps.Verdict{})
	assert.Equal(t, []string{"stripeapps.verification.duration{} 1 in 0s"}, points(t, reader))
}

// failing is a provider whose instruments cannot be made.
type failing struct{ noop.MeterProvider }

type failingMeter struct{ noop.Meter }

func (failing) Meter(string, ...metric.MeterOption) metric.Meter { return failingMeter{} }

func (failingMeter) Float64Histogram(string, ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return nil, errors.New("no histogram")
}

func (failingMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errors.New("no counter")
}

func TestABadConfigurationIsAnError(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  otelstripeapps.Config
		want string
	}{
		{"an empty code", otelstripeapps.Config{Codes: []string{"a", ""}}, `otelstripeapps: Codes[1] is "", which is no code of an error`},
		{"the code of all others", otelstripeapps.Config{Codes: []string{"_OTHER"}}, `otelstripeapps: Codes[0] is "_OTHER", which is no code of an error`},
		{"a code twice", otelstripeapps.Config{Codes: []string{"a", "a"}},
			`otelstripeapps: Codes[1] is "a", which is known already: give the codes of your own errors, each once`},
		{"a code of stripeapps", otelstripeapps.Config{Codes: []string{"internal"}},
			`otelstripeapps: Codes[0] is "internal", which is known already: give the codes of your own errors, each once`},
		{"too many codes", otelstripeapps.Config{Codes: make([]string, 101)},
			"otelstripeapps: Codes has 101 entries, more than 100: each makes series of its own"},
		{"all that is wrong", otelstripeapps.Config{Codes: []string{""}, MeterProvider: failing{}},
			"otelstripeapps: Codes[0] is \"\", which is no code of an error\nno histogram\nno counter"},
	} {
		t.Run(test.name, func(t *testing.T) {
			observe, err := otelstripeapps.NewObserver(test.cfg)
			assert.EqualError(t, err, test.want)
			assert.Nil(t, observe)
		})
	}
	codes := make([]string, 100)
	for i := range codes {
		codes[i] = fmt.Sprint("code_", i)
	}
	newObserver(t, otelstripeapps.Config{Codes: codes})
}

// Every code of the table of refusals is told apart from others, but for those of
// package cspreport, which has no Verifier.
func TestEveryCodeIsKnown(t *testing.T) {
	page, err := os.ReadFile("../docs/refusals.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| .*$").FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(rows), 15)
	for _, row := range rows {
		if strings.Contains(row[0], "`cspreport`") {
			continue
		}
		_, err := otelstripeapps.NewObserver(otelstripeapps.Config{Codes: []string{row[1]}})
		assert.ErrorContains(t, err, "is known already", row[1])
	}
}
