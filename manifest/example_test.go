package manifest_test

import (
	"fmt"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

// A unit test of the backend asks for the routes that the extension calls, and
// fails with the error.
func ExampleLoad() {
	m, err := manifest.Load("testdata/stripe-app.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.RoutesCovered("https://api.example.com/v1", "POST /refunds", "GET /customers/{id}"))
	fmt.Println(m.RoutesCovered("https://api.example.com/v1", "GET /refunds/{id}"))
	// Output:
	// <nil>
	// manifest: connect-src does not cover "GET /refunds/{id}": connect-src has "https://api.example.com/v1/refunds" (testdata/stripe-app.json:15), which allows that URL alone: add "https://api.example.com/v1/refunds/" too
}

func ExampleManifest_AllowsConnect() {
	m, err := manifest.Load("testdata/stripe-app.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.AllowsConnect("https://api.example.com/v1/customers/cus_123?expand=cards"))
	fmt.Println(m.AllowsConnect("https://api.example.com/v1/refunds/"))

	// A local manifest replaces lists of the one that it extends.
	m, err = manifest.Load("testdata/stripe-app.dev.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	verdict := m.AllowsConnect("http://localhost:8888/v1/refunds")
	fmt.Println(verdict.Allowed, len(verdict.Warnings))
	// Output:
	// allowed: connect-src has "https://api.example.com/v1/customers/" (testdata/stripe-app.json:16)
	// not allowed: connect-src has "https://api.example.com/v1/refunds" (testdata/stripe-app.json:15), but without a slash at its end it allows that URL alone: add "https://api.example.com/v1/refunds/"
	// true 1
}

func ExampleManifest_Check() {
	m, err := manifest.Load("testdata/stripe-app.faulty.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, finding := range m.Check() {
		fmt.Printf("%s:%d: %s: %s\n", finding.File, finding.Line, finding.Severity, finding.Text)
		if finding.Fix != "" {
			fmt.Println("  write", finding.Fix)
		}
	}
	// Output:
	// testdata/stripe-app.faulty.json:11: error: there is no path ("path cannot be empty"): name one, like /api/, which allows all below it
	// testdata/stripe-app.faulty.json:12: error: plain http, and Stripe takes https only
	//   write https://api.example.com/v1/refunds
	// testdata/stripe-app.faulty.json:13: error: a host of Stripe's API: it cannot be in the manifest; call it with the extension SDK's HTTP client
	// testdata/stripe-app.faulty.json:14: warning: without a slash at its end it allows this one URL, and nothing below it
	//   write https://api.example.com/v1/
	// testdata/stripe-app.faulty.json:16: warning: purpose is empty: say to users why the app needs these URLs
}
