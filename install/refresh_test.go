package install_test

import (
	"bytes"
	"context"
	"log"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/install"
)

// once is a Store's fault, in the first call of a kind.
func once(kind string, f func() error) func(string) error {
	var done atomic.Bool
	return func(call string) error {
		if call == kind && done.CompareAndSwap(false, true) {
			return f()
		}
		return nil
	}
}

// The Save that makes it this process's turn is done, and the process hears of it late:
// by then it is another one's.
func TestAProcessThatHearsOfItsTurnTooLateDoesNotAskStripe(t *testing.T) {
	for _, late := range []time.Duration{25 * time.Second, 59 * time.Second, 70 * time.Second, 100 * time.Second} {
		t.Run(late.String(), func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.installed(live)
				over()
				slow := func(rw http.ResponseWriter, r *http.Request, answer http.Handler) {
					answer.ServeHTTP(rw, r)
					time.Sleep(20 * time.Second)
				}
				w.endpoint.Next(slow, slow)
				stalled := w.process(func(cfg *install.TokensConfig) {
					cfg.Store = &faulty{Store: w.store, lose: once("save", func() error { time.Sleep(late); return nil })}
				})
				var callers sync.WaitGroup
				callers.Go(func() { w.good(stalled, live) })
				time.Sleep(time.Second)
				w.good(w.process(), live)
				callers.Wait()
				w.good(w.process(), live)
				assert.Equal(t, 1, w.endpoint.Refreshes())
			})
		})
	}
}

// It has heard of its turn in time, and is suspended before it has asked.
func TestAProcessThatStandsStillDoesNotAskStripe(t *testing.T) {
	inBubble(t, func(w *world) {
		w.installed(live)
		over()
		var taken atomic.Bool
		suspended := w.process(func(cfg *install.TokensConfig) {
			cfg.Store = &faulty{Store: w.store, lose: once("save", func() error { taken.Store(true); return nil })}
			cfg.Now = func() time.Time {
				if taken.CompareAndSwap(true, false) {
					time.Sleep(70 * time.Second)
				}
				return time.Now()
			}
		})
		var callers sync.WaitGroup
		callers.Go(func() { w.good(suspended, live) })
		time.Sleep(time.Second)
		w.good(w.process(), live)
		callers.Wait()
		assert.Equal(t, 1, w.endpoint.Refreshes())
	})
}

func TestAStoreThatIsAwayWhenTheRefreshTokenIsRefused(t *testing.T) {
	inBubble(t, func(w *world) {
		w.installed(live)
		w.endpoint.Uninstall(live)
		over()
		away := false
		tokens := w.process(func(cfg *install.TokensConfig) {
			cfg.Store = &faulty{Store: w.store, fail: func(string) error {
				if away {
					return errStore
				}
				return nil
			}}
			cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
				away = true
				return local{w.endpoint}.RoundTrip(r)
			})
		})
		_, err := tokens.AccessToken(w.Context(), live)
		assert.ErrorIs(t, err, install.ErrTokensUnavailable)
		assert.NotErrorIs(t, err, install.ErrInstallAgain, "another process may have refreshed it")
	})
}

// It is so if Leases differ, say.
func TestARefreshTokenThatAnotherProcessHasUsedIsNotALostInstall(t *testing.T) {
	inBubble(t, func(w *world) {
		w.installed(live)
		over()
		slow := func(before, after, lease time.Duration) *install.Tokens {
			return w.process(func(cfg *install.TokensConfig) {
				cfg.Lease = lease
				cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
					time.Sleep(before)
					response, err := local{w.endpoint}.RoundTrip(r)
					time.Sleep(after)
					return response, err
				})
			})
		}
		var callers sync.WaitGroup
		callers.Go(func() {
			_, err := slow(20*time.Second, 0, time.Minute).AccessToken(w.Context(), live)
			assert.ErrorIs(t, err, install.ErrTokensUnavailable)
			assert.NotErrorIs(t, err, install.ErrInstallAgain)
		})
		time.Sleep(time.Second)
		hasty := slow(0, 30*time.Second, time.Second)
		hasty.AccessToken(w.Context(), live)
		assert.NoError(t, hasty.Wait(w.Context()))
		callers.Wait()
		w.good(w.process(), live)
		assert.Equal(t, 2, w.endpoint.Refreshes())
	})
}

func TestAProcessDoesNotWaitForItself(t *testing.T) {
	t.Run("its turn was saved, and it could not be told so", func(t *testing.T) {
		inBubble(t, func(w *world) {
			w.installed(live)
			over()
			saved := false
			tokens := w.process(func(cfg *install.TokensConfig) {
				cfg.Store = &faulty{Store: w.store,
					lose: once("save", func() error { saved = true; return errStore }),
					fail: func(call string) error {
						if call == "load" && saved {
							saved = false
							return errStore
						}
						return nil
					}}
			})
			_, err := tokens.AccessToken(w.Context(), live)
			assert.ErrorIs(t, err, errStore)
			began := time.Now()
			w.good(tokens, live)
			assert.Equal(t, began, time.Now())
		})
	})
	t.Run("its clock is set back when it has the turn", func(t *testing.T) {
		inBubble(t, func(w *world) {
			w.installed(live)
			over()
			var back atomic.Int64
			tokens := w.process(func(cfg *install.TokensConfig) {
				cfg.Store = &faulty{Store: w.store, lose: once("save", func() error { back.Store(int64(10 * time.Minute)); return nil })}
				cfg.Now = func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }
			})
			began := time.Now()
			w.good(tokens, live)
			back.Store(0)
			w.good(tokens, live)
			assert.Equal(t, began, time.Now())
			assert.Equal(t, 1, w.endpoint.Refreshes())
		})
	})
}

// A panic that nobody recovers ends the program, and no server is around a refresh.
func TestAPanicInARefreshEndsNoProgram(t *testing.T) {
	for _, test := range []struct {
		name  string
		panic func(cfg *install.TokensConfig, f func())
	}{
		{"of the Store", func(cfg *install.TokensConfig, f func()) {
			cfg.Store = &faulty{Store: cfg.Store, fail: func(call string) error {
				if call == "save" {
					f()
				}
				return nil
			}}
		}},
		{"of the Transport", func(cfg *install.TokensConfig, f func()) {
			next := cfg.Client.Transport
			cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
				f()
				return next.RoundTrip(r)
			})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.installed(live)
				over()
				first := true
				tokens := w.process(func(cfg *install.TokensConfig) {
					test.panic(cfg, func() {
						if first {
							first = false
							panic("very secret")
						}
					})
				})
				var logged bytes.Buffer
				server := &http.Server{ErrorLog: log.New(&logged, "", 0)}
				ctx := context.WithValue(w.Context(), http.ServerContextKey, server)
				_, err := tokens.AccessToken(ctx, live)
				assert.ErrorIs(t, err, install.ErrTokensUnavailable)
				assert.ErrorContains(t, err, "the refresh panicked")
				assert.NotContains(t, err.Error(), "very secret")
				assert.Regexp(t, `^stripeapps/install: panic in a refresh: very secret\ngoroutine `, logged.String())
				began := time.Now()
				w.good(tokens, live)
				assert.Equal(t, began, time.Now())
			})
		})
	}
}

// A Store must not say so. It would cost the only tokens that are good.
func TestAStoreThatSaysForAWhileThatThereIsNothing(t *testing.T) {
	inBubble(t, func(w *world) {
		w.installed(live)
		over()
		var until time.Time
		tokens := w.process(func(cfg *install.TokensConfig) {
			cfg.Store = &faulty{Store: w.store, fail: func(call string) error {
				switch {
				case !time.Now().Before(until):
					return nil
				case call == "load":
					return install.ErrNotFound
				default:
					return install.ErrConflict
				}
			}}
			cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
				until = time.Now().Add(170 * time.Second)
				return local{w.endpoint}.RoundTrip(r)
			})
		})
		_, err := tokens.AccessToken(w.Context(), live)
		assert.ErrorIs(t, err, install.ErrTokensUnavailable)
		require.NoError(t, tokens.Wait(w.Context()))
		w.good(w.process(), live)
		assert.Equal(t, 1, w.endpoint.Refreshes())
	})
}
