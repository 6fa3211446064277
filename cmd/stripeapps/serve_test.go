package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// lockedBuffer is written by the proxy and read by a test.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// served is a running serve.
type served struct {
	url, host string
	out       *lockedBuffer
	stop      func() int // and the exit code
}

var listening = regexp.MustCompile(`listening on (http://([^,]+)), in front of`)

// serveInFrontOf runs serve within the test, so that the race detector sees it.
func serveInFrontOf(t *testing.T, backend string, args ...string) *served {
	t.Helper()
	s := &served{out: &lockedBuffer{}}
	stderr, stderrWriter := io.Pipe()
	a := &app{in: strings.NewReader(""), out: &output{w: s.out}, err: stderrWriter, env: func(name string) string {
		return map[string]string{secretVariable: testSecret}[name]
	}}
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		always := []string{"stripeapps", "serve", "-to", backend, "-addr", "127.0.0.1:0", "-now", "1700000000"}
		code <- a.run(ctx, append(always, args...))
		stderrWriter.Close()
	}()
	s.stop = sync.OnceValue(func() int { cancel(); return <-code })
	t.Cleanup(func() { s.stop() })
	lines := bufio.NewReader(stderr)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	go io.Copy(s.out, lines) // what goes wrong later
	match := listening.FindStringSubmatch(line)
	require.NotNil(t, match, line)
	s.url, s.host = match[1], match[2]
	return s
}

// send sends a request as it is written, and returns the response.
func (s *served) send(t *testing.T, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", s.host)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	return response
}

func signedPayload(t *testing.T, payload string) (text []byte, header string) {
	t.Helper()
	text, err := stripejs.Payload([]byte(payload), "usr_1", "acct_1")
	require.NoError(t, err)
	return text, stripejs.Header(text, time.Unix(1700000000, 0), testSecret)
}

func TestServeBeforeItServes(t *testing.T) {
	testCommands(t, []string{secretEnv}, map[string]commandTest{
		"serve needs a backend": {
			args: words("serve"), code: 2,
			err: "stripeapps: Required flag \"to\" not set (see stripeapps serve -h)\n",
		},
		"serve refuses a URL with a path": {
			args: words("serve -to http://h/api"), code: 2,
			err: "stripeapps: -to is not an http or https URL without path, query and password, like " +
				"http://127.0.0.1:8080 (see stripeapps serve -h)\n",
		},
		"serve refuses itself": {
			args: words("serve -to http://127.0.0.1:4240"), code: 2,
			err: "stripeapps: -to and -addr are the same: let the backend listen elsewhere (see stripeapps " +
				"serve -h)\n",
		},
		"serve cannot listen just anywhere": {
			args: words("serve -to http://127.0.0.1:1 -addr 192.0.2.1:1"), code: 3,
			err: "stripeapps: cannot listen: *",
		},
	})
}

func TestServeReportsEachRequest(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if status, err := strconv.Atoi(r.Header.Get("Test-Status")); err == nil {
			w.WriteHeader(status)
		} else if r.Header.Get("Stripe-Signature") == "" {
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer backend.Close()
	_, header := signedPayload(t, `{"amount":1250}`)
	ids := []byte(`{"user_id":"usr_1","account_id":"acct_1"}`)
	idsHeader := stripejs.Header(ids, time.Unix(1700000000, 0), testSecret)
	signedHeader := http.Header{"Stripe-Signature": {header}}
	sentIDs := http.Header{"Stripe-Signature": {idsHeader}, "Stripe-User-Id": {"usr_1"}, "Stripe-Account-Id": {"acct_1"}}
	stamp := time.Unix(1700000000, 0).Format(time.TimeOnly) + " "
	const indent = "         "
	escapeText := []byte(`{"user_id":"\u001b[31m","account_id":"acct_1"}`)
	escapeHeader := http.Header{"Stripe-Signature": {stripejs.Header(escapeText, time.Unix(1700000000, 0), testSecret)}}

	for name, c := range map[string]struct {
		method, target, body string
		header               http.Header
		args                 []string
		want                 string
	}{
		"a signed body": {
			body: body, header: signedHeader,
			want: "POST /api/refunds 200 accepted: usr_1 of acct_1, over the body\n",
		},
		"signed ids": {
			method: "GET", header: sentIDs,
			want: "GET /api/refunds 200 accepted: usr_1 of acct_1, over the ids in the headers only\n",
		},
		"signed ids beside a body": {
			body: `{"x":1}`, header: sentIDs,
			want: "POST /api/refunds 200 accepted: usr_1 of acct_1, over the ids in the headers only: the body " +
				"is not signed\n",
		},
		"signed ids in the query": {
			method: "GET", target: "/api/refunds?user_id=usr_1&account_id=acct_1",
			header: http.Header{"Stripe-Signature": {idsHeader}},
			want:   "GET /api/refunds 200 accepted: usr_1 of acct_1, over the ids in the query only\n",
		},
		"a body with a line break": {
			body: body + "\n", header: signedHeader,
			want: "POST /api/refunds 200 refused: no_match\n" + indent + "trailing_space: *",
		},
		"ids that were signed alone": {
			body: body, header: http.Header{"Stripe-Signature": {idsHeader}},
			want: "POST /api/refunds 200 refused: only_ids_signed\n" + indent + "only_ids_signed: *",
		},
		"an unsigned request": {
			method: "GET", target: "/healthz?token=" + otherSecret, want: "GET /healthz 204 unsigned\n",
		},
		"a preflight": {
			method: "OPTIONS", header: http.Header{"Access-Control-Request-Method": {"POST"}},
			want: "OPTIONS /api/refunds 204 preflight\n",
		},
		"a body over 1 MiB": {
			body: strings.Repeat("x", maxPeek+1), header: signedHeader,
			want: "POST /api/refunds 200 not looked at: the body is larger than 1 MiB and was not looked at\n",
		},
		"a secret in the path": {
			method: "GET", target: "/" + testSecret, want: "GET (a path with a secret in it) 204 unsigned\n",
		},
		"an unsigned request that is refused": {
			body: body, header: http.Header{"Test-Status": {"401"}},
			want: "POST /api/refunds 401 unsigned\n" + indent + "not_signed: there is no Stripe-Signature header: *",
		},
		"an unsigned request that is not found": {
			body: body, header: http.Header{"Test-Status": {"404"}}, want: "POST /api/refunds 404 unsigned\n",
		},
		"a signed body that is refused": {
			body: body, header: http.Header{"Stripe-Signature": {header}, "Test-Status": {"400"}},
			want: "POST /api/refunds 400 verifies: usr_1 of acct_1, over the body\n" + indent +
				"the signature fits, but the backend refused: see its response, and where its route reads the " +
				"ids\n",
		},
		"a signed body that is forbidden": {
			body: body, header: http.Header{"Stripe-Signature": {header}, "Test-Status": {"403"}},
			want: "POST /api/refunds 403 verifies: *",
		},
		"an escape in a signed user_id": {
			body: string(escapeText), header: escapeHeader, want: "POST /api/refunds 200 refused: *",
		},
		"escapes in ids and members": {
			body:   "{\"\x1b[31m\":\"\u009b31m\",\"user_id\":\"\x1b[31m\",\"account_id\":\"acct_1\"}",
			header: http.Header{"Stripe-Signature": {header}, "Stripe-User-Id": {"\u009b31m"}},
			want:   "POST /api/refunds 200 refused: *",
		},
		"an escape in the path": {
			method: "GET", target: "/%1b%5b31m", want: "GET /%1b%5b31m 204 unsigned\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveInFrontOf(t, backend.URL, c.args...)
			method, target := c.method, c.target
			if method == "" {
				method = "POST"
			}
			if target == "" {
				target = "/api/refunds"
			}
			r, err := http.NewRequest(method, s.url+target, strings.NewReader(c.body))
			require.NoError(t, err)
			for name, values := range c.header {
				r.Header[name] = values
			}
			response, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			response.Body.Close()
			assertText(t, stamp+c.want, s.out.String())
			assert.NotContains(t, s.out.String(), testSecret)
			assert.NotContains(t, s.out.String(), "\x1b")
			assert.NotContains(t, s.out.String(), "\u009b")
			assert.NotContains(t, s.out.String(), otherSecret)
			assert.Equal(t, 0, s.stop())
		})
	}
}

func TestServeReportsAsJSON(t *testing.T) {
	backend := httptest.NewServer(http.NotFoundHandler())
	defer backend.Close()
	s := serveInFrontOf(t, backend.URL, "-json")
	text, header := signedPayload(t, `{"amount":1250}`)
	for _, h := range []string{header, "t=1"} {
		r, _ := http.NewRequest("POST", s.url+"/a", bytes.NewReader(text))
		r.Header.Set("Stripe-Signature", h)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		response.Body.Close()
	}
	lines := strings.Split(s.out.String(), "\n")
	const start = `{"time":"2023-11-14T22:13:20Z","method":"POST","path":"/a","status":404,`
	assert.Equal(t, start+`"verdict":"accepted","accepted":true,"source":"body",`+
		`"user_id":"usr_1","account_id":"acct_1","signed_at":"2023-11-14T22:13:20Z"}`, lines[0])
	assertText(t, start+`"verdict":"refused","accepted":false,"code":"no_match","detail":"*`, lines[1])
	assert.Contains(t, lines[1], `"explanations":[{"cause":"header_malformed","text":"`)
}

// The request must arrive as it was sent, whatever is said about it.
func TestServeHandsRequestsOnUnchanged(t *testing.T) {
	dumps := make(chan string, 1)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, err := httputil.DumpRequest(r, true)
		assert.NoError(t, err)
		dumps <- string(dump)
		w.Header().Set("Content-Encoding", "gzip") // it is not, and must stay as it is
		w.Header().Add("X-Twice", "1")
		w.Header().Add("X-Twice", "2")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "response")
	}))
	defer backend.Close()
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	large := make([]byte, 3*maxPeek)
	rand.Read(large)
	for name, c := range map[string]struct{ head, body string }{
		"every byte, signed wrongly": {
			"POST /a HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 256\r\nStripe-Signature: t=1,v1=x\r\n",
			string(everyByte),
		},
		"every byte, unsigned": {
			"POST /a HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 256\r\n", string(everyByte),
		},
		"a large body": {
			"POST /a HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 3145728\r\nStripe-Signature: t=1,v1=x\r\n",
			string(large),
		},
		"a path and query as written": {
			"GET /a%2Fb/c%7e;d//e'?x=%zz;y&&=1&x HTTP/1.1\r\nHost: api.example.com\r\n", "",
		},
		"headers of another proxy": {
			"GET / HTTP/1.1\r\nHost: api.example.com\r\nAccept-Encoding: br\r\nForwarded: for=1.2.3.4\r\n" +
				"User-Agent: x\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Host: h\r\n" +
				"X-Forwarded-Proto: https\r\n",
			"",
		},
		"a header that is there twice": {
			"POST / HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 0\r\nStripe-Signature: a\r\n" +
				"Stripe-Signature: b\r\n",
			"",
		},
		"a preflight": {
			"OPTIONS /a HTTP/1.1\r\nHost: api.example.com\r\n" +
				"Access-Control-Request-Headers: stripe-signature\r\nAccess-Control-Request-Method: POST\r\n" +
				"Origin: null\r\n",
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveInFrontOf(t, backend.URL)
			response := s.send(t, c.head+"\r\n"+c.body)
			head := c.head
			got := <-dumps
			// DumpRequest sorts the headers and leaves out the length.
			head = regexp.MustCompile(`Content-Length: \d+\r\n`).ReplaceAllString(head, "")
			gotHead, gotBody, _ := strings.Cut(got, "\r\n\r\n")
			gotHead = regexp.MustCompile(`\r\nContent-Length: \d+`).ReplaceAllString(gotHead, "")
			assert.Equal(t, head, gotHead+"\r\n")
			assert.True(t, gotBody == c.body, "the body was changed")
			responseBody, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			assert.Equal(t, "response", string(responseBody))
			assert.Equal(t, http.StatusTeapot, response.StatusCode)
			assert.Equal(t, []string{"1", "2"}, response.Header["X-Twice"])
			assert.Equal(t, "gzip", response.Header.Get("Content-Encoding"))
		})
	}
}

func TestServeCanNameTheBackendAsHost(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) }))
	defer backend.Close()
	s := serveInFrontOf(t, backend.URL, "-rewrite-host")
	response := s.send(t, "GET / HTTP/1.1\r\nHost: api.example.com\r\n\r\n")
	host, _ := io.ReadAll(response.Body)
	assert.Equal(t, strings.TrimPrefix(backend.URL, "http://"), string(host))
}

// An event must come through before the stream ends, and its line be printed.
func TestServeStreamsEvents(t *testing.T) {
	end := make(chan struct{})
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		<-end
	}))
	defer backend.Close()
	defer close(end)
	s := serveInFrontOf(t, backend.URL)
	response := s.send(t, "GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
	line, err := bufio.NewReader(response.Body).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "data: 1\n", line)
	assert.Contains(t, s.out.String(), "GET /events 200 unsigned\n")
}

func TestServeLetsWebSocketsThrough(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "websocket", r.Header.Get("Upgrade"))
		conn, buffer, err := http.NewResponseController(w).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		line, _ := buffer.ReadString('\n')
		io.WriteString(conn, "echo "+line)
	}))
	defer backend.Close()
	s := serveInFrontOf(t, backend.URL)
	conn, err := net.Dial("tcp", s.host)
	require.NoError(t, err)
	defer conn.Close()
	io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
	io.WriteString(conn, "hello\n")
	line, err := reader.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "echo hello\n", line)
	assert.Contains(t, s.out.String(), "GET /ws 101 unsigned\n")
}

func TestServeSaysThatTheBackendDoesNotAnswer(t *testing.T) {
	backend := httptest.NewServer(nil)
	backend.Close() // nobody listens there
	s := serveInFrontOf(t, backend.URL)
	response := s.send(t, "GET /a HTTP/1.1\r\nHost: h\r\nOrigin: null\r\n\r\n")
	assert.Equal(t, http.StatusBadGateway, response.StatusCode)
	assert.Equal(t, "*", response.Header.Get("Access-Control-Allow-Origin"), "the extension can read it")
	assert.Contains(t, s.out.String(), "GET /a no response unsigned\n")
}

// Ctrl-C ends the program in an orderly way, and it says where it listens, and to
// whom it can be of harm.
func TestInterruptEndsServe(t *testing.T) {
	for name, c := range map[string]struct {
		addr    string
		warning bool
	}{
		"on loopback":   {"127.0.0.1:0", false},
		"on everything": {":0", true},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(binary, "serve", "-to", "http://127.0.0.1:1", "-addr", c.addr)
			cmd.Env = []string{secretEnv}
			stderr, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			lines := bufio.NewReader(stderr)
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			if c.warning {
				assert.Equal(t, "stripeapps: warning: others in the network can reach this address, and the backend through it\n", line)
				line, err = lines.ReadString('\n')
				require.NoError(t, err)
			}
			assert.Regexp(t, listening, line)
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
			rest, _ := io.ReadAll(lines)
			err = cmd.Wait()
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
				t.Errorf("exit code %d: %s", exit.ExitCode(), rest)
			}
		})
	}
}

// What a client sends must not reach the terminal as an escape, also if it never
// becomes a request.
func TestServePrintsNoRawEscape(t *testing.T) {
	backend := httptest.NewServer(http.NotFoundHandler())
	defer backend.Close()
	for _, request := range []string{
		"GET /\x1b[31m HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /\u009b31m HTTP/1.1\r\nHost: h\r\n\r\n",
		"G\x1b[31m / HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nStripe-Signature: \x1b[31m\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nStripe-Signature: \u009b31m\r\nStripe-User-Id: \u009b31m\r\n\r\n",
	} {
		for _, flag := range []string{"-no-color", "-json"} {
			s := serveInFrontOf(t, backend.URL, flag)
			s.send(t, request)
			s.stop()
			assert.NotContains(t, s.out.String(), "\x1b", request)
			assert.NotContains(t, s.out.String(), "\u009b", request)
		}
	}
}
