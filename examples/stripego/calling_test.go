package stripego_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/install"
)

var job = install.ContextWithID(context.Background(), install.ID{Account: "acct_123", Mode: install.Live})

// request is what a fake of the API has been sent.
type request struct {
	host, method, uri, body string
	header                  http.Header
}

// recorder is an http.RoundTripper in the place of the network.
type recorder struct {
	requests []request
	respond  func(r *http.Request) (status int, body string)
}

func (f *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := request{host: r.URL.Host, method: r.Method, uri: r.URL.RequestURI(), header: r.Header.Clone()}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err := errors.Join(err, r.Body.Close()); err != nil {
			return nil, err
		}
		sent.body = string(body)
	}
	f.requests = append(f.requests, sent)
	status, body := http.StatusOK, "{}"
	if f.respond != nil {
		status, body = f.respond(r)
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{"Request-Id": {"req_1"}}, Request: r}, nil
}

func newTransport(t *testing.T, base http.RoundTripper) *install.Transport {
	t.Helper()
	transport, err := install.NewTransport(install.TransportConfig{Keys: map[install.Mode]string{install.Live: "sk_live_1"}, Base: base})
	require.NoError(t, err)
	return transport
}

// newClient returns a client that calls Stripe's own hosts, as far as it knows, and
// neither sends telemetry nor sleeps between its retries.
func newClient(key string, transport http.RoundTripper) *stripe.Client {
	backends := stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		HTTPClient:      &http.Client{Transport: transport},
		EnableTelemetry: stripe.Bool(false),
		LeveledLogger:   &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	for _, backend := range []stripe.Backend{backends.API, backends.Connect, backends.Uploads, backends.MeterEvents} {
		backend.SetMaxNetworkRetries(2)
		backend.(*stripe.BackendImplementation).SetNetworkRetriesSleep(false)
	}
	return stripe.NewClient(key, stripe.WithBackends(backends))
}

// What stripe-go sends is sent as it is, but for the key and the account.
func TestStripeGoCallsForTheAccount(t *testing.T) {
	idempotent := stripe.Params{IdempotencyKey: stripe.String("1")}
	for _, test := range []struct {
		name    string
		call    func(*stripe.Client) error
		host    string
		account string // the header that names it
	}{
		{"by GET", func(c *stripe.Client) error {
			_, err := c.V1Customers.Retrieve(job, "cus_1", &stripe.CustomerRetrieveParams{Expand: stripe.StringSlice([]string{"tax"})})
			return err
		}, "api.stripe.com", "Stripe-Account"},
		{"by POST", func(c *stripe.Client) error {
			_, err := c.V1Customers.Create(job, &stripe.CustomerCreateParams{Params: idempotent, Name: stripe.String("Ä & B")})
			return err
		}, "api.stripe.com", "Stripe-Account"},
		{"by DELETE", func(c *stripe.Client) error {
			_, err := c.V1Customers.Delete(job, "cus_1", &stripe.CustomerDeleteParams{Params: idempotent})
			return err
		}, "api.stripe.com", "Stripe-Account"},
		{"with a file", func(c *stripe.Client) error {
			_, err := c.V1Files.Create(job, &stripe.FileCreateParams{Params: idempotent, Purpose: stripe.String("dispute_evidence"),
				FileReader: strings.NewReader("x"), Filename: stripe.String("x.png")})
			return err
		}, "files.stripe.com", "Stripe-Account"},
		{"for a PDF", func(c *stripe.Client) error {
			pdf, err := c.V1Quotes.PDF(job, "qt_1", nil)
			if err == nil {
				err = pdf.LastResponse.Body.Close()
			}
			return err
		}, "files.stripe.com", "Stripe-Account"},
		{"to v2", func(c *stripe.Client) error {
			_, err := c.V2CoreEvents.Retrieve(job, "evt_1", nil)
			return err
		}, "api.stripe.com", "Stripe-Context"},
		{"to v2 with the context that an event names", func(c *stripe.Client) error {
			_, err := c.V2CoreEvents.Retrieve(job, "evt_1", &stripe.V2CoreEventRetrieveParams{Params: stripe.Params{StripeContext: stripe.String("acct_123")}})
			return err
		}, "api.stripe.com", "Stripe-Context"},
		{"with the account that the call names too", func(c *stripe.Client) error {
			_, err := c.V1Balance.Retrieve(job, &stripe.BalanceRetrieveParams{Params: stripe.Params{StripeAccount: stripe.String("acct_123")}})
			return err
		}, "api.stripe.com", "Stripe-Account"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var without, with recorder
			require.NoError(t, test.call(newClient("sk_live_1", &without)))
			require.NoError(t, test.call(newClient("", newTransport(t, &with))))
			require.Len(t, without.requests, 1)
			require.Len(t, with.requests, 1)

			want := without.requests[0]
			assert.Equal(t, test.host, want.host)
			want.header = maps.Clone(want.header)
			delete(want.header, "Stripe-Account")
			delete(want.header, "Stripe-Context")
			want.header[test.account] = []string{"acct_123"}
			if boundary := "boundary="; strings.Contains(want.header.Get("Content-Type"), boundary) { // a random one
				_, old, _ := strings.Cut(want.header.Get("Content-Type"), boundary)
				_, now, _ := strings.Cut(with.requests[0].header.Get("Content-Type"), boundary)
				want.body = strings.ReplaceAll(want.body, old, now)
				want.header.Set("Content-Type", "multipart/form-data; "+boundary+now)
			}
			assert.Equal(t, want, with.requests[0])
		})
	}
}

// The pages of a list are calls of their own, and a retry has the body and the
// Idempotency-Key of the first.
func TestStripeGoCallsForTheAccountAgain(t *testing.T) {
	t.Run("pages", func(t *testing.T) {
		api := recorder{respond: func(r *http.Request) (int, string) {
			return 200, fmt.Sprintf(`{"object":"list","data":[{"id":"cus_1"}],"has_more":%t}`, !strings.Contains(r.URL.RawQuery, "starting_after"))
		}}
		customers := 0
		for _, err := range newClient("", newTransport(t, &api)).V1Customers.List(job, nil).All(job) {
			require.NoError(t, err)
			customers++
		}
		assert.Equal(t, 2, customers)
		require.Len(t, api.requests, 2)
		assert.Equal(t, api.requests[0].header, api.requests[1].header)
		assert.Equal(t, []string{"acct_123"}, api.requests[1].header["Stripe-Account"])
	})
	t.Run("retries", func(t *testing.T) {
		api := recorder{respond: func(*http.Request) (int, string) {
			return 429, `{"error":{"type":"invalid_request_error","code":"lock_timeout"}}`
		}}
		_, err := newClient("", newTransport(t, &api)).V1Customers.Create(job, &stripe.CustomerCreateParams{Name: stripe.String("A")})
		assert.Error(t, err)
		require.Len(t, api.requests, 3)
		assert.Equal(t, "name=A", api.requests[0].body)
		assert.Equal(t, []string{"Bearer sk_live_1"}, api.requests[0].header["Authorization"])
		assert.Equal(t, []request{api.requests[0], api.requests[0]}, api.requests[1:])
	})
}

func TestStripeGoIsRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		call func(*install.Transport) error
		code string
	}{
		{"another account in the call", func(transport *install.Transport) error {
			_, err := newClient("", transport).V1Balance.Retrieve(job, &stripe.BalanceRetrieveParams{Params: stripe.Params{StripeAccount: stripe.String("acct_other")}})
			return err
		}, "other_account"},
		{"a context without an identity", func(transport *install.Transport) error {
			_, err := newClient("", transport).V1Balance.Retrieve(context.Background(), nil)
			return err
		}, "not_verified"},
		{"OAuth of the platform", func(transport *install.Transport) error {
			_, err := newClient("", transport).OAuth.Create(job, &stripe.OAuthTokenParams{GrantType: stripe.String("authorization_code")})
			return err
		}, "not_stripe"},
		{"an id with dots", func(transport *install.Transport) error {
			_, err := newClient("", transport).V1Customers.Retrieve(job, "../../v2/core/events", nil)
			return err
		}, "not_stripe"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var api recorder
			err := test.call(newTransport(t, &api))
			e := (*stripeapps.Error)(nil)
			require.ErrorAs(t, err, &e)
			assert.Equal(t, test.code, e.Code())
			assert.Empty(t, api.requests)
		})
	}
}

// The client for production needs nothing else: it calls Stripe's own hosts, by https.
func TestTheClientOfTheExamples(t *testing.T) {
	var api recorder
	api.respond = func(*http.Request) (int, string) { return 200, `{"available":[{"amount":1}]}` }
	result, err := newStripeClient(newTransport(t, &api)).V1Balance.Retrieve(job, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 1, result.Available[0].Amount)
	assert.Equal(t, "api.stripe.com", api.requests[0].host)
}

// A refusal is retried by stripe-go, as all errors but Stripe's own are, and nothing is
// sent: see Transport.ID for a way to refuse before.
func TestStripeGoRetriesARefusal(t *testing.T) {
	var api recorder
	asked, transport := 0, newTransport(t, &api)
	counting := roundTripper(func(r *http.Request) (*http.Response, error) { asked++; return transport.RoundTrip(r) })
	_, err := newClient("", counting).V1Balance.Retrieve(context.Background(), nil)
	assert.ErrorIs(t, err, stripeapps.ErrNotVerified)
	assert.Equal(t, 3, asked)
	assert.Empty(t, api.requests)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
