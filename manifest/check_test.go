package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

func TestRepeatedEntries(t *testing.T) {
	const entry = "https://api.example.com/x"
	m := mustLoad(t, files("stripe-app.yaml", `id: com.example.app
version: 1.0.0
name: Example
extensions: []
ui_extension:
  content_security_policy:
    purpose: To refund
    connect-src:
      - `+entry+`
      - https://api.example.com/y
      - `+entry+`
      - `+entry+`
    image-src: [`+entry+`]
`), "stripe-app.yaml")
	assert.Equal(t, manifest.Findings{
		{Severity: isWarning, File: "stripe-app.yaml", Line: 11, Column: 9, Path: connectPath + "[2]", Text: "stripe-app.yaml:9 has the same entry"},
		{Severity: isWarning, File: "stripe-app.yaml", Line: 12, Column: 9, Path: connectPath + "[3]", Text: "stripe-app.yaml:9 has the same entry"},
	}, m.Check())
}

func TestPurpose(t *testing.T) {
	entries := []string{"https://api.example.com/x"}
	for _, test := range []struct {
		name, policy string // in lines 3 and after
		want         manifest.Findings
	}{
		{"is there", `{"purpose": "To refund", "connect-src": ["https://api.example.com/x"]}`, nil},
		{"is missing", `{"connect-src": ["https://api.example.com/x"]}`, manifest.Findings{
			{isError, "stripe-app.json", 3, 30, purposePath, "purpose is missing: say to users why the app needs these URLs", "", docsManifest}}},
		{"is missing where there is no URL", `{}`, manifest.Findings{
			{isWarning, "stripe-app.json", 3, 30, purposePath, "purpose is missing: Stripe's published schema requires it, even if empty", "", docsManifest}}},
		{"is missing where the lists are null", `{"connect-src": null, "image-src": []}`, manifest.Findings{
			{isWarning, "stripe-app.json", 3, 30, purposePath, "purpose is missing: Stripe's published schema requires it, even if empty", "", docsManifest}}},
		{"is empty", `{"purpose": "", "connect-src": ["https://api.example.com/x"]}`, manifest.Findings{
			{isWarning, "stripe-app.json", 3, 42, purposePath, "purpose is empty: say to users why the app needs these URLs", "", docsManifest}}},
		{"is white space", `{"purpose": " \t", "image-src": ["https://api.example.com/x"]}`, manifest.Findings{
			{isWarning, "stripe-app.json", 3, 42, purposePath, "purpose is empty: say to users why the app needs these URLs", "", docsManifest}}},
		{"is empty where there is no URL", `{"purpose": ""}`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := "{\n  \"id\": \"com.example.app\", \"version\": \"1.0.0\", \"name\": \"Example\", \"icon\": \"\", \"permissions\": [], \"ui_extension\": {\n" +
				`  "content_security_policy": ` + test.policy + "}}"
			assert.Equal(t, test.want, adjust(mustLoad(t, files("stripe-app.json", text), "stripe-app.json").Check()))
		})
	}
	assert.NoError(t, of(t, lists{connect: entries}).Check().Err())

	t.Run("is nowhere in what is merged", func(t *testing.T) {
		m := mustLoad(t, files(
			"stripe-app.json", strings.Replace(manifestJSON(lists{connect: entries}), `"purpose": "",`, "", 1),
			"stripe-app.dev.json",
			`{"extends": "stripe-app.json", "ui_extension": {"content_security_policy": {"image-src": []}}}`,
		), "stripe-app.dev.json")
		assert.ErrorContains(t, m.Check().Err(), "purpose is missing")
	})
}

// adjust leaves out what is not about the purpose.
func adjust(findings manifest.Findings) (found manifest.Findings) {
	for _, f := range findings {
		if f.Path == purposePath {
			found = append(found, f)
		}
	}
	return found
}

func TestFindingsAreInTheOrderOfTheFiles(t *testing.T) {
	m := mustLoad(t, files(
		"stripe-app.json",
		manifestJSON(lists{connect: []string{"http://a.example/x", "https://b.example", "https://c.example/v1"}, image: []string{"http://d.example/x"}, redirects: []string{"https://e.example"}}),
		"stripe-app.dev.json",
		strings.Repeat("\n", 20)+"{\n  \"extends\": \"stripe-app.json\",\n  \"allowed_redirect_uris\": [\"http://g.example/x\"],\n  \"ui_extension\": {\"content_security_policy\": {\n    \"purpose\": \"To try\",\n    \"image-src\": [\"http://f.example/x\"]}}\n}",
	), "stripe-app.dev.json")
	var got []string
	for _, f := range m.Check() {
		got = append(got, fmt.Sprintf("%s:%d:%d %s %s", f.File, f.Line, f.Column, f.Severity, f.Path))
	}
	assert.Equal(t, []string{
		"stripe-app.dev.json:23:29 warning allowed_redirect_uris[0]",
		"stripe-app.dev.json:26:19 error " + imagePath + "[0]",
		"stripe-app.json:11:23 error " + connectPath + "[0]",
		"stripe-app.json:11:44 error " + connectPath + "[1]",
		"stripe-app.json:11:64 warning " + connectPath + "[2]",
		"stripe-app.json:12:21 error " + imagePath + "[0]",
		"stripe-app.json:16:29 error allowed_redirect_uris[0]",
	}, got, "of what the local manifest replaces too: it is what is uploaded")

	err := m.Check().Err()
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 5, "warnings are no errors")
	assert.NoError(t, manifest.Findings(nil).Err())
	assert.NoError(t, manifest.Findings{{Severity: isWarning}}.Err())
}

func TestPurposeIsMissingInAllFiles(t *testing.T) {
	m := mustLoad(t, files(
		"stripe-app.json", `{"ui_extension":{"content_security_policy":{"connect-src":["https://h.example/cb"]}}}`,
		"stripe-app.dev.json", `{"extends":"stripe-app.json"}`,
	), "stripe-app.dev.json")
	assert.ErrorContains(t, m.Check().Err(), "purpose is missing")
}
