package stripejs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// What is expected was printed by Node.js 20:
//
//	node -e 'for (const text of process.argv.slice(1)) console.log(JSON.stringify(JSON.parse(text)))' text…
func TestStringifyWritesWhatJavaScriptWrites(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"white space goes, the order of the members stays", ` { "b" : 1 , "a" : [ true , null ] } `, `{"b":1,"a":[true,null]}`},
		{"< > & and what is not ASCII are not escaped", `"<script> & \u003c\u00e9 \u2028\u2029"`, "\"<script> & <é \u2028\u2029\""},
		{"lone surrogates are escaped in lower case, pairs are not", `"\uD83D \ude00 \uD83D\uDE00"`, `"\ud83d \ude00 😀"`},
		{"control characters have the short escape where there is one", `"\/ \u0000 \u0008 \u001F \u007f"`, "\"/ \\u0000 \\b \\u001f \u007f\""},
		{"numbers are doubles", `[-0, 1.0, 1E21, 1e20, 0.0000001, 1e-6, 9007199254740993, 1.8e308, -1e999, 1e-999]`, `[0,1,1e+21,100000000000000000000,1e-7,0.000001,9007199254740992,null,null,0]`},
		{"names that are array indexes come first, in their order", `{"b":1,"10":2,"9":3,"01":4,"4294967294":5,"4294967295":6}`, `{"9":3,"10":2,"4294967294":5,"b":1,"01":4,"4294967295":6}`},
		{"a repeated name has its first place and last value", `{"a":1,"b":2,"\u0061":3}`, `{"a":3,"b":2}`},
		{"__proto__ and toJSON are names like others", `{"__proto__":{"a":1},"toJSON":2}`, `{"__proto__":{"a":1},"toJSON":2}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := stripejs.Stringify([]byte(test.text))
			require.NoError(t, err)
			assert.Equal(t, test.want, string(got))
		})
	}
}

// corpus is what testdata/stringify.mjs made.
func corpus(tb testing.TB) (entries []struct {
	Text        string  `json:"text"`
	Stringified *string `json:"stringified"` // nil where JSON.parse throws
}) {
	data, err := os.ReadFile("testdata/stringify.json")
	require.NoError(tb, err)
	require.NoError(tb, json.Unmarshal(data, &entries))
	return entries
}

func TestStringifyAgreesWithNode(t *testing.T) {
	valid, invalid := 0, 0
	for _, entry := range corpus(t) {
		got, err := stripejs.Stringify([]byte(entry.Text))
		if entry.Stringified == nil {
			invalid++
			assert.ErrorIs(t, err, stripejs.ErrNotJSON, "%q", entry.Text)
			assert.Nil(t, got, "%q", entry.Text)
			continue
		}
		valid++
		if assert.NoError(t, err, "%q", entry.Text) {
			assert.Equal(t, *entry.Stringified, string(got), "%q", entry.Text)
		}
	}
	assert.Greater(t, valid, 1000)
	assert.Greater(t, invalid, 60)
}

func TestStringifyRefusesWhatIsNotUTF8(t *testing.T) {
	for _, text := range []string{"\"\xff\"", "\"\xed\xa0\xbd\"", "\"\xc0\x80\"", "\xfe\xff", "{\"\x80\":1}"} {
		_, err := stripejs.Stringify([]byte(text))
		assert.ErrorIs(t, err, stripejs.ErrNotJSON, "%q", text)
	}
}

func TestStringifyChangesNothingInWhatItWasGiven(t *testing.T) {
	text := []byte(` { "b" : "\u0041" , "1" : 1.0 } `)
	before := bytes.Clone(text)
	_, err := stripejs.Stringify(text)
	require.NoError(t, err)
	assert.Equal(t, before, text)
}

// As the library's own reader counts: the outermost value is the first level.
func TestNestingIsBounded(t *testing.T) {
	arrays := func(n int, inner string) string { return strings.Repeat("[", n) + inner + strings.Repeat("]", n) }
	objects := func(n int) string { return strings.Repeat(`{"a":`, n-1) + "{}" + strings.Repeat("}", n-1) }
	for _, test := range []struct {
		name, text string
		tooDeep    bool
	}{
		{"256 arrays", arrays(256, ""), false},
		{"256 arrays with something in the innermost", arrays(256, "1"), false},
		{"257 arrays", arrays(257, ""), true},
		{"256 objects", objects(256), false},
		{"257 objects", objects(257), true},
		{"a million arrays", arrays(1e6, ""), true},
		{"a million arrays that are never closed", strings.Repeat("[", 1e6), true},
		{"256 arrays in an object", `{"a":` + arrays(256, "") + `}`, true},
		{"ten thousand arrays beside each other", "[" + strings.Repeat("[],", 1e4) + "[]]", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := stripejs.Stringify([]byte(test.text))
			if test.tooDeep {
				assert.ErrorIs(t, err, stripejs.ErrNotJSON)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.text, string(got))
		})
	}
}

// No clock is read: a machine can be busy. Sixty-four times the text may take
// sixty-four times the memory, with as much again for how slices and maps grow;
// and on a megabyte, quadratic work would not end before the test is given up.
func TestTheWorkIsLinear(t *testing.T) {
	for _, test := range []struct {
		name string
		text func(n int) string
	}{
		{"one long string", func(n int) string { return `"` + strings.Repeat("x", n) + `"` }},
		{"one long string of lone surrogates", func(n int) string { return `"` + strings.Repeat(`\ud83d`, n/6) + `"` }},
		{"white space", func(n int) string { return "[" + strings.Repeat(" ", n) + "]" }},
		{"one long number", func(n int) string { return strings.Repeat("7", n) }},
		{"a long fraction", func(n int) string { return "0." + strings.Repeat("0", n) + "1" }},
		{"a long exponent", func(n int) string { return "1e" + strings.Repeat("9", n) }},
		{"many members", func(n int) string {
			text := []byte("{")
			for i := range n / 10 {
				text = strconv.AppendInt(append(text, `"a`...), int64(i), 10)
				text = append(text, `":1,`...)
			}
			return string(append(text, `"b":1}`...))
		}},
		{"many array indexes, the largest first", func(n int) string {
			text := []byte("{")
			for i := n / 10; i >= 0; i-- {
				text = strconv.AppendInt(append(text, '"'), int64(i), 10)
				text = append(text, `":1,`...)
			}
			return string(append(text, `"b":1}`...))
		}},
		{"one member many times", func(n int) string { return "{" + strings.Repeat(`"a":1,`, n/6) + `"a":2}` }},
	} {
		t.Run(test.name, func(t *testing.T) {
			allocated := func(n int) uint64 {
				text := []byte(test.text(n))
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, err := stripejs.Stringify(text)
				runtime.ReadMemStats(&after)
				require.NoError(t, err)
				return after.TotalAlloc - before.TotalAlloc
			}
			small, large := allocated(1<<14), allocated(1<<20)
			assert.Less(t, large, 2*64*max(small, 1<<14))
		})
	}
}

func FuzzStringify(f *testing.F) {
	for _, entry := range corpus(f) {
		f.Add([]byte(entry.Text))
	}
	f.Add([]byte(strings.Repeat("[", 257) + strings.Repeat("]", 257)))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := stripejs.Stringify(text)
		if valid := json.Valid(text) && utf8.Valid(text) && nesting(text) <= 256; valid != (err == nil) {
			t.Fatalf("valid %v, but %v", valid, err)
		}
		if err != nil {
			return
		}
		if !json.Valid(got) || !utf8.Valid(got) {
			t.Fatalf("not JSON: %q", got)
		}
		again, err := stripejs.Stringify(got)
		if err != nil || !bytes.Equal(got, again) {
			t.Fatalf("%q, and then %q, %v", got, again, err)
		}
		// encoding/json has no lone surrogates and no repeated names, but in both
		// texts in the same way; and it refuses numbers that JavaScript takes.
		var before, after any
		if json.Unmarshal(text, &before) != nil || hasSurrogateEscape(got) {
			return
		}
		if err := json.Unmarshal(got, &after); err != nil {
			t.Fatal(err)
		}
		if !assert.ObjectsAreEqual(before, after) && !repeats(text) {
			t.Fatalf("%q means %v, but %q means %v", text, before, got, after)
		}
	})
}

// nesting returns how deep a valid text is nested.
func nesting(text []byte) (deepest int) {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// hasSurrogateEscape: Stringify escapes surrogates only if they are alone, and
// encoding/json takes all of those for the same character.
func hasSurrogateEscape(stringified []byte) bool { return bytes.Contains(stringified, []byte(`\ud`)) }

// repeats reports whether a name occurs twice in an object: under a name that
// comes again, encoding/json can keep members of the former value.
func repeats(text []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object func() bool
	var value func() bool
	value = func() bool {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'):
			return object()
		case json.Delim('['):
			found := false
			for decoder.More() {
				found = value() || found
			}
			decoder.Token()
			return found
		}
		return false
	}
	object = func() bool {
		found, seen := false, map[any]bool{}
		for decoder.More() {
			name, err := decoder.Token()
			if err != nil {
				return false
			}
			found = found || seen[name]
			seen[name] = true
			found = value() || found
		}
		decoder.Token()
		return found
	}
	return value()
}

func TestQuote(t *testing.T) {
	assert.Equal(t, `"a\"\\\n\u0001<é"`, string(stripejs.Quote("a\"\\\n\x01<é")))
}
