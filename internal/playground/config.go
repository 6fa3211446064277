package playground

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"syscall"
)

const usage = `Quickstart is a backend that serves a Stripe App's UI extension. It verifies the
signature of every request, and responds with the identity that Stripe signed.
On a loopback address it also serves a page to try it in a browser.

Usage:

  go run ./examples/quickstart [-addr host:port]
  go run ./examples/quickstart -selfcheck

Flags:

  -addr host:port  where to listen; port 0 means any free port
                   (default: ADDR from the environment, or else 127.0.0.1:4241)
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
SIGTERM once all requests are done, 1 if something failed while running (port
in use, -selfcheck), 2 if the flags or the environment are wrong.
`

const (
	secretVariable = "STRIPE_APP_SECRET"
	defaultAddr    = "127.0.0.1:4241" // 4242 is that of `stripe apps start`, which runs beside this
)

// Config is what the flags and the environment say.
type Config struct {
	Addr      string   // where to listen
	Secrets   []string // not checked yet, but never none
	Selfcheck bool     // run Selfcheck instead

	randomSecret bool
}

// ReadConfig returns flag.ErrHelp if it is asked for help.
func ReadConfig(args []string, lookupEnv func(string) (string, bool)) (Config, error) {
	c := Config{Addr: defaultAddr}
	addrFrom := "ADDR"
	if addr, set := lookupEnv("ADDR"); set {
		c.Addr = addr
	}

	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // Exit prints the one line that it takes
	flags.BoolVar(&c.Selfcheck, "selfcheck", false, "")
	flags.Func("addr", "", func(addr string) error {
		addrFrom, c.Addr = "-addr", addr
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return c, misused("%w: run it with -h to see the flags", err)
	}
	if flags.NArg() > 0 { // not shown: it might be a secret
		return c, misused("there is an argument that is not a flag: run it with -h to see the flags, " +
			"and give the secret in " + secretVariable)
	}

	_, port, err := net.SplitHostPort(c.Addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return c, misused("%s is %q: give a host and a port from 0 to 65535, such as %s", addrFrom, c.Addr, defaultAddr)
	}

	// Set but empty is a mistake that NewVerifier reports, and not the same as
	// unset. Nothing is trimmed: a secret that needs it was not copied well.
	if secrets, set := lookupEnv(secretVariable); set {
		c.Secrets = strings.Split(secrets, ",")
	} else {
		c.Secrets, c.randomSecret = []string{"absec_" + rand.Text()}, true
	}
	return c, nil
}

// Logger logs to stderr, and nowhere during a Selfcheck, whose table tells of each
// refusal.
func (c Config) Logger(stderr io.Writer) *slog.Logger {
	if c.Selfcheck {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(stderr, nil))
}

// SecretsError makes one line of what the library says against Secrets, with the
// entries of STRIPE_APP_SECRET for their indexes. It shows no part of a secret.
func (c Config) SecretsError(err error) error {
	text := strings.ReplaceAll(err.Error(), "stripeapps: ", "")
	for i := range c.Secrets {
		entry := "it" // of one
		if len(c.Secrets) > 1 {
			entry = fmt.Sprintf("entry %d", i+1)
		}
		text = strings.ReplaceAll(text, fmt.Sprintf("Secrets[%d]", i), entry)
	}
	reasons := strings.ReplaceAll(text, "\n", "; ")
	return misused("%s cannot be used: %s (or unset it, to run with a random secret)", secretVariable, reasons)
}

// AddrError says what to do if Addr cannot be listened on.
func (c Config) AddrError(err error) error {
	var noSuchHost *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use: choose another port with -addr (127.0.0.1:0 takes any free one), "+
			"or stop the program that listens there", c.Addr)
	case errors.As(err, &noSuchHost), errors.Is(err, syscall.EADDRNOTAVAIL):
		return misused("%s is not an address of this machine: choose another one with -addr, such as %s", c.Addr, defaultAddr)
	default:
		return fmt.Errorf("cannot listen: %w: choose another address with -addr, such as %s", err, defaultAddr)
	}
}

// misuse is an error in the flags or the environment.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

func misused(format string, args ...any) error { return misuse{fmt.Errorf(format, args...)} }

// Exit returns the exit status that usage promises for err, which it prints as one
// line: 0 without one, 2 for misuse, and 1 for everything else.
func Exit(err error, stdout, stderr io.Writer) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		io.WriteString(stdout, usage)
		return 0
	}
	fmt.Fprintln(stderr, "quickstart:", strings.Join(strings.Fields(err.Error()), " "))
	if errors.As(err, new(misuse)) {
		return 2
	}
	return 1
}
