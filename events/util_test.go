package events_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

const (
	testSecret = "whsec_test_secret"
	testType   = "invoice.paid"
)

var testNow = time.Unix(1700000000, 0)

func testClock() time.Time { return testNow }

// newEndpoint returns an Endpoint of a configuration that is completed for a test.
func newEndpoint(tb testing.TB, cfg events.Config) *events.Endpoint {
	tb.Helper()
	if cfg.Secrets == nil && cfg.LabeledSecrets == nil {
		cfg.Secrets = []string{testSecret}
	}
	if cfg.Accept == 0 {
		cfg.Accept = events.LiveAndTest
	}
	if cfg.Now == nil {
		cfg.Now = testClock
	}
	if cfg.Installs == nil && cfg.Handlers == nil && cfg.Other == nil {
		cfg.Other = func(context.Context, events.Event) error { return nil }
	}
	endpoint, err := events.NewEndpoint(cfg)
	require.NoError(tb, err)
	return endpoint
}

// snapshot is a snapshot event.
func snapshot(id, eventType string) string {
	return fmt.Sprintf(`{"id":%q,"object":"event","account":"acct_1","api_version":"2026-10-28.endive","created":1699999990,`+
		`"data":{"object":{"id":"in_1","object":"invoice"}},"livemode":true,"pending_webhooks":1,"request":null,"type":%q}`, id, eventType)
}

func sign(payload, secret string, at time.Time) string {
	return stripejs.Header([]byte(payload), at, secret)
}

func newRequest(payload string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/stripe/events", strings.NewReader(payload))
	r.Header.Set("Stripe-Signature", sign(payload, testSecret, testNow))
	return r
}

// serve sends an event, and returns the status and the code of the problem document, or
// "" if there is no body.
func serve(t *testing.T, handler http.Handler, r *http.Request) (status int, code string) {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Body.Len() == 0 {
		return w.Code, ""
	}
	var problem struct{ Code string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &problem))
	return w.Code, problem.Code
}

func assertServes(t *testing.T, handler http.Handler, r *http.Request, wantStatus int, wantCode string) {
	t.Helper()
	status, code := serve(t, handler, r)
	assert.Equal(t, []any{wantStatus, wantCode}, []any{status, code})
}

// clock is one that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: testNow} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// results takes down what Observe is told.
type results struct {
	mu  sync.Mutex
	all []events.Result
}

func (r *results) Observe(result events.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, result)
}

func (r *results) outcomes() (all []events.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, result := range r.all {
		all = append(all, result.Outcome)
	}
	return all
}
