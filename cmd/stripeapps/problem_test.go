package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/install"
)

// routeAndEndpoint is a backend with a route for extensions, and an endpoint for events
// that knows this secret.
func routeAndEndpoint(t *testing.T, endpointSecret string) *httptest.Server {
	t.Helper()
	now := func() time.Time { return judgedAt }
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{testSecret}, Now: now})
	require.NoError(t, err)
	byIDs, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{testSecret}, Now: now, Source: stripeapps.IDsInHeaders})
	require.NoError(t, err)
	endpoint, err := events.NewEndpoint(events.Config{
		Secrets: []string{endpointSecret}, Accept: events.LiveAndTest, Now: now,
		Other: func(context.Context, events.Event) error { return nil },
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	notInstalled := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { stripeapps.WriteProblem(w, r, install.ErrNotInstalled) })
	mux.Handle("/api", verifier.Handler(notInstalled))
	mux.Handle("/ids", byIDs.Handler(notInstalled))
	mux.Handle("/hook", endpoint)
	backend := httptest.NewServer(mux)
	t.Cleanup(backend.Close)
	return backend
}

func TestServeSaysWhyTheBackendRefuses(t *testing.T) {
	webhooks := []string{"-webhook-secret-file", write(t, "webhooks.txt", testWebhookSecret+"\n")}
	const (
		fits  = "\n         the signature fits, but "
		event = "verifies: event account.application.deauthorized of acct_1 in live mode, evt_1"
		ext   = "verifies: usr_1 of acct_1, over the body"
	)
	for name, c := range map[string]struct {
		secret, path, body, header string
		args                       []string
		want                       string
	}{
		"a refusal of the application's": {
			path: "/api", body: body, header: bodyHeader,
			want: "POST /api 403 " + ext + fits + "the backend refused with not_installed (the account has not installed the app in this mode, " +
				"or not by way of this backend: install it)\n",
		},
		"a route that reads the ids elsewhere": {
			path: "/ids", body: body, header: bodyHeader,
			want: "POST /ids 400 " + ext + fits + "the backend refused with malformed_ids (the user id and the account id must each be sent " +
				"once, as 1 to 255 letters, digits or underscores): see whether its secret is another one, and where its route reads the ids\n",
		},
		"an event at a route for extensions": {
			path: "/api", body: testEvent, header: testEventHeader, args: webhooks,
			want: "POST /api 401 " + event + fits + "this path is a route for extensions, as the backend's response shows (no_match), and what " +
				"came is a webhook's event: let the webhook lead to the endpoint for events\n",
		},
		"an event at a route that reads the ids elsewhere": {
			path: "/ids", body: testEvent, header: testEventHeader, args: webhooks,
			want: "POST /ids 400 " + event + fits + "this path is a route for extensions, as the backend's response shows (malformed_ids), *",
		},
		"an event at a route for extensions, without a secret for it": {
			path: "/api", body: testEvent, header: testEventHeader,
			want: "POST /api 401 not verified: an event, and there is no webhook secret: set $STRIPE_WEBHOOK_SECRET to the webhook endpoint's " +
				"signing secret (whsec_…), or give -webhook-secret-file\n         this path is a route for extensions, *",
		},
		"an event at an endpoint with another secret": {
			secret: "whsec_other", path: "/hook", body: testEvent, header: testEventHeader, args: webhooks,
			want: "POST /hook 401 " + event + fits + "the backend refused with no_match (no v1 signature matches the body: check that the secret " +
				"is that of this webhook endpoint *",
		},
		"an unsigned event at the endpoint for events": {
			path: "/hook", body: testEvent, args: webhooks,
			want: "POST /hook 401 unsigned\n         not_signed: there is no Stripe-Signature header: let the value that Stripe sends with the " +
				"event arrive, *",
		},
		"an unsigned request at a route for extensions": {
			path: "/api", body: body, args: webhooks,
			want: "POST /api 401 unsigned\n         not_signed: there is no Stripe-Signature header: send the value that fetchStripeSignature " +
				"returns, *",
		},
		"a request at the endpoint for events": {
			path: "/hook", body: body, header: bodyHeader, args: webhooks,
			want: "POST /hook 401 " + ext + fits + "this path is the endpoint for events, as the backend's response shows (no_match), and what " +
				"came is an extension's request: let the extension call one of the routes for it\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			secret := c.secret
			if secret == "" {
				secret = testWebhookSecret
			}
			s := serveInFrontOf(t, routeAndEndpoint(t, secret).URL, c.args...)
			r, err := http.NewRequest(http.MethodPost, s.url+c.path, strings.NewReader(c.body))
			require.NoError(t, err)
			if c.header != "" {
				r.Header.Set("Stripe-Signature", c.header)
			}
			response, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			defer response.Body.Close()
			document, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			assert.Contains(t, string(document), `"detail":`, "it is handed on")
			assert.EqualValues(t, response.ContentLength, len(document))
			assertText(t, judgedAt.Format(time.TimeOnly)+" "+c.want, s.out.String())
		})
	}
}

// A backend can respond with anything.
func TestServeReadsAProblemWithCare(t *testing.T) {
	const guess = "the backend refused: see its response, and where its route reads the ids\n"
	for name, c := range map[string]struct {
		contentType, document string
		stream                bool
		want                  string
	}{
		"a parameter of the type": {contentType: "application/problem+json; charset=utf-8", document: `{"code":"own","detail":"x"}`, want: "the backend refused with own (x)\n"},
		"what only an endpoint for events says": {document: `{"code":"malformed_event"}`, want: "this path is the endpoint for events, as the " +
			"backend's response shows (malformed_event), and what came is an extension's request: let the extension call one of the routes for it\n"},
		"no detail":                 {document: `{"code":"own.code-1"}`, want: "the backend refused with own.code-1\n"},
		"a detail over lines":       {document: `{"code":"own","detail":"a\nb\u001b[31m"}`, want: "the backend refused with own (a b [31m)\n"},
		"a long detail":             {document: `{"code":"own","detail":"` + strings.Repeat("é", 400) + `"}`, want: "the backend refused with own (" + strings.Repeat("é", 256) + "…)\n"},
		"a secret in the detail":    {document: `{"code":"own","detail":"` + testSecret + `"}`, want: "the backend refused with own\n"},
		"a key in the detail":       {document: `{"code":"own","detail":"sk_live_1"}`, want: "the backend refused with own\n"},
		"a secret as the code":      {document: `{"code":"` + testSecret + `"}`, want: guess},
		"a code that is a sentence": {document: `{"code":"no such thing"}`, want: guess},
		"a code that is a number":   {document: `{"code":1}`, want: guess},
		"no code":                   {document: `{"detail":"x"}`, want: guess},
		"no JSON":                   {document: `{"code":"own"`, want: guess},
		"other JSON":                {contentType: "application/json", document: `{"code":"own"}`, want: guess},
		"nothing":                   {want: guess},
		"a stream":                  {document: `{"code":"own"}`, stream: true, want: guess},
		"over 16 KiB":               {document: `{"code":"own","x":"` + strings.Repeat("x", maxProblem) + `"}`, want: guess},
	} {
		t.Run(name, func(t *testing.T) {
			backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.contentType == "" {
					c.contentType = "application/problem+json"
				}
				w.Header().Set("Content-Type", c.contentType)
				w.WriteHeader(http.StatusForbidden)
				if c.stream {
					w.(http.Flusher).Flush()
				}
				io.WriteString(w, c.document)
			}))
			defer backend.Close()
			s := serveInFrontOf(t, backend.URL)
			r, err := http.NewRequest(http.MethodPost, s.url, strings.NewReader(body))
			require.NoError(t, err)
			r.Header.Set("Stripe-Signature", bodyHeader)
			response, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			defer response.Body.Close()
			document, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			assert.Equal(t, c.document, string(document), "it is handed on")
			_, note, _ := strings.Cut(s.out.String(), "the signature fits, but ")
			assert.Equal(t, c.want, note)
		})
	}
}
