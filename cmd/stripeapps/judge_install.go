package main

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

const kindInstall = "install"

// isInstall reports whether an address is one that an install link leads to: signed, or
// with what should have been, or with a code of Stripe's, or with the error of somebody
// who has not agreed. But for the signature and the code, others can be so too.
func isInstall(target string) bool {
	query, _ := installQuery(target)
	return isInstallAlone(target) || query.Get("error") == "access_denied" ||
		query.Has("state") && query.Has("user_id") && query.Has("account_id")
}

// isInstallAlone reports whether an address has what only that of an install has.
func isInstallAlone(target string) bool {
	query, _ := installQuery(target)
	return query.Has("install_signature") || strings.HasPrefix(query.Get("code"), "ac_")
}

// canBeInstall reports whether somebody who was led to an address can have come from an
// install: one that was begun in the Marketplace brings nothing of its own.
func canBeInstall(target string) bool {
	query, err := installQuery(target)
	if len(query) == 0 {
		return err == nil
	}
	return slices.ContainsFunc([]string{"state", "user_id", "account_id", "error"}, query.Has)
}

var errLongQuery = errors.New("the query is too long")

// installQuery is what can be read of an address's query.
func installQuery(address string) (url.Values, error) {
	address, _, _ = strings.Cut(address, "#")
	_, raw, _ := strings.Cut(address, "?")
	if len(raw) > signed.MaxQueryBytes {
		return nil, errLongQuery
	}
	return url.ParseQuery(raw)
}

// installVerdict says what an install.Link, or an install.OAuth, says that has made the
// state.
func (j *judge) installVerdict(m *message) verdict {
	query, err := installQuery(m.install)
	state, user, account := query.Get("state"), query.Get("user_id"), query.Get("account_id")
	switch {
	case err != nil || isRepeated(query):
		return refused(kindInstall, install.ErrMalformed)
	case query.Get("error") == "access_denied":
		return refused(kindInstall, install.ErrCancelled)
	case query.Has("error"):
		return refused(kindInstall, install.ErrFailed)
	case state != "" && query.Has("code") && !query.Has("install_signature"):
		return verdict{Kind: kindInstall, isOAuth: true, Detail: "the redirect of an OAuth install, in which nothing is signed: whether its " +
			"state is this browser's, and unused, and its code good, the backend has to tell"}
	case j.verifiers == nil && (state != "" || !query.Has("code")):
		return verdict{Kind: kindInstall, Detail: "an install, and " + j.secrets.missing()}
	case state == "":
		return refused(kindInstall, install.ErrNotStarted)
	case !signed.IsID(user) || !signed.IsID(account) || query.Has("livemode") && query.Get("livemode") != "true" && query.Get("livemode") != "false":
		return refused(kindInstall, install.ErrMalformed)
	}
	signature, err := j.verifiers[stripeapps.SignedBody].VerifyPayload(installText(state, user, account), query.Get("install_signature"))
	if err != nil {
		return refused(kindInstall, install.ErrSignature)
	}
	yes := true
	v := verdict{Kind: kindInstall, Accepted: &yes, Source: "query", UserID: user, AccountID: account}
	v.setTime(signature.SignedAt)
	v.Secret = j.secrets.placeOf(signature.Secret)
	return v
}

func isRepeated(query url.Values) bool {
	for _, values := range query {
		if len(values) > 1 {
			return true
		}
	}
	return false
}

// installText is what Stripe signs of an install.
func installText(state, user, account string) []byte {
	return stripejs.Object([]stripejs.Member{
		{Name: "state", Value: stripejs.Quote(state)},
		{Name: "user_id", Value: stripejs.Quote(user)},
		{Name: "account_id", Value: stripejs.Quote(account)},
	})
}
