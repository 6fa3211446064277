package signed

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// NewKeyring checks the secrets of a field of a configuration, and says everything
// that is wrong with them.
func NewKeyring(field string, secrets []string) (Keyring, error) {
	if len(secrets) == 0 {
		return nil, fmt.Errorf("stripeapps: %s is empty: give the app's signing secret (absec_…), "+
			"shown on the app's page in the Stripe Dashboard after its first upload", field)
	}
	if len(secrets) > MaxSecrets {
		return nil, fmt.Errorf("stripeapps: %s has %d entries, more than %d: "+
			"every one is tried for each request, and Stripe signs with two at most", field, len(secrets), MaxSecrets)
	}
	var ring Keyring
	var errs []error
	for i, secret := range secrets {
		if what := CheckSecret(secret); what != "" {
			errs = append(errs, fmt.Errorf("stripeapps: %s[%d] %s", field, i, what))
		} else if first := slices.Index(secrets, secret); first < i {
			errs = append(errs, fmt.Errorf("stripeapps: %s[%d] equals %s[%d]: give each secret once", field, i, field, first))
		}
		ring = append(ring, NewKey(secret))
	}
	return ring, errors.Join(errs...)
}

// Labeled is a secret with a label.
type Labeled struct{ Label, Secret string }

// NewLabeledKeyring is NewKeyring with labels, which it checks too.
func NewLabeledKeyring(field string, labeled []Labeled) (Keyring, error) {
	var secrets []string
	var errs []error
	for i, entry := range labeled {
		secrets = append(secrets, entry.Secret)
		switch {
		case entry.Label == "":
			errs = append(errs, fmt.Errorf("stripeapps: %s[%d] has no label: give it one, or use Secrets", field, i))
		case HoldsSecret(entry.Label):
			errs = append(errs, fmt.Errorf("stripeapps: %s[%d] has what looks like a secret as its label, which is shown", field, i))
		}
	}
	ring, err := NewKeyring(field, secrets)
	for i := range ring {
		ring[i].Label = labeled[i].Label
	}
	return ring, errors.Join(append(errs, err)...)
}

// otherKinds are the prefixes of Stripe's other secrets and ids that people
// put where the app's signing secret belongs.
var otherKinds = []struct{ prefix, name string }{
	{"whsec_", "a webhook endpoint's signing secret (whsec_…)"},
	{"sk_", "a secret API key (sk_…)"},
	{"rk_", "a restricted API key (rk_…)"},
	{"pk_", "a publishable API key (pk_…)"},
	{"ca_", "an OAuth client id (ca_…)"},
}

// CheckSecret says what is wrong with a secret, without showing any of it, or
// "" if it can be an app's signing secret.
func CheckSecret(secret string) string {
	const want = "use the app's signing secret (absec_…), shown on the app's page in the Stripe Dashboard"
	trimmed := strings.TrimSpace(secret)
	if trimmed == "" {
		return "is blank: " + want
	}
	if trimmed != secret {
		return "has white space or a line break around it: remove it"
	}
	if strings.ContainsAny(secret, `"'`+"`,; ") {
		return "has a quote, a comma, a semicolon or a space in it: give one secret an entry, without quotes"
	}
	for _, kind := range otherKinds {
		if strings.HasPrefix(secret, kind.prefix) {
			return "looks like " + kind.name + ": " + want
		}
	}
	rest, ok := strings.CutPrefix(secret, "absec_")
	if !ok {
		return "does not begin with absec_: " + want
	}
	if rest == "" {
		return "has nothing after absec_: " + want
	}
	if strings.ContainsFunc(rest, func(r rune) bool { return !isIDByte(r) }) {
		return "has a character other than letters, digits and underscores: copy it again"
	}
	return ""
}

// HoldsSecret reports whether a text holds, anywhere, what looks like one of
// Stripe's secrets: absec_…, whsec_…, or an API key (sk_live_…, rk_test_…).
// Publishable keys (pk_…) are not secret.
func HoldsSecret(text string) bool {
	for i := range text {
		rest := text[i:]
		for _, prefix := range [...]string{"absec_", "whsec_"} {
			if after, ok := strings.CutPrefix(rest, prefix); ok && after != "" && after[0] != '_' && isIDByte(rune(after[0])) {
				return true
			}
		}
		for _, prefix := range [...]string{"sk_live_", "sk_test_", "sk_org_live_", "sk_org_test_", "rk_live_", "rk_test_"} {
			if strings.HasPrefix(rest, prefix) {
				return true
			}
		}
	}
	return false
}
