package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// parseJSON returns the value that data, the text of a file, is.
func parseJSON(file string, data []byte) (*node, error) {
	p := &jsonParser{file: file, data: data}
	if i := invalidUTF8(data); i >= 0 {
		return nil, p.errorAt(i, "this is not UTF-8: save the file as UTF-8")
	}
	if bytes.HasPrefix(data, []byte("\uFEFF")) {
		return nil, p.errorAt(0, "the file begins with a byte order mark, which is not JSON: save it as UTF-8 without one")
	}
	// As a whole first: then the text is JSON, and only its places are sought. The
	// line break tells an end that comes too early from a wrong last character.
	if err := json.Unmarshal(append(slices.Clip(data), '\n'), new(json.RawMessage)); err != nil {
		offset := len(data)
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			offset = min(offset, max(0, int(syntax.Offset)-1))
		}
		if rest := data[offset:]; bytes.HasPrefix(rest, []byte("//")) || bytes.HasPrefix(rest, []byte("/*")) {
			return nil, p.errorAt(offset, "this is not JSON: it has no comments (samples in Stripe's documents have some)")
		}
		// Its text is after a prefix that differs between Go's releases.
		return nil, p.errorAt(offset, "this is not JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	p.tokens = json.NewDecoder(bytes.NewReader(data))
	p.tokens.UseNumber()
	return p.value(0)
}

type jsonParser struct {
	file   string
	data   []byte
	tokens *json.Decoder
	nodes  int

	// Where place was asked for last.
	offset, line, column int
}

// place is place(p.data, offset) for offsets that only grow: it goes on from the
// last one, so that a long line or file costs no more than once through it.
func (p *jsonParser) place(offset int) (line, column int) {
	if p.line == 0 {
		p.line, p.column = 1, 1
	}
	passed := p.data[p.offset:offset]
	if lines := bytes.Count(passed, []byte("\n")); lines > 0 {
		p.line += lines
		p.column = 1
		passed = passed[bytes.LastIndexByte(passed, '\n')+1:]
	}
	p.column += utf8.RuneCount(passed)
	p.offset = offset
	return p.line, p.column
}

// next returns the next token, and the offset at which it begins.
func (p *jsonParser) next() (json.Token, int, error) {
	offset := int(p.tokens.InputOffset())
	for offset < len(p.data) && strings.IndexByte(" \t\r\n,:", p.data[offset]) >= 0 {
		offset++
	}
	token, err := p.tokens.Token()
	if err != nil {
		return nil, offset, p.errorAt(offset, "this is not JSON: %v", err)
	}
	return token, offset, nil
}

func (p *jsonParser) value(depth int) (*node, error) {
	token, offset, err := p.next()
	if err != nil {
		return nil, err
	}
	if p.nodes++; p.nodes > maxNodes || depth > maxDepth {
		return nil, p.errorAt(offset, tooLarge, maxNodes, maxDepth)
	}
	n := &node{file: p.file}
	n.line, n.column = p.place(offset)
	switch token := token.(type) {
	case nil:
		n.kind = kindNull
	case bool:
		n.kind, n.text = kindBool, fmt.Sprint(token)
	case json.Number:
		n.kind, n.text = kindNumber, token.String()
	case string:
		n.kind, n.text = kindString, token
	case json.Delim:
		if token == '[' {
			n.kind = kindArray
			err = p.array(n, depth)
		} else {
			n.kind = kindObject
			err = p.object(n, depth)
		}
	}
	return n, err
}

func (p *jsonParser) array(n *node, depth int) error {
	for p.tokens.More() {
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, _, err := p.next() // ]
	return err
}

func (p *jsonParser) object(n *node, depth int) error {
	seen := map[string]bool{}
	for p.tokens.More() {
		token, offset, err := p.next()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		if seen[name] {
			return p.errorAt(offset, "the member %q is there twice: keep one of them", short(name))
		}
		seen[name] = true
		m := member{name: name}
		m.line, m.column = p.place(offset)
		if m.value, err = p.value(depth + 1); err != nil {
			return err
		}
		n.members = append(n.members, m)
	}
	_, _, err := p.next() // }
	return err
}

func (p *jsonParser) errorAt(offset int, format string, args ...any) *Error {
	line, column := place(p.data, offset)
	return &Error{p.file, line, column, fmt.Sprintf(format, args...), nil}
}
