package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// mutant is the module with another text in one place, or in a few.
type mutant struct {
	file     string // its path in the module
	line     int
	function string // in which it is, if in one

	old, new string // the line, before and after
	nth      int    // of those in the function that look the same, if it is not the first
	title    string // of a break made by hand

	files map[string][]byte // what to read in place of the files
	tests []string          // packages, in their order
}

// String is file:line: old → new.
func (m mutant) String() string {
	if m.title != "" {
		return m.title
	}
	return fmt.Sprintf("%s:%d: %s → %s", m.file, m.line, m.old, m.new)
}

// key names the mutant without its line, which moves.
func (m mutant) key() string {
	function := cmp.Or(m.function, "-")
	if m.nth > 1 {
		function += "#" + strconv.Itoa(m.nth)
	}
	return fmt.Sprintf("%s %s: %s → %s", m.file, function, m.old, m.new)
}

func (m mutant) compare(other mutant) int {
	return cmp.Or(strings.Compare(m.file, other.file), cmp.Compare(m.line, other.line))
}

// edited returns the mutant of source that has text in place of source[start:end].
func edited(file, function string, source []byte, start, end int, text string) mutant {
	from := bytes.LastIndexByte(source[:start], '\n') + 1
	to := len(source)
	if i := bytes.IndexByte(source[end:], '\n'); i >= 0 {
		to = end + i
	}
	content := bytes.Join([][]byte{source[:start], source[end:]}, []byte(text))
	return mutant{
		file: file, function: function,
		line:  bytes.Count(source[:start], []byte("\n")) + 1,
		old:   oneLine(source[from:to]),
		new:   cmp.Or(oneLine(content[from:to-(end-start)+len(text)]), "(nothing)"),
		files: map[string][]byte{file: content},
	}
}

// oneLine is code as one line without a comment, cut off where it gets too long to
// read.
func oneLine(code []byte) string {
	var words []string
	for line := range strings.Lines(string(code)) {
		line, _, _ = strings.Cut(line, "// ")
		words = append(words, strings.Fields(line)...)
	}
	runes := []rune(strings.Join(words, " "))
	if len(runes) > 200 {
		runes = append(runes[:200], '…')
	}
	return string(runes)
}

// equivalentFile lists the mutants that do what the source does:
//
//	file function: old → new // why no test can tell them apart
//
// The second of those in a function that look the same is function#2, and so on.
const equivalentFile = "internal/mutants/testdata/equivalent.txt"

// equivalents holds the reasons, by the mutants' keys.
type equivalents map[string]string

func readEquivalents(path string) (equivalents, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	listed := equivalents{}
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		i := strings.LastIndex(line, " // ")
		if i < 0 {
			return nil, fmt.Errorf("%s: no reason: %s", path, line)
		}
		listed[line[:i]] = line[i+len(" // "):]
	}
	return listed, nil
}
