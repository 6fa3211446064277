package eventstest

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/events"
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

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

func memory() (*events.Memory, *clock) {
	clock := &clock{now: time.Unix(1700000000, 0)}
	return events.NewMemory(events.MemoryConfig{Now: clock.Now}), clock
}

func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) Instance {
		m, clock := memory()
		return Instance{Guards: []events.Guard{m}, Now: clock.Now, Advance: clock.Advance}
	})
}

// wrong is a Memory with some of its methods replaced.
type wrong struct {
	*events.Memory
	begin   func(ctx context.Context, key, attempt string, until time.Time) (events.State, error)
	finish  func(ctx context.Context, key string, until time.Time) error
	abandon func(ctx context.Context, key, attempt string) error
}

func (w wrong) Begin(ctx context.Context, key, attempt string, until time.Time) (events.State, error) {
	if w.begin != nil {
		return w.begin(ctx, key, attempt, until)
	}
	return w.Memory.Begin(ctx, key, attempt, until)
}

func (w wrong) Finish(ctx context.Context, key string, until time.Time) error {
	if w.finish != nil {
		return w.finish(ctx, key, until)
	}
	return w.Memory.Finish(ctx, key, until)
}

func (w wrong) Abandon(ctx context.Context, key, attempt string) error {
	if w.abandon != nil {
		return w.abandon(ctx, key, attempt)
	}
	return w.Memory.Abandon(ctx, key, attempt)
}

// recorder takes down whether a test has failed.
type recorder struct {
	mu     sync.Mutex
	failed bool
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(string, ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(errFatal)
}

var errFatal = errors.New("fatal")

// failures are the tests that fail.
func failures(new func() Instance) (names []string) {
	for _, test := range tests {
		r := &recorder{}
		func() {
			defer func() {
				if reason := recover(); reason != nil && reason != errFatal {
					panic(reason)
				}
			}()
			test.run(complete(r, new()))
		}()
		if r.failed {
			names = append(names, test.name)
		}
	}
	return names
}

func TestRunFindsWhatIsWrongWithAGuard(t *testing.T) {
	background := context.Background()
	for _, test := range []struct {
		name  string
		wrong func(m *events.Memory, clock *clock) wrong
		fails string // a test that must fail
	}{
		{"it lets every attempt begin", func(m *events.Memory, _ *clock) wrong {
			return wrong{Memory: m, begin: func(context.Context, string, string, time.Time) (events.State, error) { return events.Begun, nil }}
		}, "of the attempts at a key, one is running"},
		{"it takes what has begun for handled", func(m *events.Memory, _ *clock) wrong {
			return wrong{Memory: m, begin: func(ctx context.Context, key, attempt string, until time.Time) (events.State, error) {
				state, err := m.Begin(ctx, key, attempt, until)
				if state == events.Running {
					state = events.Handled
				}
				return state, err
			}}
		}, "of the attempts at a key, one is running"},
		{"it remembers an attempt for ever", func(m *events.Memory, _ *clock) wrong {
			return wrong{Memory: m, begin: func(ctx context.Context, key, attempt string, until time.Time) (events.State, error) {
				return m.Begin(ctx, key, attempt, until.AddDate(1, 0, 0))
			}}
		}, "an attempt whose time is over is followed by another"},
		{"it does not remember what is handled", func(m *events.Memory, _ *clock) wrong {
			return wrong{Memory: m, finish: func(ctx context.Context, key string, _ time.Time) error { return m.Abandon(ctx, key, "1") }}
		}, "a key that is handled is not begun again"},
		{"it abandons nothing", func(m *events.Memory, _ *clock) wrong {
			return wrong{Memory: m, abandon: func(ctx context.Context, key, _ string) error { return m.Abandon(ctx, key, "none") }}
		}, "an attempt that was abandoned is followed by another"},
		{"it abandons whatever is running", func(m *events.Memory, clock *clock) wrong {
			running := map[string]string{}
			return wrong{Memory: m, begin: func(ctx context.Context, key, attempt string, until time.Time) (events.State, error) {
				state, err := m.Begin(ctx, key, attempt, until)
				if state == events.Begun {
					running[key] = attempt
				}
				return state, err
			}, abandon: func(ctx context.Context, key, _ string) error { return m.Abandon(ctx, key, running[key]) }}
		}, "abandoning ends no attempt but its own"},
		{"it finishes only what is running", func(m *events.Memory, clock *clock) wrong {
			return wrong{Memory: m, finish: func(ctx context.Context, key string, until time.Time) error {
				state, err := m.Begin(ctx, key, "probe", clock.Now().Add(time.Minute))
				if err != nil || state == events.Running {
					return m.Finish(ctx, key, until)
				}
				return m.Abandon(background, key, "probe")
			}}
		}, "a late Finish makes a key handled, whoever has begun it"},
		{"it keeps the time of the attempt", func(m *events.Memory, clock *clock) wrong {
			return wrong{Memory: m, finish: func(ctx context.Context, key string, _ time.Time) error {
				return m.Finish(ctx, key, clock.Now().Add(time.Second))
			}}
		}, "a key is handled until its time, and may be begun after it"},
		{"it ignores case", func(m *events.Memory, _ *clock) wrong {
			return wrong{Memory: m, begin: func(ctx context.Context, key, attempt string, until time.Time) (events.State, error) {
				return m.Begin(ctx, strings.ToLower(key), attempt, until)
			}}
		}, "keys and attempts that are alike are different ones"},
		{"it cuts keys at a zero byte", func(m *events.Memory, _ *clock) wrong {
			return wrong{Memory: m, begin: func(ctx context.Context, key, attempt string, until time.Time) (events.State, error) {
				before, _, _ := strings.Cut(key, "\x00")
				return m.Begin(ctx, before, attempt, until)
			}}
		}, "a key that is short, long or strange is a key like any other"},
		{"it cuts attempts at a zero byte", func(m *events.Memory, _ *clock) wrong {
			cut := func(attempt string) string {
				before, _, _ := strings.Cut("x"+attempt, "\x00")
				return before[:min(len(before), 64)]
			}
			return wrong{Memory: m, begin: func(ctx context.Context, key, attempt string, until time.Time) (events.State, error) {
				return m.Begin(ctx, key, cut(attempt), until)
			}, abandon: func(ctx context.Context, key, attempt string) error { return m.Abandon(ctx, key, cut(attempt)) }}
		}, "an attempt that is short, long or strange is an attempt like any other"},
		{"it takes attempts for text", func(m *events.Memory, _ *clock) wrong {
			return wrong{Memory: m, begin: func(ctx context.Context, key, attempt string, until time.Time) (events.State, error) {
				if !utf8.ValidString(attempt) {
					return 0, errors.New("invalid byte sequence for encoding UTF8")
				}
				return m.Begin(ctx, key, attempt, until)
			}}
		}, "an attempt that is short, long or strange is an attempt like any other"},
		{"it takes any key", func(m *events.Memory, _ *clock) wrong {
			return wrong{Memory: m, begin: func(ctx context.Context, key, attempt string, until time.Time) (events.State, error) {
				return m.Begin(ctx, "k"+key[:min(len(key), 10)], attempt, until)
			}}
		}, "a key of a wrong length is an error"},
		{"it ignores contexts", func(m *events.Memory, _ *clock) wrong {
			return wrong{Memory: m, finish: func(_ context.Context, key string, until time.Time) error { return m.Finish(background, key, until) }}
		}, "a call whose context has ended is an error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Contains(t, failures(func() Instance {
				m, clock := memory()
				return Instance{Guards: []events.Guard{test.wrong(m, clock)}, Now: clock.Now, Advance: clock.Advance}
			}), test.fails)
		})
	}
	assert.Empty(t, failures(func() Instance {
		m, clock := memory()
		return Instance{Guards: []events.Guard{wrong{Memory: m}}, Now: clock.Now, Advance: clock.Advance}
	}), "of a Guard that is right")
}

// inSteps is a Guard that looks at a row first, and then writes it, if its steps are more
// than one.
type inSteps struct {
	clock            *clock
	begins, abandons int // the steps

	mu   sync.Mutex
	rows map[string]row
}

type row struct {
	attempt string
	until   time.Time
}

// between lets others run between two steps.
func (g *inSteps) between(steps int) {
	if steps > 1 {
		g.mu.Unlock()
		for range 100 {
			runtime.Gosched()
		}
		g.mu.Lock()
	}
}

func (g *inSteps) check(ctx context.Context, key string) error {
	if key == "" || len(key) > events.MaxKeyBytes {
		return errors.New("length")
	}
	return ctx.Err()
}

func (g *inSteps) Begin(ctx context.Context, key, attempt string, until time.Time) (events.State, error) {
	if err := g.check(ctx, key); err != nil {
		return 0, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	found, ok := g.rows[key]
	switch {
	case ok && found.until.Before(g.clock.Now()):
		g.between(g.begins)
	case ok && found.attempt == "":
		return events.Handled, nil
	case ok:
		return events.Running, nil
	}
	g.rows[key] = row{attempt, until}
	return events.Begun, nil
}

func (g *inSteps) Finish(ctx context.Context, key string, until time.Time) error {
	if err := g.check(ctx, key); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rows[key] = row{"", until}
	return nil
}

func (g *inSteps) Abandon(ctx context.Context, key, attempt string) error {
	if err := g.check(ctx, key); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rows[key].attempt == attempt {
		g.between(g.abandons)
		delete(g.rows, key)
	}
	return nil
}

func TestRunFindsWhatAGuardDoesInTwoSteps(t *testing.T) {
	for _, test := range []struct {
		name             string
		begins, abandons int
		want             []string
	}{
		{"nothing", 1, 1, nil},
		{"taking over what is over", 2, 1, []string{"of many attempts at once, one follows an attempt that is over"}},
		{"ending an attempt", 1, 2, []string{"of a Finish and an Abandon at once, the Finish holds"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, failures(func() Instance {
				clock := &clock{now: time.Unix(1700000000, 0)}
				guard := &inSteps{clock: clock, begins: test.begins, abandons: test.abandons, rows: map[string]row{}}
				return Instance{Guards: []events.Guard{guard}, Now: clock.Now, Advance: clock.Advance}
			}))
		})
	}
}

func TestAnInstanceNeedsAGuard(t *testing.T) {
	assert.PanicsWithValue(t, errFatal, func() { complete(&recorder{}, Instance{}) })
}
