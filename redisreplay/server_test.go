package redisreplay_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// server is a redis-server of the test's own, on the loopback interface.
type server struct {
	addr    string
	bus     string // its other port, in a Cluster
	args    []string
	process *exec.Cmd
}

// serverProgram skips the test if there is no server, or -short is given; not on a
// machine for CI.
func serverProgram(t testing.TB) string {
	t.Helper()
	inCI := os.Getenv("CI") != ""
	if testing.Short() && !inCI {
		t.Skip("-short")
	}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if !inCI {
		t.Skip("no redis-server, and no valkey-server: install one of them")
	}
	t.Fatal("no redis-server, and no valkey-server")
	return ""
}

// newServer starts one with these options, which remembers nothing across a restart
// unless they say so.
func newServer(t testing.TB, options ...string) *server {
	t.Helper()
	for range 3 { // another program may have taken the port since
		s := &server{addr: freeAddr(t)}
		_, port, _ := strings.Cut(s.addr, ":")
		s.args = append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "", "--appendonly", "no"}, options...)
		if s.start(t) {
			t.Cleanup(func() { s.kill() })
			return s
		}
	}
	t.Fatal("redis-server does not start")
	return nil
}

func freeAddr(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// start starts the server, and reports whether it is ready.
func (s *server) start(t testing.TB) bool {
	t.Helper()
	s.process = exec.Command(serverProgram(t), s.args...)
	output, err := s.process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.process.Start())
	log, lines := "", bufio.NewScanner(output)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			go func() {
				for lines.Scan() { // or it would block once the pipe is full
				}
			}()
			return true
		}
		log += lines.Text() + "\n"
	}
	t.Log(log)
	s.kill()
	return false
}

// kill ends the server as kill -9 does.
func (s *server) kill() {
	s.process.Process.Kill()
	s.process.Wait()
}

// client returns a client of its own of the server.
func (s *server) client(t testing.TB, change ...func(*redis.Options)) *redis.Client {
	t.Helper()
	options := &redis.Options{Addr: s.addr, ContextTimeoutEnabled: true}
	for _, f := range change {
		f(options)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { client.Close() })
	return client
}

// do has the server do something.
func (s *server) do(t testing.TB, command string) string {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: s.addr, ContextTimeoutEnabled: true})
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var args []any
	for _, word := range strings.Fields(command) {
		args = append(args, word)
	}
	reply, err := client.Do(ctx, args...).Result()
	require.NoError(t, err, command)
	return fmt.Sprint(reply)
}

// waitFor waits until the server's reply has a text in it.
func (s *server) waitFor(t testing.TB, command, text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(s.do(t, command), text); time.Sleep(10 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "%s: no %s", command, text)
	}
}

// calls is how often each command but INFO was called, since the statistics were reset.
func (s *server) calls(t testing.TB) map[string]int {
	t.Helper()
	calls := map[string]int{}
	for line := range strings.Lines(s.do(t, "info commandstats")) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		if digits, _, _ := strings.Cut(rest, ","); ok {
			n, err := strconv.Atoi(digits)
			require.NoError(t, err, line)
			calls[name] = n
		}
	}
	return calls
}
