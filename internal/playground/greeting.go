package playground

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

// Greeting says what is served at addr, with requests to try it.
func (c Config) Greeting(addr net.Addr) string {
	return c.greeting(baseURL(addr), isLoopback(addr), time.Now())
}

// greeting has a line about the playground's page if there is one. Nothing in the
// sample payload, the ids or a signature needs quoting within single quotes.
func (c Config) greeting(base string, playground bool, now time.Time) string {
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
	case len(c.Secrets) > 1:
		secrets = fmt.Sprintf("Requests are verified with the %d secrets in STRIPE_APP_SECRET.", len(c.Secrets))
	}

	return strings.NewReplacer(
		"BASE", base,
		"SECRETS", secrets,
		"MINUTES", fmt.Sprint(stripeapps.DefaultTolerance.Minutes()),
		"SIGNATURE_OF_PAYLOAD", signature(samplePayload, c.Secrets[0], now),
		"SIGNATURE_OF_IDS", signature(sampleIDsPayload, c.Secrets[0], now),
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
       -H 'Origin: null' \
       -H 'Content-Type: application/json' \
       -H 'Stripe-Signature: SIGNATURE_OF_PAYLOAD' \
       -d 'PAYLOAD'

  curl -i 'BASE/api/whoami' \
       -H 'Origin: null' \
       -H 'Stripe-User-Id: USER_ID' \
       -H 'Stripe-Account-Id: ACCOUNT_ID' \
       -H 'Stripe-Signature: SIGNATURE_OF_IDS'

Change one letter of what is signed, and the response is 401 no_match.
Press Ctrl-C to stop.
`)
}

// baseURL returns how to reach a listener from this machine.
func baseURL(addr net.Addr) string {
	host := addr.String()
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
	}
	return (&url.URL{Scheme: "http", Host: host}).String()
}
