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
//	protect, err := stripeapps.New(stripeapps.Config{Secrets: secrets})
//	if err != nil {
//		return err
//	}
//	mux.Handle("/api/", protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//		id := stripeapps.MustIdentity(r.Context())
//		fmt.Fprintf(w, "hello %s of %s\n", id.UserID, id.AccountID)
//	})))
//
// A request that does not verify is refused with a problem document (RFC 9457)
// and never reaches the handler: the Err… variables are the reasons, each with
// its code and status. The browser's preflights get a response too, and the
// extension can read every one: see [NewCORS]. Every response carries a
// Content-Security-Policy: see [NewCSP], also for pages of your own.
//
// # What a signature proves, and what not
//
// It proves that Stripe signed this payload with the secret of this app, at
// this time, for this user and account. The user chooses the payload: anybody
// who may use the app can have anything signed, for themself and an account of
// theirs; Stripe checks the member stripe_roles only ([Role]). Authorize accordingly.
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
// ([IDsInHeaders]) or in the query ([IDsInQuery]). [NewSource] finds the payload
// anywhere else. A [Verifier] has one source; where you need two, put each one's
// Handler on its routes, and NewCORS and NewCSP around the mux.
//
// # Limits
//
// A Stripe-Signature header of 4 KiB and 16 v1 signatures; 16 secrets; a body of
// [DefaultMaxBodyBytes] within [DefaultBodyTimeout]; a query of 16 KiB; payloads nested
// 256 levels deep. Sizes are checked before anything is parsed, counts while parsing.
// The middleware must see the body as it was signed: put it in front of whatever
// parses the body, and behind whatever undoes a Content-Encoding, because what is
// signed is the text before that. The rate of requests and slow headers are the
// server's to limit.
//
// # What stands beside it
//
//   - VerifierConfig.Observe is told every verdict. [LogRefusals] logs them; package
//     explain says, in development, why a signature does not match.
//   - Package stripeappstest signs requests for your tests, and checks a handler as
//     it is wired up.
//   - Package manifest says whether stripe-app.json lets the extension call your
//     routes. Package cspreport receives the reports of [CSPConfig].ReportURL.
//   - Package replay refuses the second use of a signature.
//   - [ReadCodeChallenge], [ReadCodeVerifier] and [VerifyCodeVerifier] are an OAuth
//     provider's half of PKCE (RFC 7636), [NewCodeVerifier] and [S256Challenge] the
//     client's, and [RedirectURIs] says where the Dashboard takes codes. They need
//     nothing of the chain: requests for tokens are not signed.
//   - The command cmd/stripeapps signs, verifies and explains in a terminal.
//
// The folder docs of the repository has a page for each task. Its README.md has them in the
// order in which you need them.
package stripeapps
