package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/examples/installed/standin"
)

// demo runs the backend, and beside it the stand-in for Stripe, until Ctrl-C.
func demo() {
	addr := flag.String("addr", "127.0.0.1:4244", "where the backend listens: a `host:port` of this machine")
	stripeAddr := flag.String("stripe-addr", "127.0.0.1:4245", "where the stand-in for Stripe listens: a `host:port` of this machine")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C does not wait
	if err := run(ctx, *addr, *stripeAddr, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "installed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr, stripeAddr string, stdout, stderr io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("%w: choose another address with -addr (127.0.0.1:0 takes any free port)", err)
	}
	defer listener.Close()
	siteURL := "http://" + listener.Addr().String()
	stripe, err := standin.Start(stripeAddr, siteURL)
	if err != nil {
		return fmt.Errorf("%w: choose another address with -stripe-addr (127.0.0.1:0 takes any free port)", err)
	}
	defer stripe.Close()
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	backend, err := newBackend(configFor(stripe, siteURL), logger)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Open %s/ in a browser: it leads through the life of an app.\n"+
		"The backend is at %s, a stand-in for Stripe at %s. Ctrl-C stops both.\n", stripe.URL, siteURL, stripe.URL)
	return serve(ctx, listener, backend)
}

// configFor is the config with what Stripe's stand-in has in place of Stripe.
func configFor(stripe *standin.Stripe, siteURL string) config {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return config{
		SiteURL:       siteURL,
		InstallLink:   stripe.InstallLink,
		DashboardURL:  stripe.DashboardURL,
		AppSecret:     standin.AppSecret,
		WebhookSecret: standin.WebhookSecret,
		SecretKey:     standin.SecretKey,
		StateKey:      key,
		APIURL:        stripe.APIURL,
		FakeAPI:       true,
	}
}

// serve serves until ctx is done, and then lets the requests in flight finish.
func serve(ctx context.Context, listener net.Listener, backend http.Handler) error {
	server := &http.Server{
		Handler:           backend,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      40 * time.Second, // more than Stripe has
		IdleTimeout:       time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), 45*time.Second)
	defer cancel()
	return server.Shutdown(draining)
}
