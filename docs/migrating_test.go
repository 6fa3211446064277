package docs

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps"
)

var migratingRow = regexp.MustCompile(`(?m)^\| ((?:a|ids|the|any)\b[^|]*) \| ([^|]+) \| ([^|]+) \|$`)

// What docs/migrating.md says that stripe-go accepts or refuses, and this library.
func TestTheTableOfMigratingIsWhatHappens(t *testing.T) {
	const secret, oldSecret = "absec_docs", "absec_docs_old"
	const refund = `{"amount":1,"user_id":"usr_1","account_id":"acct_1"}`
	sign := func(payload, secret string, at time.Time) string {
		return webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{
			Payload: []byte(payload), Secret: secret, Timestamp: at,
		}).Header
	}
	now := time.Now()
	signed := func(payload string) [2]string { return [2]string{payload, sign(payload, secret, now)} }
	cases := map[string][2]string{ // a payload and its header, by what the row calls it
		"a signature of an hour ahead":              {refund, sign(refund, secret, now.Add(time.Hour))},
		"a header with a second `t`":                {refund, "t=1," + sign(refund, secret, now)},
		"a header of a megabyte":                    {refund, sign(refund, secret, now) + strings.Repeat(",v0=00", 1<<20/6)},
		"a body that is no JSON":                    signed("hello"),
		"ids that are not the last two members":     signed(`{"user_id":"usr_1","account_id":"acct_1","amount":1}`),
		"a member twice":                            signed(`{"amount":1,"amount":2,"user_id":"usr_1","account_id":"acct_1"}`),
		"the signature of an install link":          signed(`{"state":"s","user_id":"usr_1","account_id":"acct_1"}`),
		"the old secret's signature, during a roll": {refund, sign(refund, oldSecret, now)},
	}
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{secret, oldSecret}})
	require.NoError(t, err)

	rows := migratingRow.FindAllStringSubmatch(documents(t)["docs/migrating.md"], -1)
	require.Len(t, rows, len(cases)+1)
	for _, row := range rows {
		name, theirs, ours := row[1], row[2], row[3]
		if name == "any request, where the secret is empty" {
			assert.NoError(t, webhook.ValidatePayload([]byte(refund), sign(refund, "", now), ""), "%s: %s", name, theirs)
			_, err := stripeapps.New(stripeapps.Config{Secrets: []string{""}})
			assert.Error(t, err, "%s: %s", name, ours)
			continue
		}
		request, found := cases[name]
		require.True(t, found, name)
		err := webhook.ValidatePayload([]byte(request[0]), request[1], secret)
		if theirs == "accepted" {
			assert.NoError(t, err, name)
		} else {
			assert.Equal(t, "`webhook.ErrNoValidSignature`", theirs, name)
			assert.ErrorIs(t, err, webhook.ErrNoValidSignature, name)
		}
		_, err = verifier.VerifyIdentity([]byte(request[0]), request[1], now)
		if e := (*stripeapps.Error)(nil); errors.As(err, &e) {
			assert.Equal(t, ours, "`"+e.Code()+"`", name)
		} else {
			assert.True(t, err == nil && strings.HasPrefix(ours, "accepted"), "%s: %s", name, ours)
		}
	}
}
