package install_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/install/installtest"
)

// late responds when the next one has responded already.
func late(rw http.ResponseWriter, r *http.Request, answer http.Handler) {
	answer.ServeHTTP(rw, r)
	time.Sleep(5 * time.Second)
}

// Two people of one account install the app, in two processes. Stripe's response to the
// first comes last: the other one's tokens are good.
func TestInstallsThatOvertakeOneAnother(t *testing.T) {
	for _, test := range []struct {
		name   string
		skew   time.Duration // of the first one's clock
		asked  int
		faults []installtest.Fault
	}{
		{"clocks that are right", 0, 1, nil},
		{"the first one's clock is ahead", 5 * time.Minute, 2, nil},
		{"the first one's clock is behind", -5 * time.Minute, 1, nil},
		{"Stripe is down at first", 5 * time.Minute, 3, []installtest.Fault{installtest.Down}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.endpoint.Next(late)
				first := w.process(func(cfg *install.TokensConfig) {
					cfg.Now = func() time.Time { return time.Now().Add(test.skew) }
				})
				var installing sync.WaitGroup
				installing.Go(func() {
					_, err := first.Exchange(w.Context(), live.Mode, w.endpoint.Code(live))
					assert.NoError(t, err)
				})
				time.Sleep(time.Second)
				w.installed(live)
				installing.Wait()
				w.endpoint.Next(test.faults...)
				for range test.faults {
					_, err := w.process().AccessToken(w.Context(), live)
					assert.ErrorIs(t, err, install.ErrTokensUnavailable)
					time.Sleep(3 * time.Second)
				}
				w.good(w.process(), live)
				w.good(w.process(), live)
				assert.Equal(t, test.asked, w.endpoint.Refreshes())
				over()
				w.good(w.process(), live)
			})
		})
	}
}

func TestAnInstallIsOnlyInDoubtIfItMayNotBeTheLast(t *testing.T) {
	for _, test := range []struct {
		name  string
		wait  time.Duration
		asked int
	}{
		{"one after the other", time.Second, 1},
		{"one ten minutes after the other", 10 * time.Minute, 1},
		{"one more than that after the other", 10*time.Minute + time.Second, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.installed(live)
				time.Sleep(test.wait)
				w.good(w.installed(live), live)
				assert.Equal(t, test.asked, w.endpoint.Refreshes())
			})
		})
	}
	t.Run("Stripe has refused the first one", func(t *testing.T) {
		inBubble(t, func(w *world) {
			tokens := w.installed(live)
			w.endpoint.Uninstall(live)
			require.NoError(t, tokens.ForgetBefore(w.Context(), live, time.Now()))
			_, err := tokens.AccessToken(w.Context(), live)
			assert.ErrorIs(t, err, install.ErrInstallAgain)
			time.Sleep(time.Minute)
			w.good(w.installed(live), live)
			assert.Equal(t, 1, w.endpoint.Refreshes())
		})
	})
	t.Run("its own Save was done, and it could not be told so", func(t *testing.T) {
		inBubble(t, func(w *world) {
			memory, saved := w.store, false
			w.store = &faulty{Store: memory,
				lose: once("save", func() error { saved = true; return errStore }),
				fail: func(call string) error {
					if call == "load" && saved {
						saved = false
						return errStore
					}
					return nil
				}}
			w.good(w.installed(live), live)
			assert.Zero(t, w.endpoint.Refreshes())
		})
	})
}

// Neither of the two is thrown away if Stripe refuses both, since that can be for the key.
func TestTheWrongKeyLosesNoneOfTwoInstalls(t *testing.T) {
	inBubble(t, func(w *world) {
		w.installed(test)
		w.installed(test)
		wrong := w.process(func(cfg *install.TokensConfig) {
			cfg.Keys = map[install.Mode]string{install.Test: keys[install.Sandbox]}
		})
		for i := range 3 {
			_, err := wrong.AccessToken(w.Context(), test)
			assert.ErrorIs(t, err, install.ErrInstallAgain)
			_, err = w.process().AccessToken(w.Context(), test)
			assert.ErrorIs(t, err, install.ErrInstallAgain)
			assert.Equal(t, 2*(i+1), w.endpoint.Refreshes(), "each once in an hour")
			over()
		}
		w.good(w.process(), test)
	})
}

// The first install is being refreshed when the second one comes: Stripe says which of the
// two is good.
func TestAnInstallInTheMiddleOfTheRefreshOfAnother(t *testing.T) {
	for name, order := range map[string]func(refresh, install func()){
		"Stripe refreshes first": func(refresh, install func()) { refresh(); install() },
		"Stripe installs first":  func(refresh, install func()) { install(); refresh() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				tokens := w.installed(live)
				time.Sleep(time.Second)
				require.NoError(t, tokens.ForgetBefore(w.Context(), live, time.Now()), "a refresh is needed")
				asked := false
				refreshing := w.process(func(cfg *install.TokensConfig) {
					cfg.Client.Transport = transport(func(r *http.Request) (response *http.Response, err error) {
						refresh := func() { response, err = local{w.endpoint}.RoundTrip(r) }
						if asked {
							refresh()
							return response, err
						}
						asked = true
						order(refresh, func() { w.installed(live) })
						return response, err
					})
				})
				w.good(refreshing, live)
				w.good(w.process(), live)
			})
		})
	}
}

// The second install's clock is behind, so that the first one stays, and is being refreshed.
func TestAnInstallByAClockThatIsBehindInTheMiddleOfARefresh(t *testing.T) {
	inBubble(t, func(w *world) {
		tokens := w.installed(live)
		require.NoError(t, tokens.ForgetBefore(w.Context(), live, time.Now()), "a refresh is needed")
		asked := false
		refreshing := w.process(func(cfg *install.TokensConfig) {
			cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
				response, err := local{w.endpoint}.RoundTrip(r)
				if !asked {
					asked = true
					behind := w.process(func(cfg *install.TokensConfig) {
						cfg.Now = func() time.Time { return time.Now().Add(-5 * time.Minute) }
					})
					_, err := behind.Exchange(w.Context(), live.Mode, w.endpoint.Code(live))
					assert.NoError(t, err)
					time.Sleep(10 * time.Second)
				}
				return response, err
			})
		})
		var callers sync.WaitGroup
		callers.Go(func() { w.good(refreshing, live) })
		time.Sleep(time.Second)
		w.good(w.process(), live)
		callers.Wait()
		assert.Equal(t, 3, w.endpoint.Refreshes(), "the first one, what that has given, and the second one, each once")
	})
}

func TestTokensOfTheLongestAreKept(t *testing.T) {
	inBubble(t, func(w *world) {
		long := func(end string) installtest.Fault {
			return installtest.With(map[string]any{"access_token": strings.Repeat("&", 4096), "refresh_token": strings.Repeat(`"`, 4095) + end})
		}
		w.endpoint.Next(long("1"), long("2"))
		w.installed(live)
		tokens := w.installed(live)
		w.endpoint.Next(long("3"))
		_, err := tokens.AccessToken(w.Context(), live)
		assert.ErrorIs(t, err, install.ErrInstallAgain, "Stripe's endpoint does not know them, and they can be opened")
	})
}
