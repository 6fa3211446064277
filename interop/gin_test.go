package interop_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps"
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
