package stripeapps_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

func TestOutsideTheChainThereIsNoIdentity(t *testing.T) {
	id, ok := stripeapps.IdentityFrom(context.Background())
	assert.False(t, ok)
	assert.Zero(t, id)
	assert.Nil(t, stripeapps.SignedPayload(context.Background()))
	_, err := stripeapps.DecodePayload[map[string]any](context.Background())
	assert.ErrorIs(t, err, stripeapps.ErrNotVerified)
}

func TestMustIdentityPanicsOutsideTheChain(t *testing.T) {
	assert.PanicsWithValue(t, stripeapps.ErrNotVerified, func() { stripeapps.MustIdentity(context.Background()) })
	assert.Equal(t, testIdentity, stripeapps.MustIdentity(verifiedContext(`{"a":1}`)))

	// A route that somebody has put outside the verifier fails in a way that its
	// caller can read.
	forgotten := newCORS(t, stripeapps.CORSConfig{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stripeapps.MustIdentity(r.Context())
	}))
	r, _ := withServer(signedRequest(plain))
	r.Header.Set("Origin", "null")
	w := httptest.NewRecorder()
	forgotten.ServeHTTP(w, r)
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
}

func TestContextWithIdentityMakesWhatTheChainMakes(t *testing.T) {
	for _, test := range []struct {
		name, payload, want string
		id                  stripeapps.Identity
	}{
		{"no payload", "", onlyIDs, testIdentity},
		{"an empty object", "{}", onlyIDs, testIdentity},
		{"an empty object with white space", " { } ", onlyIDs, testIdentity},
		{"a payload", `{"amount":1250}`, plain, testIdentity},
		{"a payload that ends in an object", `{"a":{}}`, `{"a":{},"user_id":"usr_123","account_id":"acct_123"}`, testIdentity},
		{"a payload behind white space", "\n{\"amount\":1250}\n", plain, testIdentity},
		{"no user", `{"a":1}`, `{"a":1,"account_id":"acct_123"}`, stripeapps.Identity{AccountID: "acct_123", Signature: stripeapps.Signature{SignedAt: testNow, ExpiresAt: testNow.Add(5 * time.Minute)}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			payload := []byte(test.payload)
			if test.payload == "" {
				payload = nil
			}
			ctx := stripeapps.ContextWithIdentity(context.Background(), test.id, payload)
			id, ok := stripeapps.IdentityFrom(ctx)
			assert.True(t, ok)
			assert.Equal(t, test.id, id)
			assert.Equal(t, test.want, string(stripeapps.SignedPayload(ctx)))
		})
	}
}

func TestContextWithIdentityNeedsIDs(t *testing.T) {
	for name, id := range map[string]stripeapps.Identity{
		"no ids":                   {},
		"no account":               {UserID: "usr_123"},
		"an account that is no id": {UserID: "usr_123", AccountID: "a b"},
		"JSON in the account":      {AccountID: `a","account_id":"a`},
		"a user that is no id":     {UserID: `"`, AccountID: "a"},
		"JSON in the user":         {UserID: `u","a":"b`, AccountID: "a"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.PanicsWithValue(t, "stripeapps: ContextWithIdentity: the ids must be 1 to 255 letters, digits or underscores", func() {
				stripeapps.ContextWithIdentity(context.Background(), id, nil)
			})
		})
	}
}

func TestContextWithIdentityLeavesThePayloadAlone(t *testing.T) {
	for _, payload := range []string{"{}", `{"amount":1250}`, "{ } "} {
		memory := []byte(payload + strings.Repeat("x", 100))
		before := string(memory)
		stripeapps.ContextWithIdentity(context.Background(), testIdentity, memory[:len(payload)])
		assert.Equal(t, before, string(memory))
	}
}

func TestContextWithIdentityPanicsOnWhatTheChainWouldRefuse(t *testing.T) {
	for name, create := range map[string]func(){
		"an empty payload":            func() { verifiedContext("") },
		"a payload that is no object": func() { verifiedContext("[1]") },
		"a payload that is not JSON":  func() { verifiedContext("{amount}") },
		"a payload with the ids":      func() { verifiedContext(onlyIDs) },
		"an install link's payload":   func() { verifiedContext(`{"state":"xyz"}`) },
		"two documents":               func() { verifiedContext(`{"a":1}{"b":2}`) },
		"a closing brace alone":       func() { verifiedContext("}") },
	} {
		t.Run(name, func(t *testing.T) { assert.Panics(t, create) })
	}
}

type refund struct {
	Charge string `json:"charge"`
	Amount int8   `json:"amount"`
	Lines  []line `json:"lines"`

	Since time.Time `json:"since"`
}

type line struct {
	Quantity uint            `json:"quantity"`
	Notes    map[string]bool `json:"notes"`
	Untagged string
}

func TestDecodePayload(t *testing.T) {
	for _, test := range []struct {
		name, payload string
		want          refund
		detail        string // of the error
	}{
		{"all fields", `{"charge":"ch_1","amount":5,"lines":[{"quantity":2}]}`, refund{Charge: "ch_1", Amount: 5, Lines: []line{{Quantity: 2}}}, ""},
		{"missing fields", `{"charge":"ch_1"}`, refund{Charge: "ch_1"}, ""},
		{"the ids alone", `{}`, refund{}, ""},
		{"a nonce, which package replay reads", `{"charge":"ch_1","nonce":"6f1c9f3e-0d55-4c0e"}`, refund{Charge: "ch_1"}, ""},
		{"an action, a mode and roles, which Require reads", `{"action":"refund","charge":"ch_1","livemode":true,"stripe_roles":[]}`, refund{Charge: "ch_1"}, ""},
		{"a field more", `{"charge":"ch_1","input":5}`, refund{}, "the signed payload has a member that this endpoint does not know"},
		{"a nested field more", `{"lines":[{"input":5}]}`, refund{}, "the signed payload has a member that this endpoint does not know"},
		{"an action in a nested object", `{"lines":[{"action":"input"}]}`, refund{}, "the signed payload has a member that this endpoint does not know"},
		{"text that is no time", `{"since":"input"}`, refund{}, "the signed payload has a member whose value this endpoint cannot decode"},
		{"text for a number", `{"amount":"input"}`, refund{}, "in the signed payload, amount cannot be decoded as int8"},
		{"a number that does not fit", `{"amount":1250}`, refund{}, "in the signed payload, amount cannot be decoded as int8"},
		{"an object for a list", `{"lines":{"input":1}}`, refund{}, "in the signed payload, lines cannot be decoded as slice"},
		{"a negative number in a list", `{"lines":[{"quantity":-1}]}`, refund{}, "in the signed payload, lines.quantity cannot be decoded as uint"},
		{"a number for an untagged field", `{"lines":[{"Untagged":1}]}`, refund{}, "in the signed payload, lines.Untagged cannot be decoded as string"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := stripeapps.DecodePayload[refund](verifiedContext(test.payload))
			assert.Equal(t, test.want, got)
			if test.detail == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorIs(t, err, stripeapps.ErrUnexpectedPayload)
			var e *stripeapps.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, test.detail, e.Detail())
			assert.NotContains(t, err.Error(), "input")
			assert.NotNil(t, errors.Unwrap(err), "the cause is kept")
		})
	}
}

func TestDecodePayloadNamesNoMemberThatWasSent(t *testing.T) {
	_, err := stripeapps.DecodePayload[refund](verifiedContext(`{"lines":[{"notes":{"input":1}}]}`))
	require.ErrorIs(t, err, stripeapps.ErrUnexpectedPayload)
	assert.NotContains(t, err.Error(), "input")
}

// encoding/json's path of what cannot be decoded is not the same in every
// release: Go 1.27 puts places in lists into it.
func TestDecodePayloadNamesFieldsOfTheGoTypeOnly(t *testing.T) {
	type inner struct {
		Own   int            `json:"own,omitempty"`
		Notes map[string]int `json:"notes"`
	}
	type outer struct {
		inner
		Plain *int
		List  []map[string]*inner `json:"list"`
	}
	for _, test := range []struct{ name, payload, want string }{
		{"a field of an embedded struct", `{"own":"input"}`, "own cannot be decoded as int"},
		{"a pointer", `{"Plain":"input"}`, "in the signed payload, Plain cannot be decoded as int"},
		{"a list", `{"list":"input"}`, "in the signed payload, list cannot be decoded as slice"},
		{"a field in a map in a list", `{"list":[{},{"input":{"own":"input"}}]}`, ""},
		{"a key of a map", `{"notes":{"input":"input"}}`, ""},
		{"a key of a map that is a number", `{"notes":{"7777":"input"}}`, ""},
		{"a key of a map that is a field elsewhere", `{"list":[{"input":{"notes":{"own":"input"}}}]}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := stripeapps.DecodePayload[outer](verifiedContext(test.payload))
			var e *stripeapps.Error
			require.ErrorAs(t, err, &e)
			assert.Contains(t, e.Detail(), test.want)
			assert.NotContains(t, e.Detail(), "input")
			assert.NotContains(t, e.Detail(), "7777")
			assert.NotContains(t, e.Detail(), "notes.own")
		})
	}
}

func TestDecodePayloadIntoOtherTypes(t *testing.T) {
	ctx := verifiedContext(`{"amount":1250}`)
	withIDs, err := stripeapps.DecodePayload[struct {
		Amount    int    `json:"amount"`
		UserID    string `json:"user_id"`
		AccountID string `json:"account_id"`
	}](ctx)
	require.NoError(t, err)
	assert.Equal(t, 1250, withIDs.Amount)
	assert.Equal(t, "usr_123", withIDs.UserID)
	assert.Equal(t, "acct_123", withIDs.AccountID)

	asMap, err := stripeapps.DecodePayload[map[string]any](ctx)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"amount": 1250.0, "user_id": "usr_123", "account_id": "acct_123"}, asMap)

	raw, err := stripeapps.DecodePayload[json.RawMessage](ctx)
	require.NoError(t, err)
	assert.Equal(t, plain, string(raw))

	pointer, err := stripeapps.DecodePayload[*refund](verifiedContext(`{"amount":7}`))
	require.NoError(t, err)
	assert.Equal(t, &refund{Amount: 7}, pointer)

	_, err = stripeapps.DecodePayload[int](ctx)
	assert.ErrorIs(t, err, stripeapps.ErrUnexpectedPayload)
}

func TestDecodePayloadReturnsNothingHalfDecoded(t *testing.T) {
	got, err := stripeapps.DecodePayload[struct {
		Amount int `json:"amount"`
		UserID int `json:"user_id"`
	}](verifiedContext(`{"amount":5}`))
	assert.ErrorIs(t, err, stripeapps.ErrUnexpectedPayload)
	assert.Zero(t, got)
}

func TestStripeRoles(t *testing.T) {
	admin := stripeapps.StripeRole{ID: "admin", Type: "builtIn", Name: "Administrator"}
	for _, test := range []struct {
		name, payload string
		want          []stripeapps.StripeRole
		err           error
	}{
		{"one", `{"stripe_roles":[{"type":"builtIn","id":"admin","name":"Administrator"}]}`, []stripeapps.StripeRole{admin}, nil},
		{"one without an id", `{"stripe_roles":[{"type":"builtIn","name":"Administrator"}]}`, []stripeapps.StripeRole{{Type: "builtIn", Name: "Administrator"}}, nil},
		{"with what a newer SDK adds", `{"stripe_roles":[{"type":"builtIn","id":"admin","name":"Administrator","more":1}]}`, []stripeapps.StripeRole{admin}, nil},
		{"none", `{"stripe_roles":[]}`, []stripeapps.StripeRole{}, nil},
		{"not signed", `{"a":1}`, nil, stripeapps.ErrUnexpectedPayload},
		{"null", `{"stripe_roles":null}`, nil, stripeapps.ErrUnexpectedPayload},
		{"not a list", `{"stripe_roles":{"id":"input"}}`, nil, stripeapps.ErrUnexpectedPayload},
		{"an id that is there twice", `{"stripe_roles":[{"id":"view_only","ID":"input"}]}`, nil, stripeapps.ErrUnexpectedPayload},
		{"not a list of objects", `{"stripe_roles":["input"]}`, nil, stripeapps.ErrUnexpectedPayload},
	} {
		t.Run(test.name, func(t *testing.T) {
			roles, err := stripeapps.StripeRoles(verifiedContext(test.payload))
			assert.ErrorIs(t, err, test.err)
			assert.Equal(t, test.want, roles)
			if err != nil {
				assert.NotContains(t, err.Error(), "input")
			}
		})
	}
	_, err := stripeapps.StripeRoles(context.Background())
	assert.Same(t, stripeapps.ErrNotVerified, err)
}
