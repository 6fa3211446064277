package stripeapps

import "errors"

// RedirectURIs returns the redirect URIs under which an OAuth provider registers
// a Stripe App whose extension starts a flow with createOAuthState: the Dashboard
// takes the code there in live mode, and in test mode.
//
//	https://dashboard.stripe.com/apps-oauth/<app id>
//	https://dashboard.stripe.com/test/apps-oauth/<app id>
//
// Compare the redirect_uri of a request with them as a whole, by ==. The app id is
// "id" in stripe-app.json: letters, digits, _, - and ., or else there is an error
// that does not hold it. Stripe does not say what the URI is in a sandbox.
//
// https://docs.stripe.com/stripe-apps/pkce-oauth-flow
func RedirectURIs(appID string) (live, test string, err error) {
	if !isAppID(appID) {
		return "", "", errors.New(`stripeapps: an app id is one or more letters, digits, _, - and ., but not . or .. alone (see "id" in stripe-app.json)`)
	}
	const dashboard = "https://dashboard.stripe.com/"
	return dashboard + "apps-oauth/" + appID, dashboard + "test/apps-oauth/" + appID, nil
}

// isAppID is ^[a-zA-Z0-9_\-\.]+$ of the manifest's schema, without . and ..,
// which a URL cannot end in: they mean another path.
func isAppID(id string) bool {
	for _, c := range id {
		if !isIDByte(c) && c != '-' && c != '.' {
			return false
		}
	}
	return id != "" && id != "." && id != ".."
}
