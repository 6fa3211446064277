package main

import (
	"context"
	"sync"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/install"
)

// installs are those that this backend knows of, by account and mode, with the second in
// which it learned of each. A real backend has them in its database: these are gone when
// the program ends.
type installs struct {
	mu    sync.Mutex
	since map[install.ID]int64
}

func newInstalls() *installs { return &installs{since: make(map[install.ID]int64)} }

func (i *installs) add(id install.ID, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.since[id] = now.Unix()
}

func (i *installs) has(id install.ID) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	_, ok := i.since[id]
	return ok
}

// change forgets an install whose account has uninstalled the app. Events can come days
// late, when the account has installed it again: what is newer than the event stays.
// Events are dated to the second.
func (i *installs) change(_ context.Context, change events.Change) error {
	if change.Kind != events.Uninstalled {
		return nil
	}
	id := install.ID{Account: change.Account, Mode: install.Test}
	i.mu.Lock()
	defer i.mu.Unlock()
	if since, ok := i.since[id]; ok && since <= change.Event.Created.Unix() {
		delete(i.since, id)
	}
	return nil
}
