// The race detector holds memory of its own.

//go:build !race

package interop_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// The memory of the server is measured in a process of its own, where nothing else
// is: this test binary, with this in its environment.
const serveVariable = "INTEROP_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		serve()
		return
	}
	os.Exit(m.Run())
}

// announced is the Content-Length of every request. More than it is never sent.
const announced = 1 << 20

// serve is the process that is measured. It prints its address, and ends when its
// input does.
//
//	/chain  is behind the chain, which has to read the body
//	/bare   reads the body too, and keeps nothing
//	/held   responds when the bodies of so many requests have arrived so far that
//	        their readers wait for more, and says what memory is held then
func serve() {
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{stripeappstest.DefaultSecret}})
	if err != nil {
		panic(err)
	}
	chain, err := stripeapps.New(stripeapps.Config{Verifier: verifier})
	if err != nil {
		panic(err)
	}
	arrivals := newArrivals()
	mux := http.NewServeMux()
	mux.Handle("/chain", arrivals.watch(chain(http.NotFoundHandler())))
	mux.Handle("/bare", arrivals.watch(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var piece [64]byte
		for {
			if _, err := r.Body.Read(piece[:]); err != nil {
				return
			}
		}
	})))
	mux.HandleFunc("/held", func(w http.ResponseWriter, r *http.Request) {
		var expected arrived
		if err := json.NewDecoder(r.Body).Decode(&expected); err != nil {
			panic(err)
		}
		arrivals.wait(expected)
		if err := json.NewEncoder(w).Encode(memoryInUse()); err != nil {
			panic(err)
		}
	})

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := &http.Server{Handler: mux, Protocols: new(http.Protocols), ErrorLog: quiet()}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(listener)
	fmt.Println(listener.Addr())
	io.Copy(io.Discard, os.Stdin)
}

// memory is what is in use, in bytes.
type memory struct{ Heap, Stacks float64 }

// memoryInUse is without what a collection frees.
func memoryInUse() memory {
	runtime.GC()
	runtime.GC() // what the first one has taken out of a sync.Pool is free now
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return memory{float64(stats.HeapAlloc), float64(stats.StackInuse)}
}

func (m memory) minus(other memory) memory {
	return memory{m.Heap - other.Heap, m.Stacks - other.Stacks}
}
func (m memory) each(n int) memory { return memory{m.Heap / float64(n), m.Stacks / float64(n)} }
func (m memory) sum() float64      { return m.Heap + m.Stacks }

// arrived is how many requests there are, and how much of their bodies has arrived.
type arrived struct{ Requests, Bytes int64 }

// arrivals knows what has been read of all the bodies, and how many readers wait.
type arrivals struct {
	mu      sync.Mutex
	changed *sync.Cond
	waiting arrived // the readers that wait, and the bytes of all
}

func newArrivals() *arrivals {
	a := new(arrivals)
	a.changed = sync.NewCond(&a.mu)
	return a
}

func (a *arrivals) add(requests, bytes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting.Requests += int64(requests)
	a.waiting.Bytes += int64(bytes)
	a.changed.Broadcast()
}

func (a *arrivals) wait(expected arrived) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.waiting != expected {
		a.changed.Wait()
	}
}

func (a *arrivals) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := &watchedBody{ReadCloser: r.Body, arrivals: a}
		r.Body = body
		next.ServeHTTP(w, r)
		a.add(0, -body.read) // the request is over: it counts no more
	})
}

type watchedBody struct {
	io.ReadCloser
	arrivals *arrivals
	read     int
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.arrivals.add(+1, 0)
	n, err := b.ReadCloser.Read(p)
	b.read += n
	b.arrivals.add(-1, n)
	return n, err
}

// measuredServer is the process of serve.
type measuredServer struct{ address string }

func startServer(tb testing.TB) measuredServer {
	tb.Helper()
	executable, err := os.Executable()
	require.NoError(tb, err)
	command := exec.Command(executable)
	command.Env = append(os.Environ(), serveVariable+"=1",
		"GOGC=off",
		"GORACE=atexit_sleep_ms=0") // or the race detector waits for a second at the end
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	require.NoError(tb, err)
	output, err := command.StdoutPipe()
	require.NoError(tb, err)
	require.NoError(tb, command.Start())
	tb.Cleanup(func() {
		input.Close()
		command.Wait()
	})
	var s measuredServer
	_, err = fmt.Fscanln(output, &s.address)
	require.NoError(tb, err)
	return s
}

// held returns what the server holds when the bodies have arrived as far as expected.
func (s measuredServer) held(tb testing.TB, expected arrived) (held memory) {
	tb.Helper()
	question, err := json.Marshal(expected)
	require.NoError(tb, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+"/held", bytes.NewReader(question))
	require.NoError(tb, err)
	r.Close = true
	res, err := http.DefaultClient.Do(r)
	require.NoError(tb, err, "the server has not received %+v", expected)
	defer res.Body.Close()
	require.NoError(tb, json.NewDecoder(res.Body).Decode(&held))
	return held
}

// A load sends requests whose bodies do not end. It returns how many bytes it has
// sent, all in all, when the server has got them, and a function that ends it.
type load func(tb testing.TB, address, path string, body int) (requests int, sent func() int64, end func())

// http1Load has a connection for each request.
func http1Load(tb testing.TB, address, path string, body int) (int, func() int64, func()) {
	const connections = 400
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nStripe-Signature: %s\r\nContent-Length: %d\r\n\r\n",
		path, looksSigned(), announced)
	request := []byte(head + strings.Repeat(" ", body))
	var conns []net.Conn
	for range connections {
		conn, err := net.Dial("tcp", address)
		require.NoError(tb, err)
		conns = append(conns, conn)
		_, err = conn.Write(request)
		require.NoError(tb, err)
	}
	sent := int64(connections * len(request))
	return connections, func() int64 { return sent }, func() {
		for _, conn := range conns {
			conn.Close()
		}
	}
}

// http2Load has a stream of one connection for each request.
func http2Load(tb testing.TB, address, path string, body int) (int, func() int64, func()) {
	const streams = 200
	var sent atomic.Int64
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return countedConn{conn, &sent}, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	signature := looksSigned()
	var requests sync.WaitGroup
	for range streams {
		content := strings.NewReader(strings.Repeat(" ", body))
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+path,
			io.MultiReader(content, untilDone{ctx}))
		require.NoError(tb, err)
		r.ContentLength = announced
		r.Header.Set("Stripe-Signature", signature)
		requests.Go(func() {
			if res, err := transport.RoundTrip(r); err == nil {
				res.Body.Close()
				tb.Error("the server has responded before the body was there: ", res.Status)
			}
		})
	}
	return streams, sent.Load, func() {
		cancel()
		requests.Wait()
		transport.CloseIdleConnections()
	}
}

// looksSigned is a header of the form and the time of a signature, which anybody can
// write.
func looksSigned() string {
	return fmt.Sprintf("t=%d,v1=%064d", time.Now().Unix(), 0)
}

type countedConn struct {
	net.Conn
	sent *atomic.Int64
}

func (c countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

type untilDone struct{ context.Context }

func (u untilDone) Read([]byte) (int, error) {
	<-u.Done()
	return 0, u.Err()
}

// footprint is what one request makes the server hold.
type footprint struct {
	requests int
	sent     float64 // bytes, by one request
	bare     memory  // where a handler keeps nothing: this is net/http's
	chain    memory  // what the chain adds
}

func measure(tb testing.TB, load load, body int) footprint {
	tb.Helper()
	var f footprint
	for path, held := range map[string]*memory{"/bare": &f.bare, "/chain": &f.chain} {
		server := startServer(tb)
		before := server.held(tb, arrived{})
		requests, sent, end := load(tb, server.address, path, body)
		during := server.held(tb, arrived{int64(requests), int64(requests * body)})
		end()
		f.requests = requests
		f.sent = float64(sent()) / float64(requests)
		*held = during.minus(before).each(requests)
	}
	f.chain = f.chain.minus(f.bare)
	return f
}

func (f footprint) String() string {
	return fmt.Sprintf("%d requests of %.0f B: net/http holds %.0f B for each, the chain %.0f B of heap and %.0f B of stack, which is %.2f held/sent",
		f.requests, f.sent, f.bare.sum(), f.chain.Heap, f.chain.Stacks, f.chain.sum()/f.sent)
}

var loads = map[string]load{
	"HTTP/1.1, 400 connections": http1Load,
	"HTTP/2, 200 streams":       http2Load,
}

// Bodies of these sizes have arrived out of the announced ones.
var arrivedSizes = []int{0, 1, 100, 1 << 10, 16<<10 + 1, 64<<10 + 1}

// perRequest is what a request may cost to be under way at all, whatever has arrived
// of it: a goroutine's stack can double, from 4 KiB, and a context needs its place.
const perRequest = 8 << 10

func TestMemoryFollowsWhatHasArrivedAndNotWhatIsAnnounced(t *testing.T) {
	for name, load := range loads {
		for _, size := range arrivedSizes {
			t.Run(fmt.Sprintf("%s, %d bytes of each body", name, size), func(t *testing.T) {
				f := measure(t, load, size)
				t.Log(f)
				assert.Less(t, f.chain.sum(), perRequest+4*f.sent)
			})
		}
	}
}

// BenchmarkMemory prints what the chain holds, beyond what net/http does, for each
// byte that was sent: of all memory, and of the heap alone.
func BenchmarkMemory(b *testing.B) {
	for name, load := range loads {
		for _, size := range arrivedSizes {
			b.Run(fmt.Sprintf("%s/arrived=%d", strings.ReplaceAll(name, " ", "_"), size), func(b *testing.B) {
				var held memory
				var sent float64
				for range b.N {
					f := measure(b, load, size)
					held, sent = memory{held.Heap + f.chain.Heap, held.Stacks + f.chain.Stacks}, sent+f.sent
				}
				b.ReportMetric(held.sum()/sent, "B-held/B-sent")
				b.ReportMetric(held.Heap/sent, "B-heap/B-sent")
				b.ReportMetric(held.sum()/float64(b.N), "B-held/request")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
