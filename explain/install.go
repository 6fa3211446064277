package explain

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// install is what the redirect of an install link says.
type install struct{ state, user, account string }

// payload is what Stripe signs.
//
// https://docs.stripe.com/stripe-apps/install-links
func (i install) payload(state string) []byte {
	return stripejs.Object(i.members(stripejs.Quote(state)))
}

func (i install) members(state []byte) []stripejs.Member {
	return []stripejs.Member{
		{Name: "state", Value: state},
		{Name: "user_id", Value: stripejs.Quote(i.user)},
		{Name: "account_id", Value: stripejs.Quote(i.account)},
	}
}

func (e *explainer) explainInstall() []Explanation {
	e.kind = installs
	if query := e.readInstallURL(); query == nil || !e.readInstall(query) {
		return e.found
	}
	e.addAppSecrets(signsNoInstall)
	return e.explain()
}

func signsNoInstall(name, secret string) string {
	if isEndpoints(secret) {
		return "the install was signed with " + name + ", which is a webhook endpoint's: Stripe signs no install with it, so sign installs with the app's secret (absec_…) in tests too"
	}
	return "the install was signed with " + name + ", which is not one of those in use: add it to Secrets if it is this app's, and see which app's install link was used if not"
}

// readInstallURL returns nil if the query cannot be read in one way only.
func (e *explainer) readInstallURL() url.Values {
	address, _, _ := strings.Cut(e.received.InstallURL, "#")
	_, raw, _ := strings.Cut(address, "?")
	if len(raw) > signed.MaxQueryBytes {
		e.say(causeInstallQuery, "the query has %d bytes, more than %d: give the address that Stripe has led to, and a shorter state", len(raw), signed.MaxQueryBytes)
		return nil
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		e.say(causeInstallQuery, "the query is not one that Stripe writes, as a percent sign or a semicolon in it is not percent-encoded: let nothing on the way write it anew")
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if len(query[name]) > 1 {
			e.say(causeInstallQuery, "%s is in the query more than once: put no parameters into the redirect URI that Stripe adds", shownName(name))
			return nil
		}
	}
	return query
}

// readInstall reads what is to be verified, or says why nothing is.
func (e *explainer) readInstall(query url.Values) bool {
	e.install = install{query.Get("state"), query.Get("user_id"), query.Get("account_id")}
	e.received.Header = query.Get("install_signature")
	livemode := query.Get("livemode")
	switch {
	case query.Get("error") == "access_denied":
		e.say(causeInstallCancelled, "the person has not agreed to the install, as the address says, without a signature, so that anybody can have made it: show that, and change nothing")
	case query.Has("error"):
		e.say(causeInstallCancelled, "the address says that the install has failed, without a signature, so that anybody can have made it: show that, and let the person start again")
	case query.Has("code") && e.received.Header == "" && e.install.state == "":
		e.say(causeNotStarted, "the address brings a code and no state, as where an OAuth install was begun at Stripe, in the Marketplace or the Dashboard, or where anybody has made it: leave the code unused, and lead the person to StartPath, to begin on your own page")
	case query.Has("code") && e.received.Header == "":
		e.say(causeInstallOAuth, "the address brings a code, as that of an OAuth install, in which nothing is signed: check its state, and exchange the code at Stripe's token endpoint")
	case e.install.state == "" && e.received.Header == "":
		e.say(causeNotStarted, "there is neither a state nor an install_signature, as where an install was begun in the Marketplace or the Dashboard: take the app for installed by nobody, and let the person start again on your own page")
	case e.install.state == "":
		e.say(causeNotStarted, "there is an install_signature and no state, as where the install link was opened without one: let the person start on your own page, which adds a state to the link")
	case e.received.Header == "":
		e.say(causeInstallNotSigned, "there is a state and no install_signature: let the whole query of Stripe's redirect arrive, and see that the link is an install link (/apps/install/link/…)")
	case !signed.IsID(e.install.user) || !signed.IsID(e.install.account):
		e.say(causeInstallQuery, "user_id or account_id is missing, or is not 1 to 255 letters, digits and underscores: let the whole query of Stripe's redirect arrive as it is")
	case livemode != "" && livemode != "true" && livemode != "false" || livemode == "" && query.Has("livemode"):
		e.say(causeInstallQuery, "livemode is neither true nor false: let the query of Stripe's redirect arrive as it is")
	default:
		return true
	}
	return false
}

// findInstall looks for the text that was signed.
func (e *explainer) findInstall() {
	i := e.install
	swapped := install{i.state, i.account, i.user}
	switch {
	case e.fits(i.payload(i.state)): // and the key may be another one
	case e.findState():
		e.say(causeStateChanged, "the state is not the one that was signed, but decoded or encoded once more, or trimmed: decode the query once, and make states of letters, digits, - and _ only, which need no encoding")
	case e.fits(swapped.payload(i.state)):
		e.say(causeIDsSwapped, "the user id and the account id stand in each other's place: take each from the parameter of its name")
	case e.fits(signed.IDsPayload(i.user, i.account)), e.fits(i.payload("")), e.fits(stripejs.Object(i.members([]byte("null")))):
		e.say(causeNotStarted, "the signature covers the user and the account and no state, as where the install link was opened without one, or as fetchStripeSignature makes it: take only what covers the state, and let the person start on your own page")
	case e.findInstallOrder():
		e.say(causeReordered, "the signature was made over state, user_id and account_id in another order than Stripe's: sign them in this one")
	case !e.badSecrets:
		e.say(Unknown, "the signature fits the state, the user and the account in none of the ways that go wrong usually: check that the secret is that of this app, and that the three arrive as Stripe has put them into the address")
	}
	if e.usedKey != nil && e.usedKey.text != "" {
		e.say(causeOtherSecret, "%s", e.usedKey.text)
	}
}

// findState tries what routers and proxies do to a parameter.
func (e *explainer) findState() bool {
	state := e.install.state
	others := []string{
		url.QueryEscape(state), url.PathEscape(state), strings.ReplaceAll(state, " ", "+"), strings.ReplaceAll(state, "+", " "),
		strings.TrimSpace(state), state + "=", state + "==", strings.TrimRight(state, "="),
	}
	for _, unescape := range []func(string) (string, error){url.QueryUnescape, url.PathUnescape} {
		if decoded, err := unescape(state); err == nil {
			others = append(others, decoded)
		}
	}
	return slices.ContainsFunc(others, func(other string) bool { return other != state && e.fits(e.install.payload(other)) })
}

func (e *explainer) findInstallOrder() bool {
	m := e.install.members(stripejs.Quote(e.install.state))
	return slices.ContainsFunc([][3]int{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}, func(order [3]int) bool {
		return e.fits(stripejs.Object([]stripejs.Member{m[order[0]], m[order[1]], m[order[2]]}))
	})
}
