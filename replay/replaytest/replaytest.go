// Package replaytest tests implementations of replay.Guard.
//
// It is for tests: nothing else may import it.
package replaytest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// Instance is a Guard under test.
type Instance struct {
	// Guards are one or more that share what is claimed, like clients of one server
	// in several processes.
	Guards []replay.Guard

	// Now is the clock by which the Guards forget. nil means time.Now.
	Now func() time.Time

	// Advance moves that clock on. nil means that Run waits, for two seconds at the
	// most: give one if you can.
	Advance func(time.Duration)
}

// Run holds implementations to what replay.Guard says. new returns one that has no
// claims, for each of the tests.
//
//	func TestMemory(t *testing.T) {
//		replaytest.Run(t, func(t *testing.T) replaytest.Instance {
//			return replaytest.Instance{Guards: []replay.Guard{replay.NewMemory(replay.MemoryConfig{})}}
//		})
//	}
func Run(t *testing.T, new func(t *testing.T) Instance) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, complete(t, new(t))) })
	}
}

var tests = []struct {
	name string
	run  func(reporter, guards)
}{
	{"the first claim of a key is the first, and no other is", testFirst},
	{"keys that are alike are different keys", testAlike},
	{"a key that is short, long or strange is a key like any other", testStrange},
	{"a key of a wrong length is an error", testWrongLength},
	{"of many claims at once, one is the first", testAtOnce},
	{"a claim is remembered until its time", testRemembered},
	{"a claim is remembered until its time, however far that is", testFar},
	{"a claim is forgotten after its time", testForgotten},
	{"a claim for a time that is over is an error", testOver},
	{"a claim whose context has ended is an error", testEnded},
}

// reporter is what the tests need of a testing.T, so that a test of them can have
// another.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

func complete(t reporter, instance Instance) guards {
	if len(instance.Guards) == 0 {
		t.Fatalf("replaytest: Instance.Guards is empty: give the Guard to test")
	}
	if instance.Now == nil {
		instance.Now = time.Now
	}
	if instance.Advance == nil {
		instance.Advance = time.Sleep
	}
	return guards{instance}
}

type guards struct{ Instance }

// claim claims key for so long, with one of the Guards.
func (g guards) claim(t reporter, i int, key string, d time.Duration) bool {
	t.Helper()
	first, err := g.Guards[i%len(g.Guards)].Claim(context.Background(), key, g.Now().Add(d))
	if err != nil {
		t.Fatalf("claiming %q: %v", key, err)
	}
	return first
}

func (g guards) mustBe(t reporter, want bool, i int, key string, d time.Duration) {
	t.Helper()
	if got := g.claim(t, i, key, d); got != want {
		t.Errorf("claim of %q: first is %v, want %v", key, got, want)
	}
}

func (g guards) mustFail(t reporter, ctx context.Context, key string, until time.Time) {
	t.Helper()
	if first, err := g.Guards[0].Claim(ctx, key, until); err == nil || first {
		t.Errorf("claim of a key of %d bytes: first is %v and the error %v, want false and an error", len(key), first, err)
	}
}

func testFirst(t reporter, g guards) {
	for i := range 3 {
		g.mustBe(t, i == 0, i, "key", time.Minute)
	}
	g.mustBe(t, false, 0, "key", time.Hour) // a longer one too
	g.mustBe(t, false, 1, "key", time.Second)
}

func testAlike(t reporter, g guards) {
	for _, key := range []string{"key", "KEY", "Key", "key ", " key", "key\n", "ke", "keyy", "k\u00e9y", "ke\u0301y", "key*", "key?", "{key}", "key:1", "key%00"} {
		g.mustBe(t, true, 0, key, time.Minute)
	}
}

func testStrange(t reporter, g guards) {
	for _, key := range []string{"a", "\x00", "\xff\xfe", "a\x00b", "a\x00c", strings.Repeat("k", replay.MaxKeyBytes), strings.Repeat("k", replay.MaxKeyBytes-1) + "l"} {
		g.mustBe(t, true, 0, key, time.Minute)
		g.mustBe(t, false, 1, key, time.Minute)
	}
}

func testWrongLength(t reporter, g guards) {
	g.mustFail(t, context.Background(), "", g.Now().Add(time.Minute))
	g.mustFail(t, context.Background(), strings.Repeat("k", replay.MaxKeyBytes+1), g.Now().Add(time.Minute))
}

func testAtOnce(t reporter, g guards) {
	const rounds, claimers = 20, 50
	for round := range rounds {
		var firsts atomic.Int64
		var claims sync.WaitGroup
		start := make(chan struct{})
		for i := range claimers {
			claims.Go(func() {
				<-start
				first, err := g.Guards[i%len(g.Guards)].Claim(context.Background(), fmt.Sprint("race ", round), g.Now().Add(time.Minute))
				if err != nil {
					t.Errorf("%v", err)
				}
				if first {
					firsts.Add(1)
				}
			})
		}
		close(start)
		claims.Wait()
		if firsts.Load() != 1 {
			t.Fatalf("%d of %d claims were the first", firsts.Load(), claimers)
		}
	}
}

func testRemembered(t reporter, g guards) {
	g.mustBe(t, true, 0, "long", time.Hour)
	g.mustBe(t, true, 0, "short", time.Second)
	g.mustBe(t, true, 0, "longer", 2*time.Hour)
	g.Advance(1500 * time.Millisecond) // what is forgotten takes nothing else along
	g.mustBe(t, false, 1, "long", time.Hour)
	g.mustBe(t, false, 1, "longer", time.Hour)
}

func testFar(t reporter, g guards) {
	for _, year := range []int{2262, 2263, 2300, 2500, 3000, 9999} { // an int64 of nanoseconds ends in 2262
		key, until := fmt.Sprint("far ", year), time.Date(year, 12, 31, 23, 59, 59, 0, time.UTC)
		for i := range 2 {
			first, err := g.Guards[i%len(g.Guards)].Claim(context.Background(), key, until)
			if err != nil || first != (i == 0) {
				t.Errorf("claim %d until %v: first is %v and the error %v", i+1, until, first, err)
			}
		}
	}
}

func testForgotten(t reporter, g guards) {
	g.mustBe(t, true, 0, "key", time.Second)
	g.Advance(2 * time.Second)
	g.mustBe(t, true, 1, "key", time.Minute)
	g.mustBe(t, false, 0, "key", time.Minute)
}

func testOver(t reporter, g guards) {
	g.mustFail(t, context.Background(), "now", g.Now())
	g.mustFail(t, context.Background(), "before", g.Now().Add(-time.Hour))
	g.mustBe(t, true, 0, "before", time.Minute)
}

func testEnded(t reporter, g guards) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	g.mustFail(t, ctx, "ended", g.Now().Add(time.Minute))
}
