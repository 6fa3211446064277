package stripeapps_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

func TestNewChecksItsConfig(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{})
	unmade := new(stripeapps.Verifier)
	require.NoError(t, unmade.SetSecrets(testSecret))
	for _, test := range []struct {
		name   string
		config stripeapps.Config
		want   string
	}{
		{"neither secrets nor a verifier", stripeapps.Config{}, "Secrets is empty"},
		{"no secrets in the list", stripeapps.Config{Secrets: []string{}}, "Secrets is empty"},
		{"a webhook secret", stripeapps.Config{Secrets: []string{"whsec_x"}}, "Secrets[0] looks like a webhook"},
		{"secrets and a verifier", stripeapps.Config{Secrets: []string{testSecret}, Verifier: v}, "are both set"},
		{"no secrets in the list, and a verifier", stripeapps.Config{Secrets: []string{}, Verifier: v}, "are both set"},
		{"a verifier that NewVerifier did not make, with secrets", stripeapps.Config{Verifier: unmade}, "was not made by NewVerifier"},
		{"a verifier that NewVerifier did not make", stripeapps.Config{Verifier: new(stripeapps.Verifier)}, "was not made by NewVerifier"},
	} {
		t.Run(test.name, func(t *testing.T) {
			protect, err := stripeapps.New(test.config)
			assert.ErrorContains(t, err, test.want)
			assert.Nil(t, protect)
		})
	}
}

func TestTheChainWorksWithSecretsAndWithAVerifier(t *testing.T) {
	payload := payloadOf(200)
	for name, options := range map[string]stripeapps.Config{
		"secrets":    {Secrets: []string{testSecret}},
		"a verifier": {Verifier: newVerifier(t, stripeapps.VerifierConfig{Now: time.Now})},
	} {
		t.Run(name, func(t *testing.T) {
			protect, err := stripeapps.New(options)
			require.NoError(t, err)
			handler := protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }))
			r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(payload))
			r.Header.Set("Stripe-Signature", sign(payload, testSecret, time.Now()))
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			assert.Equal(t, http.StatusOK, w.Code)
			assert.Equal(t, string(payload), w.Body.String())
		})
	}
}

// ServeMux patterns with a method do not match OPTIONS, so the chain goes around
// the mux; path values and patterns still work behind it.
func TestTheChainGoesAroundAMux(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/refunds/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.PathValue("id"), " ", r.Pattern)
	})
	w := httptest.NewRecorder()
	r := signedRequest(plain)
	r.URL.Path = "/api/refunds/re_1"
	newVerifier(t, stripeapps.VerifierConfig{}).Handler(mux).ServeHTTP(w, r)
	assert.Equal(t, "re_1 POST /api/refunds/{id}", w.Body.String())
}

func TestRequire(t *testing.T) {
	own := stripeapps.NewError("plan_too_small", http.StatusPaymentRequired, "upgrade the plan")
	for _, test := range []struct {
		name, payload string
		requirement   stripeapps.Requirement
		status        int
		code          string
	}{
		{"live mode, signed live", `{"livemode":true}`, stripeapps.LiveMode(true), 204, ""},
		{"live mode, signed test", `{"livemode":false}`, stripeapps.LiveMode(true), 403, "requirement_not_met"},
		{"test mode, signed test", `{"livemode":false}`, stripeapps.LiveMode(false), 204, ""},
		{"test mode, signed live", `{"livemode":true}`, stripeapps.LiveMode(false), 403, "requirement_not_met"},
		{"live mode, not signed at all", `{}`, stripeapps.LiveMode(true), 403, "requirement_not_met"},
		{"test mode, not signed at all", `{}`, stripeapps.LiveMode(false), 403, "requirement_not_met"},
		{"live mode as text", `{"livemode":"true"}`, stripeapps.LiveMode(true), 403, "requirement_not_met"},
		{"live mode as a number", `{"livemode":1}`, stripeapps.LiveMode(true), 403, "requirement_not_met"},
		{"live mode in a nested object", `{"a":{"livemode":true}}`, stripeapps.LiveMode(true), 403, "requirement_not_met"},
		{"live mode among other members", `{"a":1,"livemode":true}`, stripeapps.LiveMode(true), 204, ""},
		{"the role", `{"stripe_roles":[{"type":"builtIn","id":"view_only","name":"View only"},{"type":"builtIn","id":"admin","name":"Administrator"}]}`, stripeapps.Role("admin"), 204, ""},
		{"another role", `{"stripe_roles":[{"type":"builtIn","id":"view_only","name":"admin"}]}`, stripeapps.Role("admin"), 403, "requirement_not_met"},
		{"a custom role with the id of a built-in one", `{"stripe_roles":[{"type":"custom","id":"admin","name":"Administrator"}]}`, stripeapps.Role("admin"), 403, "requirement_not_met"},
		{"a role without a type", `{"stripe_roles":[{"id":"admin"}]}`, stripeapps.Role("admin"), 403, "requirement_not_met"},
		{"a role with two ids", `{"stripe_roles":[{"type":"builtIn","id":"view_only","ID":"admin"}]}`, stripeapps.Role("admin"), 403, "requirement_not_met"},
		{"no role", `{"stripe_roles":[]}`, stripeapps.Role("admin"), 403, "requirement_not_met"},
		{"no roles signed", `{"roles":[{"id":"admin"}]}`, stripeapps.Role("admin"), 403, "requirement_not_met"},
		{"roles that are none", `{"stripe_roles":"admin"}`, stripeapps.Role("admin"), 403, "requirement_not_met"},
		{"roles in a nested object", `{"a":{"stripe_roles":[{"id":"admin"}]}}`, stripeapps.Role("admin"), 403, "requirement_not_met"},
		{"the action", `{"action":"refund"}`, stripeapps.Action("refund"), 204, ""},
		{"the action with an escape", `{"action":"ref\u0075nd"}`, stripeapps.Action("refund"), 204, ""},
		{"another action", `{"action":"payout"}`, stripeapps.Action("refund"), 403, "requirement_not_met"},
		{"the action and more", `{"action":"refund "}`, stripeapps.Action("refund"), 403, "requirement_not_met"},
		{"the action in a list", `{"action":["refund"]}`, stripeapps.Action("refund"), 403, "requirement_not_met"},
		{"no action", `{}`, stripeapps.Action("refund"), 403, "requirement_not_met"},
		{"an action of null", `{"action":null}`, stripeapps.Action("refund"), 403, "requirement_not_met"},
		{"an own rule that is met", `{}`, func(r *http.Request) error { return nil }, 204, ""},
		{"an own rule that is not", `{}`, func(r *http.Request) error { return errors.New("secret reason") }, 403, "requirement_not_met"},
		{"an own rule with its own response", `{}`, func(r *http.Request) error { return own }, 402, "plan_too_small"},
		{"an own rule on the identity", `{}`, func(r *http.Request) error {
			if id, _ := stripeapps.IdentityFrom(r.Context()); id.AccountID != "acct_123" {
				return errors.New("another account")
			}
			return nil
		}, 204, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			next := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
			if test.status != http.StatusNoContent {
				next = mustNotBeCalled(t)
			}
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(verifiedContext(test.payload))
			stripeapps.Require(test.requirement)(next).ServeHTTP(w, r)
			assert.Equal(t, test.status, w.Code)
			if test.code != "" {
				assertProblemHeaders(t, test.status, w)
				assert.Contains(t, w.Body.String(), `"code":"`+test.code+`"`)
				assert.NotContains(t, w.Body.String(), "secret reason")
			}
		})
	}
}

func TestRoleSaysWhetherRolesAreSignedAtAll(t *testing.T) {
	for payload, want := range map[string]string{
		`{}`: `this endpoint is for users with the built-in role "admin": sign stripe_roles: userContext.roles in the payload given to fetchStripeSignature`,
		`{"stripe_roles":[{"type":"builtIn","id":"view_only"}]}`: `this endpoint is for users with the built-in role "admin", which is not among the roles that are signed`,
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(verifiedContext(payload))
		err := stripeapps.Role("admin")(r)
		require.ErrorIs(t, err, stripeapps.ErrRequirementNotMet)
		assert.Equal(t, "stripeapps: "+want+" (requirement_not_met)", err.Error())
	}
}

func TestRequireNeedsAllRequirements(t *testing.T) {
	require := stripeapps.Require(stripeapps.LiveMode(true), stripeapps.Action("refund"))
	for payload, want := range map[string]int{
		`{"livemode":true,"action":"refund"}`:  200,
		`{"livemode":true,"action":"payout"}`:  403,
		`{"livemode":false,"action":"refund"}`: 403,
		`{"livemode":true}`:                    403,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(verifiedContext(payload))
		require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		assert.Equal(t, want, w.Code, payload)
	}
}

func TestRequireOutsideTheChainFailsClosed(t *testing.T) {
	w := httptest.NewRecorder()
	stripeapps.Require(func(*http.Request) error { return nil })(mustNotBeCalled(t)).ServeHTTP(w, signedRequest(plain))
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assertProblemHeaders(t, http.StatusInternalServerError, w)
	assert.Contains(t, w.Body.String(), `"code":"not_verified"`)
}

func TestRequireAnswersInTheWayOfTheChain(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, "own", http.StatusTeapot)
	}})
	w := httptest.NewRecorder()
	v.Handler(stripeapps.Require(stripeapps.LiveMode(true))(mustNotBeCalled(t))).ServeHTTP(w, signedRequest(plain))
	assert.Equal(t, http.StatusTeapot, w.Code)
	assert.Equal(t, "own\n", w.Body.String())
}

func TestEmptyRequirementsPanic(t *testing.T) {
	assert.Panics(t, func() { stripeapps.Require() })
	assert.Panics(t, func() { stripeapps.Require(nil) })
	assert.Panics(t, func() { stripeapps.Action("") })
	assert.Panics(t, func() { stripeapps.Role("") })
}

func TestRequireKeepsItsOwnListAndTheCause(t *testing.T) {
	cause := errors.New("cause")
	requirements := []stripeapps.Requirement{func(*http.Request) error { return cause }}
	protect := stripeapps.Require(requirements...)
	requirements[0] = func(*http.Request) error { return nil }

	var refused error
	v := newVerifier(t, stripeapps.VerifierConfig{ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { refused = err }})
	v.Handler(protect(mustNotBeCalled(t))).ServeHTTP(httptest.NewRecorder(), signedRequest(plain))
	assert.ErrorIs(t, refused, stripeapps.ErrRequirementNotMet)
	assert.ErrorIs(t, refused, cause)
}

// The order is proven by what each part does to the responses of those behind it.
func TestTheChainsOrder(t *testing.T) {
	chain, err := stripeapps.New(stripeapps.Config{Verifier: newVerifier(t, stripeapps.VerifierConfig{})})
	require.NoError(t, err)
	const policy = "default-src 'none'; frame-ancestors 'none'"

	t.Run("CSP is around CORS: a preflight that CORS responds to has the policy", func(t *testing.T) {
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
			assert.Equal(t, http.Header{
				"Content-Security-Policy": {policy}, "Access-Control-Allow-Origin": {"*"}, "Cache-Control": {"no-store"},
				"Vary": {"Origin", "Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"},
			}, w.Header())
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
