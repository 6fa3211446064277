package events

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// MemoryConfig configures NewMemory. Its zero value is ready to use.
type MemoryConfig struct {
	// MaxEvents is how many events are remembered at a time, at most. 0 means
	// DefaultMaxEvents. When it is reached, and no event's time is over, the handled one
	// is forgotten whose time ends first, and could be handled again; one that is
	// running never is: if all are, Begin fails. An event takes some 200 bytes, and those of its id and scope.
	MaxEvents int

	// Now returns the current time. nil means time.Now. It must be safe for
	// concurrent use.
	Now func() time.Time
}

// DefaultMaxEvents is how many events are remembered, unless MemoryConfig.MaxEvents
// says otherwise.
const DefaultMaxEvents = 1 << 18

// ErrFull is what Begin and Finish of a Memory return when MaxEvents are running.
var ErrFull = errors.New("events: too many events are running: raise MemoryConfig.MaxEvents")

// Memory is a Guard for one process. It forgets everything when the process ends: what
// Stripe sends twice can then be handled twice. It has no goroutine: what is over is
// forgotten when there is need for room, or when the event comes again.
type Memory struct {
	now func() time.Time
	max int

	mu      sync.Mutex
	events  map[string]*remembered
	handled byUntil // those of events that are handled
	running byUntil // the others
}

// remembered is one event. attempt is "" if it is handled.
type remembered struct {
	key, attempt string
	until        time.Time
	index        int // in handled or running
}

// NewMemory returns an empty Memory. It panics if cfg.MaxEvents is negative.
func NewMemory(cfg MemoryConfig) *Memory {
	if cfg.MaxEvents < 0 {
		panic(fmt.Sprintf("events: MemoryConfig.MaxEvents is %d: it must be 0 (meaning %d) or more", cfg.MaxEvents, DefaultMaxEvents))
	}
	if cfg.MaxEvents == 0 {
		cfg.MaxEvents = DefaultMaxEvents
	}
	m := &Memory{now: cfg.Now, max: cfg.MaxEvents, events: make(map[string]*remembered)}
	if m.now == nil {
		m.now = time.Now
	}
	return m
}

// Begin implements Guard. Its error is ErrFull, that of a key or an attempt of a wrong
// length, or that of a ctx that has ended.
func (m *Memory) Begin(ctx context.Context, key, attempt string, until time.Time) (State, error) {
	if err := checkCall(ctx, key); err != nil {
		return 0, err
	}
	if attempt == "" || len(attempt) > maxAttemptBytes {
		return 0, fmt.Errorf("events: an attempt of %d bytes: it must have 1 to %d", len(attempt), maxAttemptBytes)
	}
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if event := m.events[key]; event != nil {
		switch {
		case event.until.Before(now):
			m.forget(event)
		case event.attempt == "":
			return Handled, nil
		default:
			return Running, nil
		}
	}
	if !m.makeRoom(now) {
		return 0, ErrFull
	}
	m.remember(&remembered{key: key, attempt: attempt, until: until})
	return Begun, nil
}

// Finish implements Guard. Its error is ErrFull, that of a key of a wrong length, or
// that of a ctx that has ended.
func (m *Memory) Finish(ctx context.Context, key string, until time.Time) error {
	if err := checkCall(ctx, key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if event := m.events[key]; event != nil {
		m.forget(event)
	} else if !m.makeRoom(m.now()) {
		return ErrFull
	}
	m.remember(&remembered{key: key, until: until})
	return nil
}

// Abandon implements Guard. Its error is that of a key of a wrong length, or that of a
// ctx that has ended.
func (m *Memory) Abandon(ctx context.Context, key, attempt string) error {
	if err := checkCall(ctx, key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if event := m.events[key]; event != nil && event.attempt != "" && event.attempt == attempt {
		m.forget(event)
	}
	return nil
}

func checkCall(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if key == "" || len(key) > MaxKeyBytes {
		return fmt.Errorf("events: a key of %d bytes: it must have 1 to %d", len(key), MaxKeyBytes)
	}
	return nil
}

// makeRoom forgets what is over, and then what it has to for one more event to have room.
func (m *Memory) makeRoom(now time.Time) bool {
	for _, all := range []*byUntil{&m.handled, &m.running} { // some attempts nobody has ended
		for len(*all) > 0 && (*all)[0].until.Before(now) {
			m.forget((*all)[0])
		}
	}
	for len(m.handled) > 0 && len(m.events) >= m.max {
		m.forget(m.handled[0])
	}
	return len(m.events) < m.max
}

func (m *Memory) remember(event *remembered) {
	m.events[event.key] = event
	heap.Push(m.heapOf(event), event)
}

func (m *Memory) forget(event *remembered) {
	delete(m.events, event.key)
	heap.Remove(m.heapOf(event), event.index)
}

func (m *Memory) heapOf(event *remembered) *byUntil {
	if event.attempt == "" {
		return &m.handled
	}
	return &m.running
}

// byUntil is a heap in which the event whose time ends first is on top.
type byUntil []*remembered

func (h byUntil) Len() int           { return len(h) }
func (h byUntil) Less(i, j int) bool { return h[i].until.Before(h[j].until) }

func (h byUntil) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *byUntil) Push(event any) {
	e := event.(*remembered)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *byUntil) Pop() any {
	last := len(*h) - 1
	event := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return event
}
