package stripeapps_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

// The order is proven by what each part does to the answers of those behind it.
func TestTheChainsOrder(t *testing.T) {
	chain, err := stripeapps.New(stripeapps.Config{Verifier: newVerifier(t, stripeapps.VerifierConfig{})})
	require.NoError(t, err)
	const policy = "default-src 'none'; frame-ancestors 'none'"

	t.Run("CSP is around CORS: a preflight that CORS answers has the policy", func(t *testing.T) {
		w := httptest.NewRecorder()
		chain(mustNotBeCalled(t)).ServeHTTP(w, preflight("null", "POST", "stripe-signature"))
		assert.Equal(t, http.StatusNoContent, w.Code)
		assert.Equal(t, http.Header{
			"Content-Security-Policy":      {policy},
			"Vary":                         {varyPreflight},
			"Access-Control-Allow-Origin":  {"*"},
			"Access-Control-Allow-Methods": {"POST"},
			"Access-Control-Allow-Headers": {"stripe-signature"},
			"Access-Control-Max-Age":       {"7200"},
		}, w.Header())
	})
	t.Run("CORS is around the verification: a refusal has both", func(t *testing.T) {
		r := signedRequest(plain)
		r.Header.Set("Origin", "null")
		r.Header.Del("Stripe-Signature")
		w := httptest.NewRecorder()
		chain(mustNotBeCalled(t)).ServeHTTP(w, r)
		assert.Equal(t, http.StatusUnauthorized, w.Code)
		assert.Equal(t, []string{"*"}, w.Header()["Access-Control-Allow-Origin"])
		assert.Equal(t, []string{policy}, w.Header()["Content-Security-Policy"])
		for _, name := range []string{"Access-Control-Allow-Origin", "Content-Security-Policy", "Vary"} {
			w.Header().Del(name)
		}
		assertProblemHeaders(t, http.StatusUnauthorized, w)
	})
	t.Run("the verification is around the handler: it has the identity, and both headers", func(t *testing.T) {
		r := signedRequest(plain)
		r.Header.Set("Origin", "null")
		w := httptest.NewRecorder()
		chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, ok := stripeapps.IdentityFrom(r.Context())
			assert.True(t, ok)
			assert.Equal(t, http.Header{"Content-Security-Policy": {policy}, "Vary": {"Origin"}, "Access-Control-Allow-Origin": {"*"}}, w.Header())
			w.WriteHeader(http.StatusNoContent)
		})).ServeHTTP(w, r)
		assert.Equal(t, http.StatusNoContent, w.Code)
	})
}

// Every part is a func(http.Handler) http.Handler, which is all that alice's and
// chi's chains know: they apply a list of them from the last to the first.
func TestThePartsComposeAsInAliceAndChi(t *testing.T) {
	withCSP, err := stripeapps.NewCSP(stripeapps.CSPConfig{})
	require.NoError(t, err)
	verifier := newVerifier(t, stripeapps.VerifierConfig{})
	parts := []func(http.Handler) http.Handler{withCSP, newCORS(t, stripeapps.CORSConfig{}), verifier.Handler, stripeapps.Require(stripeapps.Action("refund"))}
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for i := len(parts) - 1; i >= 0; i-- {
		handler = parts[i](handler)
	}
	whole, err := stripeapps.New(stripeapps.Config{Verifier: verifier})
	require.NoError(t, err)
	chain := whole(stripeapps.Require(stripeapps.Action("refund"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })))

	for _, request := range []func() *http.Request{
		func() *http.Request { return preflight("null", "POST", "stripe-signature") },
		func() *http.Request { return signedRequest(plain) },
		func() *http.Request {
			return signedRequest(`{"action":"refund","user_id":"usr_123","account_id":"acct_123"}`)
		},
	} {
		apart, together := httptest.NewRecorder(), httptest.NewRecorder()
		handler.ServeHTTP(apart, request())
		chain.ServeHTTP(together, request())
		assert.Equal(t, together.Code, apart.Code)
		assert.Equal(t, together.Header(), apart.Header())
		assert.Equal(t, together.Body.String(), apart.Body.String())
	}
}

func TestTheWholeChainMakesFewAllocations(t *testing.T) {
	if stripeapps.RaceEnabled {
		t.Skip("allocations cannot be counted under the race detector")
	}
	chain, err := stripeapps.New(stripeapps.Config{Verifier: newVerifier(t, stripeapps.VerifierConfig{})})
	require.NoError(t, err)
	assert.LessOrEqual(t, allocationsOf(chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stripeapps.IdentityFrom(r.Context())
		stripeapps.SignedPayload(r.Context())
	}))), 10.0)
}
