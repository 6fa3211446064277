package main

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// newSignedInstall makes the request with which a browser comes back from an install.
func newSignedInstall(cmd *cli.Command, _ []byte, s secrets) (*signedRequest, error) {
	back, state, err := installOf(cmd)
	if err != nil {
		return nil, err
	}
	user, account, at := cmd.String("user"), cmd.String("account"), timeOf(cmd, "time")
	if user == "" {
		return nil, misused(cmd, "an install has a user: give -user an id, like usr_123")
	}
	r := &signedRequest{method: http.MethodGet, url: back, at: at, kind: kindInstall}
	r.signature = stripejs.Header(installText(state, user, account), at, s.values...)
	query := "user_id=" + user + "&account_id=" + account + "&state=" + url.QueryEscape(state) +
		"&install_signature=" + url.QueryEscape(r.signature)
	if !cmd.Bool("live") {
		query += "&livemode=false"
	}
	back.RawQuery = strings.TrimPrefix(back.RawQuery+"&"+query, "&")
	return r, nil
}

// installOf takes the redirect URI and the state from an install link, or from the
// redirect URI itself; the state can be in -state instead.
func installOf(cmd *cli.Command) (_ *url.URL, state string, err error) {
	link, err := parseURL(cmd, installFlag, "")
	if err != nil {
		return nil, "", err
	}
	if isOAuthLink(link) {
		return nil, "", misused(cmd, "this is an OAuth install link, from which a browser comes back with a code and no signature: "+
			"only the token endpoint that has made a code takes it, so play Stripe in a test, with "+
			"stripeappstest.NewOAuthRedirect and installtest.TokenEndpoint")
	}
	back, query := link, link.Query()
	if cmd.IsSet("state") && query.Has("state") {
		return nil, "", misused(cmd, "-state and the state in -install are both given: give one of them")
	}
	state = cmp.Or(cmd.String("state"), query.Get("state"))
	switch {
	case query.Has("redirect_uri"):
		if back, err = parseAbsolute(query.Get("redirect_uri")); err != nil {
			return nil, "", misused(cmd, "the redirect_uri in -install is not an absolute http or https URL without a password")
		}
	case isInstallLink(link):
		return nil, "", misused(cmd, "the install link in -install has no redirect_uri, to which a browser would come back: add it, or give "+
			"-install the redirect URI itself")
	case query.Has("state"): // which is added
		query.Del("state")
		back.RawQuery = query.Encode()
	}
	if state == "" {
		return nil, "", misused(cmd, "there is no state, without which a backend refuses an install: "+
			"give -install the address that your page leads to, or -state")
	}
	return back, state, nil
}

// isOAuthLink reports whether an address is that to which an install.OAuth leads.
func isOAuthLink(link *url.URL) bool { return strings.HasPrefix(link.Path, "/oauth/v2/") }

// isInstallLink reports whether an address is one to which an install.Link leads.
func isInstallLink(link *url.URL) bool {
	return link.Host == "marketplace.stripe.com" || strings.HasPrefix(link.Path, "/apps/install/link/")
}
