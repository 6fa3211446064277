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
