package events_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/events"
)

func TestAFullMemoryForgetsWhatIsHandledFirst(t *testing.T) {
	clock := newClock()
	m := events.NewMemory(events.MemoryConfig{MaxEvents: 3, Now: clock.Now})
	begin := func(key string) events.State {
		state, err := m.Begin(t.Context(), key, "attempt", clock.Now().Add(time.Minute))
		require.NoError(t, err)
		return state
	}
	finish := func(key string, d time.Duration) { require.NoError(t, m.Finish(t.Context(), key, clock.Now().Add(d))) }

	for key, d := range map[string]time.Duration{"long": 3 * time.Hour, "short": time.Hour, "middle": 2 * time.Hour} {
		begin(key)
		finish(key, d)
	}
	assert.Equal(t, events.Begun, begin("new")) // short is forgotten
	finish("new", time.Minute)
	assert.Equal(t, []events.State{events.Handled, events.Handled, events.Handled}, []events.State{begin("long"), begin("middle"), begin("new")})
	assert.Equal(t, events.Begun, begin("short"), "forgotten, and new forgotten for it")
	assert.Equal(t, events.Running, begin("short"))
	assert.Equal(t, events.Handled, begin("long"))
}

func TestAFullMemoryForgetsWhatIsOverBeforeWhatIsHandled(t *testing.T) {
	clock := newClock()
	m := events.NewMemory(events.MemoryConfig{MaxEvents: 2, Now: clock.Now})
	begin := func(key string, d time.Duration) events.State {
		state, err := m.Begin(t.Context(), key, "attempt", clock.Now().Add(d))
		require.NoError(t, err)
		return state
	}
	begin("over", time.Second)
	begin("handled", time.Hour)
	require.NoError(t, m.Finish(t.Context(), "handled", clock.Now().Add(time.Hour)))
	clock.Advance(time.Second + 1)
	assert.Equal(t, events.Begun, begin("new", time.Hour))
	assert.Equal(t, events.Handled, begin("handled", time.Hour))
	assert.Equal(t, events.Running, begin("new", time.Hour))
}

func TestAMemoryForgetsNothingThatIsRunning(t *testing.T) {
	clock := newClock()
	m := events.NewMemory(events.MemoryConfig{MaxEvents: 2, Now: clock.Now})
	for _, key := range []string{"1", "2"} {
		state, err := m.Begin(t.Context(), key, "attempt", clock.Now().Add(time.Minute))
		require.NoError(t, err)
		assert.Equal(t, events.Begun, state)
	}
	state, err := m.Begin(t.Context(), "3", "attempt", clock.Now().Add(time.Minute))
	assert.Equal(t, events.ErrFull, err)
	assert.Zero(t, state)
	assert.Equal(t, events.ErrFull, m.Finish(t.Context(), "3", clock.Now().Add(time.Minute)))
	assert.NoError(t, m.Finish(t.Context(), "2", clock.Now().Add(time.Minute)), "what is remembered needs no room")

	state, err = m.Begin(t.Context(), "1", "another", clock.Now().Add(time.Minute))
	assert.NoError(t, err)
	assert.Equal(t, events.Running, state)
	clock.Advance(time.Minute + 1)
	for _, key := range []string{"3", "4"} { // attempts that nobody has ended make room
		state, err = m.Begin(t.Context(), key, "attempt", clock.Now().Add(time.Minute))
		assert.NoError(t, err)
		assert.Equal(t, events.Begun, state)
	}
}

func TestATimeIncludesItsEnd(t *testing.T) {
	clock := newClock()
	m := events.NewMemory(events.MemoryConfig{Now: clock.Now})
	_, err := m.Begin(t.Context(), "key", "1", clock.Now().Add(time.Minute))
	require.NoError(t, err)
	clock.Advance(time.Minute)
	state, err := m.Begin(t.Context(), "key", "2", clock.Now().Add(time.Minute))
	assert.NoError(t, err)
	assert.Equal(t, events.Running, state)
	clock.Advance(1)
	state, err = m.Begin(t.Context(), "key", "2", clock.Now().Add(time.Minute))
	assert.NoError(t, err)
	assert.Equal(t, events.Begun, state)
}

func TestAMemoryDoesNotGrowBeyondItsLimit(t *testing.T) {
	clock := newClock()
	m := events.NewMemory(events.MemoryConfig{MaxEvents: 10, Now: clock.Now})
	for i := range 10_000 {
		key := fmt.Sprint(i % 37)
		state, err := m.Begin(t.Context(), key, "1", clock.Now().Add(time.Minute))
		require.NoError(t, err)
		switch {
		case state == events.Begun && i%3 == 0:
			require.NoError(t, m.Abandon(t.Context(), key, "1"))
		case state == events.Begun:
			require.NoError(t, m.Finish(t.Context(), key, clock.Now().Add(time.Duration(i%7)*time.Hour)))
		}
		clock.Advance(time.Minute)
		remembered, inHeaps := m.Len()
		require.LessOrEqual(t, remembered, 10)
		require.Equal(t, remembered, inHeaps)
	}
}

func TestAMemorySaysWhatItCannotTake(t *testing.T) {
	m := events.NewMemory(events.MemoryConfig{})
	_, err := m.Begin(context.Background(), "key", "", time.Now().Add(time.Minute))
	assert.EqualError(t, err, "events: an attempt of 0 bytes: it must have 1 to 64")
	_, err = m.Begin(context.Background(), "", "attempt", time.Now().Add(time.Minute))
	assert.EqualError(t, err, "events: a key of 0 bytes: it must have 1 to 320")
	assert.PanicsWithValue(t, "events: MemoryConfig.MaxEvents is -1: it must be 0 (meaning 262144) or more", func() {
		events.NewMemory(events.MemoryConfig{MaxEvents: -1})
	})
}
