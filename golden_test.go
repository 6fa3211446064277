package stripeapps_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
)

func goldenRequest(v golden.Vector) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/echo", strings.NewReader(v.Payload))
	if v.Header != "" {
		r.Header.Set("Stripe-Signature", v.Header)
	}
	return r
}

func goldenVerifier(tb testing.TB, v golden.Vector) *stripeapps.Verifier {
	return newVerifier(tb, stripeapps.VerifierConfig{
		Secrets: v.Secrets,
		Now:     func() time.Time { return time.Unix(v.Clock, 0) },
	})
}

func TestGoldenVectors(t *testing.T) {
	accepted, refused := 0, 0
	for _, vector := range golden.Vectors() {
		t.Run(vector.Name, func(t *testing.T) {
			verified, err := goldenVerifier(t, vector).Verify(goldenRequest(vector))
			if vector.Expect != "accepted" {
				refused++
				var e *stripeapps.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, vector.Expect, e.Code())
				assert.Nil(t, verified)
				return
			}
			accepted++
			require.NoError(t, err)
			id, ok := stripeapps.IdentityFrom(verified.Context())
			assert.True(t, ok)
			assert.Equal(t, vector.UserID, id.UserID)
			assert.Equal(t, vector.AccountID, id.AccountID)
			assert.Equal(t, vector.Payload, string(stripeapps.SignedPayload(verified.Context())))
		})
	}
	assert.GreaterOrEqual(t, accepted, 30)
	assert.GreaterOrEqual(t, refused, 40)
}

// VerifyPayload looks at the signature only: it accepts what is refused later
// because of what the payload says, and otherwise agrees with Verify.
func TestGoldenVectorsByPayloadAlone(t *testing.T) {
	expected := map[string]error{
		"accepted":            nil,
		"no_identity":         nil,
		"install_signature":   nil,
		"only_ids_signed":     stripeapps.ErrNoMatch,
		"no_match":            stripeapps.ErrNoMatch,
		"not_signed":          stripeapps.ErrNotSigned,
		"malformed_signature": stripeapps.ErrMalformedSignature,
		"too_old":             stripeapps.ErrTooOld,
		"too_new":             stripeapps.ErrTooNew,
	}
	for _, vector := range golden.Vectors() {
		t.Run(vector.Name, func(t *testing.T) {
			want, known := expected[vector.Expect]
			require.True(t, known)
			signature, err := goldenVerifier(t, vector).VerifyPayload([]byte(vector.Payload), vector.Header)
			if want != nil {
				assert.True(t, errors.Is(err, want), "got %v", err)
				assert.Zero(t, signature)
				return
			}
			require.NoError(t, err)
			assert.WithinDuration(t, time.Unix(vector.Clock, 0), signature.SignedAt, 5*time.Minute)
		})
	}
}
