//go:build !race

// The race detector drops what is given back to a pool.

package body_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/internal/body"
)

func TestABodyCostsOneAllocationOfItsSize(t *testing.T) {
	data := content(64 << 10)
	reader := bytes.NewReader(data)
	read := func() {
		reader.Reset(data)
		if _, err := body.Read(reader, int64(len(data)), 1<<20); err != nil {
			t.Error(err)
		}
	}
	read()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 50
	for range times {
		read()
	}
	runtime.ReadMemStats(&after)
	// A collection may empty the pools once.
	assert.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(times*len(data)*11/10+4*len(data)))
}
