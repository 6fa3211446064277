package redisreplay_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/seed-8a2ffb75/stripeapps/redisreplay"
	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// A claim in a server on this machine, and in this process.
func BenchmarkClaim(b *testing.B) {
	for _, bench := range []struct {
		peer string
		new  func(b *testing.B) replay.Guard
	}{
		{"redis", func(b *testing.B) replay.Guard {
			return newGuard(b, newServer(b).client(b), redisreplay.Config{})
		}},
		{"memory", func(*testing.B) replay.Guard {
			return replay.NewMemory(replay.MemoryConfig{MaxClaims: 1 << 30})
		}},
	} {
		b.Run("peer="+bench.peer, func(b *testing.B) {
			guard, until := bench.new(b), later()
			var next atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					key := strconv.FormatInt(next.Add(1), 10)
					if first, err := guard.Claim(context.Background(), key, until); err != nil || !first {
						b.Errorf("%v %v", first, err)
						return
					}
				}
			})
		})
	}
}
