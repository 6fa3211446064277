// Package observed hands on to package explain what it needs to know of a Verifier,
// without a name in the API of the root package that nobody else would use.
package observed

import (
	"time"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Verifier is what a verdict was reached with.
type Verifier struct {
	Keys        signed.Keyring
	Source      any // a stripeapps.Source
	Tolerance   time.Duration
	AllowNoUser bool
}

// Of returns the Verifier of a stripeapps.Verdict. The root package sets it.
var Of func(verdict any) Verifier
