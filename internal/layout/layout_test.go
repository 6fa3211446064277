// Package layout holds the tree to what keeps it easy to find one's way in: a root
// of few files and names, short functions, and a root package that costs a program
// nothing before it is called.
package layout

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	module = "github.com/seed-8a2ffb75/stripeapps"
	root   = "../.."
)

// parse reads those files of the root, or of all modules of the repository, that are
// not tests. It opens them, so that a cached result is not used once one has changed.
func parse(t *testing.T, allModules bool) (*token.FileSet, []*ast.File) {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		if entry.IsDir() && (!allModules || entry.Name()[0] == '.' || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		files = append(files, file)
		return err
	}))
	return fset, files
}

func TestTheRootIsSmall(t *testing.T) {
	fset, files := parse(t, false)
	tests, err := filepath.Glob(filepath.Join(root, "*_test.go"))
	require.NoError(t, err)
	lines := 0
	for _, file := range files {
		lines += fset.File(file.FileStart).LineCount()
	}
	names := exportedNames(files)
	assert.LessOrEqual(t, len(files), 11, "production files")
	assert.LessOrEqual(t, len(tests), 15, "test files")
	assert.LessOrEqual(t, lines, 2400, "production lines")
	assert.LessOrEqual(t, len(names), 80, "exported names: %q", names)
}

func exportedNames(files []*ast.File) []string {
	var names []*ast.Ident
	for _, file := range files {
		for _, decl := range file.Decls {
			if function, ok := decl.(*ast.FuncDecl); ok && function.Recv == nil {
				names = append(names, function.Name)
			}
			general, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range general.Specs {
				switch spec := spec.(type) {
				case *ast.ValueSpec:
					names = append(names, spec.Names...)
				case *ast.TypeSpec:
					names = append(names, spec.Name)
				}
			}
		}
	}
	var exported []string
	for _, name := range names {
		if name.IsExported() {
			exported = append(exported, name.Name)
		}
	}
	return exported
}

func TestProductionFunctionsAreShorterThan60Lines(t *testing.T) {
	fset, files := parse(t, true)
	require.Greater(t, len(files), 30)
	for _, file := range files {
		for _, decl := range file.Decls {
			first, last := fset.Position(decl.Pos()), fset.Position(decl.End())
			if function, ok := decl.(*ast.FuncDecl); ok {
				assert.Less(t, last.Line-first.Line+1, 60, "%s: %s", first, function.Name)
			}
		}
	}
}

// What only some users need is a package beside the root, that the root does not
// import.
func TestTheRootImportsNoPackageBesideIt(t *testing.T) {
	deps := strings.Fields(run(t, nil, "go", "list", "-deps", module))
	require.Contains(t, deps, module)
	for _, name := range []string{"explain", "cspreport", "events", "install", "manifest", "replay", "stripeappstest"} {
		assert.NotContains(t, deps, module+"/"+name)
	}
}

// A program that imports the package should not pay for it before it is used:
// regular expressions and large maps are made when they are first needed.
func TestPackageInitIsBounded(t *testing.T) {
	packages := strings.Fields(run(t, nil, "go", "list", "-f", `{{if and .GoFiles (ne .Name "main")}}{{.ImportPath}}{{end}}`, "./..."))
	require.Contains(t, packages, module)
	for _, name := range packages {
		if strings.Contains(name, "/internal/") {
			continue // part of those that import it
		}
		t.Run(strings.TrimPrefix(name, module), func(t *testing.T) {
			bytes, allocs := costOfImporting(t, name)
			most := 8 << 10
			if name != module {
				most = 16 << 10 // manifest has its rules in tables
			}
			assert.LessOrEqual(t, bytes, most, "bytes")
			assert.LessOrEqual(t, allocs, 100, "allocations")
		})
	}
}

// costOfImporting is what this module's packages allocate before main begins.
func costOfImporting(t *testing.T, name string) (bytes, allocs int) {
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program.exe")
	require.NoError(t, os.WriteFile(source, []byte("package main\n\nimport _ \""+name+"\"\n\nfunc main() {}\n"), 0o600))
	run(t, nil, "go", "build", "-o", program, source)

	trace := run(t, []string{"GODEBUG=inittrace=1"}, program)
	require.Contains(t, trace, "\ninit ")
	for line := range strings.Lines(trace) {
		line, ours := strings.CutPrefix(line, "init "+module)
		if !ours { // a package that has nothing to do is not there at all
			continue
		}
		var b, a int
		_, figures, _ := strings.Cut(line, " clock, ")
		_, err := fmt.Sscanf(figures, "%d bytes, %d allocs", &b, &a)
		require.NoError(t, err, line)
		bytes, allocs = bytes+b, allocs+a
	}
	return bytes, allocs
}

// run returns what a command prints to either stream, run in the root.
func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir, command.Env = root, append(os.Environ(), env...)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", bytes.TrimSpace(output))
	return string(output)
}

// A module that others import must require a version of the root that can be had: Go's
// own placeholder, v0.0.0-00010101000000-000000000000, cannot.
func TestThePublishedModulesRequireTheSameReleaseOfTheRoot(t *testing.T) {
	requirement := regexp.MustCompile(`(?m)^\s*(?:require )?` + regexp.QuoteMeta(module) + ` (\S+)$`)
	versions := make(map[string]bool)
	for _, name := range []string{"redisreplay", "otelstripeapps"} {
		content, err := os.ReadFile(filepath.Join(root, name, "go.mod"))
		require.NoError(t, err)
		found := requirement.FindStringSubmatch(string(content))
		require.NotNil(t, found, name)
		assert.Regexp(t, `^v\d+\.\d+\.\d+$`, found[1], name)
		versions[found[1]] = true
	}
	assert.Len(t, versions, 1)
}
