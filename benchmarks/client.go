package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// client is one connection that sends the same bytes again and again. It is not
// http.Client, which takes more of the processors than the servers that are measured.
type client struct {
	address string
	request []byte
	conn    net.Conn
	in      *bufio.Reader
	body    []byte
}

const patience = 30 * time.Second // with one response

// exchange sends the request, and returns the response's status and body, which is good
// until the next one. A connection that the server closes is made anew.
func (c *client) exchange() (status int, body []byte, err error) {
	if c.conn == nil {
		if c.conn, err = net.Dial("tcp", c.address); err != nil {
			return 0, nil, err
		}
		c.in = bufio.NewReader(c.conn)
	}
	c.conn.SetDeadline(time.Now().Add(patience))
	// A server may refuse, and close the connection, before all has been sent.
	_, unsent := c.conn.Write(c.request)
	status, keep, err := c.receive()
	if err != nil {
		c.close()
		return 0, nil, errors.Join(err, unsent)
	}
	if !keep || unsent != nil {
		c.close()
	}
	return status, c.body, nil
}

// receive reads a response, and reports whether the connection can be used again.
func (c *client) receive() (status int, keep bool, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, false, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, false, fmt.Errorf("no response of HTTP/1.1: %.100q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, err
	}
	length, keep := -1, true
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, false, err
		}
		name, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		if !ok {
			break // the empty line
		}
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, false, err
			}
		case bytes.EqualFold(name, []byte("Connection")):
			keep = !bytes.EqualFold(value, []byte("close"))
		}
	}
	c.body = c.body[:0]
	switch {
	case length >= 0:
		c.body = append(c.body, make([]byte, length)...)
		_, err = io.ReadFull(c.in, c.body)
	case status == http.StatusNoContent || !keep:
	default:
		err = errors.New("a response without a Content-Length")
	}
	return status, keep, err
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// connections are open at the same time: enough to keep a server busy.
var connections = 4 * runtime.GOMAXPROCS(0)

// load sends the request on all connections for some time, each as soon as the response
// to the one before has come, and returns how many responses came in a second. Each
// must have this status.
func load(ctx context.Context, address string, request []byte, status int, during time.Duration) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, during)
	defer cancel()
	counts, errs := make([]int, connections), make([]error, connections)
	var done sync.WaitGroup
	began := time.Now()
	for i := range connections {
		done.Go(func() {
			c := client{address: address, request: request}
			defer c.close()
			for counts[i] == 0 || ctx.Err() == nil {
				got, _, err := c.exchange()
				if err == nil && got != status {
					err = fmt.Errorf("status %d instead of %d", got, status)
				}
				if err != nil {
					errs[i] = err
					return
				}
				counts[i]++
			}
		})
	}
	done.Wait()
	seconds := time.Since(began).Seconds()
	total := 0
	for _, count := range counts {
		total += count
	}
	return float64(total) / seconds, errors.Join(errs...)
}
