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
	known := &accounts{since: make(map[install.ID]int64)}
	callback := func(w http.ResponseWriter, r *http.Request, installed install.Installed) {
		// A site with users of its own also remembers whose account this is.
		known.add(install.ID{Account: installed.AccountID, Mode: install.Test}, time.Now())
		http.Redirect(w, r, c.DashboardURL, http.StatusSeeOther) // the signature leaves the address bar
	}
	return &installs{
		start: link.Start(), callback: link.Callback(callback), transport: transport,
		check: known.check, forget: known.forget,
		close: func(context.Context) error { return nil },
	}, nil
}

// accounts are those that have the app, with the second since when. A real backend has
// them in its database: these are gone when the program ends.
type accounts struct {
	mu    sync.Mutex
	since map[install.ID]int64
}

func (a *accounts) add(id install.ID, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.since[id] = now.Unix()
}

func (a *accounts) check(_ context.Context, id install.ID) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.since[id]; !ok {
		return install.ErrNotInstalled
	}
	return nil
}

// forget forgets an account, unless it has installed the app since. Events are dated to
// the second.
func (a *accounts) forget(_ context.Context, id install.ID, uninstalled time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if since, ok := a.since[id]; ok && since <= uninstalled.Unix() {
		delete(a.since, id)
	}
	return nil
}
