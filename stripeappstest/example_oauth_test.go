package stripeappstest_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/install/installtest"
	"github.com/seed-8a2ffb75/stripeapps/replay"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// The stand-in for Stripe's token endpoint takes the codes that it has made, once.
func ExampleNewOAuthRedirect() {
	keys := map[install.Mode]string{install.Test: "sk_test_example"}
	endpoint := installtest.NewTokenEndpoint(keys)
	server := httptest.NewServer(endpoint)
	defer server.Close()
	key := sha256.Sum256([]byte("a key for tests"))
	tokens, err := install.NewTokens(install.TokensConfig{
		Keys: keys, Store: install.NewMemory(), SealingKeys: [][]byte{key[:]}, TokenURL: server.URL,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	oauth, err := install.NewOAuth(install.OAuthConfig{
		Links:       map[install.Mode]string{install.Test: "https://marketplace.stripe.com/oauth/v2/chnlink_example/authorize?client_id=ca_example"},
		RedirectURI: "https://app.example.com/connected",
		Tokens:      tokens,
		StateKeys:   [][]byte{key[:]},
		Guard:       replay.NewMemory(replay.MemoryConfig{}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	callback := oauth.Callback(func(w http.ResponseWriter, r *http.Request, authorized install.Authorized) {
		fmt.Println("installed on", authorized.ID.Account)
	})
	of := install.ID{Account: "acct_123", Mode: install.Test}
	for _, code := range []string{endpoint.Code(of), "ac_made_up"} {
		start := httptest.NewRecorder()
		oauth.Start(install.Test).ServeHTTP(start, httptest.NewRequest("GET", "/connect", nil))
		w := httptest.NewRecorder()
		callback.ServeHTTP(w, stripeappstest.NewOAuthRedirect(start.Result(), code))
		fmt.Println(w.Code)
	}
	// Output:
	// installed on acct_123
	// 200
	// 400
}
