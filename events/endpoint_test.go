package events_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
)

// unreachable fails a test in which a handler is called.
func unreachable(t *testing.T) events.Handler {
	return func(context.Context, events.Event) error { t.Error("the handler was called"); return nil }
}

func TestAnAcknowledgementIsAnEmpty200(t *testing.T) {
	w := httptest.NewRecorder()
	newEndpoint(t, events.Config{}).ServeHTTP(w, newRequest(snapshot("evt_1", testType)))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Empty(t, w.Body.String())
	assert.Equal(t, http.Header{"Cache-Control": {"no-store"}}, w.Header())
}

func TestARefusalIsAProblemDocument(t *testing.T) {
	w := httptest.NewRecorder()
	r := newRequest(snapshot("evt_1", testType))
	r.Header.Set("Stripe-Signature", sign("{}", testSecret, testNow))
	newEndpoint(t, events.Config{Other: unreachable(t)}).ServeHTTP(w, r)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Equal(t, http.Header{
		"Cache-Control":          {"no-store"},
		"Content-Type":           {"application/problem+json"},
		"Www-Authenticate":       {"Stripe-Signature"},
		"X-Content-Type-Options": {"nosniff"},
	}, w.Header())
	assert.Equal(t, `{"title":"Unauthorized","status":401,"code":"no_match","detail":"no v1 signature matches the body: check that the secret is that of this webhook endpoint (each has its own, and stripe listen another), and that nothing in front of it changes the body"}`+"\n", w.Body.String())
}

func TestEventsComeByPost(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
		w := httptest.NewRecorder()
		newEndpoint(t, events.Config{Other: unreachable(t)}).ServeHTTP(w, httptest.NewRequest(method, "/stripe/events", http.NoBody))
		assert.Equal(t, http.StatusMethodNotAllowed, w.Code, method)
		assert.Equal(t, []string{"POST"}, w.Header()["Allow"], method)
		assert.NotContains(t, w.Header(), "Access-Control-Allow-Origin", method)
	}
}

func TestWhatIsWrongIsFoundBeforeTheBodyIsRead(t *testing.T) {
	payload := snapshot("evt_1", testType)
	for _, test := range []struct {
		name   string
		lines  []string
		status int
		code   string
	}{
		{"no header", nil, 401, "not_signed"},
		{"an empty header", []string{""}, 401, "not_signed"},
		{"a header of a megabyte", []string{strings.Repeat("v1=0,", 200_000)}, 401, "malformed_signature"},
		{"two headers", []string{sign(payload, testSecret, testNow), sign(payload, testSecret, testNow)}, 401, "malformed_signature"},
		{"a header without a v1", []string{"t=1700000000,v0=00"}, 401, "no_match"},
		{"a signature that is too old", []string{sign(payload, testSecret, testNow.Add(-301*time.Second))}, 401, "too_old"},
		{"a signature of the future", []string{sign(payload, testSecret, testNow.Add(301*time.Second))}, 401, "too_new"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/stripe/events", iotest.ErrReader(errors.New("the body was read")))
			if test.lines != nil {
				r.Header["Stripe-Signature"] = test.lines
			}
			assertServes(t, newEndpoint(t, events.Config{Other: unreachable(t)}), r, test.status, test.code)
		})
	}
}

func TestAHeaderMayComeInTwoLines(t *testing.T) {
	r := newRequest(snapshot("evt_1", testType))
	time, mac, _ := strings.Cut(r.Header.Get("Stripe-Signature"), ",")
	r.Header["Stripe-Signature"] = []string{time, mac}
	assertServes(t, newEndpoint(t, events.Config{}), r, 200, "")
}

func TestBodiesAreBounded(t *testing.T) {
	payload := snapshot("evt_1", testType)
	exact := events.Config{MaxBodyBytes: int64(len(payload))}
	assertServes(t, newEndpoint(t, exact), newRequest(payload), 200, "")

	less := newEndpoint(t, events.Config{MaxBodyBytes: int64(len(payload)) - 1, Other: unreachable(t)})
	assertServes(t, less, newRequest(payload), 413, "body_too_large")
	chunked := newRequest(payload)
	chunked.ContentLength = -1
	assertServes(t, less, chunked, 413, "body_too_large")
	limited := newRequest(payload)
	limited.Body = http.MaxBytesReader(nil, limited.Body, 10)
	assertServes(t, newEndpoint(t, events.Config{Other: unreachable(t)}), limited, 413, "body_too_large")
	assertServes(t, newEndpoint(t, events.Config{Other: unreachable(t)}), newRequest(strings.Repeat(" ", 1<<20)+payload), 413, "body_too_large")
}

func TestABodyThatCannotBeReadIsNotTaken(t *testing.T) {
	payload := snapshot("evt_1", testType)
	for name, body := range map[string]io.Reader{
		"it breaks off with an error":   io.MultiReader(strings.NewReader(payload[:50]), iotest.ErrReader(io.ErrUnexpectedEOF)),
		"it is shorter than its length": strings.NewReader(payload[:50]),
		"it is longer than its length":  strings.NewReader(payload + " "),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRequest(payload)
			r.Body = io.NopCloser(body)
			assertServes(t, newEndpoint(t, events.Config{Other: unreachable(t)}), r, 400, "body_unreadable")
		})
	}
}

func TestASignatureCanGetTooOldWhileTheBodyArrives(t *testing.T) {
	clock := newClock()
	payload := snapshot("evt_1", testType)
	r := newRequest(payload)
	r.Body = io.NopCloser(io.MultiReader(readerFunc(func([]byte) (int, error) {
		clock.Advance(301 * time.Second)
		return 0, io.EOF
	}), strings.NewReader(payload)))
	assertServes(t, newEndpoint(t, events.Config{Now: clock.Now, Other: unreachable(t)}), r, 401, "too_old")
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestABodyThatIsTooSlowIsNotWaitedFor(t *testing.T) {
	server := httptest.NewServer(newEndpoint(t, events.Config{BodyTimeout: 50 * time.Millisecond, Other: unreachable(t)}))
	defer server.Close()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer connection.Close()
	payload := snapshot("evt_1", testType)
	fmt.Fprintf(connection, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nStripe-Signature: %s\r\n\r\n%s",
		len(payload), sign(payload, testSecret, testNow), payload[:10])
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusBadRequest, response.StatusCode)
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"code":"body_unreadable","detail":"the event did not arrive within the time`)
}

func TestTheLabelOfTheSecretIsTold(t *testing.T) {
	var label string
	endpoint := newEndpoint(t, events.Config{
		LabeledSecrets: []stripeapps.LabeledSecret{{Label: "live", Secret: "whsec_live"}, {Label: "sandbox", Secret: testSecret}},
		Other:          func(_ context.Context, event events.Event) error { label = event.SecretLabel; return nil },
	})
	assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), 200, "")
	assert.Equal(t, "sandbox", label)
}

// An extension's request is no event, whatever secret it is signed with, and an event is
// no extension's request: the chain must not stand in front of an Endpoint.
func TestTheTwoKindsOfSignaturesAreKeptApart(t *testing.T) {
	payload := snapshot("evt_1", testType)
	r := newRequest(payload)
	r.Header.Set("Stripe-Signature", sign(payload, "absec_app", testNow))
	assertServes(t, newEndpoint(t, events.Config{Other: unreachable(t)}), r, 401, "no_match")

	extension := `{"id":"evt_1","object":"event","created":1,"livemode":true,"type":"invoice.paid","data":{"object":{}},"user_id":"usr_1","account_id":"acct_1"}`
	r = newRequest(extension)
	r.Header.Set("Stripe-Signature", sign(extension, "absec_app", testNow))
	assertServes(t, newEndpoint(t, events.Config{Other: unreachable(t)}), r, 401, "no_match")

	protect, err := stripeapps.New(stripeapps.Config{Secrets: []string{"absec_app"}})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	protect(newEndpoint(t, events.Config{Other: unreachable(t)})).ServeHTTP(w, newRequest(payload))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
}

func TestVerifyKeepsThePayloadAsItIs(t *testing.T) {
	payload := []byte(snapshot("evt_1", testType))
	event, err := newEndpoint(t, events.Config{}).Verify(payload, sign(string(payload), testSecret, testNow))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(payload, event.Raw))
	assert.Equal(t, `{"id":"in_1","object":"invoice"}`, string(event.Object))
}
