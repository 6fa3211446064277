package eventstest_test

import (
	"testing"

	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/events/eventstest"
)

func ExampleRun() {
	// In a test file of your Guard:
	_ = func(t *testing.T) {
		eventstest.Run(t, func(t *testing.T) eventstest.Instance {
			guard := events.NewMemory(events.MemoryConfig{}) // yours, on an empty database
			return eventstest.Instance{Guards: []events.Guard{guard, guard}}
		})
	}
}
