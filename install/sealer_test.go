package install

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is opened is what has been sealed, for this install, with a key that is there; and
// nothing else can be opened.
func FuzzSealer(f *testing.F) {
	f.Add([]byte("{}"), "acct_1", []byte{}, 0)
	f.Add(bytes.Repeat([]byte("token"), 100), "acct_2", []byte("\x01"), 9)
	a, b := bytes.Repeat([]byte("aA"), 16), bytes.Repeat([]byte("bB"), 16)
	both, err := newSealer([][]byte{a, b})
	require.NoError(f, err)
	one, err := newSealer([][]byte{b, a})
	require.NoError(f, err)
	other, err := newSealer([][]byte{b})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, plain []byte, account string, noise []byte, at int) {
		if len(plain) > MaxDataBytes-sealedOverhead {
			t.Skip()
		}
		id := ID{account, Live}
		sealed := both.seal(id, plain)
		for _, s := range []*sealer{both, one} {
			opened, err := s.open(id, sealed)
			require.NoError(t, err)
			assert.True(t, bytes.Equal(plain, opened))
		}
		_, err := other.open(id, sealed)
		assert.Error(t, err)
		_, err = both.open(ID{account, Test}, sealed)
		assert.Error(t, err)
		_, err = both.open(ID{account + "x", Live}, sealed)
		assert.Error(t, err)
		changed := bytes.Clone(sealed)
		at = int(uint(at) % uint(len(sealed)))
		copy(changed[at:], noise)
		if !bytes.Equal(changed, sealed) {
			_, err = both.open(id, changed)
			assert.Error(t, err)
		}
		_, err = both.open(id, noise)
		assert.Error(t, err)
		assert.True(t, both.newest(sealed))
		assert.False(t, one.newest(sealed))
	})
}
