package redisreplay_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/redisreplay"
)

func split(t *testing.T, addr string) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return host, port
}

// The server is killed and started again while several clients send each signature
// several times. None of these passes twice, and none that has passed does again.
func TestAServerThatWritesEachClaimDownForgetsNone(t *testing.T) {
	server := newServer(t, "--appendonly", "yes", "--appendfsync", "always")
	at := time.Now()
	passed := make([]atomic.Int64, 100_000) // by nonce
	statuses, done := make(chan int), make(chan struct{})
	var next atomic.Int64
	var senders sync.WaitGroup
	for range 8 {
		client := server.client(t, func(o *redis.Options) { o.DialerRetries, o.DialTimeout = 1, time.Second })
		backend := newBackend(t, newGuard(t, client, redisreplay.Config{}))
		senders.Go(func() {
			for i := next.Add(1) - 1; i/4 < int64(len(passed)); i = next.Add(1) - 1 {
				status := backend.status(nonceOf(i/4), at) // each four times
				if status == http.StatusNoContent {
					passed[i/4].Add(1)
				}
				select {
				case statuses <- status:
				case <-done:
					return
				}
			}
		})
	}

	wait := func(status, n int) {
		for n > 0 {
			got := <-statuses
			require.Contains(t, []int{http.StatusNoContent, http.StatusConflict, http.StatusServiceUnavailable}, got)
			if got == status {
				n--
			}
		}
	}
	wait(http.StatusNoContent, 200)
	server.kill()
	wait(http.StatusServiceUnavailable, 20)
	require.True(t, server.start(t))
	wait(http.StatusNoContent, 200)
	close(done)
	senders.Wait()

	backend, accepted := newBackend(t, newGuard(t, server.client(t), redisreplay.Config{})), 0
	for i := range (next.Load() + 3) / 4 {
		n := passed[i].Load()
		require.LessOrEqual(t, n, int64(1), "nonce %d", i)
		if n == 1 {
			accepted++
			require.Equal(t, http.StatusConflict, backend.status(nonceOf(i), at), "nonce %d", i)
		}
	}
	assert.GreaterOrEqual(t, accepted, 400)
}

func nonceOf(i int64) string { return fmt.Sprintf("nonce-%016d", i) }

// Nothing else than what the package's comment says can be expected.
func TestAServerWithoutPersistenceForgetsWhenItIsRestarted(t *testing.T) {
	server := newServer(t)
	guard := newGuard(t, server.client(t, func(o *redis.Options) { o.DialerRetries = 1 }), redisreplay.Config{})
	claim := func() bool {
		first, err := guard.Claim(context.Background(), "key", later())
		require.NoError(t, err)
		return first
	}
	assert.True(t, claim())
	assert.False(t, claim())
	server.kill()
	_, err := guard.Claim(context.Background(), "key", later())
	assert.Error(t, err)
	require.True(t, server.start(t))
	assert.True(t, claim())
	assert.False(t, claim())
}
