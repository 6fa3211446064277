// Quickstart is a backend that serves a Stripe App's UI extension: it verifies
// the signature of every request, and answers with the user and the account
// that Stripe signed it for.
//
//	go run ./examples/quickstart
//
// app.go shows all that your own backend needs: the verifiers, CORS and CSP
// around the routes, and IdentityFrom in a handler. This file is about flags, listening and stopping. Your backend needs nothing of
// the others: sign.go and selfcheck.go play Stripe's part.
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
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/internal/playground"
)

const usage = `Quickstart is a backend that serves a Stripe App's UI extension. It verifies the
signature of every request, and answers with the identity that Stripe signed.
On a loopback address it also serves a page to try it in a browser.

Usage:

  go run ./examples/quickstart [-addr host:port]
  go run ./examples/quickstart -selfcheck

Flags:

  -addr host:port  where to listen; port 0 means any free port
                   (default: ADDR from the environment, or else 127.0.0.1:4242)
  -selfcheck       serve on a free port of 127.0.0.1, send good and bad requests,
                   print what happened, and exit 0 only if all went as they must
  -h               print this help

Environment:

  STRIPE_APP_SECRET  the app's signing secret (absec_…), shown on the app's page in
                     the Stripe Dashboard; while it is being rolled, the new and
                     the old one with a comma and no space between them
                     (without it: a random secret, for this run only)
  ADDR               where to listen, if there is no -addr

Exit status of the built program (go run itself exits with 1): 0 after SIGINT or
SIGTERM once all requests are answered, 1 if something failed while running (port
in use, -selfcheck), 2 if the flags or the environment are wrong.
`

const (
	exitOK        = 0
	exitFailed    = 1
	exitBadConfig = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C does not wait
	os.Exit(run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr))
}

// run is main without the process around it. It returns the exit status, after
// ctx is done or something has failed.
func run(ctx context.Context, args []string, lookupEnv func(string) (string, bool), stdout, stderr io.Writer) int {
	c, err := readConfig(args, lookupEnv)
	if errors.Is(err, flag.ErrHelp) {
		io.WriteString(stdout, usage)
		return exitOK
	}
	if err != nil {
		return fail(stderr, exitBadConfig, err)
	}

	logger := slog.New(slog.NewTextHandler(stderr, nil))
	if c.selfcheck {
		logger = slog.New(slog.DiscardHandler) // the table tells of each refusal
	}
	handler, err := newHandler(c.secrets, time.Now, logger)
	if err != nil {
		return fail(stderr, exitBadConfig, explainSecrets(err, c.secrets))
	}
	if c.selfcheck {
		return selfcheck(ctx, handler, c.secrets[0], time.Now, stdout, stderr)
	}
	return serve(ctx, c, handler, logger, stdout, stderr)
}

type config struct {
	addr         string
	secrets      []string
	randomSecret bool
	selfcheck    bool
}

const (
	secretVariable = "STRIPE_APP_SECRET"
	defaultAddr    = "127.0.0.1:4242"
)

func readConfig(args []string, lookupEnv func(string) (string, bool)) (config, error) {
	c := config{addr: defaultAddr}
	addrFrom := "ADDR"
	if addr, set := lookupEnv("ADDR"); set {
		c.addr = addr
	}

	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the one line that it takes
	flags.BoolVar(&c.selfcheck, "selfcheck", false, "")
	flags.Func("addr", "", func(addr string) error {
		addrFrom, c.addr = "-addr", addr
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return c, fmt.Errorf("%w: run it with -h to see the flags", err)
	}
	if flags.NArg() > 0 { // not shown: it might be a secret
		return c, errors.New("there is an argument that is not a flag: run it with -h to see the flags, and give the secret in " + secretVariable)
	}

	_, port, err := net.SplitHostPort(c.addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return c, fmt.Errorf("%s is %q: give a host and a port from 0 to 65535, such as %s", addrFrom, c.addr, defaultAddr)
	}

	// Set but empty is a mistake that New reports, and not the same as unset.
	// Nothing is trimmed: a secret that needs it was not copied well.
	if secrets, set := lookupEnv(secretVariable); set {
		c.secrets = strings.Split(secrets, ",")
	} else {
		c.secrets, c.randomSecret = []string{"absec_" + rand.Text()}, true
	}
	return c, nil
}

// explainSecrets makes one line of the library's error, which has one for each
// problem. It never shows any part of a secret.
func explainSecrets(err error, secrets []string) error {
	reasons := strings.Split(err.Error(), "\n")
	for i, reason := range reasons {
		reason = strings.TrimPrefix(reason, "stripeapps: ")
		for n := range secrets {
			entry := "it" // of one
			if len(secrets) > 1 {
				entry = fmt.Sprintf("entry %d", n+1)
			}
			reason = strings.ReplaceAll(reason, fmt.Sprintf("Secrets[%d]", n), entry)
		}
		reasons[i] = reason
	}
	return fmt.Errorf("%s cannot be used: %s (or unset it, to run with a random secret)", secretVariable, strings.Join(reasons, "; "))
}

// fail prints err as one line and returns status.
func fail(stderr io.Writer, status int, err error) int {
	fmt.Fprintln(stderr, "quickstart:", strings.Join(strings.Fields(err.Error()), " "))
	return status
}

// The limits of the server. Without them, slow clients could hold connections
// for ever.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second // header and body
	writeTimeout      = 10 * time.Second // from the end of the header
	idleTimeout       = time.Minute
	maxHeaderBytes    = 16 << 10

	// drainTimeout is longer than any request can take.
	drainTimeout = readHeaderTimeout + writeTimeout + 5*time.Second
)

func newServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelError),

		// "OPTIONS *" is a 404 like everything that is not served here.
		DisableGeneralOptionsHandler: true,
	}
}

// serve serves until ctx is done, and then lets the requests in flight finish.
func serve(ctx context.Context, c config, handler http.Handler, logger *slog.Logger, stdout, stderr io.Writer) int {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.addr)
	if err != nil {
		return failToListen(stderr, c.addr, err)
	}
	if handler, err = playground.Around(handler, listener.Addr(), c.secrets[0]); err != nil {
		listener.Close()
		return fail(stderr, exitFailed, err)
	}
	server := newServer(handler, logger)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	io.WriteString(stdout, greeting(c, baseURL(listener.Addr()), hasPlayground(listener.Addr()), time.Now()))

	select {
	case err := <-served:
		return fail(stderr, exitFailed, fmt.Errorf("the server stopped: %w: start it again", err))
	case <-ctx.Done():
	}

	fmt.Fprintln(stdout, "Stopping once the requests in flight are answered.")
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(draining); err != nil {
		server.Close()
		return fail(stderr, exitFailed, fmt.Errorf("some requests were cut off: they took longer than %v to finish", drainTimeout))
	}
	return exitOK
}

func failToListen(stderr io.Writer, addr string, err error) int {
	var noSuchHost *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fail(stderr, exitFailed, fmt.Errorf("%s is in use: stop the program that listens there, or choose another port with -addr (127.0.0.1:0 takes any free one)", addr))
	case errors.As(err, &noSuchHost), errors.Is(err, syscall.EADDRNOTAVAIL):
		return fail(stderr, exitBadConfig, fmt.Errorf("%s is not an address of this machine: choose another one with -addr, such as %s", addr, defaultAddr))
	default:
		return fail(stderr, exitFailed, fmt.Errorf("cannot listen: %w: choose another address with -addr, such as %s", err, defaultAddr))
	}
}

// baseURL returns how to reach a listener from this machine.
func baseURL(addr net.Addr) string {
	host := addr.String()
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
	}
	return (&url.URL{Scheme: "http", Host: host}).String()
}

// hasPlayground reports whether only this machine can reach a listener.
func hasPlayground(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
