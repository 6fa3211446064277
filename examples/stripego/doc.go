// Package stripego shows, in runnable examples, how what this library has verified
// goes on to Stripe's own Go library, in its newest major: an event of package events
// as a stripe.Event, and calls for the account that a request is for. Copy what you
// need: there is nothing to import.
package stripego
