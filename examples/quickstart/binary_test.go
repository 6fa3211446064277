package main

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// process is a quickstart that runs, built as a user would build it.
type process struct {
	cmd      *exec.Cmd
	stdout   *bufio.Reader
	stderr   bytes.Buffer // after wait
	greeting string
	base     string
}

func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "quickstart.exe")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}

// start starts the binary with no environment but env, and reads what it prints
// until it serves.
func start(t *testing.T, binary string, env []string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), binary, args...)}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { p.cmd.Process.Kill(); p.cmd.Wait() }) // if the test has not

	p.stdout = bufio.NewReader(stdout)
	for !strings.HasSuffix(p.greeting, "Press Ctrl-C to stop.\n") {
		line, err := p.stdout.ReadString('\n')
		require.NoError(t, err, "it printed only %q", p.greeting+line)
		p.greeting += line
	}
	p.base = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(p.greeting)
	require.NotEmpty(t, p.base)
	require.False(t, strings.HasSuffix(p.base, ":0"))
	return p
}

func (p *process) terminate(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	line, err := p.stdout.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "Stopping once the requests in flight are done.\n", line)
}

// wait waits until the process has ended well, and returns what it logged.
func (p *process) wait(t *testing.T) string {
	t.Helper()
	rest, err := io.ReadAll(p.stdout)
	require.NoError(t, err)
	assert.Empty(t, string(rest))
	require.NoError(t, p.cmd.Wait(), "stderr: %s", p.stderr.String()) // exit status 0
	return p.stderr.String()
}

// curls returns the commands that were printed, by their paths, with the time
// at which both were signed.
func (p *process) curls(t *testing.T) (commands map[string]string, signedAt time.Time) {
	t.Helper()
	commands = map[string]string{}
	for _, command := range regexp.MustCompile(`(?m)^ *curl (?:.*\\\n)*.*\n`).FindAllString(p.greeting, -1) {
		path := regexp.MustCompile(`'` + regexp.QuoteMeta(p.base) + `(/[^']*)'`).FindStringSubmatch(command)
		require.NotNil(t, path, "%s", command)
		commands[path[1]] = command
	}
	require.ElementsMatch(t, []string{"/api/echo", "/api/whoami"}, slices.Collect(maps.Keys(commands)))
	times := regexp.MustCompile(`t=\d+`).FindAllString(p.greeting, -1)
	require.Len(t, times, 2)
	require.Equal(t, times[0], times[1])
	unix, err := strconv.ParseInt(strings.TrimPrefix(times[0], "t="), 10, 64)
	require.NoError(t, err)
	return commands, time.Unix(unix, 0)
}

// paste runs a command as a shell does when it is pasted.
func paste(t *testing.T, command string) *http.Response {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	shell := exec.CommandContext(t.Context(), "sh", "-c", command)
	// No .curlrc and no proxy of whoever runs the test.
	shell.Env = append(os.Environ(), "CURL_HOME="+t.TempDir(), "HOME="+t.TempDir(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	out, err := shell.Output()
	require.NoError(t, err, "%s", command)
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), nil)
	require.NoError(t, err, "%s", out)
	return response
}

func replaceOnce(t *testing.T, s, old, replacement string) string {
	t.Helper()
	require.Equal(t, 1, strings.Count(s, old), "%q in %q", old, s)
	return strings.Replace(s, old, replacement, 1)
}

func TestBinary(t *testing.T) {
	binary := build(t)

	t.Run("without a secret it takes a random one, and the printed curls work", func(t *testing.T) {
		p := start(t, binary, nil, "-addr", "127.0.0.1:0")
		assert.Contains(t, p.greeting, "random")
		assert.Contains(t, p.greeting, "STRIPE_APP_SECRET=absec_…")
		assert.Contains(t, p.greeting, "good for 5 minutes")
		assert.NotRegexp(t, `absec_\w`, p.greeting)
		commands, signedAt := p.curls(t)

		t.Run("echo responds with the signed body", func(t *testing.T) {
			response := paste(t, commands["/api/echo"])
			assert.Equal(t, []string{"*"}, response.Header["Access-Control-Allow-Origin"], "as the extension gets it")
			assertAccepted(t, response, samplePayload, signedAt)
		})
		t.Run("whoami responds with the signed ids", func(t *testing.T) {
			assertAccepted(t, paste(t, commands["/api/whoami"]), sampleIDsPayload, signedAt)
		})
		t.Run("a changed body is refused", func(t *testing.T) {
			assertProblem(t, paste(t, replaceOnce(t, commands["/api/echo"], "hello", "jello")), 401, "no_match")
		})
		t.Run("a changed id is refused", func(t *testing.T) {
			assertProblem(t, paste(t, replaceOnce(t, commands["/api/whoami"], sampleUserID, "usr_other")), 401, "no_match")
		})
		t.Run("a wrong method is not found", func(t *testing.T) {
			assertProblem(t, paste(t, replaceOnce(t, commands["/api/echo"], "curl -i", "curl -i -X PUT")), 404, "not_found")
		})
		t.Run("another path is not found", func(t *testing.T) {
			assertProblem(t, paste(t, "curl -i '"+p.base+"/api'"), 404, "not_found")
		})
		t.Run("the playground is at the root", func(t *testing.T) {
			assert.True(t, strings.HasPrefix(p.greeting, "Open "+p.base+"/ in a browser"), "%s", p.greeting)
			response := paste(t, "curl -i '"+p.base+"/'")
			assert.Equal(t, http.StatusOK, response.StatusCode)
			assert.Equal(t, "text/html; charset=utf-8", response.Header.Get("Content-Type"))
		})
		t.Run("healthz is well", func(t *testing.T) {
			assert.Equal(t, http.StatusOK, paste(t, "curl -i '"+p.base+"/healthz'").StatusCode)
		})

		p.terminate(t)
		log := p.wait(t)
		assert.NotRegexp(t, `absec_\w`, log)
		if _, err := exec.LookPath("curl"); err == nil {
			assert.Equal(t, 2, strings.Count(log, "code=no_match status=401"), "%s", log)
		}
	})

	t.Run("with several secrets in the environment all of them verify, and none is shown", func(t *testing.T) {
		p := start(t, binary, []string{"ADDR=127.0.0.1:0", "STRIPE_APP_SECRET=absec_new,absec_old"})
		assert.Contains(t, p.greeting, "the 2 secrets in STRIPE_APP_SECRET")
		assert.NotContains(t, p.greeting, "random")
		assert.NotRegexp(t, `absec_\w`, p.greeting)
		commands, signedAt := p.curls(t)
		old := replaceOnce(t, commands["/api/echo"], sign(samplePayload, "absec_new", signedAt), sign(samplePayload, "absec_old", signedAt))

		assertAccepted(t, paste(t, commands["/api/echo"]), samplePayload, signedAt)
		assertAccepted(t, paste(t, old), samplePayload, signedAt)
		p.terminate(t)
		assert.Empty(t, p.wait(t))
	})

	t.Run("on SIGTERM it finishes the request in flight and exits with 0", func(t *testing.T) {
		p := start(t, binary, []string{"STRIPE_APP_SECRET=" + testSecret}, "-addr", "127.0.0.1:0")
		_, signedAt := p.curls(t)
		connection, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
		require.NoError(t, err)
		defer connection.Close()
		responses := bufio.NewReader(connection)

		// The server says Continue when the chain begins to read the body: from
		// then on the request is in flight.
		_, err = io.WriteString(connection, strings.Join([]string{
			"POST /api/echo HTTP/1.1", "Host: quickstart", "Expect: 100-continue",
			"Content-Length: " + strconv.Itoa(len(samplePayload)),
			"Stripe-Signature: " + sign(samplePayload, testSecret, signedAt), "", "",
		}, "\r\n"))
		require.NoError(t, err)
		line, err := responses.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 100 Continue\r\n", line)
		_, err = responses.ReadString('\n') // the empty line after it
		require.NoError(t, err)

		p.terminate(t)
		_, err = io.WriteString(connection, samplePayload)
		require.NoError(t, err)
		response, err := http.ReadResponse(responses, nil)
		require.NoError(t, err)
		assertAccepted(t, response, samplePayload, signedAt)
		assert.Empty(t, p.wait(t))
	})
}

func TestExitStatus(t *testing.T) {
	binary := build(t)
	for name, test := range map[string]struct {
		env    []string
		args   []string
		status int
	}{
		"its selfcheck exits with 0":       {nil, []string{"-selfcheck"}, 0},
		"its help exits with 0":            {nil, []string{"-h"}, 0},
		"a bad flag exits with 2":          {nil, []string{"-x"}, 2},
		"a blank secret exits with 2":      {[]string{"STRIPE_APP_SECRET="}, nil, 2},
		"a port out of range exits with 2": {[]string{"ADDR=:99999"}, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr bytes.Buffer
			cmd := exec.CommandContext(t.Context(), binary, test.args...)
			cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, test.env...)
			cmd.Stderr = &stderr
			_ = cmd.Run() // the status is what counts
			assert.Equal(t, test.status, cmd.ProcessState.ExitCode())
			if test.status != 0 {
				assertOneLine(t, stderr.String())
			}
		})
	}
}
