package body_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/internal/body"
)

const timeout = 30 * time.Second

// serve has server respond to one connection, in a bubble of synctest, and returns
// the client's end of it.
func serve(t *testing.T, server *http.Server) net.Conn {
	t.Helper()
	client, connection := net.Pipe()
	listener := &oneConnection{connection: connection, closed: make(chan struct{})}
	go server.Serve(listener)
	t.Cleanup(func() {
		client.Close()
		server.Close()
		time.Sleep(time.Second) // of the bubble: so long net/http waits for the client's end
	})
	return client
}

// oneConnection is a listener with one connection.
type oneConnection struct {
	connection net.Conn
	closed     chan struct{}
}

func (l *oneConnection) Accept() (net.Conn, error) {
	if connection := l.connection; connection != nil {
		l.connection = nil
		return connection, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConnection) Close() error   { close(l.closed); return nil }
func (l *oneConnection) Addr() net.Addr { return &net.TCPAddr{} }

// wrapped is a middleware's writer.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestABodyMustArriveInItsTime(t *testing.T) {
	for _, test := range []struct {
		name        string
		readTimeout time.Duration
		wrap        func(http.ResponseWriter) http.ResponseWriter
		after       time.Duration
	}{
		{"with a server that has no limit of its own", 0, nil, timeout},
		{"behind a middleware whose writer can be unwrapped", 0,
			func(w http.ResponseWriter) http.ResponseWriter { return wrapped{w} }, timeout},
		{"with a server that has a longer limit", 2 * timeout, nil, timeout},
		{"with a server that has a shorter limit, which holds", timeout / 2, nil, timeout / 2},
		{"behind a middleware whose writer hides the server's, with the server's limit", 2 * timeout,
			func(w http.ResponseWriter) http.ResponseWriter { return struct{ http.ResponseWriter }{w} }, 2 * timeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				failed := make(chan error, 1)
				server := &http.Server{ReadTimeout: test.readTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if test.wrap != nil {
						w = test.wrap(w)
					}
					var deadline body.Deadline
					deadline.Set(w, r, timeout)
					_, err := body.ReadRequest(r, 1<<20)
					failed <- err
				})}
				client := serve(t, server)
				io.WriteString(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nthe beginning")
				go io.Copy(io.Discard, client)
				assert.ErrorIs(t, <-failed, os.ErrDeadlineExceeded)
				assert.Equal(t, test.after, time.Since(began))
			})
		})
	}
}

// net/http watches the connection while the handler works, and takes a deadline for
// the client's end.
func TestALiftedDeadlineDoesNotEndTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var deadline body.Deadline
			deadline.Set(w, r, timeout)
			content, err := body.ReadRequest(r, 1<<20)
			assert.NoError(t, err)
			assert.Equal(t, "whole", string(content))
			deadline.Lift()
			select {
			case <-r.Context().Done():
				t.Error("the request has ended")
			case <-time.After(2 * timeout):
			}
		})}
		client := serve(t, server)
		go io.WriteString(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nwhole")
		response, err := http.ReadResponse(bufio.NewReader(client), nil)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, response.StatusCode)
	})
}

func TestABodyMustArriveInItsTimeOverHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := make(chan error, 1)
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		server := &http.Server{Protocols: protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, 2, r.ProtoMajor)
			var deadline body.Deadline
			deadline.Set(w, r, timeout)
			_, err := body.ReadRequest(r, 1<<20)
			failed <- err
		})}
		connection := serve(t, server)
		transport := &http.Transport{Protocols: protocols, DialContext: func(context.Context, string, string) (net.Conn, error) {
			return connection, nil
		}}
		defer transport.CloseIdleConnections()
		never, stop := io.Pipe()
		defer stop.Close()
		began := time.Now()
		go func() {
			if response, err := transport.RoundTrip(httptest.NewRequest(http.MethodPost, "http://x/", never)); err == nil {
				response.Body.Close()
			}
		}()
		assert.ErrorIs(t, <-failed, os.ErrDeadlineExceeded)
		assert.Equal(t, timeout, time.Since(began))
	})
}

// deadlines is a writer that remembers its deadlines.
type deadlines struct {
	http.ResponseWriter
	set []time.Time
	err error
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return d.err
}

func TestADeadlineIsSetOnlyWhereThereIsABodyToWaitFor(t *testing.T) {
	for _, test := range []struct {
		name    string
		request *http.Request
		err     error
		want    int // calls: one to set it, one to lift it
	}{
		{"a body", httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x")), nil, 2},
		{"no body", httptest.NewRequest(http.MethodPost, "/", nil), nil, 0},
		{"a body of nil", &http.Request{}, nil, 0},
		{"a connection that cannot", httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x")), errors.ErrUnsupported, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &deadlines{err: test.err}
				var deadline body.Deadline
				deadline.Set(w, test.request, timeout)
				deadline.Lift()
				assert.Equal(t, []time.Time{time.Now().Add(timeout), {}}[:test.want], append([]time.Time{}, w.set...))
			})
		})
	}
	var deadline body.Deadline
	deadline.Set(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x")), timeout)
	deadline.Lift()
}
