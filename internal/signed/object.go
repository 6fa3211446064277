package signed

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// Object walks the members of one JSON object (RFC 8259):
//
//	members := signed.Members(doc)
//	for members.Next() {
//		… members.Name, members.Value …
//	}
//	if members.Fault != signed.OK { … }
//
// encoding/json cannot read identity on its own: it lets the last of several
// equal names win, matches names without regard to case, replaces what is not
// UTF-8, and forgets the order. Object reads the same grammar and keeps all of
// it, in one pass and without allocating.
type Object struct {
	// Name is the member's, as written between the quotes.
	Name []byte
	// Value is as written, without white space around it.
	Value []byte
	// Count is how many members there have been.
	Count int
	// Fault is NotObject or TooDeep if the document is no such object.
	Fault Fault

	doc []byte
	pos int
}

// maxDepth is how deep values may be nested, the object itself included.
const maxDepth = 256

// Members returns a walk over doc that stands before its first member.
func Members(doc []byte) Object {
	return Object{doc: doc}
}

// Next advances to the next member. It returns false at the end of the
// document and at the first fault.
func (s *Object) Next() bool {
	if s.Fault != OK {
		return false
	}
	if s.Count == 0 {
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
	if s.Count > 0 {
		if !s.take(',') {
			return s.fail()
		}
		s.space()
	}
	from := s.pos
	if !s.string() {
		return s.fail()
	}
	s.Name = s.doc[from+1 : s.pos-1]
	if !s.colon() {
		return s.fail()
	}
	from = s.pos
	if !s.any(2) {
		return s.fail()
	}
	s.Value = s.doc[from:s.pos]
	s.Count++
	return true
}

// Split returns the object doc, which has been read without a fault, in two: with the
// members of these names alone, and without them.
func Split(doc []byte, names ...string) (named, others []byte) {
	named, others = []byte{'{'}, append(make([]byte, 0, len(doc)), '{')
	members := Members(doc)
	for members.Next() {
		if slices.Contains(names, string(members.Name)) {
			named = members.appendTo(named)
		} else {
			others = members.appendTo(others)
		}
	}
	return append(named, '}'), append(others, '}')
}

// appendTo adds the member that s stands at to an object that is not closed yet.
func (s *Object) appendTo(object []byte) []byte {
	if len(object) > 1 {
		object = append(object, ',')
	}
	object = append(append(append(object, '"'), s.Name...), `":`...)
	return append(object, s.Value...)
}

func (s *Object) fail() bool {
	if s.Fault == OK {
		s.Fault = NotObject
	}
	return false
}

// The methods below each read one thing at pos and step behind it; false means
// that something else is there.

func (s *Object) any(depth int) bool {
	if s.pos == len(s.doc) {
		return false
	}
	switch c := s.doc[s.pos]; c {
	case '{', '[':
		if depth > maxDepth {
			s.Fault = TooDeep
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

func (s *Object) object(depth int) bool {
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

func (s *Object) array(depth int) bool {
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

func (s *Object) string() bool {
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

func (s *Object) escape() bool {
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

func (s *Object) number() bool {
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

func (s *Object) digits() bool {
	from := s.pos
	for s.pos < len(s.doc) && '0' <= s.doc[s.pos] && s.doc[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > from
}

func (s *Object) word(w string) bool {
	if !bytes.HasPrefix(s.doc[s.pos:], []byte(w)) {
		return false
	}
	s.pos += len(w)
	return true
}

func (s *Object) colon() bool {
	s.space()
	if !s.take(':') {
		return false
	}
	s.space()
	return true
}

func (s *Object) take(c byte) bool {
	if s.pos == len(s.doc) || s.doc[s.pos] != c {
		return false
	}
	s.pos++
	return true
}

func (s *Object) space() {
	for s.pos < len(s.doc) {
		switch s.doc[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}
