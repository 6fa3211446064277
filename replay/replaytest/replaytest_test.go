package replaytest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/replay"
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

func memory() (*replay.Memory, *clock) {
	clock := &clock{now: time.Unix(1700000000, 0)}
	return replay.NewMemory(replay.MemoryConfig{Now: clock.Now}), clock
}

func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) Instance {
		m, clock := memory()
		return Instance{Guards: []replay.Guard{m}, Now: clock.Now, Advance: clock.Advance}
	})
}

// guardFunc is a Guard that does something else before or instead of a Memory.
type guardFunc func(ctx context.Context, key string, until time.Time) (bool, error)

func (f guardFunc) Claim(ctx context.Context, key string, until time.Time) (bool, error) {
	return f(ctx, key, until)
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
		if fails(test.run, new) {
			names = append(names, test.name)
		}
	}
	return names
}

func fails(run func(reporter, guards), new func() Instance) bool {
	r := &recorder{}
	func() {
		defer func() {
			if reason := recover(); reason != nil && reason != errFatal {
				panic(reason)
			}
		}()
		run(r, complete(r, new()))
	}()
	return r.failed
}

func TestRunFindsWhatIsWrongWithAGuard(t *testing.T) {
	for _, test := range []struct {
		name  string
		wrong func(m *replay.Memory, clock *clock) guardFunc
		fails string // a test that must fail
	}{
		{"it lets everything through", func(*replay.Memory, *clock) guardFunc {
			return func(context.Context, string, time.Time) (bool, error) { return true, nil }
		}, "the first claim of a key is the first"},
		{"it lets nothing through", func(*replay.Memory, *clock) guardFunc {
			return func(context.Context, string, time.Time) (bool, error) { return false, nil }
		}, "the first claim of a key is the first"},
		{"it says of a claimed key that this is an error", func(m *replay.Memory, _ *clock) guardFunc {
			return func(ctx context.Context, key string, until time.Time) (bool, error) {
				first, err := m.Claim(ctx, key, until)
				if err == nil && !first {
					err = errors.New("claimed")
				}
				return first, err
			}
		}, "the first claim of a key is the first"},
		{"it ignores case", func(m *replay.Memory, _ *clock) guardFunc {
			return func(ctx context.Context, key string, until time.Time) (bool, error) {
				return m.Claim(ctx, strings.ToLower(key), until)
			}
		}, "keys that are alike"},
		{"it trims keys", func(m *replay.Memory, _ *clock) guardFunc {
			return func(ctx context.Context, key string, until time.Time) (bool, error) {
				return m.Claim(ctx, strings.TrimSpace(key)+".", until)
			}
		}, "keys that are alike"},
		{"its keys end at a NUL", func(m *replay.Memory, _ *clock) guardFunc {
			return func(ctx context.Context, key string, until time.Time) (bool, error) {
				if key == "" || len(key) > replay.MaxKeyBytes {
					return false, errors.New("length")
				}
				key, _, _ = strings.Cut(key, "\x00")
				return m.Claim(ctx, key+".", until)
			}
		}, "a key that is short, long or strange"},
		{"it cuts long keys", func(m *replay.Memory, _ *clock) guardFunc {
			return func(ctx context.Context, key string, until time.Time) (bool, error) {
				return m.Claim(ctx, key[:min(len(key), 64)], until)
			}
		}, "a key of a wrong length"},
		{"it looks first and claims then", func(m *replay.Memory, _ *clock) guardFunc {
			var mu sync.Mutex
			claimed := map[string]bool{}
			bothHaveLooked := make(chan struct{})
			return func(ctx context.Context, key string, until time.Time) (bool, error) {
				if !strings.HasPrefix(key, "race") {
					return m.Claim(ctx, key, until)
				}
				mu.Lock()
				had, looked := claimed[key]
				if !looked {
					claimed[key] = false
				} else if !had {
					select {
					case <-bothHaveLooked:
					default:
						close(bothHaveLooked)
					}
				}
				mu.Unlock()
				<-bothHaveLooked
				mu.Lock()
				claimed[key] = true
				mu.Unlock()
				return !had, nil
			}
		}, "of many claims at once"},
		{"it forgets everything with the first that expires", func(_ *replay.Memory, clock *clock) guardFunc {
			var mu sync.Mutex
			claimed := map[string]time.Time{}
			return func(_ context.Context, key string, until time.Time) (bool, error) {
				mu.Lock()
				defer mu.Unlock()
				for _, until := range claimed {
					if !until.After(clock.Now()) {
						clear(claimed)
					}
				}
				_, had := claimed[key]
				claimed[key] = until
				return !had, nil
			}
		}, "a claim is remembered until its time"},
		{"it counts nanoseconds", func(m *replay.Memory, _ *clock) guardFunc {
			return func(ctx context.Context, key string, until time.Time) (bool, error) {
				return m.Claim(ctx, key, time.Unix(0, until.UnixNano()))
			}
		}, "however far that is"},
		{"it forgets nothing", func(*replay.Memory, *clock) guardFunc {
			var claimed sync.Map
			return func(_ context.Context, key string, _ time.Time) (bool, error) {
				_, had := claimed.LoadOrStore(key, true)
				return !had, nil
			}
		}, "a claim is forgotten after its time"},
		{"it takes a time that is over", func(m *replay.Memory, clock *clock) guardFunc {
			return func(ctx context.Context, key string, until time.Time) (bool, error) {
				if !until.After(clock.Now()) {
					return true, nil
				}
				return m.Claim(ctx, key, until)
			}
		}, "a claim for a time that is over"},
		{"it says that it was the first, and that it failed", func(m *replay.Memory, clock *clock) guardFunc {
			return func(ctx context.Context, key string, until time.Time) (bool, error) {
				first, err := m.Claim(ctx, key, until)
				return first || err != nil, err
			}
		}, "a claim for a time that is over"},
		{"it does not look at the context", func(m *replay.Memory, _ *clock) guardFunc {
			return func(_ context.Context, key string, until time.Time) (bool, error) {
				return m.Claim(context.Background(), key, until)
			}
		}, "a claim whose context has ended"},
	} {
		t.Run(test.name, func(t *testing.T) {
			failed := failures(func() Instance {
				m, clock := memory()
				return Instance{Guards: []replay.Guard{test.wrong(m, clock)}, Now: clock.Now, Advance: clock.Advance}
			})
			assert.Contains(t, strings.Join(failed, "; "), test.fails)
		})
	}
	assert.Len(t, failures(func() Instance { return Instance{} }), len(tests), "without a Guard")
}
