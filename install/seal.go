package install

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// sealer encrypts what a Store keeps, so that a copy of the database alone gives away no
// token, and nothing in it can be changed or put under another account without being
// noticed. A record that is put back as it was before is not noticed.
//
// Each install has a key of its own (HKDF-SHA256, RFC 5869), for AES-256-GCM with a
// random nonce: 2^32 times for one install are safe, and nobody saves that often.
//
//	sealed = version (1 byte) | key id (8) | nonce (12) | ciphertext | tag (16)
type sealer struct {
	keys []sealingKey // the first seals, all open
}

type sealingKey struct {
	id     [8]byte
	derive func(purpose string, n int) []byte // from the key; a function, so that fmt cannot show it
}

func newSealingKey(key []byte) sealingKey {
	key = bytes.Clone(key)
	k := sealingKey{derive: func(purpose string, n int) []byte {
		derived, err := hkdf.Key(sha256.New, key, nil, "stripeapps/install: "+purpose, n)
		if err != nil {
			panic(err) // of an n that is far too large
		}
		return derived
	}}
	copy(k.id[:], k.derive("key id", len(k.id)))
	return k
}

const (
	sealedVersion  = 1
	sealedOverhead = 1 + 8 + 12 + 16
	maxSealingKeys = 8
)

// errSealed is why a record cannot be used.
var errSealed = errors.New("install: the record cannot be opened: it is sealed with a key that is not in SealingKeys, or has been changed, or belongs to another install")

// newSealer checks the keys, and says everything that is wrong with them.
func newSealer(keys [][]byte) (*sealer, error) {
	const field = "stripeapps/install: TokensConfig.SealingKeys"
	var errs []error
	switch {
	case len(keys) == 0:
		errs = append(errs, errors.New(field+" is empty: give a key of 32 random bytes (openssl rand -base64 32), which is not kept in the database"))
	case len(keys) > maxSealingKeys:
		errs = append(errs, fmt.Errorf("%s has %d entries, more than %d: reseal, and remove the old ones", field, len(keys), maxSealingKeys))
	}
	s := &sealer{}
	for i, key := range keys {
		switch {
		case len(key) != 32:
			errs = append(errs, fmt.Errorf("%s[%d] has %d bytes: it must have 32, random ones (decode it first if it is written in hex or base64)", field, i, len(key)))
		case isOneByte(key):
			errs = append(errs, fmt.Errorf("%s[%d] is the same byte 32 times: give random ones", field, i))
		}
		for j := range i {
			if bytes.Equal(keys[j], key) {
				errs = append(errs, fmt.Errorf("%s[%d] equals %s[%d]: give each key once", field, i, "SealingKeys", j))
				break
			}
		}
		s.keys = append(s.keys, newSealingKey(key))
	}
	return s, errors.Join(errs...)
}

// seal seals what is kept of an install.
func (s *sealer) seal(id ID, plain []byte) []byte {
	key := s.keys[0]
	header := append([]byte{sealedVersion}, key.id[:]...)
	return key.aead(id).Seal(header, nil, plain, additional(header, id))
}

// open opens what seal has made for this install, with any of the keys.
func (s *sealer) open(id ID, sealed []byte) ([]byte, error) {
	if len(sealed) < sealedOverhead || len(sealed) > MaxDataBytes || sealed[0] != sealedVersion {
		return nil, errSealed
	}
	header := sealed[:1+8]
	for _, key := range s.keys {
		if !bytes.Equal(header[1:], key.id[:]) {
			continue
		}
		plain, err := key.aead(id).Open(nil, nil, sealed[len(header):], additional(header, id))
		if err != nil {
			return nil, errSealed
		}
		return plain, nil
	}
	return nil, errSealed
}

// newest reports whether the first key has sealed this.
func (s *sealer) newest(sealed []byte) bool {
	return len(sealed) > 9 && sealed[0] == sealedVersion && bytes.Equal(sealed[1:9], s.keys[0].id[:])
}

func (k sealingKey) aead(id ID) cipher.AEAD {
	block, err := aes.NewCipher(k.derive("tokens of "+id.text(), 32))
	if err != nil {
		panic(err) // of a length that is not 32
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // of another block size
	}
	return aead
}

// additional is authenticated with the ciphertext, and not kept beside it but for the
// header.
func additional(header []byte, id ID) []byte { return append(bytes.Clone(header), id.text()...) }

// text is another one for each ID: no mode has a slash.
func (id ID) text() string { return string(id.Mode) + "/" + id.Account }
