package install_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/install/installtest"
	"github.com/seed-8a2ffb75/stripeapps/replay"
)

const callbackURI = "https://app.example.com/authorized"

func oauthConfig(tokens *install.Tokens) install.OAuthConfig {
	return install.OAuthConfig{
		Links: map[install.Mode]string{
			install.Live: "https://marketplace.stripe.com/oauth/v2/authorize?client_id=ca_live1",
			install.Test: "https://marketplace.stripe.com/oauth/v2/chnlink_1/authorize?client_id=ca_test1&redirect_uri=https%3A%2F%2Fother.example%2F&state=x",
		},
		RedirectURI: callbackURI,
		StartPath:   "/connect",
		Tokens:      tokens,
		StateKeys:   [][]byte{bytes.Repeat([]byte("stateky1"), 4)},
		Guard:       replay.NewMemory(replay.MemoryConfig{}),
	}
}

// oauthSite is one with OAuth installs, and a browser's way through it.
type oauthSite struct {
	*world
	oauth   *install.OAuth
	refusal error
	done    []install.Authorized
}

func newOAuthSite(w *world, change ...func(*install.OAuthConfig)) *oauthSite {
	s := &oauthSite{world: w}
	cfg := oauthConfig(w.process())
	cfg.ErrorHandler = func(_ http.ResponseWriter, _ *http.Request, err error) { s.refusal = err }
	for _, f := range change {
		f(&cfg)
	}
	var err error
	s.oauth, err = install.NewOAuth(cfg)
	require.NoError(w, err)
	return s
}

// start begins an install: it returns where Stripe is, and the browser's cookies.
func (s *oauthSite) start(mode install.Mode) (*url.URL, []*http.Cookie) {
	s.Helper()
	w := httptest.NewRecorder()
	s.oauth.Start(mode).ServeHTTP(w, httptest.NewRequest("GET", "https://app.example.com/start", nil))
	require.Equal(s, http.StatusSeeOther, w.Code)
	to, err := w.Result().Location()
	require.NoError(s, err)
	assert.Equal(s, callbackURI, to.Query().Get("redirect_uri"))
	return to, w.Result().Cookies()
}

// back comes back from Stripe with a query.
func (s *oauthSite) back(cookies []*http.Cookie, query url.Values) *httptest.ResponseRecorder {
	s.Helper()
	s.refusal = nil
	r := httptest.NewRequest("GET", callbackURI+"?"+query.Encode(), nil).WithContext(s.Context())
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	s.oauth.Callback(func(w http.ResponseWriter, r *http.Request, authorized install.Authorized) {
		s.done = append(s.done, authorized)
		http.Redirect(w, r, "/welcome", http.StatusSeeOther)
	}).ServeHTTP(w, r)
	return w
}

func TestOAuth(t *testing.T) {
	inBubble(t, func(w *world) {
		s := newOAuthSite(w)
		for _, test := range []struct {
			id   install.ID
			link string
		}{
			{live, "https://marketplace.stripe.com/oauth/v2/authorize?client_id=ca_live1&"},
			{test, "https://marketplace.stripe.com/oauth/v2/chnlink_1/authorize?client_id=ca_test1&"},
		} {
			to, cookies := s.start(test.id.Mode)
			assert.True(t, strings.HasPrefix(to.String(), test.link), to)
			assert.Len(t, to.Query(), 3)
			code := s.endpoint.Code(test.id)
			response := s.back(cookies, url.Values{"code": {code}, "state": {to.Query().Get("state")}, "account_id": {"acct_evil"}})
			require.NoError(t, s.refusal)
			assert.Equal(t, "/welcome", response.Header().Get("Location"))
			assert.Equal(t, "no-store", response.Header().Get("Cache-Control"))
			assert.Equal(t, "no-referrer", response.Header().Get("Referrer-Policy"))
			s.good(s.process(), test.id)
			assert.Equal(t, test.id, s.done[len(s.done)-1].ID)

			asked := s.endpoint.Exchanges()
			s.back(cookies, url.Values{"code": {s.endpoint.Code(test.id)}, "state": {to.Query().Get("state")}})
			assert.ErrorIs(t, s.refusal, install.ErrUsed)
			assert.Equal(t, asked, s.endpoint.Exchanges())
		}
		assert.Len(t, s.done, 2)
	})
}

func TestOAuthRefuses(t *testing.T) {
	for _, test := range []struct {
		name  string
		want  error
		query func(s *oauthSite, query url.Values) url.Values
	}{
		{"who cancelled", install.ErrCancelled, func(*oauthSite, url.Values) url.Values {
			return url.Values{"error": {"access_denied"}, "error_description": {"The user denied your request"}}
		}},
		{"an install from the Marketplace", install.ErrNotStarted, func(_ *oauthSite, query url.Values) url.Values {
			query.Del("state")
			query.Set("account_id", "acct_1")
			return query
		}},
		{"a state that is nobody's", install.ErrInvalidState, func(_ *oauthSite, query url.Values) url.Values {
			query.Set("state", strings.Repeat("A", len(query.Get("state"))))
			return query
		}},
		{"a state of another browser", install.ErrOtherBrowser, func(s *oauthSite, query url.Values) url.Values {
			to, _ := s.start(install.Live)
			query.Set("state", to.Query().Get("state"))
			return query
		}},
		{"no code", install.ErrMalformed, func(_ *oauthSite, query url.Values) url.Values { query.Del("code"); return query }},
		{"a code that is none", install.ErrMalformed, func(_ *oauthSite, query url.Values) url.Values {
			query.Set("code", "ac_1&x=\n")
			return query
		}},
		{"a code that is very long", install.ErrMalformed, func(_ *oauthSite, query url.Values) url.Values {
			query.Set("code", strings.Repeat("a", 513))
			return query
		}},
		{"two codes", install.ErrMalformed, func(_ *oauthSite, query url.Values) url.Values { query.Add("code", "ac_1"); return query }},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				s := newOAuthSite(w)
				to, cookies := s.start(install.Live)
				query := url.Values{"code": {s.endpoint.Code(live)}, "state": {to.Query().Get("state")}}
				good := url.Values{"code": query["code"], "state": query["state"]}
				response := s.back(cookies, test.query(s, query))
				assert.ErrorIs(t, s.refusal, test.want)
				assert.Empty(t, s.done)
				assert.Zero(t, s.endpoint.Exchanges())
				assert.Contains(t, response.Body.String(), `href="/connect"`)
				s.back(cookies, good)
				assert.NoError(t, s.refusal, "nothing is used up")
			})
		})
	}
}

func TestOAuthWhenStripeRefuses(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault installtest.Fault
		id    install.ID
		want  error
	}{
		{"the code is for another mode", nil, test, install.ErrCodeRefused},
		{"the tokens are for another mode", installtest.With(map[string]any{"livemode": false}), live, install.ErrTokenResponse},
		{"it is down", installtest.Down, live, install.ErrTokensUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				s := newOAuthSite(w)
				to, cookies := s.start(install.Live)
				if test.fault != nil {
					s.endpoint.Next(test.fault)
				}
				response := s.back(cookies, url.Values{"code": {s.endpoint.Code(test.id)}, "state": {to.Query().Get("state")}})
				assert.ErrorIs(t, s.refusal, test.want)
				assertNoToken(t, s.refusal)
				assert.Empty(t, s.done)
				assert.GreaterOrEqual(t, response.Code, 400)
				assert.NotContains(t, response.Body.String(), "ac_")
			})
		})
	}
}

// The keys are the same.
func TestAStateThatIsForSomethingElse(t *testing.T) {
	inBubble(t, func(w *world) {
		s := newOAuthSite(w)
		cfg := newConfig(w)
		cfg.RedirectURI, cfg.StateKeys, cfg.Now = callbackURI, oauthConfig(nil).StateKeys, nil
		other := newOAuthSite(w, func(cfg *install.OAuthConfig) { cfg.RedirectURI += "2" })
		for name, start := range map[string]http.Handler{"a Link": newLink(w, cfg).Start(), "another OAuth": other.oauth.Start(install.Live)} {
			response := httptest.NewRecorder()
			start.ServeHTTP(response, httptest.NewRequest("GET", "https://app.example.com/", nil))
			to, err := response.Result().Location()
			require.NoError(t, err)
			s.back(response.Result().Cookies(), url.Values{"code": {s.endpoint.Code(live)}, "state": {to.Query().Get("state")}})
			assert.ErrorIs(t, s.refusal, install.ErrInvalidState, name)
		}
		assert.Zero(t, s.endpoint.Exchanges())
	})
}

func TestOAuthIsForGET(t *testing.T) {
	inBubble(t, func(w *world) {
		s := newOAuthSite(w)
		for _, test := range []struct {
			handler       http.Handler
			method, allow string
		}{
			{s.oauth.Start(install.Live), "POST", "GET"},
			{s.oauth.Callback(func(http.ResponseWriter, *http.Request, install.Authorized) {}), "POST", "GET"},
			{s.oauth.Callback(func(http.ResponseWriter, *http.Request, install.Authorized) {}), "HEAD", "GET"},
		} {
			response := httptest.NewRecorder()
			test.handler.ServeHTTP(response, httptest.NewRequest(test.method, "/", nil))
			assert.Equal(t, http.StatusMethodNotAllowed, response.Code)
			assert.Equal(t, test.allow, response.Header().Get("Allow"))
		}
		assert.Panics(t, func() { s.oauth.Start(install.Sandbox) })
		assert.Panics(t, func() { s.oauth.Callback(nil) })
	})
}

func TestNewOAuthSaysEverythingThatIsWrong(t *testing.T) {
	w := newWorld(t)
	_, err := install.NewOAuth(install.OAuthConfig{})
	for _, want := range []string{"Links is empty", "Tokens is nil", "RedirectURI is empty", "StateKeys is empty", "Guard is nil"} {
		assert.ErrorContains(t, err, want)
	}
	for link, want := range map[string]string{
		"": "is empty",
		"https://marketplace.stripe.com/oauth/v2/authorize":                                               "one client_id",
		"https://marketplace.stripe.com/oauth/v2/authorize?client_id=sk_live_1":                           "one client_id",
		"https://marketplace.stripe.com/oauth/v2/authorize?client_id=ca_1&client_id=ca_2":                 "one client_id",
		"https://marketplace.stripe.com/oauth/v2/authorize?client_id=ca_1;x":                              "one client_id",
		"https://marketplace.stripe.com/oauth/v2/authorize?client_id=ca_1&x=" + strings.Repeat("x", 2048): "one client_id",
		"https://marketplace.stripe.com/apps/install/link/x":                                              "is an install link without OAuth: use NewLink",
		"https://marketplace.stripe.com/apps/install/link/x?client_id=ca_1":                               "use NewLink",
		"https://connect.stripe.com/oauth/authorize?client_id=ca_1":                                       "path like",
		"http://marketplace.stripe.com/oauth/v2/authorize?client_id=ca_1":                                 "below stripe.com",
		"https://stripe.com.example/oauth/v2/authorize?client_id=ca_1":                                    "below stripe.com",
		"https://evilstripe.com/oauth/v2/authorize?client_id=ca_1":                                        "below stripe.com",
	} {
		cfg := oauthConfig(w.process())
		cfg.Links = map[install.Mode]string{install.Live: link}
		_, err := install.NewOAuth(cfg)
		assert.ErrorContains(t, err, want, link)
		assert.ErrorContains(t, err, `Links["live"]`)
	}
	cfg := oauthConfig(w.process(func(cfg *install.TokensConfig) { cfg.Keys = map[install.Mode]string{install.Live: "sk_live_1"} }))
	cfg.Links["prod"] = cfg.Links[install.Live]
	_, err = install.NewOAuth(cfg)
	assert.ErrorContains(t, err, `Links["test"] has no key`)
	assert.ErrorContains(t, err, `Links["prod"] is for a mode that does not exist`)
}

// The person goes away while Stripe is asked: the install is kept.
func TestAPersonWhoGoesAway(t *testing.T) {
	inBubble(t, func(w *world) {
		ctx, cancel := context.WithCancel(w.Context())
		s := newOAuthSite(w, func(cfg *install.OAuthConfig) { cfg.Tokens = w.meanwhile(cancel) })
		to, cookies := s.start(install.Live)
		r := httptest.NewRequest("GET", callbackURI+"?"+url.Values{"code": {s.endpoint.Code(live)}, "state": {to.Query().Get("state")}}.Encode(), nil).WithContext(ctx)
		r.AddCookie(cookies[0])
		s.oauth.Callback(func(http.ResponseWriter, *http.Request, install.Authorized) {}).ServeHTTP(httptest.NewRecorder(), r)
		assert.NoError(t, s.refusal)
		s.good(s.process(), live)
	})
}
