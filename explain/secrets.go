package explain

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// secretKind is what the secrets have to be that are in use.
type secretKind struct {
	check func(string) string // what is wrong with one, or ""
	none  string              // what there is to say if there is none
	keep  string              // which to keep of too many
}

var (
	appSecrets = secretKind{
		signed.CheckSecret,
		"there is no secret to verify with: set the app's signing secret (absec_…), shown on the app's page in the Stripe Dashboard",
		"those that Stripe signs with, which are two at most",
	}
	endpointSecrets = secretKind{
		checkEndpointSecret, "", // there are some
		"those of the endpoints that have this URL",
	}
)

func checkEndpointSecret(secret string) string {
	if _, err := signed.NewEndpointKeyring("", []string{secret}); err != nil {
		return strings.TrimPrefix(err.Error(), "[0] ")
	}
	return ""
}

// addAppSecrets collects the secrets of what is signed with the app's; text is that of
// addOtherSecrets.
func (e *explainer) addAppSecrets(text func(name, secret string) string) {
	r := &e.received
	e.addSecrets("Secrets", r.Secrets, appSecrets)
	e.addOtherSecrets(r.EndpointSecrets, "EndpointSecrets", text)
	e.addOtherSecrets(r.OtherSecrets, "OtherSecrets", text)
}

// addSecrets collects the keys to try, and says what is wrong with the secrets
// themselves.
func (e *explainer) addSecrets(field string, secrets []stripeapps.LabeledSecret, kind secretKind) {
	e.badSecrets = true
	if len(secrets) == 0 {
		e.say(causeSecretKind, "%s", kind.none)
	}
	if len(secrets) > signed.MaxSecrets {
		e.say(causeSecretKind, "there are %d secrets, of which only the first %d were tried: keep %s", len(secrets), signed.MaxSecrets, kind.keep)
		secrets = secrets[:signed.MaxSecrets]
	}
	for i, labeled := range secrets {
		secret, name := labeled.Secret, nameOf(field, i, labeled.Label)
		problem := kind.check(secret)
		if problem == "" {
			e.badSecrets = false
			e.keys = append(e.keys, explainedKey{Key: signed.NewKey(secret)})
			continue
		}
		cause, parts := causeSecretKind, strings.FieldsFunc(secret, isSecretPadding)
		if len(parts) > 0 && (len(parts) > 1 || parts[0] != secret) && kind.check(parts[0]) == "" {
			cause, e.badSecrets = causeSecretPadded, false
			problem = "has white space, quotes or commas around it: remove them"
			if len(parts) > 1 {
				problem = "holds more than one word: give each secret an entry of its own, without anything around it"
			}
		}
		e.say(cause, "%s %s", name, problem)
		for _, part := range parts[:min(len(parts), signed.MaxSecrets-len(e.keys))] {
			k := explainedKey{Key: signed.NewKey(part)}
			if isEndpoints(part) {
				k.ofWebhook = name
			}
			e.keys = append(e.keys, k)
		}
	}
}

func isEndpoints(secret string) bool { return strings.HasPrefix(secret, "whsec_") }

func isSecretPadding(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("\"'`,;\uFEFF\u200B", r)
}

// addOtherSecrets adds what is tried beside the secrets in use. text says what it means
// if the secret of that name fits.
func (e *explainer) addOtherSecrets(others []stripeapps.LabeledSecret, field string, text func(name, secret string) string) {
	for i, other := range others[:min(len(others), signed.MaxSecrets)] {
		secret := strings.TrimFunc(other.Secret, isSecretPadding)
		if secret == "" {
			continue
		}
		name := nameOf(field, i, other.Label)
		k := explainedKey{Key: signed.NewKey(secret), text: text(name, secret)}
		if isEndpoints(secret) {
			k.ofWebhook = name
		}
		e.keys = append(e.keys, k)
	}
}

func signsNoRequest(name, secret string) string {
	if isEndpoints(secret) {
		return "the signature was made with " + name + ", which is a webhook endpoint's and signs no extension's requests: have them signed by fetchStripeSignature, and in tests with the app's secret (absec_…)"
	}
	return "the signature was made with " + name + ", which is not one of those in use: add it to Secrets if it is this app's, as Stripe signs with an old secret until that expires, or send the request to the backend of the app that it belongs to"
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
