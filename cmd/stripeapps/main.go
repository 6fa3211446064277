// Command stripeapps is the library on the command line: it signs requests as
// Stripe does, verifies and explains those that were received, stands in front
// of a backend and says what it sees, makes PKCE pairs, and checks manifests.
//
//	stripeapps sign -payload '{"amount":1250}'      # a curl command, signed
//	stripeapps verify < request.http                # who signed it, and when
//	stripeapps explain -body-file body.json < curl-v.txt
//	stripeapps serve -to http://127.0.0.1:8080      # verdicts, live
//	stripeapps pkce
//	stripeapps manifest check stripe-app.json
//	stripeapps manifest allows stripe-app.json https://api.example.com/refunds
//
// Secrets come from $STRIPE_APP_SECRET, several with commas between them, or from
// -secret-file, one a line. There is no flag for the secret itself, since a command
// line is seen by other users and kept in histories; nothing ever prints one.
//
// The exit code is 0 for yes, 1 for no (it does not verify, it is not allowed,
// something was found), 2 for wrong usage or configuration, and 3 if the work
// itself failed. With -json, each command prints JSON, one object a line. Colours
// are for terminals, and off with -no-color or NO_COLOR.
//
// It is for development: sign makes requests that a backend with that secret
// accepts.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

func main() {
	a := &app{
		in: os.Stdin, out: &output{w: os.Stdout}, err: os.Stderr, env: os.Getenv,
		terminal: isTerminal(os.Stdout), inputTerminal: isTerminal(os.Stdin),
	}
	os.Exit(a.run(context.Background(), os.Args))
}

// The exit codes.
const (
	exitYes = iota
	exitNo
	exitUsage
	exitFailed
)

const exitCodesText = "Exit codes: 0 yes; 1 no (does not verify, not allowed, something found); 2 usage or configuration; 3 failed while running."

// app is what a command has of the world.
type app struct {
	in            io.Reader
	out           *output
	err           io.Writer
	env           func(string) string
	terminal      bool // out is one
	inputTerminal bool
	noTopic       error // -h was asked about a command that there is not
}

// run runs the command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	err := refuseSecrets(args)
	if err == nil {
		root := a.command()
		err = root.Run(ctx, helpArguments(root, args))
	}
	if err == nil {
		err = a.noTopic
	}
	if err == nil && a.out.err != nil {
		err = failed("cannot write the output: %v", a.out.err)
	}
	if err == nil {
		return exitYes
	}
	e := (*exitError)(nil)
	if !errors.As(err, &e) {
		e = &exitError{exitUsage, err.Error()}
	}
	if e.text != "" {
		fmt.Fprintln(a.err, "stripeapps: "+oneLine(e.text))
	}
	return e.code
}

// command returns the root command.
func (a *app) command() *cli.Command {
	root := &cli.Command{
		Name:  "stripeapps",
		Usage: "sign, verify and explain requests of Stripe Apps, and check manifests",
		Description: "Secrets come from $STRIPE_APP_SECRET (several with commas between them) or -secret-file\n" +
			"(one a line), never from the command line. -payload and --payload are the same.\n\n" + exitCodesText +
			"\n\nExample: STRIPE_APP_SECRET=$(cat secret.txt) stripeapps sign -payload '{\"amount\":1250}'",
		Commands: []*cli.Command{a.signCommand(), a.verifyCommand(), a.explainCommand(), a.serveCommand(), a.pkceCommand(), a.manifestCommand()},
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print JSON, one object a line"},
			&cli.BoolFlag{Name: "no-color", Usage: "print no colours (as NO_COLOR does)"},
			&cli.BoolFlag{Name: "version", Usage: "print the version", Local: true},
		},
		Action:                a.root,
		HideHelpCommand:       true,
		HideVersion:           true,
		Suggest:               true,
		EnableShellCompletion: true,
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Hidden = false
			c.Usage = "print a script for shell completion: bash, zsh, fish or pwsh"
			c.Action = func(ctx context.Context, c *cli.Command) error {
				if c.Args().First() == "help" {
					cli.HelpPrinter(c.Root().Writer, cli.SubcommandHelpTemplate, c)
					return nil
				}
				return groupAction(ctx, c)
			}
			a.inOurWords(c)
		},
		Reader:         a.in,
		Writer:         a.out,
		ErrWriter:      a.err,
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // run does it
	}
	a.inOurWords(root)
	return root
}

// inOurWords replaces the cli library's messages, in cmd and in what is below it.
func (a *app) inOurWords(cmd *cli.Command) {
	cmd.Walk(func(c *cli.Command) error {
		c.OnUsageError = usageError
		c.CommandNotFound = func(_ context.Context, c *cli.Command, name string) {
			if len(c.VisibleCommands()) == 0 { // what follows -h is an argument
				cli.HelpPrinter(c.Root().Writer, cli.CommandHelpTemplate, c)
				return
			}
			a.noTopic = noSuchCommand(c, name)
		}
		return nil
	})
}

func init() {
	stringify := cli.FlagStringer
	cli.FlagStringer = func(f cli.Flag) string { // one dash, as everywhere else
		names, usage, _ := strings.Cut(stringify(f), "\t")
		return strings.ReplaceAll(names, "--", "-") + "\t" + usage
	}
}

// helpArguments makes "COMMAND -h" of "help COMMAND" and of "COMMAND help".
func helpArguments(root *cli.Command, args []string) []string {
	for i, c := 1, root; i < len(args); i++ {
		switch {
		case args[i] == "help" && len(c.Commands) > 0:
			rest := slices.Clone(args[i+1:])
			return slices.Concat(args[:i], slices.DeleteFunc(rest, isHelpFlag), []string{"-h"})
		case c == root && strings.HasPrefix(args[i], "-"):
		default:
			if c = c.Command(args[i]); c == nil {
				return args
			}
		}
	}
	return args
}

func isHelpFlag(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

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

// exitError ends the program. Its text, if there is one, goes to stderr.
type exitError struct {
	code int
	text string
}

func (e *exitError) Error() string { return e.text }

// errNo is a negative answer, which has been printed.
var errNo = &exitError{code: exitNo}

func misused(cmd *cli.Command, format string, args ...any) error {
	return misconfigured(format+" (see "+cmd.FullName()+" -h)", args...)
}

func misconfigured(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) error {
	return &exitError{exitFailed, fmt.Sprintf(format, args...)}
}

// groupAction is for a command that only has subcommands.
func groupAction(_ context.Context, cmd *cli.Command) error {
	if !cmd.Args().Present() {
		return misused(cmd, "which command? one of %s", strings.Join(commandNames(cmd), ", "))
	}
	return unknownCommand(cmd)
}

func unknownCommand(cmd *cli.Command) error { return noSuchCommand(cmd, cmd.Args().First()) }

func noSuchCommand(cmd *cli.Command, name string) error {
	names := commandNames(cmd)
	if closest := closest(names, name); closest != "" {
		return misused(cmd, "there is no command %q: did you mean %q?", name, closest)
	}
	return misused(cmd, "there is no command %q: use one of %s", name, strings.Join(names, ", "))
}

// closest returns the name that is at most two typing errors away, and not all of
// what was typed; "" if there is none.
func closest(names []string, typed string) (closest string) {
	least := min(3, len(typed))
	for _, name := range names {
		if d := editDistance(name, typed); d < least {
			least, closest = d, name
		}
	}
	return closest
}

// editDistance is Levenshtein's, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func commandNames(cmd *cli.Command) (names []string) {
	for _, c := range cmd.VisibleCommands() {
		names = append(names, c.Name)
	}
	return names
}

var (
	undefinedFlag = regexp.MustCompile(`^flag provided but not defined: -+(.*)$`)
	missingValue  = regexp.MustCompile(`^flag needs an argument: -*(.*)$`)
	invalidValue  = regexp.MustCompile(`(?s)^invalid (?:boolean )?value .* for (?:flag )?-*([a-z-]+): `)
)

// usageError is the library's error, as one line that says what to do next.
func usageError(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	flags := append(cmd.Root().VisibleFlags(), cmd.VisibleFlags()...)
	text := err.Error()
	if match := undefinedFlag.FindStringSubmatch(text); match != nil {
		name, _, _ := strings.Cut(match[1], "=")
		var names []string
		for _, f := range flags {
			names = append(names, f.Names()...)
		}
		if closest := closest(names, name); closest != "" {
			return misused(cmd, "there is no flag -%s: did you mean -%s?", name, closest)
		}
		return misused(cmd, "there is no flag -%s", name)
	}
	if match := missingValue.FindStringSubmatch(text); match != nil {
		return misused(cmd, "-%s needs a value", match[1])
	}
	if match := invalidValue.FindStringSubmatch(text); match != nil {
		for _, f := range flags {
			if _, ok := f.(*cli.DurationFlag); ok && slices.Contains(f.Names(), match[1]) {
				return misused(cmd, "-%s is not a duration, like 5m", match[1])
			}
		}
		return misused(cmd, "-%s is a switch: give it without a value", match[1])
	}
	return misused(cmd, "%v", err)
}

var (
	// looksSecret finds what does not belong on a command line, wherever it stands
	// in an argument. Publishable keys (pk_…) are not secret.
	looksSecret    = regexp.MustCompile(`absec_[A-Za-z0-9]|whsec_[A-Za-z0-9]|\b(sk|rk)_([a-z]+_)?(live|test)_`)
	startsAsAPIKey = regexp.MustCompile(`^(-[^=]*=)?(sk|rk)_`)
	controls       = regexp.MustCompile(`[\pC\x{2028}\x{2029}]+`)
)

const secretRefusal = "secrets do not belong on the command line: put it into $STRIPE_APP_SECRET or into a file for -secret-file, and roll it if others can see this machine's processes or your shell's history"

func refuseSecrets(args []string) error {
	pkce := false // a random code verifier can begin with sk_
	for _, arg := range args[min(1, len(args)):] {
		pkce = pkce || arg == "pkce"
		if looksSecret.MatchString(arg) || !pkce && startsAsAPIKey.MatchString(arg) {
			return &exitError{exitUsage, secretRefusal}
		}
	}
	return nil
}

// oneLine returns text on one line, with nothing that a terminal acts on.
func oneLine(text string) string {
	return strings.TrimSpace(controls.ReplaceAllString(strings.ToValidUTF8(text, "\ufffd"), " "))
}

// output is standard output; it remembers that it could not be written.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

func (a *app) println(text string) { fmt.Fprintln(a.out, text) }

// printJSON prints value on a line of its own.
func (a *app) printJSON(value any) {
	encoder := json.NewEncoder(a.out)
	encoder.SetEscapeHTML(false)
	encoder.Encode(value) // of plain structs: cannot fail but for out, which remembers it
}

// paint colours text: bold red, green, yellow or faint, where colours are wanted.
type paint func(color, text string) string

const (
	red    = "31"
	green  = "32"
	yellow = "33"
	faint  = "2"
)

func (a *app) paint(cmd *cli.Command) paint {
	if !a.terminal || cmd.Bool("no-color") || a.env("NO_COLOR") != "" || a.env("TERM") == "dumb" {
		return func(_, text string) string { return text }
	}
	return func(color, text string) string { return "\x1b[" + color + "m" + text + "\x1b[0m" }
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// noArguments refuses what is left over after the flags.
func noArguments(cmd *cli.Command) error {
	if cmd.Args().Present() {
		return misused(cmd, "%q is neither a flag nor the value of one", cmd.Args().First())
	}
	return nil
}

// parseTime reads a time that a flag gives; "" is the clock's.
func parseTime(cmd *cli.Command, flag string) (time.Time, error) {
	text := cmd.String(flag)
	if text == "" {
		if cmd.IsSet(flag) {
			return time.Time{}, misused(cmd, "-%s is empty: give RFC 3339 or Unix seconds", flag)
		}
		return time.Now(), nil
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds >= 0 && seconds <= 253402300799 { // the year 9999
		return time.Unix(seconds, 0), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Unix() < 0 {
		return time.Time{}, misused(cmd, "-%s is neither RFC 3339, like 2026-01-02T15:04:05Z, nor Unix seconds", flag)
	}
	return t, nil
}

const maxInputBytes = 2 << 20

// readInput reads a file, or standard input for "-", of at most 2 MiB.
func (a *app) readInput(name string) ([]byte, error) {
	r := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, misconfigured("%v: give a file that exists and can be read", err)
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, maxInputBytes+1))
	switch {
	case err != nil:
		return nil, failed("cannot read %s: %v", inputName(name), err)
	case len(data) > maxInputBytes:
		return nil, misconfigured("%s is larger than 2 MiB: reproduce it with a smaller request", inputName(name))
	}
	return data, nil
}

func inputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}
