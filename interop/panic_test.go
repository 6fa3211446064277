package interop_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// seen collects the panics that somebody has seen.
type seen struct {
	mu     sync.Mutex
	values []any
}

func (s *seen) add(value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = append(s.values, value)
}

func (s *seen) all() []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values
}

// chi's Recoverer tells the request's log of a panic.

func (s *seen) NewLogEntry(*http.Request) middleware.LogEntry         { return s }
func (s *seen) Write(_, _ int, _ http.Header, _ time.Duration, _ any) {}
func (s *seen) Panic(value any, _ []byte)                             { s.add(value) }

// chiRecoverer is the Recoverer as chi's users have it, below a logger.
func chiRecoverer(seen *seen) stripeapps.Middleware {
	return func(next http.Handler) http.Handler {
		return middleware.RequestLogger(seen)(middleware.Recoverer(next))
	}
}

// tracker is an error tracker's middleware. It does not panic again: what gets as far
// as net/http makes it cut off every response, over HTTP/2 also one that is complete.
func tracker(seen *seen) stripeapps.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if value := recover(); value != nil {
					seen.add(value)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
}

// errorWriter is what many recover with. Its text comes after the response, which has
// been written.
func errorWriter(seen *seen) stripeapps.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if value := recover(); value != nil {
					seen.add(value)
					http.Error(w, "Internal Server Error", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
}

func nothing(*seen) stripeapps.Middleware {
	return func(next http.Handler) http.Handler { return next }
}

func TestAPanicIsSeenAndItsResponseIsReadInTheBrowser(t *testing.T) {
	const reason = "the handler's reason"
	tell := func(seen *seen) func(*http.Request, any) {
		return func(_ *http.Request, value any) { seen.add(value) }
	}
	goOn := func(*seen) func(*http.Request, any) {
		return func(_ *http.Request, value any) { panic(value) }
	}
	for _, test := range []struct {
		name    string
		outer   func(*seen) stripeapps.Middleware
		onPanic func(*seen) func(*http.Request, any)
	}{
		{"by OnPanic", nothing, tell},
		{"by chi's Recoverer outside, if OnPanic lets it go on", chiRecoverer, goOn},
		{"by an error tracker outside, if OnPanic lets it go on", tracker, goOn},
		{"by what responds to it too, if OnPanic lets it go on", errorWriter, goOn},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachProtocol(t, http.NotFoundHandler(), func(t *testing.T, server *httptest.Server) {
				seen := new(seen)
				chain, err := stripeapps.New(stripeapps.Config{
					Secrets: []string{stripeappstest.DefaultSecret},
					CORS:    stripeapps.CORSConfig{OnPanic: test.onPanic(seen)},
				})
				require.NoError(t, err)
				server.Config.Handler = test.outer(seen)(chain(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Encoding", "gzip") // of the response that is not sent
					w.Header().Set("Set-Cookie", "session=1")
					panic(reason)
				})))

				got := send(t, server, signedPost(server.URL))
				assert.Equal(t, http.StatusInternalServerError, got.status)
				assert.Contains(t, got.header["Vary"], "origin")
				got.header["Vary"] = []string{"origin"} // more names do no harm to what is not stored
				delete(got.header, "Connection")
				assert.Equal(t, refusedHeaders(), got.header)
				assert.Equal(t, "internal", codeOf(got.body))
				server.Close() // the response may be there before OnPanic is told
				assert.Equal(t, []any{reason}, seen.all())
			})
		})
	}
}
