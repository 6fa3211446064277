//go:build !race

// The race detector drops what is given back to a pool.

package body_test

import (
	"bytes"
	"io"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/internal/body"
)

// allocatedBy returns how many bytes one call of read allocates on average, once there
// is something in the pools.
func allocatedBy(t *testing.T, read func()) float64 {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it would empty the pools
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))  // each processor has its own
	read()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 20
	for range times {
		read()
	}
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc-before.TotalAlloc) / times
}

func TestABodyCostsOneAllocationOfItsSize(t *testing.T) {
	const kiB, miB = 1 << 10, 1 << 20
	for _, test := range []struct {
		name         string
		size, length int
		limit        int64
		want         float64 // bytes
	}{
		{"of known length", 64 * kiB, 64 * kiB, 8 * miB, 64 * kiB},
		{"of unknown length", 64 * kiB, -1, 8 * miB, 64 * kiB},
		{"of as much as the largest memory that is kept", miB, -1, miB, miB},
		{"of known length, twice that", 2 * miB, 2 * miB, 8 * miB, 2 * miB},
		{"of known length, beyond what is kept: once more on the way there", 3 * miB, 3 * miB, 8 * miB, (3 + 2) * miB},
		{"of unknown length, beyond what is kept: once more to grow", 3 * miB / 2, -1, 8 * miB, (1.5 + 2) * miB},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := content(test.size)
			reader := bytes.NewReader(data)
			assert.InEpsilon(t, test.want, allocatedBy(t, func() {
				reader.Reset(data)
				if _, err := body.Read(reader, int64(test.length), test.limit); err != nil {
					t.Error(err)
				}
			}), 0.1)
		})
	}
}

func TestABodyThatIsRefusedCostsNextToNothing(t *testing.T) {
	data := content(64 << 10)
	reader := bytes.NewReader(data)
	for _, length := range []int64{-1, 1 << 20} {
		assert.Less(t, allocatedBy(t, func() {
			reader.Reset(data)
			if _, err := body.Read(io.MultiReader(reader, brokenReader{}), length, 1<<20); err != io.ErrClosedPipe {
				t.Error(err)
			}
		}), 1024.0)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }
