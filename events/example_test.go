package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// send is what Stripe does.
func send(endpoint http.Handler, r *http.Request) {
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, r)
	fmt.Println(w.Code)
}

func ExampleNewEndpoint() {
	tokens := map[string]string{"acct_123": "what was stored when it was installed"}

	endpoint, err := events.NewEndpoint(events.Config{
		// In main: os.Getenv("STRIPE_WEBHOOK_SECRET"), and that of the endpoint for thin events.
		Secrets: []string{stripeappstest.DefaultEventSecret},
		Accept:  events.LiveOnly,
		Guard:   events.NewMemory(events.MemoryConfig{}),
		Installs: func(_ context.Context, change events.Change) error {
			if change.Kind == events.Uninstalled {
				delete(tokens, change.Account)
				fmt.Println(change.Account, "has uninstalled the app")
			}
			return nil
		},
		Handlers: map[string]events.Handler{
			"charge.succeeded": func(_ context.Context, event events.Event) error {
				var charge struct {
					ID     string
					Amount int64
				}
				if err := json.Unmarshal(event.Object, &charge); err != nil {
					return err
				}
				fmt.Println(event.Account, charge.ID, charge.Amount)
				return nil
			},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/stripe/events", endpoint) // beside the chain, not behind it

	send(mux, stripeappstest.NewEvent("/stripe/events", "charge.succeeded", `{"id":"ch_1","amount":1250}`, stripeappstest.WithAccount("acct_123")))
	send(mux, stripeappstest.NewEvent("/stripe/events", "account.application.deauthorized", nil, stripeappstest.WithAccount("acct_123")))
	send(mux, stripeappstest.NewEvent("/stripe/events", "charge.refunded", nil)) // no handler: acknowledged
	send(mux, stripeappstest.NewEvent("/stripe/events", "charge.succeeded", nil, stripeappstest.Tampered()))
	// Output:
	// acct_123 ch_1 1250
	// 200
	// acct_123 has uninstalled the app
	// 200
	// 200
	// 401
}

func ExampleNewMemory() {
	attempts := 0
	endpoint, err := events.NewEndpoint(events.Config{
		Secrets: []string{stripeappstest.DefaultEventSecret},
		Accept:  events.LiveOnly,
		Guard:   events.NewMemory(events.MemoryConfig{}),
		Other: func(context.Context, events.Event) error {
			attempts++
			if attempts == 1 {
				return errors.New("the database is down")
			}
			fmt.Println("handled")
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 { // after the first, because it failed; after the second, just so
		send(endpoint, stripeappstest.NewEvent("/stripe/events", "charge.succeeded", nil, stripeappstest.WithEventID("evt_123")))
	}
	// Output:
	// 500
	// handled
	// 200
	// 200
}

func ExampleConfig_labeledSecrets() {
	endpoint, err := events.NewEndpoint(events.Config{
		LabeledSecrets: []stripeapps.LabeledSecret{
			{Label: "test", Secret: "whsec_of_the_test_mode_endpoint"},
			{Label: "sandbox", Secret: "whsec_of_the_sandbox_endpoint"},
		},
		Accept: events.TestOnly,
		Installs: func(_ context.Context, change events.Change) error {
			fmt.Println(change.Kind, "in", change.Event.SecretLabel)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	send(endpoint, stripeappstest.NewEvent("/stripe/events", "account.application.authorized", nil,
		stripeappstest.InTestMode(), stripeappstest.WithSecret("whsec_of_the_sandbox_endpoint")))
	// Output:
	// installed in sandbox
	// 200
}

func ExampleEndpoint_SetSecrets() {
	endpoint, err := events.NewEndpoint(events.Config{
		Secrets: []string{"whsec_old"},
		Accept:  events.LiveOnly,
		Other:   func(context.Context, events.Event) error { return nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	send(endpoint, stripeappstest.NewEvent("/stripe/events", "charge.succeeded", nil, stripeappstest.WithSecret("whsec_new")))

	// The secret was rolled in the Dashboard. For a while, Stripe signs with both.
	if err := endpoint.SetSecrets("whsec_new", "whsec_old"); err != nil {
		fmt.Println(err)
		return
	}
	send(endpoint, stripeappstest.NewEvent("/stripe/events", "charge.succeeded", nil, stripeappstest.WithSecret("whsec_new")))
	// Output:
	// 401
	// 200
}

func ExampleEndpoint_Verify() {
	now := time.Unix(1700000000, 0)
	endpoint, err := events.NewEndpoint(events.Config{
		Secrets: []string{"whsec_test_secret"},
		Accept:  events.LiveAndTest,
		Other: func(_ context.Context, event events.Event) error {
			fmt.Println("handling", event.ID)
			return nil
		},
		Now: func() time.Time { return now },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// What an adapter, say of AWS Lambda, has instead of an http.Request:
	body := []byte(`{"id":"evt_1","object":"v2.core.event","type":"v1.charge.succeeded","livemode":true,"created":"2023-11-14T22:13:10.246Z","context":"acct_123"}`)
	header := sign(string(body), "whsec_test_secret", now)

	event, err := endpoint.Verify(body, header)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(event.Type, event.Account)
	if err := endpoint.Handle(context.Background(), event); err != nil {
		fmt.Println(err) // respond with 500: Stripe sends it again
	}
	// Output:
	// v1.charge.succeeded acct_123
	// handling evt_1
}

func ExampleParseUnverified() {
	type job struct {
		Label string
		Raw   []byte
	}
	var queue []job
	endpoint, err := events.NewEndpoint(events.Config{
		LabeledSecrets: []stripeapps.LabeledSecret{{Label: "live", Secret: stripeappstest.DefaultEventSecret}},
		Accept:         events.LiveOnly,
		Other: func(_ context.Context, event events.Event) error {
			queue = append(queue, job{event.SecretLabel, event.Raw}) // 200 says that the queue has it
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	send(endpoint, stripeappstest.NewEvent("/stripe/events", "v1.charge.succeeded",
		`{"id":"ch_1","type":"charge","url":"/v1/charges/ch_1"}`))

	for _, job := range queue { // in the worker
		event, err := events.ParseUnverified(job.Raw)
		if err != nil {
			fmt.Println(err)
			return
		}
		event.SecretLabel = job.Label // which Raw does not have
		fmt.Println(event.Type, event.Related.URL, event.Context, event.SecretLabel)
	}
	// Output:
	// 200
	// v1.charge.succeeded /v1/charges/ch_1 acct_test live
}

func ExampleLogResults() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	endpoint, err := events.NewEndpoint(events.Config{
		Secrets: []string{stripeappstest.DefaultEventSecret},
		Accept:  events.LiveOnly,
		Other:   func(context.Context, events.Event) error { return errors.New("not logged: it can hold anything") },
		Observe: events.LogResults(logger),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	send(endpoint, stripeappstest.NewEvent("/stripe/events", "invoice.paid", nil, stripeappstest.WithEventID("evt_123")))
	// Output:
	// level=ERROR msg="stripeapps: event" outcome=failed type=invoice.paid event=evt_123 livemode=true code=handler_failed status=500 detail="the event could not be handled: send it again later"
	// 500
}
