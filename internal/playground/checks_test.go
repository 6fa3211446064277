package playground

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps"
)

func TestChecksOfEachCode(t *testing.T) {
	refusing := map[string][]string{
		"Header":   {"not_signed", "malformed_signature"},
		"Time":     {"too_old", "too_new"},
		"Body":     {"body_too_large", "body_unreadable", "malformed_ids", "no_payload"},
		"HMAC":     {"no_match", "only_ids_signed"},
		"Identity": {"no_identity", "install_signature"},
		"Handler":  {"requirement_not_met", "unexpected_payload", "not_verified", "internal", "not_found"},
	}
	for name, codes := range refusing {
		for _, code := range codes {
			t.Run(fmt.Sprintf("%s refuses with %s", name, code), func(t *testing.T) {
				e := &exchange{Path: "/api/echo", Status: 400, Response: message{Body: fmt.Sprintf(`{"code":%q,"detail":"because"}`, code)}}
				want := statePassed
				for _, check := range checksOf(e) {
					if check.Name == name {
						assert.Equal(t, checkResult{name, stateRefused, "because"}, check)
						want = stateNotReached
						continue
					}
					assert.Equal(t, want, check.State, check.Name)
				}
			})
		}
	}
}

// The order of the checks that the page shows is the chain's own: each request
// is wrong for its check and all that follow.
func TestChecksAreInTheOrderOfTheChain(t *testing.T) {
	playground := testPlayground(t)
	for name, r := range map[string]*http.Request{
		"Header": httptest.NewRequest("POST", "/api/echo", strings.NewReader(strings.Repeat("x", stripeapps.DefaultMaxBodyBytes+1))),
		"Time": func() *http.Request {
			r := httptest.NewRequest("POST", "/api/echo", strings.NewReader(strings.Repeat("x", stripeapps.DefaultMaxBodyBytes+1)))
			r.Header.Set("Stripe-Signature", sign("another", testSecret, testNow.Add(-expiredAge)))
			return r
		}(),
		"Body": func() *http.Request {
			r := httptest.NewRequest("POST", "/api/echo", strings.NewReader(strings.Repeat("x", stripeapps.DefaultMaxBodyBytes+1)))
			r.Header.Set("Stripe-Signature", sign("another", testSecret, testNow))
			return r
		}(),
		"HMAC":     echoRequest("POST", "/api/echo", "x", "absec_another"),
		"Identity": echoRequest("POST", "/api/echo", "x", testSecret),
		"Handler":  echoRequest("PUT", "/api/echo", samplePayload, testSecret),
	} {
		before := lastOf(t, playground, "").Seq
		responseOf(playground, fromExtension(r))
		for _, check := range lastOf(t, playground, fmt.Sprintf("?after=%d", before)).Checks {
			assert.Equal(t, check.Name == name, check.State == stateRefused, "%s: %v", name, check)
		}
	}
}
