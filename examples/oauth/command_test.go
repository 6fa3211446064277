package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

func TestTheCommandServes(t *testing.T) {
	for name, signal := range map[string]os.Signal{"until SIGTERM": syscall.SIGTERM, "until Ctrl-C": os.Interrupt} {
		t.Run(name, func(t *testing.T) {
			c := start(t, "-addr", "127.0.0.1:0")
			assert.Equal(t, c.base, fetchMetadata(t, c.base)["issuer"])
			code := c.signIn(t, liveURI, stripeapps.S256Challenge(testVerifier))
			status, body := c.post(t, "/oauth/token", redemption(code))
			assert.Equal(t, http.StatusOK, status, "%s", body)

			stderr := c.stop(t, signal)
			assert.Contains(t, stderr, "path=/oauth/token status=200")
			assert.NotContains(t, stderr, code)
			assert.NotContains(t, stderr, "?")
		})
	}
}

// What is printed is there to be tried.
func TestWhatTheCommandPrintsWorks(t *testing.T) {
	c := start(t, "-addr", "127.0.0.1:0")
	for !strings.Contains(c.first, "/oauth/token ") {
		line, err := c.stdout.ReadString('\n')
		require.NoError(t, err, "it printed only %q", c.first+line)
		c.first += line
	}
	for _, uri := range []string{liveURI, testURI} {
		assert.Contains(t, c.first, uri)
	}
	link := regexp.MustCompile(`(?m)^ *(http://127\.0\.0\.1:\d+/oauth/authorize\?\S+)$`).FindStringSubmatch(c.first)
	require.NotNil(t, link)
	assert.NotEmpty(t, allowInBrowser(t, link[1], liveURI).Get("code"))

	t.Run("the curls too", func(t *testing.T) {
		if _, err := exec.LookPath("curl"); err != nil {
			t.Skip("there is no curl")
		}
		curls := regexp.MustCompile(`(?m)^ *curl .*$`).FindAllString(c.first, -1)
		require.Len(t, curls, 2)
		redirect, err := url.Parse(strings.TrimSpace(paste(t, curls[0])))
		require.NoError(t, err)
		require.Contains(t, curls[1], "code=…")
		query := paste(t, strings.Replace(curls[1], "code=…", "code="+redirect.Query().Get("code"), 1))
		assert.Contains(t, query, `"access_token"`)
	})
	c.stop(t, syscall.SIGTERM)
}

func TestTheCommandsFlags(t *testing.T) {
	t.Run("-app-id gives the redirect URIs", func(t *testing.T) {
		c := start(t, "-addr", "127.0.0.1:0", "-app-id", "com.other.app")
		for _, uri := range []string{"https://dashboard.stripe.com/apps-oauth/com.other.app", "https://dashboard.stripe.com/test/apps-oauth/com.other.app"} {
			assert.NotEmpty(t, c.signIn(t, uri, testChallenge))
		}
		assert.Equal(t, http.StatusBadRequest, c.page(t, liveURI).StatusCode)
		c.stop(t, syscall.SIGTERM)
	})
	t.Run("-redirect-uri adds to them, and can be repeated", func(t *testing.T) {
		c := start(t, "-addr", "127.0.0.1:0", "-redirect-uri", loopURI, "-redirect-uri="+queryURI)
		for _, uri := range []string{liveURI, testURI, loopURI, queryURI} {
			response := c.page(t, uri)
			assert.Equal(t, http.StatusOK, response.StatusCode)
			assert.Contains(t, response.Header.Get("Content-Security-Policy"), "form-action 'self' https://dashboard.stripe.com http://127.0.0.1:5000 https://service.example;")
			assert.NotEmpty(t, c.signIn(t, uri, testChallenge))
		}
		assert.Equal(t, http.StatusBadRequest, c.page(t, otherURI).StatusCode)
		c.stop(t, syscall.SIGTERM)
	})
	t.Run("-issuer is what clients see, and the address is printed all the same", func(t *testing.T) {
		c := start(t, "-addr", "127.0.0.1:0", "-issuer", "https://auth.example.com")
		assert.Equal(t, "https://auth.example.com", fetchMetadata(t, c.base)["issuer"])
		c.stop(t, syscall.SIGTERM)
	})
	t.Run("-db keeps what is between authorize and token", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "oauth.db")
		first := start(t, "-addr", "127.0.0.1:0", "-db", file)
		code := first.signIn(t, liveURI, testChallenge)
		first.stop(t, syscall.SIGTERM)
		second := start(t, "-addr", "127.0.0.1:0", "-db", file)
		status, body := second.post(t, "/oauth/token", redemption(code))
		assert.Equal(t, http.StatusOK, status, "%s", body)
		second.stop(t, syscall.SIGTERM)
		if runtime.GOOS != "windows" {
			info, err := os.Stat(file)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode())
		}
	})
	t.Run("without -db, nothing is left behind", func(t *testing.T) {
		c := start(t, "-addr", "127.0.0.1:0")
		c.signIn(t, liveURI, testChallenge)
		c.stop(t, syscall.SIGTERM)
		entries, err := os.ReadDir(c.cmd.Dir)
		require.NoError(t, err)
		assert.Empty(t, entries)
	})
	t.Run("-h prints all of them", func(t *testing.T) {
		status, stdout, stderr := runCommand(t, "-h")
		assert.Zero(t, status)
		assert.Empty(t, stderr)
		for _, flag := range []string{"-addr", "-app-id", "-db", "-redirect-uri", "-issuer", "127.0.0.1:4243", "com.example.app"} {
			assert.Contains(t, stdout, flag)
		}
	})
}

func TestTheCommandFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for name, test := range map[string]struct {
		args   []string
		status int
		says   []string
	}{
		"on an app id with a space":             {[]string{"-app-id", "a b"}, 2, []string{"-app-id", `"a b"`, "letters, digits"}},
		"on no app id":                          {[]string{"-app-id", ""}, 2, []string{"-app-id", "letters, digits"}},
		"on an app id that leads elsewhere":     {[]string{"-app-id", ".."}, 2, []string{"-app-id"}},
		"on a redirect URI by plain http":       {[]string{"-redirect-uri", "http://example.com/x"}, 2, []string{"http://example.com/x", "https://", "loopback"}},
		"on a redirect URI with a fragment":     {[]string{"-redirect-uri", "https://example.com/x#y"}, 2, []string{"https://example.com/x#y", "without", "fragment"}},
		"on a relative redirect URI":            {[]string{"-redirect-uri", "/x"}, 2, []string{`"/x"`, "https://"}},
		"on an empty redirect URI":              {[]string{"-redirect-uri", ""}, 2, []string{`""`, "https://"}},
		"on the second of two redirect URIs":    {[]string{"-redirect-uri", loopURI, "-redirect-uri", "/x"}, 2, []string{`"/x"`}},
		"on an issuer with a slash at its end":  {[]string{"-issuer", "https://auth.example.com/"}, 2, []string{"issuer", "slash"}},
		"on an issuer by plain http":            {[]string{"-issuer", "http://auth.example.com"}, 2, []string{"issuer", "https://"}},
		"on an unknown flag":                    {[]string{"-port", "80"}, 2, []string{"-port", "-h"}},
		"on what is no flag":                    {[]string{"serve"}, 2, []string{"serve", "-h"}},
		"on a flag without its value":           {[]string{"-app-id"}, 2, []string{"-app-id", "-h"}},
		"on an address in use":                  {[]string{"-addr", taken.Addr().String()}, 1, []string{"-addr", "in use"}},
		"on an address without a port":          {[]string{"-addr", "127.0.0.1"}, 1, []string{"-addr", "127.0.0.1"}},
		"on a database in no folder":            {[]string{"-db", filepath.Join(t.TempDir(), "none", "x.db")}, 1, []string{"-db"}},
		"on all addresses, which are no issuer": {[]string{"-addr", "0.0.0.0:0"}, 2, []string{"-issuer"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := test.args
			if args[0] != "-addr" {
				args = append([]string{"-addr", "127.0.0.1:0"}, args...)
			}
			status, stdout, stderr := runCommand(t, args...)
			assert.Equal(t, test.status, status)
			assert.Empty(t, stdout)
			assert.Equal(t, 1, strings.Count(stderr, "\n"), "%q is one line", stderr)
			assert.NotContains(t, stderr, "goroutine")
			for _, says := range test.says {
				assert.Contains(t, stderr, says)
			}
		})
	}
}

func TestTheCommandMakesNoDatabaseForBadFlags(t *testing.T) {
	file := filepath.Join(t.TempDir(), "oauth.db")
	status, _, _ := runCommand(t, "-addr", "127.0.0.1:0", "-db", file, "-redirect-uri", "/x")
	assert.Equal(t, 2, status)
	assert.NoFileExists(t, file)
}

// ---

// binary builds the command once, as its users do.
var binary = sync.OnceValues(func() (string, error) {
	file := filepath.Join(binaryFolder, "oauth.exe")
	out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput()
	if err != nil {
		err = &buildError{err, string(out)}
	}
	return file, err
})

type buildError struct {
	error
	out string
}

func (e *buildError) Error() string { return e.error.Error() + ": " + e.out }

var binaryFolder string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if binaryFolder, err = os.MkdirTemp("", "oauth-test-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(binaryFolder)
		return m.Run()
	}())
}

func newCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	file, err := binary()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // in case it does not say what start waits for
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, file, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	return cmd
}

func runCommand(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	cmd := newCommand(t, args...)
	cmd.Stdout, cmd.Stderr = &out, &err
	_ = cmd.Run() // the status is what counts
	return cmd.ProcessState.ExitCode(), out.String(), err.String()
}

// command is one that serves.
type command struct {
	cmd    *exec.Cmd
	base   string
	first  string // what it printed until the URL
	stdout *bufio.Reader
	stderr bytes.Buffer
}

func start(t *testing.T, args ...string) *command {
	t.Helper()
	c := &command{cmd: newCommand(t, args...)}
	c.cmd.Stderr = &c.stderr
	stdout, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.cmd.Start())
	t.Cleanup(func() { c.cmd.Process.Kill(); c.cmd.Wait() }) // if the test has not
	c.stdout = bufio.NewReader(stdout)
	listening := regexp.MustCompile(`http://127\.0\.0\.1:[1-9]\d*`)
	for c.base == "" {
		line, err := c.stdout.ReadString('\n')
		require.NoError(t, err, "it printed only %q", c.first+line)
		c.first += line
		c.base = listening.FindString(line)
	}
	return c
}

// stop stops the command, checks that it ends well, and returns what it logged.
func (c *command) stop(t *testing.T, signal os.Signal) string {
	t.Helper()
	require.NoError(t, c.cmd.Process.Signal(signal))
	_, err := io.Copy(io.Discard, c.stdout)
	require.NoError(t, err)
	require.NoError(t, c.cmd.Wait(), "stderr: %s", c.stderr.String()) // exit status 0
	return c.stderr.String()
}

// paste runs a command as a shell does when it is pasted, without a .curlrc and a
// proxy of whoever runs the test.
func paste(t *testing.T, command string) string {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "sh", "-c", command)
	shell.Env = append(os.Environ(), "CURL_HOME="+t.TempDir(), "HOME="+t.TempDir(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	out, err := shell.Output()
	require.NoError(t, err, "%s", command)
	return string(out)
}

func (c *command) link(uri, challenge string) string {
	return c.base + "/oauth/authorize?" + authorizationRequest("redirect_uri", uri, "code_challenge", challenge).Encode()
}

func (c *command) page(t *testing.T, uri string) *http.Response {
	t.Helper()
	response, err := http.Get(c.link(uri, testChallenge))
	require.NoError(t, err)
	response.Body.Close()
	return response
}

func (c *command) signIn(t *testing.T, uri, challenge string) (code string) {
	t.Helper()
	query := allowInBrowser(t, c.link(uri, challenge), uri)
	require.Equal(t, testState, query.Get("state"))
	return query.Get("code")
}

func (c *command) post(t *testing.T, path string, form url.Values) (status int, body string) {
	t.Helper()
	response, err := http.PostForm(c.base+path, form)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// allowInBrowser opens a link as a browser does, allows if there is a form, and
// returns what the redirect to uri says.
func allowInBrowser(t *testing.T, link, uri string) url.Values {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Get(link)
	require.NoError(t, err)
	page, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	response.Body.Close()
	if response.StatusCode == http.StatusOK {
		require.Contains(t, string(page), `<form method="post">`) // to the same URL
		base, err := url.Parse(link)
		require.NoError(t, err)
		r, err := http.NewRequest(http.MethodPost, link, strings.NewReader("user=ada&decision=allow"))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", base.Scheme+"://"+base.Host)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		response, err = browser.Do(r)
		require.NoError(t, err)
		response.Body.Close()
	}
	query, ok := strings.CutPrefix(response.Header.Get("Location"), uri)
	require.True(t, ok && query != "", "%s: %q", response.Status, response.Header.Get("Location"))
	params, err := url.ParseQuery(query[1:])
	require.NoError(t, err)
	return params
}

func fetchMetadata(t *testing.T, issuer string) map[string]any {
	t.Helper()
	return readJSON(t, http.DefaultClient, issuer+"/.well-known/oauth-authorization-server")
}

func readJSON(t *testing.T, client *http.Client, link string) (document map[string]any) {
	t.Helper()
	response, err := client.Get(link)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, json.NewDecoder(response.Body).Decode(&document))
	return document
}
