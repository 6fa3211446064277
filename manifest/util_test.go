package manifest_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

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
