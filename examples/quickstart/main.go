// Quickstart is a backend that serves a Stripe App's UI extension: it verifies
// the signature of every request, and responds with the user and the account
// that Stripe signed it for.
//
//	go run ./examples/quickstart
//
// For your own backend copy newBackend, with what it calls here and in notfound.go,
// and the http.Server with its limits out of run. The package playground, which cannot
// be imported from elsewhere, is for trying it: the flags, a page in the browser, and
// requests that are signed in Stripe's place.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/playground"
)

// newBackend returns everything that is served. now is time.Now, except in tests.
func newBackend(secrets []string, now func() time.Time, logger *slog.Logger) (http.Handler, error) {
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

// tellIdentity responds with what Stripe has signed, and nothing else: whatever
// else is in the request could have been made up by anyone.
func tellIdentity(w http.ResponseWriter, r *http.Request) {
	id := stripeapps.MustIdentity(r.Context()) // panics outside the chain, where nothing is known of the caller
	// encoding/json would write the signed JSON in its own way. Ids are letters,
	// digits and underscores: they need no escapes.
	writeJSON(w, fmt.Sprintf(`{"user_id":"%s","account_id":"%s","signed_at":"%s","payload":%s}`,
		id.UserID, id.AccountID, id.SignedAt.Format(time.RFC3339), stripeapps.SignedPayload(r.Context())))
}

func tellHealth(w http.ResponseWriter, _ *http.Request) { writeJSON(w, `{"status":"ok"}`) }

func writeJSON(w http.ResponseWriter, document string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	fmt.Fprintln(w, document) // nothing can be done about a client that went away
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C does not wait
	err := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	os.Exit(playground.Exit(err, os.Stdout, os.Stderr))
}

// run serves until ctx is done, and then lets the requests in flight finish.
func run(ctx context.Context, args []string, lookupEnv func(string) (string, bool), stdout, stderr io.Writer) error {
	config, err := playground.ReadConfig(args, lookupEnv) // -addr, STRIPE_APP_SECRET
	if err != nil {
		return err
	}
	logger := config.Logger(stderr)
	backend, err := newBackend(config.Secrets, time.Now, logger)
	if err != nil {
		return config.SecretsError(err)
	}
	server := &http.Server{
		Handler:           backend,
		ReadHeaderTimeout: 5 * time.Second, // without limits, slow clients hold connections
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelError),

		DisableGeneralOptionsHandler: true, // "OPTIONS *" is refused like all else
	}
	if config.Selfcheck {
		return playground.Selfcheck(ctx, server, config.Secrets[0], time.Now, stdout)
	}

	listener, err := net.Listen("tcp", config.Addr)
	if err != nil {
		return config.AddrError(err)
	}
	if server.Handler, err = playground.Around(backend, listener.Addr(), config.Secrets[0]); err != nil {
		return err
	}
	fmt.Fprint(stdout, config.Greeting(listener.Addr()))

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("the server stopped: %w: start it again", err)
	case <-ctx.Done():
	}

	fmt.Fprintln(stdout, "Stopping once the requests in flight are done.")
	draining, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := server.Shutdown(draining); err != nil { // no request should take so long
		return errors.New("some requests were cut off: they took longer than 20s to finish")
	}
	return nil
}
