package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// binary is the built command.
var binary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "stripeapps")
	if err == nil {
		binary = filepath.Join(folder, "stripeapps")
		err = exec.Command("go", "build", "-o", binary, ".").Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot build the command:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

const (
	testSecret  = "absec_test"
	otherSecret = "absec_other"
	secretEnv   = "STRIPE_APP_SECRET=" + testSecret
	noSecretEnv = "STRIPE_APP_SECRET="

	body       = `{"amount":1250,"user_id":"usr_1","account_id":"acct_1"}`
	bodyHeader = "t=1700000000,v1=a4870d4be9471d5afe72f75d5b786f4e2ceb6217bddd7dcd00af63108ad7e9b2"
	idsHeader  = "t=1700000000,v1=7b479d4aa847bb91774f4179ee79192a213714debfb3f462a5b7b38006ece07a"
	signedBody = "POST /api/refunds HTTP/1.1\r\nHost: api.example.com\r\nOrigin: null\r\nContent-Type: application/json\r\n" +
		"Stripe-Signature: " + bodyHeader + "\r\nContent-Length: 55\r\n\r\n" + body
)

// result is what a run of the binary leaves.
type result struct {
	out, err string
	code     int
}

func execute(t *testing.T, stdin string, env []string, args ...string) result {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return result{out.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// write writes a file for a test, and returns its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func words(s string) []string { return strings.Fields(s) }

// commandTest is a run of the binary: arguments, standard input and environment on
// one side, both outputs and the exit code on the other. A * at the end of an
// output stands for anything, and %s for a MAC.
type commandTest struct {
	args  []string
	stdin string
	env   []string // nil: what testCommands is given
	out   string
	err   string
	code  int
}

func testCommands(t *testing.T, env []string, tests map[string]commandTest) {
	t.Helper()
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.env == nil {
				c.env = env
			}
			got := execute(t, c.stdin, c.env, c.args...)
			assert.Equal(t, c.code, got.code, got.err)
			assertText(t, c.out, withoutMACs(got.out, c.out))
			assertText(t, c.err, got.err)
			for _, secret := range []string{testSecret, otherSecret, "hunter2"} {
				assert.NotContains(t, got.out+got.err, secret)
			}
			assert.NotContains(t, got.out+got.err, "\x1b", "colors are for terminals")
			assert.NotContains(t, got.out+got.err, "\u009b")
			if got.err != "" {
				assert.Equal(t, 1, strings.Count(got.err, "\n"), "an error is one line")
			}
		})
	}
}

// assertText compares; a * at the end of want stands for anything.
func assertText(t *testing.T, want, got string) {
	t.Helper()
	if prefix, ok := strings.CutSuffix(want, "*"); ok {
		assert.Truef(t, strings.HasPrefix(got, prefix), "%q does not begin with %q", got, prefix)
		return
	}
	assert.Equal(t, want, got)
}

// withoutMACs puts %s in place of MACs, if want has it.
func withoutMACs(got, want string) string {
	if !strings.Contains(want, "%s") {
		return got
	}
	parts := strings.Split(got, "v1=")
	for i := range parts[1:] {
		parts[i+1] = "%s" + parts[i+1][min(64, len(parts[i+1])):]
	}
	return strings.Join(parts, "v1=")
}
