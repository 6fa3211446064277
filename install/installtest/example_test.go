package installtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/install/installtest"
)

// An account that uninstalls the app, of which the backend is not told.
func ExampleTokenEndpoint() {
	keys := map[install.Mode]string{install.Live: "sk_live_example"}
	endpoint := installtest.NewTokenEndpoint(keys)
	server := httptest.NewServer(endpoint)
	defer server.Close()
	newTokens := func(store install.Store) *install.Tokens {
		tokens, err := install.NewTokens(install.TokensConfig{
			Keys: keys, Store: store, SealingKeys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")}, TokenURL: server.URL,
		})
		if err != nil {
			panic(err)
		}
		return tokens
	}
	tokens, id := newTokens(install.NewMemory()), install.ID{Account: "acct_123", Mode: install.Live}

	if _, err := tokens.Exchange(context.Background(), id.Mode, endpoint.Code(id)); err != nil {
		fmt.Println(err)
	}
	token, err := tokens.AccessToken(context.Background(), id)
	of, ok := endpoint.Accepts(token)
	fmt.Println(of.Account, ok, err)

	endpoint.Uninstall(id)
	_, ok = endpoint.Accepts(token)
	fmt.Println(ok)

	endpoint.Next(installtest.Down)
	_, err = tokens.Exchange(context.Background(), id.Mode, endpoint.Code(id))
	fmt.Println(errors.Is(err, install.ErrTokensUnavailable))
	// Output:
	// acct_123 true <nil>
	// false
	// true
}
