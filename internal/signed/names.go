package signed

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// nameSet finds names that encoding/json would take for one another: equal
// ones, and those that differ by case only. It holds a 64-bit hash of each name,
// seeded at random for this process, so that neither memory nor time depends on
// what a caller chose; two different names are taken for equal once in 2^64.
type nameSet struct {
	hashes []uint64
	folded []byte
}

var (
	nameSets = sync.Pool{New: func() any { return new(nameSet) }}
	hashSeed = maphash.MakeSeed()
)

// maxKeptHashes bounds the memory that a set keeps for its next use.
const maxKeptHashes = 4096

func (s *nameSet) release() {
	if cap(s.hashes) <= maxKeptHashes && cap(s.folded) <= maxKeptHashes {
		s.hashes, s.folded = s.hashes[:0], s.folded[:0]
		nameSets.Put(s)
	}
}

// add takes in a name as written and returns it folded, which is valid until
// the next call.
func (s *nameSet) add(name []byte) []byte {
	s.folded = appendFolded(s.folded[:0], name)
	s.hashes = append(s.hashes, maphash.Bytes(hashSeed, s.folded))
	return s.folded
}

// repeats reports whether two of the names are equal or differ by case only.
func (s *nameSet) repeats() bool {
	slices.Sort(s.hashes)
	for i := 1; i < len(s.hashes); i++ {
		if s.hashes[i] == s.hashes[i-1] {
			return true
		}
	}
	return false
}

// isConfusable reports whether a name, as written, is not one of the known ones,
// but some decoder takes it for one. Whoever decodes the payload must read what
// was verified.
func isConfusable(name, folded []byte) bool {
	known := knownAs(folded)
	return known != "" && string(name) != known
}

// IsPlainName reports whether JSON.stringify writes a name as it is, without escapes.
func IsPlainName(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' })
}

// KnownAs returns the known name that some decoder takes a plain name for, or "".
func KnownAs(name string) string { return knownAs(appendFolded(nil, []byte(name))) }

// knownAs returns the known name that some decoder takes a name for, or "". folded
// is the name as add returns it.
func knownAs(folded []byte) string {
	var room squashed
	switch string(room.squash(folded)) {
	case "USERID":
		return "user_id"
	case "ACCOUNTID":
		return "account_id"
	case "ACTION":
		return "action"
	case "LIVEMODE":
		return "livemode"
	case "STRIPEROLES":
		return "stripe_roles"
	}
	return ""
}

// squashed has room for the longest name that matters, and what makes another too long.
type squashed [longestSquashed + utf8.UTFMax]byte

const longestSquashed = len("PREVIOUSATTRIBUTES")

// squash returns a folded name as the most generous decoders take it, or nil if it
// is too long to matter. encoding/json ignores case by Unicode's simple folding.
// Others also fold İ and ı to i, or the ligature of s and t by full folding, or ignore
// _ and -.
//
// https://pkg.go.dev/encoding/json/v2#MatchCaseInsensitiveNames
// https://www.unicode.org/Public/UCD/latest/ucd/CaseFolding.txt
func (s *squashed) squash(folded []byte) []byte {
	out := s[:0]
	for len(folded) > 0 {
		c, size := utf8.DecodeRune(folded)
		folded = folded[size:]
		switch c {
		case '_', '-':
			continue
		case 'İ', 'ı':
			c = 'I'
		case 'ﬅ', 'ﬆ':
			out, c = append(out, 'S'), 'T'
		}
		out = utf8.AppendRune(out, c)
		if len(out) > longestSquashed {
			return nil
		}
	}
	return out
}

// appendFolded appends what a name of a valid document means, with its case
// folded as encoding/json folds it to find a struct's field: each letter is
// replaced by the smallest of those that differ from it by case only.
func appendFolded(dst, name []byte) []byte {
	for len(name) > 0 {
		var r rune
		switch c := name[0]; {
		case c == '\\':
			r, name = unescape(name)
		case c < utf8.RuneSelf:
			r, name = rune(c), name[1:]
		default:
			var size int
			r, size = utf8.DecodeRune(name)
			name = name[size:]
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
		r, rest = HexRune(s[2:6]), s[6:]
		if !utf16.IsSurrogate(r) {
			return r, rest
		}
		if len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
			if pair := utf16.DecodeRune(r, HexRune(rest[2:6])); pair != utf8.RuneError {
				return pair, rest[6:]
			}
		}
		return utf8.RuneError, rest
	default: // one of "\/
		return rune(c), s[2:]
	}
}

// HexRune returns what the four hex digits of a \u escape mean.
func HexRune(digits []byte) (r rune) {
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
