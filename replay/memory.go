package replay

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// MemoryConfig configures NewMemory. Its zero value is ready to use.
type MemoryConfig struct {
	// MaxClaims is how many claims are remembered at a time, at most. 0 means
	// DefaultMaxClaims. When it is reached, Claim fails until one has expired,
	// rather than forget one. A claim takes up to 128 bytes, so that the default
	// holds 32 MiB at the very most: 790 requests a second, for the five and a
	// half minutes of DefaultTolerance and DefaultClockSkew.
	MaxClaims int

	// Now returns the current time. nil means time.Now. It must be safe for
	// concurrent use.
	Now func() time.Time
}

// DefaultMaxClaims is how many claims are remembered, unless MemoryConfig.MaxClaims
// says otherwise.
const DefaultMaxClaims = 1 << 18

// ErrFull is what Claim of a Memory returns when it has MaxClaims.
var ErrFull = errors.New("replay: too many claims are remembered: raise MemoryConfig.MaxClaims")

// Memory is a Guard for one process. It forgets everything when the process ends: a
// signature can then be used once more, for what is left of its time; and so can one
// that it forgot while the clock was ahead, when the clock is set back. It has no
// goroutine: claims that have expired are forgotten by the ones that come after.
type Memory struct {
	now    func() time.Time
	seeds  [2]maphash.Seed
	room   atomic.Int64 // for so many more claims
	shards [shards]shard
}

// shards keep claims that come at the same time from waiting for one another.
const shards = 64

// NewMemory returns an empty Memory. It panics if cfg.MaxClaims is negative.
func NewMemory(cfg MemoryConfig) *Memory {
	if cfg.MaxClaims < 0 {
		panic(fmt.Sprintf("replay: MemoryConfig.MaxClaims is %d: it must be 0 (meaning %d) or more", cfg.MaxClaims, DefaultMaxClaims))
	}
	if cfg.MaxClaims == 0 {
		cfg.MaxClaims = DefaultMaxClaims
	}
	m := &Memory{now: cfg.Now, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	if m.now == nil {
		m.now = time.Now
	}
	m.room.Store(int64(cfg.MaxClaims))
	for i := range m.shards {
		m.shards[i].claimed = make(map[digest]struct{})
	}
	return m
}

// Claim implements Guard. Its error is ErrFull, ErrOver, that of a key of the wrong
// length, or that of a ctx that has ended.
func (m *Memory) Claim(ctx context.Context, key string, until time.Time) (first bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if key == "" || len(key) > MaxKeyBytes {
		return false, fmt.Errorf("replay: a key of %d bytes: it must have 1 to %d", len(key), MaxKeyBytes)
	}
	// Instead of a key, 128 bits of it, seeded at random for this process: two keys
	// are taken for one another once in 2^128.
	d := digest{maphash.String(m.seeds[0], key), maphash.String(m.seeds[1], key)}
	now := m.now()
	if !until.After(now) {
		return false, ErrOver
	}
	first, err = m.claim(d, nanoseconds(until), nanoseconds(now))
	if err == ErrFull { // of what has expired in other shards, perhaps
		for i := range m.shards {
			m.shards[i].forget(&m.room, nanoseconds(now))
		}
		first, err = m.claim(d, nanoseconds(until), nanoseconds(now))
	}
	return first, err
}

// nanoseconds are those since 1970, as far as an int64 can count them: until 2262.
// UnixNano would turn a later time into one that may be over.
func nanoseconds(t time.Time) int64 {
	if t.Unix() >= math.MaxInt64/int64(time.Second) {
		return math.MaxInt64
	}
	return t.UnixNano()
}

func (m *Memory) claim(key digest, until, now int64) (first bool, err error) {
	s := &m.shards[key[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetLocked(&m.room, now)
	if _, claimed := s.claimed[key]; claimed {
		return false, nil
	}
	if m.room.Add(-1) < 0 {
		m.room.Add(1)
		return false, ErrFull
	}
	s.claimed[key] = struct{}{}
	s.push(claim{until, key})
	return true, nil
}

type digest [2]uint64

// shard is a part of a Memory: what is claimed, and a heap of it in which the claim
// that expires first is on top.
type shard struct {
	mu      sync.Mutex
	claimed map[digest]struct{}
	heap    []claim
}

type claim struct {
	until int64 // Unix nanoseconds
	key   digest
}

// forget forgets what has expired, and makes room for as much.
func (s *shard) forget(room *atomic.Int64, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetLocked(room, now)
}

func (s *shard) forgetLocked(room *atomic.Int64, now int64) {
	for len(s.heap) > 0 && s.heap[0].until < now {
		delete(s.claimed, s.pop().key)
		room.Add(1)
	}
}

func (s *shard) push(c claim) {
	s.heap = append(s.heap, c)
	for i := len(s.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if s.heap[parent].until <= s.heap[i].until {
			return
		}
		s.heap[parent], s.heap[i] = s.heap[i], s.heap[parent]
		i = parent
	}
}

func (s *shard) pop() claim {
	top := s.heap[0]
	last := len(s.heap) - 1
	s.heap[0] = s.heap[last]
	s.heap = s.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if s.heap[child].until < s.heap[least].until {
				least = child
			}
		}
		if least == i {
			return top
		}
		s.heap[i], s.heap[least] = s.heap[least], s.heap[i]
		i = least
	}
}
