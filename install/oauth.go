package install

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// OAuthConfig configures NewOAuth. Links, RedirectURI, Tokens, StateKeys and Guard are
// required.
type OAuthConfig struct {
	// Links are the app's OAuth install links by mode, as the Dashboard shows them, like
	// https://marketplace.stripe.com/oauth/v2/authorize?client_id=ca_…, and with
	// /oauth/v2/chnlink_…/authorize for tests. What they have as redirect_uri and state
	// is replaced. Tokens needs a key for each of these modes.
	Links map[Mode]string

	// RedirectURI is the full URL at which Callback is served, as it stands in
	// allowed_redirect_uris of the app's manifest: https, with a path.
	RedirectURI string

	// StartPath is the path of the page on which an install begins, to which people who
	// are refused are led: that of a Start, or a page with links to several. "" means
	// no link.
	StartPath string

	// Tokens exchanges the codes and keeps the tokens.
	Tokens *Tokens

	// StateKeys are those of LinkConfig, and can be the same. A state of one is not
	// good for the other.
	StateKeys [][]byte

	// Guard remembers which states have been used: replay.NewMemory for one process,
	// redisreplay.New for several. Give it one of its own: whoever opens Start and
	// Callback again and again has it remember a state each time, and when a
	// replay.Memory is full, all that share it refuse. nil is an error.
	Guard replay.Guard

	// StateLifetime is how long a person has from Start until they are back. 0 means
	// DefaultStateLifetime; less than a minute and more than 24 hours are errors.
	StateLifetime time.Duration

	// Session tells whose session of your site a request has, such as by the id of the
	// user who is signed in. An install that was begun in one is not taken in another: it
	// is ErrOtherBrowser. "" means none. nil means that sessions do not matter, and that
	// whoever is signed in when the browser comes back gets the install. It is called
	// concurrently.
	Session func(r *http.Request) string

	// Now returns the current time, for the states. nil means time.Now. It must be
	// safe for concurrent use.
	Now func() time.Time

	// ErrorHandler responds to a person who is refused, like that of LinkConfig.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)
}

// OAuth leads people to an app's OAuth install link, takes them back, and has Tokens
// exchange the code that they bring.
//
// An OAuth is made by NewOAuth and safe for concurrent use.
//
// https://docs.stripe.com/stripe-apps/api-authentication/oauth
type OAuth struct {
	links       map[Mode]*url.URL
	redirectURI string
	tokens      *Tokens
	states      *states
	refusals    refusals
}

// NewOAuth returns an OAuth, or an error that names all that is wrong with cfg.
func NewOAuth(cfg OAuthConfig) (*OAuth, error) {
	var errs []error
	if len(cfg.Links) == 0 {
		errs = append(errs, errors.New("stripeapps/install: Links is empty: give the app's OAuth install link of each mode that it is installed in"))
	}
	links := make(map[Mode]*url.URL)
	for _, mode := range slices.Sorted(maps.Keys(cfg.Links)) {
		link, err := parseOAuthLink(mode, cfg.Links[mode])
		if err == nil && cfg.Tokens != nil && cfg.Tokens.endpoint.key(mode) == "" {
			err = fmt.Errorf("stripeapps/install: Links[%q] has no key in TokensConfig.Keys, so that its codes cannot be exchanged", mode)
		}
		links[mode] = link
		errs = append(errs, err)
	}
	if cfg.Tokens == nil {
		errs = append(errs, errors.New("stripeapps/install: Tokens is nil: give what NewTokens returns"))
	}
	states, statesErr := newStates("oauth "+cfg.RedirectURI, cfg.StateKeys, cfg.Guard, cfg.StateLifetime, cfg.Now, cfg.Session)
	errs = append(errs, checkRedirectURI(cfg.RedirectURI), checkStartPath(cfg.StartPath), statesErr)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &OAuth{
		links: links, redirectURI: cfg.RedirectURI, tokens: cfg.Tokens, states: states,
		refusals: refusals{cfg.StartPath, cfg.ErrorHandler},
	}, nil
}

// parseOAuthLink parses an OAuth install link, which has a query.
func parseOAuthLink(mode Mode, text string) (*url.URL, error) {
	wrong := func(what string) error {
		return fmt.Errorf("stripeapps/install: Links[%q] %s: copy it from the Dashboard, like https://marketplace.stripe.com/oauth/v2/authorize?client_id=ca_…", mode, what)
	}
	if !mode.valid() {
		return nil, wrong("is for a mode that does not exist: the modes are live, test and sandbox")
	}
	if hasPath(text, linkPath) {
		return nil, fmt.Errorf("stripeapps/install: Links[%q] is an install link without OAuth: use NewLink, whose LinkConfig.URL has it", mode)
	}
	before, query, _ := strings.Cut(text, "?")
	u, err := parseURL(before)
	if err != nil {
		return nil, wrong(err.Error())
	}
	values, err := url.ParseQuery(query)
	ids := values["client_id"]
	switch {
	case !fetch.IsLoopback(u.Hostname()) && (u.Scheme != "https" || !strings.HasSuffix(u.Host, ".stripe.com")):
		return nil, wrong("is not an https URL of a host below stripe.com")
	case !strings.HasPrefix(u.Path, oauthPath) || !strings.HasSuffix(u.Path, "/authorize"):
		return nil, wrong("does not have a path like /oauth/v2/authorize")
	case err != nil || len(text) > mostURLBytes || len(ids) != 1 || !strings.HasPrefix(ids[0], "ca_") || !signed.IsID(ids[0]):
		return nil, wrong("does not have one client_id (ca_…)")
	}
	u.RawQuery = values.Encode()
	return u, nil
}

// Start returns the handler of the page on which an install in a mode begins: it sets a
// cookie and leads to Stripe (303), like that of Link. The mode is part of the state: with
// it, Callback knows which key the code is for.
//
// Put a sign-in, or a limit to the rate of requests, in front of this and of Callback: each
// round of the two has the Guard remember a state, and Tokens ask Stripe.
//
// It panics if there is no link for the mode.
func (o *OAuth) Start(mode Mode) http.Handler {
	link := o.links[mode]
	if link == nil {
		panic(fmt.Sprintf("stripeapps/install: OAuthConfig.Links has none for the mode %q", mode))
	}
	return startHandler(o.states, o.refusals, mode, link, o.redirectURI)
}

// Callback returns the handler of RedirectURI. It exchanges the code of an install that was
// begun at a Start in the same browser, and calls done once, when the tokens are stored. It
// refuses all else. It is for GET.
//
// What says whose install it is, is what Stripe's endpoint responds for the code, over a
// connection to Stripe. Ids in the redirect are not signed and not read.
//
// done gets the request as it came, with what it knows of your own user, like a session.
// If nobody is signed in to your site, do not let the request come here: the tokens are
// stored before done is called. Respond with a redirect (303), so that the code does not
// stay in the address bar.
//
// An install that is begun in the Marketplace or the Dashboard brings a code, but no
// state: it is refused with ErrNotStarted, and a link to start again here. To take it
// would let anybody connect their own account to the session of somebody whom they have
// follow a link (RFC 6749, section 10.12). The app is installed by then, so that Stripe asks
// less the second time.
//
// What is checked, in this order: the query's form (ErrMalformed); that it has no error
// (ErrCancelled, ErrFailed); that it has a state (ErrNotStarted), made here
// (ErrInvalidState), not too long ago (ErrExpired), for this browser (ErrOtherBrowser);
// the code's form (ErrMalformed); that the state is used for the first time (ErrUsed,
// ErrUnavailable); and what Tokens.Exchange says.
//
// It panics if done is nil.
func (o *OAuth) Callback(done func(w http.ResponseWriter, r *http.Request, authorized Authorized)) http.Handler {
	if done == nil {
		panic("stripeapps/install: Callback needs a function")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setPrivate(w)
		authorized, err := o.take(w, r)
		if err != nil {
			o.refusals.refuse(w, r, err)
			return
		}
		done(w, r, authorized)
	})
}

func (o *OAuth) take(w http.ResponseWriter, r *http.Request) (Authorized, error) {
	if r.Method != http.MethodGet { // a HEAD would use the code up
		w.Header().Set("Allow", "GET")
		return Authorized{}, errMethod
	}
	query, err := readReturn(r)
	if err != nil {
		return Authorized{}, err
	}
	state, code := query.Get("state"), query.Get("code")
	if state == "" {
		return Authorized{}, ErrNotStarted
	}
	f, err := o.states.find(r, state)
	if err != nil {
		return Authorized{}, err
	}
	if !isCode(code) {
		return Authorized{}, ErrMalformed
	}
	if err := o.states.claim(r.Context(), w, f); err != nil {
		return Authorized{}, err
	}
	return o.tokens.Exchange(r.Context(), f.mode, code)
}
