package events

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

// Outcome is what has become of a delivery.
type Outcome string

const (
	// Succeeded: the handler returned nil. Stripe gets 200.
	Succeeded Outcome = "succeeded"
	// Duplicate: the event has been handled before. Stripe gets 200.
	Duplicate Outcome = "duplicate"
	// Ignored: there is no handler for its type. Stripe gets 200.
	Ignored Outcome = "ignored"
	// OtherMode: Config.Accept does not accept its mode. Stripe gets 200.
	OtherMode Outcome = "other_mode"
	// OtherApp: it is an apps.install.… of another app than Config.App, or that is empty.
	// Stripe gets 200.
	OtherApp Outcome = "other_app"
	// Failed: the handler returned an error, or panicked. Stripe gets 500, and sends
	// the event again.
	Failed Outcome = "failed"
	// Refused: the handler was not called, for the reason that Result.Err has. If it
	// is from Stripe, it is sent again.
	Refused Outcome = "refused"
)

// Result is what an Endpoint has done with one delivery, for Config.Observe.
type Result struct {
	// Request is the request as it came, or nil for Handle. Its body is consumed.
	Request *http.Request
	// Event is the event, or the zero Event if it was not verified or not readable.
	Event Event
	// Outcome is what has become of it.
	Outcome Outcome
	// Err is, or wraps, the *stripeapps.Error of a delivery that Failed or was Refused.
	// It also wraps ErrUnavailable if it Succeeded but the Guard could not be told: if
	// Stripe sends the event again it can be handled again.
	Err error
	// Time is when the delivery came, by the Endpoint's clock.
	Time time.Time
	// Duration is how long it took, waiting for the body included.
	Duration time.Duration

	header string
}

// LogResults returns a function for Config.Observe that gives logger a line for each
// delivery:
//
//	stripeapps: event outcome=failed type=invoice.paid event=evt_123 livemode=true code=handler_failed status=500 detail="the event …"
//
// The level is Debug where Stripe gets a 2xx; Info where the request is to blame; and
// Error where the backend is (a status of 500 or more, or a Guard that could not be
// told). The names of the attributes are part of this package's API. Type, event and
// livemode are there if the event was verified; code, status and detail if there is an
// error, but of one that Succeeded its code alone, as Stripe gets 200. Not logged is what the error wraps, which can hold anything: log a handler's
// errors in the handler, or those in Result.Err, if you know them to be harmless.
//
// It panics if logger is nil.
func LogResults(logger *slog.Logger) func(Result) {
	if logger == nil {
		panic("events: LogResults needs a logger")
	}
	return func(result Result) {
		level := slog.LevelDebug
		attrs := []slog.Attr{slog.String("outcome", string(result.Outcome))}
		if event := &result.Event; event.ID != "" {
			attrs = append(attrs, slog.String("type", event.Type), slog.String("event", event.ID), slog.Bool("livemode", event.Livemode))
		}
		if e := (*stripeapps.Error)(nil); errors.As(result.Err, &e) {
			level = slog.LevelInfo
			if e.Status() >= http.StatusInternalServerError {
				level = slog.LevelError
			}
			attrs = append(attrs, slog.String("code", e.Code()))
			if result.Outcome != Succeeded {
				attrs = append(attrs, slog.Int("status", e.Status()), slog.String("detail", e.Detail()))
			}
		}
		ctx := context.Background()
		if result.Request != nil {
			ctx = result.Request.Context()
		}
		logger.LogAttrs(ctx, level, "stripeapps: event", attrs...)
	}
}
