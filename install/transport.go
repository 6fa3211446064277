package install

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
)

// TransportConfig configures NewTransport. Either Keys or Tokens is required; the zero
// value of every other field is the documented default. It is copied: changing it later
// has no effect.
type TransportConfig struct {
	// Keys are your own API keys, one for each mode that the app serves: sk_live_… or
	// rk_live_… for Live, sk_test_… or rk_test_… for Test and for Sandbox. They are used
	// with the account's id beside them, by which Stripe finds what the account has
	// granted to the app. A key of another kind or mode is an error.
	//
	// https://docs.stripe.com/stripe-apps/api-authentication
	Keys map[Mode]string

	// Tokens is given instead of Keys where each account has a token of its own: by
	// OAuth, or a restricted key that its user has handed over.
	Tokens TokenSource

	// Mode tells the mode of a request from its verified context; what it says is
	// believed. nil means what is signed: Sandbox where the signature was made with a
	// secret of SandboxLabels, otherwise Live or Test as the member livemode of the signed
	// payload says, and ErrNoMode without one. It is called concurrently.
	//
	// Whoever may use the app for an account chooses what their browser has signed, and so
	// chooses between the modes of that account. Nothing in a request that is not signed
	// should do so.
	Mode func(ctx context.Context) (Mode, error)

	// SandboxLabels are the labels of those of VerifierConfig.LabeledSecrets that are a
	// sandbox's, which Stripe itself thus tells apart. It is an error together with Mode,
	// and without a key for Sandbox among Keys.
	SandboxLabels []string

	// APIURL is the URL of a fake of Stripe's API on this machine, for tests, like
	// http://127.0.0.1:12111: a scheme and a loopback host, nothing else. Calls then go
	// there alone. "" means Stripe's own hosts, by https.
	APIURL string

	// Base makes the calls. nil means http.DefaultTransport. It sees the keys.
	Base http.RoundTripper
}

// TokenSource has the access tokens of installs. It must be safe for concurrent use.
type TokenSource interface {
	// AccessToken returns the access token of an install: one that is good now, and that
	// acts for the account of id, in its mode.
	AccessToken(ctx context.Context, id ID) (string, error)
}

// Transport is an http.RoundTripper that calls Stripe's API for one account: that of the
// verified identity in the context of each request, or of ContextWithID. It takes the
// place of any API key: what the client has in Authorization is replaced.
//
//	client := &http.Client{Transport: transport, Timeout: 80 * time.Second}
//
// With Keys, a call has the key of its mode, and names the account in Stripe-Account, or
// under /v2/ in Stripe-Context. With Tokens it has the account's token and neither header.
// Whose call it is never depends on the call itself: one that names another account is
// refused.
//
// Keys and tokens go to api.stripe.com and files.stripe.com alone, by https, under /v1/
// and /v2/, and not with a path that leads elsewhere by "..". Anything else is refused,
// redirects as well: so are connect.stripe.com, whose calls are not for an account, and
// meter-events.stripe.com, which takes the token of a session instead of a key. The
// Request of a Response is the one that was given, without the key.
//
// What is refused gets no further. Errors of Transport itself, found with errors.As,
// are of type *stripeapps.Error; one of status 500 says that the backend is wrong. A
// client that tries again after any error, as stripe-go does, tries again after these:
// see ID.
//
// NOT checked: whether the user may do it, what the path, the parameters and the body name, and
// whether the account has the app still. Stripe refuses what the account has not granted.
//
// A Transport is made by NewTransport and safe for concurrent use.
//
// https://docs.stripe.com/connect/authentication
// https://docs.stripe.com/context
type Transport struct {
	mode    func(context.Context) (Mode, error)
	key     func(context.Context, ID) (string, error) // so that no key is printed
	asOther bool                                      // the key is not the account's own
	scheme  string
	hosts   []string
	base    http.RoundTripper
}

// stripeHosts are those of Stripe's hosts that do things for an account: files.stripe.com
// takes uploads, and hands out files and the PDFs of quotes.
//
// https://docs.stripe.com/file-upload
var stripeHosts = []string{"api.stripe.com", "files.stripe.com", "api.stripe.com:443", "files.stripe.com:443"}

// NewTransport returns a Transport, or an error that names all that is wrong with cfg.
// The error's text never shows any part of a key.
func NewTransport(cfg TransportConfig) (*Transport, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	t := &Transport{
		mode:    cfg.Mode,
		key:     platformKeys(cfg.Keys),
		asOther: true,
		scheme:  "https",
		hosts:   stripeHosts,
		base:    cfg.Base,
	}
	if t.mode == nil {
		t.mode = signedMode(cfg.SandboxLabels)
	}
	if cfg.Tokens != nil {
		t.key, t.asOther = accountTokens(cfg.Tokens), false
	}
	if cfg.APIURL != "" {
		u, _ := url.Parse(cfg.APIURL) // it has been checked
		t.scheme, t.hosts = u.Scheme, []string{u.Host}
	}
	if t.base == nil {
		t.base = http.DefaultTransport
	}
	return t, nil
}

// RoundTrip makes one call. It is for http.Client.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	call, err := t.authorize(r)
	if err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	response, err := t.base.RoundTrip(call)
	if response != nil {
		response.Request = r // who logs a response does not log the key
	}
	return response, err
}

// authorize returns a copy of r with the key of the account that it is for.
func (t *Transport) authorize(r *http.Request) (*http.Request, error) {
	if t.base == nil {
		return nil, errTransportNotMade
	}
	switch {
	case !t.leadsToStripe(r):
		return nil, errNotStripe
	case namesAccount(r.URL.Query()):
		return nil, errOtherAccount
	}
	id, err := t.ID(r.Context())
	if err != nil {
		return nil, err
	}
	header, ok := headerWithoutAccount(r.Header, id.Account)
	if !ok {
		return nil, errOtherAccount
	}
	key, err := t.key(r.Context(), id)
	if err != nil {
		return nil, err
	}
	header["Authorization"] = []string{"Bearer " + key}
	if t.asOther {
		header[accountHeader(r.URL)] = []string{id.Account}
	}
	call := r.WithContext(r.Context())
	call.Header, call.Trailer = header, nil
	return call, nil
}

// namesAccount reports whether a query has one of the parameters that say, in Stripe's own
// clients for browsers, with which key or for which account a call is.
func namesAccount(query url.Values) bool {
	return query.Has("_stripe_account") || query.Has("_stripe_context") || query.Has("key")
}

// leadsToStripe reports whether r may have a key.
func (t *Transport) leadsToStripe(r *http.Request) bool {
	u := r.URL
	return u != nil && u.Scheme == t.scheme && slices.Contains(t.hosts, u.Host) && u.Opaque == "" &&
		(r.Host == "" || r.Host == u.Host) &&
		(strings.HasPrefix(u.Path, "/v1/") || strings.HasPrefix(u.Path, "/v2/")) &&
		!slices.ContainsFunc(strings.Split(u.Path, "/"), func(segment string) bool { return segment == "." || segment == ".." })
}

// accountHeader is what names the account for a call. Under /v2/, Stripe has been seen to
// take no notice of Stripe-Account, and to do for the platform what was to be done for the
// account.
func accountHeader(u *url.URL) string {
	if strings.HasPrefix(u.Path, "/v2/") {
		return "Stripe-Context"
	}
	return "Stripe-Account"
}

// headerWithoutAccount returns a copy of a header without what says whose call it is, and
// without what is between a client and its proxy, which could take the account out again.
// It is not ok if it names another account. Names are compared as the most generous servers
// do, which hand headers on as CGI variables.
func headerWithoutAccount(header http.Header, account string) (_ http.Header, ok bool) {
	rest := http.Header{}
	for name, values := range header {
		switch strings.ToLower(strings.ReplaceAll(name, "_", "-")) {
		case "authorization", "host",
			"connection", "proxy-connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade":
		case "stripe-account", "stripe-context":
			if slices.ContainsFunc(values, func(value string) bool { return value != account }) {
				return nil, false
			}
		default:
			rest[name] = slices.Clone(values)
		}
	}
	return rest, true
}

var (
	errTransportNotMade = stripeapps.NewError("transport_not_made", http.StatusInternalServerError,
		"Stripe is called by a Transport that was not made by NewTransport: make it so")
	errNotStripe = stripeapps.NewError("not_stripe", http.StatusInternalServerError,
		"the call goes elsewhere than to Stripe's API under /v1/ or /v2/ at https://api.stripe.com or https://files.stripe.com, or was redirected so: "+
			"call it with another client, without the app's key")
	errOtherAccount = stripeapps.NewError("other_account", http.StatusInternalServerError,
		"the call names another account in Stripe-Account or Stripe-Context than it is for, or has one or a key in its query: leave that out")
)
