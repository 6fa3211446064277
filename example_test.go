package stripeapps_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

// The examples play both sides: send signs a request as Stripe does, passes it
// to the handler, and prints the response.
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
		id := stripeapps.MustIdentity(r.Context())
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
		id := stripeapps.MustIdentity(r.Context())
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
// A queue tells when it has received a request. What it holds is verified by then.
func ExampleVerifier_VerifyIdentity() {
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{"absec_test_secret"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	message := struct {
		Body, Signature string
		Received        time.Time
	}{plain, sign(plain, testSecret, testNow), testNow.Add(time.Minute)}

	id, err := verifier.VerifyIdentity([]byte(message.Body), message.Signature, message.Received)
	fmt.Println(id.UserID, id.AccountID, err)
	// Output: usr_123 acct_123 <nil>
}

func ExampleVerifier_VerifyStripeCall() {
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		Secrets: []string{"absec_test_secret"},
		Now:     fixedNow, // for this example; leave it out
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	call := `{"args":{"config":{}}}`
	_, err = verifier.VerifyStripeCall([]byte(call), sign(call, testSecret, testNow))
	fmt.Println(err)
	_, err = verifier.VerifyStripeCall([]byte(plain), sign(plain, testSecret, testNow)) // a user's
	fmt.Println(err)
	// Output:
	// <nil>
	// stripeapps: the signature is that of an extension's request or an install link, and is not accepted for a call by Stripe itself (extension_signature)
}

// One backend for an app and its sandbox, which has a secret of its own.
func ExampleVerifierConfig_labeledSecrets() {
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		LabeledSecrets: []stripeapps.LabeledSecret{
			{Label: "app", Secret: "absec_app"}, {Label: "sandbox", Secret: "absec_sandbox"},
		},
		Now: fixedNow, // for this example; leave it out
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "signed for the", stripeapps.MustIdentity(r.Context()).SecretLabel)
	}))
	send(handler, "POST", "/", plain, "Stripe-Signature", sign(plain, "absec_sandbox", testNow))
	// Output: 200 signed for the sandbox
}

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

// The extension signs {action: 'payout', stripe_roles: userContext.roles}.
func ExampleStripeRoles() {
	payout := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		roles, err := stripeapps.StripeRoles(r.Context())
		if err != nil {
			stripeapps.Refuse(w, r, err)
			return
		}
		fmt.Fprintln(w, "paid out by", roles[0].Name)
	})
	onlyAdmins := stripeapps.Require(stripeapps.Action("payout"), stripeapps.Role("admin"))
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		Secrets: []string{"absec_test_secret"},
		Now:     fixedNow, // for this example; leave it out
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	send(verifier.Handler(onlyAdmins(payout)), "POST", "/",
		`{"action":"payout","stripe_roles":[{"id":"admin","type":"builtIn","name":"Administrator"}],"user_id":"usr_123","account_id":"acct_123"}`)
	// Output: 200 paid out by Administrator
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

func ExampleMustIdentity() {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("hello", stripeapps.MustIdentity(r.Context()).UserID)
	})
	r := httptest.NewRequest("POST", "/api/hello", nil)
	ctx := stripeapps.ContextWithIdentity(r.Context(), stripeapps.Identity{UserID: "usr_123", AccountID: "acct_123"}, nil)
	handler.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
	// Output: hello usr_123
}

func ExampleSignedPayload() {
	ctx := stripeapps.ContextWithIdentity(context.Background(), stripeapps.Identity{UserID: "usr_123", AccountID: "acct_123"}, []byte(`{"n":1}`))
	fmt.Printf("%s\n", stripeapps.SignedPayload(ctx))
	// Output: {"n":1,"user_id":"usr_123","account_id":"acct_123"}
}

// A unit test of a handler needs no signature.
func ExampleContextWithIdentity() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		id := stripeapps.MustIdentity(r.Context())
		fmt.Fprintf(w, "%s: %s", id.AccountID, stripeapps.SignedPayload(r.Context()))
	}

	ctx := stripeapps.ContextWithIdentity(context.Background(),
		stripeapps.Identity{UserID: "usr_123", AccountID: "acct_123", Signature: stripeapps.Signature{SignedAt: testNow, ExpiresAt: testNow.Add(5 * time.Minute)}},
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
			if v.Err == nil { // a later refusal is a verdict of its own
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
// caller's fault, and gets the status of what it is.
func ExampleRequirement() {
	errUnavailable := stripeapps.NewError("unavailable", http.StatusServiceUnavailable, "try again in a minute")
	members := func(account string) (users []string, err error) { return []string{"usr_123"}, nil } // a database

	isMember := func(r *http.Request) error {
		id := stripeapps.MustIdentity(r.Context())
		users, err := members(id.AccountID)
		if err != nil {
			slog.ErrorContext(r.Context(), "members", "err", err)
			return errUnavailable
		}
		if !slices.Contains(users, id.UserID) {
			return errors.New("not a member") // the response is 403 requirement_not_met
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
		stripeapps.Refuse(w, r, errNoSuchRefund) // as the chain does by itself
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

// exampleNonce is for an output that does not change; leave NewNonce out to get
// a new one for each response.
func exampleNonce() string { return "MTIzNDU2Nzg5MDEyMzQ1Ng" }

// show prints a page and the policies that came with it.
func show(handler http.Handler) {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	for _, header := range []string{"Content-Security-Policy", "Content-Security-Policy-Report-Only", "Reporting-Endpoints"} {
		for _, value := range w.Header().Values(header) {
			fmt.Printf("%s: %s\n", header, strings.ReplaceAll(value, "; ", ";\n  "))
		}
	}
	fmt.Println(w.Body)
}

// A stricter policy is tried out beside the one that is enforced.
func ExampleNewCSP() {
	csp, err := stripeapps.NewCSP(stripeapps.CSPConfig{
		Policy: stripeapps.Policy{
			{Name: "default-src", Sources: []string{stripeapps.CSPSelf, "https://cdn.example.com"}},
			{Name: "frame-ancestors", Sources: []string{stripeapps.CSPNone}},
		},
		ReportOnly: stripeapps.Policy{
			{Name: "default-src", Sources: []string{stripeapps.CSPSelf}},
		},
		ReportURL: "/csp-reports",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(csp(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })))

	_, err = stripeapps.NewCSP(stripeapps.CSPConfig{Policy: stripeapps.Policy{
		{Name: "script-src", Sources: []string{"self", "https://cdn.example.com;"}},
	}})
	fmt.Println(err)
	// Output:
	// Content-Security-Policy: default-src 'self' https://cdn.example.com;
	//   frame-ancestors 'none';
	//   report-uri /csp-reports;
	//   report-to csp-endpoint
	// Content-Security-Policy-Report-Only: default-src 'self';
	//   report-uri /csp-reports;
	//   report-to csp-endpoint
	// Reporting-Endpoints: csp-endpoint="/csp-reports"
	// hello
	// stripeapps: CSP.Policy[0]: script-src: "self" is not the keyword: write "'self'", in lower case and with its quotes
	// stripeapps: CSP.Policy[0]: script-src: "https://cdn.example.com;" has white space, a control character, a ; or , or a character outside ASCII: give one source an entry, percent-encode a path, and write a domain in Punycode
}

// Pages and API responses get policies of their own, beside each other.
func ExampleNewCSP_pagesAndAPI() {
	pages, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: stripeapps.ConsentPolicy(), NewNonce: exampleNonce})
	if err != nil {
		fmt.Println(err)
		return
	}
	responses, err := stripeapps.NewCSP(stripeapps.CSPConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	api := http.NewServeMux()
	consent := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "Allow?") })

	mux := http.NewServeMux()
	mux.Handle("/api/", responses(api))
	mux.Handle("GET /oauth/consent", pages(consent))

	for _, path := range []string{"/api/unknown", "/oauth/consent"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Println(w.Code, w.Header().Get("Content-Security-Policy"))
	}
	// Output:
	// 404 default-src 'none'; frame-ancestors 'none'
	// 200 default-src 'none'; style-src 'nonce-MTIzNDU2Nzg5MDEyMzQ1Ng'; img-src 'self' data:; base-uri 'none'; form-action 'self' https://dashboard.stripe.com; frame-ancestors 'none'
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<title>{{.Title}}</title>
<link rel="stylesheet" href="/page.css" nonce="{{.Nonce}}">
<script nonce="{{.Nonce}}">console.log({{.Title}})</script>
`))

func ExamplePagePolicy() {
	csp, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: stripeapps.PagePolicy(), NewNonce: exampleNonce})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := csp(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store") // its nonce is for one response
		page.Execute(w, map[string]string{"Title": "Refunds", "Nonce": stripeapps.NonceFrom(r.Context())})
	}))
	show(handler)
	// Output:
	// Content-Security-Policy: default-src 'none';
	//   script-src 'nonce-MTIzNDU2Nzg5MDEyMzQ1Ng' 'strict-dynamic';
	//   style-src 'nonce-MTIzNDU2Nzg5MDEyMzQ1Ng';
	//   img-src 'self' data:;
	//   font-src 'self';
	//   connect-src 'self';
	//   object-src 'none';
	//   base-uri 'none';
	//   form-action 'self';
	//   frame-ancestors 'none'
	// <!doctype html>
	// <title>Refunds</title>
	// <link rel="stylesheet" href="/page.css" nonce="MTIzNDU2Nzg5MDEyMzQ1Ng">
	// <script nonce="MTIzNDU2Nzg5MDEyMzQ1Ng">console.log("Refunds")</script>
}

// The form is sent to the page's own origin, which redirects to the Dashboard.
func ExampleConsentPolicy() {
	csp, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: stripeapps.ConsentPolicy(), NewNonce: exampleNonce})
	if err != nil {
		fmt.Println(err)
		return
	}
	consent := template.Must(template.New("consent").Parse(`<style nonce="{{.}}">button { font: inherit }</style><form method="post"><button>Allow</button></form>`))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		consent.Execute(w, stripeapps.NonceFrom(r.Context()))
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://dashboard.stripe.com/test/apps-oauth/com.example.app?code=…&state=…", http.StatusSeeOther)
	})
	// No policy keeps another site from sending the form: this does.
	show(csp(http.NewCrossOriginProtection().Handler(mux)))
	// Output:
	// Content-Security-Policy: default-src 'none';
	//   style-src 'nonce-MTIzNDU2Nzg5MDEyMzQ1Ng';
	//   img-src 'self' data:;
	//   base-uri 'none';
	//   form-action 'self' https://dashboard.stripe.com;
	//   frame-ancestors 'none'
	// <style nonce="MTIzNDU2Nzg5MDEyMzQ1Ng">button { font: inherit }</style><form method="post"><button>Allow</button></form>
}

func ExamplePolicy_With() {
	fmt.Println(stripeapps.APIPolicy().With("default-src", stripeapps.CSPSelf).With("img-src", "https://files.stripe.com"))
	// Output: default-src 'self'; frame-ancestors 'none'; img-src https://files.stripe.com
}

func ExamplePolicy_String() {
	fmt.Println(stripeapps.APIPolicy())
	// Output: default-src 'none'; frame-ancestors 'none'
}

func ExampleNonceFrom() {
	csp, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: stripeapps.PagePolicy(), NewNonce: exampleNonce})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := csp(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, stripeapps.NonceFrom(r.Context()))
	}))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Body)
	// Output: MTIzNDU2Nzg5MDEyMzQ1Ng
}

// A unit test of a template needs no middleware.
func ExampleContextWithNonce() {
	ctx := stripeapps.ContextWithNonce(context.Background(), "MTIzNDU2Nzg5MDEyMzQ1Ng")
	render := func(ctx context.Context) error {
		script := template.Must(template.New("").Parse(`<script nonce="{{.}}" src="/app.js"></script>`))
		return script.Execute(os.Stdout, stripeapps.NonceFrom(ctx))
	}
	if err := render(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: <script nonce="MTIzNDU2Nzg5MDEyMzQ1Ng" src="/app.js"></script>
}

// A provider's two handlers, with what belongs to PKCE only: examples/oauth has
// the rest.
func ExampleVerifyCodeVerifier() {
	redirectURI, _, err := stripeapps.RedirectURIs("com.example.app")
	if err != nil {
		fmt.Println(err)
		return
	}
	var codes sync.Map // from a code to its challenge

	// The client and redirect_uri have been checked, and the user has agreed.
	authorize := func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		response := url.Values{"state": {query.Get("state")}}
		challenge, err := stripeapps.ReadCodeChallenge(query)
		if err != nil {
			var e *stripeapps.PKCEError
			errors.As(err, &e)
			response.Set("error", e.Code())
			response.Set("error_description", e.Description())
		} else {
			code := rand.Text()
			codes.Store(code, challenge)
			response.Set("code", code)
		}
		http.Redirect(w, r, redirectURI+"?"+response.Encode(), http.StatusSeeOther)
	}
	token := func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		verifier, err := stripeapps.ReadCodeVerifier(r.Form)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest) // as JSON: see PKCEError
			return
		}
		stored, ok := codes.LoadAndDelete(r.Form.Get("code")) // whatever comes of it: nobody tries twice
		if !ok {
			http.Error(w, "no such code (invalid_grant)", http.StatusBadRequest)
			return
		}
		if err := stripeapps.VerifyCodeVerifier(verifier, stored.(string)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, "the tokens")
	}

	// The Dashboard's side; then another's verifier, a code again, and no challenge.
	verifier := stripeapps.NewCodeVerifier()
	ask := func(params url.Values) url.Values {
		w := httptest.NewRecorder()
		authorize(w, httptest.NewRequest("GET", "/authorize?"+params.Encode(), nil))
		location, _ := url.Parse(w.Header().Get("Location"))
		return location.Query()
	}
	exchange := func(code, verifier string) {
		form := url.Values{"code": {code}, "code_verifier": {verifier}}
		r := httptest.NewRequest("POST", "/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		token(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	params := url.Values{"code_challenge": {stripeapps.S256Challenge(verifier)}, "code_challenge_method": {"S256"}}
	exchange(ask(params).Get("code"), verifier)
	code := ask(params).Get("code")
	exchange(code, stripeapps.NewCodeVerifier())
	exchange(code, verifier)
	fmt.Println(ask(nil).Get("error_description"))
	// Output:
	// 200 the tokens
	// 400 stripeapps: code_verifier does not match the code_challenge of the authorization request (invalid_grant)
	// 400 no such code (invalid_grant)
	// code_challenge is missing: PKCE is required
}

// Every error is sent to the client in one way: which one it is need not be asked.
func ExamplePKCEError() {
	token := func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		_, err := stripeapps.ReadCodeVerifier(r.Form)
		if err != nil {
			var e *stripeapps.PKCEError
			errors.As(err, &e)
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusBadRequest)
			json.NewEncoder(w).Encode(map[string]string{"error": e.Code(), "error_description": e.Description()})
			return
		}
		// Take the code out of use, and so with VerifyCodeVerifier.
	}
	w := httptest.NewRecorder()
	token(w, httptest.NewRequest("POST", "/token", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 400 {"error":"invalid_grant","error_description":"code_verifier is missing"}
}

// The verifier and challenge of RFC 7636, appendix B.
func ExampleS256Challenge() {
	fmt.Println(stripeapps.S256Challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
	// Output: E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM
}

// The client's half.
func ExampleNewCodeVerifier() {
	verifier := stripeapps.NewCodeVerifier() // keep it for the token request
	authorization := url.Values{
		"code_challenge":        {stripeapps.S256Challenge(verifier)},
		"code_challenge_method": {"S256"},
	}
	fmt.Println(len(verifier), len(authorization.Get("code_challenge")))
	// Output: 43 43
}

func ExampleRedirectURIs() {
	live, test, err := stripeapps.RedirectURIs("com.example.app")
	fmt.Println(live)
	fmt.Println(test)
	fmt.Println(err)
	// Output:
	// https://dashboard.stripe.com/apps-oauth/com.example.app
	// https://dashboard.stripe.com/test/apps-oauth/com.example.app
	// <nil>
}

func ExampleNewCORS() {
	withCORS, err := stripeapps.NewCORS(stripeapps.CORSConfig{
		Origins:             []string{"null"},                    // extensions
		CredentialedOrigins: []string{"https://app.example.com"}, // the backend's own site
		ExposedHeaders:      []string{"X-Request-Id"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	withCORS(http.NotFoundHandler()).ServeHTTP(w, preflight("null", "POST", "stripe-signature"))
	fmt.Println(w.Code, w.Header().Get("Access-Control-Allow-Origin"), w.Header().Get("Access-Control-Allow-Headers"))
	// Output: 204 null stripe-signature
}

// net/http.CrossOriginProtection protects a site that uses cookies. It refuses
// every POST of an extension, so the signed routes stand beside it.
func ExampleNew_crossOriginProtection() {
	verifier, _ := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{"absec_test_secret"}, Now: fixedNow})
	protect, _ := stripeapps.New(stripeapps.Config{Verifier: verifier})
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") })

	mux := http.NewServeMux()
	mux.Handle("/api/", protect(ok))
	mux.Handle("/", http.NewCrossOriginProtection().Handler(ok))

	const payload = `{"user_id":"usr_123","account_id":"acct_123"}`
	send(mux, "POST", "/api/x", payload, "Origin", "null", "Sec-Fetch-Site", "cross-site")
	send(mux, "POST", "/settings", payload, "Origin", "null", "Sec-Fetch-Site", "cross-site")
	// Output:
	// 200 ok
	// 403 cross-origin request detected from Sec-Fetch-Site header
}
