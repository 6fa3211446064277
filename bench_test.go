package stripeapps_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

// benchmarks/ holds the library against its peers. These are for comparing two
// versions of it.

func BenchmarkVerifyPayload(b *testing.B) {
	now := time.Now()
	v, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{testSecret}, Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{96, 256, 1 << 10, 8 << 10, 64 << 10} {
		payload := payloadOf(size)
		header := sign(payload, testSecret, now)
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := v.VerifyPayload(payload, header); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHandler measures the whole chain.
func BenchmarkHandler(b *testing.B) {
	protect, err := stripeapps.New(stripeapps.Config{Secrets: []string{testSecret}})
	if err != nil {
		b.Fatal(err)
	}
	handler := protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := stripeapps.IdentityFrom(r.Context()); !ok || id.UserID != "usr_123" {
			panic("no identity")
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	now := time.Now()
	for _, size := range []int{256, 1 << 10, 64 << 10} {
		payload := payloadOf(size)
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			r := httptest.NewRequest(http.MethodPost, "/api/echo", nil)
			r.Header.Set("Origin", "null")
			r.Header.Set("Stripe-Signature", sign(payload, testSecret, now))
			r.ContentLength = int64(size)
			content := bytes.NewReader(payload)
			body := io.NopCloser(content)
			w := new(nullWriter)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				content.Reset(payload)
				r.Body = body
				clear(w.header)
				w.status = 0
				handler.ServeHTTP(w, r)
				if w.status != http.StatusNoContent {
					b.Fatal(w.status)
				}
			}
		})
	}
}

// pkceBenchmarks are what a flow calls, once each.
var pkceBenchmarks = []struct {
	name   string
	allocs float64
	run    func(testing.TB)
}{
	{"NewCodeVerifier", 2, func(testing.TB) { stripeapps.NewCodeVerifier() }},
	{"S256Challenge", 3, func(testing.TB) { stripeapps.S256Challenge(testCodeVerifier) }},
	{"ReadCodeChallenge", 0, func(tb testing.TB) {
		if _, err := stripeapps.ReadCodeChallenge(pkceParams); err != nil {
			tb.Fatal(err)
		}
	}},
	{"ReadCodeVerifier", 0, func(tb testing.TB) {
		if _, err := stripeapps.ReadCodeVerifier(pkceParams); err != nil {
			tb.Fatal(err)
		}
	}},
	{"VerifyCodeVerifier", 3, func(tb testing.TB) {
		if err := stripeapps.VerifyCodeVerifier(testCodeVerifier, testCodeChallenge); err != nil {
			tb.Fatal(err)
		}
	}},
}

var pkceParams = url.Values{
	"code_challenge": {testCodeChallenge}, "code_challenge_method": {"S256"}, "code_verifier": {testCodeVerifier},
}

func BenchmarkPKCE(b *testing.B) {
	for _, test := range pkceBenchmarks {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				test.run(b)
			}
		})
	}
}
