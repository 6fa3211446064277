package playground

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRecorder(t *testing.T) {
	t.Run("it keeps a preflight and its request, and derives the checks", func(t *testing.T) {
		playground := testPlayground(t)
		responseOf(playground, preflight("POST", "/api/echo"))
		responseOf(playground, fromExtension(echoRequest("POST", "/api/echo", samplePayload, testSecret)))

		got := lastOf(t, playground, "?after=0")
		assert.Equal(t, 2, got.Seq)
		require.NotNil(t, got.Preflight)
		assert.Equal(t, "OPTIONS", got.Preflight.Method)
		assert.Equal(t, http.StatusNoContent, got.Preflight.Status)
		assert.Equal(t, "*", got.Preflight.Response.get("Access-Control-Allow-Origin"))
		assert.False(t, got.Cached)
		require.NotNil(t, got.Request)
		assert.Equal(t, "/api/echo", got.Request.Target)
		assert.Equal(t, samplePayload, got.Request.Request.Body)
		assert.Equal(t, sign(samplePayload, testSecret, testNow), got.Request.Request.get("Stripe-Signature"))
		assert.Equal(t, "127.0.0.1:4241", got.Request.Request.get("Host"))
		assert.Equal(t, http.StatusOK, got.Request.Status)
		assert.Contains(t, got.Request.Response.Body, `"user_id":"usr_quickstart"`)
		assert.Len(t, got.Checks, 7)
		for _, check := range got.Checks {
			assert.Equal(t, statePassed, check.State, check.Name)
		}
	})
	t.Run("a body that the chain did not read is there", func(t *testing.T) {
		playground := testPlayground(t)
		r := fromExtension(echoRequest("POST", "/api/echo", samplePayload, testSecret))
		r.Header.Del("Stripe-Signature")
		assertProblem(t, responseOf(playground, r), 401, "not_signed")
		got := lastOf(t, playground, "?after=0")
		assert.Equal(t, samplePayload, got.Request.Request.Body)
		assert.Contains(t, got.Request.Response.Body, "not_signed")
	})
	t.Run("it does not read for a client that waits to be asked", func(t *testing.T) {
		playground := testPlayground(t)
		r := fromExtension(httptest.NewRequest("POST", "/api/echo", failingReader{t}))
		r.Header.Set("Expect", "100-continue")
		assertProblem(t, responseOf(playground, r), 401, "not_signed")
	})
	t.Run("with the ids in headers a body is not used", func(t *testing.T) {
		playground := testPlayground(t)
		responseOf(playground, fromExtension(whoamiRequest("GET", "/api/whoami", testSecret)))
		for _, check := range lastOf(t, playground, "?after=0").Checks[1:] {
			want := statePassed
			if check.Name == "Body" {
				want = stateNotUsed
			}
			assert.Equal(t, want, check.State, check.Name)
		}
	})
	t.Run("nothing new is nothing", func(t *testing.T) {
		playground := testPlayground(t)
		responseOf(playground, fromExtension(echoRequest("POST", "/api/echo", samplePayload, testSecret)))
		for _, query := range []string{"?after=1", "?after=", "", "?after=x"} {
			got := lastOf(t, playground, query)
			assert.Equal(t, 1, got.Seq)
			assert.Nil(t, got.Request, query)
			assert.Nil(t, got.Preflight, query)
		}
	})
	t.Run("requests that are not the extension's are not shown", func(t *testing.T) {
		playground := testPlayground(t)
		responseOf(playground, echoRequest("POST", "/api/echo", samplePayload, testSecret))
		assert.Nil(t, lastOf(t, playground, "?after=0").Request)
	})
	t.Run("a panic is told, and goes on", func(t *testing.T) {
		wire := new(recorder)
		handler := wire.record(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		assert.PanicsWithError(t, http.ErrAbortHandler.Error(), func() { responseOf(handler, fromExtension(local("POST", "/api/x", "x"))) })
		got := wire.last(0)
		assert.Equal(t, 0, got.Request.Status)
		assert.Equal(t, checkResult{"Handler", stateRefused, "it ended without a response"}, got.Checks[6])
	})
}

// The server waits for ever for a body: only the recorder's own deadline lets the
// response go.
func TestARefusalDoesNotWaitForABodyThatIsNotSent(t *testing.T) {
	server := httptest.NewServer(testPlayground(t))
	defer server.Close()
	exchange := func(t *testing.T, request string) *http.Response {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		require.NoError(t, conn.SetDeadline(time.Now().Add(8*time.Second)))
		_, err = io.WriteString(conn, request)
		require.NoError(t, err)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err, "a response")
		return response
	}
	const head = "POST /api/echo HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nSec-Fetch-Site: cross-site\r\n"
	for name, request := range map[string]string{
		"of a length":                head + "Content-Length: 50\r\n\r\n",
		"of a length, and only some": head + "Content-Length: 50\r\n\r\n{",
		"in chunks":                  head + "Transfer-Encoding: chunked\r\n\r\n",
		"larger than is kept":        head + "Content-Length: 100000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			response := exchange(t, request)
			assertProblem(t, response, 401, "not_signed")
			assert.True(t, response.Close, "what comes later is no request")
		})
	}
	t.Run("one that is sent keeps the connection", func(t *testing.T) {
		response := exchange(t, head+"Content-Length: 2\r\n\r\n{}")
		assertProblem(t, response, 401, "not_signed")
		assert.False(t, response.Close)
	})
}

func TestRecorderTellsOfPreflights(t *testing.T) {
	t.Run("without a new preflight it says that it was cached", func(t *testing.T) {
		playground := testPlayground(t)
		responseOf(playground, preflight("GET", "/api/whoami")) // of something else
		responseOf(playground, preflight("POST", "/api/echo"))
		send := func() {
			responseOf(playground, fromExtension(echoRequest("POST", "/api/echo", samplePayload, testSecret)))
		}
		send()
		send()
		got := lastOf(t, playground, "?after=3")
		assert.True(t, got.Cached)
		require.NotNil(t, got.Preflight)
		assert.Equal(t, 2, got.Preflight.Seq)
		assert.Contains(t, got.Checks[0].Why, "cached by the browser")
	})
	t.Run("a preflight that nothing follows is told", func(t *testing.T) {
		playground := testPlayground(t)
		responseOf(playground, preflight("POST", "/api/nothing"))
		got := lastOf(t, playground, "?after=0")
		assert.Nil(t, got.Request)
		require.NotNil(t, got.Preflight)
		assert.Equal(t, corsPassed, got.Checks[0])
		assert.Equal(t, stateNotReached, got.Checks[1].State)
	})
	t.Run("a preflight that does not match is told, although its response is 204 too", func(t *testing.T) {
		playground := testPlayground(t)
		for name, change := range map[string]func(http.Header){
			"header": func(h http.Header) { h.Set("Access-Control-Request-Headers", "content-type,x-request-id") },
			"method": func(h http.Header) { h.Set("Access-Control-Request-Method", "TRACE") },
		} {
			before := lastOf(t, playground, "").Seq
			r := preflight("POST", "/api/echo")
			change(r.Header)
			require.Equal(t, http.StatusNoContent, responseOf(playground, r).StatusCode, name)
			got := lastOf(t, playground, fmt.Sprintf("?after=%d", before))
			assert.Nil(t, got.Request, name)
			require.NotNil(t, got.Preflight, name)
			assert.Equal(t, corsRefused, got.Checks[0], name)
			for _, check := range got.Checks[1:] {
				assert.Equal(t, checkResult{check.Name, stateNotReached, ""}, check, name)
			}
		}
	})
}

type failingReader struct{ t *testing.T }

func (r failingReader) Read([]byte) (int, error) {
	r.t.Error("it has read")
	return 0, io.EOF
}

func TestRecorderIsBounded(t *testing.T) {
	t.Run("in exchanges", func(t *testing.T) {
		wire := new(recorder)
		handler := wire.record(http.HandlerFunc(notFound))
		for range 3 * keptExchanges {
			responseOf(handler, fromExtension(local("POST", "/api/x", "")))
		}
		assert.Len(t, wire.kept, keptExchanges)
		assert.Equal(t, 3*keptExchanges, wire.seq)
		assert.Equal(t, 2*keptExchanges+1, wire.kept[0].Seq)
	})
	t.Run("in bytes of bodies", func(t *testing.T) {
		for size, tooLarge := range map[int]bool{keptBodyBytes: false, keptBodyBytes + 1: true, 100 * keptBodyBytes: true} {
			wire := new(recorder)
			var read int
			handler := wire.record(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				assert.NoError(t, err)
				read = len(body)
				w.Write(body)
			}))
			response := responseOf(handler, fromExtension(local("POST", "/api/x", strings.Repeat("x", size))))
			assert.Equal(t, size, read)
			assert.Len(t, bodyOf(t, response), size)
			e := wire.last(0).Request
			for _, m := range []message{e.Request, e.Response} {
				assert.Equal(t, tooLarge, m.TooLarge)
				if tooLarge {
					assert.Empty(t, m.Body)
				} else {
					assert.Len(t, m.Body, size)
				}
			}
		}
	})
	t.Run("in what it reads of a body that nobody reads", func(t *testing.T) {
		body := strings.NewReader(strings.Repeat("x", 100*keptBodyBytes))
		r := fromExtension(httptest.NewRequest("POST", "/api/x", body))
		responseOf(new(recorder).record(http.HandlerFunc(notFound)), r)
		assert.Equal(t, 99*keptBodyBytes-1, body.Len())
	})
}
