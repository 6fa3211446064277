// Package installtest tests implementations of install.Store, and stands in for Stripe's
// token endpoint.
//
// It is for tests: nothing else may import it.
package installtest
