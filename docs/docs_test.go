// Package docs holds the pages of this folder, and all other Markdown of the
// repository, to what they promise: links lead somewhere, Go compiles, names of
// the API exist, and the table of refusals is what the code says. TypeScript is
// checked by e2e/typecheck.mjs.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = ".."

// documents returns the text of every Markdown file of the repository, by its name.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != root && (entry.Name()[0] == '.' || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		texts[filepath.ToSlash(name)] = string(text)
		return err
	}))
	return texts
}

func TestThePagesAreShort(t *testing.T) {
	for name, text := range documents(t) {
		lines := strings.Count(text, "\n")
		switch {
		case name == "README.md":
			assert.LessOrEqual(t, lines, 200, name)
			before, _, found := strings.Cut(text, "\n## What a signature does not prove\n")
			assert.True(t, found, "the README says what a signature does not prove")
			assert.Less(t, strings.Count(before, "\n")+2, 110, "the line on which it begins to")
		case strings.HasPrefix(name, "docs/"):
			assert.LessOrEqual(t, lines, 80, name)
			assert.GreaterOrEqual(t, lines, 20, name)
		}
	}
}

// stripe apps start, which runs beside a backend in development, serves the
// extension on port 4242: https://github.com/stripe/stripe-apps/issues/588.
func TestNothingTakesThePortOfStripeAppsStart(t *testing.T) {
	taken := regexp.MustCompile(`(127\.0\.0\.1|localhost|\[::1\]|"):4242\b`)
	files := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (name[0] == '.' || name == "node_modules" || name == "testdata") {
			return fs.SkipDir
		}
		kinds := []string{".go", ".md", ".mjs", ".ts", ".js", ".html"}
		if entry.IsDir() || strings.HasSuffix(name, "_test.go") || !slices.Contains(kinds, filepath.Ext(name)) {
			return nil
		}
		files++
		text, err := os.ReadFile(path)
		assert.Empty(t, taken.FindString(string(text)), path)
		return err
	}))
	assert.Greater(t, files, 100)
}

// go test passes where there is no such target.
func TestFuzzTargetsAreWhereTheCommandLooks(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	require.NoError(t, err)
	commands := regexp.MustCompile("`go test [^`]*-fuzz '\\^(\\w+)\\$'[^`]* (\\S+)`").FindAllStringSubmatch(string(text), -1)
	assert.NotEmpty(t, commands)
	for _, command := range commands {
		files, err := filepath.Glob(filepath.Join(root, command[2], "*_test.go"))
		require.NoError(t, err)
		assert.True(t, slices.ContainsFunc(files, func(file string) bool {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			return strings.Contains(string(source), "\nfunc "+command[1]+"(")
		}), command[0])
	}
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	texts := documents(t)
	linked := map[string]bool{}
	for name, text := range texts {
		for _, match := range link.FindAllStringSubmatch(span.ReplaceAllString(prose(text), ""), -1) {
			target, anchor, hasAnchor := strings.Cut(match[1], "#")
			if strings.Contains(target, ":") {
				continue // to another site
			}
			file := name
			if target != "" {
				file = filepath.ToSlash(filepath.Join(filepath.Dir(name), target))
			}
			_, err := os.Stat(filepath.Join(root, file))
			assert.NoError(t, err, "%s links to %s", name, match[1])
			if hasAnchor {
				assert.Contains(t, anchors(texts[file]), anchor, "%s links to %s", name, match[1])
			}
			linked[name+" "+file] = true
		}
	}
	// The index of the pages is what leads to each of them.
	const index = "docs/README.md"
	assert.True(t, linked["README.md "+index], "README.md has no link to %s", index)
	for name := range texts {
		if strings.HasPrefix(name, "docs/") && name != index {
			assert.True(t, linked[index+" "+name], "%s has no link to %s", index, name)
		}
	}
}

// anchors returns those that GitHub gives the headings of a text.
func anchors(text string) (found []string) {
	for line := range strings.Lines(prose(text)) {
		level, heading, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.Trim(level, "#") != "" {
			continue
		}
		found = append(found, strings.Map(func(c rune) rune {
			switch {
			case c == ' ':
				return '-'
			case unicode.IsLetter(c), unicode.IsDigit(c), c == '-', c == '_':
				return unicode.ToLower(c)
			}
			return -1
		}, heading))
	}
	return found
}

// prose returns a text without its fenced blocks.
func prose(text string) string {
	return strings.Join(selectLines(text, func(language string) bool { return language == "" }), "\n")
}

// selectLines returns all lines of a text, of which those are empty that are not
// in a block of a language that is wanted. "" is the language of what is in none.
func selectLines(text string, wanted func(language string) bool) []string {
	const none = "none" // of a block that has no language
	lines := strings.Split(text, "\n")
	language := ""
	for i, line := range lines {
		if fence, isFence := strings.CutPrefix(line, "```"); isFence {
			switch {
			case language != "":
				language = ""
			case fence == "":
				language = none
			default:
				language = fence
			}
			lines[i] = ""
		} else if !wanted(language) {
			lines[i] = ""
		}
	}
	return lines
}
