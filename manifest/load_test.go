package manifest_test

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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

// testdata/taken has manifests like those that Stripe publishes as examples, has in
// its documents, or has taken. None has an error, and what is said of them can be
// mended.
func TestManifestsThatStripeTakes(t *testing.T) {
	want := map[string][]string{
		"full-page.json": {"icon → ./takings.png"},
		"uploaded.json": {
			"icon → ./src/views/links.png", "permissions[0].purpose", "permissions[0].name",
			imagePath + "[0]", purposePath, "distribution_type → public",
		},
		"discounts.yaml": nil, "oauth-only.json": nil, "provider.json": nil, "remote-function.yaml": nil, "script.yaml": nil,
	}
	names, err := filepath.Glob("testdata/taken/*")
	require.NoError(t, err)
	require.Len(t, names, len(want))
	for _, name := range names {
		m, err := manifest.Load(name)
		require.NoError(t, err)
		assert.NoError(t, m.Check().Err(), name)
		var got []string
		for _, f := range m.Check() {
			said := f.Path
			if f.Fix != "" {
				said += " → " + f.Fix
			}
			got = append(got, said)
		}
		assert.Equal(t, want[filepath.Base(name)], got, name)
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
		{"a list is replaced and its neighbors are kept", local(`{"connect-src": ["https://dev.example.com/c"]}`),
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
		"a/stripe-app.test.json",
		`{"extends": "./../c/stripe-app.json", "ui_extension": {"content_security_policy": {"image-src": ["https://cdn.example.com/test"]}}}`,
		"c/stripe-app.json",
		manifestJSON(lists{connect: []string{"https://api.example.com/c"}, image: []string{"https://cdn.example.com/c"}, purpose: validPurpose}),
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
