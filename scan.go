package stripeapps

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// encoding/json cannot read identity on its own: it lets the last of several
// equal keys win, matches keys without regard to case, replaces what is not
// UTF-8, and forgets the order. This scanner reads the same grammar (RFC 8259)
// and keeps all of it. It walks the members of one object:
//
//	members := scanObject(doc)
//	for members.next() {
//		… members.key, members.value …
//	}
//	if members.err != nil { … }
//
// It works in one pass, without allocating.
type objectScanner struct {
	doc []byte
	pos int
	err error

	count int    // members so far
	key   []byte // between the quotes, as written
	value []byte // as written, without white space around it
}

// maxDepth is how deep values may be nested, the object itself included.
const maxDepth = 256

var (
	errNotObject = ErrNoIdentity.because("the signed payload is not a JSON object in UTF-8 with nothing after it")
	errTooDeep   = ErrNoIdentity.because("the signed payload is nested more than 256 levels deep")
)

func scanObject(doc []byte) objectScanner {
	return objectScanner{doc: doc}
}

// next advances to the next member. It returns false at the end of the
// document and at the first error, which err then holds.
func (s *objectScanner) next() bool {
	if s.err != nil {
		return false
	}
	if s.count == 0 {
		if !utf8.Valid(s.doc) {
			return s.fail()
		}
		s.space()
		if !s.take('{') {
			return s.fail()
		}
	}
	s.space()
	if s.take('}') {
		s.space()
		if s.pos != len(s.doc) {
			return s.fail()
		}
		return false
	}
	if s.count > 0 {
		if !s.take(',') {
			return s.fail()
		}
		s.space()
	}
	from := s.pos
	if !s.string() {
		return s.fail()
	}
	s.key = s.doc[from+1 : s.pos-1]
	if !s.colon() {
		return s.fail()
	}
	from = s.pos
	if !s.any(2) {
		return s.fail()
	}
	s.value = s.doc[from:s.pos]
	s.count++
	return true
}

func (s *objectScanner) fail() bool {
	if s.err == nil {
		s.err = errNotObject
	}
	return false
}

// The methods below each read one thing at pos and step behind it; false means
// that something else is there.

func (s *objectScanner) any(depth int) bool {
	if s.pos == len(s.doc) {
		return false
	}
	switch c := s.doc[s.pos]; c {
	case '{', '[':
		if depth > maxDepth {
			s.err = errTooDeep
			return false
		}
		if c == '{' {
			return s.object(depth)
		}
		return s.array(depth)
	case '"':
		return s.string()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

func (s *objectScanner) object(depth int) bool {
	s.pos++
	s.space()
	if s.take('}') {
		return true
	}
	for {
		if !s.string() || !s.colon() || !s.any(depth+1) {
			return false
		}
		s.space()
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
		s.space()
	}
}

func (s *objectScanner) array(depth int) bool {
	s.pos++
	s.space()
	if s.take(']') {
		return true
	}
	for {
		if !s.any(depth + 1) {
			return false
		}
		s.space()
		if s.take(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
		s.space()
	}
}

func (s *objectScanner) string() bool {
	if !s.take('"') {
		return false
	}
	for {
		// Most bytes are none of the three that matter.
		rest := s.doc[s.pos:]
		n := 0
		for n < len(rest) && rest[n] >= ' ' && rest[n] != '"' && rest[n] != '\\' {
			n++
		}
		s.pos += n
		switch {
		case s.take('"'):
			return true
		case !s.take('\\') || !s.escape():
			return false
		}
	}
}

func (s *objectScanner) escape() bool {
	if s.pos == len(s.doc) {
		return false
	}
	c := s.doc[s.pos]
	s.pos++
	if c != 'u' {
		switch c {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			return true
		}
		return false
	}
	if len(s.doc)-s.pos < 4 {
		return false
	}
	for _, c := range s.doc[s.pos : s.pos+4] {
		if !isHexDigit(c) {
			return false
		}
	}
	s.pos += 4
	return true
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func (s *objectScanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

func (s *objectScanner) digits() bool {
	from := s.pos
	for s.pos < len(s.doc) && '0' <= s.doc[s.pos] && s.doc[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > from
}

func (s *objectScanner) word(w string) bool {
	if !bytes.HasPrefix(s.doc[s.pos:], []byte(w)) {
		return false
	}
	s.pos += len(w)
	return true
}

func (s *objectScanner) colon() bool {
	s.space()
	if !s.take(':') {
		return false
	}
	s.space()
	return true
}

func (s *objectScanner) take(c byte) bool {
	if s.pos == len(s.doc) || s.doc[s.pos] != c {
		return false
	}
	s.pos++
	return true
}

func (s *objectScanner) space() {
	for s.pos < len(s.doc) {
		switch s.doc[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// keySet finds keys that encoding/json would take for one another: equal ones,
// and those that differ by case only. It holds a 64-bit hash of each key,
// seeded at random for this process, so that neither memory nor time depends on
// what a caller chose; two different keys are taken for equal once in 2^64.
type keySet struct {
	hashes []uint64
	name   []byte
}

var (
	keySets  = sync.Pool{New: func() any { return new(keySet) }}
	hashSeed = maphash.MakeSeed()
)

// maxKeptHashes bounds the memory that a set keeps for its next use.
const maxKeptHashes = 4096

func (k *keySet) release() {
	if cap(k.hashes) <= maxKeptHashes && cap(k.name) <= maxKeptHashes {
		k.hashes, k.name = k.hashes[:0], k.name[:0]
		keySets.Put(k)
	}
}

// add takes in a key as written and returns its folded name, which is valid
// until the next call.
func (k *keySet) add(key []byte) []byte {
	k.name = appendFolded(k.name[:0], key)
	k.hashes = append(k.hashes, maphash.Bytes(hashSeed, k.name))
	return k.name
}

// repeats reports whether two of the keys are equal or differ by case only.
func (k *keySet) repeats() bool {
	slices.Sort(k.hashes)
	for i := 1; i < len(k.hashes); i++ {
		if k.hashes[i] == k.hashes[i-1] {
			return true
		}
	}
	return false
}

// appendFolded appends what a key of a valid document means, with its case
// folded as encoding/json folds it to find a struct's field: each letter is
// replaced by the smallest of those that differ from it by case only.
func appendFolded(dst, key []byte) []byte {
	for len(key) > 0 {
		var r rune
		switch c := key[0]; {
		case c == '\\':
			r, key = unescape(key)
		case c < utf8.RuneSelf:
			r, key = rune(c), key[1:]
		default:
			var size int
			r, size = utf8.DecodeRune(key)
			key = key[size:]
		}
		dst = utf8.AppendRune(dst, foldRune(r))
	}
	return dst
}

func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		// The smallest letter of every ASCII orbit is the capital.
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}

// unescape reads the escape sequence at the start of s, which must be valid, and
// returns what follows it. A surrogate without its other half means U+FFFD, as
// it does to encoding/json.
func unescape(s []byte) (r rune, rest []byte) {
	switch c := s[1]; c {
	case 'b':
		return '\b', s[2:]
	case 'f':
		return '\f', s[2:]
	case 'n':
		return '\n', s[2:]
	case 'r':
		return '\r', s[2:]
	case 't':
		return '\t', s[2:]
	case 'u':
		r, rest = hexRune(s[2:6]), s[6:]
		if !utf16.IsSurrogate(r) {
			return r, rest
		}
		if len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
			if pair := utf16.DecodeRune(r, hexRune(rest[2:6])); pair != utf8.RuneError {
				return pair, rest[6:]
			}
		}
		return utf8.RuneError, rest
	default: // one of "\/
		return rune(c), s[2:]
	}
}

func hexRune(digits []byte) (r rune) {
	for _, c := range digits {
		r <<= 4
		if c <= '9' {
			r |= rune(c - '0')
		} else {
			r |= rune(c|0x20-'a') + 10
		}
	}
	return r
}
