package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/seed-8a2ffb75/stripeapps"
)

// golang.org/x/oauth2 against this provider, as any Go program would use it.
func TestXOAuth2SignsIn(t *testing.T) {
	styles := map[string]oauth2.AuthStyle{
		"with the client in the parameters": oauth2.AuthStyleInParams,
		// It tries a Basic header first, so that the client_id is missing. The code
		// has to be good for the second try.
		"finding out how": oauth2.AuthStyleAutoDetect,
	}
	verifiers := map[string]func() string{
		"its own verifier":        oauth2.GenerateVerifier,
		"this library's verifier": stripeapps.NewCodeVerifier,
	}
	for how, style := range styles {
		for which, newVerifier := range verifiers {
			t.Run(how+", "+which, func(t *testing.T) {
				x := newXOAuth2(t, style)
				verifier := newVerifier()
				code := x.authorize(t, testState, oauth2.S256ChallengeOption(verifier))
				token, err := x.Exchange(x.ctx, code, oauth2.VerifierOption(verifier))
				require.NoError(t, err)
				assert.Equal(t, "Bearer", token.Type())
				assert.EqualValues(t, 3600, token.ExpiresIn)
				assert.Equal(t, "profile", token.Extra("scope"))
				assert.True(t, token.Valid())
				assert.Equal(t, "Ada Lovelace", x.whoami(t, x.Client(x.ctx, token)))

				// Twice, so that the refresh token that came with a refresh is used too.
				source := x.TokenSource(x.ctx, &oauth2.Token{RefreshToken: token.RefreshToken})
				second, err := source.Token()
				require.NoError(t, err)
				assert.NotEqual(t, token.AccessToken, second.AccessToken)
				assert.NotEqual(t, token.RefreshToken, second.RefreshToken)
				third, err := x.TokenSource(x.ctx, &oauth2.Token{RefreshToken: second.RefreshToken}).Token()
				require.NoError(t, err)
				assert.Equal(t, "Ada Lovelace", x.whoami(t, x.Client(x.ctx, third)))

				_, err = x.TokenSource(x.ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
				assertRetrieveError(t, err, "invalid_grant")
				_, err = x.TokenSource(x.ctx, &oauth2.Token{RefreshToken: third.RefreshToken}).Token()
				assertRetrieveError(t, err, "invalid_grant")
			})
		}
	}
}

func TestXOAuth2RefreshesByItself(t *testing.T) {
	x := newXOAuth2(t, oauth2.AuthStyleInParams)
	verifier := oauth2.GenerateVerifier()
	token, err := x.Exchange(x.ctx, x.authorize(t, testState, oauth2.S256ChallengeOption(verifier)), oauth2.VerifierOption(verifier))
	require.NoError(t, err)
	token.AccessToken, token.Expiry = "expired", token.Expiry.AddDate(-1, 0, 0)
	assert.Equal(t, "Ada Lovelace", x.whoami(t, x.Client(x.ctx, token)))
}

func TestXOAuth2IsToldWhy(t *testing.T) {
	verifier := oauth2.GenerateVerifier()
	for name, test := range map[string]struct {
		options []oauth2.AuthCodeOption
		want    string
	}{
		"no verifier":       {nil, "invalid_grant"},
		"another one":       {[]oauth2.AuthCodeOption{oauth2.VerifierOption(oauth2.GenerateVerifier())}, "invalid_grant"},
		"one that is short": {[]oauth2.AuthCodeOption{oauth2.VerifierOption("short")}, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newXOAuth2(t, oauth2.AuthStyleInParams)
			code := x.authorize(t, testState, oauth2.S256ChallengeOption(verifier))
			_, err := x.Exchange(x.ctx, code, test.options...)
			assertRetrieveError(t, err, test.want)
		})
	}
	t.Run("a code twice", func(t *testing.T) {
		x := newXOAuth2(t, oauth2.AuthStyleInParams)
		code := x.authorize(t, testState, oauth2.S256ChallengeOption(verifier))
		token, err := x.Exchange(x.ctx, code, oauth2.VerifierOption(verifier))
		require.NoError(t, err)
		_, err = x.Exchange(x.ctx, code, oauth2.VerifierOption(verifier))
		assertRetrieveError(t, err, "invalid_grant")
		_, err = x.TokenSource(x.ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
		assertRetrieveError(t, err, "invalid_grant")
	})
	t.Run("no PKCE", func(t *testing.T) {
		x := newXOAuth2(t, oauth2.AuthStyleInParams)
		assert.Equal(t, "invalid_request", x.redirected(t, testState).Get("error"))
	})
	t.Run("another client", func(t *testing.T) {
		x := newXOAuth2(t, oauth2.AuthStyleInParams)
		x.ClientID = "evil"
		_, err := x.Exchange(x.ctx, "code", oauth2.VerifierOption(verifier))
		assertRetrieveError(t, err, "invalid_client")
	})
}

// The client's half here makes what x/oauth2 makes, and the provider's half takes it.
func TestTheHalvesOfPKCEAgreeWithXOAuth2(t *testing.T) {
	x := oauth2.Config{ClientID: testClient, RedirectURL: liveURI, Endpoint: oauth2.Endpoint{AuthURL: testIssuer + "/oauth/authorize"}}
	for range 1000 {
		for _, verifier := range []string{oauth2.GenerateVerifier(), stripeapps.NewCodeVerifier()} {
			require.Equal(t, oauth2.S256ChallengeFromVerifier(verifier), stripeapps.S256Challenge(verifier))

			link, err := url.Parse(x.AuthCodeURL(testState, oauth2.S256ChallengeOption(verifier)))
			require.NoError(t, err)
			challenge, err := stripeapps.ReadCodeChallenge(link.Query())
			require.NoError(t, err)
			require.Equal(t, stripeapps.S256Challenge(verifier), challenge)
			require.NoError(t, stripeapps.VerifyCodeVerifier(verifier, challenge))
			require.ErrorContains(t, stripeapps.VerifyCodeVerifier(oauth2.GenerateVerifier(), challenge), "does not match")
		}
	}
	assert.Len(t, stripeapps.NewCodeVerifier(), len(oauth2.GenerateVerifier()))
}

func BenchmarkS256Challenge(b *testing.B) {
	verifier := oauth2.GenerateVerifier()
	for _, peer := range []struct {
		name string
		f    func(string) string
	}{{"stripeapps", stripeapps.S256Challenge}, {"x-oauth2", oauth2.S256ChallengeFromVerifier}} {
		b.Run("peer="+peer.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				peer.f(verifier)
			}
		})
	}
}

func BenchmarkNewCodeVerifier(b *testing.B) {
	for _, peer := range []struct {
		name string
		f    func() string
	}{{"stripeapps", stripeapps.NewCodeVerifier}, {"x-oauth2", oauth2.GenerateVerifier}} {
		b.Run("peer="+peer.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				peer.f()
			}
		})
	}
}

// ---

// xOAuth2 is a client that is configured from the provider's metadata.
type xOAuth2 struct {
	oauth2.Config
	ctx context.Context
	api string
}

func newXOAuth2(t *testing.T, style oauth2.AuthStyle) *xOAuth2 {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	handler = newTestProvider(t, func(c *config) { c.Issuer = server.URL }).handler

	metadata := fetchMetadata(t, server.URL)
	return &xOAuth2{oauth2.Config{
		ClientID:    testClient,
		RedirectURL: loopURI,
		Scopes:      []string{"profile"},
		Endpoint:    oauth2.Endpoint{AuthURL: metadata["authorization_endpoint"].(string), TokenURL: metadata["token_endpoint"].(string), AuthStyle: style},
	}, context.WithValue(t.Context(), oauth2.HTTPClient, server.Client()), server.URL}
}

// redirected is what the browser of a person who allows comes back with.
func (x *xOAuth2) redirected(t *testing.T, state string, options ...oauth2.AuthCodeOption) url.Values {
	t.Helper()
	return allowInBrowser(t, x.AuthCodeURL(state, options...), loopURI)
}

func (x *xOAuth2) authorize(t *testing.T, state string, options ...oauth2.AuthCodeOption) (code string) {
	t.Helper()
	params := x.redirected(t, state, options...)
	require.Equal(t, []string{state}, params["state"])
	require.NotEmpty(t, params.Get("code"), "%s", params)
	return params.Get("code")
}

func (x *xOAuth2) whoami(t *testing.T, client *http.Client) string {
	t.Helper()
	return readJSON(t, client, x.api+"/api/me")["name"].(string)
}

func assertRetrieveError(t *testing.T, err error, code string) {
	t.Helper()
	var retrieve *oauth2.RetrieveError
	if assert.True(t, errors.As(err, &retrieve), "%v", err) {
		assert.Equal(t, code, retrieve.ErrorCode)
		assert.NotEmpty(t, retrieve.ErrorDescription)
	}
}
