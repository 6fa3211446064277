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
	// 1. Make a chain for each way in which the extension sends what was signed.
	// An app that only signs bodies needs one line for both calls:
	//
	//	protect, err := stripeapps.New(stripeapps.Options{Secrets: secrets})
	chain := func(source stripeapps.Source) (stripeapps.Middleware, error) {
		verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
			Secrets: secrets,
			Source:  source,
			Now:     now,
			Logger:  logger, // a line for each refused request
		})
		if err != nil {
			return nil, err
		}
		return stripeapps.New(stripeapps.Options{Verifier: verifier})
	}
	protectBody, err := chain(stripeapps.SignedBody)
	if err != nil {
		return nil, err
	}
	protectHeaders, err := chain(stripeapps.IdentityFromHeaders)
	if err != nil {
		return nil, err
	}

	// 2. Write your routes as always. Only verified requests get to these.
	verified := http.NewServeMux()
	verified.HandleFunc("POST /api/echo", tellIdentity)
	verified.HandleFunc("GET /api/whoami", tellIdentity)
	verified.HandleFunc("/", notFound)

	// 3. Put the chain around them. There is no method in these two patterns:
	// "POST /api/echo" would keep the OPTIONS request that a browser sends
	// first away from the chain.
	mux := http.NewServeMux()
	mux.Handle("/api/echo", protectBody(verified))
	mux.Handle("/api/whoami", protectHeaders(verified))
	mux.HandleFunc("GET /healthz", tellHealth)
	mux.HandleFunc("/", notFound)
	return withoutRedirects(mux), nil
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
