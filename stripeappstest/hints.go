package stripeappstest

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// preflightFault says what is wrong with a preflight's status, and what to change.
func (c *conformance) preflightFault(got *response) string {
	what := "given " + got.what()
	switch status := got.StatusCode; {
	case got.redirects():
		return fmt.Sprintf("redirected (%s, to %.200q), which no browser follows for a preflight: let the extension call the final URL, "+
			"and RunConfig.Target name it, or respond without a redirect; "+
			"if that leads to a login, let what asks for it pass OPTIONS", got.what(), got.Header.Get("Location"))
	case status == http.StatusMethodNotAllowed:
		return what + ": a pattern with a method, like \"POST /x\", does not match OPTIONS; " +
			"put New or NewCORS around the mux, not on a route"
	case status == http.StatusNotFound:
		return what + ": a router that runs its middleware for its routes only, like gorilla/mux with Subrouter.Use, " +
			"has no route for OPTIONS; put New or NewCORS around the router"
	case isGuard(got):
		return what + ", without a Content-Security-Policy, and so not by the chain: " +
			"let what guards it in front (an authorizer of the gateway, IAM, an access proxy, a protected preview, " +
			"a CORS middleware that does not know the origin null) pass OPTIONS, " +
			"which browsers send without any credentials"
	case status == http.StatusUnauthorized || status == http.StatusBadRequest:
		return what + ", as if a browser could sign it: put NewCORS outside of the verifier, " +
			"and of what else asks who is calling"
	case status >= 500 && got.isFromElsewhere():
		return what + failedInFront
	case status < 200 || status > 299:
		return what + ", not 2xx: put NewCORS around the mux, and what refuses it behind that"
	}
	return ""
}

// failedInFront is of a status of 5xx that has not come through the chain.
const failedInFront = ", without a Content-Security-Policy, and so not by the chain: something in front has failed, like " +
	"a proxy that does not reach the backend, or a recoverer has caught a panic; its log says why"

// isOfReplay reports whether package replay has refused.
func (r *response) isOfReplay() bool {
	return r.code() == replay.ErrReplayed.Code() || r.code() == replay.ErrNoNonce.Code()
}

// isGuard reports whether what refuses is neither the chain, which has a policy, nor
// any other verifier of this package, which has a code.
func isGuard(got *response) bool {
	switch got.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return !got.hasPolicy() && got.code() == ""
	}
	return false
}

// preflightChange says what to change if the response to a preflight cannot be read.
func (c *conformance) preflightChange(got *response) string {
	if !c.isFromInFront(got) {
		return "put New or NewCORS around the mux"
	}
	return "it seems to come from in front of the chain, as it lacks the Content-Security-Policy that others have: " +
		"another CORS middleware there that does not allow the origin null keeps preflights from NewCORS; " +
		"leave this path out of it, or put the chain in front of it"
}

func (c *conformance) inFront(got *response) string {
	if !c.isFromInFront(got) {
		return ""
	}
	return "; but this response seems to come from in front of the chain, as it lacks the Content-Security-Policy that others have"
}

// signedFault says what is wrong with the status of the response to a correct
// request, and what to change.
func (c *conformance) signedFault(got *response) string {
	what := "given " + got.what()
	switch status := got.StatusCode; {
	case got.redirects():
		return fmt.Sprintf("redirected (%s, to %.200q), and can arrive there as a GET without its body: "+
			"let the extension call the final URL, and RunConfig.Target name it; "+
			"if that leads to a login, let what asks for it pass what the extension sends", got.what(), got.Header.Get("Location"))
	case got.isOfReplay():
		return "refused with " + got.what() + ": the route is behind replay.Once, which wants a nonce in the signed payload, " +
			"a new one for each request: give RunConfig.Nonce its name, and leave it out of Payload"
	case status == http.StatusForbidden:
		return what + ": " + forbiddenChange(got)
	case isGuard(got):
		return what + ", without a Content-Security-Policy, and so not by the chain: let what guards it in front " +
			"(an authorizer of the gateway, IAM, an access proxy, a protected preview) pass what the extension sends, " +
			"and OPTIONS; if it is an ErrorHandler of the verifier, put NewCSP and NewCORS outside of that"
	case status == http.StatusUnauthorized || status == http.StatusBadRequest:
		return "refused with " + got.what() + ": " + refusedChange(got.code())
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		inFront := ""
		if got.isFromElsewhere() {
			inFront = ", and that what is in front of the chain hands it on"
		}
		return fmt.Sprintf("%s: check that RunConfig's Method and Target (%s %.200q) are those of a route%s", what, c.Method, c.Target, inFront)
	case status >= 500 && bytes.Contains(got.body, []byte("not_verified")):
		return what + ": the chain has verified it, if it is around the route, but the handler reads another context: " +
			"give it that of the request which the chain hands on (in gin c.Request.Context(), in Fiber v2 c.Context(), " +
			"in Fiber v3 c.RequestCtx(), in huma *r = *accepted)"
	case status >= 500 && got.code() == "internal":
		return what + ": the handler has panicked; its stack is in the backend's log. MustIdentity panics where it is given " +
			"another context than that of the request which the chain hands on"
	case status >= 500 && got.isFromElsewhere():
		return what + failedInFront
	case status >= 500:
		return what + ": the route, or something between it and the chain, has failed; its log says why"
	case status < 200 || status > 299:
		return what + ", not 2xx: if it is the route itself, " + givePayload +
			"; if it is something else, like a limit of the rate, let that pass it"
	}
	return ""
}

const givePayload = "give RunConfig a Payload, UserID and AccountID that it takes"

// refusedChange says what can be behind a refusal of that code.
func refusedChange(code string) string {
	switch code {
	case stripeapps.ErrNotSigned.Code(), stripeapps.ErrMalformedSignature.Code():
		return "something in front of the verifier drops or changes the header Stripe-Signature: let it hand that on as it is"
	case stripeapps.ErrTooOld.Code(), stripeapps.ErrTooNew.Code():
		return "the verifier has another clock: give RunConfig its Now, or, if it is deployed, " +
			"let the clocks there and here be synchronized"
	case "":
		return "if it is the verifier's ErrorHandler that responds so, check what is behind that with Observe: LogRefusals(logger); " +
			"if it is something else, let that pass what the extension sends; if it is the route itself, " + givePayload
	}
	return "check that RunConfig has the Secrets and the Source of the verifier, that its Payload is what the route takes, " +
		"and that nothing reads or changes the body before the verifier"
}

func forbiddenChange(got *response) string {
	switch {
	case got.code() != "":
		return "Require or the route itself refuses it: " + givePayload
	case got.hasPolicy():
		return "it has come through the chain, and something behind that refuses it. A CORS middleware there, like gin-contrib/cors, " +
			"does so to the origin null: take it out, NewCORS is enough; http.CrossOriginProtection does so to every POST of an extension: " +
			"mount the chain beside it; if it is the route itself, " + givePayload
	}
	return "if that is http.CrossOriginProtection, which refuses every POST of an extension as cross-site, " +
		"or a CORS middleware that does not know the origin null, like gin-contrib/cors, " +
		"mount the chain beside it, not behind it; if it is a guard in front (an authorizer of the gateway, IAM, an access proxy), " +
		"let it pass what the extension sends; if it is Require or the route itself, " + givePayload
}
