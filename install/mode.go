package install

// Mode is what an install is for: each has keys, tokens and events of its own at
// Stripe.
//
// https://docs.stripe.com/stripe-apps/handling-modes
// https://docs.stripe.com/stripe-apps/enable-sandbox-support
type Mode string

const (
	// Live is live mode.
	Live Mode = "live"
	// Test is test mode.
	Test Mode = "test"
	// Sandbox is a sandbox, which is not test mode.
	Sandbox Mode = "sandbox"
)
