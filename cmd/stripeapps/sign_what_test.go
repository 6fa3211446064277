package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/replay"
)

const (
	testWebhookSecret = "whsec_test"
	webhookEnv        = "STRIPE_WEBHOOK_SECRET=" + testWebhookSecret

	testInstallLink = "https://marketplace.stripe.com/apps/install/link/com.example.app?" +
		"redirect_uri=https%3A%2F%2Fapp.example.com%2Finstalled&state=a%2Bb"
)

func TestSignAnEvent(t *testing.T) {
	testCommands(t, []string{secretEnv, webhookEnv}, map[string]commandTest{
		"an event is a curl command": {
			args: words("sign -event account.application.deauthorized -time 1700000000"),
			out: "curl -isS 'http://127.0.0.1:8080/stripe/events' \\\n  -H 'Content-Type: application/json; charset=utf-8' \\\n" +
				"  -H 'Stripe-Signature: t=1700000000,v1=%s' \\\n  --data-binary '{\n  \"id\": \"evt_*",
		},
		"an event is signed with the endpoint's secret alone": {
			args: words("sign -event account.application.deauthorized"), env: []string{secretEnv}, code: 2,
			err: "stripeapps: there is no webhook secret: set $STRIPE_WEBHOOK_SECRET to the webhook endpoint's signing secret " +
				"(whsec_…), or give -webhook-secret-file\n",
		},
		"an event is not signed with the app's secret": {
			args: words("sign -event account.application.deauthorized"), env: []string{"STRIPE_WEBHOOK_SECRET=" + testSecret}, code: 2,
			err: "stripeapps: secret 1 of $STRIPE_WEBHOOK_SECRET looks like an app's signing secret (absec_…): use the webhook " +
				"endpoint's signing secret (whsec_…), *",
		},
		"a request is not signed with the endpoint's secret": {
			args: words("sign"), env: []string{"STRIPE_APP_SECRET=" + testWebhookSecret}, code: 2,
			err: "stripeapps: secret 1 of $STRIPE_APP_SECRET looks like a webhook endpoint's signing secret (whsec_…): *",
		},
		"the endpoint's secret is refused as an argument": {
			args: words("sign -event x -account hunter2hunter2"), env: []string{"STRIPE_WEBHOOK_SECRET=hunter2hunter2"}, code: 2,
			err: "stripeapps: " + secretRefusal + "\n",
		},
		"an event that nobody knows needs its object": {
			args: words("sign -event invoice.paid"), code: 2,
			err: "stripeapps: what is the event about? give its data.object with -payload, like {\"id\":\"in_1\",\"object\":\"invoice\"}" + usageOfSign,
		},
		"an event about a list is refused": {
			args: words("sign -event invoice.paid -payload []"), code: 2,
			err: "stripeapps: the payload is not a JSON object: give one like {\"object\":\"application\"}" + usageOfSign,
		},
		"an event that an endpoint refuses is signed with a note": {
			args: words(`sign -event v1.charge.succeeded -payload {"url":"https://h/"} -as header -time 1700000000`),
			out:  "t=1700000000,v1=%s\n",
			err:  "stripeapps: note: a backend refuses this, as it does if Stripe signs it: *",
		},
		"a type that is none is refused": {
			args: words("sign -event Charge"), code: 2,
			err: "stripeapps: invalid value \"Charge\" for flag -event: this is not a type of event, like " +
				"account.application.deauthorized" + usageOfSign,
		},
		"a type of event is corrected": {
			args: words("sign -event account.application.deauthorised"), code: 2,
			err: "stripeapps: this is not a type that is known: did you mean account.application.deauthorized? for any other, give what " +
				"it is about with -payload" + usageOfSign,
		},
		"a thin type of event is corrected": {
			args: words("sign -event v1.account.application.autorized"), code: 2,
			err: "stripeapps: this is not a type that is known: did you mean v1.account.application.authorized? *",
		},
		"the last part of a type is completed": {
			args: words("sign -event deauthorised"), code: 2,
			err: "stripeapps: this is not a type that is known: did you mean account.application.deauthorized? *",
		},
		"a type of event that is like another one is signed with a payload": {
			args: words("sign -event apps.install.create -payload {} -as header -time 1700000000"), out: "t=1700000000,v1=%s\n",
		},
		"an event has no user": {
			args: words("sign -event account.application.deauthorized -user usr_1"), code: 2,
			err: "stripeapps: with -event there is no -user: leave it out" + usageOfSign,
		},
		"an event is not an install": {
			args: words("sign -event account.application.deauthorized -install http://h/x"), code: 2,
			err: "stripeapps: with -event there is no -install: leave it out" + usageOfSign,
		},
		"an event is not the app's": {
			args: words("sign -event account.application.deauthorized -secret-file x"), code: 2,
			err: "stripeapps: with -event there is no -secret-file: leave it out" + usageOfSign,
		},
		"an event is no address": {
			args: words("sign -event account.application.deauthorized -as url"), code: 2,
			err: "stripeapps: -as url is for -install: give one of curl, header, http" + usageOfSign,
		},
		"a request is neither": {
			args: words("sign -live"), code: 2,
			err: "stripeapps: without -event and -install there is no -live: leave it out" + usageOfSign,
		},
		"a flag of an event is corrected": {
			args: words("sign -evnt x"), code: 2,
			err: "stripeapps: there is no flag -evnt: did you mean -event?" + usageOfSign,
		},
		"the flag of the endpoint's secrets is corrected": {
			args: words("sign -webhook-secrets-file x"), code: 2,
			err: "stripeapps: there is no flag -webhook-secrets-file: did you mean -webhook-secret-file?" + usageOfSign,
		},
	})
}

// What sign prints is what an Endpoint reads, and what verify accepts.
func TestAnEventThatWasSignedIsRead(t *testing.T) {
	for _, c := range []struct {
		args     string
		kind     events.ChangeKind // of an install
		livemode bool
		object   string
	}{
		{args: "account.application.authorized", kind: events.Installed, object: "ca_test"},
		{args: "account.application.deauthorized -live", kind: events.Uninstalled, livemode: true, object: "ca_test"},
		{args: "v1.account.application.authorized", kind: events.Installed},
		{args: "v1.account.application.deauthorized -live", kind: events.Uninstalled, livemode: true},
		{args: "apps.install.created", kind: events.Installed, object: "appinst_test"},
		{args: "apps.install.updated", kind: events.Updated, object: "appinst_test"},
		{args: "apps.install.deleted", kind: events.Uninstalled, object: "appinst_test"},
		{args: `invoice.paid -payload {"id":"in_1","name":"<é>"}`, object: "in_1"},
		{args: `v1.invoice.paid -payload {"id":"in_1","type":"invoice","url":"/v1/invoices/in_1"}`},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := append(words("sign -account acct_1 -time 1700000000 -event"), words(c.args)...)
			signed := execute(t, "", []string{webhookEnv}, append(args, "-json")...)
			require.Equal(t, 0, signed.code, signed.err)
			assert.Empty(t, signed.err)
			var printed signedJSON
			require.NoError(t, json.Unmarshal([]byte(signed.out), &printed))
			event, err := events.ParseUnverified([]byte(printed.Body))
			require.NoError(t, err)
			assert.Equal(t, c.livemode, event.Livemode)
			assert.Equal(t, "acct_1", event.Account)
			assert.Contains(t, string(event.Object), c.object)
			change, _ := event.Change()
			assert.Equal(t, c.kind, change.Kind)

			raw := execute(t, "", []string{webhookEnv}, append(args, "-as", "http")...)
			verified := execute(t, raw.out, []string{webhookEnv}, words("verify -now 1700000000")...)
			assert.Equal(t, 0, verified.code, verified.out+verified.err)
			explained := execute(t, raw.out, []string{webhookEnv}, words("explain -now 1700000000")...)
			assert.Equal(t, 0, explained.code, explained.out+explained.err)
			assert.NotEqual(t, printed.Body, raw.out[strings.Index(raw.out, "{"):], "each has an id of its own")
		})
	}
}

func TestSignAnInstall(t *testing.T) {
	testCommands(t, []string{secretEnv}, map[string]commandTest{
		"an install is an address": {
			args: words("sign -time 1700000000 -user usr_1 -account acct_1 -install " + testInstallLink),
			out: "https://app.example.com/installed?user_id=usr_1&account_id=acct_1&state=a%2Bb" +
				"&install_signature=t%3D1700000000%2Cv1%3D8ebf4d1cab476c55b0662b4963bc7fd55f43b8afb4435877f2ed96a6207777b1&livemode=false\n",
		},
		"an install of live mode does not name it": {
			args: words("sign -live -time 1700000000 -user usr_1 -account acct_1 -install https://h/installed?x=1 -state a"),
			out: "https://h/installed?x=1&user_id=usr_1&account_id=acct_1&state=a" +
				"&install_signature=t%3D1700000000%2Cv1%3D19d576f5d44a8d69ae861fd7d32532aee495824f2b1fad088de33c233c4a877a\n",
		},
		"an install is a curl command, too": {
			args: words("sign -as curl -install http://127.0.0.1:8080/installed -state x"),
			out:  "curl -isS 'http://127.0.0.1:8080/installed?user_id=usr_test&account_id=acct_test&state=x&install_signature=t%3D*",
			err: "stripeapps: note: the command is without the cookie of the browser that has begun the install, and is refused so: " +
				"begin it with curl -c jar, and add -b jar to this\n",
		},
		"an install takes the state from the redirect URI": {
			args: words("sign -live -time 1700000000 -user usr_1 -account acct_1 -install https://h/installed?x=1&state=a"),
			out: "https://h/installed?x=1&user_id=usr_1&account_id=acct_1&state=a" +
				"&install_signature=t%3D1700000000%2Cv1%3D19d576f5d44a8d69ae861fd7d32532aee495824f2b1fad088de33c233c4a877a\n",
		},
		"an install leads back from Stripe": {
			args: words("sign -state x -install https://marketplace.stripe.com/apps/install/link/com.example.app"), code: 2,
			err: "stripeapps: the install link in -install has no redirect_uri, to which a browser would come back: add it, or give -install " +
				"the redirect URI itself" + usageOfSign,
		},
		"an install has one state, also in the redirect URI": {
			args: words("sign -state x -install https://h/installed?state=y"), code: 2,
			err: "stripeapps: -state and the state in -install are both given: give one of them" + usageOfSign,
		},
		"an install needs a state": {
			args: words("sign -install https://h/installed"), code: 2,
			err: "stripeapps: there is no state, without which a backend refuses an install: give -install the address that your " +
				"page leads to, or -state" + usageOfSign,
		},
		"an install with OAuth has no signature": {
			args: words("sign -install https://marketplace.stripe.com/oauth/v2/authorize?client_id=ca_1&redirect_uri=https%3A%2F%2Fh%2Fconnected&state=x"), code: 2,
			err: "stripeapps: this is an OAuth install link, from which a browser comes back with a code and no signature: only the token " +
				"endpoint that has made a code takes it, so play Stripe in a test, with stripeappstest.NewOAuthRedirect and " +
				"installtest.TokenEndpoint" + usageOfSign,
		},
		"an install has one state": {
			args: words("sign -state x -install " + testInstallLink), code: 2,
			err: "stripeapps: -state and the state in -install are both given: give one of them" + usageOfSign,
		},
		"an install leads to a URL": {
			args: words("sign -state x -install https://h/?redirect_uri=/installed"), code: 2,
			err: "stripeapps: the redirect_uri in -install is not an absolute http or https URL without a password" + usageOfSign,
		},
		"an install has a URL": {
			args: words("sign -state x -install /installed"), code: 2,
			err: "stripeapps: -install is not an absolute http or https URL without a password, *",
		},
		"an install has a user": {
			args: []string{"sign", "-user", "", "-state", "x", "-install", "http://h/installed"}, code: 2,
			err: "stripeapps: an install has a user: give -user an id, like usr_123" + usageOfSign,
		},
		"an install has no payload": {
			args: words("sign -state x -install http://h/installed -payload {}"), code: 2,
			err: "stripeapps: with -install there is no -payload: leave it out" + usageOfSign,
		},
		"an install is not signed with the endpoint's secret": {
			args: words("sign -install " + testInstallLink), env: []string{"STRIPE_APP_SECRET=" + testWebhookSecret}, code: 2,
			err: "stripeapps: secret 1 of $STRIPE_APP_SECRET looks like a webhook endpoint's signing secret (whsec_…): *",
		},
	})
}

func TestVerifyAcceptsAnInstallThatWasSigned(t *testing.T) {
	for _, state := range []string{"x", "a b+c/d=&?#%\"\\<é😀", strings.Repeat("s", 1000)} {
		link := "https://marketplace.stripe.com/apps/install/link/x?redirect_uri=" + url.QueryEscape("https://app.example.com/installed")
		args := []string{"sign", "-time", "1700000000", "-install", link, "-state", state}
		signed := execute(t, "", []string{secretEnv}, args...)
		require.Equal(t, 0, signed.code, signed.err)
		for _, command := range []string{"verify", "explain"} {
			got := execute(t, "", []string{secretEnv}, command, "-now", "1700000000", "-install", strings.TrimSpace(signed.out))
			assert.Equal(t, 0, got.code, got.out+got.err)
		}
		raw := execute(t, "", []string{secretEnv}, append(args, "-as", "http")...)
		verified := execute(t, raw.out, []string{secretEnv}, "verify", "-now", "1700000000")
		assert.Equal(t, 0, verified.code, verified.out+verified.err)
	}
}

// The whole way of an install, but for Stripe: sign plays it.
func TestALinkTakesTheInstallThatWasSigned(t *testing.T) {
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{testSecret}})
	require.NoError(t, err)
	mux := http.NewServeMux()
	backend := httptest.NewServer(mux)
	defer backend.Close()
	link, err := install.NewLink(install.LinkConfig{
		URL: "https://marketplace.stripe.com/apps/install/link/com.example.app", RedirectURI: backend.URL + "/installed",
		Verifier: verifier, StateKeys: [][]byte{[]byte(rand.Text()[:16] + rand.Text()[:16])}, Guard: replay.NewMemory(replay.MemoryConfig{}),
	})
	require.NoError(t, err)
	mux.Handle("GET /install", link.Start())
	mux.Handle("GET /installed", link.Callback(func(w http.ResponseWriter, _ *http.Request, installed install.Installed) {
		fmt.Fprint(w, installed.UserID, " of ", installed.AccountID, ", live: ", installed.UnsignedLivemode)
	}))
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	start, err := client.Get(backend.URL + "/install")
	require.NoError(t, err)
	start.Body.Close()

	signed := execute(t, "", []string{secretEnv}, "sign", "-user", "usr_1", "-install", start.Header.Get("Location"))
	require.Equal(t, 0, signed.code, signed.err)
	back, err := http.NewRequest(http.MethodGet, strings.TrimSpace(signed.out), nil)
	require.NoError(t, err)
	for _, cookie := range start.Cookies() {
		back.AddCookie(cookie)
	}
	response, err := client.Do(back)
	require.NoError(t, err)
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, "usr_1 of acct_test, live: false", string(page))
}
