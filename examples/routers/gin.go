package main

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/seed-8a2ffb75/stripeapps"
)

// gin: the identity is in c.Request.Context(); in c itself there is none. Without
// gin.Recovery, which would make an empty 500 of a panic before NewCORS sees it.
func newGin(a *app) http.Handler {
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.GET("/api/greeting", ginMiddleware(a.signedIDs), func(c *gin.Context) {
		c.JSON(http.StatusOK, greet(stripeapps.MustIdentity(c.Request.Context())))
	})
	engine.POST("/api/refunds", ginMiddleware(a.signedRefund), func(c *gin.Context) {
		refund, err := stripeapps.DecodePayload[refund](c.Request.Context())
		if err != nil {
			stripeapps.Refuse(c.Writer, c.Request, err)
			return
		}
		c.JSON(http.StatusOK, refund.make(stripeapps.MustIdentity(c.Request.Context())))
	})
	engine.GET("/api/events", ginMiddleware(a.signedIDs), func(c *gin.Context) {
		for event := range a.events(c.Request.Context(), stripeapps.MustIdentity(c.Request.Context())) {
			c.SSEvent("message", event)
			c.Writer.Flush()
		}
	})
	engine.GET("/api/broken", ginMiddleware(a.signedIDs), func(c *gin.Context) {
		c.JSON(http.StatusOK, broken())
	})
	return a.public(engine)
}

func ginMiddleware(middleware stripeapps.Middleware) gin.HandlerFunc {
	return func(c *gin.Context) {
		middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		c.Abort() // what was refused goes no further; all else has gone as far as it can
	}
}
