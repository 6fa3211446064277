// Package eventstest tests implementations of events.Guard.
//
// It is for tests: nothing else may import it.
package eventstest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/events"
)

// Instance is a Guard under test.
type Instance struct {
	// Guards are one or more that share what is remembered, like clients of one server
	// in several processes.
	Guards []events.Guard

	// Now is the clock by which attempts are over. nil means time.Now.
	Now func() time.Time

	// Advance moves that clock on. nil means that Run waits, for two seconds at the
	// most: give one if you can.
	Advance func(time.Duration)
}

// Run holds implementations to what events.Guard says. new returns one that remembers
// nothing, for each of the tests.
//
//	func TestMemory(t *testing.T) {
//		eventstest.Run(t, func(t *testing.T) eventstest.Instance {
//			return eventstest.Instance{Guards: []events.Guard{events.NewMemory(events.MemoryConfig{})}}
//		})
//	}
func Run(t *testing.T, new func(t *testing.T) Instance) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(complete(t, new(t))) })
	}
}

var tests = []struct {
	name string
	run  func(guards)
}{
	{"of the attempts at a key, one is running", testRunning},
	{"a key that is handled is not begun again", testHandled},
	{"an attempt that was abandoned is followed by another", testAbandoned},
	{"an attempt whose time is over is followed by another", testOver},
	{"abandoning ends no attempt but its own", testOthers},
	{"abandoning does not make a handled key unhandled", testAbandonHandled},
	{"a late Finish makes a key handled, whoever has begun it", testLateFinish},
	{"a key is handled until its time, and may be begun after it", testRemembered},
	{"of many attempts at once, one has begun", testAtOnce},
	{"of many attempts at once, one follows an attempt that is over", testOverAtOnce},
	{"of a Finish and an Abandon at once, the Finish holds", testEndAtOnce},
	{"keys and attempts that are alike are different ones", testAlike},
	{"a key that is short, long or strange is a key like any other", testStrange},
	{"an attempt that is short, long or strange is an attempt like any other", testStrangeAttempts},
	{"a key of a wrong length is an error", testWrongLength},
	{"a call whose context has ended is an error", testEnded},
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
		t.Fatalf("eventstest: Instance.Guards is empty: give the Guard to test")
	}
	if instance.Now == nil {
		instance.Now = time.Now
	}
	if instance.Advance == nil {
		instance.Advance = time.Sleep
	}
	return guards{instance, t}
}

type guards struct {
	Instance
	t reporter
}

func (g guards) guard(i int) events.Guard { return g.Guards[i%len(g.Guards)] }

// begin begins an attempt for so long with one of the Guards, and compares what it
// finds.
func (g guards) begin(want events.State, i int, key, attempt string, d time.Duration) {
	g.t.Helper()
	state, err := g.guard(i).Begin(context.Background(), key, attempt, g.Now().Add(d))
	if err != nil || state != want {
		g.t.Errorf("Begin of %q by %q: State %d and the error %v, want %d and none", key, attempt, state, err, want)
	}
}

func (g guards) finish(i int, key string, d time.Duration) {
	g.t.Helper()
	if err := g.guard(i).Finish(context.Background(), key, g.Now().Add(d)); err != nil {
		g.t.Errorf("Finish of %q: %v", key, err)
	}
}

func (g guards) abandon(i int, key, attempt string) {
	g.t.Helper()
	if err := g.guard(i).Abandon(context.Background(), key, attempt); err != nil {
		g.t.Errorf("Abandon of %q by %q: %v", key, attempt, err)
	}
}

func testRunning(g guards) {
	g.begin(events.Begun, 0, "key", "1", time.Minute)
	g.begin(events.Running, 1, "key", "2", time.Minute)
	g.begin(events.Running, 0, "key", "3", time.Minute)
}

func testHandled(g guards) {
	g.begin(events.Begun, 0, "key", "1", time.Minute)
	g.finish(0, "key", time.Hour)
	g.begin(events.Handled, 1, "key", "2", time.Minute)
	g.begin(events.Handled, 0, "key", "1", time.Minute)
	g.finish(1, "key", time.Hour) // once more is no error
	g.begin(events.Handled, 0, "key", "3", time.Minute)
}

func testAbandoned(g guards) {
	for i := range 3 {
		attempt := fmt.Sprint(i)
		g.begin(events.Begun, i, "key", attempt, time.Minute)
		g.begin(events.Running, i+1, "key", "other", time.Minute)
		g.abandon(i, "key", attempt)
	}
	g.abandon(0, "key", "2") // once more is no error
	g.begin(events.Begun, 1, "key", "2", time.Minute)
	g.finish(1, "key", time.Minute)
	g.begin(events.Handled, 0, "key", "4", time.Minute)
}

func testOver(g guards) {
	g.begin(events.Begun, 0, "key", "1", time.Second)
	g.begin(events.Begun, 0, "other", "1", time.Hour)
	g.Advance(1500 * time.Millisecond)
	g.begin(events.Begun, 1, "key", "2", time.Minute)
	g.begin(events.Running, 0, "key", "3", time.Minute)
	g.begin(events.Running, 1, "other", "2", time.Minute) // what is over takes nothing else along
}

func testOthers(g guards) {
	g.abandon(0, "key", "1") // of what was never begun
	g.begin(events.Begun, 0, "key", "1", time.Second)
	g.Advance(1500 * time.Millisecond)
	g.begin(events.Begun, 1, "key", "2", time.Minute)
	g.abandon(0, "key", "1")
	g.begin(events.Running, 0, "key", "3", time.Minute)
	g.abandon(1, "key", "2")
	g.begin(events.Begun, 0, "key", "3", time.Minute)
}

func testAbandonHandled(g guards) {
	g.begin(events.Begun, 0, "key", "1", time.Minute)
	g.finish(0, "key", time.Hour)
	g.abandon(0, "key", "1")
	g.begin(events.Handled, 1, "key", "2", time.Minute)
}

func testLateFinish(g guards) {
	g.begin(events.Begun, 0, "key", "1", time.Second)
	g.Advance(1500 * time.Millisecond)
	g.begin(events.Begun, 1, "key", "2", time.Minute)
	g.finish(0, "key", time.Hour)
	g.begin(events.Handled, 0, "key", "3", time.Minute)
	g.abandon(1, "key", "2")
	g.begin(events.Handled, 1, "key", "4", time.Minute)

	g.begin(events.Begun, 0, "late", "1", time.Second)
	g.Advance(1500 * time.Millisecond)
	g.finish(0, "late", time.Hour)
	g.begin(events.Handled, 1, "late", "2", time.Minute)
}

func testRemembered(g guards) {
	g.begin(events.Begun, 0, "long", "1", time.Second)
	g.finish(0, "long", time.Hour) // longer than its attempt had been given
	g.begin(events.Begun, 0, "short", "1", time.Minute)
	g.finish(0, "short", time.Second) // less long
	g.Advance(1500 * time.Millisecond)
	g.begin(events.Handled, 1, "long", "2", time.Minute)
	g.begin(events.Begun, 1, "short", "2", time.Minute)
}

const rounds = 20

func testAtOnce(g guards) {
	for round := range rounds {
		g.beginAtOnce(fmt.Sprint("race ", round))
	}
}

// testOverAtOnce is for a Guard that finds an attempt that is over, and only then takes
// the key.
func testOverAtOnce(g guards) {
	key := func(kind string, round int) string { return fmt.Sprint(kind, " race ", round) }
	for round := range rounds {
		g.begin(events.Begun, round, key("over", round), "dead", time.Second)
		g.begin(events.Begun, round, key("forgotten", round), "handled", time.Minute)
		g.finish(round, key("forgotten", round), time.Second)
	}
	g.Advance(1500 * time.Millisecond)
	for round := range rounds {
		g.beginAtOnce(key("over", round))
		g.beginAtOnce(key("forgotten", round))
	}
}

// beginAtOnce begins many attempts at a key, of which one has to have begun.
func (g guards) beginAtOnce(key string) {
	g.t.Helper()
	const attempts = 50
	var begun, others atomic.Int64
	all := make([]func(), attempts)
	for i := range all {
		all[i] = func() {
			state, err := g.guard(i).Begin(context.Background(), key, fmt.Sprint(i), g.Now().Add(time.Minute))
			switch {
			case err != nil:
				g.t.Errorf("%v", err)
			case state == events.Begun:
				begun.Add(1)
			case state == events.Running:
				others.Add(1)
			}
		}
	}
	atOnce(all...)
	if begun.Load() != 1 || others.Load() != attempts-1 {
		g.t.Fatalf("of %d attempts, %d have begun, and %d have found one running", attempts, begun.Load(), others.Load())
	}
}

// testEndAtOnce is for a Guard that compares the attempt, and only then deletes the key.
// Each key is finished while many abandon the attempt that it is in.
func testEndAtOnce(g guards) {
	for round := range rounds {
		key := fmt.Sprint("end ", round)
		g.begin(events.Begun, round, key, "1", time.Minute)
		all := make([]func(), 16)
		for i := range all {
			all[i] = func() { g.abandon(i, key, "1") }
		}
		all[round%len(all)] = func() { g.finish(round, key, time.Hour) }
		atOnce(all...)
		g.begin(events.Handled, round+1, key, "2", time.Minute)
	}
}

// atOnce calls functions at the same time, and waits for them.
func atOnce(functions ...func()) {
	var group sync.WaitGroup
	start := make(chan struct{})
	for _, f := range functions {
		group.Go(func() {
			<-start
			f()
		})
	}
	close(start)
	group.Wait()
}

func testAlike(g guards) {
	for _, key := range []string{"key", "KEY", "Key", "key ", " key", "key\n", "ke", "keyy", "k\u00e9y", "ke\u0301y", "key*", "key?", "{key}", "key/1", "key:1", "key%00"} {
		g.begin(events.Begun, 0, key, "attempt", time.Minute)
	}
	g.abandon(0, "key", "ATTEMPT")
	g.abandon(0, "key", "attempt ")
	g.begin(events.Running, 0, "key", "other", time.Minute)
}

func testStrange(g guards) {
	for _, key := range []string{"a", "\x00", "\xff\xfe", "a\x00b", "a\x00c", strings.Repeat("k", events.MaxKeyBytes), strings.Repeat("k", events.MaxKeyBytes-1) + "l"} {
		g.begin(events.Begun, 0, key, strings.Repeat("a", 64), time.Minute)
		g.begin(events.Running, 1, key, "a", time.Minute)
		g.finish(0, key, time.Minute)
		g.begin(events.Handled, 1, key, "a", time.Minute)
	}
}

func testStrangeAttempts(g guards) {
	attempts := []string{"a", "\x00", "\x00\xff", "\xff", "a\x00b", "a\x00c", "'", "\\", "\\x61", "%", strings.Repeat("a", 64), strings.Repeat("a", 63) + "b"}
	for i, attempt := range attempts {
		key := fmt.Sprint("attempts ", i)
		g.begin(events.Begun, i, key, attempt, time.Minute)
		for _, other := range attempts {
			if other != attempt {
				g.abandon(i, key, other)
			}
		}
		g.begin(events.Running, i+1, key, "other", time.Minute)
		g.abandon(i+1, key, attempt)
		g.begin(events.Begun, i, key, "other", time.Minute)
	}
}

func testWrongLength(g guards) {
	for _, key := range []string{"", strings.Repeat("k", events.MaxKeyBytes+1)} {
		g.mustNotBeHandled(context.Background(), key)
	}
}

func testEnded(g guards) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	g.mustNotBeHandled(ctx, "ended")
	if err := g.guard(0).Abandon(ctx, "ended", "1"); err == nil {
		g.t.Errorf("Abandon after its context has ended: no error")
	}
}

// mustNotBeHandled wants errors of Begin and Finish.
func (g guards) mustNotBeHandled(ctx context.Context, key string) {
	g.t.Helper()
	if state, err := g.guard(0).Begin(ctx, key, "1", g.Now().Add(time.Minute)); err == nil || state != 0 {
		g.t.Errorf("Begin of a key of %d bytes: State %d and the error %v, want 0 and an error", len(key), state, err)
	}
	if err := g.guard(0).Finish(ctx, key, g.Now().Add(time.Minute)); err == nil {
		g.t.Errorf("Finish of a key of %d bytes: no error", len(key))
	}
}
