package replay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/replay"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

const nonce = "6f1c9f3e-0d55-4c0e-8e57-4c6a1f1b1a11"

// newBackend returns a handler with once behind a verifier by the clock.
func newBackend(t *testing.T, clock *clock, cfg replay.Config, verifiers ...stripeapps.VerifierConfig) http.Handler {
	t.Helper()
	if cfg.Guard == nil {
		cfg.Guard = replay.NewMemory(replay.MemoryConfig{Now: clock.Now})
	}
	once, err := replay.Once(cfg)
	require.NoError(t, err)
	config := stripeapps.VerifierConfig{}
	if len(verifiers) > 0 {
		config = verifiers[0]
	}
	config.Now = clock.Now
	if config.Secrets == nil {
		config.Secrets = []string{stripeappstest.DefaultSecret}
	}
	verifier, err := stripeapps.NewVerifier(config)
	require.NoError(t, err)
	return verifier.Handler(once(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })))
}

func send(handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func signed(clock *clock, payload any, options ...stripeappstest.Option) *http.Request {
	return stripeappstest.NewRequest("POST", "/api/payouts", payload, append(options, stripeappstest.At(clock.Now()))...)
}

func TestASignatureCanBeUsedOnce(t *testing.T) {
	clock := newClock()
	handler := newBackend(t, clock, replay.Config{})
	payload := map[string]any{"amount": 1, "nonce": nonce}
	assert.Equal(t, 204, send(handler, signed(clock, payload)).Code)
	w := send(handler, signed(clock, payload))
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Contains(t, w.Body.String(), `"code":"replayed"`)

	other := map[string]any{"amount": 1, "nonce": strings.Replace(nonce, "6", "7", 1)}
	assert.Equal(t, 204, send(handler, signed(clock, other)).Code, "another nonce")
	clock.Advance(time.Second)
	assert.Equal(t, 204, send(handler, signed(clock, payload)).Code, "another time")
}

// Whatever can be written in another way does not make another signature.
func TestAReplayIsOneHoweverItIsWritten(t *testing.T) {
	for name, change := range map[string]func(r *http.Request){
		"with another scheme in the header": func(r *http.Request) { r.Header.Set("Stripe-Signature", r.Header.Get("Stripe-Signature")+",v0=1") },
		"with the signature first": func(r *http.Request) {
			t, v1, _ := strings.Cut(r.Header.Get("Stripe-Signature"), ",")
			r.Header.Set("Stripe-Signature", v1+","+t)
		},
		"split into lines": func(r *http.Request) {
			r.Header["Stripe-Signature"] = strings.Split(r.Header.Get("Stripe-Signature"), ",")
		},
		"with the other secret's signature alone, while a secret is rolled": func(r *http.Request) {
			parts := strings.Split(r.Header.Get("Stripe-Signature"), ",")
			r.Header.Set("Stripe-Signature", parts[0]+","+parts[2])
		},
		"on another route":  func(r *http.Request) { r.URL.Path = "/api/other" },
		"by another method": func(r *http.Request) { r.Method = http.MethodPut },
	} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			secrets := []string{"absec_new", "absec_old"}
			handler := newBackend(t, clock, replay.Config{}, stripeapps.VerifierConfig{Secrets: secrets})
			request := func() *http.Request {
				return signed(clock, map[string]any{"nonce": nonce}, stripeappstest.WithSecret(secrets...))
			}
			require.Equal(t, 204, send(handler, request()).Code)
			r := request()
			change(r)
			assert.Equal(t, http.StatusConflict, send(handler, r).Code)
		})
	}
}

func TestAGuardedRouteNeedsANonce(t *testing.T) {
	for _, test := range []struct {
		name    string
		cfg     replay.Config
		payload string
		status  int
	}{
		{"none", replay.Config{}, `{"amount":1}`, 400},
		{"one in a nested object", replay.Config{}, `{"a":{"nonce":"` + nonce + `"}}`, 400},
		{"a number", replay.Config{}, `{"nonce":12345678901234567890}`, 400},
		{"a list", replay.Config{}, `{"nonce":["` + nonce + `"]}`, 400},
		{"15 bytes", replay.Config{}, `{"nonce":"` + nonce[:15] + `"}`, 400},
		{"16 bytes", replay.Config{}, `{"nonce":"` + nonce[:16] + `"}`, 204},
		{"128 bytes", replay.Config{}, `{"nonce":"` + strings.Repeat("n", 128) + `"}`, 204},
		{"129 bytes", replay.Config{}, `{"nonce":"` + strings.Repeat("n", 129) + `"}`, 400},
		{"under another name", replay.Config{}, `{"request_id":"` + nonce + `"}`, 400},
		{"under the configured name", replay.Config{Nonce: "request_id"}, `{"request_id":"` + nonce + `"}`, 204},
		{"under the default name where another is configured", replay.Config{Nonce: "request_id"}, `{"nonce":"` + nonce + `"}`, 400},
		{"none, where that is allowed", replay.Config{InsecureAllowWithoutNonce: true}, `{"amount":1}`, 204},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := newClock()
			handler := newBackend(t, clock, test.cfg)
			w := send(handler, signed(clock, test.payload))
			assert.Equal(t, test.status, w.Code)
			if test.status == 400 {
				assert.Contains(t, w.Body.String(), `"code":"no_nonce"`)
				assert.Contains(t, w.Body.String(), "crypto.randomUUID()")
			}
		})
	}
}

func TestASignatureIsRememberedForAsLongAsItIsGood(t *testing.T) {
	for _, test := range []struct {
		name      string
		tolerance time.Duration
		skew      time.Duration
		remembers time.Duration
	}{
		{"by default", 0, 0, 5*time.Minute + 30*time.Second},
		{"with a tolerance and a skew of one's own", time.Minute, time.Second, time.Minute + time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := newClock()
			spy := &spyGuard{}
			handler := newBackend(t, clock, replay.Config{Guard: spy, ClockSkew: test.skew}, stripeapps.VerifierConfig{Tolerance: test.tolerance})
			require.Equal(t, 204, send(handler, signed(clock, map[string]any{"nonce": nonce})).Code)
			assert.Equal(t, clock.Now().Add(test.remembers).UTC(), spy.until)
			assert.Len(t, spy.key, 43)
		})
	}
}

func TestWhatRequireRefusesUsesNothingUp(t *testing.T) {
	clock, spy := newClock(), &spyGuard{}
	once, err := replay.Once(replay.Config{Guard: spy})
	require.NoError(t, err)
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{stripeappstest.DefaultSecret}, Now: clock.Now})
	require.NoError(t, err)
	mayPayOut := stripeapps.Require(stripeapps.Action("payout"))
	handler := verifier.Handler(mayPayOut(once(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))))
	assert.Equal(t, 403, send(handler, signed(clock, map[string]any{"action": "refund", "nonce": nonce})).Code)
	assert.Empty(t, spy.key)
	assert.Equal(t, 200, send(handler, signed(clock, map[string]any{"action": "payout", "nonce": nonce})).Code)
	assert.NotEmpty(t, spy.key)
}

func TestScopesKeepUsesApart(t *testing.T) {
	clock := newClock()
	guard := replay.NewMemory(replay.MemoryConfig{Now: clock.Now})
	payload := map[string]any{"nonce": nonce}
	for _, test := range []struct {
		scope  string
		status int
	}{{"payouts", 204}, {"refunds", 204}, {"payouts", 409}, {"", 204}, {"", 409}} {
		handler := newBackend(t, clock, replay.Config{Guard: guard, Scope: test.scope})
		assert.Equal(t, test.status, send(handler, signed(clock, payload)).Code, "%q", test.scope)
	}
}

func TestAGuardThatFailsFailsClosed(t *testing.T) {
	cause := errors.New("dial tcp: connection refused")
	clock := newClock()
	var refused error
	config := stripeapps.VerifierConfig{Observe: func(v stripeapps.Verdict) { refused = v.Err }}
	handler := newBackend(t, clock, replay.Config{Guard: &spyGuard{err: cause}}, config)
	w := send(handler, signed(clock, map[string]any{"nonce": nonce}))
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Contains(t, w.Body.String(), `"code":"replay_guard_unavailable"`)
	assert.NotContains(t, w.Body.String(), "dial")
	assert.ErrorIs(t, refused, replay.ErrUnavailable)
	assert.ErrorIs(t, refused, cause)
	assert.EqualError(t, errors.Unwrap(refused), "replay: the Guard could not tell: dial tcp: connection refused", "for the backend's log")

	// Even if it says that it was the first.
	handler = newBackend(t, clock, replay.Config{Guard: &spyGuard{first: true, err: cause}})
	assert.Equal(t, 503, send(handler, signed(clock, map[string]any{"nonce": nonce})).Code)
	handler = newBackend(t, clock, replay.Config{Guard: &spyGuard{err: cause}, InsecureAllowOnError: true})
	assert.Equal(t, 204, send(handler, signed(clock, map[string]any{"nonce": nonce})).Code)
}

func TestAReplayIsRefusedWhereAFailureOfTheGuardIsNot(t *testing.T) {
	clock := newClock()
	handler := newBackend(t, clock, replay.Config{InsecureAllowOnError: true, InsecureAllowWithoutNonce: true})
	assert.Equal(t, 204, send(handler, signed(clock, map[string]any{"amount": 1})).Code)
	assert.Equal(t, 409, send(handler, signed(clock, map[string]any{"amount": 1})).Code)
}

// Somebody who sends a captured request and hangs up at once must not pass for a
// Guard that fails, nor a signature that is over by the time of the claim.
func TestWhatIsNotAFailureOfTheGuardIsNeverLetThrough(t *testing.T) {
	gone, hangUp := context.WithCancel(context.Background())
	hangUp()
	for _, test := range []struct {
		name string
		ctx  context.Context
		err  error
	}{
		{"a client that has hung up", gone, context.Canceled},
		{"a client that has hung up, whatever the Guard makes of it", gone, errors.New("connection closed")},
		{"a signature that is over", context.Background(), fmt.Errorf("guard: %w", replay.ErrOver)},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := newClock()
			handler := newBackend(t, clock, replay.Config{Guard: &spyGuard{err: test.err}, InsecureAllowOnError: true})
			w := send(handler, signed(clock, map[string]any{"nonce": nonce}).WithContext(test.ctx))
			assert.Equal(t, http.StatusServiceUnavailable, w.Code)
			assert.Contains(t, w.Body.String(), `"code":"replay_guard_unavailable"`)
		})
	}
}

// The claim must outlive the signature, which a slow body could otherwise prevent.
func TestASlowBodyDoesNotOutliveItsClaim(t *testing.T) {
	clock := newClock()
	handler := newBackend(t, clock, replay.Config{ClockSkew: time.Second})
	payload := map[string]any{"nonce": nonce}
	assert.Equal(t, 204, send(handler, signed(clock, payload)).Code)
	replayed := signed(clock, payload)
	clock.Advance(stripeapps.DefaultTolerance)
	replayed.Body = slowBody{replayed.Body, func() { clock.Advance(2 * time.Second) }}
	w := send(handler, replayed)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Contains(t, w.Body.String(), `"code":"too_old"`)
}

// slowBody calls arrive before each reading.
type slowBody struct {
	io.ReadCloser
	arrive func()
}

func (b slowBody) Read(p []byte) (int, error) {
	b.arrive()
	return b.ReadCloser.Read(p)
}

type spyGuard struct {
	first bool
	err   error
	key   string
	until time.Time
}

func (g *spyGuard) Claim(_ context.Context, key string, until time.Time) (bool, error) {
	g.key, g.until = key, until
	return g.first || g.err == nil, g.err
}

// Like a request id, or what is left of a limit.
func TestARefusalKeepsWhatStandsInFrontOfOnce(t *testing.T) {
	clock := newClock()
	once, err := replay.Once(replay.Config{Guard: &spyGuard{err: errors.New("gone")}})
	require.NoError(t, err)
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{stripeappstest.DefaultSecret}, Now: clock.Now})
	require.NoError(t, err)
	w := send(verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "1")
		once(http.NotFoundHandler()).ServeHTTP(w, r)
	})), signed(clock, map[string]any{"nonce": nonce}))
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Equal(t, "1", w.Header().Get("X-Request-Id"))
}

func TestOutsideTheChainNothingPasses(t *testing.T) {
	once, err := replay.Once(replay.Config{Guard: &spyGuard{}})
	require.NoError(t, err)
	w := send(once(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("called") })), httptest.NewRequest("POST", "/", nil))
	assert.Equal(t, 500, w.Code)
	assert.Contains(t, w.Body.String(), "not_verified")
}

func TestEveryMistakeOfAConfigurationIsReported(t *testing.T) {
	once, err := replay.Once(replay.Config{Nonce: "user_id", ClockSkew: -1})
	assert.Nil(t, once)
	require.Error(t, err)
	for _, want := range []string{"Config.Guard is nil", `Config.Nonce is "user_id"`, "Config.ClockSkew is -1ns"} {
		assert.ErrorContains(t, err, want)
	}
	for _, name := range []string{"user_id", "account_id", "action", "livemode", "stripe_roles"} {
		_, err = replay.Once(replay.Config{Guard: &spyGuard{}, Nonce: name})
		assert.ErrorContains(t, err, `Config.Nonce is "`+name+`"`)
	}
	for _, name := range []string{"userId", "USER_ID", "stripeRoles", "LiveMode", "ACTİON"} {
		_, err = replay.Once(replay.Config{Guard: &spyGuard{}, Nonce: name})
		assert.ErrorContains(t, err, `Config.Nonce is "`+name+`", which means something else, or is taken for it`)
	}
	for _, name := range []string{`a"b`, `a\b`, "a\n", "\xff"} {
		_, err = replay.Once(replay.Config{Guard: &spyGuard{}, Nonce: name})
		assert.ErrorContains(t, err, "Config.Nonce has a character that JSON.stringify writes in another way")
	}
	_, err = replay.Once(replay.Config{Guard: &spyGuard{}, Nonce: "größe"})
	assert.NoError(t, err)
	_, err = replay.Once(replay.Config{Guard: &spyGuard{}, ClockSkew: time.Hour + 1})
	assert.ErrorContains(t, err, "Config.ClockSkew is 1h0m0.000000001s")
	_, err = replay.Once(replay.Config{Guard: &spyGuard{}, ClockSkew: time.Hour})
	assert.NoError(t, err)
}

// One signature for the two halves of a transfer, sent twice by a careless client.
func ExampleOnce() {
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{stripeappstest.DefaultSecret}})
	if err != nil {
		fmt.Println(err)
		return
	}
	once, err := replay.Once(replay.Config{Guard: replay.NewMemory(replay.MemoryConfig{})})
	if err != nil {
		fmt.Println(err)
		return
	}
	type payload struct {
		Amount int64 `json:"amount"`
	}
	payout := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want, err := stripeapps.DecodePayload[payload](r.Context())
		if err != nil {
			stripeapps.Refuse(w, r, err)
			return
		}
		fmt.Fprintln(w, "paid out", want.Amount)
	})
	handler := verifier.Handler(once(payout))

	at := stripeappstest.At(time.Now())
	for range 2 {
		r := stripeappstest.NewRequest("POST", "/api/payouts", map[string]any{"amount": 1250, "nonce": "6f1c9f3e-0d55-4c0e-8e57-4c6a1f1b1a11"}, at)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body.String())
	}
	// Output:
	// 200 paid out 1250
	// 409 {"title":"Conflict","status":409,"code":"replayed","detail":"this signature has been used before: call fetchStripeSignature for each request, with a new nonce in the payload"}
}
