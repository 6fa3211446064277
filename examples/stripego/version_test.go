package stripego_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stripe/stripe-go/v85"

	"github.com/seed-8a2ffb75/stripeapps"
)

// Both majors of stripe-go are in one program here: what one has as an error is none of
// the other's.
func TestThisModuleHasTheNewestStripeGo(t *testing.T) {
	assert.NotEmpty(t, stripe.APIVersion)
	assert.NotEmpty(t, stripeapps.ErrNotSigned.Code())
}
