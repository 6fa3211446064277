package stripeapps_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
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

// sign makes a Stripe-Signature header with stripe-go.
func sign[T string | []byte](payload T, secret string, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(webhook.ComputeSignature(at, []byte(payload), secret)))
}

// discardLog is for servers whose handlers panic on purpose.
func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

// mustNotBeCalled is what stands behind everything that refuses.
func mustNotBeCalled(t *testing.T) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the handler was called")
	})
}

// assertProblemHeaders checks all the headers of a problem document, nothing
// missing and nothing more. The length is net/http's to add.
func assertProblemHeaders(t *testing.T, status int, w *httptest.ResponseRecorder) {
	t.Helper()
	want := http.Header{
		"Content-Type":           {"application/problem+json"},
		"Cache-Control":          {"no-store"},
		"X-Content-Type-Options": {"nosniff"},
	}
	if status == http.StatusUnauthorized {
		want["Www-Authenticate"] = []string{"Stripe-Signature"}
	}
	assert.Equal(t, want, w.Header())
}

// refusals is a request for each code that the verifier can refuse with.
func refusals() map[string]func(*stripeapps.VerifierConfig) *http.Request {
	withHeader := func(header string) func(*stripeapps.VerifierConfig) *http.Request {
		return func(*stripeapps.VerifierConfig) *http.Request {
			r := signedRequest(plain)
			r.Header.Set("Stripe-Signature", header)
			return r
		}
	}
	signed := func(payload string) func(*stripeapps.VerifierConfig) *http.Request {
		return func(*stripeapps.VerifierConfig) *http.Request { return signedRequest(payload) }
	}
	return map[string]func(*stripeapps.VerifierConfig) *http.Request{
		"not_signed":          withHeader(""),
		"malformed_signature": withHeader("t=1,v1=input"),
		"no_match":            withHeader(sign(plain, "absec_other", testNow)),
		"too_old":             withHeader(sign(plain, testSecret, testNow.Add(-time.Hour))),
		"too_new":             withHeader(sign(plain, testSecret, testNow.Add(time.Hour))),
		"only_ids_signed":     withHeader(sign(onlyIDs, testSecret, testNow)),
		"no_identity":         signed(`{"input":1}`),
		"install_signature":   signed(`{"state":"input","user_id":"usr_123","account_id":"acct_123"}`),
		"body_too_large": func(cfg *stripeapps.VerifierConfig) *http.Request {
			cfg.MaxBodyBytes = 10
			return signedRequest(plain)
		},
		"body_unreadable": func(*stripeapps.VerifierConfig) *http.Request {
			r := signedRequest(plain)
			r.ContentLength++
			return r
		},
		"malformed_ids": func(cfg *stripeapps.VerifierConfig) *http.Request {
			cfg.Source = stripeapps.IDsInHeaders
			return signedRequest(plain)
		},
		"no_payload": func(cfg *stripeapps.VerifierConfig) *http.Request {
			cfg.Source = stripeapps.NewSource(func(*http.Request, []byte) ([]byte, error) { return nil, errors.New("input") })
			return signedRequest(plain)
		},
	}
}

var statusOf = map[string]int{
	"not_signed": 401, "malformed_signature": 401, "no_match": 401, "too_old": 401, "too_new": 401,
	"body_too_large": 413, "body_unreadable": 400, "malformed_ids": 400, "no_payload": 400,
	"no_identity": 400, "only_ids_signed": 400, "install_signature": 400,
}

var testIdentity = stripeapps.Identity{UserID: "usr_123", AccountID: "acct_123", Signature: stripeapps.Signature{SignedAt: testNow, ExpiresAt: testNow.Add(5 * time.Minute)}}

// verifiedContext is the context of a request with this payload and the test ids.
func verifiedContext(payload string) context.Context {
	return stripeapps.ContextWithIdentity(context.Background(), testIdentity, []byte(payload))
}

const plain = `{"amount":1250,"user_id":"usr_123","account_id":"acct_123"}`

// signedRequest returns a request whose whole body is signed.
func signedRequest(payload string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/echo", strings.NewReader(payload))
	r.Header.Set("Stripe-Signature", sign(payload, testSecret, testNow))
	return r
}

const (
	onlyIDs     = `{"user_id":"usr_123","account_id":"acct_123"}`
	onlyAccount = `{"account_id":"acct_123"}`
)

// payloadOf returns a signed payload of exactly size bytes.
func payloadOf(size int) []byte {
	const head, tail = `{"note":"`, `","user_id":"usr_123","account_id":"acct_123"}`
	return []byte(head + strings.Repeat("x", size-len(head)-len(tail)) + tail)
}

type nullWriter struct {
	header http.Header
	status int
}

func (w *nullWriter) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}
func (w *nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *nullWriter) WriteHeader(status int)      { w.status = status }

func newCORS(tb testing.TB, cfg stripeapps.CORSConfig) stripeapps.Middleware {
	tb.Helper()
	middleware, err := stripeapps.NewCORS(cfg)
	require.NoError(tb, err)
	return middleware
}

// preflight is what a browser sends before an extension's request.
func preflight(origin, method, headers string) *http.Request {
	r := httptest.NewRequest(http.MethodOptions, "/api/echo", nil)
	r.Header.Set("Origin", origin)
	r.Header.Set("Access-Control-Request-Method", method)
	if headers != "" {
		r.Header.Set("Access-Control-Request-Headers", headers)
	}
	return r
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
