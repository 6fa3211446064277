package install_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// fakeStripe stands in for https://api.stripe.com: it says who calls, and for whom.
func fakeStripe() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s by %s for %s", r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Stripe-Account"))
	}))
}

// The keys come from the environment in a real backend, and APIURL is left out.
func ExampleTransport() {
	stripe := fakeStripe()
	defer stripe.Close()
	transport, err := install.NewTransport(install.TransportConfig{
		Keys:   map[install.Mode]string{install.Live: "sk_live_1", install.Test: "sk_test_1"},
		APIURL: stripe.URL,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport, Timeout: time.Minute}

	protect, err := stripeapps.New(stripeapps.Config{Secrets: []string{stripeappstest.DefaultSecret}})
	if err != nil {
		fmt.Println(err)
		return
	}
	backend := protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call, err := http.NewRequestWithContext(r.Context(), "GET", stripe.URL+"/v1/balance", nil) // the request's context
		if err != nil {
			stripeapps.Refuse(w, r, err)
			return
		}
		balance, err := client.Do(call)
		if err != nil {
			stripeapps.Refuse(w, r, err)
			return
		}
		defer balance.Body.Close()
		io.Copy(w, balance.Body)
	}))

	for _, payload := range []map[string]any{{"livemode": true}, {"livemode": false}, {}} {
		w := httptest.NewRecorder()
		backend.ServeHTTP(w, stripeappstest.NewRequest("POST", "/balance", payload, stripeappstest.WithAccount("acct_123")))
		fmt.Printf("%d %.52s\n", w.Code, w.Body)
	}
	// Output:
	// 200 GET /v1/balance by Bearer sk_live_1 for acct_123
	// 200 GET /v1/balance by Bearer sk_test_1 for acct_123
	// 400 {"title":"Bad Request","status":400,"code":"no_mode"
}

// A job has no request: it gives the install, as it was stored when one was verified.
func ExampleContextWithID() {
	stripe := fakeStripe()
	defer stripe.Close()
	transport, err := install.NewTransport(install.TransportConfig{
		Keys:   map[install.Mode]string{install.Live: "sk_live_1"},
		APIURL: stripe.URL,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport, Timeout: time.Minute}

	ctx := install.ContextWithID(context.Background(), install.ID{Account: "acct_123", Mode: install.Live})
	call, err := http.NewRequestWithContext(ctx, "POST", stripe.URL+"/v1/payouts", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := client.Do(call)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	fmt.Print(string(text))
	// Output: POST /v1/payouts by Bearer sk_live_1 for acct_123
}

// A request without a mode is refused before a handler begins; the handler stores by
// account and mode.
func ExampleTransport_ID() {
	transport, err := install.NewTransport(install.TransportConfig{Keys: map[install.Mode]string{install.Live: "sk_live_1", install.Test: "sk_test_1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	inMode := stripeapps.Require(func(r *http.Request) error {
		_, err := transport.ID(r.Context())
		return err
	})
	handler := inMode(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := transport.ID(r.Context())
		fmt.Fprintln(w, "the settings of", id.Account, "in mode", id.Mode)
	}))

	ctx := stripeapps.ContextWithIdentity(context.Background(), stripeapps.Identity{UserID: "usr_1", AccountID: "acct_123"}, []byte(`{"livemode":false}`))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/settings", nil))
	fmt.Print(w.Body)
	// Output: the settings of acct_123 in mode test
}
