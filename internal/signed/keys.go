package signed

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"sync"
)

// Key computes v1 signatures with one secret. The keyed states of HMAC are
// reused: after its first use a key needs no allocation and does not hash the
// secret again. They stay in memory while the key is in use, as the secret
// itself does.
type Key struct {
	Label string // whatever its user calls the secret

	macs sync.Pool
}

// mac is what one computation needs, kept for the next one.
type mac struct {
	hash hash.Hash
	text []byte // the signed time and "."
	sum  []byte
}

// NewKey returns a key of any secret; CheckSecret says whether it is a good one.
func NewKey(secret string) *Key {
	return &Key{macs: sync.Pool{New: func() any {
		return &mac{hash: hmac.New(sha256.New, []byte(secret))}
	}}}
}

// Matches returns 1 if one of the signatures in h was made with this key over
// payload, and 0 otherwise. It compares all of them, each in constant time.
func (k *Key) Matches(h *Header, payload []byte) (found int) {
	m := k.macs.Get().(*mac)
	m.text = append(append(m.text[:0], h.timestamp...), '.')
	m.hash.Reset()
	m.hash.Write(m.text)
	m.hash.Write(payload)
	m.sum = m.hash.Sum(m.sum[:0])
	for i := range h.count {
		found |= subtle.ConstantTimeCompare(m.sum, h.macs[i][:])
	}
	k.macs.Put(m)
	return found
}

// MaxSecrets bounds the work that one request can cause: every secret is tried.
const MaxSecrets = 16

// Keyring is the keys of the secrets in use, in their order. It is never changed.
type Keyring []*Key

// Match returns the index of the first key with which one of the signatures in h
// was made over payload, or -1. Every key is tried, so that the time taken does not
// tell which of them it was.
func (ring Keyring) Match(h *Header, payload []byte) int {
	index := -1
	for i, k := range ring {
		isFirst := k.Matches(h, payload) & subtle.ConstantTimeEq(int32(index), -1)
		index = subtle.ConstantTimeSelect(isFirst, i, index)
	}
	return index
}
