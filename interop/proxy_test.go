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
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gincors "github.com/gin-contrib/cors"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/rs/cors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
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

// echo responds with the body, and with CORS headers of its own.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "https://app.example.com")
	w.Header().Set("Access-Control-Allow-Credentials", "true")
	w.Header().Set("Access-Control-Expose-Headers", "X-Total")
	w.Header().Set("Vary", "Origin")
	w.Header().Set("Content-Type", "application/json")
	io.Copy(w, r.Body)
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

func TestTheHeadersOfTheChainAreOnEveryResponse(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "file.txt"), []byte("text"), 0o600))
	files := http.FileServer(http.Dir(folder))

	text := []string{"Content-Type", "text/plain"}
	notFound := []string{"Content-Type", "text/plain; charset=utf-8", "X-Content-Type-Options", "nosniff"}
	for _, test := range []struct {
		name    string
		handler func(*testing.T) http.Handler
		path    string
		status  int
		header  http.Header
		body    string // "*" is any
	}{
		{"an upstream with CORS of its own, through a ReverseProxy",
			func(t *testing.T) http.Handler { return proxyTo(t, echo) }, "/", 200,
			acceptedHeaders("Content-Type", "application/json"), string(stripeappstest.Body(payload))},
		{"an upstream that sends 103 Early Hints, through a ReverseProxy",
			func(t *testing.T) http.Handler { return proxyTo(t, afterInformational(103)) }, "/", 200,
			acceptedHeaders(text...), whoamiText},
		{"an upstream that sends 102 Processing, through a ReverseProxy",
			func(t *testing.T) http.Handler { return proxyTo(t, afterInformational(102)) }, "/", 200,
			acceptedHeaders(text...), whoamiText},
		{"an upstream that sends 100 Continue, through a ReverseProxy",
			func(t *testing.T) http.Handler { return proxyTo(t, afterInformational(100)) }, "/", 200,
			acceptedHeaders(text...), whoamiText},
		{"an upstream that is not there, through a ReverseProxy",
			func(t *testing.T) http.Handler {
				return proxyTo(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			}, "/", 502, acceptedHeaders(), ""},
		{"a handler that sends 103 Early Hints",
			func(*testing.T) http.Handler { return afterInformational(103) }, "/", 200,
			acceptedHeaders(text...), whoamiText},
		{"a handler that clears the headers",
			func(*testing.T) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					clear(w.Header())
					whoamiAsText(w, r)
				})
			}, "/", 200, acceptedHeaders(text...), whoamiText},
		{"a TimeoutHandler around a handler that sets Vary and a policy",
			func(*testing.T) http.Handler {
				return http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Vary", "Accept-Encoding")
					w.Header().Set("Content-Security-Policy", "sandbox")
					whoamiAsText(w, r)
				}), time.Minute, "")
			}, "/", 200,
			acceptedHeaders("Content-Type", "text/plain", "Vary", "Accept-Encoding", "Content-Security-Policy", "sandbox"),
			whoamiText},
		{"a TimeoutHandler whose time is up",
			func(*testing.T) http.Handler {
				return http.TimeoutHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					<-r.Context().Done()
				}), time.Millisecond, "late")
			}, "/", 503, acceptedHeaders("Content-Type", "text/plain; charset=utf-8"), "late"},
		{"rs/cors for one origin, behind the chain",
			func(*testing.T) http.Handler {
				return cors.New(cors.Options{AllowedOrigins: []string{"https://app.example.com"}, AllowCredentials: true}).
					Handler(http.HandlerFunc(whoami))
			}, "/", 200, acceptedHeaders(text...), whoamiText},
		{"rs/cors for all origins, behind the chain",
			func(*testing.T) http.Handler { return cors.AllowAll().Handler(http.HandlerFunc(whoami)) }, "/", 200,
			acceptedHeaders(text...), whoamiText},
		{"gin-contrib/cors for one origin, behind the chain",
			func(*testing.T) http.Handler {
				engine := newEngine()
				config := gincors.DefaultConfig()
				config.AllowOrigins = []string{"https://app.example.com"}
				engine.Use(gincors.New(config))
				return engine
			}, "/", 403, acceptedHeaders(), ""},
		{"a file", func(*testing.T) http.Handler { return files }, "/file.txt", 200,
			acceptedHeaders("Content-Type", "text/plain; charset=utf-8", "Accept-Ranges", "bytes"), "text"},
		{"a file that is not there", func(*testing.T) http.Handler { return files }, "/none", 404,
			acceptedHeaders(notFound...), "404 page not found\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			chain := newChain(t, stripeapps.SignedBody)
			eachProtocol(t, chain(test.handler(t)), func(t *testing.T, server *httptest.Server) {
				got := send(t, server, signedPost(server.URL+test.path))
				delete(got.header, "Last-Modified")
				assert.Equal(t, test.status, got.status)
				assert.Equal(t, test.header, got.header)
				assert.Equal(t, test.body, got.body)
			})
		})
	}
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

func TestAnOuterTimeoutHandlerKeepsTheHeadersOfTheChain(t *testing.T) {
	handler := http.TimeoutHandler(newChain(t, stripeapps.SignedBody)(http.HandlerFunc(whoami)), time.Minute, "")
	eachProtocol(t, handler, func(t *testing.T, server *httptest.Server) {
		got := send(t, server, signedPost(server.URL))
		assert.Equal(t, received{200, acceptedHeaders("Content-Type", "text/plain"), whoamiText}, got)
	})
}

// CrossOriginProtection refuses what another site's page sends, and that is what an
// extension is.
func TestCrossOriginProtection(t *testing.T) {
	chain := newChain(t, stripeapps.SignedBody)
	site := http.NewCrossOriginProtection().Handler(http.HandlerFunc(whoami))

	beside := http.NewServeMux()
	beside.Handle("/stripe/", chain(http.HandlerFunc(whoami)))
	beside.Handle("/", site)

	routes := http.NewServeMux()
	routes.Handle("/stripe/", chain(http.HandlerFunc(whoami)))
	routes.HandleFunc("/", whoami)
	protection := http.NewCrossOriginProtection()
	protection.AddInsecureBypassPattern("/stripe/")

	crossSite := func(r *http.Request) *http.Request {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		return r
	}
	forbidden := received{403, http.Header{
		"Content-Type": {"text/plain; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"},
	}, "cross-origin request detected from Sec-Fetch-Site header\n"}
	accepted := received{200, acceptedHeaders("Content-Type", "text/plain"), whoamiText}

	for name, handler := range map[string]http.Handler{
		"the chain stands beside it":             beside,
		"the chain's paths are exempted from it": protection.Handler(routes),
	} {
		t.Run(name, func(t *testing.T) {
			eachProtocol(t, handler, func(t *testing.T, server *httptest.Server) {
				assert.Equal(t, accepted, send(t, server, crossSite(signedPost(server.URL+"/stripe/refunds"))))
				assert.Equal(t, forbidden, send(t, server, crossSite(signedPost(server.URL+"/account"))))
				assert.Equal(t, 204, send(t, server, crossSite(preflight(server.URL+"/stripe/refunds"))).status)
			})
		})
	}
}

// outerCORS are other middlewares around the chain. A preflight that they do not hand
// on is theirs, and they must allow null, or all, themselves.
var outerCORS = []struct {
	name string
	wrap func(http.Handler) http.Handler
}{
	{"rs/cors for one origin, which hands preflights on",
		cors.New(cors.Options{
			AllowedOrigins: []string{"https://app.example.com"}, AllowCredentials: true, OptionsPassthrough: true,
		}).Handler},
	{"rs/cors for all origins, which hands preflights on",
		cors.New(cors.Options{OptionsPassthrough: true, ExposedHeaders: []string{"X-Total"}}).Handler},
	{"rs/cors for null and another origin, with the header allowed",
		cors.New(cors.Options{
			AllowedOrigins: []string{"null", "https://app.example.com"},
			AllowedHeaders: []string{"Content-Type", "Stripe-Signature"},
		}).Handler},
	{"gin-contrib/cors for all origins", func(next http.Handler) http.Handler {
		engine := newEngine()
		config := gincors.DefaultConfig()
		config.AllowAllOrigins = true
		config.AllowHeaders = []string{"Content-Type", "Stripe-Signature"}
		engine.Use(gincors.New(config))
		engine.Any("/", throughGin(func(http.Handler) http.Handler { return next }))
		return engine
	}},
}

func TestAnOuterCORSDoesNotDoubleTheHeadersOfTheChain(t *testing.T) {
	for _, outer := range outerCORS {
		t.Run(outer.name, func(t *testing.T) {
			handler := outer.wrap(newChain(t, stripeapps.SignedBody)(http.HandlerFunc(whoami)))
			eachProtocol(t, handler, func(t *testing.T, server *httptest.Server) {
				got := send(t, server, preflight(server.URL))
				assert.Equal(t, http.StatusNoContent, got.status)
				assert.Contains(t, []string{"*", "null"}, strings.Join(got.header["Access-Control-Allow-Origin"], ", "))
				allowed := strings.ToLower(strings.Join(got.header["Access-Control-Allow-Headers"], ","))
				assert.Contains(t, allowed, "stripe-signature")

				got = send(t, server, signedPost(server.URL))
				assert.Equal(t, received{200, acceptedHeaders("Content-Type", "text/plain"), whoamiText}, got)
			})
		})
	}
}

// A middleware that compresses must not have its response cut off, or a Content-Length
// of the text that it was made of.
func TestARefusalThatIsCompressedCanBeRead(t *testing.T) {
	chain, compress := newChain(t, stripeapps.SignedBody), middleware.Compress(5, "application/problem+json")
	refuses := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session=1") // of the response that is not sent
		stripeapps.Refuse(w, r, stripeapps.ErrNotSigned)
	})
	want := refusedHeaders("Www-Authenticate", "Stripe-Signature",
		"Vary", "Accept-Encoding, Stripe-Signature, Stripe-User-Id, Stripe-Account-Id")
	for name, handler := range map[string]http.Handler{
		"outside of the chain": compress(chain(refuses)),
		"behind the chain":     chain(compress(refuses)),
	} {
		t.Run(name, func(t *testing.T) {
			eachProtocol(t, handler, func(t *testing.T, server *httptest.Server) {
				got := send(t, server, signedPost(server.URL)) // the client asks for gzip, and undoes it
				assert.Equal(t, http.StatusUnauthorized, got.status)
				assert.Equal(t, "not_signed", codeOf(got.body), got.body)
				assert.Equal(t, want, got.header)
			})
		})
	}
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
