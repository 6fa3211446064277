package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/urfave/cli/v3"
)

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

// paint colors text: bold red, green, yellow or faint, where colors are wanted.
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

// oneLine returns text on one line, with nothing that a terminal acts on.
func oneLine(text string) string {
	parts := strings.FieldsFunc(strings.ToValidUTF8(text, "\ufffd"), func(r rune) bool {
		return unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029'
	})
	return strings.TrimSpace(strings.Join(parts, " "))
}
