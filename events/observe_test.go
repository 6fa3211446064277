package events_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/events"
)

func withoutTime(_ []string, attr slog.Attr) slog.Attr {
	if attr.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return attr
}

func TestLogResults(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  events.Config
		edit func(*http.Request)
		want string
	}{
		{"handled", events.Config{}, nil,
			"level=DEBUG msg=\"stripeapps: event\" outcome=succeeded type=invoice.paid event=evt_1 livemode=true\n"},
		{"ignored", events.Config{Handlers: map[string]events.Handler{"invoice.voided": nothing}}, nil,
			"level=DEBUG msg=\"stripeapps: event\" outcome=ignored type=invoice.paid event=evt_1 livemode=true\n"},
		{"of another mode", events.Config{Accept: events.TestOnly}, nil,
			"level=DEBUG msg=\"stripeapps: event\" outcome=other_mode type=invoice.paid event=evt_1 livemode=true\n"},
		{"handled before", events.Config{Guard: &guard{state: events.Handled}}, nil,
			"level=DEBUG msg=\"stripeapps: event\" outcome=duplicate type=invoice.paid event=evt_1 livemode=true\n"},
		{"being handled", events.Config{Guard: &guard{state: events.Running}}, nil,
			"level=INFO msg=\"stripeapps: event\" outcome=refused type=invoice.paid event=evt_1 livemode=true code=event_in_progress status=409 detail=\"another delivery of this event is being handled: send it again later\"\n"},
		{"failed", events.Config{Other: func(context.Context, events.Event) error { return errors.New("secret") }}, nil,
			"level=ERROR msg=\"stripeapps: event\" outcome=failed type=invoice.paid event=evt_1 livemode=true code=handler_failed status=500 detail=\"the event could not be handled: send it again later\"\n"},
		{"the Guard is down", events.Config{Guard: &guard{begin: errors.New("secret")}}, nil,
			"level=ERROR msg=\"stripeapps: event\" outcome=refused type=invoice.paid event=evt_1 livemode=true code=event_guard_unavailable status=503 detail=\"whether this event has been handled cannot be told at the moment: send it again later\"\n"},
		{"the Guard cannot be told of a success", events.Config{Guard: &guard{state: events.Begun, end: errors.New("secret")}}, nil,
			"level=ERROR msg=\"stripeapps: event\" outcome=succeeded type=invoice.paid event=evt_1 livemode=true code=event_guard_unavailable\n"},
		{"not verified", events.Config{}, func(r *http.Request) { r.Header.Del("Stripe-Signature") },
			"level=INFO msg=\"stripeapps: event\" outcome=refused code=not_signed status=401 detail=\"the request has no Stripe-Signature header: Stripe sends one with each event, so see whether a proxy drops it\"\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var logged bytes.Buffer
			test.cfg.Observe = events.LogResults(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime})))
			r := newRequest(snapshot("evt_1", testType))
			if test.edit != nil {
				test.edit(r)
			}
			serve(t, newEndpoint(t, test.cfg), r)
			assert.Equal(t, test.want, logged.String())
		})
	}
}

func TestLogResultsNeedsALogger(t *testing.T) {
	assert.PanicsWithValue(t, "events: LogResults needs a logger", func() { events.LogResults(nil) })
}

func TestLogResultsHandsTheContextOn(t *testing.T) {
	type key struct{}
	var seen []any
	observe := events.LogResults(slog.New(contextHandler{slog.DiscardHandler, func(ctx context.Context) { seen = append(seen, ctx.Value(key{})) }}))
	r := newRequest(snapshot("evt_1", testType))
	endpoint := newEndpoint(t, events.Config{Observe: observe})
	assertServes(t, endpoint, r.WithContext(context.WithValue(r.Context(), key{}, "the request's")), 200, "")
	event, err := events.ParseUnverified([]byte(snapshot("evt_1", testType)))
	require.NoError(t, err)
	require.NoError(t, endpoint.Handle(t.Context(), event))
	assert.Equal(t, []any{"the request's", nil}, seen)
}

type contextHandler struct {
	slog.Handler
	see func(context.Context)
}

func (contextHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h contextHandler) Handle(ctx context.Context, _ slog.Record) error {
	h.see(ctx)
	return nil
}

func TestAResultHasItsTimes(t *testing.T) {
	clock := newClock()
	seen := &results{}
	endpoint := newEndpoint(t, events.Config{Now: clock.Now, Observe: seen.Observe, Other: func(context.Context, events.Event) error {
		clock.Advance(2 * time.Second)
		return nil
	}})
	r := newRequest(snapshot("evt_1", testType))
	assertServes(t, endpoint, r, 200, "")
	require.Len(t, seen.all, 1)
	assert.Equal(t, testNow, seen.all[0].Time)
	assert.Equal(t, 2*time.Second, seen.all[0].Duration)
	assert.Same(t, r, seen.all[0].Request)
	assert.Equal(t, "evt_1", seen.all[0].Event.ID)
}
