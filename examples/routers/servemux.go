package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/seed-8a2ffb75/stripeapps"
)

// net/http: everything fits as it is.
func newServeMux(a *app) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /api/greeting", a.signedIDs(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, greet(stripeapps.MustIdentity(r.Context())))
	})))
	mux.Handle("POST /api/refunds", a.signedRefund(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refund, err := stripeapps.DecodePayload[refund](r.Context())
		if err != nil {
			stripeapps.Refuse(w, r, err)
			return
		}
		writeJSON(w, refund.make(stripeapps.MustIdentity(r.Context())))
	})))
	mux.Handle("GET /api/events", a.signedIDs(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for event := range a.events(r.Context(), stripeapps.MustIdentity(r.Context())) {
			writeEvent(w, event)
			http.NewResponseController(w).Flush()
		}
	})))
	mux.Handle("GET /api/broken", a.signedIDs(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, broken())
	})))
	return a.public(mux)
}

func writeJSON(w http.ResponseWriter, m message) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(m) // nothing can be done about a client that went away
}

func writeEvent(w io.Writer, m message) {
	text, _ := json.Marshal(m) // cannot fail
	fmt.Fprintf(w, "data: %s\n\n", text)
}
