package interop_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

func init() { gin.SetMode(gin.ReleaseMode) }

func newEngine() *gin.Engine {
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	return engine
}

// throughGin makes gin's own middleware of a net/http middleware: what comes after it
// in gin is its next handler, and gets its request and its writer.
func throughGin(middleware stripeapps.Middleware) gin.HandlerFunc {
	return func(c *gin.Context) {
		called := false
		middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			called = true
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		if !called {
			c.Abort()
		}
	}
}

// A wiring is a place that the chain can have in a backend made with gin. It returns
// the backend, and where to add routes behind the chain.
type wiring func(t *testing.T, engine *gin.Engine, source stripeapps.Source) (http.Handler, gin.IRoutes)

var wirings = map[string]wiring{
	"the chain around the engine": aroundTheEngine,
	"the chain in a group":        inAGroup,
}

func aroundTheEngine(t *testing.T, engine *gin.Engine, source stripeapps.Source) (http.Handler, gin.IRoutes) {
	return newChain(t, source)(engine), engine
}

func inAGroup(t *testing.T, engine *gin.Engine, source stripeapps.Source) (http.Handler, gin.IRoutes) {
	group := engine.Group("", throughGin(newChain(t, source)))
	group.OPTIONS("/*any") // or the group does not see preflights
	return engine, group
}

func TestGinRoutesBehindTheChain(t *testing.T) {
	const found, missing = "/refunds/re_1", "/charges"
	tampered := post(found, map[string]any{"amount": 9999}, stripeappstest.Sign(payload))
	put := signedPost(found)
	put.Method = http.MethodPut
	preflightHeaders := http.Header{
		"Access-Control-Allow-Headers": {"content-type,stripe-signature"},
		"Access-Control-Allow-Methods": {"POST"},
		"Access-Control-Allow-Origin":  {"*"},
		"Access-Control-Max-Age":       {"7200"},
		"Content-Security-Policy":      {stripeapps.APIPolicy().String()},
		"Vary":                         {"access-control-request-headers", "access-control-request-method", "origin"},
	}

	for _, test := range []struct {
		name    string
		request *http.Request
		status  int
		header  http.Header
		body    string // or the code of a refusal
		grouped bool   // whether it is so in a group too
	}{
		{"a preflight gets 204", preflight(found), 204, preflightHeaders, "", true},
		{"a signed request reaches its route", signedPost(found), 200,
			acceptedHeaders("Content-Type", "text/plain; charset=utf-8"), "re_1 of usr_test", false},
		{"a refusal can be read", tampered, 401,
			refusedHeaders("Www-Authenticate", "Stripe-Signature"), "no_match", true},
		{"an unknown path is a 404 that the extension can read", signedPost(missing), 404,
			acceptedHeaders("Content-Type", "text/plain"), "404 page not found", false},
		{"an unknown method is a 405 that the extension can read", put, 405,
			acceptedHeaders("Content-Type", "text/plain", "Allow", "POST"), "405 method not allowed", false},
		{"an unsigned request to an unknown path is refused", post(missing, payload, ""), 401,
			refusedHeaders("Www-Authenticate", "Stripe-Signature"), "not_signed", false},
	} {
		for name, wire := range wirings {
			if name == "the chain in a group" && !test.grouped {
				continue
			}
			t.Run(name+": "+test.name, func(t *testing.T) {
				handler, routes := wire(t, newEngine(), stripeapps.SignedBody)
				routes.POST("/refunds/:id", func(c *gin.Context) {
					id, _ := stripeapps.IdentityFrom(c.Request.Context())
					c.String(http.StatusOK, "%s of %s", c.Param("id"), id.UserID)
				})
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, again(t, test.request))
				assert.Equal(t, test.status, w.Code)
				assert.Equal(t, test.header, normalized(w.Result().Header))
				body := w.Body.String()
				if code := codeOf(body); code != "" {
					body = code
				}
				assert.Equal(t, test.body, body)
			})
		}
	}
}

// again returns r with its body from the start.
func again(t *testing.T, r *http.Request) *http.Request {
	t.Helper()
	r = r.Clone(t.Context())
	if r.GetBody != nil {
		var err error
		r.Body, err = r.GetBody()
		require.NoError(t, err)
	}
	return r
}

func TestTheIdentityInGin(t *testing.T) {
	fromRequest := func(c *gin.Context) context.Context { return c.Request.Context() }
	fromGin := func(c *gin.Context) context.Context { return c }
	for name, wire := range wirings {
		for _, test := range []struct {
			name     string
			fallback bool
			context  func(*gin.Context) context.Context
			want     string
		}{
			{"is in the request's context", false, fromRequest, whoamiText},
			{"is in gin's own context with ContextWithFallback", true, fromGin, whoamiText},
			{"is not in gin's own context without it", false, fromGin, "  false"},
		} {
			t.Run(name+": the identity "+test.name, func(t *testing.T) {
				engine := newEngine()
				engine.ContextWithFallback = test.fallback
				handler, routes := wire(t, engine, stripeapps.SignedBody)
				routes.POST("/whoami", func(c *gin.Context) {
					id, ok := stripeapps.IdentityFrom(test.context(c))
					c.String(http.StatusOK, "%s %s %t", id.UserID, id.AccountID, ok)
				})
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, signedPost("/whoami"))
				assert.Equal(t, http.StatusOK, w.Code)
				assert.Equal(t, test.want, w.Body.String())
			})
		}
	}
}

// Where there is no identity, a handler that takes it for granted must not go on.
func TestGinHandlersWithoutAnIdentityFail(t *testing.T) {
	for name, test := range map[string]struct {
		wire    func(*testing.T, *gin.Engine) http.Handler
		context func(*gin.Context) context.Context
	}{
		"in gin's own context, which does not have it": {
			func(t *testing.T, engine *gin.Engine) http.Handler { return newChain(t, stripeapps.SignedBody)(engine) },
			func(c *gin.Context) context.Context { return c },
		},
		"on a route that the chain does not cover": {
			func(_ *testing.T, engine *gin.Engine) http.Handler { return engine },
			func(c *gin.Context) context.Context { return c.Request.Context() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			engine := newEngine()
			engine.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) {
				c.AbortWithStatus(http.StatusInternalServerError)
			}))
			engine.POST("/whoami", func(c *gin.Context) {
				c.String(http.StatusOK, "the refunds of %s", stripeapps.MustIdentity(test.context(c)).AccountID)
			})
			w := httptest.NewRecorder()
			test.wire(t, engine).ServeHTTP(w, signedPost("/whoami"))
			assert.Equal(t, http.StatusInternalServerError, w.Code)
			assert.Empty(t, w.Body.String())
		})
	}
}

func TestGinStreamsEventsBehindTheChain(t *testing.T) {
	for name, wire := range wirings {
		t.Run(name, func(t *testing.T) {
			handler, routes := wire(t, newEngine(), stripeapps.SignedBody)
			ended := make(chan bool, 1)
			routes.POST("/events", func(c *gin.Context) {
				first := true
				ended <- c.Stream(func(io.Writer) bool {
					if first {
						c.SSEvent("tick", c.Request.Proto)
						first = false
					} else {
						<-c.Request.Context().Done()
					}
					return true
				})
			})
			eachProtocol(t, handler, func(t *testing.T, server *httptest.Server) {
				res, err := server.Client().Do(signedPost(server.URL + "/events"))
				require.NoError(t, err)
				defer res.Body.Close()
				assert.Equal(t, http.StatusOK, res.StatusCode)
				assert.Equal(t, []string{"text/event-stream;charset=utf-8"}, res.Header["Content-Type"])
				assert.Equal(t, []string{"*"}, res.Header["Access-Control-Allow-Origin"])

				// The event comes although the response has not ended.
				lines := bufio.NewScanner(res.Body)
				require.True(t, lines.Scan())
				assert.Equal(t, "event:tick", lines.Text())
				require.True(t, lines.Scan())
				assert.Equal(t, "data:"+res.Proto, lines.Text())

				res.Body.Close()
				select {
				case gone := <-ended:
					assert.True(t, gone, "Stream has not seen that the client went away")
				case <-time.After(10 * time.Second):
					t.Fatal("the stream goes on although the client went away")
				}
			})
		})
	}
}

// In a group, handlers write to gin's own writer, not to the one that the chain gives
// them.
func TestTheHeadersOfTheChainAreThereWhereAnAdapterKeepsItsOwnWriter(t *testing.T) {
	handler, routes := inAGroup(t, newEngine(), stripeapps.SignedBody)
	routes.POST("/whoami", func(c *gin.Context) { whoami(c.Writer, c.Request) })
	routes.POST("/events", func(c *gin.Context) { c.SSEvent("tick", 1) })
	for path, mediaType := range map[string]string{
		"/whoami": "text/plain",
		"/events": "text/event-stream;charset=utf-8",
	} {
		t.Run(path, func(t *testing.T) {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, signedPost(path))
			assert.Equal(t, http.StatusOK, w.Code)
			assert.Equal(t, acceptedHeaders("Content-Type", mediaType), normalized(w.Result().Header))
		})
	}
}

// verifiedInGin is an adapter by Verify and Refuse, as for what has no http.Handler.
func verifiedInGin(v *stripeapps.Verifier) gin.HandlerFunc {
	return func(c *gin.Context) {
		r, err := v.Verify(c.Request)
		if err != nil {
			v.Refuse(c.Writer, c.Request, err)
			c.Abort()
			return
		}
		c.Header("Cache-Control", "no-store")
		c.Writer.Header().Add("Vary", "Stripe-Signature, Stripe-User-Id, Stripe-Account-Id")
		c.Request = r
		c.Next()
	}
}

func TestAVerifierOnAGroupOfGin(t *testing.T) {
	cors, err := stripeapps.NewCORS(stripeapps.CORSConfig{})
	require.NoError(t, err)
	csp, err := stripeapps.NewCSP(stripeapps.CSPConfig{})
	require.NoError(t, err)
	for name, config := range map[string]stripeappstest.RunConfig{
		"with a signed body":    {Target: "/api/whoami", Payload: payload},
		"with ids in headers":   {Target: "/api/whoami", Source: stripeapps.IDsInHeaders},
		"with ids in the query": {Target: "/api/whoami", Source: stripeapps.IDsInQuery},
	} {
		t.Run(name, func(t *testing.T) {
			verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
				Secrets: []string{stripeappstest.DefaultSecret}, Source: config.Source,
			})
			require.NoError(t, err)
			engine := newEngine()
			engine.Group("/api", verifiedInGin(verifier)).Any("/whoami", func(c *gin.Context) { whoami(c.Writer, c.Request) })
			config.AroundMux = true
			handler := csp(cors(engine))
			stripeappstest.Run(t, handler, config)

			if config.Source == stripeapps.SignedBody {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, signedPost("/api/whoami"))
				assert.Equal(t, whoamiText, w.Body.String())
				assert.Equal(t, acceptedHeaders("Content-Type", "text/plain"), normalized(w.Result().Header))
			}
		})
	}
}
