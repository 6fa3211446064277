package cspreport_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/cspreport"
)

func ExampleNewHandler() {
	handler := cspreport.NewHandler(func(r *http.Request, report cspreport.Report) {
		// %q, or a structured log: anybody can send anything.
		fmt.Printf("%q on %q violates %q\n", report.BlockedURL, report.DocumentURL, report.EffectiveDirective)
	})

	r := httptest.NewRequest("POST", "/csp-reports", strings.NewReader(`{"csp-report":{"document-uri":"https://app.example/","blocked-uri":"inline","effective-directive":"script-src-elem"}}`))
	r.Header.Set("Content-Type", "application/csp-report")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Code)

	r = httptest.NewRequest("POST", "/csp-reports", strings.NewReader(`[{"type":"csp-violation","body":{"documentURL":"https://app.example/","blockedURL":"eval","effectiveDirective":"script-src"}},{"type":"deprecation","body":{}}]`))
	r.Header.Set("Content-Type", "application/reports+json")
	w = httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output:
	// "inline" on "https://app.example/" violates "script-src-elem"
	// 204
	// "eval" on "https://app.example/" violates "script-src"
	// 204
}
