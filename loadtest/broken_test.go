package main

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tiny is a run of a few seconds, with short rolls.
var tiny = plan{sustained: 0, rotation: 5 * tinyHalf, hostilePairs: 1, shutdowns: 1}

// The real thing, with a backend in a process of its own.
func TestAHealthyBackendPasses(t *testing.T) {
	t.Parallel()
	var all processes
	t.Cleanup(all.stop)
	redis, why, err := findRedis("", &all)
	require.NoError(t, err)
	b, err := newBench(testRate, redis, func(config backendConfig) (*remote, error) { return startChild(t.Context(), config, &all) })
	require.NoError(t, err)
	b.noRedis, b.halfARoll = why, tinyHalf
	rows, err := b.all(t.Context(), tiny)
	require.NoError(t, err)
	assert.Len(t, rows, 12)
	for _, r := range rows {
		assert.NotEqual(t, fail, r.verdict, "%+v", r)
	}
}

func TestABackendThatAcceptsEverythingFails(t *testing.T) {
	t.Parallel()
	b := newTestBench(t, testRate, acceptEverything)
	rows, err := b.all(t.Context(), tiny)
	require.NoError(t, err)
	got := verdicts(rows)
	for _, what := range []string{
		"sent twice at once, chain + replay guard in memory", "secret rolled twice a second", "hostile mix, 30 % of all requests",
	} {
		assert.Equal(t, fail, got[what], what)
	}
	assert.NotEqual(t, fail, got["valid load, chain"], "which is all that it does")
}

func TestABackendThatRefusesOneInAThousandFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		each int
		want bool
	}{"one in a thousand": {1000, true}, "none": {1 << 30, false}} {
		var handler http.Handler
		b := newTestBench(t, 8000, func(b *backend) { handler = refuseEach(test.each, b.server.Handler) })
		withoutNetwork(b, handler)
		v := b.variants()[1:2]
		b.sustained(v, 0)
		require.Greater(t, v[0].tally.tried, 1000, name)
		assert.Equal(t, test.want, sustainedRows(v, "")[0].verdict == fail, "%s: %s", name, v[0].tally.complaint())
	}
}

func TestABackendThatRollsWronglyFails(t *testing.T) {
	for name, test := range map[string]struct {
		breaks func(set func(...string) error) func(...string) error
		want   string
	}{
		"it is right": {func(set func(...string) error) func(...string) error { return set }, ""},
		"it keeps what is retired": {func(set func(...string) error) func(...string) error {
			var all []string
			return func(secrets ...string) error {
				if len(secrets) == 2 { // the first: the new one
					all = append([]string{secrets[0]}, all...)
				}
				if len(all) == 1 {
					all = append(all, secrets[1])
				}
				return set(all...)
			}
		}, "accepted"},
		"it drops the old one at once": {func(set func(...string) error) func(...string) error {
			return func(secrets ...string) error { return set(secrets[0]) }
		}, "refused: 401 no_match"},
		"it has no secret for a moment": {func(set func(...string) error) func(...string) error {
			return func(secrets ...string) error {
				set("absec_none")
				time.Sleep(tinyHalf / 5)
				return set(secrets...)
			}
		}, "refused: 401 no_match"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBench(t, testRate, func(b *backend) { b.setSecrets = test.breaks(b.setSecrets) })
			x, err := b.rotation(t.Context(), tiny.rotation)
			require.NoError(t, err)
			got := x.row()
			if test.want == "" {
				assert.Equal(t, ok, got.verdict, got.figures)
			} else {
				assert.Equal(t, fail, got.verdict, got.figures)
				assert.Contains(t, got.figures, test.want)
			}
		})
	}
}

func TestABackendThatDropsConnectionsWhenItStopsFails(t *testing.T) {
	for name, test := range map[string]struct {
		shutdown func(b *backend) func(context.Context) error
		want     string
	}{
		"it closes them": {func(b *backend) func(context.Context) error {
			return func(context.Context) error { return b.server.Close() }
		}, "WRONG"},
		"it gives them no time": {func(b *backend) func(context.Context) error {
			return func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				err := b.server.Shutdown(ctx)
				b.server.Close()
				return err
			}
		}, "WRONG"},
		"it does not stop": {func(*backend) func(context.Context) error {
			return func(context.Context) error { return fmt.Errorf("not now") }
		}, "not now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBench(t, testRate, func(b *backend) { b.shutdown = test.shutdown(b) })
			x, err := b.shutdowns(t.Context(), 1)
			require.NoError(t, err)
			got := x.row()
			assert.Equal(t, fail, got.verdict, got.figures)
			assert.Contains(t, got.figures, test.want)
		})
	}
}

// Not in parallel: the heap is that of all tests.
func TestABackendThatLeaksFails(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	var kept [][]byte
	for name, test := range map[string]struct {
		leak func()
		want string // "" if all is well
	}{
		"nothing":        {func() {}, ""},
		"memory":         {func() { kept = append(kept, make([]byte, 64<<10)) }, "the heap grows"},
		"its goroutines": {func() { go func() { <-over }() }, "goroutines stay"},
	} {
		t.Run(name, func(t *testing.T) {
			lock := make(chan struct{}, 1)
			b := newTestBench(t, testRate, func(b *backend) {
				next := b.server.Handler
				b.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					lock <- struct{}{}
					test.leak()
					<-lock
					next.ServeHTTP(w, r)
				})
			})
			b.sustained(b.variants()[1:2], 0)
			before, err := b.settled(t.Context())
			require.NoError(t, err)
			b.sustained(b.variants()[1:2], 0)
			after, err := b.settled(t.Context())
			require.NoError(t, err)
			got := memoryRow(before, after)
			if test.want == "" {
				assert.Equal(t, ok, got.verdict, got.figures)
			} else {
				assert.Equal(t, fail, got.verdict, got.figures)
				assert.Contains(t, got.figures, test.want)
			}
		})
	}
	assert.NotEmpty(t, kept)
}
