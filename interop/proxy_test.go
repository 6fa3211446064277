package interop_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"testing"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/seed-8a2ffb75/stripeapps"
)

// proxyTo returns a ReverseProxy to a server for upstream.
func proxyTo(t *testing.T, upstream http.HandlerFunc) http.Handler {
	t.Helper()
	server := httptest.NewServer(upstream)
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = quiet()
	proxy.FlushInterval = -1 // at once
	return proxy
}

func afterInformational(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload; as=style")
		w.WriteHeader(status)
		w.Header().Del("Link")
		whoamiAsText(w, r)
	}
}

// whoamiAsText is for what stands behind a proxy, too: it does not need the context.
func whoamiAsText(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, whoamiText)
}

func TestInformationalResponsesGoThroughTheChain(t *testing.T) {
	for _, status := range []int{102, 103} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			chain := newChain(t, stripeapps.SignedBody)
			eachProtocol(t, chain(proxyTo(t, afterInformational(status))), func(t *testing.T, server *httptest.Server) {
				var informational []string
				trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
					informational = append(informational, fmt.Sprint(code, " ", header.Get("Link")))
					return nil
				}}
				r := signedPost(server.URL)
				r = r.WithContext(httptrace.WithClientTrace(r.Context(), trace))
				assert.Equal(t, http.StatusOK, send(t, server, r).status)
				assert.Equal(t, []string{fmt.Sprint(status, " </style.css>; rel=preload; as=style")}, informational)
			})
		})
	}
}

// A response that has begun cannot be mended: the browser must see that it is not
// whole.
func TestAResponseThatAnUpstreamCutsOffIsCutOff(t *testing.T) {
	chain := newChain(t, stripeapps.SignedBody)
	handler := chain(proxyTo(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	eachProtocol(t, handler, func(t *testing.T, server *httptest.Server) {
		res, err := server.Client().Do(signedPost(server.URL))
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		assert.Error(t, err)
		assert.Equal(t, "half", string(body))
	})
}

func TestABodyLargerThanAnOuterMaxBytesHandlerAllowsIsRefusedReadably(t *testing.T) {
	handler := http.MaxBytesHandler(newChain(t, stripeapps.SignedBody)(http.HandlerFunc(whoami)), 20)
	for _, length := range []string{"with its length", "without a length"} {
		t.Run(length, func(t *testing.T) {
			eachProtocol(t, handler, func(t *testing.T, server *httptest.Server) {
				r := signedPost(server.URL)
				if length == "without a length" {
					r.ContentLength = -1
				}
				got := send(t, server, r)
				assert.Equal(t, http.StatusRequestEntityTooLarge, got.status)
				delete(got.header, "Connection")
				assert.Equal(t, refusedHeaders(), got.header)
				assert.Equal(t, "body_too_large", codeOf(got.body))
			})
		})
	}
}

// An outer middleware that compresses must not have its response cut off, or a
// Content-Length of the text that it was made of.
func TestARefusalThatIsCompressedOutsideCanBeRead(t *testing.T) {
	handler := middleware.Compress(5, "application/problem+json")(newChain(t, stripeapps.SignedBody)(http.HandlerFunc(whoami)))
	eachProtocol(t, handler, func(t *testing.T, server *httptest.Server) {
		got := send(t, server, post(server.URL, payload, "")) // the client asks for gzip, and undoes it
		assert.Equal(t, http.StatusUnauthorized, got.status)
		assert.Equal(t, "not_signed", codeOf(got.body), got.body)
		assert.Equal(t, refusedHeaders("Www-Authenticate", "Stripe-Signature", "Vary", "Accept-Encoding"), got.header)
	})
}

func TestTheRouteOfAnInnerMuxIsKnownOutside(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /refunds/{id}", whoami)
	const pattern = "POST /refunds/{id}"

	t.Run("http.Request.Pattern", func(t *testing.T) {
		r := signedPost("/refunds/re_1")
		newChain(t, stripeapps.SignedBody)(mux).ServeHTTP(httptest.NewRecorder(), r)
		assert.Equal(t, pattern, r.Pattern)
	})
	t.Run("otelhttp", func(t *testing.T) {
		recorder := tracetest.NewSpanRecorder()
		provider := trace.NewTracerProvider(trace.WithSpanProcessor(recorder))
		handler := otelhttp.NewHandler(newChain(t, stripeapps.SignedBody)(mux), "backend", otelhttp.WithTracerProvider(provider))
		handler.ServeHTTP(httptest.NewRecorder(), signedPost("/refunds/re_1"))
		spans := recorder.Ended()
		require.Len(t, spans, 1)
		assert.Equal(t, pattern, spans[0].Name())
		assert.Contains(t, spans[0].Attributes(), attribute.Int("http.response.status_code", http.StatusOK))
	})
}
