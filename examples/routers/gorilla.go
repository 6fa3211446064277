package main

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/seed-8a2ffb75/stripeapps"
)

// gorilla/mux: as net/http. What a router uses does not run for preflights, nor for a
// 404: public goes around the router.
func newGorilla(a *app) http.Handler {
	router := mux.NewRouter()
	router.Handle("/api/greeting", a.signedIDs(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, greet(stripeapps.MustIdentity(r.Context())))
	}))).Methods("GET")
	router.Handle("/api/refunds", a.signedRefund(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refund, err := stripeapps.DecodePayload[refund](r.Context())
		if err != nil {
			stripeapps.Refuse(w, r, err)
			return
		}
		writeJSON(w, refund.make(stripeapps.MustIdentity(r.Context())))
	}))).Methods("POST")
	router.Handle("/api/events", a.signedIDs(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for event := range a.events(r.Context(), stripeapps.MustIdentity(r.Context())) {
			writeEvent(w, event)
			http.NewResponseController(w).Flush()
		}
	}))).Methods("GET")
	router.Handle("/api/broken", a.signedIDs(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, broken())
	}))).Methods("GET")
	return a.public(router)
}
