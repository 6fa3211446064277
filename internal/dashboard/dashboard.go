// Package dashboard plays the Stripe Dashboard and Stripe itself, as far as an
// extension can tell: the endpoint that @stripe/ui-extension-sdk calls, and the
// signatures. The pages around it are those of stripeappstest and of the
// quickstart's playground. It is not for production.
package dashboard

import (
	_ "embed"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// HostJS is for the page: it defines hostExtension, which gives the extension in
// an iframe its endpoint.
//
//go:embed host.js
var HostJS []byte

// FrameJS is for the extension's document, before all other scripts: it is the
// other end of HostJS, with the SDK's functions as globals.
//
//go:embed frame.js
var FrameJS []byte

// Stripe signs for one user of one account.
type Stripe struct {
	Secrets           []string // each signs, as while one is rolled
	UserID, AccountID string
	Now               func() time.Time
}

// Sign returns the text that Stripe signs when an extension passes payload, a
// JSON object, to fetchStripeSignature, and the Stripe-Signature of that text.
func (s Stripe) Sign(payload []byte) (text []byte, signature string, err error) {
	text, err = stripejs.Payload(payload, s.UserID, s.AccountID)
	if err != nil {
		return nil, "", err
	}
	return text, stripejs.Header(text, s.Now(), s.Secrets...), nil
}
