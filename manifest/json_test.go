package manifest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What is after "this is not JSON" is from encoding/json, and differs between Go's
// releases. The place must not.
const notJSON = "this is not JSON: "

const noComments = notJSON + "it has no comments (samples in Stripe's documents have some)"

func TestBrokenJSON(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{"an empty file", "", "1:1: " + notJSON},
		{"white space only", "  \n ", "2:2: " + notJSON},
		{"a comma after the last item", "{\n  \"a\": [1,],\n}", "2:11: " + notJSON},
		{"a comma after the last member", "{\n  \"a\": 1,\n}", "3:1: " + notJSON},
		{"a comma that is missing", `{"a": 1 "b": 2}`, "1:9: " + notJSON},
		{"a comma that is missing in a list", `{"a": [1 2]}`, "1:10: " + notJSON},
		{"a semicolon", `{"a": 1;}`, "1:8: " + notJSON},
		{"a colon that is missing", `{"a" 1}`, "1:6: " + notJSON},
		{"a comment", "{\n  // a\n}", "2:3: " + noComments},
		{"a comment before", "/* a */ {}", "1:1: " + noComments},
		{"a comment after a value", "{\n  \"a\": \"public\", // or \"private\"\n  \"b\": 1}", "2:18: " + noComments},
		{"a comment after the end", "{} // a", "1:4: " + noComments},
		{"a slash alone", "{/}", "1:2: " + notJSON},
		{"single quotes", `{"a": 'b'}`, "1:7: " + notJSON},
		{"single quotes of a name", `{'a': 1}`, "1:2: " + notJSON},
		{"no quotes", `{a: 1}`, "1:2: " + notJSON},
		{"the wrong bracket", `{"a": [1}`, "1:9: " + notJSON},
		{"a bracket too many", "{}\n}", "2:1: " + notJSON},
		{"two values", "{} {}", "1:4: " + notJSON},
		{"cut off in an object", `{"a": 1`, "1:8: " + notJSON},
		{"cut off in a list", `{"a": [1`, "1:9: " + notJSON},
		{"cut off in a string", `{"a": "é`, "1:9: " + notJSON},
		{"cut off in a literal", `{"a": tr`, "1:9: " + notJSON},
		{"cut off before a value", "{\"a\":\n", "2:1: " + notJSON},
		{"a tab in a string", "{\"a\": \"x\ty\"}", "1:9: " + notJSON},
		{"a line's end in a string", "{\"a\": \"x\ny\"}", "1:9: " + notJSON},
		{"a NUL in a string", "{\"a\": \"\x00\"}", "1:8: " + notJSON},
		{"a NUL outside", "{\x00}", "1:2: " + notJSON},
		{"a wrong escape", `{"a": "\x"}`, "1:9: " + notJSON},
		{"a zero before a number", `{"a": 01}`, "1:8: " + notJSON},
		{"a number without digits before the point", `{"a": .5}`, "1:7: " + notJSON},
		{"a number without digits after the point", `{"a": 1.}`, "1:9: " + notJSON},
		{"an exponent without digits", `{"a": 1e}`, "1:9: " + notJSON},
		{"a minus alone", `{"a": -}`, "1:8: " + notJSON},
		{"NaN", `{"a": NaN}`, "1:7: " + notJSON},
		{"a literal that is misspelled", `{"a": ture}`, "1:8: " + notJSON},
		{"columns count characters", `{"é": "ü€😀" x}`, "1:13: " + notJSON},
		{"lines that end in CR LF", "{\r\n  \"a\": 1,\r\n}", "3:1: " + notJSON},
		{"nested deeper than encoding/json goes", `{"a": ` + strings.Repeat("[", 10_001), "1:10006: " + notJSON},

		{"a byte order mark", "\uFEFF{}", "1:1: the file begins with a byte order mark, which is not JSON: save it as UTF-8 without one"},
		{"UTF-16, little end first", "\xff\xfe{\x00}\x00", "1:1: this is not UTF-8: save the file as UTF-8"},
		{"UTF-16, big end first", "\xfe\xff\x00{\x00}", "1:1: this is not UTF-8: save the file as UTF-8"},
		{"Latin-1", "{\n  \"name\": \"caf\xe9\"\n}", "2:15: this is not UTF-8: save the file as UTF-8"},
		{"half a character", "{\"é\": \"\xe2\x82\"}", "1:8: this is not UTF-8: save the file as UTF-8"},

		{"null", "null", "1:1: a manifest is an object, and this is null"},
		{"an array", "\n  []", "2:3: a manifest is an object, and this is an array"},
		{"a string", `"a"`, "1:1: a manifest is an object, and this is a string"},
		{"a number", `1`, "1:1: a manifest is an object, and this is a number"},
		{"a boolean", `true`, "1:1: a manifest is an object, and this is a boolean"},

		{"a member that is there twice", "{\n  \"id\": 1,\n  \"id\": 2\n}", `3:3: the member "id" is there twice: keep one of them`},
		{"also if it is the same", `{"id": 1, "id": 1}`, `1:11: the member "id" is there twice: keep one of them`},
		{"also if it is written in another way", `{"id": 1, "\u0069d": 1}`, `1:11: the member "id" is there twice: keep one of them`},
		{"also deep inside", `{"é": [{}, {"b": {"c": 1, "c": 2}}]}`, `1:27: the member "c" is there twice: keep one of them`},
		{"also if it is of no interest", `{"": 1, "": 2}`, `1:9: the member "" is there twice: keep one of them`},
		{"a long name is cut", `{"` + strings.Repeat("é", 50) + `": 1, "` + strings.Repeat("é", 50) + `": 2}`,
			`1:59: the member "` + strings.Repeat("é", 40) + `…" is there twice: keep one of them`},
	} {
		t.Run(test.name, func(t *testing.T) {
			assertLoadError(t, "stripe-app.json", test.data, test.want, notJSON)
		})
	}
	// Go 1.27 has them at the end of the escape, and Go 1.26 at the wrong digit.
	for _, escape := range []string{`\u12`, `\u1x34`} {
		t.Run("the escape "+escape, func(t *testing.T) {
			e := loadError(t, files("stripe-app.json", `{"a": "`+escape+`"}`), "stripe-app.json")
			assert.Equal(t, 1, e.Line)
			assert.GreaterOrEqual(t, e.Column, 9)
			assert.LessOrEqual(t, e.Column, 9+len(escape))
		})
	}
}

func TestMembersThatAreNotTheSame(t *testing.T) {
	mustLoad(t, files("stripe-app.json", `{"id": 1, "ID": 2, "a": {"id": 1}, "b": [{"id": 1}, {"id": 1}]}`), "stripe-app.json")
	mustLoad(t, files("stripe-app.yaml", "id: 1\nID: 2\na: {id: 1}\nb: [{id: 1}, {id: 1}]\n"), "stripe-app.yaml")
}
