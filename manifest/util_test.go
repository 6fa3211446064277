package manifest_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

// files makes a file system of names and what they hold, by turns.
func files(namesAndTexts ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(namesAndTexts); i += 2 {
		fsys[namesAndTexts[i]] = &fstest.MapFile{Data: []byte(namesAndTexts[i+1])}
	}
	return fsys
}

func mustLoad(tb testing.TB, fsys fs.FS, name string) *manifest.Manifest {
	tb.Helper()
	m, err := manifest.LoadFS(fsys, name)
	require.NoError(tb, err)
	return m
}

// loadError returns the *Error that loading the file must end in.
func loadError(tb testing.TB, fsys fs.FS, name string) *manifest.Error {
	tb.Helper()
	m, err := manifest.LoadFS(fsys, name)
	require.Error(tb, err)
	require.Nil(tb, m)
	var e *manifest.Error
	require.ErrorAs(tb, err, &e)
	return e
}

// lists is what a manifest says of URLs.
type lists struct {
	connect, image, redirects []string
	purpose                   string
}

const (
	connectPath  = "ui_extension.content_security_policy.connect-src"
	imagePath    = "ui_extension.content_security_policy.image-src"
	purposePath  = "ui_extension.content_security_policy.purpose"
	redirectPath = "allowed_redirect_uris"
	redirectV2   = "declarations.allowed_redirect_uris"

	validPurpose = "To refund payments"
)

// place is a line and a column.
type place struct{ line, column int }

// Where the first entry of each list is in manifestJSON and manifestYAML.
var (
	placesJSON = map[string]place{purposePath: {10, 18}, connectPath: {11, 23}, imagePath: {12, 21}, redirectPath: {16, 29}}
	placesYAML = map[string]place{purposePath: {7, 14}, connectPath: {8, 19}, imagePath: {9, 17}, redirectPath: {12, 27}}
)

// manifestJSON is a manifest that is complete in everything else.
func manifestJSON(l lists) string {
	return fmt.Sprintf(`{
  "id": "com.example.app",
  "version": "1.0.0",
  "name": "Example",
  "icon": "./icon.png",
  "permissions": [],
  "ui_extension": {
    "views": [],
    "content_security_policy": {
      "purpose": %s,
      "connect-src": %s,
      "image-src": %s
    }
  },
  "distribution_type": "private",
  "allowed_redirect_uris": %s
}
`, quote(l.purpose), quote(l.connect), quote(l.image), quote(l.redirects))
}

// manifestYAML is the same as a manifest v2: a flow sequence of YAML may be
// written as JSON.
func manifestYAML(l lists) string {
	return fmt.Sprintf(`id: com.example.app
version: 1.0.0
name: Example
extensions: []
ui_extension:
  content_security_policy:
    purpose: %s
    connect-src: %s
    image-src: %s
declarations:
  # The URIs of v2 are here.
  allowed_redirect_uris: %s
`, quote(l.purpose), quote(l.connect), quote(l.image), quote(l.redirects))
}

func quote(v any) string {
	if list, ok := v.([]string); ok && list == nil {
		return "[]"
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// of makes a manifest of lists, with a purpose if there is none.
func of(tb testing.TB, l lists) *manifest.Manifest {
	tb.Helper()
	if l.purpose == "" {
		l.purpose = validPurpose
	}
	return mustLoad(tb, files("stripe-app.json", manifestJSON(l)), "stripe-app.json")
}

func connecting(tb testing.TB, sources ...string) *manifest.Manifest {
	tb.Helper()
	return of(tb, lists{connect: sources})
}

// allocated returns how many bytes f allocates. It is a bound for memory and for
// time alike that does not depend on how busy the machine is.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
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

const (
	docsManifest = "https://docs.stripe.com/stripe-apps/reference/app-manifest"
	docsBuildUI  = "https://docs.stripe.com/stripe-apps/build-ui#use-third-party-apis"
	docsInstall  = "https://docs.stripe.com/stripe-apps/install-links"
	csp3         = "https://www.w3.org/TR/CSP3/"

	isError   = manifest.SeverityError
	isWarning = manifest.SeverityWarning
)

// Manifests without findings, to be changed in one place.
const (
	plainJSON = `{
  "id": "com.example.my-app",
  "version": "1.2.3",
  "name": "My App",
  "icon": "./icon.png",
  "permissions": [
    {"permission": "customer_read", "purpose": "to show names"}
  ],
  "ui_extension": {
    "views": [
      {"viewport": "settings", "component": "Settings"}
    ]
  }
}
`
	plainYAML = `id: com.example.my-app
name: My App
version: 1.2.3
extensions:
  - id: round_up
    name: Round up
    interface_id: core.workflows.custom_action
    version: 1.0.0-rc.1+build
    permissions:
      - permission: customer_read
        purpose: to show names
    methods:
      custom_workflow_action_run:
        implementation_type: remote_function
        resource_id: res_6aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        custom_input:
          input_schema: {type: json_schema, content: a/b.json}
          ui_schema: {type: jsonforms, content: a/c.json}
`
)

// change returns text with new in place of old, which has to be there once.
func change(t *testing.T, text, old, new string) string {
	t.Helper()
	require.Equal(t, 1, strings.Count(text, old), "%q", old)
	return strings.Replace(text, old, new, 1)
}
