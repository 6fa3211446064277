package stripeapps

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"sync"
)

// maxSecrets bounds the work that one request can cause: every secret is tried.
const maxSecrets = 16

// keyring is a checked set of signing secrets. It is never changed.
type keyring []*key

func newKeyring(secrets []string) (keyring, error) {
	if len(secrets) == 0 {
		return nil, errors.New("stripeapps: Secrets is empty: give the app's signing secret (absec_…), shown on the app's page in the Stripe Dashboard after its first upload")
	}
	if len(secrets) > maxSecrets {
		return nil, fmt.Errorf("stripeapps: Secrets has %d entries, more than %d: every one is tried for each request, and Stripe signs with two at most", len(secrets), maxSecrets)
	}
	var ring keyring
	var problems []error
	for i, secret := range secrets {
		if what := secretProblem(secret); what != "" {
			problems = append(problems, fmt.Errorf("stripeapps: Secrets[%d] %s", i, what))
		} else if slices.Contains(secrets[:i], secret) {
			problems = append(problems, fmt.Errorf("stripeapps: Secrets[%d] equals Secrets[%d]: give each secret once", i, slices.Index(secrets, secret)))
		}
		ring = append(ring, newKey(secret))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return ring, nil
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

// secretProblem says what is wrong with a secret, without showing any of it.
func secretProblem(secret string) string {
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

// key computes v1 signatures with one secret. The keyed states of HMAC are
// reused: after its first use a key needs no allocation and does not hash the
// secret again. They stay in memory while the key is in use, as the secret
// itself does.
type key struct{ macs sync.Pool }

// mac is what one computation needs, kept for the next one.
type mac struct {
	hash hash.Hash
	text []byte // the signed time and "."
	sum  []byte
}

func newKey(secret string) *key {
	return &key{macs: sync.Pool{New: func() any {
		return &mac{hash: hmac.New(sha256.New, []byte(secret))}
	}}}
}

// matches returns 1 if one of the signatures in h was made with this key over
// payload, and 0 otherwise. It compares all of them, each in constant time.
func (k *key) matches(h *signatureHeader, payload []byte) (found int) {
	m := k.macs.Get().(*mac)
	m.text = append(append(m.text[:0], h.timestamp...), '.')
	m.hash.Reset()
	m.hash.Write(m.text)
	m.hash.Write(payload)
	m.sum = m.hash.Sum(m.sum[:0])
	for i := range h.count {
		found |= subtle.ConstantTimeCompare(m.sum, h.macs[i][:])
	}
	k.macs.Put(m)
	return found
}

// match reports whether one of the signatures in h was made with one of the keys
// over payload. Every key is tried, so that the time taken does not tell which
// of them matched.
func (ring keyring) match(h *signatureHeader, payload []byte) bool {
	found := 0
	for _, k := range ring {
		found |= k.matches(h, payload)
	}
	return found == 1
}
