package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/explain"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

const judgedSecret = "absec_0123456789"

var judgedAt = time.Unix(1700000000, 0)

func newTestJudge() *judge {
	return &judge{
		secrets:   secrets{values: []string{judgedSecret}, places: []string{"$STRIPE_APP_SECRET"}},
		now:       func() time.Time { return judgedAt },
		tolerance: stripeapps.DefaultTolerance,
	}
}

func signedFor(t *testing.T, payload []byte, user string) string {
	text, err := stripejs.Payload(payload, user, "acct_1")
	require.NoError(t, err)
	return stripejs.Header(text, judgedAt, judgedSecret)
}

func TestIDsThatAreSentTwiceAreNotRight(t *testing.T) {
	m := &message{target: "/", header: http.Header{
		"Stripe-Signature": {signedFor(t, nil, "usr_1")}, "Stripe-User-Id": {"usr_1", "usr_1"}, "Stripe-Account-Id": {"acct_1"},
	}}
	found := newTestJudge().explain(m)
	require.NotEmpty(t, found)
	assert.Equal(t, explain.Cause("no_identity"), found[0].Cause)
}

func TestASecretInTheBodyIsNotShown(t *testing.T) {
	m := &message{target: "/", header: http.Header{"Stripe-Signature": {signedFor(t, []byte(`{"a":1}`), "usr_1")}},
		body: []byte(`{"a":1,"` + judgedSecret + `":2,"user_id":"usr_1","account_id":"acct_1"}`)}
	for _, f := range newTestJudge().explain(m) {
		assert.Equal(t, explain.Cause("unsigned_members"), f.Cause)
		assert.NotContains(t, f.Text, judgedSecret)
	}
}

func TestAMissingUserIsExplainedAsTheFlagSays(t *testing.T) {
	m := &message{target: "/", header: http.Header{"Stripe-Signature": {signedFor(t, nil, "")}, "Stripe-Account-Id": {"acct_1"}}}
	j := newTestJudge()
	assert.Equal(t, explain.Cause("no_user"), j.explain(m)[0].Cause)
	j.allowMissingUser = true
	assert.Equal(t, explain.NothingWrong, j.explain(m)[0].Cause)
}

func TestAMethodIsShownOnlyIfItIsOne(t *testing.T) {
	p := &proxy{judge: newTestJudge()}
	assert.Equal(t, "PATCH", p.shownMethod("PATCH"))
	for _, odd := range []string{judgedSecret, "whsec_abc", strings.Repeat("A", 33)} {
		assert.Equal(t, "(an odd method)", p.shownMethod(odd))
	}
}
