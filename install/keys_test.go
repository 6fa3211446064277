package install_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

func TestWhatIsWrongWithATransportConfigIsToldAtOnce(t *testing.T) {
	keys := func(pairs ...string) install.TransportConfig {
		cfg := install.TransportConfig{Keys: map[install.Mode]string{}}
		for i := 0; i < len(pairs); i += 2 {
			cfg.Keys[install.Mode(pairs[i])] = pairs[i+1]
		}
		return cfg
	}
	const (
		useLive = ": use the secret API key (sk_live_…) or a restricted one (rk_live_…)"
		useTest = ": use the secret API key (sk_test_…) or a restricted one (rk_test_…)"
		field   = "stripeapps/install: TransportConfig."
		badURL  = field + "APIURL is not a URL like http://127.0.0.1:12111, a scheme and a loopback host: leave it empty for Stripe's own"
	)
	withURL := func(text string) install.TransportConfig {
		return install.TransportConfig{Keys: ourKeys, APIURL: text}
	}
	source := tokens{}
	anyMode := func(context.Context) (install.Mode, error) { return install.Live, nil }
	for _, test := range []struct {
		name string
		cfg  install.TransportConfig
		want []string
	}{
		{"one key is enough", keys("live", "sk_live_1"), nil},
		{"a restricted key is enough", keys("test", "rk_test_1"), nil},
		{"tokens are enough", install.TransportConfig{Tokens: source, SandboxLabels: []string{"sandbox"}}, nil},
		{"a fake has an address of this machine", withURL("http://127.0.0.1:12111"), nil},
		{"a fake has an IPv6 address of this machine", withURL("https://[::1]:12111"), nil},
		{"a fake is on localhost", withURL("http://localhost:12111"), nil},

		{"nothing", install.TransportConfig{}, []string{field + "Keys and Tokens are both nil: give one of them"}},
		{"keys and tokens", install.TransportConfig{Keys: ourKeys, Tokens: source},
			[]string{field + "Keys and Tokens are both set: a call has either your key or the account's token"}},
		{"no keys", keys(), []string{field + "Keys is empty: give your secret API key of each mode that the app serves"}},
		{"keys that are swapped", keys("live", "sk_test_1", "test", "sk_live_1"),
			[]string{field + "Keys[live] is not a key of this mode" + useLive, field + "Keys[test] is not a key of this mode" + useTest}},
		{"a live key for a sandbox", keys("sandbox", "rk_live_1"), []string{field + "Keys[sandbox] is not a key of this mode" + useTest}},
		{"the same key for a sandbox", keys("test", "sk_test_1", "sandbox", "sk_test_1"),
			[]string{field + "Keys has the same key for Test and Sandbox: a sandbox has keys of its own"}},
		{"a blank key", keys("live", " "), []string{field + "Keys[live] is blank" + useLive}},
		{"empty keys", keys("test", "", "sandbox", ""), []string{field + "Keys[test] is blank" + useTest, field + "Keys[sandbox] is blank" + useTest}},
		{"a key with a line break", keys("live", "sk_live_1\n"), []string{field + "Keys[live] has a character other than letters, digits and underscores: copy it again"}},
		{"a publishable key", keys("live", "pk_live_1"), []string{field + "Keys[live] is a publishable API key (pk_…)" + useLive}},
		{"an app's signing secret", keys("live", "absec_1"), []string{field + "Keys[live] is a signing secret (absec_…)" + useLive}},
		{"an endpoint's signing secret", keys("test", "whsec_1"), []string{field + "Keys[test] is a signing secret (whsec_…)" + useTest}},
		{"an organization's key", keys("live", "sk_org_live_1"), []string{field + "Keys[live] is an organization's API key (…_org_…), which is for several accounts of yours" + useLive}},
		{"a refresh token", keys("live", "rt_1"), []string{field + "Keys[live] is no secret API key" + useLive}},
		{"the beginning of a key", keys("live", "sk_live_"), []string{field + "Keys[live] is not a key of this mode" + useLive}},
		{"less than that", keys("live", "sk_live"), []string{field + "Keys[live] is not a key of this mode" + useLive}},
		{"another mode", keys("live", "sk_live_1", "Live", "sk_live_1"), []string{field + "Keys has a mode that is not Live, Test or Sandbox"}},
		{"an empty label", install.TransportConfig{Keys: ourKeys, SandboxLabels: []string{"a", ""}},
			[]string{field + "SandboxLabels[1] is empty: a secret without a label is not a sandbox's"}},
		{"labels and a function", install.TransportConfig{Keys: ourKeys, SandboxLabels: []string{"a"}, Mode: anyMode},
			[]string{field + "SandboxLabels and Mode are both set: let Mode look at Identity.SecretLabel"}},
		{"a label without a key", install.TransportConfig{Keys: map[install.Mode]string{install.Test: "sk_test_1"}, SandboxLabels: []string{"a"}},
			[]string{field + "SandboxLabels is set, and Keys has none for Sandbox"}},
		{"another host", withURL("https://api.stripe.com"), []string{badURL}},
		{"a host that is called like this machine", withURL("http://127.0.0.1.example.com"), []string{badURL}},
		{"a user that is called like this machine", withURL("http://localhost:1@example.com"), []string{badURL}},
		{"a URL with a path", withURL("http://localhost:12111/v1"), []string{badURL}},
		{"a URL with a query", withURL("http://localhost:12111?"), []string{badURL}},
		{"another scheme", withURL("ftp://localhost:12111"), []string{badURL}},
		{"no scheme", withURL("localhost:12111"), []string{badURL}},
		{"no URL", withURL("http://[::1"), []string{badURL}},
		{"several things", install.TransportConfig{Keys: map[install.Mode]string{install.Test: "pk_test_1"}, SandboxLabels: []string{""}, APIURL: "x"}, []string{
			field + "Keys[test] is a publishable API key (pk_…)" + useTest,
			field + "SandboxLabels[0] is empty: a secret without a label is not a sandbox's",
			field + "SandboxLabels is set, and Keys has none for Sandbox",
			badURL,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			transport, err := install.NewTransport(test.cfg)
			if test.want == nil {
				require.NoError(t, err)
				assert.NotNil(t, transport)
				return
			}
			require.EqualError(t, err, strings.Join(test.want, "\n"))
			assert.Nil(t, transport)
		})
	}
}

func TestATransportConfigIsCopied(t *testing.T) {
	var made calls
	cfg := install.TransportConfig{Keys: maps.Clone(ourKeys), SandboxLabels: []string{"sandbox"}, Base: &made}
	transport := newTransport(t, cfg)
	cfg.Keys[install.Sandbox], cfg.SandboxLabels[0] = "sk_test_another", "app"
	_, err := transport.RoundTrip(newCall(verifiedContext(t, inTest, stripeappstest.WithSecret(sandboxSecret)), "https://api.stripe.com/v1/refunds"))
	require.NoError(t, err)
	assert.Equal(t, "Bearer sk_test_oursInTheSandbox", made.requests[0].Header.Get("Authorization"))
}
