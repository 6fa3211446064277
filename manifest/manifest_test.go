package manifest_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

func TestWrongTypes(t *testing.T) {
	kinds := map[string]string{
		`null`: "null", `true`: "a boolean", `1.5`: "a number", `"a"`: "a string", `["a"]`: "an array",
		`{"a": 1}`: "an object",
	}
	policy := func(text string) string { return `{"ui_extension": {"content_security_policy": ` + text + `}}` }
	for _, test := range []struct {
		path, text string // text has the value in place of ?
		takes      []string
		want       string
	}{
		{"ui_extension", `{"ui_extension": ?}`, []string{"an object", "null"}, "an object"},
		{"ui_extension.content_security_policy", policy("?"), []string{"an object", "null"}, "an object"},
		{connectPath, policy(`{"connect-src": ?}`), []string{"an array", "null"}, "an array"},
		{imagePath, policy(`{"image-src": ?}`), []string{"an array", "null"}, "an array"},
		{connectPath + "[1]", policy(`{"connect-src": ["https://a.example/x", ?]}`), []string{"a string"}, "a string"},
		{imagePath + "[0]", policy(`{"image-src": [?]}`), []string{"a string"}, "a string"},
		{redirectPath, `{"allowed_redirect_uris": ?}`, []string{"an array", "null"}, "an array"},
		{redirectPath + "[2]", `{"allowed_redirect_uris": ["a", "b", ?]}`, []string{"a string"}, "a string"},
		{"declarations", `{"declarations": ?}`, []string{"an object", "null"}, "an object"},
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
			"stripe-app.json", "{\n \"ui_extension\": {\"content_security_policy\": {\"image-src\": 1}}\n}",
			"stripe-app.dev.json", `{"extends": "stripe-app.json", "ui_extension": {"content_security_policy": {}}}`,
		), "stripe-app.dev.json"), "stripe-app.json:2:60: "+imagePath+" must be an array, and is a number")
	})
	t.Run("what has been replaced is of no interest", func(t *testing.T) {
		mustLoad(t, files(
			"stripe-app.json", `{"ui_extension": 1}`,
			"stripe-app.dev.json", `{"extends": "stripe-app.json", "ui_extension": {}}`,
		), "stripe-app.dev.json")
	})
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

func TestWarningsBelongToTheCaller(t *testing.T) { // -race
	m := connecting(t, "http://localhost:8080/v1")
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 50 {
				for i, w := range m.AllowsConnect("http://localhost:8080/v1").Warnings {
					_ = i
					w.Text = ""
				}
				v := m.AllowsConnect("http://localhost:8080/v1")
				v.Warnings[0].Text = "changed"
			}
		})
	}
	wg.Wait()
	assert.NotEqual(t, "changed", m.Check()[0].Text)
}
