package playground

import (
	"fmt"
	"net/http"

	"github.com/seed-8a2ffb75/stripeapps"
)

// checkResult is what one check of the chain said to a request.
type checkResult struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Why   string `json:"why"`
}

const (
	statePassed     = "passed"
	stateRefused    = "refused"
	stateNotUsed    = "not used"
	stateNotReached = "not reached"
	stateWaiting    = "waiting"
)

// chainChecks are the checks behind CORS in their order, each with its question,
// what it says to a request that passes, and the errors that it refuses with. All
// others are the handler's.
var chainChecks = []struct {
	name, asks, passed, notUsedByHeaders string
	refusals                             []*stripeapps.Error
}{
	{
		name: "Header", asks: "is there a Stripe-Signature, with one t=… and a v1=…?",
		passed:   "there is a Stripe-Signature, with one t=… and a v1=…",
		refusals: []*stripeapps.Error{stripeapps.ErrNotSigned, stripeapps.ErrMalformedSignature},
	}, {
		name: "Time", asks: fmt.Sprintf("was it signed at most %v minutes ago?", stripeapps.DefaultTolerance.Minutes()),
		passed:   fmt.Sprintf("signed at most %v minutes ago", stripeapps.DefaultTolerance.Minutes()),
		refusals: []*stripeapps.Error{stripeapps.ErrTooOld, stripeapps.ErrTooNew},
	}, {
		name: "Body", asks: "can it be read to its end, and is it not too large?",
		passed: "read to its end, and not too large", notUsedByHeaders: "the two ids come in headers, once each",
		refusals: []*stripeapps.Error{
			stripeapps.ErrBodyTooLarge, stripeapps.ErrBodyUnreadable, stripeapps.ErrMalformedIDs, stripeapps.ErrNoPayload,
		},
	}, {
		name: "HMAC", asks: "was it made with the app’s secret, over exactly this text?",
		passed:   "made with the app’s secret, over exactly this text",
		refusals: []*stripeapps.Error{stripeapps.ErrNoMatch, stripeapps.ErrOnlyIDsSigned},
	}, {
		name: "Identity", asks: "does the signed text end in user_id and account_id?",
		passed:   "the signed text ends in user_id and account_id",
		refusals: []*stripeapps.Error{stripeapps.ErrNoIdentity, stripeapps.ErrInstallSignature},
	}, {
		name: "Handler", asks: "runs only if nothing was refused",
		passed: "has run, with the identity in its context",
	},
}

// checksOf derives from a response which checks a request has passed. Without a
// request, none was reached.
func checksOf(e *exchange) (results []checkResult) {
	if e == nil {
		for _, check := range chainChecks {
			results = append(results, checkResult{check.name, stateNotReached, ""})
		}
		return results
	}
	code, detail := e.refusal()
	refusing := len(chainChecks) - 1
	for i, check := range chainChecks {
		for _, refusal := range check.refusals {
			if code == refusal.Code() {
				refusing = i
			}
		}
	}
	for i, check := range chainChecks {
		result := checkResult{check.name, statePassed, check.passed}
		switch {
		case code != "" && i == refusing:
			result.State, result.Why = stateRefused, detail
		case code != "" && i > refusing:
			result.State, result.Why = stateNotReached, ""
		case check.notUsedByHeaders != "" && e.Path == "/api/whoami":
			result.State, result.Why = stateNotUsed, check.notUsedByHeaders
		}
		results = append(results, result)
	}
	return results
}

// waitingChecks is what there is to say before any request.
func waitingChecks() []checkResult {
	results := []checkResult{{"CORS preflight", stateWaiting, "may this origin send this method and these headers?"}}
	for _, check := range chainChecks {
		results = append(results, checkResult{check.name, stateWaiting, check.asks})
	}
	return results
}

var (
	corsPassed  = checkResult{"CORS preflight", statePassed, "any origin may send this with these headers"}
	corsRefused = checkResult{"CORS preflight", stateRefused, "this method or one of these headers is not allowed by CORSConfig"}
)

// checkCORS tells of the preflight, which no request of the extension goes
// without. One that does not match gets 204 too, but no browser is to
// keep that response.
func checkCORS(preflight *exchange, cached bool) checkResult {
	switch {
	case cached:
		return checkResult{"CORS preflight", statePassed, "cached by the browser: it has asked before, and need not ask again"}
	case preflight == nil:
		return checkResult{"CORS preflight", stateNotReached, ""}
	case preflight.Status != http.StatusNoContent:
		return checkResult{"CORS preflight", stateRefused, fmt.Sprintf("the response is %d", preflight.Status)}
	case preflight.Response.get("Access-Control-Max-Age") == "":
		return corsRefused
	default:
		return corsPassed
	}
}
