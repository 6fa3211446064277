package explain

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// addSecrets collects the keys to try, and says what is wrong with the secrets
// themselves.
func (e *explainer) addSecrets() {
	secrets := e.received.Secrets
	e.badSecrets = true
	if len(secrets) == 0 {
		e.say(causeSecretKind, "there is no secret to verify with: set the app's signing secret (absec_…), shown on the app's page in the Stripe Dashboard")
	}
	if len(secrets) > signed.MaxSecrets {
		e.say(causeSecretKind, "there are %d secrets, of which only the first %d were tried: keep those that Stripe signs with, which are two at most", len(secrets), signed.MaxSecrets)
		secrets = secrets[:signed.MaxSecrets]
	}
	for i, labeled := range secrets {
		secret, name := labeled.Secret, nameOf("Secrets", i, labeled.Label)
		problem := signed.CheckSecret(secret)
		if problem == "" {
			e.badSecrets = false
			e.keys = append(e.keys, explainedKey{Key: signed.NewKey(secret)})
			continue
		}
		cause, parts := causeSecretKind, strings.FieldsFunc(secret, isSecretPadding)
		if len(parts) > 0 && (len(parts) > 1 || parts[0] != secret) && signed.CheckSecret(parts[0]) == "" {
			cause, e.badSecrets = causeSecretPadded, false
			problem = "has white space, quotes or commas around it: remove them"
			if len(parts) > 1 {
				problem = "holds more than one word: give each secret an entry of its own, without anything around it"
			}
		}
		e.say(cause, "%s %s", name, problem)
		for _, part := range parts[:min(len(parts), signed.MaxSecrets-len(e.keys))] {
			k := explainedKey{Key: signed.NewKey(part)}
			if strings.HasPrefix(part, "whsec_") {
				k.ofWebhook = name
			}
			e.keys = append(e.keys, k)
		}
	}
}

func isSecretPadding(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("\"'`,;\uFEFF\u200B", r)
}

func (e *explainer) addOtherSecrets() {
	for i, other := range e.received.OtherSecrets[:min(len(e.received.OtherSecrets), signed.MaxSecrets)] {
		secret := strings.TrimFunc(other.Secret, isSecretPadding)
		if secret == "" {
			continue
		}
		name := nameOf("OtherSecrets", i, other.Label)
		k := explainedKey{Key: signed.NewKey(secret)}
		if strings.HasPrefix(secret, "whsec_") {
			k.ofWebhook = name
			k.text = "the signature was made with " + name + ", which is a webhook endpoint's and signs no extension's requests: have them signed by fetchStripeSignature, and in tests with the app's secret (absec_…)"
		} else {
			k.text = "the signature was made with " + name + ", which is not one of those in use: add it to Secrets if it is this app's, as Stripe signs with an old secret until that expires, or send the request to the backend of the app that it belongs to"
		}
		e.keys = append(e.keys, k)
	}
}

// nameOf is what a secret is called in a sentence.
func nameOf(field string, i int, label string) string {
	if label == "" {
		return fmt.Sprintf("%s[%d]", field, i)
	}
	return fmt.Sprintf("the secret labeled %q", shortened(label))
}

// shortened is a label for a sentence. What could be a secret is not shown,
// wherever it stands.
func shortened(s string) string {
	const most = 100
	if signed.HoldsSecret(s) {
		return "(what looks like a secret)"
	}
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
