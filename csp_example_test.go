package stripeapps_test

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
)

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
