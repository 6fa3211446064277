package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var refusalRow = regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\d+) \\| (?:`([\\w.]+)`|–) \\|")

// refusalPages are those that have a table of reasons.
var refusalPages = []string{"docs/refusals.md", "docs/events.md"}

// Every reason has a row in one of the tables, and every row is a reason.
func TestTheTablesOfRefusalsAreTheCodes(t *testing.T) {
	texts := documents(t)
	inTable := map[string]string{}
	for _, page := range refusalPages {
		for _, row := range refusalRow.FindAllStringSubmatch(texts[page], -1) {
			assert.NotContains(t, inTable, row[1], "a second row")
			inTable[row[1]] = row[2] + " " + row[3]
		}
	}
	inCode := map[string]string{}
	addRefusals(t, inCode, root, "")
	addRefusals(t, inCode, filepath.Join(root, "cspreport"), "cspreport.")
	addRefusals(t, inCode, filepath.Join(root, "replay"), "replay.")
	addRefusals(t, inCode, filepath.Join(root, "events"), "events.")
	assert.Equal(t, inCode, inTable)
}

// Those of installs, which people see and not extensions, have a table of their own.
func TestTheTableOfInstallsIsTheCodes(t *testing.T) {
	inCode := installCodes(t)
	rows := refusalRow.FindAllStringSubmatch(documents(t)["docs/installs.md"], -1)
	assert.GreaterOrEqual(t, len(rows), 10)
	for _, row := range rows {
		assert.Equal(t, inCode[row[1]], row[2]+" "+row[3], row[1])
	}
}

func installCodes(t *testing.T) map[string]string {
	t.Helper()
	codes := map[string]string{}
	addRefusals(t, codes, filepath.Join(root, "install"), "install.")
	return codes
}

var snakeCase = regexp.MustCompile("`([a-z]+(?:_[a-z]+)+)`")

// notCodes are other names of that form.
var notCodes = []string{
	"account_id", "stripe_roles", "user_id", // members of a payload
	"add_header", "client_max_body_size", "synchronous_commit", // nginx, PostgreSQL
	"expires_in", "invalid_grant", // of OAuth
	"allowed_redirect_uris", "post_install_action", "stripe_api_access_type", "restricted_api_key", // of a manifest
	"event_read", "refund_read", "webhook_write", "read_only", // permissions
	"account_invalid", "more_permissions_required_for_application", // errors of Stripe's API
}

// What another page calls a code is one.
func TestCodesExist(t *testing.T) {
	texts, ofInstalls := documents(t), installCodes(t)
	tables := ""
	for _, page := range refusalPages {
		tables += texts[page]
	}
	for name, text := range texts {
		if !strings.HasPrefix(name, "docs/") {
			continue
		}
		for _, code := range snakeCase.FindAllStringSubmatch(prose(text), -1) {
			if !slices.Contains(notCodes, code[1]) && ofInstalls[code[1]] == "" {
				assert.Contains(t, tables, "\n| "+code[0]+" |", name)
			}
		}
	}
}

// addRefusals adds the code of each NewError of a folder's files, with the status and,
// if there is an exported one, the variable.
func addRefusals(t *testing.T, found map[string]string, dir, qualifier string) {
	t.Helper()
	statuses, err := compiled(t).Import("net/http")
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		variables := map[ast.Expr]string{}
		ast.Inspect(file, func(node ast.Node) bool {
			if spec, ok := node.(*ast.ValueSpec); ok {
				for i, value := range spec.Values {
					if spec.Names[i].IsExported() {
						variables[value] = qualifier + spec.Names[i].Name
					}
				}
			}
			if call, ok := node.(*ast.CallExpr); ok && strings.HasSuffix(types.ExprString(call.Fun), "NewError") {
				if _, ok := call.Args[0].(*ast.BasicLit); !ok {
					return true // another text of a code
				}
				code, err := strconv.Unquote(types.ExprString(call.Args[0]))
				require.NoError(t, err, path)
				status := statuses.Scope().Lookup(call.Args[1].(*ast.SelectorExpr).Sel.Name).(*types.Const)
				assert.NotContains(t, found, code, "a second NewError")
				found[code] = status.Val().String() + " " + variables[call]
			}
			return true
		})
	}
}
