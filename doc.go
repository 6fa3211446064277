// Package stripeapps is the Go backend half of a Stripe App. It proves who is
// calling from inside the Stripe Dashboard.
//
// A Stripe App's UI extension runs in the Dashboard in a sandboxed iframe and
// calls the app's own backend. It signs a request with fetchStripeSignature:
// Stripe computes an HMAC with the app's signing secret over
//
//	{…payload, "user_id": "usr_…", "account_id": "acct_…"}
//
// and the extension sends it in the header Stripe-Signature, with the same JSON
// text as the body. [New] returns the middleware that verifies this and puts
// the identity into the request's context:
//
//	protect, err := stripeapps.New(stripeapps.Config{Secrets: []string{os.Getenv("STRIPE_APP_SECRET")}})
//	…
//	http.Handle("/api/", protect(api))
//
//	// in a handler of api
//	id, ok := stripeapps.IdentityFrom(r.Context()) // id.UserID, id.AccountID
//
// A request that does not verify is answered with a problem document (RFC 9457)
// and never reaches the handler. The browser's preflights are answered too, and
// the extension can read every answer: see [NewCORS]. Every answer carries a
// Content-Security-Policy: see [NewCSP], also for pages of your own.
//
// # What a signature proves, and what not
//
// It proves that Stripe signed this payload with the secret of this app, at
// this time, for this user and account. The user chooses the payload: anybody
// who may use the app can have anything signed, for themself and an account of
// theirs. Authorize accordingly.
//
// Stripe does NOT sign the method, the path, the query, other headers, or live
// and test mode, and a signature can be used again until it is older than the
// tolerance. Put what matters into the payload and demand it with [Require].
// Read only what is signed: [SignedPayload] and [DecodePayload].
//
// Webhooks are something else: they carry a header of the same name, made with
// an endpoint's secret (whsec_…). Give them a route of their own, outside this
// middleware.
//
// # Sources of the payload
//
// By default the whole body is what was signed ([SignedBody]). GET requests have
// no body: let the extension sign the two ids alone and send them in headers
// ([IDsInHeaders]) or in the query ([IDsInQuery]). [NewSource]
// finds the payload anywhere else. A Verifier has one source; where you need two, put
// each one's Handler on its routes, and NewCORS and NewCSP around the mux.
//
// # Refusals
//
// The codes and statuses are part of the API:
//
//	401 not_signed           no Stripe-Signature header
//	401 malformed_signature  not t=…,v1=…; repeated; over its caps
//	401 no_match             not made with one of the secrets over this payload
//	401 too_old, too_new     outside the tolerance
//	400 malformed_ids        ids in headers or query missing, repeated or no ids
//	400 no_payload           a Source did not find the payload
//	413 body_too_large       over MaxBodyBytes
//	400 body_unreadable      cut off, or not as long as its Content-Length
//	400 only_ids_signed      the body's other members are not signed
//	400 no_identity          signed, but the ids are not the last two members
//	400 install_signature    an install link's signature
//	403 requirement_not_met  Require
//	400 unexpected_payload   DecodePayload
//	500 not_verified         used outside the chain: a mistake in the backend
//	500 internal             a panic, or an error that is not an *Error
//	405 method_not_allowed, 415 unsupported_media_type, 400 malformed_report
//	                         cspreport.NewHandler
//
// 401 answers carry WWW-Authenticate: Stripe-Signature; all carry
// Cache-Control: no-store.
//
// VerifierConfig.Observe is told every verdict: [LogRefusals] logs them, and
// package explain says, in development, why a signature does not match.
//
// # OAuth with PKCE
//
// An extension can start an OAuth flow, and often the provider is the app's own
// backend. [ReadCodeChallenge], [ReadCodeVerifier] and [VerifyCodeVerifier] are the
// provider's half of RFC 7636, [NewCodeVerifier] and [S256Challenge] the client's,
// and [RedirectURIs] says where the Dashboard takes codes. They need nothing of the
// chain, and their routes stand beside it: requests for tokens are not signed.
//
// # Tests
//
// Package stripeappstest signs requests for your tests, and checks a handler as it
// is wired up; package manifest says whether stripe-app.json lets the extension
// call your routes; the command cmd/stripeapps does the same in a terminal.
//
// # Limits
//
// A Stripe-Signature header of 4 KiB and 16 v1 signatures; 16 secrets; a body of
// [DefaultMaxBodyBytes]; a query of 16 KiB; payloads nested 256 levels deep. Sizes are
// checked before anything is parsed, counts while parsing. The middleware must see
// the body first and as it was sent: put it before anything that parses or
// decompresses it. The rate of requests and slow clients are the server's to limit.
package stripeapps
