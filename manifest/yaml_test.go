package manifest_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

// What is after this is from the library.
const notYAML = "this is not YAML: "

func TestBrokenYAML(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{"a tab that indents", "a:\n\tb: 1\n", "2:1: " + notYAML},
		{"indentation that fits nothing", "a:\n  b: 1\n c: 2\n", "3:2: " + notYAML},
		{"a list and then members", "- a\nb: c\n", "2:1: " + notYAML},
		{"two colons", "a: b: c\n", "1:5: " + notYAML},
		{"a bracket that is left open", "é: [}\n", "1:5: " + notYAML},
		{"a character that begins nothing", "é: @x\n", "1:4: " + notYAML},
		{"two documents", "a: 1\n---\nb: 2\n", "2:1: " + notYAML},
		{"two documents, the first ended", "a: 1\n...\n---\nb: 2\n", "3:1: " + notYAML},
		{"an anchor that is not there", "b: 1\na: *x\n", "2:4: " + notYAML},
		{"a version to come", "%YAML 9.9\n---\na: 1\n", "1:1: " + notYAML},
		{"a control character", "a: 1\nb: \x01\n", "2:4: " + notYAML},
		{"a NUL", "a: \x00\n", "1:4: " + notYAML},
		{"nested deeper than the library goes", "a: " + strings.Repeat("[", 10_001), "1:10004: " + notYAML},
		{"an empty file", "", "1:1: " + notYAML},
		{"a comment only", "# a\n", "1:1: " + notYAML},

		{"Latin-1", "name: caf\xe9\n", "1:10: this is not UTF-8: save the file as UTF-8"},
		{"UTF-16", "\xff\xfea\x00:\x00", "1:1: this is not UTF-8: save the file as UTF-8"},

		{"an empty document", "---\n", "2:1: a manifest is an object, and this is null"},
		{"null", "null\n", "1:1: a manifest is an object, and this is null"},
		{"a list", "- a\n", "1:1: a manifest is an object, and this is an array"},
		{"a string", "# a\n  a\n", "2:3: a manifest is an object, and this is a string"},
		{"a number", "1\n", "1:1: a manifest is an object, and this is a number"},

		{"an alias of what it is in", "a: &x [*x]\n", "1:8: this alias stands for a value that it is a part of"},
		{"also further inside", "a: &x\n  b:\n    - *x\n", "3:7: this alias stands for a value that it is a part of"},
		{"also of the whole", "&x\na: *x\n", "2:4: this alias stands for a value that it is a part of"},
		{"a merge key", "a: &x {b: 1}\nc:\n  <<: *x\n", "3:3: merge keys (<<) are not part of YAML 1.2, and it is not known whether Stripe reads them: write the members out"},
		{"a list as a name", "? [a, b]\n: 1\n", "1:3: the name of a member must be a plain string"},
		{"an object as a name", "a: 1\n{b: 1}: 2\n", "2:1: the name of a member must be a plain string"},
		{"an alias as a name", "a: &x b\n*x : 2\n", "2:1: the name of a member must be a plain string"},
		{"a member that is there twice", "a: 1\nb:\n  c: 1\n  c: 2\n", `4:3: the member "c" is there twice: keep one of them`},
		{"also in other quotes", "{a: 1, 'a': 2}\n", `1:8: the member "a" is there twice: keep one of them`},
		{"also as a number", "1: a\n\"1\": b\n", `2:1: the member "1" is there twice: keep one of them`},
	} {
		t.Run(test.name, func(t *testing.T) {
			assertLoadError(t, "stripe-app.yaml", test.data, test.want, notYAML)
		})
	}
}

func TestYAMLThatIsRead(t *testing.T) {
	// In each, connect-src is one URL.
	for name, data := range map[string]string{
		"blocks":                       "ui_extension:\n  content_security_policy:\n    connect-src:\n      - https://a.example/x\n",
		"lists that are not indented":  "ui_extension:\n  content_security_policy:\n    connect-src:\n    - https://a.example/x\n",
		"flow":                         "{ui_extension: {content_security_policy: {connect-src: [https://a.example/x]}}}",
		"JSON":                         `{"ui_extension": {"content_security_policy": {"connect-src": ["https:\/\/a.example/x"]}}}`,
		"a byte order mark":            "\uFEFFui_extension: {content_security_policy: {connect-src: [https://a.example/x]}}",
		"lines that end in CR LF":      "ui_extension:\r\n  content_security_policy:\r\n    connect-src:\r\n      - https://a.example/x\r\n",
		"a document's start and end":   "%YAML 1.1\n---\nui_extension: {content_security_policy: {connect-src: [https://a.example/x]}}\n...\n",
		"comments":                     "# a\nui_extension: # b\n  content_security_policy:\n    # c\n    connect-src:\n      - https://a.example/x # d\n",
		"single quotes":                "ui_extension: {content_security_policy: {connect-src: ['https://a.example/x']}}",
		"a folded string":              "ui_extension:\n  content_security_policy:\n    connect-src:\n      - >-\n        https://a.example/x\n",
		"an alias of a string":         "icon: &x https://a.example/x\nui_extension: {content_security_policy: {connect-src: [*x]}}",
		"an alias of a list":           "a: &x [https://a.example/x]\nui_extension: {content_security_policy: {connect-src: *x}}",
		"one alias many times":         "a: &x https://a.example/x\nui_extension: {content_security_policy: {connect-src: [*x], image-src: [*x, *x]}}",
		"an anchor that is taken over": "a: &x b\nb: &x https://a.example/x\nui_extension: {content_security_policy: {connect-src: [*x]}}",
		"a tag":                        "ui_extension: {content_security_policy: {connect-src: [!!str https://a.example/x]}}",
	} {
		t.Run(name, func(t *testing.T) {
			m := mustLoad(t, files("stripe-app.yaml", data), "stripe-app.yaml")
			assert.True(t, m.AllowsConnect("https://a.example/x").Allowed)
		})
	}
}

// YAML finds types in what looks like a string. Those that JSON does not have are
// strings; the others are an Error where a string has to be.
func TestScalarsOfYAML(t *testing.T) {
	for scalar, kind := range map[string]string{
		"yes": "", "on": "", "NO": "", "y": "", "2026-11-01": "", "2026-11-01T10:00:00Z": "", "12:30:45": "",
		"'1'": "", `"true"`: "", "!!str 1": "", "1.0.0": "", "''": "", "<<": "", "=": "",
		"true": "a boolean", "False": "a boolean", "1": "a number", "-1.5e3": "a number", "0x1F": "a number",
		".inf": "a number", ".nan": "a number",
		"null": "null", "~": "null", "": "null", "{}": "an object", "[]": "an array", "{a: b}": "an object",
		"[a]": "an array",
	} {
		t.Run("is "+scalar, func(t *testing.T) {
			_, err := manifest.LoadFS(files("stripe-app.yaml", "ui_extension:\n  content_security_policy:\n    connect-src:\n      - "+scalar+"\n"), "stripe-app.yaml")
			if kind == "" {
				assert.NoError(t, err)
				return
			}
			want := "stripe-app.yaml:4:9: " + connectPath + "[0] must be a string, and is " + kind
			if scalar == "" { // there is nothing to point at but the dash
				want = strings.Replace(want, "4:9", "4:8", 1)
			}
			assert.EqualError(t, err, want)
		})
	}
}

func TestAliasBombs(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n")
	for i := 1; i < 30; i++ {
		alias := "*a" + strconv.Itoa(i-1)
		fmt.Fprintf(&laughs, "a%d: &a%d [%s]\n", i, i, strings.Repeat(alias+", ", 9)+alias)
	}
	empty := strings.ReplaceAll(laughs.String(), "lol, ", "")
	empty = strings.ReplaceAll(empty, "[lol]", "[]") // nothing in it, 10^29 times
	objects := "a0: &a0 {}\n"
	for i := 1; i < 60; i++ {
		objects += fmt.Sprintf("a%d: &a%d {x: *a%d, y: *a%d}\n", i, i, i-1, i-1)
	}
	quadratic := "a: &a [" + strings.Repeat("x, ", 1000) + "x]\nb: [" + strings.Repeat("*a, ", 1000) + "*a]\n"
	long := "a: &a https://api.example.com/" + strings.Repeat("x", 100_000) + "\nui_extension: {content_security_policy: {connect-src: [" + strings.Repeat("*a, ", 2000) + "*a]}}\n"
	deep := "a0: &a0 1\n"
	for i := 1; i < 5000; i++ {
		deep += fmt.Sprintf("a%d: &a%d [*a%d]\n", i, i, i-1)
	}
	for name, data := range map[string]string{
		"billion laughs":         laughs.String(),
		"of empty lists":         empty,
		"of objects":             objects,
		"quadratic blow-up":      quadratic,
		"one deeper than a line": deep,
		"a long string":          long, // each is checked from end to end
	} {
		t.Run(name, func(t *testing.T) {
			bytes := allocated(func() {
				assert.ErrorContains(t, loadError(t, files("stripe-app.yaml", data), "stripe-app.yaml"), "a manifest is not so large")
			})
			assert.Less(t, bytes, uint64(64<<20))
		})
	}
}

func TestAliasesOfLongStringsTakeLittleMemory(t *testing.T) { // 206 MB for 2,000; one MiB of YAML asks for 20 GB
	s := "a: &a http://h.example/" + strings.Repeat("x", 100_000) +
		"\nui_extension: {content_security_policy: {connect-src: [" + strings.Repeat("*a, ", 2000) + "*a]}}\n"
	load := func() { _, _ = manifest.LoadFS(files("stripe-app.yaml", s), "stripe-app.yaml") }
	assert.Less(t, allocated(load), uint64(64<<20))
}
