package interop_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// payload is what the extension signs where it signs more than the ids.
var payload = map[string]any{"action": "refund", "amount": 1250}

// newChain returns the whole chain for stripeappstest.DefaultSecret.
func newChain(tb testing.TB, source stripeapps.Source) stripeapps.Middleware {
	tb.Helper()
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		Secrets: []string{stripeappstest.DefaultSecret},
		Source:  source,
	})
	require.NoError(tb, err)
	chain, err := stripeapps.New(stripeapps.Config{Verifier: verifier})
	require.NoError(tb, err)
	return chain
}

// whoami responds with whose request it is.
func whoami(w http.ResponseWriter, r *http.Request) {
	id, ok := stripeapps.IdentityFrom(r.Context())
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprint(w, id.UserID, " ", id.AccountID, " ", ok)
}

const whoamiText = "usr_test acct_test true"

// eachProtocol runs test with a server of its own for HTTP/1.1 and for HTTP/2.
func eachProtocol(t *testing.T, handler http.Handler, test func(t *testing.T, server *httptest.Server)) {
	t.Helper()
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			server := newServer(t, protocol, handler)
			test(t, server)
		})
	}
}

func newServer(t *testing.T, protocol string, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != protocol {
			t.Errorf("the request came by %s", r.Proto)
		}
		handler.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = protocol == "HTTP/2.0"
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// quiet is the log of servers whose handlers panic, or fail, on purpose.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// signedPost is what an extension sends whose body is signed.
func signedPost(url string) *http.Request {
	return post(url, payload, stripeappstest.Sign(payload))
}

func post(url string, payload any, signature string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(stripeappstest.Body(payload)))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "null")
	if signature != "" {
		r.Header.Set("Stripe-Signature", signature)
	}
	return r
}

// signedGet is what an extension sends for a user where only the ids are signed.
func signedGet(url, userID string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	r.Header.Set("Origin", "null")
	r.Header.Set("Stripe-User-Id", userID)
	r.Header.Set("Stripe-Account-Id", stripeappstest.DefaultAccountID)
	r.Header.Set("Stripe-Signature", stripeappstest.Sign(nil, stripeappstest.IDsInHeaders(), stripeappstest.WithUser(userID)))
	return r
}

// preflight is what the browser sends before signedPost.
func preflight(url string) *http.Request {
	r, err := http.NewRequest(http.MethodOptions, url, nil)
	if err != nil {
		panic(err)
	}
	r.Header.Set("Origin", "null")
	r.Header.Set("Access-Control-Request-Method", http.MethodPost)
	r.Header.Set("Access-Control-Request-Headers", "content-type,stripe-signature")
	return r
}

// received is a response as the client has got it.
type received struct {
	status int
	header http.Header
	body   string
}

// send returns the whole response, read to its end.
func send(t *testing.T, server *httptest.Server, r *http.Request) received {
	t.Helper()
	res, err := server.Client().Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err, "the response is cut off after %q", body)
	return received{res.StatusCode, normalized(res.Header), string(body)}
}

// normalized returns the headers without those that every server adds, with Vary,
// which is a set, as the sorted list of its members, and with policies, of which each
// is enforced, in any order.
func normalized(header http.Header) http.Header {
	header = maps.Clone(header)
	delete(header, "Date")
	delete(header, "Content-Length")
	if vary := header["Vary"]; vary != nil {
		names := strings.Split(strings.ToLower(strings.ReplaceAll(strings.Join(vary, ","), " ", "")), ",")
		slices.Sort(names)
		header["Vary"] = slices.Compact(names)
	}
	if policies := header["Content-Security-Policy"]; policies != nil {
		header["Content-Security-Policy"] = slices.Sorted(slices.Values(policies))
	}
	return header
}

// acceptedHeaders are those of every response to a verified request, and more, as
// name and value in turn.
func acceptedHeaders(more ...string) http.Header {
	return withMore(http.Header{
		"Access-Control-Allow-Origin": {"*"},
		"Cache-Control":               {"no-store"},
		"Content-Security-Policy":     {stripeapps.APIPolicy().String()},
		"Vary":                        {"origin", "stripe-account-id", "stripe-signature", "stripe-user-id"},
	}, more)
}

// refusedHeaders are those of every refusal behind CORS and CSP.
func refusedHeaders(more ...string) http.Header {
	return withMore(http.Header{
		"Access-Control-Allow-Origin": {"*"},
		"Cache-Control":               {"no-store"},
		"Content-Security-Policy":     {stripeapps.APIPolicy().String()},
		"Content-Type":                {"application/problem+json"},
		"Vary":                        {"origin"},
		"X-Content-Type-Options":      {"nosniff"},
	}, more)
}

func withMore(header http.Header, more []string) http.Header {
	for i := 0; i < len(more); i += 2 {
		header[more[i]] = append(header[more[i]], more[i+1])
	}
	return normalized(header)
}

// codeOf returns the code of a problem document, or "" for any other body.
func codeOf(body string) string {
	var problem struct{ Code string }
	if json.Unmarshal([]byte(body), &problem) != nil {
		return ""
	}
	return problem.Code
}
