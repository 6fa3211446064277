// Installed is the whole life of a Stripe App in one program: an account installs it, its
// extension sends a request, the backend calls Stripe for the account, and the account
// uninstalls the app.
//
//	cd examples/installed && go run .
//
// For your own backend copy this file, and one of link.go and oauth.go: the way in which
// your app is installed. The folder standin plays Stripe, so that all of it runs without an
// account; demo.go fills in the config from there.
package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/install"
)

func main() { demo() } // demo.go: the flags, the server, and Stripe's stand-in

// config is what a backend has from its environment. This one serves test mode alone.
type config struct {
	SiteURL       string // of this backend, as browsers reach it: https://app.example.com
	DashboardURL  string // https://dashboard.stripe.com/test, where people go on
	InstallLink   string // for link.go: https://marketplace.stripe.com/apps/install/link/…
	OAuthLink     string // for oauth.go: https://marketplace.stripe.com/oauth/v2/chnlink_…/authorize?client_id=ca_…
	AppSecret     string // absec_…, of the app
	WebhookSecret string // whsec_…, of its webhook endpoint
	OwnAccount    string // acct_…, yours, if the app is private: its events name no account
	AppID         string // com.example.app, as apps.install.… events name it
	SecretKey     string // sk_test_…
	StateKey      []byte // 32 random bytes
	SealingKey    []byte // for oauth.go: 32 others
	FakeStripe    string // in place of https://api.stripe.com, for tests
}

// installs is the way in which accounts install the app.
type installs struct {
	start, callback http.Handler
	transport       *install.Transport
	check           func(ctx context.Context, id install.ID) error // an *Error if the account does not have the app
	forget          func(ctx context.Context, id install.ID, uninstalled time.Time) error
	close           func(ctx context.Context) error // after the last request
}

// newBackend returns everything that is served.
func newBackend(c config, verifier *stripeapps.Verifier, in *installs, logger *slog.Logger) (http.Handler, error) {
	mux := http.NewServeMux()

	// 1. Install: a browser goes to Stripe and comes back.
	mux.Handle("GET /install", in.start)
	mux.Handle("GET /installed", in.callback)

	// 2. Request: the chain is around all that extensions call, and nothing else.
	protect, err := stripeapps.New(stripeapps.Config{Verifier: verifier})
	if err != nil {
		return nil, err
	}
	mux.Handle("/api/", protect(newAPI(c, in, logger)))

	// 4. Uninstall: Stripe tells of it, from server to server.
	endpoint, err := events.NewEndpoint(events.Config{
		Secrets: []string{c.WebhookSecret},
		Accept:  events.TestOnly,
		App:     c.AppID, // of the account's other apps, Stripe can tell this endpoint too
		Guard:   events.NewMemory(events.MemoryConfig{}),
		Observe: events.LogResults(logger),
		Installs: func(ctx context.Context, change events.Change) error {
			if change.Kind != events.Uninstalled {
				return nil
			}
			account := cmp.Or(change.Account, c.OwnAccount)
			if account == "" { // Stripe sends it again, and shows that it could not be handled
				return errors.New("an uninstall without an account, as of a private app: set OwnAccount")
			}
			// It can come days late, when the account has installed the app again.
			return in.forget(ctx, install.ID{Account: account, Mode: install.Test}, change.Event.Created)
		},
	})
	if err != nil {
		return nil, err
	}
	mux.Handle("/stripe/events", endpoint)
	return mux, nil
}

// newVerifier returns the one for requests and for install links.
func newVerifier(c config, logger *slog.Logger) (*stripeapps.Verifier, error) {
	return stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{c.AppSecret}, Observe: stripeapps.LogRefusals(logger)})
}

// newAPI returns what extensions call. Inside the chain, the user and the account are
// those that Stripe has signed.
func newAPI(c config, in *installs, logger *slog.Logger) http.Handler {
	stripe := &http.Client{Transport: in.transport, Timeout: 30 * time.Second}
	isInstalled := func(r *http.Request) error {
		id, err := in.transport.ID(r.Context())
		if err != nil {
			return err
		}
		return in.check(r.Context(), id)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /api/balance", stripeapps.Require(stripeapps.Action("balance"), isInstalled)(balance(c, stripe, logger)))
	return mux
}

var errStripe = stripeapps.NewError("stripe_failed", http.StatusBadGateway, "Stripe did not respond with the balance: try again")

// balance responds with the account's balance, as Stripe has it.
func balance(c config, stripe *http.Client, logger *slog.Logger) http.Handler {
	url := cmp.Or(c.FakeStripe, "https://api.stripe.com") + "/v1/balance"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// 3. Call: for the account that the request's context has, and for no other.
		call, err := http.NewRequestWithContext(r.Context(), http.MethodGet, url, nil)
		if err != nil {
			stripeapps.Refuse(w, r, err)
			return
		}
		response, err := stripe.Do(call)
		if err != nil {
			if refusal := (*stripeapps.Error)(nil); !errors.As(err, &refusal) { // Stripe cannot be reached
				logger.Error("calling Stripe", "error", err)
				err = errStripe
			}
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
