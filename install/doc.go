// Package install installs a Stripe App on accounts, from a page of yours.
//
// An install link leads a person to Stripe, where they agree, and back to yours with
// their user and account, signed by Stripe. The signature does not say who is at the
// browser: without more, whoever sees the address can open it, and so connect their
// account to somebody else's session, or the other way round. A Link gives each
// install a state that is bound to the browser by a cookie, and is good once:
//
//	link, err := install.NewLink(install.LinkConfig{
//		URL:         "https://marketplace.stripe.com/apps/install/link/com.example.app",
//		RedirectURI: "https://app.example.com/installed",
//		StartPath:   "/install",
//		Verifier:    verifier,
//		StateKeys:   [][]byte{key}, // 32 random bytes
//		Guard:       replay.NewMemory(replay.MemoryConfig{}),
//		Session:     signedInUser, // the id of your own user; nil if nobody signs in to your site
//	})
//	…
//	mux.Handle("GET /install", link.Start())
//	mux.Handle("GET /installed", link.Callback(func(w http.ResponseWriter, r *http.Request, installed install.Installed) {
//		// remember installed.AccountID for whoever is signed in to your site, and
//		http.Redirect(w, r, "/welcome", http.StatusSeeOther)
//	}))
//
// Both stand beside the chain of package stripeapps, not behind it: a browser opens
// them, and no extension signs anything.
//
// An app with stripe_api_access_type oauth has OAuth install links in place of those,
// which bring a code. An OAuth leads there and back in the same way, and a Tokens
// exchanges the code and keeps the account's tokens, sealed, in a Store: refreshed in
// time, by one process at a time. See the Example of OAuth.
//
// A Transport calls Stripe for the account of a verified request, with your key of its
// mode or with the account's token.
//
// https://docs.stripe.com/stripe-apps/install-links
// https://docs.stripe.com/stripe-apps/api-authentication/oauth
package install
