package explain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// findPayload looks for the text that was signed, from what was received as it
// is to what is further away.
func (e *explainer) findPayload() {
	if len(e.received.Body) == 0 {
		e.findIDs()
	} else {
		e.findInBody(e.received.Body)
	}
	if e.usedKey != nil && e.usedKey.text != "" && !e.webhook {
		e.say(causeOtherSecret, "%s", e.usedKey.text)
	}
}

// findIDs explains a request whose payload is the two ids.
func (e *explainer) findIDs() {
	user, account := e.received.UserID, e.received.AccountID
	switch {
	case user == "" && account == "":
		e.say(causeIDsMissing, "there is neither a body nor an id: send the signed JSON as the body, or the two ids to a route that reads them from headers or the query")
	case account == "":
		e.say(causeIDsMissing, "the account id is missing beside the user id: send both, as Stripe-User-Id and Stripe-Account-Id, or as user_id and account_id in the query")
	case !signed.IsID(account) || user != "" && !signed.IsID(user):
		e.say(causeNoIdentity, "an id is not 1 to 255 letters, digits and underscores, or was sent more than once: send each id once, as it is in the extension's userContext")
	case e.fits(signed.IDsPayload(user, account)):
		if user == "" && !e.received.InsecureAllowMissingUser {
			e.say(causeNoUser, "the signature covers account_id alone, without a user: set InsecureAllowMissingUser if the app is used where nobody is signed in")
		}
	case user == "":
		e.say(causeIDsMissing, "the user id is missing beside the account id: send both, as Stripe-User-Id and Stripe-Account-Id, or as user_id and account_id in the query")
	case e.fits(signed.IDsPayload(account, user)):
		e.say(causeIDsSwapped, "the user id and the account id are sent in each other's place: swap them in what is sent")
	case e.fits([]byte(`{"account_id":"` + account + `","user_id":"` + user + `"}`)):
		e.say(causeIDsNotLast, "%s", accountFirst)
	case e.fits(signed.IDsPayload("", account)):
		e.say(causeNoUser, "the signature covers account_id alone, without the user id that is sent: send no user id, and set InsecureAllowMissingUser, if the app is used where nobody is signed in")
	case !e.badSecrets:
		e.say(Unknown, "the signature does not fit the two ids, nor anything else that is usual: call fetchStripeSignature without a payload, send the ids of the same user and account, and check that the secret is that of this app")
	}
}

const accountFirst = "the signature was made over account_id before user_id, which Stripe never does: have it made by fetchStripeSignature"

// sayUnknown ends a search in the body that found nothing.
func (e *explainer) sayUnknown(what string) {
	switch {
	case e.badSecrets: // and what is wrong with them has been said
	case e.exhausted:
		e.say(Unknown, "the signature fits %s in none of the ways that were tried until %d MiB had been hashed: reproduce the mistake with a smaller body and fewer secrets", what, maxExplainedBytes>>20)
	default:
		e.say(Unknown, "the signature fits %s in none of the ways that go wrong usually: check that the secret is that of this app, that what is sent is what was given to fetchStripeSignature, and that user_id and account_id are those of the same userContext", what)
	}
}

// findInBody looks at what is around the JSON first, then at how it is written,
// and last at its members. What it sees by itself is told in any case.
func (e *explainer) findInBody(body []byte) {
	if e.fits(body) {
		e.checkIdentity(body)
		return
	}
	if len(body) > maxExplainedBody {
		e.say(causeBodyTooLarge, "the body is larger than 1 MiB, and was not looked into further than that: reproduce the mistake with a smaller one")
		return
	}
	found, missed := e.search(body, nil)
	if found {
		return
	}
	e.found = append(e.found, missed.seen...)
	e.webhook = missed.webhook
	if missed.what != "" {
		e.sayUnknown(missed.what)
	}
}

// miss is what there is to say of a text in which nothing fits.
type miss struct {
	seen    []Explanation // what it shows by itself
	what    string        // what fits in no way, or "" if seen says why not
	webhook bool          // it is an event
}

const (
	theBody  = "the body"
	noObject = "the body, which is no JSON object in UTF-8 of at most 256 levels,"
)

// search takes off what is around a JSON text, layer by layer, and looks into it.
// seen is what it has come through.
func (e *explainer) search(text []byte, seen []Explanation) (found bool, first miss) {
	// One way through all layers is always gone, for what they show.
	if e.exhausted && e.texts > maxExplainedLayers || e.texts == maxExplainedTexts || len(seen) > maxExplainedLayers {
		return false, miss{seen: seen, what: theBody}
	}
	e.texts++
	if len(seen) > 0 && e.fits(text) {
		e.found = append(e.found, seen...)
		e.checkIdentity(text)
		return true, miss{}
	}
	layers := e.unwrap(text, len(seen) == 0)
	if len(layers) == 0 {
		return e.searchObject(text, seen)
	}
	for i, layer := range layers {
		seen := slices.Concat(seen, []Explanation{layer.Explanation})
		missed := miss{seen: seen}
		if !layer.isEnd {
			found, missed = e.search(layer.inner, seen)
		}
		if found {
			return true, miss{}
		}
		if i == 0 {
			first = missed
		}
	}
	return false, first
}

// searchObject looks into a text that has nothing around it.
func (e *explainer) searchObject(text []byte, seen []Explanation) (found bool, _ miss) {
	canonical, err := stripejs.Stringify(text)
	switch {
	case err != nil && isCut(text):
		return false, miss{seen: slices.Concat(seen, []Explanation{{causeCutShort, fmt.Sprintf("the body ends in the middle of its JSON, after %d bytes: see that no limit on the way cuts it short, and that its Content-Length counts bytes and not characters", len(text))}})}
	case err != nil:
		return false, miss{seen: seen, what: noObject}
	}
	if !bytes.Equal(canonical, text) {
		seen = slices.Concat(seen, howWritten(text, canonical))
		if e.fits(canonical) {
			e.found = append(e.found, seen...)
			e.checkIdentity(canonical)
			return true, miss{}
		}
	}
	members, err := stripejs.Members(canonical)
	if err != nil {
		return false, miss{seen: seen, what: noObject}
	}
	return e.findMembers(members, seen)
}

// isCut reports whether a text is the beginning of an object.
func isCut(text []byte) bool {
	if len(text) == 0 || text[0] != '{' {
		return false
	}
	err := json.NewDecoder(bytes.NewReader(text)).Decode(new(json.RawMessage))
	return errors.Is(err, io.ErrUnexpectedEOF)
}

// checkIdentity explains a payload that is signed and refused all the same.
func (e *explainer) checkIdentity(payload []byte) {
	if e.usedKey.ofWebhook != "" {
		if members, err := stripejs.Members(payload); err == nil && isEvent(members) {
			e.webhook = true
			e.say(causeWebhook, "the signature is that of a webhook, made with %s: give webhooks a route of their own, which package events serves, with that secret", e.usedKey.ofWebhook)
			return
		}
	}
	_, fault := signed.ReadIDs(payload, e.received.InsecureAllowMissingUser)
	if fault == signed.OK {
		return
	}
	switch _, withoutUser := signed.ReadIDs(payload, true); {
	case fault == signed.InstallLink:
		e.say(causeInstallSignature, "the signature is that of an install link, over state and the ids: verify it on the install's route, and let API requests sign another member too")
	case withoutUser == signed.OK:
		e.say(causeNoUser, "the signature covers no user_id: set InsecureAllowMissingUser if the app is used where nobody is signed in")
	case fault == signed.NotObject:
		e.say(causeNoIdentity, "the signature fits, but covers no JSON object: have it made by fetchStripeSignature, and send its payload with user_id and account_id")
	case fault == signed.TooDeep:
		e.say(causeNoIdentity, "the signature fits, but its payload is nested more than 256 levels deep: give a flatter one to fetchStripeSignature")
	case fault == signed.RepeatedName:
		e.say(causeNoIdentity, "the signature fits, but two members of its payload have names that are equal or differ by case only: rename one in what is given to fetchStripeSignature")
	case fault == signed.ConfusedName:
		e.say(causeNoIdentity, "the signature fits, but its payload has a member whose name some decoders take for user_id, account_id, action, livemode or stripe_roles: rename it in what is given to fetchStripeSignature, or write it so")
	default:
		e.say(causeNoIdentity, "%s", idsInPayload)
	}
}

const idsInPayload = "the signature fits, but user_id and account_id are not the last two members of what it covers, each with 1 to 255 letters, digits and underscores: put no ids into the payload that is given to fetchStripeSignature, which adds them"

const asIs = ": send, and verify, the bytes of JSON.stringify as they are"
