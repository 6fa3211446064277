package stripego_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// newStripeClient returns a client of stripe-go that calls for the account of the context
// that each call is given. It needs no key: Transport has it.
func newStripeClient(transport *install.Transport) *stripe.Client {
	httpClient := &http.Client{Transport: transport, Timeout: 80 * time.Second}
	return stripe.NewClient("", stripe.WithBackends(stripe.NewBackends(httpClient)))
}

// newTestClient is newStripeClient against a fake: the same with its URL.
func newTestClient(transport *install.Transport, url string) *stripe.Client {
	return stripe.NewClient("", stripe.WithBackends(stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		HTTPClient:    &http.Client{Transport: transport},
		URL:           &url,
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})))
}

// newBackend is what main serves: one route, behind the chain.
func newBackend(client *stripe.Client) (http.Handler, error) {
	protect, err := stripeapps.New(stripeapps.Config{Secrets: []string{stripeappstest.DefaultSecret}})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/balance", func(w http.ResponseWriter, r *http.Request) {
		balance, err := client.V1Balance.Retrieve(r.Context(), nil) // the request's context says whose
		if err != nil {
			stripeapps.Refuse(w, r, explain(err))
			return
		}
		json.NewEncoder(w).Encode(balance.Available[0].Amount)
	})
	return protect(mux), nil
}

var (
	errUninstalled = stripeapps.NewError("uninstalled", http.StatusForbidden, "the account does not have this app any more")
	errPermission  = stripeapps.NewError("permission", http.StatusForbidden, "accept the new permissions of this app")
)

// explain says what the user can do about an error of Stripe's, of those that come with
// 403. The text is Stripe's own affair, and can name your key in part: it is not shown.
func explain(err error) error {
	e := (*stripe.Error)(nil)
	switch {
	case !errors.As(err, &e) || e.HTTPStatusCode != http.StatusForbidden:
		return err
	case e.Code == stripe.ErrorCodeAccountInvalid:
		return errUninstalled
	default:
		return errPermission
	}
}

// fakeAPI stands in for https://api.stripe.com. acct_gone has uninstalled the app, and
// acct_old has not accepted all of its permissions.
func fakeAPI() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Printf("Stripe: %s by %s for %q\n", r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Stripe-Account"))
		switch r.Header.Get("Stripe-Account") {
		case "acct_gone":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"error":{"type":"invalid_request_error","code":"account_invalid","message":"The provided key … does not have access to account …"}}`)
		case "acct_old":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"error":{"type":"invalid_request_error","code":"more_permissions_required_for_application","message":"…"}}`)
		default:
			fmt.Fprint(w, `{"object":"balance","available":[{"amount":1250,"currency":"usd"}]}`)
		}
	}))
}

// Your key of the mode that is signed, and the account in Stripe-Account.
func Example_forTheAccount() {
	api := fakeAPI()
	defer api.Close()
	transport, err := install.NewTransport(install.TransportConfig{
		Keys:   map[install.Mode]string{install.Live: "sk_live_1", install.Test: "sk_test_1"},
		APIURL: api.URL, // with newStripeClient: leave it out
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	backend, err := newBackend(newTestClient(transport, api.URL))
	if err != nil {
		fmt.Println(err)
		return
	}

	for _, account := range []string{"acct_123", "acct_gone", "acct_old"} {
		w := httptest.NewRecorder()
		backend.ServeHTTP(w, stripeappstest.NewRequest("POST", "/api/balance", map[string]any{"livemode": true}, stripeappstest.WithAccount(account)))
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// Stripe: /v1/balance by Bearer sk_live_1 for "acct_123"
	// 200 1250
	// Stripe: /v1/balance by Bearer sk_live_1 for "acct_gone"
	// 403 {"title":"Forbidden","status":403,"code":"uninstalled","detail":"the account does not have this app any more"}
	// Stripe: /v1/balance by Bearer sk_live_1 for "acct_old"
	// 403 {"title":"Forbidden","status":403,"code":"permission","detail":"accept the new permissions of this app"}
}

// storedTokens stands in for where a backend keeps the tokens of its installs.
type storedTokens map[install.ID]string

func (s storedTokens) AccessToken(_ context.Context, id install.ID) (string, error) {
	token, ok := s[id]
	if !ok {
		return "", errUninstalled
	}
	return token, nil
}

// The account's own token, by OAuth: no Stripe-Account beside it.
func Example_withTheAccountsToken() {
	api := fakeAPI()
	defer api.Close()
	transport, err := install.NewTransport(install.TransportConfig{
		Tokens: storedTokens{{Account: "acct_123", Mode: install.Test}: "tokenOfAcct123InTestMode"},
		APIURL: api.URL,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := newTestClient(transport, api.URL)
	backend, err := newBackend(client)
	if err != nil {
		fmt.Println(err)
		return
	}

	w := httptest.NewRecorder()
	backend.ServeHTTP(w, stripeappstest.NewRequest("POST", "/api/balance", map[string]any{"livemode": false}, stripeappstest.WithAccount("acct_123")))
	fmt.Print(w.Code, " ", w.Body)

	// A job gives the install itself.
	ctx := install.ContextWithID(context.Background(), install.ID{Account: "acct_123", Mode: install.Test})
	balance, err := client.V1Balance.Retrieve(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(balance.Available[0].Amount)
	// Output:
	// Stripe: /v1/balance by Bearer tokenOfAcct123InTestMode for ""
	// 200 1250
	// Stripe: /v1/balance by Bearer tokenOfAcct123InTestMode for ""
	// 1250
}
