//go:build !race

// The race detector makes allocations of its own.

package stripeapps_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

func TestTheWholeChainMakesFewAllocations(t *testing.T) {
	chain, err := stripeapps.New(stripeapps.Config{Verifier: newVerifier(t, stripeapps.VerifierConfig{})})
	require.NoError(t, err)
	assert.LessOrEqual(t, allocationsOf(chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stripeapps.IdentityFrom(r.Context())
		stripeapps.SignedPayload(r.Context())
	}))), 10.0)
}

func TestTheHandlerMakesFewAllocations(t *testing.T) {
	handler := newVerifier(t, stripeapps.VerifierConfig{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stripeapps.IdentityFrom(r.Context())
		stripeapps.SignedPayload(r.Context())
	}))
	assert.LessOrEqual(t, allocationsOf(handler), 7.0)
}

// allocationsOf counts what a handler allocates for a signed request of 1 KiB.
func allocationsOf(handler http.Handler) float64 {
	payload := payloadOf(1 << 10)
	r := signedRequest(string(payload))
	r.Header.Set("Origin", "null")
	content := bytes.NewReader(payload)
	body := io.NopCloser(content)
	w := new(nullWriter)
	return testing.AllocsPerRun(100, func() {
		clear(w.Header())
		content.Reset(payload)
		r.Body = body
		handler.ServeHTTP(w, r)
	})
}

// Like CVE-2025-22868 and GO-2024-2883: a header split before it is measured.
func TestAHeaderThatIsNoSignatureCostsNoAllocation(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{})
	for name, header := range map[string]string{
		"commas":     strings.Repeat(",", 1<<20),
		"signatures": strings.Repeat("v1=0,", 1<<18),
		"equals":     strings.Repeat("=", 1<<20),
		"under the cap": sign(plain, "absec_other", testNow) +
			strings.Repeat(",x=y", 900),
	} {
		assert.Zero(t, testing.AllocsPerRun(100, func() { v.VerifyPayload(nil, header) }), name)
	}
}

func TestVerifyPayloadMakesNoAllocations(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{Secrets: []string{"absec_next", testSecret}})
	payload, header := []byte(plain), sign(plain, testSecret, testNow)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := v.VerifyPayload(payload, header); err != nil {
			t.Error(err)
		}
	}))
}

func TestAFloodOfHeaderNamesCostsNothing(t *testing.T) {
	handler := newCORS(t, stripeapps.CORSConfig{})(mustNotBeCalled(t))
	for name, headers := range map[string]string{
		"commas":     strings.Repeat(",", 1<<20),
		"many names": strings.Repeat("a,", 1<<19),
		"repeated":   strings.Repeat("content-type,", 1<<16),
	} {
		r := preflight("null", "POST", headers)
		w := new(nullWriter)
		assert.LessOrEqual(t, testing.AllocsPerRun(10, func() {
			clear(w.Header())
			handler.ServeHTTP(w, r)
		}), 6.0, name)
		assert.Empty(t, w.header["Access-Control-Max-Age"], name)
	}
}

func TestPKCEMakesFewAllocations(t *testing.T) {
	for _, test := range pkceBenchmarks {
		t.Run(test.name, func(t *testing.T) {
			assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { test.run(t) }), test.allocs)
		})
	}
}

func TestCSPMakesFewAllocations(t *testing.T) {
	for _, test := range cspConfigs {
		t.Run(test.name, func(t *testing.T) {
			handler := newCSP(t, test.cfg)(nothing)
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			w := new(nullWriter)
			assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
				clear(w.header)
				handler.ServeHTTP(w, r)
			}), test.allocs)
		})
	}
}
