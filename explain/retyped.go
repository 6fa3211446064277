package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// A number can have become a string on the way, and the other way round; so can true,
// false and null, for which forms and frameworks have "".

// leaf is a value, in a text as JSON.stringify writes it, that can have had another
// type.
type leaf struct {
	start, end int
	name       []byte // as written, of the member that it is in
	other      []byte // the value of the other type
}

// retyping is a change of type in one direction, of all the leaves that allow it.
type retyping struct {
	toString bool // what is sent is a string
	leaves   []leaf
}

// retypings returns those for which there is a leaf.
func retypings(text []byte) []retyping {
	strings, others := retyping{toString: true}, retyping{}
	var name []byte
	for i := 0; i < len(text); {
		end := endOfValue(text, i)
		value := text[i:end]
		switch {
		case end == i: // a bracket or a comma
			end++
		case end < len(text) && text[end] == ':':
			name = value
			end++
		case value[0] == '"':
			if other := withoutQuotes(value[1 : len(value)-1]); other != nil {
				strings.leaves = append(strings.leaves, leaf{i, end, name, other})
			}
		case string(value) == "null":
			others.leaves = append(others.leaves, leaf{i, end, name, []byte(`""`)})
		default:
			others.leaves = append(others.leaves, leaf{i, end, name, slices.Concat([]byte{'"'}, value, []byte{'"'})})
		}
		i = end
	}
	return slices.DeleteFunc([]retyping{strings, others}, func(r retyping) bool { return r.leaves == nil })
}

// endOfValue returns where a string or a literal ends that begins at i.
func endOfValue(text []byte, i int) int {
	if text[i] != '"' {
		for i < len(text) && bytes.IndexByte([]byte("{}[],:"), text[i]) < 0 {
			i++
		}
		return i
	}
	for i++; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// withoutQuotes returns what a string says as a number or a literal, or nil.
func withoutQuotes(content []byte) []byte {
	const longest = 32
	switch text := string(content); {
	case text == "":
		return []byte("null")
	case text == "true" || text == "false" || text == "null":
		return content
	case len(text) > longest || !strings.Contains("-0123456789", text[:1]):
		return nil
	}
	number, err := stripejs.Stringify(content)
	if err != nil {
		return nil
	}
	return number
}

// undo changes the leaves back whose indexes are in chosen, or all of them if it is nil.
func (r retyping) undo(text []byte, chosen []int) []byte {
	out := make([]byte, 0, len(text)+2*len(r.leaves))
	from := 0
	for _, l := range r.choose(chosen) {
		out = append(append(out, text[from:l.start]...), l.other...)
		from = l.end
	}
	return append(out, text[from:]...)
}

func (r retyping) choose(chosen []int) []leaf {
	if chosen == nil {
		return r.leaves
	}
	leaves := make([]leaf, len(chosen))
	for i, k := range chosen {
		leaves[i] = r.leaves[k]
	}
	return leaves
}

func (r retyping) explanation(chosen []int) Explanation {
	var names []string
	for _, l := range r.choose(chosen) {
		var name string
		json.Unmarshal(l.name, &name) // which is JSON
		if shown := shownName(name); !slices.Contains(names, shown) {
			names = append(names, shown)
		}
	}
	const text = "a value in %s has another type than when it was signed, %s: send, and verify, the bytes of JSON.stringify as they are, and convert values after that"
	direction := "a number, true, false or null instead of a string"
	if r.toString {
		direction = "a string instead of a number, true, false or null"
	}
	return Explanation{causeRetyped, fmt.Sprintf(text, listed(names), direction)}
}

// listed joins names for a sentence.
func listed(names []string) string {
	const most = 3
	if len(names) > most {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("%d more", len(names)-most))
	}
	return strings.Join(names, " and ")
}

// findRetyped changes the types of some values back: of all sets of them where there
// are few, and else of one alone. All at once are findRewritten's.
func (s *memberSearch) findRetyped(candidates []candidate) bool {
	return slices.ContainsFunc(candidates, func(c candidate) bool {
		return slices.ContainsFunc(retypings(c.text), func(r retyping) bool {
			for chosen := range someOf(len(r.leaves)) {
				if s.exhausted {
					return false
				}
				if before := r.undo(c.text, chosen); s.fits(before) {
					return s.foundAs(before, slices.Concat([]Explanation{r.explanation(chosen)}, c.said)...)
				}
			}
			return false
		})
	})
}

// someOf yields indexes below n: all sets but the whole if n is small, or else each
// one of the first.
func someOf(n int) func(yield func([]int) bool) {
	const few, most = 6, 256
	return func(yield func([]int) bool) {
		if n > few {
			for i := range min(n, most) {
				if !yield([]int{i}) {
					return
				}
			}
			return
		}
		for set := 1; set < 1<<n-1; set++ {
			var chosen []int
			for i := range n {
				if set>>i&1 == 1 {
					chosen = append(chosen, i)
				}
			}
			if !yield(chosen) {
				return
			}
		}
	}
}
