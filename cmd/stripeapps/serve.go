package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"
)

func (a *app) serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "stand in front of a backend and print the verdict on each request",
		Description: "Let the extension call this address and not the backend's, as well as Stripe's webhooks (with\n" +
			"$STRIPE_WEBHOOK_SECRET), and browsers that come back from an install link. Every request is handed on as it\n" +
			"came, also those that the backend should refuse; what is wrong with those is explained below their\n" +
			"line. The backend can be written in any language. A line is: time, method, path, the backend's status,\n" +
			"verdict. Ctrl-C stops.\n\n" +
			"Example: stripeapps serve -to http://127.0.0.1:8080\n\n" + exitCodesText,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "to", Usage: "the backend, a `URL` without a path, like http://127.0.0.1:8080", Required: true},
			&cli.StringFlag{Name: "addr", Value: "127.0.0.1:4240", Usage: "listen on this `ADDRESS`; port 0 chooses one"},
			&cli.BoolFlag{Name: "rewrite-host", Usage: "send the backend's own name as Host, and not the one that came"},
			timeFlag("now", "judge as if it were this `TIME`, RFC 3339 or Unix seconds (default: the clock)"),
			toleranceFlag(),
			allowMissingUserFlag(),
			otherSecretsFlag(),
			secretFileFlag(),
			webhookSecretFileFlag(),
		},
		Action: a.serve,
	}
}

func (a *app) serve(ctx context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	p, err := a.newProxy(cmd)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", cmd.String("addr"))
	if err != nil {
		return failed("cannot listen: %v: give a free -addr, like 127.0.0.1:0", err)
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		fmt.Fprintln(a.err, "stripeapps: warning: others in the network can reach this address, "+
			"and the backend through it")
	}
	fmt.Fprintf(a.err, "stripeapps: listening on http://%s, in front of %s; Ctrl-C stops\n", listener.Addr(), p.to)
	return p.run(ctx, stop, listener)
}

func (a *app) newProxy(cmd *cli.Command) (*proxy, error) {
	j, err := a.newJudge(cmd)
	if err == nil {
		err = j.prepareAll()
	}
	if err != nil {
		return nil, err
	}
	if j.others, err = a.readOtherSecrets(cmd.String("other-secrets-file")); err != nil {
		return nil, err
	}
	to, err := parseBackend(cmd)
	if err != nil {
		return nil, err
	}
	return &proxy{
		judge:       j,
		to:          to,
		rewriteHost: cmd.Bool("rewrite-host"),
		log:         log.New(a.err, "stripeapps: ", 0),
		app:         a,
		json:        cmd.Bool("json"),
		paint:       a.paint(cmd),
	}, nil
}

func parseBackend(cmd *cli.Command) (*url.URL, error) {
	u, err := url.Parse(cmd.String("to"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, misused(cmd,
			"-to is not an http or https URL without path, query and password, like http://127.0.0.1:8080")
	}
	if u.Host == cmd.String("addr") {
		return nil, misused(cmd, "-to and -addr are the same: let the backend listen elsewhere")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// graceful is how long requests that are under way may take after Ctrl-C. Event
// streams go on for ever.
const graceful = 2 * time.Second

// run serves until ctx is done.
func (p *proxy) run(ctx context.Context, stop func(), listener net.Listener) error {
	server := &http.Server{Handler: p.handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: p.log}
	result := make(chan error, 1)
	go func() { result <- server.Serve(listener) }()
	select {
	case err := <-result:
		return failed("cannot go on serving: %v", err)
	case <-ctx.Done():
	}
	stop() // a second Ctrl-C ends the program at once
	timeout, cancel := context.WithTimeout(context.Background(), graceful)
	defer cancel()
	if server.Shutdown(timeout) != nil {
		server.Close()
	}
	return nil
}
