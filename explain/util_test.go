package explain_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/explain"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

const (
	testSecret = "absec_test_secret"

	plain   = `{"amount":1250,"user_id":"usr_123","account_id":"acct_123"}`
	onlyIDs = `{"user_id":"usr_123","account_id":"acct_123"}`
)

var testNow = time.Unix(1700000000, 0).UTC()

func fixedNow() time.Time { return testNow }

// newVerifier returns a verifier with the test secret and clock, unless cfg has
// its own.
func newVerifier(tb testing.TB, cfg stripeapps.VerifierConfig) *stripeapps.Verifier {
	tb.Helper()
	if cfg.Secrets == nil && cfg.LabeledSecrets == nil {
		cfg.Secrets = []string{testSecret}
	}
	if cfg.Now == nil {
		cfg.Now = fixedNow
	}
	v, err := stripeapps.NewVerifier(cfg)
	require.NoError(tb, err)
	return v
}

func unlabeled(secrets ...string) (labeled []stripeapps.LabeledSecret) {
	for _, secret := range secrets {
		labeled = append(labeled, stripeapps.LabeledSecret{Secret: secret})
	}
	return labeled
}

func sign[T string | []byte](payload T, secret string, at time.Time) string {
	return stripejs.Header([]byte(payload), at, secret)
}

// signedRequest returns a POST whose body is payload, and signed.
func signedRequest(payload string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/refunds", strings.NewReader(payload))
	r.Header.Set("Stripe-Signature", sign(payload, testSecret, testNow))
	return r
}

// refusalLog is what Refusals logs of a POST with a body.
func refusalLog(t *testing.T, cfg stripeapps.VerifierConfig, body string, change func(header map[string][]string)) string {
	t.Helper()
	var log bytes.Buffer
	cfg.Secrets, cfg.Now = []string{testSecret}, fixedNow
	cfg.Observe = explain.Refusals(slog.New(slog.NewTextHandler(&log, nil)))
	r := signedRequest(body)
	change(r.Header)
	_, err := newVerifier(t, cfg).Verify(r)
	require.Error(t, err)
	return log.String()
}
