package preflight_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
	"github.com/seed-8a2ffb75/stripeapps/internal/preflight"
)

func request(origin, method, headers string) *http.Request {
	r := httptest.NewRequest(http.MethodOptions, "/", nil)
	r.Header.Set("Origin", origin)
	r.Header.Set("Access-Control-Request-Method", method)
	if headers != "" {
		r.Header.Set("Access-Control-Request-Headers", headers)
	}
	return r
}

func TestAPreflightGetsExactlyTheseHeaders(t *testing.T) {
	const site, vary = "https://app.example.com", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
	h := preflight.New(preflight.Config{
		Origins: fetch.NewAllowedOrigins([]string{"null"}, []string{site}),
		Methods: []string{"GET", "POST"}, Headers: []string{"Content-Type", "Stripe-Signature"}, MaxAge: time.Hour,
	})
	for _, test := range []struct {
		name string
		r    *http.Request
		want http.Header
	}{
		{"an extension's", request("null", "POST", "stripe-signature"), http.Header{
			"Access-Control-Allow-Origin": {"null"}, "Access-Control-Allow-Methods": {"POST"},
			"Access-Control-Allow-Headers": {"stripe-signature"}, "Access-Control-Max-Age": {"3600"}, "Vary": {vary},
		}},
		{"a site's, with cookies", request(site, "POST", ""), http.Header{
			"Access-Control-Allow-Origin": {site}, "Access-Control-Allow-Credentials": {"true"},
			"Access-Control-Allow-Methods": {"POST"}, "Access-Control-Max-Age": {"3600"}, "Vary": {vary},
		}},
		{"a method that is not allowed", request("null", "PUT", ""), http.Header{
			"Access-Control-Allow-Origin": {"null"}, "Access-Control-Allow-Methods": {"GET, POST"},
			"Access-Control-Allow-Headers": {"Content-Type, Stripe-Signature"}, "Vary": {vary},
		}},
		{"an origin that is not allowed", request("https://evil.example", "POST", ""), http.Header{"Vary": {vary}}},
		{"an origin in capitals", request("NULL", "POST", ""), http.Header{"Vary": {vary}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.True(t, preflight.Is(test.r))
			w := httptest.NewRecorder()
			w.Header().Set("Access-Control-Allow-Origin", "https://outer.example") // of a part outside
			h.ServeHTTP(w, test.r)
			assert.Equal(t, http.StatusNoContent, w.Code)
			assert.Equal(t, test.want, w.Header())
		})
	}
	assert.False(t, preflight.Is(httptest.NewRequest(http.MethodOptions, "/", nil)))
}
