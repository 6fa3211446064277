package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps"
)

// A sample of what Stripe signs: what the extension gives to
// fetchStripeSignature, and then always the two ids, which Stripe adds. Without
// a payload, Stripe signs the ids alone.
const (
	sampleUserID    = "usr_quickstart"
	sampleAccountID = "acct_quickstart"
	sampleIDs       = `"user_id":"` + sampleUserID + `","account_id":"` + sampleAccountID + `"}`

	samplePayload    = `{"action":"hello","livemode":false,` + sampleIDs
	sampleIDsPayload = `{` + sampleIDs
)

// sign makes the Stripe-Signature header that Stripe would make. Your backend
// never signs: the extension gets this value from fetchStripeSignature.
func sign(payload, secret string, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%x", at.Unix(), webhook.ComputeSignature(at, []byte(payload), secret))
}

// greeting says what is served at base, with requests to try it. Nothing in the
// sample payload, the ids or a signature needs quoting within single quotes.
func greeting(c config, base string, playground bool, now time.Time) string {
	page, others := "", "those below"
	if playground {
		page = "Open BASE/ in a browser to try it.\n\n"
		others = "those below and the page's"
	}
	secrets := "Requests are verified with the secret in STRIPE_APP_SECRET."
	switch {
	case c.randomSecret:
		secrets = `STRIPE_APP_SECRET is not set: this run has a random secret, which nobody knows,
and accepts no requests but ` + others + `. To serve your own
extension, stop this and give it the secret from your app's page in the Stripe
Dashboard:

  STRIPE_APP_SECRET=absec_… go run ./examples/quickstart`
	case len(c.secrets) > 1:
		secrets = fmt.Sprintf("Requests are verified with the %d secrets in STRIPE_APP_SECRET.", len(c.secrets))
	}

	return strings.NewReplacer(
		"BASE", base,
		"SECRETS", secrets,
		"MINUTES", fmt.Sprint(stripeapps.DefaultTolerance.Minutes()),
		"SIGNATURE_OF_PAYLOAD", sign(samplePayload, c.secrets[0], now),
		"SIGNATURE_OF_IDS", sign(sampleIDsPayload, c.secrets[0], now),
		"PAYLOAD", samplePayload,
		"USER_ID", sampleUserID,
		"ACCOUNT_ID", sampleAccountID,
	).Replace(page + `Serving a Stripe App's extension at BASE

  POST /api/echo    the whole body is signed
  GET  /api/whoami  the ids in two headers are signed
  GET  /healthz     for monitoring, needs no signature

SECRETS

Paste these into another terminal. The signatures are good for MINUTES minutes;
start this again for new ones.

  curl -i 'BASE/api/echo' \
       -H 'Content-Type: application/json' \
       -H 'Stripe-Signature: SIGNATURE_OF_PAYLOAD' \
       -d 'PAYLOAD'

  curl -i 'BASE/api/whoami' \
       -H 'Stripe-User-Id: USER_ID' \
       -H 'Stripe-Account-Id: ACCOUNT_ID' \
       -H 'Stripe-Signature: SIGNATURE_OF_IDS'

Change one letter of what is signed, and the answer is 401 no_match.
Press Ctrl-C to stop.
`)
}
