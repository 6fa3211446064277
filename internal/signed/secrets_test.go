package signed

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHoldsSecret(t *testing.T) {
	for text, want := range map[string]bool{
		"absec_a":             true,
		"whsec_1":             true,
		"see absec_Z here":    true,
		"sk_live_":            true,
		"sk_test_x":           true,
		"x sk_org_live_x":     true,
		"sk_org_test_x":       true,
		"rk_live_x":           true,
		"rk_test_x":           true,
		"absec_ whsec_1":      true,
		"":                    false,
		"absec_":              false,
		"whsec_":              false,
		"absec_…":             false,
		"absec__":             false,
		"whsec_-":             false,
		"absec":               false,
		"sk_live":             false,
		"pk_live_x":           false,
		"rk_org_x":            false,
		"the secret's prefix": false,
	} {
		assert.Equal(t, want, HoldsSecret(text), text)
	}
}

func TestTheSecretsOfEndpointsAreOfTheirKindOnly(t *testing.T) {
	const want = "use the webhook endpoint's signing secret (whsec_…), shown on the endpoint's page in the Stripe Dashboard, or by stripe listen"
	for secret, what := range map[string]string{
		"absec_a":      "looks like an app's signing secret (absec_…): " + want,
		"sk_live_a":    "looks like a secret API key (sk_…): " + want,
		"rk_live_a":    "looks like a restricted API key (rk_…): " + want,
		"pk_live_a":    "looks like a publishable API key (pk_…): " + want,
		"ca_a":         "looks like an OAuth client id (ca_…): " + want,
		"a":            "does not begin with whsec_: " + want,
		"":             "is blank: " + want,
		"whsec_":       "has nothing after whsec_: " + want,
		" whsec_a":     "has white space or a line break around it: remove it",
		"whsec_a,b":    "has a quote, a comma, a semicolon or a space in it: give one secret an entry, without quotes",
		"whsec_a-b":    "has a character other than letters, digits and underscores: copy it again",
		"WHSEC_a":      "does not begin with whsec_: " + want,
		"whsec_absec_": "",
	} {
		ring, err := NewEndpointKeyring("events: Config.Secrets", []string{secret})
		if what == "" {
			assert.NoError(t, err)
			assert.Len(t, ring, 1)
		} else {
			assert.EqualError(t, err, "events: Config.Secrets[0] "+what)
		}
	}
	_, err := NewEndpointKeyring("events: Config.Secrets", nil)
	assert.EqualError(t, err, "events: Config.Secrets is empty: give the webhook endpoint's signing secret (whsec_…), shown on the endpoint's page in the Stripe Dashboard, or by stripe listen")
	_, err = NewEndpointKeyring("events: Config.Secrets", make([]string, 17))
	assert.EqualError(t, err, "events: Config.Secrets has 17 entries, more than 16: every one is tried for each request")
	_, err = NewEndpointKeyring("events: Config.Secrets", []string{"whsec_a", "whsec_a"})
	assert.EqualError(t, err, "events: Config.Secrets[1] equals Config.Secrets[0]: give each secret once")
	_, err = NewLabeledEndpointKeyring("events: Config.LabeledSecrets", "Config.Secrets", []Labeled{{"", "whsec_a"}, {"whsec_b", "whsec_b"}})
	assert.EqualError(t, err, "events: Config.LabeledSecrets[0] has no label: give it one, or use Config.Secrets\n"+
		"events: Config.LabeledSecrets[1] has what looks like a secret as its label, which is shown")
}
