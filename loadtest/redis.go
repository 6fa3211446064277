package main

import (
	"bufio"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
)

// findRedis returns the address of a server: the one that is given, or that of one it
// starts. If there is none to start, addr is "" and why says so.
func findRedis(given string, all *processes) (addr, why string, err error) {
	if given != "" {
		return given, "", nil
	}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if program, err := exec.LookPath(name); err == nil {
			addr, err = startRedis(program, all)
			return addr, "", err
		}
	}
	return "", "no redis-server, and no valkey-server, in PATH, and no -redis", nil
}

func startRedis(program string, all *processes) (addr string, err error) {
	for range 3 { // another program may have taken the port since
		if addr, err = startRedisOnce(program, all); err == nil {
			return addr, nil
		}
	}
	return "", err
}

func startRedisOnce(program string, all *processes) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	addr := listener.Addr().String()
	listener.Close()
	_, port, _ := net.SplitHostPort(addr)
	dir, err := os.MkdirTemp("", "loadtest")
	if err != nil {
		return "", err
	}
	server := exec.Command(program, "--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no")
	output, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		os.Remove(dir)
		return "", err
	}
	stop := all.add(func() {
		server.Process.Kill()
		server.Wait()
		os.RemoveAll(dir)
	})
	lines, last := bufio.NewScanner(output), ""
	for lines.Scan() {
		last = lines.Text()
		if strings.Contains(last, "Ready to accept connections") {
			go func() {
				for lines.Scan() { // or it would block once the pipe is full
				}
			}()
			return addr, nil
		}
	}
	stop()
	return "", errors.New(program + " does not start: " + last)
}
