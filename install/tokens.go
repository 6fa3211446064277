package install

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

// TokensConfig configures NewTokens. Keys, Store and SealingKeys are required.
type TokensConfig struct {
	// Keys are the app's own secret keys by mode: sk_live_… for Live, sk_test_… for Test
	// and for Sandbox. Stripe gives tokens of a mode for the key of that mode only, and
	// to no restricted key. A mode without a key cannot be used.
	//
	// Tokens of Live must say that they are of live mode, and those of Test and Sandbox
	// that they are not: that of a sandbox's Stripe does not document.
	Keys map[Mode]string

	// Store keeps the tokens: sqlstore.New, or NewMemory for first steps. nil is an error.
	Store Store

	// SealingKeys encrypt what the Store keeps: 32 random bytes each, kept elsewhere than
	// in the Store's database. The first one seals, all of them open. To roll it: add
	// the new one at the end in every process, then move it to the front in every process,
	// then Reseal, then remove the old one.
	SealingKeys [][]byte

	// TokenURL is Stripe's token endpoint. "" means DefaultTokenURL. It must be https, or
	// http to a loopback address, for tests.
	TokenURL string

	// Client calls the token endpoint. nil means a client of its own with the Transport
	// of net/http's default. Its Jar and CheckRedirect are not used: a redirect is
	// never followed, since it would take the secret key along.
	Client *http.Client

	// Lease is how long a refresh may take until another process takes it over. Stripe
	// gets half of it to respond. It is measured by the clock of who waits: clocks that
	// differ do not matter to it. Give the same one to all processes that share the Store.
	// 0 means DefaultLease; less than a second, or more than ten minutes, is an error.
	Lease time.Duration

	// Now returns the current time. nil means time.Now. It must be safe for
	// concurrent use. Clocks of processes that share the Store may be some minutes
	// apart, and are to be right within that, since it is from them that is known when
	// an access token ends.
	Now func() time.Time
}

const (
	// DefaultTokenURL is where Stripe gives tokens to apps. That of Connect, which
	// stripe-go has, is another one and does not know the codes of apps.
	DefaultTokenURL = "https://api.stripe.com/v1/oauth/token"

	// DefaultLease is how long a refresh may take until another process takes it over.
	DefaultLease = time.Minute
)

// Tokens gets, keeps and refreshes the tokens of installs with OAuth. It is safe for
// concurrent use, by any number of processes that share a Store.
//
// An access token is good for an hour. Each refresh gives another refresh token and ends
// the old one, so that two refreshes at a time, or one whose result is lost, would end
// the install. Therefore there is one at a time for an install, across all processes; it
// goes on when the request that needed it has ended; and its result is stored before it is
// used. If the process ends between Stripe's response and that, the install is lost:
// let the program end with Wait.
//
// It does NOT notice that an account has uninstalled the app: see Forget.
type Tokens struct {
	store    Store
	sealer   *sealer
	endpoint *endpoint
	lease    time.Duration
	now      func() time.Time
	name     string // of this process, in the records that it refreshes

	mu      sync.Mutex
	flights map[ID]*flight
}

// The reasons why there is no token, to compare with errors.Is.
var (
	// ErrNotInstalled: nothing is stored for this account and mode.
	ErrNotInstalled = stripeapps.NewError("not_installed", http.StatusForbidden,
		"the account has not installed the app in this mode, or not by way of this backend: install it")

	// ErrInstallAgain: Stripe says that the refresh token is no longer good
	// (invalid_grant). It is asked again once in an hour, since it says the same if the
	// key in TokensConfig.Keys is another app's, or another mode's.
	ErrInstallAgain = stripeapps.NewError("install_again", http.StatusForbidden,
		"Stripe no longer lets the app act for this account: install the app again")

	// ErrCodeRefused: Stripe does not take the code (invalid_grant): it has been used, is
	// older than five minutes, or was made in another mode than that of the key.
	ErrCodeRefused = stripeapps.NewError("code_refused", http.StatusBadRequest,
		"Stripe does not accept the authorization code: it is good once, and for five minutes: start the install again")

	// ErrTokensUnavailable: Stripe or the Store does not respond as it should. It wraps
	// the reason. It may work later.
	ErrTokensUnavailable = stripeapps.NewError("tokens_unavailable", http.StatusServiceUnavailable,
		"the access to the account cannot be had at the moment: try again")

	// ErrTokenResponse: Stripe's tokens are for another account or mode than were asked
	// for, or something else than tokens. They are not used, and not stored, but for the
	// refresh token of a refresh whose response has something else wrong with it: it is
	// the only one that is good by then, and the next AccessToken refreshes with it.
	ErrTokenResponse = stripeapps.NewError("token_response", http.StatusBadGateway,
		"Stripe's response to the request for tokens is not what was asked for")

	// ErrKeyRefused: Stripe does not let the key in TokensConfig.Keys ask for tokens. It
	// has been rolled, or lacks a right.
	ErrKeyRefused = stripeapps.NewError("key_refused", http.StatusInternalServerError,
		"Stripe does not accept this backend's own key: see its configuration")

	errTokensNotMade = stripeapps.NewError("tokens_not_made", http.StatusInternalServerError,
		"tokens are asked for of a Tokens that was not made by NewTokens: make it so")

	// errNoInstallID is for Forget.
	errNoInstallID = stripeapps.NewError("no_install_id", http.StatusInternalServerError,
		"the install to forget has no account or none of the modes live, test and sandbox: name both (the events of a private app have no account: it is your own)")
)

// NewTokens checks cfg and returns a Tokens. It neither calls Stripe nor the Store. The
// error names everything that is wrong with cfg.
func NewTokens(cfg TokensConfig) (*Tokens, error) {
	var errs []error
	if cfg.Store == nil {
		errs = append(errs, errors.New("stripeapps/install: TokensConfig.Store is nil: give sqlstore.New, or NewMemory for first steps"))
	}
	if cfg.Lease == 0 {
		cfg.Lease = DefaultLease
	}
	if cfg.Lease < time.Second || cfg.Lease > 10*time.Minute {
		errs = append(errs, fmt.Errorf("stripeapps/install: TokensConfig.Lease is %v: it must be 0 (meaning %v) or from 1s to 10m", cfg.Lease, DefaultLease))
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	sealer, err := newSealer(cfg.SealingKeys)
	errs = append(errs, err)
	endpoint, err := newEndpoint(cfg)
	if err = errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return &Tokens{store: cfg.Store, sealer: sealer, endpoint: endpoint, lease: cfg.Lease, now: cfg.Now, name: rand.Text(), flights: make(map[ID]*flight)}, nil
}

// Authorized is what an account has agreed to by installing the app.
type Authorized struct {
	ID    ID
	Scope string // stripe_apps

	// PublishableKey is the account's, for this app and mode (pk_…). It is not stored.
	PublishableKey string
}

// Exchange gets the tokens for the code that Stripe's redirect has brought (ac_…), and
// stores them in place of those that the install had before. Only call it for a code
// whose state is verified, as OAuth does.
//
// If the account has installed the app twice within ten minutes, by the clocks of two
// processes, it is not known which tokens are the last ones: both are kept, and the next
// AccessToken refreshes first, to have Stripe say which of them are good.
//
// It is not cut off when ctx ends, since the code is used up by then, but takes no longer
// than a Lease. Its error is ErrCodeRefused, ErrModeNotServed, ErrKeyRefused, ErrTokenResponse or
// ErrTokensUnavailable, or that of a ctx that has ended before.
func (t *Tokens) Exchange(ctx context.Context, mode Mode, code string) (Authorized, error) {
	if !t.made() {
		return Authorized{}, errTokensNotMade
	}
	if err := ctx.Err(); err != nil {
		return Authorized{}, err
	}
	if !isCode(code) {
		return Authorized{}, ErrCodeRefused
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.lease)
	defer cancel()
	asked := t.now().Unix()
	got, err := t.endpoint.exchange(ctx, mode, code, t.lease/2)
	if err != nil {
		return Authorized{}, err
	}
	id := ID{Account: got.account, Mode: mode}
	g := grant{AccessToken: got.access, RefreshToken: got.refresh, Installed: t.now().Unix(), Obtained: asked, Lifetime: got.lifetime}
	if err := t.replace(ctx, id, g); err != nil {
		return Authorized{}, err
	}
	return Authorized{ID: id, Scope: got.scope, PublishableKey: got.publishable}, nil
}

// replace stores what a code was exchanged for, whatever was stored before.
func (t *Tokens) replace(ctx context.Context, id ID, g grant) error {
	for wait := newBackoff(); ; {
		r, err := t.store.Load(ctx, id)
		switch {
		case errors.Is(err, ErrNotFound):
			_, err = t.save(ctx, id, g, 0)
		case err == nil:
			put := g
			if stored, err := t.open(id, r); err == nil {
				put = g.over(stored)
			}
			_, err = t.save(ctx, id, put, r.Version)
		}
		if err == nil {
			return nil
		}
		if wait.next(ctx) != nil {
			return caused{ErrTokensUnavailable, err}
		}
	}
}

// AccessToken returns an access token of an install, for the Authorization header of
// requests to Stripe. It is good for half a minute at the least, usually for more than
// five. Do not keep it: Stripe ends it when the tokens are refreshed, by any process.
//
// It reads the Store each time. If the token is about to end, it is refreshed; whoever
// needs it meanwhile waits for that until ctx ends, or for two Leases, but after a few
// seconds gets the old one if that is not over. If a refresh fails, the old one is used as
// long as it can be.
//
// Its error is ErrNotInstalled, ErrInstallAgain, ErrModeNotServed, ErrKeyRefused,
// ErrTokenResponse or ErrTokensUnavailable, or that of a ctx that has ended.
func (t *Tokens) AccessToken(ctx context.Context, id ID) (string, error) {
	if !t.made() {
		return "", errTokensNotMade
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if !id.valid() {
		return "", ErrNotInstalled
	}
	if t.endpoint.key(id.Mode) == "" {
		return "", ErrModeNotServed
	}
	g, _, err := t.load(ctx, id)
	now := t.now()
	switch {
	case err != nil:
		return "", err
	case g.refused(now):
		return "", ErrInstallAgain
	case !g.due(now):
		return g.AccessToken, nil
	}
	var enough <-chan time.Time
	if g.usable(now) {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		enough = timer.C
	}
	tooLong := time.NewTimer(2 * t.lease)
	defer tooLong.Stop()
	f := t.join(ctx, id)
	select {
	case <-f.done:
	case <-tooLong.C:
		return "", caused{ErrTokensUnavailable, errors.New("install: the refresh takes too long, and goes on")}
	case <-enough:
		return g.AccessToken, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
	now = t.now()
	switch {
	case f.err == nil && f.grant.usable(now):
		return f.grant.AccessToken, nil
	case f.err == nil:
		return "", caused{ErrTokensUnavailable, errors.New("install: the tokens were over or in doubt at once: see this machine's clock")}
	case g.usable(now) && !errors.Is(f.err, ErrInstallAgain) && !errors.Is(f.err, ErrNotInstalled):
		return g.AccessToken, nil
	default:
		return "", f.err
	}
}

// patience is how long a token that is not over is kept back in favour of the next one.
const patience = 5 * time.Second

// Forget deletes what is stored of an install. That there is nothing is no error; an id that
// no install can have is one, since nothing would be deleted. Call it when an account
// has uninstalled the app.
//
// Events come late at times, when the account has installed the app again already: see
// ForgetBefore.
func (t *Tokens) Forget(ctx context.Context, id ID) error {
	return t.change(ctx, id, func(r Record) error { return t.store.Delete(ctx, id, r.Version) })
}

// ForgetBefore is Forget for an install of before this time, which is that of the event (its
// created) that tells of the uninstall. What has been installed since then stays. It also
// deletes what cannot be opened.
//
// The install's time is that of this backend's clock, and the event's that of Stripe's.
// Within ten minutes it is not known which came first. What is stored then stays, and its
// access token is not used any more: the next AccessToken refreshes it, so that Stripe says
// what is so. It is ErrInstallAgain if the account has uninstalled the app, and
// ErrTokensUnavailable as long as Stripe cannot be asked. What has been refreshed more
// than ten minutes after the event is not in doubt.
func (t *Tokens) ForgetBefore(ctx context.Context, id ID, uninstalled time.Time) error {
	return t.change(ctx, id, func(r Record) error {
		g, err := t.open(id, r)
		switch {
		case err != nil || g.installed().Before(uninstalled.Add(-skewed)):
			return t.store.Delete(ctx, id, r.Version)
		case g.obtained().After(uninstalled.Add(skewed)):
			return nil
		}
		g.Unproven = true
		_, err = t.save(ctx, id, g, r.Version)
		return err
	})
}

// change has f change what is stored, if anything is, until nobody else does so meanwhile.
func (t *Tokens) change(ctx context.Context, id ID, f func(Record) error) error {
	if !t.made() {
		return errTokensNotMade
	}
	if !id.valid() {
		return errNoInstallID
	}
	for wait := newBackoff(); ; {
		r, err := t.store.Load(ctx, id)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err == nil {
			err = f(r)
		}
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, ErrConflict):
			return caused{ErrTokensUnavailable, err}
		}
		if err := wait.next(ctx); err != nil {
			return err
		}
	}
}

// Reseal seals with the first of SealingKeys what another one has sealed, and returns how
// many records it was. It can run while the app does, and be run again if it is cut off.
// The error says how many records cannot be opened with any of the keys; they stay as they
// are.
func (t *Tokens) Reseal(ctx context.Context) (int, error) {
	if !t.made() {
		return 0, errTokensNotMade
	}
	resealed, closed := 0, 0
	for after := (ID{}); ; {
		page, err := t.store.List(ctx, after, 100)
		if err != nil {
			return resealed, caused{ErrTokensUnavailable, err}
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			after = r.ID
			done, err := t.reseal(ctx, r)
			switch {
			case errors.Is(err, errSealed):
				closed++
			case err != nil:
				return resealed, caused{ErrTokensUnavailable, err}
			case done:
				resealed++
			}
		}
	}
	if closed > 0 {
		return resealed, caused{ErrTokensUnavailable, fmt.Errorf("install: %d records cannot be opened with these SealingKeys", closed)}
	}
	return resealed, nil
}

// reseal seals one record anew, and reports whether there was need to.
func (t *Tokens) reseal(ctx context.Context, r Record) (bool, error) {
	for wait := newBackoff(); ; {
		g, err := t.open(r.ID, r)
		if err != nil || t.sealer.newest(r.Data) {
			return false, err
		}
		if _, err = t.save(ctx, r.ID, g, r.Version); err == nil {
			return true, nil
		} else if !errors.Is(err, ErrConflict) {
			return false, err
		}
		if err := wait.next(ctx); err != nil {
			return false, err
		}
		if r, err = t.store.Load(ctx, r.ID); errors.Is(err, ErrNotFound) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
}

// Wait waits until no refresh is going on in this process, or ctx ends. Call it at the end
// of the program, when nothing asks for tokens any more: a refresh that is cut off can
// lose the install.
func (t *Tokens) Wait(ctx context.Context) error {
	if !t.made() {
		return nil
	}
	for {
		var running *flight
		t.mu.Lock()
		for _, running = range t.flights {
			break
		}
		t.mu.Unlock()
		if running == nil {
			return nil
		}
		select {
		case <-running.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// made reports whether NewTokens has made t.
func (t *Tokens) made() bool { return t != nil && t.store != nil }

// isCode reports whether text can be a code.
func isCode(text string) bool { return isToken(text) && len(text) <= maxCodeBytes }

// isToken reports whether text can be a token: up to 4096 of visible ASCII.
func isToken(text string) bool {
	return text != "" && len(text) <= maxTokenBytes && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
