package explain

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

const wholeEvent = "the body is a whole Lambda event, in which the request's body is the member \"body\": turn the event into a request by an adapter, such as lambdaurl of aws-lambda-go, which undoes isBase64Encoded too"

// eventBody returns the request's body, if there is one, out of what a Lambda function
// is called with.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func eventBody(members []stripejs.Member) (_ []byte, isEvent bool) {
	body, inBase64 := "", false
	for _, m := range members {
		var err error
		switch m.Name {
		case "body":
			err = json.Unmarshal(m.Value, &body)
		case "isBase64Encoded":
			err, isEvent = json.Unmarshal(m.Value, &inBase64), true
		case "requestContext":
			isEvent = true
		}
		if err != nil {
			return nil, false
		}
	}
	if decoded, err := base64.StdEncoding.DecodeString(body); inBase64 && err == nil {
		return decoded, isEvent
	}
	return []byte(body), isEvent
}

// maxInnerTexts bounds how many members of one object are searched.
const maxInnerTexts = 16

// findInMember looks for the signed text in the members: as an object or a string,
// or as the payload beside the ids. It is searched for what is right but for that.
func (s *memberSearch) findInMember(all []stripejs.Member, seen []Explanation) bool {
	outside := s.around
	s.around = s
	defer func() { s.around = outside }()
	searched := 0
	for _, m := range all {
		s.place = shownName(m.Name)
		if outside != nil {
			s.place += " in " + outside.place
		}
		for _, inner := range innerTexts(m.Value) {
			if searched++; searched > maxInnerTexts {
				return false
			}
			around, layer := seen, Explanation{causeEnvelope, fmt.Sprintf("what was signed stands in %s of the body, among other things: send, and verify, the signed text alone as the body", s.place)}
			if s.idsInBody {
				layer = Explanation{causeNestedPayload, fmt.Sprintf("the payload stands in %s of the body, beside the ids: send JSON.stringify({...payload, user_id, account_id})", s.place)}
			}
			if inner.wasString {
				around = withoutForm(seen)
			}
			if found, _ := s.search(inner.text, slices.Concat(around, []Explanation{layer})); found {
				return true
			}
		}
	}
	return false
}

// withoutForm leaves out how a JSON text is written that holds the signed text in a
// string: nothing of that is left in the string.
func withoutForm(seen []Explanation) []Explanation {
	return slices.DeleteFunc(slices.Clone(seen), func(x Explanation) bool {
		switch x.Cause {
		case causeByteOrderMark, causeTrailingSpace, causePrettyPrinted, causeHTMLEscaped, causeNonASCIIEscaped, causeReencoded:
			return true
		}
		return false
	})
}

// innermost leaves out envelopes of which the next one says all.
func innermost(found []Explanation) (kept []Explanation) {
	for i, x := range found {
		if i+1 == len(found) || x.Cause != causeEnvelope || found[i+1].Cause != causeEnvelope {
			kept = append(kept, x)
		}
	}
	return kept
}

// innerText is what can be an object.
type innerText struct {
	text      []byte
	wasString bool
}

// innerTexts returns the objects that a member's value is or holds as strings.
func innerTexts(value []byte) []innerText {
	switch value[0] {
	case '{':
		return []innerText{{text: value}}
	case '"':
		var text string
		if json.Unmarshal(value, &text) == nil && holdsJSON(text) {
			return []innerText{{[]byte(text), true}}
		}
	case '[':
		const few = 4
		var items []json.RawMessage
		if json.Unmarshal(value, &items) != nil {
			return nil
		}
		var texts []innerText
		for _, item := range items[:min(len(items), few)] {
			if item[0] != '[' {
				texts = append(texts, innerTexts(item)...)
			}
		}
		return texts
	}
	return nil
}

// findOtherIDs tries the ids that came beside the body, where it has others.
func (s *memberSearch) findOtherIDs() bool {
	ids := slices.Clone(s.ids)
	differ := false
	for i, id := range []string{s.received.UserID, s.received.AccountID} {
		if i < len(ids) && signed.IsID(id) && string(ids[i].Value) != `"`+id+`"` {
			ids[i].Value, differ = stripejs.Quote(id), true
		}
	}
	if !differ || !s.fitsAny(slices.Concat(s.own, ids)) {
		return false
	}
	s.say(causeOtherIDs, "user_id or account_id in the body is not the one that was signed, which came beside the body: send, in both places, those of the userContext that fetchStripeSignature is called for")
	return true
}
