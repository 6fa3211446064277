package explain

import (
	"net/http"

	"github.com/seed-8a2ffb75/stripeapps"
)

// A Verifier looks for what is signed in one place, its Source. What follows finds
// that it came in another one.

// receiveIDs is for a Source of ids.
func (e *explainer) receiveIDs(sent ids, source stripeapps.Source, r *http.Request) {
	if !sent.none() {
		sent.received(&e.received)
		return
	}
	place, elsewhere, itsSource := "headers", "the query", "IDsInQuery"
	others, _ := idsInQuery(r)
	if source == stripeapps.IDsInQuery {
		place, elsewhere, itsSource, others = "the query", "headers", "IDsInHeaders", idsInHeaders(r)
	}
	switch {
	case !others.none():
		others.received(&e.received)
		e.say(causeWrongSource, "the ids came in %s, and this Verifier reads them from %s: let a Verifier with Source %s verify this route, or send the ids in %s", elsewhere, place, itsSource, place)
	case hasBody(r):
		e.noPayload = true
		e.say(causeWrongSource, "there is a body and there are no ids in %s, from which this Verifier reads what is signed: let a Verifier with Source SignedBody verify this route if the body is what is signed, or send the two ids in %s", place, place)
	}
}

// receiveNoBody is for a Source that reads the body, which is empty.
func (e *explainer) receiveNoBody(sent ids, source stripeapps.Source, r *http.Request) {
	if source != stripeapps.SignedBody {
		e.noPayload = true
		e.say(causeWrongSource, "the function given to NewSource found an empty payload: let it return the text that was signed, or an error where there is none")
		return
	}
	place, itsSource := "headers", "IDsInHeaders"
	if sent.none() {
		place, itsSource = "the query", "IDsInQuery"
		sent, _ = idsInQuery(r)
	}
	switch {
	case !sent.none():
		sent.received(&e.received)
		e.say(causeWrongSource, "the ids came in %s, and this Verifier takes what is signed from the body, of which there is none: let a Verifier with Source %s verify this route, or send the signed JSON as the body", place, itsSource)
	case hasBody(r):
		e.noPayload = true
		e.say(causeBodyGone, "the request announced a body, and there was nothing in it to read: put whatever else reads the body behind this middleware, or send the signed JSON as the body")
	}
}

// hasBody reports whether a request announces a body.
func hasBody(r *http.Request) bool {
	return r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody
}
