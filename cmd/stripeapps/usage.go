package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/seed-8a2ffb75/stripeapps/internal/slip"
)

// The exit codes.
const (
	exitYes = iota
	exitNo
	exitUsage
	exitFailed
)

const exitCodesText = "Exit codes: 0 yes; 1 no (does not verify, not allowed, something found); " +
	"2 usage or configuration; 3 failed while running."

// exitError ends the program. Its text, if there is one, goes to stderr.
type exitError struct {
	code int
	text string
}

func (e *exitError) Error() string { return e.text }

// errNo is a negative result, which has been printed.
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

// exit prints err, and returns the exit code. An error that is none of ours is the
// command-line library's, about wrong usage.
func (a *app) exit(err error) int {
	if err == nil {
		return exitYes
	}
	e := (*exitError)(nil)
	if !errors.As(err, &e) {
		e = &exitError{exitUsage, err.Error() + " (see stripeapps -h)"}
	}
	if e.text != "" {
		fmt.Fprintln(a.err, "stripeapps: "+oneLine(e.text))
	}
	return e.code
}

// setHooks sets, in cmd and below, what a subcommand does not inherit.
func setHooks(cmd *cli.Command) {
	cmd.Walk(func(c *cli.Command) error {
		c.OnUsageError = usageError
		if len(c.Commands) == 0 {
			// What follows it is an argument, also if it is called "help".
			c.HideHelpCommand = true
			c.CommandNotFound = helpAfterArgument
		}
		return nil
	})
}

// usageError adds to the library's error where help is, and which flag is meant. The
// error can repeat an argument; refuseSecrets has looked at those.
func usageError(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return misused(cmd, "%v", err)
	}
	var names []string
	for _, c := range cmd.Lineage() {
		for _, flag := range c.VisibleFlags() {
			names = append(names, flag.Names()...)
		}
	}
	if meant := slip.Meant(name, names); meant != "" {
		return misused(cmd, "there is no flag -%s: did you mean -%s?", name, meant)
	}
	return misused(cmd, "there is no flag -%s", name)
}

// helpAfterArgument is called for -h behind an argument.
func helpAfterArgument(_ context.Context, cmd *cli.Command, _ string) {
	cli.HelpPrinter(cmd.Root().Writer, cli.CommandHelpTemplate, cmd)
}

// groupAction is for a command that only has subcommands.
func groupAction(_ context.Context, cmd *cli.Command) error {
	if cmd.Args().Present() {
		return unknownCommand(cmd)
	}
	return misused(cmd, "which command? one of %s", strings.Join(visibleCommands(cmd), ", "))
}

func visibleCommands(cmd *cli.Command) (names []string) {
	for _, c := range cmd.VisibleCommands() {
		names = append(names, c.Name)
	}
	return names
}

func unknownCommand(cmd *cli.Command) error {
	name := cmd.Args().First()
	if meant := slip.Meant(name, visibleCommands(cmd)); meant != "" {
		return misused(cmd, "there is no command %q: did you mean %q?", name, meant)
	}
	return misused(cmd, "there is no command %q", name)
}

// noArguments refuses what is left over after the flags.
func noArguments(cmd *cli.Command) error {
	if cmd.Args().Present() {
		return misused(cmd, "%q is neither a flag nor the value of one", cmd.Args().First())
	}
	return nil
}
