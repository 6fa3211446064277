package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

// An app is what all routers are given: what stands in front of the routes, and what
// they do.
type app struct {
	// public is CSP and CORS. It goes around the whole router, so that it responds to
	// every preflight, and the extension can read a 404 and a panic's 500, too. Around
	// a router that also serves pages, it goes for /api/ alone.
	public stripeapps.Middleware
	// signedIDs goes on the routes without a body: the extension sends the two ids in
	// headers.
	signedIDs stripeapps.Middleware
	// signedRefund goes on the route that makes refunds: the body is what was signed,
	// and for nothing else.
	signedRefund stripeapps.Middleware

	ticks <-chan time.Time
}

// newApp makes the app of a router, which may have settings of its own.
func newApp(secrets []string, own settings, ticks <-chan time.Time) (*app, error) {
	own.verifier.Secrets = secrets
	bodies, err := stripeapps.NewVerifier(own.verifier)
	own.verifier.Source = stripeapps.IDsInHeaders
	ids, idsErr := stripeapps.NewVerifier(own.verifier)
	withCORS, corsErr := stripeapps.NewCORS(own.cors)
	withCSP, cspErr := stripeapps.NewCSP(stripeapps.CSPConfig{})
	if err := errors.Join(err, idsErr, corsErr, cspErr); err != nil {
		return nil, err
	}
	forRefunds := stripeapps.Require(stripeapps.Action("refund"))
	return &app{
		public:       func(router http.Handler) http.Handler { return withCSP(withCORS(router)) },
		signedIDs:    ids.Handler,
		signedRefund: func(route http.Handler) http.Handler { return bodies.Handler(forRefunds(route)) },
		ticks:        ticks,
	}, nil
}

// settings are a router's own, beside the defaults.
type settings struct {
	verifier stripeapps.VerifierConfig
	cors     stripeapps.CORSConfig
}

type message struct {
	Text string `json:"text"`
}

func greet(id stripeapps.Identity) message {
	return message{fmt.Sprintf("hello %s of %s", id.UserID, id.AccountID)}
}

// A refund is the payload of POST /api/refunds.
type refund struct {
	Amount int64 `json:"amount"`
}

func (r refund) make(id stripeapps.Identity) message {
	return message{fmt.Sprintf("%s refunds %d for %s", id.UserID, r.Amount, id.AccountID)}
}

// events returns an iterator over three events, as they happen, until ctx is done.
func (a *app) events(ctx context.Context, id stripeapps.Identity) iter.Seq[message] {
	return func(send func(message) bool) {
		for n := range 3 {
			if n > 0 {
				select {
				case <-a.ticks:
				case <-ctx.Done():
					return
				}
			}
			if !send(message{fmt.Sprintf("event %d of %s", n+1, id.AccountID)}) {
				return
			}
		}
	}
}

// broken is what a route does that has a fault.
func broken() message { panic("the reason, which is for the log only") }
