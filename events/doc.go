// Package events receives Stripe's webhooks about an app: that it was installed or
// uninstalled, and the events of the accounts that have it.
//
//	endpoint, err := events.NewEndpoint(events.Config{
//		Secrets: []string{os.Getenv("STRIPE_WEBHOOK_SECRET")}, // whsec_…
//		Accept:  events.LiveOnly,
//		App:     "com.example.app", // the id of the app, as apps.install.… events name it
//		Installs: func(ctx context.Context, change events.Change) error { … },
//		Handlers: map[string]events.Handler{"invoice.paid": invoicePaid},
//	})
//	…
//	mux.Handle("/stripe/events", endpoint) // beside the chain, not behind it
//
// An event is verified first, with the secrets of your webhook endpoints and of no
// other kind, and then its envelope is read, that of a snapshot event or a thin one.
// What it is about stays the JSON that it came as: decode it into types of your own, or
// hand Event.Raw on to stripe-go.
//
// Webhooks come from Stripe's servers, not from a browser: they need no CORS, and have
// the header Stripe-Signature in common with an extension's requests, but not the
// secret. Put the endpoint outside of the chain of package stripeapps, which would
// refuse them.
//
// Stripe sends an event again, for up to three days, until the response is a 2xx: after
// a handler's error or panic it is not, and after anything else it is. It can also send
// an event twice, or two at once, and in any order. A Guard lets an event be handled
// once; a handler that can be run twice without harm needs none.
//
// https://docs.stripe.com/webhooks
package events
