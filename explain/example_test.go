package explain_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/explain"
)

func ExampleExplain() {
	signed := `{"amount":1250,"user_id":"usr_123","account_id":"acct_123"}`
	for _, explanation := range explain.Explain(explain.Received{
		Header:  sign(signed, "absec_test_secret", testNow),
		Body:    []byte(signed + "\n"),
		Secrets: []stripeapps.LabeledSecret{{Label: "refunds", Secret: "absec_test_secret"}},
		Now:     testNow, // for this example; leave it out
	}) {
		fmt.Println(explanation.Cause)
		fmt.Println(explanation.Text)
	}
	// Output:
	// trailing_space
	// there is white space around the body, like a line break at its end: send, and verify, the bytes of JSON.stringify as they are
}

// An event that came to a webhook endpoint: its secrets are others than the app's.
func ExampleExplain_event() {
	sent := "{\n  \"id\": \"evt_1\",\n  \"object\": \"event\"\n}"
	for _, explanation := range explain.Explain(explain.Received{
		Header:          sign(sent, "absec_test_secret", testNow),
		Body:            []byte(sent),
		Secrets:         []stripeapps.LabeledSecret{{Label: "the app", Secret: "absec_test_secret"}},
		EndpointSecrets: []stripeapps.LabeledSecret{{Label: "live endpoint", Secret: "whsec_test_secret"}},
		Now:             testNow, // for this example; leave it out
	})[:1] {
		fmt.Println(explanation.Cause)
		fmt.Println(explanation.Text)
	}
	// Output:
	// event_secret
	// the event was signed with the secret labeled "the app", which is no webhook endpoint's: Stripe signs no event with it, so sign events with the endpoint's secret (whsec_…) in tests too
}

// The address that an install link has led a browser to.
func ExampleExplain_install() {
	for _, explanation := range explain.Explain(explain.Received{
		InstallURL: "https://app.example.com/installed?error=access_denied&error_description=The+user+denied+your+request",
		Secrets:    []stripeapps.LabeledSecret{{Label: "the app", Secret: "absec_test_secret"}},
	}) {
		fmt.Println(explanation.Cause)
		fmt.Println(explanation.Text)
	}
	// Output:
	// install_cancelled
	// the person has not agreed to the install, as the address says, without a signature, so that anybody can have made it: show that, and change nothing
}

func ExampleRefusals() {
	config := stripeapps.VerifierConfig{
		Secrets: []string{"absec_test_secret"},
		Now:     fixedNow, // for this example; leave it out
	}
	if os.Getenv("ENV") != "production" {
		logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
		config.Observe = explain.Refusals(logger)
	}
	verifier, err := stripeapps.NewVerifier(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest("POST", "/api/refunds", strings.NewReader(`{"account_id":"acct_123","user_id":"usr_123"}`))
	r.Header.Set("Stripe-Signature", sign(`{"user_id":"usr_123","account_id":"acct_123"}`, testSecret, testNow))
	verifier.Handler(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
	// Output:
	// level=INFO msg="stripeapps: explained" code=no_match cause=ids_not_last text="user_id and account_id do not stand last in the body, in this order, as they were signed: send JSON.stringify({...payload, user_id, account_id})"
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
