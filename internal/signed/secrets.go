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
	return newKeyring(&apps, "stripeapps: "+field, secrets)
}

func newKeyring(kind *secretKind, field string, secrets []string) (Keyring, error) {
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%s is empty: give %s, %s", field, kind.name, kind.found)
	}
	if len(secrets) > MaxSecrets {
		return nil, fmt.Errorf("%s has %d entries, more than %d: every one is tried for each request%s",
			field, len(secrets), MaxSecrets, kind.tooMany)
	}
	var ring Keyring
	var errs []error
	for i, secret := range secrets {
		if what := kind.check(secret); what != "" {
			errs = append(errs, fmt.Errorf("%s[%d] %s", field, i, what))
		} else if first := slices.Index(secrets, secret); first < i {
			errs = append(errs, fmt.Errorf("%s[%d] equals %s[%d]: give each secret once", field, i, bare(field), first))
		}
		ring = append(ring, NewKey(secret))
	}
	return ring, errors.Join(errs...)
}

// Labeled is a secret with a label.
type Labeled struct{ Label, Secret string }

// NewLabeledKeyring is NewKeyring with labels, which it checks too.
func NewLabeledKeyring(field string, labeled []Labeled) (Keyring, error) {
	return newLabeledKeyring(&apps, "stripeapps: "+field, "Secrets", labeled)
}

func newLabeledKeyring(kind *secretKind, field, unlabeled string, labeled []Labeled) (Keyring, error) {
	var secrets []string
	var errs []error
	for i, entry := range labeled {
		secrets = append(secrets, entry.Secret)
		switch {
		case entry.Label == "":
			errs = append(errs, fmt.Errorf("%s[%d] has no label: give it one, or use %s", field, i, unlabeled))
		case HoldsSecret(entry.Label):
			errs = append(errs, fmt.Errorf("%s[%d] has what looks like a secret as its label, which is shown", field, i))
		}
	}
	ring, err := newKeyring(kind, field, secrets)
	for i := range ring {
		ring[i].Label = labeled[i].Label
	}
	return ring, errors.Join(append(errs, err)...)
}

// secretKind is one kind of signing secret.
type secretKind struct {
	prefix  string
	name    string // with its article
	found   string // where, after a comma
	use     string // found, in short
	tooMany string // what more there is to say about too many
}

var (
	apps = secretKind{
		prefix: "absec_", name: "the app's signing secret (absec_…)",
		found:   "shown on the app's page in the Stripe Dashboard after its first upload",
		use:     "shown on the app's page in the Stripe Dashboard",
		tooMany: ", and Stripe signs with two at most",
	}
	endpoints = secretKind{
		prefix: "whsec_", name: "the webhook endpoint's signing secret (whsec_…)",
		found: "shown on the endpoint's page in the Stripe Dashboard, or by stripe listen",
		use:   "shown on the endpoint's page in the Stripe Dashboard, or by stripe listen",
	}
)

// otherKinds are the prefixes of Stripe's secrets and ids that people put where a
// secret of another kind belongs.
var otherKinds = []struct{ prefix, name string }{
	{"absec_", "an app's signing secret (absec_…)"},
	{"whsec_", "a webhook endpoint's signing secret (whsec_…)"},
	{"sk_", "a secret API key (sk_…)"},
	{"rk_", "a restricted API key (rk_…)"},
	{"pk_", "a publishable API key (pk_…)"},
	{"ca_", "an OAuth client id (ca_…)"},
}

// CheckSecret says what is wrong with a secret, without showing any of it, or
// "" if it can be an app's signing secret.
func CheckSecret(secret string) string { return apps.check(secret) }

// NewEndpointKeyring is NewKeyring for the signing secrets of webhook endpoints
// (whsec_…). The field is named with its package.
func NewEndpointKeyring(field string, secrets []string) (Keyring, error) {
	return newKeyring(&endpoints, field, secrets)
}

// NewLabeledEndpointKeyring is NewEndpointKeyring with labels.
func NewLabeledEndpointKeyring(field, unlabeled string, labeled []Labeled) (Keyring, error) {
	return newLabeledKeyring(&endpoints, field, unlabeled, labeled)
}

func (k *secretKind) check(secret string) string {
	want := "use " + k.name + ", " + k.use
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
	rest, ok := strings.CutPrefix(secret, k.prefix)
	if !ok {
		for _, other := range otherKinds {
			if strings.HasPrefix(secret, other.prefix) {
				return "looks like " + other.name + ": " + want
			}
		}
		return "does not begin with " + k.prefix + ": " + want
	}
	if rest == "" {
		return "has nothing after " + k.prefix + ": " + want
	}
	if strings.ContainsFunc(rest, func(r rune) bool { return !isIDByte(r) }) {
		return "has a character other than letters, digits and underscores: copy it again"
	}
	return ""
}

// bare returns a field's name without its package's.
func bare(field string) string {
	_, name, _ := strings.Cut(field, ": ")
	return name
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
