package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"

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

// printJSON prints value on a line of its own, with nothing in it that a terminal acts on.
func (a *app) printJSON(value any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // of plain structs
	}
	a.println(escaped(strings.TrimSuffix(text.String(), "\n")))
}

// escaped writes the runes of a JSON text that oneLine leaves out as \uXXXX. Those that
// could stand outside of its strings have been.
func escaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case !isHidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
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
	parts := strings.FieldsFunc(strings.ToValidUTF8(text, "\ufffd"), isHidden)
	return strings.TrimSpace(strings.Join(parts, " "))
}

// isHidden reports whether a rune is not to be seen, but changes what is.
func isHidden(r rune) bool { return unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029' }
