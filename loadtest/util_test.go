package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// The test program is the backend, too, as the program itself is.
func TestMain(m *testing.M) {
	if config, isBackend := os.LookupEnv(backendEnv); isBackend {
		os.Exit(serveUntilAlone(config, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

const (
	testRate = 250
	tinyHalf = halfARoll / 4 // of a roll
)

// startHere starts backends in this process, after change.
func startHere(t *testing.T, change func(*backend)) func(backendConfig) (*remote, error) {
	return func(config backendConfig) (*remote, error) {
		b, err := newBackend(config)
		if err != nil {
			return nil, err
		}
		change(b)
		at, err := b.start()
		t.Cleanup(b.close)
		return newRemote(at, b.close), err
	}
}

func newTestBench(t *testing.T, rate int, change func(*backend)) *bench {
	t.Helper()
	b, err := newBench(rate, "", startHere(t, change))
	require.NoError(t, err)
	b.noRedis, b.halfARoll = "not in this test", tinyHalf
	t.Cleanup(b.client.CloseIdleConnections)
	return b
}

// withoutNetwork has the client call a handler, so that thousands of requests take no
// time.
func withoutNetwork(b *bench, handler http.Handler) {
	b.client = &http.Client{Transport: roundTripper(func(r *http.Request) *http.Response {
		w := httptest.NewRecorder()
		r = r.Clone(r.Context())
		if r.Body == nil {
			r.Body = http.NoBody
		}
		handler.ServeHTTP(w, r)
		return w.Result()
	})}
}

type roundTripper func(r *http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// acceptEverything takes the chain away, and all guards. The server gives slow bodies no
// more time than the chain.
func acceptEverything(b *backend) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", b.answer)
	mux.HandleFunc(slowPath, b.answerSlowly)
	b.server.Handler, b.server.ReadTimeout = mux, bodyTimeout
}

// refuseEach refuses each nth request.
func refuseEach(n int, next http.Handler) http.Handler {
	requests := make(chan int, 1)
	requests <- 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count := <-requests + 1
		requests <- count
		if count%n == 0 {
			http.Error(w, "not this one", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// result is one of a request with the nonce N.
func result(kind string, status int, body string) *vegeta.Result {
	return &vegeta.Result{URL: "http://127.0.0.1/chain?kind=" + kind + "&nonce=N", Code: uint16(status), Body: []byte(body)}
}

func problem(code string) string { return `{"code":"` + code + `"}` }

// verdicts are those of rows, by what they are about.
func verdicts(rows []row) map[string]verdict {
	all := map[string]verdict{}
	for _, r := range rows {
		all[r.what] = r.verdict
	}
	return all
}
