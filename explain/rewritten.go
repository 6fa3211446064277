package explain

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// What follows undoes what happens to the characters of all strings at once. It
// works on a text as JSON.stringify writes it, in which only control characters are
// escaped, and changes nothing of its structure.

// rewriting is one way in which a text can have been rewritten.
type rewriting struct {
	undo func(text []byte) []byte // nil if it is not possible
	Explanation
}

// rewritings are the kinds, of each of which one can have happened. What is done
// last on the way stands first.
func rewritings() [][]rewriting {
	mojibake := Explanation{causeMojibake, `characters like é have become two or three like Ã©: UTF-8 was read as ISO 8859-1 or Windows-1252 and written in UTF-8 again: handle the body as bytes, or as UTF-8`}
	normalized := Explanation{causeNormalized, "characters like é are in another normal form of Unicode (NFC or NFD) than when they were signed: handle the body as bytes, and normalize what is in it after it is verified, or before it is signed"}
	lineBreaks := Explanation{causeLineBreaks, `line breaks within values are others than when they were signed, \n for \r\n or the other way round, as in forms and some editors: handle the body as bytes, and change line breaks after it is verified, or before it is signed`}
	return [][]rewriting{
		{{undoMojibake, mojibake}, {undoMojibakeTwice, mojibake}},
		{{normalTo(norm.NFC), normalized}, {normalTo(norm.NFD), normalized}},
		{{lineBreaksTo(`\r\n`), lineBreaks}, {lineBreaksTo(`\n`), lineBreaks}, {lineBreaksTo(`\r`), lineBreaks}},
	}
}

// rewritten calls visit with a text as it can have been before it was rewritten, until
// that returns true: as it is, with one kind undone, and with several.
func (e *explainer) rewritten(text []byte, kinds [][]rewriting, said []Explanation, visit func([]byte, []Explanation) bool) bool {
	if e.exhausted {
		return false
	}
	if len(kinds) == 0 {
		return visit(text, said)
	}
	if e.rewritten(text, kinds[1:], said, visit) {
		return true
	}
	for _, r := range kinds[0] {
		before := r.undo(text)
		if before == nil || bytes.Equal(before, text) {
			continue
		}
		if e.rewritten(before, kinds[1:], slices.Concat(said, []Explanation{r.Explanation}), visit) {
			return true
		}
	}
	return false
}

func undoMojibake(text []byte) []byte {
	before, ok := toWindows1252(text)
	if !ok || !utf8.Valid(before) {
		return nil
	}
	return before
}

func undoMojibakeTwice(text []byte) []byte {
	if once := undoMojibake(text); once != nil {
		return undoMojibake(once)
	}
	return nil
}

func normalTo(form norm.Form) func([]byte) []byte {
	return func(text []byte) []byte {
		if form.IsNormal(text) {
			return nil
		}
		return form.Bytes(text)
	}
}

// lineBreaksTo replaces the escapes of all line breaks.
func lineBreaksTo(other string) func([]byte) []byte {
	return func(text []byte) []byte {
		if !bytes.Contains(text, []byte(`\n`)) && !bytes.Contains(text, []byte(`\r`)) {
			return nil
		}
		out := make([]byte, 0, len(text)+len(text)/8)
		for i := 0; i < len(text); i++ {
			if text[i] != '\\' {
				out = append(out, text[i])
				continue
			}
			switch i++; text[i] {
			case 'r':
				if bytes.HasPrefix(text[i+1:], []byte(`\n`)) {
					i += len(`\n`)
				}
				out = append(out, other...)
			case 'n':
				out = append(out, other...)
			default:
				out = append(out, '\\', text[i])
			}
		}
		return out
	}
}

// candidate is a text that could be what was signed, but for what said names.
type candidate struct {
	text []byte
	said []Explanation
}

// candidates are the body itself, and with the ids where they belong.
func (s *memberSearch) candidates(all []stripejs.Member) []candidate {
	candidates := []candidate{{text: stripejs.Object(all)}}
	if !s.idsAreLast {
		candidates = append(candidates, candidate{stripejs.Object(slices.Concat(s.own, s.ids)), []Explanation{s.idsPlace()}})
	}
	return candidates
}

// foundAs ends a search with a text that fits.
func (s *memberSearch) foundAs(text []byte, said ...Explanation) bool {
	s.found = append(s.found, said...)
	s.checkIdentity(text)
	return true
}

// findRewritten undoes what was done to the characters, and beside that to the types
// of all values, since forms change both.
func (s *memberSearch) findRewritten(candidates []candidate) bool {
	return slices.ContainsFunc(candidates, func(c candidate) bool {
		return s.rewritten(c.text, rewritings(), nil, func(text []byte, said []Explanation) bool {
			if len(said) > 0 && s.fits(text) {
				return s.foundAs(text, slices.Concat(said, c.said)...)
			}
			for _, r := range retypings(text) {
				if before := r.undo(text, nil); s.fits(before) {
					return s.foundAs(before, slices.Concat(said, []Explanation{r.explanation(nil)}, c.said)...)
				}
			}
			return false
		})
	})
}
