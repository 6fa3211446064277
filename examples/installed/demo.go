package main

import (
	"context"
	"crypto/rand"
	"errors"
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

type options struct {
	addr, stripeAddr string
	oauth            bool
}

// demo runs the backend, and beside it the stand-in for Stripe, until Ctrl-C.
func demo() {
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:4244", "where the backend listens: a `host:port` of this machine")
	flag.StringVar(&o.stripeAddr, "stripe-addr", "127.0.0.1:4245", "where the stand-in for Stripe listens: a `host:port` of this machine")
	flag.BoolVar(&o.oauth, "oauth", false, "install the app with OAuth (oauth.go), not with an install link (link.go)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C does not wait
	if err := run(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "installed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, stdout, stderr io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.addr)
	if err != nil {
		return fmt.Errorf("%w: choose another address with -addr (127.0.0.1:0 takes any free port)", err)
	}
	defer listener.Close()
	siteURL := "http://" + listener.Addr().String()
	stripe, err := standin.Start(o.stripeAddr, siteURL, o.oauth)
	if err != nil {
		return fmt.Errorf("%w: choose another address with -stripe-addr (127.0.0.1:0 takes any free port)", err)
	}
	defer stripe.Close()
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	backend, in, err := wire(configFor(stripe, siteURL), o.oauth, logger)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Open %s/ in a browser: it leads through the life of an app.\n"+
		"The backend is at %s, a stand-in for Stripe at %s. Ctrl-C stops both.\n", stripe.URL, siteURL, stripe.URL)
	return serve(ctx, listener, backend, in)
}

// wire is what a real main does, with the one way in which its app is installed.
func wire(c config, oauth bool, logger *slog.Logger) (http.Handler, *installs, error) {
	verifier, err := newVerifier(c, logger)
	if err != nil {
		return nil, nil, err
	}
	in, err := byLink(c, verifier)
	if oauth {
		in, err = byOAuth(c)
	}
	if err != nil {
		return nil, nil, err
	}
	backend, err := newBackend(c, verifier, in, logger)
	return backend, in, err
}

// configFor is the config with what Stripe's stand-in has in place of Stripe.
func configFor(stripe *standin.Stripe, siteURL string) config {
	return config{
		SiteURL:       siteURL,
		DashboardURL:  stripe.DashboardURL,
		InstallLink:   stripe.InstallLink,
		OAuthLink:     stripe.OAuthLink,
		AppSecret:     standin.AppSecret,
		WebhookSecret: standin.WebhookSecret,
		AppID:         standin.AppID,
		SecretKey:     standin.SecretKey,
		StateKey:      randomKey(),
		SealingKey:    randomKey(),
		FakeStripe:    stripe.APIURL,
	}
}

func randomKey() []byte {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return key
}

// serve serves until ctx is done, and then lets the requests in flight finish.
func serve(ctx context.Context, listener net.Listener, backend http.Handler, in *installs) error {
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
	return errors.Join(server.Shutdown(draining), in.close(draining))
}
