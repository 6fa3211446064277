package stripeapps_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

// The examples play both sides: send signs a request as Stripe does, passes it
// to the handler, and prints the answer.
func send(handler http.Handler, method, target, payload string, headers ...string) {
	r := httptest.NewRequest(method, target, strings.NewReader(payload))
	r.Header.Set("Stripe-Signature", sign(payload, testSecret, testNow))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
}

func Example() {
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		Secrets: []string{"absec_test_secret"}, // os.Getenv("STRIPE_APP_SECRET")
		Now:     fixedNow,                      // for this example; leave it out
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	protect, err := stripeapps.New(stripeapps.Config{Verifier: verifier})
	if err != nil {
		fmt.Println(err)
		return
	}

	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/hello", func(w http.ResponseWriter, r *http.Request) {
		id, _ := stripeapps.IdentityFrom(r.Context())
		fmt.Fprintf(w, "hello %s of %s", id.UserID, id.AccountID)
	})
	handler := protect(mux) // around the mux, not on one of its routes

	send(handler, "POST", "/api/hello", `{"user_id":"usr_123","account_id":"acct_123"}`)
	send(handler, "POST", "/api/hello", `{"user_id":"usr_123","account_id":"acct_123"}`, "Stripe-Signature", "t=1,v1=")
	// Output:
	// 200 hello usr_123 of acct_123
	// 401 {"title":"Unauthorized","status":401,"code":"malformed_signature","detail":"the Stripe-Signature header is not of the form t=…,v1=…: send the value that fetchStripeSignature returns, unchanged and once"}
}

func ExampleNew() {
	protect, err := stripeapps.New(stripeapps.Config{Secrets: []string{"absec_test_secret"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	unsigned := httptest.NewRequest("POST", "/api/hello", nil)
	w := httptest.NewRecorder()
	protect(http.NotFoundHandler()).ServeHTTP(w, unsigned)
	fmt.Println(w.Code)

	_, err = stripeapps.New(stripeapps.Config{Secrets: []string{"whsec_123", ""}})
	fmt.Println(err)
	// Output:
	// 401
	// stripeapps: Secrets[0] looks like a webhook endpoint's signing secret (whsec_…): use the app's signing secret (absec_…), shown on the app's page in the Stripe Dashboard
	// stripeapps: Secrets[1] is blank: use the app's signing secret (absec_…), shown on the app's page in the Stripe Dashboard
}

// GET requests have no body: the extension signs the two ids alone and sends
// them in headers.
func ExampleNewVerifier() {
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		Secrets:   []string{"absec_test_secret"},
		Source:    stripeapps.IDsInHeaders,
		Tolerance: time.Minute,
		Now:       fixedNow,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := stripeapps.IdentityFrom(r.Context())
		fmt.Fprint(w, id.UserID, " ", id.AccountID)
	}))

	send(handler, "GET", "/api/whoami", "",
		"Stripe-User-Id", "usr_123", "Stripe-Account-Id", "acct_123",
		"Stripe-Signature", sign(`{"user_id":"usr_123","account_id":"acct_123"}`, "absec_test_secret", testNow))
	// Output: 200 usr_123 acct_123
}

// An adapter for another framework needs Verify only.
func ExampleVerifier_Verify() {
	verifier, _ := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{"absec_test_secret"}, Now: fixedNow})

	r := httptest.NewRequest("POST", "/api/echo", strings.NewReader(`{"n":1,"user_id":"usr_123","account_id":"acct_123"}`))
	r.Header.Set("Stripe-Signature", sign(`{"n":1,"user_id":"usr_123","account_id":"acct_123"}`, "absec_test_secret", testNow))
	verified, err := verifier.Verify(r)
	if err != nil {
		fmt.Println("refuse:", err)
		return
	}
	body, _ := io.ReadAll(verified.Body)
	fmt.Println(string(body))
	// Output: {"n":1,"user_id":"usr_123","account_id":"acct_123"}
}

func ExampleVerifier_VerifyPayload() {
	verifier, _ := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{"absec_test_secret"}, Now: fixedNow})
	payload := []byte(`{"user_id":"usr_123","account_id":"acct_123"}`)

	signature, err := verifier.VerifyPayload(payload, "t=1700000000,v1=255b7f2d31c5a4845f807aa1371cf467a9ef0d25f6c22200190e08a1521e9456")
	fmt.Println(signature.SignedAt, err)

	_, err = verifier.VerifyPayload(payload, "t=1700000001,v1=255b7f2d31c5a4845f807aa1371cf467a9ef0d25f6c22200190e08a1521e9456")
	fmt.Println(errors.Is(err, stripeapps.ErrNoMatch))
	// Output:
	// 2023-11-14 22:13:20 +0000 UTC <nil>
	// true
}

// During a roll Stripe signs with both secrets. Afterwards the old one goes.
func ExampleVerifier_SetSecrets() {
	verifier, _ := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{"absec_old"}, Now: fixedNow})
	payload := []byte(`{"user_id":"usr_123","account_id":"acct_123"}`)
	accepts := func(secret string) bool {
		_, err := verifier.VerifyPayload(payload, sign(payload, secret, testNow))
		return err == nil
	}

	fmt.Println(accepts("absec_old"), accepts("absec_new"))
	verifier.SetSecrets("absec_new", "absec_old")
	fmt.Println(accepts("absec_old"), accepts("absec_new"))
	verifier.SetSecrets("absec_new")
	fmt.Println(accepts("absec_old"), accepts("absec_new"))
	// Output:
	// true false
	// true true
	// false true
}

// The Dashboard's live and test mode are signed with the same secret: a route
// that moves money demands what it needs.
func ExampleRequire() {
	verifier, _ := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{"absec_test_secret"}, Now: fixedNow})
	refunds := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "refunded") })

	mux := http.NewServeMux()
	mux.Handle("/api/refunds", stripeapps.Require(stripeapps.LiveMode(true), stripeapps.Action("refund"))(refunds))
	handler := verifier.Handler(mux)

	send(handler, "POST", "/api/refunds", `{"action":"refund","livemode":true,"user_id":"usr_123","account_id":"acct_123"}`)
	send(handler, "POST", "/api/refunds", `{"action":"refund","livemode":false,"user_id":"usr_123","account_id":"acct_123"}`)
	// Output:
	// 200 refunded
	// 403 {"title":"Forbidden","status":403,"code":"requirement_not_met","detail":"this endpoint is for live mode: sign livemode: true in the payload given to fetchStripeSignature"}
}

func ExampleDecodePayload() {
	type refund struct {
		Charge string `json:"charge"`
		Amount int64  `json:"amount"`
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		want, err := stripeapps.DecodePayload[refund](r.Context())
		if err != nil {
			stripeapps.Refuse(w, r, err)
			return
		}
		fmt.Fprintf(w, "%d of %s", want.Amount, want.Charge)
	}
	verifier, _ := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{"absec_test_secret"}, Now: fixedNow})
	chain := verifier.Handler(http.HandlerFunc(handler))

	send(chain, "POST", "/", `{"charge":"ch_1","amount":1250,"user_id":"usr_123","account_id":"acct_123"}`)
	send(chain, "POST", "/", `{"charge":"ch_1","amount":"12.50","user_id":"usr_123","account_id":"acct_123"}`)
	// Output:
	// 200 1250 of ch_1
	// 400 {"title":"Bad Request","status":400,"code":"unexpected_payload","detail":"in the signed payload, amount cannot be decoded as int64"}
}

func ExampleIdentityFrom() {
	ctx := stripeapps.ContextWithIdentity(context.Background(), stripeapps.Identity{UserID: "usr_123", AccountID: "acct_123"}, nil)
	id, ok := stripeapps.IdentityFrom(ctx)
	fmt.Println(id.UserID, id.AccountID, ok)
	// Output: usr_123 acct_123 true
}

func ExampleSignedPayload() {
	ctx := stripeapps.ContextWithIdentity(context.Background(), stripeapps.Identity{UserID: "usr_123", AccountID: "acct_123"}, []byte(`{"n":1}`))
	fmt.Printf("%s\n", stripeapps.SignedPayload(ctx))
	// Output: {"n":1,"user_id":"usr_123","account_id":"acct_123"}
}

// A unit test of a handler needs no signature.
func ExampleContextWithIdentity() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		id, _ := stripeapps.IdentityFrom(r.Context())
		fmt.Fprintf(w, "%s: %s", id.AccountID, stripeapps.SignedPayload(r.Context()))
	}

	ctx := stripeapps.ContextWithIdentity(context.Background(),
		stripeapps.Identity{UserID: "usr_123", AccountID: "acct_123", SignedAt: testNow},
		[]byte(`{"amount":1250}`))
	w := httptest.NewRecorder()
	handler(w, httptest.NewRequest("POST", "/", nil).WithContext(ctx))
	fmt.Println(w.Body)
	// Output: acct_123: {"amount":1250,"user_id":"usr_123","account_id":"acct_123"}
}

// A refusal in the form that your other endpoints use.
func ExampleVerifierConfig_errorHandler() {
	verifier, _ := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		Secrets: []string{"absec_test_secret"},
		Now:     fixedNow,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			var e *stripeapps.Error
			errors.As(err, &e)
			http.Error(w, "refused: "+e.Code(), e.Status())
		},
	})
	send(verifier.Handler(http.NotFoundHandler()), "POST", "/", "{}", "Stripe-Signature", "")
	// Output:
	// 401 refused: not_signed
}

// A line in the log for each refusal, and a counter for all verdicts.
func ExampleVerifierConfig_observe() {
	logRefusal := stripeapps.LogRefusals(slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})))
	var accepted atomic.Int64
	verifier, _ := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		Secrets: []string{"absec_test_secret"},
		Now:     fixedNow,
		Observe: func(v stripeapps.Verdict) {
			logRefusal(v)
			if v.Err == nil {
				accepted.Add(1)
			}
		},
	})
	handler := verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "refunded") }))
	send(handler, "POST", "/", `{"user_id":"usr_123","account_id":"acct_123"}`)
	send(handler, "POST", "/", "{}", "Stripe-Signature", "")
	fmt.Println("accepted:", accepted.Load())
	// Output:
	// 200 refunded
	// level=INFO msg="stripeapps: request refused" code=not_signed status=401 detail="the request has no Stripe-Signature header: send the value that fetchStripeSignature returns"
	// 401 {"title":"Unauthorized","status":401,"code":"not_signed","detail":"the request has no Stripe-Signature header: send the value that fetchStripeSignature returns"}
	// accepted: 1
}

// A rule of your own. Whatever is wrong with the backend itself is not the
// caller's fault, and is answered as what it is.
func ExampleRequirement() {
	errUnavailable := stripeapps.NewError("unavailable", http.StatusServiceUnavailable, "try again in a minute")
	members := func(account string) (users []string, err error) { return []string{"usr_123"}, nil } // a database

	isMember := func(r *http.Request) error {
		id, _ := stripeapps.IdentityFrom(r.Context())
		users, err := members(id.AccountID)
		if err != nil {
			slog.ErrorContext(r.Context(), "members", "err", err)
			return errUnavailable
		}
		if !slices.Contains(users, id.UserID) {
			return errors.New("not a member") // answered with 403 requirement_not_met
		}
		return nil
	}

	verifier, _ := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{"absec_test_secret"}, Now: fixedNow})
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") })
	send(verifier.Handler(stripeapps.Require(isMember)(ok)), "POST", "/", `{"user_id":"usr_123","account_id":"acct_123"}`)
	// Output: 200 ok
}

func ExampleRefuse() {
	errNoSuchRefund := stripeapps.NewError("no_such_refund", http.StatusNotFound, "there is no such refund")
	handler := func(w http.ResponseWriter, r *http.Request) {
		stripeapps.Refuse(w, r, errNoSuchRefund) // as the chain answers its own refusals
	}
	w := httptest.NewRecorder()
	handler(w, httptest.NewRequest("POST", "/", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 404 {"title":"Not Found","status":404,"code":"no_such_refund","detail":"there is no such refund"}
}

func ExampleWriteProblem() {
	w := httptest.NewRecorder()
	stripeapps.WriteProblem(w, httptest.NewRequest("POST", "/", nil),
		stripeapps.NewError("plan_too_small", http.StatusPaymentRequired, "this needs the larger plan"))
	fmt.Println(w.Code, w.Body)
	// Output: 402 {"title":"Payment Required","status":402,"code":"plan_too_small","detail":"this needs the larger plan"}
}
