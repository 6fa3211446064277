package preflight_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
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

// A preflight as browsers write it takes a shorter way, on which it must get the same as
// on that of rs/cors. A Vary from outside keeps a preflight off the shorter way.
func FuzzTheShorterWayIsThatOfRSCORS(f *testing.F) {
	for _, lists := range [][2]string{
		{"", ""}, {"content-type,stripe-signature", ""}, {"stripe-signature,content-type", ""}, {"content-type", "stripe-signature"},
		{"content-type,content-type", ""}, {"Content-Type", ""}, {"content-type, stripe-signature", ""}, {"content-type,", ""},
		{",content-type", ""}, {",", ""}, {"content-type,x-own", ""}, {"*", ""},
	} {
		for _, origin := range []string{"null", "https://app.example.com", "https://evil.example", ""} {
			f.Add(origin, "POST", lists[0], lists[1])
		}
	}
	f.Add("null", "OPTIONS", "content-type", "")
	f.Add("null", "post", "content-type", "")
	configs := []preflight.Config{
		{Origins: fetch.NewAllowedOrigins([]string{"*"}, nil)},
		{Origins: fetch.NewAllowedOrigins([]string{"*"}, []string{"https://app.example.com"})},
		{Origins: fetch.NewAllowedOrigins([]string{"null"}, []string{"https://app.example.com"})},
	}
	var handlers []*preflight.Handler
	for _, cfg := range configs {
		cfg.Methods, cfg.Headers, cfg.MaxAge = []string{"GET", "POST", "purge"}, []string{"Stripe-Signature", "Content-Type"}, time.Hour
		handlers = append(handlers, preflight.New(cfg))
	}
	f.Fuzz(func(t *testing.T, origin, method, line, more string) {
		for i, h := range handlers {
			r := request(origin, method, line)
			if more != "" {
				r.Header.Add("Access-Control-Request-Headers", more)
			}
			got, want := httptest.NewRecorder(), httptest.NewRecorder()
			want.Header().Set("Vary", "X-Outside")
			h.ServeHTTP(got, r)
			h.ServeHTTP(want, r)
			want.Header()["Vary"] = slices.DeleteFunc(want.Header()["Vary"], func(v string) bool { return v == "X-Outside" })
			assert.Equal(t, want.Header(), got.Header(), i)
			assert.Equal(t, want.Code, got.Code)
		}
	})
}

func TestAUsualPreflightIsAnsweredInOneAllocation(t *testing.T) {
	h := preflight.New(preflight.Config{
		Origins: fetch.NewAllowedOrigins([]string{"*"}, nil),
		Methods: []string{"POST"}, Headers: []string{"Content-Type", "Stripe-Signature"}, MaxAge: time.Hour,
	})
	r, w := request("null", "POST", "content-type,stripe-signature"), httptest.NewRecorder()
	h.ServeHTTP(w, r) // the map grows
	header := w.Header()
	assert.EqualValues(t, 1, testing.AllocsPerRun(100, func() {
		clear(header)
		h.ServeHTTP(w, r)
	}))
}
