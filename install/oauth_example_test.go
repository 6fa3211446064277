package install_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/install/installtest"
	"github.com/seed-8a2ffb75/stripeapps/replay"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// thirtyTwoBytes stands for 32 random bytes, which the program gets from where it has its
// other secrets.
func thirtyTwoBytes() []byte { return []byte("0123456789abcdef0123456789abcdef") }

// From the link on a site to a token for the account.
func ExampleOAuth() {
	keys := map[install.Mode]string{install.Test: "sk_test_example"}
	stripe := installtest.NewTokenEndpoint(keys) // stands in for Stripe
	server := httptest.NewServer(stripe)
	defer server.Close()

	tokens, err := install.NewTokens(install.TokensConfig{
		Keys:        keys,
		Store:       install.NewMemory(), // in production: sqlstore.New
		SealingKeys: [][]byte{thirtyTwoBytes()},
		TokenURL:    server.URL, // in production: leave it out
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	oauth, err := install.NewOAuth(install.OAuthConfig{
		Links:       map[install.Mode]string{install.Test: "https://marketplace.stripe.com/oauth/v2/chnlink_example/authorize?client_id=ca_example"},
		RedirectURI: "https://app.example.com/connected",
		StartPath:   "/connect",
		Tokens:      tokens,
		StateKeys:   [][]byte{thirtyTwoBytes()},
		Guard:       replay.NewMemory(replay.MemoryConfig{}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /connect", oauth.Start(install.Test))
	mux.Handle("GET /connected", oauth.Callback(func(w http.ResponseWriter, r *http.Request, authorized install.Authorized) {
		fmt.Println("installed on", authorized.ID.Account, "in", authorized.ID.Mode, "mode")
		http.Redirect(w, r, "/welcome", http.StatusSeeOther)
	}))

	// A browser begins at /connect, is led to Stripe, and comes back with a code.
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "https://app.example.com/connect", nil))
	atStripe, _ := w.Result().Location()
	fmt.Println("led to", atStripe.Host)
	id := install.ID{Account: "acct_123", Mode: install.Test}
	mux.ServeHTTP(httptest.NewRecorder(), stripeappstest.NewOAuthRedirect(w.Result(), stripe.Code(id)))

	token, err := tokens.AccessToken(context.Background(), id)
	_, accepted := stripe.Accepts(token)
	fmt.Println("Stripe accepts the token:", accepted, err)
	// Output:
	// led to marketplace.stripe.com
	// installed on acct_123 in test mode
	// Stripe accepts the token: true <nil>
}

func ExampleTokens_AccessToken() {
	tokens, err := install.NewTokens(install.TokensConfig{
		Keys:        map[install.Mode]string{install.Live: "sk_live_example"},
		Store:       install.NewMemory(),
		SealingKeys: [][]byte{thirtyTwoBytes()},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = tokens.AccessToken(context.Background(), install.ID{Account: "acct_123", Mode: install.Live})
	fmt.Println(err)
	// Output: stripeapps: the account has not installed the app in this mode, or not by way of this backend: install it (not_installed)
}

// When a sealing key is rolled: the new one first, the old one still there.
func ExampleTokens_Reseal() {
	newest, old := []byte("fedcba9876543210fedcba9876543210"), thirtyTwoBytes()
	tokens, err := install.NewTokens(install.TokensConfig{
		Keys:        map[install.Mode]string{install.Live: "sk_live_example"},
		Store:       install.NewMemory(),
		SealingKeys: [][]byte{newest, old},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := tokens.Reseal(context.Background())
	fmt.Println(n, err)
	// Output: 0 <nil>
}
