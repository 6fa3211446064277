package install_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

var (
	ourKeys = map[install.Mode]string{install.Live: "sk_live_ours", install.Test: "rk_test_ours", install.Sandbox: "sk_test_oursInTheSandbox"}
	inLive  = map[string]any{"livemode": true}
	inTest  = map[string]any{"livemode": false}
)

const sandboxSecret = "absec_sandbox"

// verifiedContext is what a handler behind the chain has, for a request that is signed so.
func verifiedContext(t testing.TB, payload any, options ...stripeappstest.Option) context.Context {
	t.Helper()
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{LabeledSecrets: []stripeapps.LabeledSecret{
		{Label: "app", Secret: stripeappstest.DefaultSecret},
		{Label: "sandbox", Secret: sandboxSecret},
	}})
	require.NoError(t, err)
	accepted, err := verifier.Verify(stripeappstest.NewRequest("POST", "/api", payload, options...))
	require.NoError(t, err)
	return accepted.Context()
}

// tokens is a TokenSource that has one for each ID that it knows.
type tokens map[install.ID]string

var errNoToken = errors.New("no token")

func (s tokens) AccessToken(_ context.Context, id install.ID) (string, error) {
	token, ok := s[id]
	if !ok {
		return "", errNoToken
	}
	return token, nil
}

// roundTripper is a function as an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// calls is a Base that keeps what it is given, and responds 200.
type calls struct{ requests []*http.Request }

func (c *calls) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	c.requests = append(c.requests, r)
	return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
}

func newTransport(t testing.TB, cfg install.TransportConfig) *install.Transport {
	t.Helper()
	if cfg.Keys == nil && cfg.Tokens == nil {
		cfg.Keys = ourKeys
	}
	if cfg.SandboxLabels == nil && cfg.Mode == nil {
		cfg.SandboxLabels = []string{"sandbox"}
	}
	transport, err := install.NewTransport(cfg)
	require.NoError(t, err)
	return transport
}

// codeOf is the code of a refusal, or "" where there is none.
func codeOf(err error) string {
	if e := (*stripeapps.Error)(nil); errors.As(err, &e) {
		return e.Code()
	}
	return ""
}

func TestACallHasTheKeyOfTheVerifiedIdentity(t *testing.T) {
	acct1 := stripeappstest.WithAccount("acct_1")
	withTokens := tokens{{Account: "acct_1", Mode: install.Live}: "tokenOfAcct1Live", {Account: "acct_1", Mode: install.Sandbox}: "sk_test_ofAcct1"}
	for _, test := range []struct {
		name   string
		cfg    install.TransportConfig
		ctx    context.Context
		path   string
		header http.Header // of the call
		want   http.Header
	}{
		{"your live key and Stripe-Account, where livemode is signed true",
			install.TransportConfig{}, verifiedContext(t, inLive, acct1), "/v1/balance", nil,
			http.Header{"Authorization": {"Bearer sk_live_ours"}, "Stripe-Account": {"acct_1"}}},
		{"your test key, where livemode is signed false",
			install.TransportConfig{}, verifiedContext(t, inTest, acct1), "/v1/balance", nil,
			http.Header{"Authorization": {"Bearer rk_test_ours"}, "Stripe-Account": {"acct_1"}}},
		{"the sandbox's key, where a sandbox's secret has signed",
			install.TransportConfig{}, verifiedContext(t, inTest, acct1, stripeappstest.WithSecret(sandboxSecret)), "/v1/balance", nil,
			http.Header{"Authorization": {"Bearer sk_test_oursInTheSandbox"}, "Stripe-Account": {"acct_1"}}},
		{"the sandbox's key without a livemode, as nobody need be asked",
			install.TransportConfig{}, verifiedContext(t, nil, acct1, stripeappstest.WithSecret(sandboxSecret)), "/v1/balance", nil,
			http.Header{"Authorization": {"Bearer sk_test_oursInTheSandbox"}, "Stripe-Account": {"acct_1"}}},
		{"Stripe-Context under /v2/",
			install.TransportConfig{}, verifiedContext(t, inLive, acct1), "/v2/core/events", nil,
			http.Header{"Authorization": {"Bearer sk_live_ours"}, "Stripe-Context": {"acct_1"}}},
		{"the key in place of the client's own",
			install.TransportConfig{}, verifiedContext(t, inLive, acct1), "/v1/balance",
			http.Header{"Authorization": {"Bearer sk_live_another"}, "authorization": {"Basic x"}},
			http.Header{"Authorization": {"Bearer sk_live_ours"}, "Stripe-Account": {"acct_1"}}},
		{"the account once, where the client names it too",
			install.TransportConfig{}, verifiedContext(t, inLive, acct1), "/v1/balance",
			http.Header{"Stripe-Account": {"acct_1", "acct_1"}, "stripe-context": {"acct_1"}, "Stripe_Account": {"acct_1"}},
			http.Header{"Authorization": {"Bearer sk_live_ours"}, "Stripe-Account": {"acct_1"}}},
		{"everything else that the client has set",
			install.TransportConfig{}, verifiedContext(t, inLive, acct1), "/v1/balance",
			http.Header{"Stripe-Version": {"2026-03-25.dahlia"}, "Idempotency-Key": {"1"}},
			http.Header{"Authorization": {"Bearer sk_live_ours"}, "Stripe-Account": {"acct_1"}, "Stripe-Version": {"2026-03-25.dahlia"}, "Idempotency-Key": {"1"}}},
		{"the account's token alone, where there are tokens",
			install.TransportConfig{Tokens: withTokens}, verifiedContext(t, inLive, acct1), "/v1/balance",
			http.Header{"Stripe-Account": {"acct_1"}, "Stripe-Context": {"acct_1"}},
			http.Header{"Authorization": {"Bearer tokenOfAcct1Live"}}},
		{"the account's token of the mode",
			install.TransportConfig{Tokens: withTokens}, verifiedContext(t, inTest, acct1, stripeappstest.WithSecret(sandboxSecret)), "/v2/core/events", nil,
			http.Header{"Authorization": {"Bearer sk_test_ofAcct1"}}},
		{"the mode that the backend says",
			install.TransportConfig{Mode: func(context.Context) (install.Mode, error) { return install.Test, nil }}, verifiedContext(t, inLive, acct1), "/v1/balance", nil,
			http.Header{"Authorization": {"Bearer rk_test_ours"}, "Stripe-Account": {"acct_1"}}},
		{"the install that a job gives",
			install.TransportConfig{}, install.ContextWithID(t.Context(), install.ID{Account: "acct_2", Mode: install.Live}), "/v1/balance", nil,
			http.Header{"Authorization": {"Bearer sk_live_ours"}, "Stripe-Account": {"acct_2"}}},
		{"the install that a job gives last",
			install.TransportConfig{},
			install.ContextWithID(install.ContextWithID(t.Context(), install.ID{Account: "acct_3", Mode: install.Test}), install.ID{Account: "acct_2", Mode: install.Live}),
			"/v1/balance", nil,
			http.Header{"Authorization": {"Bearer sk_live_ours"}, "Stripe-Account": {"acct_2"}}},
		{"the mode that a handler gives, for the request's account",
			install.TransportConfig{}, install.ContextWithID(verifiedContext(t, inLive, acct1), install.ID{Account: "acct_1", Mode: install.Sandbox}), "/v1/balance", nil,
			http.Header{"Authorization": {"Bearer sk_test_oursInTheSandbox"}, "Stripe-Account": {"acct_1"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got http.Header
			api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
			defer api.Close()
			test.cfg.APIURL = api.URL
			client := http.Client{Transport: newTransport(t, test.cfg)}

			r, err := http.NewRequestWithContext(test.ctx, "GET", api.URL+test.path, nil)
			require.NoError(t, err)
			if test.header != nil {
				r.Header = test.header
			}
			before := r.Header.Clone()
			response, err := client.Do(r)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())

			want := maps.Clone(test.want)
			want["User-Agent"], want["Accept-Encoding"] = []string{"Go-http-client/1.1"}, []string{"gzip"}
			assert.Equal(t, want, got)
			assert.Equal(t, before, r.Header, "the request that was given is as it was")
			assert.Same(t, r, response.Request, "no key in what the client gets")
		})
	}
}

func TestACallIsRefused(t *testing.T) {
	acct1 := stripeappstest.WithAccount("acct_1")
	ofAcct1 := verifiedContext(t, inLive, acct1)
	errOfTheirs := errors.New("theirs")
	mode := func(mode install.Mode, err error) install.TransportConfig {
		return install.TransportConfig{Mode: func(context.Context) (install.Mode, error) { return mode, err }}
	}
	token := func(token string) install.TransportConfig {
		return install.TransportConfig{Tokens: tokens{{Account: "acct_1", Mode: install.Live}: token}}
	}
	onlyLive := install.TransportConfig{Keys: map[install.Mode]string{install.Live: "sk_live_ours"}, SandboxLabels: []string{}}
	for _, test := range []struct {
		name   string
		cfg    install.TransportConfig
		ctx    context.Context
		header http.Header
		code   string
		is     error
	}{
		{"outside the chain", install.TransportConfig{}, t.Context(), nil, "not_verified", stripeapps.ErrNotVerified},
		{"where no livemode is signed", install.TransportConfig{}, verifiedContext(t, nil, acct1), nil, "no_mode", install.ErrNoMode},
		{"where livemode is signed in another form", install.TransportConfig{}, verifiedContext(t, map[string]any{"livemode": "true"}, acct1), nil, "no_mode", install.ErrNoMode},
		{"where livemode is signed as a number", install.TransportConfig{}, verifiedContext(t, map[string]any{"livemode": 1}, acct1), nil, "no_mode", install.ErrNoMode},
		{"where livemode is signed further down", install.TransportConfig{}, verifiedContext(t, map[string]any{"a": inLive}, acct1), nil, "no_mode", install.ErrNoMode},
		{"where a sandbox's secret has signed live mode", install.TransportConfig{}, verifiedContext(t, inLive, acct1, stripeappstest.WithSecret(sandboxSecret)), nil, "no_mode", install.ErrNoMode},
		{"where a sandbox's secret has signed an odd livemode", install.TransportConfig{}, verifiedContext(t, map[string]any{"livemode": nil}, acct1, stripeappstest.WithSecret(sandboxSecret)), nil, "no_mode", install.ErrNoMode},
		{"in a mode without a key", onlyLive, verifiedContext(t, inTest, acct1), nil, "mode_not_served", install.ErrModeNotServed},
		{"where the backend cannot tell the mode", mode(install.Live, errOfTheirs), ofAcct1, nil, "", errOfTheirs},
		{"where the backend names no mode", mode("", nil), ofAcct1, nil, "no_install", nil},
		{"where the backend names a mode that there is not", mode("Live", nil), ofAcct1, nil, "no_install", nil},
		{"for an account that is none", install.TransportConfig{}, install.ContextWithID(t.Context(), install.ID{Account: "acct_1\r\nx", Mode: install.Live}), nil, "no_install", nil},
		{"for no account", install.TransportConfig{}, install.ContextWithID(t.Context(), install.ID{Mode: install.Live}), nil, "no_install", nil},
		{"for an account in no mode", install.TransportConfig{}, install.ContextWithID(t.Context(), install.ID{Account: "acct_1"}), nil, "no_install", nil},
		{"for another account than the request's", install.TransportConfig{}, install.ContextWithID(ofAcct1, install.ID{Account: "acct_2", Mode: install.Live}), nil, "other_identity", nil},
		{"that names another account", install.TransportConfig{}, ofAcct1, http.Header{"Stripe-Account": {"acct_2"}}, "other_account", nil},
		{"that names another account beside the right one", install.TransportConfig{}, ofAcct1, http.Header{"Stripe-Account": {"acct_1", "acct_2"}}, "other_account", nil},
		{"that names no account, which would be your own", install.TransportConfig{}, ofAcct1, http.Header{"Stripe-Account": {""}}, "other_account", nil},
		{"that names another account in another spelling", install.TransportConfig{}, ofAcct1, http.Header{"sTRIPE_aCCOUNT": {"acct_2"}}, "other_account", nil},
		{"that names another context", install.TransportConfig{}, ofAcct1, http.Header{"Stripe-Context": {"acct_2"}}, "other_account", nil},
		{"that names an account of the account's", install.TransportConfig{}, ofAcct1, http.Header{"Stripe-Context": {"acct_1/acct_2"}}, "other_account", nil},
		{"that names another account, with a token", token("sk_live_1"), ofAcct1, http.Header{"Stripe-Account": {"acct_2"}}, "other_account", nil},
		{"without a token", install.TransportConfig{Tokens: tokens{}}, ofAcct1, nil, "", errNoToken},
		{"with an empty token", token(""), ofAcct1, nil, "wrong_token", nil},
		{"with a token of the other mode", token("sk_test_1"), ofAcct1, nil, "wrong_token", nil},
		{"with a restricted key of the other mode", token("rk_test_1"), ofAcct1, nil, "wrong_token", nil},
		{"with a refresh token", token("rt_1"), ofAcct1, nil, "wrong_token", nil},
		{"with a publishable key", token("pk_live_1"), ofAcct1, nil, "wrong_token", nil},
		{"with a token that would end the header", token("a\r\nb"), ofAcct1, nil, "wrong_token", nil},
		{"with a code", token("ac_1"), ofAcct1, nil, "wrong_token", nil},
		{"with an app's signing secret", token("absec_1"), ofAcct1, nil, "wrong_token", nil},
		{"with an endpoint's signing secret", token("whsec_1"), ofAcct1, nil, "wrong_token", nil},
		{"with a token that is not ASCII", token("tokén"), ofAcct1, nil, "wrong_token", nil},
		{"with a token of two words", token("a b"), ofAcct1, nil, "wrong_token", nil},
		{"with a token that is too long", token(strings.Repeat("a", 4097)), ofAcct1, nil, "wrong_token", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var made calls
			test.cfg.Base = &made
			r := newCall(test.ctx, "https://api.stripe.com/v1/refunds")
			if test.header != nil {
				r.Header = test.header
			}
			response, err := newTransport(t, test.cfg).RoundTrip(r)
			assert.Nil(t, response)
			assert.Equal(t, test.code, codeOf(err))
			if test.is != nil {
				assert.ErrorIs(t, err, test.is)
			} else {
				assert.Error(t, err)
			}
			assert.Empty(t, made.requests)
			assert.Equal(t, 1, r.Body.(*content).closed, "the body is closed")
		})
	}
}

func TestAQueryNamesNeitherAnAccountNorAKey(t *testing.T) {
	for _, query := range []string{"_stripe_account=acct_2", "limit=1&_stripe_context=acct_2", "key=sk_live_2", "_stripe%5Faccount=", "_stripe_account"} {
		t.Run(query, func(t *testing.T) {
			var made calls
			_, err := newTransport(t, install.TransportConfig{Base: &made}).RoundTrip(newCall(verifiedContext(t, inLive, stripeappstest.WithAccount("acct_1")), "https://api.stripe.com/v1/refunds?"+query))
			assert.Equal(t, "other_account", codeOf(err))
			assert.Empty(t, made.requests)
		})
	}
}

// A proxy takes out what Connection names, and a call without Stripe-Account is the
// platform's own.
func TestWhatIsBetweenAClientAndItsProxyIsLeftOut(t *testing.T) {
	var made calls
	r := newCall(verifiedContext(t, inLive, stripeappstest.WithAccount("acct_1")), "https://api.stripe.com/v1/refunds")
	r.Header = http.Header{
		"Connection": {"Stripe-Account"}, "Te": {"trailers"}, "Trailer": {"Stripe-Account"}, "Upgrade": {"h2c"},
		"host": {"example.com"}, "Stripe-Version": {"2026-10-28.endive"},
	}
	r.Trailer = http.Header{"Stripe-Account": {"acct_2"}}
	_, err := newTransport(t, install.TransportConfig{Base: &made}).RoundTrip(r)
	require.NoError(t, err)
	require.Len(t, made.requests, 1)
	sent := made.requests[0]
	assert.Equal(t, []string{"acct_1"}, sent.Header["Stripe-Account"])
	assert.Equal(t, []string{"2026-10-28.endive"}, sent.Header["Stripe-Version"])
	assert.Len(t, sent.Header, 3, "and Authorization")
	assert.Nil(t, sent.Trailer)
	assert.NotNil(t, r.Trailer, "the client's own request stays as it is")
}

// content is a body that counts how often it is closed.
type content struct {
	io.Reader
	closed int
}

func (c *content) Close() error { c.closed++; return nil }

func newCall(ctx context.Context, url string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, "POST", url, nil)
	if err != nil {
		panic(err)
	}
	r.Body = &content{Reader: strings.NewReader("amount=1")}
	return r
}

func TestKeysGoToStripeAlone(t *testing.T) {
	const stripe, fake = "", "http://127.0.0.1:12111"
	for _, test := range []struct {
		name    string
		apiURL  string
		url     string
		allowed bool
	}{
		{"the API", stripe, "https://api.stripe.com/v1/refunds", true},
		{"the API with its port", stripe, "https://api.stripe.com:443/v1/refunds", true},
		{"uploads", stripe, "https://files.stripe.com/v1/files", true},
		{"uploads with their port", stripe, "https://files.stripe.com:443/v1/files", true},
		{"v2", stripe, "https://api.stripe.com/v2/core/events", true},
		{"an id with a slash and dots in it", stripe, "https://api.stripe.com/v1/coupons/a%2F..b..%2Fc...", true},
		{"without TLS", stripe, "http://api.stripe.com/v1/refunds", false},
		{"without TLS on its port", stripe, "http://api.stripe.com:443/v1/refunds", false},
		{"another port", stripe, "https://api.stripe.com:8443/v1/refunds", false},
		{"another host", stripe, "https://example.com/v1/refunds", false},
		{"a host that ends so", stripe, "https://api.stripe.com.example.com/v1/refunds", false},
		{"a host that begins so", stripe, "https://evil-api.stripe.com/v1/refunds", false},
		{"a user that is called so", stripe, "https://api.stripe.com:443@example.com/v1/refunds", false},
		{"another of Stripe's hosts", stripe, "https://connect.stripe.com/v1/oauth/token", false},
		{"the host of meter events", stripe, "https://meter-events.stripe.com/v2/billing/meter_event_stream", false},
		{"neither v1 nor v2", stripe, "https://api.stripe.com/oauth/token", false},
		{"v2 behind an empty segment", stripe, "https://api.stripe.com//v2/core/events", false},
		{"v2 behind v1", stripe, "https://api.stripe.com/v1/../v2/core/events", false},
		{"v2 by an id", stripe, "https://api.stripe.com/v1/customers/..%2F..%2Fv2%2Fcore%2Fevents", false},
		{"a dot that is encoded", stripe, "https://api.stripe.com/v1/customers/%2e%2E/refunds", false},
		{"a dot at the end", stripe, "https://api.stripe.com/v1/customers/.", false},
		{"this machine", stripe, "http://127.0.0.1:12111/v1/refunds", false},
		{"a fake that is configured", fake, "http://127.0.0.1:12111/v1/refunds", true},
		{"a fake with TLS that is configured without", fake, "https://127.0.0.1:12111/v1/refunds", false},
		{"another port than the fake's", fake, "http://127.0.0.1:12112/v1/refunds", false},
		{"the API, where there is a fake", fake, "https://api.stripe.com/v1/refunds", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var made calls
			transport := newTransport(t, install.TransportConfig{APIURL: test.apiURL, Base: &made})
			r := newCall(verifiedContext(t, inLive), test.url)
			_, err := transport.RoundTrip(r)
			assert.Equal(t, 1, r.Body.(*content).closed)
			if test.allowed {
				require.NoError(t, err)
				assert.Equal(t, test.url, made.requests[0].URL.String())
			} else {
				assert.Equal(t, "not_stripe", codeOf(err))
				assert.Empty(t, made.requests)
			}
		})
	}

	t.Run("a Host header of another host", func(t *testing.T) {
		r := newCall(verifiedContext(t, inLive), "https://api.stripe.com/v1/refunds")
		r.Host = "example.com"
		_, err := newTransport(t, install.TransportConfig{Base: new(calls)}).RoundTrip(r)
		assert.Equal(t, "not_stripe", codeOf(err))
	})
	t.Run("an opaque URL", func(t *testing.T) {
		r := newCall(verifiedContext(t, inLive), "https://api.stripe.com/v1/refunds")
		r.URL.Opaque = "//example.com/v1/refunds"
		_, err := newTransport(t, install.TransportConfig{Base: new(calls)}).RoundTrip(r)
		assert.Equal(t, "not_stripe", codeOf(err))
	})
	t.Run("no URL", func(t *testing.T) {
		r := newCall(verifiedContext(t, inLive), "https://api.stripe.com/v1/refunds")
		r.URL = nil
		_, err := newTransport(t, install.TransportConfig{Base: new(calls)}).RoundTrip(r)
		assert.Equal(t, "not_stripe", codeOf(err))
	})
}

// http.Client follows redirects by itself, and takes the headers of the first request
// along.
func TestARedirectTakesNoKeyElsewhere(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				t.Error("called with", r.Header)
			}))
			defer elsewhere.Close()
			api := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/v1/refunds", status))
			defer api.Close()
			client := http.Client{Transport: newTransport(t, install.TransportConfig{APIURL: api.URL})}

			r, err := http.NewRequestWithContext(verifiedContext(t, inLive), "POST", api.URL+"/v1/refunds", strings.NewReader("amount=1"))
			require.NoError(t, err)
			_, err = client.Do(r)
			assert.Equal(t, "not_stripe", codeOf(err))
		})
	}
	t.Run("to the same host without TLS", func(t *testing.T) {
		hops := 0
		client := http.Client{Transport: newTransport(t, install.TransportConfig{Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			hops++
			return &http.Response{StatusCode: 307, Header: http.Header{"Location": {"http://api.stripe.com/v1/balance"}}, Body: http.NoBody}, nil
		})})}
		r, err := http.NewRequestWithContext(verifiedContext(t, inLive), "GET", "https://api.stripe.com/v1/balance", nil)
		require.NoError(t, err)
		_, err = client.Do(r)
		assert.Equal(t, "not_stripe", codeOf(err))
		assert.Equal(t, 1, hops)
	})
	t.Run("and goes on at the API with the key of the account", func(t *testing.T) {
		var got []http.Header
		mux := http.NewServeMux()
		mux.HandleFunc("/v1/old", func(w http.ResponseWriter, r *http.Request) {
			got = append(got, r.Header)
			http.Redirect(w, r, "/v2/new", http.StatusTemporaryRedirect)
		})
		mux.HandleFunc("/v2/new", func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header) })
		api := httptest.NewServer(mux)
		defer api.Close()
		client := http.Client{Transport: newTransport(t, install.TransportConfig{APIURL: api.URL})}
		r, err := http.NewRequestWithContext(verifiedContext(t, inLive, stripeappstest.WithAccount("acct_1")), "GET", api.URL+"/v1/old", nil)
		require.NoError(t, err)
		response, err := client.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		common := http.Header{"Authorization": {"Bearer sk_live_ours"}, "User-Agent": {"Go-http-client/1.1"}, "Accept-Encoding": {"gzip"}}
		first, second := maps.Clone(common), maps.Clone(common)
		first["Stripe-Account"], second["Stripe-Context"] = []string{"acct_1"}, []string{"acct_1"}
		second["Referer"] = []string{api.URL + "/v1/old"}
		assert.Equal(t, []http.Header{first, second}, got)
	})
}

// A Base can write to what it is given, as one that traces does.
func TestTheRequestOfTheClientIsNotBasesOwn(t *testing.T) {
	transport := newTransport(t, install.TransportConfig{Base: roundTripper(func(r *http.Request) (*http.Response, error) {
		r.Header["Stripe-Version"][0] = "another"
		r.Header.Set("Traceparent", "1")
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, r.Body.Close()
	})})
	r := newCall(verifiedContext(t, inLive), "https://api.stripe.com/v1/refunds")
	r.Header.Set("Stripe-Version", "2026-03-25.dahlia")
	_, err := transport.RoundTrip(r)
	require.NoError(t, err)
	assert.Equal(t, http.Header{"Stripe-Version": {"2026-03-25.dahlia"}}, r.Header)
}

// What Base says is told on, and the body is Base's to close.
func TestAnErrorOfBaseIsHandedOn(t *testing.T) {
	errOfBase := errors.New("no network")
	transport := newTransport(t, install.TransportConfig{Base: roundTripper(func(r *http.Request) (*http.Response, error) {
		return nil, errors.Join(errOfBase, r.Body.Close())
	})})
	r := newCall(verifiedContext(t, inLive), "https://api.stripe.com/v1/refunds")
	response, err := transport.RoundTrip(r)
	assert.ErrorIs(t, err, errOfBase)
	assert.Nil(t, response)
	assert.Equal(t, 1, r.Body.(*content).closed)
}

// A client like stripe-go sends one *http.Request several times, with a new body.
func TestARequestCanBeSentAgain(t *testing.T) {
	var got []string
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprint(r.Header["Authorization"], r.Header["Stripe-Account"], " ", string(body)))
	}))
	defer api.Close()
	client := http.Client{Transport: newTransport(t, install.TransportConfig{APIURL: api.URL})}
	r, err := http.NewRequestWithContext(verifiedContext(t, inLive, stripeappstest.WithAccount("acct_1")), "POST", api.URL+"/v1/refunds", nil)
	require.NoError(t, err)
	for range 3 {
		r.Body = io.NopCloser(strings.NewReader("amount=1"))
		response, err := client.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	const want = "[Bearer sk_live_ours] [acct_1] amount=1"
	assert.Equal(t, []string{want, want, want}, got)
}

func TestCallsAtTheSameTimeAreKeptApart(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header["Stripe-Account"], r.Header["Authorization"])
	}))
	defer api.Close()
	client := http.Client{Transport: newTransport(t, install.TransportConfig{APIURL: api.URL})}
	header := http.Header{"Stripe-Version": {"2026-03-25.dahlia"}} // shared, as it is not to be written to
	var group sync.WaitGroup
	for i := range 50 {
		account, payload, key := fmt.Sprintf("acct_%d", i), inLive, "sk_live_ours"
		if i%2 == 1 {
			payload, key = inTest, "rk_test_ours"
		}
		ctx := verifiedContext(t, payload, stripeappstest.WithAccount(account))
		group.Go(func() {
			r, err := http.NewRequestWithContext(ctx, "GET", api.URL+"/v1/balance", nil)
			if !assert.NoError(t, err) {
				return
			}
			r.Header = header
			response, err := client.Do(r)
			if !assert.NoError(t, err) {
				return
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			assert.NoError(t, err)
			assert.Equal(t, fmt.Sprintf("[%s] [Bearer %s]", account, key), string(body))
		})
	}
	group.Wait()
}

func TestATransportThatWasNotMadeCallsNobody(t *testing.T) {
	var transport install.Transport
	r := newCall(verifiedContext(t, inLive), "https://api.stripe.com/v1/refunds")
	_, err := transport.RoundTrip(r)
	assert.Equal(t, "transport_not_made", codeOf(err))
	assert.Equal(t, 1, r.Body.(*content).closed)
	_, err = transport.ID(r.Context())
	assert.Equal(t, "transport_not_made", codeOf(err))
}

func TestATransportPrintsNoKey(t *testing.T) {
	transport := newTransport(t, install.TransportConfig{Base: new(calls)})
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		text := fmt.Sprintf(format, transport) + fmt.Sprintf(format, *transport)
		for _, secret := range []string{"ours", fmt.Sprintf("%x", "ours")} {
			assert.NotContains(t, text, secret, format)
		}
	}
}

func TestTheIDOfAContext(t *testing.T) {
	transport := newTransport(t, install.TransportConfig{})
	id, err := transport.ID(verifiedContext(t, inTest, stripeappstest.WithAccount("acct_1")))
	require.NoError(t, err)
	assert.Equal(t, install.ID{Account: "acct_1", Mode: install.Test}, id)

	id, err = transport.ID(t.Context())
	assert.ErrorIs(t, err, stripeapps.ErrNotVerified)
	assert.Zero(t, id)
}
