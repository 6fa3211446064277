package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// server is a stack in a process of its own.
type server struct {
	stack
	Address  string
	Versions map[string]string // of what it is made of, if that is not Go
	process  *exec.Cmd
}

const expressName = "express"

// serve is what such a process does: it listens, says where, and ends with its parent.
func serve(name string) error {
	for _, s := range stacks() {
		if s.name != name {
			continue
		}
		handler, err := s.handler()
		if err != nil {
			return err
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		go func() {
			io.Copy(io.Discard, os.Stdin)
			listener.Close()
		}()
		if err := json.NewEncoder(os.Stdout).Encode(server{Address: listener.Addr().String()}); err != nil {
			return err
		}
		if err := http.Serve(listener, handler); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
	return fmt.Errorf("no server is called %q", name)
}

// startServers starts one of each. They end with ctx.
func startServers(ctx context.Context) ([]server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := installNode(ctx); err != nil {
		return nil, err
	}
	var servers []server
	for _, s := range stacks() {
		started, err := start(ctx, s, exec.CommandContext(ctx, self, "-serve", s.name))
		if err != nil {
			return nil, err
		}
		servers = append(servers, started)
	}
	node := exec.CommandContext(ctx, "node", filepath.Join("node", "server.mjs"))
	node.Env = append(os.Environ(), "NODE_ENV=production", "STRIPE_APP_SECRET="+secret)
	express, err := start(ctx, stack{name: expressName, verifies: true}, node)
	return append(servers, express), err
}

func start(ctx context.Context, s stack, process *exec.Cmd) (started server, err error) {
	say("starting %s", s.name)
	process.Stderr = os.Stderr
	if _, err := process.StdinPipe(); err != nil {
		return started, err
	}
	output, err := process.StdoutPipe()
	if err != nil {
		return started, err
	}
	if err := process.Start(); err != nil {
		return started, err
	}
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &started)
	}
	if err != nil {
		return started, fmt.Errorf("%s did not say where it listens: %w", s.name, errors.Join(err, ctx.Err()))
	}
	started.stack, started.process = s, process
	return started, nil
}

// installNode installs what node/package-lock.json says, unless that has been done.
func installNode(ctx context.Context) error {
	lock, err := os.Stat(filepath.Join("node", "package-lock.json"))
	if err != nil {
		return fmt.Errorf("run it in the folder benchmarks: %w", err)
	}
	installed, err := os.Stat(filepath.Join("node", "node_modules", ".package-lock.json"))
	if err == nil && !installed.ModTime().Before(lock.ModTime()) {
		return nil
	}
	say("npm ci, in node")
	npm := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
	npm.Dir, npm.Stdout, npm.Stderr = "node", os.Stderr, os.Stderr
	return npm.Run()
}

// workload is what is sent to each server.
type workload struct {
	name    string
	good    bool // so that it must be accepted
	request func() []byte
	want    string // the response's body, if it is
}

const signedKiB = "1 KiB, signed"

func workloads() []workload {
	small, large := payloadOf(1<<10), payloadOf(64<<10)
	signed := func(payload []byte) func() []byte {
		return func() []byte { return rawRequest(payload, stripeSignature(payload, time.Now())) }
	}
	return []workload{
		{signedKiB, true, signed(small), wanted(small)},
		{"64 KiB, signed", true, signed(large), wanted(large)},
		{"1 KiB, tampered with", false, func() []byte {
			return rawRequest(tampered(small), stripeSignature(small, time.Now()))
		}, ""},
		{"1 KiB, and a header of 1 MB", false, func() []byte { return rawRequest(small, longHeader) }, ""},
	}
}

func rawRequest(payload []byte, signature string) []byte {
	var request bytes.Buffer
	fmt.Fprintf(&request, "POST /api/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: null\r\nContent-Type: application/json\r\n"+
		"Stripe-Signature: %s\r\nContent-Length: %d\r\n\r\n%s", signature, len(payload), payload)
	return request.Bytes()
}

// httpFigures are requests a second.
type httpFigures struct {
	names     []string
	workloads []string
	rates     [][]figures // by workload and server
	statuses  [][]int
}

func measureHTTP(ctx context.Context, p pace, servers []server, workloads []workload) (f httpFigures, err error) {
	for _, s := range servers {
		f.names = append(f.names, s.name)
	}
	for _, w := range workloads {
		say("over HTTP, %s", w.name)
		request := w.request()
		statuses := make([]int, len(servers))
		for i, s := range servers {
			if statuses[i], err = s.proveHTTP(w, request); err != nil {
				return f, err
			}
			if _, err = load(ctx, s.Address, request, statuses[i], p.httpSlice); err != nil { // until it is warm
				return f, fmt.Errorf("%s: %w", s.name, err)
			}
		}
		rates, err := interleave(len(servers), p.httpRounds, func(i int) (float64, error) {
			rate, err := load(ctx, servers[i].Address, request, statuses[i], p.httpSlice)
			if err = errors.Join(err, ctx.Err()); err != nil {
				err = fmt.Errorf("%s: %w", servers[i].name, err)
			}
			return rate, err
		})
		if err != nil {
			return f, err
		}
		f.workloads, f.rates, f.statuses = append(f.workloads, w.name), append(f.rates, rates), append(f.statuses, statuses)
	}
	return f, nil
}

// proveHTTP returns the status of a server's response, if it is a right one.
func (s server) proveHTTP(w workload, request []byte) (int, error) {
	c := client{address: s.Address, request: request}
	defer c.close()
	status, body, err := c.exchange()
	if err != nil {
		return 0, fmt.Errorf("%s, %s: %w", s.name, w.name, err)
	}
	return status, s.judge(w.good, w.want, status, string(body))
}

// of returns the rate of a server relative to that of bare Go.
func (f httpFigures) of(workload, server int) float64 {
	for i, name := range f.names {
		if name == bareName {
			return f.rates[workload][server].relativeTo(f.rates[workload][i])
		}
	}
	panic("no bare server")
}

func (f httpFigures) table() string {
	head := []string{"requests"}
	for _, name := range f.names {
		if name != bareName {
			head = append(head, name)
		}
	}
	head = append(head, bareName)
	var rows [][]string
	for i, workload := range f.workloads {
		row, last := []string{workload}, ""
		for j, name := range f.names {
			if name == bareName {
				last = fmt.Sprintf("1 (%d)", f.statuses[i][j])
				continue
			}
			row = append(row, fmt.Sprintf("%s (%d)", ratio(f.of(i, j)), f.statuses[i][j]))
		}
		rows = append(rows, append(row, last))
	}
	return table(head, rows)
}
