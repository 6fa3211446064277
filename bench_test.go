package stripeapps_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rs/cors"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps"
)

// BenchmarkVerifyPayload compares with stripe-go's own check, and with what no
// check can be faster than: one SHA-256 of the payload.
func BenchmarkVerifyPayload(b *testing.B) {
	now := time.Now()
	v, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{testSecret}, Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{96, 256, 1 << 10, 8 << 10, 64 << 10} {
		payload := payloadOf(size)
		header := sign(payload, testSecret, now)
		run := func(peer string, check func() error) {
			b.Run(fmt.Sprintf("size=%d/peer=%s", size, peer), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					if err := check(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("stripeapps", func() error { _, err := v.VerifyPayload(payload, header); return err })
		run("stripe-go", func() error { return webhook.ValidatePayload(payload, header, testSecret) })
		run("sha256", func() error { sum = sha256.Sum256(payload); return nil })
	}
}

var sum [sha256.Size]byte

// BenchmarkHandler compares the whole chain with what a careful user writes by hand.
func BenchmarkHandler(b *testing.B) {
	protect, err := stripeapps.New(stripeapps.Config{Secrets: []string{testSecret}})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	for _, size := range []int{256, 1 << 10, 64 << 10} {
		payload := payloadOf(size)
		header := sign(payload, testSecret, now)
		run := func(peer string, handler http.Handler) {
			b.Run(fmt.Sprintf("size=%d/peer=%s", size, peer), func(b *testing.B) {
				r := httptest.NewRequest(http.MethodPost, "/api/echo", nil)
				r.Header.Set("Origin", "null")
				r.Header.Set("Stripe-Signature", header)
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
		run("stripeapps", protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if id, ok := stripeapps.IdentityFrom(r.Context()); !ok || id.UserID != "usr_123" {
				panic("no identity")
			}
			w.WriteHeader(http.StatusNoContent)
		})))
		withCORS := cors.New(cors.Options{AllowedOrigins: []string{"*"}, AllowedHeaders: []string{"Content-Type", "Stripe-Signature"}})
		run("by-hand", withCORS.Handler(byHand(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if id, ok := r.Context().Value(byHandKey{}).(byHandIdentity); !ok || id.UserID != "usr_123" {
				panic("no identity")
			}
			w.WriteHeader(http.StatusNoContent)
		}))))
	}
}

type byHandKey struct{}

type byHandIdentity struct {
	UserID    string `json:"user_id"`
	AccountID string `json:"account_id"`
}

func byHand(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "body", http.StatusBadRequest)
			return
		}
		if err := webhook.ValidatePayload(body, r.Header.Get("Stripe-Signature"), testSecret); err != nil {
			http.Error(w, "signature", http.StatusUnauthorized)
			return
		}
		var id byHandIdentity
		if err := json.Unmarshal(body, &id); err != nil || id.UserID == "" || id.AccountID == "" {
			http.Error(w, "identity", http.StatusBadRequest)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), byHandKey{}, id))
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// BenchmarkMegabyteHeader measures a megabyte of Stripe-Signature.
func BenchmarkMegabyteHeader(b *testing.B) {
	v, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{testSecret}})
	if err != nil {
		b.Fatal(err)
	}
	header := strings.Repeat("v1=0,", 1<<20/5)
	b.Run("peer=stripeapps", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v.VerifyPayload(nil, header)
		}
	})
	b.Run("peer=stripe-go", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			webhook.ValidatePayload(nil, header, testSecret)
		}
	})
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
