// Installed is the whole life of a Stripe App in one program: an account installs it, its
// extension sends a request, the backend calls Stripe for the account, and the account
// uninstalls the app.
//
//	cd examples/installed && go run .
//
// For your own backend copy this file, and installs.go with a database in the place of
// its map. The folder standin plays Stripe, so that all of it runs without an account;
// demo.go fills in the config from there.
package main

import (
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// config is what a backend has from its environment. This one serves test mode alone.
type config struct {
	SiteURL       string // of this backend, as browsers reach it: https://app.example.com
	InstallLink   string // https://marketplace.stripe.com/apps/install/link/…
	DashboardURL  string // https://dashboard.stripe.com/test, where people go on
	AppSecret     string // absec_…, of the app
	WebhookSecret string // whsec_…, of its webhook endpoint
	SecretKey     string // sk_test_…
	StateKey      []byte // 32 random bytes
	APIURL        string // https://api.stripe.com
	FakeAPI       bool   // APIURL is one of this machine, for tests
}

func main() { demo() } // demo.go: the flags, the server, and Stripe's stand-in

// newBackend returns everything that is served.
func newBackend(c config, logger *slog.Logger) (http.Handler, error) {
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		Secrets: []string{c.AppSecret}, Observe: stripeapps.LogRefusals(logger),
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	installs := newInstalls()

	// 1. Install: a browser goes to Stripe and comes back, with a signature.
	if err := handleInstalls(mux, c, verifier, installs); err != nil {
		return nil, err
	}

	// 2. Request: the chain is around all that extensions call, and nothing else.
	protect, err := stripeapps.New(stripeapps.Config{Verifier: verifier})
	if err != nil {
		return nil, err
	}
	api, err := newAPI(c, installs)
	if err != nil {
		return nil, err
	}
	mux.Handle("/api/", protect(api))

	// 4. Uninstall: Stripe tells of it, from server to server.
	endpoint, err := events.NewEndpoint(events.Config{
		Secrets:  []string{c.WebhookSecret},
		Accept:   events.TestOnly,
		Guard:    events.NewMemory(events.MemoryConfig{}),
		Observe:  events.LogResults(logger),
		Installs: installs.change,
	})
	if err != nil {
		return nil, err
	}
	mux.Handle("/stripe/events", endpoint)
	return mux, nil
}

func handleInstalls(mux *http.ServeMux, c config, verifier *stripeapps.Verifier, installs *installs) error {
	link, err := install.NewLink(install.LinkConfig{
		URL:         c.InstallLink,
		RedirectURI: c.SiteURL + "/installed",
		StartPath:   "/install",
		Verifier:    verifier,
		StateKeys:   [][]byte{c.StateKey},
		Guard:       replay.NewMemory(replay.MemoryConfig{}),
	})
	if err != nil {
		return err
	}
	mux.Handle("GET /install", link.Start())
	mux.Handle("GET /installed", link.Callback(func(w http.ResponseWriter, r *http.Request, installed install.Installed) {
		// A site with users of its own also remembers whose account this is.
		installs.add(install.ID{Account: installed.AccountID, Mode: install.Test}, time.Now())
		http.Redirect(w, r, c.DashboardURL, http.StatusSeeOther) // the signature leaves the address bar
	}))
	return nil
}

// newAPI returns what extensions call. Inside the chain, the user and the account are
// those that Stripe has signed.
func newAPI(c config, installs *installs) (http.Handler, error) {
	// 3. Call: for the account that the request is from, and for no other.
	cfg := install.TransportConfig{Keys: map[install.Mode]string{install.Test: c.SecretKey}}
	if c.FakeAPI {
		cfg.APIURL = c.APIURL
	}
	transport, err := install.NewTransport(cfg)
	if err != nil {
		return nil, err
	}
	stripe := &http.Client{Transport: transport, Timeout: 30 * time.Second}

	isInstalled := func(r *http.Request) error {
		id, err := transport.ID(r.Context())
		if err == nil && !installs.has(id) {
			err = install.ErrNotInstalled
		}
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /api/balance", stripeapps.Require(stripeapps.Action("balance"), isInstalled)(balance(stripe, c.APIURL)))
	return mux, nil
}

var errStripe = stripeapps.NewError("stripe_failed", http.StatusBadGateway, "Stripe did not respond with the balance: try again")

// balance responds with the account's balance, as Stripe has it.
func balance(stripe *http.Client, apiURL string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call, err := http.NewRequestWithContext(r.Context(), http.MethodGet, apiURL+"/v1/balance", nil) // the request's context says whose
		if err != nil {
			stripeapps.Refuse(w, r, err)
			return
		}
		response, err := stripe.Do(call)
		if err != nil {
			stripeapps.Refuse(w, r, err)
			return
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			stripeapps.Refuse(w, r, errStripe)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		io.Copy(w, io.LimitReader(response.Body, 1<<20)) // nothing can be done about a client that went away
	})
}
