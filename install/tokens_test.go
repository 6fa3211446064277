package install_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/install/installtest"
)

var (
	keys  = map[install.Mode]string{install.Live: "sk_live_1", install.Test: "sk_test_1", install.Sandbox: "sk_test_2"}
	seals = [][]byte{bytes.Repeat([]byte("first-k1"), 4), bytes.Repeat([]byte("secondk2"), 4)}
	live  = install.ID{Account: "acct_1", Mode: install.Live}
	test  = install.ID{Account: "acct_1", Mode: install.Test}
)

// local is a Transport to a handler of this process, so that no time passes.
type local struct{ http.Handler }

func (l local) RoundTrip(r *http.Request) (response *http.Response, err error) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			response, err = nil, io.ErrUnexpectedEOF
		} else if p != nil {
			panic(p)
		}
	}()
	w := httptest.NewRecorder()
	l.ServeHTTP(w, r.Clone(r.Context()))
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// transport is a function that is one.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// world is Stripe's endpoint and a Store, and makes processes that use them.
type world struct {
	*testing.T
	endpoint *installtest.TokenEndpoint
	store    install.Store

	mu        sync.Mutex
	processes []*install.Tokens
}

func newWorld(t *testing.T) *world {
	return &world{T: t, endpoint: installtest.NewTokenEndpoint(keys), store: install.NewMemory()}
}

func (w *world) process(change ...func(*install.TokensConfig)) *install.Tokens {
	w.Helper()
	cfg := install.TokensConfig{Keys: keys, Store: w.store, SealingKeys: seals[:1], Client: &http.Client{Transport: local{w.endpoint}}}
	for _, f := range change {
		f(&cfg)
	}
	tokens, err := install.NewTokens(cfg)
	require.NoError(w, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.processes = append(w.processes, tokens)
	return tokens
}

// installed is a process in which these have been installed.
func (w *world) installed(ids ...install.ID) *install.Tokens {
	w.Helper()
	tokens := w.process()
	for _, id := range ids {
		authorized, err := tokens.Exchange(w.Context(), id.Mode, w.endpoint.Code(id))
		require.NoError(w, err)
		assert.Equal(w, id, authorized.ID)
	}
	return tokens
}

// good is an access token that Stripe accepts.
func (w *world) good(tokens *install.Tokens, id install.ID) string {
	w.Helper()
	token, err := tokens.AccessToken(w.Context(), id)
	require.NoError(w, err)
	of, ok := w.endpoint.Accepts(token)
	assert.True(w, ok, "Stripe accepts the token")
	assert.Equal(w, id, of)
	return token
}

// due waits until tokens that are new now are due, but not over.
func due() { time.Sleep(56 * time.Minute) }

// over waits until tokens that are new now are over.
func over() { time.Sleep(61 * time.Minute) }

func inBubble(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f(w)
		for _, tokens := range w.processes { // a refresh can go on when nobody needs it any more
			assert.NoError(t, tokens.Wait(t.Context()))
		}
	})
}

func TestTheRequestsAreThoseThatStripeDocuments(t *testing.T) {
	inBubble(t, func(w *world) {
		var asked []string
		tokens := w.process(func(cfg *install.TokensConfig) {
			cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				r.Body = io.NopCloser(bytes.NewReader(body))
				text, _, _ := strings.Cut(string(body), "&refresh_token=")
				asked = append(asked, r.Method+" "+r.URL.String(), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), text)
				return local{w.endpoint}.RoundTrip(r)
			})
		})
		code := w.endpoint.Code(live)
		authorized, err := tokens.Exchange(w.Context(), install.Live, code)
		require.NoError(t, err)
		assert.Equal(t, "stripe_apps", authorized.Scope)
		assert.Regexp(t, "^pk_live_", authorized.PublishableKey)
		due()
		w.good(tokens, live)
		const basic = "Basic c2tfbGl2ZV8xOg==" // sk_live_1:
		assert.Equal(t, []string{
			"POST https://api.stripe.com/v1/oauth/token", basic, "application/x-www-form-urlencoded", "code=" + code + "&grant_type=authorization_code",
			"POST https://api.stripe.com/v1/oauth/token", basic, "application/x-www-form-urlencoded", "grant_type=refresh_token",
		}, asked)
	})
}

func TestATokenIsRefreshedBeforeItIsOver(t *testing.T) {
	inBubble(t, func(w *world) {
		tokens := w.installed(live, test)
		first := w.good(tokens, live)
		time.Sleep(54 * time.Minute)
		assert.Equal(t, first, w.good(tokens, live))
		assert.Zero(t, w.endpoint.Refreshes())
		time.Sleep(2 * time.Minute)
		second := w.good(tokens, live)
		assert.NotEqual(t, first, second)
		assert.Equal(t, second, w.good(w.process(), live), "in another process too")
		assert.Equal(t, 1, w.endpoint.Refreshes())
		for range 50 {
			over()
			w.good(tokens, live)
		}
		assert.Equal(t, 51, w.endpoint.Refreshes())
		w.good(tokens, test)
	})
}

func TestExpiresInIsHeeded(t *testing.T) {
	for _, test := range []struct {
		name    string
		seconds any
		until   time.Duration
	}{
		{"it is missing", nil, 55 * time.Minute},
		{"it is two hours", 7200, 115 * time.Minute},
		{"it is text", "7200", 115 * time.Minute},
		{"it is ten minutes", 600, 450 * time.Second},
		{"it is zero", 0, 55 * time.Minute},
		{"it is negative", -1, 55 * time.Minute},
		{"it is a hundred years", 100 * 365 * 86400, 24*time.Hour - 5*time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.endpoint.Next(installtest.With(map[string]any{"expires_in": test.seconds}))
				tokens := w.installed(live)
				time.Sleep(test.until - time.Second)
				w.good(tokens, live)
				assert.Zero(t, w.endpoint.Refreshes())
				time.Sleep(time.Second)
				w.good(tokens, live)
				assert.Equal(t, 1, w.endpoint.Refreshes())
			})
		})
	}
}

// Stripe's answer takes a while, in which all of them ask.
func TestProcessesThatNeedATokenAtOnceRefreshItOnce(t *testing.T) {
	for _, wait := range []func(){due, over} {
		inBubble(t, func(w *world) {
			w.installed(live)
			wait()
			slow := func(cfg *install.TokensConfig) {
				cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
					time.Sleep(2 * time.Second)
					return local{w.endpoint}.RoundTrip(r)
				})
			}
			var callers sync.WaitGroup
			for range 5 {
				tokens := w.process(slow)
				for range 20 {
					callers.Go(func() { w.good(tokens, live) })
				}
			}
			callers.Wait()
			assert.Equal(t, 1, w.endpoint.Refreshes())
		})
	}
}

// Nobody's clock says when a refresh has taken too long.
func TestClocksThatDifferDoNotMakeTwoRefreshes(t *testing.T) {
	inBubble(t, func(w *world) {
		w.installed(live)
		over()
		var callers sync.WaitGroup
		for _, skew := range []time.Duration{-4 * time.Minute, 0, 4 * time.Minute} {
			tokens := w.process(func(cfg *install.TokensConfig) {
				cfg.Now = func() time.Time { return time.Now().Add(skew) }
				cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
					time.Sleep(20 * time.Second)
					return local{w.endpoint}.RoundTrip(r)
				})
			})
			callers.Go(func() { w.good(tokens, live) })
		}
		callers.Wait()
		assert.Equal(t, 1, w.endpoint.Refreshes())
	})
}

// A token that somebody's clock has dated an hour ahead would be used when it is over.
func TestATokenFromTheFutureIsRefreshed(t *testing.T) {
	inBubble(t, func(w *world) {
		w.installed(live)
		ahead := w.process(func(cfg *install.TokensConfig) {
			cfg.Now = func() time.Time { return time.Now().Add(24 * time.Hour) }
		})
		w.good(ahead, live)
		over()
		w.good(w.process(), live)
		assert.Equal(t, 2, w.endpoint.Refreshes())
	})
}

func TestARefreshGoesOnWhenItsRequestHasEnded(t *testing.T) {
	inBubble(t, func(w *world) {
		w.installed(live)
		over()
		tokens := w.process(func(cfg *install.TokensConfig) {
			cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
				time.Sleep(10 * time.Second)
				return local{w.endpoint}.RoundTrip(r)
			})
		})
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		_, err := tokens.AccessToken(ctx, live)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorIs(t, tokens.Wait(ctx), context.DeadlineExceeded)
		require.NoError(t, tokens.Wait(w.Context()))
		assert.Equal(t, 1, w.endpoint.Refreshes())
		w.good(w.process(), live)
		assert.Equal(t, 1, w.endpoint.Refreshes())
		require.NoError(t, tokens.Wait(ctx), "nothing is going on")
	})
}

// faulty is a Store of which calls fail.
type faulty struct {
	install.Store
	fail func(call string) error // before the call
	lose func(call string) error // after it
}

func (f *faulty) do(call string, do func() error) error {
	if f.fail != nil {
		if err := f.fail(call); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	if f.lose != nil {
		return f.lose(call)
	}
	return nil
}

func (f *faulty) Load(ctx context.Context, id install.ID) (r install.Record, err error) {
	err = f.do("load", func() error { r, err = f.Store.Load(ctx, id); return err })
	return r, err
}

func (f *faulty) Save(ctx context.Context, r install.Record, old int64) error {
	return f.do("save", func() error { return f.Store.Save(ctx, r, old) })
}

var errStore = errors.New("the database is not there")

// A process that ends in the middle of a refresh: after it has said that it is its turn,
// and before it has stored anything. Its Store and its Transport do not work from then on.
func TestAProcessThatEndsInTheMiddleOfARefresh(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault installtest.Fault
		after func(w *world, tokens *install.Tokens)
	}{
		{"Stripe has not got its request", installtest.Down, func(w *world, tokens *install.Tokens) {
			w.good(tokens, live)
			assert.Equal(w, 2, w.endpoint.Refreshes())
		}},
		{"Stripe has responded, and its response is lost", installtest.Lost, func(w *world, tokens *install.Tokens) {
			_, err := tokens.AccessToken(w.Context(), live)
			assert.ErrorIs(w, err, install.ErrInstallAgain)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.installed(live)
				over()
				var dead atomic.Bool
				ends := w.process(func(cfg *install.TokensConfig) {
					cfg.Store = &faulty{Store: w.store, fail: func(string) error {
						if dead.Load() {
							return errStore
						}
						return nil
					}}
					cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
						dead.Store(true)
						return local{w.endpoint}.RoundTrip(r)
					})
				})
				w.endpoint.Next(test.fault)
				_, err := ends.AccessToken(w.Context(), live)
				assert.ErrorIs(t, err, install.ErrTokensUnavailable)
				assert.Equal(t, 1, w.endpoint.Refreshes())

				tokens := w.process()
				ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
				defer cancel()
				_, err = tokens.AccessToken(ctx, live)
				assert.ErrorIs(t, err, context.DeadlineExceeded, "it is still the other one's turn")
				assert.Equal(t, 1, w.endpoint.Refreshes())
				begin := time.Now().Add(-10 * time.Second)
				require.NoError(t, tokens.Wait(w.Context()))
				assert.WithinDuration(t, begin.Add(install.DefaultLease), time.Now(), 3*time.Second)
				test.after(w, w.process())
			})
		})
	}
}

// It was not dead, but slow: frozen, say. The one who has taken over is told that the
// token is no longer good, and then finds the one that is.
func TestAProcessThatComesBackAfterItsTurn(t *testing.T) {
	inBubble(t, func(w *world) {
		w.installed(live)
		over()
		frozen := w.process(func(cfg *install.TokensConfig) {
			cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
				response, err := local{w.endpoint}.RoundTrip(r)
				time.Sleep(10 * install.DefaultLease)
				return response, err
			})
		})
		var other sync.WaitGroup
		other.Go(func() {
			_, err := frozen.AccessToken(w.Context(), live)
			assert.ErrorIs(t, err, install.ErrTokensUnavailable)
		})
		time.Sleep(time.Second)
		_, err := w.process().AccessToken(w.Context(), live)
		assert.ErrorIs(t, err, install.ErrInstallAgain)
		other.Wait()
		require.NoError(t, frozen.Wait(w.Context()))
		w.good(w.process(), live)
		assert.Equal(t, 2, w.endpoint.Refreshes())
	})
}

// Nor does it end the turn of the one who has taken over, if it fails in the end.
func TestAProcessThatFailsAfterItsTurn(t *testing.T) {
	inBubble(t, func(w *world) {
		w.installed(live)
		over()
		slow := func(d time.Duration) *install.Tokens {
			return w.process(func(cfg *install.TokensConfig) {
				cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
					response, err := local{w.endpoint}.RoundTrip(r)
					time.Sleep(d)
					return response, err
				})
			})
		}
		w.endpoint.Next(installtest.Down)
		var others sync.WaitGroup
		others.Go(func() {
			_, err := slow(90*time.Second).AccessToken(w.Context(), live)
			assert.ErrorIs(t, err, install.ErrTokensUnavailable)
		})
		time.Sleep(time.Second)
		others.Go(func() { w.good(slow(50*time.Second), live) }) // from the second minute on
		time.Sleep(100 * time.Second)
		w.good(w.process(), live)
		others.Wait()
		assert.Equal(t, 2, w.endpoint.Refreshes())
	})
}

func TestADatabaseThatIsAwayWhenTokensAreThere(t *testing.T) {
	for _, away := range []time.Duration{time.Millisecond, 9 * time.Minute} {
		inBubble(t, func(w *world) {
			w.installed(live)
			over()
			var until time.Time
			tokens := w.process(func(cfg *install.TokensConfig) {
				cfg.Store = &faulty{Store: w.store, fail: func(string) error {
					if time.Now().Before(until) {
						return errStore
					}
					return nil
				}}
				cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
					until = time.Now().Add(away)
					return local{w.endpoint}.RoundTrip(r)
				})
			})
			began := time.Now()
			_, err := tokens.AccessToken(w.Context(), live)
			if away > 2*install.DefaultLease {
				assert.ErrorIs(t, err, install.ErrTokensUnavailable)
				assert.Equal(t, 2*install.DefaultLease, time.Since(began), "nobody waits for longer")
			} else {
				assert.NoError(t, err)
			}
			require.NoError(t, tokens.Wait(w.Context()))
			w.good(w.process(), live)
			assert.Equal(t, 1, w.endpoint.Refreshes())
		})
	}
}

func TestADatabaseThatSavesAndDoesNotSaySo(t *testing.T) {
	inBubble(t, func(w *world) {
		memory := w.store
		for _, lost := range []error{errStore, install.ErrConflict} { // what a driver that tries again comes to
			n := 0
			w.store = &faulty{Store: memory, lose: func(call string) error {
				if call == "save" {
					n++
					return lost
				}
				return nil
			}}
			tokens := w.installed(live)
			over()
			w.good(tokens, live)
			assert.Equal(t, 3, n, "the install, the turn and the tokens, each once")
		}
		assert.Equal(t, 2, w.endpoint.Refreshes())
	})
}

// meanwhile has f done while Stripe is asked for tokens, after that has given them.
func (w *world) meanwhile(f func()) *install.Tokens {
	return w.process(func(cfg *install.TokensConfig) {
		cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
			response, err := local{w.endpoint}.RoundTrip(r)
			f()
			return response, err
		})
	})
}

func TestWhatHappensInTheMiddleOfARefresh(t *testing.T) {
	t.Run("the account uninstalls the app: nothing is stored", func(t *testing.T) {
		inBubble(t, func(w *world) {
			w.installed(live)
			over()
			tokens := w.meanwhile(func() { require.NoError(t, w.process().Forget(w.Context(), live)) })
			_, err := tokens.AccessToken(w.Context(), live)
			assert.ErrorIs(t, err, install.ErrTokensUnavailable)
			_, err = tokens.AccessToken(w.Context(), live)
			assert.ErrorIs(t, err, install.ErrNotInstalled)
			began := time.Now()
			require.NoError(t, tokens.Wait(w.Context()))
			assert.Less(t, time.Since(began), 2*install.DefaultLease, "it is not tried for ten minutes")
			_, err = w.store.Load(w.Context(), live)
			assert.ErrorIs(t, err, install.ErrNotFound)
		})
	})
	t.Run("the account installs the app again: the new tokens stay", func(t *testing.T) {
		inBubble(t, func(w *world) {
			w.installed(live)
			over()
			w.good(w.meanwhile(func() { w.installed(live) }), live)
		})
	})
	t.Run("the account uninstalls it and installs it again: the new tokens stay", func(t *testing.T) {
		inBubble(t, func(w *world) {
			w.installed(live)
			over()
			w.good(w.meanwhile(func() {
				require.NoError(t, w.process().Forget(w.Context(), live))
				w.installed(live)
			}), live)
		})
	})
	t.Run("the records are resealed: the new tokens are stored", func(t *testing.T) {
		inBubble(t, func(w *world) {
			w.installed(live)
			over()
			roll := func(cfg *install.TokensConfig) { cfg.SealingKeys = [][]byte{seals[1], seals[0]} }
			tokens := w.process(func(cfg *install.TokensConfig) {
				roll(cfg)
				cfg.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
					response, err := local{w.endpoint}.RoundTrip(r)
					r2, loadErr := w.store.Load(w.Context(), live)
					require.NoError(t, loadErr)
					old := r2.Version
					r2.Version++
					require.NoError(t, w.store.Save(w.Context(), r2, old))
					return response, err
				})
			})
			w.good(tokens, live)
			w.good(w.process(roll), live)
			assert.Equal(t, 1, w.endpoint.Refreshes())
		})
	})
}

func TestARefusedRefreshTokenIsAskedForOnceInAnHour(t *testing.T) {
	inBubble(t, func(w *world) {
		tokens := w.installed(live)
		w.endpoint.Uninstall(live)
		over()
		for _, tokens := range []*install.Tokens{tokens, tokens, w.process()} {
			_, err := tokens.AccessToken(w.Context(), live)
			assert.ErrorIs(t, err, install.ErrInstallAgain)
		}
		assert.Equal(t, 1, w.endpoint.Refreshes())
		over()
		_, err := tokens.AccessToken(w.Context(), live)
		assert.ErrorIs(t, err, install.ErrInstallAgain)
		assert.ErrorContains(t, err, "responded with 400 invalid_grant, request req_")
		assert.Equal(t, 2, w.endpoint.Refreshes())

		w.installed(live)
		w.good(tokens, live)
	})
}

// The key of another app is in the configuration: Stripe says invalid_grant of each
// install. Once it is mended, nobody has to install again.
func TestAWrongKeyThatIsMendedDoesNotLoseTheInstall(t *testing.T) {
	inBubble(t, func(w *world) {
		w.installed(test)
		over()
		wrong := w.process(func(cfg *install.TokensConfig) {
			cfg.Keys = map[install.Mode]string{install.Test: keys[install.Sandbox]}
		})
		_, err := wrong.AccessToken(w.Context(), test)
		assert.ErrorIs(t, err, install.ErrInstallAgain)
		over()
		w.good(w.process(), test)
	})
}

func TestWhenStripeDoesNotRespondAsItShould(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault installtest.Fault
		want  error
	}{
		{"it is down", installtest.Down, install.ErrTokensUnavailable},
		{"it limits the rate", installtest.Limited, install.ErrTokensUnavailable},
		{"it is silent", installtest.Silent, install.ErrTokensUnavailable},
		{"it is a page", installtest.Page, install.ErrTokenResponse},
		{"it redirects", installtest.Redirect("https://evil.example/token"), install.ErrTokenResponse},
		{"it cuts the connection", func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }, install.ErrTokensUnavailable},
		{"it responds without end", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"access_token":"`+strings.Repeat("a", 1<<20)+`"}`)
		}, install.ErrTokenResponse},
		{"it fails without end", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusBadGateway)
			io.WriteString(w, strings.Repeat("a", 1<<20))
		}, install.ErrTokensUnavailable},
		{"it responds with half of the JSON", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"access_token":"rk_live_half`)
		}, install.ErrTokenResponse},
		{"it responds with a form", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", "text/plain")
			io.WriteString(w, "access_token=rk_live_form&refresh_token=rt_form&livemode=true&stripe_user_id=acct_1&token_type=bearer")
		}, install.ErrTokenResponse},
		{"the error has 200", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"error":"invalid_grant","access_token":"rk_live_and_yet"}`)
		}, install.ErrTokenResponse},
		{"the key is unknown", func(w http.ResponseWriter, r *http.Request, answer http.Handler) {
			r.SetBasicAuth("sk_live_rolled", "")
			answer.ServeHTTP(w, r)
		}, install.ErrKeyRefused},
		{"the key is restricted", func(w http.ResponseWriter, r *http.Request, answer http.Handler) {
			r.SetBasicAuth("rk_live_1", "")
			answer.ServeHTTP(w, r)
		}, install.ErrKeyRefused},
		{"the mode is another one", installtest.With(map[string]any{"livemode": false}), install.ErrTokenResponse},
		{"the mode is another one, as text", installtest.With(map[string]any{"livemode": "false"}), install.ErrTokenResponse},
		{"the account is none", installtest.With(map[string]any{"stripe_user_id": "acct 1"}), install.ErrTokenResponse},
		{"the refresh token is not text", installtest.With(map[string]any{"refresh_token": 1}), install.ErrTokenResponse},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				tokens := w.process()
				w.endpoint.Next(test.fault)
				_, err := tokens.Exchange(w.Context(), install.Live, w.endpoint.Code(live))
				assert.ErrorIs(t, err, test.want)
				assertNoToken(t, err)
				page, err := w.store.List(w.Context(), install.ID{}, 10)
				require.NoError(t, err)
				assert.Empty(t, page)
			})
			inBubble(t, func(w *world) {
				tokens := w.installed(live)
				over()
				before, err := w.store.Load(w.Context(), live)
				require.NoError(t, err)
				w.endpoint.Next(test.fault)
				_, err = tokens.AccessToken(w.Context(), live)
				assert.ErrorIs(t, err, test.want)
				assertNoToken(t, err)
				assert.Equal(t, 1, w.endpoint.Refreshes())
				after, err := w.store.Load(w.Context(), live)
				require.NoError(t, err)
				assert.InDelta(t, len(before.Data), len(after.Data), 40, "no other tokens are stored")
			})
		})
	}
}

// Stripe has replaced the refresh token by then: the next one is the only one that is good.
func TestTheNextRefreshTokenIsKeptThoughSomethingElseIsWrong(t *testing.T) {
	for _, test := range []struct {
		name   string
		change map[string]any
		want   error
	}{
		{"expires_in is a number with a point", map[string]any{"expires_in": json.RawMessage("3600.0")}, nil},
		{"expires_in is a text that is no number", map[string]any{"expires_in": "1h"}, nil},
		{"expires_in is an object", map[string]any{"expires_in": map[string]any{}}, nil},
		{"the mode is text", map[string]any{"livemode": "true"}, install.ErrTokenResponse},
		{"the mode is a number", map[string]any{"livemode": 1}, install.ErrTokenResponse},
		{"the access token is missing", map[string]any{"access_token": nil}, install.ErrTokenResponse},
		{"the access token is a number", map[string]any{"access_token": 1}, install.ErrTokenResponse},
		{"the access token has a line break", map[string]any{"access_token": "rk_live_a\r\nX-Evil: 1"}, install.ErrTokenResponse},
		{"the access token is very long", map[string]any{"access_token": strings.Repeat("a", 4097)}, install.ErrTokenResponse},
		{"the type is another one", map[string]any{"token_type": "mac"}, install.ErrTokenResponse},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				tokens := w.installed(live)
				over()
				w.endpoint.Next(installtest.With(test.change))
				_, err := tokens.AccessToken(w.Context(), live)
				assert.ErrorIs(t, err, test.want)
				assertNoToken(t, err)
				time.Sleep(3 * time.Second)
				w.good(tokens, live)
			})
			inBubble(t, func(w *world) {
				w.endpoint.Next(installtest.With(test.change))
				_, err := w.process().Exchange(w.Context(), install.Live, w.endpoint.Code(live))
				assert.ErrorIs(t, err, test.want)
				assertNoToken(t, err)
				page, listErr := w.store.List(w.Context(), install.ID{}, 10)
				require.NoError(t, listErr)
				assert.Equal(t, err != nil, len(page) == 0, "of an exchange, all is right, or nothing is stored")
			})
		})
	}
}

// assertNoToken looks at an error and all that it wraps.
func assertNoToken(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		for _, secret := range []string{"sk_", "rk_", "rt_", "ac_", "pk_", "c2tf"} {
			assert.NotContains(t, text, secret)
		}
	}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		assertNoToken(t, err.Unwrap())
	case interface{ Unwrap() []error }:
		for _, err := range err.Unwrap() {
			assertNoToken(t, err)
		}
	}
}

func TestTheTokensOfAnotherAccountAreNotUsed(t *testing.T) {
	for _, member := range []string{"account_id", "stripe_user_id"} {
		inBubble(t, func(w *world) {
			tokens := w.installed(live)
			over()
			w.endpoint.Next(installtest.With(map[string]any{member: "acct_2"}))
			_, err := tokens.AccessToken(w.Context(), live)
			assert.ErrorIs(t, err, install.ErrTokenResponse)
			assert.ErrorContains(t, err, "another account")
		})
	}
}

// To lose the only refresh token that is good would be worse.
func TestWhatARefreshNeedNotSay(t *testing.T) {
	for _, member := range []string{"account_id", "livemode", "scope", "stripe_publishable_key", "token_type"} {
		inBubble(t, func(w *world) {
			tokens := w.installed(live)
			over()
			w.endpoint.Next(installtest.With(map[string]any{member: nil}))
			w.good(tokens, live)
		})
	}
	for _, member := range []string{"stripe_user_id", "livemode"} {
		inBubble(t, func(w *world) {
			w.endpoint.Next(installtest.With(map[string]any{member: nil}))
			_, err := w.process().Exchange(w.Context(), install.Live, w.endpoint.Code(live))
			assert.ErrorIs(t, err, install.ErrTokenResponse, "an exchange has to")
		})
	}
}

func TestATokenThatCanBeUsedIsUsedWhenTheNextOneCannotBeHad(t *testing.T) {
	inBubble(t, func(w *world) {
		tokens := w.installed(live)
		first := w.good(tokens, live)
		due()
		w.endpoint.Next(installtest.Down, installtest.Limited)
		for _, refreshes := range []int{1, 1, 2} {
			assert.Equal(t, first, w.good(tokens, live))
			assert.Equal(t, refreshes, w.endpoint.Refreshes(), "it is asked for after half a minute only")
			time.Sleep(16 * time.Second)
		}
		time.Sleep(30 * time.Second)
		assert.NotEqual(t, first, w.good(tokens, live))
	})
	inBubble(t, func(w *world) {
		tokens := w.installed(live)
		first := w.good(tokens, live)
		due()
		w.endpoint.Next(installtest.Silent)
		begin := time.Now()
		assert.Equal(t, first, w.good(tokens, live))
		assert.Equal(t, 5*time.Second, time.Since(begin))
		require.NoError(t, tokens.Wait(w.Context()))
		assert.Equal(t, install.DefaultLease/2, time.Since(begin))
	})
}

// An hour in which Stripe is down, and everybody asks all the time.
func TestStripeIsNotAskedWithoutAPauseWhenItIsDown(t *testing.T) {
	inBubble(t, func(w *world) {
		w.installed(live)
		over()
		for range 1000 {
			w.endpoint.Next(installtest.Down)
		}
		processes := []*install.Tokens{w.process(), w.process(), w.process()}
		for i := range 1200 { // two minutes
			_, err := processes[i%3].AccessToken(w.Context(), live)
			assert.ErrorIs(t, err, install.ErrTokensUnavailable)
			time.Sleep(100 * time.Millisecond)
		}
		assert.InDelta(t, 60, w.endpoint.Refreshes(), 30)
	})
}

func TestACodeIsRefused(t *testing.T) {
	inBubble(t, func(w *world) {
		tokens := w.process()
		used, old := w.endpoint.Code(live), w.endpoint.Code(live)
		_, err := tokens.Exchange(w.Context(), install.Live, used)
		require.NoError(t, err)
		asked := w.endpoint.Exchanges()
		for _, code := range []string{"", "ac_\n", "ac 1", "ac_ä", strings.Repeat("a", 513)} {
			_, err := tokens.Exchange(w.Context(), install.Live, code)
			assert.ErrorIs(t, err, install.ErrCodeRefused)
		}
		assert.Equal(t, asked, w.endpoint.Exchanges(), "Stripe is not asked")
		time.Sleep(6 * time.Minute)
		for _, code := range []string{used, old, "ac_unknown", w.endpoint.Code(test)} {
			_, err := tokens.Exchange(w.Context(), install.Live, code)
			assert.ErrorIs(t, err, install.ErrCodeRefused)
			assertNoToken(t, err)
		}
	})
}

func TestACodeIsExchangedThoughItsRequestHasEnded(t *testing.T) {
	inBubble(t, func(w *world) {
		ctx, cancel := context.WithCancel(w.Context())
		tokens := w.meanwhile(cancel)
		_, err := tokens.Exchange(ctx, install.Live, w.endpoint.Code(live))
		require.NoError(t, err)
		w.good(tokens, live)
		_, err = tokens.Exchange(ctx, install.Live, w.endpoint.Code(live))
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 1, w.endpoint.Exchanges())
		_, err = tokens.AccessToken(ctx, live)
		assert.ErrorIs(t, err, context.Canceled)
	})
}

func TestWhatIsNotInstalled(t *testing.T) {
	inBubble(t, func(w *world) {
		tokens := w.process(func(cfg *install.TokensConfig) { cfg.Keys = map[install.Mode]string{install.Live: "sk_live_1"} })
		for _, test := range []struct {
			id   install.ID
			want error
		}{
			{live, install.ErrNotInstalled},
			{install.ID{Account: "acct_1", Mode: "LIVE"}, install.ErrNotInstalled},
			{install.ID{Account: "acct_1/../x", Mode: install.Live}, install.ErrNotInstalled},
			{install.ID{}, install.ErrNotInstalled},
			{test, install.ErrModeNotServed},
		} {
			_, err := tokens.AccessToken(w.Context(), test.id)
			assert.ErrorIs(t, err, test.want)
		}
		_, err := tokens.Exchange(w.Context(), install.Test, "ac_1")
		assert.ErrorIs(t, err, install.ErrModeNotServed)
		assert.NoError(t, tokens.Forget(w.Context(), live))
		w.store = &faulty{Store: w.store, fail: func(string) error { return errStore }}
		_, err = w.process().AccessToken(w.Context(), live)
		assert.ErrorIs(t, err, install.ErrTokensUnavailable)
		assert.ErrorIs(t, err, errStore)
		assert.ErrorIs(t, w.process().Forget(w.Context(), live), errStore)
	})
}

// Events come late, and again.
func TestAnUninstallThatIsToldLate(t *testing.T) {
	inBubble(t, func(w *world) {
		tokens := w.installed(live, test)
		time.Sleep(time.Hour)
		uninstalled := time.Now()
		time.Sleep(time.Minute)
		w.installed(live)
		for range 2 {
			require.NoError(t, tokens.ForgetBefore(w.Context(), live, uninstalled))
			w.good(tokens, live)
		}
		require.NoError(t, tokens.ForgetBefore(w.Context(), test, uninstalled))
		_, err := tokens.AccessToken(w.Context(), test)
		assert.ErrorIs(t, err, install.ErrNotInstalled)
		over()
		w.good(tokens, live) // a refresh is no install
		require.NoError(t, tokens.ForgetBefore(w.Context(), live, uninstalled))
		w.good(tokens, live)
		require.NoError(t, tokens.ForgetBefore(w.Context(), live, time.Now()))
		_, err = tokens.AccessToken(w.Context(), live)
		assert.ErrorIs(t, err, install.ErrNotInstalled)
	})
}

func TestNewTokensSaysEverythingThatIsWrong(t *testing.T) {
	good := install.TokensConfig{Keys: keys, Store: install.NewMemory(), SealingKeys: seals}
	for _, test := range []struct {
		name   string
		change func(*install.TokensConfig)
		want   []string
	}{
		{"nothing is given", func(cfg *install.TokensConfig) { *cfg = install.TokensConfig{} },
			[]string{"Store is nil", "SealingKeys is empty", "Keys is empty"}},
		{"the keys are of another kind", func(cfg *install.TokensConfig) {
			cfg.Keys = map[install.Mode]string{install.Live: "rk_live_1", install.Test: "pk_test_1", install.Sandbox: "whsec_1", "prod": "sk_live_1"}
		}, []string{`Keys["live"] is a restricted key`, `Keys["test"] is a publishable key`, `Keys["sandbox"] is a webhook`, `Keys["prod"] is for a mode that does not exist`}},
		{"the keys are of another mode", func(cfg *install.TokensConfig) {
			cfg.Keys = map[install.Mode]string{install.Live: "sk_test_1", install.Test: "sk_live_1", install.Sandbox: "absec_1"}
		}, []string{`Keys["live"] is a key for test mode`, `Keys["test"] is a key for live mode`, `Keys["sandbox"] is the app's signing secret`}},
		{"the keys are written badly", func(cfg *install.TokensConfig) {
			cfg.Keys = map[install.Mode]string{install.Live: "sk_live_1\n", install.Test: " ", install.Sandbox: "sk_test_ä"}
		}, []string{`Keys["live"] has white space`, `Keys["test"] is blank`, `Keys["sandbox"] has a character`}},
		{"there is nothing behind the prefix", func(cfg *install.TokensConfig) {
			cfg.Keys = map[install.Mode]string{install.Live: "sk_live_", install.Test: "hello"}
		}, []string{`Keys["live"] has a character`, `Keys["test"] does not begin with sk_test_`}},
		{"one key is for two modes", func(cfg *install.TokensConfig) {
			cfg.Keys = map[install.Mode]string{install.Test: "sk_test_1", install.Sandbox: "sk_test_1"}
		}, []string{`Keys["test"] equals that of "sandbox"`}},
		{"the sealing keys are none", func(cfg *install.TokensConfig) {
			cfg.SealingKeys = [][]byte{[]byte("short"), make([]byte, 32), seals[0], seals[0]}
		}, []string{"SealingKeys[0] has 5 bytes", "SealingKeys[1] is the same byte", "SealingKeys[3] equals SealingKeys[2]"}},
		{"there are many sealing keys", func(cfg *install.TokensConfig) {
			cfg.SealingKeys = nil
			for i := range 9 {
				cfg.SealingKeys = append(cfg.SealingKeys, append(bytes.Repeat([]byte{7}, 31), byte(i)))
			}
		}, []string{"SealingKeys has 9 entries"}},
		{"the lease is short", func(cfg *install.TokensConfig) { cfg.Lease = time.Millisecond }, []string{"Lease is 1ms"}},
		{"the lease is negative", func(cfg *install.TokensConfig) { cfg.Lease = -1 }, []string{"Lease is -1ns"}},
		{"the lease is long", func(cfg *install.TokensConfig) { cfg.Lease = time.Hour }, []string{"Lease is 1h"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := good
			test.change(&cfg)
			tokens, err := install.NewTokens(cfg)
			assert.Nil(t, tokens)
			require.Error(t, err)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
			for _, secret := range []string{"live_1", "test_1", "whsec_1", "absec_1", "hello", "short", "first-k"} {
				assert.NotContains(t, err.Error(), secret)
			}
			for line := range strings.Lines(err.Error()) {
				assert.Regexp(t, "^stripeapps/install: TokensConfig.", line)
			}
		})
	}
	for _, to := range []string{"http://api.stripe.com/v1/oauth/token", "ftp://localhost/", "https://", "api.stripe.com", "https://u:p@api.stripe.com/", "https://api.stripe.com/?x", "https://api.stripe.com/#x", "http://127.0.0.1.example.com/", ":"} {
		cfg := good
		cfg.TokenURL = to
		_, err := install.NewTokens(cfg)
		assert.ErrorContains(t, err, "TokenURL must be an https URL", to)
	}
	for _, to := range []string{"", "https://proxy.example/x", "http://127.0.0.1:1/", "http://localhost:8080/x", "http://[::1]:8080"} {
		cfg := good
		cfg.TokenURL = to
		_, err := install.NewTokens(cfg)
		assert.NoError(t, err, to)
	}
}

func TestWhatItsNewHasNotMadeIsAnErrorAndNoPanic(t *testing.T) {
	ctx := context.Background()
	for _, tokens := range []*install.Tokens{nil, new(install.Tokens)} {
		_, exchangeErr := tokens.Exchange(ctx, install.Live, "ac_1")
		_, accessErr := tokens.AccessToken(ctx, live)
		_, resealErr := tokens.Reseal(ctx)
		for _, err := range []error{exchangeErr, accessErr, resealErr, tokens.Forget(ctx, live), tokens.ForgetBefore(ctx, live, time.Now())} {
			assertNotMade(t, err, "tokens_not_made")
		}
		assert.NoError(t, tokens.Wait(ctx))
	}
	_, err := install.NewOAuth(oauthConfig(new(install.Tokens)))
	assert.ErrorContains(t, err, "has no key in TokensConfig.Keys")
	for _, memory := range []*install.Memory{nil, new(install.Memory)} {
		_, loadErr := memory.Load(ctx, live)
		_, listErr := memory.List(ctx, live, 1)
		for _, err := range []error{loadErr, listErr, memory.Save(ctx, install.Record{ID: live, Version: 1}, 0), memory.Delete(ctx, live, 1)} {
			assertNotMade(t, err, "memory_not_made")
		}
	}
}

func assertNotMade(t *testing.T, err error, code string) {
	t.Helper()
	var refusal *stripeapps.Error
	require.ErrorAs(t, err, &refusal)
	assert.Equal(t, code, refusal.Code())
	assert.Equal(t, http.StatusInternalServerError, refusal.Status())
	assert.ErrorContains(t, err, "was not made by New")
}

func TestAConfigIsCopied(t *testing.T) {
	inBubble(t, func(w *world) {
		cfg := install.TokensConfig{Keys: map[install.Mode]string{install.Live: "sk_live_1"}, Store: w.store,
			SealingKeys: [][]byte{bytes.Clone(seals[0])}, Client: &http.Client{Transport: local{w.endpoint}}}
		tokens, err := install.NewTokens(cfg)
		require.NoError(t, err)
		clear(cfg.Keys)
		clear(cfg.SealingKeys[0])
		cfg.Client.Transport = nil
		_, err = tokens.Exchange(w.Context(), install.Live, w.endpoint.Code(live))
		require.NoError(t, err)
		w.good(w.process(), live)
	})
}

func TestNothingSecretIsPrinted(t *testing.T) {
	inBubble(t, func(w *world) {
		tokens := w.installed(live)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			for _, value := range []any{tokens, struct{ *install.Tokens }{tokens}} {
				text := fmt.Sprintf(verb, value)
				for _, secret := range []string{"sk_live", "first-k", "66697273742d", "102, 105", "102 105"} {
					assert.NotContains(t, text, secret)
				}
			}
		}
	})
}

// noJar is a Jar that is not used.
type noJar struct{}

func (noJar) SetCookies(*url.URL, []*http.Cookie) { panic("a cookie is kept") }
func (noJar) Cookies(*url.URL) []*http.Cookie     { panic("a cookie is sent") }

// Byte after byte, for ever.
func TestAResponseThatDoesNotEnd(t *testing.T) {
	endpoint := installtest.NewTokenEndpoint(keys)
	server := httptest.NewServer(endpoint)
	defer server.Close()
	tokens, err := install.NewTokens(install.TokensConfig{Keys: keys, Store: install.NewMemory(), SealingKeys: seals, TokenURL: server.URL, Lease: time.Second})
	require.NoError(t, err)
	for _, status := range []int{200, 400} {
		endpoint.Next(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			for tick := time.NewTicker(10 * time.Millisecond); r.Context().Err() == nil; <-tick.C {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
			}
		})
		begin := time.Now()
		_, err = tokens.Exchange(t.Context(), install.Live, endpoint.Code(live))
		assert.ErrorIs(t, err, install.ErrTokensUnavailable)
		assert.Less(t, time.Since(begin), 10*time.Second)
	}
}

// The key must not go where a redirect leads, whoever has sent it.
func TestARedirectIsNotFollowed(t *testing.T) {
	followed := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer other.Close()
	endpoint := installtest.NewTokenEndpoint(keys)
	server := httptest.NewServer(endpoint)
	defer server.Close()
	tokens, err := install.NewTokens(install.TokensConfig{Keys: keys, Store: install.NewMemory(), SealingKeys: seals, TokenURL: server.URL,
		Client: &http.Client{Jar: noJar{}, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}})
	require.NoError(t, err)
	endpoint.Next(installtest.Redirect(other.URL))
	_, err = tokens.Exchange(t.Context(), install.Live, endpoint.Code(live))
	assert.ErrorIs(t, err, install.ErrTokenResponse)
	assert.ErrorContains(t, err, "responded with 307")
	assert.False(t, followed)

	endpoint.Next(installtest.Lost)
	_, err = tokens.Exchange(t.Context(), install.Live, endpoint.Code(live))
	assert.ErrorIs(t, err, install.ErrTokensUnavailable)
	_, err = tokens.Exchange(t.Context(), install.Live, endpoint.Code(live))
	assert.NoError(t, err)
}
