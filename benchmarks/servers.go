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
	"strconv"
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

func workloads() []workload {
	small, large := payloadOf(1<<10), payloadOf(64<<10)
	signed := func(payload []byte) func() []byte {
		return func() []byte { return rawRequest(payload, stripeSignature(payload, time.Now())) }
	}
	return []workload{
		{"1 KiB, signed", true, signed(small), wanted(small)},
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

// measureHTTP returns how many requests of a workload each server responds to in a
// second.
func measureHTTP(ctx context.Context, p pace, servers []server, w workload) (all results, err error) {
	say("over HTTP, %s", w.name)
	request := w.request()
	for _, s := range servers {
		status, err := s.proveHTTP(w, request)
		if err != nil {
			return nil, err
		}
		if _, err = load(ctx, s.Address, request, status, p.httpSlice); err != nil { // until it is warm
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		all = append(all, result{name: s.name, note: strconv.Itoa(status)})
	}
	rates, err := interleave(len(servers), p.httpRounds, func(i int) (float64, error) {
		status, _ := strconv.Atoi(all[i].note)
		rate, err := load(ctx, servers[i].Address, request, status, p.httpSlice)
		if err = errors.Join(err, ctx.Err()); err != nil {
			err = fmt.Errorf("%s: %w", servers[i].name, err)
		}
		return rate, err
	})
	for i := range rates {
		all[i].figures = rates[i]
	}
	return all, err
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
