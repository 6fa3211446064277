package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

func TestColorsAreForTerminalsThatWantThem(t *testing.T) {
	for name, c := range map[string]struct {
		terminal bool
		env      map[string]string
		args     []string
		colored  bool
	}{
		"a terminal has colors":      {terminal: true, colored: true},
		"a pipe has none":            {},
		"NO_COLOR turns them off":    {terminal: true, env: map[string]string{"NO_COLOR": "1"}},
		"an empty NO_COLOR does not": {terminal: true, env: map[string]string{"NO_COLOR": ""}, colored: true},
		"a dumb terminal has none":   {terminal: true, env: map[string]string{"TERM": "dumb"}},
		"so does the flag":           {terminal: true, args: []string{"-no-color"}},
		"JSON has none":              {terminal: true, args: []string{"-json"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out, stderr bytes.Buffer
			env := func(name string) string {
				if name == secretVariable {
					return testSecret
				}
				return c.env[name]
			}
			a := &app{
				in: strings.NewReader(signedBody), out: &output{w: &out}, err: &stderr,
				terminal: c.terminal, env: env,
			}
			code := a.run(context.Background(), append([]string{"stripeapps", "verify", "-now", "1700000000"}, c.args...))
			assert.Equal(t, 0, code, stderr.String())
			assert.Equal(t, c.colored, strings.Contains(out.String(), "\x1b[32maccepted\x1b[0m"), out.String())
		})
	}
}

// A terminal acts on some of what a signed event can say, or shows it in another order.
func TestNothingThatATerminalActsOnIsPrinted(t *testing.T) {
	const odd = "a\u202eb\u009b31m\u200b\u00ad\U000e0041\x7f\u2066é\ufeff\x1b"
	event := strings.Replace(testEvent, "deauthorized", "deauthorized\u202ex", 1)
	var out bytes.Buffer
	a := &app{out: &output{w: &out}}
	a.printJSON(map[string]string{"type": odd})
	assert.Equal(t, `{"type":"a\u202eb\u009b31m\u200b\u00ad\udb40\udc41\u007f\u2066é\ufeff\u001b"}`+"\n", out.String())
	var read map[string]string
	assert.NoError(t, json.Unmarshal(out.Bytes(), &read))
	assert.Equal(t, odd, read["type"], "it reads as before")

	header := stripejs.Header([]byte(event), judgedAt, testWebhookSecret)
	for _, format := range []string{"-json=false", "-json"} {
		got := execute(t, rawEvent(header, event), []string{webhookEnv}, format, "verify", "-now", "1700000000")
		assert.Contains(t, got.out, "deauthorized")
		assert.NotContains(t, got.out, "\u202e")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestOutputThatCannotBeWrittenIsAFailure(t *testing.T) {
	var stderr bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &output{w: brokenWriter{}}, err: &stderr, env: func(string) string { return "" }}
	assert.Equal(t, exitFailed, a.run(context.Background(), []string{"stripeapps", "pkce"}))
	assert.Equal(t, "stripeapps: cannot write the output: io: read/write on closed pipe\n", stderr.String())
}
