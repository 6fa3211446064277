package docs

import (
	"errors"
	"go/ast"
	"go/doc/comment"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	// So that no cached result is used once one of them has changed.
	_ "github.com/seed-8a2ffb75/stripeapps/cspreport"
	_ "github.com/seed-8a2ffb75/stripeapps/explain"
	_ "github.com/seed-8a2ffb75/stripeapps/install"
	_ "github.com/seed-8a2ffb75/stripeapps/install/installtest"
	_ "github.com/seed-8a2ffb75/stripeapps/install/sqlstore"
	_ "github.com/seed-8a2ffb75/stripeapps/manifest"
	_ "github.com/seed-8a2ffb75/stripeapps/replay"
	_ "github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

const module = "github.com/seed-8a2ffb75/stripeapps"

// packages are those that a block may use without saying so, as goimports would
// find them.
var packages = map[string]string{
	"stripeapps": module, "cspreport": module + "/cspreport", "explain": module + "/explain", "install": module + "/install",
	"events": module + "/events", "eventstest": module + "/events/eventstest",
	"installtest": module + "/install/installtest", "sqlstore": module + "/install/sqlstore",
	"manifest": module + "/manifest", "replay": module + "/replay", "stripeappstest": module + "/stripeappstest",

	"assert": "github.com/stretchr/testify/assert", "require": "github.com/stretchr/testify/require",
	"webhook": "github.com/stripe/stripe-go/v76/webhook", "base64": "encoding/base64", "context": "context", "sql": "database/sql", "errors": "errors",
	"expvar": "expvar", "fmt": "fmt",
	"http": "net/http", "httptest": "net/http/httptest", "httputil": "net/http/httputil", "io": "io", "json": "encoding/json", "log": "log",
	"os": "os", "rand": "crypto/rand", "signal": "os/signal", "slices": "slices", "slog": "log/slog",
	"sync": "sync", "syscall": "syscall", "template": "html/template",
	"testing": "testing", "time": "time", "url": "net/url",
}

// aroundStatements is what a block of statements stands in: what a backend has
// already. A block of declarations stands as it is.
const aroundStatements = "func _(mux *http.ServeMux, secrets []string) error {"

// The blocks of a document are one package, on the lines on which they are.
func TestGoCompiles(t *testing.T) {
	texts := documents(t)
	texts["doc.go"] = packageComment(t)
	blocks := 0
	for name, text := range texts {
		source := goSource(text)
		if source == "" {
			continue
		}
		blocks++
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
		if !assert.NoError(t, err) {
			continue
		}
		config := types.Config{Importer: compiled(t), Error: func(err error) { assert.NoError(t, err) }}
		config.Check(name, fset, []*ast.File{file}, nil) // each error has been told
	}
	assert.GreaterOrEqual(t, blocks, 7, "documents with Go")
}

// goSource returns the Go of a text as one file, or "" if there is none.
func goSource(text string) string {
	lines := selectLines(text, func(language string) bool { return language == "go" })
	if strings.Join(lines, "") == "" {
		return ""
	}
	all := strings.Split(text, "\n")
	for first, line := range all {
		if line != "```go" {
			continue
		}
		last := first + 1 + slices.Index(all[first+1:], "```")
		block := strings.Join(lines[first+1:last], "\n")
		if _, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+block, 0); err != nil {
			lines[first], lines[last] = aroundStatements, "return nil }"
		}
	}
	lines[0] = "package p" + imports("package p\n"+strings.Join(lines, "\n"))
	return strings.Join(lines, "\n")
}

// imports returns the declarations for what a source uses.
func imports(source string) string {
	file, _ := parser.ParseFile(token.NewFileSet(), "", source, 0) // what is wrong is told later
	declarations, done := "", map[string]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok && packages[x.Name] != "" && !done[x.Name] {
				done[x.Name] = true
				declarations += "; import " + strconv.Quote(packages[x.Name])
			}
		}
		return true
	})
	return declarations
}

// packageComment returns the code in doc.go's comment that is Go, in fences.
func packageComment(t *testing.T) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "doc.go"), nil, parser.ParseComments)
	require.NoError(t, err)
	text := "\n"
	for _, block := range new(comment.Parser).Parse(file.Doc.Text()).Content {
		if code, ok := block.(*comment.Code); ok && strings.Contains(code.Text, "stripeapps.") {
			text += "```go\n" + code.Text + "```\n"
		}
	}
	require.Contains(t, text, "```go")
	return text
}

var exportData = sync.OnceValues(func() (map[string]string, error) {
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}
	for _, path := range packages {
		args = append(args, path)
	}
	output, err := exec.Command("go", args...).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = errors.New(string(exit.Stderr))
	}
	files := map[string]string{}
	for line := range strings.Lines(string(output)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return files, err
})

// compiled returns an importer of packages as the compiler has made them.
func compiled(t *testing.T) types.Importer {
	t.Helper()
	files, err := exportData()
	require.NoError(t, err)
	return importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(files[path])
	})
}

var (
	span       = regexp.MustCompile("`[^`\n]+`")
	word       = regexp.MustCompile(`[\pL\pN_./-]+`)
	identifier = regexp.MustCompile(`^(?:([a-z]\w*)\.)?([A-Z]\w*(?:\.[A-Z]\w*)*)$`)
)

// notOurs are words in code that look like names of the API.
var notOurs = map[string]bool{
	"Authorization": true, "Connection": true, "Host": true, "Origin": true, "Vary": true, // headers
	"ExtensionContextValue":    true,              // Stripe's SDK
	"Handle":                   true,              // of http.ServeMux
	"AddInsecureBypassPattern": true,              // of http.CrossOriginProtection
	"SameSite":                 true, "Lax": true, // of cookies
	"FuzzReadIDs": true,                                                 // a test
	"HTTPRoute":   true, "SetAttributes": true, "SpanFromContext": true, // OpenTelemetry
	// of redisreplay, and of its client
	"Check": true, "ContextTimeoutEnabled": true, "ErrPolicyUnknown": true,
	// of frameworks
	"Context": true, "FullPath": true, "RouteContext": true, "RoutePattern": true, "Group": true, "HTTPMiddleware": true, "Mount": true, "NewV2": true, "PathPrefix": true,
	"Request.Context": true, "RequestCtx": true, "Route": true, "Start": true, "Subrouter.Use": true, "Use": true,
	"WithContext": true, "WrapMiddleware": true,
}

func TestNamesOfTheAPIExist(t *testing.T) {
	imported, names := compiled(t), map[string]bool{}
	for _, path := range packages {
		p, err := imported.Import(path)
		require.NoError(t, err)
		addNames(names, p)
	}
	checked := 0
	for document, text := range documents(t) {
		for _, code := range span.FindAllString(prose(text), -1) {
			for _, w := range word.FindAllString(code, -1) {
				match := identifier.FindStringSubmatch(strings.Trim(w, "."))
				if match == nil || strings.ToUpper(match[2]) == match[2] || notOurs[match[2]] {
					continue
				}
				checked++
				if packages[match[1]] != "" {
					assert.True(t, names[match[0]], "%s: %s", document, code)
				} else {
					assert.True(t, names[match[2]], "%s: %s", document, code)
				}
			}
		}
	}
	assert.Greater(t, checked, 100, "names in documents")
}

// addNames adds what a package exports, with the fields and methods of its types:
// as "pkg.Name" and "pkg.Type.Member", and, of this module, as "Member" too. The
// root's need no "pkg.".
func addNames(names map[string]bool, p *types.Package) {
	for _, exported := range p.Scope().Names() {
		all := []string{exported}
		object, isType := p.Scope().Lookup(exported).(*types.TypeName)
		if isType {
			for _, member := range members(object.Type()) {
				all = append(all, exported+"."+member)
				if strings.HasPrefix(p.Path(), module) {
					names[member] = true
				}
			}
		}
		for _, n := range all {
			names[p.Name()+"."+n] = true
			if p.Path() == module {
				names[n] = true
			}
		}
	}
}

func members(of types.Type) (found []string) {
	if structure, ok := of.Underlying().(*types.Struct); ok {
		for field := range structure.Fields() {
			found = append(found, field.Name())
		}
	}
	methods := types.NewMethodSet(types.NewPointer(of))
	for method := range methods.Methods() {
		found = append(found, method.Obj().Name())
	}
	return found
}
