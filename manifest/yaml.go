package manifest

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"
)

// parseYAML returns the value that data, the text of a file, is. The library
// bounds the depth; an alias is not copied, and values are counted, so that a
// bomb of aliases takes neither memory nor time.
func parseYAML(file string, data []byte) (*node, error) {
	if i := invalidUTF8(data); i >= 0 {
		line, column := place(data, i)
		return nil, &Error{file, line, column, "this is not UTF-8: save the file as UTF-8", nil}
	}
	// The library takes 1.1 only, and reads 1.2.
	data = versionDirective().ReplaceAll(data, []byte("${1}1"))
	var document yaml.Node
	if err := yaml.Load(data, &document); err != nil {
		line, column, text := 1, 1, err.Error()
		if located := (*yaml.LoadError)(nil); errors.As(err, &located) {
			text = located.Message
			if located.Mark.Line > 0 {
				line, column = located.Mark.Line, max(1, located.Mark.Column)
			} else {
				line, column = unlocated(data)
			}
		}
		return nil, &Error{file, line, column, "this is not YAML: " + strings.TrimPrefix(text, "yaml: "), nil}
	}
	if len(document.Content) != 1 {
		return nil, &Error{file, 1, 1, "the file is empty", nil}
	}
	p := &yamlParser{file: file, open: map[*yaml.Node]bool{}}
	return p.value(document.Content[0], 0)
}

var versionDirective = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(%YAML[ \t]+1\.)2`)
})

// unlocated finds what the library has no place for: a control character, or
// where a second document begins.
func unlocated(data []byte) (line, column int) {
	isControl := func(c rune) bool { return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f }
	if i := bytes.IndexFunc(data, isControl); i >= 0 {
		return place(data, i)
	}
	var first, second yaml.Node
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err == nil && loader.Load(&first) == nil && loader.Load(&second) == nil {
		return max(1, second.Line), max(1, second.Column)
	}
	return 1, 1
}

type yamlParser struct {
	file  string
	nodes int
	bytes int                 // of texts
	open  map[*yaml.Node]bool // those that the value is inside of
}

func (p *yamlParser) value(y *yaml.Node, depth int) (*node, error) {
	n := &node{file: p.file, line: max(1, y.Line), column: max(1, y.Column)}
	if p.nodes++; p.nodes > maxNodes || depth > maxDepth {
		return nil, n.errorf(tooLarge, maxNodes, maxDepth)
	}
	if y.Kind == yaml.AliasNode {
		y = y.Alias // its findings are where the alias is
	}
	if p.open[y] {
		return nil, n.errorf("this alias stands for a value that it is a part of")
	}
	p.open[y] = true
	defer delete(p.open, y)
	var err error
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = kindObject
		err = p.mapping(n, y, depth)
	case yaml.SequenceNode:
		n.kind = kindArray
		for _, item := range y.Content {
			value, err := p.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, value)
		}
	default:
		n.text = y.Value
		if p.bytes += len(n.text); p.bytes > 4*maxFileBytes {
			return nil, n.errorf("a manifest is not so large: more than 4 MiB of text, with what aliases stand for")
		}
		switch y.ShortTag() {
		case "!!null":
			n.kind = kindNull
		case "!!bool":
			n.kind = kindBool
		case "!!int", "!!float":
			n.kind = kindNumber
		default: // a timestamp too is what a manifest has as a string
			n.kind = kindString
		}
	}
	return n, err
}

func (p *yamlParser) mapping(n *node, y *yaml.Node, depth int) error {
	seen := map[string]bool{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := y.Content[i]
		at := &node{file: p.file, line: max(1, key.Line), column: max(1, key.Column)}
		switch {
		case key.Kind != yaml.ScalarNode:
			return at.errorf("the name of a member must be a plain string")
		case key.ShortTag() == "!!merge":
			return at.errorf("merge keys (<<) are not part of YAML 1.2, and " +
				"it is not known whether Stripe reads them: write the members out")
		case seen[key.Value]:
			return at.errorf("the member %q is there twice: keep one of them", short(key.Value))
		}
		seen[key.Value] = true
		value, err := p.value(y.Content[i+1], depth+1)
		if err != nil {
			return err
		}
		n.members = append(n.members, member{key.Value, at.line, at.column, value})
	}
	return nil
}
