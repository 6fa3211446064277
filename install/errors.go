package install

import (
	"net/http"

	"github.com/seed-8a2ffb75/stripeapps"
)

// The reasons for which a person who comes back from Stripe is refused, to compare
// with errors.Is. Each is a *stripeapps.Error, whose code is part of this package's
// API. Unlike those of a request, their texts are for the person at the browser, who
// sees them on the page: docs/installs.md says what the developer looks for.
var (
	// ErrCancelled: the redirect says that the person did not agree
	// (error=access_denied). It comes without a state, and so anybody can have sent
	// the browser there: it changes nothing.
	ErrCancelled = stripeapps.NewError("install_cancelled", http.StatusBadRequest,
		"the install was cancelled at Stripe: start again if that was not what you meant")

	// ErrFailed: the redirect has another error. It proves as little.
	ErrFailed = stripeapps.NewError("install_failed", http.StatusBadRequest,
		"Stripe reports that the app could not be installed: start again")

	// ErrMalformed: the query is longer than 16384 bytes, cannot be read in one way
	// only, has a parameter more than once, or an id that is none.
	ErrMalformed = stripeapps.NewError("install_malformed", http.StatusBadRequest,
		"the address of this page is not one that Stripe leads to: start again")

	// ErrNotStarted: there is no state, as nobody has begun this install at Start. So
	// it is with an install begun in the Marketplace or the Dashboard.
	ErrNotStarted = stripeapps.NewError("install_not_started", http.StatusBadRequest,
		"this install was begun at Stripe and not on this site: start again here to connect your account")

	// ErrInvalidState: the state was not made with one of the keys, or for another
	// RedirectURI.
	ErrInvalidState = stripeapps.NewError("install_invalid_state", http.StatusBadRequest,
		"the address of this page was not made by this site: start again here")

	// ErrExpired: the state is older than StateLifetime.
	ErrExpired = stripeapps.NewError("install_expired", http.StatusBadRequest,
		"this install was begun too long ago: start again")

	// ErrOtherBrowser: the browser does not have the cookie that belongs to the
	// state, or Session says something else than when it was begun. It has completed this
	// install before, or somebody else has begun it; or Start is served at another host
	// than RedirectURI, or over plain http.
	ErrOtherBrowser = stripeapps.NewError("install_other_browser", http.StatusBadRequest,
		"this install was completed already, or was begun in another browser or by another user, or this one keeps no cookies: start again if the app is not installed")

	// ErrUsed: the state has been used before.
	ErrUsed = stripeapps.NewError("install_used", http.StatusConflict,
		"this page has been used already: the app is installed if it said so then; otherwise start again")

	// ErrSignature: install_signature is missing, or is not Stripe's over this state,
	// user and account. It wraps the reason, an error of VerifyPayload.
	ErrSignature = stripeapps.NewError("install_signature_refused", http.StatusBadRequest,
		"Stripe's confirmation of this install could not be verified: start again, and if that does not help, tell whoever runs this site")

	// ErrUnavailable: the Guard could not tell whether the state has been used. It
	// wraps the Guard's error.
	ErrUnavailable = stripeapps.NewError("install_guard_unavailable", http.StatusServiceUnavailable,
		"the install could not be completed at the moment: load this page again, or start again later")
)

// Refusals that say more than their sentinel does.
var (
	errNoStateButSigned = stripeapps.NewError(ErrNotStarted.Code(), ErrNotStarted.Status(),
		"the app was installed, but not from this site: start again here to connect your account")
	errInternal = stripeapps.NewError("internal", http.StatusInternalServerError,
		"the install could not be completed at the moment: start again later")
	errMethod = stripeapps.NewError("install_method", http.StatusMethodNotAllowed,
		"this page can only be opened in a browser: start again")
)

// caused is a refusal and the reason for it, which can hold input.
type caused struct {
	refusal *stripeapps.Error
	cause   error
}

func (e caused) Error() string   { return e.refusal.Error() + ": " + e.cause.Error() }
func (e caused) Unwrap() []error { return []error{e.refusal, e.cause} }
