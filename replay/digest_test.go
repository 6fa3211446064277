package replay

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Equal seeds would leave 64 of the 128 bits that tell keys apart.
func TestTheHalvesOfADigestDiffer(t *testing.T) {
	m := NewMemory(MemoryConfig{})
	_, err := m.Claim(context.Background(), "key", time.Now().Add(time.Hour))
	require.NoError(t, err)
	found := 0
	for i := range m.shards {
		for key := range m.shards[i].claimed {
			assert.NotEqual(t, key[0], key[1])
			found++
		}
	}
	assert.Equal(t, 1, found)
}
