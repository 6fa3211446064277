package main

import (
	"context"
	"net/http"

	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// byOAuth is for an app that calls Stripe with a token of each account
// ("stripe_api_access_type": "oauth"): who comes back from its install link has a code,
// and Stripe gives the tokens for it.
func byOAuth(c config) (*installs, error) {
	cfg := install.TokensConfig{
		Keys:        map[install.Mode]string{install.Test: c.SecretKey},
		Store:       install.NewMemory(), // in production: sqlstore.New
		SealingKeys: [][]byte{c.SealingKey},
	}
	if c.FakeStripe != "" {
		cfg.TokenURL = c.FakeStripe + "/v1/oauth/token"
	}
	tokens, err := install.NewTokens(cfg)
	if err != nil {
		return nil, err
	}
	oauth, err := install.NewOAuth(install.OAuthConfig{
		Links:       map[install.Mode]string{install.Test: c.OAuthLink},
		RedirectURI: c.SiteURL + "/installed",
		StartPath:   "/install",
		Tokens:      tokens,
		StateKeys:   [][]byte{c.StateKey},
		Guard:       replay.NewMemory(replay.MemoryConfig{}), // several processes: redisreplay
		// Session: the id of the user who is signed in to your site, if people do
	})
	if err != nil {
		return nil, err
	}
	transport, err := install.NewTransport(install.TransportConfig{Tokens: tokens, APIURL: c.FakeStripe})
	if err != nil {
		return nil, err
	}
	callback := func(w http.ResponseWriter, r *http.Request, _ install.Authorized) {
		// The tokens are stored. A site with users of its own also remembers whose account this is.
		http.Redirect(w, r, c.DashboardURL, http.StatusSeeOther) // the code leaves the address bar
	}
	check := func(ctx context.Context, id install.ID) error {
		_, err := tokens.AccessToken(ctx, id)
		return err
	}
	return &installs{
		start: oauth.Start(install.Test), callback: oauth.Callback(callback), transport: transport,
		check: check, forget: tokens.ForgetBefore, close: tokens.Wait,
	}, nil
}
