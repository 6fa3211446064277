package install

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// LinkConfig configures a Link. It is copied: changing it later has no effect.
type LinkConfig struct {
	// URL is the app's install link, as the Dashboard shows it, without a query:
	// https://marketplace.stripe.com/apps/install/link/…. In place of Stripe's, it can
	// be one of this machine, for tests.
	URL string

	// RedirectURI is where Stripe leads the browser back: the full URL of Callback,
	// exactly as it stands in allowed_redirect_uris of the app's manifest. It is an
	// https URL without a query. For development it can be an http URL of this
	// machine, which Stripe takes in test mode. Start must be served at the same
	// scheme, host and port, or the cookie does not come back.
	RedirectURI string

	// StartPath is the path of Start, such as "/install": the page that a refused
	// person sees leads there. "" means that it leads nowhere.
	StartPath string

	// Verifier has the app's signing secrets. It can be the one of the API.
	Verifier *stripeapps.Verifier

	// SecretLabels are the labels of the secrets that this link's installs are signed
	// with, where the Verifier has LabeledSecrets: those of this app, if it also has
	// another's, whose users could have the same text signed. nil means that only
	// secrets without a label are accepted.
	SecretLabels []string

	// StateKeys authenticate the states: each has 32 random bytes, and there are 1 to
	// 16. The first one signs; all are accepted, so that a new one can be put first and
	// the old one be removed after StateLifetime. Processes that serve the same site
	// have the same keys. They are no secrets of Stripe's: make them yourself.
	StateKeys [][]byte

	// Guard remembers which states have been used: replay.NewMemory for one process,
	// redisreplay.New for several. nil is an error.
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

	// Now returns the current time, for the states; the Verifier has its own. nil
	// means time.Now. It must be safe for concurrent use.
	Now func() time.Time

	// ErrorHandler responds to a person who is refused; err is, or wraps, an
	// *stripeapps.Error. nil means a page that says what has happened and leads to
	// StartPath, which is also sent if the ErrorHandler writes nothing: one that only
	// logs is enough.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)
}

// Link leads people to an app's install link and takes them back.
//
// A Link is made by NewLink and safe for concurrent use.
type Link struct {
	url         *url.URL
	redirectURI string
	verifier    *stripeapps.Verifier
	labels      []string
	states      *states
	refusals    refusals
}

// NewLink returns a Link, or an error that names all that is wrong with cfg.
func NewLink(cfg LinkConfig) (*Link, error) {
	link, urlErr := parseStripeURL("URL", cfg.URL, linkPath)
	states, statesErr := newStates("link "+cfg.RedirectURI, cfg.StateKeys, cfg.Guard, cfg.StateLifetime, cfg.Now, cfg.Session)
	err := errors.Join(
		urlErr,
		checkRedirectURI(cfg.RedirectURI),
		checkStartPath(cfg.StartPath),
		checkVerifier(cfg.Verifier),
		checkSecretLabels(cfg.SecretLabels),
		statesErr,
	)
	if err != nil {
		return nil, err
	}
	return &Link{
		url: link, redirectURI: cfg.RedirectURI, verifier: cfg.Verifier, labels: slices.Clone(cfg.SecretLabels), states: states,
		refusals: refusals{cfg.StartPath, cfg.ErrorHandler},
	}, nil
}

func checkVerifier(v *stripeapps.Verifier) error {
	if v == nil {
		return errors.New("stripeapps/install: Verifier is nil: give one that has the app's secrets")
	}
	if _, err := v.VerifyPayload(nil, ""); errors.Is(err, stripeapps.ErrNotVerified) {
		return errors.New("stripeapps/install: Verifier was not made by stripeapps.NewVerifier")
	}
	return nil
}

func checkSecretLabels(labels []string) error {
	switch {
	case labels != nil && len(labels) == 0:
		return errors.New("stripeapps/install: SecretLabels is empty: leave it nil for secrets without a label, or list those of this app")
	case slices.Contains(labels, ""):
		return errors.New(`stripeapps/install: SecretLabels has "", which is no label`)
	}
	return nil
}

// Start returns the handler of the page on which an install begins: it sets a cookie
// and leads to Stripe (303). It is for GET; link to it, or redirect there.
//
// The cookie is __Host-stripe_install_ and 8 characters, of each install its own, so
// that several can be under way in one browser: at most 8, of which the oldest one
// gives way. It is Secure, HttpOnly, SameSite=Lax, and lives for StateLifetime.
//
// Put what is to be known first in front of it, such as that somebody is signed in to
// your site. It does NOT limit the rate of requests: each costs a MAC, and no memory.
// Another site can lead a browser here, again and again: the installs that are under way
// in it are then to be started again.
func (l *Link) Start() http.Handler {
	return startHandler(l.states, l.refusals, "", l.url, l.redirectURI)
}

// Installed is an install that has been verified: Stripe has signed for this user and
// account, and the browser is the one that began it.
//
// It proves that whoever is at the browser is this user, and had the app on this account
// when Stripe signed. It does NOT prove that it was they who installed it: any user who
// may use the app there can have the same signed. Where an account is connected already
// to somebody else's account with you, do not replace that without asking them.
type Installed struct {
	// UserID is the id of the Dashboard user (usr_…).
	UserID string
	// AccountID is the id of the account that it is installed on (acct_…).
	AccountID string
	// Signature says when Stripe signed, and with which of the secrets.
	Signature stripeapps.Signature

	// UnsignedLivemode is false where the address says that the install is one of test
	// mode. Stripe does NOT sign that: whoever is at the browser can change it. Decide
	// nothing by it that matters; ask Stripe's API, or wait for the webhook of the
	// mode.
	UnsignedLivemode bool
}

// Callback returns the handler of RedirectURI. It calls done once for an install that
// was begun at Start in the same browser, and refuses all else. It is for GET.
//
// done gets the request as it came: what it knows of your own user, like a session,
// says whose install it is. Its URL has the signature in it: respond with a redirect
// (303), so that it does not stay in the address bar. Cache-Control: no-store and
// Referrer-Policy: no-referrer are set, and the cookie is deleted. If done fails, the
// state is used up: the person starts again.
//
// What is checked, in this order: the query's form (ErrMalformed); that it has no error
// (ErrCancelled, ErrFailed); that it has a state (ErrNotStarted), made here
// (ErrInvalidState), not too long ago (ErrExpired), for this browser (ErrOtherBrowser);
// the ids' form (ErrMalformed); Stripe's signature over exactly the state, the user and
// the account (ErrSignature); and that the state is used for the first time (ErrUsed,
// ErrUnavailable). Only what passes all of them uses the state up.
//
// An install's signature is refused for an API request (stripeapps.ErrInstallSignature).
// The other way round, a user of an app that is installed already can have the same text
// signed by its extension, with fetchStripeSignature({state}): it has their own ids, and
// needs a state of their own browser. See Installed for what that means.
//
// It panics if done is nil.
func (l *Link) Callback(done func(w http.ResponseWriter, r *http.Request, installed Installed)) http.Handler {
	if done == nil {
		panic("stripeapps/install: Callback needs a function")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setPrivate(w)
		installed, err := l.take(w, r)
		if err != nil {
			l.refusals.refuse(w, r, err)
			return
		}
		done(w, r, installed)
	})
}

func (l *Link) take(w http.ResponseWriter, r *http.Request) (Installed, error) {
	if r.Method != http.MethodGet { // a HEAD would use the state up
		w.Header().Set("Allow", "GET")
		return Installed{}, errMethod
	}
	query, err := readReturn(r)
	if err != nil {
		return Installed{}, err
	}
	state := query.Get("state")
	switch {
	case state == "" && query.Has("install_signature"):
		return Installed{}, errNoStateButSigned
	case state == "":
		return Installed{}, ErrNotStarted
	}
	f, err := l.states.find(r, state)
	if err != nil {
		return Installed{}, err
	}
	installed, err := l.verify(state, query)
	if err != nil {
		return Installed{}, err
	}
	return installed, l.states.claim(r.Context(), w, f)
}

// verify verifies the signature over a state that this Link has made, and so needs no
// escaping. Nor do ids.
func (l *Link) verify(state string, query url.Values) (installed Installed, err error) {
	installed = Installed{UserID: query.Get("user_id"), AccountID: query.Get("account_id"), UnsignedLivemode: true}
	if !signed.IsID(installed.UserID) || !signed.IsID(installed.AccountID) {
		return Installed{}, ErrMalformed
	}
	if query.Has("livemode") {
		switch query.Get("livemode") {
		case "true":
		case "false":
			installed.UnsignedLivemode = false
		default:
			return Installed{}, ErrMalformed
		}
	}
	payload := `{"state":"` + state + `","user_id":"` + installed.UserID + `","account_id":"` + installed.AccountID + `"}`
	installed.Signature, err = l.verifier.VerifyPayload([]byte(payload), query.Get("install_signature"))
	if err == nil && !l.acceptsSecret(installed.Signature.SecretLabel) {
		err = errOtherSecret
	}
	if err != nil {
		return Installed{}, caused{ErrSignature, err}
	}
	return installed, nil
}

func (l *Link) acceptsSecret(label string) bool {
	return label == "" && l.labels == nil || slices.Contains(l.labels, label)
}

var errOtherSecret = errors.New("stripeapps/install: signed with a secret whose label is not among SecretLabels")
