package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/examples/installed/standin"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

func TestTheLifeOfAnApp(t *testing.T) {
	inBothWays(t, func(t *testing.T, w *world) {
		b := w.newBrowser()
		assert.Contains(t, b.open(w.stripe.URL+"/").text, "The life of a Stripe App")
		w.assertNotInstalled()

		shown := b.install()
		assert.Equal(t, http.StatusOK, shown.status)
		assert.True(t, strings.HasPrefix(shown.url, w.stripe.URL+"/"), "the app leads on to the Dashboard: %s", shown.url)
		assert.Contains(t, shown.text, "installed Your backend took it")
		w.assertInstalled()
		shown = b.open(w.stripe.URL + "/")
		assert.Contains(t, shown.text, "200 Stripe responded.")
		assert.NotContains(t, shown.text, standin.SecretKey, "keys are masked")

		shown = b.send(w.stripe.URL+"/uninstall", nil)
		assert.Contains(t, shown.text, "200 Ask for the balance again")
		w.assertNotInstalled()

		shown = b.send(w.stripe.URL+"/deliver-again", nil)
		assert.Contains(t, shown.text, "200 Delivered 2 times, handled once.")
		assert.Equal(t, 1, w.deliveries("succeeded"))
		assert.Equal(t, 1, w.deliveries("duplicate"))

		b.install()
		w.assertInstalled()
		b.send(w.stripe.URL+"/deliver-again", nil)
		w.assertInstalled()
	})
}

func TestWhoDoesNotAgreeHasNotInstalled(t *testing.T) {
	inBothWays(t, func(t *testing.T, w *world) {
		b := w.newBrowser()
		shown := b.send(b.beginInstall(), url.Values{"decision": {"cancel"}})
		assert.Equal(t, http.StatusBadRequest, shown.status)
		assert.Contains(t, shown.text, "install_cancelled")
		w.assertNotInstalled()

		b.install()
		b.open(w.site + "/installed?error=access_denied") // as anybody can lead a browser
		w.assertInstalled()
	})
}

func TestAWayBackThatIsForgedInstallsNothing(t *testing.T) {
	set := func(name, value string) func(url.Values) { return func(query url.Values) { query.Set(name, value) } }
	without := func(name string) func(url.Values) { return func(query url.Values) { query.Del(name) } }
	for name, test := range map[string]struct {
		oauth bool
		forge func(url.Values)
		code  string
	}{
		"another account":                     {false, set("account_id", "acct_Other"), "install_signature_refused"},
		"another user":                        {false, set("user_id", "usr_Other"), "install_signature_refused"},
		"a signature that is made up":         {false, set("install_signature", "t=1,v1=00"), "install_signature_refused"},
		"no signature":                        {false, without("install_signature"), "install_signature_refused"},
		"no state, as from the Marketplace":   {false, without("state"), "install_not_started"},
		"a state that is made up":             {false, set("state", strings.Repeat("A", 140)), "install_invalid_state"},
		"an account twice":                    {false, func(query url.Values) { query.Add("account_id", "acct_Other") }, "install_malformed"},
		"a code and no state":                 {true, without("state"), "install_not_started"},
		"a code with a state that is made up": {true, set("state", strings.Repeat("A", 140)), "install_invalid_state"},
		"a code that Stripe did not give":     {true, set("code", "ac_other"), "code_refused"},
		"no code":                             {true, without("code"), "install_malformed"},
		"a signed install, where there is OAuth": {true, func(query url.Values) {
			query.Del("code")
			query.Set("account_id", standin.AccountID)
			query.Set("install_signature", stripeappstest.Sign(map[string]string{"state": query.Get("state")},
				stripeappstest.WithSecret(standin.AppSecret), stripeappstest.WithUser(standin.UserID), stripeappstest.WithAccount(standin.AccountID)))
		}, "install_malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.oauth)
			b := w.newBrowser()
			back := b.wayBack()
			query := back.Query()
			test.forge(query)
			back.RawQuery = query.Encode()
			shown := b.open(back.String())
			assert.GreaterOrEqual(t, shown.status, 400)
			assert.Contains(t, shown.text, test.code)
			w.assertNotInstalled()
		})
	}
}

func TestAWayBackIsOneBrowsersOnce(t *testing.T) {
	inBothWays(t, func(t *testing.T, w *world) {
		b, other := w.newBrowser(), w.newBrowser()
		back := b.wayBack().String()
		other.wayBack() // has a cookie of its own
		shown := other.open(back)
		assert.Equal(t, http.StatusBadRequest, shown.status)
		assert.Contains(t, shown.text, "install_other_browser")
		w.assertNotInstalled()
	})
	inBothWays(t, func(t *testing.T, w *world) {
		b := w.newBrowser()
		back := b.wayBack().String()
		assert.Equal(t, http.StatusOK, b.open(back).status)
		w.assertInstalled()
		b.send(w.stripe.URL+"/uninstall", nil)
		shown := b.open(back)
		assert.Equal(t, http.StatusBadRequest, shown.status)
		assert.Contains(t, shown.text, "install_other_browser") // its cookie is gone
		w.assertNotInstalled()
	})
}

func TestWhatIsRefusedToTheExtension(t *testing.T) {
	inBothWays(t, func(t *testing.T, w *world) {
		w.newBrowser().install()
		for name, test := range map[string]struct {
			payload map[string]any
			option  stripeappstest.Option
			status  int
			code    string
		}{
			"nothing signed":         {inTest, stripeappstest.Unsigned(), http.StatusUnauthorized, "not_signed"},
			"another secret":         {inTest, stripeappstest.WithOtherSecret(), http.StatusUnauthorized, "no_match"},
			"signed long ago":        {inTest, stripeappstest.Expired(), http.StatusUnauthorized, "too_old"},
			"another account":        {inTest, stripeappstest.WithAccount("acct_Other"), http.StatusForbidden, "not_installed"},
			"another action":         {map[string]any{"action": "refund", "livemode": false}, stripeappstest.At(time.Now()), http.StatusForbidden, "requirement_not_met"},
			"no mode":                {map[string]any{"action": "balance"}, stripeappstest.At(time.Now()), http.StatusBadRequest, "no_mode"},
			"an install's signature": {map[string]any{"state": "s"}, stripeappstest.At(time.Now()), http.StatusBadRequest, "install_signature"},
		} {
			t.Run(name, func(t *testing.T) {
				got := w.ask(test.payload, test.option)
				assert.Equal(t, []any{test.status, test.code}, []any{got.status, got.code}, got.text)
			})
		}
		live := w.ask(map[string]any{"action": "balance", "livemode": true})
		assert.Contains(t, []string{"not_installed", "mode_not_served"}, live.code, "live mode is not served")
		w.assertInstalled()
	})
}

// late is an event of long ago that Stripe sends now.
const late = `{"id":"evt_late","object":"event","account":"` + standin.AccountID + `","api_version":"2026-10-28.endive","created":1700000000,` +
	`"data":{"object":{"id":"ca_example","object":"application"}},"livemode":false,"pending_webhooks":1,"type":"account.application.deauthorized"}`

// otherApp is an install of another developer's app, which the account has too.
const otherApp = `{"id":"appinst_2","object":"apps.install","account":"` + standin.AccountID + `","app":"com.other.developer","status":"uninstalling","livemode":false}`

func TestWhichEventsUninstall(t *testing.T) {
	inBothWays(t, func(t *testing.T, w *world) {
		w.newBrowser().install()
		const deauthorized = "account.application.deauthorized"
		to, account := w.site+"/stripe/events", stripeappstest.WithAccount(standin.AccountID)
		secret, test := stripeappstest.WithSecret(standin.WebhookSecret), stripeappstest.InTestMode()

		for name, event := range map[string]struct {
			r      *http.Request
			status int
		}{
			"none that is signed by somebody else": {stripeappstest.NewEvent(to, deauthorized, nil, account, test), http.StatusUnauthorized},
			"none that an extension has signed":    {stripeappstest.NewEvent(to, deauthorized, nil, account, test, stripeappstest.WithSecret(standin.AppSecret)), http.StatusUnauthorized},
			"none that is not signed":              {stripeappstest.NewEvent(to, deauthorized, nil, account, test, secret, stripeappstest.Unsigned()), http.StatusUnauthorized},
			"none of live mode":                    {stripeappstest.NewEvent(to, deauthorized, nil, account, secret), http.StatusOK},
			"none of another account":              {stripeappstest.NewEvent(to, deauthorized, nil, stripeappstest.WithAccount("acct_Other"), test, secret), http.StatusOK},
			"none of another type":                 {stripeappstest.NewEvent(to, "account.application.authorized", nil, account, test, secret), http.StatusOK},
			"none of another app":                  {stripeappstest.NewEvent(to, "apps.install.deleted", otherApp, account, test, secret), http.StatusOK},
			"none from before the install":         {stripeappstest.NewRawEvent(to, []byte(late), secret), http.StatusOK},
		} {
			t.Run(name, func(t *testing.T) {
				got := w.do(event.r)
				assert.Equal(t, event.status, got.status, got.text)
				w.assertInstalled()
			})
		}
		for _, kind := range []string{deauthorized, "v1." + deauthorized, "apps.install.deleted"} {
			t.Run(kind+" does", func(t *testing.T) {
				w.newBrowser().install()
				w.assertInstalled()
				w.stripe.Withdraw()
				got := w.do(stripeappstest.NewEvent(to, kind, nil, account, test, secret))
				assert.Equal(t, http.StatusOK, got.status, got.text)
				w.assertNotInstalled()
			})
		}
	})
}

// As those of a private app, which is its own account's.
func TestAnUninstallThatNamesNoAccountIsOfOurOwn(t *testing.T) {
	for name, own := range map[string]string{"which is not given": "", "which is given": standin.AccountID} {
		for _, oauth := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				w := newWorldOf(t, oauth, func(c *config) { c.OwnAccount = own })
				w.newBrowser().install()
				w.assertInstalled()
				if own != "" {
					w.stripe.Withdraw()
				}
				got := w.do(stripeappstest.NewEvent(w.site+"/stripe/events", "account.application.deauthorized", nil,
					stripeappstest.WithAccount(""), stripeappstest.InTestMode(), stripeappstest.WithSecret(standin.WebhookSecret)))
				if own == "" {
					assert.Equal(t, []any{http.StatusInternalServerError, "handler_failed"}, []any{got.status, got.code}, "Stripe sends it again")
					w.assertInstalled()
				} else {
					assert.Equal(t, http.StatusOK, got.status, got.text)
					w.assertNotInstalled()
				}
			})
		}
	}
}

func TestWhenStripeCannotBeReachedTheLogSaysWhy(t *testing.T) {
	w := newWorld(t, false)
	w.newBrowser().install()
	w.stripe.Close()
	got := w.ask(inTest)
	assert.Equal(t, []any{http.StatusBadGateway, "stripe_failed"}, []any{got.status, got.code}, got.text)
	assert.Contains(t, w.log.String(), "refused")
}

// The account has uninstalled the app, and the event is not here yet.
func TestWhatStripeRefusesIsRefused(t *testing.T) {
	w := newWorld(t, false)
	w.newBrowser().install()
	w.stripe.Withdraw()
	got := w.ask(inTest)
	assert.Equal(t, []any{http.StatusBadGateway, "stripe_failed"}, []any{got.status, got.code}, got.text)
}

func TestTheProgramServesUntilItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, options{addr: "127.0.0.1:0", stripeAddr: "127.0.0.1:0"}, in, io.Discard) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	go io.Copy(io.Discard, out)
	address := regexp.MustCompile(`http://localhost:\d+/`).FindString(line)
	response, err := http.Get(address)
	require.NoError(t, err)
	response.Body.Close()
	assert.Equal(t, http.StatusOK, response.StatusCode)
	stop()
	require.NoError(t, <-ended)

	require.ErrorContains(t, run(t.Context(), options{addr: "127.0.0.1:0", stripeAddr: "0.0.0.0:0"}, io.Discard, io.Discard), "can be reached by others")
}
