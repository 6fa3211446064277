package main

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	recoverer "github.com/gofiber/fiber/v3/middleware/recover"

	"github.com/seed-8a2ffb75/stripeapps"
)

// Fiber, v3: the identity is in c.RequestCtx(), or c; in c.Context() there is none. It is
// no net/http, so that public ends before the routes begin: panics, 404 and what a
// route returns as an error go to fiberError.
func newFiber(a *app) *fiber.App {
	router := fiber.New(fiber.Config{ErrorHandler: fiberError, ReadTimeout: 30 * time.Second}) // of a whole request
	router.Use(joinSignatures, adaptor.HTTPMiddleware(a.public), recoverer.New(recoverer.Config{EnableStackTrace: true}))
	router.Get("/api/greeting", adaptor.HTTPMiddleware(a.signedIDs), func(c fiber.Ctx) error {
		return c.JSON(greet(stripeapps.MustIdentity(c.RequestCtx())))
	})
	router.Post("/api/refunds", adaptor.HTTPMiddleware(a.signedRefund), func(c fiber.Ctx) error {
		refund, err := stripeapps.DecodePayload[refund](c.RequestCtx())
		if err != nil {
			return err
		}
		return c.JSON(refund.make(stripeapps.MustIdentity(c.RequestCtx())))
	})
	router.Get("/api/events", adaptor.HTTPMiddleware(a.signedIDs), func(c fiber.Ctx) error {
		ctx, id := c.RequestCtx(), stripeapps.MustIdentity(c.RequestCtx()) // before c is used again
		c.Set("Content-Type", "text/event-stream")
		return c.SendStreamWriter(func(w *bufio.Writer) {
			for event := range a.events(ctx, id) {
				writeEvent(w, event)
				if w.Flush() != nil {
					return // the client went away
				}
			}
		})
	})
	router.Get("/api/broken", adaptor.HTTPMiddleware(a.signedIDs), func(c fiber.Ctx) error {
		return c.JSON(broken())
	})
	return router
}

// joinSignatures makes one line of several: the adaptor would keep the last.
func joinSignatures(c fiber.Ctx) error {
	if lines := c.GetReqHeaders()["Stripe-Signature"]; len(lines) > 1 {
		joined := strings.Join(lines, ",")
		c.Request().Header.Del("Stripe-Signature")
		c.Request().Header.Set("Stripe-Signature", joined)
	}
	return c.Next()
}

// fiberError responds as Refuse does. Fiber's own would tell callers the text of a panic.
func fiberError(c fiber.Ctx, err error) error {
	if own := (*fiber.Error)(nil); errors.As(err, &own) { // 404, 405
		return fiber.DefaultErrorHandler(c, err)
	}
	c.Response().Header.Del("Cache-Control") // or it is there twice
	return adaptor.HTTPHandlerFunc(func(w http.ResponseWriter, r *http.Request) { stripeapps.Refuse(w, r, err) })(c)
}

func serveFiber(a *app, listener net.Listener) error {
	return newFiber(a).Listener(listener, fiber.ListenConfig{DisableStartupMessage: true})
}
