package stripeapps_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps"
)

const testSecret = "absec_test_secret"

// testNow is the clock of every test that does not measure.
var testNow = time.Unix(1700000000, 0).UTC()

func fixedNow() time.Time { return testNow }

// newVerifier returns a verifier with the test secret and clock, unless cfg has
// its own.
func newVerifier(tb testing.TB, cfg stripeapps.VerifierConfig) *stripeapps.Verifier {
	tb.Helper()
	if cfg.Secrets == nil {
		cfg.Secrets = []string{testSecret}
	}
	if cfg.Now == nil {
		cfg.Now = fixedNow
	}
	v, err := stripeapps.NewVerifier(cfg)
	require.NoError(tb, err)
	return v
}

// sign makes a Stripe-Signature header with stripe-go.
func sign[T string | []byte](payload T, secret string, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(webhook.ComputeSignature(at, []byte(payload), secret)))
}

// discardLog is for servers whose handlers panic on purpose.
func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }
