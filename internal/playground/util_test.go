package playground

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps"
)

const testSecret = "absec_of_the_test"

// testNow is the clock of every test.
var testNow = time.Unix(1700000000, 0).UTC()

func fixedNow() time.Time { return testNow }

// sign makes a Stripe-Signature header with stripe-go, whose code is not ours.
func sign(payload, secret string, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%x", at.Unix(), webhook.ComputeSignature(at, []byte(payload), secret))
}

func testBackend(t *testing.T) http.Handler {
	t.Helper()
	return backendWith(t, testSecret)
}

// backendWith returns what the quickstart serves.
func backendWith(t *testing.T, secret string) http.Handler {
	t.Helper()
	config := stripeapps.VerifierConfig{Secrets: []string{secret}, Now: fixedNow}
	bodies, err := stripeapps.NewVerifier(config)
	require.NoError(t, err)
	config.Source = stripeapps.IDsInHeaders
	ids, err := stripeapps.NewVerifier(config)
	require.NoError(t, err)
	withCORS, err := stripeapps.NewCORS(stripeapps.CORSConfig{})
	require.NoError(t, err)

	mux := http.NewServeMux()
	mux.Handle("POST /api/echo", bodies.Handler(http.HandlerFunc(tellIdentity)))
	mux.Handle("GET /api/whoami", ids.Handler(http.HandlerFunc(tellIdentity)))
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/", notFound)
	return withCORS(mux)
}

func tellIdentity(w http.ResponseWriter, r *http.Request) {
	id := stripeapps.MustIdentity(r.Context())
	writeIdentity(w, id, string(stripeapps.SignedPayload(r.Context())))
}

func writeIdentity(w http.ResponseWriter, id stripeapps.Identity, payload string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"user_id":"%s","account_id":"%s","signed_at":"%s","payload":%s}`,
		id.UserID, id.AccountID, id.SignedAt.Format(time.RFC3339), payload)
}

func echoRequest(method, path, payload, secret string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(payload))
	r.Header.Set("Stripe-Signature", sign(payload, secret, testNow))
	return r
}

func whoamiRequest(method, path, secret string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Stripe-User-Id", sampleUserID)
	r.Header.Set("Stripe-Account-Id", sampleAccountID)
	r.Header.Set("Stripe-Signature", sign(sampleIDsPayload, secret, testNow))
	return r
}

func responseOf(handler http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

func testPlayground(t *testing.T) http.Handler {
	t.Helper()
	playground, err := newPlayground(testBackend(t), testSecret, fixedNow)
	require.NoError(t, err)
	return playground
}

// local makes a request as the playground's own page sends it.
func local(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:4241"
	r.Header.Set("Origin", "http://127.0.0.1:4241")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

// fromExtension makes r a request of a sandboxed iframe.
func fromExtension(r *http.Request) *http.Request {
	r.Host = "127.0.0.1:4241"
	r.Header.Set("Origin", "null")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return r
}

func preflight(method, path string) *http.Request {
	r := fromExtension(httptest.NewRequest("OPTIONS", path, nil))
	r.Header.Set("Access-Control-Request-Method", method)
	r.Header.Set("Access-Control-Request-Headers", "content-type,stripe-signature")
	return r
}

func bodyOf(t *testing.T, response *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

func lastOf(t *testing.T, playground http.Handler, query string) lastDocument {
	t.Helper()
	response := responseOf(playground, local("GET", "/playground/last"+query, ""))
	require.Equal(t, http.StatusOK, response.StatusCode)
	var document lastDocument
	require.NoError(t, json.Unmarshal([]byte(bodyOf(t, response)), &document))
	return document
}

// assertAccepted checks that the response has exactly the members that it must.
func assertAccepted(t *testing.T, response *http.Response, payload string, signedAt time.Time) {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "body: %s", body)
	assert.Equal(t, "application/json", response.Header.Get("Content-Type"))
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(body, &members))
	assert.ElementsMatch(t, []string{"user_id", "account_id", "signed_at", "payload"}, slices.Collect(maps.Keys(members)))
	assert.Equal(t, `"`+sampleUserID+`"`, string(members["user_id"]))
	assert.Equal(t, `"`+sampleAccountID+`"`, string(members["account_id"]))
	assert.Equal(t, signedAt.UTC().Format(`"`+time.RFC3339+`"`), string(members["signed_at"]))
	assert.Equal(t, payload, string(members["payload"]))
}

func assertProblem(t *testing.T, response *http.Response, status int, code string) {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, status, response.StatusCode, "body: %s", body)
	assert.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
	var problem struct {
		Status       int
		Code, Detail string
	}
	require.NoError(t, json.Unmarshal(body, &problem))
	assert.Equal(t, status, problem.Status)
	assert.Equal(t, code, problem.Code)
	assert.NotEmpty(t, problem.Detail)
}

func assertOneLine(t *testing.T, text string) {
	t.Helper()
	assert.Equal(t, 1, strings.Count(text, "\n"), "got %q", text)
	assert.True(t, strings.HasPrefix(text, "quickstart: ") && strings.HasSuffix(text, "\n"), "got %q", text)
}
