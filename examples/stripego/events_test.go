package stripego_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85"

	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
)

// receive sends an event to an endpoint with a handler, as Stripe does.
func receive(r *http.Request, handler events.Handler) {
	endpoint, err := events.NewEndpoint(events.Config{
		Secrets: []string{stripeappstest.DefaultEventSecret},
		Accept:  events.LiveOnly,
		Other:   handler,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, r)
	fmt.Println(w.Code)
}

// isOfThisRelease reports whether stripe-go's types fit a snapshot event: the version of
// the API that it is written in is of the same release (the word behind the date). Give
// your webhook endpoint that version in the Dashboard.
func isOfThisRelease(event events.Event) bool {
	_, ours, _ := strings.Cut(stripe.APIVersion, ".")
	_, theirs, _ := strings.Cut(event.APIVersion, ".")
	return ours == theirs
}

// A snapshot event is verified already: it need not go through ConstructEvent, which
// takes one secret only.
func Example_snapshotEvent() {
	r := stripeappstest.NewEvent("/stripe/events", "charge.succeeded", `{"id":"ch_1","object":"charge","amount":1250,"currency":"eur"}`,
		stripeappstest.WithAccount("acct_123"))

	receive(r, func(_ context.Context, event events.Event) error {
		if !isOfThisRelease(event) {
			fmt.Println("written in another version of the API than stripe-go's: fetch the object instead, or read the few members that you need")
		}
		var full stripe.Event
		if err := json.Unmarshal(event.Raw, &full); err != nil {
			return err
		}
		var charge stripe.Charge
		if err := json.Unmarshal(full.Data.Raw, &charge); err != nil {
			return err
		}
		fmt.Println(full.Type, full.Account, charge.ID, charge.Amount, charge.Currency)
		return nil
	})
	// Output:
	// written in another version of the API than stripe-go's: fetch the object instead, or read the few members that you need
	// charge.succeeded acct_123 ch_1 1250 eur
	// 200
}

// A thin event becomes one of stripe-go's event notifications, each of which has a type
// of its own, and fetches what it is about for the account that it happened in.
func Example_thinEvent() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path, r.Header.Get("Stripe-Context"))
		fmt.Fprint(w, `{"id":"mtr_123","object":"billing.meter","display_name":"Requests"}`)
	}))
	defer api.Close()
	client := stripe.NewClient("sk_test_123", stripe.WithBackends(stripe.NewBackendsWithConfig(&stripe.BackendConfig{URL: &api.URL})))

	r := stripeappstest.NewEvent("/stripe/events", "v1.billing.meter.error_report_triggered",
		`{"id":"mtr_123","type":"billing.meter","url":"/v1/billing/meters/mtr_123"}`, stripeappstest.WithAccount("acct_123"))

	receive(r, func(ctx context.Context, event events.Event) error {
		notification, err := stripe.EventNotificationFromJSON(event.Raw, *client)
		if err != nil {
			return err
		}
		switch notification := notification.(type) {
		case *stripe.V1BillingMeterErrorReportTriggeredEventNotification:
			meter, err := notification.FetchRelatedObject(ctx)
			if err != nil {
				return err
			}
			fmt.Println(meter.ID, meter.DisplayName)
		case *stripe.UnknownEventNotification: // a type that is newer than stripe-go
			fmt.Println(notification.Type, notification.RelatedObject)
		}
		return nil
	})
	// Output:
	// GET /v1/billing/meters/mtr_123 acct_123
	// mtr_123 Requests
	// 200
}

// What stripe-go reads is what was verified, for all golden events.
func TestStripeGoReadsTheSameEvents(t *testing.T) {
	client := stripe.NewClient("sk_test_123")
	snapshots, thins := 0, 0
	for _, vector := range golden.Events() {
		if vector.Expect != "accepted" {
			continue
		}
		event, err := events.ParseUnverified([]byte(vector.Payload))
		require.NoError(t, err)
		if event.Thin {
			thins++
			container, err := stripe.EventNotificationFromJSON(event.Raw, *client)
			require.NoError(t, err, vector.Name)
			got := container.GetEventNotification()
			assert.Equal(t, []any{event.ID, event.Type, event.Livemode, event.Created}, []any{got.ID, got.Type, got.Livemode, got.Created.UTC()}, vector.Name)
			context := ""
			if got.Context != nil {
				context = strings.Join(got.Context.Segments, "/")
			}
			assert.Equal(t, event.Context, context, vector.Name)
			continue
		}
		snapshots++
		var got stripe.Event
		require.NoError(t, json.Unmarshal(event.Raw, &got), vector.Name)
		assert.Equal(t, []any{event.ID, event.Type, event.Livemode, event.Created.Unix(), event.APIVersion, event.Context},
			[]any{got.ID, string(got.Type), got.Livemode, got.Created, got.APIVersion, got.Context}, vector.Name)
		assert.JSONEq(t, string(event.Object), string(got.Data.Raw), vector.Name)
		if got.Account != "" {
			assert.Equal(t, event.Account, got.Account, vector.Name)
		}
	}
	assert.Greater(t, snapshots, 10)
	assert.Greater(t, thins, 5)
}

// ConstructEvent accepts what this library accepts, with one secret of several, and
// refuses what it refuses of forged ones.
func TestStripeGoAcceptsWhatIsAccepted(t *testing.T) {
	for _, vector := range golden.Events() {
		accepted := false
		for _, secret := range vector.Secrets {
			err := stripe.ValidatePayload([]byte(vector.Payload), vector.Header, secret, stripe.WithIgnoreTolerance())
			accepted = accepted || err == nil
		}
		switch vector.Expect {
		case "accepted", "malformed_event", "too_old", "too_new": // stripe-go checks the signature alone
			assert.True(t, accepted, vector.Name)
		case "no_match", "not_signed":
			assert.False(t, accepted, vector.Name)
		}
	}
}
