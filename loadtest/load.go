package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// bench has what the parts of the run need.
type bench struct {
	rate     int
	secret   string
	first    string // secret of the rotating route
	noRedis  string // why there is none, or ""
	backend  *remote
	client   *http.Client
	start    func(backendConfig) (*remote, error)
	progress func(format string, args ...any)

	halfARoll time.Duration
}

func newSecret() string { return "absec_" + rand.Text() }

func newBench(rate int, redis string, start func(backendConfig) (*remote, error)) (*bench, error) {
	b := &bench{rate: rate, secret: newSecret(), first: newSecret(), client: newClient(), start: start, halfARoll: halfARoll}
	b.progress = func(string, ...any) {}
	var err error
	b.backend, err = start(backendConfig{b.secret, b.first, redis, "stripeapps:loadtest:" + rand.Text() + ":"})
	return b, err
}

// newClient never asks a proxy, and gives a connection up before the server does: a
// POST that meets the server's closing of it would be lost.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: idleTimeout / 4, DisableCompression: true},
		Timeout:   10 * time.Second,
	}
}

// plan is how long the parts of a run take.
type plan struct {
	sustained, rotation time.Duration
	hostilePairs        int
	shutdowns           int
}

func planFor(duration time.Duration) plan {
	share := func(percent time.Duration) time.Duration { return duration * percent / 100 }
	return plan{share(40), share(17), max(2, int(share(33)/pairDuration)), max(2, int(share(10)/time.Second))}
}

// all runs all parts.
func (b *bench) all(ctx context.Context, p plan) ([]row, error) {
	b.progress("warming up")
	b.sustained(b.variants(), 0)
	before, err := b.settled(ctx)
	if err != nil {
		return nil, err
	}
	variants := b.variants()
	b.sustained(variants, p.sustained)
	rolled, err := b.rotation(ctx, p.rotation)
	if err != nil {
		return nil, err
	}
	attacked, err := b.hostile(ctx, p.hostilePairs)
	if err != nil {
		return nil, err
	}
	after, err := b.settled(ctx)
	if err != nil {
		return nil, err
	}
	stopped, err := b.shutdowns(ctx, p.shutdowns)
	if err != nil {
		return nil, err
	}
	rows := append(sustainedRows(variants, b.noRedis), replayRows(variants, b.noRedis)...)
	rows = append(rows, rolled.row())
	rows = append(rows, attacked.rows(after)...)
	return append(rows, memoryRow(before, after), stopped.row()), nil
}

// kindValid is what the query of a valid request says; other parts have kinds of their
// own.
const kindValid = "valid"

// target is a request with a new nonce, signed anew. What the table needs to know of it
// is in the query, which is not signed.
func (b *bench) target(path, kind string, secrets ...string) vegeta.Target {
	nonce := rand.Text()
	r := stripeappstest.NewRequest(http.MethodPost, path, payload(nonce), stripeappstest.WithSecret(secrets...))
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err) // it is in memory
	}
	query := url.Values{"kind": {kind}, "nonce": {nonce}}
	return vegeta.Target{Method: r.Method, URL: "http://" + b.backend.addr + path + "?" + query.Encode(), Body: body, Header: r.Header}
}

// payload is one of about half a KiB.
func payload(nonce string) string {
	return fmt.Sprintf(`{"action":"refund","livemode":false,"amount":1250,"note":%q,"nonce":%q}`, strings.Repeat("load ", 70), nonce)
}

// signed returns as many targets as are sent in a duration, so that signing is not
// part of what is measured.
func (b *bench) signed(duration time.Duration, one func() vegeta.Target) (next func() vegeta.Target) {
	targets := make([]vegeta.Target, count(b.rate, duration))
	for i := range targets {
		targets[i] = one()
	}
	return func() (t vegeta.Target) {
		t, targets = targets[0], targets[1:]
		return t
	}
}

func count(rate int, duration time.Duration) int { return int(float64(rate)*duration.Seconds()) + 1 }

// sent says that so many requests are enough.
func sent(n int) (enough func(sent int) bool) { return func(sent int) bool { return sent >= n } }

// attack sends targets at a steady rate, whatever becomes of them, until there are
// enough: a number, not a time, so that what is tried is the same on a machine that is
// busy. It calls next and each, with the results, for one after the other.
func attack(client *http.Client, next func() vegeta.Target, rate int, enough func(sent int) bool, each func(*vegeta.Result)) {
	var mu sync.Mutex
	targeter := func(t *vegeta.Target) error {
		mu.Lock()
		defer mu.Unlock()
		*t = next()
		return nil
	}
	attacker := vegeta.NewAttacker(vegeta.Client(client), vegeta.MaxWorkers(1024))
	for result := range attacker.Attack(targeter, pacer{vegeta.ConstantPacer{Freq: rate, Per: time.Second}, enough}, 0, "") {
		each(result)
	}
}

type pacer struct {
	vegeta.ConstantPacer
	enough func(sent int) bool
}

func (p pacer) Pace(elapsed time.Duration, sent uint64) (wait time.Duration, stop bool) {
	if p.enough(int(sent)) {
		return 0, true
	}
	return p.ConstantPacer.Pace(elapsed, sent)
}

// about says what a result's request was.
func about(result *vegeta.Result) (kind, nonce string) {
	at, err := url.Parse(result.URL)
	if err != nil {
		return "", ""
	}
	return at.Query().Get("kind"), at.Query().Get("nonce")
}

// acceptedFault is "" if the handler's whole response to this very request has come.
func acceptedFault(result *vegeta.Result, want string) string {
	switch {
	case result.Code == 0:
		return "no response: " + result.Error
	case result.Code != http.StatusOK:
		return fmt.Sprintf("refused: %d %s", result.Code, codeOf(result.Body))
	case result.Error != "":
		return "not the whole response: " + result.Error
	case string(result.Body) != want:
		return fmt.Sprintf("another response: %.80q", result.Body)
	}
	return ""
}

// refusedFault is "" if the request is refused in the way it must be.
func refusedFault(result *vegeta.Result, status int, code string) string {
	switch got := codeOf(result.Body); {
	case result.Code == 0:
		return "no response: " + result.Error
	case result.Code < 300:
		return "accepted"
	case int(result.Code) != status || got != code:
		return fmt.Sprintf("refused with %d %s, not %d %s", result.Code, got, status, code)
	}
	return ""
}

// codeOf returns that of a problem document, or the text.
func codeOf(body []byte) string {
	var problem struct{ Code string }
	if json.Unmarshal(body, &problem) == nil && problem.Code != "" {
		return problem.Code
	}
	return fmt.Sprintf("%.60s", body)
}
