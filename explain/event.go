package explain

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// isForEndpoint reports whether what was received is to be explained as an event: that is
// what an Endpoint accepts. What a Verifier accepts is a request, whatever it says; only
// what neither does is told by its members.
func (e *explainer) isForEndpoint() bool {
	r := &e.received
	if len(r.Secrets) == 0 {
		return true
	}
	if _, err := events.ParseUnverified(r.Body); err == nil && e.isSignedBy(r.EndpointSecrets, r.Body) {
		return true
	}
	payload := e.asReceived()
	if _, fault := signed.ReadIDs(payload, r.InsecureAllowMissingUser); fault == signed.OK && e.isSignedBy(r.Secrets, payload) {
		return false
	}
	text := r.Body
	if len(text) <= maxExplainedBody {
		text, _ = e.peel(text, func([]byte) bool { return false })
	}
	members, err := stripejs.Members(text)
	return err == nil && isEvent(members) && !nameIDs(members)
}

// isSignedBy reports whether one of the secrets fits, with the header as it came. What it
// hashes has a bound of its own, and leaves no less for the explanation.
func (e *explainer) isSignedBy(secrets []stripeapps.LabeledSecret, payload []byte) bool {
	s := &explainer{budget: maxExplainedBytes}
	if s.header.Parse(e.received.Header) != signed.OK {
		return false
	}
	s.addOtherSecrets(secrets, "", func(string, string) string { return "" })
	return s.fits(payload)
}

func (e *explainer) explainEvent() []Explanation {
	e.kind = webhooks
	e.addSecrets("EndpointSecrets", e.received.EndpointSecrets, endpointSecrets)
	e.addOtherSecrets(e.received.Secrets, "Secrets", signsNoEvent)
	e.addOtherSecrets(e.received.OtherSecrets, "OtherSecrets", signsNoEvent)
	return e.explain()
}

func signsNoEvent(name, secret string) string {
	if isEndpoints(secret) {
		return "the event was signed with " + name + ", which is not one of those in use here: each endpoint has its own, as has stripe listen, so add it if that endpoint has this URL, and change the endpoint's URL if not"
	}
	return "the event was signed with " + name + ", which is no webhook endpoint's: Stripe signs no event with it, so sign events with the endpoint's secret (whsec_…) in tests too"
}

// peel takes off what is around a JSON text, one layer after the other, until nothing
// is, or found says so of what is in them.
func (e *explainer) peel(text []byte, found func([]byte) bool) (_ []byte, seen []Explanation) {
	for len(seen) <= maxExplainedLayers {
		layers := e.unwrap(text, len(seen) == 0)
		if layers == nil {
			if members, err := stripejs.Members(text); err == nil {
				if inner, isLambda := eventBody(members); isLambda && len(inner) > 0 {
					layers = one(inner, causeLambdaEvent, wholeEvent)
				}
			}
		}
		if layers == nil {
			break
		}
		seen = append(seen, layers[0].Explanation)
		text = layers[0].inner
		if layers[0].isEnd || found(text) {
			break
		}
	}
	return text, seen
}

// findEvent looks for the text that Stripe sent. A framework can have written it anew,
// which is undone as far as it is known how Stripe writes events.
func (e *explainer) findEvent() {
	body := e.received.Body
	switch {
	case len(body) == 0:
		e.missEvent(nil)
		return
	case e.fits(body):
		e.checkEvent(body)
		return
	case len(body) > maxExplainedBody:
		e.say(causeBodyTooLarge, "the body is larger than 1 MiB, and was not looked into further than that: reproduce the mistake with a smaller one")
		return
	}
	text, seen := e.peel(body, e.fits)
	for _, x := range seen {
		e.found = append(e.found, Explanation{x.Cause, ofEvents(x)})
	}
	if e.usedKey != nil {
		e.checkEvent(text)
		return
	}
	if text == nil {
		return // what is around it has been said, and hides it
	}
	for _, form := range eventForms(text) {
		if e.fits(form) {
			e.say(causeReencoded, "the event was parsed and written anew after Stripe had sent it, as by a framework's JSON parser: verify the bytes of the body as they come, before anything parses them")
			e.checkEvent(form)
			return
		}
	}
	e.missEvent(text)
}

// ofEvents is the text for an event: Stripe has written it, and not JSON.stringify.
func ofEvents(x Explanation) string {
	const sent = ": verify the bytes of the event as Stripe sends them"
	switch {
	case x.Cause == causeEncodedTwice:
		return "the body is the event within a JSON string" + sent
	case strings.HasSuffix(x.Text, asIs):
		return strings.TrimSuffix(x.Text, asIs) + sent
	}
	return x.Text
}

// missEvent ends a search that found nothing in text.
func (e *explainer) missEvent(text []byte) {
	members, err := stripejs.Members(text)
	switch {
	case err == nil && nameIDs(members) || len(text) == 0 && e.received.UserID+e.received.AccountID != "":
		e.say(causeRequest, "%s", requestOfExtension)
	case len(e.received.Body) == 0:
		e.say(causeBodyGone, "there is no body to read, and Stripe sends the event as the body: put whatever else reads the body behind the endpoint, and let the proxy hand it on")
	case err != nil && isCut(text):
		e.say(causeCutShort, "the body ends in the middle of its JSON, after %d bytes: see that no limit on the way cuts it short", len(text))
	case e.badSecrets: // and what is wrong with them has been said
	case e.exhausted:
		e.sayUnknown("the event")
	case err != nil || !isEvent(members):
		e.say(Unknown, "the signature does not fit the body, which is no event of Stripe's either: let Stripe alone call this route, and see that nothing on the way changes what it sends")
	default:
		e.say(Unknown, "the signature fits the event in none of the ways that go wrong usually: check that the secret is that of the endpoint that has this URL, as each has its own and stripe listen another, and that nothing on the way changes the body")
	}
}

const requestOfExtension = "what came is an extension's request and no event, and there are only endpoints' secrets to verify it with: send it to a route behind the chain of package stripeapps, which has the app's secret"

// checkEvent explains an event that is signed and refused all the same.
func (e *explainer) checkEvent(text []byte) {
	var refused *stripeapps.Error
	_, err := events.ParseUnverified(text)
	if err == nil && e.usedKey.text == "" {
		return // whatever else is in it
	}
	members, notObject := stripejs.Members(text)
	isRequest := notObject == nil && nameIDs(members)
	switch k := e.usedKey; {
	case k.text != "" && isRequest:
		e.say(causeRequest, "%s", requestOfExtension)
		return
	case k.text != "" && k.ofWebhook != "":
		e.say(causeOtherSecret, "%s", k.text)
	case k.text != "":
		e.say(causeEventSecret, "%s", k.text)
	case isRequest:
		e.say(causeRequest, "the payload is that of an extension's request, signed with a webhook endpoint's secret, with which Stripe signs none: have it signed by fetchStripeSignature, and in tests with the app's secret (absec_…)")
		return
	}
	if errors.As(err, &refused) {
		e.say(causeMalformedEvent, "the signature fits, but %s: let nothing but Stripe's events be signed with the endpoint's secret", refused.Detail())
	}
}

func nameIDs(members []stripejs.Member) bool {
	named := 0
	for _, m := range members {
		if m.Name == "user_id" || m.Name == "account_id" {
			named++
		}
	}
	return named >= 2
}

// eventForms are the ways in which Stripe can have written an event: over several
// lines, with two spaces, or compactly; and with the members of each object as they
// came, or in the order of Stripe's API, which is the id, the object, and then the
// others by their names.
func eventForms(text []byte) (forms [][]byte) {
	if len(text) > maxEventText {
		return nil
	}
	canonical, err := stripejs.Stringify(text)
	if err != nil || depthOf(canonical) > maxEventDepth {
		return nil
	}
	for _, compact := range [][]byte{canonical, inOrder(canonical)} {
		var indented bytes.Buffer
		json.Indent(&indented, compact, "", "  ") // cannot fail: Stringify has written it
		forms = append(forms, indented.Bytes(), compact)
	}
	return forms
}

// What is written anew is parsed once for each level. Stripe's events have fewer, and
// are smaller.
const (
	maxEventDepth = 32
	maxEventText  = 256 << 10
)

// depthOf returns how deep a JSON text is nested.
func depthOf(text []byte) (deepest int) {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			i++
		case inString:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

func inOrder(value []byte) []byte {
	switch value[0] {
	case '{':
		members, err := stripejs.Members(value)
		if err != nil {
			return value
		}
		for i := range members {
			members[i].Value = inOrder(members[i].Value)
		}
		slices.SortStableFunc(members, func(a, b stripejs.Member) int {
			return strings.Compare(placeOf(a.Name), placeOf(b.Name))
		})
		return stripejs.Object(members)
	case '[':
		var items []json.RawMessage
		if json.Unmarshal(value, &items) != nil {
			return value
		}
		ordered := make([][]byte, len(items))
		for i, item := range items {
			ordered[i] = inOrder(item)
		}
		return slices.Concat([]byte("["), bytes.Join(ordered, []byte(",")), []byte("]"))
	}
	return value
}

// placeOf is what a member is sorted by.
func placeOf(name string) string {
	switch name {
	case "id":
		return "\x00"
	case "object":
		return "\x01"
	}
	return "\x02" + name
}
