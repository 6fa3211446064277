package observed_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/observed"
)

func TestAVerdictKnowsItsVerifier(t *testing.T) {
	var got observed.Verifier
	v, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		Secrets: []string{"absec_a", "absec_b"}, Tolerance: time.Minute, Source: stripeapps.IDsInQuery, InsecureAllowMissingUser: true,
		Observe: func(v stripeapps.Verdict) { got = observed.Of(v) },
	})
	require.NoError(t, err)
	v.Handler(nil).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	assert.Len(t, got.Keys, 2)
	assert.Equal(t, stripeapps.IDsInQuery, got.Source)
	assert.Equal(t, time.Minute, got.Tolerance)
	assert.True(t, got.AllowNoUser)
}

// Nothing panics in a test of somebody's observer.
func TestAVerdictMadeByHandHasADefaultVerifier(t *testing.T) {
	want := observed.Verifier{Source: stripeapps.SignedBody, Tolerance: stripeapps.DefaultTolerance}
	assert.Equal(t, want, observed.Of(stripeapps.Verdict{}))
	assert.Equal(t, want, observed.Of(nil))
}
