//go:build unix

package sqlstore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/install/installtest"
)

var (
	keys = map[install.Mode]string{install.Live: "sk_live_1", install.Test: "sk_test_1"}
	seal = bytes.Repeat([]byte("sealing1"), 4)
	acct = install.ID{Account: "acct_1", Mode: install.Live}
)

// world is a database in which an account has installed the app, and Stripe's endpoint.
type world struct {
	database
	endpoint *installtest.TokenEndpoint
	server   *httptest.Server
}

func newWorld(t *testing.T, d database) *world {
	t.Helper()
	w := &world{database: d, endpoint: installtest.NewTokenEndpoint(keys)}
	w.server = httptest.NewServer(w.endpoint)
	t.Cleanup(w.server.Close)
	tokens := newTokens(t, d.create(t), w.server.URL, 0)
	_, err := tokens.Exchange(t.Context(), acct.Mode, w.endpoint.Code(acct))
	require.NoError(t, err)
	return w
}

// newTokens is one process's, so long after now.
func newTokens(t *testing.T, store install.Store, url string, later time.Duration) *install.Tokens {
	t.Helper()
	tokens, err := install.NewTokens(install.TokensConfig{
		Keys: keys, Store: store, SealingKeys: [][]byte{seal}, TokenURL: url, Lease: 2 * time.Second,
		Now: func() time.Time { return time.Now().Add(later) },
	})
	require.NoError(t, err)
	return tokens
}

// good is an access token that Stripe accepts.
func (w *world) good(t *testing.T, tokens *install.Tokens) string {
	t.Helper()
	token, err := tokens.AccessToken(t.Context(), acct)
	if assert.NoError(t, err) {
		_, ok := w.endpoint.Accepts(token)
		assert.True(t, ok, "Stripe accepts the token")
	}
	return token
}

func TestPoolsThatNeedATokenAtOnceRefreshItOnce(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			w := newWorld(t, d.new(t))
			slow := func(rw http.ResponseWriter, r *http.Request, answer http.Handler) {
				time.Sleep(300 * time.Millisecond) // in which the others come
				answer.ServeHTTP(rw, r)
			}
			for round := range 2 {
				w.endpoint.Next(slow)
				var callers sync.WaitGroup
				for range 4 {
					tokens := newTokens(t, w.open(t), w.server.URL, time.Duration(round+1)*61*time.Minute)
					for range 8 {
						callers.Go(func() { w.good(t, tokens) })
					}
				}
				callers.Wait()
				assert.Equal(t, round+1, w.endpoint.Refreshes())
			}
		})
	}
}

// childVariable tells a process whose only test is TestChild what to do.
const childVariable = "INTEROP_SQLSTORE_CHILD"

type child struct {
	Database database
	URL      string // of Stripe's endpoint
}

func TestChild(t *testing.T) {
	text := os.Getenv(childVariable)
	if text == "" {
		t.Skip("other tests run it, in processes of its own")
	}
	var c child
	require.NoError(t, json.Unmarshal([]byte(text), &c))
	token, err := newTokens(t, c.Database.open(t), c.URL, 61*time.Minute).AccessToken(t.Context(), acct)
	require.NoError(t, err)
	fmt.Printf("token=%s\n", token)
}

func (w *world) child(t *testing.T) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(child{w.database, w.server.URL})
	require.NoError(t, err)
	command := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v")
	command.Env = append(os.Environ(), childVariable+"="+string(text))
	return command
}

func TestProcessesThatNeedATokenAtOnceRefreshItOnce(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			w := newWorld(t, d.new(t))
			var running sync.WaitGroup
			tokens := make([]string, 3)
			w.endpoint.Next(func(rw http.ResponseWriter, r *http.Request, answer http.Handler) {
				time.Sleep(500 * time.Millisecond)
				answer.ServeHTTP(rw, r)
			})
			for i := range tokens {
				running.Go(func() {
					output, err := w.child(t).CombinedOutput()
					assert.NoError(t, err, string(output))
					_, after, _ := bytes.Cut(output, []byte("token="))
					line, _, _ := bytes.Cut(after, []byte("\n"))
					tokens[i] = string(line)
				})
			}
			running.Wait()
			assert.Equal(t, 1, w.endpoint.Refreshes())
			for _, token := range tokens {
				assert.Equal(t, tokens[0], token)
				_, ok := w.endpoint.Accepts(token)
				assert.True(t, ok, "Stripe accepts the token")
			}
		})
	}
}

// kill -9, while Stripe is asked.
func TestAProcessThatIsKilledInTheMiddleOfARefresh(t *testing.T) {
	for _, d := range databases {
		for _, killed := range []string{"before", "after"} {
			t.Run(d.name+", "+killed+" Stripe has given tokens", func(t *testing.T) {
				t.Parallel() // most of it is waiting
				w := newWorld(t, d.new(t))
				command, started := w.child(t), make(chan struct{})
				w.endpoint.Next(func(_ http.ResponseWriter, r *http.Request, answer http.Handler) {
					if killed == "after" {
						answer.ServeHTTP(httptest.NewRecorder(), r)
					}
					<-started
					command.Process.Kill()
					<-r.Context().Done()
				})
				require.NoError(t, command.Start())
				close(started)
				assert.Error(t, command.Wait())
				assert.Equal(t, 1, w.endpoint.Refreshes())

				tokens := newTokens(t, w.open(t), w.server.URL, 61*time.Minute)
				short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				_, err := tokens.AccessToken(short, acct)
				assert.ErrorIs(t, err, context.DeadlineExceeded, "it is the other one's turn until it has taken too long")
				if killed == "before" {
					w.good(t, tokens)
				} else {
					_, err := tokens.AccessToken(t.Context(), acct)
					assert.ErrorIs(t, err, install.ErrInstallAgain)
				}
				assert.Equal(t, 2, w.endpoint.Refreshes())
			})
		}
	}
}

// The database is restarted when Stripe has given the only tokens that are good.
func TestAServerThatIsRestartedInTheMiddleOfARefresh(t *testing.T) {
	server := newPostgres(t)
	t.Cleanup(server.remove)
	w := newWorld(t, inPostgres(t, server.url()))
	w.endpoint.Next(func(rw http.ResponseWriter, r *http.Request, answer http.Handler) {
		server.stop()
		answer.ServeHTTP(rw, r)
	})
	tokens := newTokens(t, w.open(t), w.server.URL, 61*time.Minute)
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := tokens.AccessToken(short, acct)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	server.start(t)
	require.NoError(t, tokens.Wait(t.Context()))
	w.good(t, newTokens(t, w.open(t), w.server.URL, 61*time.Minute))
	assert.Equal(t, 1, w.endpoint.Refreshes())
}
