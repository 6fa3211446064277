package explain_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/explain"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// A member's name is the caller's, and can be anything.
func TestExplainShowsNamesThatLookLikeNamesOnly(t *testing.T) {
	for name, shown := range map[string]string{
		"amount":                 `"amount"`,
		"user.name-2_x":          `"user.name-2_x"`,
		"billingAddressLine1":    `"billingAddressLine1"`,
		"shippingAddressStreet2": `"shippingAddressStreet2"`,
		"task_id":                `"task_id"`,
		"sk":                     `"sk"`,
		"deface_facade_decade":   `"deface_facade_decade"`,
		"createdAt2024":          `"createdAt2024"`,

		"absec_1234567890abcdefghijklmnopqrstuvwxyz0123456789": "has 52 characters",
		"whsec_abc":                        "has 9 characters",
		"sk_live_abc":                      "has 11 characters",
		"rk_test_abc":                      "has 11 characters",
		"sk_org_live_abc":                  "has 15 characters",
		"sk_org_abc":                       "has 10 characters",
		"my-sk_abc":                        "has 9 characters",
		"da39a3ee5e6b4b0d3255bfef95601890": "has 32 characters",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709": "has 40 characters",
		"3f2504e0-4f89-11d3-9a0c-0305e82c3301":     "has 36 characters",
		"aGVsbG8gd29ybGQhIQ":                       "has 18 characters",
		"cus_NffrFeUfNV2Hib":                       "has 18 characters",
		"4242424242424242":                         "has 16 characters",
		"555-12-34567":                             "has 12 characters",
		"a@example.com":                            "has 13 characters",
		"a name":                                   "has 6 characters",
		"é":                                        "has 1 character of",
		"":                                         "has 0 characters",
		"abcdefghij.abcdefghij.abcdefghij.abcdefghi": "has 42 characters",
	} {
		found := explain.Explain(explain.Received{
			Header:  stripeappstest.Sign(`{"a":1}`, stripeappstest.WithUser("usr_1"), stripeappstest.WithAccount("acct_1")),
			Body:    []byte(`{"a":1,"` + name + `":2,"user_id":"usr_1","account_id":"acct_1"}`),
			Secrets: unlabeled(stripeappstest.DefaultSecret),
		})
		require.Len(t, found, 1)
		assert.Equal(t, explain.Cause("unsigned_members"), found[0].Cause)
		assert.Contains(t, found[0].Text, shown)
		if !strings.HasPrefix(shown, `"`) && name != "" {
			assert.NotContains(t, found[0].Text, `"`)
			assert.Contains(t, found[0].Text, "does not cover a member whose name "+shown)
		}
	}
}
