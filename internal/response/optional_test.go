package response_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/internal/response"
)

// methodsOf lists the optional interfaces that w has.
func methodsOf(w http.ResponseWriter) (names []string) {
	add := func(name string, has bool) {
		if has {
			names = append(names, name)
		}
	}
	_, has := w.(http.Flusher)
	add("Flush", has)
	_, has = w.(interface{ FlushError() error })
	add("FlushError", has)
	_, has = w.(http.Hijacker)
	add("Hijack", has)
	_, has = w.(interface{ CloseNotify() <-chan bool })
	add("CloseNotify", has)
	_, has = w.(http.Pusher)
	add("Push", has)
	_, has = w.(io.ReaderFrom)
	add("ReadFrom", has)
	_, has = w.(io.StringWriter)
	add("WriteString", has)
	return names
}

// wrappers are all that makes a Writer.
var wrappers = map[string]func(http.ResponseWriter) http.ResponseWriter{
	"Wrap":       func(w http.ResponseWriter) http.ResponseWriter { w, _ = response.Wrap(w); return w },
	"Private":    response.Private,
	"ForRefusal": func(w http.ResponseWriter) http.ResponseWriter { w, _ = response.ForRefusal(w); return w },
}

func TestOnAServerTheMethodsAreThoseOfItsOwnWriter(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for name, wrap := range wrappers {
				assert.Equal(t, methodsOf(w), methodsOf(wrap(w)), "%s over %s", name, r.Proto)
			}
			assert.Len(t, methodsOf(w), map[int]int{1: 6, 2: 5}[r.ProtoMajor], "net/http has another method now")
		}))
		server.EnableHTTP2 = http2
		server.StartTLS()
		response, err := server.Client().Get(server.URL)
		require.NoError(t, err)
		response.Body.Close()
		server.Close()
	}
}

func TestElsewhereNoMethodIsLost(t *testing.T) {
	recorder := httptest.NewRecorder()
	w, _ := response.Wrap(recorder)
	assert.Equal(t, []string{"Flush", "FlushError", "WriteString"}, methodsOf(w))
	w, _ = response.Wrap(plainWriter{recorder})
	assert.Empty(t, methodsOf(w))

	more := []http.ResponseWriter{
		struct {
			plainWriter
			io.ReaderFrom
		}{plainWriter: plainWriter{recorder}},
		struct {
			plainWriter
			io.StringWriter
		}{plainWriter: plainWriter{recorder}},
	}
	for i, below := range append(someWriters(recorder), more...) {
		w, _ := response.Wrap(below)
		want := slices.DeleteFunc(methodsOf(below), func(name string) bool { return name == "ReadFrom" || name == "WriteString" })
		want = append(want, "ReadFrom", "WriteString") // always, which tells nobody anything
		assert.Equal(t, want, methodsOf(w), i)
	}
}

type (
	canFlush  struct{}
	canHijack struct{}
	canNotify struct{}
	canPush   struct{}
)

func (canFlush) Flush()                                                {}
func (canFlush) FlushError() error                                     { return nil }
func (canHijack) Hijack() (_ net.Conn, _ *bufio.ReadWriter, err error) { return nil, nil, errBroken }
func (canNotify) CloseNotify() <-chan bool                             { return nil }
func (canPush) Push(string, *http.PushOptions) error                   { return errBroken }

// someWriters have every set of the methods that tell something, with and without
// ReadFrom.
func someWriters(w http.ResponseWriter) []http.ResponseWriter {
	type plain = plainWriter
	p := plain{w}
	return []http.ResponseWriter{
		struct {
			plain
			canFlush
		}{plain: p},
		struct {
			plain
			canHijack
		}{plain: p},
		struct {
			plain
			canFlush
			canHijack
		}{plain: p},
		struct {
			plain
			canNotify
		}{plain: p},
		struct {
			plain
			canFlush
			canNotify
		}{plain: p},
		struct {
			plain
			canHijack
			canNotify
		}{plain: p},
		struct {
			plain
			canFlush
			canHijack
			canNotify
		}{plain: p},
		struct {
			plain
			canPush
		}{plain: p},
		struct {
			plain
			canFlush
			canPush
		}{plain: p},
		struct {
			plain
			canHijack
			canPush
		}{plain: p},
		struct {
			plain
			canFlush
			canHijack
			canPush
		}{plain: p},
		struct {
			plain
			canNotify
			canPush
		}{plain: p},
		struct {
			plain
			canFlush
			canNotify
			canPush
		}{plain: p},
		struct {
			plain
			canHijack
			canNotify
			canPush
		}{plain: p},
		struct {
			plain
			canFlush
			canHijack
			canNotify
			canPush
		}{plain: p},
	}
}

// hidingWriter is how most middlewares wrap: the controller finds what is below.
type hidingWriter struct{ http.ResponseWriter }

func (w hidingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestTheControllerDoesNotPassTheWriterBy(t *testing.T) {
	w, chain := response.Wrap(hidingWriter{httptest.NewRecorder()})
	chain.Demand([]response.Line{{Name: "X-Chain", Value: "1"}})
	w.Header().Del("X-Chain")
	require.NoError(t, flush(w))
	assert.True(t, chain.Begun())
	assert.Equal(t, "1", w.Header().Get("X-Chain"))
}

func TestTheMethodsDoWhatThoseBelowDo(t *testing.T) {
	for name, wrap := range wrappers {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, "first second third", get(t, func(w http.ResponseWriter, r *http.Request) {
				w = wrap(w)
				io.Copy(w, strings.NewReader("first "))
				w.(http.Flusher).Flush()
				assert.NoError(t, http.NewResponseController(w).SetWriteDeadline(time.Time{}), "by Unwrap")
				w.(io.ReaderFrom).ReadFrom(strings.NewReader("second "))
				io.WriteString(w, "third")
			}))
			assert.Equal(t, "hijacked", get(t, func(w http.ResponseWriter, r *http.Request) {
				w = wrap(w)
				conn, _, err := w.(http.Hijacker).Hijack()
				if assert.NoError(t, err) {
					io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 8\r\n\r\nhijacked")
					conn.Close()
				}
			}))
		})
	}
	w, _ := response.Wrap(someWriters(httptest.NewRecorder())[14])
	assert.ErrorIs(t, w.(http.Pusher).Push("/", nil), errBroken)
}

// As gin's Stream does it.
func TestACloseIsNotified(t *testing.T) {
	closed := make(chan bool, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w, _ = response.Wrap(w)
		fmt.Fprint(w, "tick")
		w.(http.Flusher).Flush()
		closed <- <-w.(interface{ CloseNotify() <-chan bool }).CloseNotify()
	}))
	defer server.Close()
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	response.Body.Close()
	select {
	case got := <-closed:
		assert.True(t, got)
	case <-time.After(10 * time.Second):
		t.Error("not notified")
	}
}

// Each of the methods that net/http's writers have, on a server.
func TestOnAServerTheMethodsReachItsOwnWriter(t *testing.T) {
	for name, call := range map[string]func(t *testing.T, w, own http.ResponseWriter){
		"Flush":      func(_ *testing.T, w, _ http.ResponseWriter) { w.(http.Flusher).Flush() },
		"FlushError": func(t *testing.T, w, _ http.ResponseWriter) { assert.NoError(t, flush(w)) },
		"CloseNotify": func(t *testing.T, w, own http.ResponseWriter) {
			assert.Equal(t, own.(interface{ CloseNotify() <-chan bool }).CloseNotify(), w.(interface{ CloseNotify() <-chan bool }).CloseNotify())
			w.WriteHeader(http.StatusOK)
		},
		"Push": func(t *testing.T, w, own http.ResponseWriter) {
			if pusher, ok := own.(http.Pusher); ok {
				assert.Error(t, pusher.Push("/style.css", nil), "the client does not take any")
				assert.Equal(t, pusher.Push("/style.css", nil), w.(http.Pusher).Push("/style.css", nil))
			}
			w.WriteHeader(http.StatusOK)
		},
	} {
		for _, http2 := range []bool{false, true} {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(own http.ResponseWriter, r *http.Request) {
				w, chain := response.Wrap(own)
				call(t, w, own)
				assert.True(t, chain.Begun(), "%s over %s", name, r.Proto)
			}))
			server.EnableHTTP2 = http2
			server.StartTLS()
			response, err := server.Client().Get(server.URL)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, response.Body) // until the handler returns
			require.NoError(t, err)
			response.Body.Close()
			server.Close()
		}
	}
}

// What an http.MaxBytesReader tells the server's own writer. Of other responses
// net/http reads a small rest, and keeps the connection.
func TestAHandlers413IsNotFollowedByTheRestOfTheBody(t *testing.T) {
	for name, wrap := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"on the server's writer":  func(w http.ResponseWriter) http.ResponseWriter { return w },
		"with another in between": func(w http.ResponseWriter) http.ResponseWriter { return hidingWriter{w} },
	} {
		for _, status := range []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge} {
			for _, http2 := range []bool{false, true} {
				t.Run(fmt.Sprint(status, " ", name), func(t *testing.T) {
					t.Parallel()
					server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						w, _ = response.Wrap(wrap(w))
						_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10))
						assert.Error(t, err)
						w.WriteHeader(status)
					}))
					server.EnableHTTP2 = http2
					server.StartTLS()
					defer server.Close()
					response, err := server.Client().Post(server.URL, "text/plain", strings.NewReader(strings.Repeat("x", 1000)))
					require.NoError(t, err)
					response.Body.Close()
					assert.Equal(t, status, response.StatusCode)
					closes := status == http.StatusRequestEntityTooLarge && !http2 // HTTP/2 has a stream to close
					assert.Equal(t, closes, response.Close)
				})
			}
		}
	}
}
