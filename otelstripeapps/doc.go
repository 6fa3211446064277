// Package otelstripeapps tells OpenTelemetry what a [stripeapps.Verifier] decides:
// metrics of all requests, and attributes on the span of each.
//
//	observe, err := otelstripeapps.NewObserver(otelstripeapps.Config{})
//	if err != nil {
//		return err
//	}
//	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: secrets, Observe: observe})
//
// The metrics, of the scope [ScopeName]:
//
//	stripeapps.verification.duration  histogram, s          how long each verification took
//	stripeapps.refusals               counter, {refusal}    each refusal
//
// The histogram counts every request once. Its error.type is the code of the refusal,
// and missing if the request was accepted; its stripeapps.secret.label is the label of
// the secret that fitted, if it has one. The counter also has what Require and Refuse
// refuse of the requests that were accepted: stripeapps.refusal.later is true for these.
// So the requests that came through are the histogram's count less the counter.
//
// The attributes of the span, which is the one in the request's context:
//
//	stripeapps.refusal.code   the code, of a refused request
//	stripeapps.refusal.later  whether Require or Refuse refused it
//	stripeapps.secret.label   the label of the secret that fitted, if it has one
//	error.type                the code, if the status is 500 or more
//	http.route                by [Route]
//
// The conventions for a server's span do not take a status of 4xx for an error, so
// that there is neither an error.type for it nor a span status: what stands outside
// sets that, for 5xx.
//
// What an unverified request says of itself, its ids above all, is in none of these.
// Who a verified request comes from is never in a metric, and on the span only with
// [Config].SpanIdentity.
//
// https://opentelemetry.io/docs/specs/semconv/http/http-spans/
package otelstripeapps
