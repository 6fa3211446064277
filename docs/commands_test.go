package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

var (
	goRun        = regexp.MustCompile(`go run \./(\S+?)((?: [^|#\n` + "`" + `]*)?)(?:[|#\n` + "`" + `]|$)`)
	commandFlag  = regexp.MustCompile(`(?:^| )-([a-z][a-z-]*)`)
	nameInSource = regexp.MustCompile(`(?:Name: +|[fF]lag[A-Za-z]*\()"([a-z][a-z-]*)"`)
)

// Every program that a document says to run is there, and cmd/stripeapps has the
// subcommands and flags.
func TestCommandsExist(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "cmd", "stripeapps", "*.go"))
	require.NoError(t, err)
	known := []string{"h"}
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range nameInSource.FindAllStringSubmatch(string(source), -1) {
			known = append(known, match[1])
		}
	}
	commands := 0
	for name, text := range documents(t) {
		for _, match := range goRun.FindAllStringSubmatch(text, -1) {
			commands++
			_, fromRoot := os.Stat(filepath.Join(root, match[1]))
			_, fromHere := os.Stat(filepath.Join(root, filepath.Dir(name), match[1]))
			assert.True(t, fromRoot == nil || fromHere == nil, "%s: %s", name, match[0])
			if match[1] != "cmd/stripeapps" {
				continue
			}
			said := []string{}
			for _, flag := range commandFlag.FindAllStringSubmatch(match[2], -1) {
				said = append(said, flag[1])
			}
			if words := strings.Fields(match[2]); len(words) > 0 && words[0][0] != '-' {
				said = append(said, words[0])
			}
			for _, s := range said {
				assert.True(t, slices.Contains(known, s), "%s: %s: there is no %s", name, match[0], s)
			}
		}
	}
	assert.Greater(t, commands, 8)
}

// The ports in docs/development.md are the defaults.
func TestThePortsAreTheDefaults(t *testing.T) {
	page := documents(t)["docs/development.md"]
	for port, file := range map[string]string{
		"4240": "cmd/stripeapps/serve.go", "4241": "internal/playground/config.go", "4243": "examples/oauth/main.go",
		"4244": "examples/installed/demo.go", "4245": "examples/installed/demo.go",
	} {
		source, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		assert.Contains(t, string(source), `"127.0.0.1:`+port+`"`, file)
		assert.Contains(t, page, port)
	}
}

// The local manifest in docs/development.md does what the page says.
func TestTheLocalManifestAllowsTheTunnel(t *testing.T) {
	lines := selectLines(documents(t)["docs/development.md"], func(language string) bool { return language == "json" })
	files := fstest.MapFS{
		"stripe-app.dev.json": {Data: []byte(strings.TrimSpace(strings.Join(lines, "\n")))},
		"stripe-app.json": {Data: []byte(`{
			"id": "com.example.app", "version": "1.0.0", "name": "Example", "icon": "./icon.png", "permissions": [],
			"ui_extension": {
				"views": [{"viewport": "stripe.dashboard.home.overview", "component": "App"}],
				"content_security_policy": {"connect-src": ["https://api.example.com/api/"], "purpose": "The backend"}
			}
		}`)},
	}
	m, err := manifest.LoadFS(files, "stripe-app.dev.json")
	require.NoError(t, err)
	assert.Empty(t, m.Check().String())
	assert.True(t, m.AllowsConnect("https://my-tunnel.example.com/api/refunds").Allowed)
	assert.False(t, m.AllowsConnect("https://api.example.com/api/refunds").Allowed, "its own values, in place of those that it extends")
}
