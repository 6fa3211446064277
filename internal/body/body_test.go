package body_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/internal/body"
)

// content returns n bytes of which neighbours differ.
func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 31)
	}
	return b
}

func TestABodyIsReadWholeInMemoryOfItsSize(t *testing.T) {
	for _, size := range []int{0, 1, 511, 512, 513, 1023, 1024, 1025, 4096, 5000, 1 << 20, 1<<20 + 1, 3 << 20} {
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"at once":                       func(r io.Reader) io.Reader { return r },
			"the error with the last":       iotest.DataErrReader,
			"half of what is asked":         iotest.HalfReader,
			"with many readings of nothing": func(r io.Reader) io.Reader { return &hesitant{r: r} },
		} {
			for _, length := range []int64{int64(size), -1, 0} {
				for _, limit := range []int64{int64(size), int64(size) + 100, 8 << 20} {
					got, err := body.Read(reader(bytes.NewReader(content(size))), length, limit)
					require.NoError(t, err, "%d bytes, length %d, limit %d, %s", size, length, limit, name)
					assert.True(t, bytes.Equal(content(size), got), "%d bytes, length %d, limit %d, %s", size, length, limit, name)
					assert.Equal(t, size, cap(got))
				}
			}
		}
	}
}

// hesitant gives nothing, and no error, 99 times before each byte or so.
type hesitant struct {
	r     io.Reader
	count int
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.count++; h.count%100 != 0 {
		return 0, nil
	}
	return h.r.Read(p)
}

// What is returned is not given to another body.
func TestBodiesDoNotShareMemory(t *testing.T) {
	first, err := body.Read(bytes.NewReader(content(5000)), -1, 1<<20)
	require.NoError(t, err)
	for range 100 {
		_, err := body.Read(bytes.NewReader(make([]byte, 5000)), -1, 1<<20)
		require.NoError(t, err)
	}
	assert.True(t, bytes.Equal(content(5000), first))
}

func TestWhatIsNotABodyWithinItsLimitsIsRefused(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name          string
		reader        io.Reader
		length, limit int64
		want          error
	}{
		{"a length over the limit", iotest.ErrReader(errors.New("read")), 11, 10, body.ErrTooLarge},
		{"a length of the limit", bytes.NewReader(content(10)), 10, 10, nil},
		{"more than the limit", bytes.NewReader(content(11)), -1, 10, body.ErrTooLarge},
		{"as much as the limit", bytes.NewReader(content(10)), -1, 10, nil},
		{"more than the limit, of more than the first memory", bytes.NewReader(content(601)), -1, 600, body.ErrTooLarge},
		{"shorter than its length", bytes.NewReader(content(9)), 10, 10, body.ErrTooShort},
		{"nothing, where a byte was to come", bytes.NewReader(nil), 1, 10, body.ErrTooShort},
		{"longer than its length", bytes.NewReader(content(11)), 10, 100, body.ErrTooLong},
		{"much shorter than its length", bytes.NewReader(content(9)), 1 << 40, 1 << 41, body.ErrTooShort},
		{"a reader that fails", iotest.ErrReader(broken), 10, 10, broken},
		{"a reader that fails behind its length", io.MultiReader(bytes.NewReader(content(10)), iotest.ErrReader(broken)), 10, 10, broken},
		{"a reader that never gives anything", readerFunc(func([]byte) (int, error) { return 0, nil }), 10, 10, io.ErrNoProgress},
		{"a reader that is at its end, and gives nothing", readerFunc(func([]byte) (int, error) { return 0, io.EOF }), -1, 10, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := body.Read(test.reader, test.length, test.limit)
			assert.Equal(t, test.want, err)
			if err != nil {
				assert.Nil(t, got)
			}
		})
	}
	for _, count := range []int{-1, 1 << 20} {
		_, err := body.Read(readerFunc(func([]byte) (int, error) { return count, nil }), 10, 10)
		assert.ErrorContains(t, err, "impossible count")
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// However long a body is said to be, the room to read into is never more than what
// has arrived, and 512 bytes.
func TestMemoryFollowsWhatHasArrived(t *testing.T) {
	for _, length := range []int64{-1, 1 << 30} {
		arrived := 0
		_, err := body.Read(readerFunc(func(p []byte) (int, error) {
			assert.LessOrEqual(t, len(p), max(arrived, 512))
			if arrived == 0 {
				assert.Len(t, p, 512)
			}
			if arrived > 3<<20 {
				return 0, io.ErrUnexpectedEOF
			}
			n := min(len(p), 1000)
			arrived += n
			return n, nil
		}), length, 1<<30)
		assert.Equal(t, io.ErrUnexpectedEOF, err)
	}
}

func TestAReaderIsGivenUpAfterAHundredReadingsOfNothing(t *testing.T) {
	for _, first := range []int{0, 1, 512, 513} {
		arrived, empty := 0, 0
		_, err := body.Read(readerFunc(func(p []byte) (int, error) {
			n := min(len(p), first-arrived)
			arrived += n
			if n == 0 {
				empty++
			}
			return n, nil
		}), -1, 1<<20)
		assert.Equal(t, io.ErrNoProgress, err)
		assert.Equal(t, 100, empty, "after %d bytes", first)
	}
}
