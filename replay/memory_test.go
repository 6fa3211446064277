package replay_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
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
		_, err = m.Claim(context.Background(), "one more again", clock.Now().Add(time.Minute))
		assert.Equal(t, replay.ErrFull, err, "and no more than that")
	}
}

func TestMemoryForgetsInTheOrderInWhichClaimsExpire(t *testing.T) {
	const n = 1000
	for _, test := range []struct {
		name    string
		expires func(i int) int // in seconds, from 1 to n
		after   int
	}{
		{"mixed", func(i int) int { return i*7919%n + 1 }, n / 2},
		{"the first one first", func(i int) int { return i + 1 }, n / 2},
		{"the last one first, of which each has just come", func(i int) int { return n - i }, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := newClock()
			m := replay.NewMemory(replay.MemoryConfig{Now: clock.Now})
			for i := range n {
				_, err := m.Claim(context.Background(), fmt.Sprint(i), clock.Now().Add(time.Duration(test.expires(i))*time.Second))
				require.NoError(t, err)
			}
			clock.Advance(time.Duration(test.after) * time.Second)
			for i := range n {
				first, err := m.Claim(context.Background(), fmt.Sprint(i), clock.Now().Add(time.Hour))
				require.NoError(t, err)
				assert.Equal(t, test.expires(i) < test.after, first, "%d", i)
			}
		})
	}
}

// 128 bytes a claim, and 32 MiB by default, is what MemoryConfig says; also after the
// claims have been others for some time.
func TestAClaimTakesAsMuchMemoryAsIsSaid(t *testing.T) {
	assert.Equal(t, 32<<20, 128*replay.DefaultMaxClaims)
	for _, n := range []int{1 << 16, 54640} { // the second is just above what slices and maps have room for
		keys := make([]string, n)
		for i := range keys {
			keys[i] = fmt.Sprintf("%043d", i)
		}
		clock := newClock()
		before := heap()
		m := replay.NewMemory(replay.MemoryConfig{MaxClaims: n, Now: clock.Now})
		for range 3 {
			for _, key := range keys {
				if first, err := m.Claim(context.Background(), key, clock.Now().Add(time.Hour)); err != nil || !first {
					t.Fatal(first, err)
				}
			}
			assert.LessOrEqual(t, (heap()-before)/uint64(n), uint64(128))
			clock.Advance(2 * time.Hour)
		}
		runtime.KeepAlive(m)
		runtime.KeepAlive(keys)
	}
}

// heap is how much memory is in use.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestMemoryHasNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	m := replay.NewMemory(replay.MemoryConfig{})
	_, err := m.Claim(context.Background(), "key", time.Now().Add(time.Hour))
	require.NoError(t, err)
	assert.LessOrEqual(t, runtime.NumGoroutine(), before)
}

func TestMemoryHasNoNegativeSize(t *testing.T) {
	assert.Panics(t, func() { replay.NewMemory(replay.MemoryConfig{MaxClaims: -1}) })
}

// Claims that come at the same time, of 4096 keys for each processor, so that the locks
// are what differs from the peer: a map with one lock for all, which never forgets.
func BenchmarkMemory(b *testing.B) {
	for _, bench := range []struct {
		peer string
		new  func() replay.Guard
	}{
		{"Memory", func() replay.Guard { return replay.NewMemory(replay.MemoryConfig{}) }},
		{"one-lock", func() replay.Guard { return &oneLock{claimed: map[string]time.Time{}} }},
	} {
		b.Run("peer="+bench.peer, func(b *testing.B) {
			guard := bench.new()
			var goroutines atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				key := []byte("0123456789012345678901234567890123456789012")
				binary.LittleEndian.PutUint64(key, uint64(goroutines.Add(1)))
				for i := uint64(0); pb.Next(); i++ {
					binary.LittleEndian.PutUint64(key[8:], i%4096)
					if _, err := guard.Claim(context.Background(), string(key), time.Now().Add(time.Hour)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

type oneLock struct {
	mu      sync.Mutex
	claimed map[string]time.Time
}

func (l *oneLock) Claim(_ context.Context, key string, until time.Time) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, claimed := l.claimed[key]
	l.claimed[key] = until
	return !claimed, nil
}
