package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// byLink is for an app that calls Stripe with its own key and names the account beside it
// ("stripe_api_access_type": "platform"): who comes back from its install link has the
// account's id, signed.
func byLink(c config, verifier *stripeapps.Verifier) (*installs, error) {
	link, err := install.NewLink(install.LinkConfig{
		URL:         c.InstallLink,
		RedirectURI: c.SiteURL + "/installed",
		StartPath:   "/install",
		Verifier:    verifier,
		StateKeys:   [][]byte{c.StateKey},
		Guard:       replay.NewMemory(replay.MemoryConfig{}), // several processes: redisreplay
		// Session: the id of the user who is signed in to your site, if people do
	})
	if err != nil {
		return nil, err
	}
	transport, err := install.NewTransport(install.TransportConfig{
		Keys:   map[install.Mode]string{install.Test: c.SecretKey},
		APIURL: c.FakeStripe,
	})
	if err != nil {
		return nil, err
	}
	known := &accounts{last: make(map[install.ID]change)}
	callback := func(w http.ResponseWriter, r *http.Request, installed install.Installed) {
		// A site with users of its own also remembers whose account this is.
		known.add(install.ID{Account: installed.AccountID, Mode: install.Test}, installed.Signature.SignedAt)
		http.Redirect(w, r, c.DashboardURL, http.StatusSeeOther) // the signature leaves the address bar
	}
	return &installs{
		start: link.Start(), callback: link.Callback(callback), transport: transport,
		check: known.check, forget: known.forget,
		close: func(context.Context) error { return nil },
	}, nil
}

// accounts has the last change of each account's install. A real backend has it in its
// database: this is gone when the program ends.
//
// A browser can come back, and an event arrive, after what happened later. So both are
// dated by Stripe's clock, and not by ours: by the signature, and by the event. Those dates
// have whole seconds. Of two changes in one second, that which is heard of last counts:
// at worst an account has to install the app again, or Stripe refuses the calls for it.
type accounts struct {
	mu   sync.Mutex
	last map[install.ID]change
}

type change struct {
	at        int64 // Stripe's second
	installed bool
}

func (a *accounts) note(id install.ID, now change) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.at >= a.last[id].at {
		a.last[id] = now
	}
}

func (a *accounts) add(id install.ID, signed time.Time) { a.note(id, change{signed.Unix(), true}) }

func (a *accounts) forget(_ context.Context, id install.ID, uninstalled time.Time) error {
	a.note(id, change{uninstalled.Unix(), false})
	return nil
}

func (a *accounts) check(_ context.Context, id install.ID) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.last[id].installed {
		return install.ErrNotInstalled
	}
	return nil
}
