package otelstripeapps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// ScopeName is the name of the instrumentation scope of the metrics.
const ScopeName = "github.com/seed-8a2ffb75/stripeapps/otelstripeapps"

// Config configures NewObserver. Its zero value is ready to use.
type Config struct {
	// MeterProvider makes the metrics. nil means otel.GetMeterProvider().
	MeterProvider metric.MeterProvider

	// Codes are those of your own errors (stripeapps.NewError) that metrics tell
	// apart. stripeapps' codes are known. All others together are _OTHER, so that an
	// error made at run time cannot make ever more series. At most 100.
	Codes []string

	// SpanIdentity puts who a verified request comes from on its span: Identity.UserID
	// as enduser.id and Identity.AccountID as stripeapps.account.id. The conventions
	// call such an id personal data: see first who can read your traces, and for how
	// long they are kept.
	SpanIdentity bool
}

const maxCodes = 100

const (
	refusalCodeKey  = attribute.Key("stripeapps.refusal.code")
	refusalLaterKey = attribute.Key("stripeapps.refusal.later")
	secretLabelKey  = attribute.Key("stripeapps.secret.label")
	accountIDKey    = attribute.Key("stripeapps.account.id")
)

// knownCodes returns the codes that a Verifier, Require, Refuse and package replay
// refuse with.
func knownCodes() []string {
	codes := []string{"internal"} // has no variable
	for _, e := range []*stripeapps.Error{
		replay.ErrReplayed, replay.ErrNoNonce, replay.ErrUnavailable,
		stripeapps.ErrNotSigned, stripeapps.ErrMalformedSignature, stripeapps.ErrNoMatch, stripeapps.ErrTooOld,
		stripeapps.ErrTooNew, stripeapps.ErrBodyTooLarge, stripeapps.ErrBodyUnreadable, stripeapps.ErrMalformedIDs,
		stripeapps.ErrNoPayload, stripeapps.ErrNoIdentity, stripeapps.ErrOnlyIDsSigned, stripeapps.ErrInstallSignature,
		stripeapps.ErrUnexpectedPayload, stripeapps.ErrExtensionSignature, stripeapps.ErrRequirementNotMet,
		stripeapps.ErrNotVerified,
	} {
		codes = append(codes, e.Code())
	}
	return codes
}

// outcome is how metrics tell one kind of verdict from another. Its sets are made
// once, since making one allocates.
type outcome struct {
	attributes []attribute.KeyValue
	duration   []metric.RecordOption
	refused    []metric.AddOption
	later      []metric.AddOption
}

func newOutcome(attributes ...attribute.KeyValue) *outcome {
	with := func(more ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributes(slices.Concat(attributes, more)...)
	}
	return &outcome{
		attributes: attributes,
		duration:   []metric.RecordOption{with()},
		refused:    []metric.AddOption{with(refusalLaterKey.Bool(false))},
		later:      []metric.AddOption{with(refusalLaterKey.Bool(true))},
	}
}

type observer struct {
	duration metric.Float64Histogram
	refusals metric.Int64Counter
	accepted *outcome
	refused  map[string]*outcome // by code
	other    *outcome
	identity bool
}

// NewObserver returns a function for stripeapps.VerifierConfig.Observe, or an error
// that names all that is wrong with cfg. It is safe for concurrent use, and Verifiers can
// share it. It reads no payload. To log too, call both: see stripeapps.LogRefusals.
func NewObserver(cfg Config) (func(stripeapps.Verdict), error) {
	o := &observer{
		accepted: newOutcome(), refused: map[string]*outcome{}, other: newOutcome(semconv.ErrorTypeOther),
		identity: cfg.SpanIdentity,
	}
	for _, code := range knownCodes() {
		o.refused[code] = newOutcome(semconv.ErrorTypeKey.String(code))
	}
	errs := []error{o.addCodes(cfg.Codes)}

	provider := cfg.MeterProvider
	if provider == nil {
		provider = otel.GetMeterProvider()
	}
	meter := provider.Meter(ScopeName, metric.WithSchemaURL(semconv.SchemaURL))
	var err error
	o.duration, err = meter.Float64Histogram("stripeapps.verification.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of the verification of a request, waiting for its body included."),
		// Those of http.server.request.duration: a verification waits for the body.
		metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10))
	errs = append(errs, err)
	o.refusals, err = meter.Int64Counter("stripeapps.refusals", metric.WithUnit("{refusal}"),
		metric.WithDescription("Refusals, by the verifier or later by Require or Refuse."))
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return o.observe, nil
}

func (o *observer) addCodes(codes []string) error {
	if len(codes) > maxCodes {
		return fmt.Errorf("otelstripeapps: Codes has %d entries, more than %d: each makes series of its own", len(codes), maxCodes)
	}
	var errs []error
	for i, code := range codes {
		switch {
		case code == "" || code == semconv.ErrorTypeOther.Value.AsString():
			errs = append(errs, fmt.Errorf("otelstripeapps: Codes[%d] is %q, which is no code of an error", i, code))
		case o.refused[code] != nil:
			errs = append(errs, fmt.Errorf("otelstripeapps: Codes[%d] is %q, which is known already: give the codes of your own errors, each once", i, code))
		default:
			o.refused[code] = newOutcome(semconv.ErrorTypeKey.String(code))
		}
	}
	return errors.Join(errs...)
}

func (o *observer) observe(v stripeapps.Verdict) {
	ctx := context.Background()
	if v.Request != nil {
		ctx = v.Request.Context()
	}
	var refusal *stripeapps.Error
	out := o.accepted
	if v.Err != nil {
		refusal, _ = v.Err.(*stripeapps.Error)
		if out = o.other; refusal != nil && o.refused[refusal.Code()] != nil {
			out = o.refused[refusal.Code()]
		}
	}
	o.measure(ctx, v, out)
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.SetAttributes(o.describe(v, refusal, out)...)
	}
}

func (o *observer) measure(ctx context.Context, v stripeapps.Verdict, out *outcome) {
	if v.Later {
		o.refusals.Add(ctx, 1, out.later...)
		return // its verification has been measured
	}
	options := out.duration
	if v.SecretLabel != "" { // of those in the configuration: there are few
		options = []metric.RecordOption{metric.WithAttributes(append(slices.Clip(out.attributes), secretLabelKey.String(v.SecretLabel))...)}
	}
	o.duration.Record(ctx, max(0, v.Duration.Seconds()), options...) // a clock can be set back
	if v.Err != nil {
		o.refusals.Add(ctx, 1, out.refused...)
	}
}

// describe returns the attributes of the span.
func (o *observer) describe(v stripeapps.Verdict, refusal *stripeapps.Error, out *outcome) []attribute.KeyValue {
	attributes := make([]attribute.KeyValue, 0, 4)
	if v.SecretLabel != "" {
		attributes = append(attributes, secretLabelKey.String(v.SecretLabel))
	}
	if refusal != nil {
		attributes = append(attributes, refusalCodeKey.String(refusal.Code()), refusalLaterKey.Bool(v.Later))
		if refusal.Status() >= http.StatusInternalServerError {
			attributes = append(attributes, out.attributes...)
		}
	}
	if o.identity && v.Err == nil {
		if v.Identity.UserID != "" { // see VerifierConfig.InsecureAllowMissingUser
			attributes = append(attributes, semconv.EnduserID(v.Identity.UserID))
		}
		attributes = append(attributes, accountIDKey.String(v.Identity.AccountID))
	}
	return attributes
}
