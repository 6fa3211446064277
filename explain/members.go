package explain

import (
	"bytes"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// memberSearch undoes what changes the object: which members there are, and in
// which order.
type memberSearch struct {
	*explainer
	own           []stripejs.Member // the payload's
	state         *stripejs.Member
	user, account *stripejs.Member
	ids           []stripejs.Member // user and account
	idsInBody     bool
	idsAreLast    bool
	idsAround     bool   // in the object around this one
	place         string // of the member that is being searched
}

func (e *explainer) findMembers(all []stripejs.Member, seen []Explanation) (found bool, _ miss) {
	seen = slices.Clip(seen)
	if inner, isEvent := eventBody(all); isEvent && len(inner) > 0 {
		return e.search(inner, append(withoutForm(seen), Explanation{causeLambdaEvent, wholeEvent}))
	}
	s := e.newMemberSearch(all)
	if s.find() || s.findOtherIDs() {
		e.found = append(e.found, seen...)
		return true, miss{}
	}
	if e.exhausted {
		return false, s.missed(all, seen)
	}
	if s.findInMember(all, seen) {
		return true, miss{}
	}
	if s.ids != nil && e.around == nil && s.findChanged(all) {
		e.found = append(e.found, seen...)
		return true, miss{}
	}
	return false, s.missed(all, seen)
}

// findChanged tries what takes many attempts.
func (s *memberSearch) findChanged(all []stripejs.Member) bool {
	candidates := s.candidates(all)
	return s.findRewritten(candidates) || s.findRetyped(candidates) || s.findUnsigned() || s.findOrder()
}

func (e *explainer) newMemberSearch(all []stripejs.Member) *memberSearch {
	s := &memberSearch{explainer: e}
	for i := range all {
		switch m := &all[i]; m.Name {
		case "user_id":
			s.user = m
		case "account_id":
			s.account = m
		default:
			if m.Name == "state" {
				s.state = m
			}
			s.own = append(s.own, *m)
		}
	}
	s.idsInBody = s.user != nil && s.account != nil
	s.idsAreLast = len(all) >= 2 && s.user == &all[len(all)-2] && s.account == &all[len(all)-1]
	if around := e.around; around != nil && around.idsInBody && s.user == nil && s.account == nil {
		s.user, s.account, s.idsAround = around.user, around.account, true
	}
	// Ids that are no ids are not put between quotes.
	if s.user == nil && signed.IsID(e.received.UserID) {
		s.user = &stripejs.Member{Name: "user_id", Value: stripejs.Quote(e.received.UserID)}
	}
	if s.account == nil && signed.IsID(e.received.AccountID) {
		s.account = &stripejs.Member{Name: "account_id", Value: stripejs.Quote(e.received.AccountID)}
	}
	if s.user != nil && s.account != nil {
		s.ids = []stripejs.Member{*s.user, *s.account}
	}
	return s
}

// missed says what the members show by themselves.
func (s *memberSearch) missed(all []stripejs.Member, seen []Explanation) miss {
	const sendThem = "send JSON.stringify({...payload, user_id, account_id}), in this order"
	switch {
	case !s.idsInBody && isEvent(all): // which are pretty-printed
		return miss{webhook: true, seen: []Explanation{{causeWebhook, "the body is an event of a webhook, which is signed with its endpoint's secret (whsec_…): give webhooks a route of their own, outside this middleware, which package events serves"}}}
	case !s.idsInBody && isLambdaEvent(all):
		return miss{seen: append(withoutForm(seen), Explanation{causeLambdaEvent, wholeEvent})}
	case s.user == nil || s.account == nil:
		return miss{seen: append(seen, Explanation{causeIDsMissing, "the body lacks user_id or account_id, which Stripe signs: " + sendThem})}
	case s.idsInBody && !s.idsAreLast:
		seen = append(seen, Explanation{causeIDsNotLast, "user_id and account_id do not stand last in the body, in this order, as Stripe signs them: " + sendThem})
	case !s.idsInBody:
		seen = append(seen, Explanation{causeIDsMissing, "user_id and account_id are not both in the body, as Stripe signs them: " + sendThem})
	}
	if slices.ContainsFunc(all, func(m stripejs.Member) bool { return bytes.Contains(m.Value, []byte("\uFFFD")) }) {
		seen = append(seen, Explanation{causeReplaced, "there is U+FFFD in the body, which is put in place of what cannot be read as UTF-8: handle the body as bytes, or as UTF-8"})
	}
	return miss{seen: seen, what: theBody}
}

// try reports whether the object of these members is what was signed.
func (s *memberSearch) try(members ...[]stripejs.Member) ([]byte, bool) {
	text := stripejs.Object(slices.Concat(members...))
	return text, s.fits(text)
}

func (s *memberSearch) fitsAny(orders ...[]stripejs.Member) bool {
	return slices.ContainsFunc(orders, func(members []stripejs.Member) bool {
		_, ok := s.try(members)
		return ok
	})
}

// idsPlace says that the ids that were signed do not stand where they belong.
func (s *memberSearch) idsPlace() Explanation {
	if s.idsInBody {
		return Explanation{causeIDsNotLast, "user_id and account_id do not stand last in the body, in this order, as they were signed: send JSON.stringify({...payload, user_id, account_id})"}
	}
	return Explanation{causeIDsMissing, "user_id and account_id were signed, but are not both in the body: send JSON.stringify({...payload, user_id, account_id}), in this order"}
}

func (s *memberSearch) find() bool {
	if s.account == nil {
		return false
	}
	account := []stripejs.Member{*s.account}
	if s.fitsAny(slices.Concat(s.own, account), account) {
		s.say(causeNoUser, "the signature covers account_id and no user_id: send no user_id, and account_id last, and set InsecureAllowMissingUser, if the app is used where nobody is signed in")
		return true
	}
	if s.user == nil {
		return false
	}
	user := []stripejs.Member{*s.user}
	if text, ok := s.try(s.own, s.ids); ok {
		if !s.idsAround { // which has been seen
			s.found = append(s.found, s.idsPlace())
		}
		s.checkIdentity(text)
		return true
	}
	swapped := slices.Concat(user, account)
	swapped[0].Value, swapped[1].Value = s.account.Value, s.user.Value
	switch {
	case s.fitsAny(s.ids):
		instead := ""
		if !s.idsInBody {
			instead = ", or read the ids with IDsInHeaders where the body need not be signed"
		}
		s.say(causeOnlyIDsSigned, "the signature covers user_id and account_id only: give the body's other members to fetchStripeSignature(payload)%s", instead)
	case s.state != nil && s.fitsAny(slices.Concat([]stripejs.Member{*s.state}, s.ids)):
		s.say(causeInstallSignature, "the signature is that of an install link, over state and the ids: verify it on the install's route, and have API requests signed by fetchStripeSignature(payload)")
	case s.fitsAny(slices.Concat(s.own, account, user)):
		s.say(causeIDsNotLast, "%s", accountFirst)
	case s.fitsAny(slices.Concat(s.own, swapped), swapped):
		s.say(causeIDsSwapped, "user_id and account_id have each other's value in the body: swap them in what is sent")
	case s.fitsAny(slices.Concat(user, s.own, account), slices.Concat(s.ids, s.own), slices.Concat(account, s.own, user)):
		s.say(causeNoIdentity, "%s", idsInPayload)
	default:
		return false
	}
	return true
}

// findUnsigned leaves members out: all sets of them where there are few, and
// else up to two. The last set is all of them, which is for find.
func (s *memberSearch) findUnsigned() bool {
	const few = 10
	n := len(s.own)
	kept := make([]stripejs.Member, 0, n)
	without := func(isOut func(i int) bool) bool {
		kept = kept[:0]
		for i, m := range s.own {
			if !isOut(i) {
				kept = append(kept, m)
			}
		}
		if _, ok := s.try(kept, s.ids); !ok {
			return false
		}
		var names []string
		for i, m := range s.own {
			if isOut(i) {
				names = append(names, shownName(m.Name))
			}
		}
		s.say(causeUnsignedMembers, "the signature does not cover %s of the body: give the same payload to fetchStripeSignature and to JSON.stringify", listed(names))
		return true
	}
	if n <= few {
		for set := 1; set < 1<<n-1 && !s.exhausted; set++ {
			if without(func(i int) bool { return set>>i&1 == 1 }) {
				return true
			}
		}
		return false
	}
	for i := 0; i < n && !s.exhausted; i++ {
		if without(func(k int) bool { return k == i }) {
			return true
		}
	}
	for i := 0; i < n && !s.exhausted; i++ {
		for j := 0; j < i && !s.exhausted; j++ {
			if without(func(k int) bool { return k == i || k == j }) {
				return true
			}
		}
	}
	return false
}

// findOrder tries the orders of few members, and those by name of many.
func (s *memberSearch) findOrder() bool {
	const few = 6
	own := slices.Clone(s.own)
	found := func() bool {
		if _, ok := s.try(own, s.ids); !ok {
			return false
		}
		s.say(causeReordered, "the body's members stand in another order than when they were signed, as after sorting or a map"+asIs)
		return true
	}
	if len(own) > few {
		slices.SortStableFunc(own, func(a, b stripejs.Member) int { return strings.Compare(a.Name, b.Name) })
		if found() {
			return true
		}
		own = slices.Clone(s.own)
		slices.Reverse(own)
		return found()
	}
	var permute func(n int) bool
	permute = func(n int) bool {
		if n <= 1 {
			return found()
		}
		for i := 0; i < n && !s.exhausted; i++ {
			own[i], own[n-1] = own[n-1], own[i]
			if permute(n - 1) {
				return true
			}
			own[i], own[n-1] = own[n-1], own[i]
		}
		return false
	}
	return permute(len(own))
}

func isLambdaEvent(members []stripejs.Member) bool {
	_, isEvent := eventBody(members)
	return isEvent
}

func isEvent(members []stripejs.Member) bool {
	return slices.ContainsFunc(members, func(m stripejs.Member) bool {
		return m.Name == "object" && (string(m.Value) == `"event"` || string(m.Value) == `"v2.core.event"`)
	})
}
