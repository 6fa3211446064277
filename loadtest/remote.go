package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// backendEnv is what makes this program a backend: its configuration, as JSON.
const backendEnv = "STRIPEAPPS_LOADTEST_BACKEND"

// serveUntilAlone is a backend until its standard input ends, as it does when the
// process that started it is gone.
func serveUntilAlone(config string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c backendConfig
	err := json.Unmarshal([]byte(config), &c)
	if err == nil {
		var b *backend
		if b, err = newBackend(c); err == nil {
			var at addresses
			if at, err = b.start(); err == nil {
				json.NewEncoder(stdout).Encode(at)
				io.Copy(io.Discard, stdin)
				return 0
			}
		}
	}
	fmt.Fprintln(stderr, "loadtest: the backend does not start:", err)
	return exitSetup
}

// processes are those that were started, to be stopped at the end.
type processes struct {
	mu    sync.Mutex
	stops []func()
}

func (p *processes) add(stop func()) (once func()) {
	once = sync.OnceFunc(stop)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stops = append(p.stops, once)
	return once
}

func (p *processes) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, stop := range p.stops {
		stop()
	}
}

// startChild starts this program again, as a backend.
func startChild(ctx context.Context, config backendConfig, all *processes) (*remote, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	child := exec.CommandContext(ctx, program)
	child.Env = append(os.Environ(), backendEnv+"="+string(text))
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := child.Start(); err != nil {
		return nil, err
	}
	stop := all.add(func() {
		stdin.Close()
		child.Process.Kill()
		child.Wait()
	})
	var at addresses
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &at)
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("the backend does not start: %w", err)
	}
	return newRemote(at, stop), nil
}

// remote is a backend, as seen from the load.
type remote struct {
	addr    string
	control string
	client  *http.Client
	stop    func()
}

func newRemote(at addresses, stop func()) *remote {
	// No connection stays that the backend would count as a goroutine at times.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	return &remote{at.Public, "http://" + at.Control, client, stop}
}

func (r *remote) figures(ctx context.Context) (f figures, err error) {
	return f, r.call(ctx, http.MethodGet, "/figures", nil, &f)
}

func (r *remote) setSecrets(ctx context.Context, secrets ...string) error {
	return r.call(ctx, http.MethodPost, "/secrets", secrets, nil)
}

func (r *remote) shutDown(ctx context.Context) (report shutdownReport, err error) {
	return report, r.call(ctx, http.MethodPost, "/shutdown", nil, &report)
}

func (r *remote) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, r.control+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(path + ": " + strings.TrimSpace(string(text)))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}
