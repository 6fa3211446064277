package main

import (
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/seed-8a2ffb75/stripeapps"
)

// echo, v5 and v4 alike: its own WrapMiddleware is all that it takes.
func newEcho(a *app) http.Handler {
	e := echo.New()
	e.GET("/api/greeting", func(c *echo.Context) error {
		return c.JSON(http.StatusOK, greet(stripeapps.MustIdentity(c.Request().Context())))
	}, echo.WrapMiddleware(a.signedIDs))
	e.POST("/api/refunds", func(c *echo.Context) error {
		refund, err := stripeapps.DecodePayload[refund](c.Request().Context())
		if err != nil {
			stripeapps.Refuse(c.Response(), c.Request(), err) // echo would make a 500 of it
			return nil
		}
		return c.JSON(http.StatusOK, refund.make(stripeapps.MustIdentity(c.Request().Context())))
	}, echo.WrapMiddleware(a.signedRefund))
	e.GET("/api/events", func(c *echo.Context) error {
		c.Response().Header().Set("Content-Type", "text/event-stream")
		for event := range a.events(c.Request().Context(), stripeapps.MustIdentity(c.Request().Context())) {
			writeEvent(c.Response(), event)
			http.NewResponseController(c.Response()).Flush()
		}
		return nil
	}, echo.WrapMiddleware(a.signedIDs))
	e.GET("/api/broken", func(c *echo.Context) error {
		return c.JSON(http.StatusOK, broken())
	}, echo.WrapMiddleware(a.signedIDs))
	return a.public(e)
}
