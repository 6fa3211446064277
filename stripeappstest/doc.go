// Package stripeappstest provides utilities for testing backends of Stripe Apps.
//
// It is not for production. It signs what Stripe would sign, with a secret that
// everybody can read: nothing that serves requests may import it.
//
// [NewRequest] returns a request as the browser sends it for an extension, to be
// passed to a handler whose verifier knows [DefaultSecret]:
//
//	r := stripeappstest.NewRequest("POST", "/api/refunds", map[string]any{"amount": 1250})
//	w := httptest.NewRecorder()
//	handler.ServeHTTP(w, r)
//
// Options change who signs, when and where the ids are, and make requests that
// are wrong in one way each: see [Option]. [Run] tests a whole handler as it is
// wired up, and says what to change. [GoldenVectors] are for testing a verifier
// of your own, or a gateway. [NewInstallRedirect] and [NewOAuthRedirect] are for installs,
// which a browser comes back from, and [NewEvent] for the endpoint of package events.
//
// What an extension signs is written as JavaScript's JSON.stringify writes it,
// byte for byte. With [At], and [WithEventID] for events, everything depends on
// nothing but the arguments.
package stripeappstest
