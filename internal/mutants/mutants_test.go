package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mutantsIn returns the mutants of a function's body, each as the line that it makes.
func mutantsIn(t *testing.T, results, body string) (lines []string) {
	t.Helper()
	mutants, err := mutantsOf("a.go", []byte("package a\n\nfunc f(a, b int, s []int) "+results+" {\n"+body+"\n}\n"))
	require.NoError(t, err)
	for _, m := range mutants {
		assert.Equal(t, "f", m.function)
		assert.Equal(t, 4, m.line, "%s", m)
		lines = append(lines, m.new)
	}
	return lines
}

func TestEachMutantChangesOneThing(t *testing.T) {
	for _, test := range []struct {
		name, results, body string
		want                []string
	}{
		{"a condition", "", "if a == b { s[a] = b }", []string{
			"if (a == b) || true { s[a] = b }", "if (a == b) && false { s[a] = b }", "if a == b { }",
		}},
		{"a bound", "", "if a < b { f() }", []string{
			"if (a < b) || true { f() }", "if (a < b) && false { f() }", "if a <= b { f() }", "if a < b { }",
		}},
		{"parts of a condition", "", "if a == b && len(s) > a && f() { panic(a) }", []string{
			"if (a == b && len(s) > a && f()) && false { panic(a) }",
			"if a == b && len(s) > a && (f() || true) { panic(a) }",
			"if (a == b || true) && len(s) > a && f() { panic(a) }",
			"if a == b && (len(s) > a || true) && f() { panic(a) }",
			"if a == b && len(s) >= a && f() { panic(a) }",
			"if a == b && len(s) > a && f() { }",
		}},
		{"results", "(bool, error, int, []byte)", "return a == b, f(), a, nil", []string{
			"return !(a == b), f(), a, nil", "return a == b, nil, a, nil", "return a == b, f(), *new(int), nil", "return a != b, f(), a, nil",
		}},
		{"results that are zero already", "(bool, error)", "return false, nil", []string{"return true, nil"}},
		{"numbers and characters", "", "f(7, 'f')", []string{"(nothing)", "f(8, 'f')", "f((6), 'f')", "f(7, 'g')", "f(7, 'e')"}},
		{"names, but not sentences", "", `f("name", "a sentence")`, []string{"(nothing)", `f("name~", "a sentence")`}},
		{"cases", "", "switch a { case b, 'x': f(); default: g() }", []string{
			"switch a { ; default: g() }", "switch a { case b: f(); default: g() }", "switch a { case 'x': f(); default: g() }",
			"switch a { case b, 'y': f(); default: g() }", "switch a { case b, 'w': f(); default: g() }",
			"switch a { case b, 'x': ; default: g() }", "switch a { case b, 'x': f(); default: }",
		}},
		{"the bounds of a slice", "", "_ = s[a:]", []string{"(nothing)", "_ = s[:]", "_ = s[a+1:]", "_ = s[a-1:]"}},
		{"elements", "", "_ := []int{a, b}", []string{"_ := []int{b}", "_ := []int{a}"}},
		{"the smaller of two", "", "_ := min(a, b)", []string{"_ := a", "_ := b"}},
		{"a copy", "", "_ := bytes.Clone(s)", []string{"_ := s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.ElementsMatch(t, test.want, mutantsIn(t, test.results, test.body))
		})
	}
}

func TestAMutantIsNamedByItsLines(t *testing.T) {
	mutants, err := mutantsOf("dir/a.go", []byte("package a\n\nfunc (t T) f() {\n\tif t.a { // why\n\t\treturn\n\t}\n}\n"))
	require.NoError(t, err)
	require.NotEmpty(t, mutants)
	assert.Equal(t, "dir/a.go:4: if t.a { → if (t.a) || true {", mutants[0].String())
	assert.Equal(t, "dir/a.go f: if t.a { → if (t.a) || true {", mutants[0].key())
}

// In a list of equivalent mutants, those that look the same are told apart.
func TestMutantsThatLookTheSameAreNumbered(t *testing.T) {
	mutants, err := mutantsOf("a.go", []byte("package a\n\nfunc f() bool {\n\treturn true\n\n\treturn true\n}\n"))
	require.NoError(t, err)
	require.Len(t, mutants, 2)
	assert.Equal(t, "a.go f: return true → return false", mutants[0].key())
	assert.Equal(t, "a.go f#2: return true → return false", mutants[1].key())
}

// A break whose text is gone from the source would break nothing.
func TestTheBreaksFitTheSource(t *testing.T) {
	mutants, err := mutantsByHand("../..")
	require.NoError(t, err)
	titles := map[string]bool{}
	for _, m := range mutants {
		assert.False(t, titles[m.title], m.title)
		titles[m.title] = true
		for name, content := range m.files {
			_, err := parser.ParseFile(token.NewFileSet(), name, content, parser.SkipObjectResolution)
			assert.NoError(t, err, m.title)
		}
	}
}

func TestEachEquivalentMutantHasAReason(t *testing.T) {
	listed, err := readEquivalents(filepath.Join("testdata", "equivalent.txt"))
	require.NoError(t, err)
	for key, reason := range listed {
		assert.NotEmpty(t, reason, key)
	}
	bad := filepath.Join(t.TempDir(), "equivalent.txt")
	require.NoError(t, os.WriteFile(bad, []byte("# a comment\n\na.go f: x → y\n"), 0o600))
	_, err = readEquivalents(bad)
	assert.ErrorContains(t, err, "no reason")
}

func TestSurvivorsAndWhatIsWronglyListedAreToBeSeenTo(t *testing.T) {
	mutants, err := mutantsOf("a.go", []byte("package a\n\nfunc f() bool {\n\treturn g(1)\n}\n"))
	require.NoError(t, err)
	require.Len(t, mutants, 3)
	results := []result{caught, survived, invalid}
	listed := func(keys ...string) equivalents {
		e := equivalents{}
		for _, key := range keys {
			e[key] = "reason"
		}
		return e
	}
	for _, test := range []struct {
		name   string
		listed equivalents
		want   []string
	}{
		{"nothing is listed", listed(), []string{mutants[1].String()}},
		{"the survivor is listed", listed(mutants[1].key()), nil},
		{"a caught one is listed", listed(mutants[0].key(), mutants[1].key()), []string{"is caught"}},
		{"one is listed that there is not any more", listed(mutants[1].key(), "a.go f: x → y"), []string{"is no mutant any more"}},
		{"one of another file is listed", listed(mutants[1].key(), "b.go f: x → y"), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := faults(mutants, results, test.listed, true)
			require.Len(t, got, len(test.want), strings.Join(got, "\n"))
			for i, want := range test.want {
				assert.Contains(t, got[i], want)
			}
		})
	}
}
