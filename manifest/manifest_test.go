package manifest_test

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

func TestEveryFormatIsLoaded(t *testing.T) {
	l := lists{
		connect:   []string{"https://api.example.com/v1/refunds"},
		image:     []string{"https://cdn.example.com/logos/"},
		redirects: []string{"https://api.example.com/oauth/callback"},
		purpose:   validPurpose,
	}
	for name, text := range map[string]string{
		"stripe-app.json":  manifestJSON(l),
		"stripe-app.yaml":  manifestYAML(l),
		"stripe-app.yml":   manifestYAML(l),
		"of/any/name.json": manifestJSON(l),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, filepath.FromSlash(name))
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
			require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
			onDisk, err := manifest.Load(file)
			require.NoError(t, err)
			for _, m := range []*manifest.Manifest{onDisk, mustLoad(t, os.DirFS(dir), name)} {
				assert.True(t, m.AllowsConnect("https://api.example.com/v1/refunds?id=1").Allowed)
				assert.False(t, m.AllowsConnect("https://cdn.example.com/logos/x.png").Allowed)
				assert.True(t, m.AllowsImage("https://cdn.example.com/logos/x.png").Allowed)
				assert.False(t, m.AllowsImage("https://api.example.com/v1/refunds").Allowed)
				assert.True(t, m.AllowsRedirect("https://api.example.com/oauth/callback").Allowed)
				assert.NoError(t, m.Check().Err())
			}
		})
	}
}

func TestManifestsOfTestdata(t *testing.T) {
	for _, name := range []string{"stripe-app.json", "stripe-app.dev.json", "stripe-app.yaml"} {
		m, err := manifest.Load(filepath.Join("testdata", name))
		require.NoError(t, err)
		assert.NoError(t, m.Check().Err(), name)
	}
}

// An error names the file as it was given, or as extends leads to it from there.
func TestErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	write("stripe-app.json", "{\n  \"extends\": 1\n}")
	dev := write("app/stripe-app.dev.json", `{"extends": "../stripe-app.json"}`)
	_, err := manifest.Load(dev)
	assert.EqualError(t, err, filepath.Join(dir, "stripe-app.json")+`:2:14: extends must be a string, and is a number: write the path of the manifest to extend, like "stripe-app.json"`)

	t.Chdir(dir)
	_, err = manifest.Load("app/stripe-app.dev.json")
	assert.ErrorContains(t, err, "stripe-app.json:2:14: extends must be")
	_, err = manifest.Load("./stripe-app.json")
	assert.ErrorContains(t, err, "./stripe-app.json:2:14: extends must be")
}

func TestLocalManifestIsMergedOverWhatItExtends(t *testing.T) {
	const base = `{
  "id": "com.example.app", "version": "1.0.0", "name": "Example", "icon": "", "permissions": [],
  "ui_extension": {"views": [], "content_security_policy": {
    "connect-src": ["https://api.example.com/a", "https://api.example.com/b"],
    "image-src": ["https://cdn.example.com/a"],
    "purpose": "To refund payments"
  }},
  "allowed_redirect_uris": ["https://api.example.com/callback"]
}`
	local := func(policy string) string {
		return `{"extends": "stripe-app.json", "ui_extension": {"content_security_policy": ` + policy + `}}`
	}
	for _, test := range []struct {
		name, local     string
		allows, refuses []string // to connect to
		image, redirect bool     // whether those of base are still there
	}{
		{"nothing but extends", `{"extends": "stripe-app.json"}`,
			[]string{"https://api.example.com/a", "https://api.example.com/b"}, nil, true, true},
		{"a list is replaced and its neighbours are kept", local(`{"connect-src": ["https://dev.example.com/c"]}`),
			[]string{"https://dev.example.com/c"}, []string{"https://api.example.com/a", "https://api.example.com/b"}, true, true},
		{"by an empty one too", local(`{"connect-src": []}`),
			nil, []string{"https://api.example.com/a"}, true, true},
		{"and by null", local(`{"connect-src": null}`),
			nil, []string{"https://api.example.com/a"}, true, true},
		{"an empty object takes nothing away", local(`{}`),
			[]string{"https://api.example.com/a"}, nil, true, true},
		{"members that the base does not have are added", `{"extends": "./stripe-app.json", "constants": {"a": 1}}`,
			[]string{"https://api.example.com/a"}, nil, true, true},
		{"at the top too", `{"extends": "stripe-app.json", "allowed_redirect_uris": ["https://dev.example.com/callback"]}`,
			[]string{"https://api.example.com/a"}, nil, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := mustLoad(t, files("stripe-app.json", base, "stripe-app.dev.json", test.local), "stripe-app.dev.json")
			for _, url := range test.allows {
				assert.True(t, m.AllowsConnect(url).Allowed, url)
			}
			for _, url := range test.refuses {
				assert.False(t, m.AllowsConnect(url).Allowed, url)
			}
			assert.Equal(t, test.image, m.AllowsImage("https://cdn.example.com/a").Allowed)
			assert.Equal(t, test.redirect, m.AllowsRedirect("https://api.example.com/callback").Allowed)
			for _, f := range m.Check() {
				assert.NotContains(t, f.Text, "purpose", "it is that of the base")
			}
		})
	}
}

func TestExtendsGoesOnFromFileToFile(t *testing.T) {
	fsys := files(
		"a/b/stripe-app.dev.json", `{"extends": "../stripe-app.test.json"}`,
		"a/stripe-app.test.json", `{"extends": "./../c/stripe-app.json", "ui_extension": {"content_security_policy": {"image-src": ["https://cdn.example.com/test"]}}}`,
		"c/stripe-app.json", manifestJSON(lists{connect: []string{"https://api.example.com/c"}, image: []string{"https://cdn.example.com/c"}, purpose: validPurpose}),
	)
	check := func(m *manifest.Manifest, base, test string) {
		assert.True(t, m.AllowsImage("https://cdn.example.com/test").Allowed)
		assert.False(t, m.AllowsImage("https://cdn.example.com/c").Allowed)
		// An entry is where it was written.
		assert.Equal(t, `connect-src has "https://api.example.com/c" (`+base+`:11)`, m.AllowsConnect("https://api.example.com/c").Reason)
		assert.Equal(t, `image-src has "https://cdn.example.com/test" (`+test+`:1)`, m.AllowsImage("https://cdn.example.com/test").Reason)
	}
	check(mustLoad(t, fsys, "a/b/stripe-app.dev.json"), "c/stripe-app.json", "a/stripe-app.test.json")

	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, fsys))
	m, err := manifest.Load(filepath.Join(dir, "a", "b", "stripe-app.dev.json"))
	require.NoError(t, err)
	check(m, filepath.Join(dir, "c", "stripe-app.json"), filepath.Join(dir, "a", "stripe-app.test.json"))
}

func TestExtendsThatLeadsNowhere(t *testing.T) {
	const pattern = `extends must be a relative path to stripe-app.json or stripe-app.….json, like "stripe-app.json"`
	extends := func(value string) string { return "{\n  \"extends\": " + value + "\n}" }
	for _, test := range []struct{ name, extends, want string }{
		{"itself", `"stripe-app.dev.json"`, "d/stripe-app.dev.json:2:14: extends goes in a circle: d/stripe-app.dev.json is extended already"},
		{"itself by another way", `"../d/stripe-app.dev.json"`, "d/stripe-app.dev.json:2:14: extends goes in a circle: d/stripe-app.dev.json is extended already"},
		{"a circle", `"stripe-app.back.json"`, "d/stripe-app.back.json:1:13: extends goes in a circle: d/stripe-app.dev.json is extended already"},
		{"a circle further on", `"stripe-app.self.json"`, "d/stripe-app.self.json:1:13: extends goes in a circle: d/stripe-app.self.json is extended already"},
		{"a file that is not there", `"stripe-app.gone.json"`, "d/stripe-app.dev.json:2:14: extends: d/stripe-app.gone.json: cannot be read: file does not exist"},
		{"a folder that is not there", `"x/stripe-app.json"`, "d/stripe-app.dev.json:2:14: extends: d/x/stripe-app.json: cannot be read: file does not exist"},
		{"above the root", `"../../stripe-app.json"`, "d/stripe-app.dev.json:2:14: extends: ../stripe-app.json: cannot be read: "},
		{"a broken file", `"stripe-app.broken.json"`, "d/stripe-app.broken.json:1:2: this is not JSON: "},
		{"a file that is no object", `"stripe-app.list.json"`, "d/stripe-app.list.json:1:1: a manifest is an object, and this is an array"},
		{"an absolute path", `"/d/stripe-app.json"`, "d/stripe-app.dev.json:2:14: " + pattern},
		{"a path of Windows", `"..\\stripe-app.json"`, "d/stripe-app.dev.json:2:14: " + pattern},
		{"a URL", `"https://example.com/stripe-app.json"`, "d/stripe-app.dev.json:2:14: " + pattern},
		{"another name", `"manifest.json"`, "d/stripe-app.dev.json:2:14: " + pattern},
		{"a name that ends alike", `"my-stripe-app.json"`, "d/stripe-app.dev.json:2:14: " + pattern},
		{"YAML", `"stripe-app.yaml"`, "d/stripe-app.dev.json:2:14: " + pattern},
		{"any character for a dot", `"stripe-appxjson"`, "d/stripe-app.dev.json:2:14: " + pattern},
		{"up on the way", `"x/../stripe-app.json"`, "d/stripe-app.dev.json:2:14: " + pattern},
		{"a line's end after it", `"stripe-app.json\n"`, "d/stripe-app.dev.json:2:14: " + pattern},
		{"an empty string", `""`, "d/stripe-app.dev.json:2:14: " + pattern},
		{"null", `null`, `d/stripe-app.dev.json:2:14: extends must be a string, and is null: write the path of the manifest to extend, like "stripe-app.json"`},
		{"a list", `["stripe-app.json"]`, `d/stripe-app.dev.json:2:14: extends must be a string, and is an array: write the path of the manifest to extend, like "stripe-app.json"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			fsys := files(
				"d/stripe-app.dev.json", extends(test.extends),
				"d/stripe-app.json", manifestJSON(lists{}),
				"d/stripe-app.yaml", manifestYAML(lists{}),
				"d/manifest.json", manifestJSON(lists{}),
				"d/my-stripe-app.json", manifestJSON(lists{}),
				"d/stripe-app.back.json", `{"extends": "stripe-app.dev.json"}`,
				"d/stripe-app.self.json", `{"extends": "stripe-app.self.json"}`,
				"d/stripe-app.broken.json", `{]`,
				"d/stripe-app.list.json", `[]`,
			)
			e := loadError(t, fsys, "d/stripe-app.dev.json")
			if strings.HasSuffix(test.want, ": ") { // the rest is not ours
				assert.Equal(t, test.want, e.Error()[:min(len(test.want), len(e.Error()))])
			} else {
				assert.EqualError(t, e, test.want)
			}
			if strings.Contains(test.want, "does not exist") {
				assert.ErrorIs(t, e, fs.ErrNotExist)
			}
		})
	}

	t.Run("of YAML", func(t *testing.T) {
		assert.EqualError(t, loadError(t, files("stripe-app.yaml", "id: a\nextends: stripe-app.json\n"), "stripe-app.yaml"),
			"stripe-app.yaml:2:10: stripe-app.yaml has no extends: it is for JSON manifests")
	})
	t.Run("a long way", func(t *testing.T) {
		fsys := fstest.MapFS{}
		for i := range 9 {
			fsys[fmt.Sprintf("stripe-app.%d.json", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, `{"extends": "stripe-app.%d.json"}`, i+1)}
		}
		fsys["stripe-app.9.json"] = &fstest.MapFile{Data: []byte(manifestJSON(lists{}))}
		mustLoad(t, fsys, "stripe-app.2.json") // eight files
		assert.EqualError(t, loadError(t, fsys, "stripe-app.1.json"), "stripe-app.8.json:1:13: extends leads through more than 8 files")
	})
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	_, err := manifest.Load(filepath.Join(dir, "stripe-app.json"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	var e *manifest.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, []any{filepath.Join(dir, "stripe-app.json"), 0, 0}, []any{e.File, e.Line, e.Column})
	assert.Equal(t, 1, strings.Count(err.Error(), dir), "the path is said once: %v", err)

	require.NoError(t, os.Mkdir(filepath.Join(dir, "stripe-app.json"), 0o700))
	_, err = manifest.Load(filepath.Join(dir, "stripe-app.json"))
	require.ErrorAs(t, err, &e)
	assert.Regexp(t, `stripe-app\.json: cannot be read: .*director`, err.Error())
	assert.Equal(t, 1, strings.Count(err.Error(), dir), "the path is said once: %v", err)

	assert.EqualError(t, loadError(t, files(), "stripe-app.json"), "stripe-app.json: cannot be read: file does not exist")
	assert.ErrorIs(t, loadError(t, files(), "stripe-app.json"), fs.ErrNotExist)
	assert.ErrorIs(t, loadError(t, os.DirFS(dir), "../stripe-app.json"), fs.ErrInvalid)
	assert.ErrorIs(t, loadError(t, failing{}, "stripe-app.json"), iotest.ErrTimeout)
	assert.EqualError(t, loadError(t, failing{}, "stripe-app.json"), "stripe-app.json: cannot be read: timeout")

	for _, name := range []string{"stripe-app", "stripe-app.toml", "stripe-app.json.bak", "json", "stripe-app.JSON"} {
		assert.EqualError(t, loadError(t, files(name, "{}"), name), name+":1:1: the name must end in .json or .yaml")
	}
}

// failing is a file system of files that break off while they are read.
type failing struct{}

func (failing) Open(string) (fs.File, error) {
	f, err := files("f", strings.Repeat(" ", 100)).Open("f")
	return failingFile{f, iotest.TimeoutReader(iotest.OneByteReader(f))}, err
}

type failingFile struct {
	fs.File
	io.Reader
}

func (f failingFile) Read(b []byte) (int, error) { return f.Reader.Read(b) }

// What is after "this is not JSON" is from encoding/json, and differs between Go's
// releases. The place must not.
const notJSON = "this is not JSON: "

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
		{"a comment", "{\n  // a\n}", "2:3: " + notJSON},
		{"a comment before", "/* a */ {}", "1:1: " + notJSON},
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
		{"a literal that is misspelt", `{"a": ture}`, "1:8: " + notJSON},
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

// assertLoadError: want is line:column: text; of a text that ends in theirs, only
// the beginning is ours.
func assertLoadError(t *testing.T, file, data, want, theirs string) {
	t.Helper()
	e := loadError(t, files(file, data), file)
	assert.Equal(t, fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text), e.Error())
	assert.NoError(t, e.Unwrap())
	got := strings.TrimPrefix(e.Error(), file+":")
	if strings.HasSuffix(want, theirs) {
		i := strings.Index(got, theirs)
		require.GreaterOrEqual(t, i, 0, got)
		assert.Equal(t, want, got[:i+len(theirs)], got)
		assert.NotEmpty(t, got[i+len(theirs):])
		assert.Less(t, len(got), 300, "an excerpt is enough")
		return
	}
	assert.Equal(t, want, got)
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
		"yes": "", "on": "", "NO": "", "y": "", "2026-11-01": "", "2026-11-01T10:00:00Z": "", "12:30:45": "", "'1'": "", `"true"`: "", "!!str 1": "", "1.0.0": "", "''": "", "<<": "", "=": "",
		"true": "a boolean", "False": "a boolean", "1": "a number", "-1.5e3": "a number", "0x1F": "a number", ".inf": "a number", ".nan": "a number",
		"null": "null", "~": "null", "": "null", "{}": "an object", "[]": "an array", "{a: b}": "an object", "[a]": "an array",
	} {
		t.Run("is "+scalar, func(t *testing.T) {
			_, err := manifest.LoadFS(files("stripe-app.yaml", "ui_extension:\n  content_security_policy:\n    purpose: "+scalar+"\n"), "stripe-app.yaml")
			if kind == "" {
				assert.NoError(t, err)
				return
			}
			want := "stripe-app.yaml:3:14: " + purposePath + " must be a string, and is " + kind
			if scalar == "" { // there is nothing to point at but the colon
				want = strings.Replace(want, "3:14", "3:13", 1)
			}
			assert.EqualError(t, err, want)
		})
	}
}

func TestWrongTypes(t *testing.T) {
	kinds := map[string]string{
		`null`: "null", `true`: "a boolean", `1.5`: "a number", `"a"`: "a string", `["a"]`: "an array", `{"a": 1}`: "an object",
	}
	policy := func(text string) string { return `{"ui_extension": {"content_security_policy": ` + text + `}}` }
	for _, test := range []struct {
		path, text string // text has the value in place of ?
		takes      []string
		want       string
	}{
		{"ui_extension", `{"ui_extension": ?}`, []string{"an object"}, "an object"},
		{"ui_extension.content_security_policy", policy("?"), []string{"an object"}, "an object"},
		{purposePath, policy(`{"purpose": ?}`), []string{"a string"}, "a string"},
		{connectPath, policy(`{"connect-src": ?}`), []string{"an array", "null"}, "an array"},
		{imagePath, policy(`{"image-src": ?}`), []string{"an array", "null"}, "an array"},
		{connectPath + "[1]", policy(`{"connect-src": ["https://a.example/x", ?]}`), []string{"a string"}, "a string"},
		{imagePath + "[0]", policy(`{"image-src": [?]}`), []string{"a string"}, "a string"},
		{redirectPath, `{"allowed_redirect_uris": ?}`, []string{"an array", "null"}, "an array"},
		{redirectPath + "[2]", `{"allowed_redirect_uris": ["a", "b", ?]}`, []string{"a string"}, "a string"},
		{"declarations", `{"declarations": ?}`, []string{"an object"}, "an object"},
		{redirectV2, `{"declarations": {"allowed_redirect_uris": ?}}`, []string{"an array", "null"}, "an array"},
		{redirectV2 + "[0]", `{"declarations": {"allowed_redirect_uris": [?]}}`, []string{"a string"}, "a string"},
	} {
		for value, kind := range kinds {
			for _, file := range []string{"stripe-app.json", "stripe-app.yaml"} { // JSON is YAML
				t.Run(fmt.Sprint(test.path, " ", value, " ", file), func(t *testing.T) {
					_, err := manifest.LoadFS(files(file, strings.Replace(test.text, "?", value, 1)), file)
					for _, takes := range test.takes {
						if takes == kind {
							assert.NoError(t, err)
							return
						}
					}
					assert.EqualError(t, err, fmt.Sprintf("%s:1:%d: %s must be %s, and is %s", file, strings.Index(test.text, "?")+1, test.path, test.want, kind))
				})
			}
		}
	}

	t.Run("the first one is told", func(t *testing.T) {
		assert.EqualError(t, loadError(t, files("stripe-app.json", "{\n \"allowed_redirect_uris\": 1,\n \"ui_extension\": 2\n}"), "stripe-app.json"),
			"stripe-app.json:3:18: ui_extension must be an object, and is a number")
	})
	t.Run("in the file that has it", func(t *testing.T) {
		assert.EqualError(t, loadError(t, files(
			"stripe-app.json", "{\n \"ui_extension\": {\"content_security_policy\": {\"purpose\": 1}}\n}",
			"stripe-app.dev.json", `{"extends": "stripe-app.json", "ui_extension": {"content_security_policy": {}}}`,
		), "stripe-app.dev.json"), "stripe-app.json:2:58: "+purposePath+" must be a string, and is a number")
	})
	t.Run("what has been replaced is of no interest", func(t *testing.T) {
		mustLoad(t, files(
			"stripe-app.json", `{"ui_extension": 1}`,
			"stripe-app.dev.json", `{"extends": "stripe-app.json", "ui_extension": {}}`,
		), "stripe-app.dev.json")
	})
}

func TestLargeFiles(t *testing.T) {
	const mib = 1 << 20
	pad := func(text string, size int) string { return text + strings.Repeat(" ", size-len(text)-1) + "\n" }
	for _, name := range []string{"stripe-app.json", "stripe-app.yaml"} {
		mustLoad(t, files(name, pad("{}", mib)), name)
		assert.EqualError(t, loadError(t, files(name, pad("{}", mib+1)), name),
			name+":1:1048577: the file is larger than 1 MiB: this is not a manifest")
		assert.EqualError(t, loadError(t, files(name, "\n"+pad("{}", mib)), name),
			name+":2:1048576: the file is larger than 1 MiB: this is not a manifest")
		// Also if it is not even text.
		assert.EqualError(t, loadError(t, files(name, strings.Repeat("\n", 10*mib)+"\xff"), name),
			name+":1048577:1: the file is larger than 1 MiB: this is not a manifest")
	}
	assert.EqualError(t, loadError(t, endless{}, "stripe-app.json"),
		"stripe-app.json:1:1048577: the file is larger than 1 MiB: this is not a manifest")
	assert.Less(t, allocated(func() { _, _ = manifest.LoadFS(endless{}, "stripe-app.json") }), uint64(16*mib))
}

// endless is a file system of files without an end.
type endless struct{}

func (endless) Open(string) (fs.File, error) {
	f, err := files("f", "").Open("f")
	return failingFile{f, endlessReader{}}, err
}

type endlessReader struct{}

func (endlessReader) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

const tooMuch = "a manifest is not so large: more than 100000 values, or nested deeper than 100"

func TestDeepAndManyValues(t *testing.T) {
	nested := func(depth int) string { // the object is one, and 1 the deepest
		return `{"a": ` + strings.Repeat("[", depth-1) + "1" + strings.Repeat("]", depth-1) + "}"
	}
	nestedObjects := func(depth int) string {
		return strings.Repeat(`{"a": `, depth) + "1" + strings.Repeat("}", depth)
	}
	many := func(count int) string { // with the object and the array
		return `{"a": [` + strings.Repeat("1,", count-3) + "1]}"
	}
	for _, name := range []string{"stripe-app.json", "stripe-app.yaml"} {
		mustLoad(t, files(name, nested(100)), name)
		mustLoad(t, files(name, nestedObjects(100)), name)
		mustLoad(t, files(name, many(100_000)), name)
		for what, test := range map[string]struct {
			text   string
			column int
		}{
			"nested 101 deep":   {nested(101), 107},
			"objects 101 deep":  {nestedObjects(101), 607},
			"nested 9,000 deep": {nested(9_000), 107},
			"100,001 values":    {many(100_001), 8 + 2*99_998},
			"200,000 values":    {many(200_000), 8 + 2*99_998},
		} {
			var err error
			bytes := allocated(func() { _, err = manifest.LoadFS(files(name, test.text), name) })
			assert.EqualError(t, err, fmt.Sprintf("%s:1:%d: %s", name, test.column, tooMuch), what)
			assert.Less(t, bytes, uint64(512<<20), what)
		}
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

func TestMergingTakesNoLongerThanReading(t *testing.T) {
	wide := func(prefix, extends string) string {
		var b strings.Builder
		b.WriteString("{" + extends)
		for i := range 45_000 {
			fmt.Fprintf(&b, `"%s%d":1,`, prefix, i)
		}
		return b.String() + `"id":1}`
	}
	fsys := files("stripe-app.json", wide("member-a", ""), "stripe-app.dev.json", wide("member-b", `"extends":"stripe-app.json",`))
	timed := func(name string) time.Duration {
		start := time.Now()
		mustLoad(t, fsys, name)
		return time.Since(start)
	}
	one := timed("stripe-app.json")
	assert.Less(t, timed("stripe-app.dev.json"), 10*one+time.Second)
}

func TestSymbolicLinksAreFollowed(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "stripe-app.json"), []byte(manifestJSON(lists{})), 0o600))
	if err := os.Symlink("stripe-app.json", filepath.Join(dir, "stripe-app.link.json")); err != nil {
		t.Skip(err)
	}
	_, err := manifest.Load(filepath.Join(dir, "stripe-app.link.json"))
	assert.NoError(t, err)

	// A link to itself is extended no more than maxFiles times.
	require.NoError(t, os.Symlink(".", filepath.Join(dir, "d")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "stripe-app.dev.json"), []byte(`{"extends": "d/stripe-app.dev.json"}`), 0o600))
	_, err = manifest.Load(filepath.Join(dir, "stripe-app.dev.json"))
	assert.ErrorContains(t, err, "extends leads through more than 8 files")
}

// A manifest is read once, and can be asked from anywhere.
func TestManifestIsSafeForConcurrentUse(t *testing.T) {
	m := of(t, lists{connect: []string{"https://api.example.com/v1", "http://localhost:1/x"}, redirects: []string{"http://localhost/cb"}})
	t.Run("group", func(t *testing.T) {
		for range 4 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for range 20 {
					findings := m.Check()
					for i := range findings {
						findings[i] = manifest.Finding{} // are the caller's
					}
					v := m.AllowsConnect("http://localhost:1/x")
					assert.True(t, v.Allowed)
					assert.NotEmpty(t, v.Warnings)
					assert.NoError(t, m.RoutesCovered("https://api.example.com", "/v1"))
					assert.True(t, m.AllowsRedirect("http://localhost/cb").Allowed)
				}
			})
		}
	})
	assert.NotEmpty(t, m.Check()[0].Text)
}
