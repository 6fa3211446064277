package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

const (
	hostileSlice = 500 * time.Millisecond
	hostileOf100 = 30 // of all requests, while others attack
	maxP99Ratio  = 2.0
	trickle      = 100 * time.Millisecond // between the bytes of what is slow
)

// hostileKind is a way to attack. What is sent goes out on a connection of its own, as
// it is: no client would send most of it.
type hostileKind struct {
	name string
	// statuses are the responses that refuse it, of which 0 is none at all: where the
	// server says nothing, or closes the connection while there is more to come, so that
	// the response may be lost.
	statuses []int
	send     func(c *net.TCPConn, m message) error
}

// message is a request that would be accepted.
type message struct {
	path, kind string
	header     http.Header
	body       []byte
	secret     string
}

// head is what comes before the body.
func (m message) head(length string, more ...string) []byte {
	var w bytes.Buffer
	fmt.Fprintf(&w, "POST %s?kind=%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s\r\n", m.path, m.kind, length)
	m.header.Write(&w)
	for _, line := range more {
		w.WriteString(line + "\r\n")
	}
	w.WriteString("\r\n")
	return w.Bytes()
}

func length(n int) string { return "Content-Length: " + strconv.Itoa(n) }

// whole is all of the request.
func (m message) whole(more ...string) []byte {
	return append(m.head(length(len(m.body)), more...), m.body...)
}

// half ends in the middle of the body.
func (m message) half() []byte { return append(m.head(length(len(m.body))), m.body[:len(m.body)/2]...) }

// sign signs what is no payload, with the right secret.
func (m message) sign(body string) message {
	at := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(m.secret))
	mac.Write([]byte(at + "." + body))
	m.header = m.header.Clone()
	m.header.Set("Stripe-Signature", "t="+at+",v1="+hex.EncodeToString(mac.Sum(nil)))
	m.body = []byte(body)
	return m
}

func write(of func(m message) []byte) func(*net.TCPConn, message) error {
	return func(c *net.TCPConn, m message) error {
		_, err := c.Write(of(m))
		return err
	}
}

func hostileKinds() []hostileKind {
	const bodyLimit = 1 << 20 // stripeapps.DefaultMaxBodyBytes
	return []hostileKind{
		{"forged", []int{401}, write(func(m message) []byte {
			m.header = m.header.Clone()
			m.header.Set("Stripe-Signature", stripeappstest.Sign(payload("nonce"), stripeappstest.WithOtherSecret()))
			return m.whole()
		})},
		{"long-signature", []int{401}, write(func(m message) []byte {
			m.header = m.header.Clone()
			m.header.Set("Stripe-Signature", m.header.Get("Stripe-Signature")+",v0="+strings.Repeat("0", 8<<10))
			return m.whole()
		})},
		{"long-header", []int{431, 0}, write(func(m message) []byte { return m.whole("X-Long: " + strings.Repeat("x", 2*maxHeaderBytes)) })},
		{"long-body", []int{413, 0}, func(c *net.TCPConn, m message) error {
			_, err := c.Write(m.head(length(2 * bodyLimit)))
			return errors.Join(err, writeSpaces(c, bodyLimit/16))
		}},
		{"endless-body", []int{413, 0}, func(c *net.TCPConn, m message) error {
			_, err := c.Write(fmt.Appendf(m.head("Transfer-Encoding: chunked"), "%x\r\n", 2*bodyLimit))
			return errors.Join(err, writeSpaces(c, bodyLimit+1))
		}},
		{"slow-body", []int{400}, func(c *net.TCPConn, m message) error {
			half := m.half()
			_, err := c.Write(half)
			return errors.Join(err, slowly(c, m.whole()[len(half):]))
		}},
		// net/http takes what has come of a line for all of it, and responds to that.
		{"slow-header", []int{400, 0}, func(c *net.TCPConn, m message) error { return slowly(c, m.whole()) }},
		{"half-closed", []int{400}, func(c *net.TCPConn, m message) error {
			_, err := c.Write(m.half())
			return errors.Join(err, c.CloseWrite())
		}},
		{"cut-off", []int{0}, func(c *net.TCPConn, m message) error {
			_, err := c.Write(m.half())
			return errors.Join(err, c.Close())
		}},
		{"garbage", []int{400}, write(func(m message) []byte { return m.sign(`{"user_id":"usr_1",,"account_id":` + "\x00\xff").whole() })},
	}
}

// spaces are a part of a large body, which is not made anew for each: that would cost
// the load more than the backend.
var spaces = bytes.Repeat([]byte{' '}, 64<<10)

func writeSpaces(w io.Writer, n int) (err error) {
	for ; n > 0 && err == nil; n -= len(spaces) {
		_, err = w.Write(spaces[:min(n, len(spaces))])
	}
	return err
}

// slowly writes a byte at a time, until the other side has enough of it.
func slowly(w io.Writer, text []byte) error {
	for i := range text {
		if _, err := w.Write(text[i : i+1]); err != nil {
			return err
		}
		time.Sleep(trickle)
	}
	return nil
}

// attackOnce sends one, and returns the status of the response, or 0.
func (b *bench) attackOnce(kind hostileKind) (status int, err error) {
	t := b.target(chain, kind.name, b.secret)
	conn, err := net.DialTimeout("tcp", b.backend.addr, 5*time.Second)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	go kind.send(conn.(*net.TCPConn), message{chain, kind.name, t.Header, t.Body, b.secret})
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return 0, errors.New("neither a response nor the end of the connection")
	} else if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	return response.StatusCode, nil
}

// hostileResult is what came of it.
type hostileResult struct {
	pairs  int // of slices: one of calm, one of attack
	valid  tally
	ratios []float64 // of a pair: p99 under attack by p99 without
	mu     sync.Mutex
	kinds  map[string]*tally
}

func (x *hostileResult) add(kind hostileKind, status int, err error) {
	fault := ""
	switch {
	case err != nil:
		fault = err.Error()
	case status >= 200 && status < 300:
		fault = "accepted"
	case !slices.Contains(kind.statuses, status):
		fault = fmt.Sprintf("responded to with %d, not %d", status, kind.statuses)
	}
	if fault != "" {
		fault = kind.name + ": " + fault
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.kinds[kind.name] == nil {
		x.kinds[kind.name] = &tally{}
	}
	x.kinds[kind.name].add(fault)
}

// pairDuration is that of a slice of calm, a slice of attack, and of waiting for what
// is slow.
const pairDuration = 2*hostileSlice + max(bodyTimeout, readHeaderTimeout)

// hostile has slices of calm and of attack in turn.
func (b *bench) hostile(ctx context.Context, pairs int) (*hostileResult, error) {
	x := &hostileResult{kinds: map[string]*tally{}}
	for pair := range pairs {
		if pair%4 == 0 {
			b.progress("hostile mix: %d of %d", pair+1, pairs)
		}
		x.pairs++
		calm := b.validSlice(x)
		over, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			b.attackUntil(over, pair, x)
		}()
		attacked := b.validSlice(x)
		close(over)
		<-stopped
		if calm > 0 {
			x.ratios = append(x.ratios, attacked.Seconds()/calm.Seconds())
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// validSlice returns the 99th percentile of valid load.
func (b *bench) validSlice(x *hostileResult) time.Duration {
	next := b.signed(hostileSlice, func() vegeta.Target { return b.target(chain, kindValid, b.secret) })
	var m vegeta.Metrics
	attack(b.client, next, b.rate, sent(count(b.rate, hostileSlice)), func(result *vegeta.Result) {
		_, nonce := about(result)
		m.Add(result)
		x.valid.add(acceptedFault(result, answerTo(nonce)))
	})
	m.Close()
	return m.Latencies.P99
}

// attackUntil sends all kinds in turn, and returns once each has got its response.
func (b *bench) attackUntil(over <-chan struct{}, first int, x *hostileResult) {
	var all sync.WaitGroup
	defer all.Wait()
	kinds := hostileKinds()
	rate := float64(b.rate) * hostileOf100 / (100 - hostileOf100)
	ticks := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer ticks.Stop()
	for i := first; ; i++ {
		kind := kinds[i%len(kinds)]
		all.Go(func() {
			status, err := b.attackOnce(kind)
			x.add(kind, status, err)
		})
		select {
		case <-ticks.C:
		case <-over:
			return
		}
	}
}

// rows are told by the backend what has reached its handlers.
func (x *hostileResult) rows(f figures) []row {
	all := tally{}
	verdict := ok
	for _, kind := range hostileKinds() {
		t := tally{}
		if x.kinds[kind.name] != nil {
			t = *x.kinds[kind.name]
		}
		if n := f.count("", kind.name); n > 0 {
			t.add(fmt.Sprintf("%s: %d reached the handler", kind.name, n))
		}
		if t.tried == 0 {
			t.add(kind.name + ": was not tried")
		}
		verdict = worst(verdict, t.verdict())
		if all.wrong == 0 {
			all.first = t.first
		}
		all.tried, all.wrong = all.tried+t.tried, all.wrong+t.wrong
	}
	refused := fmt.Sprintf("%d requests of %d kinds in %d slices of %v: none accepted", all.tried, len(hostileKinds()), x.pairs, hostileSlice)
	served := fmt.Sprintf("%d requests in %d slices of %v, half of them calm: none refused", x.valid.tried, 2*x.pairs, hostileSlice)
	return []row{
		{fmt.Sprintf("hostile mix, %d %% of all requests", hostileOf100), refused + all.complaint(), verdict},
		{"valid load in the hostile mix", served + x.valid.complaint(), x.valid.verdict()},
		x.ratioRow(),
	}
}

func (x *hostileResult) ratioRow() row {
	what := "p99 in the hostile mix"
	if len(x.ratios) == 0 {
		return row{what, "not known", warn}
	}
	ratio := spreadOf(x.ratios)
	figures := fmt.Sprintf("%.2f times that without, in the median of %d pairs of slices (half of them from %.2f to %.2f)",
		ratio.median, len(x.ratios), ratio.low, ratio.high)
	switch {
	case ratio.high > maxP99Ratio*maxP99Ratio*ratio.low: // more than from half of it to twice
		return row{what, figures + tooNoisy, warn}
	case ratio.median > maxP99Ratio:
		return row{what, figures, warn}
	}
	return row{what, figures, ok}
}
