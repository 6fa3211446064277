package install_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/install/installtest"
)

// The event's time is that of Stripe's clock.
func TestAnUninstallOfAboutTheTimeOfTheInstall(t *testing.T) {
	for _, test := range []struct {
		name      string
		after     time.Duration // the uninstall, after the install, by these two clocks
		installed bool          // in truth
		asked     int
		want      error
	}{
		{"it is installed again, in the same second", 0, true, 1, nil},
		{"it is installed again, and the clock is two minutes behind", 2 * time.Minute, true, 1, nil},
		{"it is installed again, and the clock is ten minutes behind", 10 * time.Minute, true, 1, nil},
		{"it is installed again minutes after", -2 * time.Minute, true, 1, nil},
		{"it is installed again long after", -11 * time.Minute, true, 0, nil},
		{"it is uninstalled at once", time.Second, false, 1, install.ErrInstallAgain},
		{"it is uninstalled, and the clock is ahead", -2 * time.Minute, false, 1, install.ErrInstallAgain},
		{"it is uninstalled after ten minutes", 10*time.Minute + time.Second, false, 0, install.ErrNotInstalled},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				tokens := w.installed(live)
				if !test.installed {
					w.endpoint.Uninstall(live)
				}
				for range 2 { // events come again
					require.NoError(t, tokens.ForgetBefore(w.Context(), live, time.Now().Add(test.after)))
				}
				token, err := w.process().AccessToken(w.Context(), live)
				assert.ErrorIs(t, err, test.want)
				assert.Equal(t, test.asked, w.endpoint.Refreshes())
				if test.installed {
					assert.Equal(t, token, w.good(tokens, live), "it is not in doubt any more")
					assert.Equal(t, test.asked, w.endpoint.Refreshes())
				}
			})
		})
	}
}

func TestATokenInDoubtIsNotUsedWhileStripeIsDown(t *testing.T) {
	inBubble(t, func(w *world) {
		tokens := w.installed(live)
		require.NoError(t, tokens.ForgetBefore(w.Context(), live, time.Now()))
		for range 3 {
			w.endpoint.Next(installtest.Down)
			_, err := tokens.AccessToken(w.Context(), live)
			assert.ErrorIs(t, err, install.ErrTokensUnavailable)
			time.Sleep(3 * time.Second)
		}
		w.good(tokens, live)
	})
}

// Stripe has given the next tokens before the account uninstalls the app.
func TestADoubtThatIsYoungerThanTheRefreshStays(t *testing.T) {
	inBubble(t, func(w *world) {
		tokens := w.installed(live)
		require.NoError(t, tokens.ForgetBefore(w.Context(), live, time.Now()))
		asked := false
		refreshing := w.process(func(cfg *install.TokensConfig) {
			cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
				response, err := local{w.endpoint}.RoundTrip(r)
				if !asked {
					asked = true
					w.endpoint.Uninstall(live)
					assert.NoError(t, tokens.ForgetBefore(w.Context(), live, time.Now()))
				}
				return response, err
			})
		})
		_, err := refreshing.AccessToken(w.Context(), live)
		assert.ErrorIs(t, err, install.ErrInstallAgain)
	})
}

func TestWhatIsRefreshedLongAfterAnUninstallIsNotInDoubt(t *testing.T) {
	inBubble(t, func(w *world) {
		tokens := w.installed(live)
		uninstalled := time.Now()
		over()
		w.good(tokens, live)
		require.NoError(t, tokens.ForgetBefore(w.Context(), live, uninstalled))
		w.good(tokens, live)
		assert.Equal(t, 1, w.endpoint.Refreshes())
	})
}

// A private app's events have no account, and nothing would be forgotten.
func TestWhatNoInstallCanBeIsNotForgotten(t *testing.T) {
	inBubble(t, func(w *world) {
		tokens := w.installed(live)
		for _, id := range []install.ID{
			{}, {Mode: install.Live}, {Account: "acct_1"}, {Account: "acct_1", Mode: "Live"}, {Account: "acct_1", Mode: "livemode"},
			{Account: " acct_1", Mode: install.Live}, {Account: "acct_1\x00", Mode: install.Live},
		} {
			for _, err := range []error{tokens.Forget(w.Context(), id), tokens.ForgetBefore(w.Context(), id, time.Now())} {
				var refusal *stripeapps.Error
				require.ErrorAs(t, err, &refusal)
				assert.Equal(t, "no_install_id", refusal.Code())
				assert.Equal(t, http.StatusInternalServerError, refusal.Status())
			}
		}
		w.good(tokens, live)
	})
}
