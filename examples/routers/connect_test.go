package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// signing is how a client of connect sends the ids that are signed.
type signing struct {
	options []stripeappstest.Option
}

func (s signing) RoundTrip(r *http.Request) (*http.Response, error) {
	for name, values := range stripeappstest.NewRequest("GET", "/", nil, append(s.options, ids)...).Header {
		r.Header[name] = values
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestConnectsClient(t *testing.T) {
	for name, options := range map[string][]connect.ClientOption{
		"in Protobuf": nil,
		"in JSON":     {connect.WithProtoJSON()},
	} {
		t.Run(name, func(t *testing.T) {
			ticks := make(chan time.Time)
			server := httptest.NewServer(serve(t, "connect", ticks))
			defer server.Close()
			newClient := func(path string, signed ...stripeappstest.Option) *connect.Client[emptypb.Empty, structpb.Struct] {
				return connect.NewClient[emptypb.Empty, structpb.Struct](&http.Client{Transport: signing{signed}, Timeout: 10 * time.Second}, server.URL+path, options...)
			}

			t.Run("has the response to a call", func(t *testing.T) {
				response, err := newClient("/api/greeting").CallUnary(t.Context(), connect.NewRequest(new(emptypb.Empty)))
				require.NoError(t, err)
				assert.Equal(t, "hello usr_test of acct_test", response.Msg.Fields["text"].GetStringValue())
			})
			t.Run("has events as they happen", func(t *testing.T) {
				stream, err := newClient("/api/events").CallServerStream(t.Context(), connect.NewRequest(new(emptypb.Empty)))
				require.NoError(t, err)
				for _, want := range []string{"event 1 of acct_test", "event 2 of acct_test", "event 3 of acct_test"} {
					require.True(t, stream.Receive(), stream.Err())
					assert.Equal(t, want, stream.Msg().Fields["text"].GetStringValue())
					if want != "event 3 of acct_test" {
						ticks <- time.Time{} // the next one happens only now
					}
				}
				assert.False(t, stream.Receive())
				assert.NoError(t, stream.Err())
			})
			t.Run("reads why it was refused", func(t *testing.T) {
				_, err := newClient("/api/greeting", stripeappstest.Expired()).CallUnary(t.Context(), connect.NewRequest(new(emptypb.Empty)))
				assert.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(err))
				assert.ErrorContains(t, err, "(too_old)")
			})
			t.Run("reads why a stream was refused", func(t *testing.T) {
				stream, err := newClient("/api/events", stripeappstest.Tampered()).CallServerStream(t.Context(), connect.NewRequest(new(emptypb.Empty)))
				require.NoError(t, err)
				assert.False(t, stream.Receive())
				assert.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(stream.Err()))
				assert.ErrorContains(t, stream.Err(), "(no_match)")
			})
		})
	}
}
