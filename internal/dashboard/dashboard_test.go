package dashboard_test

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps/internal/dashboard"
)

func TestStripeSigns(t *testing.T) {
	now := time.Unix(1700000000, 0)
	stripe := dashboard.Stripe{
		Secrets:   []string{"absec_new", "absec_old"},
		UserID:    "usr_1",
		AccountID: "acct_1",
		Now:       func() time.Time { return now },
	}
	for name, test := range map[string]struct{ payload, text string }{
		"the ids alone":                      {`{}`, `{"user_id":"usr_1","account_id":"acct_1"}`},
		"a payload before the ids":           {`{"note":"a"}`, `{"note":"a","user_id":"usr_1","account_id":"acct_1"}`},
		"as JSON.stringify has it":           {`{ "note" : "\u2028<\ud800" }`, "{\"note\":\"\u2028<\\ud800\",\"user_id\":\"usr_1\",\"account_id\":\"acct_1\"}"},
		"for nobody but the one who uses it": {`{"user_id":"usr_2"}`, `{"user_id":"usr_1","account_id":"acct_1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			text, signature, err := stripe.Sign([]byte(test.payload))
			require.NoError(t, err)
			assert.Equal(t, test.text, string(text))
			want := "t=1700000000"
			for _, secret := range stripe.Secrets {
				want += ",v1=" + hex.EncodeToString(webhook.ComputeSignature(now, text, secret))
			}
			assert.Equal(t, want, signature)
		})
	}
	for name, payload := range map[string]string{"nothing": ``, "null": `null`, "an array": `[]`, "no JSON": `{`} {
		t.Run("not "+name, func(t *testing.T) {
			_, signature, err := stripe.Sign([]byte(payload))
			require.Error(t, err)
			assert.Empty(t, signature)
		})
	}
}
