package explain_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/explain"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// A member's name is the caller's, and can be anything.
func TestExplainShowsNothingThatLooksLikeASecret(t *testing.T) {
	for _, secret := range []string{"absec_1234567890abcdefghijklmnopqrstuvwxyz0123456789", "whsec_abc", "sk_live_abc", "rk_test_abc"} {
		found := explain.Explain(explain.Received{
			Header:  stripeappstest.Sign(`{"a":1}`, stripeappstest.WithUser("usr_1"), stripeappstest.WithAccount("acct_1")),
			Body:    []byte(`{"a":1,"` + secret + `":2,"user_id":"usr_1","account_id":"acct_1"}`),
			Secrets: []string{stripeappstest.DefaultSecret},
		})
		require.Len(t, found, 1)
		assert.Equal(t, explain.Cause("unsigned_members"), found[0].Cause)
		assert.NotContains(t, found[0].Text, secret[:9])
	}
}
