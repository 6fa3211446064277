package events_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
)

func goldenRequest(v golden.EventVector) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/stripe/events", strings.NewReader(v.Payload))
	if v.Header != "" {
		r.Header.Set("Stripe-Signature", v.Header)
	}
	return r
}

func TestGoldenEvents(t *testing.T) {
	accepted, refused, changes := 0, 0, 0
	for _, vector := range golden.Events() {
		t.Run(vector.Name, func(t *testing.T) {
			var got *events.Event
			endpoint := newEndpoint(t, events.Config{
				Secrets: vector.Secrets,
				Now:     func() time.Time { return time.Unix(vector.Clock, 0) },
				Other:   func(_ context.Context, event events.Event) error { got = &event; return nil },
			})
			verified, err := endpoint.Verify([]byte(vector.Payload), vector.Header)
			if vector.Expect != "accepted" {
				refused++
				var e *stripeapps.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, vector.Expect, e.Code())
				assertServes(t, endpoint, goldenRequest(vector), e.Status(), e.Code())
				assert.Nil(t, got)
				assert.Zero(t, verified)
				return
			}
			accepted++
			require.NoError(t, err)
			assertServes(t, endpoint, goldenRequest(vector), http.StatusOK, "")
			require.NotNil(t, got)
			assert.Equal(t, verified, *got)
			assertIsGolden(t, vector, verified)
			if vector.Event.Change != nil {
				changes++
			}
		})
	}
	assert.GreaterOrEqual(t, accepted, 20)
	assert.GreaterOrEqual(t, refused, 30)
	assert.GreaterOrEqual(t, changes, 10)
}

// assertIsGolden compares an event with what stripe-node reads.
func assertIsGolden(t *testing.T, vector golden.EventVector, got events.Event) {
	t.Helper()
	want := vector.Event
	assert.Equal(t, []any{want.ID, want.Type, want.Livemode, want.Account, want.Context, want.Thin, want.APIVersion},
		[]any{got.ID, got.Type, got.Livemode, got.Account, got.Context, got.Thin, got.APIVersion})
	assert.InDelta(t, want.Created, float64(got.Created.UnixNano())/1e9, 1e-6)
	assert.Equal(t, time.UTC, got.Created.Location())
	assert.Equal(t, vector.Payload, string(got.Raw))
	if want.Thin {
		assert.Nil(t, got.Object)
	} else {
		assert.JSONEq(t, string(want.Object), string(got.Object))
	}
	if want.Related == nil {
		assert.Zero(t, got.Related)
	} else {
		assert.Equal(t, events.Related(*want.Related), got.Related)
	}

	change, ok := got.Change()
	assert.Equal(t, want.Change != nil, ok)
	if want.Change == nil {
		assert.Zero(t, change)
		return
	}
	assert.Equal(t, events.Change{
		Kind: events.ChangeKind(want.Change.Kind), Account: want.Change.Account, Context: want.Context,
		Livemode: want.Livemode, App: want.Change.App, Status: want.Change.Status, Event: got,
	}, change)
}

// The reasons that an endpoint has in common with a Verifier are the Verifier's, with
// texts that fit.
func TestTheReasonsOfAVerifierAreFoundToo(t *testing.T) {
	for _, want := range []*stripeapps.Error{
		stripeapps.ErrNotSigned, stripeapps.ErrMalformedSignature, stripeapps.ErrNoMatch, stripeapps.ErrTooOld, stripeapps.ErrTooNew,
	} {
		found := false
		for _, vector := range golden.Events() {
			if vector.Expect != want.Code() {
				continue
			}
			found = true
			_, err := newEndpoint(t, events.Config{Secrets: vector.Secrets, Now: func() time.Time { return time.Unix(vector.Clock, 0) }}).
				Verify([]byte(vector.Payload), vector.Header)
			assert.ErrorIs(t, err, want)
			var e *stripeapps.Error
			require.True(t, errors.As(err, &e))
			assert.Equal(t, want.Status(), e.Status())
			assert.NotContains(t, e.Detail(), "fetchStripeSignature", "an extension's")
		}
		assert.True(t, found, want.Code())
	}
}
