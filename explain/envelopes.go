package explain

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// eventBody returns the request's body out of what a Lambda function is called with.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func eventBody(members []stripejs.Member) ([]byte, bool) {
	body, inBase64, isEvent := "", false, false
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
	if !isEvent || body == "" {
		return nil, false
	}
	if decoded, err := base64.StdEncoding.DecodeString(body); inBase64 && err == nil {
		return decoded, true
	}
	return []byte(body), true
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
		for _, inner := range innerTexts(m.Value) {
			if searched++; searched > maxInnerTexts {
				return false
			}
			layer := Explanation{causeEnvelope, fmt.Sprintf("what was signed stands in %s of the body, among other things: send, and verify, the signed text alone as the body", shownName(m.Name))}
			if s.idsInBody {
				layer = Explanation{causeNestedPayload, fmt.Sprintf("the payload stands in %s of the body, beside the ids: send JSON.stringify({...payload, user_id, account_id})", shownName(m.Name))}
			}
			if found, _ := s.search(inner, slices.Concat(seen, []Explanation{layer})); found {
				return true
			}
		}
	}
	return false
}

// innerTexts returns the objects that a member's value is or holds as strings.
func innerTexts(value []byte) [][]byte {
	switch value[0] {
	case '{':
		return [][]byte{value}
	case '"':
		var text string
		if json.Unmarshal(value, &text) == nil && holdsJSON(text) {
			return [][]byte{[]byte(text)}
		}
	case '[':
		const few = 4
		var items []json.RawMessage
		if json.Unmarshal(value, &items) != nil {
			return nil
		}
		var texts [][]byte
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
