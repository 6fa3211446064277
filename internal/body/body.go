// Package body reads request bodies whole, into memory that follows what has
// arrived: a client that only announces a body claims next to nothing.
package body

import (
	"errors"
	"io"
	"math/bits"
	"sync"
)

// Faults of a body, beside the errors of its reader.
var (
	// ErrTooLarge: it is larger than the limit.
	ErrTooLarge = errors.New("body: larger than the limit")
	// ErrTooShort: it ended before its length.
	ErrTooShort = errors.New("body: shorter than its length")
	// ErrTooLong: it goes on after its length.
	ErrTooLong = errors.New("body: longer than its length")
)

const (
	// firstBytes is how much memory a body has before any of it has arrived.
	firstBytes = 512
	// maxEmptyReads is when a reader that gives nothing, and no error, is given
	// up.
	maxEmptyReads = 100
)

// Read reads r to its end, at most limit bytes. length is the Content-Length, or
// 0 or less if it is not known. While it arrives, at most twice what has arrived is
// held, and 512 bytes; at its end, where its length was not known, that and a copy for
// as long as it takes to make. What is returned has its exact size.
//
// Unlike io.ReadAll it stops at a limit, and unlike io.ReadFull it keeps an error
// that comes with the last bytes.
func Read(r io.Reader, length, limit int64) ([]byte, error) {
	if length > limit {
		return nil, ErrTooLarge
	}
	end, tooMuch := int(limit), ErrTooLarge
	if length > 0 {
		end, tooMuch = int(length), ErrTooLong
	}
	b := buffer{end: end, known: length > 0}
	err := b.readFrom(r, tooMuch)
	if err == nil && b.known && len(b.bytes) < end {
		err = ErrTooShort
	}
	if err != nil {
		b.release()
		return nil, err
	}
	return b.take(), nil
}

// buffer is what has arrived. While it grows its memory is that of a pool, so
// that a whole body costs one allocation of its own size.
type buffer struct {
	bytes  []byte
	pooled *[]byte // bytes belongs to it; nil: bytes is what is returned
	end    int     // the most that it may become
	known  bool    // end is how long it will be
}

func (b *buffer) readFrom(r io.Reader, tooMuch error) error {
	var beyond [1]byte
	for empty := 0; empty < maxEmptyReads; empty++ {
		if len(b.bytes) == cap(b.bytes) && len(b.bytes) < b.end {
			b.grow()
		}
		room := b.bytes[len(b.bytes):min(cap(b.bytes), b.end)]
		full := len(room) == 0
		if full {
			room = beyond[:]
		}
		n, err := r.Read(room)
		switch {
		case n < 0 || n > len(room):
			return errors.New("body: its reader returned an impossible count")
		case err != nil && err != io.EOF:
			return err
		case n > 0 && full:
			return tooMuch
		case n > 0:
			b.bytes = b.bytes[:len(b.bytes)+n]
			empty = -1
		}
		if err == io.EOF {
			return nil
		}
	}
	return io.ErrNoProgress
}

// grow doubles the memory. If the length is known and half of it has arrived, the
// rest gets its place too.
func (b *buffer) grow() {
	size := max(2*len(b.bytes), firstBytes)
	if b.known && size >= b.end {
		grown := make([]byte, len(b.bytes), b.end)
		copy(grown, b.bytes)
		b.release()
		b.bytes = grown
		return
	}
	pooled := borrow(size)
	grown := append((*pooled)[:0], b.bytes...)
	b.release()
	b.bytes, b.pooled = grown, pooled
}

// take returns what has arrived, in memory of its own.
func (b *buffer) take() []byte {
	if b.pooled == nil {
		return b.bytes
	}
	own := make([]byte, len(b.bytes))
	copy(own, b.bytes)
	b.release()
	return own
}

func (b *buffer) release() {
	if b.pooled != nil {
		giveBack(b.pooled)
		b.pooled = nil
	}
}

// pools have memory of 512 bytes, 1 KiB, 2 KiB and so on. What is larger than the
// largest is not kept: it is rare, and would be held for long.
var pools [12]sync.Pool

const maxPooled = firstBytes << (len(pools) - 1) // 1 MiB

func borrow(size int) *[]byte {
	class := classOf(size)
	if class < len(pools) {
		if pooled, ok := pools[class].Get().(*[]byte); ok {
			return pooled
		}
		size = firstBytes << class
	}
	memory := make([]byte, size)
	return &memory
}

func giveBack(pooled *[]byte) {
	if size := cap(*pooled); size <= maxPooled {
		pools[classOf(size)].Put(pooled)
	}
}

// classOf returns the pool whose memory is at least size.
func classOf(size int) int { return bits.Len(uint(max(size-1, 0) / firstBytes)) }
