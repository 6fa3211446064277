// Package stripejs writes what Stripe's side of a signature writes: JSON as
// JavaScript's JSON.stringify has it, and the header. Go's encoding/json cannot:
// it escapes U+2028, replaces lone surrogates, sorts or keeps keys where
// JavaScript moves numbers to the front, and writes -0.
package stripejs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may be nested.
const maxDepth = 256

// ErrNotJSON means that a text is not JSON, or nested deeper than 256.
var ErrNotJSON = errors.New("stripejs: not JSON, or nested deeper than 256 levels")

// Stringify returns JSON.stringify(JSON.parse(text)).
//
// https://tc39.es/ecma262/#sec-json.stringify
func Stringify(text []byte) ([]byte, error) {
	v, err := parse(text)
	if err != nil {
		return nil, err
	}
	return v.append(nil), nil
}

// Member is a member of an object, with its value as JSON.stringify writes it.
type Member struct {
	Name  string // its characters are UTF-8, and a lone surrogate as WTF-8
	Value []byte
}

// Members returns the members of the object that text is, in the order that
// JavaScript has them in.
func Members(text []byte) ([]Member, error) {
	v, err := parse(text)
	if err != nil {
		return nil, err
	}
	if v.kind != '{' {
		return nil, ErrNotJSON
	}
	members := make([]Member, len(v.names))
	for i, name := range v.names {
		members[i] = Member{name, v.values[i].append(nil)}
	}
	return members, nil
}

// Object returns the object with members, in their order.
func Object(members []Member) []byte {
	out := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendString(out, m.Name)
		out = append(out, ':')
		out = append(out, m.Value...)
	}
	return append(out, '}')
}

// Quote returns a string as JSON.stringify writes it.
func Quote(s string) []byte { return appendString(nil, s) }

// value is a JSON value as JavaScript has it.
type value struct {
	kind   byte     // '{', '[', '"', or 0 for what is written as text
	text   string   // of a string: WTF-8; else as it is written
	names  []string // of an object
	values []*value
}

func parse(text []byte) (*value, error) {
	if !json.Valid(text) || !utf8.Valid(text) {
		return nil, ErrNotJSON
	}
	p := parser{text: text}
	v, err := p.value(0)
	return v, err
}

// parser reads text that is known to be JSON.
type parser struct {
	text []byte
	pos  int
}

// peek returns the next byte that is no white space.
func (p *parser) peek() byte {
	for strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	return p.text[p.pos]
}

func (p *parser) value(depth int) (*value, error) {
	c := p.peek()
	if depth == maxDepth && (c == '{' || c == '[') {
		return nil, ErrNotJSON
	}
	switch c {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		return &value{kind: '"', text: p.string()}, nil
	}
	start := p.pos
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n,:]}", p.text[p.pos]) < 0 {
		p.pos++
	}
	literal := string(p.text[start:p.pos])
	if c := literal[0]; c == '-' || '0' <= c && c <= '9' {
		literal = number(literal)
	}
	return &value{text: literal}, nil
}

func (p *parser) array(depth int) (*value, error) {
	v := &value{kind: '['}
	for p.pos++; p.peek() != ']'; {
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.values = append(v.values, item)
		if p.peek() == ',' {
			p.pos++
		}
	}
	p.pos++
	return v, nil
}

// object puts a repeated name's last value in its first place, and names that are
// array indexes in front, in their order.
//
// https://tc39.es/ecma262/#sec-ordinaryownpropertykeys
func (p *parser) object(depth int) (*value, error) {
	v := &value{kind: '{'}
	place := map[string]int{}
	for p.pos++; p.peek() != '}'; {
		name := p.string()
		p.peek()
		p.pos++ // :
		member, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if i, repeated := place[name]; repeated {
			v.values[i] = member
		} else {
			place[name] = len(v.names)
			v.names = append(v.names, name)
			v.values = append(v.values, member)
		}
		if p.peek() == ',' {
			p.pos++
		}
	}
	p.pos++
	v.sortIndexes()
	return v, nil
}

func (v *value) sortIndexes() {
	type indexed struct {
		index uint64
		name  string
		value *value
	}
	var indexes []indexed
	var names []string
	var values []*value
	for i, name := range v.names {
		if index, ok := arrayIndex(name); ok {
			indexes = append(indexes, indexed{index, name, v.values[i]})
			continue
		}
		names = append(names, name)
		values = append(values, v.values[i])
	}
	if indexes == nil {
		return
	}
	slices.SortFunc(indexes, func(a, b indexed) int {
		if a.index < b.index {
			return -1
		}
		return 1
	})
	v.names, v.values = nil, nil
	for _, i := range indexes {
		v.names, v.values = append(v.names, i.name), append(v.values, i.value)
	}
	v.names, v.values = append(v.names, names...), append(v.values, values...)
}

// arrayIndex: a canonical number below 2^32-1.
func arrayIndex(name string) (uint64, bool) {
	if name == "" || len(name) > 10 || len(name) > 1 && name[0] == '0' || strings.Trim(name, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(name, 10, 64)
	return n, err == nil && n < math.MaxUint32
}

// string reads a string into WTF-8: surrogates that belong together are one
// character, and one alone is three bytes.
func (p *parser) string() string {
	p.peek()
	p.pos++ // "
	var out []byte
	var high rune // a high surrogate that waits for its low one
	flush := func() {
		if high != 0 {
			out = appendSurrogate(out, high)
			high = 0
		}
	}
	for {
		switch c := p.text[p.pos]; c {
		case '"':
			p.pos++
			flush()
			return string(out)
		case '\\':
			p.pos++
			c = p.text[p.pos]
			p.pos++
			if c != 'u' {
				flush()
				out = append(out, unescape[c])
				continue
			}
			n, _ := strconv.ParseUint(string(p.text[p.pos:p.pos+4]), 16, 32)
			p.pos += 4
			r := rune(n)
			switch {
			case high != 0 && 0xdc00 <= r && r <= 0xdfff:
				out = utf8.AppendRune(out, utf16.DecodeRune(high, r))
				high = 0
			case 0xd800 <= r && r <= 0xdbff:
				flush()
				high = r
			case 0xdc00 <= r && r <= 0xdfff:
				flush()
				out = appendSurrogate(out, r)
			default:
				flush()
				out = utf8.AppendRune(out, r)
			}
		default:
			flush()
			out = append(out, c)
			p.pos++
		}
	}
}

var unescape = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// appendSurrogate appends what UTF-8 has no bytes for.
func appendSurrogate(out []byte, r rune) []byte {
	return append(out, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
}

// append appends v as JSON.stringify writes it.
func (v *value) append(out []byte) []byte {
	switch v.kind {
	case '"':
		return appendString(out, v.text)
	case '[':
		out = append(out, '[')
		for i, item := range v.values {
			if i > 0 {
				out = append(out, ',')
			}
			out = item.append(out)
		}
		return append(out, ']')
	case '{':
		out = append(out, '{')
		for i, name := range v.names {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendString(out, name)
			out = append(out, ':')
			out = v.values[i].append(out)
		}
		return append(out, '}')
	}
	return append(out, v.text...)
}

// appendString appends a string as QuoteJSONString does: only what must be is
// escaped, and lone surrogates.
//
// https://tc39.es/ecma262/#sec-quotejsonstring
func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c < ' ':
			if i := bytes.IndexByte([]byte("\b\f\n\r\t"), c); i >= 0 {
				out = append(out, '\\', "bfnrt"[i])
			} else {
				const hex = "0123456789abcdef"
				out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
		case c == 0xed && i+2 < len(s) && s[i+1] >= 0xa0: // a surrogate in WTF-8
			out = fmt.Appendf(out, `\u%04x`, 0xd000|int(s[i+1]&0x3f)<<6|int(s[i+2]&0x3f))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// number returns a number as JavaScript writes it: Number::toString of the
// double that it is read as.
//
// https://tc39.es/ecma262/#sec-numeric-types-number-tostring
func number(literal string) string {
	f, _ := strconv.ParseFloat(literal, 64)
	switch {
	case math.IsInf(f, 0):
		return "null"
	case f == 0:
		return "0" // -0 too
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	// Go has two digits in an exponent at least.
	mantissa, exponent, _ := strings.Cut(s, "e")
	return mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")
}
