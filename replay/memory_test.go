package replay_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// clock is one that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1700000000, 0)} }

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

func TestMemoryThatIsFullFailsAndRecovers(t *testing.T) {
	for _, most := range []int{1, 10, 1000} {
		clock := newClock()
		m := replay.NewMemory(replay.MemoryConfig{MaxClaims: most, Now: clock.Now})
		for i := range most {
			first, err := m.Claim(context.Background(), fmt.Sprint(i), clock.Now().Add(time.Minute))
			require.NoError(t, err)
			assert.True(t, first)
		}
		first, err := m.Claim(context.Background(), "one more", clock.Now().Add(time.Minute))
		assert.Equal(t, replay.ErrFull, err)
		assert.False(t, first)
		first, err = m.Claim(context.Background(), "0", clock.Now().Add(time.Minute))
		assert.NoError(t, err, "what is claimed is still known")
		assert.False(t, first)

		clock.Advance(time.Minute + 1)
		for i := range most { // all of them have made room, wherever they were
			first, err := m.Claim(context.Background(), fmt.Sprint("again ", i), clock.Now().Add(time.Minute))
			require.NoError(t, err)
			assert.True(t, first)
		}
	}
}

func TestMemoryForgetsInTheOrderInWhichClaimsExpire(t *testing.T) {
	clock := newClock()
	m := replay.NewMemory(replay.MemoryConfig{Now: clock.Now})
	const n = 1000
	for i := range n {
		_, err := m.Claim(context.Background(), fmt.Sprint(i), clock.Now().Add(time.Duration(i*7919%n+1)*time.Second))
		require.NoError(t, err)
	}
	clock.Advance(n / 2 * time.Second)
	for i := range n {
		first, err := m.Claim(context.Background(), fmt.Sprint(i), clock.Now().Add(time.Hour))
		require.NoError(t, err)
		assert.Equal(t, i*7919%n+1 < n/2, first, "%d", i)
	}
}

// 128 bytes a claim is what MemoryConfig says.
func TestAClaimTakesAsMuchMemoryAsIsSaid(t *testing.T) {
	const n = 1 << 16
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%043d", i)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := replay.NewMemory(replay.MemoryConfig{MaxClaims: n})
	for _, key := range keys {
		if _, err := m.Claim(context.Background(), key, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	assert.LessOrEqual(t, (after.HeapAlloc-before.HeapAlloc)/n, uint64(128))
	runtime.KeepAlive(m)
}

func TestMemoryHasNoNegativeSize(t *testing.T) {
	assert.Panics(t, func() { replay.NewMemory(replay.MemoryConfig{MaxClaims: -1}) })
}

func BenchmarkMemory(b *testing.B) {
	m := replay.NewMemory(replay.MemoryConfig{MaxClaims: 1 << 30})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		key := []byte("0123456789012345678901234567890123456789012")
		for i := 0; pb.Next(); i++ {
			key[i%43]++
			if _, err := m.Claim(context.Background(), string(key), time.Now().Add(time.Second)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
