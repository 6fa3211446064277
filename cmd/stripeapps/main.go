// Command stripeapps is the library on the command line: it signs requests, events and
// installs as Stripe does, verifies and explains those that were received, stands in
// front of a backend and says what it sees, makes PKCE pairs, and checks manifests.
//
//	stripeapps sign -payload '{"amount":1250}'      # a curl command, signed
//	stripeapps sign -event account.application.deauthorized
//	stripeapps verify < request.http                # who signed it, and when
//	stripeapps explain -body-file body.json < curl-v.txt
//	stripeapps serve -to http://127.0.0.1:8080      # verdicts, live
//	stripeapps pkce
//	stripeapps manifest check stripe-app.json
//	stripeapps manifest allows stripe-app.json https://api.example.com/refunds
//
// Secrets come from $STRIPE_APP_SECRET, several with commas between them, or from
// -secret-file, one a line; those of webhook endpoints, for events, from
// $STRIPE_WEBHOOK_SECRET or -webhook-secret-file. Neither kind is taken for the other. There is no flag for the secret itself, since a command
// line is seen by other users and kept in histories; nothing ever prints one.
//
// The exit code is 0 for yes, 1 for no (it does not verify, it is not allowed,
// something was found), 2 for wrong usage or configuration, and 3 if the work
// itself failed. With -json, each command prints JSON, one object a line. Colors
// are for terminals, and off with -no-color or NO_COLOR.
//
// It is for development: sign makes requests that a backend with that secret
// accepts.
package main

import (
	"context"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v3"
)

func main() {
	a := &app{
		in: os.Stdin, out: &output{w: os.Stdout}, err: os.Stderr, env: os.Getenv,
		terminal: isTerminal(os.Stdout), inputTerminal: isTerminal(os.Stdin),
	}
	os.Exit(a.run(context.Background(), os.Args))
}

// app is what a command has of the world.
type app struct {
	in            io.Reader
	out           *output
	err           io.Writer
	env           func(string) string
	terminal      bool // out is one
	inputTerminal bool
}

// run runs the command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	err := a.refuseSecrets(args)
	if err == nil {
		err = a.command().Run(ctx, args)
	}
	if err == nil && a.out.err != nil {
		err = failed("cannot write the output: %v", a.out.err)
	}
	return a.exit(err)
}

// command returns the root command.
func (a *app) command() *cli.Command {
	root := &cli.Command{
		Name:  "stripeapps",
		Usage: "sign, verify and explain requests of Stripe Apps, their events and installs, and check manifests",
		Description: "Secrets come from $STRIPE_APP_SECRET (several with commas between them) or -secret-file\n" +
			"(one a line), those of webhook endpoints from $STRIPE_WEBHOOK_SECRET or -webhook-secret-file, never\n" +
			"from the command line. -payload and --payload are the same.\n\n" + exitCodesText +
			"\n\nExample: STRIPE_APP_SECRET=$(cat secret.txt) stripeapps sign -payload '{\"amount\":1250}'",
		Commands: []*cli.Command{
			a.signCommand(), a.verifyCommand(), a.explainCommand(), a.serveCommand(), a.pkceCommand(), a.manifestCommand(),
		},
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print JSON, one object a line"},
			&cli.BoolFlag{Name: "no-color", Usage: "print no colors (as NO_COLOR does)"},
			&cli.BoolFlag{Name: "version", Usage: "print the version", Local: true},
		},
		Action:                          a.root,
		Suggest:                         true,
		EnableShellCompletion:           true,
		ConfigureShellCompletionCommand: configureCompletion,
		Reader:                          a.in,
		Writer:                          a.out,
		// Every error is returned by Run: app.exit prints it, once and on one line.
		ErrWriter:      io.Discard,
		ExitErrHandler: func(context.Context, *cli.Command, error) {},
	}
	setHooks(root)
	return root
}

func configureCompletion(c *cli.Command) {
	c.Hidden = false
	c.Usage = "print a script for shell completion: bash, zsh, fish or pwsh"
	c.Action = groupAction
	setHooks(c)
}

// root is what is done without a command.
func (a *app) root(ctx context.Context, cmd *cli.Command) error {
	if !cmd.Bool("version") {
		return groupAction(ctx, cmd)
	}
	version := "(unknown)"
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	if cmd.Bool("json") {
		a.printJSON(struct {
			Version string `json:"version"`
			Go      string `json:"go"`
		}{version, runtime.Version()})
		return nil
	}
	a.println("stripeapps " + version + " " + runtime.Version())
	return nil
}
