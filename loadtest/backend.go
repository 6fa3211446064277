package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/redisreplay"
	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// What a server on the public edge needs, in docs/load.md. Those for the header and
// the body are shorter here, so that slow clients meet them within the run.
const (
	readHeaderTimeout = time.Second
	bodyTimeout       = time.Second // of the chain
	readTimeout       = 10 * time.Second
	writeTimeout      = 10 * time.Second
	idleTimeout       = time.Minute
	maxHeaderBytes    = 16 << 10
)

// The routes of the backend. All but the first are behind the chain.
const (
	bare         = "/bare"
	chain        = "/chain"
	guardMemory  = "/memory"
	guardRedis   = "/redis"
	rotatingPath = "/rotating"
	slowPath     = "/slow"
)

// backendConfig is what a backend is started with.
type backendConfig struct {
	Secret string // of all routes but the rotating one
	First  string // of the rotating one
	Redis  string // an address; "" if there is none
	Prefix string // of the keys there
}

// backend is what is put under load. Its fields that are functions can be replaced
// before start, by one that is broken.
type backend struct {
	server     *http.Server
	setSecrets func(secrets ...string) error
	shutdown   func(ctx context.Context) error

	control     *http.Server
	redis       *redis.Client // or nil
	connections atomic.Int64

	mu       sync.Mutex
	reached  map[reached]int // requests that a handler was called with
	begun    map[string]bool
	inFlight int
}

func newBackend(config backendConfig) (*backend, error) {
	b := &backend{reached: map[reached]int{}, begun: map[string]bool{}}
	mux, err := b.routes(config)
	if err != nil {
		return nil, err
	}
	b.server = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(io.Discard, "", 0), // what clients do wrong
		ConnState:         b.countConnections,
	}
	b.shutdown = b.server.Shutdown
	return b, nil
}

func (b *backend) routes(config backendConfig) (http.Handler, error) {
	steady, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{config.Secret}, BodyTimeout: bodyTimeout})
	rotating, err2 := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{config.First}, BodyTimeout: bodyTimeout})
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	b.setSecrets = rotating.SetSecrets
	protect, err := stripeapps.New(stripeapps.Config{Verifier: steady})
	protectRotating, err2 := stripeapps.New(stripeapps.Config{Verifier: rotating})
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}

	answer := http.HandlerFunc(b.answer)
	mux := http.NewServeMux()
	mux.Handle(bare, answer)
	mux.Handle(chain, protect(answer))
	mux.Handle(rotatingPath, protectRotating(answer))
	mux.Handle(slowPath, protect(http.HandlerFunc(b.answerSlowly)))
	// What happens once it is full is not what is tried here.
	once, err := replay.Once(replay.Config{Guard: replay.NewMemory(replay.MemoryConfig{MaxClaims: 1 << 26})})
	if err != nil {
		return nil, err
	}
	mux.Handle(guardMemory, protect(once(answer)))
	if config.Redis == "" {
		return mux, nil
	}
	guard, err := b.redisGuard(config)
	if err != nil {
		return nil, err
	}
	if once, err = replay.Once(replay.Config{Guard: guard}); err != nil {
		return nil, err
	}
	mux.Handle(guardRedis, protect(once(answer)))
	return mux, nil
}

func (b *backend) redisGuard(config backendConfig) (replay.Guard, error) {
	// All connections are there from the beginning: their buffers are no leak.
	b.redis = redis.NewClient(&redis.Options{
		Addr: config.Redis, ContextTimeoutEnabled: true,
		PoolSize: 16, MinIdleConns: 16, ConnMaxIdleTime: -1, ConnMaxLifetime: -1,
	})
	guard, err := redisreplay.New(b.redis, redisreplay.Config{Prefix: config.Prefix})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := guard.Check(ctx); err != nil && !errors.Is(err, redisreplay.ErrPolicyUnknown) {
		return nil, err
	}
	return guard, nil
}

// answerTo is the response to the request with a nonce: nobody else's.
func answerTo(nonce string) string { return fmt.Sprintf(`{"nonce":%q}`, nonce) }

// slowAnswerTo is longer than what is sent at once.
func slowAnswerTo(nonce string) string {
	return answerTo(nonce) + strings.Repeat(" ", 32<<10) + answerTo(nonce)
}

func (b *backend) answer(w http.ResponseWriter, r *http.Request) {
	if nonce, ok := b.read(w, r); ok {
		io.WriteString(w, answerTo(nonce))
	}
}

// read returns the nonce of the payload. It reads the body, as behind the chain so in
// front of it, so that the bare handler does what the others do.
func (b *backend) read(w http.ResponseWriter, r *http.Request) (nonce string, ok bool) {
	b.mu.Lock()
	b.reached[reached{r.URL.Path, r.URL.Query().Get("kind")}]++
	b.mu.Unlock()
	var payload struct{ Nonce string }
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(body, &payload)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return "", false
	}
	return payload.Nonce, true
}

// answerSlowly is in the middle of its response for most of the time.
func (b *backend) answerSlowly(w http.ResponseWriter, r *http.Request) {
	nonce, ok := b.read(w, r)
	if !ok {
		return
	}
	b.mu.Lock()
	b.inFlight++
	b.begun[nonce] = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.inFlight--
		b.mu.Unlock()
	}()
	text := slowAnswerTo(nonce)
	pause := 10*time.Millisecond + rand.N(20*time.Millisecond)
	time.Sleep(pause)
	io.WriteString(w, text[:len(text)/2])
	http.NewResponseController(w).Flush()
	time.Sleep(pause)
	io.WriteString(w, text[len(text)/2:])
}

func (b *backend) countConnections(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		b.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		b.connections.Add(-1)
	}
}

// addresses are where a backend can be reached.
type addresses struct{ Public, Control string }

func (b *backend) start() (addresses, error) {
	public, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return addresses{}, err
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return addresses{}, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /figures", b.tellFigures)
	mux.HandleFunc("POST /secrets", b.takeSecrets)
	mux.HandleFunc("POST /shutdown", b.shutDown)
	b.control = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go b.server.Serve(public)
	go b.control.Serve(control)
	return addresses{public.Addr().String(), control.Addr().String()}, nil
}

func (b *backend) close() {
	b.server.Close()
	b.control.Close()
	if b.redis != nil {
		b.redis.Close()
	}
}

// figures are those of the backend's process.
type figures struct {
	Heap        int64 // bytes, after a garbage collection
	Goroutines  int
	Connections int64
	Reached     []reachedCount
}

// reached is what the table needs to know of a request that a handler was called with.
type reached struct{ path, kind string }

type reachedCount struct {
	Path, Kind string
	Count      int
}

// count returns how many requests have reached the handler on a path, or on any if it
// is "", of a kind, or of any.
func (f figures) count(path, kind string) (n int) {
	for _, r := range f.Reached {
		if (path == "" || path == r.Path) && (kind == "" || kind == r.Kind) {
			n += r.Count
		}
	}
	return n
}

func (b *backend) tellFigures(w http.ResponseWriter, _ *http.Request) {
	runtime.GC() // twice: pools give back what they have after the second
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	f := figures{Heap: int64(memory.HeapAlloc), Goroutines: runtime.NumGoroutine(), Connections: b.connections.Load()}
	b.mu.Lock()
	for r, count := range b.reached {
		f.Reached = append(f.Reached, reachedCount{r.path, r.kind, count})
	}
	b.mu.Unlock()
	json.NewEncoder(w).Encode(f)
}

func (b *backend) takeSecrets(w http.ResponseWriter, r *http.Request) {
	var secrets []string
	err := json.NewDecoder(r.Body).Decode(&secrets)
	if err == nil {
		err = b.setSecrets(secrets...)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// shutdownReport is about what answerSlowly was called with. A request that began
// before the shutdown must get its response. One that began later may not: a
// connection that is idle is closed, even if its next request is just being read.
//
// https://go.dev/issue/65802
type shutdownReport struct {
	Before   []string // nonces of those that began before it
	InFlight int      // how many of these had no response yet
	Later    []string
	Err      string
}

func (b *backend) shutDown(w http.ResponseWriter, r *http.Request) {
	var report shutdownReport
	before := map[string]bool{}
	b.mu.Lock()
	for nonce := range b.begun {
		before[nonce] = true
		report.Before = append(report.Before, nonce)
	}
	report.InFlight = b.inFlight
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	if err := b.shutdown(ctx); err != nil {
		report.Err = err.Error()
	}
	b.mu.Lock()
	for nonce := range b.begun {
		if !before[nonce] {
			report.Later = append(report.Later, nonce)
		}
	}
	b.mu.Unlock()
	json.NewEncoder(w).Encode(report)
}
