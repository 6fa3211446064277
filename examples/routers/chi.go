package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/seed-8a2ffb75/stripeapps"
)

// chi: as net/http. The middleware of a Group does not see preflights, nor a 404:
// public goes around the router.
func newChi(a *app) http.Handler {
	router := chi.NewRouter()
	router.With(a.signedIDs).Get("/api/greeting", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, greet(stripeapps.MustIdentity(r.Context())))
	})
	router.With(a.signedRefund).Post("/api/refunds", func(w http.ResponseWriter, r *http.Request) {
		refund, err := stripeapps.DecodePayload[refund](r.Context())
		if err != nil {
			stripeapps.Refuse(w, r, err)
			return
		}
		writeJSON(w, refund.make(stripeapps.MustIdentity(r.Context())))
	})
	router.With(a.signedIDs).Get("/api/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for event := range a.events(r.Context(), stripeapps.MustIdentity(r.Context())) {
			writeEvent(w, event)
			http.NewResponseController(w).Flush()
		}
	})
	router.With(a.signedIDs).Get("/api/broken", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, broken())
	})
	return a.public(router)
}
