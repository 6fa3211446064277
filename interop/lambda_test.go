package interop_test

import (
	"context"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdaurl"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// event is a request as AWS hands it on: with names in lower case, and with the
// field lines of a name as a list, where the kind of event has one, or joined by
// a comma.
type event struct {
	method, path, body string
	header             http.Header
	base64             bool
}

// newEvent returns the event of a request that the browser sends.
func newEvent(t *testing.T, r *http.Request) event {
	t.Helper()
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		require.NoError(t, err)
	}
	header := http.Header{}
	for name, values := range r.Header {
		header[strings.ToLower(name)] = values
	}
	return event{method: r.Method, path: r.URL.Path, body: string(body), header: header}
}

func (e event) inBase64() event {
	e.body, e.base64 = base64.StdEncoding.EncodeToString([]byte(e.body)), true
	return e
}

// joined has the values of each name joined, as in payload format 2.0.
func (e event) joined() map[string]string {
	header := map[string]string{}
	for name, values := range e.header {
		header[name] = strings.Join(values, ",")
	}
	return header
}

// last has the last value of each name, as in the headers of payload format 1.0.
func (e event) last() map[string]string {
	header := map[string]string{}
	for name, values := range e.header {
		header[name] = values[len(values)-1]
	}
	return header
}

// adapters are the ways from an event to an http.Handler.
var adapters = map[string]func(*testing.T, http.Handler, event) received{
	"REST API by httpadapter":         restAPI,
	"HTTP API by httpadapter":         httpAPI,
	"load balancer by httpadapter":    loadBalancer,
	"load balancer, one value a name": loadBalancerSingleValues,
	"function URL by lambdaurl":       functionURL,
}

func restAPI(t *testing.T, handler http.Handler, e event) received {
	res, err := httpadapter.New(handler).ProxyWithContext(context.Background(), events.APIGatewayProxyRequest{
		HTTPMethod: e.method, Path: e.path, Body: e.body, IsBase64Encoded: e.base64,
		Headers: e.last(), MultiValueHeaders: e.header,
	})
	require.NoError(t, err)
	return received{res.StatusCode, normalized(res.MultiValueHeaders), res.Body}
}

// httpAPI is for function URLs in buffered mode too, whose event is the same.
func httpAPI(t *testing.T, handler http.Handler, e event) received {
	request := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RawPath: e.path, Body: e.body, IsBase64Encoded: e.base64, Headers: e.joined(),
	}
	request.RequestContext.HTTP.Method = e.method
	request.RequestContext.HTTP.Path = e.path
	res, err := httpadapter.NewV2(handler).ProxyWithContext(context.Background(), request)
	require.NoError(t, err)
	return received{res.StatusCode, normalized(single(res.Headers)), res.Body}
}

func loadBalancer(t *testing.T, handler http.Handler, e event) received {
	return balanced(t, handler, events.ALBTargetGroupRequest{
		HTTPMethod: e.method, Path: e.path, Body: e.body, IsBase64Encoded: e.base64, MultiValueHeaders: e.header,
	})
}

func loadBalancerSingleValues(t *testing.T, handler http.Handler, e event) received {
	return balanced(t, handler, events.ALBTargetGroupRequest{
		HTTPMethod: e.method, Path: e.path, Body: e.body, IsBase64Encoded: e.base64, Headers: e.joined(),
	})
}

func balanced(t *testing.T, handler http.Handler, request events.ALBTargetGroupRequest) received {
	res, err := httpadapter.NewALB(handler).ProxyWithContext(context.Background(), request)
	require.NoError(t, err)
	return received{res.StatusCode, normalized(res.MultiValueHeaders), res.Body}
}

func functionURL(t *testing.T, handler http.Handler, e event) received {
	request := &events.LambdaFunctionURLRequest{
		Version: "2.0", RawPath: e.path, Body: e.body, IsBase64Encoded: e.base64, Headers: e.joined(),
	}
	request.RequestContext.HTTP.Method = e.method
	request.RequestContext.HTTP.Path = e.path
	res, err := lambdaurl.Wrap(handler)(context.Background(), request)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return received{res.StatusCode, normalized(single(res.Headers)), string(body)}
}

func single(values map[string]string) http.Header {
	header := http.Header{}
	for name, value := range values {
		header[name] = []string{value}
	}
	return header
}

// newBackend has a route for each place in which the ids can be.
func newBackend(t *testing.T) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/body", newChain(t, stripeapps.SignedBody)(http.HandlerFunc(whoami)))
	mux.Handle("/headers", newChain(t, stripeapps.IDsInHeaders)(http.HandlerFunc(whoami)))
	return mux
}

func TestWhatAWSHandsOnIsVerified(t *testing.T) {
	const body, headers = "https://backend.example.com/body", "https://backend.example.com/headers"
	signature := stripeappstest.Sign(payload)
	later := stripeappstest.Sign(payload, stripeappstest.WithSecret("absec_another"))
	roll := stripeappstest.Sign(payload, stripeappstest.WithSecret("absec_another", stripeappstest.DefaultSecret))

	ofBob := signedGet(headers, "usr_alice")
	ofBob.Header.Set("Stripe-User-Id", "usr_bob")
	twice := post(body, payload, signature)
	twice.Header.Add("Stripe-Signature", later)
	getTwice := signedGet(headers, "usr_test")
	getTwice.Header.Add("Stripe-Signature", getTwice.Header.Get("Stripe-Signature"))

	for _, test := range []struct {
		name    string
		request *http.Request
		status  int
		want    string // the body, or the code of a refusal
	}{
		{"a signed POST is accepted", post(body, payload, signature), 200, whoamiText},
		{"a POST signed with two secrets is accepted", post(body, payload, roll), 200, whoamiText},
		{"a POST with a space after each comma is accepted", post(body, payload, strings.ReplaceAll(roll, ",", ", ")), 200, whoamiText},
		{"a POST with another body is refused", post(body, map[string]any{"action": "refund", "amount": 9999}, signature), 401, "no_match"},
		{"a POST with two signatures is refused", twice, 401, "malformed_signature"},
		{"a POST with two signatures in one line is refused", post(body, payload, signature+","+later), 401, "malformed_signature"},
		{"an unsigned POST is refused", post(body, payload, ""), 401, "not_signed"},
		{"a signed GET is accepted", signedGet(headers, "usr_test"), 200, whoamiText},
		{"a GET for another user is refused", ofBob, 401, "no_match"},
		{"a GET with two signatures is refused", getTwice, 401, "malformed_signature"},
	} {
		t.Run(test.name, func(t *testing.T) {
			intact := newEvent(t, test.request)
			for encoding, e := range map[string]event{"text": intact, "base64": intact.inBase64()} {
				for _, name := range slices.Sorted(maps.Keys(adapters)) {
					t.Run(name+", "+encoding, func(t *testing.T) {
						got := adapters[name](t, newBackend(t), e)
						assert.Equal(t, test.status, got.status)
						assert.Equal(t, []string{"*"}, got.header["Access-Control-Allow-Origin"])
						if test.status == http.StatusOK {
							assert.Equal(t, test.want, got.body)
						} else {
							assert.Equal(t, test.want, codeOf(got.body), got.body)
						}
					})
				}
			}
		})
	}
}

func TestAPreflightThatAWSHandsOnIsRespondedTo(t *testing.T) {
	e := newEvent(t, preflight("https://backend.example.com/body"))
	for _, name := range slices.Sorted(maps.Keys(adapters)) {
		t.Run(name, func(t *testing.T) {
			got := adapters[name](t, newBackend(t), e)
			assert.Equal(t, http.StatusNoContent, got.status)
			assert.Equal(t, []string{"*"}, got.header["Access-Control-Allow-Origin"])
			assert.Equal(t, []string{"POST"}, got.header["Access-Control-Allow-Methods"])
			assert.Equal(t, "content-type,stripe-signature", strings.Join(got.header["Access-Control-Allow-Headers"], ","))
		})
	}
}
