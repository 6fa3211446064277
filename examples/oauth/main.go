// OAuth is a provider that lets users of a Stripe App sign in to "your service":
// OAuth 2.0 (RFC 6749) with PKCE (RFC 7636), for an extension that starts the flow
// with createOAuthState and exchanges the code itself.
//
//	cd examples/oauth && go run .
//
// Read provider.go for what is served, authorize.go for the page that asks the
// user, token.go for what the extension calls, and store.go for how codes and
// tokens are kept. Put your own users and sign-in in the place of the demo's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

const usage = `OAuth is a provider that lets users of a Stripe App sign in to "your service".

Usage:

  go run . [flags]

Flags:

  -addr host:port    where to listen; port 0 means any free port
                     (default 127.0.0.1:4243)
  -app-id id         "id" in the app's stripe-app.json: it gives the app's two
                     redirect URIs in the Dashboard (default com.example.app)
  -redirect-uri uri  one more redirect URI; can be repeated
  -db file           the SQLite database (default: in memory, for this run only)
  -issuer url        where clients reach this server (default: http:// and the
                     address, which must be a loopback address then)
  -h                 print this help

Exit status of the built program (go run itself exits with 1): 0 after SIGINT or
SIGTERM, 1 if something failed while running, 2 if the flags are wrong.
`

const (
	exitOK        = 0
	exitFailed    = 1
	exitBadConfig = 2
)

// clientID is that of the Stripe App.
const clientID = "stripe-app"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C does not wait
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fail := func(status int, err error) int {
		fmt.Fprintln(stderr, "oauth:", strings.ReplaceAll(err.Error(), "\n", "; "))
		return status
	}
	o, err := readOptions(args)
	if errors.Is(err, flag.ErrHelp) {
		io.WriteString(stdout, usage)
		return exitOK
	}
	if err != nil {
		return fail(exitBadConfig, fmt.Errorf("%w: run it with -h to see the flags", err))
	}
	live, test, err := stripeapps.RedirectURIs(o.appID)
	if err != nil {
		return fail(exitBadConfig, fmt.Errorf("-app-id is %q: %w", o.appID, err))
	}
	redirectURIs := append([]string{live, test}, o.redirectURIs...)

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.addr)
	if err != nil {
		return fail(exitFailed, fmt.Errorf("%w: choose another address with -addr (127.0.0.1:0 takes any free port)", err))
	}
	defer listener.Close()
	if o.issuer == "" {
		if ip := listener.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
			return fail(exitBadConfig, fmt.Errorf("-addr is %q, which others can reach: say where, with -issuer https://…", o.addr))
		}
		o.issuer = "http://" + listener.Addr().String()
	}
	c := config{Issuer: o.issuer, Clients: map[string][]string{clientID: redirectURIs}, Logger: slog.New(slog.NewTextHandler(stderr, nil))}
	if err := c.check(); err != nil {
		return fail(exitBadConfig, err)
	}
	c.Store, err = openStore(ctx, o.db)
	if err != nil {
		return fail(exitFailed, fmt.Errorf("-db: %w: choose a file that can be written, or none to keep it in memory", err))
	}
	defer c.Store.Close()
	handler, err := newProvider(c)
	if err != nil {
		return fail(exitBadConfig, err)
	}
	io.WriteString(stdout, greeting(c, listener.Addr(), redirectURIs))
	return serve(ctx, listener, handler, c.Logger, fail)
}

// options are the command's flags.
type options struct {
	addr, appID, db, issuer string
	redirectURIs            []string
}

// readOptions returns flag.ErrHelp if args ask for the usage.
func readOptions(args []string) (o options, err error) {
	flags := flag.NewFlagSet("oauth", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the one line that it takes
	flags.StringVar(&o.addr, "addr", "127.0.0.1:4243", "")
	flags.StringVar(&o.appID, "app-id", "com.example.app", "")
	flags.StringVar(&o.db, "db", "", "")
	flags.StringVar(&o.issuer, "issuer", "", "")
	flags.Func("redirect-uri", "", func(uri string) error {
		o.redirectURIs = append(o.redirectURIs, uri)
		return nil
	})
	err = flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("%q is not a flag", flags.Arg(0))
	}
	return o, err
}

// greeting shows a flow that can be walked by hand: link, consent, token.
func greeting(c config, addr net.Addr, redirectURIs []string) string {
	verifier := stripeapps.NewCodeVerifier()
	link := withParams(c.Issuer+"/oauth/authorize", "response_type", "code", "client_id", clientID, "redirect_uri", redirectURIs[0],
		"state", "demo", "code_challenge", stripeapps.S256Challenge(verifier), "code_challenge_method", "S256")
	return fmt.Sprintf(`Listening on http://%s, as %s. The client is %s, with the redirect URIs

  %s

The page that the app's users see (Allow leads to the real Dashboard, which knows
nothing of this try):

  %s

The same without a browser, and the tokens for the code that it prints:

  curl -s -o /dev/null -w '%%{redirect_url}\n' '%s' -d user=ada -d decision=allow
  curl %s/oauth/token -d grant_type=authorization_code -d client_id=%s -d redirect_uri=%s -d code_verifier=%s -d code=…

`, addr, c.Issuer, clientID, strings.Join(redirectURIs, "\n  "), link, link, c.Issuer, clientID, redirectURIs[0], verifier)
}

// serve serves until ctx is done, and then lets the requests in flight finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, logger *slog.Logger, fail func(int, error) int) int {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10, // a query of 16 KiB, to refuse it readably
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelError),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fail(exitFailed, fmt.Errorf("the server stopped: %w: start it again", err))
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	if err := server.Shutdown(draining); err != nil {
		return fail(exitFailed, errors.New("some requests were cut off: they took longer than 15 s"))
	}
	return exitOK
}
