package explain

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

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
		e.say(Unknown, "the signature fits %s in none of the ways that go wrong usually: check that the secret is that of this app, and that what is sent is what was given to fetchStripeSignature", what)
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
	text := body
	var seen []Explanation
	for range maxExplainedLayers {
		inner, layer, ok := unwrap(text)
		if !ok {
			break
		}
		text, seen = inner, append(seen, layer)
		if e.fits(text) {
			e.found = append(e.found, seen...)
			e.checkIdentity(text)
			return
		}
	}
	const noObject = "the body, which is no JSON object in UTF-8 of at most 256 levels,"
	canonical, err := stripejs.Stringify(text)
	if err != nil {
		e.found = append(e.found, seen...)
		e.sayUnknown(noObject)
		return
	}
	if !bytes.Equal(canonical, text) {
		seen = append(seen, howWritten(text, canonical)...)
		if e.fits(canonical) {
			e.found = append(e.found, seen...)
			e.checkIdentity(canonical)
			return
		}
	}
	members, err := stripejs.Members(canonical)
	if err != nil {
		e.found = append(e.found, seen...)
		e.sayUnknown(noObject)
		return
	}
	e.findMembers(members, seen)
}

// checkIdentity explains a payload that is signed and refused all the same.
func (e *explainer) checkIdentity(payload []byte) {
	if e.usedKey.ofWebhook != "" {
		if members, err := stripejs.Members(payload); err == nil && isEvent(members) {
			e.webhook = true
			e.say(causeWebhook, "the signature is that of a webhook, made with %s: give webhooks a route of their own, with that secret and stripe-go's webhook.ConstructEvent", e.usedKey.ofWebhook)
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

// unwrap takes off one of the things that come around a JSON text.
func unwrap(text []byte) (inner []byte, layer Explanation, ok bool) {
	if inner, ok := bytes.CutPrefix(text, []byte("\uFEFF")); ok {
		return inner, Explanation{causeByteOrderMark, "a byte order mark stands in front of the body" + asIs}, true
	}
	if inner := bytes.TrimSpace(text); len(inner) < len(text) {
		return inner, Explanation{causeTrailingSpace, "there is white space around the body, like a line break at its end" + asIs}, true
	}
	if len(text) == 0 || text[0] == '{' {
		return nil, layer, false
	}
	if text[0] == '"' {
		var inner string
		if json.Unmarshal(text, &inner) != nil || !strings.Contains(inner, "{") {
			return nil, layer, false
		}
		return []byte(inner), Explanation{causeEncodedTwice, "the body is JSON within a JSON string: call JSON.stringify once, and give its result to fetch as it is"}, true
	}
	standard := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(string(text), "="))
	decoded, err := base64.RawStdEncoding.DecodeString(standard)
	if err != nil || !bytes.Contains(decoded, []byte("{")) {
		return nil, layer, false
	}
	return decoded, Explanation{causeBase64, "the body is in base64, as some gateways hand bodies on (isBase64Encoded): decode it before it is verified"}, true
}

// howWritten says in which ways a text differs from what JSON.stringify writes.
func howWritten(text, canonical []byte) (seen []Explanation) {
	var buffer bytes.Buffer
	json.Compact(&buffer, text) // which stripejs has read
	compact := buffer.Bytes()
	if len(compact) < len(text) {
		seen = append(seen, Explanation{causePrettyPrinted, "there is white space between the body's members, as after pretty-printing or Python's json.dumps" + asIs})
	}
	raw, html, nonASCII := withoutEscapes(compact)
	if html {
		seen = append(seen, Explanation{causeHTMLEscaped, `<, > or & is written as an escape like \u003c, as Go's json.Marshal does: the body was encoded again after it was signed` + asIs})
	}
	if nonASCII {
		seen = append(seen, Explanation{causeNonASCIIEscaped, `characters outside ASCII are written as escapes like \u00e9, as Python and PHP do, or \u2028, as Go does: the body was encoded again after it was signed` + asIs})
	}
	if !bytes.Equal(raw, canonical) {
		seen = append(seen, Explanation{causeReencoded, `numbers, escapes or members are written in another way than JavaScript's, like 1.0 for 1 or \/ for /: the body was encoded again after it was signed` + asIs})
	}
	return seen
}

// withoutEscapes writes the characters that JSON.stringify does not escape as
// they are: <, > and &, and those outside ASCII but for lone surrogates.
func withoutEscapes(text []byte) (raw []byte, html, nonASCII bool) {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			raw = append(raw, text[i])
			continue
		}
		if text[i+1] != 'u' {
			raw = append(raw, text[i], text[i+1])
			i++
			continue
		}
		r, length := signed.HexRune(text[i+2:i+6]), 6
		if utf16.IsSurrogate(r) && i+12 <= len(text) && text[i+6] == '\\' && text[i+7] == 'u' {
			if pair := utf16.DecodeRune(r, signed.HexRune(text[i+8:i+12])); pair != utf8.RuneError {
				r, length = pair, 12
			}
		}
		switch {
		case r == '<' || r == '>' || r == '&':
			html = true
			raw = append(raw, byte(r))
		case r >= utf8.RuneSelf && !utf16.IsSurrogate(r):
			nonASCII = true
			raw = utf8.AppendRune(raw, r)
		default:
			raw = append(raw, text[i:i+length]...)
		}
		i += length - 1
	}
	return raw, html, nonASCII
}
