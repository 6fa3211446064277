package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

// newHandler returns the whole backend, or an error that says what is wrong
// with the secrets.
func newHandler(secrets []string, now func() time.Time, logger *slog.Logger) (http.Handler, error) {
	// 1. Make a verifier for each way in which the extension sends what was
	// signed. An app that only signs bodies needs one line for 1 and 3:
	//
	//	protect, err := stripeapps.New(stripeapps.Config{Secrets: secrets})
	config := stripeapps.VerifierConfig{Secrets: secrets, Now: now, Observe: stripeapps.LogRefusals(logger)}
	bodies, err := stripeapps.NewVerifier(config) // POST: the whole body
	if err != nil {
		return nil, err
	}
	config.Source = stripeapps.IDsInHeaders
	ids, err := stripeapps.NewVerifier(config) // GET: the two ids, in headers
	if err != nil {
		return nil, err
	}

	// 2. Put them around your routes. Only verified requests get to those.
	mux := http.NewServeMux()
	mux.Handle("POST /api/echo", bodies.Handler(http.HandlerFunc(tellIdentity)))
	mux.Handle("GET /api/whoami", ids.Handler(http.HandlerFunc(tellIdentity)))
	mux.HandleFunc("GET /healthz", tellHealth)
	mux.HandleFunc("/", notFound)

	// 3. Put CORS and CSP around the mux, not on a route: "POST /api/echo" does
	// not match the OPTIONS request that a browser sends first, and the
	// extension must be able to read a 404 too.
	withCORS, err := stripeapps.NewCORS(stripeapps.CORSConfig{})
	if err != nil {
		return nil, err
	}
	withCSP, err := stripeapps.NewCSP(stripeapps.CSPConfig{})
	if err != nil {
		return nil, err
	}
	return withCSP(withCORS(withoutRedirects(mux))), nil
}

// tellIdentity answers with what Stripe has signed, and nothing else: whatever
// else is in the request could have been made up by anyone.
func tellIdentity(w http.ResponseWriter, r *http.Request) {
	id, ok := stripeapps.IdentityFrom(r.Context())
	if !ok { // somebody has mounted this outside the chain
		stripeapps.WriteProblem(w, r, stripeapps.ErrNotVerified)
		return
	}
	answerJSON(w, identityDocument(id, stripeapps.SignedPayload(r.Context())))
}

// identityDocument is not written by encoding/json, which would write the signed
// JSON in its own way. Ids are letters, digits and underscores: they need no
// escapes.
func identityDocument(id stripeapps.Identity, payload []byte) string {
	return fmt.Sprintf(`{"user_id":"%s","account_id":"%s","signed_at":"%s","payload":%s}`,
		id.UserID, id.AccountID, id.SignedAt.Format(time.RFC3339), payload)
}

func tellHealth(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, `{"status":"ok"}`)
}

func answerJSON(w http.ResponseWriter, document string) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	fmt.Fprintln(w, document) // nothing can be done about a client that went away
}

var errNotFound = stripeapps.NewError("not_found", http.StatusNotFound, "there is no such endpoint: use POST /api/echo, GET /api/whoami or GET /healthz")

func notFound(w http.ResponseWriter, r *http.Request) {
	stripeapps.WriteProblem(w, r, errNotFound)
}

// withoutRedirects answers paths such as /api//echo with 404. A ServeMux would
// redirect them, in HTML, which is of no use to an extension.
func withoutRedirects(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path {
			notFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
