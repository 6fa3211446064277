package stripeappstest_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// newEventEndpoint is what a backend's main would serve.
func newEventEndpoint(secrets ...string) (*events.Endpoint, error) {
	return events.NewEndpoint(events.Config{
		Secrets: secrets,
		Accept:  events.LiveOnly,
		Installs: func(_ context.Context, change events.Change) error {
			fmt.Println(change.Account, change.Kind)
			return nil
		},
	})
}

func ExampleNewEvent() {
	endpoint, err := newEventEndpoint(stripeappstest.DefaultEventSecret)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, option := range []stripeappstest.Option{
		stripeappstest.WithAccount("acct_123"),
		stripeappstest.InTestMode(), // acknowledged and ignored
		stripeappstest.Tampered(),
	} {
		r := stripeappstest.NewEvent("/stripe/events", "account.application.deauthorized", nil, option)
		w := httptest.NewRecorder()
		endpoint.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// acct_123 uninstalled
	// 200
	// 200
	// 401
}

func ExampleNewRawEvent() {
	endpoint, err := newEventEndpoint(stripeappstest.DefaultEventSecret)
	if err != nil {
		fmt.Println(err)
		return
	}
	copied := []byte(`{"id":"evt_1","object":"v2.core.event","type":"v1.account.application.authorized",
		"livemode":true,"created":"2026-09-18T19:56:56.947Z","context":"acct_123"}`)
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, stripeappstest.NewRawEvent("/stripe/events", copied))
	fmt.Println(w.Code)
	// Output:
	// acct_123 installed
	// 200
}
