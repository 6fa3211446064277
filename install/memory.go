package install

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/seed-8a2ffb75/stripeapps"
)

// Memory is a Store in the memory of one process, for tests and first steps. It forgets
// everything when the process ends: each account then has to install the app again. It is made
// by NewMemory.
type Memory struct {
	mu      sync.Mutex
	records map[ID]Record
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{records: make(map[ID]Record)} }

var errMemoryNotMade = stripeapps.NewError("memory_not_made", http.StatusInternalServerError,
	"records are kept in a Memory that was not made by NewMemory: make it so")

// lock locks m for a call with ctx, unless that is in vain.
func (m *Memory) lock(ctx context.Context) error {
	if m == nil || m.records == nil {
		return errMemoryNotMade
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	return nil
}

// Load implements Store.
func (m *Memory) Load(ctx context.Context, id ID) (Record, error) {
	if err := m.lock(ctx); err != nil {
		return Record{}, err
	}
	defer m.mu.Unlock()
	r, ok := m.records[id]
	if !ok {
		return Record{}, ErrNotFound
	}
	return r.clone(), nil
}

// Save implements Store.
func (m *Memory) Save(ctx context.Context, r Record, old int64) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if m.records[r.ID].Version != old {
		return ErrConflict
	}
	m.records[r.ID] = r.clone()
	return nil
}

// Delete implements Store.
func (m *Memory) Delete(ctx context.Context, id ID, version int64) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if r, ok := m.records[id]; ok && r.Version != version {
		return ErrConflict
	}
	delete(m.records, id)
	return nil
}

// List implements Store.
func (m *Memory) List(ctx context.Context, after ID, limit int) ([]Record, error) {
	if err := m.lock(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var page []Record
	for id, r := range m.records {
		if compareIDs(id, after) > 0 {
			page = append(page, r)
		}
	}
	slices.SortFunc(page, func(a, b Record) int { return compareIDs(a.ID, b.ID) })
	page = page[:min(limit, len(page))]
	for i, r := range page {
		page[i] = r.clone()
	}
	return page, nil
}

func compareIDs(a, b ID) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Mode, b.Mode))
}

func (r Record) clone() Record {
	r.Data = bytes.Clone(r.Data)
	return r
}
